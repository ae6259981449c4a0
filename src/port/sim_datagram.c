/* port/sim_datagram.c - messages of the simulated port.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_datagram.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"

/* -- datagrams -------------------------------------------------------------------------------- */

static struct roosti_sim_datagram *datagram_of(struct roosti_node *node)
{
    return roosti_container(node, struct roosti_sim_datagram, node);
}

/* An address that others can answer to. */
static struct roosti_sim_addr addr_seen(const struct roosti_sim_addr *addr)
{
    struct roosti_sim_addr seen = *addr;
    if (seen.u.any.sa_family == AF_INET && seen.u.in.sin_addr.s_addr == INADDR_ANY)
        seen.u.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (seen.u.any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&seen.u.in6.sin6_addr))
        seen.u.in6.sin6_addr = in6addr_loopback;
    return seen;
}

static bool datagram_is_cut(struct roosti_sim *sim, const struct roosti_sim_addr *to)
{
    for (struct roosti_node *node = roosti_list_first(&sim->cuts); node;
         node = roosti_list_next(&sim->cuts, node)) {
        const struct roosti_sim_cut *cut = roosti_container(node, struct roosti_sim_cut, node);
        bool covers = cut->addr.len == 0 || roosti_sim_addr_meets(&cut->addr, to);
        if (covers && cut->ways & ROOSTI_SIM_TOWARDS)
            return true;
    }
    return false;
}

static struct roosti_sim_file *datagram_socket(struct roosti_sim *sim,
                                               const struct roosti_sim_addr *at)
{
    for (struct roosti_node *node = roosti_list_first(&sim->bound); node;
         node = roosti_list_next(&sim->bound, node)) {
        struct roosti_sim_file *file = roosti_sim_bound_file(node);
        if (file->kind == ROOSTI_SIM_DATAGRAM && roosti_sim_addr_meets(&file->addr, at))
            return file;
    }
    return NULL;
}

static size_t message_bytes(const struct roosti_op *op)
{
    return op->len;
}

static void message_gather(unsigned char *bytes, const struct roosti_op *op)
{
    if (op->kind == ROOSTI_OP_SEND) {
        memcpy(bytes, op->buf, op->len);
        return;
    }
    for (size_t i = 0; i < op->u.msg->msg_iovlen; i++) {
        const struct iovec *piece = &op->u.msg->msg_iov[i];
        if (piece->iov_len > 0)
            memcpy(bytes, piece->iov_base, piece->iov_len);
        bytes += piece->iov_len;
    }
}

/* Where it goes: 0 or a code. */
static int datagram_target(const struct roosti_sim_file *file, const struct roosti_op *op,
                           struct roosti_sim_addr *to)
{
    bool named = op->kind == ROOSTI_OP_SEND_MSG && op->u.msg->msg_name;
    *to = file->peer;
    if (named) {
        int rc = roosti_sim_addr_read(to, op->u.msg->msg_name, op->u.msg->msg_namelen);
        if (rc < 0)
            return rc;
    }
    if (to->len == 0)
        return -EDESTADDRREQ;
    return to->u.any.sa_family == file->domain ? 0 : -EAFNOSUPPORT;
}

static int64_t datagram_send(struct roosti_sim *sim, struct roosti_sim_file *file,
                             const struct roosti_op *op)
{
    struct roosti_sim_addr to;
    int rc = datagram_target(file, op, &to);
    if (rc < 0)
        return rc;
    size_t len = message_bytes(op);
    if (len > ROOSTI_SIM_DATAGRAM_MAX)
        return -EMSGSIZE;
    if (file->addr.len == 0) {
        rc = roosti_sim_addr_assign(sim, file);
        if (rc < 0)
            return rc;
    }
    if (datagram_is_cut(sim, &to) || roosti_rng_chance(&sim->rng_net, sim->plan.loss_permille))
        return (int64_t)len;
    struct roosti_sim_datagram *datagram = roosti_alloc(sizeof *datagram + len, "a datagram");
    if (!datagram || roosti_sim_reserve(sim, 1) < 0) {
        roosti_free(datagram);
        return -ENOBUFS;
    }
    *datagram = (struct roosti_sim_datagram){.from = addr_seen(&file->addr), .to = to, .len = len};
    message_gather(datagram->bytes, op);
    roosti_list_push(&sim->flying, &datagram->node);
    struct roosti_sim_entry entry = {.due = sim->now + roosti_sim_latency(sim),
                                     .order = sim->order++,
                                     .owner = datagram,
                                     .place = &datagram->place,
                                     .what = ROOSTI_SIM_ARRIVAL};
    roosti_sim_put(sim, &entry);
    return (int64_t)len;
}

