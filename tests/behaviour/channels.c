/* tests/behaviour/channels.c - behaviours B64 to B67: channels.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <roost.h>
#include <roost/chan.h>

static roost_chan *open_ints(size_t capacity)
{
    roost_chan *ch = NULL;
    int rc =
        roost_chan_open(&(roost_chan_opts){.item_size = sizeof(int), .capacity = capacity}, &ch);
    return rc < 0 ? NULL : ch;
}

/* Receives one item; the code is in *rc, the item in *got. */
ROOST_ASYNC(receive_one, roost_chan *, ch, int *, got, int *, rc)
{
    *rc = roost_chan_recv(ch, got);
    return *rc == ROOST_ECANCELED ? *rc : 0;
}

ROOST_ASYNC(send_one, roost_chan *, ch, int, item, int *, rc)
{
    *rc = roost_chan_send(ch, &item);
    return *rc == ROOST_ECANCELED ? *rc : 0;
}

/* -- B64: what was promised -------------------------------------------------------------------- */

/* The item goes to who waited, not to who comes between the hand-over and its next step. */
static int promise(size_t capacity)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(capacity);
    int got = 0;
    int late = 0;
    int got_rc = 1;
    int rc = 0;
    if (!ch)
        return ROOST_ENOMEM;
    ROOST_GROUP(g, rc) {
        int seven = 7;
        ROOST_GO(g, receive_one, ch, &got, &got_rc);
        ROOST_TRY(roost_test_settle());
        ROOST_TRY(roost_chan_try_send(ch, &seven));
        CHECK_EQ(7, got); /* it has the item before it has run */
        CHECK_EQ(1, got_rc);
        CHECK_EQ(ROOST_EAGAIN, roost_chan_try_recv(ch, &late));
    }
    CHECK_EQ(0, got_rc);
    CHECK_EQ(0, late);
    return rc;
}

BEHAVIOUR(64, an_item_promised_to_a_waiting_receiver_cannot_be_stolen)
{
    CHECK_OK(promise(0));
    CHECK_OK(promise(1));
}

/* The place goes to the sender that waited: its item is in the buffer before it has run. */
BEHAVIOUR(64, a_place_that_becomes_free_belongs_to_the_sender_that_waits)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(1);
    int sent_rc = 1;
    int rc = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        int one = 1;
        int three = 3;
        int got = 0;
        CHECK_OK(roost_chan_try_send(ch, &one));
        ROOST_GO(g, send_one, ch, 2, &sent_rc);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(ROOST_EAGAIN, roost_chan_try_send(ch, &three));
        CHECK_OK(roost_chan_try_recv(ch, &got));
        CHECK_EQ(1, got);
        CHECK_EQ(ROOST_EAGAIN, roost_chan_try_send(ch, &three));
        CHECK_OK(roost_chan_try_recv(ch, &got));
        CHECK_EQ(2, got);
    }
    CHECK_EQ(0, sent_rc);
    CHECK_OK(rc);
}

BEHAVIOUR(64, receivers_are_served_in_the_order_they_came)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(4);
    int got[3] = {0};
    int got_rc[3] = {0};
    int rc = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++) {
            ROOST_GO(g, receive_one, ch, &got[i], &got_rc[i]);
            CHECK_OK(roost_test_settle());
        }
        for (int i = 1; i <= 3; i++)
            CHECK_OK(roost_chan_send(ch, &i));
    }
    CHECK_EQ(1, got[0]);
    CHECK_EQ(2, got[1]);
    CHECK_EQ(3, got[2]);
    CHECK_OK(rc);
}

/* -- B65: a cancelled receiver ----------------------------------------------------------------- */

ROOST_ASYNC(receive_until_cancelled, roost_chan *, ch, int *, seen, int *, count)
{
    int item;
    int rc;
    while ((rc = roost_chan_recv(ch, &item)) == 0) {
        *seen += item;
        ++*count;
    }
    return rc;
}

