/* tests/unit/sync/test_once.c - one call for everybody, and who makes it when it fails.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/once.h>

#include "kit/kit.h"

enum { CALLERS_MAX = 8 };

/* A once, and how often its call was made. */
struct shop {
    roost_once once;
    int made;
    int fails;     /* how many of the first calls fail */
    roost_dur dur; /* of a call */
    int results[CALLERS_MAX];
    int came; /* results, in order */
};

ROOST_ASYNC(open_shop, struct shop *, shop)
{
    int number = ++shop->made;
    ROOST_TRY(roost_sleep(shop->dur));
    return number <= shop->fails ? -EIO : number;
}

ROOST_ASYNC(visit, struct shop *, shop)
{
    int rc = roost_once_do(&shop->once, ROOST_CALL(open_shop, shop));
    shop->results[shop->came++ % CALLERS_MAX] = rc;
    return rc == -EIO ? 0 : rc;
}

static ROOST_SUSPENDS int visit_all(struct shop *shop, int count)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < count; i++)
            ROOST_GO(g, visit, shop);
    }
    return rc;
}

ROOST_TEST(the_first_makes_the_call_and_all_get_its_result)
{
    struct shop shop = {.dur = ROOST_MS(1)};
    CHECK(!roost_once_done(&shop.once));
    CHECK_EQ(0, visit_all(&shop, 5));
    CHECK_EQ(1, shop.made);
    CHECK_EQ(5, shop.came);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(1, shop.results[i]);
    CHECK(roost_once_done(&shop.once));
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(1), roost_now() - roost_test_start());
    uint64_t steps = roost_test_steps();
    CHECK_EQ(1, roost_once_do(&shop.once, ROOST_CALL(open_shop, &shop)));
    /* On a real clock a task that has run for long gives way. */
    if (roost_test_virtual())
        CHECK_EQ(steps, roost_test_steps());
}

ROOST_TEST(a_failed_call_is_made_anew_by_the_next_in_line)
{
    struct shop shop = {.dur = ROOST_MS(1), .fails = 2};
    CHECK_EQ(0, visit_all(&shop, 5));
    CHECK_EQ(3, shop.made);
    CHECK_EQ(5, shop.came);
    CHECK_EQ(-EIO, shop.results[0]);
    CHECK_EQ(-EIO, shop.results[1]);
    for (int i = 2; i < 5; i++)
        CHECK_EQ(3, shop.results[i]);
}

ROOST_TEST(a_failed_call_without_a_line_is_made_by_whoever_comes)
{
    struct shop shop = {.fails = 1};
    CHECK_EQ(-EIO, roost_once_do(&shop.once, ROOST_CALL(open_shop, &shop)));
    CHECK(!roost_once_done(&shop.once));
    CHECK_EQ(2, roost_once_do(&shop.once, ROOST_CALL(open_shop, &shop)));
    CHECK(roost_once_done(&shop.once));
}

ROOST_TEST(a_cancelled_maker_leaves_the_call_to_a_waiter, .fifo = true)
{
    struct shop shop = {.dur = ROOST_MS(20)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *maker = NULL;
        rc = ROOST_SPAWN(&maker, g, visit, &shop);
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, visit, &shop);
        if (rc == 0)
            rc = roost_test_settle();
        if (maker)
            roost_task_cancel(maker, "too slow");
        roost_task_drop(maker);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, shop.made);
    CHECK_EQ(ROOST_ECANCELED, shop.results[0]);
    for (int i = 1; i < 4; i++)
        CHECK_EQ(2, shop.results[i]);
}

ROOST_TEST(a_waiter_cancelled_after_its_turn_came_passes_it_on, .fifo = true)
{
    struct shop shop = {.dur = ROOST_MS(20)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *tasks[3] = {NULL};
        for (int i = 0; i < 3 && rc == 0; i++)
            rc = ROOST_SPAWN(&tasks[i], g, visit, &shop);
        if (rc == 0)
            rc = roost_test_settle();
        /* The first hands over when it runs; the second is cancelled before it can begin. */
        if (tasks[0])
            roost_task_cancel(tasks[0], "too slow");
        if (rc == 0)
            rc = roost_yield();
        if (tasks[1])
            roost_task_cancel(tasks[1], "too late");
        for (int i = 0; i < 3; i++)
            roost_task_drop(tasks[i]);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, shop.came);
    CHECK_EQ(ROOST_ECANCELED, shop.results[0]);
    CHECK_EQ(ROOST_ECANCELED, shop.results[1]);
    CHECK_EQ(3, shop.results[2]);
    CHECK_EQ(3, shop.made);
}

ROOST_TEST(a_cancelled_waiter_leaves_the_call_alone)
{
    struct shop shop = {.dur = ROOST_MS(5)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, visit, &shop);
        rc = roost_test_settle();
        if (rc == 0)
            CHECK_EQ(ROOST_ETIMEDOUT,
                     ROOST_WITHIN(0, roost_once_do(&shop.once, ROOST_CALL(open_shop, &shop))));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, shop.made);
    CHECK_EQ(1, shop.results[0]);
}

