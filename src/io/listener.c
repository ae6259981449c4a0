/* io/listener.c - waiting for connections.
 *
 * Who accepts stands in the listener until its call returns; a listener that is closed meanwhile is
 * freed by that call.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"
#include "io/socket_stream.h"
#include "rt/op.h"
#include "rt/report.h"

int roosti_listener_new(const struct roost_impl_stream_ops *ops, int fd, roost_listener **listener)
{
    struct roosti_loop *loop = roosti_loop_here;
    struct sockaddr_storage system;
    uint32_t len = sizeof system;
    int rc = loop->port->ops->fd.local_addr(loop->port, fd, (struct sockaddr *)&system, &len);
    if (rc < 0)
        return rc;
    roost_listener *made = roosti_alloc_zero(1, sizeof *made, "a listener");
    if (!made)
        return ROOST_ENOMEM;
    made->ops = ops;
    made->fd = fd;
    made->loop = loop->id;
    roosti_address_set(&made->address, &system, len);
    *listener = made;
    return 0;
}

/* Makes the running task the acceptor; and the other way round. */
static int acceptor_enter(roost_listener *listener, struct roost_task **self)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop || !loop->current)
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &listener->loop);
    if (rc < 0)
        return rc;
    if (listener->acceptor)
        return ROOST_EBUSY;
    *self = listener->acceptor = loop->current;
    return 0;
}

/* Whether it has been closed meanwhile, and is gone. */
static bool acceptor_leave(roost_listener *listener)
{
    listener->acceptor = NULL;
    if (!listener->closed)
        return false;
    roosti_free(listener);
    return true;
}

/* Who the other side is, while the system still knows. */
static void peer_look(struct roosti_port *port, int fd, roost_address *peer)
{
    struct sockaddr_storage system;
    uint32_t len = sizeof system;
    *peer = (roost_address){0};
    if (port->ops->fd.peer_addr(port, fd, (struct sockaddr *)&system, &len) == 0)
        roosti_address_set(peer, &system, len);
}

int roost_listener_accept(roost_listener *listener, roost_stream **stream)
{
    struct roost_task *self;
    int rc = acceptor_enter(listener, &self);
    if (rc < 0)
        return rc;
    const struct roost_impl_stream_ops *ops = listener->ops;
    struct roosti_port *port = self->loop->port;
    int64_t fd = roosti_op_begin(self->loop, self);
    if (fd == 0) {
        struct roosti_op op = {.kind = ROOSTI_OP_ACCEPT, .fd = listener->fd};
        fd = listener->closed ? ROOST_ECLOSED : roosti_op_wait(self, &op);
    }
    bool closed = acceptor_leave(listener);
    if (fd < 0)
        return closed ? ROOST_ECLOSED : (int)fd;
    roost_address peer;
    peer_look(port, (int)fd, &peer);
    rc = closed ? ROOST_ECLOSED : roosti_socket_stream_new(ops, (int)fd, &peer, stream);
    if (rc < 0)
        (void)port->ops->fd.close(port, (int)fd);
    return rc;
}

int roosti_listener_wait(roost_listener *listener)
{
    struct roost_task *self;
    int rc = acceptor_enter(listener, &self);
    if (rc < 0)
        return rc;
    rc = roosti_op_begin(self->loop, self);
    if (rc == 0) {
        struct roosti_op op = {
            .kind = ROOSTI_OP_POLL, .fd = listener->fd, .events = ROOSTI_POLL_IN};
        rc = listener->closed ? ROOST_ECLOSED : (int)roosti_op_wait(self, &op);
    }
    bool closed = acceptor_leave(listener);
    return closed ? ROOST_ECLOSED : rc < 0 ? rc : 0;
}

int roost_listener_address(roost_listener *listener, char *buf, size_t size)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &listener->loop);
    return rc < 0 ? rc : roost_address_format(&listener->address, buf, size);
}

int roost_listener_close(roost_listener *listener)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!listener)
        return 0;
    roosti_require(loop, "a listener is closed inside its run");
    int rc = roosti_loop_owns(loop, &listener->loop);
    if (rc == 0 && listener->closed)
        rc = ROOST_ECLOSED;
    if (rc < 0) {
        if (loop->debug >= 1)
            roosti_report("roost_listener_close: %s", rc == ROOST_EXLOOP
                                                          ? "the listener belongs to another loop"
                                                          : "the listener is closed already");
        return rc;
    }
    struct roosti_port *port = loop->port;
    char path[ROOST_ADDRESS_TEXT_MAX];
    /* First the name: whoever connects now shall not find somebody who is gone. */
    if (listener->file != 0 && roost_address_format(&listener->address, path, sizeof path) > 0)
        (void)port->ops->fd.socket_file_remove(port, path, listener->file);
    rc = port->ops->fd.close(port, listener->fd);
    listener->closed = true;
    if (!listener->acceptor)
        roosti_free(listener);
    return rc;
}
