/* tests/behaviour/queues.c - behaviour B68: queues of work, hand-over and cancellation included.
 *
 * Each runs on a queue of one loop and on one that is shared, which is the same code with a lock.
 * What is conserved holds under every torture as well: an item whose put returned 0 has been got by
 * a call that returned 0, or has been dropped, once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <roost.h>

enum { ITEMS = 24 };

/* Where the items of a case went. */
struct ledger {
    int put[ITEMS];
    int got[ITEMS];
    int dropped[ITEMS];
};

static void ledger_drop(void *arg, void *item)
{
    ((struct ledger *)arg)->dropped[*(int *)item]++;
}

static void ledger_check(const struct ledger *ledger)
{
    for (int i = 0; i < ITEMS; i++) {
        CHECK_ALWAYS(ledger->put[i] == ledger->got[i] + ledger->dropped[i]);
        CHECK_ALWAYS(ledger->put[i] <= 1);
    }
}

static roost_queue *ledger_open(struct ledger *ledger, size_t capacity, bool shared)
{
    roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(int),
                             .capacity = capacity,
                             .drop = ledger_drop,
                             .arg = ledger,
                             .shared = shared};
    CHECK_OK(roost_queue_open(&opts, &queue));
    return queue;
}

ROOST_ASYNC(put_some, roost_queue *, queue, struct ledger *, ledger, int, first, int, count)
{
    for (int item = first; item < first + count; item++) {
        ROOST_TRY(roost_queue_put(queue, &item));
        ledger->put[item]++;
    }
    return 0;
}

/* Gets until the queue is shut down. A cancelled worker goes home with nothing undone. */
ROOST_ASYNC(work_off, roost_queue *, queue, struct ledger *, ledger)
{
    int item;
    int rc;
    while ((rc = roost_queue_get(queue, &item)) == 0) {
        ledger->got[item]++;
        rc = roost_yield();
        (void)roost_queue_task_done(queue);
        if (rc < 0)
            return rc;
    }
    return rc == ROOST_ECLOSED ? 0 : rc;
}

ROOST_ASYNC(get_one, roost_queue *, queue, struct ledger *, ledger)
{
    int item;
    ROOST_TRY(roost_queue_get(queue, &item));
    ledger->got[item]++;
    return 0;
}

ROOST_ASYNC(join_one, roost_queue *, queue, bool *, joined)
{
    int rc = roost_queue_join(queue);
    *joined = rc == 0;
    return rc;
}

/* -- hand-over -------------------------------------------------------------------------------- */

static void promised_item(bool shared)
{
    struct ledger ledger = {{0}, {0}, {0}};
    roost_queue *queue = ledger_open(&ledger, 4, shared);
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, get_one, queue, &ledger);
        CHECK_OK(roost_test_settle());
        int mine = 3;
        int stolen = -1;
        if (roost_queue_try_put(queue, &mine) == 0)
            ledger.put[mine]++;
        /* The getter has not run yet, and the item is its own all the same. */
        if (roost_queue_try_get(queue, &stolen) == 0)
            ledger.got[stolen]++;
        CHECK_EQ(-1, stolen);
        roost_group_cancel(g, "under torture the getter may not have come in time");
    }
    CHECK_EQ(1, ledger.got[3]);
    roost_queue_close(queue);
    ledger_check(&ledger);
}

BEHAVIOUR(68, an_item_promised_to_a_waiting_getter_cannot_be_stolen)
{
    promised_item(false);
    promised_item(true);
}

static void cancelled_getter(bool shared)
{
    struct ledger ledger = {{0}, {0}, {0}};
    roost_queue *queue = ledger_open(&ledger, 2, shared);
    roost_task *early = NULL;
    roost_task *late = NULL;
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&early, g, get_one, queue, &ledger));
        CHECK_OK(ROOST_SPAWN(&late, g, get_one, queue, &ledger));
        CHECK_OK(roost_test_settle());
        if (early)
            roost_task_cancel(early, "in the tick of the put, before it");
        int item = 0;
        if (roost_queue_try_put(queue, &item) == 0)
            ledger.put[item]++;
        if (late)
            roost_task_cancel(late, "in the tick of the put, after it");
    }
    CHECK_EQ(1, ledger.got[0]);
    roost_queue_close(queue);
    ledger_check(&ledger);
}

BEHAVIOUR(68, a_cancelled_getter_loses_no_item)
{
    cancelled_getter(false);
    cancelled_getter(true);
}

/* A crowd, of which some are cancelled wherever they are. What is put after all of that gets
 * through: one worker stays. */
