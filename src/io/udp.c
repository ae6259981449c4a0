/* io/udp.c - datagrams.
 *
 * Who is inside a call is counted, and a socket that is closed meanwhile is freed by the last of
 * them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/udp.h>

#include "base/mem.h"
#include "io/tcp.h"
#include "rt/op.h"
#include "rt/report.h"

struct roost_udp {
    uint32_t inside; /* calls */
    uint32_t loop;   /* stamp */
    int fd;
    bool receiving;
    bool closed;
};

/* -- opening ----------------------------------------------------------------------------------- */

static int option_on(struct roosti_port *port, int fd, int level, int name, bool on)
{
    int value = on;
    return port->ops->fd.set_option(port, fd, level, name, &value, sizeof value);
}

static int socket_prepare(struct roosti_port *port, int fd, const roost_address *local,
                          const roost_udp_opts *opts)
{
    int rc = 0;
    if (opts->reuse_port)
        rc = option_on(port, fd, SOL_SOCKET, SO_REUSEPORT, true);
    if (rc == 0 && opts->broadcast)
        rc = option_on(port, fd, SOL_SOCKET, SO_BROADCAST, true);
    if (local->priv.len == 0 || rc < 0)
        return rc;
    if (roosti_address_family(local) == AF_INET6)
        rc = option_on(port, fd, IPPROTO_IPV6, IPV6_V6ONLY, opts->v6only);
    return rc < 0 ? rc
                  : port->ops->fd.bind(port, fd, roosti_address_system(local), local->priv.len);
}

/* Never waits long: it only notes where to send. */
static int socket_connect(struct roost_task *self, int fd, const roost_address *remote)
{
    struct roosti_op op = {.kind = ROOSTI_OP_CONNECT,
                           .fd = fd,
                           .u.addr = roosti_address_system(remote),
                           .addr_len = remote->priv.len};
    return remote->priv.len == 0 ? 0 : (int)roosti_op_wait(self, &op);
}

static int udp_open(struct roost_task *self, const roost_address *local,
                    const roost_address *remote, const roost_udp_opts *opts, roost_udp **udp)
{
    struct roosti_port *port = self->loop->port;
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    roost_udp *made = roosti_alloc_zero(1, sizeof *made, "a socket for datagrams");
    if (!made)
        return ROOST_ENOMEM;
    int family = roosti_address_family(local->priv.len ? local : remote);
    rc = made->fd = port->ops->fd.socket(port, family, SOCK_DGRAM, 0);
    if (rc >= 0)
        rc = socket_prepare(port, made->fd, local, opts);
    if (rc == 0)
        rc = socket_connect(self, made->fd, remote);
    if (rc < 0) {
        if (made->fd >= 0)
            (void)port->ops->fd.close(port, made->fd);
        roosti_free(made);
        return rc;
    }
    made->loop = self->loop->id;
    *udp = made;
    return 0;
}

int roost_udp_open(const char *local, const roost_udp_opts *opts, roost_udp **udp)
{
    static const roost_udp_opts defaults = {0};
    roost_address at[ROOSTI_ADDRESSES_MAX] = {0};
    roost_address to[ROOSTI_ADDRESSES_MAX] = {0};
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    opts = opts ? opts : &defaults;
    if (!local && !opts->remote)
        return ROOST_EINVAL;
    int rc = local ? roosti_resolve(local, at, ROOSTI_ADDRESSES_MAX) : 0;
    if (rc >= 0 && opts->remote)
        rc = roosti_resolve(opts->remote, to, ROOSTI_ADDRESSES_MAX);
    return rc < 0 ? rc : udp_open(self, &at[0], &to[0], opts, udp);
}

/* -- calls ------------------------------------------------------------------------------------- */

static int udp_enter(roost_udp *udp, struct roost_task **self)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop || !loop->current)
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &udp->loop);
    if (rc < 0)
        return rc;
    *self = loop->current;
    udp->inside++;
    return 0;
}

static void udp_leave(roost_udp *udp)
{
    if (--udp->inside == 0 && udp->closed)
        roosti_free(udp);
}

/* The calls below stand between entering and leaving; the first half of their last step. */
static int udp_begin(const roost_udp *udp, struct roost_task *self)
{
    int rc = roosti_op_begin(self->loop, self);
    return rc < 0 ? rc : udp->closed ? ROOST_ECLOSED : 0;
}

struct incoming {
    struct sockaddr_storage from;
    struct iovec iov;
    struct msghdr msg;
};

static void incoming_init(struct incoming *in, const roost_datagram *datagram)
{
    in->iov = (struct iovec){.iov_base = datagram->data, .iov_len = datagram->size};
    in->msg = (struct msghdr){.msg_name = &in->from,
                              .msg_namelen = sizeof in->from,
                              .msg_iov = &in->iov,
                              .msg_iovlen = 1};
}

