/* port/sim_net.c - sockets of the simulated port: listeners, connections, partitions.
 *
 * A connect sends a request that travels like everything else; it finds a listener with room, is
 * refused, or is lost (full backlog, partition) and tried again after 1, 2, 4 ... s.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_datagram.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* Requests lost before connect gives up: the last wait ends 127 s after the first request. */
enum { TRIES_MAX = 7 };

/* -- the synchronous calls -------------------------------------------------------------------- */

static bool is_socket(const struct roosti_sim_file *file)
{
    return file->kind != ROOSTI_SIM_PIPE && file->kind != ROOSTI_SIM_DISK;
}

/* The socket behind fd: 0, -EBADF or -ENOTSOCK. */
static int socket_at(struct roosti_sim *sim, int fd, struct roosti_sim_file **file)
{
    *file = roosti_sim_file_at(sim, fd);
    return !*file ? -EBADF : is_socket(*file) ? 0 : -ENOTSOCK;
}

static int traced(struct roosti_sim *sim, enum roosti_sim_call call, int fd, int rc)
{
    roosti_sim_trace_event(sim, 0x200 | (unsigned)call, fd, rc);
    return rc;
}

static int socket_make(struct roosti_sim *sim, int domain, int type)
{
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return -EAFNOSUPPORT;
    type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (type != SOCK_STREAM && (type != SOCK_DGRAM || domain == AF_UNIX))
        return -EPROTONOSUPPORT;
    int rc = roosti_sim_fd_reserve(sim, 1);
    if (rc < 0)
        return rc;
    bool datagram = type == SOCK_DGRAM;
    struct roosti_sim_file *file =
        roosti_sim_file_new(datagram ? ROOSTI_SIM_DATAGRAM : ROOSTI_SIM_IDLE);
    if (!file)
        return ROOST_ENOMEM;
    file->domain = domain;
    return roosti_sim_fd_give(sim, file);
}

int roosti_sim_socket(struct roosti_port *port, int domain, int type, int protocol)
{
    (void)protocol;
    struct roosti_sim *sim = roosti_sim_of(port);
    return traced(sim, ROOSTI_SIM_CALL_SOCKET, -1, socket_make(sim, domain, type));
}

static int bind_to(struct roosti_sim *sim, struct roosti_sim_file *file,
                   const struct roosti_sim_addr *wanted)
{
    if (wanted->u.any.sa_family != file->domain)
        return -EAFNOSUPPORT;
    bool datagram = file->kind == ROOSTI_SIM_DATAGRAM;
    if ((file->kind != ROOSTI_SIM_IDLE && !datagram) || file->addr.len != 0)
        return -EINVAL;
    struct roosti_sim_addr addr = *wanted;
    int rc = roosti_sim_addr_complete(sim, &addr, datagram);
    if (rc < 0)
        return rc;
    if (roosti_sim_addr_taken(sim, &addr, datagram, file->reuse_port))
        return -EADDRINUSE;
    file->addr = addr;
    file->born = ++sim->order;
    roosti_list_push(&sim->bound, &file->node);
    return 0;
}

int roosti_sim_bind(struct roosti_port *port, int fd, const struct sockaddr *addr, uint32_t len)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file;
    struct roosti_sim_addr wanted;
    int rc = socket_at(sim, fd, &file);
    if (rc == 0)
        rc = roosti_sim_addr_read(&wanted, addr, len);
    if (rc == 0)
        rc = bind_to(sim, file, &wanted);
    return traced(sim, ROOSTI_SIM_CALL_BIND, fd, rc);
}

int roosti_sim_addr_assign(struct roosti_sim *sim, struct roosti_sim_file *file)
{
    struct roosti_sim_addr any = {.len = file->domain == AF_INET ? sizeof(struct sockaddr_in)
                                                                 : sizeof(struct sockaddr_in6)};
    any.u.any.sa_family = (sa_family_t)file->domain;
    return bind_to(sim, file, &any);
}

static int sim_listen_on(struct roosti_sim *sim, struct roosti_sim_file *file, int backlog)
{
    if (file->kind != ROOSTI_SIM_IDLE && file->kind != ROOSTI_SIM_LISTENING)
        return -EINVAL;
    if (file->addr.len == 0) {
        if (file->domain == AF_UNIX)
            return -EINVAL;
        int rc = roosti_sim_addr_assign(sim, file);
        if (rc < 0)
            return rc;
    }
    file->kind = ROOSTI_SIM_LISTENING;
    file->backlog = backlog < 1 ? 1 : backlog > SOMAXCONN ? SOMAXCONN : (unsigned)backlog;
    return 0;
}

