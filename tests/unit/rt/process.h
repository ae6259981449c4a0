/* tests/unit/rt/process.h - processes of their own, for what ends one, or prints, or is signalled.
 *
 * A case has had a run already, so the fork it knows would give a child in which no run works (that
 * is a rule, with its own test). _Fork leaves the hooks of fork out: its child is a fresh process
 * as far as the runtime can tell. The child's standard error is read here.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_PROCESS_H
#define ROOST_TESTS_PROCESS_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <roost/testing.h>

#include "port/fiber.h"

enum { PROCESS_TEXT_MAX = 16384 };

struct process {
    pid_t pid;
    int fd;   /* reads what it writes to its fd 2 */
    int code; /* how it ended: its exit status, or 128 + the signal */
    size_t len;
    char text[PROCESS_TEXT_MAX]; /* so far; the rest of very much is dropped */
};

/* Begins body(arg) in a process of its own, which ends with what the body returns. */
static inline void process_begin(struct process *process, int (*body)(void *), void *arg)
{
    int fds[2];
    if (pipe(fds) != 0)
        roost_test_fail(__FILE__, __LINE__, "pipe", true);
    fflush(NULL);
    *process = (struct process){.fd = fds[0], .code = -1};
    process->pid = _Fork();
    if (process->pid < 0)
        roost_test_fail(__FILE__, __LINE__, "_Fork", true);
    if (process->pid > 0) {
        close(fds[1]);
        return;
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fds[1], 2);
    close(fds[0]);
    close(fds[1]);
    setenv("ROOST_BACKEND", roost_test_backend(), 1);
    unsetenv("ROOST_DEBUG");
    unsetenv("ROOST_SEED");
    _exit(body(arg));
}

/* Reads on; false at the end of what it writes. */
static inline bool process_read(struct process *process)
{
    char sink[256];
    size_t room = sizeof process->text - 1 - process->len;
    ssize_t n = room > 0 ? read(process->fd, process->text + process->len, room)
                         : read(process->fd, sink, sizeof sink);
    if (n <= 0)
        return false;
    if (room > 0)
        process->len += (size_t)n;
    process->text[process->len] = '\0';
    return true;
}

/* Waits until it has written this. */
static inline void process_await(struct process *process, const char *text)
{
    while (!strstr(process->text, text))
        if (!process_read(process)) {
            fprintf(stderr, "it wrote:\n%s\n", process->text);
            roost_test_fail(__FILE__, __LINE__, text, true);
        }
}

static inline void process_signal(const struct process *process, int signo)
{
#ifdef ROOSTI_TSAN
    /* The thread sanitizer holds a signal back until the next libc call it watches; one that comes
     * just before the process waits in a system call of our own would come too late. */
    nanosleep(&(struct timespec){.tv_nsec = 100 * 1000 * 1000}, NULL);
#endif
    if (kill(process->pid, signo) != 0)
        roost_test_fail(__FILE__, __LINE__, "kill", true);
}

/* Waits for its end. */
static inline void process_end(struct process *process)
{
    while (process_read(process))
        continue;
    close(process->fd);
    int status = 0;
    waitpid(process->pid, &status, 0);
    process->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static inline void process_run(struct process *process, int (*body)(void *), void *arg)
{
    process_begin(process, body, arg);
    process_end(process);
}

/* How often a text occurs in what it wrote. */
static inline int process_count(const struct process *process, const char *text)
{
    int count = 0;
    for (const char *at = process->text; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

static inline void process_check_text(const struct process *process, const char *text, bool wanted,
                                      const char *file, int line)
{
    if ((process_count(process, text) > 0) == wanted)
        return;
    fprintf(stderr, "%s: \"%s\" in:\n%s\n", wanted ? "missing" : "unwanted", text, process->text);
    roost_test_fail(file, line, text, true);
}

/* Whether a process that should die of a signal did: sanitizers may turn one into an exit code. */
static inline void process_check_died(const struct process *process, int signo, const char *file,
                                      int line)
{
#if defined(ROOSTI_ASAN) || defined(ROOSTI_TSAN)
    bool died = process->code != 0;
#else
    bool died = process->code == 128 + signo;
#endif
    (void)signo;
    if (died)
        return;
    fprintf(stderr, "it ended with %d and wrote:\n%s\n", process->code, process->text);
    roost_test_fail(file, line, "the process dies", true);
}

#define CHECK_WROTE(process, text) process_check_text((process), (text), true, __FILE__, __LINE__)
#define CHECK_SILENT_ON(process, text)                                                             \
    process_check_text((process), (text), false, __FILE__, __LINE__)
#define CHECK_DIED(process, signo) process_check_died((process), (signo), __FILE__, __LINE__)

#endif
