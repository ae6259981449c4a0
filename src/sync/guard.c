/* sync/guard.c - the halves of a guarded wait that are not on the fast path.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/guard.h"

#include "base/assert.h"
#include "rt/inbox.h"

bool roosti_guard_abort(struct roost_task *task)
{
    struct roosti_guard_waiter *waiter = roosti_guard_waiter_of(task->wait.waiter);
    roosti_guard_take(waiter->guard);
    bool queued = waiter->base.queued;
    if (queued)
        roosti_waitq_remove(waiter->queue, &waiter->base);
    roosti_guard_leave(waiter->guard);
    return queued;
}

int roosti_guard_park_shared(struct roosti_guard_waiter *waiter, const char *what)
{
    struct roost_task *task = waiter->base.task;
    struct roosti_loop *loop = task->loop;
    roosti_lock_drop(&waiter->guard->lock);
    /* From here on another thread may have taken the waiter out; the post that wakes the task runs
     * on this loop's own flow, so not before the task has parked. */
    loop->outside++;
    int rc = roosti_park(task, roosti_guard_abort, what, waiter->guard);
    loop->outside--;
    return rc;
}

/* On the loop of the waiting task. */
static void wake_arrived(void *arg)
{
    struct roosti_guard_waiter *waiter = arg;
    roosti_wake(waiter->base.task, waiter->rc);
}

void roosti_guard_wake_shared(struct roost_impl_waiter *base, int rc)
{
    struct roosti_guard_waiter *waiter = roosti_guard_waiter_of(base);
    struct roosti_loop *loop = base->task->loop;
    if (loop == roosti_loop_here) {
        roosti_wake(base->task, rc);
        return;
    }
    waiter->rc = rc;
    roost_post_slot_init(&waiter->post, wake_arrived, waiter);
    rc = roosti_inbox_send(loop->inbox, &waiter->post);
    roosti_require(rc == 0, "a loop outlives the tasks that wait on it");
}

void roosti_wakes_go(const struct roosti_guard *guard, struct roosti_wakes *wakes)
{
    struct roost_impl_waiter *waiter = wakes->first;
    while (waiter) {
        struct roost_impl_waiter *next = waiter->next; /* the waiter is gone when it is woken */
        roosti_guard_wake(guard, waiter, roosti_guard_waiter_of(waiter)->rc);
        waiter = next;
    }
    *wakes = (struct roosti_wakes){NULL, NULL};
}