/* The receiver is cancelled before, in the same step as, and after the hand-over: each item is
 * received by it or by the next, none by both and none by nobody. */
BEHAVIOUR(65, a_cancelled_receiver_loses_no_item)
{
    for (int when = 0; when < 4; when++) {
        ROOST_AUTO(chan) roost_chan *ch = open_ints(2);
        int seen = 0;
        int count = 0;
        int rc = 0;
        if (!ch)
            return;
        ROOST_GROUP(g, rc) {
            roost_task *task = NULL;
            int item = 5;
            rc =
                roost_spawn(g, ROOST_CALL(receive_until_cancelled, ch, &seen, &count), NULL, &task);
            if (rc < 0)
                break;
            CHECK_OK(roost_test_settle());
            if (when == 0)
                roost_task_cancel(task, "before");
            CHECK_OK(roost_chan_try_send(ch, &item));
            if (when == 1)
                roost_task_cancel(task, "after the hand-over");
            if (when == 2) {
                CHECK_OK(roost_test_settle());
                roost_task_cancel(task, "after it has run");
            }
            CHECK_OK(roost_chan_try_send(ch, &item));
            if (when == 3)
                roost_task_cancel(task, "after two");
            int result = 0;
            CHECK_OK(roost_join(task, &result));
            CHECK_EQ(ROOST_ECANCELED, result);
            for (; roost_chan_try_recv(ch, &item) == 0; count++)
                seen += item;
        }
        CHECK_OK(rc);
        CHECK_EQ(2, count);
        CHECK_EQ(10, seen);
    }
}

BEHAVIOUR(65, a_deadline_in_a_receive_loses_no_item)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(1);
    int got = 0;
    int item = 9;
    if (!ch)
        return;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_chan_recv(ch, &got)));
    CHECK_EQ(0, got);
    CHECK_OK(roost_chan_try_send(ch, &item));
    CHECK_OK(roost_chan_recv(ch, &got));
    CHECK_EQ(9, got);
}

BEHAVIOUR(65, a_cancelled_sender_has_sent_nothing)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(0);
    int got = 0;
    int item = 9;
    if (!ch)
        return;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_chan_send(ch, &item)));
    CHECK_EQ(ROOST_EAGAIN, roost_chan_try_recv(ch, &got));
}

/* -- B66: closing ------------------------------------------------------------------------------ */

ROOST_ASYNC(produce, roost_chan *, ch, int, first, int, count)
{
    ROOST_AUTO(chan) roost_chan *own = ch;
    for (int i = first; i < first + count; i++)
        ROOST_TRY(roost_chan_send(own, &i));
    return 0;
}

ROOST_ASYNC(consume, roost_chan *, ch, int *, count, int *, sum)
{
    int item;
    int rc;
    ROOST_CHAN_EACH(ch, &item, rc) {
        ++*count;
        *sum += item;
    }
    return rc;
}

/* Gives a producer an end of its own; it is closed here when the producer could not be started. */
static int go_produce(roost_group *g, roost_chan *ch, int first, int count)
{
    roost_chan *end = NULL;
    ROOST_TRY(roost_chan_clone(ch, ROOST_CHAN_SEND, &end));
    int rc = roost_go(g, ROOST_CALL(produce, end, first, count));
    if (rc < 0)
        (void)roost_chan_close(end);
    return rc;
}

BEHAVIOUR(66, when_the_last_sender_has_closed_what_is_left_is_received_and_then_the_end)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(3);
    int count = 0;
    int sum = 0;
    int rc = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        CHECK_OK(go_produce(g, ch, 1, 10));
        CHECK_OK(go_produce(g, ch, 11, 10));
        ROOST_GO(g, consume, ch, &count, &sum);
        ROOST_GO(g, consume, ch, &count, &sum);
        CHECK_OK(roost_chan_close_send(ch));
    }
    CHECK_OK(rc);
    CHECK_EQ(20, count);
    CHECK_EQ(210, sum);
    int item = 77;
    CHECK_EQ(ROOST_ECLOSED, roost_chan_recv(ch, &item));
    CHECK_EQ(77, item);
}

