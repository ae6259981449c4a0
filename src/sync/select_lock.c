/* sync/select_lock.c - locks, permits and events as cases of a select.
 *
 * Whoever lets go hands over to the first in line that can be claimed, so a select gets them like
 * any other waiter, and they go past one that has been served elsewhere.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/event.h>
#include <roost/lock.h>
#include <roost/semaphore.h>

#include "sync/mutex.h"
#include "sync/select.h"
#include "sync/semaphore.h"

static int line_enlist(struct roosti_case_place *place, struct roost_impl_waitq *queue)
{
    place->waiter.queue = queue;
    roosti_waitq_push(queue, &place->waiter.base);
    place->enlisted = true;
    return 0;
}

static void line_delist(struct roosti_case_place *place)
{
    if (place->waiter.base.queued)
        roosti_waitq_remove(place->waiter.queue, &place->waiter.base);
}

static int lock_try(struct roosti_case_place *place)
{
    return roosti_mutex_take(place->kase->priv.on, place->select->self);
}

static int lock_enlist(struct roosti_case_place *place)
{
    return line_enlist(place, &((roost_mutex *)place->kase->priv.on)->priv.waiters);
}

const struct roost_impl_case_ops roost_impl_case_lock = {
    .try_now = lock_try, .enlist = lock_enlist, .delist = line_delist};

static int acquire_try(struct roosti_case_place *place)
{
    return roost_sem_try_acquire(place->kase->priv.on);
}

static int acquire_enlist(struct roosti_case_place *place)
{
    place->waiter.base.want = 1;
    return line_enlist(place, &((roost_sem *)place->kase->priv.on)->priv.waiters);
}

static void acquire_delist(struct roosti_case_place *place)
{
    if (place->waiter.base.queued)
        roosti_sem_leave(place->kase->priv.on, &place->waiter.base);
}

const struct roost_impl_case_ops roost_impl_case_acquire = {
    .try_now = acquire_try, .enlist = acquire_enlist, .delist = acquire_delist};

static int event_try(struct roosti_case_place *place)
{
    roost_event *event = place->kase->priv.on;
    int rc = roosti_loop_owns(place->select->self->loop, &event->priv.loop_id);
    return rc == 0 && !event->priv.set ? ROOST_EAGAIN : rc;
}

static int event_enlist(struct roosti_case_place *place)
{
    return line_enlist(place, &((roost_event *)place->kase->priv.on)->priv.waiters);
}

const struct roost_impl_case_ops roost_impl_case_event = {
    .try_now = event_try, .enlist = event_enlist, .delist = line_delist};
