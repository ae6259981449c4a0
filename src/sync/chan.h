/* sync/chan.h - the state of a channel, and the two steps that never wait.
 *
 * What holds whenever the guard is not entered (a waiter whose select was served elsewhere does not
 * count; it is dropped when its turn comes):
 * - while a receiver waits nothing is buffered and no sender waits;
 * - while a sender waits the buffer is full;
 * - when no end can receive any more nothing is buffered and no sender waits.
 *
 * The buffer is a ring of bytes:   ring ... head -> oldest .. newest, tail -> room ... end
 *
 * Where the channel is not shared, a task that finds nobody else waiting does not queue: it leaves
 * its name in the channel. So the commonest hand-over, between one task and another, links nothing,
 * and the wait is the last call of the receiving function, whose return the processor then predicts
 * (see port/arch); that is a third of the whole.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_CHAN_H
#define ROOST_SYNC_CHAN_H

#include <string.h>

#include <roost/chan.h>
#include <roost/error.h>

#include "sync/guard.h"

/* Those who wait to send, or to receive. */
struct roosti_chan_side {
    struct roost_task *alone;      /* not shared: came before all that are queued; NULL: nobody */
    void *slot;                    /* its item */
    struct roost_chan *end;        /* which it uses */
    struct roost_impl_waitq queue; /* of struct roosti_guard_waiter; owner is the end */
};

/* Whom a step has served: one of the two, or nobody. To be woken with 0 outside the guard. */
struct roosti_chan_served {
    struct roost_task *task;          /* not shared */
    struct roost_impl_waiter *waiter; /* shared */
};

struct roosti_chan_core {
    struct roosti_guard guard;
    uint32_t senders;   /* ends that can send */
    uint32_t receivers; /* ends that can receive */
    size_t item_size;
    size_t count; /* items buffered */
    struct roosti_chan_side receiving;
    struct roosti_chan_side sending;
    size_t slots;    /* items the ring has room for; less than capacity only when unbounded */
    char *head;      /* the oldest item */
    char *tail;      /* where the next one goes */
    char *end;       /* of the ring */
    char *ring;      /* NULL: no slots; items without content have one byte for all of them */
    size_t capacity; /* items */
    uint32_t refs;   /* atomic: handles */
    void (*drop)(void *arg, void *item);
    void *arg;
    const char *label;
};

/* One end. The handle outlives its closing while a task is in the first step of a call on it. */
struct roost_chan {
    struct roosti_chan_core *core;
    uint32_t dirs; /* ROOST_CHAN_SEND, ROOST_CHAN_RECV: still open */
    uint32_t refs; /* the owner, and calls that have given way; atomic when shared */
};

/* Makes the ring of an unbounded channel larger, or says that there is no room. */
int roosti_chan_grow(struct roosti_chan_core *core);

static inline void roosti_chan_copy(const struct roosti_chan_core *core, void *to, const void *from)
{
    if (roosti_likely(core->item_size == sizeof(uint64_t)))
        memcpy(to, from, sizeof(uint64_t));
    else if (core->item_size > 0)
        memcpy(to, from, core->item_size);
}

/* The n-th of several items; also of items without content, which may be nowhere. */
static inline void *roosti_chan_item(const struct roosti_chan_core *core, const void *items,
                                     size_t n)
{
    return (void *)((uintptr_t)items + n * core->item_size);
}

static inline char *roosti_chan_after(const struct roosti_chan_core *core, char *place)
{
    place += core->item_size;
    return place == core->end ? core->ring : place;
}

static inline void roosti_chan_append(struct roosti_chan_core *core, const void *item)
{
    roosti_chan_copy(core, core->tail, item);
    core->tail = roosti_chan_after(core, core->tail);
    core->count++;
}

/* Moves the oldest item out; there is one. */
static inline void roosti_chan_shift(struct roosti_chan_core *core, void *item)
{
    roosti_chan_copy(core, item, core->head);
    core->head = roosti_chan_after(core, core->head);
    core->count--;
}

/* Inside the guard: 0, or why nothing can be sent on this end. */
static inline int roosti_chan_sendable(const struct roost_chan *ch)
{
    if (roosti_unlikely(!(ch->dirs & ROOST_CHAN_SEND)))
        return ROOST_ECLOSED;
    return roosti_likely(ch->core->receivers > 0) ? 0 : ROOST_EBROKEN;
}

/* Takes the oldest waiter of a side and names it in *served. Gives the place of its item. */
static inline bool roosti_chan_pop(struct roosti_chan_core *core, struct roosti_chan_side *side,
                                   void **slot, struct roosti_chan_served *served)
{
    if (side->alone) {
        served->task = side->alone;
        *slot = side->slot;
        side->alone = NULL;
        return true;
    }
    if (roosti_likely(!side->queue.first))
        return false;
    struct roost_impl_waiter *waiter = roosti_waitq_pop(&side->queue);
    if (!waiter)
        return false;
    *slot = waiter->slot;
    if (core->guard.shared)
        served->waiter = waiter;
    else
        served->task = waiter->task;
    return true;
}

/* Inside the guard: sends without waiting. 0, ROOST_EAGAIN, or why it cannot be sent. shared: as
 * the guard has it, for callers that know. *served: written only with 0. */
static inline int roosti_chan_put(struct roost_chan *ch, const void *item,
                                  struct roosti_chan_served *served)
{
    struct roosti_chan_core *core = ch->core;
    void *slot;
    if (roosti_unlikely(!(ch->dirs & ROOST_CHAN_SEND)))
        return ROOST_ECLOSED;
    if (roosti_chan_pop(core, &core->receiving, &slot, served)) {
        roosti_chan_copy(core, slot, item);
        return 0;
    }
    int rc = roosti_chan_sendable(ch);
    if (rc == 0 && roosti_unlikely(core->count == core->slots))
        rc = roosti_chan_grow(core);
    if (rc == 0)
        roosti_chan_append(core, item);
    return rc;
}

/* Inside the guard: receives without waiting. 0, ROOST_EAGAIN or ROOST_ECLOSED. The rest as for
 * roosti_chan_put. */
static inline int roosti_chan_take(struct roost_chan *ch, void *item,
                                   struct roosti_chan_served *served)
{
    struct roosti_chan_core *core = ch->core;
    void *slot;
    if (roosti_unlikely(!(ch->dirs & ROOST_CHAN_RECV)))
        return ROOST_ECLOSED;
    if (core->count > 0) {
        roosti_chan_shift(core, item);
        if (roosti_chan_pop(core, &core->sending, &slot, served))
            roosti_chan_append(core, slot);
        return 0;
    }
    if (roosti_chan_pop(core, &core->sending, &slot, served)) {
        roosti_chan_copy(core, item, slot);
        return 0;
    }
    return core->senders == 0 ? ROOST_ECLOSED : ROOST_EAGAIN;
}

/* Outside again: wakes whom a step has served. */
static inline void roosti_chan_wake(struct roosti_chan_served served)
{
    if (served.task)
        roosti_wake(served.task, 0);
    else if (served.waiter)
        roosti_guard_wake_shared(served.waiter, 0);
}

#endif
