/* tests/unit/port/real_ports.h - the bench on which the tests of the two real ports stand.
 *
 * Each case runs once on each port, and on io_uring once more with the set-up flags that older
 * kernels have. Where the kernel refuses io_uring, only what needs it is skipped.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_REAL_PORTS_H
#define ROOST_TESTS_REAL_PORTS_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <roost/testing.h>

#include "base/mem.h"
#include "port/port.h"
#include "port/uring_ring.h"

struct rig_backend {
    const char *name;
    bool uring;
    unsigned skip; /* uring: sets of set-up flags passed over */
};

struct rig {
    const struct rig_backend *backend;
    struct roosti_port *port;
};

/* Zero means default. */
struct rig_wants {
    unsigned ring_entries;
    const char *only;  /* how the names of its back ends begin */
    bool forked;       /* in a child: it changes its process for good */
    const char *needs; /* what is missing when it runs nowhere; default io_uring */
};

/* An operation and what became of it. */
struct rig_op {
    struct roosti_op op; /* first */
    int done_count;
    int64_t bytes; /* RECV_MULTI: received so far */
    int steps;
    struct rig *rig;
};

static inline void rig_done(struct roosti_op *op)
{
    struct rig_op *mine = (struct rig_op *)op;
    mine->done_count++;
}

/* RIG_OP(RECV, .fd = fd, .buf = buf, .len = n) */
#define RIG_OP(kind_word, ...)                                                                     \
    ((struct rig_op){                                                                              \
        .op = {.kind = ROOSTI_OP_##kind_word, .done = rig_done, .offset = -1, __VA_ARGS__}})

static inline int rig_submit(struct rig *rig, struct rig_op *op)
{
    op->rig = rig;
    op->done_count = 0;
    return rig->port->ops->submit(rig->port, &op->op);
}

/* Submits what has to wait. */
static inline void rig_start(struct rig *rig, struct rig_op *op)
{
    CHECK_EQ(ROOSTI_IN_FLIGHT, rig_submit(rig, op));
    CHECK_EQ(0, op->done_count);
}

static inline int rig_turn(struct rig *rig)
{
    return rig->port->ops->wait(rig->port, 0);
}

static inline roost_time rig_now(struct rig *rig)
{
    return rig->port->ops->now(rig->port);
}

/* Waits for one that is in flight: its result. */
static inline int64_t rig_await(struct rig *rig, struct rig_op *op)
{
    while (op->done_count == 0)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    CHECK_EQ(1, op->done_count);
    CHECK(!op->op.more);
    return op->op.res;
}

/* Submits and waits if need be. */
static inline int64_t rig_run(struct rig *rig, struct rig_op *op)
{
    int rc = rig_submit(rig, op);
    if (rc == ROOSTI_IN_FLIGHT)
        return rig_await(rig, op);
    return rc == ROOSTI_DONE_NOW ? op->op.res : rc;
}

static inline void rig_cancel(struct rig *rig, struct rig_op *op)
{
    rig->port->ops->cancel(rig->port, &op->op);
}

static inline size_t rig_in_flight(struct rig *rig)
{
    return rig->port->ops->in_flight(rig->port);
}

static inline void rig_close(struct rig *rig, int fd)
{
    CHECK_EQ(0, rig->port->ops->fd.close(rig->port, fd));
}

static inline void rig_pipe(struct rig *rig, int fds[2])
{
    CHECK_EQ(0, rig->port->ops->fd.pipe(rig->port, fds));
}

static inline void rig_pair(struct rig *rig, int fds[2])
{
    CHECK_EQ(0, rig->port->ops->fd.socket_pair(rig->port, fds));
}

/* A plain write from outside the port. */
static inline void rig_put(int fd, const void *bytes, size_t len)
{
    CHECK_EQ(len, write(fd, bytes, len));
}

static inline struct sockaddr_in rig_loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = port,
        .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)},
    };
}

/* A listener on loopback, its address in *addr. */
static inline int rig_listen(struct rig *rig, int backlog, struct sockaddr_in *addr)
{
    struct roosti_port *port = rig->port;
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    int fd = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0);
    *addr = rig_loopback(0);
    CHECK_EQ(0, fd_ops->bind(port, fd, (struct sockaddr *)addr, sizeof *addr));
    CHECK_EQ(0, fd_ops->listen(port, fd, backlog));
    uint32_t len = sizeof *addr;
    CHECK_EQ(0, fd_ops->local_addr(port, fd, (struct sockaddr *)addr, &len));
    CHECK(addr->sin_port != 0);
    return fd;
}

