/* offload/process_pool.c - pools: who gets a worker, and how it ends.
 *
 * A call takes a place, with a worker in it or none yet. Places are handed over: while somebody
 * waits no worker is idle and no place is free, so nobody overtakes.
 *
 * Closing: nobody gets a place any more, idle workers are let go, those under way are waited for or
 * killed, then the root hears that it is over, ends what is left, and is waited for.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/assert.h"
#include "base/atomic.h"
#include "base/mem.h"
#include "offload/process.h"
#include "port/host.h"
#include "rt/loop.h"
#include "rt/run.h"

enum { WORKERS_MAX = 1024, WORKERS_SIMULATED = 4 };
#define IDLE_DEFAULT ROOST_SEC(60)
#define SPAN_BYTES_DEFAULT ((size_t)64 << 20)

/* -- places -------------------------------------------------------------------------------------*/

int roosti_process_take(roost_process_pool *pool, struct roost_task *self,
                        struct roosti_process **ret_process)
{
    int rc = roosti_guard_enter(&pool->guard, self->loop);
    if (rc < 0)
        return rc;
    struct roosti_process *process = pool->idle;
    if (pool->closing) {
        rc = ROOST_ECLOSED;
    } else if (process) {
        pool->idle = process->idle_next;
        pool->stats.busy++;
    } else if (pool->stats.workers < pool->opts.workers) {
        pool->stats.workers++;
        pool->stats.busy++;
    } else {
        struct roosti_guard_waiter waiter;
        waiter.base = (struct roost_impl_waiter){.task = self};
        rc = roosti_guard_park(&pool->guard, &pool->waiters, &waiter, "a worker process");
        if (rc == 0)
            *ret_process = waiter.base.slot;
        return rc;
    }
    roosti_guard_leave(&pool->guard);
    if (rc == 0)
        *ret_process = process;
    return rc;
}

/* Inside: the oldest that waits gets the place. NULL: nobody does. */
static struct roost_impl_waiter *place_hand_over(roost_process_pool *pool,
                                                 struct roosti_process *process)
{
    struct roost_impl_waiter *waiter = roosti_waitq_pop(&pool->waiters);
    if (waiter) {
        waiter->slot = process;
    } else {
        pool->stats.busy--;
        if (process) {
            process->idle_next = pool->idle;
            pool->idle = process;
        } else {
            pool->stats.workers--;
        }
    }
    return waiter;
}

void roosti_process_give(roost_process_pool *pool, struct roosti_process *process)
{
    struct roost_impl_waiter *closer = NULL;
    roosti_guard_take(&pool->guard);
    if (pool->closing && process) {
        /* Before its place is free: whoever closes waits for that, and no longer. */
        roosti_guard_leave(&pool->guard);
        roosti_process_drop(pool, process);
        process = NULL;
        roosti_guard_take(&pool->guard);
    }
    struct roost_impl_waiter *waiter = place_hand_over(pool, process);
    if (pool->closing && pool->stats.busy == 0)
        closer = roosti_waitq_pop(&pool->closers);
    roosti_guard_leave(&pool->guard);
    if (waiter)
        roosti_guard_wake(&pool->guard, waiter, 0);
    if (closer)
        roosti_guard_wake(&pool->guard, closer, 0);
}

/* -- closing ------------------------------------------------------------------------------------*/

/* Inside. */
static void workers_doom(roost_process_pool *pool)
{
    for (struct roosti_process *process = pool->all; process; process = process->next) {
        if (process->doomed)
            continue;
        pool->stats.killed++;
        roosti_process_kill(pool, process);
    }
}

/* Nobody gets a place any more. */
static void pool_close_begin(roost_process_pool *pool)
{
    struct roosti_wakes wakes = {NULL, NULL};
    roosti_guard_take(&pool->guard);
    pool->closing = true;
    roosti_wakes_add_all(&wakes, &pool->waiters, ROOST_ECANCELED);
    struct roosti_process *idle = pool->idle;
    pool->idle = NULL;
    roosti_guard_leave(&pool->guard);
    roosti_wakes_go(&pool->guard, &wakes);
    while (idle) {
        struct roosti_process *process = idle;
        idle = process->idle_next;
        roosti_process_drop(pool, process);
    }
}

/* No call is under way. self: the running task; NULL: the run is ending. */
static void pool_close_finish(roost_process_pool *pool, struct roost_task *self)
{
    /* Whoever gave the last place back has still to leave. */
    roosti_guard_take(&pool->guard);
    roosti_guard_leave(&pool->guard);
    if (pool->rooted) {
        int end = pool->root.pidfd >= 0 ? pool->root.pidfd : pool->control;
        roosti_socket_finish(pool->control);
        roosti_process_await(pool, end, self);
        roosti_socket_close(pool->control);
        roosti_child_reap(&pool->root);
    }
    roosti_free(pool);
}

/* The close of a pool is cancelled: it need not wait for what the workers come to. */
static bool close_abort(struct roost_task *task)
{
    roost_process_pool *pool = task->wait.on;
    roosti_guard_take(&pool->guard);
    workers_doom(pool);
    roosti_guard_leave(&pool->guard);
    return false;
}

/* Waits for the calls under way. */
static void close_await(roost_process_pool *pool, struct roost_task *self, bool hurry)
{
    struct roosti_loop *loop = self->loop;
    struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self};
    roosti_guard_take(&pool->guard);
    bool busy = pool->stats.busy > 0;
    if (busy) {
        if (hurry)
            workers_doom(pool);
        roosti_waitq_push(&pool->closers, &waiter.base);
    }
    roosti_guard_leave(&pool->guard);
    if (!busy)
        return;
    loop->outside += pool->guard.shared;
    (void)roosti_park(self, hurry ? NULL : close_abort, "end of a process pool", pool);
    loop->outside -= pool->guard.shared;
}

