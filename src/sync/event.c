/* sync/event.c - a flag one can wait for.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/event.h>

#include "rt/loop.h"
#include "rt/waitq.h"

void roost_event_init(roost_event *event)
{
    *event = (roost_event)ROOST_EVENT_INIT;
}

int roost_event_set(roost_event *event)
{
    int rc = roosti_here_owns(&event->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    event->priv.set = true;
    while (roosti_waitq_wake(&event->priv.waiters, 0))
        continue;
    return 0;
}

int roost_event_clear(roost_event *event)
{
    int rc = roosti_here_owns(&event->priv.loop_id);
    if (roosti_likely(rc == 0))
        event->priv.set = false;
    return rc;
}

bool roost_event_is_set(const roost_event *event)
{
    return event->priv.set;
}

int roost_event_wait(roost_event *event)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_loop_owns(self->loop, &event->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0) || event->priv.set)
        return rc;
    struct roost_impl_waiter waiter = {.task = self};
    return roosti_waitq_park(&event->priv.waiters, &waiter, roosti_waitq_abort, "event",
                             &event->priv.waiters);
}

void roost_event_stats_get(const roost_event *event, roost_event_stats *stats)
{
    *stats = (roost_event_stats){.waiting = roosti_waitq_count(&event->priv.waiters),
                                 .set = event->priv.set};
}