/* A connected pair over TCP. */
static inline void rig_tcp(struct rig *rig, int fds[2])
{
    struct sockaddr_in addr;
    int listener = rig_listen(rig, 16, &addr);
    fds[0] = rig->port->ops->fd.socket(rig->port, AF_INET, SOCK_STREAM, 0);
    struct rig_op connect =
        RIG_OP(CONNECT, .fd = fds[0], .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    CHECK_EQ(0, rig_run(rig, &connect));
    struct rig_op accept = RIG_OP(ACCEPT, .fd = listener);
    fds[1] = (int)rig_run(rig, &accept);
    CHECK(fds[1] >= 0);
    rig_close(rig, listener);
}

/* -- running ---------------------------------------------------------------------------------- */

/* The kernel takes a closed ring apart later and interrupts system calls for it, hence epoll first
 * and the ring that does without such interruptions next. */
static const struct rig_backend rig_backends[] = {
    {.name = "epoll"},
    {.name = "uring", .uring = true},
    {.name = "uring-6.1", .uring = true, .skip = 1},
    {.name = "uring-5.19", .uring = true, .skip = 2},
};

static inline int rig_open(const struct rig_backend *backend, unsigned entries,
                           struct roosti_port **port)
{
    struct roosti_port_opts opts = {.ring_entries = entries};
    return backend->uring ? roosti_uring_open_as(&opts, backend->skip, port)
                          : roosti_epoll_open(&opts, port);
}

static inline int rig_fd_count(void)
{
    int count = 0;
    for (int fd = 0; fd < 4096; fd++)
        count += fcntl(fd, F_GETFD) >= 0;
    return count;
}

/* What the body leaves behind is its failure. False: the kernel has no io_uring for us. */
static inline bool rig_run_on(const struct rig_backend *backend, void (*body)(struct rig *rig),
                              const struct rig_wants *wants)
{
    struct rig rig = {.backend = backend};
    struct roosti_mem_stats before, after;
    roosti_mem_stats_get(&before);
    int fds = rig_fd_count();
    int rc = rig_open(backend, wants->ring_entries, &rig.port);
    if (backend->uring && (rc == -ENOSYS || rc == -EPERM))
        return false;
    CHECK_EQ(0, rc);
    body(&rig);
    CHECK_EQ(0, rig_in_flight(&rig));
    rig.port->ops->close(rig.port);
    CHECK_EQ(fds, rig_fd_count());
    roosti_mem_stats_get(&after);
    CHECK_EQ(before.live, after.live);
    return true;
}

/* How a forked body says that the machine lacks something. */
enum { RIG_MISSING = 3 };

static inline bool rig_run_forked(const struct rig_backend *backend, void (*body)(struct rig *rig),
                                  const struct rig_wants *wants)
{
    int status = -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0)
        _exit(rig_run_on(backend, body, wants) ? 0 : RIG_MISSING);
    CHECK_EQ(child, waitpid(child, &status, 0));
    CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == RIG_MISSING));
    return WEXITSTATUS(status) == 0;
}

static inline void rig_each(void (*body)(struct rig *rig), const struct rig_wants *wants)
{
    int ran = 0;
    for (size_t i = 0; i < sizeof rig_backends / sizeof *rig_backends; i++) {
        const struct rig_backend *backend = &rig_backends[i];
        if (wants->only && strncmp(wants->only, backend->name, strlen(wants->only)) != 0)
            continue;
        printf("# on %s\n", backend->name);
        bool there =
            wants->forked ? rig_run_forked(backend, body, wants) : rig_run_on(backend, body, wants);
        ran += there;
    }
    if (ran == 0)
        roost_test_skip(wants->needs ? wants->needs : "io_uring");
}

/* REAL_TEST(name) { body over rig }, and the same with members of struct rig_wants. */
#define REAL_TEST(name) REAL_TEST_WITH(name, .forked = false)
#define REAL_TEST_WITH(name, ...)                                                                  \
    static void name##_on(struct rig *rig);                                                        \
    ROOST_TEST(name, .plain = true, .no_torture = true)                                            \
    {                                                                                              \
        rig_each(name##_on, &(struct rig_wants){__VA_ARGS__});                                     \
    }                                                                                              \
    static void name##_on(struct rig *rig)

#endif
