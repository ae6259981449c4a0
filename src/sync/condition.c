/* sync/condition.c - waiting under a mutex to be notified.
 *
 * A wait parks once. Whoever ends it, a notification or a cancellation, moves its waiter from the
 * queue of the condition to that of the mutex, or makes it the owner of a mutex that is free; so it
 * runs only when it holds the mutex. From the first moment it depends on the owner of the mutex,
 * which is how circles are found.
 *
 *   waiting ----notified----> reacquiring (notified) ----mutex----> 0
 *      |                          | cancelled: the notification is passed on
 *      +-----cancelled----> reacquiring (cancelled) ----mutex----> ROOST_ECANCELED
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"
#include "rt/scope.h"
#include "rt/waitq.h"
#include "sync/mutex.h"

struct cond_wait {
    struct roost_impl_waiter waiter;
    roost_cond *cond;
    roost_mutex *mutex;
    bool notified;
    bool cancelled;
};

static struct cond_wait *wait_of(struct roost_impl_waiter *waiter)
{
    return roosti_container(waiter, struct cond_wait, waiter);
}

/* The owner of the mutex waits for this task, and would for ever. */
static bool wait_is_hopeless(const struct cond_wait *wait)
{
    return roosti_task_depends(wait->mutex->priv.owner, wait->waiter.task);
}

/* The wait is over, but for the mutex. True: that is settled, and the task to be woken. */
static bool cond_reacquire(struct cond_wait *wait)
{
    if (roosti_mutex_take(wait->mutex, wait->waiter.task) != ROOST_EAGAIN || wait_is_hopeless(wait))
        return true;
    roosti_waitq_push(&wait->mutex->priv.waiters, &wait->waiter);
    return false;
}

static uint32_t cond_notify(roost_cond *cond, uint32_t count)
{
    uint32_t notified = 0;
    struct roost_impl_waiter *waiter;
    for (; notified < count && (waiter = roosti_waitq_pop(&cond->priv.waiters)); notified++) {
        wait_of(waiter)->notified = true;
        if (cond_reacquire(wait_of(waiter)))
            roosti_wake(waiter->task, 0);
    }
    return notified;
}

/* It is cancelled and waits for the mutex alone. Whether that can come may change, so this can be
 * asked again. */
static bool cond_mutex_abort(struct roost_task *task)
{
    struct cond_wait *wait = wait_of(task->wait.waiter);
    bool hopeless = wait_is_hopeless(wait);
    if (hopeless)
        roosti_waitq_remove(&wait->mutex->priv.waiters, &wait->waiter);
    else
        task->wait.abort = cond_mutex_abort;
    return hopeless;
}

static bool cond_wait_abort(struct roost_task *task)
{
    struct cond_wait *wait = wait_of(task->wait.waiter);
    wait->cancelled = true;
    if (wait->notified) {
        (void)cond_notify(wait->cond, 1);
        return cond_mutex_abort(task);
    }
    task->wait.abort = cond_mutex_abort;
    roosti_waitq_remove(&wait->cond->priv.waiters, &wait->waiter);
    return cond_reacquire(wait);
}

/* The mutex has been let go of, which an instrument may have taken as the occasion to cancel the
 * task: then it waits for the mutex alone. */
static void cond_park(struct cond_wait *wait)
{
    struct roost_task *self = wait->waiter.task;
    self->wait.waiter = &wait->waiter;
    wait->cancelled = self->attn & ROOSTI_ATTN_CANCELLED;
    if (roosti_likely(!wait->cancelled))
        roosti_waitq_push(&wait->cond->priv.waiters, &wait->waiter);
    else if (cond_reacquire(wait))
        return;
    (void)roosti_park(self, wait->cancelled ? cond_mutex_abort : cond_wait_abort,
                      "condition under a mutex", wait->cond);
}

void roost_cond_init(roost_cond *cond)
{
    *cond = (roost_cond)ROOST_COND_INIT;
}

int roost_cond_wait(roost_cond *cond, roost_mutex *mutex)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(mutex->priv.owner != self))
        return mutex->priv.abandoned ? ROOST_EOWNERDEAD : ROOST_EPERM;
    int rc = roosti_loop_owns(self->loop, &cond->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    roosti_mutex_release(mutex, self);
    struct cond_wait wait = {.waiter.task = self, .cond = cond, .mutex = mutex};
    self->wait.whom = &mutex->priv.owner;
    cond_park(&wait);
    self->wait.whom = NULL;
    if (roosti_unlikely(mutex->priv.owner != self)) {
        if (wait.notified && !wait.cancelled)
            (void)cond_notify(cond, 1);
        return mutex->priv.abandoned ? ROOST_EOWNERDEAD : ROOST_EDEADLK;
    }
    if (!wait.cancelled)
        return 0;
    /* When it had to wait for the mutex, nobody has told the scope. */
    self->scope->priv.flags |= ROOSTI_SCOPE_MET;
    return ROOST_ECANCELED;
}

static inline int cond_notify_here(roost_cond *cond, uint32_t count)
{
    int rc = roosti_here_owns(&cond->priv.loop_id);
    return roosti_likely(rc == 0) ? (int)cond_notify(cond, count) : rc;
}

int roost_cond_notify(roost_cond *cond, uint32_t count)
{
    return cond_notify_here(cond, count);
}

int roost_cond_notify_all(roost_cond *cond)
{
    return cond_notify_here(cond, UINT32_MAX);
}

void roost_cond_stats_get(const roost_cond *cond, roost_cond_stats *stats)
{
    *stats = (roost_cond_stats){.waiting = roosti_waitq_count(&cond->priv.waiters)};
}