static void crowd(bool shared, size_t capacity)
{
    struct ledger ledger = {{0}, {0}, {0}};
    roost_queue *queue = ledger_open(&ledger, capacity, shared);
    roost_task *quitters[4] = {NULL};
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(workers, rc) {
        for (int i = 0; i < 2; i++)
            CHECK_OK(ROOST_SPAWN(&quitters[i], workers, work_off, queue, &ledger));
        ROOST_GO(workers, work_off, queue, &ledger);
        ROOST_GROUP(producers, rc) {
            for (int i = 0; i < 2; i++)
                CHECK_OK(
                    ROOST_SPAWN(&quitters[2 + i], producers, put_some, queue, &ledger, i * 4, 4));
            ROOST_GO(producers, put_some, queue, &ledger, 8, 8);
            for (int i = 0; i < 4; i++) {
                if (roost_yield() == 0 && quitters[3 - i])
                    roost_task_cancel(quitters[3 - i], "enough");
            }
            rc = put_some(queue, &ledger, 16, 8);
        }
        if (rc == 0)
            rc = roost_queue_join(queue);
        (void)roost_queue_shutdown(queue, false);
    }
    CHECK_EQ(0, rc);
    for (int i = 8; i < ITEMS; i++)
        CHECK_EQ(1, ledger.got[i]);
    roost_queue_close(queue);
    ledger_check(&ledger);
}

BEHAVIOUR(68, what_is_put_is_got_once_whoever_is_cancelled, .stalls = true)
{
    crowd(false, 1);
    crowd(false, 3);
}

/* Waits on what is shared are not taken for deadlocks, so none may come to one under torture. */
BEHAVIOUR(68, what_is_put_into_a_shared_queue_is_got_once, .no_torture = true)
{
    crowd(true, 1);
    crowd(true, 3);
}

/* -- shut down and done ------------------------------------------------------------------------ */

static void immediate_shutdown(bool shared)
{
    struct ledger ledger = {{0}, {0}, {0}};
    roost_queue *queue = ledger_open(&ledger, 4, shared);
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    bool joined = false;
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, put_some, queue, &ledger, 0, 6); /* the fifth finds no place */
        CHECK_OK(roost_test_settle());
        ROOST_GO(g, join_one, queue, &joined);
        CHECK_OK(roost_test_settle());
        CHECK(!joined);
        CHECK_EQ(0, roost_queue_shutdown(queue, true));
        for (int i = 0; i < 4; i++)
            CHECK_EQ(1, ledger.dropped[i]);
        CHECK_OK(roost_test_settle());
        CHECK(joined);
    }
    CHECK_EQ(ROOST_ECLOSED, rc); /* what the putter was told */
    CHECK_EQ(0, ledger.put[4]);
    roost_queue_close(queue);
    ledger_check(&ledger);
}

BEHAVIOUR(68, an_immediate_shutdown_drops_the_items_and_unblocks_join)
{
    immediate_shutdown(false);
    immediate_shutdown(true);
}

static void shutdown_with_an_item_out(bool shared)
{
    struct ledger ledger = {{0}, {0}, {0}};
    roost_queue *queue = ledger_open(&ledger, 4, shared);
    bool joined = false;
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        rc = put_some(queue, &ledger, 0, 3);
        int item = -1;
        if (roost_queue_try_get(queue, &item) == 0)
            ledger.got[item]++;
        ROOST_GO(g, join_one, queue, &joined);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_queue_shutdown(queue, true));
        CHECK_OK(roost_test_settle());
        CHECK(!joined); /* one is still being worked on */
        (void)roost_queue_task_done(queue);
        CHECK_OK(roost_test_settle());
        CHECK(joined);
        roost_group_cancel(g, "under torture it may have nothing to wait for any more");
    }
    CHECK_EQ(0, rc);
    roost_queue_close(queue);
    ledger_check(&ledger);
}

BEHAVIOUR(68, an_item_being_worked_on_is_waited_for_after_a_shutdown)
{
    shutdown_with_an_item_out(false);
    shutdown_with_an_item_out(true);
}

BEHAVIOUR(68, a_soft_shutdown_hands_out_what_is_inside)
{
    struct ledger ledger = {{0}, {0}, {0}};
    roost_queue *queue = ledger_open(&ledger, 4, false);
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        rc = put_some(queue, &ledger, 0, 4);
        CHECK_EQ(0, roost_queue_shutdown(queue, false));
        CHECK_EQ(ROOST_ECLOSED, roost_queue_put(queue, &(int){5}));
        ROOST_GO(g, work_off, queue, &ledger);
        ROOST_GO(g, work_off, queue, &ledger);
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(1, ledger.got[i]);
    if (rc == 0)
        CHECK_OK(roost_queue_join(queue));
    roost_queue_close(queue);
    ledger_check(&ledger);
}

BEHAVIOUR(68, done_more_often_than_taken_is_an_error_without_effect, .debug = -1)
{
    for (int shared = 0; shared < 2; shared++) {
        struct ledger ledger = {{0}, {0}, {0}};
        roost_queue *queue = ledger_open(&ledger, 4, shared);
        if (!queue)
            return;
        CHECK_EQ(ROOST_EINVAL, roost_queue_task_done(queue));
        CHECK_OK(put_some(queue, &ledger, 0, 2));
        CHECK_EQ(ROOST_EINVAL, roost_queue_task_done(queue)); /* none was taken out */
        int item = -1;
        if (roost_queue_try_get(queue, &item) == 0)
            ledger.got[item]++;
        CHECK_EQ(0, roost_queue_task_done(queue));
        CHECK_EQ(ROOST_EINVAL, roost_queue_task_done(queue));
        /* The other one still counts. */
        CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_queue_join(queue)));
        roost_queue_close(queue);
        ledger_check(&ledger);
    }
}