int roosti_sim_listen(struct roosti_port *port, int fd, int backlog)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file;
    int rc = socket_at(sim, fd, &file);
    if (rc == 0)
        rc = sim_listen_on(sim, file, backlog);
    return traced(sim, ROOSTI_SIM_CALL_LISTEN, fd, rc);
}

/* An address as getsockname and getpeername tell it. */
static void addr_tell(const struct roosti_sim_file *file, struct roosti_sim_addr told,
                      struct sockaddr *addr, uint32_t *len)
{
    if (told.len == 0) {
        told.u.any.sa_family = (sa_family_t)file->domain;
        told.len = file->domain == AF_INET    ? sizeof(struct sockaddr_in)
                   : file->domain == AF_INET6 ? sizeof(struct sockaddr_in6)
                                              : sizeof(sa_family_t);
    }
    memcpy(addr, &told.u, *len < told.len ? *len : told.len);
    *len = told.len;
}

int roosti_sim_local_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len)
{
    struct roosti_sim_file *file;
    int rc = socket_at(roosti_sim_of(port), fd, &file);
    if (rc < 0)
        return rc;
    addr_tell(file, file->addr, addr, len);
    return 0;
}

int roosti_sim_peer_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len)
{
    struct roosti_sim_file *file;
    int rc = socket_at(roosti_sim_of(port), fd, &file);
    if (rc < 0)
        return rc;
    bool peer = (file->kind == ROOSTI_SIM_CONNECTED && !file->reset) ||
                (file->kind == ROOSTI_SIM_DATAGRAM && file->peer.len != 0);
    if (!peer)
        return -ENOTCONN;
    addr_tell(file, file->peer, addr, len);
    return 0;
}

/* Everybody in the room is the same user's same process. */
static int option_get(struct roosti_sim_file *file, int name, void *value, uint32_t *len)
{
    struct ucred cred = {.pid = 1, .uid = 0, .gid = 0};
    int word = name == SO_ERROR ? -file->error : name == SO_REUSEPORT ? file->reuse_port : 0;
    bool unix_peer = file->domain == AF_UNIX && file->kind == ROOSTI_SIM_CONNECTED;
    if (name == SO_PEERCRED && !unix_peer)
        cred = (struct ucred){.pid = 0, .uid = (uid_t)-1, .gid = (gid_t)-1};
    const void *from = name == SO_PEERCRED ? (const void *)&cred : &word;
    uint32_t size = name == SO_PEERCRED ? sizeof cred : sizeof word;
    *len = *len < size ? *len : size;
    memcpy(value, from, *len);
    if (name == SO_ERROR)
        file->error = 0;
    return 0;
}

int roosti_sim_get_option(struct roosti_port *port, int fd, int level, int name, void *value,
                          uint32_t *len)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file;
    int rc = socket_at(sim, fd, &file);
    if (rc == 0)
        rc = option_get(file, level == SOL_SOCKET ? name : -1, value, len);
    return traced(sim, ROOSTI_SIM_CALL_GET_OPTION, fd, rc);
}

/* A Unix socket has its name for as long as it is open, or until that is removed. */
static struct roosti_sim_file *socket_named(struct roosti_sim *sim, const char *path)
{
    for (struct roosti_node *node = roosti_list_first(&sim->bound); node;
         node = roosti_list_next(&sim->bound, node)) {
        struct roosti_sim_file *file = roosti_sim_bound_file(node);
        if (file->domain == AF_UNIX && file->addr.u.un.sun_path[0] != '\0' &&
            strncmp(file->addr.u.un.sun_path, path, sizeof file->addr.u.un.sun_path) == 0)
            return file;
    }
    return NULL;
}

int roosti_sim_socket_file(struct roosti_port *port, const char *path, uint64_t *id)
{
    struct roosti_sim_file *file = socket_named(roosti_sim_of(port), path);
    if (!file)
        return -ENOENT;
    *id = file->born;
    return 0;
}

