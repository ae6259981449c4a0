/* roost/future.h - a value that comes later, set once, from a task, a loop or a thread.
 *
 *     ROOST_AUTO(future) roost_future *answer = NULL;
 *     ROOST_TRY(roost_future_new(sizeof(int), &answer));
 *     roost_future_share(answer);                 a thread will set it
 *     start_thread(roost_future_ref(answer));     which sets it, and lets go of its reference
 *     ROOST_TRY(roost_future_wait(answer, &n));
 *
 * Most programs want a task and roost_join instead, or a channel; a future is for what is completed
 * by somebody who is no task: a thread, a callback of another library, a message that answers an
 * earlier one.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FUTURE_H
#define ROOST_FUTURE_H

#include <stdbool.h>
#include <stddef.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/select.h>

typedef struct roost_future roost_future;

ROOST_BEGIN_DECLS

/**
 * roost_future_new - make a future of the running loop, with nothing set.
 *
 *   value_size  bytes of its value; 0: it only happens.
 *   future      gives one, release with roost_future_unref; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_future_new(size_t value_size, roost_future **future);

/**
 * roost_future_ref - one more reference to a future.
 *
 *   future    borrowed.
 *
 * Returns future; gives a reference, release with roost_future_unref.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_future *roost_future_ref(roost_future *future);

/**
 * roost_future_unref - release a reference. With the last one the future is gone; functions given
 * to roost_future_on_done are then never called.
 *
 *   future    taken; NULL is accepted. No task waits on it when it is the last reference.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_future_unref(roost_future *future);

/**
 * roost_future_set - set the value; every task that waits for it goes on.
 *
 *   future    borrowed.
 *   value     copied, value_size bytes; NULL when that is 0.
 *
 * Suspends  never.
 * Errors    ROOST_EREUSED  set, failed or cancelled before; nothing is changed;
 *           ROOST_ECLOSED  the run it belongs to has ended: the value is there to be peeked at, and
 *           nobody waits for it;
 *           ROOST_EINVAL   value is NULL and value_size is not 0.
 * Threads   any; not signal handlers.
 */
ROOST_API ROOST_MUST int roost_future_set(roost_future *future, const void *value);

/**
 * roost_future_fail - settle it with a failure, which those who wait for it get.
 *
 *   future    borrowed.
 *   rc        negative.
 *
 * Suspends  never.
 * Errors    ROOST_EREUSED, ROOST_ECLOSED  as roost_future_set; ROOST_EINVAL  rc is not negative.
 * Threads   any; not signal handlers.
 */
ROOST_API ROOST_MUST int roost_future_fail(roost_future *future, int rc);

/**
 * roost_future_cancel - fail it with ROOST_ECANCELED; nothing when it is settled already.
 *
 *   future    borrowed.
 *
 * Returns whether it was this call that settled it.
 *
 * Suspends  never.
 * Threads   any; not signal handlers.
 */
ROOST_API bool roost_future_cancel(roost_future *future);

/**
 * roost_future_wait - wait until it is settled. Any number of tasks may.
 *
 *   future    borrowed; a reference is held by somebody until the call returns.
 *   value     receives the value, value_size bytes; written on success only; may be NULL.
 *
 * Suspends  until it is settled.
 * Cancel    ROOST_ECANCELED; the future is untouched. roost_cancelled tells it from a future that
 *           was cancelled itself.
 * Errors    what it failed with; ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a
 *           task.
 * Threads   tasks of the loop it was made on.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_future_wait(roost_future *future, void *value);

/**
 * roost_future_done - whether it is settled: set, failed or cancelled.
 *
 *   future    borrowed.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API bool roost_future_done(const roost_future *future);

/**
 * roost_future_peek - the value, if it is there.
 *
 *   future    borrowed.
 *   value     receives the value, value_size bytes; written on success only; may be NULL.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  not settled yet; what it failed with.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_future_peek(const roost_future *future, void *value);

/**
 * roost_future_on_done - have a function called when it is settled; soon, when it is already.
 *
 * It runs on the loop between two steps of its tasks, as a post does, and must not suspend.
 * Functions are called in the order they were given, and after the waiting tasks were made ready.
 * Once the run has ended none is called.
 *
 *   future    borrowed.
 *   run       called as run(arg, future), once.
 *   arg       lent to run.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_EXLOOP  not the loop it was made on, or no loop; ROOST_ECLOSED  it
 *           is settled, and the run is too far in its end to call anything.
 * Threads   the loop's own: tasks and posts.
 */
ROOST_API ROOST_MUST int roost_future_on_done(roost_future *future,
                                              void (*run)(void *arg, roost_future *future),
                                              void *arg);

/**
 * roost_future_share - say that a thread or another loop will settle it. Until it is settled, or
 * this is taken back, tasks that wait for it are not taken for deadlocked.
 *
 *   future    borrowed. This holds no reference; what is to be used elsewhere needs one.
 *
 * Suspends  never.
 * Threads   any task of its loop; a thread for which it has been shared.
 */
ROOST_API void roost_future_share(roost_future *future);

/**
 * roost_future_unshare - take one roost_future_share back: that thread will not settle it. Settling
 * it takes all of them back.
 *
 *   future    shared, and not unshared as often.
 *
 * Suspends  never.
 * Threads   any; not signal handlers.
 */
ROOST_API void roost_future_unshare(roost_future *future);

/* The kind of case; for the macro. */
extern ROOST_API const struct roost_impl_case_ops roost_impl_case_future;

ROOST_END_DECLS

/* ROOST_CASE_FUTURE(future, value): roost_future_wait, for roost_select; value may be NULL. */
#define ROOST_CASE_FUTURE(future, value)                                                           \
    roost_impl_case(&roost_impl_case_future, (future), (value), 0)

/* For ROOST_AUTO(future). */
static inline void roost_future_cleanup(roost_future **future)
{
    roost_future_unref(*future);
}

#endif
