/* tests/unit/flow/test_map.c - the sliding window, batches, and the macros' arguments.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

enum { ITEMS = 40 };

/* What a call needs besides its item. */
struct shop {
    int busy;
    int busy_max;
    int served;
    int last; /* number of the item served last */
    bool in_order;
};

/* An item that knows where it belongs, for the form that hands over items alone. */
struct item {
    struct shop *shop;
    int number;
    int code;
};

static int serve(struct shop *shop, int number, int code)
{
    if (++shop->busy > shop->busy_max)
        shop->busy_max = shop->busy;
    int rc = roost_sleep(ROOST_MS(1 + number % 3));
    shop->busy--;
    shop->served++;
    ROOST_TRY(rc);
    return code;
}

ROOST_ASYNC(serve_item, struct item, item, int *, out)
{
    ROOST_TRY(serve(item.shop, item.number, item.code));
    *out = item.number * 2;
    return item.number;
}

ROOST_ASYNC(square, const long, number, long *, out)
{
    *out = number * number;
    return 0;
}

static void items_fill(struct item *items, struct shop *shop)
{
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){shop, i, 0};
}

ROOST_TEST(every_item_is_served_within_the_window)
{
    const uint32_t limits[] = {0, 1, 7, ITEMS, ROOST_MAP_UNLIMITED};
    const int want[] = {ROOST_MAP_LIMIT, 1, 7, ITEMS, ITEMS};
    for (int i = 0; i < 5; i++) {
        struct shop shop = {0};
        struct item items[ITEMS];
        int results[ITEMS] = {0};
        int codes[ITEMS] = {0};
        items_fill(items, &shop);
        CHECK_EQ(0, roost_map(serve_item, items, ITEMS, results,
                              &(roost_map_opts){.limit = limits[i], .codes = codes}));
        CHECK_EQ(want[i], shop.busy_max);
        for (int at = 0; at < ITEMS; at++) {
            CHECK_EQ(at * 2, results[at]);
            CHECK_EQ(at, codes[at]);
        }
    }
}

ROOST_TEST(options_may_be_left_out_and_types_convert)
{
    const int numbers[] = {3, -4};
    long squares[2] = {0};
    CHECK_EQ(0, roost_map(square, numbers, 2, squares));
    CHECK_EQ(9, squares[0]);
    CHECK_EQ(16, squares[1]);
    CHECK_EQ(0, roost_map(square, numbers, 0, squares));
}

ROOST_TEST(arguments_are_evaluated_once)
{
    int number = 3;
    long results[2] = {0};
    const int *items = &number;
    int evaluated = 0;
    CHECK_EQ(0, roost_map(square, items + evaluated++, (size_t)(1 + evaluated * 0), results));
    CHECK_EQ(1, evaluated);
    CHECK_EQ(9, results[0]);
}

ROOST_TEST(the_first_failure_ends_it)
{
    struct shop shop = {0};
    struct item items[ITEMS];
    int results[ITEMS] = {0};
    int codes[ITEMS] = {0};
    items_fill(items, &shop);
    items[3].code = -EIO;
    CHECK_EQ(-EIO, roost_map(serve_item, items, ITEMS, results,
                             &(roost_map_opts){.limit = 4, .codes = codes}));
    CHECK_EQ(0, shop.busy);
    CHECK(shop.served < 12);
    CHECK_EQ(0, codes[0]);
    CHECK_EQ(-EIO, codes[3]);
    CHECK_EQ(ROOST_ECANCELED, codes[ITEMS - 1]);
}

ROOST_TEST(collected_failures_end_nothing)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    struct shop shop = {0};
    struct item items[ITEMS];
    int results[ITEMS] = {0};
    int codes[ITEMS] = {0};
    items_fill(items, &shop);
    items[3].code = -EIO;
    items[20].code = -EPIPE;
    roost_map_opts opts = {.policy = ROOST_COLLECT, .codes = codes, .errors = &errors};
    CHECK_EQ(0, roost_map(serve_item, items, ITEMS, results, &opts));
    CHECK_EQ(ITEMS, shop.served);
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK_EQ(-EIO, codes[3]);
    CHECK_EQ(-EPIPE, codes[20]);
    CHECK_EQ(21, codes[21]);
    CHECK(roost_errors_at(&errors, 0) != NULL);
    if (roost_errors_at(&errors, 0))
        CHECK_STR("serve_item", roost_errors_at(&errors, 0)->task_name);
}

