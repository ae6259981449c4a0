/* behaviour/moments.h - what the behaviours share: time that has gone by, time that is wasted,
 * scopes entered by hand, tasks that wait.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_MOMENTS_H
#define ROOST_TESTS_MOMENTS_H

#include "kit/behaviour.h"
#include "port/sim.h"
#include "rt/loop.h"

/* What sleeps this long is meant to be cancelled: far longer than any case takes. Real clocks get
 * by with less, because a torture may cancel whoever was to cancel the sleep. */
#define LONG_TIME (roost_test_virtual() ? ROOST_SEC(3600) : ROOST_SEC(1))

/* The time since an instant: exact where the clock is virtual, elsewhere never less. */
#define CHECK_ELAPSED(want, since)                                                                 \
    do {                                                                                           \
        roost_dur elapsed_ = roost_now() - (since);                                                \
        if (roost_test_virtual())                                                                  \
            CHECK_EQ((want), elapsed_);                                                            \
        else                                                                                       \
            CHECK(elapsed_ >= (want));                                                             \
    } while (0)

/* Keeps the processor, as a computation does. */
static inline void spend(roost_dur dur)
{
    roost_time end = roost_now() + dur;
    if (roost_test_virtual())
        roosti_sim_clock_set(roosti_loop_here->port, end);
    while (roost_now() < end)
        continue;
}

/* To be ended, or left to ROOST_AUTO(scope). */
static inline roost_scope *scope_enter(roost_scope *scope, const roost_scope_opts *opts)
{
    roost_scope_init(scope, opts);
    CHECK_OK(roost_scope_enter(scope));
    return scope;
}

static inline void scope_leave(roost_scope **scope)
{
    roost_scope_cleanup(*scope);
}

/* Enters a scope that tasks of this group steer: its memory lies outside the group's block, where
 * it outlives them, but it is left with the block at the latest. */
#define SCOPE_IN_GROUP(scope, opts)                                                                \
    __attribute__((cleanup(scope_leave), unused)) roost_scope *ROOST_UNIQUE(leave_) =              \
        scope_enter((scope), (opts))

/* Sleeps and returns 0, or what the sleep says. */
ROOST_ASYNC(nap, roost_dur, dur)
{
    ROOST_TRY(roost_sleep(dur));
    return 0;
}

/* Cancels a scope after a while, or at once when cancelled itself: somebody waits for it. */
ROOST_ASYNC(cancel_after, roost_dur, dur, roost_scope *, scope)
{
    int rc = roost_sleep(dur);
    roost_scope_cancel(scope, "after a while");
    return rc;
}

#endif
