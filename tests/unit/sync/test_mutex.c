/* tests/unit/sync/test_mutex.c - the line for a mutex, the block around it, and who may do what.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/instrument.h>

#include "behaviour/marks.h"
#include "kit/kit.h"
#include "unit/rt/process.h"

static roost_mutex_stats stats_of(const roost_mutex *mutex)
{
    roost_mutex_stats stats;
    roost_mutex_stats_get(mutex, &stats);
    return stats;
}

/* Locks, has a turn under the mutex, and unlocks. *ret_rc: what locking came to. */
ROOST_ASYNC(hold, roost_mutex *, mutex, struct marks *, marks, int, letter, int *, ret_rc)
{
    int rc = roost_mutex_lock(mutex);
    *ret_rc = rc;
    if (rc < 0)
        return rc == ROOST_EDEADLK || rc == ROOST_EOWNERDEAD ? 0 : rc;
    mark(marks, letter);
    rc = roost_yield();
    roost_mutex_unlock(mutex);
    return rc;
}

/* Goes on with the next step unless the last one failed: a torture may cancel any. */
static int settled(int rc)
{
    return rc == 0 ? roost_test_settle() : rc;
}

/* -- locking ----------------------------------------------------------------------------------- */

ROOST_TEST(a_free_mutex_is_held_at_once)
{
    roost_mutex mutex;
    memset(&mutex, 0x5a, sizeof mutex);
    roost_mutex_init(&mutex);
    ROOST_NO_YIELD
    {
        CHECK_EQ(0, roost_mutex_lock(&mutex));
        roost_mutex_stats stats = stats_of(&mutex);
        CHECK(stats.locked);
        CHECK(!stats.abandoned);
        CHECK_EQ(roost_task_id(roost_task_self()), stats.owner_id);
        CHECK_EQ(0, stats.waiting);
        CHECK_EQ(0, roost_mutex_unlock(&mutex));
        CHECK(!stats_of(&mutex).locked);
        CHECK_EQ(0, stats_of(&mutex).owner_id);
        CHECK_EQ(0, roost_mutex_try_lock(&mutex));
        CHECK_EQ(0, roost_mutex_unlock(&mutex));
    }
}

ROOST_TEST(a_zeroed_mutex_is_free, .no_torture = true)
{
    roost_mutex zeroed;
    roost_mutex named = ROOST_MUTEX_INIT;
    memset(&zeroed, 0, sizeof zeroed);
    CHECK_EQ(0, roost_mutex_try_lock(&zeroed));
    CHECK_EQ(0, roost_mutex_try_lock(&named));
    CHECK_EQ(0, roost_mutex_unlock(&zeroed)); /* not what was taken last */
    CHECK_EQ(0, roost_mutex_unlock(&named));
}

ROOST_TEST(several_are_let_go_in_any_order)
{
    enum { COUNT = 4 };
    static const int orders[][COUNT] = {{0, 1, 2, 3}, {3, 2, 1, 0}, {1, 3, 0, 2}, {2, 0, 3, 1}};
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        roost_mutex mutexes[COUNT] = {ROOST_MUTEX_INIT};
        int rc = 0;
        for (int n = 0; n < COUNT; n++)
            rc |= roost_mutex_try_lock(&mutexes[n]);
        CHECK_EQ(0, rc);
        for (int n = 0; n < COUNT; n++)
            CHECK_EQ(0, roost_mutex_unlock(&mutexes[orders[i][n]]));
        for (int n = 0; n < COUNT; n++)
            CHECK(!stats_of(&mutexes[n]).locked);
    }
}

ROOST_TEST(those_who_wait_are_counted_and_served_in_order)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen[5];
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_mutex_lock(&mutex);
        bool held = rc == 0;
        for (int i = 0; i < 5 && rc == 0; i++) {
            ROOST_GO(g, hold, &mutex, &marks, 'a' + i, &seen[i]);
            rc = settled(rc);
            CHECK_EQ(i + 1, stats_of(&mutex).waiting);
        }
        if (held)
            roost_mutex_unlock(&mutex);
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("abcde", marks);
}

