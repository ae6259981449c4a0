/* tests/unit/rt/test_side.c - runs on several loops: calls from loop to loop, and their end.
 *
 * Registered per ROOST_TEST_BACKENDS. A simulation has one loop whatever was asked for.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <stdatomic.h>

#include <roost.h>
#include <roost/post.h>

#include "kit/kit.h"

enum { LOOPS = 3 };

static void loops_need(void)
{
    if (roost_test_virtual())
        kit_leave_out("a simulation has one loop");
}

ROOST_ASYNC(nothing)
{
    return 0;
}

ROOST_TEST(a_simulation_has_one_loop, .loops = LOOPS, .needs = "sim")
{
    int result = 0;
    CHECK_EQ(1, roost_loop_count());
    CHECK_EQ(0, roost_loop_index());
    CHECK_EQ(ROOST_EINVAL, roost_on_loop(1, ROOST_CALL(nothing), &result));
}

/* -- calls --------------------------------------------------------------------------------------*/

ROOST_ASYNC(where, int, add)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return roost_loop_index() * 100 + add;
}

ROOST_ASYNC(ask_around, int *, sum)
{
    for (int i = 0; i < roost_loop_count(); i++) {
        int result = -1;
        ROOST_TRY(roost_on_loop(i, ROOST_CALL(where, i), &result));
        CHECK_EQ(i * 101, result);
        *sum += result;
    }
    return 0;
}

ROOST_TEST(a_call_runs_on_its_loop, .loops = LOOPS)
{
    loops_need();
    int sums[20] = {0};
    int rc = 0;
    CHECK_EQ(LOOPS, roost_loop_count());
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 20; i++)
            ROOST_GO(g, ask_around, &sums[i]);
    CHECK_OK(rc);
    for (int i = 0; i < 20; i++)
        CHECK_EQ(303, sums[i]);
}

ROOST_ASYNC(call_onwards, int, hops)
{
    if (hops == 0)
        return roost_loop_index();
    int result = 0;
    ROOST_TRY(roost_on_loop((roost_loop_index() + 1) % LOOPS, ROOST_CALL(call_onwards, hops - 1),
                            &result));
    return result;
}

ROOST_TEST(calls_may_go_round_in_circles, .loops = LOOPS)
{
    loops_need();
    int result = -1;
    for (int hops = 0; hops < 10; hops++) {
        CHECK_OK(roost_on_loop(0, ROOST_CALL(call_onwards, hops), &result));
        CHECK_EQ(hops % LOOPS, result);
    }
}

ROOST_ASYNC(fail_with, int, code)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return code;
}

ROOST_TEST(a_failure_over_there_is_the_result_and_harms_nobody, .loops = LOOPS)
{
    loops_need();
    int result = 0;
    for (int i = 0; i < LOOPS; i++) {
        CHECK_EQ(0, roost_on_loop(i, ROOST_CALL(fail_with, -EIO), &result));
        CHECK_EQ(-EIO, result);
        /* Its own cancellation is no cancellation of the caller. */
        CHECK_EQ(0, roost_on_loop(i, ROOST_CALL(fail_with, ROOST_ECANCELED), &result));
        CHECK_EQ(ROOST_ECANCELED, result);
        CHECK_EQ(0, roost_on_loop(i, ROOST_CALL(where, 1), NULL));
    }
}

ROOST_ASYNC(group_over_there, int, count)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < count; i++)
            ROOST_GO(g, where, 0);
    return rc < 0 ? rc : count;
}

ROOST_TEST(a_call_may_open_groups_over_there, .loops = LOOPS)
{
    loops_need();
    int result = 0;
    CHECK_OK(roost_on_loop(2, ROOST_CALL(group_over_there, 50), &result));
    CHECK_EQ(50, result);
}

static const roost_var var = {.name = "var"};

ROOST_ASYNC(look, void **, seen)
{
    *seen = roost_var_get(&var);
    ROOST_TRY(roost_var_set(&var, NULL));
    return 0;
}

