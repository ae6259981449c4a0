/* tests/behaviour/groups.c - behaviours B32 to B47: groups.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <roost.h>

/* What the tasks of a case leave behind for its checks. */
struct tally {
    int begun;
    int ended;
    int cancelled;
};

/* Sleeps, and counts how that ended. */
ROOST_ASYNC(counted_sleep, roost_dur, dur, struct tally *, tally)
{
    tally->begun++;
    int rc = roost_sleep(dur);
    tally->ended++;
    if (rc == ROOST_ECANCELED)
        tally->cancelled++;
    return rc;
}

ROOST_ASYNC(fail_after, roost_dur, dur, int, code)
{
    ROOST_TRY(roost_sleep(dur));
    return code;
}

/* Fails with `code` while it cleans up after its cancellation. */
ROOST_ASYNC(fail_in_cleanup, int, code)
{
    int rc = roost_sleep(ROOST_SEC(60));
    ROOST_CLEANUP(ROOST_SEC(1)) {
        int cleaned = roost_sleep(ROOST_MS(1));
        if (cleaned == 0 && rc == ROOST_ECANCELED)
            rc = code;
    }
    return rc;
}

/* -- B32 to B35: failing ----------------------------------------------------------------------- */

BEHAVIOUR(32, child_error_cancels_siblings_and_body)
{
    struct tally tally = {0};
    int rc = 0;
    int body = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 5; i++)
            ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
        ROOST_GO(g, fail_after, ROOST_MS(2), -EIO);
        rc = body = roost_sleep(ROOST_SEC(60));
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(ROOST_ECANCELED, body);
    CHECK_EQ(5, tally.begun);
    CHECK_EQ(5, tally.ended);
    CHECK_EQ(5, tally.cancelled);
    CHECK(!roost_cancelled());
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(2), roost_now() - roost_test_start());
}

BEHAVIOUR(32, a_child_that_cleans_up_is_waited_for)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, fail_in_cleanup, 0);
        ROOST_GO(g, fail_after, 0, -EIO);
    }
    CHECK_EQ(-EIO, rc);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(1), roost_now() - roost_test_start());
}

BEHAVIOUR(33, body_error_cancels_children)
{
    struct tally tally = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
        rc = roost_test_settle();
        if (rc == 0)
            rc = -EPIPE;
    }
    CHECK_EQ(-EPIPE, rc);
    CHECK_EQ(2, tally.cancelled);
}

BEHAVIOUR(34, two_failures_are_listed_and_cancelled_siblings_are_not)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    struct tally tally = {0};
    roost_group_opts opts = {.errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
        ROOST_GO(g, fail_in_cleanup, -EPIPE);
        ROOST_GO(g, fail_after, ROOST_MS(1), -EIO);
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK(roost_errors_at(&errors, 0) && roost_errors_at(&errors, 1));
    if (roost_errors_at(&errors, 1)) {
        CHECK_EQ(-EIO, roost_errors_at(&errors, 0)->code);
        CHECK_STR("fail_after", roost_errors_at(&errors, 0)->task_name);
        CHECK_EQ(-EPIPE, roost_errors_at(&errors, 1)->code);
        CHECK(roost_errors_at(&errors, 0)->at <= roost_errors_at(&errors, 1)->at);
    }
    CHECK_EQ(1, tally.cancelled);
}

BEHAVIOUR(34, collect_cancels_nothing_and_returns_the_first)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    ROOST_AUTO(errors) roost_errors pipes = ROOST_ERRORS_INIT;
    struct tally tally = {0};
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, fail_after, ROOST_MS(30), -EPIPE);
        ROOST_GO(g, fail_after, ROOST_MS(10), -EIO);
        ROOST_GO(g, counted_sleep, ROOST_MS(50), &tally);
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(0, tally.cancelled);
    CHECK_EQ(1, tally.ended);
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK_EQ(1, roost_errors_split(&errors, -EPIPE, &pipes));
    CHECK_EQ(1, roost_errors_count(&errors));
    CHECK_EQ(1, roost_errors_count(&pipes));
}

BEHAVIOUR(34, errors_past_the_bound_are_counted)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        for (int i = 0; i < ROOST_GROUP_ERRORS_MAX + 5; i++)
            ROOST_GO(g, fail_after, 0, -EIO);
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(ROOST_GROUP_ERRORS_MAX + 5, roost_errors_count(&errors));
    CHECK(roost_errors_at(&errors, ROOST_GROUP_ERRORS_MAX - 1) != NULL);
    CHECK(roost_errors_at(&errors, ROOST_GROUP_ERRORS_MAX) == NULL);
}

ROOST_ASYNC(inner_group_fails, int, first, int, second)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, fail_after, ROOST_MS(1), first);
        ROOST_GO(g, fail_in_cleanup, second);
    }
    return rc;
}

