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
 * Regular files cannot be waited for: what may block there, and opening and syncing, asks for a
 * thread, or runs in submit when the operation says nothing of threads.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "port/epoll_impl.h"
#include "port/fiber.h"
#include "port/host.h"

#define WAKE_DATA UINT64_MAX

static struct epoll_port *epoll_of(struct roosti_port *port)
{
    return (struct epoll_port *)port;
}

/* -- submit and cancel ------------------------------------------------------------------------ */

static int epoll_submit_poll(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    int64_t res = roosti_try_poll(op->fd, op->events);
    if (res != -EAGAIN)
        return roosti_epoll_done_now(op, res);
    int rc = roosti_epoll_watch(port, op->fd, &port->posix.fds.slots[op->fd], true);
    return rc < 0 ? rc : roosti_epoll_park(port, op, directions);
}

/* Access at an offset is for files, which cannot be waited for. */
static int epoll_submit_file(struct roosti_op *op)
{
    int64_t res = op->kind == ROOSTI_OP_READ ? roosti_try_read(op) : roosti_try_write(op);
    if (res == -EAGAIN || res == -EOPNOTSUPP)
        return ROOSTI_NEEDS_THREAD;
    return roosti_epoll_done_now(op, res);
}

static int epoll_submit_open(struct epoll_port *port, struct roosti_op *op)
{
    int64_t res = roosti_try_open(&port->posix, op, op->threads);
    return res == -EAGAIN && op->threads ? ROOSTI_NEEDS_THREAD : roosti_epoll_done_now(op, res);
}

static int epoll_submit_single(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    bool moves = op->kind == ROOSTI_OP_READ || op->kind == ROOSTI_OP_WRITE;
    if (moves && slot->traits & FD_FILE)
        return roosti_epoll_done_now(op, roosti_do_blocking(op));
    if (directions && !(slot->ready & directions))
        return roosti_epoll_park(port, op, directions);
    int64_t res = roosti_epoll_attempt(port, op);
    if (res != -EAGAIN)
        return roosti_epoll_done_now(op, res);
    /* Access at an offset is for files, which are never worth waiting for. */
    int rc = directions ? roosti_epoll_watch(port, op->fd, slot, false) : -EPERM;
    if (rc == -EPERM) {
        slot->traits |= directions ? FD_FILE : 0;
        return roosti_epoll_done_now(op, roosti_do_blocking(op));
    }
    return rc < 0 ? rc : roosti_epoll_park(port, op, directions);
}

static int epoll_submit_connect(struct epoll_port *port, struct roosti_op *op)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    if (connect(op->fd, op->u.addr, op->addr_len) == 0)
        return roosti_epoll_done_now(op, 0);
    if (errno != EINPROGRESS && errno != EINTR)
        return roosti_epoll_done_now(op, -errno);
    /* What was so before says nothing about the connection. */
    slot->ready &= (uint8_t)~ROOSTI_FD_OUT;
    slot->traits &= (uint8_t)~FD_GONE;
    int rc = roosti_epoll_watch(port, op->fd, slot, false);
    return rc < 0 ? roosti_epoll_done_now(op, rc) : roosti_epoll_park(port, op, ROOSTI_FD_OUT);
}

static int epoll_submit(struct roosti_port *base, struct roosti_op *op)
{
    struct epoll_port *port = epoll_of(base);
    switch (op->kind) {
    case ROOSTI_OP_NOP:
        return roosti_posix_nop(&port->posix, op);
    case ROOSTI_OP_OPEN:
        return epoll_submit_open(port, op);
    case ROOSTI_OP_FILE_CALL:
        return roosti_posix_file_call(op);
    case ROOSTI_OP_FSYNC:
        return op->threads ? ROOSTI_NEEDS_THREAD
                           : roosti_epoll_done_now(op, roosti_do_blocking(op));
    default:
        break;
    }
    if (op->fd < 0)
        return roosti_epoll_done_now(op, -EBADF);
    bool moves = op->kind == ROOSTI_OP_READ || op->kind == ROOSTI_OP_WRITE;
    if (moves && op->threads && op->offset >= 0)
        return epoll_submit_file(op);
    unsigned directions = roosti_op_directions(op);
    int rc = roosti_fd_reserve(&port->posix.fds, op->fd);
    if (rc < 0)
        return rc;
    if (roosti_fd_busy(&port->posix.fds.slots[op->fd], directions))
        return ROOST_EBUSY;
    if (op->kind == ROOSTI_OP_POLL)
        return epoll_submit_poll(port, op, directions);
    if (op->kind == ROOSTI_OP_RECV_MULTI || op->kind == ROOSTI_OP_ACCEPT_MULTI)
        return roosti_epoll_multi_submit(port, op, directions);
    if (op->kind == ROOSTI_OP_CONNECT)
        return epoll_submit_connect(port, op);
    return epoll_submit_single(port, op, directions);
}

