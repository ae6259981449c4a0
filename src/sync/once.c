/* sync/once.c - one call for everybody.
 *
 * A waiter is let go with the result, or with MAKE_IT: the call is its own to make then. `maker` is
 * set to it at once, before it runs, so nobody who comes meanwhile begins a second one; and when it
 * has been cancelled by then, it makes a call that is refused, and the turn goes on in line.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/once.h>

#include "rt/loop.h"
#include "rt/waitq.h"

/* No result of a call reaches a waiter but success, so a code is free to say this. */
enum { MAKE_IT = ROOST_EAGAIN };

static void once_tell(roost_once *once, int rc)
{
    if (rc >= 0) {
        once->priv.done = true;
        once->priv.result = rc;
        once->priv.maker = NULL;
        while (roosti_waitq_wake(&once->priv.waiters, rc))
            continue;
        return;
    }
    struct roost_impl_waiter *next = roosti_waitq_pop(&once->priv.waiters);
    once->priv.maker = next ? next->task : NULL;
    if (next)
        roosti_wake(next->task, MAKE_IT);
}

int roost_once_do(roost_once *once, roost_call call)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    int rc = roosti_loop_owns(task->loop, &once->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_op_begin(task->loop, task);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (once->priv.done)
        return once->priv.result;
    if (once->priv.maker) {
        if (roosti_task_depends(once->priv.maker, task))
            return ROOST_EDEADLK;
        struct roost_impl_waiter waiter = {.task = task};
        task->wait.whom = &once->priv.maker;
        rc = roosti_waitq_park(&once->priv.waiters, &waiter, roosti_waitq_abort, "once",
                               &once->priv.waiters);
        task->wait.whom = NULL;
        if (rc != MAKE_IT)
            return rc;
    }
    once->priv.maker = task;
    rc = (*call.args)->entry((void *)(uintptr_t)call.args);
    once_tell(once, rc);
    return rc;
}

bool roost_once_done(const roost_once *once)
{
    return once->priv.done;
}
