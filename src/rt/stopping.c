/* rt/stopping.c - orderly shutdown: asking what runs in a scope to finish, before cancelling it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"
#include "rt/scope.h"
#include "rt/waitq.h"

static void scope_grace_over(struct roost_impl_timer *timer)
{
    roosti_scope_cancel_for(roosti_container(timer, roost_scope, priv.timer), 0, "shutdown");
}

void roost_scope_shutdown(roost_scope *scope, roost_dur grace)
{
    if (!(scope->priv.flags & ROOSTI_SCOPE_OPEN) || !scope->priv.task)
        return;
    scope->priv.flags |= ROOSTI_SCOPE_SOFT;
    for (roost_scope *at = scope; at; at = roosti_scope_next(at, scope)) {
        struct roost_task *task = at->priv.task;
        if (task && task->soft_waiting && task->state == ROOSTI_TASK_WAITING) {
            /* A select may have been served by another of its cases already. */
            if (task->wait.waiter && !roosti_waiter_claim(task->wait.waiter))
                continue;
            task->soft_waiting = false;
            task->loop->forever--;
            roosti_wake(task, 0);
        }
    }
    if (grace <= 0) {
        roosti_scope_cancel_for(scope, 0, "shutdown");
        return;
    }
    roost_time end = roost_time_add(roost_now(), grace);
    if (end >= roost_scope_deadline(scope) || (scope->priv.flags & ROOSTI_SCOPE_CANCELLED))
        return;
    struct roosti_timers *timers = &scope->priv.task->loop->timers;
    roosti_timer_cancel(timers, &scope->priv.timer);
    scope->priv.flags = (scope->priv.flags & ~(uint32_t)ROOSTI_SCOPE_UNARMED) | ROOSTI_SCOPE_DUE;
    scope->priv.timer.fire = scope_grace_over;
    roosti_timer_arm(timers, &scope->priv.timer, end);
}

static bool task_is_stopping(const struct roost_task *task)
{
    for (const roost_scope *scope = task->scope; scope; scope = scope->priv.parent)
        if (scope->priv.flags & ROOSTI_SCOPE_SOFT)
            return true;
    return false;
}

bool roost_stopping(void)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return false;
    task->loop->soft_used = true;
    return task_is_stopping(task);
}

static bool stopping_abort(struct roost_task *task)
{
    task->soft_waiting = false;
    task->loop->forever--;
    return true;
}

int roost_wait_stopping(void)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    int rc = roosti_op_begin(task->loop, task);
    if (rc < 0)
        return rc;
    task->loop->soft_used = true;
    if (task_is_stopping(task))
        return 0;
    task->soft_waiting = true;
    task->wait.waiter = NULL;
    task->loop->forever++;
    return roosti_park(task, stopping_abort, "roost_wait_stopping", NULL);
}
