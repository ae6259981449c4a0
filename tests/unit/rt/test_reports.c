/* tests/unit/rt/test_reports.c - what the runtime prints: mistakes at debug level 1, deadlocks, the
 * end of a process.
 *
 * Registered per ROOST_TEST_BACKENDS. Each runs in a process of its own whose standard error is
 * read.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <pthread.h>

#include <roost.h>
#include <roost/instrument.h>
#include <roost/post.h>

#include "base/mem.h"
#include "port/fiber.h"
#include "unit/rt/process.h"

/* A run in a process of its own: what it calls, and at which level. */
struct reported {
    roost_call call;
    int debug;
    int loops;
};

static int reported_body(void *arg)
{
    const struct reported *reported = arg;
    roost_run_opts opts = {.debug = reported->debug, .loops = reported->loops, .no_signals = true};
    int rc = roost_run(reported->call, &opts);
    return rc >= 0 ? rc : 200;
}

static void reported_run(struct process *process, int debug, roost_call call)
{
    process_run(process, reported_body, &(struct reported){.call = call, .debug = debug});
}

ROOST_ASYNC(nap, roost_dur, dur, int, result)
{
    ROOST_TRY(roost_sleep(dur));
    return result;
}

/* -- the ends of processes ----------------------------------------------------------------------*/

static volatile long sink;

__attribute__((noinline)) static long descend(long depth)
{
    volatile long frame[32];
    frame[0] = depth;
    sink = frame[0];
    return depth > 0 ? descend(depth + 1) + frame[0] : 0;
}

ROOST_ASYNC(dig)
{
    ROOST_TRY(roost_task_set_name("digger"));
    sink = descend(1);
    return 0;
}

ROOST_ASYNC(dig_in_a_group)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, nap, ROOST_SEC(1), 0);
        ROOST_GO(g, dig);
    }
    return rc;
}

ROOST_TEST(a_stack_overflow_names_its_task, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, 0, ROOST_CALL(dig_in_a_group));
    CHECK_WROTE(&process, "fatal: stack overflow in task 'digger'");
    CHECK_WROTE(&process, "used all 192 KiB");
    CHECK_DIED(&process, SIGSEGV);
}

static roost_scope left_open;

ROOST_ASYNC(leave_a_scope_open)
{
    roost_scope_init(&left_open, NULL);
    return roost_scope_enter(&left_open);
}

ROOST_ASYNC(in_a_group, roost_call, call)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        (void)roost_go(g, call);
    return rc;
}

ROOST_TEST(a_task_that_returns_inside_a_scope_ends_the_process, .plain = true, .no_torture = true)
{
    struct process process;
    roost_call call = ROOST_CALL(leave_a_scope_open);
    reported_run(&process, 0, ROOST_CALL(in_a_group, call));
    CHECK_WROTE(&process, "a task leaves every scope and group it entered");
    CHECK_DIED(&process, SIGABRT);
    reported_run(&process, 0, call);
    CHECK_WROTE(&process, "the main task leaves every scope and group it entered");
    CHECK_DIED(&process, SIGABRT);
}

static void *cancel_from_a_thread(void *task)
{
    roost_task_cancel(task, "from outside");
    return NULL;
}

ROOST_ASYNC(be_cancelled_by_a_thread)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, cancel_from_a_thread, roost_task_self()) != 0)
        return 1;
    pthread_join(thread, NULL);
    return 0;
}

ROOST_TEST(cancelling_from_a_foreign_thread_ends_the_process, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, 0, ROOST_CALL(be_cancelled_by_a_thread));
    CHECK_WROTE(&process, "roost: contract broken in ");
    CHECK_WROTE(&process,
                "tasks and scopes are cancelled on their own loop; elsewhere, post to it");
    CHECK_DIED(&process, SIGABRT);
}

ROOST_ASYNC(forget_a_scope, roost_scope *, scope)
{
    roost_scope_init(scope, NULL);
    return roost_scope_enter(scope);
}

ROOST_ASYNC(run_who_forgets)
{
    roost_scope scope;
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, forget_a_scope, &scope);
    return rc;
}

