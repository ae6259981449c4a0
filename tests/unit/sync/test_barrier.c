/* tests/unit/sync/test_barrier.c - parties that gather, go, and hold newcomers back.
 *
 * Registered per ROOST_TEST_BACKENDS. A torture that cancels one of a party leaves the others
 * waiting, so most cases may stall under it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>

#include "behaviour/marks.h"
#include "kit/kit.h"

static int settled(int rc)
{
    return rc == 0 ? roost_test_settle() : rc;
}

static roost_barrier_stats stats_of(const roost_barrier *barrier)
{
    roost_barrier_stats stats;
    roost_barrier_stats_get(barrier, &stats);
    return stats;
}

ROOST_ASYNC(pass, roost_barrier *, barrier, int *, ret_index)
{
    *ret_index = roost_barrier_wait(barrier);
    return *ret_index >= 0 || *ret_index == ROOST_EBROKEN ? 0 : *ret_index;
}

static int start_in_order(roost_group *g, roost_barrier *barrier, int count, int *index)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        ROOST_GO(g, pass, barrier, &index[i]);
        rc = roost_test_settle();
    }
    return rc;
}

/* -- gathering --------------------------------------------------------------------------------- */

ROOST_TEST(a_party_has_one_at_least)
{
    roost_barrier barrier;
    memset(&barrier, 0x5a, sizeof barrier);
    CHECK_EQ(ROOST_EINVAL, roost_barrier_init(&barrier, 0));
    CHECK_EQ(ROOST_EINVAL, roost_barrier_init(&barrier, UINT32_MAX));
    CHECK_EQ(ROOST_EINVAL, roost_barrier_init(&barrier, (uint32_t)INT32_MAX + 1));
    CHECK_EQ(0, roost_barrier_init(&barrier, INT32_MAX));
    CHECK_EQ(INT32_MAX, stats_of(&barrier).parties);
}

ROOST_TEST(a_party_of_one_goes_at_once)
{
    roost_barrier barrier;
    CHECK_OK(roost_barrier_init(&barrier, 1));
    for (int i = 0; i < 3; i++)
        ROOST_NO_YIELD
        {
            CHECK_EQ(0, roost_barrier_wait(&barrier));
        }
    CHECK_EQ(0, stats_of(&barrier).waiting);
    CHECK_EQ(0, stats_of(&barrier).leaving);
}

ROOST_TEST(indices_follow_the_order_of_arrival, .stalls = true)
{
    enum { COUNT = 4 };
    roost_barrier barrier;
    int index[COUNT];
    CHECK_OK(roost_barrier_init(&barrier, COUNT));
    for (int round = 0; round < 3; round++) {
        int rc = 0;
        ROOST_GROUP(g, rc) {
            rc = start_in_order(g, &barrier, COUNT - 1, index);
            CHECK_EQ(COUNT - 1, stats_of(&barrier).waiting);
            CHECK_EQ(0, stats_of(&barrier).leaving);
            rc = rc == 0 ? roost_barrier_wait(&barrier) : rc;
            CHECK_EQ(COUNT - 1, rc);
            CHECK_EQ(0, stats_of(&barrier).waiting);
            CHECK_EQ(COUNT - 1, stats_of(&barrier).leaving);
        }
        CHECK_EQ(COUNT - 1, rc);
        CHECK_EQ(0, stats_of(&barrier).leaving);
        for (int i = 0; i < COUNT - 1; i++)
            CHECK_EQ(i, index[i]);
    }
}

ROOST_ASYNC(pass_often, roost_barrier *, barrier, int *, laps, int, own, int, count)
{
    for (int lap = 0; lap < 10; lap++) {
        ROOST_TRY(roost_barrier_wait(barrier));
        laps[own]++;
        for (int i = 0; i < count; i++)
            CHECK(laps[i] - laps[own] <= 1 && laps[own] - laps[i] <= 1);
    }
    return 0;
}

ROOST_TEST(nobody_is_a_lap_ahead, .stalls = true)
{
    enum { COUNT = 5 };
    roost_barrier barrier;
    int laps[COUNT] = {0};
    CHECK_OK(roost_barrier_init(&barrier, COUNT));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < COUNT; i++)
            ROOST_GO(g, pass_often, &barrier, laps, i, COUNT);
    }
    CHECK_EQ(0, rc);
}