ROOST_ASYNC(count_turns, bool *, over, int *, turns)
{
    while (!*over) {
        ++*turns;
        ROOST_TRY(roost_yield());
    }
    return 0;
}

ROOST_TEST(who_locks_in_a_loop_gives_way_now_and_then, .fifo = true)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    bool over = false;
    int turns = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, count_turns, &over, &turns);
        for (int i = 0; i < 1000 && rc == 0; i++)
            ROOST_LOCK(&mutex, rc)
                continue;
        over = true;
    }
    CHECK_EQ(0, rc);
    CHECK(turns >= 1000 / 128);
}

/* -- cancelled --------------------------------------------------------------------------------- */

ROOST_TEST(who_is_cancelled_gets_a_free_mutex_by_try_only)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    roost_scope_cancel(&scope, "before it locks");
    CHECK_EQ(ROOST_ECANCELED, roost_mutex_lock(&mutex));
    CHECK(!stats_of(&mutex).locked);
    CHECK_EQ(0, roost_mutex_try_lock(&mutex));
    CHECK_EQ(0, roost_mutex_unlock(&mutex));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

ROOST_ASYNC(hold_for, roost_mutex *, mutex, roost_dur, dur)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc)
        rc = roost_sleep(dur);
    return rc;
}

ROOST_TEST(a_deadline_ends_the_wait_and_the_next_one_is_served)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen = 1;
    int late = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, hold_for, &mutex, ROOST_MS(3));
        rc = roost_test_settle();
        if (rc == 0)
            late = ROOST_WITHIN(ROOST_MS(1), roost_mutex_lock(&mutex));
        if (late == 0)
            roost_mutex_unlock(&mutex);
        ROOST_GO(g, hold, &mutex, &marks, 'a', &seen);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ETIMEDOUT, late);
    CHECK_EQ(0, seen);
    CHECK(!stats_of(&mutex).locked);
}

ROOST_ASYNC(fail_under, roost_mutex *, mutex, int, code)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc) {
        rc = roost_test_settle();
        if (rc == 0)
            return code;
    }
    return rc;
}

ROOST_TEST(a_group_that_fails_under_the_mutex_leaves_it_free)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen[3] = {1, 1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_LOCK(&mutex, rc) {
            ROOST_GO(g, fail_under, &mutex, -EIO);
            rc = settled(rc);
            for (int i = 0; i < 3; i++) {
                ROOST_GO(g, hold, &mutex, &marks, 'a' + i, &seen[i]);
                rc = settled(rc);
            }
        }
    }
    CHECK_EQ(-EIO, rc);
    CHECK(!stats_of(&mutex).locked);
    CHECK_EQ(0, stats_of(&mutex).waiting);
    CHECK_EQ(0, seen[0]); /* handed over before the failure cancelled it */
    CHECK_EQ(ROOST_ECANCELED, seen[1]);
}

/* -- the block --------------------------------------------------------------------------------- */

enum way_out { TO_THE_END, BY_CONTINUE, BY_BREAK, BY_GOTO, BY_RETURN };

static int leave_block(roost_mutex *mutex, enum way_out way)
{
    int rc = 7;
    ROOST_LOCK(mutex, rc) {
        CHECK_EQ(0, rc);
        CHECK(stats_of(mutex).locked);
        rc = (int)way;
        if (way == BY_CONTINUE)
            continue;
        if (way == BY_BREAK)
            break;
        if (way == BY_GOTO)
            goto out;
        if (way == BY_RETURN)
            return rc;
    }
out:
    return rc;
}

ROOST_TEST(every_way_out_of_the_block_unlocks)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    for (enum way_out way = TO_THE_END; way <= BY_RETURN; way++) {
        CHECK_EQ(way, leave_block(&mutex, way));
        CHECK_ALWAYS(!stats_of(&mutex).locked);
    }
}

