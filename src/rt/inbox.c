/* rt/inbox.c - posts into a loop, and the posters that send them.
 *
 * Closing: a sender counts itself in `senders` before it looks at `closed`; the loop sets `closed`
 * and then waits until no sender is left, so none can touch the port afterwards. The wait is for
 * other threads' few instructions; a handler on the loop's own thread has always finished them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/inbox.h"

#include "base/atomic.h"
#include "base/mem.h"
#include "port/host.h"
#include "port/port.h"
#include "rt/loop.h"

struct roosti_inbox {
    struct roosti_port *port;
    roost_post_slot *pushed; /* atomic; newest first */
    roost_post_slot *taken;  /* the loop's own; oldest first */
    uint32_t asleep;         /* atomic */
    uint32_t closed;         /* atomic */
    uint32_t senders;        /* atomic; inside roosti_inbox_send */
    uint32_t refs;           /* atomic; the loop and every poster */
    uint32_t posters;        /* atomic; open ones */
    int outliving;           /* atomic; blocks of threads that may let go after the run */
};

struct roost_poster {
    struct roosti_inbox *inbox;
};

int roosti_inbox_new(struct roosti_port *port, struct roosti_inbox **ret_inbox)
{
    struct roosti_inbox *inbox = roosti_alloc(sizeof *inbox, "a loop's inbox");
    if (!inbox)
        return ROOST_ENOMEM;
    *inbox = (struct roosti_inbox){.port = port, .refs = 1};
    *ret_inbox = inbox;
    return 0;
}

void roosti_inbox_ref(struct roosti_inbox *inbox)
{
    roosti_atomic_add(&inbox->refs, 1, ROOSTI_RELAXED);
}

void roosti_inbox_unref(struct roosti_inbox *inbox)
{
    if (roosti_atomic_sub(&inbox->refs, 1, ROOSTI_ACQ_REL) == 1)
        roosti_free(inbox);
}

/* Between these two the port stays open. A child made by fork has a copy of the inbox that nobody
 * empties, and the very descriptor that wakes the parent's loop. */
static int inbox_enter(struct roosti_inbox *inbox)
{
    if (roosti_unlikely(roosti_host_forked()))
        return ROOST_EFORKED;
    roosti_atomic_add(&inbox->senders, 1, ROOSTI_SEQ_CST);
    if (!roosti_atomic_load(&inbox->closed, ROOSTI_SEQ_CST))
        return 0;
    roosti_atomic_sub(&inbox->senders, 1, ROOSTI_RELEASE);
    return ROOST_ECLOSED;
}

static void inbox_wake_and_leave(struct roosti_inbox *inbox)
{
    if (roosti_atomic_load(&inbox->asleep, ROOSTI_SEQ_CST))
        inbox->port->ops->wake(inbox->port);
    roosti_atomic_sub(&inbox->senders, 1, ROOSTI_RELEASE);
}

int roosti_inbox_send(struct roosti_inbox *inbox, roost_post_slot *slot)
{
    int rc = inbox_enter(inbox);
    if (rc < 0)
        return rc;
    roost_post_slot *first = roosti_atomic_load(&inbox->pushed, ROOSTI_RELAXED);
    do
        slot->priv.next = first;
    while (!roosti_atomic_cas(&inbox->pushed, &first, slot, ROOSTI_SEQ_CST));
    inbox_wake_and_leave(inbox);
    return 0;
}

void roosti_inbox_close(struct roosti_inbox *inbox)
{
    roosti_atomic_store(&inbox->closed, 1, ROOSTI_SEQ_CST);
    while (roosti_atomic_load(&inbox->senders, ROOSTI_SEQ_CST) != 0)
        roosti_thread_pause();
}

void roosti_inbox_sleep(struct roosti_inbox *inbox, bool asleep)
{
    if (asleep)
        roosti_atomic_store(&inbox->asleep, 1, ROOSTI_SEQ_CST);
    else if (roosti_atomic_load(&inbox->asleep, ROOSTI_RELAXED))
        roosti_atomic_store(&inbox->asleep, 0, ROOSTI_RELAXED);
}

bool roosti_inbox_pending(const struct roosti_inbox *inbox)
{
    return inbox->taken || roosti_atomic_load(&inbox->pushed, ROOSTI_SEQ_CST);
}