/* -- newcomers --------------------------------------------------------------------------------- */

/* Lets a party of two go, of which one has not run yet, and brings `count` newcomers before it
 * does. Ready tasks must run in their order. */
static int hold_back(roost_group *g, roost_barrier *barrier, int *index, int count)
{
    int rc = start_in_order(g, barrier, 1, index);
    if (rc < 0)
        return rc;
    for (int i = 1; i <= count; i++)
        ROOST_GO(g, pass, barrier, &index[i]);
    rc = roost_barrier_wait(barrier);
    return rc < 0 ? rc : 0;
}

/* Cancels one of the newcomers, when they have come and the party has not left. */
ROOST_ASYNC(look_and_cancel, roost_barrier *, barrier, roost_task *, newcomer,
            roost_barrier_stats *, stats)
{
    *stats = stats_of(barrier);
    cancel_task(newcomer);
    return 0;
}

ROOST_TEST(newcomers_make_a_party_of_their_own, .fifo = true, .stalls = true)
{
    roost_barrier barrier;
    int index[5] = {9, 9, 9, 9, 9};
    CHECK_OK(roost_barrier_init(&barrier, 2));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = hold_back(g, &barrier, index, 4);
        CHECK_EQ(1, stats_of(&barrier).leaving);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, stats_of(&barrier).leaving);
    CHECK_EQ(0, stats_of(&barrier).held);
    for (int i = 1; i < 5; i++)
        CHECK_EQ((i + 1) % 2, index[i]);
}

ROOST_TEST(newcomers_are_counted_and_may_give_up, .fifo = true, .stalls = true)
{
    roost_barrier barrier;
    roost_barrier_stats stats = {0};
    int index[3] = {9, 9, 9};
    int gone = 9;
    int last = 9;
    CHECK_OK(roost_barrier_init(&barrier, 2));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *newcomer = NULL;
        rc = start_in_order(g, &barrier, 1, index);
        if (rc == 0)
            rc = ROOST_SPAWN(&newcomer, g, pass, &barrier, &gone);
        ROOST_GO(g, pass, &barrier, &index[1]);
        ROOST_GO(g, look_and_cancel, &barrier, newcomer, &stats);
        /* They run in this order, before the one that is let through here. */
        rc = rc == 0 ? roost_barrier_wait(&barrier) : rc;
        rc = settled(rc == 1 ? 0 : rc);
        CHECK_EQ(1, stats.leaving);
        CHECK_EQ(2, stats.held);
        CHECK_EQ(0, stats.waiting);
        CHECK_EQ(1, stats_of(&barrier).waiting);
        if (rc == 0)
            last = roost_barrier_wait(&barrier);
        else
            roost_barrier_abort(&barrier);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, index[0]);
    CHECK_EQ(ROOST_ECANCELED, gone);
    CHECK_EQ(0, index[1]);
    CHECK_EQ(1, last);
}

ROOST_ASYNC(abort_it, roost_barrier *, barrier, bool, resets)
{
    return resets ? roost_barrier_reset(barrier) : roost_barrier_abort(barrier);
}

ROOST_TEST(abort_reaches_newcomers_and_not_who_was_let_through, .fifo = true, .stalls = true)
{
    roost_barrier barrier;
    int index[3] = {9, 9, 9};
    CHECK_OK(roost_barrier_init(&barrier, 2));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_in_order(g, &barrier, 1, index);
        ROOST_GO(g, pass, &barrier, &index[1]);
        ROOST_GO(g, abort_it, &barrier, false);
        if (rc == 0)
            CHECK_EQ(1, roost_barrier_wait(&barrier));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, index[0]);
    CHECK_EQ(ROOST_EBROKEN, index[1]);
    CHECK(stats_of(&barrier).broken);
}

ROOST_TEST(reset_keeps_newcomers_for_the_party_that_begins, .fifo = true, .stalls = true)
{
    roost_barrier barrier;
    int index[3] = {9, 9, 9};
    CHECK_OK(roost_barrier_init(&barrier, 2));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_in_order(g, &barrier, 1, index);
        ROOST_GO(g, pass, &barrier, &index[1]);
        ROOST_GO(g, abort_it, &barrier, true);
        if (rc == 0)
            CHECK_EQ(1, roost_barrier_wait(&barrier));
        rc = settled(rc);
        CHECK_EQ(1, stats_of(&barrier).waiting);
        if (rc == 0)
            CHECK_EQ(1, roost_barrier_wait(&barrier));
        else
            roost_barrier_abort(&barrier);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, index[0]);
    CHECK_EQ(0, index[1]);
}

