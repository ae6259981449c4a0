/* tests/unit/rt/test_watchdog.c - a task that keeps the processor is named, with its backtrace.
 *
 * Registered per ROOST_TEST_BACKENDS without sim.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "port/host.h"
#include "kit/kit.h"
#include "unit/rt/process.h"

static volatile uint64_t burnt;

/* Visible in a backtrace, since it is exported and does something after its loop. */
__attribute__((noinline, visibility("default"))) void burn_the_processor(roost_dur dur);
void burn_the_processor(roost_dur dur)
{
    roost_time end = roosti_clock_now() + dur;
    while (roosti_clock_now() < end)
        burnt = burnt + 1;
    burnt = 0;
}

ROOST_ASYNC(compute, roost_dur, dur)
{
    burn_the_processor(dur);
    return 0;
}

ROOST_ASYNC(compute_twice, roost_dur, dur)
{
    ROOST_TRY(roost_task_set_name("cruncher"));
    for (int i = 0; i < 2; i++) {
        burn_the_processor(dur);
        ROOST_TRY(roost_sleep(ROOST_MS(1)));
    }
    return 0;
}

/* A run of a call at a debug level, with a limit. */
struct watched {
    roost_call call;
    roost_run_opts opts;
};

static int watched_body(void *arg)
{
    const struct watched *watched = arg;
    return roost_run(watched->call, &watched->opts) == 0 ? 0 : 90;
}

static void watched_run(struct process *process, roost_call call, roost_run_opts opts)
{
    if (roost_test_virtual())
        kit_leave_out("a simulation measures no time");
#ifdef ROOST_VALGRIND
    roost_test_skip("Valgrind runs one thread at a time, which measures no time either");
#endif
    process_run(process, watched_body, &(struct watched){.call = call, .opts = opts});
    CHECK_EQ(0, process->code);
}

ROOST_TEST(a_long_step_is_reported_once_with_its_backtrace, .plain = true, .no_torture = true)
{
    struct process process;
    watched_run(&process, ROOST_CALL(compute_twice, ROOST_MS(300)), (roost_run_opts){.debug = 1});
    CHECK_EQ(2, process_count(&process, "roost: task 'cruncher' has not given way for more than "
                                        "100 ms; it stands at:\n"));
    CHECK(process_count(&process, "test_watchdog") + process_count(&process, "unit_rt_watchdog") >=
          2);
    CHECK(process_count(&process, "\n") >= 6);
}

ROOST_TEST(the_limit_can_be_chosen, .plain = true, .no_torture = true)
{
    struct process process;
    watched_run(&process, ROOST_CALL(compute, ROOST_MS(200)),
                (roost_run_opts){.debug = 1, .watchdog = ROOST_MS(40)});
    CHECK_WROTE(&process, "roost: task 'main' has not given way for more than 40 ms");
    watched_run(&process, ROOST_CALL(compute, ROOST_MS(200)),
                (roost_run_opts){.debug = 1, .watchdog = ROOST_SEC(10)});
    CHECK_STR("", process.text);
}

ROOST_TEST(without_debug_or_with_minus_one_nobody_looks, .plain = true, .no_torture = true)
{
    struct process process;
    watched_run(&process, ROOST_CALL(compute, ROOST_MS(200)), (roost_run_opts){.debug = -1});
    CHECK_STR("", process.text);
    watched_run(&process, ROOST_CALL(compute, ROOST_MS(200)),
                (roost_run_opts){.debug = 1, .watchdog = -1});
    CHECK_STR("", process.text);
}

ROOST_ASYNC(wait_for_long)
{
    return roost_sleep(ROOST_MS(300));
}

ROOST_TEST(a_loop_that_waits_is_not_stuck, .plain = true, .no_torture = true)
{
    struct process process;
    watched_run(&process, ROOST_CALL(wait_for_long), (roost_run_opts){.debug = 1, .loops = 2});
    CHECK_STR("", process.text);
}

ROOST_ASYNC(compute_elsewhere)
{
    return roost_on_loop(1, ROOST_CALL(compute, ROOST_MS(300)), NULL);
}

ROOST_TEST(a_step_on_another_loop_is_seen_too, .plain = true, .no_torture = true)
{
    struct process process;
    watched_run(&process, ROOST_CALL(compute_elsewhere), (roost_run_opts){.debug = 1, .loops = 2});
    CHECK_EQ(1, process_count(&process, "roost: task 'compute' has not given way"));
}