/* full: the length it had, asked for by MSG_TRUNC. */
static void incoming_tell(const struct incoming *in, size_t full, roost_datagram *datagram)
{
    datagram->full_len = full;
    datagram->len = full < datagram->size ? full : datagram->size;
    roosti_address_set(&datagram->from, &in->from, in->msg.msg_namelen);
}

static int receive_first(roost_udp *udp, struct roost_task *self, roost_datagram *datagram)
{
    struct incoming in;
    incoming_init(&in, datagram);
    struct roosti_op op = {.kind = ROOSTI_OP_RECV_MSG,
                           .fd = udp->fd,
                           .u.msg = &in.msg,
                           .buf = datagram->data,
                           .len = datagram->size,
                           .flags = MSG_TRUNC};
    int64_t n = roosti_op_wait(self, &op);
    if (n < 0)
        return (int)n;
    incoming_tell(&in, (size_t)n, datagram);
    return 0;
}

/* Those that are there, without waiting. */
static size_t receive_more(const roost_udp *udp, struct roosti_port *port,
                           roost_datagram *datagrams, size_t count)
{
    size_t got = 0;
    for (; got < count; got++) {
        struct incoming in;
        incoming_init(&in, &datagrams[got]);
        int64_t n = port->ops->fd.receive(port, udp->fd, &in.msg, MSG_TRUNC);
        if (n < 0)
            break;
        incoming_tell(&in, (size_t)n, &datagrams[got]);
    }
    return got;
}

int roost_udp_recv_many(roost_udp *udp, roost_datagram *datagrams, size_t count)
{
    struct roost_task *self;
    int rc = udp_enter(udp, &self);
    if (rc < 0)
        return rc;
    size_t got = 0;
    bool busy = udp->receiving;
    udp->receiving = true;
    if (busy || count == 0)
        rc = busy ? ROOST_EBUSY : ROOST_EINVAL;
    else
        rc = udp_begin(udp, self);
    if (rc == 0)
        rc = receive_first(udp, self, datagrams);
    if (rc == 0)
        got = 1;
    if (rc == 0 && !udp->closed)
        got += receive_more(udp, self->loop->port, datagrams + 1, count - 1);
    udp->receiving = busy;
    udp_leave(udp);
    return rc < 0 ? rc : (int)got;
}

int roost_udp_recv(roost_udp *udp, roost_datagram *datagram)
{
    int rc = roost_udp_recv_many(udp, datagram, 1);
    return rc < 0 ? rc : 0;
}

static int udp_send(roost_udp *udp, const roost_address *to, const void *data, size_t len)
{
    struct roost_task *self;
    int rc = udp_enter(udp, &self);
    if (rc < 0)
        return rc;
    rc = udp_begin(udp, self);
    if (rc == 0) {
        struct iovec iov = {.iov_base = (void *)(uintptr_t)data, .iov_len = len};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        if (to) {
            msg.msg_name = (void *)(uintptr_t)to->priv.words;
            msg.msg_namelen = to->priv.len;
        }
        struct roosti_op op = {
            .kind = ROOSTI_OP_SEND_MSG, .fd = udp->fd, .u.msg = &msg, .len = len};
        rc = (int)roosti_op_wait(self, &op);
    }
    udp_leave(udp);
    return rc < 0 ? rc : 0;
}

int roost_udp_send(roost_udp *udp, const void *data, size_t len)
{
    return udp_send(udp, NULL, data, len);
}

int roost_udp_send_to(roost_udp *udp, const roost_address *to, const void *data, size_t len)
{
    return to->priv.len == 0 ? ROOST_EINVAL : udp_send(udp, to, data, len);
}

int roost_udp_address(roost_udp *udp, char *buf, size_t size)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &udp->loop);
    if (rc < 0)
        return rc;
    struct sockaddr_storage system;
    uint32_t len = sizeof system;
    rc = loop->port->ops->fd.local_addr(loop->port, udp->fd, (struct sockaddr *)&system, &len);
    if (rc < 0)
        return rc;
    roost_address address;
    roosti_address_set(&address, &system, len);
    return roost_address_format(&address, buf, size);
}

int roost_udp_close(roost_udp *udp)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!udp)
        return 0;
    roosti_require(loop, "a socket is closed inside its run");
    int rc = roosti_loop_owns(loop, &udp->loop);
    if (rc == 0 && udp->closed)
        rc = ROOST_ECLOSED;
    if (rc < 0) {
        if (loop->debug >= 1)
            roosti_report("roost_udp_close: %s", rc == ROOST_EXLOOP
                                                     ? "the socket belongs to another loop"
                                                     : "the socket is closed already");
        return rc;
    }
    udp->closed = true;
    rc = loop->port->ops->fd.close(loop->port, udp->fd);
    if (udp->inside == 0)
        roosti_free(udp);
    return rc;
}