int roosti_sim_socket_file_remove(struct roosti_port *port, const char *path, uint64_t id)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file = socket_named(sim, path);
    bool found = file && (id == 0 || file->born == id);
    if (found)
        roosti_list_remove(&file->node);
    return traced(sim, ROOSTI_SIM_CALL_SOCKET_FILE_REMOVE, -1, found ? 0 : -ENOENT);
}

static int sim_option_set(struct roosti_sim_file *file, int level, int name, const void *value,
                          uint32_t len)
{
    int on = 0;
    struct linger linger = {0};
    if (level != SOL_SOCKET)
        return 0;
    switch (name) {
    case SO_REUSEPORT:
        if (len < sizeof on)
            return -EINVAL;
        memcpy(&on, value, sizeof on);
        file->reuse_port = on != 0;
        return 0;
    case SO_LINGER:
        if (len < sizeof linger)
            return -EINVAL;
        memcpy(&linger, value, sizeof linger);
        file->linger_reset = linger.l_onoff != 0 && linger.l_linger == 0;
        return 0;
    default:
        return 0; /* tuning, which a simulation has no use for */
    }
}

int roosti_sim_set_option(struct roosti_port *port, int fd, int level, int name, const void *value,
                          uint32_t len)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file;
    int rc = socket_at(sim, fd, &file);
    if (rc == 0)
        rc = sim_option_set(file, level, name, value, len);
    return traced(sim, ROOSTI_SIM_CALL_SET_OPTION, fd, rc);
}

int roosti_sim_fd_shutdown(struct roosti_port *port, int fd, int how)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file;
    int rc = socket_at(sim, fd, &file);
    if (rc == 0)
        rc = roosti_sim_shutdown(sim, file, how);
    return traced(sim, ROOSTI_SIM_CALL_SHUTDOWN, fd, rc);
}

static int local_make(struct roosti_sim *sim, bool one_way, int fds[2])
{
    int rc = roosti_sim_fd_reserve(sim, 2);
    if (rc < 0)
        return rc;
    enum roosti_sim_kind kind = one_way ? ROOSTI_SIM_PIPE : ROOSTI_SIM_CONNECTED;
    struct roosti_sim_conn *conn = roosti_sim_conn_new(sim, true);
    struct roosti_sim_file *first = conn ? roosti_sim_file_new(kind) : NULL;
    struct roosti_sim_file *second = first ? roosti_sim_file_new(kind) : NULL;
    if (!second) {
        roosti_free(first);
        if (conn)
            roosti_sim_conn_free(sim, conn);
        return ROOST_ENOMEM;
    }
    /* pipe(2) names the reading end first; bytes flow from end 0 to end 1. */
    first->domain = second->domain = AF_UNIX;
    conn->one_way = one_way;
    roosti_sim_attach(conn, one_way ? 1 : 0, first, kind);
    roosti_sim_attach(conn, one_way ? 0 : 1, second, kind);
    fds[0] = roosti_sim_fd_give(sim, first);
    fds[1] = roosti_sim_fd_give(sim, second);
    return 0;
}

int roosti_sim_pipe(struct roosti_port *port, int fds[2])
{
    struct roosti_sim *sim = roosti_sim_of(port);
    return traced(sim, ROOSTI_SIM_CALL_PIPE, -1, local_make(sim, true, fds));
}

int roosti_sim_socket_pair(struct roosti_port *port, int fds[2])
{
    struct roosti_sim *sim = roosti_sim_of(port);
    return traced(sim, ROOSTI_SIM_CALL_SOCKET_PAIR, -1, local_make(sim, false, fds));
}

/* -- connect and accept ----------------------------------------------------------------------- */

static bool cut_covers(const struct roosti_sim_cut *cut, const struct roosti_sim_addr *addr)
{
    return cut->addr.len == 0 || roosti_sim_addr_meets(&cut->addr, addr);
}

static void conn_cut(struct roosti_sim *sim, struct roosti_sim_conn *conn, unsigned ways)
{
    if (ways & ROOSTI_SIM_TOWARDS)
        conn->ways[0].cut = true;
    if (ways & ROOSTI_SIM_FROM)
        conn->ways[1].cut = true;
    roosti_sim_way_arm(sim, &conn->ways[0]);
    roosti_sim_way_arm(sim, &conn->ways[1]);
}

