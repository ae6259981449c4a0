/* sync/rwlock.c - one writer or many readers, in order of arrival.
 *
 * Nobody waits whom the head of the line could let in: every change that makes room (an unlock, a
 * downgrade, a waiter that leaves the line) ends by serving the line. So whoever comes may enter at
 * once exactly when the line is empty and the lock is as wanted.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/rwlock.h>

#include <inttypes.h>

#include "rt/held.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/waitq.h"

enum rwlock_mode { RWLOCK_READ, RWLOCK_WRITE }; /* a waiter's `want` */

/* -- handing over ------------------------------------------------------------------------------ */

static inline bool rwlock_admits(const roost_rwlock *rwlock, uint32_t mode)
{
    return !rwlock->priv.writer && (mode == RWLOCK_READ || rwlock->priv.readers == 0);
}

static inline void rwlock_own(roost_rwlock *rwlock, struct roost_task *task, uint32_t mode)
{
    if (mode == RWLOCK_READ) {
        rwlock->priv.readers++;
    } else {
        rwlock->priv.writer = task;
        roosti_held_push(task, &rwlock->priv.held);
    }
}

static void rwlock_serve(roost_rwlock *rwlock)
{
    struct roost_impl_waiter *waiter;
    while ((waiter = rwlock->priv.waiters.first) != NULL && rwlock_admits(rwlock, waiter->want)) {
        roosti_waitq_remove(&rwlock->priv.waiters, waiter);
        if (!roosti_waiter_claim(waiter))
            continue;
        rwlock_own(rwlock, waiter->task, waiter->want);
        roosti_wake(waiter->task, 0);
    }
}

/* The writer has ended. */
static void rwlock_abandon(struct roost_impl_held *held)
{
    roost_rwlock *rwlock = roosti_container(held, roost_rwlock, priv.held);
    const struct roost_task *writer = rwlock->priv.writer;
    if (writer->loop->debug > 0)
        roosti_report("task '%s' (%" PRIu64 ") finished while it held a lock for writing; whoever "
                      "wants it gets ROOST_EOWNERDEAD",
                      roost_task_name(writer), writer->id);
    rwlock->priv.writer = NULL;
    rwlock->priv.abandoned = true;
    rwlock->priv.loop_id = 0; /* no task's short path takes it any more */
    while (roosti_waitq_wake(&rwlock->priv.waiters, ROOST_EOWNERDEAD))
        continue;
}

/* -- life -------------------------------------------------------------------------------------- */

void roost_rwlock_init(roost_rwlock *rwlock)
{
    *rwlock = (roost_rwlock)ROOST_RWLOCK_INIT;
}

void roost_rwlock_stats_get(const roost_rwlock *rwlock, roost_rwlock_stats *stats)
{
    uint32_t waiting[2] = {0, 0};
    for (const struct roost_impl_waiter *at = rwlock->priv.waiters.first; at; at = at->next)
        waiting[at->want]++;
    *stats = (roost_rwlock_stats){.writer_id = rwlock->priv.writer ? rwlock->priv.writer->id : 0,
                                  .readers = rwlock->priv.readers,
                                  .readers_waiting = waiting[RWLOCK_READ],
                                  .writers_waiting = waiting[RWLOCK_WRITE],
                                  .abandoned = rwlock->priv.abandoned};
}

/* -- locking ----------------------------------------------------------------------------------- */

static bool rwlock_wait_abort(struct roost_task *task)
{
    roost_rwlock *rwlock = task->wait.on;
    roosti_waitq_remove(&rwlock->priv.waiters, task->wait.waiter);
    rwlock_serve(rwlock); /* a writer that leaves lets the readers behind it in */
    return true;
}

/* Holds the lock if that takes no waiting. */
static int rwlock_take(roost_rwlock *rwlock, struct roost_task *self, uint32_t mode)
{
    if (rwlock->priv.abandoned)
        return ROOST_EOWNERDEAD;
    int rc = roosti_loop_owns(self->loop, &rwlock->priv.loop_id);
    if (rc < 0)
        return rc;
    rwlock->priv.held.orphan = rwlock_abandon; /* the short path finds it, as it finds the number */
    if (rwlock->priv.writer == self)
        return ROOST_EDEADLK;
    if (rwlock->priv.waiters.first || !rwlock_admits(rwlock, mode))
        return ROOST_EAGAIN;
    rwlock_own(rwlock, self, mode);
    return 0;
}

