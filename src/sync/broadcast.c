/* sync/broadcast.c - every subscriber gets every value.
 *
 * Values are numbered. Those from `tail` to `head` are kept in a ring, a subscriber's `next` is the
 * number it gets next. Who waits to receive has taken all there is, so a value is copied straight
 * to those, and into the ring only when somebody is behind.
 *
 *   ROOST_BROADCAST_LAG    tail follows head at the distance `capacity`; a subscriber whose next is
 *                          below it has missed the difference.
 *   ROOST_BROADCAST_WAIT   each kept value counts who has not taken it (`behind`); tail passes
 * those that count 0. Senders wait only while the ring is full, and whoever moves tail publishes
 * for them, oldest first.
 *
 * The memory belongs to the opener's pointer and to the subscriptions, whoever goes last.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/broadcast.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "rt/report.h"
#include "sync/guard.h"

struct roost_broadcast {
    struct roosti_guard guard;
    bool waits; /* ROOST_BROADCAST_WAIT */
    bool closed;
    uint32_t subscribers;
    size_t item_size;
    size_t capacity;
    uint64_t head; /* the number of the next value */
    uint64_t tail; /* the oldest value kept; head: none is */
    struct roost_impl_waitq receivers;
    struct roost_impl_waitq senders;
    uint64_t received;
    uint64_t missed;
    uint64_t send_waits;
    uint64_t recv_waits;
    uint32_t *behind;     /* per cell of the ring; NULL: ROOST_BROADCAST_LAG */
    unsigned char *cells; /* `capacity` values */
    /* What waiting tasks wait for, for dumps. */
    char send_text[48];
    char recv_text[48];
};

/* -- life -------------------------------------------------------------------------------------- */

static void broadcast_free(roost_broadcast *broadcast)
{
    roosti_free(broadcast->cells);
    roosti_free(broadcast->behind);
    roosti_free(broadcast);
}

int roost_broadcast_open(const roost_broadcast_opts *opts, roost_broadcast **ret_broadcast)
{
    size_t bytes;
    if (!opts || opts->item_size == 0 || opts->capacity == 0 ||
        (unsigned)opts->policy > ROOST_BROADCAST_WAIT)
        return ROOST_EINVAL;
    if (__builtin_mul_overflow(opts->capacity, opts->item_size, &bytes))
        return ROOST_ENOMEM;
    roost_broadcast *broadcast = roosti_alloc_zero(1, sizeof *broadcast, "a broadcast");
    if (!broadcast)
        return ROOST_ENOMEM;
    broadcast->guard.shared = opts->shared;
    broadcast->waits = opts->policy == ROOST_BROADCAST_WAIT;
    broadcast->item_size = opts->item_size;
    broadcast->capacity = opts->capacity;
    broadcast->cells = roosti_alloc(bytes, "the values of a broadcast");
    if (broadcast->cells && broadcast->waits)
        broadcast->behind = roosti_alloc_zero(opts->capacity, sizeof *broadcast->behind,
                                              "who is behind in a broadcast");
    if (!broadcast->cells || (broadcast->waits && !broadcast->behind)) {
        broadcast_free(broadcast);
        return ROOST_ENOMEM;
    }
    const char *label = opts->label ? opts->label : "broadcast";
    snprintf(broadcast->send_text, sizeof broadcast->send_text, "send to %.31s", label);
    snprintf(broadcast->recv_text, sizeof broadcast->recv_text, "receive from %.31s", label);
    *ret_broadcast = broadcast;
    return 0;
}

/* Not shared, a broadcast may also be left where its loop is no more; but not where nobody may
 * touch that loop's tasks. */
static void broadcast_require_here(const roost_broadcast *broadcast)
{
    bool waits = broadcast->receivers.first || broadcast->senders.first;
    roosti_require(!waits || broadcast->guard.shared ||
                       (roosti_loop_here && roosti_loop_here->id == broadcast->guard.stamp),
                   "a broadcast that is not shared is left on its loop while tasks wait on it");
}

void roost_broadcast_close(roost_broadcast *broadcast)
{
    struct roosti_wakes wakes = {NULL, NULL};
    if (!broadcast)
        return;
    roosti_guard_take(&broadcast->guard);
    broadcast_require_here(broadcast);
    roosti_require(!broadcast->senders.first, "no task sends on a broadcast that is closed");
    broadcast->closed = true;
    bool last = broadcast->subscribers == 0;
    roosti_wakes_add_all(&wakes, &broadcast->receivers, ROOST_ECLOSED);
    roosti_guard_leave(&broadcast->guard);
    /* Each of those to be woken is subscribed, so the guard stands until the last one is. */
    roosti_wakes_go(&broadcast->guard, &wakes);
    if (last)
        broadcast_free(broadcast);
}

