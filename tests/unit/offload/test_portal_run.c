/* tests/unit/offload/test_portal_run.c - a loop on a thread of its own.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include <roost/testing.h>

ROOST_ASYNC(doze, roost_dur, dur, int, result)
{
    ROOST_TRY(roost_sleep(dur));
    return result;
}

ROOST_ASYNC(wait_for_ever)
{
    return roost_sleep_forever();
}

static roost_portal *loop_start(void)
{
    roost_run_opts opts;
    roost_portal *portal;
    roost_test_opts_fill(&opts);
    CHECK_OK(roost_portal_run(&opts, &portal));
    return portal;
}

ROOST_TEST(a_synchronous_program_makes_calls, .plain = true, .threads = true)
{
    roost_portal *portal = loop_start();
    int result = 0;
    for (int i = 1; i <= 20; i++) {
        CHECK_EQ(0, roost_portal_call(portal, ROOST_CALL(doze, ROOST_US(i), i), &result));
        CHECK_EQ(i, result);
    }
    (void)roost_portal_ref(portal);
    CHECK_EQ(0, roost_portal_stop(portal));
    CHECK_EQ(ROOST_EINVAL, roost_portal_stop(portal));
    CHECK_EQ(ROOST_ECLOSED, roost_portal_call(portal, ROOST_CALL(doze, 0, 1), &result));
    roost_portal_unref(portal);
}

ROOST_TEST(stopping_at_once_is_fine, .plain = true, .threads = true)
{
    for (int i = 0; i < 20; i++)
        CHECK_EQ(0, roost_portal_stop(loop_start()));
}

ROOST_TEST(stopping_waits_for_calls_and_cancelling_shortens_it, .plain = true, .threads = true)
{
    roost_portal *portal = loop_start();
    roost_portal_handle *soon;
    roost_portal_handle *never;
    int result = 0;
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(doze, ROOST_MS(2), 7), &soon));
    CHECK_EQ(0, roost_portal_handle_wait(soon, &result));
    CHECK_EQ(7, result);
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(wait_for_ever), &never));
    roost_portal_cancel(portal);
    CHECK_EQ(0, roost_portal_stop(portal));
    CHECK(roost_portal_handle_done(never));
    CHECK_EQ(0, roost_portal_handle_wait(never, &result));
    CHECK_EQ(ROOST_ECANCELED, result);
    roost_portal_handle_free(soon);
    roost_portal_handle_free(never);
}

ROOST_TEST(a_run_that_cannot_begin_says_why, .plain = true)
{
    roost_portal *portal = NULL;
    CHECK_EQ(ROOST_EINVAL, roost_portal_run(&(roost_run_opts){.backend = "none"}, &portal));
    CHECK(portal == NULL);
}

ROOST_TEST(a_task_does_not_stop_one)
{
    roost_portal *portal;
    CHECK_OK(roost_portal_open(&portal));
    CHECK_EQ(ROOST_ENESTED, roost_portal_stop(portal));
    CHECK_EQ(0, roost_portal_close(portal));
    roost_portal_unref(portal);
}

/* In a child made by fork, where no loop runs. */
static int refused_after_fork(roost_portal *portal, roost_portal_handle *handle)
{
    roost_portal_handle *other;
    int result = 0;
    alarm(10);
    roost_portal_handle_cancel(handle);
    roost_portal_cancel(portal);
    return roost_portal_call(portal, ROOST_CALL(doze, 0, 1), &result) == ROOST_EFORKED &&
           roost_portal_start(portal, ROOST_CALL(doze, 0, 1), &other) == ROOST_EFORKED &&
           roost_portal_handle_wait(handle, &result) == ROOST_EFORKED &&
           roost_portal_stop(portal) == ROOST_EFORKED && result == 0;
}

ROOST_TEST(a_forked_child_is_refused, .plain = true, .threads = true)
{
    roost_portal *portal = loop_start();
    roost_portal_handle *handle;
    int status = -1;
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(wait_for_ever), &handle));
    int pid = fork();
    if (pid == 0)
        _exit(refused_after_fork(portal, handle) ? 0 : 1);
    CHECK_EQ(pid, waitpid(pid, &status, 0));
    CHECK_EQ(0, status);
    CHECK(!roost_portal_handle_done(handle));
    roost_portal_handle_cancel(handle);
    CHECK_EQ(0, roost_portal_stop(portal));
    roost_portal_handle_free(handle);
}

ROOST_ASYNC(add, int, a, int, b)
{
    return a + b;
}

ROOST_ASYNC(use_threads, int, times)
{
    for (int i = 0; i < times; i++) {
        roost_executor *executor;
        ROOST_TRY(roost_executor_open(&(roost_executor_opts){.threads = 1, .idle = 1}, &executor));
        int sum = roost_to_thread(ROOST_CALL(add, i, 1));
        sum +=
            roost_to_thread_with(ROOST_CALL(add, i, 2), &(roost_thread_opts){.executor = executor});
        ROOST_TRY(roost_executor_close(executor));
        if (sum != 2 * i + 3)
            return -EIO;
    }
    return times;
}

ROOST_TEST(two_loops_share_nothing, .plain = true, .threads = true)
{
    roost_portal *portals[2] = {loop_start(), loop_start()};
    roost_portal_handle *handles[2];
    for (int i = 0; i < 2; i++)
        CHECK_OK(roost_portal_start(portals[i], ROOST_CALL(use_threads, 40), &handles[i]));
    for (int i = 0; i < 2; i++) {
        int result = 0;
        CHECK_EQ(0, roost_portal_handle_wait(handles[i], &result));
        CHECK_EQ(40, result);
        roost_portal_handle_free(handles[i]);
        CHECK_EQ(0, roost_portal_stop(portals[i]));
    }
}
