/* tests/behaviour/timeouts.c - deadlines: which of several fires, what they leave alone, and how
 * they are moved: behaviours 21 to 31.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "behaviour/moments.h"

/* On a loaded machine a deadline may pass before there was time to look at it or to move it:
 * nothing can be learnt then. In simulation that never happens. */
static bool too_late(const roost_scope *scope)
{
    return !roost_test_virtual() && roost_scope_cancelled(scope);
}

/* -- B21: the outer deadline is the earlier one
 * --------------------------------------------------*/

BEHAVIOUR(21, outer_shorter_than_inner)
{
    roost_time before = roost_now();
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, &(roost_scope_opts){.within = ROOST_MS(2)});
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.within = LONG_TIME});
    CHECK_OK(roost_yield());
    CHECK(roost_scope_deadline(&inner) > roost_deadline());
    if (!too_late(&outer))
        CHECK_EQ(roost_scope_deadline(&outer), roost_deadline());

    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(2), before);
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK(!roost_scope_cancelled(&inner));
    CHECK(!roost_scope_fired(&inner));
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&outer, ROOST_ECANCELED));
    CHECK(roost_scope_fired(&outer));
}

ROOST_ASYNC(sleep_within, roost_dur, within, int *, inner_rc)
{
    *inner_rc = ROOST_WITHIN(within, roost_sleep(LONG_TIME));
    return *inner_rc;
}

BEHAVIOUR(21, in_blocks_and_across_calls_too)
{
    int inner_rc = 0;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), sleep_within(LONG_TIME, &inner_rc)));
    CHECK_EQ(ROOST_ECANCELED, inner_rc);

    int outer_rc = 1;
    ROOST_MOVE_ON(outer_rc, ROOST_MS(1)) {
        inner_rc = 0;
        ROOST_TIMEOUT(inner_rc, LONG_TIME)
            inner_rc = roost_sleep(LONG_TIME);
        outer_rc = inner_rc;
    }
    CHECK_EQ(ROOST_ECANCELED, inner_rc);
    CHECK_EQ(0, outer_rc);
    CHECK_OK(roost_checkpoint());
}

BEHAVIOUR(21, inner_shorter_than_outer)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, &(roost_scope_opts){.within = LONG_TIME});
    int inner_rc = 0;
    CHECK_EQ(ROOST_ETIMEDOUT, sleep_within(ROOST_MS(1), &inner_rc));
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK_EQ(0, roost_scope_end(&outer, 0));
    CHECK(!roost_scope_cancelled(&outer));
}

/* -- B22: two deadlines pass while the loop is busy
 * ----------------------------------------------*/

/* Both are in the past when anybody looks. */
static void check_one_timeout(roost_dur outer_within, roost_dur inner_within)
{
    roost_time now = roost_now();
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, &(roost_scope_opts){.until = now + outer_within, .label = "the outer one"});
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.until = now + inner_within, .label = "the inner one"});
    kit_spend(ROOST_MS(3));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK(roost_scope_cancelled(&outer) && roost_scope_cancelled(&inner));
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&outer, ROOST_ECANCELED));
    CHECK(!roost_scope_fired(&inner));
    CHECK(roost_scope_fired(&outer));

    /* What is told of the timeout names the outer one, and no other. */
    roost_error error = {0};
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(ROOST_ETIMEDOUT, error.code);
    CHECK_EQ(1, error.step_count);
    CHECK(strstr(error.steps[0].note, "the outer one") != NULL);
}

BEHAVIOUR(22, both_expired_in_one_busy_tick_give_one_timeout)
{
    check_one_timeout(ROOST_MS(2), ROOST_MS(1));
}

BEHAVIOUR(22, whichever_is_the_earlier)
{
    check_one_timeout(ROOST_MS(1), ROOST_MS(2));
}

BEHAVIOUR(22, or_neither)
{
    check_one_timeout(ROOST_MS(1), ROOST_MS(1));
}

BEHAVIOUR(22, in_blocks_too)
{
    int inner_rc = 0;
    int outer_rc = 0;
    ROOST_TIMEOUT(outer_rc, ROOST_MS(2)) {
        ROOST_TIMEOUT(inner_rc, ROOST_MS(1)) {
            kit_spend(ROOST_MS(3));
            inner_rc = roost_sleep(LONG_TIME);
        }
        outer_rc = inner_rc;
    }
    CHECK_EQ(ROOST_ECANCELED, inner_rc);
    CHECK_EQ(ROOST_ETIMEDOUT, outer_rc);
}

