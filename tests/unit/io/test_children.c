/* tests/unit/io/test_children.c - programs started by this one: their descriptors, their end, and
 * what is left of them.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <roost.h>

#include "kit/kit.h"
#include "kit/world.h"

static void skip_in_simulation(void)
{
    if (roost_test_virtual())
        kit_leave_out("child processes are real");
}

static bool children_left(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* What a command line prints. */
static ROOST_SUSPENDS void prints(const char *wanted, roost_child_opts opts)
{
    roost_child_result result = {.status = {0, 0}};
    opts.out = ROOST_CHILD_PIPE;
    int rc = roost_child_run(&opts, &result);
    CHECK_OK(rc);
    if (rc == 0)
        CHECK_STR(wanted, result.out.data);
    roost_child_result_fini(&result);
}

static roost_child *started(const char *shell, int in, int out)
{
    roost_child *child = NULL;
    CHECK_OK(roost_child_start(
        &(const roost_child_opts){.shell = shell, .in = in, .out = out, .grace = ROOST_MS(20)},
        &child));
    return child;
}

static bool note_has(const char *text)
{
    roost_error error;
    return roost_error_last(&error) == 0 && error.step_count > 0 &&
           strstr(error.steps[0].note, text) != NULL;
}

/* -- running ------------------------------------------------------------------------------------*/

ROOST_TEST(what_is_fed_in_comes_out)
{
    skip_in_simulation();
    static char much[300000];
    ROOST_AUTO(child_result) roost_child_result result = {.status = {0, 0}};
    const char *const argv[] = {"cat", NULL};
    memset(much, 'x', sizeof much);
    CHECK_OK(roost_child_run(&(const roost_child_opts){.argv = argv,
                                                       .input = {much, sizeof much},
                                                       .out = ROOST_CHILD_PIPE},
                             &result));
    CHECK_EQ(sizeof much, result.out.len);
    CHECK(!roost_test_tortured() && memcmp(much, result.out.data, sizeof much) == 0);
    CHECK(!result.err.data);
    CHECK_EQ(0, result.status.code);
}

ROOST_TEST(each_option_reaches_the_child)
{
    skip_in_simulation();
    const char *const env[] = {"A=b c", NULL};
    prints("b c.\n", (roost_child_opts){.shell = "echo \"$A.$HOME\"", .env = env});
    prints("/\n", (roost_child_opts){.shell = "pwd", .cwd = "/"});
    prints("", (roost_child_opts){.shell = "cat", .in = ROOST_CHILD_NULL});
    prints("", (roost_child_opts){.shell = "cat", .in = ROOST_CHILD_PIPE});
    prints("a\nb\n", (roost_child_opts){.shell = "echo a; echo b >&2", .err = ROOST_CHILD_TO_OUT});
    prints("a\n", (roost_child_opts){.shell = "echo a; echo b >&2", .err = ROOST_CHILD_NULL});
    prints("yes\n", (roost_child_opts){.shell = "read x; echo $x", .input = {"yes\nno\n", 7}});
}

ROOST_TEST(a_child_that_does_not_want_its_input_is_no_failure)
{
    skip_in_simulation();
    static char much[300000];
    prints("", (roost_child_opts){.shell = "exec 0<&-", .input = {much, sizeof much}});
}

ROOST_TEST(a_child_has_no_descriptors_and_signal_actions_of_ours)
{
    skip_in_simulation();
    int foreign = open("/dev/null", O_RDONLY); /* not closed by exec of its own accord */
    sigset_t set, former;
    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &set, &former);
    /* The two above 31 are the C library's own. */
    prints("blocked 0, ignored 0\n",
           (roost_child_opts){.shell = "b=$(sed -n s/SigBlk:.//p /proc/self/status);"
                                       "i=$(sed -n s/SigIgn:.//p /proc/self/status);"
                                       "echo blocked $((0x$b)), ignored $((0x$i & 0x7fffffff))"});
    prints("0 1 2 3\n", (roost_child_opts){.shell = "exec sh -c 'echo $(ls /proc/self/fd)'"});
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    close(foreign);
}

