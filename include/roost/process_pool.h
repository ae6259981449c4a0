/* roost/process_pool.h - calls made in processes of their own: a crash stays there.
 *
 *     rc = roost_to_process(ROOST_CALL(parse_untrusted, path, &doc),
 *                           .spans = ROOST_SPANS(ROOST_IN(path, strlen(path) + 1),
 *                                                ROOST_OUT(&doc, sizeof doc)));
 *
 * The call is made in a worker process while the loop goes on; the task gets what it returned. When
 * the worker dies the call returns ROOST_ECRASHED with a note that names the signal, another worker
 * takes its place, and nobody else notices. Cancelling the task kills the worker.
 *
 * What the call sees. The argument block is copied. Memory is not shared: a pointer in the block is
 * good only where it points into a span, and spans are copied to the worker before the call (IN),
 * back after it (OUT), or both. The worker puts its own addresses into the block: each word of the
 * block, at a multiple of the size of a pointer, whose value is an address in a span or right
 * behind one. An integer with such a value is taken for a pointer too; pointers inside spans are
 * not looked at. Functions and static data have the same addresses in every worker, which is forked
 * from this very program: as of the moment the pool was opened, with what calls in this worker have
 * changed since. What is loaded later (dlopen) does not exist there.
 *
 * What the call may do. It is a plain computation: roost's own calls return ROOST_EFORKED in it.
 * Its standard input is empty, its standard output goes nowhere, no other descriptor of this
 * process is open, signals have their default actions, and it has left the terminal's session, so
 * Ctrl-C does not reach it. It dies with this process. A process it starts itself is its own.
 *
 * What a call does to its worker stays for the calls after it, up to a worker that was taken over
 * and answers them as it likes: with the option calls_max of 1 every call gets a fresh one.
 *
 * A pool forks one process that later forks the workers, so they inherit nothing that came after
 * the pool: open pools before threads are started and memory is filled. As after any fork, what
 * other threads were doing at that moment stays half done: a lock that one of them held stays held.
 *
 * In simulation the workers are real; at a moment the seed decides the loop waits for the answer in
 * real time, and no virtual time passes. A call that never ends is then never ended by a deadline.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PROCESS_POOL_H
#define ROOST_PROCESS_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/time.h>

/* Workers for the tasks of one run, on whatever loop. Every run has a pool by default, opened with
 * the first call that needs it. */
typedef struct roost_process_pool roost_process_pool;

/* Zero means default. */
typedef struct roost_process_pool_opts {
    uint32_t workers;      /* most at once, up to 1,024; default: as many as processors */
    uint32_t calls_max;    /* calls that one worker makes before another replaces it; default: no
                              bound */
    roost_dur idle;        /* a worker without calls ends after this; default 60 s; ROOST_FOREVER:
                              never. In simulation never */
    size_t span_bytes_max; /* of all spans of one call together; default 64 MiB */
    bool silent;           /* standard error goes nowhere as well */
    /* First thing in each new worker; NULL: nothing. A negative code is what the call returns that
     * the worker was meant for. */
    int (*init)(void *arg);
    void *init_arg; /* valid in workers: static, or as old as the pool */
} roost_process_pool_opts;

typedef struct roost_process_pool_stats {
    uint64_t calls;   /* begun so far */
    uint64_t started; /* workers so far */
    uint64_t crashed; /* calls whose worker died */
    uint64_t killed;  /* workers killed for a cancelled task */
    uint32_t workers; /* that exist */
    uint32_t busy;    /* of those, taken by a call */
    uint32_t waiting; /* calls that wait for a worker */
} roost_process_pool_stats;

enum { ROOST_SPAN_IN = 1, ROOST_SPAN_OUT = 2, ROOST_SPAN_INOUT = 3 };

/* Memory a call may touch. Spans of one call should not overlap: each has a copy of its own. */
typedef struct roost_span {
    const void *data; /* written to when it is OUT; NULL with len 0 */
    size_t len;       /* bytes */
    unsigned way;     /* ROOST_SPAN_*; default IN; the copy of one that is only OUT begins zeroed */
} roost_span;

enum { ROOST_SPANS_MAX = 64 }; /* of one call */

typedef struct roost_span_list {
    const roost_span *at;
    size_t count;
} roost_span_list;

/* ROOST_SPANS(ROOST_IN(data, len), ROOST_OUT(data, len), ROOST_INOUT(data, len), ...): a list that
 * lives as long as the enclosing block. Each is an initializer of a roost_span, as is
 * {data, len, ROOST_SPAN_OUT}. */
