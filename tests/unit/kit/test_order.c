/* tests/unit/kit/test_order.c - settling, sequences, runs of plain cases.
 *
 * On every one of ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"

#include "kit/behaviour.h"

/* -- settling ---------------------------------------------------------------------------------- */

ROOST_ASYNC(yields, int *, left)
{
    while (*left > 0) {
        --*left;
        ROOST_TRY(roost_yield());
    }
    return 0;
}

ROOST_ASYNC(sleeps, roost_dur, span, int *, woken)
{
    ROOST_TRY(roost_sleep(span));
    ++*woken;
    return 0;
}

ROOST_TEST(settle_waits_for_whoever_is_ready)
{
    int rc = 0;
    int left[3] = {1, 10, 200};
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, yields, &left[i]);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, left[0] + left[1] + left[2]);
    }
    CHECK_OK(rc);
}

ROOST_TEST(settle_does_not_move_the_clock, .needs = "sim")
{
    int rc = 0;
    int woken = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, sleeps, 1, &woken);
        roost_time before = roost_now();
        for (int i = 0; i < 100; i++)
            CHECK_OK(roost_test_settle());
        CHECK_EQ(before, roost_now());
        CHECK_EQ(0, woken);
        CHECK_OK(roost_sleep(1));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, woken);
        CHECK_EQ(before + 1, roost_now());
    }
    CHECK_OK(rc);
}

ROOST_ASYNC(settles, int *, settled)
{
    ROOST_TRY(roost_test_settle());
    ++*settled;
    return 0;
}

ROOST_TEST(two_that_settle_do_not_wait_for_each_other)
{
    int rc = 0;
    int settled = 0;
    int left = 50;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, settles, &settled);
        ROOST_GO(g, settles, &settled);
        ROOST_GO(g, yields, &left);
    }
    CHECK_OK(rc);
    CHECK_EQ(2, settled);
    CHECK_EQ(0, left);
}

ROOST_TEST(settle_is_a_point_of_cancellation)
{
    int rc = 0;
    int settled = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, settles, &settled);
        roost_group_cancel(g, "test");
    }
    CHECK_OK(rc);
    CHECK_EQ(0, settled);
    CHECK(roosti_loop_here->probe == NULL || roost_test_virtual() || roost_test_tortured());
}

ROOST_TEST(outside_a_task_nothing_settles, .plain = true)
{
    roost_sequencer seq = ROOST_SEQUENCER_INIT;
    CHECK_EQ(ROOST_ENOCTX, roost_test_settle());
    CHECK_EQ(ROOST_ENOCTX, ROOST_SEQ(&seq, 0));
}

/* -- sequences --------------------------------------------------------------------------------- */

ROOST_ASYNC(steps, roost_sequencer *, seq, int, first, int, stride, char **, at)
{
    for (int n = first; n < 12; n += stride) {
        ROOST_TRY(ROOST_SEQ(seq, n));
        *(*at)++ = (char)('a' + n);
    }
    return 0;
}

/* A step that is cancelled never passes, and the others wait for it: that is what they ask for. */
ROOST_TEST(a_sequence_puts_steps_of_tasks_into_order, .stalls = true)
{
    int rc = 0;
    char text[16] = "";
    char *at = text;
    roost_sequencer seq = ROOST_SEQUENCER_INIT;
    ROOST_GROUP(g, rc) {
        for (int first = 2; first >= 0; first--)
            ROOST_GO(g, steps, &seq, first, 3, &at);
    }
    CHECK_OK(rc);
    CHECK_STR("abcdefghijkl", text);
    CHECK_EQ(ROOST_EREUSED, ROOST_SEQ(&seq, 11));
    CHECK_EQ(ROOST_EREUSED, ROOST_SEQ(&seq, 0));
}

ROOST_TEST(a_cancelled_step_has_not_passed)
{
    int rc = 0;
    char text[16] = "";
    char *at = text;
    roost_sequencer seq = ROOST_SEQUENCER_INIT;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, steps, &seq, 1, 100, &at);
        CHECK_OK(roost_test_settle());
        roost_group_cancel(g, "test");
    }
    CHECK_OK(rc);
    CHECK_STR("", text);
    CHECK_OK(ROOST_SEQ(&seq, 0));
    CHECK_OK(ROOST_SEQ(&seq, 1));
}

/* -- suspending or not ------------------------------------------------------------------------- */

ROOST_TEST(blocks_know_whether_they_suspend)
{
    ROOST_ASSERT_YIELDS
    {
        CHECK_OK(roost_yield());
    }
    ROOST_ASSERT_YIELDS
    {
        CHECK_OK(roost_sleep(ROOST_US(10)));
    }
    ROOST_NO_YIELD
    {
        CHECK_OK(roost_checkpoint());
    }
}

ROOST_TEST(blocks_know_it_without_debugging_too, .debug = -1)
{
    for (int i = 0; i < 200; i++) {
        ROOST_ASSERT_YIELDS
        {
            CHECK_OK(roost_yield());
        }
        ROOST_NO_YIELD
        {
            CHECK(roost_now() != 0);
        }
    }
}

/* -- runs of plain cases ----------------------------------------------------------------------- */

ROOST_ASYNC(answer, int, number)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return number;
}

ROOST_TEST(a_plain_case_makes_its_own_runs, .plain = true)
{
    CHECK_EQ(5, roost_test_run(ROOST_CALL(answer, 5), NULL));
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    CHECK_STR(roost_test_backend(), opts.backend);
    CHECK_EQ(roost_test_seed(), opts.seed);
    CHECK_EQ(6, roost_test_run(ROOST_CALL(answer, 6), &opts));
    CHECK_EQ(ROOST_ECANCELED, roost_test_run(ROOST_CALL(answer, ROOST_ECANCELED), NULL));
}

ROOST_TEST(time_is_virtual_in_simulation, .needs = "sim")
{
    CHECK(roost_test_virtual());
    CHECK_OK(roost_sleep(ROOST_SEC(3600)));
    CHECK_EQ(ROOST_SEC(3600), roost_now() - roost_test_start());
}