ROOST_TEST(a_block_that_cannot_lock_is_left_out)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    int inner = 0;
    int rc = 0;
    ROOST_LOCK(&mutex, rc) {
        ROOST_LOCK(&mutex, inner)
            CHECK_ALWAYS(false);
        CHECK(stats_of(&mutex).locked); /* the inner block has unlocked nothing */
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, inner);
}

ROOST_TEST(the_block_evaluates_its_mutex_once)
{
    roost_mutex mutexes[2] = {ROOST_MUTEX_INIT, ROOST_MUTEX_INIT};
    int at = 0;
    int rc = 0;
    ROOST_LOCK(&mutexes[at++], rc)
        CHECK(stats_of(&mutexes[0]).locked);
    CHECK_EQ(1, at);
}

/* -- circles ----------------------------------------------------------------------------------- */

/* Locks its own, waits until everybody has, and locks the next one's. */
ROOST_ASYNC(lock_two, roost_mutex *, own, roost_mutex *, next, int *, ret_rc)
{
    int rc = 0;
    ROOST_LOCK(own, rc) {
        rc = roost_test_settle();
        if (rc == 0)
            ROOST_LOCK(next, rc)
                *ret_rc = 0;
        if (rc < 0)
            *ret_rc = rc;
    }
    return rc == ROOST_EDEADLK ? 0 : rc;
}

/* Locks both, with a turn between, and passes on what came of it. */
ROOST_ASYNC(lock_both, roost_mutex *, first, roost_mutex *, second)
{
    int rc = 0;
    ROOST_LOCK(first, rc) {
        ROOST_TRY(roost_test_settle());
        ROOST_LOCK(second, rc)
            continue;
    }
    return rc;
}

ROOST_TEST(who_would_close_a_circle_is_told_who_waits, .fifo = true)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_mutex a = ROOST_MUTEX_INIT;
    roost_mutex b = ROOST_MUTEX_INIT;
    roost_group_opts opts = {.errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, lock_both, &a, &b);
        ROOST_GO(g, lock_both, &b, &a);
    }
    CHECK_EQ(ROOST_EDEADLK, rc);
    const roost_error *error = roost_errors_at(&errors, 0);
    CHECK(error && strstr(error->steps[0].note, "'lock_both' holds it and waits for this"));
    rc = 0;
    roost_errors_fini(&errors);
    errors = (roost_errors)ROOST_ERRORS_INIT;
    ROOST_GROUP_WITH(g, rc, &opts)
        ROOST_GO(g, lock_both, &a, &a);
    CHECK_EQ(ROOST_EDEADLK, rc);
    error = roost_errors_at(&errors, 0);
    CHECK(error && strcmp(error->steps[0].note, "this task holds the mutex already") == 0);
}

ROOST_TEST(a_circle_of_any_length_is_refused_to_who_would_close_it)
{
    enum { MOST = 5 };
    for (int count = 2; count <= MOST; count++) {
        roost_mutex mutexes[MOST] = {ROOST_MUTEX_INIT};
        int seen[MOST] = {0};
        int refused = 0;
        int rc = 0;
        ROOST_GROUP(g, rc) {
            for (int i = 0; i < count; i++)
                ROOST_GO(g, lock_two, &mutexes[i], &mutexes[(i + 1) % count], &seen[i]);
        }
        CHECK_EQ(0, rc);
        for (int i = 0; i < count; i++)
            refused += seen[i] == ROOST_EDEADLK;
        CHECK_EQ(1, refused);
    }
}

ROOST_ASYNC(join_under, roost_mutex *, mutex, roost_task *, task, int *, ret_rc)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc)
        *ret_rc = rc = roost_join(task, NULL);
    if (rc < 0)
        roost_task_drop(task);
    return rc == ROOST_EDEADLK ? 0 : rc;
}

