/* tests/unit/sync/test_queue.c - queues: order, bounds, hand-over, shutdown, misuse.
 *
 * Registered per ROOST_TEST_BACKENDS. What several loops do with one queue is in
 * test_queue_shared.c, what its behaviours promise in tests/behaviour/queues.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/queue.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "kit/kit.h"
#include "unit/rt/process.h"

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

ROOST_ASYNC(put_one, roost_queue *, queue, int, item)
{
    return roost_queue_put(queue, &item);
}

/* Notes what it got, or the code, at the next free place. */
ROOST_ASYNC(get_one, roost_queue *, queue, int **, at)
{
    int item = -1;
    int rc = roost_queue_get(queue, &item);
    *(*at)++ = rc < 0 ? rc : item;
    return rc;
}

ROOST_ASYNC(join_one, roost_queue *, queue, int *, joined)
{
    int rc = roost_queue_join(queue);
    if (rc == 0)
        ++*joined;
    return rc;
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

/* -- waiting ----------------------------------------------------------------------------------- */

ROOST_TEST(getters_are_served_in_the_order_they_came, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(2);
    int got[3] = {-1, -1, -1};
    int *at = got;
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, get_one, queue, &at);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(3, stats_of(queue).get_waits);
        for (int i = 0; i < 3; i++)
            CHECK_EQ(0, roost_queue_try_put(queue, &i));
        CHECK_EQ(0, roost_queue_size(queue)); /* all three were promised */
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(i, got[i]);
    CHECK_EQ(3, stats_of(queue).unfinished);
}

ROOST_TEST(putters_are_served_in_the_order_they_came_and_nobody_overtakes, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(1);
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, put_one, queue, i);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(3, stats_of(queue).put_waits);
        for (int i = 0, item = -1; i < 4; i++) {
            CHECK_EQ(0, roost_queue_try_get(queue, &item));
            CHECK_EQ(i, item);
            /* The place that became free belongs to the next one already. */
            if (i < 3)
                CHECK_EQ(ROOST_EAGAIN, roost_queue_try_put(queue, &item));
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(4, stats_of(queue).puts);
}

ROOST_TEST(who_waits_for_a_place_has_its_item_ordered_when_it_is_in, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {
        .item_size = sizeof(int), .capacity = 1, .order = ROOST_PRIORITY, .before = smaller};
    int got[3] = {-1, -1, -1};
    int rc = 0;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 3; i > 0; i--)
            ROOST_GO(g, put_one, queue, i);
        CHECK_OK(roost_test_settle());
        for (int i = 0; i < 3; i++)
            CHECK_EQ(0, roost_queue_try_get(queue, &got[i]));
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(3 - i, got[i]);
}

/* -- cancellation ------------------------------------------------------------------------------ */

ROOST_TEST(a_cancelled_getter_takes_nothing_and_the_next_is_served, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(2);
    roost_task *first = NULL;
    int got[2] = {-1, -1};
    int *at = got;
    int item = 7;
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&first, g, get_one, queue, &at));
        ROOST_GO(g, get_one, queue, &at);
        CHECK_OK(roost_test_settle());
        if (first)
            roost_task_cancel(first, "enough");
        CHECK_EQ(0, roost_queue_try_put(queue, &item));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, got[0]);
    CHECK_EQ(7, got[1]);
    CHECK_EQ(1, stats_of(queue).gets);
}

ROOST_TEST(an_item_handed_over_wins_over_a_later_cancellation, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(2);
    roost_task *task = NULL;
    int got[1] = {-1};
    int *at = got;
    int item = 7;
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&task, g, get_one, queue, &at));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_queue_try_put(queue, &item));
        if (task)
            roost_task_cancel(task, "too late");
    }
    CHECK_EQ(7, got[0]);
    CHECK_EQ(0, roost_queue_size(queue));
}

