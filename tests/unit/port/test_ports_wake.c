/* tests/unit/port/test_ports_wake.c - how waiting ends on both real ports: at its deadline, by a
 * wake, by a signal, and for a host that waits elsewhere.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/port/real_ports.h"

#include "port/fiber.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

/* -- deadlines -------------------------------------------------------------------------------- */

REAL_TEST(a_wait_is_never_back_early)
{
    static const roost_dur spans[] = {
        1, 999, ROOST_US(30), ROOST_US(999), ROOST_US(1001), ROOST_MS(5), ROOST_US(20700)};
    int fds[2];
    rig_pipe(rig, fds);
    struct rig_op in = RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_IN);
    rig_start(rig, &in);
    for (int repeat = 0; repeat < 10; repeat++) {
        for (size_t i = 0; i < sizeof spans / sizeof *spans; i++) {
            roost_time deadline = rig_now(rig) + spans[i];
            CHECK_EQ(0, rig->port->ops->wait(rig->port, deadline));
            roost_time now = rig_now(rig);
            CHECK(now >= deadline);
            CHECK(now - deadline < ROOST_MS(500));
        }
    }
    roost_time before = rig_now(rig);
    for (int i = 0; i < 1000; i++) {
        CHECK_EQ(0, rig->port->ops->wait(rig->port, i % 2 ? 0 : before - 1));
        CHECK_EQ(0, rig->port->ops->wait(rig->port, -ROOST_SEC(5)));
    }
    CHECK(rig_now(rig) - before < ROOST_SEC(1));
    rig_cancel(rig, &in);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

/* From now on the calls by which a port waits end the process. */
static void waiting_forbidden(void)
{
#define FORBID(number)                                                                             \
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (number), 0, 1),                                           \
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        FORBID(SYS_io_uring_enter),
        FORBID(SYS_epoll_pwait),
        FORBID(SYS_epoll_pwait2),
#ifdef SYS_epoll_wait
        FORBID(SYS_epoll_wait),
#endif
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
#undef FORBID
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    CHECK_EQ(0, prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        _exit(RIG_MISSING);
}

REAL_TEST_WITH(looking_at_nothing_makes_no_system_call, .forked = true, .needs = "seccomp filters")
{
    struct rig_op nop = RIG_OP(NOP, .fd = -1);
    int fds[2];
    rig_pair(rig, fds);
    struct rig_op in = RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_IN);
    /* io_uring also sees without a call that an operation in flight has not completed. */
    if (rig->backend->uring)
        rig_start(rig, &in);
    rig_turn(rig);
    waiting_forbidden();
    for (int i = 0; i < 10; i++)
        CHECK_EQ(0, rig_turn(rig));
    rig_start(rig, &nop);
    CHECK_EQ(1, rig_turn(rig));
    rig->port->ops->wake(rig->port);
    CHECK_EQ(0, rig_turn(rig));
    /* The case ends here: closing would have to wait for what is in flight. */
    _exit(0);
}

/* -- wake and signals ------------------------------------------------------------------------- */

REAL_TEST(a_wake_before_the_wait_ends_it)
{
    for (int i = 0; i < 3; i++) {
        rig->port->ops->wake(rig->port);
        rig->port->ops->wake(rig->port);
        CHECK_EQ(0, rig->port->ops->wait(rig->port, ROOST_NEVER));
        /* Both were one. */
        roost_time deadline = rig_now(rig) + ROOST_MS(3);
        CHECK_EQ(0, rig->port->ops->wait(rig->port, deadline));
        CHECK(rig_now(rig) >= deadline);
    }
}

enum { WAKERS = 3, WAKES = 20000 };
struct inbox {
    struct roosti_port *port;
    int posted; /* atomic */
};

static void *inbox_post(void *arg)
{
    struct inbox *inbox = arg;
    for (int i = 0; i < WAKES; i++) {
        __atomic_fetch_add(&inbox->posted, 1, __ATOMIC_RELAXED);
        inbox->port->ops->wake(inbox->port);
        if (i % 64 == 0)
            usleep(1);
    }
    return NULL;
}

