/* tests/unit/sync/test_queue.c - queues: who waits, who is served, who is cancelled; misuse.
 *
 * Registered per ROOST_TEST_BACKENDS. What a queue keeps is in test_queue_store.c, its end in
 * test_queue_done.c, several loops on one queue in test_queue_shared.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/queue.h>

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

static bool smaller(void *arg, const void *a, const void *b)
{
    (void)arg;
    return *(const int *)a < *(const int *)b;
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