BEHAVIOUR(34, nested_groups_keep_the_tree)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts)
        ROOST_GO(g, inner_group_fails, -EIO, -EPIPE);
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(1, roost_errors_count(&errors));
    const roost_errors *inner = roost_errors_inner(&errors, 0);
    CHECK(inner && roost_errors_at(inner, 1));
    if (inner && roost_errors_at(inner, 1)) {
        CHECK_EQ(2, roost_errors_count(inner));
        CHECK_EQ(-EIO, roost_errors_at(inner, 0)->code);
        CHECK_EQ(-EPIPE, roost_errors_at(inner, 1)->code);
    }
}

BEHAVIOUR(35, errors_in_the_cleanup_of_cancelled_siblings_are_listed)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, fail_in_cleanup, -EPIPE);
        ROOST_GO(g, fail_in_cleanup, -ENOSPC);
        ROOST_GO(g, fail_after, ROOST_MS(1), -EIO);
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(3, roost_errors_count(&errors));
}

/* -- B36 to B39: cancelled from outside and from inside ---------------------------------------- */

ROOST_ASYNC(join_sleepers, struct tally *, tally, int *, seen)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), tally);
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), tally);
    }
    *seen = rc;
    return rc;
}

BEHAVIOUR(36, parent_cancelled_while_joining)
{
    struct tally tally = {0};
    int seen = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *parent = NULL;
        rc = ROOST_SPAWN(&parent, g, join_sleepers, &tally, &seen);
        if (rc == 0)
            rc = roost_test_settle();
        if (rc == 0)
            roost_task_cancel(parent, "enough");
        int result = 0;
        if (rc == 0)
            rc = roost_join(parent, &result);
        if (rc == 0)
            CHECK_EQ(ROOST_ECANCELED, result);
        else
            roost_task_drop(parent);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, seen);
    CHECK_EQ(2, tally.cancelled);
}

/* A group whose child fails in its cleanup, cancelled from outside. */
ROOST_ASYNC(join_failing, int *, seen, int *, after)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, fail_in_cleanup, -EIO);
    *seen = rc;
    *after = roost_yield();
    return rc;
}

BEHAVIOUR(37, parent_cancel_and_child_error_together)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.errors = &errors};
    int seen = 1;
    int after = 1;
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, join_failing, &seen, &after);
        rc = roost_test_settle();
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(-EIO, seen);
    CHECK_EQ(ROOST_ECANCELED, after);
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(1, roost_errors_count(&errors));
}

BEHAVIOUR(38, group_cancel_makes_its_end_return_0)
{
    struct tally tally = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
        rc = roost_test_settle();
        roost_group_cancel(g, "enough");
        roost_group_cancel(g, "again");
        if (rc == 0)
            rc = roost_sleep(ROOST_SEC(1));
        CHECK_EQ(ROOST_ECANCELED, rc);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, tally.cancelled);
    CHECK(!roost_cancelled());
}

BEHAVIOUR(38, a_child_may_cancel_its_group)
{
    struct tally tally = {0};
    int rc = 0;
    roost_group g;
    if (roost_group_open(&g, NULL) < 0)
        return;
    ROOST_GO(&g, counted_sleep, ROOST_SEC(60), &tally);
    roost_group_cancel(&g, "before anything ran");
    rc = roost_group_end(&g, 0);
    CHECK_EQ(0, rc);
    CHECK_EQ(1, tally.begun);
    CHECK_EQ(1, tally.cancelled);
    CHECK_EQ(ROOST_EFINISHED, roost_group_end(&g, 0));
}

/* Cleans up for longer than the deadline around the group allows. */
ROOST_ASYNC(slow_cleanup, int *, done)
{
    int rc = roost_sleep_forever();
    ROOST_CLEANUP(ROOST_SEC(1)) {
        if (roost_sleep(ROOST_MS(5)) == 0)
            *done = 1;
    }
    return rc;
}

BEHAVIOUR(39, outer_timeout_during_join_after_group_cancel_is_not_lost)
{
    int done = 0;
    int inner = 1;
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_MS(2)) {
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, slow_cleanup, &done);
            rc = roost_test_settle();
            roost_group_cancel(g, "enough");
        }
        inner = rc;
    }
    CHECK_EQ(1, done);
    CHECK_EQ(ROOST_ECANCELED, inner);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
}

/* -- B40 to B43: spawning at the edges --------------------------------------------------------- */

