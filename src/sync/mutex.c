/* sync/mutex.c - one task at a time, handed over in order of arrival.
 *
 * A free mutex has no waiters: who lets go makes the first of them the owner before anybody else
 * runs. So the short path looks at the owner alone, and what is out of the ordinary (another loop,
 * an owner that has ended) is kept away from it by the number of the loop, which then does not fit.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/mutex.h"

#include <inttypes.h>

#include "rt/held.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/waitq.h"

static inline void mutex_own(roost_mutex *mutex, struct roost_task *task)
{
    mutex->priv.owner = task;
    roosti_held_push(task, &mutex->priv.held);
}

/* The owner has ended: what the mutex protects is in nobody knows what state. */
static void mutex_abandon(struct roost_impl_held *held)
{
    roost_mutex *mutex = roosti_container(held, roost_mutex, priv.held);
    const struct roost_task *owner = mutex->priv.owner;
    if (owner->loop->debug > 0)
        roosti_report("task '%s' (%" PRIu64 ") finished while it held a mutex; whoever wants it "
                      "gets ROOST_EOWNERDEAD",
                      roost_task_name(owner), owner->id);
    mutex->priv.owner = NULL;
    mutex->priv.abandoned = true;
    mutex->priv.loop_id = 0; /* no task's short path takes it any more */
    while (roosti_waitq_wake(&mutex->priv.waiters, ROOST_EOWNERDEAD))
        continue;
}

int roosti_mutex_take(roost_mutex *mutex, struct roost_task *self)
{
    if (mutex->priv.abandoned)
        return ROOST_EOWNERDEAD;
    int rc = roosti_loop_owns(self->loop, &mutex->priv.loop_id);
    if (rc < 0)
        return rc;
    mutex->priv.held.orphan = mutex_abandon; /* the short path finds it, as it finds the number */
    if (mutex->priv.owner)
        return mutex->priv.owner == self ? ROOST_EDEADLK : ROOST_EAGAIN;
    mutex_own(mutex, self);
    return 0;
}

void roosti_mutex_release(roost_mutex *mutex, struct roost_task *self)
{
    roosti_held_remove(self, &mutex->priv.held);
    struct roost_impl_waiter *next = roosti_waitq_pop(&mutex->priv.waiters);
    if (!next) {
        mutex->priv.owner = NULL;
        return;
    }
    mutex_own(mutex, next->task);
    roosti_wake(next->task, 0);
}

/* -- public: life ------------------------------------------------------------------------------ */

void roost_mutex_init(roost_mutex *mutex)
{
    *mutex = (roost_mutex)ROOST_MUTEX_INIT;
}

void roost_mutex_stats_get(const roost_mutex *mutex, roost_mutex_stats *stats)
{
    const struct roost_task *owner = mutex->priv.owner;
    *stats = (roost_mutex_stats){.owner_id = owner ? owner->id : 0,
                                 .waiting = roosti_waitq_count(&mutex->priv.waiters),
                                 .locked = owner != NULL,
                                 .abandoned = mutex->priv.abandoned};
}

/* -- public: locking --------------------------------------------------------------------------- */

/* Says who waits for whom: the code alone tells nobody which two locks were taken in both orders.
 */
static int mutex_circle(const struct roost_task *owner, const struct roost_task *self)
{
    if (owner == self)
        return roost_error_note(ROOST_EDEADLK, "this task holds the mutex already");
    return roost_error_note(ROOST_EDEADLK, "task %" PRIu64 " '%.10s' holds it and waits for this",
                            owner->id, roost_task_name(owner));
}

/* The mutex is not known to be free, and the task has been let through. */
static __attribute__((noinline)) int mutex_lock_slow(roost_mutex *mutex, struct roost_task *self)
{
    int rc = roosti_mutex_take(mutex, self);
    if (rc == 0 || (rc != ROOST_EAGAIN && rc != ROOST_EDEADLK))
        return rc;
    if (rc == ROOST_EDEADLK || roosti_task_depends(mutex->priv.owner, self))
        return mutex_circle(mutex->priv.owner, self);
    struct roost_impl_waiter waiter = {.task = self};
    self->wait.whom = &mutex->priv.owner;
    rc = roosti_waitq_park(&mutex->priv.waiters, &waiter, roosti_waitq_abort, "mutex",
                           &mutex->priv.waiters);
    self->wait.whom = NULL;
    return rc;
}

static inline bool mutex_is_free(const roost_mutex *mutex, const struct roosti_loop *loop)
{
    return roosti_likely(mutex->priv.loop_id == loop->id && !mutex->priv.owner);
}

/* The task has something to attend to before it may lock. */
static __attribute__((noinline)) int mutex_lock_attentive(roost_mutex *mutex,
                                                          struct roost_task *self)
{
    int rc = roosti_op_begin_slow(self);
    if (rc < 0)
        return rc;
    if (!mutex_is_free(mutex, self->loop))
        return mutex_lock_slow(mutex, self);
    mutex_own(mutex, self);
    return 0;
}

int roost_mutex_lock(roost_mutex *mutex)
{
    struct roosti_loop *loop = roosti_loop_here;
    struct roost_task *self;
    if (roosti_unlikely(!loop || !(self = loop->current)))
        return roosti_no_task();
    if (!roosti_op_begin_short(loop, self))
        return mutex_lock_attentive(mutex, self);
    if (!mutex_is_free(mutex, loop))
        return mutex_lock_slow(mutex, self);
    mutex_own(mutex, self);
    return 0;
}

int roost_mutex_try_lock(roost_mutex *mutex)
{
    struct roosti_loop *loop = roosti_loop_here;
    struct roost_task *self;
    if (roosti_unlikely(!loop || !(self = loop->current)))
        return roosti_no_task();
    if (!mutex_is_free(mutex, loop))
        return roosti_mutex_take(mutex, self);
    mutex_own(mutex, self);
    return 0;
}

/* Not the running task's, or not what it took last, or somebody waits. */
static __attribute__((noinline)) int mutex_unlock_slow(roost_mutex *mutex)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (mutex->priv.owner == self) {
        roosti_mutex_release(mutex, self);
        return 0;
    }
    if (mutex->priv.abandoned)
        return ROOST_EOWNERDEAD;
    if (self->loop->debug > 0)
        roosti_report("task '%s' (%" PRIu64 ") unlocks a mutex that it does not hold",
                      roost_task_name(self), self->id);
    uint32_t stamp = mutex->priv.loop_id; /* asked, and not made this loop's */
    int rc = roosti_loop_owns(self->loop, &stamp);
    return rc < 0 ? rc : ROOST_EPERM;
}

int roost_mutex_unlock(roost_mutex *mutex)
{
    struct roosti_loop *loop = roosti_loop_here;
    struct roost_task *self;
    /* What stands in the running task's list is its own; mostly it is what it took last. */
    if (roosti_unlikely(!loop || !(self = loop->current) || self->held != &mutex->priv.held ||
                        mutex->priv.waiters.first))
        return mutex_unlock_slow(mutex);
    self->held = mutex->priv.held.next;
    mutex->priv.owner = NULL;
    return 0;
}
