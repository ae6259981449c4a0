/* tests/kit/child.c - a process of its own for every run of a case.
 *
 * The child inherits the runner's memory, so it needs no arguments; it answers in shared memory,
 * which also survives a crash. When its time is up it is asked for a dump first, then killed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "port/fiber.h"
#include "port/host.h"
#include "kit/kit.h"

#ifdef ROOSTI_TSAN
/* Under the thread sanitizer each process sleeps for a second before it ends, so that late races
 * are seen: hundreds of short ones would take minutes. */
__attribute__((visibility("default"))) const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "atexit_sleep_ms=0";
}
#endif

/* Made once; the runner has one child at a time. */
static struct kit_report *shared;

static _Noreturn void give_up(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(2);
}

static struct kit_report *report_fresh(void)
{
    if (!shared) {
        shared =
            mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED)
            give_up("shared memory");
    }
    memset(shared, 0, sizeof *shared);
    return shared;
}

/* -- the dump: in the child ---------------------------------------------------------------------*/

/* Best effort: the signal may have come anywhere, even inside the runtime. */
static void on_dump(int signo)
{
    static const char heading[] = "time is up; tasks, then where the process is:\n";
    int kept = errno;
    (void)signo;
    roosti_host_write(2, heading, sizeof heading - 1);
    roost_dump_tasks(2);
    roosti_backtrace_print();
    errno = kept;
}

static int dump_signal(void)
{
    return SIGRTMIN + 7;
}

static void dump_accept(void)
{
    struct sigaction action = {.sa_handler = on_dump, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(dump_signal(), &action, NULL);
}

/* -- waiting: in the runner ---------------------------------------------------------------------*/

static sigset_t child_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    return set;
}

/* True when it has ended, with its status. SIGCHLD is blocked, so none is missed. */
static bool child_wait(pid_t pid, roost_dur timeout, int *status)
{
    roost_time end = roosti_clock_now() + timeout;
    sigset_t set = child_signal();
    for (;;) {
        pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid)
            return true;
        if (got < 0 && errno != EINTR)
            give_up("waiting for a case");
        roost_dur left = end - roosti_clock_now();
        if (left <= 0)
            return false;
        struct timespec span = {.tv_sec = left / ROOST_SEC(1), .tv_nsec = left % ROOST_SEC(1)};
        (void)sigtimedwait(&set, NULL, &span);
    }
}

static int child_end(pid_t pid, roost_dur timeout, bool *late)
{
    int status;
    *late = !child_wait(pid, timeout, &status);
    if (!*late)
        return status;
    kill(pid, dump_signal());
    if (!child_wait(pid, ROOST_SEC(1), &status)) {
        kill(pid, SIGKILL);
        if (!child_wait(pid, ROOST_SEC(60), &status))
            give_up("a killed case does not end");
    }
    return status;
}

/* Turns the way a process ended into words where the report does not tell. */
static void report_close(struct kit_report *report, int status, bool late, roost_dur timeout)
{
    if (late) {
        report->outcome = KIT_FAILED;
        snprintf(report->text, sizeof report->text, "hangs: not over after %.3f s",
                 (double)timeout / 1e9);
    } else if (WIFSIGNALED(status)) {
        report->outcome = KIT_DIED;
        snprintf(report->text, sizeof report->text, "died of signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    } else if (report->outcome == KIT_DIED) {
        snprintf(report->text, sizeof report->text, "left with exit status %d in mid-case",
                 WEXITSTATUS(status));
    } else if (report->outcome != KIT_FAILED && WEXITSTATUS(status) != 0) {
        report->outcome = KIT_FAILED;
        snprintf(report->text, sizeof report->text,
                 "exit status %d after its end: see what it printed", WEXITSTATUS(status));
    }
}

/* How much slower the tools make everything. */
#if defined(ROOST_VALGRIND)
enum { SLOWER = 20 };
#elif defined(ROOSTI_FIBER_HOOKS)
enum { SLOWER = 4 };
#else
enum { SLOWER = 1 };
#endif

static roost_dur timeout_of(const struct kit_options *options, const roost_test_case *test)
{
    if (options->timeout != 0)
        return options->timeout;
    return SLOWER * (test->opts.timeout != 0 ? test->opts.timeout : ROOST_SEC(30));
}

static _Noreturn void child_body(const struct kit_case *wanted, FILE *output, const sigset_t *mask)
{
    /* A runner that is killed takes its case along. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fileno(output), 1);
    dup2(fileno(output), 2);
    close(fileno(output));
    dump_accept();
    sigprocmask(SIG_SETMASK, mask, NULL);
    kit_case_run(wanted);
}

const struct kit_report *kit_child_run(const struct kit_options *options, roost_test_case *test,
                                       const struct kit_plan *plan, FILE **ret_output)
{
    struct kit_report *report = report_fresh();
    FILE *output = tmpfile();
    if (!output)
        give_up("a file for the case's output");
    sigset_t set = child_signal();
    sigset_t mask;
    sigprocmask(SIG_BLOCK, &set, &mask);
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0)
        give_up("fork");
    if (pid == 0)
        child_body(
            &(struct kit_case){.options = options, .test = test, .plan = plan, .report = report},
            output, &mask);
    bool late;
    int status = child_end(pid, timeout_of(options, test), &late);
    sigprocmask(SIG_SETMASK, &mask, NULL);
    report_close(report, status, late, timeout_of(options, test));
    *ret_output = output;
    return report;
}

void kit_child_here(const struct kit_options *options, roost_test_case *test,
                    const struct kit_plan *plan)
{
    dump_accept();
    kit_case_run(&(struct kit_case){
        .options = options, .test = test, .plan = plan, .report = report_fresh()});
}