/* A lost wake-up leaves the last wait asleep for ever. */
REAL_TEST(wakes_from_threads_are_never_lost)
{
    struct inbox inbox = {.port = rig->port};
    pthread_t threads[WAKERS];
    int fds[2], waits = 0;
    rig_pair(rig, fds);
    for (int i = 0; i < WAKERS; i++)
        CHECK_EQ(0, pthread_create(&threads[i], NULL, inbox_post, &inbox));
    for (int seen = 0; seen < WAKERS * WAKES; waits++) {
        /* Something else may end the same wait. */
        if (waits % 3 == 0) {
            struct rig_op nop = RIG_OP(NOP, .fd = -1);
            rig_run(rig, &nop);
            seen = __atomic_load_n(&inbox.posted, __ATOMIC_RELAXED);
            continue;
        }
        CHECK_EQ(0, rig->port->ops->wait(rig->port, ROOST_NEVER));
        seen = __atomic_load_n(&inbox.posted, __ATOMIC_RELAXED);
    }
    for (int i = 0; i < WAKERS; i++)
        CHECK_EQ(0, pthread_join(threads[i], NULL));
    printf("# %d posts were seen in %d waits\n", WAKERS * WAKES, waits);
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

static struct roosti_port *handler_port;
static volatile sig_atomic_t handler_runs;

static void handler_wake(int signo)
{
    (void)signo;
    handler_runs = handler_runs + 1;
    if (handler_port)
        handler_port->ops->wake(handler_port);
}

REAL_TEST(a_wake_from_a_signal_handler_ends_the_wait)
{
#ifdef ROOSTI_TSAN
    roost_test_skip("a signal in time: ThreadSanitizer holds it back until a call it watches");
#endif
    struct sigaction action = {.sa_handler = handler_wake, .sa_flags = SA_RESTART};
    CHECK_EQ(0, sigaction(SIGUSR1, &action, NULL));
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    CHECK_EQ(0, timer_create(CLOCK_MONOTONIC, &event, &timer));
    handler_port = rig->port;
    int waits = 0;
    for (int i = 0; i < 200; i++) {
        int before = handler_runs;
        struct itimerspec once = {.it_value = {.tv_nsec = 1 + i * 997 % 300000}};
        CHECK_EQ(0, timer_settime(timer, 0, &once, NULL));
        while (handler_runs == before) {
            CHECK_EQ(0, rig->port->ops->wait(rig->port, ROOST_NEVER));
            waits++;
        }
        errno = 77;
        handler_wake(SIGUSR1);
        CHECK_EQ(77, errno);
    }
    CHECK(waits >= 100);
    /* A handler that wakes nobody ends a wait as well. */
    handler_port = NULL;
    CHECK_EQ(0, rig_turn(rig));
    struct itimerspec once = {.it_value = {.tv_nsec = 20 * 1000 * 1000}};
    int before = handler_runs;
    CHECK_EQ(0, timer_settime(timer, 0, &once, NULL));
    CHECK_EQ(0, rig->port->ops->wait(rig->port, ROOST_NEVER));
    CHECK_EQ(before + 1, handler_runs);
    CHECK_EQ(0, timer_delete(timer));
}

/* Completions of a ring without DEFER_TASKRUN interrupt system calls: a host must expect that. */
static int host_sees(int fd, int timeout_ms)
{
    struct pollfd ask = {.fd = fd, .events = POLLIN};
    int n;
    while ((n = poll(&ask, 1, timeout_ms)) < 0 && errno == EINTR)
        ;
    return n;
}

static int host_waits(int host)
{
    struct epoll_event event;
    int n;
    while ((n = epoll_wait(host, &event, 1, -1)) < 0 && errno == EINTR)
        ;
    return n;
}

static void *host_wake(void *arg)
{
    usleep(2000);
    ((struct roosti_port *)arg)->ops->wake(arg);
    return NULL;
}

/* A host loop sleeps on the port's descriptor instead of in wait. */
REAL_TEST(a_host_sees_what_would_end_the_wait)
{
    int fds[2];
    char byte = 0;
    struct rig_op early = RIG_OP(NOP, .fd = -1);
    rig_start(rig, &early);
    bool changes = rig->backend->uring && rig->backend->skip < ROOSTI_RING_SKIP_DEFER;
#ifdef ROOST_VALGRIND
    changes = false;
#endif
    int fd = rig->port->ops->poll_fd(rig->port);
    CHECK(changes ? fd == ROOST_EBUSY : fd >= 0);
    CHECK_EQ(0, rig_await(rig, &early));
    fd = rig->port->ops->poll_fd(rig->port);
    CHECK(fd >= 0);
    int host = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK_EQ(0, epoll_ctl(host, EPOLL_CTL_ADD, fd, &event));
    rig_pair(rig, fds);
    for (int i = 0; i < 5; i++) {
        struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = &byte, .len = 1);
        while (rig_turn(rig) > 0)
            ;
        rig_start(rig, &in);
        CHECK_EQ(fd, rig->port->ops->poll_fd(rig->port));
        while (rig_turn(rig) > 0)
            ;
        CHECK_EQ(0, host_sees(fd, 1));
        rig_put(fds[1], "x", 1);
        CHECK_EQ(1, host_sees(fd, -1));
        CHECK_EQ(1, host_waits(host));
        while (in.done_count == 0)
            rig_turn(rig);
        CHECK_EQ(1, in.op.res);
        while (rig_turn(rig) > 0)
            ;
        CHECK_EQ(0, host_sees(fd, 1));
        pthread_t thread;
        CHECK_EQ(0, pthread_create(&thread, NULL, host_wake, rig->port));
        CHECK_EQ(1, host_waits(host));
        CHECK_EQ(0, rig_turn(rig));
        CHECK_EQ(0, pthread_join(thread, NULL));
    }
    /* Woken before the host looks. */
    rig->port->ops->wake(rig->port);
    CHECK_EQ(fd, rig->port->ops->poll_fd(rig->port));
    CHECK_EQ(1, host_sees(fd, 0));
    rig_turn(rig);
    close(host);
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}
