/* tests/unit/offload/test_to_thread.c - calls on worker threads: results, refusals, what they see.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <roost/testing.h>

#include "kit/kit.h"
#include "unit/rt/process.h"

ROOST_ASYNC(add, int, a, int, b)
{
    return a + b;
}

ROOST_TEST(outside_a_task_there_is_none_to_wait, .plain = true)
{
    CHECK_EQ(ROOST_ENOCTX, roost_to_thread(ROOST_CALL(add, 1, 2)));
    CHECK(!roost_thread_cancelled());
}

/* -- what the call is on its thread -------------------------------------------------------------*/

ROOST_ASYNC(look_around, roost_time *, now)
{
    CHECK_EQ(ROOST_ENOCTX, roost_yield());
    CHECK_EQ(ROOST_ENOCTX, roost_sleep(ROOST_MS(1)));
    CHECK_EQ(ROOST_ENOCTX, roost_to_thread(ROOST_CALL(add, 1, 2)));
    CHECK(roost_task_self() == NULL);
    CHECK(!roost_thread_cancelled());
    *now = roost_now();
    return 1;
}

ROOST_TEST(it_is_no_task_there_but_has_the_time)
{
    roost_time now = 0;
    CHECK_EQ(1, roost_to_thread(ROOST_CALL(look_around, &now)));
    if (roost_test_virtual())
        CHECK_EQ(roost_test_start(), now);
    else
        CHECK(now >= roost_test_start());
}

ROOST_ASYNC(fail_loudly, int, fd)
{
    CHECK_EQ(0, errno);
    errno = EPIPE;
    return roost_error_note(-EIO, "read of %d", fd);
}

ROOST_ASYNC(fail_through, int, fd)
{
    ROOST_TRY(fail_loudly(fd));
    return 0;
}

ROOST_TEST(its_errno_and_the_trail_of_its_error_are_the_callers)
{
    errno = EAGAIN;
    CHECK_EQ(-EIO, roost_to_thread(ROOST_CALL(fail_through, 7)));
    CHECK_EQ(EPIPE, errno);
    roost_error error;
    CHECK_OK(roost_error_last(&error));
    CHECK_EQ(-EIO, error.code);
    CHECK_EQ(2, error.step_count);
    CHECK_STR("read of 7", error.steps[0].note);
    CHECK_STR("fail_through", error.steps[1].function);
}

ROOST_ASYNC(inner_main, int, a)
{
    ROOST_TRY(roost_sleep(ROOST_US(10)));
    CHECK_EQ(ROOST_ENESTED, roost_from_thread_call(ROOST_CALL(add, a, 1), NULL));
    return a + 1;
}

ROOST_ASYNC(run_inside, int, a)
{
    return roost_run(ROOST_CALL(inner_main, a),
                     &(roost_run_opts){.backend = roost_test_backend(), .no_signals = true});
}

ROOST_TEST(it_may_hold_a_run_of_its_own)
{
    CHECK_EQ(6, roost_to_thread(ROOST_CALL(run_inside, 5)));
}

/* -- refusals -----------------------------------------------------------------------------------*/

ROOST_ASYNC(count_calls, atomic_int *, calls)
{
    return ++*calls;
}

ROOST_TEST(a_cancelled_task_makes_no_call)
{
    static atomic_int calls;
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    roost_scope_cancel(&scope, "beforehand");
    CHECK_EQ(ROOST_ECANCELED, roost_to_thread(ROOST_CALL(count_calls, &calls)));
    CHECK_EQ(ROOST_ECANCELED, roost_to_thread_with(ROOST_CALL(count_calls, &calls),
                                                   &(roost_thread_opts){.abandon = true}));
    CHECK_EQ(0, roost_scope_end(&scope, 0));
    CHECK_EQ(0, calls);
}

struct large {
    char bytes[5000];
};

ROOST_ASYNC(take_large, struct large, large)
{
    return large.bytes[4999];
}

ROOST_TEST(arguments_are_copied_up_to_a_bound_when_the_caller_may_leave)
{
    static struct large large;
    large.bytes[4999] = 9;
    CHECK_EQ(9, roost_to_thread(ROOST_CALL(take_large, large)));
    CHECK_EQ(ROOST_EINVAL, roost_to_thread_with(ROOST_CALL(take_large, large),
                                                &(roost_thread_opts){.abandon = true}));
}

struct aligned {
    _Alignas(64) int number;
};

ROOST_ASYNC(take_aligned, struct aligned, aligned)
{
    return aligned.number;
}

/* On a thread: where its arguments lie. */
ROOST_ASYNC(add_three, int, a, int, b, int, c)
{
    return a + b + c;
}

ROOST_TEST(copied_arguments_arrive)
{
    const roost_thread_opts opts = {.abandon = true};
    const struct aligned aligned = {77};
    CHECK_EQ(6, roost_to_thread_with(ROOST_CALL(add_three, 1, 2, 3), &opts));
    CHECK_EQ(77, roost_to_thread_with(ROOST_CALL(take_aligned, aligned), &opts));
}

/* -- many ---------------------------------------------------------------------------------------*/

ROOST_ASYNC(square_here, int, n, int *, out)
{
    *out = n * n;
    return 0;
}

ROOST_ASYNC(square_there, const roost_thread_opts *, opts, int, n, int *, out)
{
    return roost_to_thread_with(ROOST_CALL(square_here, n, out), opts);
}