ROOST_TEST(descriptors_may_change_places)
{
    skip_in_simulation();
    roost_child_result result = {.status = {0, 0}};
    int fds[2];
    char buf[16] = {0};
    if (pipe2(fds, O_CLOEXEC) < 0)
        return;
    int kept = fcntl(2, F_DUPFD_CLOEXEC, 3);
    dup2(fds[1], 2);
    CHECK_OK(roost_child_run(&(const roost_child_opts){.shell = "echo out; echo err >&2",
                                                       .out = 2, /* this program's, for now */
                                                       .err = ROOST_CHILD_PIPE},
                             &result));
    dup2(kept, 2);
    close(kept);
    close(fds[1]);
    CHECK_EQ(4, read(fds[0], buf, sizeof buf - 1));
    CHECK_STR("out\n", buf);
    CHECK_STR("err\n", result.err.data);
    close(fds[0]);
    roost_child_result_fini(&result);
}

ROOST_TEST(more_output_than_allowed_stops_the_child)
{
    skip_in_simulation();
    roost_child_result result = {.status = {0, 0}};
    roost_child_opts opts = {.shell = "printf 12345", .out = ROOST_CHILD_PIPE, .output_max = 5};
    CHECK_EQ(0, roost_child_run(&opts, &result));
    roost_child_result_fini(&result);
    opts.output_max = 4;
    CHECK_EQ(ROOST_EOVERFLOW, roost_child_run(&opts, &result));
    opts.shell = "while :; do echo yyyyyyyyyyyyyyyyyyyyyyy; done";
    opts.grace = ROOST_MS(200);
    CHECK_EQ(ROOST_EOVERFLOW, roost_child_run(&opts, &result));
    CHECK_ALWAYS(!children_left());
    CHECK(!result.out.data);
}

ROOST_TEST(a_checked_child_that_fails_says_how)
{
    skip_in_simulation();
    roost_child_result result = {.status = {0, 0}};
    roost_child_opts opts = {
        .shell = "echo no luck >&2; exit 9", .err = ROOST_CHILD_PIPE, .check = true};
    CHECK_EQ(ROOST_EFAILED, roost_child_run(&opts, &result));
    CHECK(note_has("'sh' exited with 9: no luck"));
    opts = (roost_child_opts){.shell = "kill -9 $$", .check = true};
    CHECK_EQ(ROOST_EFAILED, roost_child_run(&opts, &result));
    CHECK(note_has("died of signal 9"));
    opts.check = false;
    CHECK_EQ(0, roost_child_run(&opts, &result));
    CHECK_EQ(-1, result.status.code);
    CHECK_EQ(9, result.status.signo);
    roost_child_result_fini(&result);
}

/* -- starting -----------------------------------------------------------------------------------*/

