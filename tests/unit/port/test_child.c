/* tests/unit/port/test_child.c - roots, branches, and the records between them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <roost/error.h>

#include "port/child.h"
#include "port/host.h"
#include "unit/port/cases.h"

/* -- records ----------------------------------------------------------------------------------- */

static int number_send(int fd, int number, int pass)
{
    return roosti_record_send(fd, &(struct roosti_piece){&number, sizeof number}, 1, pass);
}

/* What comes next; a code when it is no number. */
static int number_receive(int fd, int *passed)
{
    int number = -1;
    int64_t n = roosti_record_receive(fd, &number, sizeof number, passed);
    return n == (int64_t)sizeof number ? number : n < 0 ? (int)n : -EBADMSG;
}

static int number_await(int fd)
{
    struct roosti_wait_fd wait = {.fd = fd, .wanted = ROOSTI_WAIT_READ};
    return roosti_wait_fds(&wait, 1, ROOST_SEC(20)) == 1 ? number_receive(fd, NULL) : -ETIME;
}

TEST(a_record_comes_whole_with_its_descriptor)
{
    int fds[2];
    int passed = 0;
    CHECK_EQ(0, roosti_socket_pair(fds));
    CHECK(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    CHECK_EQ(ROOST_EAGAIN, number_receive(fds[0], &passed));
    char first[] = "ab";
    char second[] = "cdef";
    struct roosti_piece pieces[] = {{first, 2}, {NULL, 0}, {second, 4}};
    CHECK_EQ(0, roosti_record_send(fds[1], pieces, 3, 1));
    CHECK_EQ(0, number_send(fds[1], 7, -1));
    char text[16] = "";
    CHECK_EQ(6, roosti_record_receive(fds[0], text, sizeof text, &passed));
    CHECK_STR("abcdef", text);
    CHECK(passed > 2 && (fcntl(passed, F_GETFD) & FD_CLOEXEC));
    roosti_socket_close(passed);
    CHECK_EQ(7, number_receive(fds[0], &passed));
    CHECK_EQ(-1, passed);

    /* Nobody wants it: it is not left open. */
    CHECK_EQ(0, number_send(fds[1], 8, 1));
    CHECK_EQ(8, number_receive(fds[0], NULL));

    /* The other end closes with something unread and something said. */
    CHECK_EQ(0, number_send(fds[0], 9, -1));
    CHECK_EQ(0, number_send(fds[1], 10, -1));
    roosti_socket_close(fds[1]);
    CHECK_EQ(-EPIPE, number_send(fds[0], 11, -1));
    CHECK_EQ(10, number_receive(fds[0], NULL));
    CHECK_EQ(0, roosti_record_receive(fds[0], text, sizeof text, NULL));
    roosti_socket_close(fds[0]);
    roosti_socket_close(-1);
}

TEST(a_full_socket_takes_no_more)
{
    int fds[2];
    CHECK_EQ(0, roosti_socket_pair(fds));
    int sent = 0;
    while (number_send(fds[0], sent, -1) == 0)
        sent++;
    CHECK(sent > 8);
    struct roosti_wait_fd waits[] = {{fds[0], ROOSTI_WAIT_WRITE, false},
                                     {fds[1], ROOSTI_WAIT_READ, false},
                                     {fds[1], ROOSTI_WAIT_WRITE, false}};
    CHECK_EQ(2, roosti_wait_fds(waits, 3, 0));
    CHECK(!waits[0].ready && waits[1].ready && waits[2].ready);
    for (int i = 0; i < sent; i++)
        CHECK_EQ(i, number_receive(fds[1], NULL));
    CHECK_EQ(1, roosti_wait_fds(waits, 1, ROOST_FOREVER));
    CHECK_EQ(0, roosti_wait_fds(&waits[1], 1, ROOST_US(10)));
    roosti_socket_close(fds[0]);
    roosti_socket_close(fds[1]);
}

TEST(shared_memory_keeps_its_size)
{
    enum { SIZE = 100000 };
    char text[] = "to be read";
    int fd = roosti_shared_open(SIZE);
    CHECK(fd >= 0);
    CHECK_EQ(0, roosti_shared_write(fd, text, sizeof text, SIZE - sizeof text));
    char *seen = roosti_pages_map(fd, SIZE);
    CHECK(seen != NULL);
    CHECK_EQ(0, seen[0]);
    CHECK_STR("to be read", seen + SIZE - sizeof text);
    CHECK_EQ(-1, ftruncate(fd, 10));
    CHECK_EQ(EPERM, errno);
    memcpy(seen, "back", 5);
    CHECK_EQ(0, roosti_shared_read(fd, text, 5, 0));
    CHECK_STR("back", text);
    CHECK_EQ(-EIO, roosti_shared_read(fd, text, 5, SIZE - 4));
    roosti_pages_unmap(seen, SIZE);
    roosti_pages_unmap(NULL, SIZE);
    roosti_socket_close(fd);
}

TEST(signals_have_names)
{
    CHECK_STR("SIGSEGV", roosti_signal_name(SIGSEGV));
    CHECK_STR("SIGXCPU", roosti_signal_name(SIGXCPU));
    CHECK(roosti_signal_name(SIGRTMIN) == NULL);
    CHECK(roosti_signal_name(0) == NULL);
}

/* -- roots ------------------------------------------------------------------------------------- */

/* A root with this body, and the socket to it. */
static int root_begin(struct roosti_child *child, roosti_child_body body, void *arg)
{
    int fds[2];
    CHECK_EQ(0, roosti_socket_pair(fds));
    CHECK_EQ(0, roosti_child_fork(child, fds[1], &(struct roosti_child_opts){.silent = false}, body,
                                  arg));
    roosti_socket_close(fds[1]);
    return fds[0];
}

static void root_end(struct roosti_child *child, int fd)
{
    roosti_socket_close(fd);
    roosti_child_reap(child);
    CHECK_EQ(-1, child->pidfd);
}

/* Takes 64 KiB of stack a step. */
static __attribute__((noinline)) int stack_use(int steps)
{
    volatile char room[65536];
    room[0] = (char)steps;
    return steps > 0 ? stack_use(steps - 1) + room[0] : room[0];
}

static void look_around(void *arg, int fd)
{
    struct sigaction action;
    int open = 0;
    for (int at = 0; at < 1000; at++)
        open += fcntl(at, F_GETFD) >= 0;
    sigaction(SIGUSR1, NULL, &action);
    sigset_t mask;
    sigprocmask(SIG_SETMASK, NULL, &mask);
    number_send(fd, open, -1);
    number_send(fd, getsid(0) == getpid() && getppid() == *(int *)arg, -1);
    number_send(fd, action.sa_handler == SIG_DFL && !sigismember(&mask, SIGUSR2), -1);
    number_send(fd, stack_use(70) != 0, -1); /* more than any task has */
}

static void on_signal(int signo)
{
    (void)signo;
}

TEST(a_root_begins_with_nothing)
{
    struct roosti_child child;
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked;
    sigset_t now;
    int self = getpid();
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGUSR2);
    sigaction(SIGUSR1, &action, NULL);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    int fd = root_begin(&child, look_around, &self);
    sigprocmask(SIG_SETMASK, NULL, &now);
    CHECK(sigismember(&now, SIGUSR2) && !sigismember(&now, SIGUSR1));
    CHECK_EQ(4, number_await(fd));
    CHECK_EQ(1, number_await(fd));
    CHECK_EQ(1, number_await(fd));
    CHECK_EQ(1, number_await(fd));
    root_end(&child, fd);
    CHECK_EQ(-1, waitpid(-1, NULL, WNOHANG));
}

