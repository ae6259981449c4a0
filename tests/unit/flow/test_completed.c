/* tests/unit/flow/test_completed.c - calls as they end: leaving, failing, nesting.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

ROOST_ASYNC(take, roost_dur, dur, int, code, int *, ended)
{
    int rc = roost_sleep(dur);
    ++*ended;
    ROOST_TRY(rc);
    return code;
}

ROOST_TEST(no_calls_are_over_at_once)
{
    size_t index = 9;
    int result = 9;
    int rc = 0;
    int turns = 0;
    ROOST_AS_COMPLETED(index, result, NULL, 0, rc)
    turns++;
    CHECK_EQ(0, rc);
    CHECK_EQ(0, turns);
    CHECK_EQ(9, result);
}

ROOST_TEST(what_ends_while_the_body_waits_is_handed_out_afterwards)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(30), 1, &ended),
                                ROOST_CALL(take, ROOST_MS(10), 2, &ended),
                                ROOST_CALL(take, ROOST_MS(20), 3, &ended)};
    size_t index = 0;
    int result = 0;
    int rc = 0;
    int sum = 0;
    ROOST_AS_COMPLETED(index, result, calls, 3, rc)
    {
        sum = sum * 10 + result;
        rc = roost_sleep(ROOST_MS(50));
        if (rc < 0)
            break;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(231, sum);
}

ROOST_TEST(the_bodys_code_stays)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, 0, 1, &ended)};
    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, 1, rc)
    rc = 42;
    CHECK_EQ(42, rc);
}

ROOST_TEST(blocks_nest)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(1), 1, &ended),
                                ROOST_CALL(take, ROOST_MS(2), 2, &ended)};
    size_t outer = 0;
    size_t inner = 0;
    int result = 0;
    int other = 0;
    int rc = 0;
    int turns = 0;
    ROOST_AS_COMPLETED(outer, result, calls, 2, rc)
    {
        ROOST_AS_COMPLETED(inner, other, calls, 2, rc)
        turns++;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(4, turns);
    CHECK_EQ(6, ended);
}

ROOST_TEST(cancelled_before_nothing_begins)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, 0, 1, &ended)};
    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_group_cancel(g, "before");
        ROOST_AS_COMPLETED(index, result, calls, 1, rc)
        CHECK(false);
        CHECK_EQ(ROOST_ECANCELED, rc);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, ended);
}

ROOST_TEST(cancelled_in_the_body_the_rest_is_lost)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(1), 1, &ended),
                                ROOST_CALL(take, ROOST_SEC(60), 2, &ended)};
    size_t index = 0;
    int result = 0;
    int rc = 0;
    int turns = 0;
    ROOST_GROUP(g, rc) {
        ROOST_AS_COMPLETED(index, result, calls, 2, rc)
        {
            turns++;
            roost_group_cancel(g, "enough");
        }
        CHECK_EQ(ROOST_ECANCELED, rc);
        CHECK_EQ(2, ended);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, turns);
}

static int leave(const roost_call *calls, size_t n)
{
    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, n, rc)
    ROOST_TRY(result);
    return rc;
}

ROOST_TEST(a_try_in_the_body_cancels_the_rest)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, ROOST_SEC(60), 1, &ended),
                                ROOST_CALL(take, ROOST_MS(1), -EIO, &ended)};
    CHECK_EQ(-EIO, leave(calls, 2));
    CHECK_ALWAYS(ended == 2 || roost_test_tortured());
    CHECK(!roost_cancelled());
}

enum { MANY = 300 };

ROOST_TEST(many_calls)
{
    int ended = 0;
    roost_call calls[MANY];
    roost_call call = ROOST_CALL(take, 0, 1, &ended);
    bool seen[MANY] = {false};
    for (int i = 0; i < MANY; i++)
        calls[i] = call;
    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, MANY, rc)
    {
        CHECK(!seen[index]);
        seen[index] = true;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(MANY, ended);
    for (int i = 0; i < MANY; i++)
        CHECK(seen[i]);
}

ROOST_ASYNC(complete_without_room, int *, codes)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(1), 1, &ended),
                                ROOST_CALL(take, ROOST_MS(1), 2, &ended)};
    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, 2, rc)
    codes[index] = result;
    return rc;
}

ROOST_TEST(a_call_without_room_for_its_task_has_failed, .plain = true)
{
    int codes[2] = {0};
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.tasks_max = 2;
    CHECK_EQ(0, roost_test_run(ROOST_CALL(complete_without_room, codes), &opts));
    CHECK_EQ(1, codes[0]);
    CHECK_EQ(ROOST_ENOSTACK, codes[1]);
}

ROOST_TEST(outside_a_task_it_is_refused, .plain = true)
{
    int ended = 0;
    const roost_call calls[] = {ROOST_CALL(take, 0, 1, &ended)};
    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, 1, rc)
    CHECK(false);
    CHECK_EQ(ROOST_ENOCTX, rc);
}
