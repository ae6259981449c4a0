/* port/sim_io.c - what can be read from and written to a simulated stream, and doing it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_datagram.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* -- the ring --------------------------------------------------------------------------------- */

static size_t way_used(const struct roosti_sim_way *way)
{
    return (size_t)(way->written - way->read);
}

static void way_append(struct roosti_sim_way *way, const unsigned char *bytes, size_t len)
{
    if (len == 0)
        return;
    size_t tail = (way->head + way_used(way)) % way->size;
    size_t run = way->size - tail < len ? way->size - tail : len;
    memcpy(way->bytes + tail, bytes, run);
    memcpy(way->bytes, bytes + run, len - run);
    way->written += len;
}

static void way_copy(const struct roosti_sim_way *way, unsigned char *bytes, size_t len)
{
    if (len == 0)
        return;
    size_t run = way->size - way->head < len ? way->size - way->head : len;
    memcpy(bytes, way->bytes + way->head, run);
    memcpy(bytes + run, way->bytes, len - run);
}

void roosti_sim_way_advance(struct roosti_sim_way *way, size_t len)
{
    if (len == 0)
        return;
    way->read += len;
    way->head = (way->head + len) % way->size;
    roosti_assert(way->read <= way->arrived);
}

int roosti_sim_send_prepare(struct roosti_sim *sim, struct roosti_sim_file *file, size_t len)
{
    struct roosti_sim_way *way = &file->conn->ways[file->side];
    size_t limit = sim->plan.link_bytes_max;
    size_t used = way_used(way);
    size_t wanted = limit - used < len ? limit : used + len;
    if (wanted <= way->size)
        return 0;
    size_t size = way->size * 2 > 256 ? way->size * 2 : 256;
    if (size < wanted)
        size = wanted;
    if (size > limit)
        size = limit;
    unsigned char *bytes = roosti_alloc(size, "bytes under way");
    if (!bytes)
        return ROOST_ENOMEM;
    way_copy(way, bytes, used);
    roosti_free(way->bytes);
    way->bytes = bytes;
    way->size = size;
    way->head = 0;
    return 0;
}

/* -- readiness, receive and send -------------------------------------------------------------- */

static bool is_local_orphan(const struct roosti_sim_file *file)
{
    return file->conn->local && !file->conn->ends[1 - file->side];
}

static uint32_t connected_events(const struct roosti_sim *sim, const struct roosti_sim_file *file)
{
    const struct roosti_sim_conn *conn = file->conn;
    const struct roosti_sim_way *in = &conn->ways[1 - file->side];
    const struct roosti_sim_way *out = &conn->ways[file->side];
    bool over = file->error != 0 || file->reset;
    uint32_t events = 0;
    if (over || file->shut_read || in->fin_arrived || in->arrived > in->read)
        events |= ROOSTI_POLL_IN;
    if (over || out->fin_sent || way_used(out) < sim->plan.link_bytes_max)
        events |= ROOSTI_POLL_OUT;
    if (file->reset || (in->fin_arrived && out->fin_sent))
        events |= ROOSTI_POLL_HANGUP;
    if (file->error != 0)
        events |= ROOSTI_POLL_ERROR;
    return events;
}

static uint32_t pipe_events(const struct roosti_sim *sim, const struct roosti_sim_file *file)
{
    const struct roosti_sim_way *way = &file->conn->ways[0];
    if (file->side == 1)
        return (way->arrived > way->read ? (uint32_t)ROOSTI_POLL_IN : 0) |
               (way->fin_arrived ? (uint32_t)ROOSTI_POLL_HANGUP : 0);
    if (is_local_orphan(file))
        return ROOSTI_POLL_OUT | ROOSTI_POLL_ERROR;
    return way_used(way) < sim->plan.link_bytes_max ? ROOSTI_POLL_OUT : 0;
}

uint32_t roosti_sim_events(const struct roosti_sim *sim, const struct roosti_sim_file *file)
{
    switch (file->kind) {
    case ROOSTI_SIM_IDLE:
        return (uint32_t)(ROOSTI_POLL_OUT | ROOSTI_POLL_HANGUP) |
               (file->error ? (uint32_t)ROOSTI_POLL_ERROR : 0);
    case ROOSTI_SIM_LISTENING:
        return file->waiting_count ? ROOSTI_POLL_IN : 0;
    case ROOSTI_SIM_CONNECTING:
        return 0;
    case ROOSTI_SIM_CONNECTED:
        return connected_events(sim, file);
    case ROOSTI_SIM_PIPE:
        return pipe_events(sim, file);
    case ROOSTI_SIM_DATAGRAM:
        return ROOSTI_POLL_OUT | (file->error ? (uint32_t)ROOSTI_POLL_ERROR : 0) |
               (roosti_list_empty(&file->datagrams) && !file->error ? 0 : (uint32_t)ROOSTI_POLL_IN);
    case ROOSTI_SIM_DISK:
        break;
    }
    return ROOSTI_POLL_IN | ROOSTI_POLL_OUT;
}

