/* tests/unit/offload/test_lockstep.c - threads of a simulated run take turns with the loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include <time.h>

#include <roost/testing.h>

#include "kit/kit.h"

/* On a thread: takes real time, and touches what tasks touch, without a lock. */
ROOST_ASYNC(count_slowly, long *, count)
{
    for (int i = 0; i < 100; i++) {
        long seen = *count;
        if (i % 50 == 0)
            nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        *count = seen + 1;
    }
    return 0;
}

ROOST_ASYNC(count_on_thread, long *, count)
{
    return roost_to_thread(ROOST_CALL(count_slowly, count));
}

ROOST_ASYNC(count_here, long *, count)
{
    for (int i = 0; i < 100; i++) {
        ++*count;
        ROOST_TRY(roost_yield());
    }
    return 0;
}

ROOST_TEST(one_runs_at_a_time_and_no_virtual_time_passes, .needs = "sim")
{
    long count = 0;
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 4; i++) {
            ROOST_GO(g, count_on_thread, &count);
            ROOST_GO(g, count_here, &count);
        }
    CHECK_OK(rc);
    CHECK_EQ(800, count);
    CHECK_EQ(roost_test_start(), roost_now());
}

/* -- the seed decides ---------------------------------------------------------------------------*/

ROOST_ASYNC(note, int, number, uint64_t *, order)
{
    *order = *order * 10 + (uint64_t)number;
    return 0;
}

ROOST_ASYNC(note_on_thread, int, number, uint64_t *, order)
{
    return roost_to_thread(ROOST_CALL(note, number, order));
}

ROOST_ASYNC(note_after_a_turn, int, number, uint64_t *, order)
{
    ROOST_TRY(roost_yield());
    return note(number, order);
}

ROOST_ASYNC(race, uint64_t *, order)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 1; i <= 3; i++) {
            ROOST_GO(g, note_on_thread, i, order);
            ROOST_GO(g, note_after_a_turn, i + 3, order);
        }
    return rc;
}

static uint64_t order_of(uint64_t seed)
{
    uint64_t order = 0;
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.seed = seed;
    CHECK_OK(roost_run(ROOST_CALL(race, &order), &opts));
    return order;
}

ROOST_TEST(a_seed_repeats_the_order_and_seeds_differ, .needs = "sim", .plain = true)
{
    int differing = 0;
    uint64_t first = order_of(1);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        uint64_t order = order_of(seed);
        CHECK_EQ(order, order_of(seed));
        differing += order != first;
    }
    CHECK(differing > 0);
}

/* -- deadlocks are seen -------------------------------------------------------------------------*/

ROOST_ASYNC(wait_for_ever)
{
    return roost_sleep_forever();
}

ROOST_ASYNC(ask_for_ever)
{
    return roost_from_thread_call(ROOST_CALL(wait_for_ever), NULL);
}

ROOST_ASYNC(lock_up)
{
    return roost_to_thread(ROOST_CALL(ask_for_ever));
}

ROOST_TEST(a_thread_that_waits_for_a_stuck_loop_does_not_hide_the_deadlock, .needs = "sim",
           .plain = true)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    CHECK_EQ(ROOST_EDEADLK, roost_run(ROOST_CALL(lock_up), &opts));
}
