/* tests/unit/rt/test_interrupt.c - SIGINT and SIGTERM: the first asks, the second insists, the
 * third is the system's.
 *
 * Registered per ROOST_TEST_BACKENDS. Each run is the main function of a process of its own, which
 * tells on its standard error how far it has come; its signals come from here.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "port/host.h"
#include "rt/loop.h"
#include "rt/run.h"
#include "kit/kit.h"
#include "unit/rt/process.h"

static void tell(const char *text)
{
    roosti_host_write(2, text, strlen(text));
}

static int main_body(void *arg)
{
    return roost_main(*(roost_call *)arg);
}

/* A program whose main function this call is. */
static void program_begin(struct process *process, roost_call call)
{
    if (roost_test_virtual())
        kit_leave_out("a simulation holds no signals");
    process_begin(process, main_body, &call);
}

/* -- the first ----------------------------------------------------------------------------------*/

ROOST_ASYNC(wait_cancelled)
{
    tell("ready\n");
    int rc = roost_sleep_forever();
    ROOST_CLEANUP(ROOST_SEC(5)) {
        if (roost_sleep(ROOST_MS(2)) == 0)
            tell("cleaned up\n");
    }
    return rc;
}

static void first_signal(int signo)
{
    struct process process;
    program_begin(&process, ROOST_CALL(wait_cancelled));
    process_await(&process, "ready\n");
    process_signal(&process, signo);
    process_end(&process);
    CHECK_EQ(128 + signo, process.code);
    CHECK_STR("ready\ncleaned up\n", process.text);
}

ROOST_TEST(the_first_interrupt_cancels_the_main_task, .plain = true, .no_torture = true)
{
    first_signal(SIGINT);
}

ROOST_TEST(the_first_request_to_terminate_cancels_the_main_task, .plain = true, .no_torture = true)
{
    first_signal(SIGTERM);
}

ROOST_ASYNC(finish_when_asked)
{
    if (roost_stopping())
        return 1;
    tell("ready\n");
    ROOST_TRY(roost_wait_stopping());
    tell("asked\n");
    ROOST_TRY(roost_sleep(ROOST_MS(20)));
    tell(roost_cancelled() ? "cancelled\n" : "done\n");
    return 0;
}

ROOST_TEST(who_asks_whether_to_stop_gets_its_grace, .plain = true, .no_torture = true)
{
    struct process process;
    program_begin(&process, ROOST_CALL(finish_when_asked));
    process_await(&process, "ready\n");
    process_signal(&process, SIGINT);
    process_end(&process);
    /* It ended in order and says how: the signal is no failure. */
    CHECK_EQ(0, process.code);
    CHECK_STR("ready\nasked\ndone\n", process.text);
}

ROOST_ASYNC(ignore_the_request)
{
    if (roost_stopping())
        return 1;
    tell("ready\n");
    int rc = roost_sleep_forever();
    tell("cancelled\n");
    return rc;
}

static int short_grace_body(void *arg)
{
    int rc = roost_run(*(roost_call *)arg, &(roost_run_opts){.shutdown_grace = ROOST_MS(30)});
    return rc == ROOST_ECANCELED ? 3 : 4;
}

ROOST_TEST(after_the_grace_comes_the_cancellation, .plain = true, .no_torture = true)
{
    struct process process;
    if (roost_test_virtual())
        kit_leave_out("a simulation holds no signals");
    roost_call call = ROOST_CALL(ignore_the_request);
    process_begin(&process, short_grace_body, &call);
    process_await(&process, "ready\n");
    roost_time start = roost_now();
    process_signal(&process, SIGTERM);
    process_end(&process);
    CHECK(roost_now() - start >= ROOST_MS(30));
    CHECK(roost_now() - start < ROOST_SEC(5));
    CHECK_EQ(3, process.code);
    CHECK_STR("ready\ncancelled\n", process.text);
}

ROOST_ASYNC(catch_and_return, int, result)
{
    tell("ready\n");
    roost_ignore(roost_sleep_forever());
    return result;
}

ROOST_TEST(a_result_after_a_signal_is_that_result, .plain = true, .no_torture = true)
{
    struct process process;
    program_begin(&process, ROOST_CALL(catch_and_return, 5));
    process_await(&process, "ready\n");
    process_signal(&process, SIGINT);
    process_end(&process);
    CHECK_EQ(5, process.code);
    program_begin(&process, ROOST_CALL(catch_and_return, -EIO));
    process_await(&process, "ready\n");
    process_signal(&process, SIGINT);
    process_end(&process);
    CHECK_EQ(1, process.code);
    CHECK_WROTE(&process,
                "roost: the main task failed\nEIO: Input/output error (task 'main', 1)\n");
}

/* -- before the first step ----------------------------------------------------------------------*/

static int early_body(void *arg)
{
    (void)arg;
    struct roosti_run *run;
    struct roosti_run_end end;
    if (roosti_run_open(ROOST_CALL(wait_cancelled), NULL, NULL, false, &run) < 0)
        return 90;
    raise(SIGINT);
    while (roosti_run_turn(run, true))
        continue;
    roosti_run_close(run, &end);
    return end.rc == ROOST_ECANCELED && end.signal == SIGINT ? 0 : 91;
}

ROOST_TEST(a_signal_before_the_first_step_is_not_lost, .plain = true, .no_torture = true)
{
    struct process process;
    if (roost_test_virtual())
        kit_leave_out("a simulation holds no signals");
    process_run(&process, early_body, NULL);
    CHECK_EQ(0, process.code);
    CHECK_STR("ready\ncleaned up\n", process.text);
}

/* -- the second and the third -------------------------------------------------------------------*/

