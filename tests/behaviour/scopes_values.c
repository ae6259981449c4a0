/* tests/behaviour/scopes_values.c - values and errors that a cancellation must not take away:
 * behaviours 10 to 12, 17 and 20.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>

#include "behaviour/moments.h"
#include "kit/held.h"

/* -- B10: a value that is there wins
 * -------------------------------------------------------------*/

ROOST_ASYNC(ready_and_cancel, roost_scope *, scope)
{
    int value = 42;
    int rc = roost_started(&value, sizeof value);
    roost_scope_cancel(scope, "in the same step");
    return rc;
}

BEHAVIOUR(10, the_value_is_returned_and_the_next_call_refused)
{
    int rc = 0;
    roost_scope scope;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&scope, NULL);
        int value = 0;
        CHECK_EQ(0, roost_group_start(g, ROOST_CALL(ready_and_cancel, &scope), NULL, &value,
                                      sizeof value));
        CHECK_EQ(42, value);
        CHECK(roost_cancelled());
        CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
        CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
    }
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(stop_and_cancel, roost_scope *, scope)
{
    int rc = roost_test_settle();
    roost_scope_shutdown(scope, LONG_TIME);
    roost_scope_cancel(scope, "in the same step");
    return rc;
}

BEHAVIOUR(10, a_wake_up_is_not_taken_back)
{
    int rc = 0;
    int waited = 1;
    int next = 1;
    roost_scope scope;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&scope, NULL);
        ROOST_GO(g, stop_and_cancel, &scope);
        waited = roost_wait_stopping();
        next = roost_sleep(LONG_TIME);
        CHECK_EQ(0, roost_scope_end(&scope, next));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, waited);
    CHECK_EQ(ROOST_ECANCELED, next);
}

ROOST_ASYNC(set_deadline_settled, roost_scope *, scope, roost_time, at)
{
    int rc = roost_test_settle();
    int set = roost_scope_set_deadline(scope, at);
    return rc < 0 ? rc : set;
}

BEHAVIOUR(10, of_two_timers_at_one_instant_the_elder_wins)
{
    int rc = 0;
    roost_scope later;
    ROOST_GROUP(g, rc) {
        /* The sleep was armed first: it is over, and the deadline is met at the next call. */
        roost_time at = roost_now() + ROOST_MS(10);
        SCOPE_IN_GROUP(&later, NULL);
        ROOST_GO(g, set_deadline_settled, &later, at);
        int slept = roost_sleep_until(at);
        if (roost_test_virtual())
            CHECK_EQ(0, slept);
        CHECK(roost_now() >= at);
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&later, ROOST_ECANCELED));

        /* The deadline was armed first. */
        at = roost_now() + ROOST_MS(10);
        ROOST_AUTO(scope) roost_scope earlier;
        scope_enter(&earlier, &(roost_scope_opts){.until = at});
        CHECK_EQ(ROOST_ECANCELED, roost_sleep_until(at));
        CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&earlier, ROOST_ECANCELED));
    }
    CHECK_EQ(0, rc);
}

struct race {
    roost_scope scope;
    bool finished;        /* the task that is joined has come to its end */
    bool cancelled_after; /* by the time of the cancellation it had */
};

ROOST_ASYNC(race_answer, struct race *, race)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    race->finished = true;
    return 42;
}

ROOST_ASYNC(race_cancel, struct race *, race)
{
    int rc = roost_sleep(ROOST_MS(1));
    race->cancelled_after = race->finished;
    roost_scope_cancel(&race->scope, NULL);
    return rc;
}

BEHAVIOUR(10, a_join_that_is_over_gives_its_result)
{
    int rc = 0;
    int result = 0;
    struct race race = {0};
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&race.scope, NULL);
        roost_task *task;
        if (ROOST_SPAWN(&task, g, race_answer, &race) < 0)
            break;
        ROOST_GO(g, race_cancel, &race);
        int joined = roost_join(task, &result);
        /* Whoever came first by the schedule: a result that was there is never lost. */
        CHECK(joined == 0 || (joined == ROOST_ECANCELED && !race.cancelled_after));
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        CHECK_EQ(0, roost_scope_end(&race.scope, ROOST_ECANCELED));
        if (joined < 0)
            CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(42, result);
}

ROOST_ASYNC(read_byte, int, fd, char *, byte)
{
    return (int)kit_read(fd, byte, 1);
}

BEHAVIOUR(10, a_cancelled_read_loses_no_byte)
{
    __attribute__((cleanup(pipe_close))) struct pipe pipe = PIPE_NONE;
    if (kit_pipe(pipe.fds) < 0)
        return;
    int rc = 0;
    int result = 0;
    char byte = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, read_byte, pipe.fds[0], &byte) < 0)
            break;
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, kit_write(pipe.fds[1], "x", 1));
        roost_task_cancel(task, NULL);
        CHECK_OK(roost_join(task, &result));
        /* Whoever came first: the byte was read, or it is still there. */
        CHECK(result == 1 || result == ROOST_ECANCELED);
        if (result == ROOST_ECANCELED)
            CHECK_EQ(1, ROOST_WITHIN(LONG_TIME, read_byte(pipe.fds[0], &byte)));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ('x', byte);
}

