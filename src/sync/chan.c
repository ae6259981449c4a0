/* sync/chan.c - channels: sending and receiving.
 *
 * Each call is one of the steps of sync/chan.h inside the guard, and, when that would wait, a place
 * in the queue. A task that is woken from there has sent or received, or is told why not; it looks
 * at neither the handle nor the channel again, for both may be gone by the time it runs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/chan.h"

#include "sync/chan_end.h"

/* The first step of a call may give way, and the end be closed meanwhile: the call keeps the
 * handle until it is back. */
static __attribute__((noinline)) int chan_begin_slow(struct roost_chan *ch, struct roost_task *self)
{
    roosti_chan_ref(ch);
    int rc = roosti_op_begin_slow(self);
    bool closed = !roosti_chan_unref(ch);
    return rc == 0 && closed ? ROOST_ECLOSED : rc;
}

/* As roosti_op_begin. */
static inline int chan_begin(struct roost_chan *ch, struct roost_task *self)
{
    if (roosti_unlikely((self->attn & (ROOSTI_ATTN_CANCELLED | ROOSTI_ATTN_PROBE)) ||
                        self->loop->op_credit <= 0))
        return chan_begin_slow(ch, self);
    self->loop->op_credit--;
    return 0;
}

/* Leaves the guard after a step, and wakes whom it served. */
static inline int chan_leave(struct roosti_chan_core *core, struct roost_impl_waiter *served,
                             int rc)
{
    roosti_guard_leave(&core->guard);
    if (served)
        roosti_guard_wake(&core->guard, served, 0);
    return rc;
}

int roost_chan_send(roost_chan *ch, const void *item)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = chan_begin(ch, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    struct roosti_chan_core *core = ch->core;
    rc = roosti_guard_enter(&core->guard, self->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    struct roost_impl_waiter *served = NULL;
    rc = roosti_chan_put(ch, item, &served);
    if (rc != ROOST_EAGAIN)
        return chan_leave(core, served, rc);
    struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self, .slot = (void *)(uintptr_t)item};
    waiter.owner = ch;
    return roosti_guard_park(&core->guard, &core->sending, &waiter, "send to channel");
}

int roost_chan_recv(roost_chan *ch, void *item)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = chan_begin(ch, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    struct roosti_chan_core *core = ch->core;
    rc = roosti_guard_enter(&core->guard, self->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    struct roost_impl_waiter *served = NULL;
    rc = roosti_chan_take(ch, item, &served);
    if (rc != ROOST_EAGAIN)
        return chan_leave(core, served, rc);
    struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self, .slot = item};
    waiter.owner = ch;
    return roosti_guard_park(&core->guard, &core->receiving, &waiter, "receive from channel");
}

int roost_chan_try_send(roost_chan *ch, const void *item)
{
    struct roost_impl_waiter *served = NULL;
    int rc = roosti_guard_enter(&ch->core->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = roosti_chan_put(ch, item, &served);
    return chan_leave(ch->core, served, rc);
}

int roost_chan_try_recv(roost_chan *ch, void *item)
{
    struct roost_impl_waiter *served = NULL;
    int rc = roosti_guard_enter(&ch->core->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = roosti_chan_take(ch, item, &served);
    return chan_leave(ch->core, served, rc);
}

/* -- several at a time ------------------------------------------------------------------------- */

/* Inside the guard, which it leaves: sends what needs no waiting. Returns how many; *why: what
 * stopped it. */
static size_t send_batch(struct roost_chan *ch, const void *items, size_t count, int *why)
{
    struct roosti_chan_core *core = ch->core;
    struct roosti_wakes wakes = {NULL, NULL};
    size_t sent = 0;
    *why = roosti_chan_sendable(ch);
    for (; sent < count; sent++) {
        struct roost_impl_waiter *served = NULL;
        *why = roosti_chan_put(ch, roosti_chan_item(core, items, sent), &served);
        if (*why < 0)
            break;
        if (served)
            roosti_wakes_add(&wakes, served, 0);
    }
    roosti_guard_leave(&core->guard);
    roosti_wakes_go(&core->guard, &wakes);
    return sent;
}

static ROOST_SUSPENDS int send_many(struct roost_chan *ch, struct roost_task *self,
                                    const void *items, size_t count)
{
    struct roosti_chan_core *core = ch->core;
    size_t sent = 0;
    int rc;
    do {
        rc = chan_begin(ch, self);
        if (rc == 0)
            rc = roosti_guard_enter(&core->guard, self->loop);
        if (rc < 0)
            break;
        sent += send_batch(ch, roosti_chan_item(core, items, sent), count - sent, &rc);
        if (rc == ROOST_EAGAIN) {
            rc = roost_chan_send(ch, roosti_chan_item(core, items, sent));
            sent += rc == 0;
        }
    } while (rc == 0 && sent < count);
    return sent > 0 ? (int)sent : rc;
}

int roost_chan_send_many(roost_chan *ch, const void *items, size_t count)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (count > INT32_MAX)
        return ROOST_EINVAL;
    /* It comes back to the end after having waited on it. */
    roosti_chan_ref(ch);
    int rc = send_many(ch, self, items, count);
    (void)roosti_chan_unref(ch);
    return rc;
}

/* Inside the guard: receives what is there. Returns how many, or why not even one; leaves the guard
 * unless that is ROOST_EAGAIN. */
static int recv_batch(struct roost_chan *ch, void *items, size_t max)
{
    struct roosti_chan_core *core = ch->core;
    struct roosti_wakes wakes = {NULL, NULL};
    size_t received = 0;
    int rc = 0;
    for (; received < max; received++) {
        struct roost_impl_waiter *served = NULL;
        rc = roosti_chan_take(ch, roosti_chan_item(core, items, received), &served);
        if (rc < 0)
            break;
        if (served)
            roosti_wakes_add(&wakes, served, 0);
    }
    if (rc == ROOST_EAGAIN && received == 0)
        return rc;
    roosti_guard_leave(&core->guard);
    roosti_wakes_go(&core->guard, &wakes);
    return received > 0 ? (int)received : rc;
}

int roost_chan_recv_many(roost_chan *ch, void *items, size_t max)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (max == 0 || max > INT32_MAX)
        return ROOST_EINVAL;
    int rc = chan_begin(ch, self);
    if (rc < 0)
        return rc;
    struct roosti_chan_core *core = ch->core;
    rc = roosti_guard_enter(&core->guard, self->loop);
    if (rc < 0)
        return rc;
    rc = recv_batch(ch, items, max);
    if (rc != ROOST_EAGAIN)
        return rc;
    struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self, .slot = items};
    waiter.owner = ch;
    rc = roosti_guard_park(&core->guard, &core->receiving, &waiter, "receive from channel");
    return rc < 0 ? rc : 1;
}

bool roost_chan_next(roost_chan *ch, void *item, int *ret_rc)
{
    int rc = roost_chan_recv(ch, item);
    *ret_rc = rc == ROOST_ECLOSED ? 0 : rc;
    return rc == 0;
}
