/* sync/chan.c - channels: sending and receiving.
 *
 * Each call is one of the steps of sync/chan.h inside the guard, and, when that would wait, a place
 * in the queue. A task that is woken from there has sent or received, or is told why not; it looks
 * at neither the handle nor the channel again, for both may be gone by the time it runs. Only when
 * the channel is shared it keeps the handle, and so the channel: the wake-up may take its time on
 * the way from another loop, and a cancellation that is faster enters the guard.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/chan.h"

#include "sync/chan_end.h"

/* The first step of a call may give way, and the end be closed meanwhile: the call keeps the
 * handle until it is back. */
static __attribute__((noinline)) int chan_begin_slow(struct roost_chan *ch, struct roost_task *self)
{
    int rc = roosti_chan_keep(ch, self->loop);
    if (rc < 0)
        return rc;
    rc = roosti_op_begin_slow(self);
    bool closed = !roosti_chan_unref(ch);
    return rc == 0 && closed ? ROOST_ECLOSED : rc;
}

static inline int chan_begin(struct roost_chan *ch, struct roost_task *self)
{
    return roosti_op_begin_short(self->loop, self) ? 0 : chan_begin_slow(ch, self);
}

/* -- waiting ----------------------------------------------------------------------------------- */

/* False: somebody has taken the task's name out of the channel and is about to wake it. */
static bool alone_abort(struct roost_task *task)
{
    struct roosti_chan_core *core = task->wait.on;
    struct roosti_chan_side *side =
        core->receiving.alone == task ? &core->receiving : &core->sending;
    if (side->alone != task)
        return false;
    side->alone = NULL;
    return true;
}

/* Not part of chan_wait, whose last call shall be the switch. */
static __attribute__((noinline)) int chan_queue(struct roost_chan *ch, struct roost_task *self,
                                                struct roosti_chan_side *side, void *item,
                                                const char *what)
{
    ROOSTI_UNSET struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self, .slot = item};
    waiter.owner = ch;
    if (!ch->core->guard.shared)
        return roosti_guard_park(&ch->core->guard, &side->queue, &waiter, what);
    (void)roosti_chan_keep(ch, self->loop); /* cannot fail: it is shared */
    int rc = roosti_guard_park(&ch->core->guard, &side->queue, &waiter, what);
    (void)roosti_chan_unref(ch);
    return rc;
}

/* Nobody else waits on this side, and the channel is not shared. */
static inline int chan_wait_alone(struct roost_chan *ch, struct roost_task *self,
                                  struct roosti_chan_side *side, void *item, const char *what)
{
    side->alone = self;
    side->slot = item;
    side->end = ch;
    /* Who gives way all the time need not be watched for not doing so. */
    self->loop->op_credit = ROOSTI_OP_CREDIT;
    return roosti_park(self, alone_abort, what, ch->core);
}

/* Inside the guard, which it leaves: waits until a step of another task has served this one. */
static inline int chan_wait(struct roost_chan *ch, struct roost_task *self,
                            struct roosti_chan_side *side, void *item, const char *what)
{
    if (ch->core->guard.shared || side->alone || side->queue.first)
        return chan_queue(ch, self, side, item, what);
    return chan_wait_alone(ch, self, side, item, what);
}

/* -- one item ---------------------------------------------------------------------------------- */

/* What follows the first step of a send, in all generality. */
static __attribute__((noinline)) int send_on(struct roost_chan *ch, struct roost_task *self,
                                             const void *item)
{
    struct roosti_chan_core *core = ch->core;
    struct roosti_chan_served served = {NULL, NULL};
    int rc = roosti_guard_enter(&core->guard, self->loop);
    if (rc < 0)
        return rc;
    rc = roosti_chan_put(ch, item, &served);
    if (rc == ROOST_EAGAIN)
        return chan_wait(ch, self, &core->sending, (void *)(uintptr_t)item, "send to channel");
    roosti_guard_leave(&core->guard);
    roosti_chan_wake(served);
    return rc;
}

/* Whether a call may take the short path: not shared, on its loop, an open end, items of a word. */
static inline bool chan_is_quick(const struct roost_chan *ch, const struct roost_task *self,
                                 uint32_t dir)
{
    const struct roosti_chan_core *core = ch->core;
    return roosti_likely(core->guard.stamp == self->loop->id && (ch->dirs & dir) &&
                         core->item_size == sizeof(uint64_t));
}

/* The short paths are what roosti_chan_put and roosti_chan_take would do, cut down so that nothing
 * has to be kept over a call: they save no register, and begin and end within some thirty
 * instructions. */
static inline int send_quick(struct roost_chan *ch, struct roost_task *self, const void *item)
{
    struct roosti_chan_core *core = ch->core;
    if (chan_is_quick(ch, self, ROOST_CHAN_SEND)) {
        struct roost_task *receiver = core->receiving.alone;
        if (receiver) {
            core->receiving.alone = NULL;
            memcpy(core->receiving.slot, item, sizeof(uint64_t));
            roosti_wake(receiver, 0);
            return 0;
        }
        if (core->receivers > 0 && !core->receiving.queue.first) {
            if (core->count < core->slots) {
                roosti_chan_append(core, item);
                return 0;
            }
            if (core->slots == core->capacity && !core->sending.alone && !core->sending.queue.first)
                return chan_wait_alone(ch, self, &core->sending, (void *)(uintptr_t)item,
                                       "send to channel");
        }
    }
    return send_on(ch, self, item);
}

static __attribute__((noinline)) int send_slow(struct roost_chan *ch, struct roost_task *self,
                                               const void *item)
{
    int rc = chan_begin_slow(ch, self);
    return rc < 0 ? rc : send_quick(ch, self, item);
}

