/* sync/chan_end.c - channels: opening, cloning and closing ends.
 *
 * The channel lives as long as a handle of it, and a handle until its owner has closed it and no
 * call on it is in its first step. What closing changes is changed inside the guard; the tasks it
 * wakes and the items it drops are seen to outside, the items last, for their drop may close more.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/chan_end.h"

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/report.h"
#include "sync/chan.h"

/* Items an unbounded channel has room for at first. */
enum { UNBOUNDED_FIRST = 16 };

/* -- life -------------------------------------------------------------------------------------- */

static int end_new(struct roosti_chan_core *core, unsigned dirs, struct roost_chan **ret_ch)
{
    struct roost_chan *ch = roosti_alloc(sizeof *ch, "the end of a channel");
    if (!ch)
        return ROOST_ENOMEM;
    *ch = (struct roost_chan){.core = core, .dirs = dirs, .refs = 1};
    *ret_ch = ch;
    return 0;
}

static int core_new(const roost_chan_opts *opts, struct roosti_chan_core **ret_core)
{
    bool unbounded = opts->capacity == ROOST_CHAN_UNBOUNDED;
    size_t slots = unbounded && opts->item_size > 0 ? 0 : opts->capacity;
    size_t bytes;
    if (__builtin_mul_overflow(slots, opts->item_size, &bytes) || bytes > PTRDIFF_MAX)
        return ROOST_ENOMEM;
    struct roosti_chan_core *core = roosti_alloc(sizeof *core, "a channel");
    char *ring = slots > 0 ? roosti_alloc(bytes > 0 ? bytes : 1, "the buffer of a channel") : NULL;
    if (!core || (slots > 0 && !ring)) {
        roosti_free(ring);
        roosti_free(core);
        return ROOST_ENOMEM;
    }
    *core = (struct roosti_chan_core){.guard = {.shared = opts->shared},
                                      .senders = 1,
                                      .receivers = 1,
                                      .item_size = opts->item_size,
                                      .slots = slots,
                                      .ring = ring,
                                      .head = ring,
                                      .tail = ring,
                                      .end = ring ? ring + bytes : NULL,
                                      .capacity = opts->capacity,
                                      .refs = 1,
                                      .drop = opts->drop,
                                      .arg = opts->arg,
                                      .label = opts->label ? opts->label : "channel"};
    *ret_core = core;
    return 0;
}

static void core_unref(struct roosti_chan_core *core)
{
    if (roosti_atomic_sub(&core->refs, 1, ROOSTI_ACQ_REL) != 1)
        return;
    roosti_assert(!core->ring && !core->receiving.alone && !core->sending.alone);
    roosti_assert(!core->receiving.queue.first && !core->sending.queue.first);
    roosti_free(core);
}

int roosti_chan_keep(struct roost_chan *ch, struct roosti_loop *loop)
{
    struct roosti_guard *guard = &ch->core->guard;
    if (guard->shared) {
        roosti_atomic_add(&ch->refs, 1, ROOSTI_RELAXED);
        return 0;
    }
    /* The count of another loop's channel is not touched, even by mistake. */
    int rc = roosti_loop_owns(loop, &guard->stamp);
    if (rc == 0)
        ch->refs++;
    return rc;
}

bool roosti_chan_unref(struct roost_chan *ch)
{
    uint32_t left =
        ch->core->guard.shared ? roosti_atomic_sub(&ch->refs, 1, ROOSTI_ACQ_REL) - 1 : --ch->refs;
    if (left > 0)
        return true;
    core_unref(ch->core);
    roosti_free(ch);
    return false;
}

int roost_chan_open(const roost_chan_opts *opts, roost_chan **ret_ch)
{
    static const roost_chan_opts plain;
    struct roosti_chan_core *core = NULL;
    int rc = core_new(opts ? opts : &plain, &core);
    if (rc < 0)
        return rc;
    rc = end_new(core, ROOST_CHAN_SEND | ROOST_CHAN_RECV, ret_ch);
    if (rc < 0) {
        roosti_free(core->ring);
        roosti_free(core);
    }
    return rc;
}

