/* rt/held.h - the list of what a task holds.
 *
 * Singly linked: what was taken last is mostly let go first. Whoever waits for the end of a task
 * without joining it hangs a look-out on the same list (flow/wait.c), for it is told then as well.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_HELD_H
#define ROOST_RT_HELD_H

#include <roost/impl/held.h>

#include "rt/loop.h"

static inline void roosti_held_push(struct roost_task *task, struct roost_impl_held *held)
{
    held->next = task->held;
    task->held = held;
}

/* held: on the list of this task. */
static inline void roosti_held_remove(struct roost_task *task, struct roost_impl_held *held)
{
    struct roost_impl_held **link = &task->held;
    while (roosti_unlikely(*link != held))
        link = &(*link)->next;
    *link = held->next;
}

/* Whether it lay in a frame of this task, which has returned: then there is nothing left to read.
 */
static inline bool roosti_held_lost(const struct roost_task *task,
                                    const struct roost_impl_held *held)
{
    uintptr_t at = (uintptr_t)held;
    return at < (uintptr_t)task && at >= (uintptr_t)task->stack_top - task->loop->stacks.slot_size;
}

/* The task has ended: everything it still holds is told, newest first. */
static inline void roosti_held_orphan(struct roost_task *task)
{
    while (task->held) {
        struct roost_impl_held *held = task->held;
        roosti_require(!roosti_held_lost(task, held),
                       "what a task holds is let go before the function it lies in returns");
        task->held = held->next;
        held->orphan(held);
    }
}

#endif
