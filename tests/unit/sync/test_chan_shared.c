/* tests/unit/sync/test_chan_shared.c - channels between loops and threads: each item arrives once.
 *
 * Registered per ROOST_TEST_BACKENDS. A simulation has one loop: there everything runs on that one.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include <roost.h>
#include <roost/chan.h>
#include <roost/select.h>

#include "kit/kit.h"

enum { LOOPS = 3, ITEMS = 600 };

static roost_chan *shared_ints(size_t capacity)
{
    roost_chan *ch = NULL;
    int rc = roost_chan_open(
        &(roost_chan_opts){.item_size = sizeof(int), .capacity = capacity, .shared = true}, &ch);
    return rc < 0 ? NULL : ch;
}

/* How often each item was received; every receiver has its own column. */
struct receipts {
    int count[ITEMS];
};

static void receipts_check(const struct receipts *all, int columns, int items)
{
    for (int i = 0; i < items; i++) {
        int count = 0;
        for (int c = 0; c < columns; c++)
            count += all[c].count[i];
        CHECK_EQ(1, count);
    }
}

/* -- several loops ----------------------------------------------------------------------------- */

ROOST_ASYNC(produce, roost_chan *, ch, int, first, int, step)
{
    for (int i = first; i < ITEMS; i += step)
        ROOST_TRY(roost_chan_send(ch, &i));
    return 0;
}

ROOST_ASYNC(consume, roost_chan *, ch, struct receipts *, receipts)
{
    int item;
    int rc;
    ROOST_CHAN_EACH(ch, &item, rc)
        receipts->count[item]++;
    return rc;
}

/* Makes a call on a loop and returns what it came to. */
#define ON_LOOP(index, ...)                                                                        \
    int result = 0;                                                                                \
    ROOST_TRY(roost_on_loop((index) % roost_loop_count(), ROOST_CALL(__VA_ARGS__), &result));      \
    return result

/* Closes the end when the call is over, or was not made. */
ROOST_ASYNC(place_produce, int, index, roost_chan *, ch, int, step)
{
    ROOST_AUTO(chan) roost_chan *end = ch;
    ON_LOOP(index, produce, end, index, step);
}

ROOST_ASYNC(place_consume, int, index, roost_chan *, end, struct receipts *, receipts)
{
    ON_LOOP(index, consume, end, receipts);
}

static void conserve(size_t capacity, bool cancels)
{
    static struct receipts receipts[LOOPS * 2];
    ROOST_AUTO(chan) roost_chan *ch = shared_ints(capacity);
    int rc = 0;
    if (!ch)
        return;
    for (int i = 0; i < LOOPS * 2; i++)
        receipts[i] = (struct receipts){{0}};
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < LOOPS; i++) {
            roost_chan *end = NULL;
            rc = roost_chan_clone(ch, ROOST_CHAN_SEND, &end);
            if (rc == 0 && (rc = roost_go(g, ROOST_CALL(place_produce, i, end, LOOPS))) < 0)
                roost_chan_close(end);
            if (rc < 0)
                break;
        }
        for (int i = 0; i < LOOPS; i++)
            ROOST_GO(g, place_consume, i, ch, &receipts[i]);
        roost_chan_close_send(ch);
        /* Receivers that come and are cancelled while the others receive. */
        for (int i = 0; cancels && i < 40 && rc == 0; i++) {
            int item = 0;
            int got = ROOST_WITHIN(ROOST_US(20), roost_chan_recv(ch, &item));
            if (got == 0)
                receipts[LOOPS].count[item]++;
            if (got == ROOST_ECLOSED)
                break;
        }
    }
    CHECK_OK(rc);
    if (!roost_test_tortured())
        receipts_check(receipts, LOOPS + 1, ITEMS);
}

ROOST_TEST(loops_hand_each_item_to_one_receiver, .loops = LOOPS)
{
    conserve(0, false);
    conserve(1, false);
    conserve(64, false);
    conserve(ROOST_CHAN_UNBOUNDED, false);
}

ROOST_TEST(cancelled_receivers_lose_no_item_between_loops, .loops = LOOPS)
{
    conserve(0, true);
    conserve(4, true);
}

/* A deadline that passes while the item is on its way from another loop: it is received, or stays.
 */
ROOST_ASYNC(send_some, roost_chan *, ch, int, count, int *, sent)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        rc = ROOST_WITHIN(ROOST_US(30), roost_chan_send(ch, &i));
        *sent += rc == 0;
        if (rc == ROOST_ETIMEDOUT)
            rc = 0;
    }
    return rc;
}

ROOST_ASYNC(place_send_some, int, index, roost_chan *, ch, int, count, int *, sent)
{
    ON_LOOP(index, send_some, ch, count, sent);
}

