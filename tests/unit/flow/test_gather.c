/* tests/unit/flow/test_gather.c - gathering calls: limits, refusals, what is left in the codes.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/testing.h>

/* What the calls of a case leave behind for its checks. */
struct tally {
    int begun;
    int ended;
    int busy;
    int busy_max;
};

ROOST_ASYNC(take, roost_dur, dur, int, code, struct tally *, tally)
{
    tally->begun++;
    if (++tally->busy > tally->busy_max)
        tally->busy_max = tally->busy;
    int rc = roost_sleep(dur);
    tally->busy--;
    tally->ended++;
    ROOST_TRY(rc);
    return code;
}

ROOST_ASYNC(answer, int, code)
{
    return code;
}

ROOST_ASYNC(name_of_self, char *, name)
{
    ROOST_TRY(roost_yield());
    strncpy(name, roost_task_name(roost_task_self()), 31);
    return 0;
}

ROOST_TEST(nothing_to_gather_is_a_schedule_point)
{
    ROOST_ASSERT_YIELDS
    {
        CHECK_EQ(0, roost_gather(NULL, 0, NULL, NULL));
    }
}

ROOST_TEST(codes_need_not_be_wanted)
{
    CHECK_EQ(0, ROOST_GATHER(NULL, ROOST_CALL(answer, 1), ROOST_CALL(answer, 2)));
    CHECK_EQ(-EIO, ROOST_GATHER(NULL, ROOST_CALL(answer, 1), ROOST_CALL(answer, -EIO)));
}

ROOST_TEST(one_call_may_stand_in_several_places)
{
    roost_call call = ROOST_CALL(answer, 5);
    const roost_call calls[] = {call, call, call};
    int codes[3] = {0};
    CHECK_EQ(0, roost_gather(calls, 3, codes, NULL));
    CHECK_EQ(15, codes[0] + codes[1] + codes[2]);
}

ROOST_TEST(the_limit_holds_at_its_edges)
{
    for (uint32_t limit = 1; limit <= 5; limit++) {
        struct tally tally = {0};
        roost_call call = ROOST_CALL(take, ROOST_MS(1), 1, &tally);
        const roost_call calls[] = {call, call, call, call};
        int codes[4] = {0};
        CHECK_EQ(0, roost_gather(calls, 4, codes, &(roost_gather_opts){.limit = limit}));
        CHECK_EQ(limit < 4 ? (int)limit : 4, tally.busy_max);
        CHECK_EQ(4, codes[0] + codes[1] + codes[2] + codes[3]);
    }
}

ROOST_TEST(a_failure_keeps_the_calls_behind_the_limit_from_beginning)
{
    struct tally tally = {0};
    const roost_call calls[] = {
        ROOST_CALL(take, ROOST_MS(1), -EIO, &tally), ROOST_CALL(take, ROOST_SEC(60), 1, &tally),
        ROOST_CALL(take, ROOST_MS(1), 1, &tally), ROOST_CALL(take, ROOST_MS(1), 1, &tally)};
    int codes[4] = {1, 1, 1, 1};
    CHECK_EQ(-EIO, roost_gather(calls, 4, codes, &(roost_gather_opts){.limit = 2}));
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(2, tally.begun);
    CHECK_EQ(-EIO, codes[0]);
    for (int i = 1; i < 4; i++)
        CHECK_EQ(ROOST_ECANCELED, codes[i]);
}

/* More calls than are begun in one turn. */
enum { MANY = 200 };

ROOST_TEST(many_calls_let_the_others_run_while_they_begin, .fifo = true)
{
    struct tally tally = {0};
    roost_call calls[MANY];
    static int codes[MANY];
    roost_call quick = ROOST_CALL(answer, 1);
    roost_call fails = ROOST_CALL(answer, -EIO);
    roost_call slow = ROOST_CALL(take, ROOST_SEC(60), 1, &tally);
    for (int i = 0; i < MANY; i++)
        calls[i] = i == 10 ? fails : i < 20 ? quick : slow;
    CHECK_EQ(-EIO, roost_gather(calls, MANY, codes, NULL));
    CHECK(tally.begun < MANY / 2);
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(1, codes[9]);
    CHECK_EQ(-EIO, codes[10]);
    CHECK_EQ(ROOST_ECANCELED, codes[MANY - 1]);
}

/* A call that was cancelled by somebody else is not done. */
ROOST_ASYNC(cancel_self)
{
    roost_task_cancel(roost_task_self(), "on its own account");
    return roost_yield();
}

