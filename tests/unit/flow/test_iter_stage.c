/* tests/unit/flow/test_iter_stage.c - stages: what each makes of its source, and how they end.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/iter_stage.h>

#include <string.h>

#include <roost.h>
#include <roost/chan.h>

#include "kit/kit.h"

static const int numbers[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};

static roost_iter *upto(roost_iter_stage *stage, size_t count)
{
    return roost_iter_array(stage, numbers, count, sizeof numbers[0]);
}

/* Collects ints and packs them into one decimal number, from 1. */
static long pack(roost_iter *iter)
{
    int items[10];
    size_t count = 0;
    int rc = roost_iter_collect(iter, items, 10, &count);
    long packed = rc < 0 ? rc : 1;
    for (size_t i = 0; i < count; i++)
        packed = packed * 10 + items[i];
    return packed;
}

static int value_of(const void *item)
{
    int value;
    memcpy(&value, item, sizeof value);
    return value;
}

/* arg: NULL, or the number that fails. */
static ROOST_SUSPENDS int even_slowly(void *arg, const void *item)
{
    ROOST_TRY(roost_sleep(ROOST_US(10)));
    if (arg && *(int *)arg == value_of(item))
        return -EIO;
    return value_of(item) % 2 == 0;
}

static ROOST_SUSPENDS int square_slowly(void *arg, const void *in, void *out)
{
    ROOST_TRY(roost_sleep(ROOST_US(10)));
    int square = value_of(in) * value_of(in);
    if (arg && *(int *)arg == value_of(in))
        return -EPIPE;
    memcpy(out, &square, sizeof square);
    return square;
}

ROOST_TEST(an_array_gives_its_items)
{
    roost_iter_stage array;
    CHECK_EQ(1, pack(upto(&array, 0)));
    CHECK_EQ(10, pack(upto(&array, 1)));
    CHECK_EQ(101234, pack(upto(&array, 5)));
    CHECK_EQ(1, pack(roost_iter_array(&array, NULL, 0, sizeof(int))));
}

ROOST_TEST(filter_keeps_what_the_function_keeps)
{
    roost_iter_stage array, even;
    int bad = 6;
    CHECK_EQ(102468, pack(roost_iter_filter(&even, upto(&array, 10), even_slowly, NULL)));
    CHECK_EQ(-EIO, pack(roost_iter_filter(&even, upto(&array, 10), even_slowly, &bad)));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_filter(&even, upto(&array, 10), NULL, NULL)));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_filter(&even, NULL, even_slowly, NULL)));
}

ROOST_TEST(map_makes_other_items)
{
    roost_iter_stage array, map;
    int bad = 2;
    CHECK_EQ(10149, pack(roost_iter_map(&map, upto(&array, 4), sizeof(int), square_slowly, NULL)));
    roost_iter *iter = roost_iter_map(&map, upto(&array, 4), sizeof(int), square_slowly, &bad);
    int item = -1;
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_EQ(-EPIPE, roost_iter_next(iter, &item));
    CHECK_EQ(1, item);
    CHECK_EQ(1, roost_iter_next(iter, &item)); /* that item is used up */
    CHECK_EQ(9, item);
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_map(&map, upto(&array, 4), sizeof(int), NULL, NULL)));
}

ROOST_TEST(take_and_skip_at_their_bounds)
{
    roost_iter_stage array, stage;
    CHECK_EQ(1, pack(roost_iter_take(&stage, upto(&array, 3), 0)));
    CHECK_EQ(101, pack(roost_iter_take(&stage, upto(&array, 3), 2)));
    CHECK_EQ(1012, pack(roost_iter_take(&stage, upto(&array, 3), 3)));
    CHECK_EQ(1012, pack(roost_iter_take(&stage, upto(&array, 3), 4)));
    CHECK_EQ(1012, pack(roost_iter_skip(&stage, upto(&array, 3), 0)));
    CHECK_EQ(12, pack(roost_iter_skip(&stage, upto(&array, 3), 2)));
    CHECK_EQ(1, pack(roost_iter_skip(&stage, upto(&array, 3), 3)));
    CHECK_EQ(1, pack(roost_iter_skip(&stage, upto(&array, 3), 4)));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_take(&stage, NULL, 1)));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_skip(&stage, NULL, 1)));
}