/* -- B23: other errors under an expired timeout
 * --------------------------------------------------*/

BEHAVIOUR(23, another_result_under_an_expired_timeout_passes_unchanged)
{
    /* -ETIMEDOUT is the kernel's word, about somebody else's clock. */
    const int codes[] = {-EIO, -ETIMEDOUT, ROOST_EBROKEN, ROOST_ETIMEDOUT, 7};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        int rc = 0;
        ROOST_TIMEOUT(rc, ROOST_MS(1)) {
            CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
            rc = codes[i];
        }
        CHECK_EQ(codes[i], rc);

        ROOST_AUTO(scope) roost_scope scope;
        scope_enter(&scope, &(roost_scope_opts){.expired = true, .move_on = i % 2 == 0});
        CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
        CHECK_EQ(codes[i], roost_scope_end(&scope, codes[i]));
        CHECK(roost_scope_cancelled(&scope));
        CHECK(roost_scope_fired(&scope));
    }
}

ROOST_ASYNC(fail_when_cancelled, int, code)
{
    return roost_sleep(LONG_TIME) == ROOST_ECANCELED ? code : 0;
}

BEHAVIOUR(23, so_does_the_error_of_a_task_inside)
{
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_MS(1)) {
        ROOST_GROUP(g, rc)
            ROOST_GO(g, fail_when_cancelled, -EIO);
    }
    CHECK_EQ(-EIO, rc);
}

/* -- B24: cancelled by somebody else
 * -------------------------------------------------------------*/

struct timed {
    roost_scope scope;
    int rc;        /* what its end came to */
    bool shielded; /* it ends only after its deadline has passed as well */
};

ROOST_ASYNC(sleep_timed, struct timed *, timed)
{
    roost_dur within = timed->shielded ? ROOST_MS(10) : LONG_TIME;
    SCOPE_IN_GROUP(&timed->scope, &(roost_scope_opts){.within = within});
    int rc = roost_sleep(LONG_TIME);
    if (timed->shielded) {
        ROOST_CLEANUP(LONG_TIME)
            roost_ignore(roost_sleep(ROOST_MS(12)));
    }
    return timed->rc = roost_scope_end(&timed->scope, rc);
}

BEHAVIOUR(24, an_external_cancellation_is_no_timeout)
{
    int rc = 0;
    int result = 0;
    struct timed timed = {.rc = 1};
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, sleep_timed, &timed) < 0)
            break;
        CHECK_OK(roost_test_settle());
        roost_task_cancel(task, NULL);
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, timed.rc);
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK(!roost_scope_cancelled(&timed.scope));
    CHECK(!roost_scope_fired(&timed.scope));
}

BEHAVIOUR(24, nor_does_it_become_one_when_the_deadline_passes_on_the_way_out)
{
    int rc = 0;
    int result = 0;
    struct timed timed = {.rc = 1, .shielded = true};
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, sleep_timed, &timed) < 0)
            break;
        CHECK_OK(roost_test_settle());
        roost_task_cancel(task, NULL);
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK(roost_scope_cancelled(&timed.scope));
    CHECK_EQ(ROOST_ECANCELED, timed.rc);
    CHECK_EQ(ROOST_ECANCELED, result);
}

BEHAVIOUR(24, nor_is_a_cancellation_of_the_scope_itself)
{
    int rc = 0;
    int ended = 1;
    roost_scope scope;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&scope, &(roost_scope_opts){.within = LONG_TIME});
        ROOST_GO(g, cancel_after, ROOST_MS(1), &scope);
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        ended = roost_scope_end(&scope, ROOST_ECANCELED);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, ended);
    CHECK(roost_scope_fired(&scope));
}

/* -- B25: a cancellation that is pending
 * ---------------------------------------------------------*/

