/* roost/run.h - entering the runtime, and what lives as long as a run.
 *
 *     ROOST_MAIN(argc, argv)
 *     {
 *         ROOST_TRY(roost_sleep(ROOST_SEC(1)));
 *         return 0;
 *     }
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RUN_H
#define ROOST_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/time.h>

/* What to do when a background task fails. */
enum roost_bg_policy {
    ROOST_BG_LOG = 0, /* print the error and go on */
    ROOST_BG_ABORT,   /* print it and cancel the main task; the run returns the error */
    ROOST_BG_RESTART  /* print it and run the call again, after 10 ms, doubling to 10 s */
};

/* Zero means default. */
typedef struct roost_bg_opts {
    const char *name;            /* copied, cut to 31 bytes; default: the function's name */
    enum roost_bg_policy policy; /* default ROOST_BG_LOG */
    bool last;                   /* at shutdown, after all background tasks that are not */
} roost_bg_opts;

/* Zero means default. */
typedef struct roost_run_opts {
    const char *backend; /* "uring", "epoll" or "sim"; default: ROOST_BACKEND, else uring where the
                            kernel allows it and epoll where it does not, with one notice */
    int loops;           /* loops, one thread each; default 1; -1: one per processor */
    int debug;           /* level 0 to 2; default: ROOST_DEBUG, else 0; -1: 0 whatever it says */
    uint64_t seed;       /* of simulation; default: ROOST_SEED, else 1 */
    size_t stack_size;   /* bytes of stack per task and guard, a power of two; default 256 KiB */
    size_t tasks_max;    /* stacks per loop; default 4,194,304 */
    roost_dur shutdown_grace;  /* what roost_stopping() grants after the first signal; 10 s */
    roost_dur thread_join_max; /* at the end, before a thread that holds it up is reported; 10 s */
    roost_dur watchdog; /* with debug: report a step longer than this; default 100 ms; -1: never */
    bool no_signals;    /* leave SIGINT and SIGTERM alone */
    /* A background task failed under ROOST_BG_LOG or ROOST_BG_RESTART. Default: print to fd 2. */
    void (*on_unhandled)(void *arg, const roost_error *error);
    void *on_unhandled_arg;
} roost_run_opts;

typedef struct roost_run_stats {
    uint64_t switches; /* times a task was given the processor */
    uint64_t polls;    /* times the port was asked for completions */
    uint64_t tasks_spawned;
    uint64_t tasks_live;
    uint64_t tasks_ready; /* waiting for their turn now */
    uint64_t timers_armed;
    uint64_t ops_in_flight;
    uint64_t posts;        /* calls that arrived from threads, signals and other loops */
    uint64_t runq_age_max; /* nanoseconds between two polls, the longest so far */
} roost_run_stats;

ROOST_BEGIN_DECLS

/**
 * roost_run - run an async call and everything it starts, until all of it has finished.
 *
 *   call      the main task; its argument block is copied.
 *   opts      copied; NULL for defaults.
 *
 * When the main task has returned, background tasks are shut down in reverse order of their start
 * (those marked last after the others), other loops end, worker threads are waited for (what takes
 * longer than thread_join_max is reported and still waited for: a thread cannot be stopped from
 * outside), posts are drained and leaks are reported (debug level 1). The first SIGINT or SIGTERM
 * asks the main task to stop (roost_stopping; its cancellation follows after shutdown_grace, or at
 * once when nothing ever asked), the second cancels it through its shields, the third is what the
 * signal would be without roost.
 *
 * Returns the main task's result.
 *
 * Suspends  never; it blocks the calling thread.
 * Errors    ROOST_ENESTED  a run is active on this thread; ROOST_EDEADLK  no task could ever go on;
 *           ROOST_EINVAL   unknown backend or bad option; ROOST_ENOMEM; ROOST_EFORKED; what the
 *           kernel said when a forced backend could not be opened.
 * Threads   any that has no run.
 */
ROOST_API ROOST_MUST ROOST_OUTSIDE int roost_run(roost_call call, const roost_run_opts *opts);

/**
 * roost_bg_spawn - start a task that belongs to the run and not to the caller.
 *
 *   call      its argument block is copied; it must not hold pointers to locals.
 *   opts      copied; NULL for defaults.
 *
 * Suspends  never.
 * Errors    those of roost_spawn; ROOST_EFINISHED  the run is ending.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_bg_spawn(roost_call call, const roost_bg_opts *opts);

/**
 * roost_loop_count - how many loops this run has; 0 outside a run.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API int roost_loop_count(void);

/**
 * roost_loop_index - the number of the running loop, from 0; -1 outside a run.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API int roost_loop_index(void);

/**
 * roost_on_loop - make a call on another loop and wait for its result.
 *
 *   index     0 to roost_loop_count() - 1; the running loop is allowed.
 *   call      borrowed until it has finished.
 *   result    what the call returned; written on success only; may be NULL.
 *
 * The call runs as a task of that loop; cancelling the caller cancels it and waits for its end.
 *
 * Suspends  until the call has finished.
 * Cancel    ROOST_ECANCELED; the call has finished.
 * Errors    ROOST_EINVAL  no such loop; ROOST_EFINISHED  that loop is ending; ROOST_ENOMEM;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_on_loop(int index, roost_call call, int *result);

/**
 * roost_run_stats_get - the counters of the running loop.
 *
 *   stats     written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a run.
 * Threads   tasks.
 */
ROOST_API int roost_run_stats_get(roost_run_stats *stats);

/**
 * roost_backend - the name of the running loop's backend: "uring", "epoll", "sim"; "" outside.
 *
 * Lends a static string.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_backend(void);

/**
 * roost_dump_tasks - write the tree of groups and tasks of the running loop, and what each waits
 * for.
 *
 *   fd        open for writing, such as 2.
 *
 * Suspends  never.
 * Threads   tasks, and the loop's own thread between steps.
 */
ROOST_API void roost_dump_tasks(int fd);

/**
 * roost_main - what ROOST_MAIN's main() does: run the call, print an error that comes out of it.
 *
 *   call      the main task.
 *
 * Returns the process's exit status: the result when it is 0 to 125, else 1; 128 + the signal's
 * number when a signal cancelled the main task and it passed that on.
 *
 * Suspends  never; it blocks the calling thread.
 * Threads   the main thread.
 */
ROOST_API ROOST_OUTSIDE int roost_main(roost_call call);

ROOST_END_DECLS

/* ROOST_MAIN(argc, argv) { body }: the program's main function, as an async function. */
#define ROOST_MAIN(argc, argv)                                                                     \
    ROOST_ASYNC_SHAPE_(static, ROOST_INFO_LATER_, roost_user_main, int, argc, char **, argv);      \
    ROOST_ASYNC_BODY_(                                                                             \
        static,                                                                                    \
        int main(int argc, char **argv) {                                                          \
            return roost_main(ROOST_CALL(roost_user_main, argc, argv));                            \
        },                                                                                         \
        roost_user_main, __attribute__((unused)) int, argc, __attribute__((unused)) char **, argv)

#endif
