/* tests/unit/kit/test_kit.c - the kit finds what was planted, and nothing where nothing is.
 *
 * Each case runs this program again, with the planted cases in it, and judges exit status and
 * output.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unit/kit/planted.h"

/* -- running the program ----------------------------------------------------------------------- */

enum { OUTPUT_MAX = 1 << 18, ARGS_MAX = 16 };
static char output[OUTPUT_MAX];

static _Noreturn void program_become(char **argv, int out)
{
    dup2(out, 1);
    dup2(out, 2);
    setenv("ROOST_KIT_PLANTED", "1", 1);
    unsetenv("ROOST_SEED");
    /* By its name: under a tool that interprets it the link itself leads to the tool. */
    char path[4096];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);
    path[len > 0 ? len : 0] = '\0';
    execv(path, argv);
    _exit(126);
}

/* Runs it with the arguments, which end with NULL. Its exit status; what it printed is in output.
 */
static int program(const char *first, ...)
{
    char *argv[ARGS_MAX] = {(char *)(uintptr_t) "planted"};
    int argc = 1;
    va_list args;
    va_start(args, first);
    for (const char *arg = first; arg && argc < ARGS_MAX - 1; arg = va_arg(args, const char *))
        argv[argc++] = (char *)(uintptr_t)arg;
    va_end(args);

    int fds[2];
    CHECK_EQ(0, pipe(fds));
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        program_become(argv, fds[1]);
    }
    close(fds[1]);
    size_t len = 0;
    ssize_t n;
    while ((n = read(fds[0], output + len, sizeof output - 1 - len)) > 0)
        len += (size_t)n;
    output[len] = '\0';
    close(fds[0]);
    int status;
    CHECK_EQ(pid, waitpid(pid, &status, 0));
    CHECK(WIFEXITED(status));
    if (WEXITSTATUS(status) == 126)
        roost_test_skip("a way for this program to run itself");
    return WEXITSTATUS(status);
}

static void output_has(const char *text)
{
    if (strstr(output, text))
        return;
    printf("no \"%s\" in:\n%s", text, output);
    roost_test_fail(__FILE__, __LINE__, "the output has it", true);
}

static void output_lacks(const char *text)
{
    if (!strstr(output, text))
        return;
    printf("\"%s\" in:\n%s", text, output);
    roost_test_fail(__FILE__, __LINE__, "the output lacks it", true);
}

/* One case without torture: it fails, and says why. */
static void fails_with(const char *name, const char *why)
{
    CHECK_EQ(1, program("--filter", name, NULL));
    output_has(why);
    output_has("not ok 1 - ");
    output_has("\n0 passed, 1 failed, 0 skipped\n");
    output_has("# repeat: ROOST_SEED=1 ");
}

/* -- tortures ---------------------------------------------------------------------------------- */

ROOST_TEST(no_plain_run_finds_a_lost_hand_off, .plain = true)
{
    CHECK_EQ(0, program("--filter", "lost_hand_off", "--seeds", "60", NULL));
    output_has("\n1 passed, 0 failed, 0 skipped\n");
}

ROOST_TEST(cancelling_a_ready_task_finds_a_lost_hand_off, .plain = true)
{
    CHECK_EQ(1, program("--filter", "lost_hand_off", "--cancel-torture", "--points", "0", NULL));
    output_has("deadlock");
    output_has(" waits: planted lock");
    output_has("\n0 passed, 1 failed, 0 skipped\n");
    const char *point = strstr(output, "--point B:");
    CHECK(point != NULL);

    /* The line that is printed repeats it. */
    char at[32];
    CHECK_EQ(1, sscanf(point, "--point %31s", at));
    CHECK_EQ(1, program("--filter", "lost_hand_off", "--point", at, NULL));
    output_has("deadlock");
    CHECK_EQ(0, program("--filter", "kept_hand_off", "--point", at, NULL));
}

ROOST_TEST(cancelling_at_checkpoints_alone_would_not, .plain = true)
{
    CHECK_EQ(1, program("--filter", "lost_hand_off", "--cancel-torture", "--points", "0", NULL));
    output_lacks("--point A:");
}

