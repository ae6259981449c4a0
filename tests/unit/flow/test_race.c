/* tests/unit/flow/test_race.c - who wins, who is cancelled, what is discarded, when the next
 * begins.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

/* What the calls of a case leave behind for its checks. */
struct tally {
    int begun;
    int ended;
    int cancelled;
    int discarded;
    roost_dur began[4];
};

ROOST_ASYNC(take, int, at, roost_dur, dur, int, code, struct tally *, tally)
{
    tally->began[at] = roost_now() - roost_test_start();
    tally->begun++;
    int rc = roost_sleep(dur);
    tally->ended++;
    if (rc == ROOST_ECANCELED)
        tally->cancelled++;
    ROOST_TRY(rc);
    return code;
}

/* Succeeds when it is cancelled. */
ROOST_ASYNC(take_all_the_same, int, code, struct tally *, tally)
{
    tally->begun++;
    int rc = roost_sleep(ROOST_SEC(60));
    tally->ended++;
    return rc == ROOST_ECANCELED ? code : rc;
}

ROOST_ASYNC(fail_in_cleanup, int, code)
{
    int rc = roost_sleep(ROOST_SEC(60));
    return rc == ROOST_ECANCELED ? code : rc;
}

ROOST_ASYNC(cancel_self)
{
    roost_task_cancel(roost_task_self(), "on its own account");
    return roost_yield();
}

static void discard(void *arg, size_t index, int value)
{
    (void)index;
    struct tally *tally = arg;
    tally->discarded += value;
    ROOST_CLEANUP(ROOST_SEC(1))
        roost_ignore(roost_yield());
}

ROOST_TEST(no_call_is_no_race)
{
    const roost_call calls[] = {ROOST_CALL(cancel_self)};
    CHECK_EQ(ROOST_EINVAL, roost_race(calls, 0, NULL));
    CHECK_EQ(ROOST_EINVAL, roost_race(calls, (size_t)INT32_MAX + 1, NULL));
}

ROOST_TEST(one_call_races_alone)
{
    struct tally tally = {0};
    int result = 0;
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_MS(1), 5, &tally)};
    CHECK_EQ(0, roost_race(calls, 1, &(roost_race_opts){.result = &result}));
    CHECK_EQ(5, result);
    CHECK_EQ(0, roost_race(calls, 1, NULL));
}

ROOST_TEST(a_failure_does_not_win_and_is_listed)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    struct tally tally = {0};
    int result = 0;
    const roost_call calls[] = {
        ROOST_CALL(take, 0, ROOST_MS(1), -EIO, &tally), ROOST_CALL(take, 1, ROOST_MS(2), 7, &tally),
        ROOST_CALL(take, 2, ROOST_SEC(60), 8, &tally), ROOST_CALL(fail_in_cleanup, -EPIPE)};
    roost_race_opts opts = {.errors = &errors, .result = &result};
    CHECK_EQ(1, roost_race(calls, 4, &opts));
    CHECK_EQ(7, result);
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK_EQ(1, tally.cancelled);
    CHECK(!roost_cancelled());
}

ROOST_TEST(any_outcome_lets_a_failure_win)
{
    struct tally tally = {0};
    int result = 0;
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_MS(1), -EIO, &tally),
                                ROOST_CALL(take, 1, ROOST_SEC(60), 7, &tally)};
    roost_race_opts opts = {.any_outcome = true, .result = &result};
    CHECK_EQ(0, roost_race(calls, 2, &opts));
    CHECK_EQ(-EIO, result);
    CHECK_EQ(1, tally.cancelled);
}

ROOST_TEST(a_loser_that_succeeds_when_cancelled_is_discarded)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take_all_the_same, 3, &tally),
                                ROOST_CALL(take, 1, ROOST_MS(1), 7, &tally),
                                ROOST_CALL(take_all_the_same, 4, &tally)};
    CHECK_EQ(1, roost_race(calls, 3, &(roost_race_opts){.discard = discard, .arg = &tally}));
    CHECK_EQ(7, tally.discarded);
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(1, roost_race(calls, 3, NULL));
}

ROOST_TEST(cancelling_the_race_cancels_all_calls)
{
    struct tally tally = {0};
    int result = 17;
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_SEC(60), 1, &tally),
                                ROOST_CALL(take, 1, ROOST_MS(10), -EIO, &tally),
                                ROOST_CALL(take, 2, ROOST_SEC(60), 3, &tally)};
    roost_race_opts opts = {.result = &result};
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(40), roost_race(calls, 3, &opts)));
    CHECK_EQ(17, result);
    CHECK_EQ(2, tally.cancelled);
    CHECK_ALWAYS(tally.begun == tally.ended);
    roost_race_opts any = {.any_outcome = true, .result = &result};
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(20), roost_race(calls, 1, &any)));
    CHECK_EQ(17, result);
}

ROOST_TEST(a_success_on_the_way_out_of_a_cancelled_race_wins)
{
    struct tally tally = {0};
    int result = 0;
    const roost_call calls[] = {ROOST_CALL(take_all_the_same, 3, &tally)};
    roost_race_opts opts = {.result = &result, .discard = discard, .arg = &tally};
    CHECK_EQ(0, ROOST_WITHIN(ROOST_MS(1), roost_race(calls, 1, &opts)));
    CHECK_EQ(3, result);
    CHECK_EQ(0, tally.discarded);
}

ROOST_TEST(a_cancelled_task_races_nothing)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, 0, 0, 1, &tally)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_group_cancel(g, "before");
        rc = roost_race(calls, 1, NULL);
        CHECK_EQ(ROOST_ECANCELED, rc);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, tally.begun);
}