ROOST_TEST(a_deadline_leaves_nobody_behind)
{
    struct shop shop = {0};
    struct item items[ITEMS];
    int results[ITEMS] = {0};
    int codes[ITEMS] = {0};
    items_fill(items, &shop);
    for (uint32_t batch = 0; batch <= 4; batch += 4) {
        roost_map_opts opts = {.policy = ROOST_COLLECT, .limit = 4, .batch = batch, .codes = codes};
        int rc = ROOST_WITHIN(ROOST_MS(4), roost_map(serve_item, items, ITEMS, results, &opts));
        CHECK_EQ(ROOST_ETIMEDOUT, rc);
        CHECK_ALWAYS(shop.busy == 0);
        CHECK_EQ(ROOST_ECANCELED, codes[ITEMS - 1]);
    }
}

/* Every call of a batch has the number of its first one, and sees that the one before is over. */
ROOST_ASYNC(serve_in_batch, struct shop *, shop, size_t, index, size_t, batch)
{
    if ((size_t)shop->served < index / batch * batch)
        shop->in_order = false;
    ROOST_TRY(serve(shop, (int)index, 0));
    return 0;
}

ROOST_TEST(a_batch_waits_for_all_of_the_one_before)
{
    for (uint32_t batch = 1; batch <= ITEMS + 1; batch += 13) {
        struct shop shop = {.in_order = true};
        roost_map_opts opts = {.batch = batch};
        CHECK_EQ(0, ROOST_MAP(i, ITEMS, &opts, serve_in_batch, &shop, i, batch));
        CHECK_EQ(ITEMS, shop.served);
        CHECK(shop.in_order);
        CHECK_EQ(batch < ITEMS ? (int)batch : ITEMS, shop.busy_max);
    }
}

ROOST_TEST(a_limit_holds_within_a_batch)
{
    struct shop shop = {.in_order = true};
    roost_map_opts opts = {.batch = 10, .limit = 3};
    CHECK_EQ(0, ROOST_MAP(i, ITEMS, &opts, serve_in_batch, &shop, i, 10));
    CHECK_EQ(ITEMS, shop.served);
    CHECK(shop.in_order);
    CHECK_EQ(3, shop.busy_max);
}

ROOST_TEST(a_batch_that_fails_is_the_last)
{
    struct shop shop = {0};
    struct item items[ITEMS];
    int results[ITEMS] = {0};
    items_fill(items, &shop);
    items[1].code = -EIO;
    CHECK_EQ(-EIO, roost_map(serve_item, items, ITEMS, results, &(roost_map_opts){.batch = 5}));
    CHECK_EQ(5, shop.served);
}

ROOST_ASYNC(nap, struct shop *, shop)
{
    ROOST_TRY(roost_yield());
    shop->served++;
    return 0;
}

ROOST_TEST(calls_without_results_and_other_arguments)
{
    struct shop shop = {0};
    CHECK_EQ(0, ROOST_MAP(i, 3, NULL, nap, &shop));
    CHECK_EQ(3, shop.served);
    int inner = 0;
    for (int outer = 0; outer < 2; outer++)
        inner |= ROOST_MAP(i, 2, NULL, nap, &shop);
    CHECK_EQ(0, inner);
    CHECK_EQ(7, shop.served);
}

/* The third item cannot be had. */
static int number_of(size_t i)
{
    return i == 2 ? -EIO : (int)i;
}

static int serve_while_there_are_numbers(struct shop *shop)
{
    return ROOST_MAP(i, 5, NULL, serve_in_batch, shop, (size_t)ROOST_TRY(number_of(i)), 1);
}

ROOST_TEST(an_argument_may_return)
{
    struct shop shop = {0};
    CHECK_EQ(-EIO, serve_while_there_are_numbers(&shop));
    CHECK_EQ(0, shop.busy);
    CHECK_EQ(2, shop.served);
    CHECK(!roost_cancelled());
}

ROOST_TEST(stretches_cover_every_item_once)
{
    const size_t sizes[] = {1, 3, 9, 10, 11, SIZE_MAX};
    for (int at = 0; at < 6; at++) {
        size_t seen = 0;
        size_t stretches = 0;
        ROOST_EACH_BATCH(first, count, 10, sizes[at])
        {
            CHECK_EQ(seen, first);
            CHECK(count > 0 && count <= sizes[at]);
            seen += count;
            stretches++;
        }
        CHECK_EQ(10, seen);
        CHECK_EQ(1 + 9 / sizes[at], stretches);
    }
    ROOST_EACH_BATCH(first, count, 0, 4)
    CHECK_EQ(0, first + count + 1);
}

ROOST_TEST(outside_a_task_it_is_refused, .plain = true)
{
    const int numbers[] = {3};
    long squares[1] = {0};
    int codes[1] = {17};
    CHECK_EQ(ROOST_ENOCTX,
             roost_map(square, numbers, 1, squares, &(roost_map_opts){.codes = codes}));
    CHECK_EQ(17, codes[0]);
    CHECK_EQ(0, squares[0]);
}