int roost_chan_send(roost_chan *ch, const void *item)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (!roosti_op_begin_short(self->loop, self))
        return send_slow(ch, self, item);
    return send_quick(ch, self, item);
}

static __attribute__((noinline)) int recv_on(struct roost_chan *ch, struct roost_task *self,
                                             void *item)
{
    struct roosti_chan_core *core = ch->core;
    struct roosti_chan_served served = {NULL, NULL};
    int rc = roosti_guard_enter(&core->guard, self->loop);
    if (rc < 0)
        return rc;
    rc = roosti_chan_take(ch, item, &served);
    if (rc == ROOST_EAGAIN)
        return chan_wait(ch, self, &core->receiving, item, "receive from channel");
    roosti_guard_leave(&core->guard);
    roosti_chan_wake(served);
    return rc;
}

static inline int recv_quick(struct roost_chan *ch, struct roost_task *self, void *item)
{
    struct roosti_chan_core *core = ch->core;
    if (chan_is_quick(ch, self, ROOST_CHAN_RECV)) {
        struct roost_task *sender = core->sending.alone;
        if (sender && core->count == 0) {
            core->sending.alone = NULL;
            memcpy(item, core->sending.slot, sizeof(uint64_t));
            roosti_wake(sender, 0);
            return 0;
        }
        if (!sender && !core->sending.queue.first) {
            if (core->count > 0) {
                roosti_chan_shift(core, item);
                return 0;
            }
            if (core->senders > 0 && !core->receiving.alone && !core->receiving.queue.first)
                return chan_wait_alone(ch, self, &core->receiving, item, "receive from channel");
        }
    }
    return recv_on(ch, self, item);
}

static __attribute__((noinline)) int recv_slow(struct roost_chan *ch, struct roost_task *self,
                                               void *item)
{
    int rc = chan_begin_slow(ch, self);
    return rc < 0 ? rc : recv_quick(ch, self, item);
}

int roost_chan_recv(roost_chan *ch, void *item)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (!roosti_op_begin_short(self->loop, self))
        return recv_slow(ch, self, item);
    return recv_quick(ch, self, item);
}

int roost_chan_try_send(roost_chan *ch, const void *item)
{
    struct roosti_guard *guard = &ch->core->guard;
    struct roosti_chan_served served = {NULL, NULL};
    int rc = roosti_guard_enter(guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = roosti_chan_put(ch, item, &served);
    roosti_guard_leave(guard);
    roosti_chan_wake(served);
    return rc;
}

int roost_chan_try_recv(roost_chan *ch, void *item)
{
    struct roosti_guard *guard = &ch->core->guard;
    struct roosti_chan_served served = {NULL, NULL};
    int rc = roosti_guard_enter(guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = roosti_chan_take(ch, item, &served);
    roosti_guard_leave(guard);
    roosti_chan_wake(served);
    return rc;
}

/* -- several at a time ------------------------------------------------------------------------- */

/* After a step of several: keeps whom it served until the lock is dropped. Where there is no lock
 * the task can be woken at once. */
static inline void many_served(struct roosti_wakes *wakes, struct roosti_chan_served served)
{
    if (served.waiter)
        roosti_wakes_add(wakes, served.waiter, 0);
    else if (served.task)
        roosti_wake(served.task, 0);
}

/* Inside the guard, which it leaves: sends what needs no waiting. Returns how many; *why: what
 * stopped it. */
static size_t send_batch(struct roost_chan *ch, const void *items, size_t count, int *why)
{
    struct roosti_chan_core *core = ch->core;
    struct roosti_wakes wakes = {NULL, NULL};
    size_t sent = 0;
    *why = roosti_chan_sendable(ch);
    for (; sent < count; sent++) {
        struct roosti_chan_served served = {NULL, NULL};
        *why = roosti_chan_put(ch, roosti_chan_item(core, items, sent), &served);
        if (*why < 0)
            break;
        many_served(&wakes, served);
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
    int rc = roosti_chan_keep(ch, self->loop);
    if (rc < 0)
        return rc;
    rc = send_many(ch, self, items, count);
    (void)roosti_chan_unref(ch);
    return rc;
}

/* Inside the guard, which it leaves: receives what is there, or waits for one item. */
static int recv_many(struct roost_chan *ch, struct roost_task *self, void *items, size_t max)
{
    struct roosti_chan_core *core = ch->core;
    struct roosti_wakes wakes = {NULL, NULL};
    size_t received = 0;
    int rc = 0;
    for (; received < max; received++) {
        struct roosti_chan_served served = {NULL, NULL};
        rc = roosti_chan_take(ch, roosti_chan_item(core, items, received), &served);
        if (rc < 0)
            break;
        many_served(&wakes, served);
    }
    if (rc == ROOST_EAGAIN && received == 0) {
        rc = chan_wait(ch, self, &core->receiving, items, "receive from channel");
        return rc < 0 ? rc : 1;
    }
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
    /* Those it wakes on the way are told to the instruments, who might close the end. */
    rc = roosti_chan_keep(ch, self->loop);
    if (rc < 0)
        return rc;
    rc = roosti_guard_enter(&ch->core->guard, self->loop);
    if (rc == 0)
        rc = recv_many(ch, self, items, max);
    (void)roosti_chan_unref(ch);
    return rc;
}

bool roost_chan_next(roost_chan *ch, void *item, int *ret_rc)
{
    int rc = roost_chan_recv(ch, item);
    *ret_rc = rc == ROOST_ECLOSED ? 0 : rc;
    return rc == 0;
}
