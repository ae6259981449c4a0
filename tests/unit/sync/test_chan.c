/* tests/unit/sync/test_chan.c - channels on one loop: items, order, closing, every code.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/chan.h>

#include "kit/kit.h"

static roost_chan *open_of(size_t item_size, size_t capacity)
{
    roost_chan *ch = NULL;
    int rc = roost_chan_open(&(roost_chan_opts){.item_size = item_size, .capacity = capacity}, &ch);
    return rc < 0 ? NULL : ch;
}

/* -- items ------------------------------------------------------------------------------------- */

/* Sends and receives `count` items of a size through a buffer, each full of its number. */
static void pass_items(size_t size, size_t capacity, int count)
{
    unsigned char in[100];
    unsigned char out[100];
    ROOST_AUTO(chan) roost_chan *ch = open_of(size, capacity);
    if (!ch)
        return;
    int received = 0;
    for (int sent = 0; received < count;) {
        memset(in, sent, sizeof in);
        if (sent < count && roost_chan_try_send(ch, in) == 0) {
            sent++;
            continue;
        }
        memset(out, 255, sizeof out);
        CHECK_OK(roost_chan_try_recv(ch, out));
        for (size_t i = 0; i < sizeof out; i++)
            CHECK_EQ(i < size ? (unsigned char)received : 255, out[i]);
        received++;
    }
    CHECK_EQ(ROOST_EAGAIN, roost_chan_try_recv(ch, out));
}

ROOST_TEST(items_of_every_size_arrive_whole_and_in_order)
{
    static const size_t sizes[] = {0, 1, 3, 4, 7, 8, 9, 16, 100};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        pass_items(sizes[i], 1, 5);
        pass_items(sizes[i], 3, 10);
        pass_items(sizes[i], ROOST_CHAN_UNBOUNDED, 100);
    }
}

ROOST_TEST(items_without_content_need_no_memory)
{
    ROOST_AUTO(chan) roost_chan *ch = NULL;
    if (roost_chan_open(NULL, &ch) < 0)
        return;
    CHECK_EQ(ROOST_EAGAIN, roost_chan_try_send(ch, NULL));
    CHECK_EQ(ROOST_EAGAIN, roost_chan_try_recv(ch, NULL));
    ROOST_AUTO(chan) roost_chan *many = open_of(0, ROOST_CHAN_UNBOUNDED);
    if (!many)
        return;
    CHECK_EQ(1000, roost_chan_send_many(many, NULL, 1000));
    CHECK_EQ(1000, roost_chan_recv_many(many, NULL, 2000));
}

ROOST_TEST(a_buffer_that_no_memory_can_hold_is_refused)
{
    roost_chan *ch = NULL;
    CHECK_EQ(ROOST_ENOMEM,
             roost_chan_open(&(roost_chan_opts){.item_size = 16, .capacity = SIZE_MAX / 8}, &ch));
    CHECK_EQ(ROOST_ENOMEM,
             roost_chan_open(&(roost_chan_opts){.item_size = 1, .capacity = SIZE_MAX - 1}, &ch));
    CHECK(!ch);
}

/* The ring of an unbounded channel grows while its oldest item is not at its start. */
ROOST_TEST(an_unbounded_channel_keeps_the_order_when_it_grows)
{
    ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), ROOST_CHAN_UNBOUNDED);
    int sent = 0;
    int received = 0;
    if (!ch)
        return;
    for (int round = 1; round < 60; round++) {
        for (int i = 0; i < round; i++, sent++)
            if (roost_chan_send(ch, &sent) < 0)
                return;
        for (int i = 0; i < round / 2; i++, received++) {
            int item = -1;
            CHECK_OK(roost_chan_recv(ch, &item));
            CHECK_EQ(received, item);
        }
    }
    for (int item; roost_chan_try_recv(ch, &item) == 0; received++)
        CHECK_EQ(received, item);
    CHECK_EQ(sent, received);
}

/* -- several at a time ------------------------------------------------------------------------- */

