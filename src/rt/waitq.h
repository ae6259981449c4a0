/* rt/waitq.h - queues of parked tasks: what every lock, channel and limit stands on.
 *
 * A waiter lies in the frame of the call that parks, so a queue can hold any number and a task can
 * be in several at once (select). Whoever lets a task go takes its waiter out first: that is the
 * hand-over, after which nobody else can take the task's place and a cancellation comes too late.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_WAITQ_H
#define ROOST_RT_WAITQ_H

#include <roost/impl/waitq.h>

#include "base/atomic.h"
#include "rt/task.h"

/* Several waiters of which only one is served: the cases of one select. */
struct roosti_pick {
    uint32_t taken; /* atomic: 1 from the first claim on */
    struct roost_impl_waiter *winner;
};

struct roost_impl_waiter {
    struct roost_impl_waiter *next;
    struct roost_impl_waiter *prev;
    struct roost_task *task;
    struct roosti_pick *pick; /* NULL: it waits for this alone */
    void *slot;               /* where a value handed over comes from, or goes */
    uint32_t want;            /* the queue's own: permits, the mode of a lock */
    bool queued;
};

static inline void roosti_waitq_push(struct roost_impl_waitq *queue,
                                     struct roost_impl_waiter *waiter)
{
    waiter->next = NULL;
    waiter->prev = queue->last;
    waiter->queued = true;
    *(queue->last ? &queue->last->next : &queue->first) = waiter;
    queue->last = waiter;
}

static inline void roosti_waitq_remove(struct roost_impl_waitq *queue,
                                       struct roost_impl_waiter *waiter)
{
    *(waiter->next ? &waiter->next->prev : &queue->last) = waiter->prev;
    *(waiter->prev ? &waiter->prev->next : &queue->first) = waiter->next;
    waiter->queued = false;
}

/* Whether this waiter is the one to be served: true once for the waiters of a select. */
static inline bool roosti_waiter_claim(struct roost_impl_waiter *waiter)
{
    struct roosti_pick *pick = waiter->pick;
    if (roosti_likely(!pick))
        return true;
    uint32_t none = 0;
    if (!roosti_atomic_cas(&pick->taken, &none, 1, ROOSTI_ACQ_REL))
        return false;
    pick->winner = waiter;
    return true;
}

/* The oldest waiter that can be served, claimed and taken out; NULL when there is none. */
static inline struct roost_impl_waiter *roosti_waitq_pop(struct roost_impl_waitq *queue)
{
    struct roost_impl_waiter *waiter;
    while ((waiter = queue->first) != NULL) {
        roosti_waitq_remove(queue, waiter);
        if (roosti_waiter_claim(waiter))
            break;
    }
    return waiter;
}

/* Lets the oldest waiter go with rc; false when there is none. */
static inline bool roosti_waitq_wake(struct roost_impl_waitq *queue, int rc)
{
    struct roost_impl_waiter *waiter = roosti_waitq_pop(queue);
    if (waiter)
        roosti_wake(waiter->task, rc);
    return waiter;
}

/* How many wait, for figures: without those that were served elsewhere and have not run since. */
static inline uint32_t roosti_waitq_count(const struct roost_impl_waitq *queue)
{
    uint32_t count = 0;
    for (const struct roost_impl_waiter *at = queue->first; at; at = at->next)
        count += !at->pick || !roosti_atomic_load(&at->pick->taken, ROOSTI_RELAXED);
    return count;
}

/* Queues the running task and parks it; returns what it is woken with. The frame keeps the waiter.
 * abort: may use task->wait.waiter; one that only waits in line uses roosti_waitq_abort, with the
 * queue as `on`. */
static inline int roosti_waitq_park(struct roost_impl_waitq *queue,
                                    struct roost_impl_waiter *waiter, roosti_abort_fn abort,
                                    const char *what, void *on)
{
    waiter->task->wait.waiter = waiter;
    roosti_waitq_push(queue, waiter);
    return roosti_park(waiter->task, abort, what, on);
}

static inline bool roosti_waitq_abort(struct roost_task *task)
{
    roosti_waitq_remove(task->wait.on, task->wait.waiter);
    return true;
}

#endif
