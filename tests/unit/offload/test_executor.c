/* tests/unit/offload/test_executor.c - executors: their bounds, and how they end.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdatomic.h>
#include <time.h>

#include <roost/testing.h>

ROOST_ASYNC(add, int, a, int, b)
{
    return a + b;
}

/* Threads wait at it, by a call through the portal. */
static struct {
    roost_portal *portal;
    bool open;
    atomic_int begun;
} gate;

ROOST_ASYNC(gate_pass)
{
    while (!gate.open)
        ROOST_TRY(roost_sleep(ROOST_US(100)));
    return 0;
}

/* On a thread. */
ROOST_ASYNC(stand_at_gate)
{
    int result = 0;
    gate.begun++;
    int rc = roost_portal_call(gate.portal, ROOST_CALL(gate_pass), &result);
    return rc < 0 ? rc : result;
}

ROOST_ASYNC(send_to_gate, roost_executor *, executor, int *, rc)
{
    *rc =
        roost_to_thread_with(ROOST_CALL(stand_at_gate), &(roost_thread_opts){.executor = executor});
    return 0;
}

static void gate_set_up(void)
{
    gate.open = false;
    gate.begun = 0;
    CHECK_OK(roost_portal_open(&gate.portal));
}

static void gate_take_down(void)
{
    (void)roost_portal_close(gate.portal);
    roost_portal_unref(gate.portal);
}

static void await_begun(int count)
{
    while (gate.begun < count)
        CHECK_OK(roost_sleep(ROOST_US(100)));
}

ROOST_TEST(outside_a_task_none_is_opened_or_closed, .plain = true)
{
    roost_executor *executor;
    roost_executor_stats stats;
    CHECK_EQ(ROOST_ENOCTX, roost_executor_open(NULL, &executor));
    CHECK_EQ(ROOST_ENOCTX, roost_executor_stats_get(NULL, &stats));
    CHECK_EQ(0, roost_executor_close(NULL));
}

ROOST_TEST(the_runs_own_is_made_with_the_first_call)
{
    roost_executor_stats stats;
    CHECK_OK(roost_executor_stats_get(NULL, &stats));
    CHECK_EQ(0, stats.threads);
    CHECK_EQ(3, roost_to_thread(ROOST_CALL(add, 1, 2)));
    CHECK_OK(roost_executor_stats_get(NULL, &stats));
    CHECK_EQ(1, stats.threads);
    CHECK_EQ(1, stats.calls);
}

ROOST_TEST(one_that_is_not_closed_is_closed_with_the_run)
{
    roost_executor *executor;
    CHECK_OK(roost_executor_open(NULL, &executor));
    CHECK_EQ(
        3, roost_to_thread_with(ROOST_CALL(add, 1, 2), &(roost_thread_opts){.executor = executor}));
}

ROOST_TEST(one_that_was_never_used_closes)
{
    roost_executor *executor;
    CHECK_OK(
        roost_executor_open(&(roost_executor_opts){.name = "a name that is too long"}, &executor));
    ROOST_NO_YIELD
    CHECK_EQ(0, roost_executor_close(executor));
}

ROOST_TEST(the_queue_has_a_bound)
{
    int rc = 0;
    int codes[3] = {1, 1, 1};
    roost_executor *executor;
    gate_set_up();
    CHECK_OK(roost_executor_open(&(roost_executor_opts){.threads = 1, .queue_max = 2}, &executor));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_to_gate, executor, &codes[0]);
        await_begun(1);
        ROOST_GO(g, send_to_gate, executor, &codes[1]);
        ROOST_GO(g, send_to_gate, executor, &codes[2]);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(ROOST_EBUSY, roost_to_thread_with(ROOST_CALL(add, 1, 2),
                                                   &(roost_thread_opts){.executor = executor}));
        CHECK_EQ(ROOST_EBUSY, roost_to_thread_with(ROOST_CALL(add, 1, 2), &(roost_thread_opts){
                                                                              .executor = executor,
                                                                              .abandon = true,
                                                                          }));
        gate.open = true;
    }
    CHECK_OK(rc);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, codes[i]);
    CHECK_EQ(3, gate.begun);
    CHECK_EQ(0, roost_executor_close(executor));
    gate_take_down();
}

