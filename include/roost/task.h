/* roost/task.h - tasks: the running one, waiting, joining, cancelling, naming.
 *
 * A task is an async function running on its own stack, in a group. It runs on one thread from
 * first to last and gives way only inside suspending calls.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TASK_H
#define ROOST_TASK_H

#include <stdbool.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/time.h>

typedef struct roost_task roost_task;

ROOST_BEGIN_DECLS

/**
 * roost_yield - let every other ready task run once.
 *
 * Suspends  always, unless the call is refused.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_yield(void);

/**
 * roost_checkpoint - check for cancellation, and give way if this task has run for long.
 *
 * Suspends  when the task has used up its turn (128 operations or 1 ms without suspending).
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_checkpoint(void);

/**
 * roost_sleep - wait for a length of time.
 *
 *   dur       nanoseconds, never less; 0 or less is roost_yield; ROOST_FOREVER is allowed.
 *
 * Suspends  always, unless the call is refused.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_sleep(roost_dur dur);

/**
 * roost_sleep_until - wait for an instant.
 *
 *   at        the instant; in the past is roost_yield; ROOST_NEVER is allowed.
 *
 * Suspends  always, unless the call is refused.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_sleep_until(roost_time at);

/**
 * roost_sleep_forever - wait until cancelled.
 *
 * Suspends  always, unless the call is refused.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_sleep_forever(void);

/**
 * roost_task_self - the running task; NULL outside one.
 *
 * Lends the task, valid while it runs.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_task *roost_task_self(void);

/**
 * roost_task_id - the number of a task: unique in its run, in order of spawning, from 1.
 *
 *   task      live, or finished and not joined.
 *
 * Suspends  never.
 * Threads   tasks of the same loop.
 */
ROOST_API uint64_t roost_task_id(const roost_task *task);

/**
 * roost_task_name - the name of a task: the one given, else its function's.
 *
 *   task      live, or finished and not joined.
 *
 * Lends the text, valid until the task is renamed or gone.
 *
 * Suspends  never.
 * Threads   tasks of the same loop.
 */
ROOST_API const char *roost_task_name(const roost_task *task);

/**
 * roost_task_set_name - name the running task.
 *
 *   name      copied, cut to 31 bytes; NULL: its function's again.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API int roost_task_set_name(const char *name);

/**
 * roost_task_done - whether a task has finished.
 *
 *   task      a handle not joined yet.
 *
 * Suspends  never.
 * Threads   tasks of the same loop.
 */
ROOST_API bool roost_task_done(const roost_task *task);

/**
 * roost_task_cancel - cancel everything a task does, as its outermost scope. Finished: no effect.
 *
 *   task      live, or finished and not joined.
 *   reason    static text, or NULL.
 *
 * Suspends  never.
 * Threads   tasks of the same loop.
 */
ROOST_API void roost_task_cancel(roost_task *task, const char *reason);

/**
 * roost_join - wait for a task and take its result. The handle is gone after that.
 *
 *   task      a handle from ROOST_SPAWN or roost_spawn, not joined yet; taken on success.
 *   result    what the task's function returned; ROOST_ECANCELED when the task was cancelled;
 *             written on success only; may be NULL.
 *
 * The return value speaks of the joining alone: 0 says the task has finished, however it did.
 *
 * Suspends  until the task has finished.
 * Cancel    ROOST_ECANCELED; the task goes on and the handle stays valid.
 * Errors    ROOST_EDEADLK  the running task itself, or one that waits for it to finish;
 *           ROOST_EBUSY    another task is joining it;
 *           ROOST_EXLOOP   a task of another loop;
 *           ROOST_EINVAL   NULL;
 *           ROOST_ENOCTX   not in a task.
 * Threads   tasks of the same loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_join(roost_task *task, int *result);

/**
 * roost_task_drop - give a handle back without joining. Its group still waits for the task.
 *
 *   task      a handle not joined yet, taken; NULL is accepted.
 *
 * Suspends  never.
 * Threads   tasks of the same loop.
 */
ROOST_API void roost_task_drop(roost_task *task);

ROOST_END_DECLS

#include <roost/impl/yield.h>

#endif