struct numbered {
    char mark;
    int value;
    uint64_t number;
};

ROOST_TEST(enumerate_numbers_the_items)
{
    roost_iter_stage array, skipped, stage;
    int rc = 0;
    uint64_t next = 7;
    roost_iter *source = roost_iter_skip(&skipped, upto(&array, 10), 4);
    ROOST_FOREACH(
        struct numbered, item,
        roost_iter_enumerate(&stage, source, ROOST_PAIR(struct numbered, number, value), next),
        rc) {
        CHECK_EQ(next, item.number);
        CHECK_EQ(next - 3, item.value);
        next++;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(13, next);
    struct numbered out[10];
    roost_iter *wrong =
        roost_iter_enumerate(&stage, upto(&array, 3), ROOST_PAIR(struct numbered, value, value), 0);
    CHECK_EQ(ROOST_EINVAL, roost_iter_collect(wrong, out, 10, NULL));
    wrong =
        roost_iter_enumerate(&stage, upto(&array, 3), ROOST_PAIR(struct numbered, number, mark), 0);
    CHECK_EQ(ROOST_EINVAL, roost_iter_collect(wrong, out, 10, NULL));
    wrong = roost_iter_enumerate(&stage, NULL, ROOST_PAIR(struct numbered, number, value), 0);
    CHECK_EQ(ROOST_EINVAL, roost_iter_collect(wrong, out, 10, NULL));
}

struct both {
    int left;
    int right;
    char small;
};

ROOST_TEST(zip_pairs_until_one_ends)
{
    roost_iter_stage left, right, skipped, stage;
    struct both pairs[10];
    size_t count = 0;
    roost_iter *iter =
        roost_iter_zip(&stage, upto(&left, 4), roost_iter_skip(&skipped, upto(&right, 10), 5),
                       ROOST_PAIR(struct both, left, right));
    CHECK_OK(roost_iter_collect(iter, pairs, 10, &count));
    CHECK_EQ(4, count);
    CHECK_EQ(3, pairs[3].left);
    CHECK_EQ(8, pairs[3].right);
    iter = roost_iter_zip(&stage, upto(&left, 4), upto(&right, 2),
                          ROOST_PAIR(struct both, left, right));
    CHECK_OK(roost_iter_collect(iter, pairs, 10, &count));
    CHECK_EQ(2, count);
    iter = roost_iter_zip(&stage, upto(&left, 4), upto(&right, 2),
                          ROOST_PAIR(struct both, left, small));
    CHECK_EQ(ROOST_EINVAL, roost_iter_collect(iter, pairs, 10, &count));
    iter = roost_iter_zip(&stage, upto(&left, 4), NULL, ROOST_PAIR(struct both, left, right));
    CHECK_EQ(ROOST_EINVAL, roost_iter_collect(iter, pairs, 10, &count));
}

ROOST_TEST(chain_gives_one_after_the_other)
{
    roost_iter_stage first, second, third, skipped, inner, stage;
    roost_iter *tail = roost_iter_skip(&skipped, upto(&second, 6), 4);
    CHECK_EQ(101245, pack(roost_iter_chain(&stage, upto(&first, 3), tail)));
    CHECK_EQ(1001, pack(roost_iter_chain(
                       &stage, roost_iter_chain(&inner, upto(&first, 1), upto(&second, 0)),
                       upto(&third, 2))));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_chain(&stage, upto(&first, 3), NULL)));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_chain(&stage, NULL, upto(&first, 3))));
    CHECK_EQ(ROOST_EINVAL, pack(roost_iter_chain(&stage, upto(&first, 3),
                                                 roost_iter_array(&second, "abc", 3, 1))));
}

ROOST_ASYNC(send_numbers, roost_chan *, ch, int, count, int *, rc)
{
    ROOST_AUTO(chan) roost_chan *own = ch;
    *rc = 0;
    for (int i = 0; i < count && *rc == 0; i++)
        *rc = roost_chan_send(own, &i);
    return 0;
}