void roosti_sim_datagram_due(struct roosti_sim *sim, struct roosti_sim_datagram *datagram)
{
    roosti_list_remove(&datagram->node);
    roosti_sim_unreserve(sim, 1);
    struct roosti_sim_file *file = datagram_socket(sim, &datagram->to);
    bool refused = !file;
    if (file && file->peer.len != 0 && !roosti_sim_addr_meets(&file->peer, &datagram->from))
        file = NULL;
    if (file && file->datagram_bytes + datagram->len > sim->plan.link_bytes_max)
        file = NULL;
    if (file) {
        roosti_list_push(&file->datagrams, &datagram->node);
        file->datagram_bytes += datagram->len;
        roosti_sim_kick(sim, file);
        return;
    }
    /* Nobody there: a sender that has named its peer hears of it. */
    struct roosti_sim_file *sender = refused ? datagram_socket(sim, &datagram->from) : NULL;
    if (sender && sender->peer.len != 0 && roosti_sim_addr_meets(&sender->peer, &datagram->to)) {
        sender->error = -ECONNREFUSED;
        roosti_sim_kick(sim, sender);
    }
    roosti_free(datagram);
}

static void name_write(struct msghdr *msg, const struct roosti_sim_addr *from)
{
    if (msg->msg_name && msg->msg_namelen > 0)
        memcpy(msg->msg_name, &from->u,
               msg->msg_namelen < from->len ? msg->msg_namelen : from->len);
    msg->msg_namelen = from->len;
}

static int64_t datagram_receive(struct roosti_sim_file *file, struct roosti_op *op)
{
    struct roosti_node *node = roosti_list_first(&file->datagrams);
    if (!node)
        return ROOSTI_SIM_BLOCKS;
    struct roosti_sim_datagram *datagram = datagram_of(node);
    size_t len = datagram->len < op->len ? datagram->len : op->len;
    if (len > 0)
        memcpy(op->buf, datagram->bytes, len);
    if (op->kind == ROOSTI_OP_RECV_MSG) {
        name_write(op->u.msg, &datagram->from);
        op->u.msg->msg_flags = len < datagram->len ? MSG_TRUNC : 0;
        op->u.msg->msg_controllen = 0;
    }
    int64_t told = (int64_t)(op->flags & MSG_TRUNC ? datagram->len : len);
    if (op->flags & MSG_PEEK)
        return told;
    file->datagram_bytes -= datagram->len;
    roosti_list_remove(node);
    roosti_free(datagram);
    return told;
}

static int datagram_connect(struct roosti_sim *sim, struct roosti_sim_file *file,
                            const struct roosti_op *op)
{
    struct roosti_sim_addr peer;
    int rc = roosti_sim_addr_read(&peer, op->u.addr, op->addr_len);
    if (rc == 0 && peer.u.any.sa_family != file->domain)
        rc = -EAFNOSUPPORT;
    if (rc == 0 && file->addr.len == 0)
        rc = roosti_sim_addr_assign(sim, file);
    if (rc == 0)
        file->peer = peer;
    return rc;
}

int64_t roosti_sim_datagram_attempt(struct roosti_sim *sim, struct roosti_sim_file *file,
                                    struct roosti_op *op)
{
    int64_t res = file->error;
    file->error = 0;
    if (res < 0)
        return res;
    switch (op->kind) {
    case ROOSTI_OP_CONNECT:
        return datagram_connect(sim, file, op);
    case ROOSTI_OP_SEND:
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
        return datagram_send(sim, file, op);
    default:
        res = datagram_receive(file, op);
        return res == ROOSTI_SIM_BLOCKS && op->flags & MSG_DONTWAIT ? -EAGAIN : res;
    }
}

void roosti_sim_datagram_close(struct roosti_sim_file *file)
{
    struct roosti_node *node;
    while ((node = roosti_list_first(&file->datagrams)) != NULL) {
        roosti_list_remove(node);
        roosti_free(datagram_of(node));
    }
}

void roosti_sim_datagram_fini(struct roosti_sim *sim)
{
    struct roosti_node *node;
    while ((node = roosti_list_first(&sim->flying)) != NULL) {
        roosti_list_remove(node);
        roosti_sim_drop(sim, datagram_of(node)->place);
        roosti_sim_unreserve(sim, 1);
        roosti_free(datagram_of(node));
    }
}

/* -- passed descriptors ----------------------------------------------------------------------- */

static struct roosti_sim_parcel *parcel_of(struct roosti_node *node)
{
    return roosti_container(node, struct roosti_sim_parcel, node);
}