ROOST_ASYNC(send_hundred, roost_chan *, ch, int *, sent)
{
    int items[100];
    for (int i = 0; i < 100; i++)
        items[i] = i;
    *sent = roost_chan_send_many(ch, items, 100);
    (void)roost_chan_close_send(ch);
    return *sent < 0 ? *sent : 0;
}

static void pass_many(size_t capacity, size_t batch)
{
    ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), capacity);
    int sent = 0;
    int received = 0;
    int rc = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_hundred, ch, &sent);
        int items[40];
        int count;
        while ((count = roost_chan_recv_many(ch, items, batch)) > 0)
            for (int i = 0; i < count; i++, received++)
                CHECK_EQ(received, items[i]);
        rc = count == ROOST_ECLOSED ? 0 : count;
    }
    CHECK_OK(rc);
    CHECK_EQ(100, sent);
    CHECK_EQ(100, received);
}

ROOST_TEST(batches_arrive_in_order)
{
    pass_many(0, 1);
    pass_many(0, 40);
    pass_many(1, 7);
    pass_many(30, 40);
    pass_many(100, 40);
    pass_many(ROOST_CHAN_UNBOUNDED, 3);
}

ROOST_TEST(a_batch_that_is_stopped_says_how_far_it_came)
{
    ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), 3);
    int items[5] = {1, 2, 3, 4, 5};
    if (!ch)
        return;
    CHECK_EQ(3, ROOST_WITHIN(ROOST_MS(1), roost_chan_send_many(ch, items, 5)));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_chan_send_many(ch, items, 5)));
    CHECK_EQ(0, roost_chan_send_many(ch, NULL, 0));
    CHECK_EQ(3, roost_chan_recv_many(ch, items, 5));
    CHECK_EQ(ROOST_EINVAL, roost_chan_recv_many(ch, items, 0));
    CHECK_EQ(ROOST_EINVAL, roost_chan_recv_many(ch, items, SIZE_MAX));
    CHECK_EQ(ROOST_EINVAL, roost_chan_send_many(ch, items, SIZE_MAX));
    CHECK_OK(roost_chan_close_recv(ch));
    CHECK_EQ(ROOST_EBROKEN, roost_chan_send_many(ch, items, 5));
    CHECK_EQ(ROOST_EBROKEN, roost_chan_send_many(ch, items, 0));
    CHECK_EQ(ROOST_ECLOSED, roost_chan_recv_many(ch, items, 5));
    CHECK_OK(roost_chan_close_send(ch));
    CHECK_EQ(ROOST_ECLOSED, roost_chan_send_many(ch, items, 5));
}

ROOST_ASYNC(close_it, roost_chan **, ch)
{
    (void)roost_chan_close(*ch);
    *ch = NULL;
    return 0;
}

/* The end goes while a batch waits on it, and just after it was served. */
ROOST_TEST(an_end_may_be_closed_under_a_batch)
{
    for (int served = 0; served < 2; served++) {
        ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), 0);
        ROOST_AUTO(chan) roost_chan *end = NULL;
        int sent = -1;
        int rc = 0;
        if (!ch || roost_chan_clone(ch, ROOST_CHAN_SEND, &end) < 0)
            return;
        ROOST_GROUP(g, rc) {
            int item;
            ROOST_GO(g, send_hundred, end, &sent);
            rc = roost_test_settle();
            if (rc < 0)
                break;
            if (served)
                CHECK_OK(roost_chan_try_recv(ch, &item));
            /* send_hundred closes its end itself, so it must not be gone by then */
            CHECK_OK(roost_chan_close_send(end));
        }
        CHECK(rc == 0 || rc == ROOST_ECLOSED || roost_test_tortured());
        CHECK_EQ(served ? 1 : ROOST_ECLOSED, sent);
    }
}

/* -- ends -------------------------------------------------------------------------------------- */