ROOST_TEST(a_sound_lock_survives_every_point, .plain = true)
{
    CHECK_EQ(0, program("--filter", "kept_hand_off", "--cancel-torture", "--points", "0", "--seeds",
                        "3", NULL));
    output_has("\n1 passed, 0 failed, 0 skipped\n");
    output_has("# kept_hand_off: points A ");
    CHECK_EQ(0, program("--filter", "kept_hand_off", "--oom-torture", "--points", "0", NULL));
    output_has(" of them refused\n");
}

ROOST_TEST(a_case_may_allow_its_tasks_to_stall, .plain = true)
{
    CHECK_EQ(
        0, program("--filter", "lost_hand_off_allowed", "--cancel-torture", "--points", "0", NULL));
}

ROOST_TEST(refused_memory_finds_what_is_forgotten, .plain = true)
{
    CHECK_EQ(0, program("--filter", "forgets_on_the_way_out", NULL));
    CHECK_EQ(1,
             program("--filter", "forgets_on_the_way_out", "--oom-torture", "--points", "0", NULL));
    output_has("1 blocks of memory are left");
    output_has("--point one:");
}

ROOST_TEST(refused_memory_finds_who_does_not_look, .plain = true)
{
    CHECK_EQ(0, program("--filter", "trusts_the_allocator", NULL));
    CHECK_EQ(1, program("--filter", "trusts_the_allocator", "--oom-torture", NULL));
    output_has("--point one:");
}

ROOST_TEST(a_failed_operation_finds_what_is_forgotten, .plain = true)
{
    CHECK_EQ(0, program("--filter", "forgets_a_file", NULL));
    CHECK_EQ(1, program("--filter", "forgets_a_file", "--fault-torture", "--points", "0", NULL));
    output_has("1 simulated descriptors are left open");
    output_has("--point fault:2");
    CHECK_EQ(1, program("--filter", "forgets_a_file", "--fault", "2", NULL));
    CHECK_EQ(0, program("--filter", "forgets_a_file", "--fault", "1", NULL));
}

ROOST_TEST(what_goes_on_for_ever_is_found_in_virtual_time, .plain = true)
{
    CHECK_EQ(0, program("--filter", "goes_on", NULL));
    CHECK_EQ(1, program("--filter", "goes_on", "--cancel-torture", NULL));
    output_has("hangs: ");
    output_has("on without end");
}

ROOST_TEST(under_torture_only_check_always_is_judged, .plain = true)
{
    CHECK_EQ(1, program("--filter", "is_judged_always", "--cancel-torture", NULL));
    output_has("planted.h");
    output_has(": rc == 0");
    output_lacks("roost_sleep");
}

ROOST_TEST(a_case_may_refuse_torture, .plain = true)
{
    CHECK_EQ(0, program("--filter", "is_not_tortured", "--cancel-torture", NULL));
    output_has("# is_not_tortured is left out: not tortured\n");
}

/* -- what is left behind ----------------------------------------------------------------------- */

ROOST_TEST(leaks_fail_a_case, .plain = true)
{
    fails_with("leaves_a_block", "1 blocks of memory are left");
    fails_with("leaves_a_descriptor", "1 descriptors are left open");
    fails_with("leaves_a_simulated_descriptor", "1 simulated descriptors are left open");
}

/* -- ends -------------------------------------------------------------------------------------- */

ROOST_TEST(failing_checks_fail_a_case, .plain = true)
{
    fails_with("fails_a_check", "planted.h");
    fails_with("fails_a_check", "3 + 5: want 7, got 8");
    fails_with("fails_a_check_on_text", "want \"one\", got NULL");
    fails_with("fails_a_call", "failed with -2001 ROOST_ETIMEDOUT");
    fails_with("does_not_suspend", "the block did not suspend");
    fails_with("suspends", "the block suspended");
}

ROOST_TEST(a_hang_is_reported_with_a_dump, .plain = true)
{
    CHECK_EQ(1, program("--filter", "spins", "--timeout", "1", NULL));
    output_has("hangs: not over after 1.000 s");
    output_has("task 1 'main'");
    output_has("\n0 passed, 1 failed, 0 skipped\n");
}

ROOST_TEST(other_bad_ends_fail_a_case, .plain = true)
{
    fails_with("deadlocks", "deadlock: every task waits");
    output_has("sleep forever");
    fails_with("crashes", "died of signal 6");
    fails_with("leaves_the_program", "left with exit status 0 in mid-case");
}

