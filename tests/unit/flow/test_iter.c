/* tests/unit/flow/test_iter.c - iterators: the protocol, the loop, collecting, kinds of one's own.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/iter.h>

#include <string.h>

#include <roost.h>

#include "kit/kit.h"

/* A kind of one's own: counts up to `end`, then fails with `rc` if that is a failure. */
struct counter {
    roost_iter iter;
    int at;
    int end;
    int rc;
    int close_rc;
    int closed;
    roost_dur each;
};

static int counter_next(roost_iter *iter, void *item)
{
    struct counter *counter = (struct counter *)(void *)iter;
    if (counter->each > 0)
        ROOST_TRY(roost_sleep(counter->each));
    if (counter->at == counter->end)
        return counter->rc;
    memcpy(item, &counter->at, sizeof counter->at);
    counter->at++;
    return 1;
}

static int counter_close(roost_iter *iter)
{
    struct counter *counter = (struct counter *)(void *)iter;
    counter->closed++;
    return counter->close_rc;
}

static roost_iter *counter_init(struct counter *counter, int end, int rc)
{
    static const roost_iter_ops ops = {counter_next, counter_close};
    *counter = (struct counter){.end = end, .rc = rc};
    roost_iter_init(&counter->iter, &ops, sizeof(int));
    return &counter->iter;
}

ROOST_TEST(the_loop_sees_every_item_and_closes)
{
    struct counter counter;
    int sum = 0;
    int rc = 0;
    ROOST_FOREACH(int, i, counter_init(&counter, 5, 0), rc)
        sum = sum * 10 + i + 1;
    CHECK_EQ(0, rc);
    CHECK_EQ(12345, sum);
    CHECK_EQ(1, counter.closed);
}

