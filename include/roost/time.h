/* roost/time.h - instants and durations.
 *
 * Both are 64-bit counts of nanoseconds. An instant is monotonic: it has no relation to the
 * calendar and no clock adjustment moves it. In simulation it is the virtual clock.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TIME_H
#define ROOST_TIME_H

#include <stdint.h>

#include <roost/config.h>

typedef int64_t roost_time; /* a monotonic instant, in nanoseconds */
typedef int64_t roost_dur;  /* a length of time, in nanoseconds */

#define ROOST_NS(n) ((roost_dur)(n))
#define ROOST_US(n) ((roost_dur)(n)*1000)
#define ROOST_MS(n) ((roost_dur)(n)*1000000)
#define ROOST_SEC(n) ((roost_dur)(n)*1000000000)
#define ROOST_MIN(n) ((roost_dur)(n)*60 * 1000000000)

/* The instant that never comes, and the duration that never ends. */
#define ROOST_NEVER INT64_MAX
#define ROOST_FOREVER INT64_MAX

ROOST_BEGIN_DECLS

/**
 * roost_now - the present instant.
 *
 * Inside a run this is the clock of the running loop; in simulation, the virtual clock. Outside a
 * run it is the system's monotonic clock.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_time roost_now(void);

/**
 * roost_time_add - an instant later by a duration, held at ROOST_NEVER instead of overflowing.
 *
 *   at        the instant.
 *   dur       nanoseconds; ROOST_FOREVER gives ROOST_NEVER; negative goes back.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_time roost_time_add(roost_time at, roost_dur dur);

ROOST_END_DECLS

#endif
