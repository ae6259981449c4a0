/* sync/select_chan.c - channels as cases of a select.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/chan_end.h"
#include "sync/select.h"

static struct roosti_guard *chan_guard(roost_case *kase)
{
    struct roosti_guard *guard = &((struct roost_chan *)kase->priv.on)->core->guard;
    return guard->shared ? guard : NULL;
}

/* The number of the case says whether it is kept: a channel of another loop is not. */
static void chan_hold(roost_case *kase)
{
    kase->priv.number = roosti_chan_keep(kase->priv.on, roosti_loop_here) == 0;
}

static void chan_release(roost_case *kase)
{
    if (kase->priv.number)
        (void)roosti_chan_unref(kase->priv.on);
}

/* A channel that is not shared has no guard to enter, but a loop to belong to. */
static int chan_owned(const struct roosti_case_place *place)
{
    struct roosti_guard *guard = &((struct roost_chan *)place->kase->priv.on)->core->guard;
    return guard->shared ? 0 : roosti_loop_owns(place->select->self->loop, &guard->stamp);
}

static int recv_try(struct roosti_case_place *place)
{
    int rc = chan_owned(place);
    return rc < 0 ? rc
                  : roosti_chan_take(place->kase->priv.on, place->kase->priv.slot,
                                     &place->select->served);
}

static int send_try(struct roosti_case_place *place)
{
    int rc = chan_owned(place);
    return rc < 0 ? rc
                  : roosti_chan_put(place->kase->priv.on, place->kase->priv.slot,
                                    &place->select->served);
}

static int chan_enlist(struct roosti_case_place *place, struct roosti_chan_side *side)
{
    place->waiter.queue = &side->queue;
    place->waiter.guard = &((struct roost_chan *)place->kase->priv.on)->core->guard;
    roosti_waitq_push(&side->queue, &place->waiter.base);
    place->enlisted = true;
    return 0;
}

static int recv_enlist(struct roosti_case_place *place)
{
    return chan_enlist(place, &((struct roost_chan *)place->kase->priv.on)->core->receiving);
}

static int send_enlist(struct roosti_case_place *place)
{
    return chan_enlist(place, &((struct roost_chan *)place->kase->priv.on)->core->sending);
}

/* Also for one that was taken out: whoever did that may still be inside the guard. */
static void chan_delist(struct roosti_case_place *place)
{
    roosti_guard_take(place->waiter.guard);
    if (place->waiter.base.queued)
        roosti_waitq_remove(place->waiter.queue, &place->waiter.base);
    roosti_guard_leave(place->waiter.guard);
}

const struct roost_impl_case_ops roost_impl_case_recv = {.try_now = recv_try,
                                                         .enlist = recv_enlist,
                                                         .delist = chan_delist,
                                                         .hold = chan_hold,
                                                         .release = chan_release,
                                                         .guard = chan_guard};

const struct roost_impl_case_ops roost_impl_case_send = {.try_now = send_try,
                                                         .enlist = send_enlist,
                                                         .delist = chan_delist,
                                                         .hold = chan_hold,
                                                         .release = chan_release,
                                                         .guard = chan_guard};
