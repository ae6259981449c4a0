/* roost/select.h - waiting for several things at once, and taking exactly one.
 *
 *     roost_case cases[] = {
 *         ROOST_CASE_RECV(orders, &order),
 *         ROOST_CASE_SEND(log, &line),
 *         ROOST_CASE_AFTER(ROOST_SEC(1)),
 *     };
 *     int which = roost_select(cases, 3);
 *     if (which == 0 && cases[0].rc == 0)
 *         handle(&order);
 *
 * Of the cases that can go on at once the first in order is taken, without waiting; otherwise the
 * first that becomes ready. What was taken has happened as if its own call had been made, and its
 * code is in its `rc`; nothing has happened to the others: no item was received or sent, no lock is
 * held. A channel that is closed is ready, with its code.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SELECT_H
#define ROOST_SELECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/time.h>

struct roost_chan;
struct roost_event;
struct roost_mutex;
struct roost_sem;
struct roost_task;

/* What a kind of case knows to do; for people who extend the library. */
struct roost_impl_case_ops;

/* One of the things waited for. Made by the macros below; may be used again and again. */
typedef struct roost_case {
    int rc; /* what its own call would have returned; written when it is taken */
    struct {
        const struct roost_impl_case_ops *ops; /* NULL: never ready */
        void *on;                              /* the object; NULL: never ready */
        void *slot;                            /* where a value comes from, or goes; may be NULL */
        int64_t number;                        /* nanoseconds, descriptor, permits */
    } priv;
} roost_case;

/* Zero means default. */
typedef struct roost_select_opts {
    bool fair; /* among several that are ready any is taken, as the seed of the run says */
} roost_select_opts;

ROOST_BEGIN_DECLS

/**
 * roost_select - wait until one of several cases can go on, and take it.
 *
 *   cases     count of them; the rc of the one that was taken is written.
 *   count     0 waits until cancelled.
 *
 * Returns the index of the case that was taken.
 *
 * Suspends  until a case is ready; or to give way (roost_checkpoint).
 * Cancel    ROOST_ECANCELED; nothing was taken.
 * Errors    ROOST_ENOMEM  more than 8 cases, and no memory; ROOST_EINVAL  more than 65,536 cases;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks of the loop that the objects belong to; those that are shared, any.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_select(roost_case *cases, size_t count);

/**
 * roost_select_with - roost_select with options.
 *
 *   cases     as for roost_select.
 *   count     as for roost_select.
 *   opts      copied; NULL for defaults.
 *
 * Suspends  as roost_select.
 * Cancel    ROOST_ECANCELED; nothing was taken.
 * Errors    those of roost_select.
 * Threads   as for roost_select.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_select_with(roost_case *cases, size_t count,
                                                          const roost_select_opts *opts);

/**
 * roost_select_fair - roost_select where no ready case is preferred.
 *
 *   cases     as for roost_select.
 *   count     as for roost_select.
 *
 * Suspends  as roost_select.
 * Cancel    ROOST_ECANCELED; nothing was taken.
 * Errors    those of roost_select.
 * Threads   as for roost_select.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_select_fair(roost_case *cases, size_t count);

/* The kinds of cases; for the macros. */
extern ROOST_API const struct roost_impl_case_ops roost_impl_case_recv, roost_impl_case_send,
    roost_impl_case_join, roost_impl_case_after, roost_impl_case_at, roost_impl_case_readable,
    roost_impl_case_writable, roost_impl_case_stopping, roost_impl_case_lock,
    roost_impl_case_acquire, roost_impl_case_event;

ROOST_END_DECLS

/* What the macros make: a case of this kind. For kinds without an object any pointer stands. */
static inline roost_case roost_impl_case(const struct roost_impl_case_ops *ops, void *on,
                                         void *slot, int64_t number)
{
    roost_case made;
    made.rc = 0;
    made.priv.ops = ops;
    made.priv.on = on;
    made.priv.slot = slot;
    made.priv.number = number;
    return made;
}

static inline roost_case roost_case_recv(struct roost_chan *ch, void *item)
{
    return roost_impl_case(&roost_impl_case_recv, ch, item, 0);
}

static inline roost_case roost_case_send(struct roost_chan *ch, const void *item)
{
    return roost_impl_case(&roost_impl_case_send, ch, (void *)(uintptr_t)item, 0);
}

static inline roost_case roost_case_join(struct roost_task *task, int *result)
{
    return roost_impl_case(&roost_impl_case_join, task, result, 0);
}

static inline roost_case roost_case_timed(const struct roost_impl_case_ops *ops, int64_t ns)
{
    return roost_impl_case(ops, (void *)(uintptr_t)ops, NULL, ns);
}

/* ROOST_CASE_RECV(ch, item), ROOST_CASE_SEND(ch, item): roost_chan_recv, roost_chan_send. */
#define ROOST_CASE_RECV(ch, item) roost_case_recv((ch), (item))
#define ROOST_CASE_SEND(ch, item) roost_case_send((ch), (item))

/* ROOST_CASE_JOIN(task, result): roost_join; result may be NULL. */
#define ROOST_CASE_JOIN(task, result) roost_case_join((task), (result))

/* ROOST_CASE_AFTER(dur), ROOST_CASE_AT(at): a length of time from the call on; an instant. Zero, or
 * the past, is ready at once, so that a select with such a case as its last never waits. */
#define ROOST_CASE_AFTER(dur) roost_case_timed(&roost_impl_case_after, (dur))
#define ROOST_CASE_AT(at) roost_case_timed(&roost_impl_case_at, (at))

/* ROOST_CASE_READABLE(fd), ROOST_CASE_WRITABLE(fd): the descriptor can be read, or written, without
 * waiting, or has failed. A descriptor is asked only when no other case is ready. */
#define ROOST_CASE_READABLE(fd) roost_case_timed(&roost_impl_case_readable, (fd))
#define ROOST_CASE_WRITABLE(fd) roost_case_timed(&roost_impl_case_writable, (fd))

/* ROOST_CASE_STOPPING(): roost_wait_stopping; an orderly shutdown has begun. */
#define ROOST_CASE_STOPPING() roost_case_timed(&roost_impl_case_stopping, 0)

/* ROOST_CASE_LOCK(mutex), ROOST_CASE_ACQUIRE(sem), ROOST_CASE_EVENT(event): roost_mutex_lock,
 * roost_sem_acquire, roost_event_wait. */
#define ROOST_CASE_LOCK(mutex) roost_impl_case(&roost_impl_case_lock, (mutex), NULL, 0)
#define ROOST_CASE_ACQUIRE(sem) roost_impl_case(&roost_impl_case_acquire, (sem), NULL, 1)
#define ROOST_CASE_EVENT(event) roost_impl_case(&roost_impl_case_event, (event), NULL, 0)

#endif