ROOST_TEST(a_scope_that_was_not_left_ends_the_process, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, 0, ROOST_CALL(run_who_forgets));
    CHECK_WROTE(&process, "roost: task 'forget_a_scope' (2) returned inside a scope, a group or a "
                          "portal that it has opened and not ended\n");
    CHECK_WROTE(&process, "a task leaves every scope and group it entered");
    CHECK_DIED(&process, SIGABRT);
}

/* -- mistakes, at level 1 -----------------------------------------------------------------------*/

ROOST_ASYNC(leave_a_result_unread)
{
    roost_task *task = NULL;
    int rc = 0;
    ROOST_GROUP(g, rc)
        rc = roost_spawn(g, ROOST_CALL(nap, 0, 42), &(roost_spawn_opts){.name = "answer"}, &task);
    return rc;
}

ROOST_TEST(an_unread_result_is_reported, .plain = true, .no_torture = true)
{
    static const char text[] =
        "roost: unread result: task 'answer' returned 42 and was neither joined nor dropped\n";
    struct process process;
    reported_run(&process, 1, ROOST_CALL(leave_a_result_unread));
    CHECK_EQ(0, process.code);
    CHECK_EQ(1, process_count(&process, text));
    reported_run(&process, -1, ROOST_CALL(leave_a_result_unread));
    CHECK_STR("", process.text);
}

ROOST_ASYNC(claim_to_be_cancelled)
{
    int rc = ROOST_WITHIN(ROOST_SEC(1), ROOST_ECANCELED);
    return rc == ROOST_ECANCELED ? 0 : 1;
}

ROOST_TEST(a_stray_cancellation_is_reported, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, 1, ROOST_CALL(claim_to_be_cancelled));
    CHECK_EQ(0, process.code);
    CHECK_WROTE(&process, "roost: stray cancellation: ROOST_ECANCELED leaves scope "
                          "'ROOST_ECANCELED' in task 'main' (1), and nothing there is cancelled\n");
    reported_run(&process, -1, ROOST_CALL(claim_to_be_cancelled));
    CHECK_STR("", process.text);
}

ROOST_ASYNC(return_code, int, code)
{
    return code;
}

/* Of the four the first alone is at fault: one was cancelled, one has a handle, one just failed. */
ROOST_ASYNC(lose_a_task)
{
    roost_task *task = NULL;
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, return_code, ROOST_ECANCELED);
    ROOST_TRY(rc);
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, nap, ROOST_SEC(3600), 0);
        roost_group_cancel(g, "enough");
    }
    ROOST_TRY(rc);
    ROOST_GROUP(g, rc) {
        ROOST_TRY(ROOST_SPAWN(&task, g, return_code, ROOST_ECANCELED));
        ROOST_TRY(roost_join(task, NULL));
    }
    ROOST_TRY(rc);
    ROOST_GROUP(g, rc)
        ROOST_GO(g, return_code, ROOST_EBUSY);
    return rc == ROOST_EBUSY ? 0 : 1;
}

ROOST_TEST(a_task_that_says_it_was_cancelled_is_reported, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, 1, ROOST_CALL(lose_a_task));
    CHECK_EQ(0, process.code);
    CHECK_STR("roost: stray cancellation: task 'return_code' (2) returned ROOST_ECANCELED, and "
              "nothing there is cancelled; its group takes that for no failure\n",
              process.text);
    reported_run(&process, -1, ROOST_CALL(lose_a_task));
    CHECK_STR("", process.text);
}

ROOST_ASYNC(leave_a_group)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, nap, ROOST_SEC(3600), 0);
        return 3;
    }
    return rc;
}

ROOST_TEST(a_group_left_by_return_is_reported, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, 1, ROOST_CALL(leave_a_group));
    CHECK_EQ(3, process.code);
    CHECK_WROTE(&process, "roost: group 'group' of task 'main' was left by return, break or goto; "
                          "tasks cancelled: 1\n");
    reported_run(&process, -1, ROOST_CALL(leave_a_group));
    CHECK_EQ(3, process.code);
    CHECK_STR("", process.text);
}

static void *volatile kept_block;