/* In a child: its standard descriptors are closed, so the sockets get their numbers. */
static void fork_without_standard(void *arg)
{
    struct roosti_child child;
    int self = getpid();
    (void)arg;
    close(0);
    close(1);
    int fd = root_begin(&child, look_around, &self);
    int open = fd < 2 ? number_await(fd) : -1;
    root_end(&child, fd);
    _exit(open);
}

TEST(a_root_needs_no_standard_descriptors_of_its_program)
{
    CHECK_EQ(4, child_run(fork_without_standard, NULL).code);
}

static void sleep_for_ever(void *arg, int fd)
{
    (void)arg;
    number_send(fd, getpid(), -1);
    for (;;)
        pause();
}

/* A kill and a watch from outside take one. */
static void pidfds_need(void)
{
    int pidfd = roosti_process_pidfd();
    if (pidfd < 0)
        skip("pidfds: Linux 5.3, and not Valgrind");
    roosti_socket_close(pidfd);
}

TEST(a_root_can_be_killed)
{
    struct roosti_child child;
    pidfds_need();
    int fd = root_begin(&child, sleep_for_ever, NULL);
    CHECK_EQ(child.pid, number_await(fd));
    struct roosti_wait_fd wait = {.fd = child.pidfd, .wanted = ROOSTI_WAIT_READ};
    CHECK_EQ(0, roosti_wait_fds(&wait, 1, 0));
    roosti_child_kill(child.pidfd);
    CHECK_EQ(1, roosti_wait_fds(&wait, 1, ROOST_SEC(20)));
    roosti_child_kill(child.pidfd); /* it has ended: nothing happens */
    root_end(&child, fd);
}

/* -- branches ---------------------------------------------------------------------------------- */

static void branch_body(void *arg, int fd)
{
    int what = *(const int *)arg;
    number_send(fd, fcntl(4, F_GETFD) < 0 && fd == 3, -1);
    if (what < 0)
        raise(-what);
    roosti_process_exit(what);
}

