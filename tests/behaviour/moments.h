/* tests/behaviour/moments.h - what the behaviours of scopes share: time that has gone by, scopes
 * entered by hand, pipes, tasks that wait.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_MOMENTS_H
#define ROOST_TESTS_MOMENTS_H

#include "kit/behaviour.h"
#include "kit/world.h"

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

struct pipe {
    int fds[2]; /* to read from, to write to; -1: closed */
};
#define PIPE_NONE                                                                                  \
    {                                                                                              \
        {                                                                                          \
            -1, -1                                                                                 \
        }                                                                                          \
    }

static inline void pipe_close(struct pipe *pipe)
{
    for (int end = 0; end < 2; end++) {
        kit_close(pipe->fds[end]);
        pipe->fds[end] = -1;
    }
}

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