static int connect_check(const struct roosti_sim_file *file, const struct roosti_sim_addr *target)
{
    if (file->kind == ROOSTI_SIM_CONNECTING)
        return -EALREADY;
    if (file->kind != ROOSTI_SIM_IDLE)
        return -EISCONN;
    return target->u.any.sa_family == file->domain ? 0 : -EAFNOSUPPORT;
}

int roosti_sim_connect(struct roosti_sim *sim, struct roosti_sim_file *file,
                       const struct roosti_op *op)
{
    struct roosti_sim_addr target;
    int rc = roosti_sim_addr_read(&target, op->u.addr, op->addr_len);
    if (rc == 0)
        rc = connect_check(file, &target);
    if (rc < 0)
        return rc;
    struct roosti_sim_addr local = file->addr;
    if (local.len == 0 && file->domain != AF_UNIX) {
        local = target;
        *roosti_sim_addr_port(&local) = 0;
        rc = roosti_sim_addr_complete(sim, &local, false);
        if (rc < 0)
            return -EADDRNOTAVAIL;
    }
    struct roosti_sim_conn *conn = roosti_sim_conn_new(sim, false);
    struct roosti_sim_file *unborn = conn ? roosti_sim_file_new(ROOSTI_SIM_IDLE) : NULL;
    if (!unborn) {
        if (conn)
            roosti_sim_conn_free(sim, conn);
        return ROOST_ENOMEM;
    }
    unborn->domain = file->domain;
    conn->unborn = unborn;
    conn->target = target;
    file->addr = local;
    file->peer = target;
    roosti_sim_attach(conn, 0, file, ROOSTI_SIM_CONNECTING);
    for (struct roosti_node *node = roosti_list_first(&sim->cuts); node;
         node = roosti_list_next(&sim->cuts, node)) {
        struct roosti_sim_cut *cut = roosti_container(node, struct roosti_sim_cut, node);
        if (cut_covers(cut, &target))
            conn_cut(sim, conn, cut->ways);
    }
    if (roosti_rng_chance(&sim->rng_net, sim->plan.partition_permille)) {
        uint64_t extra = roosti_rng_below(&sim->rng_net, (uint64_t)ROOST_MS(2900));
        conn->blocked_until = sim->now + ROOST_MS(100) + (roost_dur)extra;
    }
    roosti_sim_segment_push(sim, &conn->ways[0], ROOSTI_SIM_SYN);
    return 0;
}

/* Listeners that share an address take turns by seed. */
static struct roosti_sim_file *listener_find(struct roosti_sim *sim,
                                             const struct roosti_sim_addr *target)
{
    struct roosti_sim_file *found = NULL;
    uint64_t seen = 0;
    for (struct roosti_node *node = roosti_list_first(&sim->bound); node;
         node = roosti_list_next(&sim->bound, node)) {
        struct roosti_sim_file *file = roosti_sim_bound_file(node);
        if (file->kind != ROOSTI_SIM_LISTENING || !roosti_sim_addr_meets(&file->addr, target))
            continue;
        seen++;
        if (seen == 1 || roosti_rng_below(&sim->rng_net, seen) == 0)
            found = file;
    }
    return found;
}

bool roosti_sim_request_arrives(struct roosti_sim *sim, struct roosti_sim_conn *conn,
                                struct roosti_sim_segment *request)
{
    if (conn->tries == TRIES_MAX) {
        roosti_sim_end_reset(sim, conn, 0, -ETIMEDOUT);
        return false;
    }
    struct roosti_sim_file *listener = listener_find(sim, &conn->target);
    bool full = listener && listener->waiting_count >= listener->backlog;
    if (full || conn->ways[0].cut || conn->ways[1].cut) {
        request->due = sim->now + (ROOST_SEC(1) << conn->tries++);
        return true;
    }
    if (!listener) {
        roosti_sim_reset_send(sim, conn, 0, -ECONNREFUSED);
        return true;
    }
    struct roosti_sim_file *file = conn->unborn;
    conn->unborn = NULL;
    file->addr = conn->target;
    file->peer = conn->ends[0] ? conn->ends[0]->addr : (struct roosti_sim_addr){0};
    roosti_sim_attach(conn, 1, file, ROOSTI_SIM_CONNECTED);
    roosti_list_push(&listener->waiting, &file->node);
    listener->waiting_count++;
    roosti_sim_segment_push(sim, &conn->ways[1], ROOSTI_SIM_SYN_ACK);
    roosti_sim_kick(sim, listener);
    return true;
}