int roosti_sim_misfit(const struct roosti_sim_file *file, const struct roosti_op *op)
{
    bool disk = file->kind == ROOSTI_SIM_DISK;
    bool pipe = file->kind == ROOSTI_SIM_PIPE;
    bool linked = file->kind == ROOSTI_SIM_CONNECTED || file->kind == ROOSTI_SIM_CONNECTING;
    switch (op->kind) {
    case ROOSTI_OP_READ:
    case ROOSTI_OP_WRITE:
        if (disk)
            return 0;
        if (op->offset >= 0)
            return -ESPIPE;
        if (pipe)
            return (op->kind == ROOSTI_OP_READ) == (file->side == 1) ? 0 : -EBADF;
        break;
    case ROOSTI_OP_RECV:
    case ROOSTI_OP_SEND:
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
    case ROOSTI_OP_RECV_MSG:
    case ROOSTI_OP_RECV_MULTI:
        if (disk || pipe)
            return -ENOTSOCK;
        if (op->flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL | MSG_PEEK | MSG_MORE | MSG_TRUNC))
            return -EOPNOTSUPP;
        if (file->kind == ROOSTI_SIM_DATAGRAM)
            return op->kind == ROOSTI_OP_RECV_MULTI ? -EOPNOTSUPP : 0;
        break;
    case ROOSTI_OP_ACCEPT:
    case ROOSTI_OP_ACCEPT_MULTI:
        return file->kind == ROOSTI_SIM_LISTENING ? 0 : disk || pipe ? -ENOTSOCK : -EINVAL;
    case ROOSTI_OP_CONNECT:
        return disk || pipe ? -ENOTSOCK : 0;
    case ROOSTI_OP_FSYNC:
        return disk ? 0 : -EINVAL;
    default:
        return 0;
    }
    if (linked)
        return 0;
    bool sends = op->kind == ROOSTI_OP_SEND || op->kind == ROOSTI_OP_WRITE ||
                 op->kind == ROOSTI_OP_SENDV || op->kind == ROOSTI_OP_SEND_MSG;
    return sends ? -EPIPE : -ENOTCONN;
}

static int error_take(struct roosti_sim_file *file)
{
    int error = file->error;
    file->error = 0;
    return error;
}

/* The lent buffers are one slab; the first free one is used. */
int roosti_sim_lent_prepare(struct roosti_sim *sim)
{
    if (sim->lent)
        return 0;
    sim->lent =
        roosti_alloc_zero(ROOSTI_SIM_LENT_MAX, ROOSTI_SIM_LENT_BYTES, "buffers for receiving");
    return sim->lent ? 0 : ROOST_ENOMEM;
}

static int64_t receive(struct roosti_sim *sim, struct roosti_sim_file *file, struct roosti_op *op)
{
    struct roosti_sim_conn *conn = file->conn;
    if (!conn) /* the connect it waited behind has failed, and says why itself */
        return -ENOTCONN;
    struct roosti_sim_way *in = &conn->ways[1 - file->side];
    size_t len = (size_t)(in->arrived - in->read);
    struct msghdr *msg = op->kind == ROOSTI_OP_RECV_MSG ? op->u.msg : NULL;
    if (file->shut_read || (len == 0 && in->fin_arrived)) {
        if (msg)
            roosti_sim_parcel_take(sim, in, 0, msg);
        return 0;
    }
    if (len == 0)
        return file->error ? error_take(file) : file->reset ? 0 : ROOSTI_SIM_BLOCKS;

    bool multi = op->kind == ROOSTI_OP_RECV_MULTI;
    if (multi) {
        unsigned index = (unsigned)__builtin_ctz(~sim->lent_bits);
        if (index >= ROOSTI_SIM_LENT_MAX)
            return -ENOBUFS;
        sim->lent_bits |= UINT32_C(1) << index;
        op->buf = sim->lent + (size_t)index * ROOSTI_SIM_LENT_BYTES;
        op->more = true;
    }
    size_t space = multi ? ROOSTI_SIM_LENT_BYTES : op->len;
    len = roosti_sim_parcel_limit(in, len < space ? len : space);
    way_copy(in, op->buf, len);
    bool peek = op->kind != ROOSTI_OP_READ && (op->flags & MSG_PEEK) != 0;
    if (!peek)
        roosti_sim_parcel_take(sim, in, len, msg);
    if (!peek && len > 0) {
        roosti_sim_way_advance(in, len);
        if (conn->ends[1 - file->side])
            roosti_sim_kick(sim, conn->ends[1 - file->side]);
    }
    return (int64_t)len;
}

