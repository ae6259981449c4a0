/* io/tcp.c - connecting and listening by TCP.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/tcp.h"

/* -- options ----------------------------------------------------------------------------------- */

static int option_set(struct roosti_port *port, int fd, int level, int name, int value)
{
    return port->ops->fd.set_option(port, fd, level, name, &value, sizeof value);
}

/* A length of time in units of the system, at least one, at most what an int holds. */
static int units(roost_dur dur, roost_dur unit)
{
    roost_dur count = dur / unit;
    return count < 1 ? 1 : count > 32767 * (ROOST_SEC(1) / unit) ? 32767 : (int)count;
}

static int keepalive_set(struct roosti_port *port, int fd, const roost_keepalive *keepalive)
{
    if (keepalive->idle <= 0)
        return 0;
    roost_dur interval = keepalive->interval > 0 ? keepalive->interval : ROOST_SEC(10);
    int rc = option_set(port, fd, IPPROTO_TCP, TCP_KEEPIDLE, units(keepalive->idle, ROOST_SEC(1)));
    if (rc == 0)
        rc = option_set(port, fd, IPPROTO_TCP, TCP_KEEPINTVL, units(interval, ROOST_SEC(1)));
    if (rc == 0)
        rc = option_set(port, fd, IPPROTO_TCP, TCP_KEEPCNT,
                        keepalive->count > 0 ? keepalive->count : 6);
    if (rc == 0)
        rc = option_set(port, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    return rc;
}

/* What a connection has, and a listener hands on to those it accepts. */
static int options_set(struct roosti_port *port, int fd, int nodelay,
                       const roost_keepalive *keepalive, roost_dur user_timeout)
{
    int rc = nodelay < 0 ? 0 : option_set(port, fd, IPPROTO_TCP, TCP_NODELAY, 1);
    if (rc == 0)
        rc = keepalive_set(port, fd, keepalive);
    if (rc == 0 && user_timeout > 0)
        rc = option_set(port, fd, IPPROTO_TCP, TCP_USER_TIMEOUT, units(user_timeout, ROOST_MS(1)));
    return rc;
}

/* -- connecting -------------------------------------------------------------------------------- */

struct connect_opts {
    const roost_tcp_opts *opts;
    roost_address local; /* empty: the system's choice */
};

static int connect_prepare(struct roosti_port *port, int fd, const void *arg)
{
    const struct connect_opts *with = arg;
    int rc = options_set(port, fd, with->opts->nodelay, &with->opts->keepalive,
                         with->opts->user_timeout);
    if (rc < 0 || with->local.priv.len == 0)
        return rc;
    rc = option_set(port, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    return rc < 0 ? rc
                  : port->ops->fd.bind(port, fd, roosti_address_system(&with->local),
                                       with->local.priv.len);
}

int roosti_tcp_connect_to(const roost_address *address, const roost_tcp_opts *opts,
                          roost_stream **stream)
{
    static const roost_tcp_opts defaults = {0};
    struct connect_opts with = {.opts = opts ? opts : &defaults};
    if (with.opts->local) {
        int rc = roost_address_parse(with.opts->local, &with.local);
        if (rc < 0)
            return rc;
    }
    int fd;
    int rc = roosti_socket_connect(address, connect_prepare, &with, &fd);
    if (rc < 0)
        return rc;
    rc = roosti_socket_stream_new(&roosti_tcp_stream_ops, fd, address, stream);
    if (rc < 0) {
        struct roosti_port *port = roosti_loop_here->port;
        (void)port->ops->fd.close(port, fd);
    }
    return rc;
}

int roost_tcp_connect(const char *address, const roost_tcp_opts *opts, roost_stream **stream)
{
    if (!roosti_self())
        return roosti_no_task();
    roost_address found[ROOSTI_ADDRESSES_MAX];
    int count = roosti_resolve(address, found, ROOSTI_ADDRESSES_MAX);
    int rc = count;
    for (int i = 0; i < count; i++) {
        rc = roosti_tcp_connect_to(&found[i], opts, stream);
        if (rc == 0 || rc == ROOST_ECANCELED)
            break;
    }
    return rc;
}

/* -- listening --------------------------------------------------------------------------------- */

static int listen_on(struct roosti_port *port, int fd, const roost_address *address,
                     const roost_listen_opts *opts)
{
    bool v6 = roosti_address_family(address) == AF_INET6;
    /* Connections of an earlier listener that are still being closed do not hold the address. */
    int rc = option_set(port, fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (rc == 0 && opts->reuse_port)
        rc = option_set(port, fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (rc == 0 && v6)
        rc = option_set(port, fd, IPPROTO_IPV6, IPV6_V6ONLY, opts->v6only);
    if (rc == 0)
        rc = options_set(port, fd, opts->nodelay, &opts->keepalive, opts->user_timeout);
    if (rc == 0)
        rc = port->ops->fd.bind(port, fd, roosti_address_system(address), address->priv.len);
    if (rc == 0)
        rc = port->ops->fd.listen(port, fd, opts->backlog > 0 ? opts->backlog : ROOSTI_BACKLOG);
    return rc;
}

int roosti_tcp_listen_at(const roost_address *address, const roost_listen_opts *opts,
                         roost_listener **listener)
{
    static const roost_listen_opts defaults = {0};
    struct roosti_port *port = roosti_loop_here->port;
    int fd = port->ops->fd.socket(port, roosti_address_family(address), SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int rc = listen_on(port, fd, address, opts ? opts : &defaults);
    if (rc == 0)
        rc = roosti_listener_new(&roosti_tcp_stream_ops, fd, listener);
    if (rc < 0)
        (void)port->ops->fd.close(port, fd);
    return rc;
}

int roost_tcp_listen(const char *address, const roost_listen_opts *opts, roost_listener **listener)
{
    if (!roosti_self())
        return roosti_no_task();
    roost_address found[ROOSTI_ADDRESSES_MAX];
    int rc = roosti_resolve(address, found, ROOSTI_ADDRESSES_MAX);
    return rc < 0 ? rc : roosti_tcp_listen_at(&found[0], opts, listener);
}
