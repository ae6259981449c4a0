/* sync/guard.h - what makes one implementation serve the tasks of one loop, or those of several.
 *
 * An object begins with a guard. Not shared, the guard costs a comparison: it holds the object to
 * the loop that used it first. Shared, it is a lock around the object's state, and a task of
 * another loop is woken by a post to its loop. The code between enter and leave is the same:
 *
 *     rc = roosti_guard_enter(&x->guard, roosti_loop_here);
 *     if (rc < 0)
 *         return rc;
 *     if (there is something to hand over to the oldest waiter) {
 *         waiter = roosti_waitq_pop(&x->waiters);        claimed and out of the queue
 *         write to waiter->slot;
 *         roosti_guard_leave(&x->guard);
 *         roosti_guard_wake(&x->guard, waiter, 0);       never before leave
 *         return 0;
 *     }
 *     ROOSTI_UNSET struct roosti_guard_waiter waiter;
 *     waiter.base = (struct roost_impl_waiter){.task = self, .slot = item};
 *     return roosti_guard_park(&x->guard, &x->waiters, &waiter, "what it waits for");
 *
 * Four rules make this safe:
 * - A wake-up comes after leave. Waking tells the instruments, who may use the same object.
 * - A waiter that was taken out stays where it is until it is woken: a cancellation finds it out of
 *   the queue and comes too late. So it may be written to and chained after leave as well.
 * - A woken task touches the object again only after it has entered it again: when it is woken
 *   because the object was closed, the object may be gone.
 * - A shared object stays until those who wait on it run again, not only until they are taken out:
 *   while the wake-up is on its way a cancellation still enters the guard. Either its contract says
 *   so (no call under way when it is closed), or the waiting call holds a reference.
 *
 * The loop of a parked task is open, for it does not end before its tasks; so the post of a wake-up
 * always finds its inbox, and the task's frame, in which the post lies, stands until it has run.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_GUARD_H
#define ROOST_SYNC_GUARD_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/post.h>

#include "port/host.h"
#include "rt/loop.h"
#include "rt/waitq.h"

/* Zeroed: not shared, used by no loop yet. */
struct roosti_guard {
    struct roosti_lock lock; /* shared */
    uint32_t stamp;          /* not shared: the loop that used the object first */
    bool shared;             /* set before the first use, never changed */
};

/* Before a waiter on the stack: it shall not be cleared as the hardened build does with locals,
 * which would take longer than the rest of a hand-over. */
#define ROOSTI_UNSET __attribute__((uninitialized))

/* A place in a queue of a guarded object. Set `base` but for its links, and owner when it is of
 * use; the rest is written when it parks or is woken. */
struct roosti_guard_waiter {
    struct roost_impl_waiter base;
    void *owner; /* the object's own, such as the handle the task used */
    struct roosti_guard *guard;
    struct roost_impl_waitq *queue;
    int rc;               /* what it is woken with, while the wake-up is on its way */
    roost_post_slot post; /* from another loop or thread */
};

/* Several that are to be woken when the guard has been left, oldest first. Zeroed: none. */
struct roosti_wakes {
    struct roost_impl_waiter *first;
    struct roost_impl_waiter *last;
};

static inline struct roosti_guard_waiter *roosti_guard_waiter_of(struct roost_impl_waiter *waiter)
{
    return roosti_container(waiter, struct roosti_guard_waiter, base);
}

/* Enters without the question whose the object is: for aborts, and for what may happen after the
 * run, such as closing. */
static inline void roosti_guard_take(struct roosti_guard *guard)
{
    if (roosti_unlikely(guard->shared))
        roosti_lock_take(&guard->lock);
}

/* loop: the calling thread's, NULL without. 0; or, not entered, ROOST_EXLOOP: not shared and used
 * by another loop of the run before; ROOST_ENOCTX: not shared, and this thread runs no loop. */
static inline int roosti_guard_enter(struct roosti_guard *guard, struct roosti_loop *loop)
{
    if (roosti_unlikely(guard->shared)) {
        roosti_lock_take(&guard->lock);
        return 0;
    }
    return roosti_likely(loop) ? roosti_loop_owns(loop, &guard->stamp) : ROOST_ENOCTX;
}

static inline void roosti_guard_leave(struct roosti_guard *guard)
{
    if (roosti_unlikely(guard->shared))
        roosti_lock_drop(&guard->lock);
}

/* Undoes a wait of roosti_guard_park: true when the waiter was still in its queue. */
bool roosti_guard_abort(struct roost_task *task);

/* The slow halves of the two below. */
int roosti_guard_park_shared(struct roosti_guard_waiter *waiter, const char *what);
void roosti_guard_wake_shared(struct roost_impl_waiter *waiter, int rc);

/* Inside: queues the running task, leaves the guard and parks. Returns what it is woken with. */
static inline int roosti_guard_park(struct roosti_guard *guard, struct roost_impl_waitq *queue,
                                    struct roosti_guard_waiter *waiter, const char *what)
{
    waiter->guard = guard;
    waiter->queue = queue;
    waiter->base.task->wait.waiter = &waiter->base;
    roosti_waitq_push(queue, &waiter->base);
    if (roosti_unlikely(guard->shared))
        return roosti_guard_park_shared(waiter, what);
    return roosti_park(waiter->base.task, roosti_guard_abort, what, guard);
}

/* Outside again: lets a waiter go that was taken out of its queue inside. The caller's hold on the
 * object keeps the guard there; the waiter is gone afterwards. */
static inline void roosti_guard_wake(const struct roosti_guard *guard,
                                     struct roost_impl_waiter *waiter, int rc)
{
    if (roosti_unlikely(guard->shared))
        roosti_guard_wake_shared(waiter, rc);
    else
        roosti_wake(waiter->task, rc);
}

/* Inside: keeps a waiter that was taken out of its queue for roosti_wakes_go. */
static inline void roosti_wakes_add(struct roosti_wakes *wakes, struct roost_impl_waiter *waiter,
                                    int rc)
{
    roosti_guard_waiter_of(waiter)->rc = rc;
    waiter->next = NULL;
    *(wakes->last ? &wakes->last->next : &wakes->first) = waiter;
    wakes->last = waiter;
}

/* Inside: takes every waiter out of a queue, to be woken with rc. */
static inline void roosti_wakes_add_all(struct roosti_wakes *wakes, struct roost_impl_waitq *queue,
                                        int rc)
{
    struct roost_impl_waiter *waiter;
    while ((waiter = roosti_waitq_pop(queue)) != NULL)
        roosti_wakes_add(wakes, waiter, rc);
}

/* Outside again: wakes them all. */
void roosti_wakes_go(const struct roosti_guard *guard, struct roosti_wakes *wakes);

#endif