ROOST_TEST(cancelled_senders_have_sent_nothing_between_loops, .loops = LOOPS)
{
    static int sent; /* outlives the frame, for another loop writes it */
    ROOST_AUTO(chan) roost_chan *ch = shared_ints(0);
    int received = 0;
    int rc = 0;
    sent = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, place_send_some, 1, ch, 300, &sent);
        for (int i = 0; i < 300 && rc == 0; i++) {
            int item;
            rc = ROOST_WITHIN(ROOST_US(20), roost_chan_recv(ch, &item));
            received += rc == 0;
            if (rc == ROOST_ETIMEDOUT)
                rc = 0;
        }
    }
    CHECK_OK(rc);
    CHECK_EQ(sent, received);
}

/* -- select ------------------------------------------------------------------------------------ */

ROOST_ASYNC(select_consume, roost_chan *, a, roost_chan *, b, struct receipts *, receipts)
{
    int item = 0;
    bool open_a = true;
    bool open_b = true;
    while (open_a || open_b) {
        roost_case cases[] = {ROOST_CASE_RECV(open_a ? a : NULL, &item),
                              ROOST_CASE_RECV(open_b ? b : NULL, &item)};
        int which = roost_select_fair(cases, 2);
        ROOST_TRY(which);
        if (cases[which].rc == 0)
            receipts->count[item]++;
        else if (which == 0)
            open_a = false;
        else
            open_b = false;
    }
    return 0;
}

ROOST_ASYNC(select_produce, roost_chan *, a, roost_chan *, b, int, first)
{
    for (int i = first; i < ITEMS; i += LOOPS) {
        roost_case cases[] = {ROOST_CASE_SEND(b, &i), ROOST_CASE_SEND(a, &i)};
        int which = roost_select(cases, 2);
        ROOST_TRY(which);
        ROOST_TRY(cases[which].rc);
    }
    return 0;
}

ROOST_ASYNC(place_select_produce, int, index, roost_chan *, a, roost_chan *, b)
{
    ROOST_AUTO(chan) roost_chan *own_a = a;
    ROOST_AUTO(chan) roost_chan *own_b = b;
    ON_LOOP(index, select_produce, own_a, own_b, index);
}

ROOST_ASYNC(place_select_consume, int, index, roost_chan *, a, roost_chan *, b, struct receipts *,
            receipts)
{
    ON_LOOP(index, select_consume, a, b, receipts);
}

static int go_select_produce(roost_group *g, roost_chan *a, roost_chan *b, int index)
{
    roost_chan *own_a = NULL;
    roost_chan *own_b = NULL;
    int rc = roost_chan_clone(a, ROOST_CHAN_SEND, &own_a);
    if (rc == 0)
        rc = roost_chan_clone(b, ROOST_CHAN_SEND, &own_b);
    if (rc == 0)
        rc = roost_go(g, ROOST_CALL(place_select_produce, index, own_a, own_b));
    if (rc < 0) {
        roost_chan_close(own_a);
        roost_chan_close(own_b);
    }
    return rc;
}

ROOST_TEST(selects_of_several_loops_move_each_item_once, .loops = LOOPS)
{
    static struct receipts receipts[LOOPS];
    for (size_t capacity = 0; capacity < 2; capacity++) {
        ROOST_AUTO(chan) roost_chan *a = shared_ints(capacity);
        ROOST_AUTO(chan) roost_chan *b = shared_ints(capacity);
        int rc = 0;
        if (!a || !b)
            return;
        ROOST_GROUP(g, rc) {
            for (int i = 0; i < LOOPS && rc == 0; i++) {
                receipts[i] = (struct receipts){{0}};
                rc = go_select_produce(g, a, b, i);
            }
            for (int i = 0; i < LOOPS && rc == 0; i++)
                ROOST_GO(g, place_select_consume, i, a, b, &receipts[i]);
            roost_chan_close_send(a);
            roost_chan_close_send(b);
        }
        CHECK_OK(rc);
        if (!roost_test_tortured())
            receipts_check(receipts, LOOPS, ITEMS);
    }
}

/* -- threads without a loop -------------------------------------------------------------------- */

static void *thread_produce(void *arg)
{
    roost_chan *ch = arg;
    for (int i = 0; i < ITEMS; i++) {
        int rc;
        while ((rc = roost_chan_try_send(ch, &i)) == ROOST_EAGAIN)
            continue;
        if (rc < 0)
            break;
    }
    roost_chan_close(ch);
    return NULL;
}

