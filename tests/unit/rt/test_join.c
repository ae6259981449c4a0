/* tests/unit/rt/test_join.c - two tasks that want one handle, and whose turn ends in between.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

/* What the tasks of a case share. */
struct handle {
    roost_task *task; /* NULL when it is joined, or gone with its group */
    bool asked;       /* the first is in its call */
    int joined[2];    /* what each of the two was told */
    int result[2];
};

/* Leaves the running task at the end of its turn, where its next call that charges gives way. */
static void turn_use_up(void)
{
    uint64_t steps = roost_test_steps();
    while (roost_test_steps() == steps && roost_checkpoint() == 0)
        continue;
    for (int i = 0; i < 127 && roost_checkpoint() == 0; i++)
        continue;
}

/* Returns in the turn that follows the question. */
ROOST_ASYNC(return_when_asked, const struct handle *, handle, int, result)
{
    while (!handle->asked)
        ROOST_TRY(roost_yield());
    return result;
}

ROOST_ASYNC(sleep_and_return, int, result)
{
    ROOST_TRY(roost_sleep(ROOST_MS(50)));
    return result;
}

ROOST_ASYNC(join_at_the_end_of_a_turn, struct handle *, handle)
{
    turn_use_up();
    handle->asked = true;
    if (!handle->task)
        return 0;
    handle->joined[0] = roost_join(handle->task, &handle->result[0]);
    if (handle->joined[0] == 0)
        handle->task = NULL;
    return 0;
}

ROOST_ASYNC(join_when_it_waits, struct handle *, handle)
{
    while (!handle->asked)
        ROOST_TRY(roost_yield());
    if (!handle->task)
        return 0;
    handle->joined[1] = roost_join(handle->task, &handle->result[1]);
    return 0;
}

static void check_first_wins(const struct handle *handle)
{
    CHECK_EQ(0, handle->joined[0]);
    CHECK_EQ(7, handle->result[0]);
    CHECK_EQ(ROOST_EBUSY, handle->joined[1]);
    CHECK_EQ(0, handle->result[1]);
}

ROOST_TEST(whoever_asks_first_joins_although_its_turn_ends, .fifo = true)
{
    struct handle handle = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&handle.task, g, sleep_and_return, 7);
        if (rc == 0) {
            ROOST_GO(g, join_at_the_end_of_a_turn, &handle);
            ROOST_GO(g, join_when_it_waits, &handle);
        }
    }
    CHECK_EQ(0, rc);
    check_first_wins(&handle);
}

/* Another group's task, which is gone when the one that asked for it first runs again. */
ROOST_ASYNC(own, struct handle *, handle, roost_group *, joiners)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&handle->task, g, return_when_asked, handle, 7);
        if (rc == 0)
            ROOST_GO(joiners, join_at_the_end_of_a_turn, handle);
    }
    handle->task = NULL;
    return rc;
}

ROOST_TEST(a_task_that_ends_in_that_turn_is_the_firsts_all_the_same, .fifo = true)
{
    struct handle handle = {0};
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, own, &handle, g);
    CHECK_EQ(0, rc);
    CHECK_EQ(0, handle.joined[0]);
    CHECK_EQ(7, handle.result[0]);
}

ROOST_TEST(joining_what_has_finished_still_ends_a_turn, .fifo = true)
{
    roost_task *task = NULL;
    int result = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&task, g, sleep_and_return, 7);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(2));
        turn_use_up();
        ROOST_ASSERT_YIELDS
        {
            CHECK_EQ(0, roost_join(task, &result));
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(7, result);
}

/* Its handle is asked for by two while both its group and the turn of the first end. */
ROOST_TEST(a_handle_taken_at_the_end_of_a_turn_is_not_joined_again, .fifo = true)
{
    struct handle handle = {0};
    int rc = 0;
    ROOST_GROUP(joiners, rc) {
        int inner = 0;
        ROOST_GROUP(g, inner) {
            inner = ROOST_SPAWN(&handle.task, g, sleep_and_return, 7);
            if (inner == 0)
                inner = roost_sleep(ROOST_MS(2));
            if (inner == 0) {
                ROOST_GO(joiners, join_at_the_end_of_a_turn, &handle);
                ROOST_GO(joiners, join_when_it_waits, &handle);
            }
            while (inner == 0 && !handle.asked)
                inner = roost_yield();
        }
        handle.task = NULL;
    }
    CHECK_EQ(0, rc);
    check_first_wins(&handle);
}

ROOST_ASYNC(join_cancelled, struct handle *, handle)
{
    handle->joined[0] = roost_join(handle->task, &handle->result[0]);
    return handle->joined[0];
}

ROOST_TEST(a_cancelled_task_joins_nothing_and_the_handle_stays)
{
    struct handle handle = {0};
    int result = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *joiner = NULL;
        rc = ROOST_SPAWN(&handle.task, g, sleep_and_return, 7);
        if (rc == 0)
            rc = ROOST_SPAWN(&joiner, g, join_cancelled, &handle);
        if (rc == 0) {
            roost_task_cancel(joiner, "before it runs");
            roost_task_drop(joiner);
            rc = roost_sleep(ROOST_MS(2));
        }
        if (rc == 0)
            rc = roost_join(handle.task, &result);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, handle.joined[0]);
    CHECK_EQ(7, result);
}