/* -- sending ----------------------------------------------------------------------------------- */

static size_t broadcast_index(const roost_broadcast *broadcast, uint64_t number)
{
    return (size_t)(number % broadcast->capacity);
}

static void *broadcast_cell(const roost_broadcast *broadcast, uint64_t number)
{
    return broadcast->cells + broadcast_index(broadcast, number) * broadcast->item_size;
}

static bool broadcast_full(const roost_broadcast *broadcast)
{
    return broadcast->waits && broadcast->head - broadcast->tail == broadcast->capacity;
}

/* Inside; not full. Returns how many subscribers there are, as what the sender returns. */
static int broadcast_publish(roost_broadcast *broadcast, const void *item,
                             struct roosti_wakes *wakes)
{
    uint32_t behind = broadcast->subscribers;
    struct roost_impl_waiter *waiter;
    uint64_t number = broadcast->head++;
    while ((waiter = roosti_waitq_pop(&broadcast->receivers)) != NULL) {
        roost_subscription *sub = roosti_guard_waiter_of(waiter)->owner;
        memcpy(waiter->slot, item, broadcast->item_size);
        sub->priv.next = broadcast->head;
        broadcast->received++;
        behind--;
        roosti_wakes_add(wakes, waiter, 0);
    }
    if (behind > 0)
        memcpy(broadcast_cell(broadcast, number), item, broadcast->item_size);
    else
        broadcast->tail = broadcast->head; /* everybody has everything */
    if (broadcast->waits)
        broadcast->behind[broadcast_index(broadcast, number)] = behind;
    else if (broadcast->head - broadcast->tail > broadcast->capacity)
        broadcast->tail = broadcast->head - broadcast->capacity;
    return broadcast->subscribers > INT_MAX ? INT_MAX : (int)broadcast->subscribers;
}

/* Inside, when values may have been taken by all: gives their cells to the senders that wait. */
static void broadcast_advance(roost_broadcast *broadcast, struct roosti_wakes *wakes)
{
    for (;;) {
        while (broadcast->tail < broadcast->head &&
               broadcast->behind[broadcast_index(broadcast, broadcast->tail)] == 0)
            broadcast->tail++;
        struct roost_impl_waiter *sender =
            broadcast_full(broadcast) ? NULL : roosti_waitq_pop(&broadcast->senders);
        if (!sender)
            break;
        int rc = broadcast_publish(broadcast, sender->slot, wakes);
        roosti_wakes_add(wakes, sender, rc);
    }
}

int roost_broadcast_send(roost_broadcast *broadcast, const void *item)
{
    struct roosti_wakes wakes = {NULL, NULL};
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_guard_enter(&broadcast->guard, self->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(broadcast_full(broadcast))) {
        ROOSTI_UNSET struct roosti_guard_waiter waiter;
        waiter.base = (struct roost_impl_waiter){.task = self, .slot = (void *)(uintptr_t)item};
        broadcast->send_waits++;
        return roosti_guard_park(&broadcast->guard, &broadcast->senders, &waiter,
                                 broadcast->send_text);
    }
    rc = broadcast_publish(broadcast, item, &wakes);
    roosti_guard_leave(&broadcast->guard);
    roosti_wakes_go(&broadcast->guard, &wakes);
    return rc;
}