ROOST_TEST(a_thread_without_a_loop_sends_and_closes)
{
    static struct receipts receipts;
    roost_chan *end = NULL;
    pthread_t thread;
    ROOST_AUTO(chan) roost_chan *ch = shared_ints(16);
    receipts = (struct receipts){{0}};
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_SEND, &end) < 0)
        return;
    if (pthread_create(&thread, NULL, thread_produce, end) != 0) {
        roost_chan_close(end);
        return;
    }
    roost_chan_close_send(ch);
    int rc = consume(ch, &receipts);
    roost_chan_close(ch); /* a thread that still sends is told */
    ch = NULL;
    pthread_join(thread, NULL);
    CHECK_OK(rc);
    if (!roost_test_tortured())
        receipts_check(&receipts, 1, ITEMS);
}

static void *thread_consume(void *arg)
{
    roost_chan *ch = arg;
    static int sum;
    int item;
    int rc;
    sum = 0;
    while ((rc = roost_chan_try_recv(ch, &item)) == ROOST_EAGAIN || rc == 0)
        sum += rc == 0;
    roost_chan_close(ch);
    return &sum;
}

ROOST_TEST(a_thread_without_a_loop_receives)
{
    roost_chan *end = NULL;
    roost_chan *ch = shared_ints(2);
    pthread_t thread;
    void *sum = NULL;
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_RECV, &end) < 0) {
        roost_chan_close(ch);
        return;
    }
    if (pthread_create(&thread, NULL, thread_consume, end) != 0) {
        roost_chan_close(end);
        roost_chan_close(ch);
        return;
    }
    int rc = 0;
    for (int i = 0; i < ITEMS && rc == 0; i++)
        rc = roost_chan_send(ch, &i);
    roost_chan_close(ch);
    pthread_join(thread, &sum);
    CHECK_OK(rc);
    CHECK_EQ(ITEMS, *(int *)sum);
}

/* -- the end of a loop ------------------------------------------------------------------------- */

/* A run with loops of its own, whose tasks wait on an end of a channel that outlives it. */
ROOST_ASYNC(recv_forever, roost_chan *, ch)
{
    int item;
    return roost_chan_recv(ch, &item);
}

ROOST_ASYNC(place_recv_forever, int, index, roost_chan *, ch)
{
    ON_LOOP(index, recv_forever, ch);
}

ROOST_ASYNC(leave_while_others_wait, roost_chan *, ch)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < roost_loop_count(); i++)
            ROOST_GO(g, place_recv_forever, i, ch);
        rc = roost_sleep(ROOST_US(200));
        roost_group_cancel(g, "enough");
    }
    return rc;
}

ROOST_TEST(a_channel_outlives_the_loops_that_waited_on_it, .plain = true)
{
    ROOST_AUTO(chan) roost_chan *ch = shared_ints(1);
    if (!ch)
        return;
    for (int i = 0; i < 3; i++) {
        roost_run_opts opts;
        roost_chan_stats stats;
        int item = i;
        roost_test_opts_fill(&opts);
        opts.loops = LOOPS;
        CHECK_OK(roost_test_run(ROOST_CALL(leave_while_others_wait, ch), &opts));
        roost_chan_stats_get(ch, &stats);
        CHECK_EQ(0, stats.waiting_recv);
        CHECK_OK(roost_chan_try_send(ch, &item));
        CHECK_OK(roost_chan_try_recv(ch, &item));
    }
}

/* -- one loop ---------------------------------------------------------------------------------- */

ROOST_ASYNC(use_elsewhere, roost_chan *, ch)
{
    int item = 1;
    CHECK_EQ(ROOST_EXLOOP, roost_chan_send(ch, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_chan_try_send(ch, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_chan_recv(ch, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_chan_try_recv(ch, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_chan_send_many(ch, &item, 1));
    CHECK_EQ(ROOST_EXLOOP, roost_chan_recv_many(ch, &item, 1));
    CHECK_EQ(ROOST_EXLOOP, roost_chan_close_send(ch));
    roost_chan *end = NULL;
    CHECK_EQ(ROOST_EXLOOP, roost_chan_clone(ch, ROOST_CHAN_SEND, &end));
    roost_case cases[] = {ROOST_CASE_SEND(ch, &item)};
    CHECK_EQ(0, roost_select(cases, 1));
    CHECK_EQ(ROOST_EXLOOP, cases[0].rc);
    return 0;
}

ROOST_TEST(a_channel_that_is_not_shared_belongs_to_its_first_loop, .loops = LOOPS)
{
    roost_chan *ch = NULL;
    int item = 1;
    int result = 0;
    if (roost_test_virtual())
        kit_leave_out("a simulation has one loop");
    if (roost_chan_open(&(roost_chan_opts){.item_size = sizeof item, .capacity = 1}, &ch) < 0)
        return;
    CHECK_EQ(ROOST_EAGAIN, roost_chan_try_recv(ch, &item));
    CHECK_OK(roost_on_loop(1, ROOST_CALL(use_elsewhere, ch), &result));
    CHECK_OK(result);
    roost_chan_close(ch);
}