int roost_process_pool_close(roost_process_pool *pool)
{
    struct roost_task *self = roosti_self();
    if (!pool)
        return 0;
    if (!self)
        return roosti_no_task();
    struct roosti_run *run = self->loop->run;
    if (pool->run != run)
        return ROOST_EXLOOP;
    roosti_require(roosti_part_remove(&run->parts, &pool->part),
                   "a process pool is closed once, by one task");
    pool_close_begin(pool);
    int rc = roosti_op_begin(self->loop, self);
    close_await(pool, self, rc < 0);
    if (rc == 0)
        rc = roosti_op_begin(self->loop, self);
    pool_close_finish(pool, self);
    return rc;
}

static void pool_end(struct roosti_part *part, struct roosti_loop *first)
{
    (void)first;
    roost_process_pool *pool = roosti_container(part, roost_process_pool, part);
    pool_close_begin(pool);
    pool_close_finish(pool, NULL);
}

/* -- opening ------------------------------------------------------------------------------------*/

static int pool_opts_fill(roost_process_pool_opts *filled, const roost_process_pool_opts *opts,
                          const struct roosti_loop *loop)
{
    *filled = opts ? *opts : (roost_process_pool_opts){0};
    if (filled->workers > WORKERS_MAX || filled->idle < 0)
        return ROOST_EINVAL;
    if (filled->workers == 0) {
        /* In simulation the same on every machine, or a seed would not be. */
        uint32_t count = loop->virtual_time ? WORKERS_SIMULATED : (uint32_t)roosti_host_cpu_count();
        filled->workers = count < WORKERS_MAX ? count : WORKERS_MAX;
    }
    if (loop->virtual_time)
        filled->idle = ROOST_FOREVER;
    else if (filled->idle == 0)
        filled->idle = IDLE_DEFAULT;
    if (filled->span_bytes_max == 0)
        filled->span_bytes_max = SPAN_BYTES_DEFAULT;
    return 0;
}

static int pool_new(struct roosti_loop *loop, const roost_process_pool_opts *opts,
                    roost_process_pool **ret_pool)
{
    roost_process_pool_opts filled;
    int rc = pool_opts_fill(&filled, opts, loop);
    if (rc < 0)
        return rc;
    roost_process_pool *pool = roosti_alloc_zero(1, sizeof *pool, "a process pool");
    if (!pool)
        return ROOST_ENOMEM;
    pool->part.end = pool_end;
    pool->run = loop->run;
    pool->blocking = loop->virtual_time ? loop : NULL;
    pool->opts = filled;
    pool->guard.shared = loop->run->loop_count > 1;
    *ret_pool = pool;
    return 0;
}

int roosti_process_pool_default(struct roosti_loop *loop, roost_process_pool **ret_pool)
{
    struct roosti_run *run = loop->run;
    roost_process_pool *pool = roosti_atomic_load(&run->processes, ROOSTI_ACQUIRE);
    if (!pool) {
        roost_process_pool *made = NULL;
        int rc = pool_new(loop, NULL, &made);
        if (rc < 0)
            return rc;
        if (roosti_atomic_cas(&run->processes, &pool, made, ROOSTI_ACQ_REL)) {
            pool = made;
            roosti_part_add(&run->parts, &made->part);
        } else { /* another loop was faster */
            roosti_free(made);
            pool = roosti_atomic_load(&run->processes, ROOSTI_ACQUIRE);
        }
    }
    *ret_pool = pool;
    return 0;
}

int roost_process_pool_open(const roost_process_pool_opts *opts, roost_process_pool **ret_pool)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    roost_process_pool *pool = NULL;
    int rc = pool_new(self->loop, opts, &pool);
    if (rc == 0)
        rc = roosti_process_root(pool); /* nobody else knows the pool yet */
    if (rc < 0) {
        roosti_free(pool);
        return rc;
    }
    roosti_part_add(&self->loop->run->parts, &pool->part);
    *ret_pool = pool;
    return 0;
}

/* Inside: takes workers off the idle ones that have ended by themselves. */
static struct roosti_process *idle_sift(roost_process_pool *pool)
{
    struct roosti_process *ended = NULL;
    struct roosti_process **at = &pool->idle;
    while (*at) {
        struct roosti_process *process = *at;
        struct roosti_wait_fd wait = {.fd = process->fd, .wanted = ROOSTI_WAIT_READ};
        if (roosti_wait_fds(&wait, 1, 0) == 0) {
            at = &process->idle_next;
            continue;
        }
        *at = process->idle_next;
        process->idle_next = ended;
        ended = process;
        pool->stats.workers--;
    }
    return ended;
}

int roost_process_pool_stats_get(roost_process_pool *pool, roost_process_pool_stats *stats)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    struct roosti_run *run = self->loop->run;
    if (pool && pool->run != run)
        return ROOST_EXLOOP;
    if (!pool)
        pool = roosti_atomic_load(&run->processes, ROOSTI_ACQUIRE);
    *stats = (roost_process_pool_stats){0};
    if (!pool)
        return 0; /* the run's own is opened with the first call */
    roosti_guard_take(&pool->guard);
    struct roosti_process *ended = idle_sift(pool);
    *stats = pool->stats;
    stats->waiting = roosti_waitq_count(&pool->waiters);
    roosti_guard_leave(&pool->guard);
    while (ended) {
        struct roosti_process *process = ended;
        ended = process->idle_next;
        roosti_process_drop(pool, process);
    }
    return 0;
}
