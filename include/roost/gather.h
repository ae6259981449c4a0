/* roost/gather.h - several calls at once: all their results, or each one as it comes.
 *
 *     int codes[3];
 *     int rc = ROOST_GATHER(codes, ROOST_CALL(fetch_user, 1, &user),
 *                                  ROOST_CALL(fetch_posts, 1, &posts),
 *                                  ROOST_CALL(fetch_comments, 1, &comments));
 *
 * A group lies underneath, so nothing runs on when the call returns. Many calls of one function
 * are made by roost_map, which builds them as it goes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_GATHER_H
#define ROOST_GATHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/group.h>
#include <roost/impl/crew.h>
#include <roost/task.h>

/* Zero means default. */
typedef struct roost_gather_opts {
    enum roost_group_policy policy; /* ROOST_FAIL_FAST; or ROOST_COLLECT: failures are results */
    uint32_t limit;                 /* most calls at once; 0: all of them */
    roost_errors *errors;           /* receives the failures with their trails; NULL: codes only */
    const char *label;              /* static; for reports; default "gather" */
} roost_gather_opts;

/* What roost_wait waits for. */
enum roost_wait_mode {
    ROOST_WAIT_ALL = 0,        /* every task has finished */
    ROOST_WAIT_ANY = 1,        /* one has */
    ROOST_WAIT_FIRST_ERROR = 2 /* one has failed (ROOST_ECANCELED is no failure), or all are over */
};

/* The calls of a ROOST_AS_COMPLETED block. Caller's memory; all members are private. */
typedef struct roost_completion {
    struct {
        struct roost_impl_crew crew;
        struct roost_impl_completed *order; /* of those that have ended */
        size_t n;
        size_t ended;
        size_t taken;
        struct roost_task *waiter; /* the owner, parked until one ends */
        int rc;                    /* why not all have been started; 0: they have */
        bool open;
    } priv;
} roost_completion;

ROOST_BEGIN_DECLS

/**
 * roost_gather - make several calls at once and wait for all of them.
 *
 *   calls     borrowed, with their argument blocks.
 *   n         how many.
 *   results   n codes, in the order of the calls, or NULL. Written in every case but ROOST_ENOCTX:
 *             a call that was not made, or not finished, has ROOST_ECANCELED.
 *   opts      copied; NULL: fail fast, all at once.
 *
 * ROOST_FAIL_FAST: the first failure cancels the other calls and is returned when they have ended;
 * else 0. ROOST_COLLECT: 0 when all are over, however they ended. A call that could not be given a
 * task has failed.
 *
 * Suspends  until all calls have ended, at least once.
 * Cancel    ROOST_ECANCELED, or under ROOST_FAIL_FAST a failure met on the way out; all calls were
 *           cancelled and have ended.
 * Errors    the codes of the calls; ROOST_ENOSTACK, ROOST_ENOMEM  no room for a task;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_gather(const roost_call *calls, size_t n,
                                                     int *results, const roost_gather_opts *opts);

/**
 * roost_gather_tasks - wait for several tasks and take their results.
 *
 *   tasks     handles not joined yet, taken unless an error below is returned; one may be there
 *             several times: it is waited for once, and each place gets its result.
 *   n         how many.
 *   results   n codes, in the order of the handles, or NULL; not written with an error below.
 *   opts      copied; NULL: fail fast. `limit` has no meaning here, nor has `errors`: the tasks'
 *             groups keep those.
 *
 * Returns as roost_gather does. A task that ended with ROOST_ECANCELED counts as failed unless
 * this call cancelled it. The tasks' own groups learn of failures as well.
 *
 * ROOST_EDEADLK is told for who waits when the call is made. A task of the list that joins this one
 * later is not refused: both wait until one is cancelled, or the run finds that nothing can go on.
 *
 * Suspends  until all tasks have finished.
 * Cancel    ROOST_ECANCELED, or under ROOST_FAIL_FAST a failure met on the way out; all tasks were
 *           cancelled and have finished, and the handles are taken.
 * Errors    the results of the tasks; ROOST_EINVAL  a handle is NULL; ROOST_EBUSY  a task is being
 *           joined by another one; ROOST_EDEADLK  a task waits for this one to finish;
 *           ROOST_EXLOOP  a task of another loop; ROOST_ENOMEM  for more than 16 handles;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks of the same loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_gather_tasks(roost_task *const *tasks, size_t n,
                                                           int *results,
                                                           const roost_gather_opts *opts);

/**
 * roost_results_partition - sort the numbers of calls by how they ended.
 *
 *   results   n codes, as roost_gather leaves them.
 *   n         how many.
 *   indices   receives the numbers of those that succeeded, then of those that failed, each in
 *             order.
 *
 * Returns how many succeeded.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API size_t roost_results_partition(const int *results, size_t n, size_t *indices);

/**
 * roost_wait - wait until some of several tasks have finished, and leave their handles alone.
 *
 *   tasks     handles not joined yet, or duplicates of them. Another task may join them meanwhile.
 *   n         how many.
 *   mode      all of them, any, or the first error.
 *
 * Returns how many of the handles belong to tasks that have finished: ask roost_task_done, then
 * join. With n 0 that is 0, at once.
 *
 * Suspends  until then; not when it is so already.
 * Cancel    ROOST_ECANCELED; the tasks go on.
 * Errors    ROOST_EINVAL  a handle is NULL, or mode none of the three; ROOST_EDEADLK  the
 *           running task is among them, or with ROOST_WAIT_ALL one that waits for it to finish;
 *           ROOST_EXLOOP  a task of another loop; ROOST_ENOMEM  for more than 16 handles;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks of the same loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_wait(roost_task *const *tasks, size_t n,
                                                   enum roost_wait_mode mode);

/**
 * roost_completion_begin - make several calls at once; what ROOST_AS_COMPLETED does first.
 *
 *   completion  the caller's memory, taken as raw bytes; must stay where it is until left.
 *   calls       borrowed until then, with their argument blocks.
 *   n           how many.
 *
 * Returns completion; what went wrong is told by roost_completion_next.
 *
 * Suspends  now and then, to let calls begin.
 * Cancel    no further call is begun.
 * Threads   tasks.
 */