static void epoll_end(struct epoll_port *port, struct roosti_op *op, int64_t code)
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
    epoll_end(epoll_of(base), op, ROOST_ECANCELED);
}

static void epoll_abandon(struct roosti_posix *posix, int fd)
{
    struct epoll_port *port = (struct epoll_port *)posix;
    struct roosti_fd_slot *slot = roosti_fd_find(&posix->fds, fd);
    if (slot->reader)
        epoll_end(port, slot->reader, ROOST_ECLOSED);
    if (slot->writer)
        epoll_end(port, slot->writer, ROOST_ECLOSED);
}

static void epoll_fd_forget(struct roosti_port *base, int fd)
{
    struct epoll_port *port = epoll_of(base);
    struct roosti_fd_slot *slot = fd >= 0 ? roosti_fd_find(&port->posix.fds, fd) : NULL;
    if (slot && slot->traits & FD_REGISTERED)
        (void)epoll_ctl(port->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    roosti_posix_fd_forget(base, fd);
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

/* The operation waiting in this direction, if the event is about it. */
static int epoll_direction_serve(struct epoll_port *port, const struct epoll_event *event,
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
        return roosti_epoll_multi_run(port, op);
    } else {
        roosti_op_release(op, 0);
        res = roosti_epoll_attempt(port, op);
        if (res == -EAGAIN) {
            roosti_op_hold(op);
            return 0;
        }
    }
    roosti_posix_finish(&port->posix, op, res);
    return 1;
}

static int epoll_event_serve(struct epoll_port *port, const struct epoll_event *event)
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
    int count = epoll_direction_serve(port, event, ROOSTI_FD_IN);
    return count + epoll_direction_serve(port, event, ROOSTI_FD_OUT);
}

/* -- wait ------------------------------------------------------------------------------------- */

/* How long to sleep: 0 not at all, negative without end. */
static roost_dur epoll_sleep_length(struct epoll_port *port, roost_time deadline)
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
static int epoll_events_fetch(struct epoll_port *port, roost_dur timeout)
{
    if (!port->no_pwait2) {
        struct timespec until = {timeout / 1000000000, timeout % 1000000000};
        int n = epoll_pwait2(port->epoll_fd, port->events, EPOLL_EVENTS_MAX,
                             timeout < 0 ? NULL : &until, NULL);
        if (n >= 0 || errno != ENOSYS)
            return n < 0 ? 0 : n;
        port->no_pwait2 = true;
    }
    /* Rounded up: never back before the deadline. */
    roost_dur milliseconds = timeout < 0 ? -1 : timeout / 1000000 + (timeout % 1000000 != 0);
    if (milliseconds > 1000 * 1000)
        milliseconds = 1000 * 1000;
    int n = epoll_wait(port->epoll_fd, port->events, EPOLL_EVENTS_MAX, (int)milliseconds);
    return n < 0 ? 0 : n;
}

static int epoll_port_wait(struct roosti_port *base, roost_time deadline)
{
    struct epoll_port *port = epoll_of(base);
    int count, n;
    bool hungry;
    roost_dur timeout;
    do {
        roosti_epoll_multi_feed(port);
        timeout = epoll_sleep_length(port, deadline);
        /* Where nothing waits for an event there is none to look for, except by a host that
         * would see it for ever. */
        bool idle = port->posix.fds.linked == 0 && port->posix.wake_rest == ROOSTI_WAKE_IDLE;
        n = timeout == 0 && idle ? 0 : epoll_events_fetch(port, timeout);
        port->turn++;
        count = port->posix.ready ? roosti_posix_deliver(&port->posix) : 0;
        for (int i = 0; i < n; i++)
            count += epoll_event_serve(port, &port->events[i]);
        count += roosti_epoll_multi_turn(port);
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
    .give_back = roosti_epoll_give_back,
    .close = epoll_port_close,
    .fd =
        {
            .socket = roosti_fd_socket,
            .bind = roosti_fd_bind,
            .listen = roosti_fd_listen,
            .local_addr = roosti_fd_local_addr,
            .peer_addr = roosti_fd_peer_addr,
            .get_option = roosti_fd_get_option,
            .receive = roosti_fd_receive,
            .socket_file = roosti_fd_socket_file,
            .socket_file_remove = roosti_fd_socket_file_remove,
            .set_option = roosti_fd_set_option,
            .forget = epoll_fd_forget,
            .shutdown = roosti_fd_shutdown,
            .pipe = roosti_fd_pipe,
            .socket_pair = roosti_fd_socket_pair,
            .close = epoll_fd_close,
            .read_now = roosti_fd_read_now,
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
