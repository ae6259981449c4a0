/* port/epoll.c - the port over epoll, for kernels and containers that refuse io_uring.
 *
 * An operation is tried at once and waits only when the kernel says that it would have to. The
 * first wait on a descriptor registers it, for both directions and edge-triggered, until it is
 * closed; from then on its slot remembers which direction may be ready, so that neither a second
 * epoll_ctl nor a system call that is bound to fail is made for it. A TCP receive that got less
 * than it asked for, or a send that gave less, has emptied or filled the socket: the next event
 * says when that changes. Other kinds of descriptors may stop short for reasons of their own
 * (message boundaries, passed descriptors, terminals), so those are tried again.
 *
 * POLL trusts nothing remembered, since it is used on descriptors that others read and close: it
 * asks the kernel each time it starts to wait.
 *
 * Regular files cannot be waited for: their operations, and opening and syncing, run in submit and
 * may block there.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "port/fiber.h"
#include "port/host.h"
#include "port/posix_op.h"
#include "port/posix_pool.h"

/* Bits of priv.state. */
enum { EPOLL_RUNNABLE = ROOSTI_OPS_PORT /* in port.runnable */ };

/* Bits of slot.traits. */
enum {
    FD_REGISTERED = 1,
    FD_TCP = 2,         /* a short transfer means empty or full */
    FD_GONE = 4,        /* the other side has hung up: its last bytes come without an event */
    FD_FILE = 8,        /* cannot be waited for, never has to be */
    FD_NONBLOCKING = 16 /* made so by us, for accept */
};

/* Steps of one multi in one turn; more would keep the others waiting. */
enum { STEPS_MAX = 16, EVENTS_MAX = 256 };

#define WAKE_DATA UINT64_MAX

struct epoll_port {
    struct roosti_posix posix;
    int epoll_fd;
    bool no_pwait2;          /* the kernel (before 5.11) has only milliseconds */
    uint32_t turn;           /* counts waits: tells operations that an event cannot be about */
    roosti_op_list runnable; /* multis whose descriptor may be ready */
    roosti_op_list starved;  /* receives that found no buffer */
    struct roosti_pool pool;
    unsigned free_count;
    uint16_t
        free[ROOSTI_POOL_COUNT]; /* the last one back is the first one out: it is in the cache */
    struct epoll_event events[EVENTS_MAX];
};

static struct epoll_port *epoll_of(struct roosti_port *port)
{
    return (struct epoll_port *)port;
}

/* -- registration ----------------------------------------------------------------------------- */

static bool fd_is_tcp(int fd)
{
    int protocol = 0;
    socklen_t len = sizeof protocol;
    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == IPPROTO_TCP;
}

/* Makes the kernel report fd. again: also when it does so already, with an event if it is ready
 * now. 0 or a negative code, -EPERM when there is nothing to wait for. */