/* Tells how two branches end. */
static void two_branches(void *arg, int fd)
{
    static const int ends[] = {5, -SIGKILL};
    struct roosti_branch_end end;
    int watch = roosti_branches_watch();
    (void)arg;
    number_send(fd, watch >= 0 && !roosti_branches_reap(watch, &end), -1);
    for (int i = 0; i < 2; i++) {
        int pid = roosti_branch_fork(fd, branch_body, (void *)(uintptr_t)&ends[i]);
        struct roosti_wait_fd wait = {.fd = watch, .wanted = ROOSTI_WAIT_READ};
        while (!roosti_branches_reap(watch, &end))
            roosti_wait_fds(&wait, 1, ROOST_FOREVER);
        number_send(fd, end.pid == pid, -1);
        number_send(fd, end.signalled ? -end.code : end.code, -1);
    }
}

TEST(a_root_hears_how_its_branches_end)
{
    struct roosti_child child;
    int fd = root_begin(&child, two_branches, NULL);
    static const int wanted[] = {1, 1, 1, 5, 1, 1, -SIGKILL};
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        CHECK_EQ(wanted[i], number_await(fd));
    root_end(&child, fd);
}

static void branch_that_stays(void *arg, int fd)
{
    int pidfd = roosti_process_pidfd();
    number_send(fd, roosti_process_id(), pidfd);
    sleep_for_ever(arg, fd);
}

static void root_that_stays(void *arg, int fd)
{
    roosti_branch_fork(fd, branch_that_stays, arg);
    for (;;)
        pause();
}

TEST(a_branch_dies_with_its_root)
{
    struct roosti_child child;
    pidfds_need();
    int fd = root_begin(&child, root_that_stays, NULL);
    struct roosti_wait_fd wait = {.fd = fd, .wanted = ROOSTI_WAIT_READ};
    int branch = -1;
    CHECK_EQ(1, roosti_wait_fds(&wait, 1, ROOST_SEC(20)));
    CHECK(number_receive(fd, &branch) > 0);
    CHECK(branch >= 0);
    roosti_child_kill(child.pidfd);
    wait.fd = branch;
    CHECK_EQ(1, roosti_wait_fds(&wait, 1, ROOST_SEC(20)));
    roosti_socket_close(branch);
    root_end(&child, fd);
}

/* -- limits ------------------------------------------------------------------------------------ */

static void limits_look(void *arg, int fd)
{
    struct rlimit before = {.rlim_cur = 1 << 20, .rlim_max = RLIM_INFINITY};
    struct rlimit now;
    (void)arg;
    (void)setrlimit(RLIMIT_CPU, &before);
    roosti_process_limit(0, ROOST_MS(1500));
    getrlimit(RLIMIT_CPU, &now);
    number_send(fd, now.rlim_cur >= 2 && now.rlim_cur <= 4, -1);
    roosti_process_limit(1 << 20, 0);
    number_send(
        fd, mmap(NULL, 4 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED, -1);
    getrlimit(RLIMIT_CPU, &now);
    number_send(fd, now.rlim_cur == before.rlim_cur, -1);
    roosti_process_limit(0, 0);
    number_send(
        fd, mmap(NULL, 4 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, -1);
    roosti_process_limit(SIZE_MAX, 0); /* as much as there is */
    number_send(
        fd, mmap(NULL, 4 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED, -1);
}

/* An emulator of user programs may take such a limit and forget it. */
static bool space_limits_are_kept(void)
{
    struct rlimit former;
    struct rlimit now;
    getrlimit(RLIMIT_AS, &former);
    struct rlimit wanted = {.rlim_cur = (rlim_t)1 << 46, .rlim_max = former.rlim_max};
    bool kept = former.rlim_cur != RLIM_INFINITY ||
                (setrlimit(RLIMIT_AS, &wanted) == 0 && getrlimit(RLIMIT_AS, &now) == 0 &&
                 now.rlim_cur == wanted.rlim_cur);
    setrlimit(RLIMIT_AS, &former);
    return kept;
}

TEST(limits_come_and_go)
{
    struct roosti_child child;
    if (!space_limits_are_kept())
        skip("a limit of address space");
    int fd = root_begin(&child, limits_look, NULL);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(1, number_await(fd));
    root_end(&child, fd);
}

TEST(a_record_brings_one_descriptor_at_most)
{
    union {
        char bytes[CMSG_SPACE(2 * sizeof(int))];
        struct cmsghdr align;
    } control = {{0}};
    int fds[2];
    int two[2] = {0, 1};
    int passed = -1;
    struct iovec part = {two, 1};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof two);
    memcpy(CMSG_DATA(header), two, sizeof two);
    CHECK_EQ(0, roosti_socket_pair(fds));
    int before = roosti_host_fd_count();
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(1, sendmsg(fds[1], &message, 0));
        CHECK_EQ(1, roosti_record_receive(fds[0], two, sizeof two, i == 0 ? &passed : NULL));
    }
    CHECK(passed > 2);
    roosti_socket_close(passed);
    CHECK_EQ(before, roosti_host_fd_count());
    roosti_socket_close(fds[0]);
    roosti_socket_close(fds[1]);
}
