/* roost/portal.h - a way into a loop for threads that roost did not start.
 *
 * A task opens a portal and hands it out; the threads make async calls through it and block for
 * their results. The calls are tasks of the block between roost_portal_open and
 * roost_portal_close: they end before it does.
 *
 *     ROOST_TRY(roost_portal_open(&portal));        a task
 *     ... rc = roost_portal_call(portal, ROOST_CALL(fetch_user, 7, &user), &result);  a thread
 *     roost_ignore(roost_portal_close(portal));     the task, when it has had enough
 *
 * While a portal is open the run does not take an idle loop for a deadlock. A program without a
 * loop of its own starts one on a thread: roost_portal_run.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORTAL_H
#define ROOST_PORTAL_H

#include <stdbool.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/run.h>

/* Counted references: the one roost_portal_open gives, and one for each thread that may outlive
 * it. A closed portal answers ROOST_ECLOSED as long as there is one. */
typedef struct roost_portal roost_portal;

/* A call that was started through a portal. */
typedef struct roost_portal_handle roost_portal_handle;

ROOST_BEGIN_DECLS

/**
 * roost_portal_open - open a portal into the running loop. It begins a group in the calling task,
 * in which the calls will run; portal and scopes are left in reverse order.
 *
 *   portal    gives one, to be closed by this task, then released with roost_portal_unref; written
 *             on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_portal_open(roost_portal **portal);

/**
 * roost_portal_close - let no more calls in and wait until those inside have finished. See
 * roost_portal_cancel for not waiting long.
 *
 *   portal    open; stays valid until roost_portal_unref. Closed before: no effect.
 *
 * Suspends  until the calls have finished.
 * Cancel    ROOST_ECANCELED  goes to the calls; they have finished all the same.
 * Errors    ROOST_EMISNEST  opened by another task, or a scope inside has not been left: nothing
 *           was done; ROOST_ENOCTX  not in a task.
 * Threads   the task that opened it.
 */
ROOST_API ROOST_SUSPENDS int roost_portal_close(roost_portal *portal);

/**
 * roost_portal_cancel - cancel all calls that are inside. Later ones are let in.
 *
 *   portal    borrowed.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_portal_cancel(roost_portal *portal);

/**
 * roost_portal_ref - one more reference, for a thread of its own life.
 *
 *   portal    referenced by the caller.
 *
 * Returns portal.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_portal *roost_portal_ref(roost_portal *portal);

/**
 * roost_portal_unref - drop a reference; the last one frees the portal, which is closed by then.
 *
 *   portal    taken; NULL is accepted.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_portal_unref(roost_portal *portal);

/**
 * roost_portal_call - make a call as a task of the portal's loop, and wait for its result.
 *
 *   portal    borrowed.
 *   call      borrowed until it has finished.
 *   result    what the call returned; written on success only; may be NULL.
 *
 * Its task-locals are those of the task that opened the portal.
 *
 * Suspends  never; it blocks the calling thread.
 * Errors    ROOST_ECLOSED  the portal is closed or the run is over, the call was not made;
 *           ROOST_ENESTED  a run is active on this thread; ROOST_EFORKED  this is a child made by
 *           fork; ROOST_ENOMEM; ROOST_ENOSTACK.
 * Threads   any that runs no loop.
 */
ROOST_API ROOST_MUST int roost_portal_call(roost_portal *portal, roost_call call, int *result);

/**
 * roost_portal_start - start a call as a task of the portal's loop, without waiting for it.
 *
 *   portal    borrowed.
 *   call      its argument block is copied.
 *   handle    gives one, release with roost_portal_handle_free; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ECLOSED  the portal is closed or the run is over; ROOST_ENOMEM;
 *           ROOST_EINVAL   arguments larger than 4,096 bytes; ROOST_EFORKED.
 * Threads   any, tasks included.
 */
ROOST_API ROOST_MUST int roost_portal_start(roost_portal *portal, roost_call call,
                                            roost_portal_handle **handle);

/**
 * roost_portal_handle_wait - wait until a call that was started has finished.
 *
 *   handle    borrowed.
 *   result    what the call returned, ROOST_ECANCELED when it was cancelled; written on success
 *             only; may be NULL.
 *
 * May be called again, and by several threads.
 *
 * Suspends  never; it blocks the calling thread.
 * Errors    ROOST_ECLOSED  the portal was closed before the call began; ROOST_ENOMEM,
 *           ROOST_ENOSTACK  there was no room for its task; ROOST_ENESTED  a run is active on this
 *           thread; ROOST_EFORKED.
 * Threads   any that runs no loop.
 */
ROOST_API ROOST_MUST int roost_portal_handle_wait(roost_portal_handle *handle, int *result);

/**
 * roost_portal_handle_cancel - cancel the task of a call. It ends when it has cleaned up.
 *
 *   handle    borrowed; finished or cancelled before: no effect.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_portal_handle_cancel(roost_portal_handle *handle);

/**
 * roost_portal_handle_done - whether roost_portal_handle_wait would return at once.
 *
 *   handle    borrowed.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API bool roost_portal_handle_done(const roost_portal_handle *handle);

/**
 * roost_portal_handle_free - give a handle back. A call that has not finished goes on.
 *
 *   handle    taken; NULL is accepted.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_portal_handle_free(roost_portal_handle *handle);

/**
 * roost_portal_run - start a loop on a thread of its own, for a program that is otherwise
 * synchronous, and open a portal into it.
 *
 *   opts      copied; NULL for defaults. Signals are left alone whatever it says.
 *   portal    gives one, to be stopped with roost_portal_stop; written on success only.
 *
 * Suspends  never; it blocks the calling thread until the loop runs.
 * Errors    those of roost_run, and what the system says when it starts no thread.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_portal_run(const roost_run_opts *opts, roost_portal **portal);

/**
 * roost_portal_stop - close a portal of roost_portal_run, end its run and its thread.
 *
 *   portal    taken; other references stay valid. NULL is accepted.
 *
 * Calls inside are waited for; roost_portal_cancel before it shortens that.
 *
 * Returns what the run came to: 0, or a negative code.
 *
 * Suspends  never; it blocks the calling thread.
 * Errors    ROOST_EINVAL  not from roost_portal_run, ROOST_ENESTED  a run is active on this thread,
 *           ROOST_EFORKED: nothing was done.
 * Threads   any that runs no loop.
 */
ROOST_API int roost_portal_stop(roost_portal *portal);

ROOST_END_DECLS

#endif