int roost_broadcast_try_send(roost_broadcast *broadcast, const void *item)
{
    struct roosti_wakes wakes = {NULL, NULL};
    int rc = roosti_guard_enter(&broadcast->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = broadcast_full(broadcast) ? ROOST_EAGAIN : broadcast_publish(broadcast, item, &wakes);
    roosti_guard_leave(&broadcast->guard);
    roosti_wakes_go(&broadcast->guard, &wakes);
    return rc;
}

/* -- subscribing ------------------------------------------------------------------------------- */

int roost_broadcast_subscribe(roost_broadcast *broadcast, roost_subscription *sub)
{
    if (sub->priv.broadcast)
        return ROOST_EBUSY;
    int rc = roosti_guard_enter(&broadcast->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    broadcast->subscribers++;
    *sub = (roost_subscription){.priv = {.broadcast = broadcast, .next = broadcast->head}};
    roosti_guard_leave(&broadcast->guard);
    return 0;
}

/* Inside: nobody waits for this subscriber any longer. */
static void subscription_forgo(roost_broadcast *broadcast, const roost_subscription *sub,
                               struct roosti_wakes *wakes)
{
    broadcast->subscribers--;
    if (!broadcast->waits)
        return;
    for (uint64_t number = sub->priv.next; number < broadcast->head; number++)
        broadcast->behind[broadcast_index(broadcast, number)]--;
    broadcast_advance(broadcast, wakes);
}

static int subscription_enter_to_leave(roost_broadcast *broadcast)
{
    if (roosti_loop_here)
        return roosti_guard_enter(&broadcast->guard, roosti_loop_here);
    roosti_guard_take(&broadcast->guard);
    broadcast_require_here(broadcast);
    return 0;
}

int roost_broadcast_unsubscribe(roost_subscription *sub)
{
    struct roosti_wakes wakes = {NULL, NULL};
    roost_broadcast *broadcast = sub->priv.broadcast;
    if (!broadcast)
        return 0;
    int rc = subscription_enter_to_leave(broadcast);
    if (rc < 0)
        return rc;
    if (sub->priv.busy) {
        roosti_guard_leave(&broadcast->guard);
        if (roosti_loop_here && roosti_loop_here->debug >= 1)
            roosti_report("roost_broadcast_unsubscribe: a task waits on this subscription");
        return ROOST_EBUSY;
    }
    subscription_forgo(broadcast, sub, &wakes);
    *sub = (roost_subscription)ROOST_SUBSCRIPTION_INIT;
    bool last = broadcast->closed && broadcast->subscribers == 0;
    roosti_guard_leave(&broadcast->guard);
    /* Senders and receivers that were served keep it open; without them nothing is touched. */
    roosti_wakes_go(&broadcast->guard, &wakes);
    if (last)
        broadcast_free(broadcast);
    return 0;
}

/* -- receiving --------------------------------------------------------------------------------- */

/* Inside. */
static int subscription_recv_now(roost_subscription *sub, void *item, struct roosti_wakes *wakes)
{
    roost_broadcast *broadcast = sub->priv.broadcast;
    uint64_t number = sub->priv.next;
    if (sub->priv.busy)
        return ROOST_EBUSY;
    if (number == broadcast->head)
        return broadcast->closed ? ROOST_ECLOSED : ROOST_EAGAIN;
    if (number < broadcast->tail) {
        sub->priv.missed = broadcast->tail - number;
        sub->priv.next = broadcast->tail;
        broadcast->missed += sub->priv.missed;
        return ROOST_ELAGGED;
    }
    memcpy(item, broadcast_cell(broadcast, number), broadcast->item_size);
    sub->priv.next++;
    broadcast->received++;
    if (broadcast->waits && --broadcast->behind[broadcast_index(broadcast, number)] == 0)
        broadcast_advance(broadcast, wakes);
    return 0;
}

int roost_subscription_recv(roost_subscription *sub, void *item)
{
    struct roosti_wakes wakes = {NULL, NULL};
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(!sub->priv.broadcast))
        return ROOST_EINVAL;
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    /* Another task may have unsubscribed while this one gave way. */
    roost_broadcast *broadcast = sub->priv.broadcast;
    if (roosti_unlikely(!broadcast))
        return ROOST_EINVAL;
    rc = roosti_guard_enter(&broadcast->guard, self->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = subscription_recv_now(sub, item, &wakes);
    if (rc == ROOST_EAGAIN) {
        ROOSTI_UNSET struct roosti_guard_waiter waiter;
        waiter.base = (struct roost_impl_waiter){.task = self, .slot = item};
        waiter.owner = sub;
        broadcast->recv_waits++;
        sub->priv.busy = true;
        rc = roosti_guard_park(&broadcast->guard, &broadcast->receivers, &waiter,
                               broadcast->recv_text);
        roosti_guard_take(&broadcast->guard);
        sub->priv.busy = false;
    }
    roosti_guard_leave(&broadcast->guard);
    roosti_wakes_go(&broadcast->guard, &wakes);
    return rc;
}

int roost_subscription_try_recv(roost_subscription *sub, void *item)
{
    struct roosti_wakes wakes = {NULL, NULL};
    roost_broadcast *broadcast = sub->priv.broadcast;
    if (!broadcast)
        return ROOST_EINVAL;
    int rc = roosti_guard_enter(&broadcast->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = subscription_recv_now(sub, item, &wakes);
    roosti_guard_leave(&broadcast->guard);
    roosti_wakes_go(&broadcast->guard, &wakes);
    return rc;
}

uint64_t roost_subscription_missed(const roost_subscription *sub)
{
    return sub->priv.missed;
}

/* -- figures ----------------------------------------------------------------------------------- */

void roost_broadcast_stats_get(roost_broadcast *broadcast, roost_broadcast_stats *stats)
{
    roosti_guard_take(&broadcast->guard);
    *stats = (roost_broadcast_stats){.sent = broadcast->head,
                                     .received = broadcast->received,
                                     .missed = broadcast->missed,
                                     .send_waits = broadcast->send_waits,
                                     .recv_waits = broadcast->recv_waits,
                                     .subscribers = broadcast->subscribers,
                                     .kept = (size_t)(broadcast->head - broadcast->tail)};
    roosti_guard_leave(&broadcast->guard);
}