ROOST_TEST(a_cancelled_putter_leaves_no_item_and_one_that_was_served_does, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(1);
    roost_task *tasks[3] = {NULL};
    int results[3] = {1, 1, 1};
    int item = -1;
    int rc = 0;
    if (!queue)
        return;
    CHECK_EQ(0, roost_queue_try_put(queue, &(int){100}));
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            CHECK_OK(ROOST_SPAWN(&tasks[i], g, put_one, queue, i));
        CHECK_OK(roost_test_settle());
        if (!tasks[0] || !tasks[1] || !tasks[2])
            break;
        roost_task_cancel(tasks[0], "before it was served");
        CHECK_EQ(0, roost_queue_try_get(queue, &item));
        CHECK_EQ(100, item);
        roost_task_cancel(tasks[1], "after it was served");
        CHECK_EQ(0, roost_queue_try_get(queue, &item));
        CHECK_EQ(1, item);
        for (int i = 0; i < 3; i++)
            CHECK_OK(roost_join(tasks[i], &results[i]));
    }
    CHECK_EQ(ROOST_ECANCELED, results[0]);
    CHECK_EQ(0, results[1]);
    CHECK_EQ(0, results[2]);
    CHECK_EQ(0, roost_queue_try_get(queue, &item));
    CHECK_EQ(2, item);
}

ROOST_TEST(calls_of_a_cancelled_task_are_refused_and_change_nothing)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(2);
    int item = 7;
    int rc = 0;
    if (!queue)
        return;
    CHECK_EQ(0, roost_queue_try_put(queue, &item));
    ROOST_GROUP(g, rc) {
        roost_group_cancel(g, "the body is in it, too");
        int got = -1;
        CHECK_EQ(ROOST_ECANCELED, roost_queue_put(queue, &item));
        CHECK_EQ(ROOST_ECANCELED, roost_queue_get(queue, &got));
        CHECK_EQ(ROOST_ECANCELED, roost_queue_join(queue));
        CHECK_EQ(-1, got);
        CHECK_EQ(1, roost_queue_size(queue));
        /* What never suspends is not refused: clean-ups may use it. */
        CHECK_EQ(0, roost_queue_try_get(queue, &got));
        CHECK_EQ(0, roost_queue_task_done(queue));
    }
}

ROOST_TEST(a_deadline_ends_each_wait)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(1);
    int item = 7;
    if (!queue)
        return;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_queue_get(queue, &item)));
    CHECK_EQ(7, item);
    CHECK_EQ(0, roost_queue_put(queue, &item));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_queue_put(queue, &item)));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_queue_join(queue)));
    CHECK_EQ(0, roost_queue_get(queue, &item));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_queue_join(queue)));
    CHECK_EQ(0, roost_queue_task_done(queue));
    CHECK_EQ(0, roost_queue_join(queue));
    CHECK_EQ(1, stats_of(queue).put_waits);
    CHECK_EQ(1, stats_of(queue).get_waits);
}

/* -- done, joined, shut down --------------------------------------------------------------------
 */

ROOST_TEST(joining_waits_for_the_last_item_to_be_marked_done)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(4);
    int joined = 0;
    int item = 1;
    int rc = 0;
    if (!queue)
        return;
    CHECK_EQ(0, roost_queue_join(queue)); /* nothing was ever put in */
    ROOST_GROUP(g, rc) {
        CHECK_EQ(0, roost_queue_try_put(queue, &item));
        CHECK_EQ(0, roost_queue_try_put(queue, &item));
        ROOST_GO(g, join_one, queue, &joined);
        ROOST_GO(g, join_one, queue, &joined);
        for (int i = 0; i < 2; i++) {
            CHECK_OK(roost_test_settle());
            CHECK_EQ(0, joined);
            CHECK_EQ(0, roost_queue_try_get(queue, &item));
            CHECK_OK(roost_test_settle());
            CHECK_EQ(0, joined);
            CHECK_EQ(0, roost_queue_task_done(queue));
        }
        /* They have been let go: what comes now does not hold them back. */
        CHECK_EQ(0, roost_queue_try_put(queue, &item));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(2, joined);
        roost_group_cancel(g, NULL);
    }
    roost_queue_stats stats = stats_of(queue);
    CHECK_EQ(3, stats.puts);
    CHECK_EQ(2, stats.gets);
    CHECK_EQ(2, stats.done);
    CHECK_EQ(1, stats.unfinished);
}

/* Counts the items dropped, and adds them up. */
struct drops {
    int count;
    int order[8];
};

static void note_drop(void *arg, void *item)
{
    struct drops *drops = arg;
    drops->order[drops->count++] = *(int *)item;
}