ROOST_ASYNC(note_order, int, number, int *, order, int *, count)
{
    order[(*count)++] = number;
    return 0;
}

ROOST_ASYNC(queue_up, roost_executor *, executor, int, number, int *, order, int *, count)
{
    return roost_to_thread_with(ROOST_CALL(note_order, number, order, count),
                                &(roost_thread_opts){.executor = executor});
}

ROOST_TEST(calls_are_made_in_the_order_they_were_asked_for, .fifo = true)
{
    int order[9];
    int count = 0;
    int code = 1;
    int rc = 0;
    roost_executor *executor;
    gate_set_up();
    CHECK_OK(roost_executor_open(&(roost_executor_opts){.threads = 1}, &executor));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_to_gate, executor, &code);
        await_begun(1);
        for (int i = 0; i < 9; i++)
            ROOST_GO(g, queue_up, executor, i, order, &count);
        CHECK_OK(roost_test_settle());
        gate.open = true;
    }
    CHECK_OK(rc);
    CHECK_EQ(9, count);
    for (int i = 0; i < 9; i++)
        CHECK_EQ(i, order[i]);
    CHECK_EQ(0, roost_executor_close(executor));
    gate_take_down();
}

ROOST_ASYNC(close_it, roost_executor *, executor)
{
    return roost_executor_close(executor);
}

ROOST_TEST(while_one_is_being_closed_it_takes_no_call, .fifo = true)
{
    int rc = 0;
    int first = 1;
    int waiting = 1;
    roost_executor *executor;
    gate_set_up();
    CHECK_OK(roost_executor_open(&(roost_executor_opts){.threads = 1}, &executor));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_to_gate, executor, &first);
        await_begun(1);
        ROOST_GO(g, send_to_gate, executor, &waiting);
        CHECK_OK(roost_test_settle());
        ROOST_GO(g, close_it, executor);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(ROOST_ECANCELED, waiting);
        CHECK_EQ(1, first);
        CHECK_EQ(ROOST_ECLOSED, roost_to_thread_with(ROOST_CALL(add, 1, 2),
                                                     &(roost_thread_opts){.executor = executor}));
        gate.open = true;
    }
    CHECK_OK(rc);
    CHECK_EQ(0, first);
    CHECK_EQ(1, gate.begun);
    gate_take_down();
}

ROOST_TEST(a_cancelled_task_closes_one_all_the_same)
{
    int rc = 0;
    int first = 1;
    roost_executor *executor;
    gate_set_up();
    CHECK_OK(roost_executor_open(NULL, &executor));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_to_gate, executor, &first);
        await_begun(1);
        roost_group_cancel(g, "before it is closed");
        gate.open = true;
        CHECK_EQ(0, roost_executor_close(executor));
        CHECK(roost_cancelled());
    }
    CHECK_OK(rc);
    CHECK_EQ(0, first);
    gate_take_down();
}

static uint32_t thread_count(roost_executor *executor)
{
    roost_executor_stats stats = {0};
    CHECK_OK(roost_executor_stats_get(executor, &stats));
    return stats.threads;
}

ROOST_ASYNC(call_often, roost_executor *, executor, int, times)
{
    const roost_thread_opts opts = {.executor = executor};
    for (int i = 0; i < times; i++) {
        int rc = roost_to_thread_with(ROOST_CALL(add, i, 1), &opts);
        if (rc != i + 1)
            return rc < 0 ? rc : -EIO;
        if (i % 3 == 0)
            ROOST_TRY(roost_sleep(ROOST_US(20)));
    }
    return 0;
}

ROOST_TEST(threads_without_calls_end_and_others_come)
{
    roost_executor *executor;
    CHECK_OK(
        roost_executor_open(&(roost_executor_opts){.threads = 2, .idle = ROOST_MS(1)}, &executor));
    CHECK_OK(call_often(executor, 1));
    while (!roost_test_virtual() && thread_count(executor) > 0)
        CHECK_OK(roost_sleep(ROOST_US(200)));
    CHECK_OK(call_often(executor, 1));
    CHECK_EQ(0, roost_executor_close(executor));
}

