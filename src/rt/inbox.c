/* rt/inbox.c - posts into a loop, and the posters that send them.
 *
 * Closing: a sender counts itself in `senders` before it looks at `closed`; the loop sets `closed`
 * and then waits until no sender is left, so none can touch the port afterwards. The wait is for
 * other threads' few instructions; a handler on the loop's own thread has always finished them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/inbox.h"

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
    __atomic_fetch_add(&inbox->refs, 1, __ATOMIC_RELAXED);
}

void roosti_inbox_unref(struct roosti_inbox *inbox)
{
    if (__atomic_sub_fetch(&inbox->refs, 1, __ATOMIC_ACQ_REL) == 0)
        roosti_free(inbox);
}

/* Between these two the port stays open. */
static int inbox_enter(struct roosti_inbox *inbox)
{
    __atomic_fetch_add(&inbox->senders, 1, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&inbox->closed, __ATOMIC_SEQ_CST))
        return 0;
    __atomic_fetch_sub(&inbox->senders, 1, __ATOMIC_RELEASE);
    return ROOST_ECLOSED;
}

static void inbox_wake_and_leave(struct roosti_inbox *inbox)
{
    if (__atomic_load_n(&inbox->asleep, __ATOMIC_SEQ_CST))
        inbox->port->ops->wake(inbox->port);
    __atomic_fetch_sub(&inbox->senders, 1, __ATOMIC_RELEASE);
}

int roosti_inbox_send(struct roosti_inbox *inbox, roost_post_slot *slot)
{
    int rc = inbox_enter(inbox);
    if (rc < 0)
        return rc;
    roost_post_slot *first = __atomic_load_n(&inbox->pushed, __ATOMIC_RELAXED);
    do
        slot->priv.next = first;
    while (!__atomic_compare_exchange_n(&inbox->pushed, &first, slot, true, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED));
    inbox_wake_and_leave(inbox);
    return 0;
}

void roosti_inbox_close(struct roosti_inbox *inbox)
{
    __atomic_store_n(&inbox->closed, 1, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&inbox->senders, __ATOMIC_SEQ_CST) != 0)
        roosti_thread_pause();
}

void roosti_inbox_sleep(struct roosti_inbox *inbox, bool asleep)
{
    if (asleep)
        __atomic_store_n(&inbox->asleep, 1, __ATOMIC_SEQ_CST);
    else if (__atomic_load_n(&inbox->asleep, __ATOMIC_RELAXED))
        __atomic_store_n(&inbox->asleep, 0, __ATOMIC_RELAXED);
}

bool roosti_inbox_pending(const struct roosti_inbox *inbox)
{
    return inbox->taken || __atomic_load_n(&inbox->pushed, __ATOMIC_SEQ_CST);
}

/* Takes all that was pushed and appends it, turned round, to what is left from before. */
static void inbox_take(struct roosti_inbox *inbox)
{
    if (!__atomic_load_n(&inbox->pushed, __ATOMIC_RELAXED))
        return;
    roost_post_slot *newest = __atomic_exchange_n(&inbox->pushed, NULL, __ATOMIC_ACQUIRE);
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
        /* From here on the slot can be sent again, or is gone. */
        if (slot->priv.owned)
            roosti_free(slot);
        else
            __atomic_store_n(&slot->priv.pending, 0, __ATOMIC_SEQ_CST);
        run(arg);
    }
    return ran;
}

size_t roosti_inbox_posters(const struct roosti_inbox *inbox)
{
    return __atomic_load_n(&inbox->posters, __ATOMIC_SEQ_CST);
}

void roosti_inbox_outlive(struct roosti_inbox *inbox, int by)
{
    __atomic_fetch_add(&inbox->outliving, by, __ATOMIC_RELAXED);
}

int64_t roosti_inbox_outliving(const struct roosti_inbox *inbox)
{
    int blocks = __atomic_load_n(&inbox->outliving, __ATOMIC_RELAXED);
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
    __atomic_fetch_add(&poster->inbox->posters, 1, __ATOMIC_RELAXED);
    *ret_poster = poster;
    return 0;
}

void roost_poster_close(roost_poster *poster)
{
    if (!poster)
        return;
    struct roosti_inbox *inbox = poster->inbox;
    __atomic_fetch_sub(&inbox->posters, 1, __ATOMIC_SEQ_CST);
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
    if (__atomic_exchange_n(&slot->priv.pending, 1, __ATOMIC_SEQ_CST))
        return 0;
    int rc = roosti_inbox_send(poster->inbox, slot);
    if (rc < 0)
        __atomic_store_n(&slot->priv.pending, 0, __ATOMIC_SEQ_CST);
    return rc;
}