/* clang-format off */
#define ROOST_IN(data, len) {(data), (len), ROOST_SPAN_IN}
#define ROOST_OUT(data, len) {(data), (len), ROOST_SPAN_OUT}
#define ROOST_INOUT(data, len) {(data), (len), ROOST_SPAN_INOUT}
/* clang-format on */
#define ROOST_SPANS(...)                                                                           \
    ((roost_span_list){(const roost_span[]){__VA_ARGS__},                                          \
                       sizeof((const roost_span[]){__VA_ARGS__}) / sizeof(roost_span)})

/* Zero means default. */
typedef struct roost_process_opts {
    roost_process_pool *pool; /* default: the run's own */
    roost_span_list spans;    /* default: none */
    size_t memory_max; /* bytes the worker's address space may grow by, after which it gets no
                          memory; default: no bound */
    roost_dur cpu_max; /* processor time, in whole seconds rounded up, after which it dies of
                          SIGXCPU; default: no bound */
    int end;           /* closes the list the macro makes; leave it */
} roost_process_opts;

/* roost_to_process(call) or roost_to_process(call, .pool = pool, .spans = ROOST_SPANS(...)): what
 * roost_to_process_with does. */
#define roost_to_process(...) ROOST_TO_PROCESS_(__VA_ARGS__, )
#define ROOST_TO_PROCESS_(call, ...)                                                               \
    roost_to_process_with((call), &(const roost_process_opts){__VA_ARGS__.end = 0})

ROOST_BEGIN_DECLS

/**
 * roost_to_process_with - make a call in a worker process and wait for its result.
 *
 *   call      borrowed until the call has been handed over; its block has at most 4,096 bytes.
 *   opts      copied, the spans borrowed; NULL for defaults.
 *
 * Returns what the call returned. OUT spans are written when that is zero or more, and left alone
 * otherwise.
 *
 * Suspends  until a worker is free, the first come first, and until the call has finished.
 * Cancel    ROOST_ECANCELED; the call was not made, or its worker has been killed and is gone.
 * Errors    ROOST_ECRASHED  the worker died or left: the note says how; ROOST_EINVAL  too many
 *           spans, or a block or an option out of range; -EMSGSIZE  the spans are too long;
 *           ROOST_ECLOSED  the pool is being closed; ROOST_ECANCELED  it was closed while the call
 *           waited, or its close was cancelled; ROOST_EXLOOP  it belongs to another run;
 *           ROOST_EBROKEN  the process that forks the workers is gone; ROOST_ENOCTX  not in a
 *           task; ROOST_ENOMEM, -EAGAIN, -EMFILE and the like  there is nothing left to make a
 *           worker of; the call's own; that of the pool's init.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_to_process_with(roost_call call,
                                                              const roost_process_opts *opts);

/**
 * roost_process_pool_open - workers of one's own, beside the run's.
 *
 *   opts      copied; NULL for defaults.
 *   pool      gives one, release with roost_process_pool_close, or it is closed with the run;
 *             written on success only.
 *
 * It forks at once; workers are forked when calls need them.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  an option is out of range; ROOST_ENOCTX  not in a task; ROOST_ENOMEM;
 *           -EAGAIN, -EMFILE and the like  the system has no process or descriptor left.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_process_pool_open(const roost_process_pool_opts *opts,
                                                 roost_process_pool **pool);

/**
 * roost_process_pool_close - let the calls under way finish, then end all workers.
 *
 *   pool      taken; NULL is accepted. Calls that wait for a worker return ROOST_ECANCELED.
 *
 * Suspends  until the last call under way has finished and every process is gone.
 * Cancel    ROOST_ECANCELED; the workers under way were killed, their calls return ROOST_ECANCELED,
 *           and the pool is closed all the same. With a deadline: ROOST_WITHIN around the close.
 * Errors    ROOST_ENOCTX  not in a task, ROOST_EXLOOP  it belongs to another run: nothing was done.
 * Threads   tasks of the pool's run, but none that is called by this pool.
 */
ROOST_API ROOST_SUSPENDS int roost_process_pool_close(roost_process_pool *pool);

/**
 * roost_process_pool_stats_get - the counters of a pool.
 *
 *   pool      open; NULL: the run's own.
 *   stats     written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_EXLOOP  it belongs to another run.
 * Threads   tasks of the pool's run.
 */
ROOST_API int roost_process_pool_stats_get(roost_process_pool *pool,
                                           roost_process_pool_stats *stats);

ROOST_END_DECLS

#endif
