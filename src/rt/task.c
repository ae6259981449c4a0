/* rt/task.c - tasks as their handles show them: identity, joining, cancelling.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/task.h"

#include <stdio.h>

#include "rt/group.h"
#include "rt/loop.h"
#include "rt/scope.h"

roost_task *roost_task_self(void)
{
    return roosti_self();
}

uint64_t roost_task_id(const roost_task *task)
{
    return task->id;
}

const char *roost_task_name(const roost_task *task)
{
    return task->name[0] ? task->name : roosti_task_info(task)->name;
}

void roosti_task_set_name(struct roost_task *task, const char *name)
{
    snprintf(task->name, sizeof task->name, "%s", name);
}

int roost_task_set_name(const char *name)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    roosti_task_set_name(task, name ? name : "");
    return 0;
}

bool roost_task_done(const roost_task *task)
{
    return task->state == ROOSTI_TASK_FINISHED;
}

void roost_task_cancel(roost_task *task, const char *reason)
{
    roosti_scope_cancel_for(&task->root, 0, reason);
}

/* Takes a finished task out of its group and gives its memory back. */
static void task_take(struct roost_task *task)
{
    roosti_group_unlink(task->group, task);
    roosti_task_free(task);
}

void roost_task_drop(roost_task *task)
{
    if (!task)
        return;
    roosti_require(task->kept, "a handle is dropped once");
    task->kept = false;
    if (task->state != ROOSTI_TASK_FINISHED)
        return;
    roosti_task_disclaim(task);
    task_take(task);
}

static bool join_abort(struct roost_task *self)
{
    ((struct roost_task *)self->wait.on)->joiner = NULL;
    return true;
}

const struct roost_task *roosti_task_joins(const struct roost_task *task)
{
    bool joins = task->state == ROOSTI_TASK_WAITING && task->wait.abort == join_abort;
    return joins ? task->wait.on : NULL;
}

const struct roost_task *roosti_task_awaits(const struct roost_task *task)
{
    if (task->state == ROOSTI_TASK_WAITING && task->wait.whom)
        return *task->wait.whom;
    return roosti_task_joins(task);
}

/* Whether `owner` is parked in the end of a group that `task` lives in, at whatever depth. */
static bool ends_around(const struct roost_task *owner, const struct roost_task *task)
{
    for (const roost_group *group = task->group; group->priv.owner;
         group = group->priv.owner->group)
        if (group->priv.owner == owner)
            return group->priv.joining;
    return false;
}

bool roosti_task_depends(const struct roost_task *task, const struct roost_task *self)
{
    for (; task; task = roosti_task_awaits(task))
        if (task == self || ends_around(task, self))
            return true;
    return false;
}

/* Whether somebody else joins the task already, or `waiter` waiting for it would close a circle: it
 * is, or waits for, or owns a group around, the waiter. */
static __attribute__((noinline)) bool join_is_refused_slow(const struct roost_task *waiter,
                                                           const struct roost_task *task)
{
    if (task->joiner)
        return true;
    for (const struct roost_task *at = waiter; at; at = at->group->priv.owner)
        if (at == task)
            return true;
    return roosti_task_depends(task, waiter);
}

/* An owner is older than the tasks of its groups, so a younger task that waits for nothing is fine.
 */
static inline bool join_is_refused(const struct roost_task *waiter, const struct roost_task *task)
{
    return roosti_unlikely(task->id <= waiter->id || task->state == ROOSTI_TASK_WAITING ||
                           task->joiner) &&
           join_is_refused_slow(waiter, task);
}

void roosti_task_disclaim(struct roost_task *task)
{
    if (task->joiner)
        task->joiner->wait.on = NULL;
    task->joiner = NULL;
}

/* Gives way with a finished task in hand, for joining counts as an operation, and takes it then:
 * meanwhile others who join it are told that they are late, and its group may end. */
static __attribute__((noinline)) void join_late(struct roost_task *self, struct roost_task *task)
{
    task->joiner = self;
    self->wait.on = task;
    roosti_op_charge_slow(self);
    if (self->wait.on != task)
        return;
    task->joiner = NULL;
    task_take(task);
}

int roost_join(roost_task *task, int *result)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(!task))
        return ROOST_EINVAL;
    if (roosti_unlikely(task->loop != self->loop))
        return ROOST_EXLOOP;
    if (roosti_unlikely(!task->kept)) {
        if (task == self)
            return ROOST_EDEADLK;
        roosti_require(false, "a task is joined by its handle, once");
    }
    if (roosti_unlikely(task->joiner != NULL))
        return ROOST_EBUSY;
    /* No turn is given before the task is taken or joined: another could take it meanwhile, and
     * what is left of it could go with its group. */
    int rc = roosti_op_refused(self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (task->state != ROOSTI_TASK_FINISHED) {
        if (roosti_unlikely(join_is_refused(self, task)))
            return task->joiner ? ROOST_EBUSY : ROOST_EDEADLK;
        task->joiner = self;
        rc = roosti_park(self, join_abort, "join", task);
        if (rc == 0 && result)
            *result = self->join_result;
        return rc;
    }
    if (result)
        *result = task->result;
    if (roosti_unlikely(--self->loop->op_credit < 0))
        join_late(self, task);
    else
        task_take(task);
    return 0;
}
