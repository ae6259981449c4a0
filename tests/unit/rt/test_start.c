/* tests/unit/rt/test_start.c - starting a task that starts a task, and so on, and giving it all up.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

enum { DEPTH = 5000 };

ROOST_ASYNC(start_deeper, roost_group *, group, int, depth, int *, reached)
{
    if (depth == 0) {
        *reached = 1;
        return roost_sleep_forever();
    }
    return roost_group_start(group, ROOST_CALL(start_deeper, group, depth - 1, reached), NULL, NULL,
                             0);
}

/* Each cancelled starter cancels the task it waits for: that must not take stack for each. */
ROOST_TEST(a_long_chain_of_starters_is_given_up, .no_torture = true)
{
    int rc = 0;
    int reached = 0;
    ROOST_GROUP(g, rc) {
        roost_task *first = NULL;
        rc = ROOST_SPAWN(&first, g, start_deeper, g, DEPTH, &reached);
        CHECK_OK(rc);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, reached);
        roost_task_cancel(first, "the chain is given up");
        int result = 0;
        CHECK_OK(roost_join(first, &result));
        CHECK_EQ(ROOST_ECANCELED, result);
    }
    CHECK_EQ(0, rc);
}

ROOST_TEST(a_group_of_starters_is_given_up, .no_torture = true)
{
    int rc = 0;
    int reached = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, start_deeper, g, DEPTH, &reached);
        CHECK_OK(roost_test_settle());
        roost_group_cancel(g, "all of it");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, reached);
}
