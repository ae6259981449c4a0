/* roost/once.h - once: a call that is made by whoever comes first, for everybody.
 *
 *     static roost_once loaded;
 *
 *     ROOST_TRY(roost_once_do(&loaded, ROOST_CALL(load_settings, "app.conf")));
 *
 * Who comes while the call is being made waits for it and gets its result. Only success is kept:
 * when the call fails, or its maker is cancelled, the next in line makes it anew.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_ONCE_H
#define ROOST_ONCE_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/waitq.h>

struct roost_task;

/* Caller's memory; zeroed: not done. All members are private. */
typedef struct roost_once {
    struct {
        struct roost_task *maker; /* who makes the call now, or has been told to; NULL: nobody */
        int result;               /* when done */
        bool done;
        uint32_t loop_id; /* the loop that uses it; 0: none yet */
        struct roost_impl_waitq waiters;
    } priv;
} roost_once;

/* clang-format off */
#define ROOST_ONCE_INIT {{0, 0, false, 0, {0, 0}}}
/* clang-format on */

ROOST_BEGIN_DECLS

/**
 * roost_once_do - make a call unless it has been made, or wait for whoever is making it.
 *
 *   once      zeroed at first; stays where it is while tasks are in this call.
 *   call      borrowed; made in the running task, or not at all.
 *
 * Returns the result of the call that succeeded, whoever made it; or of this task's own that
 * failed.
 *
 * Suspends  while another task makes the call, and as the call does.
 * Cancel    ROOST_ECANCELED while waiting: nothing is left behind; while making the call: what the
 *           call makes of it, and unless that is success the next in line makes it.
 * Errors    those of the call; ROOST_EDEADLK  whoever makes the call waits for this task, or is it;
 *           ROOST_ENOCTX  not in a task; ROOST_EXLOOP  it belongs to another loop.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_once_do(roost_once *once, roost_call call);

/**
 * roost_once_done - whether the call has succeeded.
 *
 *   once      zeroed at first.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API bool roost_once_done(const roost_once *once);

ROOST_END_DECLS

#endif
