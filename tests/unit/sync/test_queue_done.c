/* tests/unit/sync/test_queue_done.c - queues: marked done, joined, shut down, closed.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/queue.h>

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

static bool smaller(void *arg, const void *a, const void *b)
{
    (void)arg;
    return *(const int *)a < *(const int *)b;
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