ROOST_ASYNC(time_out_while_cancelled, int *, rounds)
{
    roost_task_cancel(roost_task_self(), "pending");
    int rc = 0;
    ROOST_TIMEOUT(rc, 0) {
        rc = roost_sleep(LONG_TIME);
    }
    *rounds += rc == ROOST_ECANCELED;
    ROOST_MOVE_ON(rc, 0) {
        rc = roost_sleep(LONG_TIME);
    }
    *rounds += rc == ROOST_ECANCELED;
    *rounds += ROOST_WITHIN(0, roost_sleep(LONG_TIME)) == ROOST_ECANCELED;
    *rounds += roost_sleep(LONG_TIME) == ROOST_ECANCELED;
    return rc;
}

BEHAVIOUR(25, pending_cancel_and_a_timeout_of_0_stay_cancelled)
{
    int rc = 0;
    int result = 0;
    int rounds = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, time_out_while_cancelled, &rounds) < 0)
            break;
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(4, rounds);
    CHECK_EQ(ROOST_ECANCELED, result);
}

BEHAVIOUR(25, also_when_the_scope_around_it_is)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    roost_scope_cancel(&outer, "pending");
    CHECK_EQ(ROOST_ECANCELED, ROOST_WITHIN(0, roost_sleep(LONG_TIME)));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
}

/* -- B26: expired on entry
 * -----------------------------------------------------------------------*/

BEHAVIOUR(26, code_before_the_first_checkpoint_runs)
{
    const roost_scope_opts expired[] = {
        {.expired = true},
        {.within = -1},
        {.within = INT64_MIN},
        {.until = roost_now()},
        {.until = roost_now() - LONG_TIME},
        {.until = INT64_MIN},
        {.expired = true, .within = LONG_TIME, .until = roost_now() + LONG_TIME},
        {.within = LONG_TIME, .until = roost_now()},
        {.within = -1, .until = roost_now() + LONG_TIME},
    };
    for (size_t i = 0; i < sizeof expired / sizeof expired[0]; i++) {
        bool ran = false;
        roost_time before = roost_now();
        uint64_t steps = roost_test_steps();
        ROOST_AUTO(scope) roost_scope scope;
        scope_enter(&scope, &expired[i]);
        ran = true;
        CHECK(roost_cancelled());
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        if (roost_test_virtual()) {
            CHECK_EQ(steps, roost_test_steps());
            CHECK_EQ(before, roost_now());
        }
        CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
        CHECK(ran);
        CHECK_OK(roost_checkpoint());
    }
}

BEHAVIOUR(26, in_blocks_too)
{
    const roost_dur durations[] = {0, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
        int prefix = 0;
        int rest = 0;
        int rc = 0;
        ROOST_TIMEOUT(rc, durations[i]) {
            prefix++;
            rc = roost_sleep(LONG_TIME);
            if (rc < 0)
                continue;
            rest++;
        }
        CHECK_EQ(ROOST_ETIMEDOUT, rc);
        ROOST_MOVE_ON(rc, durations[i]) {
            prefix++;
            rc = roost_sleep(LONG_TIME);
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(2, prefix);
        CHECK_EQ(0, rest);
        /* Nothing is checked, nothing fails. */
        ROOST_TIMEOUT(rc, durations[i])
            rc = 7;
        CHECK_EQ(7, rc);
    }
}

ROOST_ASYNC(count_prefix, int *, prefix)
{
    (*prefix)++;
    ROOST_TRY(roost_sleep(LONG_TIME));
    (*prefix)++;
    return 0;
}

BEHAVIOUR(26, tasks_started_inside_run_as_far)
{
    int prefix = 0;
    int rc = 0;
    ROOST_TIMEOUT(rc, 0) {
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, count_prefix, &prefix);
            ROOST_GO(g, count_prefix, &prefix);
        }
    }
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(2, prefix);
}

/* -- B27: moving the deadline
 * --------------------------------------------------------------------*/

