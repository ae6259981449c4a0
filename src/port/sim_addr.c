/* port/sim_addr.c - addresses of the simulated port.
 *
 * An address is a key: family, host and port, or a path. A wildcard host meets every host of its
 * family. Two sockets share a key only when both have asked to (SO_REUSEPORT).
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_impl.h"

#include <errno.h>
#include <string.h>

enum { PORT_FIRST = 49152, PORT_COUNT = 16384 };

int roosti_sim_addr_read(struct roosti_sim_addr *out, const struct sockaddr *addr, uint32_t len)
{
    struct roosti_sim_addr read = {0};
    if (!addr || len < sizeof addr->sa_family)
        return -EINVAL;
    switch (addr->sa_family) {
    case AF_INET: {
        struct sockaddr_in in;
        if (len < sizeof in)
            return -EINVAL;
        memcpy(&in, addr, sizeof in);
        read.len = sizeof in;
        read.u.in.sin_family = AF_INET;
        read.u.in.sin_port = in.sin_port;
        read.u.in.sin_addr = in.sin_addr;
        break;
    }
    case AF_INET6: {
        struct sockaddr_in6 in6;
        if (len < sizeof in6)
            return -EINVAL;
        memcpy(&in6, addr, sizeof in6);
        read.len = sizeof in6;
        read.u.in6.sin6_family = AF_INET6;
        read.u.in6.sin6_port = in6.sin6_port;
        read.u.in6.sin6_addr = in6.sin6_addr;
        read.u.in6.sin6_scope_id = in6.sin6_scope_id;
        break;
    }
    case AF_UNIX:
        if (len <= sizeof addr->sa_family || len > sizeof read.u.un)
            return -EINVAL;
        memcpy(&read.u.un, addr, len);
        read.len = len;
        break;
    default:
        return -EAFNOSUPPORT;
    }
    *out = read;
    return 0;
}

in_port_t *roosti_sim_addr_port(struct roosti_sim_addr *addr)
{
    switch (addr->u.any.sa_family) {
    case AF_INET:
        return &addr->u.in.sin_port;
    case AF_INET6:
        return &addr->u.in6.sin6_port;
    default:
        return NULL;
    }
}

static bool addr_is_wild(const struct roosti_sim_addr *addr)
{
    switch (addr->u.any.sa_family) {
    case AF_INET:
        return addr->u.in.sin_addr.s_addr == INADDR_ANY;
    case AF_INET6:
        return IN6_IS_ADDR_UNSPECIFIED(&addr->u.in6.sin6_addr);
    default:
        return false;
    }
}

bool roosti_sim_addr_meets(const struct roosti_sim_addr *a, const struct roosti_sim_addr *b)
{
    if (a->u.any.sa_family != b->u.any.sa_family)
        return false;
    struct roosti_sim_addr x = *a;
    struct roosti_sim_addr y = *b;
    if (addr_is_wild(a) || addr_is_wild(b))
        return *roosti_sim_addr_port(&x) == *roosti_sim_addr_port(&y);
    return x.len == y.len && memcmp(&x.u, &y.u, sizeof x.u) == 0;
}

bool roosti_sim_addr_taken(const struct roosti_sim *sim, const struct roosti_sim_addr *addr,
                           bool datagram, bool reuse_port)
{
    for (struct roosti_node *node = roosti_list_first(&sim->bound); node;
         node = roosti_list_next(&sim->bound, node)) {
        const struct roosti_sim_file *other = roosti_sim_bound_file(node);
        if ((other->kind == ROOSTI_SIM_DATAGRAM) == datagram &&
            roosti_sim_addr_meets(&other->addr, addr) && !(reuse_port && other->reuse_port))
            return true;
    }
    return false;
}

int roosti_sim_addr_complete(struct roosti_sim *sim, struct roosti_sim_addr *addr, bool datagram)
{
    in_port_t *port = roosti_sim_addr_port(addr);
    if (!port || *port != 0)
        return 0;
    for (unsigned i = 0; i < PORT_COUNT; i++) {
        *port = htons((uint16_t)(PORT_FIRST + (sim->port_next + i) % PORT_COUNT));
        if (!roosti_sim_addr_taken(sim, addr, datagram, false)) {
            sim->port_next = (sim->port_next + i + 1) % PORT_COUNT;
            return 0;
        }
    }
    *port = 0;
    return -EADDRINUSE;
}