ROOST_TEST(continue_goes_on_and_break_closes)
{
    struct counter counter;
    int sum = 0;
    int rc = 0;
    ROOST_FOREACH(int, i, counter_init(&counter, 100, 0), rc) {
        if (i % 2)
            continue;
        if (i == 8)
            break;
        sum += i;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(12, sum);
    CHECK_EQ(9, counter.at);
    CHECK_EQ(1, counter.closed);
}

static int find(struct counter *counter, int wanted)
{
    int rc = 0;
    ROOST_FOREACH(int, i, counter_init(counter, 10, 0), rc)
        if (i == wanted)
            return 100 + i;
    return rc;
}

ROOST_TEST(return_closes)
{
    struct counter counter;
    CHECK_EQ(104, find(&counter, 4));
    CHECK_EQ(1, counter.closed);
    CHECK_EQ(0, find(&counter, 40));
    CHECK_EQ(1, counter.closed);
}

ROOST_TEST(the_first_failure_ends_the_loop_and_is_kept)
{
    struct counter counter;
    int turns = 0;
    int rc = 0;
    ROOST_FOREACH(int, i, counter_init(&counter, 2, -EIO), rc)
        turns += 1 + (i < 0);
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(2, turns);

    rc = 0;
    ROOST_FOREACH(int, i, counter_init(&counter, 9, -EIO), rc)
        rc = i == 3 ? -EPIPE : i;
    CHECK_EQ(-EPIPE, rc);
    CHECK_EQ(4, counter.at);

    ROOST_FOREACH(int, i, counter_init(&counter, 9, -EIO), rc)
        turns += 1 + (i < 0); /* rc is a failure: no turn, but it is closed */
    CHECK_EQ(2, turns);
    CHECK_EQ(0, counter.at);
    CHECK_EQ(1, counter.closed);
}

ROOST_TEST(a_failure_of_the_closing_is_told_unless_there_was_one_before)
{
    struct counter counter;
    int rc = 0;
    roost_iter *iter = counter_init(&counter, 3, 0);
    counter.close_rc = -EPIPE;
    ROOST_FOREACH(int, i, iter, rc)
        CHECK(i >= 0);
    CHECK_EQ(-EPIPE, rc);
    rc = 0;
    iter = counter_init(&counter, 3, -EIO);
    counter.close_rc = -EPIPE;
    ROOST_FOREACH(int, i, iter, rc)
        CHECK(i >= 0);
    CHECK_EQ(-EIO, rc);
    iter = counter_init(&counter, 3, 0);
    counter.close_rc = 5; /* only failures are told */
    CHECK_EQ(0, roost_iter_close(iter));
}

ROOST_TEST(a_missing_iterator_and_another_size_are_refused)
{
    struct counter counter;
    int rc = 0;
    ROOST_FOREACH(int, i, (roost_iter *)NULL, rc)
        CHECK(i < 0);
    CHECK_EQ(ROOST_EINVAL, rc);
    rc = 0;
    ROOST_FOREACH(char, c, counter_init(&counter, 3, 0), rc)
        CHECK(c == 0 && rc == 1); /* is not entered */
    CHECK_EQ(ROOST_EINVAL, rc);
    CHECK_EQ(1, counter.closed);
    CHECK_EQ(0, roost_iter_close(NULL));
}

ROOST_TEST(a_failure_may_pass)
{
    struct counter counter;
    int item = -1;
    roost_iter *iter = counter_init(&counter, 1, -EIO);
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_EQ(-EIO, roost_iter_next(iter, &item));
    counter.end = 2;
    counter.rc = 0;
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_EQ(1, item);
    CHECK_EQ(0, roost_iter_next(iter, &item));
    counter.end = 3;
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_EQ(1, counter.closed);
    CHECK_EQ(0, roost_iter_next(iter, &item));
    CHECK_EQ(1, item);
}

ROOST_TEST(a_closed_iterator_gives_nothing_more)
{
    struct counter counter;
    int item = -1;
    roost_iter *iter = counter_init(&counter, 3, 0);
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_EQ(0, roost_iter_next(iter, &item));
    CHECK_EQ(0, counter.at);
}

ROOST_TEST(a_kind_without_a_close_needs_none)
{
    static const roost_iter_ops ops = {counter_next, NULL};
    struct counter counter = {.end = 1};
    int item = -1;
    roost_iter_init(&counter.iter, &ops, sizeof item);
    CHECK_EQ(1, roost_iter_next(&counter.iter, &item));
    CHECK_EQ(0, roost_iter_close(&counter.iter));
}

ROOST_TEST(a_deadline_around_the_loop_closes)
{
    struct counter counter;
    int rc = 0;
    roost_iter *iter = counter_init(&counter, 100, 0);
    counter.each = ROOST_SEC(60);
    ROOST_TIMEOUT(rc, ROOST_MS(1))
        ROOST_FOREACH(int, i, iter, rc)
            CHECK(i < 0);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(1, counter.closed);
}

/* -- collecting -------------------------------------------------------------------------------- */

ROOST_TEST(collect_at_its_bound)
{
    struct counter counter;
    int items[4] = {-1, -1, -1, -1};
    size_t count = 99;
    CHECK_EQ(0, roost_iter_collect(counter_init(&counter, 3, 0), items, 4, &count));
    CHECK_EQ(3, count);
    CHECK_EQ(2, items[2]);
    CHECK_EQ(-1, items[3]);
    CHECK_EQ(1, counter.closed);
    CHECK_EQ(0, roost_iter_collect(counter_init(&counter, 4, 0), items, 4, &count));
    CHECK_EQ(4, count);
    CHECK_EQ(ROOST_EOVERFLOW, roost_iter_collect(counter_init(&counter, 5, 0), items, 4, &count));
    CHECK_EQ(4, count);
    CHECK_EQ(1, counter.closed);
    CHECK_EQ(0, roost_iter_collect(counter_init(&counter, 0, 0), NULL, 0, NULL));
    CHECK_EQ(ROOST_EOVERFLOW, roost_iter_collect(counter_init(&counter, 1, 0), NULL, 0, NULL));
}

ROOST_TEST(collect_tells_failures_and_closes)
{
    struct counter counter;
    int items[4];
    size_t count = 99;
    CHECK_EQ(-EIO, roost_iter_collect(counter_init(&counter, 2, -EIO), items, 4, &count));
    CHECK_EQ(99, count);
    CHECK_EQ(1, counter.closed);
    roost_iter *iter = counter_init(&counter, 2, 0);
    counter.close_rc = -EPIPE;
    CHECK_EQ(-EPIPE, roost_iter_collect(iter, items, 4, &count));
    CHECK_EQ(99, count);
    CHECK_EQ(ROOST_EINVAL, roost_iter_collect(NULL, items, 4, &count));
    CHECK_EQ(ROOST_EINVAL, roost_iter_collect(counter_init(&counter, 2, 0), NULL, 4, &count));
    CHECK_EQ(1, counter.closed);
}

static int add_up(void *arg, const void *item)
{
    int value;
    memcpy(&value, item, sizeof value);
    *(int *)arg += value;
    return value == 50 ? 7 : value == 60 ? -EIO : 0;
}

ROOST_TEST(each_goes_on_until_it_is_told_to_stop)
{
    struct counter counter;
    int sum = 0;
    CHECK_EQ(0, roost_iter_each(counter_init(&counter, 11, 0), add_up, &sum));
    CHECK_EQ(55, sum);
    CHECK_EQ(1, counter.closed);
    CHECK_EQ(7, roost_iter_each(counter_init(&counter, 100, 0), add_up, &sum));
    CHECK_EQ(51, counter.at);
    CHECK_EQ(1, counter.closed);
    roost_iter *iter = counter_init(&counter, 100, 0);
    counter.at = 55;
    counter.close_rc = -EPIPE;
    CHECK_EQ(-EIO, roost_iter_each(iter, add_up, &sum));
    CHECK_EQ(-EPIPE, (iter = counter_init(&counter, 1, 0), counter.close_rc = -EPIPE,
                      roost_iter_each(iter, add_up, &sum)));
    CHECK_EQ(ROOST_EINVAL, roost_iter_each(NULL, add_up, &sum));
    CHECK_EQ(ROOST_EINVAL, roost_iter_each(counter_init(&counter, 1, 0), NULL, &sum));
    CHECK_EQ(1, counter.closed);
}

struct wide {
    int number;
    char rest[200];
};

static int add_wide(void *arg, const void *item)
{
    *(int *)arg += ((const struct wide *)item)->number;
    return 0;
}

ROOST_TEST(wide_items_are_walked_and_counted)
{
    struct wide items[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    struct wide out[3];
    roost_iter_stage array;
    int sum = 0;
    CHECK_OK(roost_iter_each(roost_iter_array(&array, items, 3, sizeof items[0]), add_wide, &sum));
    CHECK_EQ(6, sum);
    CHECK_OK(roost_iter_collect(roost_iter_array(&array, items, 3, sizeof items[0]), out, 3, NULL));
    CHECK_EQ(3, out[2].number);
    CHECK_EQ(ROOST_EOVERFLOW,
             roost_iter_collect(roost_iter_array(&array, items, 3, sizeof items[0]), out, 2, NULL));
}