static int fd_watch(struct epoll_port *port, int fd, struct roosti_fd_slot *slot, bool again)
{
    struct epoll_event event = {
        .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
        .data.u64 = (uint64_t)slot->generation << 32 | (uint32_t)fd,
    };
    if (slot->traits & FD_REGISTERED) {
        if (!again || epoll_ctl(port->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0)
            return 0;
        /* ENOENT: its owner closed and reopened it behind our back. */
        if (errno != ENOENT)
            return -errno;
        slot->traits = 0;
    }
    if (epoll_ctl(port->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0) {
        if (errno != EEXIST || epoll_ctl(port->epoll_fd, EPOLL_CTL_MOD, fd, &event) < 0)
            return -errno;
    }
    slot->traits |= FD_REGISTERED;
    if (fd_is_tcp(fd))
        slot->traits |= FD_TCP;
    return 0;
}

/* -- attempts --------------------------------------------------------------------------------- */

/* A file that cannot be read or written without perhaps waiting, and cannot tell: if it says that
 * it is ready, believe it. */
static int64_t try_unsure(const struct roosti_op *op, int64_t res)
{
    if (res != -EOPNOTSUPP)
        return res;
    uint32_t events = op->kind == ROOSTI_OP_READ ? ROOSTI_POLL_IN : ROOSTI_POLL_OUT;
    res = roosti_try_poll(op->fd, events);
    return res >= 0 ? roosti_do_blocking(op) : res;
}

static int64_t try_accept(struct epoll_port *port, struct roosti_fd_slot *slot, int fd)
{
    /* A listener from elsewhere may be blocking, and stay so until the next connection. */
    if (!(slot->traits & FD_NONBLOCKING)) {
        int flags = fcntl(fd, F_GETFL);
        if (flags >= 0 && !(flags & O_NONBLOCK))
            (void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        slot->traits |= FD_NONBLOCKING;
    }
    return roosti_try_accept(&port->posix, fd);
}

static int64_t connect_outcome(int fd)
{
    int code = 0;
    socklen_t len = sizeof code;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 ? -code : -errno;
}

static int64_t op_try(struct epoll_port *port, struct roosti_fd_slot *slot, struct roosti_op *op)
{
    switch (op->kind) {
    case ROOSTI_OP_RECV:
        return roosti_try_recv(op->fd, op->buf, op->len, op->flags);
    case ROOSTI_OP_SEND:
        return roosti_try_send(op);
    case ROOSTI_OP_READ:
        return try_unsure(op, roosti_try_read(op));
    case ROOSTI_OP_WRITE:
        return try_unsure(op, roosti_try_write(op));
    case ROOSTI_OP_ACCEPT:
    case ROOSTI_OP_ACCEPT_MULTI:
        return try_accept(port, slot, op->fd);
    case ROOSTI_OP_CONNECT:
        return connect_outcome(op->fd);
    default:
        return -EINVAL;
    }
}

/* What a transfer of `res` out of `len` says about the next one. */
static void slot_learn(struct roosti_fd_slot *slot, unsigned direction, int64_t res, size_t len)
{
    if (res == -EAGAIN) {
        slot->ready &= (uint8_t)~direction;
    } else if (res > 0 && (size_t)res < len &&
               (slot->traits & (FD_TCP | FD_GONE | FD_REGISTERED)) == (FD_TCP | FD_REGISTERED)) {
        slot->ready &= (uint8_t)~direction;
    }
}

static int64_t op_attempt(struct epoll_port *port, struct roosti_op *op)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    int64_t res = op_try(port, slot, op);
    /* Flags such as MSG_PEEK change what a short receive means. */
    if (op->kind == ROOSTI_OP_RECV)
        slot_learn(slot, ROOSTI_FD_IN, res, op->flags ? 0 : op->len);
    else if (op->kind == ROOSTI_OP_SEND)
        slot_learn(slot, ROOSTI_FD_OUT, res, op->flags ? 0 : op->len);
    else
        slot_learn(slot, roosti_op_directions(op), res, 0);
    return res;
}

/* -- submit and cancel ------------------------------------------------------------------------ */

static int done_now(struct roosti_op *op, int64_t res)
{
    op->res = res;
    return ROOSTI_DONE_NOW;
}

static int op_park(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    op->priv.aux = port->turn;
    roosti_posix_enter(&port->posix, op, directions);
    return ROOSTI_IN_FLIGHT;
}

static int submit_poll(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    int64_t res = roosti_try_poll(op->fd, op->events);
    if (res != -EAGAIN)
        return done_now(op, res);
    int rc = fd_watch(port, op->fd, &port->posix.fds.slots[op->fd], true);
    return rc < 0 ? rc : op_park(port, op, directions);
}

static void op_run_later(struct epoll_port *port, struct roosti_op *op)
{
    if (op->priv.state & EPOLL_RUNNABLE)
        return;
    op->priv.state |= EPOLL_RUNNABLE;
    op->priv.aux = port->turn;
    roosti_op_list_push(&port->runnable, op);
}

static int pool_fill(struct epoll_port *port)
{
    if (port->pool.map)
        return 0;
    int rc = roosti_pool_open(&port->pool, 0);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < ROOSTI_POOL_COUNT; i++)
        port->free[port->free_count++] = (uint16_t)(ROOSTI_POOL_COUNT - 1 - i);
    return 0;
}

/* Its steps are for wait to call, so nothing is tried here. */
static int submit_multi(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    int rc = op->kind == ROOSTI_OP_RECV_MULTI ? pool_fill(port) : 0;
    if (rc < 0)
        return rc;
    rc = fd_watch(port, op->fd, slot, false);
    if (rc < 0)
        return done_now(op, rc == -EPERM ? -ENOTSOCK : rc);
    op_park(port, op, directions);
    if (slot->ready & ROOSTI_FD_IN)
        op_run_later(port, op);
    return ROOSTI_IN_FLIGHT;
}

static int submit_single(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    if (slot->traits & FD_FILE)
        return done_now(op, roosti_do_blocking(op));
    if (directions && !(slot->ready & directions))
        return op_park(port, op, directions);
    int64_t res = op_attempt(port, op);
    if (res != -EAGAIN)
        return done_now(op, res);
    /* Access at an offset is for files, which are never worth waiting for. */
    int rc = directions ? fd_watch(port, op->fd, slot, false) : -EPERM;
    if (rc == -EPERM) {
        slot->traits |= directions ? FD_FILE : 0;
        return done_now(op, roosti_do_blocking(op));
    }
    return rc < 0 ? rc : op_park(port, op, directions);
}

static int submit_connect(struct epoll_port *port, struct roosti_op *op)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    if (connect(op->fd, op->u.addr, op->addr_len) == 0)
        return done_now(op, 0);
    if (errno != EINPROGRESS && errno != EINTR)
        return done_now(op, -errno);
    /* What was so before says nothing about the connection. */
    slot->ready &= (uint8_t)~ROOSTI_FD_OUT;
    slot->traits &= (uint8_t)~FD_GONE;
    int rc = fd_watch(port, op->fd, slot, false);
    return rc < 0 ? done_now(op, rc) : op_park(port, op, ROOSTI_FD_OUT);
}