BEHAVIOUR(27, earlier)
{
    roost_time before = roost_now();
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = LONG_TIME});
    CHECK_EQ(0, roost_scope_set_deadline(&scope, before + ROOST_MS(2)));
    CHECK_EQ(before + ROOST_MS(2), roost_scope_deadline(&scope));
    roost_time holds = roost_deadline();
    if (!too_late(&scope))
        CHECK_EQ(before + ROOST_MS(2), holds);
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(2), before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(27, later)
{
    roost_time before = roost_now();
    roost_time at = before + ROOST_MS(60);
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(30)});
    int slept = roost_sleep(ROOST_MS(1));
    if (too_late(&scope))
        return;
    CHECK_EQ(0, slept);
    CHECK_EQ(0, roost_scope_set_deadline(&scope, at));
    CHECK_EQ(at, roost_scope_deadline(&scope));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(60), before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(27, to_never_and_back)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(20)});
    CHECK_EQ(0, roost_scope_set_deadline(&scope, ROOST_NEVER));
    CHECK_EQ(ROOST_NEVER, roost_scope_deadline(&scope));
    CHECK_EQ(ROOST_NEVER, roost_deadline());
    CHECK_OK(roost_sleep(ROOST_MS(25)));
    roost_time before = roost_now();
    CHECK_EQ(0, roost_scope_set_deadline(&scope, before + ROOST_MS(1)));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(1), before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(27, into_the_past)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    CHECK_OK(roost_checkpoint());
    CHECK_EQ(0, roost_scope_set_deadline(&scope, roost_now() - 1));
    CHECK(roost_scope_cancelled(&scope));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

struct move {
    roost_scope scope;
    bool late; /* the deadline had passed before */
};

ROOST_ASYNC(move_deadline, roost_dur, after, struct move *, move, roost_time, at)
{
    int rc = roost_sleep(after);
    move->late = move->late || too_late(&move->scope);
    int moved = roost_scope_set_deadline(&move->scope, at);
    return rc < 0 || move->late ? rc : moved;
}

BEHAVIOUR(27, by_another_task_while_this_one_waits)
{
    int rc = 0;
    struct move move = {0};
    roost_time before = roost_now();
    roost_time woken = 0;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&move.scope, &(roost_scope_opts){.within = ROOST_MS(30)});
        ROOST_GO(g, move_deadline, ROOST_MS(1), &move, before + ROOST_MS(70));
        ROOST_GO(g, move_deadline, ROOST_MS(2), &move, before + ROOST_MS(50));
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        woken = roost_now();
        CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&move.scope, ROOST_ECANCELED));
    }
    CHECK(move.late || woken >= before + ROOST_MS(50));
    CHECK(!roost_test_virtual() || woken == before + ROOST_MS(50));
    CHECK_EQ(0, rc);
}

BEHAVIOUR(27, into_the_past_while_this_one_waits)
{
    int rc = 0;
    struct move move = {0};
    roost_time before = roost_now();
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&move.scope, NULL);
        ROOST_GO(g, move_deadline, ROOST_MS(1), &move, before);
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        CHECK_ELAPSED(ROOST_MS(1), before);
        CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&move.scope, ROOST_ECANCELED));
    }
    CHECK_EQ(0, rc);
}

BEHAVIOUR(27, not_after_the_scope_has_ended)
{
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_init(&scope, &(roost_scope_opts){.within = LONG_TIME});
    CHECK_EQ(0, roost_scope_set_deadline(&scope, roost_now() + ROOST_MS(1)));
    CHECK_OK(roost_scope_enter(&scope));
    CHECK_EQ(0, roost_scope_end(&scope, 0));
    roost_time at = roost_scope_deadline(&scope);
    CHECK_EQ(ROOST_EFINISHED, roost_scope_set_deadline(&scope, roost_now() - 1));
    CHECK_EQ(ROOST_EFINISHED, roost_scope_set_deadline(&scope, ROOST_NEVER));
    CHECK_EQ(at, roost_scope_deadline(&scope));
    if (!too_late(&scope))
        CHECK(!roost_scope_cancelled(&scope));
    CHECK_OK(roost_sleep(ROOST_MS(2)));

    int rc = ROOST_WITHIN(0, roost_sleep(LONG_TIME));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
}

/* -- B28: timeouts inside clean-up
 * ---------------------------------------------------------------*/