ROOST_API ROOST_SUSPENDS roost_completion *roost_completion_begin(roost_completion *completion,
                                                                  const roost_call *calls,
                                                                  size_t n);

/**
 * roost_completion_next - wait for the next call to end.
 *
 *   completion  begun.
 *   index       receives the call's number.
 *   result      receives what it came to.
 *   rc          receives why there is no further one, unless all have been handed out.
 *
 * Returns false when no further one comes; all calls have ended then.
 *
 * Suspends  until one has ended.
 * Cancel    false, with ROOST_ECANCELED in rc; the other calls were cancelled and have ended.
 * Errors    into rc: ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   the task that began it.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS bool roost_completion_next(roost_completion *completion,
                                                               size_t *index, int *result, int *rc);

/**
 * roost_completion_cleanup - cancel the calls that have not ended, and wait for them.
 *
 *   completion  begun; nothing for one that is over.
 *
 * Suspends  until all calls have ended.
 * Cancel    goes to the calls; the waiting goes on.
 * Threads   the task that began it.
 */
ROOST_API ROOST_SUSPENDS void roost_completion_cleanup(roost_completion *completion);

ROOST_END_DECLS

/* For ROOST_AS_COMPLETED. The clean-up begins with the calls, so the arguments may return. */
static inline ROOST_SUSPENDS void roost_completion_block_cleanup(roost_completion **completion)
{
    roost_completion_cleanup(*completion);
}

/* ROOST_GATHER(results, ROOST_CALL(...), ROOST_CALL(...)): roost_gather with default options. */
#ifdef __cplusplus
#define ROOST_GATHER(results, ...) roost_impl_gather((results), {__VA_ARGS__})
template <size_t n>
ROOST_MUST ROOST_SUSPENDS inline int roost_impl_gather(int *results, const roost_call (&calls)[n])
{
    return roost_gather(calls, n, results, NULL);
}
#else
#define ROOST_GATHER(results, ...)                                                                 \
    roost_gather((const roost_call[]){__VA_ARGS__},                                                \
                 sizeof((const roost_call[]){__VA_ARGS__}) / sizeof(roost_call), (results), NULL)
#endif

/* ROOST_AS_COMPLETED(index, result, calls, n, rc) { body }: makes n calls at once and runs the body
 * for each as it ends, the first to end first. index (size_t), result and rc (int) exist already.
 * Failures cancel nothing, they are results. Leaving by break, return or goto cancels the calls
 * that have not ended and waits for them; what they still came to is lost. After the block rc is as
 * before, or as the body left it, or the code that kept it from going on: ROOST_ECANCELED. */
#define ROOST_AS_COMPLETED(index, result, calls, n, rc)                                            \
    ROOST_AS_COMPLETED_(ROOST_UNIQUE(roost_completion_), index, result, calls, n, rc)
#define ROOST_AS_COMPLETED_(obj, index, result, calls, n, rc)                                      \
    for (roost_completion obj, *ROOST_JOIN(obj, p) ROOST_AUTO(completion_block) =                  \
                                   roost_completion_begin(&obj, (calls), (n));                     \
         roost_completion_next(ROOST_JOIN(obj, p), &(index), &(result), &(rc));)

#endif