ROOST_TEST(task_locals_go_along_and_changes_stay_there, .loops = LOOPS)
{
    loops_need();
    int value = 0;
    void *seen = NULL;
    CHECK_OK(roost_var_set(&var, &value));
    CHECK_OK(roost_on_loop(1, ROOST_CALL(look, &seen), NULL));
    CHECK(seen == &value);
    CHECK(roost_var_get(&var) == &value);
}

/* -- cancelling across --------------------------------------------------------------------------*/

struct visit {
    atomic_int begun;
    atomic_int cleaned;
};

ROOST_ASYNC(stay, struct visit *, visit)
{
    atomic_fetch_add(&visit->begun, 1);
    int rc = roost_sleep_forever();
    ROOST_CLEANUP(ROOST_SEC(5)) {
        atomic_fetch_add(&visit->cleaned, roost_sleep(ROOST_MS(2)) == 0);
    }
    return rc;
}

ROOST_ASYNC(visit_loop, int, index, struct visit *, visit)
{
    int result = 77;
    int rc = roost_on_loop(index, ROOST_CALL(stay, visit), &result);
    CHECK_EQ(77, result);
    return rc;
}

ROOST_TEST(a_cancelled_caller_waits_for_the_end_over_there, .loops = LOOPS)
{
    loops_need();
    for (int index = 0; index < LOOPS; index++) {
        struct visit visit = {0};
        int rc = ROOST_WITHIN(ROOST_MS(20), visit_loop(index, &visit));
        CHECK_EQ(ROOST_ETIMEDOUT, rc);
        /* All has happened before the call returned. */
        CHECK_EQ(atomic_load(&visit.begun), atomic_load(&visit.cleaned));
        CHECK_EQ(1, atomic_load(&visit.begun));
    }
}

ROOST_TEST(a_cancelled_group_takes_its_calls_along, .loops = LOOPS)
{
    loops_need();
    struct visit visit = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 30; i++)
            ROOST_GO(g, visit_loop, i % LOOPS, &visit);
        rc = roost_sleep(ROOST_MS(10));
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(30, atomic_load(&visit.begun));
    CHECK_EQ(30, atomic_load(&visit.cleaned));
}

/* The word of the cancellation and the word of the end cross each other at every distance. */
ROOST_TEST(cancellations_and_results_may_cross, .loops = LOOPS, .timeout = ROOST_SEC(120))
{
    loops_need();
    int ended = 0;
    int timed_out = 0;
    for (int i = 0; i < 300 && !roost_cancelled(); i++) {
        int rc =
            ROOST_WITHIN(ROOST_US(950 + i), roost_on_loop(1 + i % 2, ROOST_CALL(where, 0), NULL));
        CHECK(rc == 0 || rc == ROOST_ETIMEDOUT);
        ended += rc == 0;
        timed_out += rc < 0;
    }
    CHECK_EQ(300, ended + timed_out);
}

ROOST_TEST(a_cancelled_caller_is_refused_before_it_calls, .loops = LOOPS)
{
    loops_need();
    struct visit visit = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_group_cancel(g, "before");
        CHECK_EQ(ROOST_ECANCELED, roost_on_loop(1, ROOST_CALL(stay, &visit), NULL));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, atomic_load(&visit.begun));
}

/* The calling task itself has been cancelled over there, and is told so here. */
ROOST_ASYNC(cancel_oneself)
{
    roost_task_cancel(roost_task_self(), "enough of this");
    return roost_sleep_forever();
}

ROOST_TEST(a_call_that_cancels_itself_is_a_result, .loops = LOOPS)
{
    loops_need();
    int result = 0;
    CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(cancel_oneself), &result));
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK(!roost_cancelled());
}

/* -- posters of side loops ----------------------------------------------------------------------*/

ROOST_ASYNC(open_poster, roost_poster **, poster)
{
    return roost_poster_open(poster);
}

static atomic_int posts_on[LOOPS];

