/* tests/unit/sync/test_queue_store.c - what a queue keeps: how much of it, and in which order.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/queue.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "kit/kit.h"

static roost_queue *queue_of(size_t capacity)
{
    roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(int), .capacity = capacity};
    CHECK_OK(roost_queue_open(&opts, &queue));
    return queue;
}

static roost_queue_stats stats_of(roost_queue *queue)
{
    roost_queue_stats stats = {0};
    roost_queue_stats_get(queue, &stats);
    return stats;
}

/* -- opening ----------------------------------------------------------------------------------- */

static bool smaller(void *arg, const void *a, const void *b)
{
    (void)arg;
    return *(const int *)a < *(const int *)b;
}

ROOST_TEST(opening_refuses_options_that_say_nothing_or_too_much)
{
    roost_queue *queue = NULL;
    const roost_queue_opts bad[] = {
        {.item_size = 0, .capacity = 1},
        {.item_size = 1, .capacity = 0},
        {.item_size = 1, .capacity = 1, .order = (enum roost_queue_order)3},
        {.item_size = 1, .capacity = 1, .order = (enum roost_queue_order) - 1},
        {.item_size = 1, .capacity = 1, .order = ROOST_PRIORITY},
        {.item_size = 1, .capacity = 1, .order = ROOST_LIFO, .before = smaller},
        {.item_size = 1, .capacity = 1, .before = smaller},
    };
    CHECK_EQ(ROOST_EINVAL, roost_queue_open(NULL, &queue));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(ROOST_EINVAL, roost_queue_open(&bad[i], &queue));
    CHECK(queue == NULL);
    roost_queue_close(NULL);
}

ROOST_TEST(opening_finds_no_room_for_what_nobody_has)
{
    roost_queue *queue = NULL;
    const roost_queue_opts huge[] = {
        {.item_size = 8, .capacity = SIZE_MAX / 4},
        {.item_size = SIZE_MAX, .capacity = 2},
        {.item_size = SIZE_MAX - 8, .capacity = 1, .order = ROOST_PRIORITY, .before = smaller},
        {.item_size = 8, .capacity = SIZE_MAX / 16, .order = ROOST_PRIORITY, .before = smaller},
    };
    for (size_t i = 0; i < sizeof huge / sizeof huge[0]; i++)
        CHECK_EQ(ROOST_ENOMEM, roost_queue_open(&huge[i], &queue));
    CHECK(queue == NULL);
}

ROOST_TEST(opening_without_memory_leaves_nothing, .no_torture = true /* a plan of its own */)
{
    roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = 4, .capacity = 4};
    for (uint64_t at = 1; at <= 2; at++) {
        roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = at});
        CHECK_EQ(ROOST_ENOMEM, roost_queue_open(&opts, &queue));
        roosti_mem_plan_set(NULL);
        CHECK(queue == NULL);
    }
}

/* -- order ------------------------------------------------------------------------------------- */

ROOST_TEST(first_in_first_out_goes_round_the_ring)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(3);
    int in = 0;
    int out = 0;
    for (int round = 0; queue && round < 20; round++) {
        for (int n = 0; n <= round % 3; n++, in++)
            CHECK_EQ(0, roost_queue_try_put(queue, &in));
        for (int item = -1; roost_queue_try_get(queue, &item) == 0; out++)
            CHECK_EQ(out, item);
    }
    CHECK_EQ(in, out);
}

ROOST_TEST(last_in_first_out)
{
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(int), .capacity = 4, .order = ROOST_LIFO};
    int item = -1;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, roost_queue_try_put(queue, &i));
    CHECK_EQ(0, roost_queue_try_get(queue, &item));
    CHECK_EQ(2, item);
    CHECK_EQ(0, roost_queue_try_put(queue, &(int){7}));
    int want[] = {7, 1, 0};
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(0, roost_queue_try_get(queue, &item));
        CHECK_EQ(want[i], item);
    }
    CHECK_EQ(ROOST_EAGAIN, roost_queue_try_get(queue, &item));
}

struct job {
    int urgency; /* the smaller the sooner */
    int number;
    char text[21]; /* an odd size: cells must not disturb each other */
};

static bool job_before(void *arg, const void *a, const void *b)
{
    CHECK(*(int *)arg == 42);
    return ((const struct job *)a)->urgency < ((const struct job *)b)->urgency;
}

