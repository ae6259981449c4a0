/* examples/03_test.c - tests of async code: no waiting, no ports, repeatable by number.
 *
 * Each case is the main task of a run of its own, in simulation: its clock moves only when nothing
 * is ready, so ten seconds pass in microseconds. ./03_test --help lists what can be asked for.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

struct stock {
    int left;
    int refused;
};

/* What is tested: takes from the stock, after an answer from a slow server. */
ROOST_ASYNC(buy, struct stock *, stock, int, seconds)
{
    ROOST_TRY(roost_sleep(ROOST_SEC(seconds)));
    if (stock->left == 0) {
        stock->refused++;
        return 0;
    }
    stock->left--;
    return 0;
}

ROOST_TEST(a_slow_server_is_given_up)
{
    struct stock stock = {.left = 1};
    int rc = ROOST_WITHIN(ROOST_SEC(2), buy(&stock, 5));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(1, stock.left);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_SEC(2), roost_now() - roost_test_start());
}

ROOST_TEST(buyers_do_not_wait_for_each_other)
{
    struct stock stock = {.left = 60};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 100; i++)
            ROOST_GO(g, buy, &stock, 1);
        CHECK_OK(roost_test_settle()); /* all of them wait for the server now */
        CHECK_EQ(60, stock.left);
    }
    CHECK_OK(rc);
    CHECK_EQ(0, stock.left);
    CHECK_EQ(40, stock.refused);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_SEC(1), roost_now() - roost_test_start());
}

ROOST_TEST(buying_suspends_and_looking_does_not)
{
    struct stock stock = {.left = 1};
    ROOST_ASSERT_YIELDS
    {
        CHECK_OK(buy(&stock, 0));
    }
    ROOST_NO_YIELD
    {
        CHECK_EQ(0, stock.left);
    }
}