BEHAVIOUR(28, a_timeout_in_the_cleanup_of_an_expired_one_works_when_shielded)
{
    int rc = 0;
    int slept = 1;
    int timed_out = 0;
    int refused = 0;
    roost_time before = roost_now();
    ROOST_TIMEOUT(rc, ROOST_MS(1)) {
        rc = roost_sleep(LONG_TIME);
        refused = ROOST_WITHIN(LONG_TIME, roost_sleep(ROOST_MS(1)));
        ROOST_CLEANUP(LONG_TIME) {
            slept = ROOST_WITHIN(LONG_TIME, roost_sleep(ROOST_MS(2)));
            timed_out = ROOST_WITHIN(ROOST_MS(3), roost_sleep(LONG_TIME));
        }
    }
    CHECK_ELAPSED(ROOST_MS(1 + 2 + 3), before);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(ROOST_ECANCELED, refused);
    CHECK_EQ(0, slept);
    CHECK_EQ(ROOST_ETIMEDOUT, timed_out);
}

BEHAVIOUR(28, the_grace_ends_it_with_its_own_result)
{
    int rc = 0;
    int inner_rc = 0;
    roost_time before = roost_now();
    ROOST_TIMEOUT(rc, ROOST_MS(1)) {
        rc = roost_sleep(LONG_TIME);
        ROOST_CLEANUP(ROOST_MS(2))
            inner_rc = ROOST_WITHIN(LONG_TIME, roost_sleep(LONG_TIME));
    }
    CHECK_ELAPSED(ROOST_MS(1 + 2), before);
    CHECK_EQ(ROOST_ECANCELED, inner_rc);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
}

/* -- B29: from entry
 * -----------------------------------------------------------------------------*/

BEHAVIOUR(29, a_relative_deadline_counts_from_entry)
{
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_init(&scope, &(roost_scope_opts){.within = ROOST_MS(3)});
    CHECK_OK(roost_sleep(ROOST_MS(5)));
    if (roost_test_virtual())
        CHECK_EQ(roost_now() + ROOST_MS(3), roost_scope_deadline(&scope));
    CHECK(!roost_scope_cancelled(&scope));

    roost_time before = roost_now();
    CHECK_OK(roost_scope_enter(&scope));
    CHECK(!roost_cancelled());
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(3), before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(29, not_from_the_first_wait_either)
{
    roost_time before = roost_now();
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(20)});
    kit_spend(ROOST_MS(15));
    roost_time at = roost_scope_deadline(&scope);
    roost_time after = roost_now();
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(20), before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
    /* What was said of it while it ran. */
    CHECK(at >= before + ROOST_MS(20));
    CHECK(at < after + ROOST_MS(10));
}

BEHAVIOUR(29, an_absolute_one_does_not)
{
    roost_time before = roost_now();
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_init(&scope,
                     &(roost_scope_opts){.until = before + ROOST_MS(5), .within = LONG_TIME});
    CHECK_OK(roost_sleep(ROOST_MS(2)));
    CHECK_EQ(before + ROOST_MS(5), roost_scope_deadline(&scope));
    CHECK_OK(roost_scope_enter(&scope));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(5), before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

/* -- B30: a call that has not begun
 * --------------------------------------------------------------*/

ROOST_ASYNC(count_start, int *, starts)
{
    (*starts)++;
    return roost_started(NULL, 0);
}

BEHAVIOUR(30, an_expired_timeout_never_starts_a_call_that_is_handed_over)
{
    int rc = 0;
    int starts = 0;
    const roost_dur durations[] = {0, -1, INT64_MIN};
    ROOST_GROUP(g, rc) {
        for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++) {
            CHECK_EQ(
                ROOST_ETIMEDOUT,
                ROOST_WITHIN(durations[i], roost_group_start(g, ROOST_CALL(count_start, &starts),
                                                             NULL, NULL, 0)));
            CHECK_EQ(ROOST_ETIMEDOUT,
                     ROOST_WITHIN(durations[i],
                                  roost_on_loop(0, ROOST_CALL(count_start, &starts), NULL)));
        }
        roost_group_stats stats;
        roost_group_stats_get(g, &stats);
        CHECK_EQ(0, stats.spawned);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, starts);

    /* With time left it is started. */
    ROOST_GROUP(g, rc)
        CHECK_EQ(0, ROOST_WITHIN(LONG_TIME, roost_group_start(g, ROOST_CALL(count_start, &starts),
                                                              NULL, NULL, 0)));
    CHECK_EQ(0, rc);
    CHECK_EQ(1, starts);
}