ROOST_TEST(priority_gives_the_most_urgent_and_of_those_the_oldest)
{
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    int arg = 42;
    roost_queue_opts opts = {.item_size = sizeof(struct job),
                             .capacity = ROOST_QUEUE_UNBOUNDED,
                             .order = ROOST_PRIORITY,
                             .before = job_before,
                             .arg = &arg};
    enum { JOBS = 200 };
    uint64_t random = roost_test_seed() * 0x9e3779b97f4a7c15u + 1;
    int inside = 0;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    for (int i = 0; i < JOBS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct job job = {.urgency = (int)(random >> 61), .number = i};
        snprintf(job.text, sizeof job.text, "%d", i);
        inside += roost_queue_try_put(queue, &job) == 0;
    }
    struct job last = {.urgency = -1, .number = -1};
    for (struct job job; roost_queue_try_get(queue, &job) == 0; last = job, inside--) {
        CHECK(job.urgency > last.urgency ||
              (job.urgency == last.urgency && job.number > last.number));
        CHECK_EQ(job.number, atoi(job.text));
    }
    CHECK_EQ(0, inside);
}

/* Says yes to everything, so no order satisfies it. */
static bool always(void *arg, const void *a, const void *b)
{
    (void)arg;
    (void)a;
    (void)b;
    return true;
}

ROOST_TEST(a_comparison_that_contradicts_itself_loses_no_item)
{
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {
        .item_size = sizeof(int), .capacity = 64, .order = ROOST_PRIORITY, .before = always};
    int seen[64] = {0};
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    for (int i = 0; i < 64; i++)
        CHECK_EQ(0, roost_queue_try_put(queue, &i));
    for (int item; roost_queue_try_get(queue, &item) == 0;)
        seen[item]++;
    for (int i = 0; i < 64; i++)
        CHECK_EQ(1, seen[i]);
}

/* -- bounds ------------------------------------------------------------------------------------ */

ROOST_TEST(a_bound_holds_at_n_minus_one_n_and_n_plus_one)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(2);
    int item = 5;
    if (!queue)
        return;
    CHECK_EQ(0, roost_queue_try_put(queue, &item));
    CHECK_EQ(1, roost_queue_size(queue));
    CHECK_EQ(0, roost_queue_try_put(queue, &item));
    CHECK_EQ(ROOST_EAGAIN, roost_queue_try_put(queue, &item));
    CHECK_EQ(2, roost_queue_size(queue));
    roost_queue_stats stats = stats_of(queue);
    CHECK_EQ(2, stats.puts);
    CHECK_EQ(2, stats.size_max);
    CHECK_EQ(2, stats.unfinished);
}

/* Grown while its items go round the end of the ring. */
ROOST_TEST(an_unbounded_queue_grows_and_keeps_the_order)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(ROOST_QUEUE_UNBOUNDED);
    int in = 0;
    int out = 0;
    int item;
    if (!queue)
        return;
    for (int burst = 1; burst < 200; burst += 7) {
        for (int n = 0; n < burst; n++)
            if (roost_queue_try_put(queue, &in) == 0)
                in++;
        for (int n = 0; n < burst / 2 && roost_queue_try_get(queue, &item) == 0; n++, out++)
            CHECK_ALWAYS(item == out);
    }
    for (; roost_queue_try_get(queue, &item) == 0; out++)
        CHECK_ALWAYS(item == out);
    CHECK_ALWAYS(in == out);
}

ROOST_TEST(growing_without_memory_fails_and_changes_nothing,
           .no_torture = true /* a plan of its own */)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(ROOST_QUEUE_UNBOUNDED);
    int item = 0;
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 1});
    CHECK_EQ(ROOST_ENOMEM, roost_queue_try_put(queue, &item));
    CHECK_EQ(0, roost_queue_put(queue, &item));
    roosti_mem_plan_set(NULL);
    for (item = 1; item < 16; item++)
        CHECK_EQ(0, roost_queue_put(queue, &item));
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 1});
    CHECK_EQ(ROOST_ENOMEM, roost_queue_put(queue, &item));
    roosti_mem_plan_set(NULL);
    CHECK_EQ(16, roost_queue_size(queue));
    for (int i = 0; i < 16; i++) {
        CHECK_EQ(0, roost_queue_get(queue, &item));
        CHECK_EQ(i, item);
    }
    CHECK_EQ(16, stats_of(queue).puts);
}