/* Cuts what has been written into up to four segments. */
static void segments_send(struct roosti_sim *sim, struct roosti_sim_way *way,
                          const unsigned char *bytes, size_t len)
{
    for (int pieces = 0; len > 0; pieces++) {
        size_t piece = len;
        if (pieces < 3 && len > 1 && roosti_rng_chance(&sim->rng_net, 250))
            piece = 1 + (size_t)roosti_rng_below(&sim->rng_net, len - 1);
        way_append(way, bytes, piece);
        roosti_sim_segment_push(sim, way, 0);
        bytes += piece;
        len -= piece;
        if (!way->conn->stalled && roosti_rng_chance(&sim->rng_net, sim->plan.loss_permille))
            roosti_sim_stall(sim, way->conn);
    }
}

static void piece_send(struct roosti_sim *sim, struct roosti_sim_way *way, const void *bytes,
                       size_t len)
{
    if (!way->conn->local) {
        segments_send(sim, way, bytes, len);
        return;
    }
    way_append(way, bytes, len);
    way->arrived = way->written;
}

/* NULL: it has one piece, its buffer. */
static const struct msghdr *pieces_of(const struct roosti_op *op)
{
    return op->kind == ROOSTI_OP_SENDV || op->kind == ROOSTI_OP_SEND_MSG ? op->u.msg : NULL;
}

static void pieces_send(struct roosti_sim *sim, struct roosti_sim_way *way,
                        const struct roosti_op *op, size_t len)
{
    const struct msghdr *msg = pieces_of(op);
    if (!msg)
        piece_send(sim, way, op->buf, len);
    for (size_t i = 0; msg && i < msg->msg_iovlen && len > 0; i++) {
        size_t part = msg->msg_iov[i].iov_len < len ? msg->msg_iov[i].iov_len : len;
        piece_send(sim, way, msg->msg_iov[i].iov_base, part);
        len -= part;
    }
}

static int64_t transmit(struct roosti_sim *sim, struct roosti_sim_file *file, struct roosti_op *op)
{
    struct roosti_sim_conn *conn = file->conn;
    if (!conn) /* the connect it waited behind has failed, and says why itself */
        return -EPIPE;
    if (file->error)
        return error_take(file);
    struct roosti_sim_way *out = &conn->ways[file->side];
    if (out->fin_sent || file->reset || is_local_orphan(file))
        return -EPIPE;
    if (file->kind == ROOSTI_SIM_CONNECTING)
        return ROOSTI_SIM_BLOCKS;
    if (op->len == 0)
        return 0;
    size_t room = out->size - way_used(out);
    if (room == 0)
        return ROOSTI_SIM_BLOCKS;
    size_t len = op->len < room ? op->len : room;
    struct roosti_sim_parcel *parcel = NULL;
    int rc = roosti_sim_parcel_pack(sim, file, pieces_of(op), &parcel);
    if (rc < 0)
        return rc;
    if (parcel) {
        parcel->at = out->written;
        roosti_list_push(&out->parcels, &parcel->node);
    }
    pieces_send(sim, out, op, len);
    if (conn->local)
        roosti_sim_kick(sim, conn->ends[1 - file->side]);
    return (int64_t)len;
}

int64_t roosti_sim_stream_attempt(struct roosti_sim *sim, struct roosti_sim_file *file,
                                  struct roosti_op *op)
{
    int64_t res;
    if (file->kind == ROOSTI_SIM_DATAGRAM)
        return roosti_sim_datagram_attempt(sim, file, op);
    switch (op->kind) {
    case ROOSTI_OP_CONNECT:
        if (file->kind == ROOSTI_SIM_CONNECTING)
            return ROOSTI_SIM_BLOCKS;
        return error_take(file);
    case ROOSTI_OP_SEND:
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
    case ROOSTI_OP_WRITE:
        res = transmit(sim, file, op);
        break;
    default:
        res = receive(sim, file, op);
        break;
    }
    if (res == ROOSTI_SIM_BLOCKS && roosti_sim_never_waits(op))
        res = op->len == 0 ? 0 : -EAGAIN;
    return res;
}

int64_t roosti_sim_read_now(struct roosti_port *port, int fd, void *buf, size_t len)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    struct roosti_sim_file *file = roosti_sim_file_at(sim, fd);
    struct roosti_op op = {.kind = ROOSTI_OP_READ, .fd = fd, .buf = buf, .len = len, .offset = -1};
    int64_t res = file ? roosti_sim_misfit(file, &op) : -EBADF;
    if (res == 0 && file->kind == ROOSTI_SIM_DISK)
        res = roosti_sim_disk_do(sim, file, &op);
    else if (res == 0)
        res = file->reads.first ? ROOSTI_SIM_BLOCKS : roosti_sim_stream_attempt(sim, file, &op);
    if (res == ROOSTI_SIM_BLOCKS)
        res = -EAGAIN;
    roosti_sim_trace_event(sim, (unsigned)ROOSTI_OP_READ | 0x200, fd, res);
    return res;
}
