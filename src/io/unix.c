/* io/unix.c - Unix sockets.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/unix.h>

#include <string.h>

#include "io/stream.h"
#include "io/tcp.h"
#include "rt/op.h"

/* Between two attempts to get into a queue that is full. */
#define REST_MAX ROOST_MS(50)

static void fd_drop(int fd)
{
    struct roosti_port *port = roosti_loop_here->port;
    (void)port->ops->fd.close(port, fd);
}

int roost_unix_connect(const char *path, roost_stream **stream)
{
    roost_address address;
    if (!roosti_self())
        return roosti_no_task();
    int fd;
    roost_dur rest = ROOST_MS(1);
    int rc = roosti_address_parse_unix(path, &address);
    if (rc == 0)
        rc = roosti_socket_connect(&address, NULL, NULL, &fd);
    /* The queue of those that wait to be accepted is full, and nothing tells when it is not. */
    for (; rc == -EAGAIN; rest = rest < REST_MAX ? rest * 2 : rest) {
        rc = roost_sleep(rest);
        if (rc == 0)
            rc = roosti_socket_connect(&address, NULL, NULL, &fd);
    }
    if (rc < 0)
        return rc;
    rc = roosti_socket_stream_new(&roosti_unix_stream_ops, fd, &address, stream);
    if (rc < 0)
        fd_drop(fd);
    return rc;
}

/* -- listening --------------------------------------------------------------------------------- */

/* Binds, listens, and remembers which file it made. */
static int unix_listen_on(struct roosti_port *port, int fd, const char *path,
                          const roost_address *address, const roost_unix_listen_opts *opts,
                          uint64_t *file)
{
    const struct sockaddr *system = roosti_address_system(address);
    bool has_file = path[0] != '@';
    int rc = port->ops->fd.bind(port, fd, system, address->priv.len);
    if (rc == -EADDRINUSE && opts->replace && has_file) {
        rc = port->ops->fd.socket_file_remove(port, path, 0);
        if (rc == 0 || rc == -ENOENT)
            rc = port->ops->fd.bind(port, fd, system, address->priv.len);
    }
    if (rc < 0)
        return rc;
    if (has_file)
        rc = port->ops->fd.socket_file(port, path, file);
    if (rc == 0)
        rc = port->ops->fd.listen(port, fd, opts->backlog > 0 ? opts->backlog : ROOSTI_BACKLOG);
    if (rc < 0 && has_file)
        (void)port->ops->fd.socket_file_remove(port, path, *file);
    return rc;
}

int roost_unix_listen(const char *path, const roost_unix_listen_opts *opts,
                      roost_listener **listener)
{
    static const roost_unix_listen_opts defaults = {0};
    roost_address address;
    uint64_t file = 0;
    if (!roosti_self())
        return roosti_no_task();
    struct roosti_port *port = roosti_loop_here->port;
    int rc = roosti_address_parse_unix(path, &address);
    if (rc < 0)
        return rc;
    int fd = port->ops->fd.socket(port, AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    rc = unix_listen_on(port, fd, path, &address, opts ? opts : &defaults, &file);
    if (rc == 0) {
        rc = roosti_listener_new(&roosti_unix_stream_ops, fd, listener);
        if (rc == 0)
            (*listener)->file = file;
        else if (file != 0)
            (void)port->ops->fd.socket_file_remove(port, path, file);
    }
    if (rc < 0)
        fd_drop(fd);
    return rc;
}

int roost_unix_pair(roost_stream **first, roost_stream **second)
{
    if (!roosti_self())
        return roosti_no_task();
    struct roosti_port *port = roosti_loop_here->port;
    roost_stream *made[2];
    int fds[2];
    int rc = port->ops->fd.socket_pair(port, fds);
    if (rc < 0)
        return rc;
    rc = roosti_socket_stream_new(&roosti_unix_stream_ops, fds[0], NULL, &made[0]);
    if (rc < 0) {
        fd_drop(fds[0]);
        fd_drop(fds[1]);
        return rc;
    }
    rc = roosti_socket_stream_new(&roosti_unix_stream_ops, fds[1], NULL, &made[1]);
    if (rc < 0) {
        (void)roost_stream_close(made[0]);
        fd_drop(fds[1]);
        return rc;
    }
    *first = made[0];
    *second = made[1];
    return 0;
}

/* -- descriptors ------------------------------------------------------------------------------- */

int roost_unix_send_fd(roost_stream *stream, int fd)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop || !loop->current)
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &stream->loop);
    if (rc < 0)
        return rc;
    if (stream->ops != &roosti_unix_stream_ops)
        return ROOST_ENOTSUP;
    if (stream->closed)
        return ROOST_ECLOSED;
    struct roosti_socket *socket = roosti_socket_of(stream);
    /* It takes its turn as a write of one byte, which the socket knows again by its place. */
    struct roosti_carrier carrier = {.next = socket->carriers, .home = socket, .fd = fd};
    socket->carriers = &carrier;
    rc = (int)roost_write(stream, &carrier.byte, 1);
    if (carrier.home) { /* else the stream may be gone */
        struct roosti_carrier **at = &socket->carriers;
        while (*at != &carrier)
            at = &(*at)->next;
        *at = carrier.next;
    }
    return rc < 0 ? rc : 0;
}

static int64_t fd_receive(roost_stream *stream, struct roost_task *self, int *fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    char byte;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control.bytes};
    struct roosti_op op = {.kind = ROOSTI_OP_RECV_MSG,
                           .fd = roosti_socket_of(stream)->fd,
                           .u.msg = &msg,
                           .buf = &byte,
                           .len = 1};
    int64_t n = roosti_op_wait(self, &op);
    if (n <= 0)
        return n;
    stream->read++;
    if (msg.msg_controllen < CMSG_LEN(sizeof(int)) || control.header.cmsg_type != SCM_RIGHTS)
        return msg.msg_flags & MSG_CTRUNC ? -EMFILE : -EBADMSG;
    memcpy(fd, CMSG_DATA(&control.header), sizeof *fd);
    /* The number may have belonged to somebody who closed it behind the port's back. */
    self->loop->port->ops->fd.forget(self->loop->port, *fd);
    return 1;
}

int roost_unix_recv_fd(roost_stream *stream, int *fd)
{
    if (stream->ops != &roosti_unix_stream_ops)
        return ROOST_ENOTSUP;
    int rc = roosti_stream_reader_enter(stream);
    if (rc < 0)
        return rc;
    int got = -1;
    int64_t n = roosti_stream_reader_begin(stream);
    if (n == 0 && stream->buf_from < stream->buf_to)
        n = -EBADMSG;
    else if (n == 0 && !stream->read_ended) {
        n = fd_receive(stream, stream->reader, &got);
        stream->read_ended = n == 0;
    }
    roosti_stream_reader_leave(stream);
    if (n == 1)
        *fd = got;
    return (int)n;
}