ROOST_TEST(what_cannot_be_started_is_told_by_its_code_and_leaves_nothing)
{
    skip_in_simulation();
    int fds = kit_fds_open();
    roost_child *child = NULL;
    const char *const none[] = {NULL};
    const char *const missing[] = {"/nonexistent/program", NULL};
    const char *const unknown[] = {"there-is-no-such-program", NULL};
    const char *const directory[] = {"/tmp", NULL};
    const char *const yes[] = {"true", NULL};
    CHECK_EQ(-ENOENT, roost_child_start(&(const roost_child_opts){.argv = missing}, &child));
    CHECK(note_has("/nonexistent/program"));
    CHECK_EQ(-ENOENT, roost_child_start(&(const roost_child_opts){.argv = unknown}, &child));
    CHECK_EQ(-EACCES, roost_child_start(&(const roost_child_opts){.argv = directory}, &child));
    CHECK_EQ(-ENOENT, roost_child_start(&(const roost_child_opts){.argv = yes,
                                                                  .cwd = "/nonexistent",
                                                                  .in = ROOST_CHILD_PIPE,
                                                                  .out = ROOST_CHILD_PIPE},
                                        &child));
    CHECK_EQ(-EBADF, roost_child_start(&(const roost_child_opts){.argv = yes, .out = 999}, &child));
    CHECK_EQ(ROOST_EINVAL, roost_child_start(&(const roost_child_opts){.argv = none}, &child));
    CHECK_EQ(ROOST_EINVAL, roost_child_start(&(const roost_child_opts){.cwd = "/"}, &child));
    CHECK_EQ(ROOST_EINVAL,
             roost_child_start(&(const roost_child_opts){.argv = yes, .shell = ":"}, &child));
    CHECK_EQ(ROOST_EINVAL,
             roost_child_start(&(const roost_child_opts){.argv = yes, .out = ROOST_CHILD_TO_OUT},
                               &child));
    CHECK(!child);
    CHECK(kit_fds_open() == fds);
    CHECK_ALWAYS(!children_left());
    CHECK_EQ(0, roost_child_close(NULL));
}

ROOST_TEST(a_simulated_run_has_no_children)
{
    roost_child *child = NULL;
    if (!roost_test_virtual())
        kit_leave_out("a simulated run");
    CHECK_EQ(ROOST_ENOTSUP, roost_child_start(&(const roost_child_opts){.shell = ":"}, &child));
    CHECK(note_has("simulated"));
}

ROOST_TEST(outside_a_run_there_are_no_children, .plain = true)
{
    roost_child *child = NULL;
    CHECK_EQ(ROOST_ENOCTX, roost_child_start(&(const roost_child_opts){.shell = ":"}, &child));
}

/* -- by the handle ------------------------------------------------------------------------------*/

ROOST_TEST(a_child_is_spoken_with, .stalls = true)
{
    skip_in_simulation();
    ROOST_AUTO(child) roost_child *child = started("cat", ROOST_CHILD_PIPE, ROOST_CHILD_PIPE);
    roost_child_status status = {.code = -1};
    char buf[8] = {0};
    if (!child)
        return;
    CHECK(roost_child_pid(child) > 0);
    CHECK(!roost_child_err(child));
    if (roost_write_all(roost_child_in(child), "hello", 5) < 0)
        return;
    CHECK_EQ(0, roost_read_exact(roost_child_out(child), buf, 5, NULL));
    CHECK_STR("hello", buf);
    if (roost_write_end(roost_child_in(child)) < 0)
        return;
    CHECK_EQ(0, roost_read(roost_child_out(child), buf, 5));
    CHECK_EQ(0, roost_child_wait(child, &status));
    CHECK_EQ(0, status.code);
    CHECK_EQ(0, roost_child_wait(child, NULL));
    CHECK_EQ(-ESRCH, roost_child_kill(child));
}

ROOST_TEST(a_signal_is_how_it_ends)
{
    skip_in_simulation();
    ROOST_AUTO(child) roost_child *child = started("exec sleep 1000", 0, 0);
    roost_child_status status = {.code = 0};
    if (!child)
        return;
    CHECK_EQ(ROOST_EINVAL, roost_child_signal(child, 1000));
    CHECK_EQ(0, roost_child_signal(child, SIGHUP));
    CHECK_EQ(0, roost_child_wait(child, &status));
    CHECK_EQ(-1, status.code);
    CHECK_EQ(SIGHUP, status.signo);
}

ROOST_ASYNC(wait_for, roost_child *, child, int *, result)
{
    *result = roost_child_wait(child, NULL);
    return 0;
}

