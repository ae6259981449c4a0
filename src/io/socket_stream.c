/* io/socket_stream.c - TCP and Unix sockets as streams.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/socket_stream.h"

#include <string.h>

#include "io/socket_feed.h"
#include "io/stream.h"
#include "rt/op.h"

/* Pieces that go out with one call. */
enum { PIECES_MAX = 16 };

/* -- reading ----------------------------------------------------------------------------------- */

static int64_t socket_read(roost_stream *stream, void *buf, size_t len, bool wait)
{
    struct roosti_socket *socket = roosti_socket_of(stream);
    struct roosti_port *port = stream->reader->loop->port;
    if (socket->feed)
        return roosti_feed_read(socket->feed, stream->reader, buf, len, wait);
    if (!wait)
        return port->ops->fd.read_now(port, socket->fd, buf, len);
    struct roosti_op op = {.kind = ROOSTI_OP_RECV, .fd = socket->fd, .buf = buf, .len = len};
    return roosti_op_wait(stream->reader, &op);
}

/* -- writing ----------------------------------------------------------------------------------- */

static int64_t socket_write_one(struct roosti_socket *socket, roost_bytes bytes)
{
    struct roosti_op op = {.kind = ROOSTI_OP_SEND,
                           .fd = socket->fd,
                           .buf = (void *)(uintptr_t)bytes.data,
                           .len = bytes.len};
    return roosti_op_wait(socket->base.writer, &op);
}

/* In a frame of its own, which most writes do without. */
static __attribute__((noinline)) int64_t socket_write_some(struct roosti_socket *socket,
                                                           const roost_bytes *pieces, size_t count)
{
    struct iovec iov[PIECES_MAX];
    struct msghdr msg = {.msg_iov = iov};
    size_t len = 0;
    for (size_t i = 0; i < count && msg.msg_iovlen < PIECES_MAX; i++) {
        if (pieces[i].len == 0)
            continue;
        iov[msg.msg_iovlen++] =
            (struct iovec){.iov_base = (void *)(uintptr_t)pieces[i].data, .iov_len = pieces[i].len};
        len += pieces[i].len;
    }
    struct roosti_op op = {.kind = ROOSTI_OP_SENDV, .fd = socket->fd, .u.msg = &msg, .len = len};
    return roosti_op_wait(socket->base.writer, &op);
}

static __attribute__((noinline)) int64_t socket_write_carrier(struct roosti_socket *socket,
                                                              struct roosti_carrier *carrier)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof control);
    control.header = (struct cmsghdr){
        .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
    memcpy(CMSG_DATA(&control.header), &carrier->fd, sizeof carrier->fd);
    struct iovec iov = {.iov_base = &carrier->byte, .iov_len = 1};
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = &control,
                         .msg_controllen = sizeof control.bytes};
    struct roosti_op op = {.kind = ROOSTI_OP_SEND_MSG, .fd = socket->fd, .u.msg = &msg, .len = 1};
    return roosti_op_wait(socket->base.writer, &op);
}

static int64_t socket_write(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    struct roosti_socket *socket = roosti_socket_of(stream);
    for (struct roosti_carrier *at = socket->carriers; at; at = at->next)
        if (pieces[0].data == &at->byte)
            return socket_write_carrier(socket, at);
    return count == 1 ? socket_write_one(socket, pieces[0])
                      : socket_write_some(socket, pieces, count);
}

static int socket_write_end(roost_stream *stream)
{
    struct roosti_loop *loop = roosti_loop_here;
    return loop->port->ops->fd.shutdown(loop->port, roosti_socket_of(stream)->fd, SHUT_WR);
}

/* -- the rest ---------------------------------------------------------------------------------- */

static int socket_close(roost_stream *stream, bool in_order)
{
    struct roosti_socket *socket = roosti_socket_of(stream);
    struct roosti_loop *loop = roosti_loop_here;
    roosti_require(loop, "a stream over a socket is closed inside its run");
    struct roosti_port *port = loop->port;
    for (; socket->carriers; socket->carriers = socket->carriers->next)
        socket->carriers->home = NULL;
    if (socket->feed)
        roosti_feed_close(socket->feed);
    if (!in_order) {
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        (void)port->ops->fd.set_option(port, socket->fd, SOL_SOCKET, SO_LINGER, &reset,
                                       sizeof reset);
    }
    return port->ops->fd.close(port, socket->fd);
}