int roost_chan_clone(roost_chan *ch, unsigned dirs, roost_chan **ret_end)
{
    struct roosti_chan_core *core = ch->core;
    struct roost_chan *end;
    if (dirs == 0 || (dirs & ~(unsigned)(ROOST_CHAN_SEND | ROOST_CHAN_RECV)) != 0)
        return ROOST_EINVAL;
    int rc = end_new(core, dirs, &end);
    if (rc < 0)
        return rc;
    rc = roosti_guard_enter(&core->guard, roosti_loop_here);
    if (rc < 0) {
        roosti_free(end);
        return rc;
    }
    rc = (ch->dirs & dirs) == dirs ? 0 : ROOST_ECLOSED;
    if (rc == 0) {
        core->senders += (dirs & ROOST_CHAN_SEND) != 0;
        core->receivers += (dirs & ROOST_CHAN_RECV) != 0;
        roosti_atomic_add(&core->refs, 1, ROOSTI_RELAXED);
    }
    roosti_guard_leave(&core->guard);
    if (rc < 0)
        roosti_free(end);
    else
        *ret_end = end;
    return rc;
}

int roosti_chan_grow(struct roosti_chan_core *core)
{
    if (core->slots == core->capacity)
        return ROOST_EAGAIN;
    size_t slots = core->slots > 0 ? core->slots * 2 : UNBOUNDED_FIRST;
    size_t bytes;
    if (__builtin_mul_overflow(slots, core->item_size, &bytes) || bytes > PTRDIFF_MAX)
        return ROOST_ENOMEM;
    char *ring = roosti_alloc(bytes, "the buffer of an unbounded channel");
    if (!ring)
        return ROOST_ENOMEM;
    /* It is full: the oldest items stand from head to the end of the ring, the others before. */
    size_t held = core->count * core->item_size;
    if (held > 0) {
        size_t first = (size_t)(core->end - core->head);
        memcpy(ring, core->head, first);
        memcpy(ring + first, core->ring, held - first);
    }
    roosti_free(core->ring);
    core->ring = core->head = ring;
    core->tail = ring + held;
    core->end = ring + bytes;
    core->slots = slots;
    return 0;
}

/* -- closing ----------------------------------------------------------------------------------- */

/* What is left to do when the guard has been left. */
struct closing {
    struct roosti_wakes wakes;
    struct { /* the tasks that waited alone to send and to receive; NULL: they still do, or none */
        struct roost_task *task;
        int rc;
    } alone[2];
    char *ring; /* with the items that nobody will receive; NULL: none */
    char *head;
    char *end;
    size_t count;
    size_t item_size;
    void (*drop)(void *arg, void *item);
    void *arg;
};

static void alone_take(struct roosti_chan_side *side, int which, int rc, struct closing *closing)
{
    if (!side->alone)
        return;
    closing->alone[which].task = side->alone;
    closing->alone[which].rc = rc;
    side->alone = NULL;
}

/* Takes out the tasks that wait on this end. */
static void own_take(struct roosti_chan_side *side, int which, const struct roost_chan *ch,
                     struct closing *closing)
{
    struct roost_impl_waiter *next;
    if (side->end == ch)
        alone_take(side, which, ROOST_ECLOSED, closing);
    for (struct roost_impl_waiter *waiter = side->queue.first; waiter; waiter = next) {
        next = waiter->next;
        if (roosti_guard_waiter_of(waiter)->owner != ch)
            continue;
        roosti_waitq_remove(&side->queue, waiter);
        if (roosti_waiter_claim(waiter))
            roosti_wakes_add(&closing->wakes, waiter, ROOST_ECLOSED);
    }
}

static void all_take(struct roosti_chan_side *side, int which, int rc, struct closing *closing)
{
    alone_take(side, which, rc, closing);
    roosti_wakes_add_all(&closing->wakes, &side->queue, rc);
}

static void chan_ring_take(struct roosti_chan_core *core, struct closing *closing)
{
    closing->ring = core->ring;
    closing->head = core->head;
    closing->end = core->end;
    closing->count = core->count;
    closing->item_size = core->item_size;
    closing->drop = core->drop;
    closing->arg = core->arg;
    core->ring = core->head = core->tail = core->end = NULL;
    core->count = core->slots = 0;
}