ROOST_TEST(a_call_that_ends_cancelled_is_not_done)
{
    struct tally tally = {0};
    int codes[2] = {0};
    CHECK_EQ(ROOST_ECANCELED, ROOST_GATHER(codes, ROOST_CALL(take, ROOST_SEC(60), 1, &tally),
                                           ROOST_CALL(cancel_self)));
    CHECK_EQ(ROOST_ECANCELED, codes[0]);
    CHECK_EQ(ROOST_ECANCELED, codes[1]);
    CHECK(!roost_cancelled());

    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(1), 1, &tally), ROOST_CALL(cancel_self)};
    CHECK_EQ(0, roost_gather(calls, 2, codes, &(roost_gather_opts){.policy = ROOST_COLLECT}));
    CHECK_EQ(1, codes[0]);
    CHECK_EQ(ROOST_ECANCELED, codes[1]);
}

ROOST_TEST(a_cancelled_task_begins_nothing)
{
    struct tally tally = {0};
    int codes[2] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_group_cancel(g, "before");
        rc = ROOST_GATHER(codes, ROOST_CALL(take, 0, 1, &tally), ROOST_CALL(take, 0, 2, &tally));
        CHECK_EQ(ROOST_ECANCELED, rc);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, tally.begun);
    CHECK_EQ(ROOST_ECANCELED, codes[0]);
    CHECK_EQ(ROOST_ECANCELED, codes[1]);
}

ROOST_TEST(a_task_goes_by_the_name_of_its_call)
{
    char name[32] = "";
    CHECK_EQ(0, ROOST_GATHER(NULL, ROOST_CALL(name_of_self, name)));
    CHECK_STR("name_of_self", name);
}

ROOST_ASYNC(fetch_failing)
{
    ROOST_TRY(roost_error_note(-EIO, "read the %s", "index"));
    return 0;
}

ROOST_TEST(the_trail_of_a_failure_comes_along)
{
    roost_error error = {0};
    CHECK_EQ(-EIO, ROOST_GATHER(NULL, ROOST_CALL(fetch_failing)));
    CHECK_OK(roost_error_last(&error));
    CHECK_EQ(-EIO, error.code);
    CHECK_STR("read the index", error.steps[0].note);

    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    const roost_call calls[] = {ROOST_CALL(fetch_failing), ROOST_CALL(fetch_failing)};
    CHECK_EQ(0, roost_gather(calls, 2, NULL,
                             &(roost_gather_opts){.policy = ROOST_COLLECT, .errors = &errors}));
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK(roost_errors_at(&errors, 1) != NULL);
    if (roost_errors_at(&errors, 1))
        CHECK_STR("fetch_failing", roost_errors_at(&errors, 1)->task_name);
}

ROOST_ASYNC(gather_more_than_there_are_stacks, int *, rc, int *, codes)
{
    static struct tally tally;
    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(1), 1, &tally),
                                ROOST_CALL(take, ROOST_MS(1), 2, &tally),
                                ROOST_CALL(take, ROOST_MS(1), 3, &tally)};
    rc[0] = roost_gather(calls, 3, codes, NULL);
    rc[1] = roost_gather(calls, 3, codes + 3, &(roost_gather_opts){.policy = ROOST_COLLECT});
    return 0;
}

ROOST_TEST(a_call_without_room_for_its_task_has_failed, .plain = true)
{
    int rc[2] = {0};
    int codes[6] = {0};
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.tasks_max = 3;
    CHECK_OK(roost_test_run(ROOST_CALL(gather_more_than_there_are_stacks, rc, codes), &opts));
    CHECK_EQ(ROOST_ENOSTACK, rc[0]);
    CHECK_EQ(ROOST_ECANCELED, codes[0]);
    CHECK_EQ(ROOST_ECANCELED, codes[1]);
    CHECK_EQ(ROOST_ENOSTACK, codes[2]);
    CHECK_EQ(0, rc[1]);
    CHECK_EQ(1, codes[3]);
    CHECK_EQ(2, codes[4]);
    CHECK_EQ(ROOST_ENOSTACK, codes[5]);
}

ROOST_TEST(outside_a_task_nothing_is_touched, .plain = true)
{
    int codes[1] = {17};
    CHECK_EQ(ROOST_ENOCTX, ROOST_GATHER(codes, ROOST_CALL(answer, 1)));
    CHECK_EQ(17, codes[0]);
}

ROOST_TEST(partition_keeps_the_order_on_both_sides)
{
    const int codes[] = {-1, 0, ROOST_ECANCELED, 3, 4, -EIO};
    size_t indices[6] = {9, 9, 9, 9, 9, 9};
    CHECK_EQ(3, roost_results_partition(codes, 6, indices));
    const size_t want[] = {1, 3, 4, 0, 2, 5};
    for (int i = 0; i < 6; i++)
        CHECK_EQ(want[i], indices[i]);
    CHECK_EQ(0, roost_results_partition(codes, 0, indices));
    CHECK_EQ(1, indices[0]);
}
