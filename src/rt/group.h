/* rt/group.h - groups, as the rest of the runtime uses them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_GROUP_H
#define ROOST_RT_GROUP_H

#include <roost/group.h>

#include "rt/waitq.h"

struct roosti_loop;
struct roost_task;

enum roosti_group_state { ROOSTI_GROUP_DEAD, ROOSTI_GROUP_OPEN, ROOSTI_GROUP_ENDED };

/* An error as a list keeps it. */
struct roost_impl_error {
    roost_error error;
    roost_errors *inner; /* owned; NULL: it did not come out of a group */
};

/* A group without an owner, whose end the loop's own flow watches. */
void roosti_group_root(roost_group *group, enum roost_group_policy policy, const char *label);

/* Records a failure (task NULL: of the body) and cancels the others unless the policy collects. */
void roosti_group_fail(roost_group *group, struct roost_task *task, int rc, const char *reason);

/* A place among the live tasks: taken, or false when the group is at its limit. */
static inline bool roosti_group_place_take(roost_group *group)
{
    if (roosti_unlikely(group->priv.limit != 0 && group->priv.live >= group->priv.limit))
        return false;
    group->priv.live++;
    return true;
}

/* Given back: to the first spawner that waits for one, if any does. */
static inline void roosti_group_place_give(roost_group *group)
{
    if (roosti_unlikely(group->priv.waiters.first != NULL)) {
        (void)roosti_waitq_wake(&group->priv.waiters, 0);
    } else if (--group->priv.live == 0 && group->priv.joining) {
        group->priv.joining = false; /* woken once, however often this place comes back */
        roosti_wake(group->priv.owner, 0);
    }
}

/* Links a new task, whose place has been taken already. */
static inline void roosti_group_link(roost_group *group, struct roost_task *task)
{
    struct roost_task *last = group->priv.last;
    task->next = NULL;
    task->prev = last;
    *(last ? &last->next : &group->priv.first) = task;
    group->priv.last = task;
    group->priv.spawned++;
}

static inline void roosti_group_unlink(roost_group *group, struct roost_task *task)
{
    *(task->next ? &task->next->prev : &group->priv.last) = task->prev;
    *(task->prev ? &task->prev->next : &group->priv.first) = task->next;
}

/* Adds the error a task (NULL: the body, or a failed spawn) met. */
void roosti_errors_add(roost_errors *errors, struct roost_task *task, int code);

#endif
