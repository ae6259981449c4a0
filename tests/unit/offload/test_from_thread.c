/* tests/unit/offload/test_from_thread.c - calls from worker threads into the loop.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <sys/wait.h>
#include <unistd.h>

#include <roost/testing.h>

#include "kit/kit.h"

ROOST_ASYNC(add, int, a, int, b)
{
    return a + b;
}

ROOST_TEST(elsewhere_there_is_no_task_behind_it, .plain = true)
{
    int result = 7;
    CHECK_EQ(ROOST_ENOCTX, roost_from_thread_call(ROOST_CALL(add, 1, 2), &result));
    CHECK_EQ(7, result);
}

ROOST_TEST(a_task_calls_directly)
{
    CHECK_EQ(ROOST_ENOCTX, roost_from_thread_call(ROOST_CALL(add, 1, 2), NULL));
}

ROOST_ASYNC(say_cancelled)
{
    return ROOST_ECANCELED;
}

ROOST_ASYNC(ask_for_codes)
{
    int result = 7;
    CHECK_EQ(0, roost_from_thread_call(ROOST_CALL(add, -EIO, 0), &result));
    CHECK_EQ(-EIO, result);
    CHECK_EQ(0, roost_from_thread_call(ROOST_CALL(say_cancelled), &result));
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK_EQ(0, roost_from_thread_call(ROOST_CALL(add, 1, 2), NULL));
    return 0;
}

ROOST_TEST(the_calls_codes_are_results)
{
    CHECK_EQ(0, roost_to_thread(ROOST_CALL(ask_for_codes)));
}

ROOST_ASYNC(who_runs, uint64_t *, id)
{
    ROOST_TRY(roost_yield());
    *id = roost_task_id(roost_task_self());
    return 0;
}

ROOST_ASYNC(ask_who, uint64_t *, id)
{
    return roost_from_thread_call(ROOST_CALL(who_runs, id), NULL);
}

ROOST_TEST(the_task_itself_makes_it)
{
    uint64_t id = 0;
    CHECK_EQ(0, roost_to_thread(ROOST_CALL(ask_who, &id)));
    CHECK_EQ(roost_task_id(roost_task_self()), id);
}

ROOST_ASYNC(sleep_long)
{
    return roost_sleep(ROOST_SEC(60));
}

ROOST_ASYNC(ask_for_long, int *, rc)
{
    int result = 1;
    *rc = roost_from_thread_call(ROOST_CALL(sleep_long), &result);
    CHECK_EQ(1, result);
    return roost_thread_cancelled() ? 9 : 8;
}

ROOST_TEST(a_deadline_of_the_task_ends_it)
{
    int rc = 0;
    int came_to = ROOST_WITHIN(ROOST_MS(40), roost_to_thread(ROOST_CALL(ask_for_long, &rc)));
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(9, came_to);
}

ROOST_TEST(so_it_does_when_the_caller_may_leave)
{
    static int rc;
    const roost_thread_opts opts = {.abandon = true};
    int came_to =
        ROOST_WITHIN(ROOST_MS(3), roost_to_thread_with(ROOST_CALL(ask_for_long, &rc), &opts));
    CHECK_EQ(ROOST_ETIMEDOUT, came_to);
}

ROOST_ASYNC(ask_often, int, times, long *, sum)
{
    for (int i = 0; i < times; i++) {
        int result = 0;
        ROOST_TRY(roost_from_thread_call(ROOST_CALL(add, i, 1), &result));
        *sum += result;
    }
    return 0;
}

ROOST_ASYNC(ask_from_thread, int, times, long *, sum)
{
    return roost_to_thread(ROOST_CALL(ask_often, times, sum));
}

ROOST_TEST(many_threads_ask_at_once)
{
    enum { THREADS = 6, TIMES = 40 };
    long sums[THREADS] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < THREADS; i++)
            ROOST_GO(g, ask_from_thread, TIMES, &sums[i]);
    CHECK_OK(rc);
    for (int i = 0; i < THREADS; i++)
        CHECK_EQ(TIMES * (TIMES + 1) / 2, sums[i]);
}

ROOST_ASYNC(fork_and_ask)
{
    int status = -1;
    int result = 7;
    int pid = fork();
    if (pid == 0) {
        alarm(10);
        int rc = roost_from_thread_call(ROOST_CALL(add, 1, 2), &result);
        _exit(rc == ROOST_EFORKED && result == 7 ? 0 : 1);
    }
    CHECK_EQ(pid, waitpid(pid, &status, 0));
    CHECK_EQ(0, status);
    CHECK_EQ(0, roost_from_thread_call(ROOST_CALL(add, 1, 2), &result));
    return result;
}

ROOST_TEST(a_child_forked_by_a_thread_has_no_loop_to_ask)
{
#ifdef ROOST_VALGRIND
    kit_leave_out("Valgrind takes what the child leaves behind for leaks of ours");
#endif
    CHECK_EQ(3, roost_to_thread(ROOST_CALL(fork_and_ask)));
}
