/* tests/unit/rt/test_call.c - kept calls: made once and again, under deadlines, and refused.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

struct tally {
    int made;
    int ended;
};

ROOST_ASYNC(work, struct tally *, tally, roost_dur, dur, int, code)
{
    tally->made++;
    int rc = roost_sleep(dur);
    tally->ended++;
    ROOST_TRY(rc);
    return code;
}

/* What it returns is there although its time is up. */
ROOST_ASYNC(work_shielded, struct tally *, tally, roost_dur, dur)
{
    int rc = 0;
    tally->made++;
    ROOST_CLEANUP(ROOST_FOREVER)
        rc = roost_sleep(dur);
    tally->ended++;
    ROOST_TRY(rc);
    return 5;
}

ROOST_ASYNC(nothing)
{
    return roost_checkpoint();
}

ROOST_TEST(a_kept_call_can_be_made_again)
{
    struct tally tally = {0};
    roost_call call = ROOST_CALL(work, &tally, 0, 7);
    ROOST_CALL_NAMED(named, work, &tally, 0, 8);
    ROOST_CALL_NAMED(bare, nothing);
    CHECK_EQ(7, roost_await(call));
    CHECK_EQ(7, roost_await(call));
    CHECK_EQ(8, roost_await(named));
    CHECK_EQ(8, roost_wait_for(named, ROOST_FOREVER));
    CHECK_EQ(0, roost_await(bare));
    CHECK_EQ(4, tally.made);
}

ROOST_TEST(its_failure_passes)
{
    struct tally tally = {0};
    CHECK_EQ(-EIO, roost_await(ROOST_CALL(work, &tally, 0, -EIO)));
    CHECK_EQ(-EIO, roost_wait_for(ROOST_CALL(work, &tally, 0, -EIO), ROOST_SEC(1)));
}

ROOST_TEST(the_deadline_ends_it)
{
    struct tally tally = {0};
    roost_call call = ROOST_CALL(work, &tally, ROOST_SEC(60), 7);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_wait_for(call, ROOST_MS(20)));
    CHECK_EQ(1, tally.ended);
    CHECK(!roost_cancelled());
}

ROOST_TEST(without_time_it_is_not_begun)
{
    struct tally tally = {0};
    roost_call call = ROOST_CALL(work, &tally, 0, 7);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_wait_for(call, 0));
    CHECK_EQ(ROOST_ETIMEDOUT, roost_wait_for(call, -1));
    CHECK_EQ(ROOST_ETIMEDOUT, roost_wait_for(call, INT64_MIN));
    int rc = 0;
    ROOST_CLEANUP(ROOST_SEC(1))
        rc = roost_wait_for(call, 0);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(0, tally.made);
}

ROOST_TEST(a_result_that_comes_too_late_is_a_result)
{
    struct tally tally = {0};
    roost_call call = ROOST_CALL(work_shielded, &tally, ROOST_MS(40));
    CHECK_EQ(5, roost_wait_for(call, ROOST_MS(20)));
    CHECK(!roost_cancelled());
}

ROOST_TEST(a_cancelled_task_makes_no_call_under_a_deadline)
{
    struct tally tally = {0};
    int rc = 0;
    roost_call call = ROOST_CALL(work, &tally, 0, 7);
    ROOST_MOVE_ON(rc, 0) {
        CHECK_EQ(ROOST_ECANCELED, roost_wait_for(call, ROOST_SEC(1)));
        CHECK_EQ(0, tally.made);
        CHECK_EQ(ROOST_ECANCELED, roost_await(call));
        CHECK_EQ(1, tally.made);
    }
    CHECK_EQ(0, rc);
}

ROOST_TEST(outside_a_task_it_is_refused, .plain = true)
{
    struct tally tally = {0};
    roost_call call = ROOST_CALL(work, &tally, 0, 7);
    CHECK_EQ(ROOST_ENOCTX, roost_await(call));
    CHECK_EQ(ROOST_ENOCTX, roost_wait_for(call, ROOST_SEC(1)));
    CHECK_EQ(0, tally.made);
}