ROOST_TEST(one_task_waits_and_closing_tells_it)
{
    skip_in_simulation();
    roost_child *child = started("exec sleep 1000", 0, 0);
    int results[2] = {1, 1};
    int rc = 0;
    if (!child)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, wait_for, child, &results[0]);
        CHECK_OK(roost_yield());
        ROOST_GO(g, wait_for, child, &results[1]);
        for (int i = 0; i < 100 && results[1] == 1; i++)
            CHECK_OK(roost_yield());
        CHECK_EQ(ROOST_EBUSY, results[1]);
        CHECK_EQ(0, roost_child_close(child));
        child = NULL;
    }
    CHECK_EQ(ROOST_ECLOSED, results[0]);
    CHECK_EQ(0, roost_child_close(child));
    CHECK_ALWAYS(!children_left());
}

ROOST_TEST(a_cancelled_wait_does_nothing_to_the_child)
{
    skip_in_simulation();
    ROOST_AUTO(child) roost_child *child = started("exec cat", ROOST_CHILD_PIPE, 0);
    roost_child_status status = {.code = -1};
    if (!child)
        return;
    int rc = ROOST_WITHIN(ROOST_MS(1), roost_child_wait(child, &status));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    if (roost_write_end(roost_child_in(child)) < 0)
        return;
    CHECK_EQ(0, roost_child_wait(child, &status));
    CHECK_EQ(0, status.code);
}

ROOST_TEST(closing_stops_a_child_that_ignores_sigterm)
{
    skip_in_simulation();
    roost_child *child = started("trap '' TERM; echo x; while :; do sleep 0.01; done",
                                 ROOST_CHILD_NULL, ROOST_CHILD_PIPE);
    char buf[4];
    if (!child)
        return;
    CHECK_OK(roost_read_exact(roost_child_out(child), buf, 2, NULL));
    CHECK_EQ(0, roost_child_close(child));
    CHECK_ALWAYS(!children_left());
}

ROOST_TEST(closing_lets_a_child_end_in_order)
{
    skip_in_simulation();
    int fds[2];
    char buf[16] = {0};
    roost_child *child = NULL;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return;
    CHECK_OK(roost_child_start(
        &(const roost_child_opts){
            .shell = "trap 'echo bye; exit 0' TERM; echo x; while :; do sleep 0.01; done",
            .out = fds[1]},
        &child));
    close(fds[1]);
    if (child) {
        CHECK_EQ(2, read(fds[0], buf, 2));
        CHECK_EQ(0, roost_child_close(child));
        CHECK_EQ(4, read(fds[0], buf, sizeof buf));
        CHECK(memcmp(buf, "bye\n", 4) == 0);
    }
    close(fds[0]);
    CHECK_ALWAYS(!children_left());
}

ROOST_TEST(a_negative_grace_kills_at_once_and_a_group_dies_whole)
{
    skip_in_simulation();
    roost_child *child = NULL;
    char buf[16];
    CHECK_OK(roost_child_start(&(const roost_child_opts){.shell = "sleep 1000 & echo x; wait",
                                                         .out = ROOST_CHILD_PIPE,
                                                         .group = true,
                                                         .grace = -1},
                               &child));
    if (!child)
        return;
    CHECK_OK(roost_read_exact(roost_child_out(child), buf, 2, NULL));
    CHECK_EQ(0, roost_child_kill(child));
    /* The end of the pipe: nobody of the group is left to hold it. */
    CHECK_EQ(0, roost_read(roost_child_out(child), buf, 1));
    CHECK_EQ(0, roost_child_close(child));
    CHECK_ALWAYS(!children_left());
}

ROOST_TEST(a_program_that_ignores_its_children_is_told_so)
{
    skip_in_simulation();
    signal(SIGCHLD, SIG_IGN);
    ROOST_AUTO(child) roost_child *child = started("exec cat", ROOST_CHILD_PIPE, 0);
    if (!child)
        return;
    if (roost_write_end(roost_child_in(child)) < 0)
        return;
    CHECK_EQ(-ECHILD, roost_child_wait(child, NULL));
}