BEHAVIOUR(66, a_sender_that_closes_leaves_what_is_buffered)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(2);
    int got = 0;
    if (!ch)
        return;
    for (int i = 1; i <= 2; i++)
        CHECK_OK(roost_chan_send(ch, &i));
    CHECK_OK(roost_chan_close_send(ch));
    CHECK_OK(roost_chan_recv(ch, &got));
    CHECK_EQ(1, got);
    CHECK_OK(roost_chan_recv(ch, &got));
    CHECK_EQ(2, got);
    CHECK_EQ(ROOST_ECLOSED, roost_chan_recv(ch, &got));
}

BEHAVIOUR(66, when_the_last_receiver_has_closed_senders_are_told)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(1);
    ROOST_AUTO(chan) roost_chan *end = NULL;
    int sent_rc = 1;
    int item = 1;
    int rc = 0;
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_SEND, &end) < 0)
        return;
    ROOST_GROUP(g, rc) {
        CHECK_OK(roost_chan_send(ch, &item));
        ROOST_GO(g, send_one, end, 2, &sent_rc);
        CHECK_OK(roost_test_settle());
        CHECK_OK(roost_chan_close_recv(ch));
        CHECK_EQ(ROOST_EBROKEN, roost_chan_send(ch, &item));
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_EBROKEN, sent_rc);
    CHECK_EQ(ROOST_EBROKEN, roost_chan_try_send(end, &item));
}

BEHAVIOUR(66, an_end_that_was_closed_says_so)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(1);
    ROOST_AUTO(chan) roost_chan *sender = NULL;
    ROOST_AUTO(chan) roost_chan *receiver = NULL;
    int item = 1;
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_SEND, &sender) < 0 ||
        roost_chan_clone(ch, ROOST_CHAN_RECV, &receiver) < 0)
        return;
    CHECK_EQ(ROOST_ECLOSED, roost_chan_recv(sender, &item));
    CHECK_EQ(ROOST_ECLOSED, roost_chan_send(receiver, &item));
    CHECK_OK(roost_chan_close_send(ch));
    CHECK_EQ(ROOST_ECLOSED, roost_chan_send(ch, &item));
    CHECK_OK(roost_chan_send(sender, &item));
    CHECK_OK(roost_chan_recv(ch, &item));
    CHECK_OK(roost_chan_close_recv(ch));
    CHECK_EQ(ROOST_ECLOSED, roost_chan_recv(ch, &item));
}

BEHAVIOUR(66, a_task_whose_end_is_closed_under_it_is_told)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(0);
    ROOST_AUTO(chan) roost_chan *end = NULL;
    int got = 0;
    int got_rc = 1;
    int rc = 0;
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_RECV, &end) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, receive_one, end, &got, &got_rc);
        rc = roost_test_settle();
        if (rc == 0) { /* it waits */
            CHECK_OK(roost_chan_close(end));
            end = NULL;
        }
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_ECLOSED, got_rc);
}

/* -- B67: capacity 0 --------------------------------------------------------------------------- */

BEHAVIOUR(67, with_capacity_0_a_send_returns_only_when_the_item_is_taken)
{
    ROOST_AUTO(chan) roost_chan *ch = open_ints(0);
    int sent_rc = 1;
    int got = 0;
    int rc = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        int item = 4;
        CHECK_EQ(ROOST_EAGAIN, roost_chan_try_send(ch, &item));
        ROOST_GO(g, send_one, ch, 3, &sent_rc);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, sent_rc); /* it still waits */
        CHECK_OK(roost_chan_try_recv(ch, &got));
        CHECK_EQ(3, got);
        CHECK_EQ(1, sent_rc); /* taken, and it has not run yet */
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, sent_rc);
    }
    CHECK_OK(rc);
}