BEHAVIOUR(40, spawn_into_a_finished_group_fails)
{
    roost_group g;
    if (roost_group_open(&g, NULL) < 0)
        return;
    struct tally tally = {0};
    CHECK_OK(roost_group_end(&g, 0));
    roost_task *task = NULL;
    CHECK_EQ(ROOST_EFINISHED, ROOST_SPAWN(&task, &g, counted_sleep, ROOST_SEC(60), &tally));
    CHECK(task == NULL);
    CHECK_EQ(ROOST_EFINISHED, roost_go(&g, ROOST_CALL(counted_sleep, ROOST_SEC(60), &tally)));
    CHECK_OK(roost_yield());
    CHECK_EQ(0, tally.begun);
}

BEHAVIOUR(41, spawn_into_a_cancelled_group_runs_to_the_first_checkpoint)
{
    struct tally tally = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_group_cancel(g, "before");
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, tally.begun);
    CHECK_EQ(1, tally.cancelled);
}

/* Spawns one more of itself into the same group until `left` is 0. */
ROOST_ASYNC(breed, roost_group *, g, int, left, int *, born)
{
    ++*born;
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    if (left > 0)
        ROOST_GO(g, breed, g, left - 1, born);
    return 0;
}

BEHAVIOUR(42, a_child_may_spawn_siblings_while_the_parent_joins)
{
    int born = 0;
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, breed, g, 4, &born);
    CHECK_EQ(0, rc);
    CHECK_EQ(5, born);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(5), roost_now() - roost_test_start());
}

ROOST_ASYNC(mark, int *, flag)
{
    *flag = 1;
    return 0;
}

BEHAVIOUR(43, end_of_an_empty_group_is_a_schedule_point, .fifo = true)
{
    int flag = 0;
    int rc = 0;
    ROOST_GROUP(outer, rc) {
        ROOST_GO(outer, mark, &flag);
        int inner_rc = 0;
        ROOST_GROUP(inner, inner_rc)
            CHECK_EQ(0, flag);
        CHECK_EQ(0, inner_rc);
        CHECK_EQ(1, flag);
    }
    CHECK_EQ(0, rc);
}

BEHAVIOUR(43, end_of_an_empty_group_is_a_cancel_point)
{
    int inner_rc = 1;
    int rc = 0;
    ROOST_GROUP(outer, rc) {
        roost_group_cancel(outer, "before");
        inner_rc = 0;
        ROOST_GROUP(inner, inner_rc)
            continue;
    }
    CHECK_EQ(ROOST_ECANCELED, inner_rc);
    CHECK_EQ(0, rc);
}

/* -- B44 and B45: readiness -------------------------------------------------------------------- */

ROOST_ASYNC(service, int, value, int *, second)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    ROOST_TRY(roost_started(&value, sizeof value));
    *second = roost_started(&value, sizeof value);
    return roost_sleep_forever();
}

BEHAVIOUR(44, start_passes_a_value_and_started_twice_is_an_error)
{
    int value = 0;
    int second = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_group_start(g, ROOST_CALL(service, 42, &second), NULL, &value, sizeof value);
        CHECK_EQ(0, rc);
        CHECK_EQ(42, value);
        if (rc == 0)
            rc = roost_test_settle();
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EREUSED, second);
}

ROOST_ASYNC(never_starts, int, result)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return result;
}

BEHAVIOUR(44, exit_without_started_is_an_error)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_EQ(ROOST_ENOTSTARTED,
                 roost_group_start(g, ROOST_CALL(never_starts, 0), NULL, NULL, 0));
        CHECK_OK(roost_yield());
    }
    CHECK_EQ(0, rc);
}

BEHAVIOUR(44, crash_before_started_is_the_starters_error_alone)
{
    struct tally tally = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_MS(3), &tally);
        CHECK_EQ(-EIO, roost_group_start(g, ROOST_CALL(never_starts, -EIO), NULL, NULL, 0));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, tally.cancelled);
}

ROOST_ASYNC(crashes_after, int, code)
{
    ROOST_TRY(roost_started(NULL, 0));
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return code;
}

BEHAVIOUR(44, crash_after_started_is_the_groups_error)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_group_start(g, ROOST_CALL(crashes_after, -EIO), NULL, NULL, 0);
        CHECK_EQ(0, rc);
        if (rc == 0)
            rc = roost_sleep(ROOST_SEC(60));
    }
    CHECK_EQ(-EIO, rc);
}

ROOST_ASYNC(starts_with, int, value, int *, seen)
{
    *seen = roost_started(&value, sizeof value);
    return *seen;
}

BEHAVIOUR(44, started_outside_start_and_with_another_size_is_refused)
{
    int seen = 0;
    char byte = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_EQ(ROOST_EINVAL, roost_started(NULL, 0));
        CHECK_EQ(ROOST_EINVAL,
                 roost_group_start(g, ROOST_CALL(starts_with, 1, &seen), NULL, &byte, sizeof byte));
    }
    CHECK_EQ(ROOST_EINVAL, seen);
    CHECK_EQ(0, byte);
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(slow_start, struct tally *, tally)
{
    tally->begun++;
    int rc = roost_sleep(ROOST_SEC(60));
    tally->ended++;
    if (rc == ROOST_ECANCELED)
        tally->cancelled++;
    if (rc == 0)
        rc = roost_started(NULL, 0);
    return rc;
}

