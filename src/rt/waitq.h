/* rt/waitq.h - queues of parked tasks.
 *
 * A task is in at most one queue, and only while it is WAITING: the links are those of the run
 * queue and of its wait record.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_WAITQ_H
#define ROOST_RT_WAITQ_H

#include <roost/impl/waitq.h>

#include "rt/task.h"

static inline void roosti_waitq_push(struct roost_impl_waitq *queue, struct roost_task *task)
{
    task->run_next = NULL;
    task->wait.prev = queue->last;
    if (queue->last)
        queue->last->run_next = task;
    else
        queue->first = task;
    queue->last = task;
}

static inline void roosti_waitq_remove(struct roost_impl_waitq *queue, struct roost_task *task)
{
    if (task->run_next)
        task->run_next->wait.prev = task->wait.prev;
    else
        queue->last = task->wait.prev;
    if (task->wait.prev)
        task->wait.prev->run_next = task->run_next;
    else
        queue->first = task->run_next;
}

/* The oldest waiter, taken out; NULL when there is none. */
static inline struct roost_task *roosti_waitq_pop(struct roost_impl_waitq *queue)
{
    struct roost_task *task = queue->first;
    if (task)
        roosti_waitq_remove(queue, task);
    return task;
}

#endif