ROOST_TEST(a_join_and_a_lock_that_wait_for_each_other_are_found_from_the_lock)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen[2] = {1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task = NULL;
        rc = roost_mutex_lock(&mutex);
        if (rc == 0) {
            rc = ROOST_SPAWN(&task, g, hold, &mutex, &marks, 'a', &seen[0]);
            /* It has not run yet, so it waits for nothing yet. */
            if (rc == 0)
                rc = roost_join(task, NULL);
            roost_mutex_unlock(&mutex);
        }
        seen[1] = rc;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, seen[0]);
    CHECK_EQ(0, seen[1]);
}

ROOST_TEST(a_join_and_a_lock_that_wait_for_each_other_are_found_from_the_join)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen[2] = {1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task = NULL;
        ROOST_LOCK(&mutex, rc) {
            rc = ROOST_SPAWN(&task, g, hold, &mutex, &marks, 'a', &seen[0]);
            rc = settled(rc); /* it waits for the mutex */
            if (rc == 0)
                seen[1] = roost_join(task, NULL);
        }
        roost_task_drop(seen[1] == 0 ? NULL : task);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, seen[1]);
    CHECK_EQ(0, seen[0]);
}

ROOST_TEST(a_circle_by_way_of_a_third_task_is_found)
{
    roost_mutex outer = ROOST_MUTEX_INIT;
    roost_mutex inner = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen[2] = {1, 1};
    int last = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task = NULL;
        ROOST_LOCK(&outer, rc) {
            rc = ROOST_SPAWN(&task, g, hold, &outer, &marks, 'a', &seen[0]);
            rc = settled(rc); /* waits for us */
            if (rc == 0) {
                ROOST_GO(g, join_under, &inner, task, &seen[1]);
                rc = settled(rc); /* waits for the one that waits for us */
                ROOST_LOCK(&inner, last)
                    continue;
            }
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, last);
    CHECK_EQ(0, seen[0]);
    CHECK_EQ(0, seen[1]);
}

ROOST_TEST(the_end_of_a_group_under_a_mutex_refuses_its_tasks)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen = 1;
    int rc = 0;
    ROOST_LOCK(&mutex, rc) {
        ROOST_GROUP(g, rc)
            ROOST_GO(g, hold, &mutex, &marks, 'a', &seen);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, seen);
}

/* The owner of a group may yet unlock before it comes to the group's end. */
ROOST_TEST(the_body_of_a_group_under_a_mutex_refuses_nobody)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int seen = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_LOCK(&mutex, rc) {
            ROOST_GO(g, hold, &mutex, &marks, 'a', &seen);
            rc = settled(rc);
            CHECK_EQ(1, seen);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, seen);
}

/* -- an owner that ends ------------------------------------------------------------------------ */

ROOST_ASYNC(end_holding, roost_mutex *, first, roost_mutex *, second)
{
    ROOST_TRY(roost_mutex_lock(first));
    ROOST_TRY(roost_mutex_lock(second));
    return 0;
}

ROOST_TEST(everything_an_ended_task_held_is_abandoned)
{
    roost_mutex mutexes[2] = {ROOST_MUTEX_INIT, ROOST_MUTEX_INIT};
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, end_holding, &mutexes[0], &mutexes[1]);
    CHECK_EQ(0, rc);
    for (int i = 0; i < 2; i++) {
        CHECK(stats_of(&mutexes[i]).abandoned);
        CHECK(!stats_of(&mutexes[i]).locked);
        CHECK_EQ(ROOST_EOWNERDEAD, roost_mutex_unlock(&mutexes[i]));
        rc = roost_mutex_try_lock(&mutexes[i]);
        CHECK_EQ(ROOST_EOWNERDEAD, rc);
        if (rc == 0)
            roost_mutex_unlock(&mutexes[i]);
        rc = 0;
        ROOST_LOCK(&mutexes[i], rc)
            continue;
        CHECK_EQ(ROOST_EOWNERDEAD, rc);
    }
}

static roost_mutex kept; /* outlives the runs of a case */

