/* tests/unit/sync/test_watch.c - one value that changes: looking, waiting, the end.
 *
 * Registered per ROOST_TEST_BACKENDS. Several loops on one watch are in test_broadcast_shared.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/watch.h>

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "kit/kit.h"
#include "unit/rt/process.h"

static roost_watch *watch_of(int initial)
{
    roost_watch *watch = NULL;
    CHECK_OK(roost_watch_open(sizeof initial, &initial, NULL, &watch));
    return watch;
}

static roost_watch_stats stats_of(roost_watch *watch)
{
    roost_watch_stats stats = {0};
    roost_watch_stats_get(watch, &stats);
    return stats;
}

/* Waits for one change after `seen`, and notes the value or the code at the next free place. */
ROOST_ASYNC(see_one, roost_watch *, watch, uint64_t, seen, int **, at)
{
    int value = -1;
    int rc = roost_watch_changed(watch, &seen, &value);
    *(*at)++ = rc < 0 ? rc : value;
    return rc;
}

ROOST_TEST(opening)
{
    roost_watch *watch = NULL;
    CHECK_EQ(ROOST_EINVAL, roost_watch_open(0, NULL, NULL, &watch));
    CHECK_EQ(ROOST_ENOMEM, roost_watch_open(SIZE_MAX, NULL, NULL, &watch));
    CHECK(watch == NULL);
    roost_watch_close(NULL);
}

ROOST_TEST(opening_without_memory_leaves_nothing, .no_torture = true /* a plan of its own */)
{
    roost_watch *watch = NULL;
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 1});
    CHECK_EQ(ROOST_ENOMEM, roost_watch_open(1, NULL, NULL, &watch));
    roosti_mem_plan_set(NULL);
    CHECK(watch == NULL);
}

/* modify gets the value itself, which is aligned for anything. */
static bool look_at_zeroes(void *arg, void *value)
{
    CHECK((uintptr_t)value % alignof(max_align_t) == 0);
    for (size_t i = 0; i < *(size_t *)arg; i++)
        CHECK(((unsigned char *)value)[i] == 0);
    return false;
}

ROOST_TEST(without_an_initial_value_it_is_zero)
{
    for (size_t size = 1; size < 40; size += 3) {
        ROOST_AUTO(watch) roost_watch *watch = NULL;
        if (roost_watch_open(size, NULL, NULL, &watch) < 0)
            return;
        CHECK_EQ(0, roost_watch_modify(watch, look_at_zeroes, &size));
        CHECK_EQ(1, stats_of(watch).version);
    }
}

ROOST_TEST(looking_gives_the_latest_value_and_its_version)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(10);
    uint64_t version = 0;
    int value = -1;
    if (!watch)
        return;
    CHECK_EQ(0, roost_watch_get(watch, &value, &version));
    CHECK_EQ(10, value);
    CHECK_EQ(1, version);
    CHECK_EQ(0, roost_watch_set(watch, &(int){11}));
    CHECK_EQ(0, roost_watch_set(watch, &(int){11})); /* equal, and a change all the same */
    CHECK_EQ(0, roost_watch_get(watch, &value, &version));
    CHECK_EQ(11, value);
    CHECK_EQ(3, version);
    CHECK_EQ(0, roost_watch_get(watch, &value, NULL));
}

static bool add(void *arg, void *value)
{
    *(int *)value += *(int *)arg;
    return *(int *)arg != 0;
}

ROOST_TEST(modifying_in_place_counts_when_it_says_so)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(10);
    uint64_t version = 0;
    int value = -1;
    if (!watch)
        return;
    CHECK_EQ(0, roost_watch_modify(watch, add, &(int){0}));
    CHECK_EQ(1, roost_watch_modify(watch, add, &(int){5}));
    CHECK_EQ(0, roost_watch_get(watch, &value, &version));
    CHECK_EQ(15, value);
    CHECK_EQ(2, version);
}

ROOST_TEST(what_was_not_seen_is_news_at_once)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(10);
    uint64_t seen = 0;
    int value = -1;
    if (!watch)
        return;
    CHECK_EQ(0, roost_watch_changed(watch, &seen, &value));
    CHECK_EQ(10, value);
    CHECK_EQ(1, seen);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, roost_watch_set(watch, &i));
    CHECK_EQ(0, roost_watch_changed(watch, &seen, NULL)); /* the version alone */
    CHECK_EQ(4, seen);
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_watch_changed(watch, &seen, &value)));
    CHECK_EQ(4, seen);
    CHECK_EQ(10, value);
    CHECK_EQ(1, stats_of(watch).waits);
    CHECK_EQ(0, stats_of(watch).waiting);
    /* Any other version is not the one seen, a later one of another watch, too. */
    seen = 900;
    CHECK_EQ(0, roost_watch_changed(watch, &seen, &value));
    CHECK_EQ(2, value);
    CHECK_EQ(4, seen);
}

ROOST_TEST(all_who_wait_see_the_latest_of_several_changes, .fifo = true)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(0);
    int got[3] = {-1, -1, -1};
    int *at = got;
    int rc = 0;
    if (!watch)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, see_one, watch, 1, &at);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(3, stats_of(watch).waiting);
        CHECK_EQ(0, roost_watch_set(watch, &(int){1}));
        CHECK_EQ(1, roost_watch_modify(watch, add, &(int){1}));
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(2, got[i]);
    CHECK_EQ(3, stats_of(watch).waits);
}

