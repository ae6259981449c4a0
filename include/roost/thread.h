/* roost/thread.h - blocking and long computing calls on threads of their own.
 *
 *     rc = roost_to_thread(ROOST_CALL(fibonacci, 35, &out));
 *
 * The call runs on a worker thread while the loop goes on; the calling task waits for it and gets
 * what it returned. It is no task there: suspending calls return ROOST_ENOCTX, and what it does
 * with the loop's objects it does by roost_from_thread_call. It sees the caller's task-locals, and
 * leaves its errno and the trail of its error to the caller, as a call made directly would.
 *
 * A thread cannot be stopped from outside. So a cancelled caller waits for its thread all the same
 * and the arguments stay valid for as long as it runs; the thread may ask roost_thread_cancelled.
 *
 * In simulation the threads are real, and one at a time runs while the loop stands still: the seed
 * decides when, and no virtual time passes.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_THREAD_H
#define ROOST_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/time.h>

/* Threads that make calls for the tasks of one run, on whatever loop. They are started when they
 * are needed, with the stack the system gives a thread, and end after a while without work. Every
 * run has one of its own by default. */
typedef struct roost_executor roost_executor;

/* Zero means default. */
typedef struct roost_executor_opts {
    uint32_t threads;   /* most at once; default: processors + 4, at most 32 */
    uint32_t queue_max; /* most calls that wait for a thread; default: no bound but the tasks' */
    const char *name;   /* copied, cut to 15 bytes; of its threads; default "roost-worker" */
    roost_dur idle;     /* a thread without calls ends after this; default 5 s; ROOST_FOREVER:
                           never. In simulation never */
} roost_executor_opts;

typedef struct roost_executor_stats {
    uint64_t calls;     /* begun so far */
    uint32_t threads;   /* that exist */
    uint32_t busy;      /* of those, making a call */
    uint32_t abandoned; /* of those, for a caller that has gone */
    uint32_t queued;    /* calls that wait for a thread */
} roost_executor_stats;

/* Zero means default. */
typedef struct roost_thread_opts {
    roost_executor *executor; /* default: the run's own */
    bool abandon;     /* a cancelled caller does not wait: the thread goes on, with a copy of the
                         arguments, which then must not point into the caller's frames */
    const char *name; /* static; in dumps and reports; default: the function's name */
} roost_thread_opts;

/* Zero means default. */
typedef struct roost_cpu_map_opts {
    roost_executor *executor; /* default: the run's own */
    uint32_t threads;         /* most at once; default: as many as there are processors */
} roost_cpu_map_opts;

ROOST_BEGIN_DECLS

/**
 * roost_to_thread - make a call on a worker thread and wait for its result.
 *
 *   call      borrowed until it has finished.
 *
 * Returns what the call returned.
 *
 * Suspends  until a thread is free, and until the call has finished.
 * Cancel    while it waits for a thread: ROOST_ECANCELED, the call was not made. Later it goes on
 *           waiting and returns what the call returned; the cancellation shows at the next
 *           suspending call, and the thread sees it by roost_thread_cancelled.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_ENOMEM; -EAGAIN  the system starts no more
 *           threads; the call's own.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_to_thread(roost_call call);

/**
 * roost_to_thread_with - the same with options.
 *
 *   call      borrowed until it has finished; copied with the option abandon.
 *   opts      copied; NULL for defaults.
 *
 * Suspends  until a thread is free, and until the call has finished.
 * Cancel    as roost_to_thread. With the option abandon ROOST_ECANCELED at once; a call that has
 *           begun goes on, what it comes to is dropped, and its place among the threads is free
 *           when it has ended. The run's end waits for it.
 * Errors    those of roost_to_thread; ROOST_EBUSY  the executor's queue is full; ROOST_ECLOSED  it
 *           is being closed; ROOST_ECANCELED  it was closed while the call waited for a thread;
 *           ROOST_EXLOOP  it belongs to another run.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_to_thread_with(roost_call call,
                                                             const roost_thread_opts *opts);

/**
 * roost_thread_cancelled - whether the task that waits for this call has been cancelled or has
 * gone, so that the call should come to its end.
 *
 * Suspends  never.
 * Threads   worker threads; elsewhere false.
 */
ROOST_API bool roost_thread_cancelled(void);

/**
 * roost_from_thread_call - on a worker thread: make a call on the loop, as part of the task that
 * waits for this thread, and wait for its result.
 *
 *   call      borrowed until it has finished.
 *   result    what the call returned; written on success only; may be NULL.
 *
 * It runs in that task, under its scopes and with its task-locals; when the task is cancelled, so
 * is the call. Meanwhile the thread makes no other: where all threads of an executor wait like
 * this, a call that goes to the same executor waits for ever. Give such calls another one.
 *
 * Suspends  never; it blocks the calling thread.
 * Errors    ROOST_ECANCELED  the task has been cancelled and the call came to that, or the task has
 *           gone and the call was not made; ROOST_ENOCTX  not on a worker thread;
 *           ROOST_ENESTED    a run is active on this thread.
 * Threads   worker threads.
 */
