/* tests/unit/sync/test_queue_shared.c - queues that several loops share.
 *
 * Registered per ROOST_TEST_BACKENDS; a simulation has one loop, there the same code runs with the
 * lock and without another thread. What is conserved is added up on each loop by itself: the caller
 * of roost_on_loop reads it when the call has come home.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

#include <roost.h>
#include <roost/queue.h>

#include "kit/kit.h"
#include "unit/sync/loops.h"

/* -- queues ------------------------------------------------------------------------------------ */

enum { ITEMS = 300 };

struct work {
    roost_queue *queue;
    uint64_t count[PER_LOOP * LOOPS_MAX];
    uint64_t sum[PER_LOOP * LOOPS_MAX];
};

static int produce(int index, void *arg)
{
    struct work *work = arg;
    for (uint64_t i = 0; i < ITEMS; i++) {
        uint64_t item = (uint64_t)index * ITEMS + i;
        if (i % 7 == 0 && roost_queue_try_put(work->queue, &item) == 0)
            continue;
        ROOST_TRY(roost_queue_put(work->queue, &item));
    }
    return 0;
}

static int work_off(int index, void *arg)
{
    struct work *work = arg;
    for (;;) {
        uint64_t item = UINT64_MAX;
        int rc = roost_queue_get(work->queue, &item);
        if (rc == ROOST_ECLOSED)
            return 0;
        ROOST_TRY(rc);
        work->count[index]++;
        work->sum[index] += item;
        rc = roost_queue_task_done(work->queue);
        if (rc < 0)
            return rc;
        if (item % 5 == 0)
            ROOST_TRY(roost_yield());
    }
}

ROOST_ASYNC(produce_all, struct work *, work)
{
    int rc = on_every_loop(PER_LOOP, produce, work);
    if (rc == 0)
        rc = roost_queue_join(work->queue);
    (void)roost_queue_shutdown(work->queue, false);
    return rc;
}

ROOST_ASYNC(work_all, struct work *, work)
{
    int rc = on_every_loop(PER_LOOP, work_off, work);
    (void)roost_queue_shutdown(work->queue, true); /* nobody is left to take anything out */
    return rc;
}

static bool later(void *arg, const void *a, const void *b)
{
    (void)arg;
    return *(const uint64_t *)a > *(const uint64_t *)b;
}

static void conserve(size_t capacity, enum roost_queue_order order)
{
    struct work work = {.queue = NULL};
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(uint64_t),
                             .capacity = capacity,
                             .order = order,
                             .before = order == ROOST_PRIORITY ? later : NULL,
                             .shared = true};
    int rc = 0;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    work.queue = queue;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, work_all, &work);
        ROOST_GO(g, produce_all, &work);
    }
    CHECK_EQ(0, rc);
    uint64_t items = (uint64_t)(PER_LOOP * roost_loop_count()) * ITEMS;
    uint64_t count = 0;
    uint64_t sum = 0;
    for (int i = 0; i < PER_LOOP * roost_loop_count(); i++) {
        count += work.count[i];
        sum += work.sum[i];
    }
    CHECK_EQ(items, count);
    CHECK_EQ(items * (items - 1) / 2, sum);
    roost_queue_stats stats;
    roost_queue_stats_get(queue, &stats);
    CHECK_EQ(items, stats.puts);
    CHECK_EQ(items, stats.gets);
    CHECK_EQ(items, stats.done);
    CHECK_EQ(0, stats.unfinished);
    CHECK_EQ(0, stats.size);
    CHECK(capacity == ROOST_QUEUE_UNBOUNDED || stats.size_max <= capacity);
}

ROOST_TEST(two_loops_lose_and_double_no_item, .loops = 2)
{
    conserve(1, ROOST_FIFO);
    conserve(10, ROOST_LIFO);
}

ROOST_TEST(four_loops_lose_and_double_no_item, .loops = LOOPS_MAX)
{
    conserve(7, ROOST_PRIORITY);
    conserve(ROOST_QUEUE_UNBOUNDED, ROOST_FIFO);
}

/* Gets with a deadline that is mostly too short; what it has got counts whenever it came. */
static int get_impatiently(int index, void *arg)
{
    struct work *work = arg;
    for (roost_dur patience = 1;; patience = patience * 3 % 1009) {
        uint64_t item = 0;
        int rc = ROOST_WITHIN(ROOST_US(patience), roost_queue_get(work->queue, &item));
        if (rc == ROOST_ECLOSED)
            return 0;
        if (rc == ROOST_ETIMEDOUT)
            continue;
        ROOST_TRY(rc);
        work->count[index]++;
        work->sum[index] += item;
        rc = roost_queue_task_done(work->queue);
        if (rc < 0)
            return rc;
    }
}