ROOST_TEST(many_tasks_share_few_threads)
{
    int squares[100] = {0};
    int rc = 0;
    roost_executor *three;
    if (roost_executor_open(&(roost_executor_opts){.threads = 3, .name = "three"}, &three) < 0)
        return;
    const roost_thread_opts opts = {.executor = three};
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 100; i++)
            ROOST_GO(g, square_there, &opts, i, &squares[i]);
    CHECK_OK(rc);
    for (int i = 0; i < 100; i++)
        CHECK_EQ(i * i, squares[i]);
    roost_executor_stats stats;
    CHECK_OK(roost_executor_stats_get(three, &stats));
    CHECK_EQ(100, stats.calls);
    CHECK(stats.threads >= 1 && stats.threads <= 3);
    CHECK_EQ(0, stats.busy);
    CHECK_EQ(0, roost_executor_close(three));
}

ROOST_ASYNC(on_each_loop, int, n)
{
    for (int i = 0; i < n; i++)
        if (roost_to_thread(ROOST_CALL(add, i, 1)) != i + 1)
            return -EIO;
    return roost_loop_index();
}

ROOST_TEST(every_loop_uses_the_same_threads, .loops = 3)
{
    int rc[3];
    for (int i = 0; i < roost_loop_count(); i++) {
        CHECK_OK(roost_on_loop(i, ROOST_CALL(on_each_loop, 50), &rc[i]));
        CHECK_EQ(i, rc[i]);
    }
    roost_executor_stats stats;
    CHECK_OK(roost_executor_stats_get(NULL, &stats));
    CHECK_EQ(50 * roost_loop_count(), stats.calls);
    CHECK_EQ(1, stats.threads);
}

/* -- dumps and the end of a run -----------------------------------------------------------------*/

static atomic_bool gate;

/* On a thread: real time, as in production. */
ROOST_ASYNC(wait_at_gate)
{
    while (!gate)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    return 0;
}

ROOST_ASYNC(dump_soon)
{
    int rc = roost_sleep(ROOST_MS(5));
    roost_dump_tasks(2);
    gate = true;
    return rc;
}

ROOST_ASYNC(wait_and_dump)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, dump_soon);
        rc = roost_to_thread_with(ROOST_CALL(wait_at_gate), &(roost_thread_opts){.name = "gate"});
    }
    return rc;
}

static int dump_process(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(wait_and_dump), NULL);
}

ROOST_TEST(a_dump_names_the_thread_that_is_waited_for, .plain = true)
{
    if (roost_test_virtual())
        kit_leave_out("in simulation a thread that waits for a task by itself waits for ever");
    static struct process process;
    process_run(&process, dump_process, NULL);
    CHECK_EQ(0, process.code);
    CHECK_WROTE(&process, "waits: thread 'gate'");
}

/* On a thread: until the report has been written. */
ROOST_ASYNC(outlast)
{
    nanosleep(&(struct timespec){.tv_nsec = 150 * 1000000}, NULL);
    return 0;
}

ROOST_ASYNC(leave_a_thread_behind)
{
    int rc =
        ROOST_WITHIN(ROOST_MS(10), roost_to_thread_with(ROOST_CALL(outlast),
                                                        &(roost_thread_opts){.abandon = true}));
    roost_dump_tasks(2);
    return rc == ROOST_ETIMEDOUT ? 3 : 4;
}

ROOST_ASYNC(outlast_in_background)
{
    return roost_to_thread(ROOST_CALL(outlast));
}

ROOST_ASYNC(leave_a_task_behind)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(outlast_in_background), NULL));
    ROOST_TRY(roost_sleep(ROOST_MS(10)));
    return 3;
}

static int late_process(void *which)
{
    const roost_run_opts opts = {.thread_join_max = ROOST_MS(20)};
    return *(int *)which ? roost_run(ROOST_CALL(leave_a_task_behind), &opts)
                         : roost_run(ROOST_CALL(leave_a_thread_behind), &opts);
}

static void late_check(int which)
{
    if (roost_test_virtual())
        kit_leave_out("in simulation the loop stands still while a thread runs");
#ifdef ROOST_VALGRIND
    kit_leave_out("Valgrind runs one thread at a time, and lets none be looked at");
#endif
    static struct process process;
    process_run(&process, late_process, &which);
    CHECK_EQ(3, process.code);
    CHECK_WROTE(&process, "the run waits for thread");
    CHECK_WROTE(&process, "makes the call 'outlast'");
    CHECK_WROTE(&process, "stands at:");
    if (which == 0)
        CHECK_WROTE(&process, "thread 'outlast' goes on, its caller has gone");
}

ROOST_TEST(the_end_of_a_run_names_an_abandoned_thread_that_holds_it_up, .plain = true)
{
    late_check(0);
}

ROOST_TEST(the_end_of_a_run_names_a_thread_that_a_background_task_waits_for, .plain = true)
{
    late_check(1);
}

/* -- signals ------------------------------------------------------------------------------------*/

/* The handler runs on this very thread. */
ROOST_ASYNC(interrupt_from_here)
{
    raise(SIGINT);
    while (!roost_thread_cancelled())
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    return 5;
}

ROOST_ASYNC(wait_for_interrupted)
{
    int rc = roost_to_thread(ROOST_CALL(interrupt_from_here));
    return rc == 5 ? roost_sleep(ROOST_SEC(60)) : 9;
}

static int interrupted_process(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(wait_for_interrupted), NULL) == ROOST_ECANCELED ? 3 : 4;
}

ROOST_TEST(an_interrupt_that_a_thread_gets_reaches_the_loop, .plain = true)
{
    if (roost_test_virtual())
        kit_leave_out("a simulated run leaves signals alone");
    static struct process process;
    process_run(&process, interrupted_process, NULL);
    CHECK_EQ(3, process.code);
}