/* -- B11: cancelled before the first step
 * --------------------------------------------------------*/

ROOST_ASYNC(count_steps, int *, steps)
{
    (*steps)++;
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    *steps += 100;
    return 0;
}

BEHAVIOUR(11, a_task_runs_to_its_first_checkpoint)
{
    int rc = 0;
    int steps = 0;
    int result = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, count_steps, &steps) < 0)
            break;
        roost_task_cancel(task, NULL);
        CHECK_EQ(0, steps);
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, steps);
    CHECK_EQ(ROOST_ECANCELED, result);
}

BEHAVIOUR(11, so_do_all_tasks_of_a_cancelled_group)
{
    int rc = 0;
    int steps = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, count_steps, &steps);
        roost_group_cancel(g, NULL);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, steps);
}

static void block_cleanup(void **block)
{
    free(*block);
}

ROOST_ASYNC(owner, void *, given, int *, owners)
{
    __attribute__((cleanup(block_cleanup))) void *block = given;
    *owners += block != NULL;
    ROOST_TRY(roost_sleep(LONG_TIME));
    return 0;
}

BEHAVIOUR(11, what_a_task_was_given_is_not_lost)
{
    int rc = 0;
    int owners = 0;
    ROOST_GROUP(g, rc) {
        void *block = malloc(64);
        if (roost_go(g, ROOST_CALL(owner, block, &owners)) < 0)
            free(block);
        roost_group_cancel(g, NULL);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, owners);
}

ROOST_ASYNC(answer, int, value)
{
    return value;
}

BEHAVIOUR(11, a_task_without_checkpoints_finishes)
{
    int rc = 0;
    int result = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, answer, 7) < 0)
            break;
        roost_task_cancel(task, NULL);
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(7, result);
}

/* -- B12: what cannot be aborted
 * -----------------------------------------------------------------*/

struct held {
    struct kit_held held;
    roost_scope scope; /* around the wait */
    int returned;      /* what the wait came to */
    int next;          /* and the suspending call after it */
};

ROOST_ASYNC(held_wait, struct held *, held)
{
    SCOPE_IN_GROUP(&held->scope, NULL);
    held->returned = kit_held_wait(&held->held);
    held->next = roost_checkpoint();
    return roost_scope_end(&held->scope, held->next);
}

BEHAVIOUR(12, it_completes_and_the_cancellation_is_reported_afterwards)
{
    int rc = 0;
    struct held held = {0};
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, held_wait, &held) < 0)
            break;
        CHECK_OK(roost_test_settle());
        roost_task_cancel(task, NULL);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, held.held.aborts);
        CHECK(!roost_task_done(task));

        /* Cancellations from elsewhere, or the same one anew, ask no second time. */
        roost_group_cancel(g, NULL);
        roost_scope_set_shield(&held.scope, true);
        roost_scope_set_shield(&held.scope, false);
        roost_scope_cancel(&held.scope, NULL);
        CHECK_EQ(1, held.held.aborts);
        kit_held_release(&held.held, 42);
        roost_task_drop(task);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(42, held.returned);
    CHECK_EQ(ROOST_ECANCELED, held.next);
}

BEHAVIOUR(12, it_may_end_by_the_cancellation_later)
{
    int rc = 0;
    int result = 0;
    struct held held = {0};
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, held_wait, &held) < 0)
            break;
        CHECK_OK(roost_test_settle());
        roost_task_cancel(task, NULL);
        roost_ignore(roost_sleep(ROOST_MS(1)));
        CHECK(!roost_task_done(task));
        kit_held_release(&held.held, ROOST_ECANCELED);
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, held.held.aborts);
    CHECK_EQ(ROOST_ECANCELED, held.returned);
    CHECK_EQ(ROOST_ECANCELED, result);
}

ROOST_ASYNC(clean_slowly, roost_dur, dur, bool *, clean)
{
    int rc = roost_sleep(LONG_TIME);
    ROOST_CLEANUP(LONG_TIME)
        *clean = roost_sleep(dur) == 0;
    return rc;
}

BEHAVIOUR(12, the_end_of_a_group_is_such_a_wait)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(1), .move_on = true});
    int rc = 0;
    bool clean = false;
    roost_time before = roost_now();
    ROOST_GROUP(g, rc)
        ROOST_GO(g, clean_slowly, ROOST_MS(3), &clean);
    CHECK_ELAPSED(ROOST_MS(4), before);
    CHECK(clean);
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(0, roost_scope_end(&scope, rc));
    CHECK(roost_scope_fired(&scope));
}

/* -- B17: too late
 * -------------------------------------------------------------------------------*/