/* Takes all that was pushed and appends it, turned round, to what is left from before. */
static void inbox_take(struct roosti_inbox *inbox)
{
    if (!roosti_atomic_load(&inbox->pushed, ROOSTI_RELAXED))
        return;
    roost_post_slot *newest = roosti_atomic_swap(&inbox->pushed, NULL, ROOSTI_ACQUIRE);
    roost_post_slot *oldest = NULL;
    while (newest) {
        roost_post_slot *next = newest->priv.next;
        newest->priv.next = oldest;
        oldest = newest;
        newest = next;
    }
    roost_post_slot **end = &inbox->taken;
    while (*end)
        end = &(*end)->priv.next;
    *end = oldest;
}

size_t roosti_inbox_drain(struct roosti_inbox *inbox, size_t most)
{
    size_t ran = 0;
    if (!inbox->taken)
        inbox_take(inbox);
    for (; inbox->taken && ran < most; ran++) {
        roost_post_slot *slot = inbox->taken;
        inbox->taken = slot->priv.next;
        void (*run)(void *arg) = slot->priv.run;
        void *arg = slot->priv.arg;
        /* From here on the slot can be sent again, or is gone. An exchange, not a store: `run` must
         * see what those did who found the slot on its way and left it at that. */
        if (slot->priv.owned)
            roosti_free(slot);
        else
            (void)roosti_atomic_swap(&slot->priv.pending, 0, ROOSTI_ACQ_REL);
        run(arg);
    }
    return ran;
}

size_t roosti_inbox_posters(const struct roosti_inbox *inbox)
{
    return roosti_atomic_load(&inbox->posters, ROOSTI_SEQ_CST);
}

void roosti_inbox_outlive(struct roosti_inbox *inbox, int by)
{
    roosti_atomic_add(&inbox->outliving, by, ROOSTI_RELAXED);
}

int64_t roosti_inbox_outliving(const struct roosti_inbox *inbox)
{
    int blocks = roosti_atomic_load(&inbox->outliving, ROOSTI_RELAXED);
    return blocks > 0 ? blocks + 1 : 0;
}

/* -- posters ----------------------------------------------------------------------------------- */

int roost_poster_open(roost_poster **ret_poster)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    roost_poster *poster = roosti_alloc(sizeof *poster, "a poster");
    if (!poster)
        return ROOST_ENOMEM;
    poster->inbox = task->loop->inbox;
    roosti_inbox_ref(poster->inbox);
    roosti_atomic_add(&poster->inbox->posters, 1, ROOSTI_RELAXED);
    *ret_poster = poster;
    return 0;
}

void roost_poster_close(roost_poster *poster)
{
    if (!poster)
        return;
    struct roosti_inbox *inbox = poster->inbox;
    roosti_atomic_sub(&inbox->posters, 1, ROOSTI_SEQ_CST);
    /* A sleeping loop must look again whether anything outside can still wake it. */
    if (inbox_enter(inbox) == 0)
        inbox_wake_and_leave(inbox);
    roosti_inbox_unref(inbox);
    roosti_free(poster);
}

int roost_post(roost_poster *poster, void (*run)(void *arg), void *arg)
{
    roost_post_slot *slot = roosti_alloc(sizeof *slot, "a post");
    if (!slot)
        return ROOST_ENOMEM;
    *slot = (roost_post_slot){.priv = {.run = run, .arg = arg, .owned = 1}};
    int rc = roosti_inbox_send(poster->inbox, slot);
    if (rc < 0)
        roosti_free(slot);
    return rc;
}

void roost_post_slot_init(roost_post_slot *slot, void (*run)(void *arg), void *arg)
{
    *slot = (roost_post_slot){.priv = {.run = run, .arg = arg}};
}

int roost_post_once(roost_poster *poster, roost_post_slot *slot)
{
    if (roosti_atomic_swap(&slot->priv.pending, 1, ROOSTI_SEQ_CST))
        return 0;
    int rc = roosti_inbox_send(poster->inbox, slot);
    if (rc < 0)
        roosti_atomic_store(&slot->priv.pending, 0, ROOSTI_SEQ_CST);
    return rc;
}