ROOST_TEST(calls_that_end_cancelled_leave_no_winner)
{
    const roost_call calls[] = {ROOST_CALL(cancel_self), ROOST_CALL(cancel_self)};
    CHECK_EQ(ROOST_ECANCELED, roost_race(calls, 2, NULL));
    CHECK(!roost_cancelled());
}

ROOST_TEST(the_trail_of_the_first_failure_comes_along)
{
    roost_error error = {0};
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_MS(40), -EIO, &tally),
                                ROOST_CALL(take, 1, ROOST_MS(10), -EPIPE, &tally)};
    CHECK_EQ(-EPIPE, roost_race(calls, 2, NULL));
    CHECK_OK(roost_error_last(&error));
    CHECK_EQ(-EPIPE, error.code);
}

/* -- one after the other ----------------------------------------------------------------------- */

ROOST_TEST(each_call_begins_a_stagger_after_the_one_before)
{
    struct tally tally = {0};
    const roost_call calls[] = {
        ROOST_CALL(take, 0, ROOST_SEC(1), 1, &tally), ROOST_CALL(take, 1, ROOST_SEC(1), 2, &tally),
        ROOST_CALL(take, 2, ROOST_MS(2), 3, &tally), ROOST_CALL(take, 3, ROOST_MS(2), 4, &tally)};
    CHECK_EQ(2, roost_race(calls, 4, &(roost_race_opts){.stagger = ROOST_MS(3)}));
    CHECK_EQ(3, tally.begun);
    CHECK_EQ(2, tally.cancelled);
    if (roost_test_virtual()) {
        CHECK_EQ(ROOST_MS(3), tally.began[1]);
        CHECK_EQ(ROOST_MS(6), tally.began[2]);
        CHECK_EQ(ROOST_MS(8), roost_now() - roost_test_start());
    }
}

ROOST_TEST(any_failure_brings_the_next_start_forward)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_MS(12), -EIO, &tally),
                                ROOST_CALL(take, 1, ROOST_SEC(1), 2, &tally),
                                ROOST_CALL(take, 2, ROOST_MS(2), 3, &tally)};
    CHECK_EQ(2, roost_staggered_race(calls, 3, ROOST_MS(10), NULL));
    if (roost_test_virtual()) {
        CHECK_EQ(ROOST_MS(10), tally.began[1]);
        CHECK_EQ(ROOST_MS(12), tally.began[2]);
    }
}

ROOST_TEST(two_failures_at_once_begin_two, .fifo = true)
{
    if (!roost_test_virtual())
        return; /* the two would have to be woken at one time */
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_MS(4), -EIO, &tally),
                                ROOST_CALL(take, 1, ROOST_MS(2), -EIO, &tally),
                                ROOST_CALL(take, 2, ROOST_MS(5), 1, &tally),
                                ROOST_CALL(take, 3, ROOST_MS(3), 2, &tally)};
    CHECK_EQ(3, roost_staggered_race(calls, 4, ROOST_MS(2), NULL));
    CHECK_EQ(ROOST_MS(2), tally.began[1]);
    CHECK_EQ(ROOST_MS(4), tally.began[2]);
    CHECK_EQ(ROOST_MS(4), tally.began[3]);
}

ROOST_TEST(without_an_end_of_the_stagger_only_failures_begin_the_next)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_MS(1), -EIO, &tally),
                                ROOST_CALL(take, 1, ROOST_MS(2), 2, &tally),
                                ROOST_CALL(take, 2, ROOST_MS(1), 3, &tally)};
    CHECK_EQ(1, roost_staggered_race(calls, 3, ROOST_FOREVER, NULL));
    CHECK_EQ(2, tally.begun);
    tally = (struct tally){0};
    CHECK_EQ(1, roost_staggered_race(calls, 2, 0, NULL));
    CHECK_EQ(2, tally.begun);
    CHECK_EQ(1, roost_staggered_race(calls, 2, -1, NULL));
}

ROOST_TEST(a_deadline_ends_the_wait_between_two_starts)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_SEC(60), 1, &tally),
                                ROOST_CALL(take, 1, 0, 2, &tally)};
    CHECK_EQ(ROOST_ETIMEDOUT,
             ROOST_WITHIN(ROOST_MS(1), roost_staggered_race(calls, 2, ROOST_SEC(60), NULL)));
    CHECK_EQ(1, tally.begun);
    CHECK_ALWAYS(tally.begun == tally.ended);
}

ROOST_ASYNC(race_without_room, int *, rc, struct tally *, tally)
{
    const roost_call calls[] = {ROOST_CALL(take, 0, ROOST_MS(1), -EIO, tally),
                                ROOST_CALL(take, 1, ROOST_MS(1), 2, tally),
                                ROOST_CALL(take, 2, ROOST_MS(1), 3, tally)};
    rc[0] = roost_race(calls + 1, 2, NULL);
    rc[1] = roost_race(calls, 2, NULL);
    return 0;
}

ROOST_TEST(a_call_without_room_for_its_task_has_failed, .plain = true)
{
    int rc[2] = {9, 9};
    struct tally tally = {0};
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.tasks_max = 2;
    CHECK_OK(roost_test_run(ROOST_CALL(race_without_room, rc, &tally), &opts));
    CHECK_EQ(0, rc[0]);
    CHECK_EQ(ROOST_ENOSTACK, rc[1]);
}

ROOST_TEST(outside_a_task_it_is_refused, .plain = true)
{
    const roost_call calls[] = {ROOST_CALL(cancel_self)};
    CHECK_EQ(ROOST_ENOCTX, roost_race(calls, 1, NULL));
    CHECK_EQ(ROOST_ENOCTX, roost_staggered_race(calls, 1, 1, NULL));
}