ROOST_TEST(a_waiter_with_a_deadline_leaves_the_line)
{
    if (!roost_test_virtual())
        kit_leave_out("the clock moves by itself");
    struct shop shop = {.dur = ROOST_MS(5)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, visit, &shop);
        rc = roost_test_settle();
        int late =
            ROOST_WITHIN(ROOST_MS(1), roost_once_do(&shop.once, ROOST_CALL(open_shop, &shop)));
        CHECK_EQ(ROOST_ETIMEDOUT, late);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, shop.made);
}

ROOST_ASYNC(call_itself, roost_once *, once, int *, inner)
{
    *inner = roost_once_do(once, ROOST_CALL(call_itself, once, inner));
    return 9;
}

ROOST_TEST(a_call_that_waits_for_itself_is_told_so)
{
    roost_once once = ROOST_ONCE_INIT;
    int inner = 1;
    CHECK_EQ(9, roost_once_do(&once, ROOST_CALL(call_itself, &once, &inner)));
    CHECK_EQ(ROOST_EDEADLK, inner);
    CHECK(roost_once_done(&once));
}

/* Two calls, each of which waits for the other. */
struct circle {
    roost_once once[2];
    int inner[2];
};

ROOST_ASYNC(call_the_other, struct circle *, circle, int, which)
{
    ROOST_TRY(roost_yield());
    int other = 1 - which;
    circle->inner[which] =
        roost_once_do(&circle->once[other], ROOST_CALL(call_the_other, circle, other));
    return 3 + which;
}

ROOST_ASYNC(call_one, struct circle *, circle, int, which)
{
    return roost_once_do(&circle->once[which], ROOST_CALL(call_the_other, circle, which));
}

ROOST_TEST(calls_that_wait_for_each_other_are_told_so)
{
    struct circle circle = {.inner = {1, 1}};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, call_one, &circle, 0);
        ROOST_GO(g, call_one, &circle, 1);
    }
    CHECK_EQ(0, rc);
    /* Whoever closed the circle was told; the other one then got its result. */
    int told = circle.inner[0] == ROOST_EDEADLK ? 0 : 1;
    CHECK_EQ(ROOST_EDEADLK, circle.inner[told]);
    CHECK_EQ(3 + told, circle.inner[1 - told]);
}

ROOST_ASYNC(call_in_a_child, roost_once *, once, int *, inner)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, call_itself, once, inner);
    return rc;
}

ROOST_TEST(a_call_whose_child_waits_for_it_is_told_so)
{
    roost_once once = ROOST_ONCE_INIT;
    int inner = 1;
    CHECK_EQ(0, roost_once_do(&once, ROOST_CALL(call_in_a_child, &once, &inner)));
    CHECK_EQ(ROOST_EDEADLK, inner);
}

/* Fails as a try does, which must not be taken for anything else. */
ROOST_ASYNC(fail_with, int *, made, int, code)
{
    ++*made;
    ROOST_TRY(roost_yield());
    return code;
}

ROOST_ASYNC(call_failing, roost_once *, once, int *, made, int, code, int *, seen)
{
    *seen = roost_once_do(once, ROOST_CALL(fail_with, made, code));
    return 0;
}

ROOST_TEST(every_caller_of_a_failing_call_makes_it_and_gets_its_code)
{
    static const int codes[] = {ROOST_EAGAIN, ROOST_ETIMEDOUT, ROOST_EDEADLK};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        roost_once once = ROOST_ONCE_INIT;
        int seen[3] = {1, 1, 1};
        int made = 0;
        int rc = 0;
        ROOST_GROUP(g, rc) {
            for (int k = 0; k < 3; k++)
                ROOST_GO(g, call_failing, &once, &made, codes[i], &seen[k]);
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(3, made);
        for (int k = 0; k < 3; k++)
            CHECK_EQ(codes[i], seen[k]);
        CHECK(!roost_once_done(&once));
    }
}

/* The once lies in this frame. */
ROOST_ASYNC(share_a_frame, int *, made)
{
    struct shop shop = {.dur = ROOST_MS(1)};
    int rc = visit_all(&shop, 3);
    *made = shop.made;
    return rc;
}

ROOST_TEST(a_once_may_go_when_its_callers_have)
{
    int made = 0;
    CHECK_OK(share_a_frame(&made));
    CHECK_EQ(1, made);
}

ROOST_TEST(outside_a_run_nothing_is_called, .plain = true, .no_torture = true)
{
    struct shop shop = {.fails = 0};
    CHECK_EQ(ROOST_ENOCTX, roost_once_do(&shop.once, ROOST_CALL(open_shop, &shop)));
    CHECK_EQ(0, shop.made);
}

ROOST_ASYNC(call_from_elsewhere, struct shop *, shop)
{
    CHECK_EQ(ROOST_EXLOOP, roost_once_do(&shop->once, ROOST_CALL(open_shop, shop)));
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    struct shop shop = {.fails = 0};
    CHECK_EQ(1, roost_once_do(&shop.once, ROOST_CALL(open_shop, &shop)));
    CHECK_OK(roost_on_loop(1, ROOST_CALL(call_from_elsewhere, &shop), NULL));
}
