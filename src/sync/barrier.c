/* sync/barrier.c - tasks that go on when a whole party has come.
 *
 * The last one to come gives each of the others its number and counts them as leaving; each of them
 * takes itself off when it runs. While any is leaving, newcomers stand in a line of their own, and
 * the last to leave lets them come, in order: they may make a whole party among themselves.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/event.h>

#include "rt/loop.h"
#include "rt/waitq.h"

/* A waiter's `want`: in which of the two lines it stands. */
enum { BARRIER_COME, BARRIER_NEWCOMER };

static struct roost_impl_waitq *barrier_line(roost_barrier *barrier, uint32_t place)
{
    return place == BARRIER_COME ? &barrier->priv.waiters : &barrier->priv.newcomers;
}

int roost_barrier_init(roost_barrier *barrier, uint32_t parties)
{
    if (parties == 0 || parties > INT32_MAX)
        return ROOST_EINVAL;
    *barrier = (roost_barrier){.priv.parties = parties};
    return 0;
}

void roost_barrier_stats_get(const roost_barrier *barrier, roost_barrier_stats *stats)
{
    *stats = (roost_barrier_stats){.parties = barrier->priv.parties,
                                   .waiting = barrier->priv.waiting,
                                   .leaving = barrier->priv.leaving,
                                   .held = roosti_waitq_count(&barrier->priv.newcomers),
                                   .broken = barrier->priv.broken};
}

/* Lets those who wait through; they are a whole party with the one that has come last. All are out
 * of the line before the first is woken: an instrument that hears of that may cancel others, and
 * must find them let through. */
static void barrier_open(roost_barrier *barrier)
{
    struct roost_impl_waiter *waiter = barrier->priv.waiters.first;
    barrier->priv.waiters = (struct roost_impl_waitq){0};
    barrier->priv.leaving += barrier->priv.waiting;
    barrier->priv.waiting = 0;
    for (struct roost_impl_waiter *at = waiter; at; at = at->next)
        at->queued = false;
    for (int index = 0; waiter; index++) {
        struct roost_impl_waiter *next = waiter->next;
        roosti_wake(waiter->task, index);
        waiter = next;
    }
}

/* One of a party has left: after the last one, those who were held back come. */
static void barrier_leave(roost_barrier *barrier)
{
    if (--barrier->priv.leaving > 0)
        return;
    struct roost_impl_waiter *waiter;
    while (barrier->priv.leaving == 0 &&
           (waiter = roosti_waitq_pop(&barrier->priv.newcomers)) != NULL) {
        waiter->want = BARRIER_COME;
        roosti_waitq_push(&barrier->priv.waiters, waiter);
        if (++barrier->priv.waiting == barrier->priv.parties)
            barrier_open(barrier);
    }
}

static bool barrier_wait_abort(struct roost_task *task)
{
    roost_barrier *barrier = task->wait.on;
    uint32_t place = task->wait.waiter->want;
    if (!task->wait.waiter->queued)
        return false;
    roosti_waitq_remove(barrier_line(barrier, place), task->wait.waiter);
    if (place == BARRIER_COME)
        barrier->priv.waiting--;
    return true;
}

int roost_barrier_wait(roost_barrier *barrier)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_loop_owns(self->loop, &barrier->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (barrier->priv.broken)
        return ROOST_EBROKEN;
    uint32_t place = barrier->priv.leaving > 0 ? BARRIER_NEWCOMER : BARRIER_COME;
    if (place == BARRIER_COME) {
        if (barrier->priv.waiting + 1 == barrier->priv.parties) {
            barrier_open(barrier);
            return (int)barrier->priv.parties - 1;
        }
        barrier->priv.waiting++;
    }
    struct roost_impl_waiter waiter = {.task = self, .want = place};
    rc = roosti_waitq_park(barrier_line(barrier, place), &waiter, barrier_wait_abort, "barrier",
                           barrier);
    if (rc >= 0)
        barrier_leave(barrier);
    return rc;
}

static void barrier_fail(roost_barrier *barrier, uint32_t place)
{
    struct roost_impl_waiter *waiter;
    while ((waiter = roosti_waitq_pop(barrier_line(barrier, place))) != NULL) {
        if (place == BARRIER_COME)
            barrier->priv.waiting--;
        roosti_wake(waiter->task, ROOST_EBROKEN);
    }
}

int roost_barrier_reset(roost_barrier *barrier)
{
    int rc = roosti_here_owns(&barrier->priv.loop_id);
    if (rc < 0)
        return rc;
    barrier_fail(barrier, BARRIER_COME);
    barrier->priv.broken = false;
    return 0;
}

int roost_barrier_abort(roost_barrier *barrier)
{
    int rc = roosti_here_owns(&barrier->priv.loop_id);
    if (rc < 0)
        return rc;
    barrier->priv.broken = true;
    barrier_fail(barrier, BARRIER_COME);
    barrier_fail(barrier, BARRIER_NEWCOMER);
    return 0;
}