/* -- giving up, breaking ----------------------------------------------------------------------- */

ROOST_TEST(a_deadline_takes_one_out_and_the_rest_wait_on, .stalls = true)
{
    roost_barrier barrier;
    int index[2] = {9, 9};
    CHECK_OK(roost_barrier_init(&barrier, 3));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_in_order(g, &barrier, 2, index);
        roost_barrier other;
        CHECK_OK(roost_barrier_init(&other, 2));
        CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_barrier_wait(&other)));
        CHECK_EQ(0, stats_of(&other).waiting);
        CHECK_EQ(2, stats_of(&barrier).waiting);
        rc = rc == 0 ? roost_barrier_wait(&barrier) : rc;
    }
    CHECK_EQ(2, rc);
    CHECK_EQ(1, index[1]);
}

ROOST_TEST(who_was_let_through_and_is_cancelled_keeps_its_index, .stalls = true)
{
    roost_barrier barrier;
    int index = 9;
    CHECK_OK(roost_barrier_init(&barrier, 2));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *first = NULL;
        rc = ROOST_SPAWN(&first, g, pass, &barrier, &index);
        rc = settled(rc);
        rc = rc == 0 ? roost_barrier_wait(&barrier) : rc;
        cancel_task(first);
    }
    CHECK_EQ(1, rc);
    CHECK_EQ(0, index);
    CHECK_EQ(0, stats_of(&barrier).leaving);
}

ROOST_TEST(a_cancelled_group_empties_the_barrier)
{
    roost_barrier barrier;
    int index[3] = {9, 9, 9};
    CHECK_OK(roost_barrier_init(&barrier, 4));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_in_order(g, &barrier, 3, index);
        roost_group_cancel(g, "no fourth will come");
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ROOST_ECANCELED, index[i]);
    CHECK_ALWAYS(stats_of(&barrier).waiting == 0);
}

ROOST_TEST(a_broken_barrier_stays_broken_until_it_is_reset)
{
    roost_barrier barrier;
    CHECK_OK(roost_barrier_init(&barrier, 1));
    CHECK_EQ(0, roost_barrier_reset(&barrier));
    CHECK_EQ(0, roost_barrier_abort(&barrier));
    CHECK_EQ(0, roost_barrier_abort(&barrier));
    CHECK(stats_of(&barrier).broken);
    CHECK_EQ(ROOST_EBROKEN, roost_barrier_wait(&barrier));
    CHECK_EQ(0, roost_barrier_reset(&barrier));
    CHECK(!stats_of(&barrier).broken);
    CHECK_EQ(0, roost_barrier_wait(&barrier));
}

/* -- where it may be used ---------------------------------------------------------------------- */

ROOST_TEST(outside_a_loop_nothing_happens, .plain = true, .no_torture = true)
{
    roost_barrier barrier;
    CHECK_OK(roost_barrier_init(&barrier, 1));
    CHECK_EQ(ROOST_ENOCTX, roost_barrier_wait(&barrier));
    CHECK_EQ(ROOST_ENOCTX, roost_barrier_reset(&barrier));
    CHECK_EQ(ROOST_ENOCTX, roost_barrier_abort(&barrier));
    CHECK(!stats_of(&barrier).broken);
}

ROOST_ASYNC(use_far, roost_barrier *, barrier)
{
    CHECK_EQ(ROOST_EXLOOP, roost_barrier_wait(barrier));
    CHECK_EQ(ROOST_EXLOOP, roost_barrier_reset(barrier));
    CHECK_EQ(ROOST_EXLOOP, roost_barrier_abort(barrier));
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_barrier barrier;
    CHECK_OK(roost_barrier_init(&barrier, 1));
    CHECK_EQ(0, roost_barrier_wait(&barrier));
    CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(use_far, &barrier), NULL));
    CHECK(!stats_of(&barrier).broken);
}
