/* port/epoll_try.c - one attempt at an operation, and what is remembered of its outcome.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "port/epoll_impl.h"

/* -- registration ----------------------------------------------------------------------------- */

static bool epoll_fd_is_tcp(int fd)
{
    int protocol = 0;
    socklen_t len = sizeof protocol;
    return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &len) == 0 && protocol == IPPROTO_TCP;
}

int roosti_epoll_watch(struct epoll_port *port, int fd, struct roosti_fd_slot *slot, bool again)
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
    if (epoll_fd_is_tcp(fd))
        slot->traits |= FD_TCP;
    return 0;
}

/* -- attempts --------------------------------------------------------------------------------- */

static bool epoll_fd_is_file(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

/* A file that cannot be read or written without perhaps waiting, and cannot tell: if it says that
 * it is ready, believe it. */
static int64_t epoll_try_unsure(const struct roosti_op *op, int64_t res)
{
    if (res != -EOPNOTSUPP)
        return res;
    uint32_t events = op->kind == ROOSTI_OP_READ ? ROOSTI_POLL_IN : ROOSTI_POLL_OUT;
    res = roosti_try_poll(op->fd, events);
    if (res < 0)
        return res;
    /* What it can take is not known beyond this much, and more could wait for its reader. */
    struct roosti_op piece = *op;
    if (op->kind == ROOSTI_OP_WRITE && piece.len > PIPE_BUF && !epoll_fd_is_file(op->fd))
        piece.len = PIPE_BUF;
    return roosti_do_blocking(&piece);
}

static int64_t epoll_try_accept(struct epoll_port *port, struct roosti_fd_slot *slot, int fd)
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

static int64_t epoll_connect_outcome(int fd)
{
    int code = 0;
    socklen_t len = sizeof code;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 ? -code : -errno;
}

static int64_t epoll_try(struct epoll_port *port, struct roosti_fd_slot *slot, struct roosti_op *op)
{
    switch (op->kind) {
    case ROOSTI_OP_RECV:
        return roosti_try_recv(op->fd, op->buf, op->len, op->flags);
    case ROOSTI_OP_SEND:
        return roosti_try_send(op);
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
        return roosti_try_send_msg(op);
    case ROOSTI_OP_RECV_MSG:
        return roosti_try_recv_msg(op->fd, op->u.msg, op->flags);
    case ROOSTI_OP_READ:
        return epoll_try_unsure(op, roosti_try_read(op));
    case ROOSTI_OP_WRITE:
        return epoll_try_unsure(op, roosti_try_write(op));
    case ROOSTI_OP_ACCEPT:
    case ROOSTI_OP_ACCEPT_MULTI:
        return epoll_try_accept(port, slot, op->fd);
    case ROOSTI_OP_CONNECT:
        return epoll_connect_outcome(op->fd);
    default:
        return -EINVAL;
    }
}

void roosti_epoll_learn(struct roosti_fd_slot *slot, unsigned direction, int64_t res, size_t len)
{
    if (res == -EAGAIN) {
        slot->ready &= (uint8_t)~direction;
    } else if (res > 0 && (size_t)res < len &&
               (slot->traits & (FD_TCP | FD_GONE | FD_REGISTERED)) == (FD_TCP | FD_REGISTERED)) {
        slot->ready &= (uint8_t)~direction;
    }
}

int64_t roosti_epoll_attempt(struct epoll_port *port, struct roosti_op *op)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    int64_t res = epoll_try(port, slot, op);
    /* Flags such as MSG_PEEK change what a short receive means. */
    if (op->kind == ROOSTI_OP_RECV)
        roosti_epoll_learn(slot, ROOSTI_FD_IN, res, op->flags ? 0 : op->len);
    else if (op->kind == ROOSTI_OP_SEND)
        roosti_epoll_learn(slot, ROOSTI_FD_OUT, res, op->flags ? 0 : op->len);
    else
        roosti_epoll_learn(slot, roosti_op_directions(op), res, 0);
    return res;
}

int roosti_epoll_park(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    op->priv.aux = port->turn;
    roosti_posix_enter(&port->posix, op, directions);
    return ROOSTI_IN_FLIGHT;
}