ROOST_TEST(a_channel_of_other_items_is_refused_and_closed)
{
    roost_chan_opts opts = {.item_size = sizeof(int64_t), .capacity = 1};
    roost_chan *ch = NULL;
    roost_chan *sender = NULL;
    roost_iter_stage stage;
    int64_t wide = 1;
    int item = 0;
    if (roost_chan_open(&opts, &ch) < 0)
        return;
    if (roost_chan_clone(ch, ROOST_CHAN_SEND, &sender) == 0)
        CHECK_OK(roost_chan_send(sender, &wide));
    roost_iter *iter = roost_iter_chan(&stage, ch, sizeof item);
    CHECK_EQ(ROOST_EINVAL, roost_iter_next(iter, &item));
    CHECK_EQ(0, item);
    CHECK_EQ(0, roost_iter_close(iter));
    if (sender) {
        CHECK_EQ(ROOST_EBROKEN, roost_chan_send(sender, &wide));
        roost_ignore(roost_chan_close(sender));
    }
    iter = roost_iter_chan(&stage, NULL, sizeof item);
    CHECK_EQ(ROOST_EINVAL, roost_iter_next(iter, &item));
    CHECK_EQ(0, roost_iter_close(iter));
}

ROOST_TEST(a_channel_gives_what_it_receives_and_is_closed_with_the_iterator)
{
    for (int round = 0; round < 2; round++) {
        roost_chan_opts opts = {.item_size = sizeof(int)};
        roost_iter_stage source, few;
        roost_chan *ch = NULL;
        roost_chan *sender = NULL;
        int sent = 1;
        int rc = 0;
        if (roost_chan_open(&opts, &ch) < 0)
            return;
        rc = roost_chan_clone(ch, ROOST_CHAN_SEND, &sender);
        roost_ignore(roost_chan_close_send(ch));
        ROOST_GROUP(g, rc) {
            if (sender && roost_go(g, ROOST_CALL(send_numbers, sender, 5, &sent)) < 0)
                roost_ignore(roost_chan_close(sender));
            roost_iter *iter = roost_iter_chan(&source, ch, sizeof(int));
            if (round == 0)
                CHECK_EQ(101234, pack(iter));
            else
                CHECK_EQ(101, pack(roost_iter_take(&few, iter, 2)));
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(round == 0 ? 0 : ROOST_EBROKEN, sent);
    }
}

/* -- sources that end, fail, close
 * ---------------------------------------------------------------*/

/* Writes down when it is closed, waits for a gate before each item. */
struct source {
    roost_iter iter;
    roost_event *gate;
    int left;
    char name;
    char *log;
};

static int source_next(roost_iter *iter, void *item)
{
    struct source *source = (struct source *)(void *)iter;
    if (source->gate)
        ROOST_TRY(roost_event_wait(source->gate));
    if (source->left == 0)
        return 0;
    memcpy(item, &source->left, sizeof source->left);
    source->left--;
    return 1;
}

static int source_close(roost_iter *iter)
{
    struct source *source = (struct source *)(void *)iter;
    strncat(source->log, &source->name, 1);
    return source->name == 'x' ? -EPIPE : 0;
}

static roost_iter *source_init(struct source *source, char name, char *log, int count)
{
    static const roost_iter_ops ops = {source_next, source_close};
    *source = (struct source){.left = count, .name = name, .log = log};
    roost_iter_init(&source->iter, &ops, sizeof(int));
    return &source->iter;
}

ROOST_TEST(closing_reaches_every_source_the_younger_first)
{
    struct source a, b, c;
    roost_iter_stage zip, chain, map;
    char log[8] = "";
    roost_iter *iter =
        roost_iter_zip(&zip, source_init(&a, 'a', log, 3), source_init(&b, 'b', log, 3),
                       ROOST_PAIR(struct both, left, right));
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_STR("ba", log);
    log[0] = '\0';
    iter = roost_iter_map(&map, source_init(&c, 'c', log, 1), sizeof(int), square_slowly, NULL);
    iter = roost_iter_chain(&chain, source_init(&a, 'a', log, 1), iter);
    int item = 0;
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_STR("", log);
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_STR("a", log);
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_STR("ac", log);
}

ROOST_TEST(a_failure_to_close_is_told_by_chain_and_by_close)
{
    struct source a, b;
    roost_iter_stage stage;
    char log[8] = "";
    int item = 0;
    roost_iter *iter =
        roost_iter_chain(&stage, source_init(&a, 'x', log, 0), source_init(&b, 'b', log, 2));
    CHECK_EQ(-EPIPE, roost_iter_next(iter, &item));
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_EQ(0, roost_iter_close(iter));
    iter = roost_iter_take(&stage, source_init(&a, 'x', log, 0), 1);
    CHECK_EQ(-EPIPE, roost_iter_close(iter));
    iter = roost_iter_zip(&stage, source_init(&a, 'a', log, 0), source_init(&b, 'x', log, 2),
                          ROOST_PAIR(struct both, left, right));
    CHECK_EQ(-EPIPE, roost_iter_close(iter));
}

ROOST_TEST(zip_keeps_the_first_of_a_pair_over_a_cancellation)
{
    roost_event gate = ROOST_EVENT_INIT;
    struct source a, b;
    roost_iter_stage stage;
    char log[8] = "";
    struct both pair = {0};
    roost_iter *iter =
        roost_iter_zip(&stage, source_init(&a, 'a', log, 3), source_init(&b, 'b', log, 3),
                       ROOST_PAIR(struct both, left, right));
    b.gate = &gate;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_US(50), roost_iter_next(iter, &pair)));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_US(50), roost_iter_next(iter, &pair)));
    roost_ignore(roost_event_set(&gate));
    CHECK_EQ(1, roost_iter_next(iter, &pair));
    CHECK_EQ(3, pair.left);
    CHECK_EQ(3, pair.right);
    CHECK_EQ(0, roost_iter_close(iter));
}