static void post_arrives(void *arg)
{
    (void)arg;
    atomic_fetch_add(&posts_on[roost_loop_index()], 1);
}

ROOST_TEST(a_poster_leads_to_the_loop_it_was_opened_on, .loops = LOOPS, .no_torture = true)
{
    loops_need();
    for (int i = 0; i < LOOPS; i++) {
        roost_poster *poster = NULL;
        int result = 0;
        CHECK_OK(roost_on_loop(i, ROOST_CALL(open_poster, &poster), &result));
        CHECK_OK(result);
        for (int k = 0; k < 100; k++)
            CHECK_OK(roost_post(poster, post_arrives, NULL));
        roost_poster_close(poster);
        /* Behind the posts in that loop's queue. */
        CHECK_OK(roost_on_loop(i, ROOST_CALL(where, 0), NULL));
        CHECK_EQ(100, atomic_load(&posts_on[i]));
    }
}

/* -- the end of the run -------------------------------------------------------------------------*/

ROOST_ASYNC(note_the_end, struct visit *, visit)
{
    return stay(visit);
}

ROOST_ASYNC(start_background, struct visit *, visit)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(note_the_end, visit), NULL));
    return roost_sleep(ROOST_MS(1));
}

ROOST_ASYNC(start_background_everywhere, struct visit *, visit)
{
    for (int i = 0; i < LOOPS; i++) {
        int result = 0;
        ROOST_TRY(roost_on_loop(i, ROOST_CALL(start_background, visit), &result));
        ROOST_TRY(result);
    }
    return 5;
}

static void loops_fill(roost_run_opts *opts)
{
    loops_need();
    roost_test_opts_fill(opts);
    opts->loops = LOOPS;
}

ROOST_TEST(background_tasks_of_every_loop_end_with_the_run, .plain = true)
{
    roost_run_opts opts;
    loops_fill(&opts);
    struct visit visit = {0};
    CHECK_EQ(5, roost_test_run(ROOST_CALL(start_background_everywhere, &visit), &opts));
    CHECK_EQ(3, atomic_load(&visit.begun));
    CHECK_EQ(3, atomic_load(&visit.cleaned));
}

ROOST_ASYNC(call_while_ending, int, to, atomic_int *, answer)
{
    int rc = roost_sleep_forever();
    ROOST_CLEANUP(ROOST_SEC(5)) {
        int result = 0;
        int asked = roost_sleep(ROOST_MS(2));
        if (asked == 0)
            asked = roost_on_loop(to, ROOST_CALL(where, 3), &result);
        atomic_store(answer, asked < 0 ? asked : result);
    }
    return rc;
}

ROOST_ASYNC(start_caller, int, to, atomic_int *, answer)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(call_while_ending, to, answer), NULL));
    return roost_sleep(ROOST_MS(1));
}

ROOST_ASYNC(start_caller_on, int, from, int, to, atomic_int *, answer)
{
    return roost_on_loop(from, ROOST_CALL(start_caller, to, answer), NULL);
}

/* Every loop is still there while any has tasks, and takes no more of them. */
ROOST_TEST(a_call_to_a_loop_that_is_ending_is_refused, .plain = true)
{
    roost_run_opts opts;
    loops_fill(&opts);
    for (int from = 0; from < LOOPS; from++) {
        for (int to = 0; to < LOOPS; to++) {
            if (to == from)
                continue;
            atomic_int answer = 0;
            CHECK_EQ(0, roost_test_run(ROOST_CALL(start_caller_on, from, to, &answer), &opts));
            /* The first loop ends its tasks before it tells the others. */
            CHECK_EQ(from == 0 ? to * 100 + 3 : ROOST_EFINISHED, atomic_load(&answer));
        }
    }
}

ROOST_TEST(runs_come_and_go_with_their_loops, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    loops_fill(&opts);
    for (int i = 0; i < 50; i++)
        CHECK_EQ(0, roost_test_run(ROOST_CALL(nothing), &opts));
}