static __attribute__((noinline)) int rwlock_lock_slow(roost_rwlock *rwlock, struct roost_task *self,
                                                      uint32_t mode)
{
    int rc = rwlock_take(rwlock, self, mode);
    if (rc != ROOST_EAGAIN)
        return rc;
    /* Readers are not known, so only circles through the writer are seen. */
    if (roosti_task_depends(rwlock->priv.writer, self))
        return ROOST_EDEADLK;
    struct roost_impl_waiter waiter = {.task = self, .want = mode};
    self->wait.whom = &rwlock->priv.writer;
    rc = roosti_waitq_park(&rwlock->priv.waiters, &waiter, rwlock_wait_abort, "reader-writer lock",
                           rwlock);
    self->wait.whom = NULL;
    return rc;
}

static __attribute__((noinline)) int rwlock_lock_attentive(roost_rwlock *rwlock,
                                                           struct roost_task *self, uint32_t mode)
{
    int rc = roosti_op_begin_slow(self);
    return rc < 0 ? rc : rwlock_lock_slow(rwlock, self, mode);
}

/* Whether the loop knows the lock, and nobody stands in the way. */
static inline bool rwlock_is_open(const roost_rwlock *rwlock, const struct roosti_loop *loop,
                                  uint32_t mode)
{
    return roosti_likely(rwlock->priv.loop_id == loop->id && !rwlock->priv.waiters.first &&
                         rwlock_admits(rwlock, mode));
}

static inline int rwlock_lock(roost_rwlock *rwlock, uint32_t mode)
{
    struct roosti_loop *loop = roosti_loop_here;
    struct roost_task *self;
    if (roosti_unlikely(!loop || !(self = loop->current)))
        return roosti_no_task();
    if (!roosti_op_begin_short(loop, self))
        return rwlock_lock_attentive(rwlock, self, mode);
    if (!rwlock_is_open(rwlock, loop, mode))
        return rwlock_lock_slow(rwlock, self, mode);
    rwlock_own(rwlock, self, mode);
    return 0;
}

int roost_rwlock_read_lock(roost_rwlock *rwlock)
{
    return rwlock_lock(rwlock, RWLOCK_READ);
}

int roost_rwlock_write_lock(roost_rwlock *rwlock)
{
    return rwlock_lock(rwlock, RWLOCK_WRITE);
}

static inline int rwlock_try_lock(roost_rwlock *rwlock, uint32_t mode)
{
    struct roost_task *self = roosti_self();
    return roosti_likely(self) ? rwlock_take(rwlock, self, mode) : roosti_no_task();
}

int roost_rwlock_try_read_lock(roost_rwlock *rwlock)
{
    return rwlock_try_lock(rwlock, RWLOCK_READ);
}

int roost_rwlock_try_write_lock(roost_rwlock *rwlock)
{
    return rwlock_try_lock(rwlock, RWLOCK_WRITE);
}

/* -- letting go -------------------------------------------------------------------------------- */

static int rwlock_misuse(const roost_rwlock *rwlock, const struct roost_task *self,
                         const char *what)
{
    if (self->loop->debug > 0)
        roosti_report("task '%s' (%" PRIu64 ") %s", roost_task_name(self), self->id, what);
    uint32_t stamp = rwlock->priv.loop_id; /* asked, and not made this loop's */
    int rc = roosti_loop_owns(self->loop, &stamp);
    return rc < 0 ? rc : ROOST_EPERM;
}

int roost_rwlock_read_unlock(roost_rwlock *rwlock)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(rwlock->priv.loop_id != self->loop->id || rwlock->priv.readers == 0))
        return rwlock_misuse(rwlock, self, "unlocks for reading a lock that nobody reads under");
    rwlock->priv.readers--;
    rwlock_serve(rwlock);
    return 0;
}

/* What both ways to stop writing begin with: the lock has no holder afterwards. */
static inline int rwlock_write_end(roost_rwlock *rwlock)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(rwlock->priv.abandoned))
        return ROOST_EOWNERDEAD;
    if (roosti_unlikely(rwlock->priv.writer != self))
        return rwlock_misuse(rwlock, self,
                             "ends writing under a lock that it does not write under");
    roosti_held_remove(self, &rwlock->priv.held);
    rwlock->priv.writer = NULL;
    return 0;
}

int roost_rwlock_write_unlock(roost_rwlock *rwlock)
{
    int rc = rwlock_write_end(rwlock);
    if (roosti_likely(rc == 0))
        rwlock_serve(rwlock);
    return rc;
}

int roost_rwlock_downgrade(roost_rwlock *rwlock)
{
    int rc = rwlock_write_end(rwlock);
    if (roosti_likely(rc == 0)) {
        rwlock->priv.readers = 1;
        rwlock_serve(rwlock);
    }
    return rc;
}
