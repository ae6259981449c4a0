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
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_CHAN_H
#define ROOST_SYNC_CHAN_H

#include <string.h>

#include <roost/chan.h>
#include <roost/error.h>

#include "sync/guard.h"

struct roosti_chan_core {
    struct roosti_guard guard;
    uint32_t senders;   /* ends that can send */
    uint32_t receivers; /* ends that can receive */
    size_t item_size;
    struct roost_impl_waitq receiving;
    struct roost_impl_waitq sending;
    size_t count;    /* items buffered */
    size_t slots;    /* items the ring has room for; less than capacity only when unbounded */
    char *ring;      /* NULL: no slots; items without content have one byte for all of them */
    char *head;      /* the oldest item */
    char *tail;      /* where the next one goes */
    char *end;       /* of the ring */
    size_t capacity; /* items */
    uint32_t refs;   /* atomic: handles */
    void (*drop)(void *arg, void *item);
    void *drop_arg;
    const char *label;
};

/* One end. The handle outlives its closing while a task is in the first step of a call on it. */
struct roost_chan {
    struct roosti_chan_core *core;
    uint32_t dirs; /* ROOST_CHAN_SEND, ROOST_CHAN_RECV: still open */
    uint32_t refs; /* atomic: the owner, and calls that have given way */
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

/* Inside the guard: 0, or why nothing can be sent on this end. */
static inline int roosti_chan_sendable(const struct roost_chan *ch)
{
    if (roosti_unlikely(!(ch->dirs & ROOST_CHAN_SEND)))
        return ROOST_ECLOSED;
    return roosti_likely(ch->core->receivers > 0) ? 0 : ROOST_EBROKEN;
}

/* Inside the guard: sends without waiting. 0, ROOST_EAGAIN, or why it cannot be sent. *served: the
 * receiver that has it now, to be woken with 0 outside; else not written. */
static inline int roosti_chan_put(struct roost_chan *ch, const void *item,
                                  struct roost_impl_waiter **served)
{
    struct roosti_chan_core *core = ch->core;
    int rc = roosti_chan_sendable(ch);
    if (roosti_unlikely(rc < 0))
        return rc;
    struct roost_impl_waiter *waiter = roosti_waitq_pop(&core->receiving);
    if (waiter) {
        roosti_chan_copy(core, waiter->slot, item);
        *served = waiter;
        return 0;
    }
    if (roosti_unlikely(core->count == core->slots))
        rc = roosti_chan_grow(core);
    if (rc == 0)
        roosti_chan_append(core, item);
    return rc;
}

/* Inside the guard: receives without waiting. 0, ROOST_EAGAIN or ROOST_ECLOSED. *served: the sender
 * whose item has moved up, to be woken with 0 outside; else not written. */
static inline int roosti_chan_take(struct roost_chan *ch, void *item,
                                   struct roost_impl_waiter **served)
{
    struct roosti_chan_core *core = ch->core;
    if (roosti_unlikely(!(ch->dirs & ROOST_CHAN_RECV)))
        return ROOST_ECLOSED;
    if (core->count > 0) {
        roosti_chan_copy(core, item, core->head);
        core->head = roosti_chan_after(core, core->head);
        core->count--;
        struct roost_impl_waiter *waiter = roosti_waitq_pop(&core->sending);
        if (waiter) {
            roosti_chan_append(core, waiter->slot);
            *served = waiter;
        }
        return 0;
    }
    struct roost_impl_waiter *waiter = roosti_waitq_pop(&core->sending);
    if (waiter) {
        roosti_chan_copy(core, item, waiter->slot);
        *served = waiter;
        return 0;
    }
    return core->senders == 0 ? ROOST_ECLOSED : ROOST_EAGAIN;
}

#endif
