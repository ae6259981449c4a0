/* port/child_branch.c - the side of the children: branches, their ends, their limits.
 *
 * A root has one thread and no handlers, so a plain fork and a descriptor for SIGCHLD do.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port/child.h"
#include "port/child_impl.h"
#include "port/host.h"

/* In a build that measures coverage a process that ends here writes down what it has executed. */
extern void __gcov_dump(void) __attribute__((weak));

int roosti_process_id(void)
{
    return getpid();
}

int roosti_process_pidfd(void)
{
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return fd < 0 ? -errno : fd;
}

void roosti_process_exit(int status)
{
    if (__gcov_dump)
        __gcov_dump();
    _exit(status);
}

/* -- ends -------------------------------------------------------------------------------------- */

static sigset_t branch_signal(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    return set;
}

int roosti_branches_watch(void)
{
    sigset_t set = branch_signal();
    sigprocmask(SIG_BLOCK, &set, NULL);
    int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

bool roosti_branches_reap(int watch_fd, struct roosti_branch_end *end)
{
    struct signalfd_siginfo sink;
    siginfo_t info;
    /* Emptied before it is asked who has ended: an end in between is told once more. */
    while (read(watch_fd, &sink, sizeof sink) > 0)
        continue;
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == 0)
            break;
        if (errno != EINTR)
            return false;
    }
    if (info.si_pid == 0)
        return false;
    *end = (struct roosti_branch_end){
        .pid = info.si_pid, .code = info.si_status, .signalled = info.si_code != CLD_EXITED};
    return true;
}

void roosti_branch_kill(int pid)
{
    kill(pid, SIGKILL);
}

/* -- branches ---------------------------------------------------------------------------------- */

int roosti_branch_fork(int keep, roosti_child_body body, void *arg)
{
    int root = getpid();
    int pid = fork();
    if (pid != 0)
        return pid < 0 ? -errno : pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != root)
        roosti_process_exit(0);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    body(arg, roosti_child_keep_only(keep));
    roosti_process_exit(0);
}

/* -- limits ------------------------------------------------------------------------------------ */

/* Bytes of address space in use. */
static uint64_t space_used(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file)
        return 0;
    unsigned long long pages = 0;
    int fields = fscanf(file, "%llu", &pages);
    fclose(file);
    return fields == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

/* The soft limit moves; the former one comes back at the end, which the hard one still allows. */
struct limit {
    bool moved;
    struct rlimit former;
};

static void limit_move(struct limit *limit, int which, uint64_t value)
{
    __rlimit_resource_t resource = (__rlimit_resource_t)which;
    if (limit->moved) {
        (void)setrlimit(resource, &limit->former);
        limit->moved = false;
    }
    if (value == 0 || getrlimit(resource, &limit->former) != 0)
        return;
    struct rlimit wanted = limit->former;
    if (value < wanted.rlim_cur)
        wanted.rlim_cur = (rlim_t)value;
    limit->moved = setrlimit(resource, &wanted) == 0;
}

static uint64_t seconds_up(roost_dur dur)
{
    return (uint64_t)(dur / ROOST_SEC(1)) + (dur % ROOST_SEC(1) != 0);
}

void roosti_process_limit(size_t memory, roost_dur cpu)
{
    static struct limit space;
    static struct limit time;
    uint64_t bytes = 0;
    uint64_t seconds = 0;
    if (memory != 0 && __builtin_add_overflow(space_used(), memory, &bytes))
        bytes = 0;
    if (cpu > 0)
        seconds = seconds_up(roosti_clock_cpu()) + seconds_up(cpu);
    limit_move(&space, RLIMIT_AS, bytes);
    limit_move(&time, RLIMIT_CPU, seconds);
}