static int epoll_submit(struct roosti_port *base, struct roosti_op *op)
{
    struct epoll_port *port = epoll_of(base);
    switch (op->kind) {
    case ROOSTI_OP_NOP:
        return roosti_posix_nop(&port->posix, op);
    case ROOSTI_OP_OPEN:
        return done_now(op, roosti_try_open(&port->posix, op, false));
    case ROOSTI_OP_FSYNC:
        return done_now(op, roosti_do_blocking(op));
    default:
        break;
    }
    if (op->fd < 0)
        return done_now(op, -EBADF);
    unsigned directions = roosti_op_directions(op);
    int rc = roosti_fd_reserve(&port->posix.fds, op->fd);
    if (rc < 0)
        return rc;
    if (roosti_fd_busy(&port->posix.fds.slots[op->fd], directions))
        return ROOST_EBUSY;
    if (op->kind == ROOSTI_OP_POLL)
        return submit_poll(port, op, directions);
    if (op->kind == ROOSTI_OP_RECV_MULTI || op->kind == ROOSTI_OP_ACCEPT_MULTI)
        return submit_multi(port, op, directions);
    if (op->kind == ROOSTI_OP_CONNECT)
        return submit_connect(port, op);
    return submit_single(port, op, directions);
}

static void op_end(struct epoll_port *port, struct roosti_op *op, int64_t code)
{
    if (op->priv.state & ROOSTI_OPS_READY)
        return;
    if (op->priv.state & EPOLL_RUNNABLE)
        roosti_op_list_remove(&port->runnable, op);
    if (op->priv.state & ROOSTI_OPS_STARVED)
        roosti_op_list_remove(&port->starved, op);
    op->priv.state &= ~(uint32_t)(EPOLL_RUNNABLE | ROOSTI_OPS_STARVED);
    roosti_posix_ready(&port->posix, op, code);
}