int roosti_sim_parcel_pack(struct roosti_sim *sim, const struct roosti_sim_file *file,
                           const struct msghdr *msg, struct roosti_sim_parcel **parcel)
{
    *parcel = NULL;
    const struct cmsghdr *control = msg ? CMSG_FIRSTHDR(msg) : NULL;
    if (!control || file->domain != AF_UNIX)
        return 0;
    size_t count = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    if (count > ROOSTI_SIM_PARCEL_MAX)
        return -ETOOMANYREFS;
    int fds[ROOSTI_SIM_PARCEL_MAX];
    memcpy(fds, CMSG_DATA(control), count * sizeof *fds);
    for (size_t i = 0; i < count; i++)
        if (!roosti_sim_file_at(sim, fds[i]))
            return -EBADF;
    struct roosti_sim_parcel *made = roosti_alloc_zero(1, sizeof *made, "passed descriptors");
    if (!made)
        return -ENOBUFS;
    for (size_t i = 0; i < count; i++) {
        made->files[i] = roosti_sim_file_at(sim, fds[i]);
        made->files[i]->holders++;
    }
    made->count = (int)count;
    *parcel = made;
    return 0;
}

void roosti_sim_parcel_drop(struct roosti_sim *sim, struct roosti_sim_parcel *parcel)
{
    if (!parcel)
        return;
    for (int i = 0; i < parcel->count; i++)
        roosti_sim_file_let_go(sim, parcel->files[i]);
    roosti_free(parcel);
}

size_t roosti_sim_parcel_limit(const struct roosti_sim_way *way, size_t len)
{
    for (struct roosti_node *node = roosti_list_first(&way->parcels); node;
         node = roosti_list_next(&way->parcels, node)) {
        uint64_t at = parcel_of(node)->at;
        if (at > way->read && at - way->read < len)
            return (size_t)(at - way->read);
    }
    return len;
}

/* The descriptors get numbers; those that get none are dropped. */
static void parcel_unpack(struct roosti_sim *sim, struct roosti_sim_parcel *parcel,
                          struct msghdr *msg, size_t room)
{
    struct cmsghdr *control = msg->msg_control;
    int count = 0;
    while (count < parcel->count && room >= CMSG_LEN(sizeof(int) * (size_t)(count + 1)) &&
           roosti_sim_fd_reserve(sim, 1) == 0) {
        int fd = roosti_sim_fd_give(sim, parcel->files[count]);
        roosti_sim_file_let_go(sim, parcel->files[count]); /* the number holds it now */
        memcpy(CMSG_DATA(control) + sizeof fd * (size_t)count, &fd, sizeof fd);
        count++;
    }
    for (int i = count; i < parcel->count; i++)
        roosti_sim_file_let_go(sim, parcel->files[i]);
    if (count < parcel->count)
        msg->msg_flags |= MSG_CTRUNC;
    if (count > 0) {
        control->cmsg_level = SOL_SOCKET;
        control->cmsg_type = SCM_RIGHTS;
        control->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
        msg->msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
    }
    roosti_free(parcel);
}

void roosti_sim_parcel_take(struct roosti_sim *sim, struct roosti_sim_way *way, size_t len,
                            struct msghdr *msg)
{
    size_t room = msg ? msg->msg_controllen : 0;
    if (msg) {
        msg->msg_controllen = 0;
        msg->msg_namelen = 0;
        msg->msg_flags = 0;
    }
    struct roosti_node *node;
    while ((node = roosti_list_first(&way->parcels)) != NULL &&
           parcel_of(node)->at < way->read + len) {
        roosti_list_remove(node);
        if (msg)
            parcel_unpack(sim, parcel_of(node), msg, room);
        else
            roosti_sim_parcel_drop(sim, parcel_of(node));
    }
}

void roosti_sim_parcels_fini(struct roosti_sim *sim, struct roosti_sim_way *way)
{
    struct roosti_node *node;
    while ((node = roosti_list_first(&way->parcels)) != NULL) {
        roosti_list_remove(node);
        roosti_sim_parcel_drop(sim, parcel_of(node));
    }
}

/* -- calls ------------------------------------------------------------------------------------ */

int64_t roosti_sim_receive(struct roosti_port *port, int fd, struct msghdr *msg, int flags)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file = roosti_sim_file_at(sim, fd);
    struct roosti_op op = {.kind = ROOSTI_OP_RECV_MSG,
                           .fd = fd,
                           .buf = msg->msg_iov[0].iov_base,
                           .len = msg->msg_iov[0].iov_len,
                           .flags = flags | MSG_DONTWAIT,
                           .u.msg = msg};
    int64_t res = file ? roosti_sim_misfit(file, &op) : -EBADF;
    /* Nobody overtakes. */
    if (res == 0)
        res = file->reads.first ? -EAGAIN : roosti_sim_stream_attempt(sim, file, &op);
    roosti_sim_trace_event(sim, (unsigned)op.kind | 0x100, fd, res);
    return res;
}