ROOST_ASYNC(count_call, int *, calls)
{
    (*calls)++;
    return 0;
}

BEHAVIOUR(30, wait_for_without_time_does_not_begin)
{
    int starts = 0;
    const roost_dur durations[] = {0, -1, INT64_MIN};
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
        CHECK_EQ(ROOST_ETIMEDOUT, roost_wait_for(ROOST_CALL(count_call, &starts), durations[i]));
    CHECK_EQ(0, starts);
    CHECK_OK(roost_checkpoint());

    CHECK_OK(roost_wait_for(ROOST_CALL(count_call, &starts), LONG_TIME));
    CHECK_OK(roost_wait_for(ROOST_CALL(count_call, &starts), ROOST_FOREVER));
    CHECK_OK(roost_await(ROOST_CALL(count_call, &starts)));
    CHECK_EQ(3, starts);
}

BEHAVIOUR(30, wait_for_in_a_cancelled_scope_is_cancelled)
{
    int starts = 0;
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    roost_scope_cancel(&scope, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_wait_for(ROOST_CALL(count_call, &starts), 0));
    CHECK_EQ(ROOST_ECANCELED, roost_wait_for(ROOST_CALL(count_call, &starts), LONG_TIME));
    CHECK_EQ(0, starts);
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(30, nor_one_that_waits_for_a_place)
{
    int rc = 0;
    int starts = 0;
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.limit = 1}) {
        ROOST_GO(g, nap, ROOST_MS(2));
        CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(0, roost_go(g, ROOST_CALL(count_start, &starts))));
        CHECK_EQ(ROOST_ETIMEDOUT,
                 ROOST_WITHIN(ROOST_US(100), roost_go(g, ROOST_CALL(count_start, &starts))));
        roost_group_stats stats;
        roost_group_stats_get(g, &stats);
        CHECK_EQ(1, stats.spawned);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, starts);
}

/* -- B31: a cancellation that is made good
 * -------------------------------------------------------*/

/* Comes to a value, whatever happens to it. */
ROOST_ASYNC(answer_all_the_same, int, value)
{
    return roost_sleep(LONG_TIME) == ROOST_ECANCELED ? value : -EIO;
}

BEHAVIOUR(31, the_value_is_delivered_and_the_deadline_has_passed)
{
    roost_time before = roost_now();
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(20)});
    int rc = answer_all_the_same(42);
    CHECK_EQ(42, roost_scope_end(&scope, rc));
    CHECK_ELAPSED(ROOST_MS(20), before);
    CHECK(roost_scope_cancelled(&scope));
    CHECK(roost_scope_fired(&scope));
    CHECK_OK(roost_checkpoint());
}

BEHAVIOUR(31, of_two_deadlines_the_outer_one_has_fired)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, &(roost_scope_opts){.within = ROOST_MS(20)});
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.within = ROOST_MS(20)});
    int rc = answer_all_the_same(42);
    CHECK_EQ(42, roost_scope_end(&inner, rc));
    CHECK_EQ(42, roost_scope_end(&outer, rc));
    if (roost_scope_cancelled(&outer)) {
        CHECK(!roost_scope_fired(&inner));
        CHECK(roost_scope_fired(&outer));
    }
}

BEHAVIOUR(31, behind_a_shield_the_inner_one_has)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.within = ROOST_MS(20), .shield = true});
    roost_scope_cancel(&outer, NULL);
    CHECK_EQ(42, roost_scope_end(&inner, answer_all_the_same(42)));
    CHECK(roost_scope_fired(&inner));
    CHECK_EQ(7, roost_scope_end(&outer, 7));
    CHECK(!roost_scope_fired(&outer));
}

BEHAVIOUR(31, in_blocks_and_calls_too)
{
    CHECK_EQ(41, roost_wait_for(ROOST_CALL(answer_all_the_same, 41), ROOST_MS(20)));
    CHECK_EQ(42, ROOST_WITHIN(ROOST_MS(20), answer_all_the_same(42)));
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_MS(20))
        rc = answer_all_the_same(43);
    CHECK_EQ(43, rc);
    ROOST_MOVE_ON(rc, ROOST_MS(20))
        rc = answer_all_the_same(44);
    CHECK_EQ(44, rc);
}