ROOST_TEST(an_end_gives_only_what_it_has)
{
    ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), 1);
    ROOST_AUTO(chan) roost_chan *sender = NULL;
    roost_chan *end = NULL;
    if (!ch)
        return;
    CHECK_EQ(ROOST_EINVAL, roost_chan_clone(ch, 0, &end));
    CHECK_EQ(ROOST_EINVAL, roost_chan_clone(ch, 4, &end));
    if (roost_chan_clone(ch, ROOST_CHAN_SEND, &sender) < 0)
        return;
    CHECK_EQ(ROOST_ECLOSED, roost_chan_clone(sender, ROOST_CHAN_RECV, &end));
    CHECK_EQ(ROOST_ECLOSED, roost_chan_clone(sender, ROOST_CHAN_SEND | ROOST_CHAN_RECV, &end));
    CHECK_OK(roost_chan_close_send(sender));
    CHECK_EQ(ROOST_ECLOSED, roost_chan_clone(sender, ROOST_CHAN_SEND, &end));
    CHECK(!end);
    CHECK_OK(roost_chan_close(NULL));
}

struct dropped {
    int count;
    int sum;
};

static void drop_int(void *arg, void *item)
{
    struct dropped *dropped = arg;
    dropped->count++;
    dropped->sum += *(int *)item;
}

ROOST_TEST(items_that_nobody_will_receive_are_dropped_by_the_program)
{
    struct dropped dropped = {0, 0};
    roost_chan *ch = NULL;
    ROOST_AUTO(chan) roost_chan *sender = NULL;
    int item;
    if (roost_chan_open(
            &(roost_chan_opts){
                .item_size = sizeof item, .capacity = 4, .drop = drop_int, .arg = &dropped},
            &ch) < 0)
        return;
    for (int i = 1; i <= 6; i++) { /* so that they lie across the end of the ring */
        CHECK_OK(roost_chan_try_send(ch, &i));
        if (i <= 3)
            CHECK_OK(roost_chan_try_recv(ch, &item));
    }
    CHECK_OK(roost_chan_clone(ch, ROOST_CHAN_SEND, &sender));
    CHECK_OK(roost_chan_close_recv(ch));
    CHECK_EQ(3, dropped.count);
    CHECK_EQ(15, dropped.sum);
    CHECK_OK(roost_chan_close(ch));
    CHECK_EQ(3, dropped.count);
}

ROOST_TEST(stats_say_what_is_there_and_who_waits)
{
    ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), 2);
    ROOST_AUTO(chan) roost_chan *end = NULL;
    roost_chan_stats stats;
    int sent = 0;
    int rc = 0;
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_SEND, &end) < 0)
        return;
    roost_chan_stats_get(ch, &stats);
    CHECK_EQ(2, stats.capacity);
    CHECK_EQ(0, stats.buffered);
    CHECK_EQ(2, stats.senders);
    CHECK_EQ(1, stats.receivers);
    CHECK_STR("channel", stats.label);
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_hundred, end, &sent);
        ROOST_GO(g, send_hundred, ch, &sent);
        rc = roost_test_settle();
        roost_chan_stats_get(ch, &stats);
        CHECK_EQ(2, stats.buffered);
        CHECK_EQ(2, stats.waiting_send);
        CHECK_EQ(0, stats.waiting_recv);
        roost_group_cancel(g, "seen");
    }
    CHECK_OK(rc);
    roost_chan_stats_get(ch, &stats);
    CHECK_EQ(0, stats.waiting_send);
    CHECK_EQ(0, stats.senders);
}

/* -- order of those who wait ------------------------------------------------------------------- */

ROOST_ASYNC(send_named, roost_chan *, ch, int, name)
{
    return roost_chan_send(ch, &name);
}

/* The first, one in the middle and the last are cancelled; the others keep their order. */
ROOST_TEST(senders_keep_their_order_when_some_are_cancelled)
{
    for (size_t capacity = 0; capacity < 2; capacity++) {
        ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), capacity);
        int rc = 0;
        if (!ch)
            return;
        ROOST_GROUP(g, rc) {
            roost_task *tasks[6] = {NULL};
            for (int i = 0; i < 6 && rc == 0; i++) {
                rc = roost_spawn(g, ROOST_CALL(send_named, ch, i), NULL, &tasks[i]);
                if (rc == 0)
                    rc = roost_test_settle();
            }
            if (rc < 0)
                break;
            int first =
                (int)capacity; /* of those that wait; 0 is in the buffer when there is one */
            roost_task_cancel(tasks[first], NULL);
            roost_task_cancel(tasks[3], NULL);
            roost_task_cancel(tasks[5], NULL);
            int item = -1;
            for (int want = 0; want < 6; want++) {
                if (want == first || want == 3 || want == 5)
                    continue;
                CHECK_OK(roost_chan_try_recv(ch, &item));
                CHECK_EQ(want, item);
            }
            CHECK_EQ(ROOST_EAGAIN, roost_chan_try_recv(ch, &item));
        }
        CHECK_OK(rc);
    }
}