ROOST_ASYNC(cancel_when_settled, roost_scope *, scope)
{
    ROOST_TRY(roost_test_settle());
    roost_scope_cancel(scope, "it has begun");
    return 0;
}

BEHAVIOUR(44, cancel_during_start_ends_the_child_and_leaves_the_group_alone)
{
    struct tally child = {0};
    struct tally sibling = {0};
    roost_scope scope; /* outlives the group, whatever becomes of the start */
    roost_scope_init(&scope, NULL);
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_MS(50), &sibling);
        CHECK_OK(roost_scope_enter(&scope));
        ROOST_GO(g, cancel_when_settled, &scope);
        int start_rc = roost_group_start(g, ROOST_CALL(slow_start, &child), NULL, NULL, 0);
        CHECK_EQ(ROOST_ECANCELED, start_rc);
        CHECK_EQ(0, roost_scope_end(&scope, start_rc));
        CHECK_EQ(1, child.begun);
        CHECK_EQ(1, child.cancelled);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, sibling.cancelled);
}

/* Starts a task in somebody else's group. */
ROOST_ASYNC(start_in, roost_group *, target, struct tally *, tally, int *, seen)
{
    *seen = roost_group_start(target, ROOST_CALL(slow_start, tally), NULL, NULL, 0);
    return 0;
}

BEHAVIOUR(45, start_into_a_group_that_is_cancelled_does_not_deadlock)
{
    struct tally tally = {0};
    int seen = 1;
    int rc = 0;
    ROOST_GROUP(starters, rc) {
        int target_rc = 0;
        ROOST_GROUP(target, target_rc) {
            ROOST_GO(starters, start_in, target, &tally, &seen);
            target_rc = roost_test_settle();
            roost_group_cancel(target, "enough");
        }
        CHECK_EQ(0, target_rc);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, seen);
    CHECK_EQ(1, tally.cancelled);
}

/* -- B46 and B47 ------------------------------------------------------------------------------- */

static int leave_by_return(struct tally *tally)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), tally);
        (void)!roost_test_settle();
        return 7;
    }
    return rc;
}

BEHAVIOUR(46, return_out_of_a_group_block_cancels_and_joins, .debug = -1)
{
    struct tally tally = {0};
    CHECK_EQ(7, leave_by_return(&tally));
    CHECK_EQ(1, tally.ended);
    CHECK_EQ(1, tally.cancelled);
    CHECK(!roost_cancelled());
}

BEHAVIOUR(46, break_and_goto_do_as_well, .debug = -1)
{
    struct tally tally = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
        break;
    }
    CHECK_EQ(1, tally.cancelled);
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, counted_sleep, ROOST_SEC(60), &tally);
        goto out;
    }
out:
    CHECK_EQ(2, tally.cancelled);
    CHECK_EQ(tally.begun, tally.ended);
}

static const roost_var request_id = {.name = "request_id"};

ROOST_ASYNC(inherits, struct tally *, tally, void **, seen)
{
    *seen = roost_var_get(&request_id);
    (void)!roost_var_set(&request_id, NULL);
    return counted_sleep(ROOST_SEC(60), tally);
}

/* Spawns into the group of another task, with its own task-locals. */
ROOST_ASYNC(spawn_elsewhere, roost_group *, target, struct tally *, tally, void **, seen)
{
    static int mine;
    ROOST_TRY(roost_var_set(&request_id, &mine));
    ROOST_GO(target, inherits, tally, seen);
    ROOST_TRY(roost_yield());
    ROOST_TRY(roost_yield());
    CHECK(roost_var_get(&request_id) == &mine);
    return 0;
}

BEHAVIOUR(47, child_has_the_groups_cancellation_and_the_spawners_locals)
{
    static int theirs;
    struct tally tally = {0};
    void *seen = NULL;
    int rc = 0;
    if (roost_var_set(&request_id, &theirs) < 0)
        return;
    ROOST_GROUP(spawners, rc) {
        int target_rc = 0;
        ROOST_GROUP(target, target_rc) {
            ROOST_GO(spawners, spawn_elsewhere, target, &tally, &seen);
            target_rc = roost_test_settle();
            CHECK_EQ(1, tally.begun);
            roost_group_cancel(target, "enough");
        }
        CHECK_EQ(0, target_rc);
        CHECK_EQ(1, tally.cancelled);
        rc = roost_yield();
    }
    CHECK_EQ(0, rc);
    CHECK(seen != NULL && seen != &theirs);
    CHECK(roost_var_get(&request_id) == &theirs);
}
