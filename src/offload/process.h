/* offload/process.h - worker processes: what a pool, its root and its workers share.
 *
 *   program            root (one per pool)              worker (forked by the root)
 *     |---- SPAWN + socket ---->|------------ fork ----------->|
 *     |<------------------------------------- BORN + pidfd ----|
 *     |----------------------------- CALL ---------------------|
 *     |<---------------------------- RESULT -------------------|
 *     |<---- DIED --------------|<----------- ends ------------|
 *
 * One socket leads to each worker. The root keeps a copy of the worker's end and says on it how the
 * worker ended, so whoever waits for a result waits for one descriptor, and finds a death behind
 * all that the worker had said. Only the root waits for workers: a program that waits for its own
 * children never meets them.
 *
 * A worker is trusted with nothing: what it says is checked, and it can be killed at any moment.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_OFFLOAD_PROCESS_H
#define ROOST_OFFLOAD_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/impl/waitq.h>
#include <roost/process_pool.h>

#include "port/child.h"
#include "rt/part.h"
#include "sync/guard.h"

struct roosti_loop;
struct roosti_run;

enum {
    ROOSTI_RECORD_MAX = 32768,     /* bytes */
    ROOSTI_CALL_ARGS_MAX = 4096,   /* of an argument block, as for a task */
    ROOSTI_CALL_INLINE_MAX = 16384 /* spans up to this travel in the record, larger ones in shared
                                      memory */
};

/* -- records ------------------------------------------------------------------------------------*/

enum roosti_record_kind {
    ROOSTI_RECORD_SPAWN,   /* to the root, with the worker's end of its socket */
    ROOSTI_RECORD_KILL,    /* to the root: pid, where there are no pidfds */
    ROOSTI_RECORD_BORN,    /* by a worker, first of all: pid, with its pidfd */
    ROOSTI_RECORD_FAILED,  /* there will be no worker: code */
    ROOSTI_RECORD_CALL,    /* args, places, then the contents of the IN spans */
    ROOSTI_RECORD_RESULT,  /* code and calls, then, unless it is an error, what OUT spans contain */
    ROOSTI_RECORD_RETIRED, /* it has waited long enough: a CALL on its way is not made */
    ROOSTI_RECORD_DIED     /* by the root: pid, code, signalled, unread */
};

/* Each record begins with one. */
struct roosti_record {
    uint32_t kind;
    int32_t pid;
    int32_t code; /* a result, an error code, an exit status, or a signal */
    uint16_t signalled;
    uint16_t unread; /* what was sent to it last has not been looked at */
    uint32_t args_size;
    uint32_t place_count;
    uint64_t arena_size; /* over ROOSTI_CALL_INLINE_MAX: the record brings shared memory */
    uint64_t memory_max;
    int64_t cpu_max;
    uint64_t calls; /* the worker has made, this one included: which one is answered */
};

/* A span in a CALL. */
struct roosti_place {
    uint64_t at;     /* its address in the program */
    uint64_t len;    /* bytes */
    uint64_t offset; /* of its copy in the worker's arena, which has the same alignment */
    uint64_t way;    /* ROOST_SPAN_* */
};

/* -- the program's side -------------------------------------------------------------------------*/

struct roosti_process {
    struct roosti_process *idle_next;
    struct roosti_process *next; /* of all */
    struct roosti_process *prev;
    int fd;
    int pid;        /* 0: not born yet. Changed under the guard: a close may kill it */
    int pidfd;      /* -1: the system has none */
    uint64_t calls; /* it has made */
    bool doomed;    /* killed by a close; under the guard */
    struct {
        size_t len;
        _Alignas(16) char bytes[ROOSTI_RECORD_MAX];
    } said; /* what it said last */
};

struct roost_process_pool {
    struct roosti_part part;
    struct roosti_run *run;
    struct roosti_loop *blocking; /* the simulated loop, which waits in real time; NULL: none */
    roost_process_pool_opts opts; /* with the defaults filled in */

    struct roosti_guard guard; /* of all below */
    struct roost_impl_waitq waiters;
    struct roost_impl_waitq closers; /* one at most */
    struct roosti_process *idle;     /* newest first */
    struct roosti_process *all;
    bool closing;
    bool rooted; /* the two below are there */
    struct roosti_child root;
    int control; /* the socket to the root */
    struct roost_process_pool_stats stats;
};

/* The pool of a task's run, made at the first call. 0 or a code. */
int roosti_process_pool_default(struct roosti_loop *loop, roost_process_pool **pool);

/* A worker for the running task, or a place for one (NULL), to be given back. May park. 0 or a
 * code. */
int roosti_process_take(roost_process_pool *pool, struct roost_task *self,
                        struct roosti_process **process);

/* NULL: the place alone. The pool may be gone afterwards. */
void roosti_process_give(roost_process_pool *pool, struct roosti_process *process);

/* Forks the root, if that has not been done. Inside the guard. */
int roosti_process_root(roost_process_pool *pool);

/* Starts a worker in a place that was taken. It is there once it has said something. */
int roosti_process_start(roost_process_pool *pool, struct roosti_process **process);

/* Inside the guard. One that is not born yet is killed when it is; see roosti_process_hear. */
void roosti_process_kill(roost_process_pool *pool, struct roosti_process *process);

/* Lets go of a worker. One that is alive notices, and ends. */
void roosti_process_drop(roost_process_pool *pool, struct roosti_process *process);

/* Kills it, waits until it is gone, and drops it. self: the running task; NULL: none, the thread
 * is blocked. */
void roosti_process_end(roost_process_pool *pool, struct roosti_process *process,
                        struct roost_task *self);

/* What a worker has said, other than BORN: 0, with process->said; ROOST_EAGAIN; ROOST_EBROKEN when
 * it will never say anything. */
int roosti_process_hear(roost_process_pool *pool, struct roosti_process *process);

static inline const struct roosti_record *roosti_process_said(const struct roosti_process *process)
{
    return (const struct roosti_record *)(const void *)process->said.bytes;
}

/* Waits until a descriptor can be read, whatever happens. self: as above. */
void roosti_process_await(roost_process_pool *pool, int fd, struct roost_task *self);

/* -- in the root, in a worker -------------------------------------------------------------------*/

/* arg: the pool, as it was when the root was forked. */
void roosti_process_root_main(void *arg, int control);
void roosti_process_worker_main(void *arg, int fd);

#endif