ROOST_ASYNC(use_kept, bool, unlock)
{
    int rc = roost_mutex_lock(&kept);
    if (rc == 0 && unlock)
        roost_mutex_unlock(&kept);
    return rc;
}

ROOST_TEST(a_mutex_outlives_its_run, .plain = true)
{
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_kept, true), NULL));
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_kept, true), NULL));
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_kept, false), NULL));
    CHECK_EQ(ROOST_EOWNERDEAD, roost_test_run(ROOST_CALL(use_kept, true), NULL));
    roost_mutex_init(&kept);
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_kept, true), NULL));
}

/* -- where it may be used ---------------------------------------------------------------------- */

ROOST_TEST(outside_a_task_nothing_is_locked, .plain = true, .no_torture = true)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    int rc = 0;
    CHECK_EQ(ROOST_ENOCTX, roost_mutex_lock(&mutex));
    CHECK_EQ(ROOST_ENOCTX, roost_mutex_try_lock(&mutex));
    CHECK_EQ(ROOST_ENOCTX, roost_mutex_unlock(&mutex));
    ROOST_LOCK(&mutex, rc)
        CHECK(false);
    CHECK_EQ(ROOST_ENOCTX, rc);
}

/* What each call says there, in one number. */
ROOST_ASYNC(use_far, roost_mutex *, mutex)
{
    int rc = roost_mutex_lock(mutex);
    if (rc != roost_mutex_try_lock(mutex) || rc != roost_mutex_unlock(mutex))
        return -EIO;
    return rc;
}

ROOST_TEST(another_loop_is_refused, .loops = 2, .debug = -1)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_mutex mutex = ROOST_MUTEX_INIT;
    int result = 0;
    int rc = 0;
    ROOST_LOCK(&mutex, rc) {
        CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(use_far, &mutex), &result));
        CHECK_EQ(ROOST_EXLOOP, result);
    }
    CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(use_far, &mutex), &result));
    CHECK_EQ(ROOST_EXLOOP, result); /* free, but not theirs */
    CHECK_EQ(0, rc);
}

/* -- what is told ------------------------------------------------------------------------------ */

struct told {
    int debug;
    roost_call call;
};

static int told_body(void *arg)
{
    const struct told *told = arg;
    roost_run_opts opts = {.debug = told->debug, .no_signals = true};
    int rc = roost_run(told->call, &opts);
    return rc < 0 ? 1 : rc;
}

ROOST_ASYNC(misuse, roost_mutex *, mutex)
{
    int rc = 0;
    roost_mutex_unlock(mutex);
    ROOST_GROUP(g, rc)
        ROOST_GO(g, use_kept, false);
    return rc;
}

ROOST_TEST(misuse_is_told_at_debug_level_1, .plain = true, .no_torture = true)
{
    static roost_mutex mutex;
    for (int debug = 0; debug <= 1; debug++) {
        struct process process;
        struct told told = {.debug = debug == 0 ? -1 : debug, .call = ROOST_CALL(misuse, &mutex)};
        process_run(&process, told_body, &told);
        CHECK_EQ(0, process.code);
        CHECK_EQ(debug, process_count(&process, "unlocks a mutex that it does not hold"));
        CHECK_EQ(debug, process_count(&process, "task 'use_kept' (2) finished while it held a"));
    }
}

ROOST_ASYNC(dump_waiting)
{
    static roost_mutex mutex;
    static struct marks marks;
    static int seen;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_LOCK(&mutex, rc) {
            ROOST_GO(g, hold, &mutex, &marks, 'a', &seen);
            rc = roost_yield();
            roost_dump_tasks(2);
        }
    }
    return rc;
}

ROOST_TEST(a_dump_tells_who_holds_the_mutex, .plain = true, .no_torture = true)
{
    struct process process;
    struct told told = {.debug = 1, .call = ROOST_CALL(dump_waiting)};
    process_run(&process, told_body, &told);
    CHECK_EQ(0, process.code);
    CHECK_WROTE(&process, "task 2 'hold' waits: mutex held by task 1 'main'");
}