int64_t roosti_sim_accept(struct roosti_sim *sim, struct roosti_sim_file *listener,
                          struct roosti_op *op)
{
    struct roosti_node *node = roosti_list_first(&listener->waiting);
    if (!node)
        return ROOSTI_SIM_BLOCKS;
    int rc = roosti_sim_fd_reserve(sim, 1);
    if (rc < 0)
        return rc; /* the connection stays in the backlog */
    roosti_list_remove(node);
    listener->waiting_count--;
    op->more = op->kind == ROOSTI_OP_ACCEPT_MULTI;
    return roosti_sim_fd_give(sim, roosti_sim_bound_file(node));
}

/* -- closing ---------------------------------------------------------------------------------- */

void roosti_sim_net_close(struct roosti_sim *sim, struct roosti_sim_file *file)
{
    struct roosti_node *node;
    while ((node = roosti_list_first(&file->waiting)) != NULL) {
        struct roosti_sim_file *nobodys = roosti_sim_bound_file(node);
        roosti_list_remove(node);
        nobodys->linger_reset = true;
        roosti_sim_detach(sim, nobodys);
        roosti_free(nobodys);
    }
    if (file->node.next)
        roosti_list_remove(&file->node);
    if (file->conn)
        roosti_sim_detach(sim, file);
}

void roosti_sim_net_fini(struct roosti_sim *sim)
{
    roosti_assert(roosti_list_empty(&sim->conns));
    roosti_sim_datagram_fini(sim);
    struct roosti_node *node;
    while ((node = roosti_list_first(&sim->cuts)) != NULL) {
        roosti_list_remove(node);
        roosti_free(roosti_container(node, struct roosti_sim_cut, node));
    }
}

/* -- partitions and resets -------------------------------------------------------------------- */

static struct roosti_sim_conn *conn_of(struct roosti_node *node)
{
    return roosti_container(node, struct roosti_sim_conn, node);
}

int roosti_sim_partition(struct roosti_port *port, const struct sockaddr *addr, uint32_t addr_len,
                         unsigned ways)
{
    struct roosti_sim *sim = roosti_sim_under(port);
    struct roosti_sim_addr where = {0};
    int rc = addr ? roosti_sim_addr_read(&where, addr, addr_len) : 0;
    if (rc < 0)
        return rc;
    struct roosti_sim_cut *cut = roosti_alloc_zero(1, sizeof *cut, "partition");
    if (!cut)
        return ROOST_ENOMEM;
    cut->addr = where;
    cut->ways = ways;
    roosti_list_push(&sim->cuts, &cut->node);
    for (struct roosti_node *node = roosti_list_first(&sim->conns); node;
         node = roosti_list_next(&sim->conns, node)) {
        struct roosti_sim_conn *conn = conn_of(node);
        if (!conn->local && cut_covers(cut, &conn->target))
            conn_cut(sim, conn, ways);
    }
    return 0;
}

void roosti_sim_heal(struct roosti_port *port)
{
    struct roosti_sim *sim = roosti_sim_under(port);
    struct roosti_node *node;
    while ((node = roosti_list_first(&sim->cuts)) != NULL) {
        roosti_list_remove(node);
        roosti_free(roosti_container(node, struct roosti_sim_cut, node));
    }
    for (node = roosti_list_first(&sim->conns); node; node = roosti_list_next(&sim->conns, node)) {
        struct roosti_sim_conn *conn = conn_of(node);
        for (int i = 0; i < 2; i++) {
            if (!conn->ways[i].cut)
                continue;
            conn->ways[i].cut = false;
            roosti_sim_way_resume(sim, &conn->ways[i]);
        }
        roosti_sim_reset_resume(sim, conn);
    }
}

int roosti_sim_reset(struct roosti_port *port, int fd)
{
    struct roosti_sim *sim = roosti_sim_under(port);
    struct roosti_sim_file *file = roosti_sim_file_at(sim, fd);
    if (!file)
        return -EBADF;
    if (!file->conn || file->kind == ROOSTI_SIM_PIPE)
        return -ENOTCONN;
    struct roosti_sim_conn *conn = file->conn;
    roosti_sim_end_reset(sim, conn, 1, -ECONNRESET);
    roosti_sim_end_reset(sim, conn, 0, -ECONNRESET); /* may free conn */
    return 0;
}