/* Puts each item again and again until it is in: a deadline that passes has not put it in. */
static int put_impatiently(int index, void *arg)
{
    struct work *work = arg;
    for (uint64_t i = 0; i < ITEMS / 3; i++) {
        uint64_t item = (uint64_t)index * (ITEMS / 3) + i;
        int rc;
        do
            rc = ROOST_WITHIN(ROOST_US((roost_dur)(i % 50) + 1),
                              roost_queue_put(work->queue, &item));
        while (rc == ROOST_ETIMEDOUT);
        ROOST_TRY(rc);
    }
    return 0;
}

ROOST_ASYNC(get_all_impatiently, struct work *, work)
{
    int rc = on_every_loop(PER_LOOP, get_impatiently, work);
    (void)roost_queue_shutdown(work->queue, true);
    return rc;
}

/* A hand-over on one loop meets a deadline on another: each item is got once, by whoever. */
ROOST_TEST(cancelled_calls_lose_and_double_no_item, .loops = 3)
{
    struct work work = {.queue = NULL};
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(uint64_t), .capacity = 2, .shared = true};
    int rc = 0;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    work.queue = queue;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, get_all_impatiently, &work);
        rc = on_every_loop(PER_LOOP, put_impatiently, &work);
        if (rc == 0)
            rc = roost_queue_join(queue);
        (void)roost_queue_shutdown(queue, false);
    }
    CHECK_EQ(0, rc);
    uint64_t items = (uint64_t)(PER_LOOP * roost_loop_count()) * (ITEMS / 3);
    uint64_t count = 0;
    uint64_t sum = 0;
    for (int i = 0; i < PER_LOOP * roost_loop_count(); i++) {
        count += work.count[i];
        sum += work.sum[i];
    }
    CHECK_EQ(items, count);
    CHECK_EQ(items * (items - 1) / 2, sum);
}

static int wait_for_items(int index, void *arg)
{
    uint64_t item;
    (void)index;
    int rc = roost_queue_get(arg, &item);
    return rc == ROOST_ECLOSED ? 0 : rc;
}

ROOST_ASYNC(wait_everywhere, roost_queue *, queue)
{
    return on_every_loop(PER_LOOP, wait_for_items, queue);
}

ROOST_TEST(a_shutdown_reaches_who_waits_on_every_loop, .loops = LOOPS_MAX)
{
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(uint64_t), .capacity = 2, .shared = true};
    roost_queue_stats stats = {.size = 0};
    int rc = 0;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, wait_everywhere, queue);
        while (rc == 0 && !roost_test_tortured() &&
               stats.get_waits < (uint64_t)(PER_LOOP * roost_loop_count())) {
            rc = roost_sleep(ROOST_US(50));
            roost_queue_stats_get(queue, &stats);
        }
        CHECK_EQ(0, roost_queue_shutdown(queue, true));
    }
    CHECK_EQ(0, rc);
}

static int use_of_another_loop(int index, void *arg)
{
    roost_queue *queue = arg;
    uint64_t item = 1;
    if (index == 0)
        return 0;
    CHECK_EQ(ROOST_EXLOOP, roost_queue_put(queue, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_queue_get(queue, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_queue_join(queue));
    CHECK_EQ(ROOST_EXLOOP, roost_queue_try_put(queue, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_queue_try_get(queue, &item));
    CHECK_EQ(ROOST_EXLOOP, roost_queue_task_done(queue));
    CHECK_EQ(ROOST_EXLOOP, roost_queue_shutdown(queue, true));
    return 0;
}

ROOST_TEST(a_queue_that_is_not_shared_stays_with_its_loop, .loops = 2)
{
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(uint64_t), .capacity = 2};
    uint64_t item = 5;
    if (roost_queue_open(&opts, &queue) < 0)
        return;
    CHECK_EQ(0, roost_queue_try_put(queue, &item));
    CHECK_EQ(0, on_every_loop(1, use_of_another_loop, queue));
    CHECK_EQ(1, roost_queue_size(queue));
}

/* A thread without a loop, which cannot wait. */
static void *feed(void *arg)
{
    roost_queue *queue = arg;
    for (uint64_t i = 0; i < ITEMS;)
        if (roost_queue_try_put(queue, &i) == 0)
            i++;
        else
            sched_yield();
    (void)roost_queue_shutdown(queue, false);
    return NULL;
}

ROOST_TEST(a_foreign_thread_may_use_what_never_waits, .loops = 2, .threads = true,
           .no_torture = true /* the thread goes on for ever when nobody gets */)
{
    struct work work = {.queue = NULL};
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(uint64_t), .capacity = 4, .shared = true};
    pthread_t thread;
    if (roost_test_virtual())
        kit_leave_out("a simulation knows nothing of other threads");
    CHECK_OK(roost_queue_open(&opts, &queue));
    work.queue = queue;
    CHECK(pthread_create(&thread, NULL, feed, queue) == 0);
    CHECK_EQ(0, on_every_loop(1, work_off, &work));
    pthread_join(thread, NULL);
    CHECK_EQ(ITEMS, work.count[0] + work.count[1]);
    CHECK_EQ(ITEMS * (ITEMS - 1) / 2, work.sum[0] + work.sum[1]);
}
