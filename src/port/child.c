/* port/child.c - forking, from the program's side: roots, their stack, their end.
 *
 * fork and not clone: only the C library's own puts its locks right in the child. A root goes on on
 * a stack as large as a program's main one, since it was forked on that of a task.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/child.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <roost/error.h>

#include "base/mem.h"
#include "port/child_impl.h"
#include "port/fiber.h"
#include "port/host.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum { ROOT_STACK = 8 << 20, ROOT_GUARD = 64 << 10, FIRST_FREE_FD = 3 };

/* -- in a fresh root --------------------------------------------------------------------------- */

struct root_start {
    struct roosti_fiber from;
    struct roosti_fiber fiber;
    roosti_child_body body;
    void *arg;
    int fd;
};

static _Noreturn void root_main(void *arg)
{
    struct root_start *start = arg;
    roosti_fiber_entered(&start->fiber);
    start->body(start->arg, start->fd);
    roosti_process_exit(0);
}

/* Without a stack to go on the root has no purpose. */
static _Noreturn void root_stack_enter(struct root_start *start)
{
#ifdef ROOSTI_TSAN
    /* The thread sanitizer follows no fork of a program with threads: what this flow has written it
     * has not seen, and another flow would be a racing thread to it. */
    root_main(start);
#endif
    char *low = mmap(NULL, ROOT_STACK, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (low == MAP_FAILED)
        roosti_process_exit(1);
    (void)mprotect(low, ROOT_GUARD, PROT_NONE);
    char *top = low + ROOT_STACK;
    roosti_fiber_adopt(&start->from);
    roosti_fiber_make(&start->fiber, low + ROOT_GUARD, top, top, root_main, start);
    /* Not left for good: the start lies in this frame. */
    roosti_fiber_switch(&start->from, &start->fiber);
    __builtin_unreachable();
}

static void signals_reset(void)
{
    /* The actions before the mask: what was pending meanwhile belongs to the program's handlers. */
    for (int signo = 1; signo < NSIG; signo++)
        (void)signal(signo, SIG_DFL); /* some are refused, and those need it not */
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    (void)sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
}

/* Older kernels and some tools lack close_range. */
static void descriptors_close_each(int from)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        int fd = (int)strtol(entry->d_name, NULL, 10);
        if (fd >= from && fd != dirfd(dir))
            close(fd);
    }
    closedir(dir);
}

int roosti_child_keep_only(int keep)
{
    if (keep != FIRST_FREE_FD)
        (void)dup3(keep, FIRST_FREE_FD, O_CLOEXEC);
    if (syscall(SYS_close_range, FIRST_FREE_FD + 1, ~0U, 0) != 0)
        descriptors_close_each(FIRST_FREE_FD + 1);
    return FIRST_FREE_FD;
}

/* The one to keep may itself be one of the first three, where a program has closed those. */
static int root_descriptors(int keep, bool silent)
{
    keep = fcntl(keep, F_DUPFD_CLOEXEC, FIRST_FREE_FD);
    int none = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (keep < 0 || none < 0)
        roosti_process_exit(1);
    (void)dup2(none, 0);
    (void)dup2(none, 1);
    if (silent || fcntl(2, F_GETFD) < 0)
        (void)dup2(none, 2);
    return roosti_child_keep_only(keep);
}

static _Noreturn void root_begin(int keep, const struct roosti_child_opts *opts, int parent,
                                 roosti_child_body body, void *arg)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        roosti_process_exit(0); /* it died before the line above */
    setsid();
    signals_reset();
    struct root_start start = {.body = body, .arg = arg};
    start.fd = root_descriptors(keep, opts->silent);
    root_stack_enter(&start);
}

/* -- in the program ---------------------------------------------------------------------------- */

int roosti_child_fork(struct roosti_child *child, int keep, const struct roosti_child_opts *opts,
                      roosti_child_body body, void *arg)
{
    if (!roosti_may_take("a process"))
        return ROOST_EAGAIN;
    int parent = getpid();
    /* Nothing may reach the program's handlers in the child. */
    sigset_t all;
    sigset_t former;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &former);
    int pid = fork();
    if (pid == 0)
        root_begin(keep, opts, parent, body, arg);
    int rc = pid < 0 ? -errno : 0;
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    if (rc < 0)
        return rc;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    *child = (struct roosti_child){.pid = pid, .pidfd = pidfd < 0 ? -1 : pidfd};
    return 0;
}

void roosti_child_reap(struct roosti_child *child)
{
    siginfo_t info;
    /* A program that ignores SIGCHLD, or waits for whatever ends, has been faster: ECHILD. */
    bool by_fd = child->pidfd >= 0;
    while (waitid(by_fd ? (idtype_t)P_PIDFD : P_PID, by_fd ? (id_t)child->pidfd : (id_t)child->pid,
                  &info, WEXITED) < 0 &&
           errno == EINTR)
        continue;
    roosti_socket_close(child->pidfd);
    *child = (struct roosti_child){.pidfd = -1};
}

void roosti_child_kill(int pidfd)
{
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

const char *roosti_signal_name(int signo)
{
    static const struct {
        int signo;
        const char *name;
    } names[] = {
        {SIGHUP, "SIGHUP"},   {SIGINT, "SIGINT"},   {SIGQUIT, "SIGQUIT"}, {SIGILL, "SIGILL"},
        {SIGTRAP, "SIGTRAP"}, {SIGABRT, "SIGABRT"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
        {SIGKILL, "SIGKILL"}, {SIGUSR1, "SIGUSR1"}, {SIGSEGV, "SIGSEGV"}, {SIGUSR2, "SIGUSR2"},
        {SIGPIPE, "SIGPIPE"}, {SIGALRM, "SIGALRM"}, {SIGTERM, "SIGTERM"}, {SIGXCPU, "SIGXCPU"},
        {SIGXFSZ, "SIGXFSZ"}, {SIGSYS, "SIGSYS"},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].signo == signo)
            return names[i].name;
    return NULL;
}