static void close_inside(struct roost_chan *ch, unsigned dirs, struct closing *closing)
{
    struct roosti_chan_core *core = ch->core;
    unsigned going = ch->dirs & dirs;
    ch->dirs &= ~going;
    if (going & ROOST_CHAN_SEND) {
        own_take(&core->sending, 0, ch, closing);
        /* Receivers wait only when nothing is buffered: they have seen the end. */
        if (--core->senders == 0)
            all_take(&core->receiving, 1, ROOST_ECLOSED, closing);
    }
    if (going & ROOST_CHAN_RECV) {
        own_take(&core->receiving, 1, ch, closing);
        if (--core->receivers == 0) {
            all_take(&core->sending, 0, ROOST_EBROKEN, closing);
            chan_ring_take(core, closing);
        }
    }
}

/* Outside. The one that waited alone came before those in the queue. */
static void close_wake(const struct roosti_chan_core *core, struct closing *closing)
{
    for (int i = 0; i < 2; i++)
        if (closing->alone[i].task)
            roosti_wake(closing->alone[i].task, closing->alone[i].rc);
    roosti_wakes_go(&core->guard, &closing->wakes);
}

/* Looks at the channel no more: a drop may close the end whose items it drops. */
static void items_drop(struct closing *closing)
{
    for (; closing->drop && closing->count > 0; closing->count--) {
        closing->drop(closing->arg, closing->head);
        closing->head += closing->item_size;
        if (closing->head == closing->end)
            closing->head = closing->ring;
    }
    roosti_free(closing->ring);
}

static bool side_waits(const struct roosti_chan_side *side)
{
    return side->alone || side->queue.first;
}

/* Enters for closing: that is also allowed where no loop runs, once no task waits any more. */
static int close_enter(struct roosti_chan_core *core)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop && !core->guard.shared) {
        roosti_require(!side_waits(&core->sending) && !side_waits(&core->receiving),
                       "a channel that is not shared is closed on its loop while tasks wait on it");
        return 0;
    }
    int rc = roosti_guard_enter(&core->guard, loop);
    if (rc < 0 && loop->debug > 0)
        roosti_report("%s is closed on a loop that it does not belong to", core->label);
    return rc;
}

static int close_dirs(struct roost_chan *ch, unsigned dirs)
{
    struct closing closing = {.ring = NULL};
    int rc = close_enter(ch->core);
    if (rc < 0)
        return rc;
    close_inside(ch, dirs, &closing);
    roosti_guard_leave(&ch->core->guard);
    close_wake(ch->core, &closing);
    items_drop(&closing);
    return 0;
}

int roost_chan_close_send(roost_chan *ch)
{
    return close_dirs(ch, ROOST_CHAN_SEND);
}

int roost_chan_close_recv(roost_chan *ch)
{
    return close_dirs(ch, ROOST_CHAN_RECV);
}

int roost_chan_close(roost_chan *ch)
{
    if (!ch)
        return 0;
    int rc = close_dirs(ch, ROOST_CHAN_SEND | ROOST_CHAN_RECV);
    if (rc == 0)
        (void)roosti_chan_unref(ch);
    return rc;
}

/* -- statistics -------------------------------------------------------------------------------- */

static size_t waiters_count(const struct roosti_chan_side *side)
{
    return (side->alone != NULL) + (size_t)roosti_waitq_count(&side->queue);
}

void roost_chan_stats_get(roost_chan *ch, roost_chan_stats *stats)
{
    struct roosti_chan_core *core = ch->core;
    roosti_guard_take(&core->guard);
    *stats = (roost_chan_stats){.capacity = core->capacity,
                                .buffered = core->count,
                                .senders = core->senders,
                                .receivers = core->receivers,
                                .waiting_send = waiters_count(&core->sending),
                                .waiting_recv = waiters_count(&core->receiving),
                                .label = core->label};
    roosti_guard_leave(&core->guard);
}