/* Sleeps on inside a shield; tells when that is broken. */
ROOST_ASYNC(sleep_shielded)
{
    roost_scope shield;
    roost_scope_init(&shield, &(roost_scope_opts){.shield = true});
    ROOST_TRY(roost_scope_enter(&shield));
    int rc = roost_sleep_forever();
    tell("shield broken\n");
    return roost_scope_end(&shield, rc);
}

ROOST_ASYNC(hide_from_signals)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, sleep_shielded);
        tell("ready\n");
        rc = roost_sleep_forever();
        tell("first\n");
    }
    return rc;
}

ROOST_TEST(the_second_breaks_every_shield, .plain = true, .no_torture = true)
{
    struct process process;
    program_begin(&process, ROOST_CALL(hide_from_signals));
    process_await(&process, "ready\n");
    process_signal(&process, SIGINT);
    process_await(&process, "first\n");
    process_signal(&process, SIGTERM);
    process_end(&process);
    CHECK_EQ(128 + SIGTERM, process.code);
    CHECK_STR("ready\nfirst\nshield broken\n", process.text);
}

/* Hides on another loop, whose shields are broken as well. */
ROOST_ASYNC(hide_elsewhere)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        tell("ready\n");
        rc = roost_on_loop(1, ROOST_CALL(sleep_shielded), NULL);
    }
    tell("ended\n");
    return rc;
}

ROOST_ASYNC(hide_beside_a_witness)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, hide_elsewhere);
        rc = roost_sleep_forever();
        tell("first\n");
    }
    return rc;
}

static int two_loops_body(void *arg)
{
    int rc = roost_run(*(roost_call *)arg, &(roost_run_opts){.loops = 2});
    return rc == ROOST_ECANCELED ? 3 : 4;
}

ROOST_TEST(the_second_reaches_every_loop, .plain = true, .no_torture = true)
{
    struct process process;
    if (roost_test_virtual())
        kit_leave_out("a simulation holds no signals");
    roost_call call = ROOST_CALL(hide_beside_a_witness);
    process_begin(&process, two_loops_body, &call);
    process_await(&process, "ready\n");
    process_signal(&process, SIGINT);
    process_await(&process, "first\n");
    process_signal(&process, SIGINT);
    process_end(&process);
    CHECK_EQ(3, process.code);
    CHECK_STR("ready\nfirst\nshield broken\nended\n", process.text);
}

/* Never gives way; tells how many signals have come, seen from inside the run. */
ROOST_ASYNC(hog)
{
    const uint32_t *seen = &roosti_loop_here->run->signals_seen;
    tell("ready\n");
    for (uint32_t told = 0; told < 3;) {
        uint32_t now = __atomic_load_n(seen, __ATOMIC_RELAXED);
        if (now != told)
            tell(now == 1 ? "one\n" : "two\n");
        told = now;
    }
    return 0;
}

ROOST_TEST(the_third_is_what_it_would_be_without_roost, .plain = true, .no_torture = true)
{
    struct process process;
    program_begin(&process, ROOST_CALL(hog));
    process_await(&process, "ready\n");
    process_signal(&process, SIGINT);
    process_await(&process, "one\n");
    process_signal(&process, SIGINT);
    process_await(&process, "two\n");
    process_signal(&process, SIGINT);
    process_end(&process);
    CHECK_EQ(128 + SIGINT, process.code);
    CHECK_STR("ready\none\ntwo\n", process.text);
}

/* -- who leaves signals alone -------------------------------------------------------------------*/

static int no_signals_body(void *arg)
{
    return roost_run(*(roost_call *)arg, &(roost_run_opts){.no_signals = true}) == 0;
}

ROOST_ASYNC(nap_for_long)
{
    tell("ready\n");
    return roost_sleep(ROOST_SEC(20));
}

ROOST_TEST(a_run_told_to_leaves_signals_alone, .plain = true, .no_torture = true)
{
    struct process process;
    if (roost_test_virtual())
        kit_leave_out("a simulation holds no signals");
    roost_call call = ROOST_CALL(nap_for_long);
    process_begin(&process, no_signals_body, &call);
    process_await(&process, "ready\n");
    process_signal(&process, SIGINT);
    process_end(&process);
    CHECK_EQ(128 + SIGINT, process.code);
}

static void on_own_signal(int signo)
{
    (void)signo;
    tell("own handler\n");
}

ROOST_ASYNC(nothing)
{
    return 0;
}

static int former_body(void *arg)
{
    (void)arg;
    signal(SIGINT, on_own_signal);
    if (roost_run(ROOST_CALL(nothing), NULL) != 0)
        return 90;
    raise(SIGINT);
    return 0;
}

ROOST_TEST(the_former_handler_is_back_after_the_run, .plain = true, .no_torture = true)
{
    struct process process;
    process_run(&process, former_body, NULL);
    CHECK_EQ(0, process.code);
    CHECK_STR("own handler\n", process.text);
}

/* -- roost_main ---------------------------------------------------------------------------------*/

ROOST_ASYNC(return_this, int, result)
{
    return result;
}

static int main_status(int result, struct process *process)
{
    roost_call call = ROOST_CALL(return_this, result);
    process_run(process, main_body, &call);
    return process->code;
}

ROOST_TEST(the_exit_status_is_the_result_where_one_fits, .plain = true, .no_torture = true)
{
    struct process process;
    CHECK_EQ(0, main_status(0, &process));
    CHECK_EQ(125, main_status(125, &process));
    CHECK_EQ(1, main_status(126, &process));
    CHECK_EQ(1, main_status(100000, &process));
    CHECK_STR("", process.text);
    CHECK_EQ(1, main_status(-ENOENT, &process));
    CHECK_STR("roost: the main task failed\n"
              "ENOENT: No such file or directory (task 'main', 1)\n",
              process.text);
    CHECK_EQ(1, main_status(ROOST_ECANCELED, &process));
}
