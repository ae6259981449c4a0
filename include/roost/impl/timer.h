/* roost/impl/timer.h - the node of a timer, embedded in the objects that have a deadline.
 *
 * Intrusive, so arming a timer cannot fail. For people who extend the runtime.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_TIMER_H
#define ROOST_IMPL_TIMER_H

#include <stdint.h>

#include <roost/time.h>

struct roost_impl_timer {
    struct roost_impl_timer *next;
    struct roost_impl_timer *prev;
    roost_time due;
    uint64_t seq;                                 /* order of arming, breaks ties */
    void (*fire)(struct roost_impl_timer *timer); /* on the loop; the timer is at rest by then */
    uint32_t where;                               /* 0: at rest; else 1 + index of its slot */
};

#endif
