/* tests/unit/rt/test_options.c - what a run can be told, and what it says of what it cannot use.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "rt/loop.h"
#include "rt/options.h"
#include "rt/run.h"
#include "unit/rt/process.h"

ROOST_ASYNC(nothing)
{
    return 0;
}

/* A run in an environment of its own. */
struct told {
    const char *name;
    const char *value;
    roost_run_opts opts;
    int rc;
};

static int told_body(void *arg)
{
    struct told *told = arg;
    unsetenv("ROOST_BACKEND");
    if (told->name)
        setenv(told->name, told->value, 1);
    return roost_run(ROOST_CALL(nothing), &told->opts) == told->rc ? 0 : 90;
}

static void told_run(struct process *process, struct told told)
{
    process_run(process, told_body, &told);
    CHECK_EQ(0, process->code);
}

ROOST_TEST(a_useless_size_of_stacks_is_refused_in_words, .plain = true, .no_torture = true)
{
    struct process process;
    told_run(&process, (struct told){.opts = {.stack_size = 12345}, .rc = ROOST_EINVAL});
    CHECK_WROTE(&process,
                "roost: stacks cannot be laid out with stack_size 12345 and tasks_max 0;");
    told_run(&process, (struct told){.opts = {.tasks_max = SIZE_MAX}, .rc = ROOST_EINVAL});
    CHECK_WROTE(&process, "roost: stacks cannot be laid out with stack_size 0 and tasks_max ");
}

ROOST_TEST(an_unknown_backend_is_refused_by_name, .plain = true, .no_torture = true)
{
    static const char text[] = "roost: there is no backend 'kqueue'; choose uring, epoll or sim\n";
    struct process process;
    told_run(&process, (struct told){.opts = {.backend = "kqueue"}, .rc = ROOST_EINVAL});
    CHECK_STR(text, process.text);
    told_run(&process,
             (struct told){.name = "ROOST_BACKEND", .value = "kqueue", .rc = ROOST_EINVAL});
    CHECK_STR(text, process.text);
    /* What the program says comes before what the environment says. */
    told_run(&process,
             (struct told){.name = "ROOST_BACKEND", .value = "kqueue", .opts = {.backend = "sim"}});
    CHECK_STR("", process.text);
}

ROOST_TEST(numbers_of_the_environment_must_be_whole, .plain = true, .no_torture = true)
{
    static const char *const bad[] = {"x", "12x", "-1", "1.5", " ", "99999999999999999999999"};
    struct process process;
    char text[100];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        told_run(&process, (struct told){.name = "ROOST_SEED",
                                         .value = bad[i],
                                         .opts = {.backend = "sim"},
                                         .rc = ROOST_EINVAL});
        snprintf(text, sizeof text, "roost: ROOST_SEED='%s' is not a whole number\n", bad[i]);
        CHECK_STR(text, process.text);
        told_run(&process, (struct told){.name = "ROOST_DEBUG",
                                         .value = bad[i],
                                         .opts = {.backend = "sim"},
                                         .rc = ROOST_EINVAL});
        snprintf(text, sizeof text, "roost: ROOST_DEBUG='%s' is not a whole number\n", bad[i]);
        CHECK_STR(text, process.text);
    }
}

ROOST_TEST(numbers_of_the_environment_are_used, .plain = true, .no_torture = true)
{
    roost_run_opts filled;
    setenv("ROOST_SEED", "0x2a", 1);
    setenv("ROOST_DEBUG", "1", 1);
    CHECK_EQ(0, roosti_options_fill(&filled, NULL));
    CHECK_EQ(42, filled.seed);
    CHECK_EQ(1, filled.debug);
    CHECK_EQ(0, roosti_options_fill(&filled, &(roost_run_opts){.seed = 7, .debug = 2}));
    CHECK_EQ(7, filled.seed);
    CHECK_EQ(2, filled.debug);
    CHECK_EQ(0, roosti_options_fill(&filled, &(roost_run_opts){.debug = -1}));
    CHECK_EQ(0, filled.debug);
    setenv("ROOST_DEBUG", "99", 1);
    setenv("ROOST_SEED", "", 1);
    CHECK_EQ(0, roosti_options_fill(&filled, NULL));
    CHECK_EQ(2, filled.debug);
    CHECK_EQ(1, filled.seed);
}

ROOST_TEST(what_was_left_open_gets_its_default, .plain = true, .no_torture = true)
{
    roost_run_opts filled;
    unsetenv("ROOST_SEED");
    unsetenv("ROOST_DEBUG");
    unsetenv("ROOST_BACKEND");
    CHECK_EQ(0, roosti_options_fill(&filled, NULL));
    CHECK(filled.backend == NULL);
    CHECK_EQ(1, filled.loops);
    CHECK_EQ(0, filled.debug);
    CHECK_EQ(1, filled.seed);
    CHECK_EQ(ROOST_SEC(10), filled.shutdown_grace);
    CHECK_EQ(ROOST_SEC(10), filled.thread_join_max);
    CHECK_EQ(ROOST_MS(100), filled.watchdog);
    CHECK_EQ(0, roosti_options_fill(&filled, &(roost_run_opts){.loops = -1, .backend = ""}));
    CHECK(filled.loops >= 1);
    CHECK(filled.backend == NULL);
    CHECK_EQ(0, roosti_options_fill(&filled, &(roost_run_opts){.loops = 9, .backend = "sim"}));
    CHECK_EQ(1, filled.loops);
}

ROOST_TEST(too_many_loops_are_refused, .plain = true, .no_torture = true)
{
    struct process process;
    told_run(&process, (struct told){.opts = {.backend = "epoll", .loops = ROOSTI_LOOPS_MAX + 1},
                                     .rc = ROOST_EINVAL});
    CHECK_STR("roost: 257 loops are more than 256\n", process.text);
}

ROOST_TEST(stacks_of_a_useless_size_are_refused, .plain = true, .no_torture = true)
{
    struct process process;
    told_run(&process,
             (struct told){.opts = {.backend = "sim", .stack_size = 5000}, .rc = ROOST_EINVAL});
    told_run(&process,
             (struct told){.opts = {.backend = "sim", .stack_size = 4096}, .rc = ROOST_EINVAL});
    told_run(&process, (struct told){.opts = {.backend = "sim", .stack_size = 1 << 20}});
}

ROOST_ASYNC(check_stack, size_t, bytes)
{
    volatile char deep[400000];
    deep[0] = 1;
    deep[sizeof deep - 1] = 1;
    return bytes > sizeof deep ? deep[0] : 0;
}

ROOST_TEST(a_larger_stack_holds_more, .plain = true, .no_torture = true)
{
    roost_run_opts opts = {.backend = "sim", .stack_size = 1 << 20};
    CHECK_EQ(1, roost_run(ROOST_CALL(check_stack, 1 << 20), &opts));
}