ROOST_TEST(a_soft_shutdown_lets_getters_drain_and_then_closes, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(2);
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    int put = 1;
    int item = 1;
    int rc = 0;
    if (!queue)
        return;
    CHECK_EQ(0, roost_queue_try_put(queue, &item));
    CHECK_EQ(0, roost_queue_try_put(queue, &item));
    ROOST_GROUP_WITH(g, rc, &opts) {
        roost_task *task = NULL;
        CHECK_OK(ROOST_SPAWN(&task, g, put_one, queue, 3));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_queue_shutdown(queue, false));
        CHECK_EQ(0, roost_queue_shutdown(queue, false));
        CHECK_EQ(2, roost_queue_size(queue));
        if (task)
            CHECK_OK(roost_join(task, &put));
    }
    CHECK_EQ(ROOST_ECLOSED, rc);
    CHECK_EQ(ROOST_ECLOSED, put);
    CHECK_EQ(ROOST_ECLOSED, roost_queue_put(queue, &item));
    CHECK_EQ(ROOST_ECLOSED, roost_queue_try_put(queue, &item));
    CHECK_EQ(0, roost_queue_get(queue, &item));
    CHECK_EQ(0, roost_queue_try_get(queue, &item));
    CHECK_EQ(ROOST_ECLOSED, roost_queue_get(queue, &item));
    CHECK_EQ(ROOST_ECLOSED, roost_queue_try_get(queue, &item));
    CHECK_EQ(0, roost_queue_task_done(queue));
    CHECK_EQ(0, roost_queue_task_done(queue));
    CHECK_EQ(0, roost_queue_join(queue));
    CHECK(stats_of(queue).shut);
}

ROOST_TEST(a_shutdown_wakes_who_waits_for_an_item, .fifo = true)
{
    ROOST_AUTO(queue) roost_queue *queue = queue_of(2);
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    int got[2] = {1, 1};
    int *at = got;
    int rc = 0;
    if (!queue)
        return;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, get_one, queue, &at);
        ROOST_GO(g, get_one, queue, &at);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_queue_shutdown(queue, false));
    }
    CHECK_EQ(ROOST_ECLOSED, rc);
    CHECK_EQ(ROOST_ECLOSED, got[0]);
    CHECK_EQ(ROOST_ECLOSED, got[1]);
}

static void drops_in_order(enum roost_queue_order order, const int *want)
{
    struct drops drops = {0};
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(int),
                             .capacity = 4,
                             .order = order,
                             .before = order == ROOST_PRIORITY ? smaller : NULL,
                             .drop = note_drop,
                             .arg = &drops};
    int item = -1;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    for (int i = 3; i > 0; i--)
        CHECK_EQ(0, roost_queue_try_put(queue, &i));
    CHECK_EQ(0, roost_queue_shutdown(queue, true));
    CHECK_EQ(3, drops.count);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(want[i], drops.order[i]);
    CHECK_EQ(ROOST_ECLOSED, roost_queue_try_get(queue, &item));
    CHECK_EQ(ROOST_ECLOSED, roost_queue_try_put(queue, &item));
    CHECK_EQ(0, roost_queue_shutdown(queue, true));
    CHECK_EQ(0, roost_queue_size(queue));
    CHECK_EQ(3, stats_of(queue).dropped);
    CHECK_EQ(0, stats_of(queue).unfinished);
    CHECK_EQ(0, roost_queue_join(queue));
}

ROOST_TEST(an_immediate_shutdown_drops_in_the_order_of_the_queue)
{
    drops_in_order(ROOST_FIFO, (int[]){3, 2, 1});
    drops_in_order(ROOST_LIFO, (int[]){1, 2, 3});
    drops_in_order(ROOST_PRIORITY, (int[]){1, 2, 3});
}

ROOST_TEST(closing_drops_what_is_still_inside)
{
    struct drops drops = {0};
    roost_queue *queue = NULL;
    roost_queue_opts opts = {
        .item_size = sizeof(int), .capacity = 4, .drop = note_drop, .arg = &drops};
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, roost_queue_try_put(queue, &i));
    CHECK_EQ(0, roost_queue_shutdown(queue, false));
    CHECK_EQ(0, drops.count);
    roost_queue_close(queue);
    CHECK_ALWAYS(drops.count == 3);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(i, drops.order[i]);
}

/* May use the queue: it is called outside of it. */
static void drop_and_ask(void *arg, void *item)
{
    roost_queue **queue = arg;
    CHECK_EQ(ROOST_ECLOSED, roost_queue_try_put(*queue, item));
    CHECK_EQ(0, roost_queue_size(*queue));
}