static void epoll_cancel(struct roosti_port *base, struct roosti_op *op)
{
    op_end(epoll_of(base), op, ROOST_ECANCELED);
}

static void epoll_abandon(struct roosti_posix *posix, int fd)
{
    struct epoll_port *port = (struct epoll_port *)posix;
    struct roosti_fd_slot *slot = roosti_fd_find(&posix->fds, fd);
    if (slot->reader)
        op_end(port, slot->reader, ROOST_ECLOSED);
    if (slot->writer)
        op_end(port, slot->writer, ROOST_ECLOSED);
}

static int epoll_fd_close(struct roosti_port *base, int fd)
{
    struct epoll_port *port = epoll_of(base);
    struct roosti_fd_slot *slot = fd >= 0 ? roosti_fd_find(&port->posix.fds, fd) : NULL;
    /* Closing takes the registration with it only if no copy of the descriptor is left. */
    if (slot && slot->traits & FD_REGISTERED)
        (void)epoll_ctl(port->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    return roosti_posix_fd_close(base, fd);
}

/* -- events ----------------------------------------------------------------------------------- */

/* One receive into a buffer of the pool: its length, and the buffer in op->buf. */
static int64_t pool_recv(struct epoll_port *port, struct roosti_op *op)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    unsigned index = port->free[port->free_count - 1];
    void *buf = roosti_pool_at(&port->pool, index);
    roosti_memory_show(buf, ROOSTI_POOL_BYTES);
    int64_t n = roosti_try_recv(op->fd, buf, ROOSTI_POOL_BYTES, op->flags);
    roosti_memory_hide(buf, ROOSTI_POOL_BYTES);
    slot_learn(slot, ROOSTI_FD_IN, n, op->flags ? 0 : ROOSTI_POOL_BYTES);
    op->buf = NULL;
    if (n > 0) {
        port->free_count--;
        op->buf = roosti_pool_lend(&port->pool, index, (size_t)n);
    }
    return n;
}

/* Runs a multi until it would wait. Returns how often `done` was called. */
static int multi_run(struct epoll_port *port, struct roosti_op *op)
{
    bool receives = op->kind == ROOSTI_OP_RECV_MULTI;
    int count = 0;
    /* A callback may end it: then it is in the ready list and no longer in its slot. */
    while (op->priv.state & ROOSTI_OPS_LINKED) {
        if (!(port->posix.fds.slots[op->fd].ready & ROOSTI_FD_IN))
            return count;
        if (count == STEPS_MAX) {
            op_run_later(port, op);
            return count;
        }
        if (receives && port->free_count == 0) {
            op->priv.state |= ROOSTI_OPS_STARVED;
            roosti_op_list_push(&port->starved, op);
            return count;
        }
        int64_t res = receives ? pool_recv(port, op) : op_attempt(port, op);
        if (res == -EAGAIN)
            return count;
        count++;
        if (res < (receives ? 1 : 0)) {
            roosti_posix_finish(&port->posix, op, res);
            return count;
        }
        op->res = res;
        op->more = true;
        op->done(op);
    }
    return count;
}

/* The operation waiting in this direction, if the event is about it. */
static int direction_serve(struct epoll_port *port, const struct epoll_event *event,
                           unsigned direction)
{
    struct roosti_fd_slot *slot = roosti_fd_find(&port->posix.fds, (int)(uint32_t)event->data.u64);
    if (slot->generation != event->data.u64 >> 32)
        return 0;
    struct roosti_op *op = direction == ROOSTI_FD_IN ? slot->reader : slot->writer;
    if (!op)
        return 0;
    int64_t res;
    if (op->kind == ROOSTI_OP_POLL) {
        /* Submitted by a callback of this very turn, it has asked the kernel after this event. */
        uint32_t ready = roosti_poll_from_system(event->events, op->events);
        if (ready == 0 || op->priv.aux == port->turn)
            return 0;
        res = ready;
    } else if (!(slot->ready & direction) ||
               op->priv.state & (EPOLL_RUNNABLE | ROOSTI_OPS_STARVED)) {
        return 0;
    } else if (op->kind == ROOSTI_OP_RECV_MULTI || op->kind == ROOSTI_OP_ACCEPT_MULTI) {
        return multi_run(port, op);
    } else {
        roosti_op_release(op, 0);
        res = op_attempt(port, op);
        if (res == -EAGAIN) {
            roosti_op_hold(op);
            return 0;
        }
    }
    roosti_posix_finish(&port->posix, op, res);
    return 1;
}