ROOST_ASYNC(recv_counted, roost_chan *, ch, int *, closed)
{
    int item;
    int rc = roost_chan_recv(ch, &item);
    *closed += rc == ROOST_ECLOSED;
    return rc == ROOST_ECLOSED ? 0 : rc;
}

ROOST_TEST(everybody_who_waits_hears_of_the_end)
{
    ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), 1);
    int closed = 0;
    int rc = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, recv_counted, ch, &closed);
        rc = roost_test_settle();
        CHECK_OK(roost_chan_close_send(ch));
    }
    CHECK_OK(rc);
    CHECK_EQ(4, closed);
}

/* A task has used up its turn, gives way inside the call, and finds its end closed. */
ROOST_ASYNC(recv_after_many, roost_chan **, ch, int *, result)
{
    int item;
    for (int i = 0; i < 1000 && *ch; i++) {
        *result = roost_chan_recv(*ch, &item);
        if (*result < 0)
            return 0;
    }
    return 0;
}

ROOST_TEST(an_end_may_be_closed_while_a_call_on_it_gives_way)
{
    ROOST_AUTO(chan) roost_chan *ch = open_of(sizeof(int), ROOST_CHAN_UNBOUNDED);
    int result = 1;
    int rc = 0;
    if (!ch)
        return;
    for (int i = 0; i < 600; i++)
        if (roost_chan_send(ch, &i) < 0)
            return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, recv_after_many, &ch, &result);
        ROOST_GO(g, close_it, &ch);
    }
    CHECK_OK(rc);
    CHECK(result == ROOST_ECLOSED || result == 0 || result == ROOST_ECANCELED || result == 1);
}

/* -- where there is no task -------------------------------------------------------------------- */

ROOST_TEST(outside_a_run_a_channel_is_opened_and_closed_and_no_more, .plain = true)
{
    roost_chan *ch = open_of(sizeof(int), 1);
    roost_chan *shared = NULL;
    roost_chan *end = NULL;
    int item = 0;
    if (!ch)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_chan_send(ch, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_chan_recv(ch, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_chan_try_send(ch, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_chan_try_recv(ch, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_chan_send_many(ch, &item, 1));
    CHECK_EQ(ROOST_ENOCTX, roost_chan_recv_many(ch, &item, 1));
    CHECK_EQ(ROOST_ENOCTX, roost_chan_clone(ch, ROOST_CHAN_SEND, &end));
    CHECK_OK(roost_chan_close(ch));
    if (roost_chan_open(&(roost_chan_opts){.item_size = sizeof item, .capacity = 1, .shared = true},
                        &shared) < 0)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_chan_send(shared, &item));
    CHECK_OK(roost_chan_try_send(shared, &item));
    CHECK_EQ(ROOST_EAGAIN, roost_chan_try_send(shared, &item));
    CHECK_OK(roost_chan_try_recv(shared, &item));
    CHECK_OK(roost_chan_clone(shared, ROOST_CHAN_SEND, &end));
    CHECK_OK(roost_chan_close(end));
    CHECK_OK(roost_chan_close(shared));
}

ROOST_ASYNC(send_and_leave, roost_chan *, ch, int, item)
{
    return roost_chan_send(ch, &item);
}

ROOST_TEST(a_channel_may_serve_one_run_after_another, .plain = true)
{
    roost_chan *ch = open_of(sizeof(int), 3);
    if (!ch)
        return;
    for (int i = 0; i < 3; i++)
        CHECK_OK(roost_test_run(ROOST_CALL(send_and_leave, ch, i), NULL));
    CHECK_OK(roost_chan_close(ch));
}