ROOST_TEST(a_drop_may_use_the_queue)
{
    for (int shared = 0; shared < 2; shared++) {
        ROOST_AUTO(queue) roost_queue *queue = NULL;
        roost_queue_opts opts = {.item_size = sizeof(int),
                                 .capacity = 4,
                                 .drop = drop_and_ask,
                                 .arg = &queue,
                                 .shared = shared};
        if (roost_queue_open(&opts, &queue) < 0)
            return;
        CHECK_EQ(0, roost_queue_try_put(queue, &shared));
        CHECK_EQ(0, roost_queue_shutdown(queue, true));
    }
}

/* -- misuse ------------------------------------------------------------------------------------ */

ROOST_TEST(calls_outside_a_task, .plain = true)
{
    roost_queue *queue = queue_of(2);
    roost_queue *shared = NULL;
    roost_queue_opts opts = {.item_size = sizeof(int), .capacity = 2, .shared = true};
    int item = 1;
    if (!queue)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_queue_put(queue, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_queue_get(queue, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_queue_join(queue));
    CHECK_EQ(ROOST_ENOCTX, roost_queue_try_put(queue, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_queue_try_get(queue, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_queue_task_done(queue));
    CHECK_EQ(ROOST_ENOCTX, roost_queue_shutdown(queue, true));
    roost_queue_close(queue);
    /* What never suspends works on a shared queue from everywhere. */
    CHECK_OK(roost_queue_open(&opts, &shared));
    if (!shared)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_queue_put(shared, &item));
    CHECK_EQ(0, roost_queue_try_put(shared, &item));
    CHECK_EQ(0, roost_queue_try_get(shared, &item));
    CHECK_EQ(0, roost_queue_task_done(shared));
    CHECK_EQ(ROOST_EINVAL, roost_queue_task_done(shared));
    CHECK_EQ(0, roost_queue_shutdown(shared, true));
    roost_queue_close(shared);
}

ROOST_ASYNC(done_too_often)
{
    roost_queue *queue = queue_of(2);
    int item = 1;
    if (!queue)
        return ROOST_ENOMEM;
    roost_ignore(roost_queue_try_put(queue, &item));
    roost_ignore(roost_queue_task_done(queue)); /* one is inside, but none was taken */
    roost_queue_stats stats = stats_of(queue);
    roost_queue_close(queue);
    return (int)stats.unfinished;
}

static int done_too_often_with(void *debug)
{
    roost_run_opts opts = {.debug = *(int *)debug};
    return roost_run(ROOST_CALL(done_too_often), &opts);
}

ROOST_TEST(done_too_often_is_reported_at_level_1, .plain = true)
{
    static struct process process;
    for (int debug = -1; debug <= 1; debug += 2) {
        process_run(&process, done_too_often_with, &debug);
        CHECK_EQ(1, process.code);
        CHECK_EQ(debug == 1, process_count(&process, "roost_queue_task_done"));
    }
}

ROOST_ASYNC(close_under_a_getter)
{
    roost_queue *queue = queue_of(2);
    int got[1] = {0};
    int *at = got;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, get_one, queue, &at);
        while (stats_of(queue).get_waits == 0)
            ROOST_TRY(roost_yield());
        roost_queue_close(queue);
    }
    return rc;
}

static int close_under_a_getter_runs(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(close_under_a_getter), NULL);
}

ROOST_TEST(closing_while_a_task_waits_ends_the_program, .plain = true)
{
    static struct process process;
    process_run(&process, close_under_a_getter_runs, NULL);
    CHECK_EQ(128 + SIGABRT, process.code);
    CHECK_EQ(1, process_count(&process, "no task waits on a queue that is closed"));
}

ROOST_ASYNC(deadlocked_on_a_queue)
{
    roost_queue_opts opts = {
        .item_size = sizeof(int), .capacity = 1, .label = "a label of more than thirty-one bytes"};
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    int item;
    ROOST_TRY(roost_queue_open(&opts, &queue));
    return roost_queue_get(queue, &item) == ROOST_ECANCELED ? 3 : 4;
}

static int deadlocked_on_a_queue_runs(void *arg)
{
    (void)arg;
    int rc = roost_run(ROOST_CALL(deadlocked_on_a_queue), NULL);
    return rc == 3 || rc == ROOST_EDEADLK ? 0 : 1;
}

ROOST_TEST(a_dump_says_which_queue_a_task_waits_for, .plain = true)
{
    static struct process process;
    process_run(&process, deadlocked_on_a_queue_runs, NULL);
    CHECK_EQ(0, process.code);
    CHECK_EQ(1, process_count(&process, "get from a label of more than thirty-one"));
    CHECK_EQ(0, process_count(&process, "thirty-one bytes"));
}