ROOST_TEST(skips_are_counted_and_say_why, .plain = true)
{
    CHECK_EQ(0, program("--filter", "skips", NULL));
    output_has("ok 1 - skips # SKIP nothing is missing\n");
    output_has("\n0 passed, 0 failed, 1 skipped\n");
}

ROOST_TEST(what_is_about_another_backend_is_left_out, .plain = true)
{
    CHECK_EQ(0, program("--filter", "needs_epoll", NULL));
    output_has("# needs_epoll is left out: needs the backend epoll\n");
    output_has("\n0 passed, 0 failed, 0 skipped\n");
    CHECK_EQ(0, program("--filter", "needs_epoll", "--backend", "epoll", NULL));
    output_has("\n1 passed, 0 failed, 0 skipped\n");
}

/* -- choosing cases ---------------------------------------------------------------------------- */

ROOST_TEST(a_behaviour_is_chosen_by_its_number, .plain = true)
{
    CHECK_EQ(0, program("--list", "--filter", "B07", NULL));
    CHECK_STR("B07_seven\n", output);
    CHECK_EQ(0, program("--list", "--filter", "B7", NULL));
    CHECK_STR("B07_seven\n", output);
    CHECK_EQ(0, program("--list", "--filter", "B70", NULL));
    CHECK_STR("B70_seventy\n", output);
    CHECK_EQ(0, program("--list", "--filter", "seven", NULL));
    CHECK_STR("B07_seven\nB70_seventy\n", output);
}

ROOST_TEST(bad_arguments_are_refused, .plain = true)
{
    CHECK_EQ(2, program("--no-such-option", NULL));
    CHECK_EQ(2, program("--seed", "x", NULL));
    CHECK_EQ(2, program("--backend", "windows", NULL));
    CHECK_EQ(2, program("--point", "Z:1", NULL));
    CHECK_EQ(2, program("--filter", NULL));
    CHECK_EQ(1, program("--filter", "no case has this name", NULL));
    output_has("\n0 passed, 0 failed, 0 skipped\n");
}

/* -- schedules --------------------------------------------------------------------------------- */

/* How many different words follow `heading` in the output. */
static int different(const char *heading)
{
    enum { WORDS_MAX = 100, WORD_MAX = 40 };
    static char words[WORDS_MAX][WORD_MAX];
    int count = 0;
    for (const char *at = output; (at = strstr(at, heading)) != NULL; at += strlen(heading)) {
        char word[WORD_MAX] = "";
        int seen = 0;
        if (sscanf(at + strlen(heading), " %39s", word) != 1)
            continue;
        while (seen < count && strcmp(words[seen], word) != 0)
            seen++;
        if (seen == count && count < WORDS_MAX)
            memcpy(words[count++], word, sizeof word);
    }
    return count;
}

ROOST_TEST(a_seed_repeats_its_schedule_and_others_differ, .plain = true)
{
    CHECK_EQ(0, program("--filter", "shuffled", "--check-determinism", "--seeds", "40", "--verbose",
                        NULL));
    CHECK(different("trace ") >= 10);
    CHECK(different("| letters ") >= 10);

    CHECK_EQ(0, program("--filter", "shuffled", "--seed", "7", "--verbose", NULL));
    static char first[OUTPUT_MAX];
    memcpy(first, output, sizeof first);
    CHECK_EQ(0, program("--filter", "shuffled", "--seed", "7", "--verbose", NULL));
    CHECK_STR(first, output);
}

ROOST_TEST(a_case_may_ask_for_the_order_of_production, .plain = true)
{
    CHECK_EQ(0, program("--filter", "in_order", "--seeds", "20", "--verbose", NULL));
    CHECK_EQ(1, different("| letters "));
    output_has("letters abcdeabcdeabcdeabcde\n");
}

ROOST_TEST(a_course_that_cannot_be_repeated_is_found, .plain = true)
{
    CHECK_EQ(0, program("--filter", "unrepeatable", NULL));
    CHECK_EQ(1, program("--filter", "unrepeatable", "--check-determinism", NULL));
    output_has("the same seed took another course");
}