static int event_serve(struct epoll_port *port, const struct epoll_event *event)
{
    if (event->data.u64 == WAKE_DATA)
        return 0;
    struct roosti_fd_slot *slot = roosti_fd_find(&port->posix.fds, (int)(uint32_t)event->data.u64);
    if (slot->generation != event->data.u64 >> 32)
        return 0;
    uint32_t bad = event->events & (EPOLLERR | EPOLLHUP);
    if (event->events & (EPOLLIN | EPOLLRDHUP) || bad)
        slot->ready |= ROOSTI_FD_IN;
    if (event->events & EPOLLOUT || bad)
        slot->ready |= ROOSTI_FD_OUT;
    if (event->events & EPOLLRDHUP || bad)
        slot->traits |= FD_GONE;
    int count = direction_serve(port, event, ROOSTI_FD_IN);
    return count + direction_serve(port, event, ROOSTI_FD_OUT);
}

/* -- wait ------------------------------------------------------------------------------------- */

/* Buffers came back: as many of those who found none may try again, the oldest first. */
static void starved_wake(struct epoll_port *port)
{
    for (unsigned free = port->free_count; free > 0 && port->starved; free--) {
        struct roosti_op *op = roosti_op_list_pop(&port->starved);
        op->priv.state &= ~(uint32_t)ROOSTI_OPS_STARVED;
        op_run_later(port, op);
    }
}

/* Runs those that became runnable before this turn. */
static int runnable_run(struct epoll_port *port)
{
    int count = 0;
    while (port->runnable && port->runnable->priv.aux != port->turn) {
        struct roosti_op *op = roosti_op_list_pop(&port->runnable);
        op->priv.state &= ~(uint32_t)EPOLL_RUNNABLE;
        count += multi_run(port, op);
    }
    return count;
}

/* How long to sleep: 0 not at all, negative without end. */
static roost_dur sleep_length(struct epoll_port *port, roost_time deadline)
{
    if (deadline <= 0 || port->posix.ready || port->runnable)
        return 0;
    roost_dur timeout = -1;
    if (deadline != ROOST_NEVER) {
        timeout = deadline - roosti_clock_now();
        if (timeout <= 0)
            return 0;
    }
    return roosti_posix_sleep(&port->posix) ? timeout : 0;
}

/* The number of events, 0 also after a signal. */
static int events_fetch(struct epoll_port *port, roost_dur timeout)
{
    if (!port->no_pwait2) {
        struct timespec until = {timeout / 1000000000, timeout % 1000000000};
        int n = epoll_pwait2(port->epoll_fd, port->events, EVENTS_MAX, timeout < 0 ? NULL : &until,
                             NULL);
        if (n >= 0 || errno != ENOSYS)
            return n < 0 ? 0 : n;
        port->no_pwait2 = true;
    }
    /* Rounded up: never back before the deadline. */
    roost_dur milliseconds = timeout < 0 ? -1 : timeout / 1000000 + (timeout % 1000000 != 0);
    if (milliseconds > 1000 * 1000)
        milliseconds = 1000 * 1000;
    int n = epoll_wait(port->epoll_fd, port->events, EVENTS_MAX, (int)milliseconds);
    return n < 0 ? 0 : n;
}