/* Each thread wants to leave as soon as it has nothing to do: a call meets it idle, leaving or
 * gone, and so does the close. */
ROOST_TEST(a_call_that_meets_a_leaving_thread_is_made)
{
    for (int round = 0; round < 10; round++) {
        int rc = 0;
        roost_executor *executor;
        CHECK_OK(roost_executor_open(&(roost_executor_opts){.threads = 2, .idle = 1}, &executor));
        ROOST_GROUP(g, rc)
            for (int i = 0; i < 3; i++)
                ROOST_GO(g, call_often, executor, 40);
        CHECK_OK(rc);
        CHECK(thread_count(executor) <= 2);
        CHECK_EQ(0, roost_executor_close(executor));
    }
}

ROOST_TEST(threads_may_stay_for_ever)
{
    roost_executor *executor;
    CHECK_EQ(ROOST_EINVAL, roost_executor_open(&(roost_executor_opts){.idle = -1}, &executor));
    CHECK_OK(roost_executor_open(&(roost_executor_opts){.idle = ROOST_FOREVER}, &executor));
    CHECK_OK(call_often(executor, 1));
    CHECK_OK(roost_sleep(ROOST_MS(2)));
    CHECK_EQ(1, thread_count(executor));
    CHECK_EQ(0, roost_executor_close(executor));
}

static struct {
    roost_executor *executor;
    atomic_bool asked; /* every call has been submitted */
} shared;

ROOST_ASYNC(nap)
{
    nanosleep(&(struct timespec){.tv_nsec = 200000}, NULL);
    return 0;
}

ROOST_ASYNC(call_briefly, roost_dur, dur, int *, asked)
{
    const roost_thread_opts opts = {.executor = shared.executor, .abandon = true};
    ++*asked;
    int rc = ROOST_WITHIN(dur, roost_to_thread_with(ROOST_CALL(nap), &opts));
    CHECK(rc == 0 || rc == ROOST_ETIMEDOUT || rc == ROOST_ECANCELED);
    return 0;
}

ROOST_ASYNC(call_from_other_loop)
{
    enum { CALLS = 4 };
    int rc = 0;
    int asked = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < CALLS; i++)
            ROOST_GO(g, call_briefly, ROOST_US(150 * i), &asked);
        do
            CHECK_OK(roost_yield());
        while (asked < CALLS);
        CHECK_OK(roost_yield());
        shared.asked = true;
    }
    return rc;
}

ROOST_ASYNC(send_to_other_loop)
{
    int result = 0;
    int rc = roost_on_loop(roost_loop_count() - 1, ROOST_CALL(call_from_other_loop), &result);
    return rc < 0 ? rc : result;
}

/* Calls of another loop are under way, queued, given up and dropped at the same time. */
ROOST_TEST(a_loop_closes_one_under_the_calls_of_another, .loops = 2, .threads = true)
{
    for (int round = 0; round < 20; round++) {
        int rc = 0;
        CHECK_OK(roost_executor_open(&(roost_executor_opts){.threads = 1}, &shared.executor));
        shared.asked = false;
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, send_to_other_loop);
            while (!shared.asked)
                CHECK_OK(roost_sleep(ROOST_US(20)));
            CHECK_EQ(0, roost_executor_close(shared.executor));
        }
        CHECK_OK(rc);
    }
}

static roost_executor *of_outer_run;

ROOST_ASYNC(use_that_of_another_run)
{
    CHECK_EQ(ROOST_EXLOOP, roost_to_thread_with(ROOST_CALL(add, 1, 2),
                                                &(roost_thread_opts){.executor = of_outer_run}));
    CHECK_EQ(ROOST_EXLOOP, roost_executor_close(of_outer_run));
    return 5;
}

ROOST_ASYNC(run_another)
{
    return roost_run(ROOST_CALL(use_that_of_another_run),
                     &(roost_run_opts){.backend = roost_test_backend(), .no_signals = true});
}

ROOST_TEST(another_run_cannot_use_it)
{
    CHECK_OK(roost_executor_open(NULL, &of_outer_run));
    CHECK_EQ(5, roost_to_thread(ROOST_CALL(run_another)));
    CHECK_EQ(0, roost_executor_close(of_outer_run));
}
