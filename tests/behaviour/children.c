/* tests/behaviour/children.c - behaviours B86 and B87: child processes.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include <roost.h>

#include "kit/behaviour.h"
#include "kit/world.h"

/* Children are real: a simulation has none, and says so. */
static ROOST_SUSPENDS bool simulation_refuses(void)
{
    roost_child *child = NULL;
    if (!roost_test_virtual())
        return false;
    CHECK_EQ(ROOST_ENOTSUP, roost_child_start(&(const roost_child_opts){.shell = ":"}, &child));
    return true;
}

/* Ended ones that nobody has reaped included. */
static bool children_left(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

BEHAVIOUR(86, waiting_returns_at_the_exit_although_a_grandchild_holds_the_pipe)
{
    if (simulation_refuses())
        return;
    ROOST_AUTO(child) roost_child *child = NULL;
    roost_child_status status = {.code = -1};
    roost_time began = roost_now();
    char buf[64];
    CHECK_OK(roost_child_start(
        &(const roost_child_opts){.shell = "sleep 5 & echo $!; exit 3", .out = ROOST_CHILD_PIPE},
        &child));
    if (!child)
        return;
    CHECK_EQ(0, roost_child_wait(child, &status));
    CHECK(roost_now() - began < ROOST_SEC(4));
    CHECK_EQ(3, status.code);
    CHECK_EQ(0, status.signo);
    int64_t n = roost_read(roost_child_out(child), buf, sizeof buf - 1);
    CHECK(n > 1);
    CHECK_EQ(ROOST_EAGAIN, roost_try_read(roost_child_out(child), buf + 32, 1));
    int grandchild = 0;
    for (int i = 0; i < n && buf[i] >= '0' && buf[i] <= '9'; i++)
        grandchild = grandchild * 10 + (buf[i] - '0');
    if (grandchild > 1)
        kill(grandchild, SIGKILL);
}

BEHAVIOUR(86, a_run_returns_at_the_exit_with_all_the_child_has_printed)
{
    if (simulation_refuses())
        return;
    ROOST_AUTO(child_result) roost_child_result result = {.status = {0, 0}};
    roost_time began = roost_now();
    CHECK_OK(roost_child_run(
        &(const roost_child_opts){.shell = "sleep 5 & echo $!; exit 0", .out = ROOST_CHILD_PIPE},
        &result));
    CHECK(roost_now() - began < ROOST_SEC(4));
    int grandchild = 0;
    for (size_t i = 0; i < result.out.len && result.out.data[i] != '\n'; i++)
        grandchild = grandchild * 10 + (result.out.data[i] - '0');
    CHECK(grandchild > 1);
    if (grandchild > 1)
        kill(grandchild, SIGKILL);
}

static const char stubborn[] = "trap '' TERM; echo ready; while :; do sleep 0.01; done";

/* Cancels a run once its child ignores SIGTERM: it tells by a pipe of its own. */
ROOST_ASYNC(run_stubborn, roost_stream *, out, roost_dur, grace, int *, result)
{
    roost_child_result got = {.status = {0, 0}};
    int fd = -1;
    CHECK_EQ(0, roost_stream_attr(out, ROOST_ATTR_FD, &fd, sizeof fd));
    *result = roost_child_run(
        &(const roost_child_opts){.shell = stubborn, .out = fd, .grace = grace}, &got);
    roost_child_result_fini(&got);
    roost_stream_abort(out);
    return 0;
}

BEHAVIOUR(87, a_cancelled_run_escalates_to_kill_and_leaves_nothing)
{
    if (simulation_refuses())
        return;
    roost_stream *in = NULL, *out = NULL;
    int fds = kit_fds_open();
    char line[8];
    int result = 1;
    int rc = 0;
    CHECK_OK(roost_pipe_open(&in, &out));
    if (!in || !out)
        return;
    ROOST_GROUP(g, rc) {
        if (roost_go(g, ROOST_CALL(run_stubborn, out, ROOST_MS(30), &result)) < 0)
            roost_stream_abort(out);
        CHECK_OK(roost_read_exact(in, line, 6, NULL));
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK_ALWAYS(!children_left());
    roost_stream_abort(in);
    CHECK(kit_fds_open() == fds);
}

BEHAVIOUR(87, a_deadline_ends_a_run_by_sigterm_alone)
{
    if (simulation_refuses())
        return;
    roost_child_result result = {.status = {0, 0}};
    const char *const argv[] = {"sleep", "1000", NULL};
    roost_child_opts opts = {.argv = argv, .out = ROOST_CHILD_PIPE, .err = ROOST_CHILD_PIPE};
    roost_time began = roost_now();
    int rc = ROOST_WITHIN(ROOST_MS(5), roost_child_run(&opts, &result));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK(roost_now() - began < ROOST_SEC(4));
    CHECK_ALWAYS(!children_left());
}