static int attr_name(const struct roosti_socket *socket, bool peer, void *value, size_t size)
{
    struct roosti_port *port = roosti_loop_here->port;
    struct sockaddr_storage system;
    roost_address address = socket->peer;
    char text[ROOST_ADDRESS_TEXT_MAX];
    if (!peer || address.priv.len == 0) {
        uint32_t len = sizeof system;
        struct sockaddr *any = (struct sockaddr *)&system;
        int rc = peer ? port->ops->fd.peer_addr(port, socket->fd, any, &len)
                      : port->ops->fd.local_addr(port, socket->fd, any, &len);
        if (rc < 0)
            return rc;
        roosti_address_set(&address, &system, len);
    }
    int rc = roost_address_format(&address, text, sizeof text);
    return rc < 0 ? rc : roost_impl_attr_text(text, value, size);
}

static int attr_credential(const struct roosti_socket *socket, enum roost_attr attr, void *value,
                           size_t size)
{
    struct roosti_port *port = roosti_loop_here->port;
    struct ucred cred;
    uint32_t len = sizeof cred;
    int rc = port->ops->fd.get_option(port, socket->fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
    if (rc < 0)
        return rc;
    int word = attr == ROOST_ATTR_PEER_PID ? cred.pid : (int)cred.uid;
    memcpy(value, &word, size);
    return 0;
}

static int socket_attr(roost_stream *stream, enum roost_attr attr, void *value, size_t size)
{
    const struct roosti_socket *socket = roosti_socket_of(stream);
    switch (attr) {
    case ROOST_ATTR_FD:
        memcpy(value, &socket->fd, size);
        return 0;
    case ROOST_ATTR_LOCAL_NAME:
    case ROOST_ATTR_PEER_NAME:
        return attr_name(socket, attr == ROOST_ATTR_PEER_NAME, value, size);
    case ROOST_ATTR_PEER_PID:
    case ROOST_ATTR_PEER_UID:
        if (stream->ops == &roosti_unix_stream_ops)
            return attr_credential(socket, attr, value, size);
        return ROOST_ENOTSUP;
    default:
        return ROOST_ENOTSUP;
    }
}

const struct roost_impl_stream_ops roosti_tcp_stream_ops = {.kind = "tcp",
                                                            .size = sizeof(struct roosti_socket),
                                                            .read = socket_read,
                                                            .write = socket_write,
                                                            .write_end = socket_write_end,
                                                            .close = socket_close,
                                                            .attr = socket_attr};

const struct roost_impl_stream_ops roosti_unix_stream_ops = {.kind = "unix",
                                                             .size = sizeof(struct roosti_socket),
                                                             .read = socket_read,
                                                             .write = socket_write,
                                                             .write_end = socket_write_end,
                                                             .close = socket_close,
                                                             .attr = socket_attr};

/* -- making ------------------------------------------------------------------------------------ */

int roosti_socket_stream_new(const struct roost_impl_stream_ops *ops, int fd,
                             const roost_address *peer, roost_stream **stream)
{
    struct roosti_loop *loop = roosti_loop_here;
    roost_stream *made;
    int rc = roost_impl_stream_new(ops, &made);
    if (rc < 0)
        return rc;
    struct roosti_socket *socket = roosti_socket_of(made);
    socket->fd = fd;
    if (peer)
        socket->peer = *peer;
    /* One that stands would take passed descriptors for bytes. */
    if (ops == &roosti_tcp_stream_ops && roosti_feed_pays(loop, fd))
        rc = roosti_feed_new(loop, fd, &socket->feed);
    if (rc < 0) {
        roost_impl_stream_drop(made);
        return rc;
    }
    *stream = made;
    return 0;
}

int roosti_socket_connect(const roost_address *address,
                          int (*prepare)(struct roosti_port *port, int fd, const void *opts),
                          const void *opts, int *fd)
{
    struct roost_task *self = roosti_self();
    struct roosti_port *port = self->loop->port;
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    int made = port->ops->fd.socket(port, roosti_address_family(address), SOCK_STREAM, 0);
    if (made < 0)
        return made;
    if (prepare)
        rc = prepare(port, made, opts);
    if (rc == 0) {
        struct roosti_op op = {.kind = ROOSTI_OP_CONNECT,
                               .fd = made,
                               .u.addr = roosti_address_system(address),
                               .addr_len = address->priv.len};
        rc = (int)roosti_op_wait(self, &op);
    }
    if (rc < 0) {
        (void)port->ops->fd.close(port, made);
        return rc;
    }
    *fd = made;
    return 0;
}
