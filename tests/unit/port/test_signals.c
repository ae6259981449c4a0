/* tests/unit/port/test_signals.c - holding SIGINT and SIGTERM, and giving them back.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <signal.h>

#include <roost/error.h>

#include "port/fiber.h"
#include "port/host.h"
#include "unit/port/cases.h"

struct seen {
    int count;
    int signo;
    int nth;
    int last_good; /* the hook says false past this one */
};

static bool note(void *arg, int signo, int nth)
{
    struct seen *seen = arg;
    seen->count++;
    seen->signo = signo;
    seen->nth = nth;
    errno = 12345;
    return nth <= seen->last_good;
}

TEST(the_hook_is_told_which_signal_came_and_how_many)
{
    struct seen seen = {.last_good = 100};
    CHECK_EQ(0, roosti_signals_hold(&(struct roosti_signal_hook){note, &seen}));
    errno = 7;
    raise(SIGINT);
    CHECK_EQ(7, errno);
    CHECK_EQ(1, seen.count);
    CHECK_EQ(SIGINT, seen.signo);
    CHECK_EQ(1, seen.nth);
    raise(SIGTERM);
    CHECK_EQ(2, seen.count);
    CHECK_EQ(SIGTERM, seen.signo);
    CHECK_EQ(2, seen.nth);
    roosti_signals_release();
}

TEST(there_is_one_holder_and_the_next_one_counts_from_one)
{
    struct seen first = {.last_good = 100};
    struct seen second = {.last_good = 100};
    CHECK_EQ(0, roosti_signals_hold(&(struct roosti_signal_hook){note, &first}));
    CHECK_EQ(ROOST_EBUSY, roosti_signals_hold(&(struct roosti_signal_hook){note, &second}));
    raise(SIGINT);
    CHECK_EQ(1, first.count);
    CHECK_EQ(0, second.count);
    roosti_signals_release();
    CHECK_EQ(0, roosti_signals_hold(&(struct roosti_signal_hook){note, &second}));
    raise(SIGINT);
    CHECK_EQ(1, first.count);
    CHECK_EQ(1, second.nth);
    roosti_signals_release();
}

#if !defined(ROOSTI_TSAN) /* which delivers no signals in a child of a process with tasks */
TEST(a_child_made_by_fork_is_ended_by_a_signal)
{
    struct seen seen = {.last_good = 100};
    int status = 0;
    CHECK_EQ(0, roosti_signals_hold(&(struct roosti_signal_hook){note, &seen}));
    pid_t pid = fork();
    if (pid == 0) {
        raise(SIGTERM);
        _exit(0);
    }
    CHECK_EQ(pid, waitpid(pid, &status, 0));
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM);
    raise(SIGINT);
    CHECK_EQ(1, seen.count);
    roosti_signals_release();
}

static void third_time(void *arg)
{
    struct seen seen = {.last_good = 2};
    if (roosti_signals_hold(&(struct roosti_signal_hook){note, &seen}) < 0)
        _exit(90);
    raise(SIGINT);
    raise(SIGINT);
    if (seen.count != 2)
        _exit(91);
    raise(*(int *)arg);
    _exit(92);
}

TEST(a_hook_that_says_no_lets_the_signal_take_its_former_course)
{
    int signo = SIGINT;
    CHECK_EQ(128 + SIGINT, child_run(third_time, &signo).code);
    signo = SIGTERM;
    CHECK_EQ(128 + SIGTERM, child_run(third_time, &signo).code);
}
#endif

static volatile sig_atomic_t own_count;

static void own_handler(int signo)
{
    (void)signo;
    own_count++;
}

TEST(the_handler_of_the_program_comes_back)
{
    struct sigaction own = {.sa_handler = own_handler};
    struct sigaction former;
    sigaction(SIGTERM, &own, &former);
    own_count = 0;
    struct seen seen = {.last_good = 1};
    CHECK_EQ(0, roosti_signals_hold(&(struct roosti_signal_hook){note, &seen}));
    raise(SIGTERM);
    CHECK_EQ(0, own_count);
    raise(SIGTERM); /* the hook says no: the program's handler has it */
    CHECK_EQ(1, own_count);
    roosti_signals_release();
    raise(SIGTERM);
    CHECK_EQ(2, own_count);
    CHECK_EQ(2, seen.count);
    sigaction(SIGTERM, &former, NULL);
}

TEST(an_ignored_signal_stays_ignored)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction former;
    sigaction(SIGINT, &ignore, &former);
    struct seen seen = {.last_good = 100};
    CHECK_EQ(0, roosti_signals_hold(&(struct roosti_signal_hook){note, &seen}));
    raise(SIGINT);
    CHECK_EQ(0, seen.count);
    roosti_signals_release();
    struct sigaction present;
    sigaction(SIGINT, NULL, &present);
    CHECK(present.sa_handler == SIG_IGN);
    sigaction(SIGINT, &former, NULL);
}

TEST(a_handler_set_over_ours_is_left_in_place)
{
    struct seen seen = {.last_good = 100};
    struct sigaction former;
    sigaction(SIGINT, NULL, &former);
    CHECK_EQ(0, roosti_signals_hold(&(struct roosti_signal_hook){note, &seen}));
    struct sigaction own = {.sa_handler = own_handler};
    sigaction(SIGINT, &own, NULL);
    roosti_signals_release();
    own_count = 0;
    raise(SIGINT);
    CHECK_EQ(1, own_count);
    sigaction(SIGINT, &former, NULL);
}
