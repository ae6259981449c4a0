/* port/child_exec.c - starting other programs, and how they end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/child_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <roost/error.h>

#include "base/mem.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

enum { FIRST_OTHER_FD = 3 };

/* -- what happens on the way ------------------------------------------------------------------- */

static int exec_attributes(posix_spawnattr_t *attributes, bool group)
{
    sigset_t all;
    sigset_t none;
    short flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK;
    sigfillset(&all);
    sigemptyset(&none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setpgroup(attributes, 0);
    if (group)
        flags |= POSIX_SPAWN_SETPGROUP;
    return posix_spawnattr_setflags(attributes, flags);
}

/* Sources lie above the three targets, so no copy overwrites the source of another. */
static int exec_actions(posix_spawn_file_actions_t *actions, const struct roosti_exec *exec,
                        const int sources[3])
{
    int rc = 0;
    for (int i = 0; i < FIRST_OTHER_FD && rc == 0; i++) {
        if (sources[i] >= 0)
            rc = posix_spawn_file_actions_adddup2(actions, sources[i], i);
        else if (sources[i] == ROOSTI_EXEC_NULL)
            rc = posix_spawn_file_actions_addopen(actions, i, "/dev/null", O_RDWR, 0);
        else if (sources[i] == ROOSTI_EXEC_TO_OUT)
            rc = posix_spawn_file_actions_adddup2(actions, 1, i);
    }
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_OTHER_FD);
    if (rc == 0 && exec->cwd)
        rc = posix_spawn_file_actions_addchdir_np(actions, exec->cwd);
    return rc;
}

/* 0 or the positive code of the system. */
static int exec_spawn(const struct roosti_exec *exec, const int sources[3], int *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = exec_attributes(&attributes, exec->group);
        if (rc == 0)
            rc = exec_actions(&actions, exec, sources);
        if (rc == 0)
            rc = posix_spawnp(pid, exec->argv[0], &actions, &attributes,
                              (char *const *)(uintptr_t)exec->argv,
                              exec->env ? (char *const *)(uintptr_t)exec->env : environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* -- starting ---------------------------------------------------------------------------------- */

/* A child nobody could tell the end of is worth nothing. */
static int exec_open_pidfd(int pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0)
        return fd;
    int rc = errno == ESRCH ? -ECHILD : -errno;
    if (rc != -ECHILD)
        kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    return rc;
}

int roosti_exec_start(const struct roosti_exec *exec, struct roosti_child *child)
{
    int sources[FIRST_OTHER_FD];
    int copies[FIRST_OTHER_FD] = {-1, -1, -1};
    int rc = 0;
    int pid = 0;
    if (!roosti_may_take("a child process"))
        return ROOST_EAGAIN;
    for (int i = 0; i < FIRST_OTHER_FD && rc == 0; i++) {
        sources[i] = exec->fds[i];
        if (sources[i] < 0 || sources[i] >= FIRST_OTHER_FD)
            continue;
        sources[i] = copies[i] = fcntl(exec->fds[i], F_DUPFD_CLOEXEC, FIRST_OTHER_FD);
        rc = copies[i] < 0 ? -errno : 0;
    }
    if (rc == 0)
        rc = -exec_spawn(exec, sources, &pid);
    for (int i = 0; i < FIRST_OTHER_FD; i++)
        roosti_socket_close(copies[i]);
    if (rc < 0)
        return rc;
    int pidfd = exec_open_pidfd(pid);
    if (pidfd < 0)
        return pidfd;
    *child = (struct roosti_child){.pid = pid, .pidfd = pidfd};
    return 0;
}

int roosti_exec_pipe(bool child_reads, int *ours, int *theirs)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *ours = fds[child_reads ? 1 : 0];
    *theirs = fds[child_reads ? 0 : 1];
    (void)fcntl(*ours, F_SETFL, O_NONBLOCK);
    return 0;
}

/* -- the end ----------------------------------------------------------------------------------- */

int roosti_exec_reap(const struct roosti_child *child, bool block, struct roosti_exec_end *end)
{
    siginfo_t info = {.si_pid = 0};
    while (waitid((idtype_t)P_PIDFD, (id_t)child->pidfd, &info, WEXITED | (block ? 0 : WNOHANG)) <
           0)
        if (errno != EINTR)
            return -errno;
    if (info.si_pid == 0)
        return ROOST_EAGAIN;
    *end =
        (struct roosti_exec_end){.code = info.si_status, .signalled = info.si_code != CLD_EXITED};
    return 0;
}

int roosti_exec_signal(const struct roosti_child *child, bool group, int signo)
{
    /* Until it is reaped its number, and that of its group, is nobody else's. */
    long rc = group ? (long)kill(-child->pid, signo)
                    : syscall(SYS_pidfd_send_signal, child->pidfd, signo, NULL, 0);
    return rc < 0 ? -errno : 0;
}