BEHAVIOUR(17, cancelling_a_scope_that_has_ended)
{
    ROOST_AUTO(scope) roost_scope quiet;
    scope_enter(&quiet, NULL);
    CHECK_EQ(7, roost_scope_end(&quiet, 7));
    roost_scope_cancel(&quiet, "too late");
    CHECK(!roost_scope_cancelled(&quiet));
    CHECK(!roost_scope_fired(&quiet));
    CHECK_STR("", roost_scope_reason(&quiet));
    CHECK_OK(roost_sleep(ROOST_MS(1)));

    ROOST_AUTO(scope) roost_scope fired;
    scope_enter(&fired, NULL);
    roost_scope_cancel(&fired, "in time");
    CHECK_EQ(0, roost_scope_end(&fired, roost_checkpoint()));
    roost_scope_cancel(&fired, "too late");
    CHECK(roost_scope_fired(&fired));
    CHECK_STR("in time", roost_scope_reason(&fired));
    CHECK_OK(roost_sleep(ROOST_MS(1)));
}

BEHAVIOUR(17, its_deadline_is_gone_with_it)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(1)});
    CHECK_OK(roost_yield());
    int rc = roost_scope_end(&scope, 0);
    CHECK_EQ(0, rc);
    bool passed = roost_scope_cancelled(&scope);
    CHECK_OK(roost_sleep(ROOST_MS(3)));
    CHECK_EQ(passed, roost_scope_cancelled(&scope));
}

BEHAVIOUR(17, cancelling_a_task_that_has_finished)
{
    int rc = 0;
    int result = 0;
    int sibling = -1;
    ROOST_GROUP(g, rc) {
        roost_task *task;
        roost_task *other;
        if (ROOST_SPAWN(&task, g, answer, 7) < 0 || ROOST_SPAWN(&other, g, nap, ROOST_MS(2)) < 0)
            break;
        CHECK_OK(roost_test_settle());
        CHECK(roost_task_done(task));
        roost_task_cancel(task, "too late");
        roost_task_cancel(task, "later still");
        CHECK_OK(roost_sleep(ROOST_MS(1)));
        CHECK_OK(roost_join(task, &result));
        CHECK_OK(roost_join(other, &sibling));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(7, result);
    CHECK_EQ(0, sibling);
}

BEHAVIOUR(17, cancelling_a_group_that_has_ended)
{
    ROOST_AUTO(group) roost_group group;
    if (roost_group_open(&group, NULL) < 0)
        return;
    ROOST_GO(&group, answer, 7);
    CHECK_EQ(3, roost_group_end(&group, 3));
    roost_group_cancel(&group, "too late");
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK_EQ(ROOST_EFINISHED, roost_group_end(&group, 0));
    roost_group_stats stats;
    roost_group_stats_get(&group, &stats);
    CHECK_EQ(0, stats.failed);
}

/* -- B20: the body's error
 * -----------------------------------------------------------------------*/

ROOST_ASYNC(clean_up)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return 0;
}

/* Fails, and cleans up on its way out with no shield. */
ROOST_ASYNC(fail_and_clean, int, code, int *, cleaned)
{
    int rc = roost_error_note(code, "the work itself");
    *cleaned = clean_up();
    return rc;
}

BEHAVIOUR(20, a_body_error_survives_a_refused_cleanup)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.expired = true});
    int cleaned = 0;
    int rc = fail_and_clean(-EIO, &cleaned);
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(ROOST_ECANCELED, cleaned);
    CHECK_EQ(-EIO, roost_scope_end(&scope, rc));
    CHECK(roost_scope_fired(&scope));

    /* What is told of it is about the error as well. */
    roost_error error = {0};
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(-EIO, error.code);
    CHECK_STR("the work itself", error.steps[0].note);
}

BEHAVIOUR(20, in_a_bounded_cleanup_too)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    roost_scope_cancel(&scope, NULL);
    int rc = -EIO;
    int refused = 0;
    ROOST_CLEANUP(ROOST_MS(1))
        refused = roost_sleep(LONG_TIME);
    CHECK_EQ(ROOST_ECANCELED, refused);
    CHECK_EQ(-EIO, roost_scope_end(&scope, rc));
}

BEHAVIOUR(20, a_task_that_fails_while_it_is_cancelled_has_failed)
{
    int rc = 0;
    int cleaned = 0;
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.errors = &errors}) {
        ROOST_GO(g, fail_and_clean, -EIO, &cleaned);
        ROOST_GO(g, nap, LONG_TIME);
        roost_group_cancel(g, NULL);
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(ROOST_ECANCELED, cleaned);
    CHECK_EQ(1, roost_errors_count(&errors));
    const roost_error *first = roost_errors_at(&errors, 0);
    CHECK(first && first->code == -EIO);
    CHECK_STR("the work itself", first ? first->steps[0].note : NULL);
}

ROOST_ASYNC(leave_early, int, code)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, nap, LONG_TIME);
        return code;
    }
    return rc;
}

BEHAVIOUR(20, the_end_of_a_block_that_is_left_does_not_replace_it)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    roost_scope_cancel(&scope, NULL);
    int rc = leave_early(-EIO);
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(-EIO, roost_scope_end(&scope, rc));
}
