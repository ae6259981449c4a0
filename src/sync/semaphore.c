/* sync/semaphore.c - permits, handed over in line.
 *
 * While somebody waits there are fewer permits than the first in line wants; that holds before and
 * after every call, so the short paths need only ask whether the line is empty. Each change that
 * could make it false (a release, the first one leaving the line) ends by serving the line.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/semaphore.h"

#include "rt/loop.h"
#include "rt/report.h"
#include "rt/waitq.h"

void roost_sem_init(roost_sem *sem, uint32_t permits, const roost_sem_opts *opts)
{
    uint32_t max = opts ? opts->max : 0;
    *sem = (roost_sem){.priv = {.permits = permits, .max = max && max < permits ? permits : max}};
}

/* Whether `count` permits can be taken now without overtaking anybody. */
static inline bool sem_has(const roost_sem *sem, uint32_t count)
{
    return sem->priv.permits >= count && !sem->priv.waiters.first;
}

static inline bool sem_never_has(const roost_sem *sem, uint32_t count)
{
    return count == 0 || (sem->priv.max != 0 && count > sem->priv.max);
}

/* Serves those at the head for whom there is enough. */
static void sem_serve(roost_sem *sem)
{
    struct roost_impl_waiter *waiter;
    while ((waiter = sem->priv.waiters.first) != NULL && waiter->want <= sem->priv.permits) {
        roosti_waitq_remove(&sem->priv.waiters, waiter);
        if (!roosti_waiter_claim(waiter))
            continue;
        sem->priv.permits -= waiter->want;
        roosti_wake(waiter->task, 0);
    }
}

/* Those behind a request that was too big may be served when it leaves. */
void roosti_sem_leave(roost_sem *sem, struct roost_impl_waiter *waiter)
{
    roosti_waitq_remove(&sem->priv.waiters, waiter);
    sem_serve(sem);
}

static bool sem_abort(struct roost_task *task)
{
    roosti_sem_leave(task->wait.on, task->wait.waiter);
    return true;
}

static __attribute__((noinline)) int sem_wait(roost_sem *sem, struct roost_task *task,
                                              uint32_t count)
{
    struct roost_impl_waiter waiter = {.task = task, .want = count};
    return roosti_waitq_park(&sem->priv.waiters, &waiter, sem_abort, "semaphore", sem);
}

/* The last step: takes what is there, or waits in line. */
static inline int sem_take(roost_sem *sem, struct roost_task *task, uint32_t count)
{
    if (roosti_unlikely(!sem_has(sem, count)))
        return sem_wait(sem, task, count);
    sem->priv.permits -= count;
    return 0;
}

/* Whoever is to be refused or has used up its turn. */
static __attribute__((noinline)) int sem_acquire_slow(roost_sem *sem, struct roost_task *task,
                                                      uint32_t count)
{
    int rc = roosti_op_begin_slow(task);
    return rc < 0 ? rc : sem_take(sem, task, count);
}

static __attribute__((noinline)) int sem_acquire_first(roost_sem *sem, struct roost_task *task,
                                                       uint32_t count)
{
    int rc = roosti_loop_owns(task->loop, &sem->priv.loop_id);
    if (rc == 0)
        rc = roosti_op_begin(task->loop, task);
    return rc < 0 ? rc : sem_take(sem, task, count);
}

/* Whatever is rare is left by a call in tail position, so that no register has to be saved. */
static inline int sem_acquire(roost_sem *sem, uint32_t count)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    struct roosti_loop *loop = task->loop;
    if (roosti_unlikely(sem->priv.loop_id != loop->id))
        return sem_acquire_first(sem, task, count);
    if (!roosti_op_begin_short(loop, task))
        return sem_acquire_slow(sem, task, count);
    return sem_take(sem, task, count);
}

int roost_sem_acquire(roost_sem *sem)
{
    return sem_acquire(sem, 1);
}

int roost_sem_acquire_many(roost_sem *sem, uint32_t count)
{
    if (roosti_unlikely(sem_never_has(sem, count)))
        return roosti_self() ? ROOST_EINVAL : roosti_no_task();
    return sem_acquire(sem, count);
}

static inline int sem_try_acquire(roost_sem *sem, uint32_t count)
{
    int rc = roosti_here_owns(&sem->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (!sem_has(sem, count))
        return ROOST_EAGAIN;
    sem->priv.permits -= count;
    return 0;
}

int roost_sem_try_acquire(roost_sem *sem)
{
    return sem_try_acquire(sem, 1);
}

int roost_sem_try_acquire_many(roost_sem *sem, uint32_t count)
{
    if (roosti_unlikely(sem_never_has(sem, count)))
        return roosti_loop_here ? ROOST_EINVAL : roosti_no_task();
    return sem_try_acquire(sem, count);
}

static __attribute__((noinline)) int sem_misused(const roost_sem *sem, uint32_t count, int rc)
{
    const struct roosti_loop *loop = roosti_loop_here;
    if (loop && loop->debug > 0)
        roosti_report("misuse: roost_sem_release of %u with %u of at most %u there: %s", count,
                      sem->priv.permits, sem->priv.max ? sem->priv.max : UINT32_MAX,
                      roost_error_name(rc));
    return rc;
}

static __attribute__((noinline)) int sem_release(roost_sem *sem, uint32_t count)
{
    int rc = roosti_here_owns(&sem->priv.loop_id);
    uint32_t max = sem->priv.max ? sem->priv.max : UINT32_MAX;
    if (roosti_unlikely(rc < 0))
        return sem_misused(sem, count, rc);
    if (roosti_unlikely(count > max - sem->priv.permits))
        return sem_misused(sem, count, ROOST_EOVERFLOW);
    sem->priv.permits += count;
    sem_serve(sem);
    return 0;
}

int roost_sem_release(roost_sem *sem)
{
    const struct roosti_loop *loop = roosti_loop_here;
    uint32_t permits = sem->priv.permits;
    /* Without a bound max - 1 is UINT32_MAX, which no number is above. */
    if (roosti_unlikely(!loop || sem->priv.loop_id != loop->id || sem->priv.waiters.first ||
                        permits > sem->priv.max - 1 || permits == UINT32_MAX))
        return sem_release(sem, 1);
    sem->priv.permits = permits + 1;
    return 0;
}

int roost_sem_release_many(roost_sem *sem, uint32_t count)
{
    return roosti_unlikely(count == 0) ? sem_misused(sem, count, ROOST_EINVAL)
                                       : sem_release(sem, count);
}

void roost_sem_stats_get(const roost_sem *sem, roost_sem_stats *stats)
{
    uint32_t waiting = roosti_waitq_count(&sem->priv.waiters);
    *stats = (roost_sem_stats){.permits = sem->priv.permits, .waiting = waiting};
}