static ROOST_SUSPENDS int wait_at_gate(void *arg, const void *item)
{
    (void)item;
    ROOST_TRY(roost_event_wait(arg));
    return 1;
}

static ROOST_SUSPENDS int copy_at_gate(void *arg, const void *in, void *out)
{
    memcpy(out, in, sizeof(int));
    return roost_event_wait(arg);
}

ROOST_TEST(a_cancelled_function_sees_its_item_again)
{
    roost_event gate = ROOST_EVENT_INIT;
    roost_iter_stage array, stage;
    int item = -1;
    for (int i = 0; i < 2; i++) {
        roost_iter *iter =
            i == 0 ? roost_iter_filter(&stage, upto(&array, 2), wait_at_gate, &gate)
                   : roost_iter_map(&stage, upto(&array, 2), sizeof(int), copy_at_gate, &gate);
        for (int tries = 0; tries < 2; tries++)
            CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_US(50), roost_iter_next(iter, &item)));
        roost_ignore(roost_event_set(&gate));
        CHECK_EQ(101, pack(iter));
        roost_ignore(roost_event_clear(&gate));
    }
}

ROOST_TEST(skip_goes_on_where_it_was_cancelled)
{
    roost_event gate = ROOST_EVENT_INIT;
    struct source a;
    roost_iter_stage stage;
    char log[8] = "";
    int item = 0;
    roost_iter *iter = roost_iter_skip(&stage, source_init(&a, 'a', log, 3), 2);
    a.gate = &gate;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_US(50), roost_iter_next(iter, &item)));
    roost_ignore(roost_event_set(&gate));
    CHECK_EQ(1, roost_iter_next(iter, &item));
    CHECK_EQ(1, item);
    CHECK_EQ(0, roost_iter_close(iter));
}

struct wide {
    int number;
    char rest[100];
};

static int number_of(void *arg, const void *in, void *out)
{
    (void)arg;
    memcpy(out, in, sizeof(int));
    return 0;
}

static int odd(void *arg, const void *item)
{
    (void)arg;
    return value_of(item) & 1;
}

ROOST_TEST(wide_items_need_memory_once)
{
    struct wide items[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    roost_iter_stage array, filter, skip, map;
    roost_iter *iter = roost_iter_array(&array, items, 4, sizeof items[0]);
    iter = roost_iter_filter(&filter, iter, odd, NULL);
    iter = roost_iter_skip(&skip, iter, 1);
    CHECK_EQ(13, pack(roost_iter_map(&map, iter, sizeof(int), number_of, NULL)));
    /* Never asked, it has taken none. */
    iter = roost_iter_array(&array, items, 4, sizeof items[0]);
    iter = roost_iter_filter(&filter, iter, odd, NULL);
}