static int epoll_port_wait(struct roosti_port *base, roost_time deadline)
{
    struct epoll_port *port = epoll_of(base);
    int count, n;
    bool hungry;
    roost_dur timeout;
    do {
        starved_wake(port);
        timeout = sleep_length(port, deadline);
        /* Where nothing waits for an event there is none to look for, except by a host that
         * would see it for ever. */
        bool idle = port->posix.fds.linked == 0 && port->posix.wake_rest == ROOSTI_WAKE_IDLE;
        n = timeout == 0 && idle ? 0 : events_fetch(port, timeout);
        port->turn++;
        count = port->posix.ready ? roosti_posix_deliver(&port->posix) : 0;
        for (int i = 0; i < n; i++)
            count += event_serve(port, &port->events[i]);
        count += runnable_run(port);
        /* A starved receive that was idle has left its buffer for the next one. */
        hungry = port->starved && port->free_count > 0;
        /* Events that no operation waited for: to the caller nothing has happened yet. */
    } while (count == 0 && (hungry || (timeout != 0 && n > 0)) &&
             !roosti_posix_woken(&port->posix));
    roosti_posix_awake(&port->posix);
    return count;
}

static int epoll_poll_fd(struct roosti_port *base)
{
    struct epoll_port *port = epoll_of(base);
    roosti_posix_polled(&port->posix);
    return port->epoll_fd;
}

static void epoll_give_back(struct roosti_port *base, void *buf)
{
    struct epoll_port *port = epoll_of(base);
    port->free[port->free_count++] = (uint16_t)roosti_pool_back(&port->pool, buf);
}

/* -- open and close --------------------------------------------------------------------------- */

static void epoll_port_close(struct roosti_port *base)
{
    struct epoll_port *port = epoll_of(base);
    roosti_posix_fini(&port->posix);
    close(port->epoll_fd);
    roosti_pool_close(&port->pool);
    roosti_free(port);
}

static const struct roosti_port_ops epoll_ops = {
    .name = "epoll",
    .submit = epoll_submit,
    .cancel = epoll_cancel,
    .wait = epoll_port_wait,
    .wake = roosti_posix_wake,
    .now = roosti_posix_now,
    .wall = roosti_posix_wall,
    .entropy = roosti_posix_entropy,
    .in_flight = roosti_posix_in_flight,
    .poll_fd = epoll_poll_fd,
    .give_back = epoll_give_back,
    .close = epoll_port_close,
    .fd =
        {
            .socket = roosti_fd_socket,
            .bind = roosti_fd_bind,
            .listen = roosti_fd_listen,
            .local_addr = roosti_fd_local_addr,
            .set_option = roosti_fd_set_option,
            .shutdown = roosti_fd_shutdown,
            .pipe = roosti_fd_pipe,
            .socket_pair = roosti_fd_socket_pair,
            .close = epoll_fd_close,
            .list = roosti_fd_list,
        },
};

static int epoll_fd_make(void)
{
    if (!roosti_may_take("epoll descriptor"))
        return ROOST_ENOMEM;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

int roosti_epoll_open(const struct roosti_port_opts *opts, struct roosti_port **port)
{
    (void)opts;
    struct epoll_port *made = roosti_alloc_zero(1, sizeof *made, "epoll port");
    if (!made)
        return ROOST_ENOMEM;
#if defined(ROOSTI_TSAN) || defined(ROOST_VALGRIND)
    /* The tools do not know the call; ThreadSanitizer would not run signal handlers in it. */
    made->no_pwait2 = true;
#endif
    int rc = made->epoll_fd = epoll_fd_make();
    if (rc < 0)
        goto free_port;
    rc = roosti_posix_init(&made->posix, &epoll_ops, epoll_abandon);
    if (rc < 0)
        goto close_epoll;
    struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.u64 = WAKE_DATA};
    if (epoll_ctl(made->epoll_fd, EPOLL_CTL_ADD, made->posix.wake_fd, &event) < 0) {
        rc = -errno;
        goto fini_posix;
    }
    *port = &made->posix.port;
    return 0;

fini_posix:
    roosti_posix_fini(&made->posix);
close_epoll:
    close(made->epoll_fd);
free_port:
    roosti_free(made);
    return rc;
}