ROOST_ASYNC(leak)
{
    kept_block = roosti_alloc(10, "something to leak");
    return open("/dev/null", O_RDONLY) < 0;
}

ROOST_TEST(leaks_of_a_run_are_reported, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, 1, ROOST_CALL(leak));
    CHECK_EQ(0, process.code);
    CHECK_WROTE(&process, "roost: leak audit: 1 blocks of memory are left from this run\n");
    CHECK_WROTE(&process, "roost: leak audit: 1 descriptors are left open by this run\n");
    reported_run(&process, -1, ROOST_CALL(leak));
    CHECK_STR("", process.text);
}

static int event_fails(void *arg, enum roost_instrument_event event, const roost_task *task)
{
    (void)arg;
    (void)event;
    (void)task;
    return -EIO;
}

ROOST_ASYNC(watch_badly)
{
    roost_instrument instrument = {.on_event = event_fails};
    ROOST_TRY(roost_instrument_add(&instrument));
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return roost_yield();
}

ROOST_TEST(an_instrument_that_fails_is_reported_once, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, -1, ROOST_CALL(watch_badly));
    CHECK_EQ(0, process.code);
    CHECK_STR("roost: an instrument failed with EIO and was removed\n", process.text);
}

/* -- the spin guard -----------------------------------------------------------------------------*/

ROOST_ASYNC(never_listen, int, times)
{
    for (int i = 0; i < times; i++)
        roost_ignore(roost_sleep(ROOST_SEC(1)));
    return 0;
}

ROOST_ASYNC(cancel_who_never_listens, int, times)
{
    roost_task *task = NULL;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_spawn(g, ROOST_CALL(never_listen, times), &(roost_spawn_opts){.name = "deaf"},
                         &task);
        if (rc == 0)
            roost_task_cancel(task, "enough");
        roost_task_drop(task);
    }
    return rc;
}

ROOST_TEST(a_task_that_ignores_its_cancellation_is_named, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, -1, ROOST_CALL(cancel_who_never_listens, 70));
    CHECK_EQ(0, process.code);
    CHECK_EQ(1, process_count(&process, "roost: task 'deaf' (2) made 64 suspending calls after it "
                                        "was cancelled; it must return ROOST_ECANCELED, or do its "
                                        "last work in ROOST_CLEANUP\n"));
    CHECK(process_count(&process, "\n") >= 2); /* its backtrace follows */
    reported_run(&process, -1, ROOST_CALL(cancel_who_never_listens, 60));
    CHECK_STR("", process.text);
}

/* -- deadlock -----------------------------------------------------------------------------------*/

ROOST_ASYNC(wait_for_ever)
{
    return roost_sleep_forever();
}

ROOST_ASYNC(wait_for_task, roost_task *, task)
{
    return roost_join(task, NULL);
}

ROOST_ASYNC(knot)
{
    roost_task *task = NULL;
    int rc = 0;
    roost_group_opts opts = {.label = "knot"};
    ROOST_GROUP_WITH(g, rc, &opts) {
        rc = roost_spawn(g, ROOST_CALL(wait_for_ever), &(roost_spawn_opts){.name = "sleeper"},
                         &task);
        if (rc == 0)
            ROOST_GO(g, wait_for_task, task);
    }
    return rc;
}

ROOST_TEST(a_deadlock_is_printed_with_what_each_task_waits_for, .plain = true, .no_torture = true)
{
    struct process process;
    reported_run(&process, -1, ROOST_CALL(knot));
    CHECK_EQ(200, process.code);
    CHECK_EQ(1, process_count(&process, "roost: deadlock: every task waits and nothing outside can "
                                        "wake one\n"));
    CHECK_WROTE(&process, "3 tasks, 0 ready, 0 timers, 0 operations\n");
    CHECK_WROTE(&process, "task 1 'main' waits: end of group\n");
    CHECK_WROTE(&process, "group 'knot': 2 live\n");
    CHECK_WROTE(&process, "task 2 'sleeper' waits: sleep forever; spawned by ");
    CHECK_WROTE(&process, "task 3 'wait_for_task' waits: join of task 2 'sleeper'; spawned by ");
}