ROOST_API ROOST_MUST int roost_from_thread_call(roost_call call, int *result);

/**
 * roost_executor_open - threads of one's own, beside the run's: for another bound on how many.
 *
 *   opts      copied; NULL for defaults.
 *   executor  gives one, release with roost_executor_close, or it is closed with the run; written
 *             on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  idle is negative; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_executor_open(const roost_executor_opts *opts,
                                             roost_executor **executor);

/**
 * roost_executor_close - drop the calls that wait for a thread, wait for those under way.
 *
 *   executor  taken; NULL is accepted. Calls that still wait for a thread return ROOST_ECANCELED.
 *
 * Suspends  until the last call has finished, abandoned ones included.
 * Cancel    the waiting goes on, and 0 is returned.
 * Errors    ROOST_ENOCTX  not in a task, ROOST_EXLOOP  it belongs to another run: nothing was done.
 * Threads   tasks of the executor's run, but not in a call that one of its threads waits for.
 */
ROOST_API ROOST_SUSPENDS int roost_executor_close(roost_executor *executor);

/**
 * roost_executor_stats_get - the counters of an executor.
 *
 *   executor  open; NULL: the run's own.
 *   stats     written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  NULL, and not in a run.
 * Threads   any for an executor that is not being closed; tasks for NULL.
 */
ROOST_API int roost_executor_stats_get(roost_executor *executor, roost_executor_stats *stats);

/* What roost_cpu_map keeps between its parts. All members are private. */
struct roost_impl_cpu_map {
    struct {
        size_t count; /* calls to be made; 0 when rc says why not */
        size_t block_size;
        char *memory; /* of the blocks, to be freed */
        char *blocks;
        size_t next;    /* atomic: the first call that no thread has taken */
        uint32_t stops; /* atomic: a call has failed */
        int rc;
    } priv;
};

/* Behind roost_cpu_map: the blocks of n calls are asked for, filled in, and called. */
ROOST_API void *roost_cpu_map_begin(struct roost_impl_cpu_map *map, size_t n, size_t block_size,
                                    size_t block_align);
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_cpu_map_end(struct roost_impl_cpu_map *map,
                                                          const roost_cpu_map_opts *opts);

ROOST_END_DECLS

/* roost_cpu_map(function, items, n, results [, opts]): calls function(items[i], &results[i]) for
 * each i from 0 to n - 1 on worker threads, as many at once as there are processors, and waits for
 * all of them. Its value is an int: 0, or the first failure, after which no further call is begun
 * and those under way may ask roost_thread_cancelled; ROOST_ECANCELED when the calling task was
 * cancelled, the same way, or the executor was closed before all calls were begun; or a code of
 * roost_to_thread. It suspends. The argument blocks of all calls are made first, on the loop. opts
 * is a pointer to roost_cpu_map_opts, or left out. Each argument is evaluated once. */
#define roost_cpu_map(...) ROOST_CPU_MAP_(ROOST_UNIQUE(roost_cpu_map_), __VA_ARGS__, )
#define ROOST_CPU_MAP_(at, fn, items, n, results, ...)                                             \
    __extension__({                                                                                \
        __typeof__(&(items)[0]) ROOST_JOIN(at, items) = (items);                                   \
        __typeof__(&(results)[0]) ROOST_JOIN(at, results) = (results);                             \
        struct roost_impl_cpu_map ROOST_JOIN(at, map);                                             \
        struct roost_args_##fn *ROOST_JOIN(at, args) =                                             \
            (struct roost_args_##fn *)roost_cpu_map_begin(&ROOST_JOIN(at, map), (n),               \
                                                          sizeof(struct roost_args_##fn),          \
                                                          __alignof__(struct roost_args_##fn));    \
        for (size_t ROOST_JOIN(at, i) = 0; ROOST_JOIN(at, i) < ROOST_JOIN(at, map).priv.count;     \
             ROOST_JOIN(at, i)++) {                                                                \
            struct roost_args_##fn ROOST_JOIN(at, one) = {                                         \
                &roost_info_##fn, ROOST_JOIN(at, items)[ROOST_JOIN(at, i)],                        \
                &ROOST_JOIN(at, results)[ROOST_JOIN(at, i)]};                                      \
            ROOST_JOIN(at, args)[ROOST_JOIN(at, i)] = ROOST_JOIN(at, one);                         \
        }                                                                                          \
        roost_cpu_map_end(&ROOST_JOIN(at, map), ROOST_CPU_MAP_OPTS_(__VA_ARGS__));                 \
    })
#define ROOST_CPU_MAP_OPTS_(...) ROOST_FIRST_(roost_cpu_map_opts, __VA_ARGS__)

#endif