ROOST_TEST(a_change_wins_over_a_later_cancellation_and_loses_to_an_earlier_one, .fifo = true)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(0);
    roost_task *tasks[2] = {NULL};
    int got[2] = {-1, -1};
    int *at = got;
    int rc = 0;
    if (!watch)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 2; i++)
            CHECK_OK(ROOST_SPAWN(&tasks[i], g, see_one, watch, 1, &at));
        CHECK_OK(roost_test_settle());
        if (!tasks[0] || !tasks[1])
            break;
        roost_task_cancel(tasks[0], "before");
        CHECK_EQ(0, roost_watch_set(watch, &(int){1}));
        roost_task_cancel(tasks[1], "after");
    }
    CHECK_EQ(ROOST_ECANCELED, got[0]);
    CHECK_EQ(1, got[1]);
    CHECK_EQ(0, stats_of(watch).waiting);
}

ROOST_TEST(a_call_of_a_cancelled_task_is_refused)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(0);
    int rc = 0;
    if (!watch)
        return;
    ROOST_GROUP(g, rc) {
        uint64_t seen = 0;
        int value = -1;
        roost_group_cancel(g, "the body is in it, too");
        CHECK_EQ(ROOST_ECANCELED, roost_watch_changed(watch, &seen, &value));
        CHECK_EQ(0, seen);
        CHECK_EQ(-1, value);
    }
}

ROOST_TEST(a_shutdown_is_heard_after_the_last_value, .fifo = true)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(0);
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    int got[2] = {1, 1};
    int *at = got;
    uint64_t seen = 1;
    int value = -1;
    int rc = 0;
    if (!watch)
        return;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, see_one, watch, 1, &at);
        CHECK_OK(roost_test_settle());
        /* In one go: who waits is woken by the change, and gets it. */
        CHECK_EQ(0, roost_watch_set(watch, &(int){7}));
        CHECK_EQ(0, roost_watch_shutdown(watch));
        CHECK_EQ(0, roost_watch_shutdown(watch));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(7, got[0]);
    CHECK_EQ(0, roost_watch_changed(watch, &seen, &value));
    CHECK_EQ(7, value);
    CHECK_EQ(ROOST_ECLOSED, roost_watch_changed(watch, &seen, &value));
    CHECK_EQ(2, seen);
    CHECK_EQ(ROOST_ECLOSED, roost_watch_set(watch, &value));
    CHECK_EQ(ROOST_ECLOSED, roost_watch_modify(watch, add, &value));
    CHECK_EQ(0, roost_watch_get(watch, &value, &seen));
    CHECK_EQ(7, value);
    CHECK(stats_of(watch).shut);
}

ROOST_TEST(a_shutdown_wakes_who_waits, .fifo = true)
{
    ROOST_AUTO(watch) roost_watch *watch = watch_of(0);
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    int got[2] = {1, 1};
    int *at = got;
    int rc = 0;
    if (!watch)
        return;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, see_one, watch, 1, &at);
        ROOST_GO(g, see_one, watch, 1, &at);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_watch_shutdown(watch));
    }
    CHECK_EQ(ROOST_ECLOSED, rc);
    CHECK_EQ(ROOST_ECLOSED, got[0]);
    CHECK_EQ(ROOST_ECLOSED, got[1]);
}

/* -- misuse ------------------------------------------------------------------------------------ */

ROOST_TEST(calls_outside_a_task, .plain = true)
{
    roost_watch *watch = watch_of(3);
    roost_watch *shared = NULL;
    uint64_t seen = 0;
    int value = 1;
    if (!watch)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_watch_set(watch, &value));
    CHECK_EQ(ROOST_ENOCTX, roost_watch_modify(watch, add, &value));
    CHECK_EQ(ROOST_ENOCTX, roost_watch_get(watch, &value, NULL));
    CHECK_EQ(ROOST_ENOCTX, roost_watch_changed(watch, &seen, &value));
    CHECK_EQ(ROOST_ENOCTX, roost_watch_shutdown(watch));
    CHECK_EQ(1, value);
    roost_watch_close(watch);
    /* What never suspends works on a shared one from everywhere. */
    roost_watch_opts opts = {.shared = true};
    CHECK_OK(roost_watch_open(sizeof value, &value, &opts, &shared));
    if (!shared)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_watch_changed(shared, &seen, &value));
    CHECK_EQ(0, roost_watch_set(shared, &(int){4}));
    CHECK_EQ(0, roost_watch_get(shared, &value, &seen));
    CHECK_EQ(4, value);
    CHECK_EQ(2, seen);
    CHECK_EQ(0, roost_watch_shutdown(shared));
    roost_watch_close(shared);
}

ROOST_ASYNC(close_under_a_waiter, bool, woken)
{
    roost_watch *watch = NULL;
    int got[1] = {0};
    int *at = got;
    int rc = 0;
    ROOST_TRY(roost_watch_open(sizeof rc, &rc, NULL, &watch));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, see_one, watch, 1, &at);
        while (stats_of(watch).waits == 0)
            ROOST_TRY(roost_yield());
        if (woken)
            ROOST_TRY(roost_watch_shutdown(watch));
        roost_watch_close(watch);
    }
    return rc;
}

static int close_under_a_waiter_runs(void *woken)
{
    return roost_run(ROOST_CALL(close_under_a_waiter, *(bool *)woken), NULL);
}

/* Also when it was woken and has not returned: it is about to look at the value. */
ROOST_TEST(closing_while_a_task_waits_ends_the_program, .plain = true)
{
    static struct process process;
    for (int woken = 0; woken < 2; woken++) {
        process_run(&process, close_under_a_waiter_runs, &(bool){woken});
        CHECK_EQ(128 + SIGABRT, process.code);
        CHECK_EQ(1, process_count(&process, "no task waits on a watch that is closed"));
    }
}
