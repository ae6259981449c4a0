/* port/sim_stream.c - the bytes of one simulated connection.
 *
 * Each direction keeps its bytes in a ring and cuts them into segments that arrive in order, each
 * with a latency of its own. What has been written and not yet read, under way or arrived, is
 * bounded by link_bytes_max; room is free for the sender the moment the reader takes bytes. A reset
 * travels beside the segments and may overtake them: what it overtakes is lost, as on a network.
 * Pipes and socket pairs are local: what is written has arrived.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_datagram.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* -- connections ------------------------------------------------------------------------------ */

/* Entries a connection may have in the heap: one for each way, one for its reset. */
enum { CONN_ENTRIES = 3 };

struct roosti_sim_conn *roosti_sim_conn_new(struct roosti_sim *sim, bool local)
{
    struct roosti_sim_conn *conn = roosti_alloc_zero(1, sizeof *conn, "simulated connection");
    if (!conn)
        return NULL;
    if (roosti_sim_reserve(sim, CONN_ENTRIES) < 0) {
        roosti_free(conn);
        return NULL;
    }
    conn->local = local;
    for (int i = 0; i < 2; i++) {
        conn->ways[i].conn = conn;
        roosti_list_init(&conn->ways[i].parcels);
    }
    roosti_list_push(&sim->conns, &conn->node);
    return conn;
}

void roosti_sim_conn_free(struct roosti_sim *sim, struct roosti_sim_conn *conn)
{
    roosti_assert(!conn->ends[0] && !conn->ends[1]);
    for (int i = 0; i < 2; i++) {
        roosti_sim_drop(sim, conn->ways[i].place);
        roosti_sim_parcels_fini(sim, &conn->ways[i]);
        roosti_free(conn->ways[i].bytes);
    }
    roosti_sim_drop(sim, conn->place);
    roosti_sim_unreserve(sim, CONN_ENTRIES);
    roosti_list_remove(&conn->node);
    roosti_free(conn->unborn);
    roosti_free(conn);
}

void roosti_sim_attach(struct roosti_sim_conn *conn, unsigned side, struct roosti_sim_file *file,
                       enum roosti_sim_kind kind)
{
    conn->ends[side] = file;
    file->conn = conn;
    file->side = side;
    file->kind = kind;
    file->error = 0;
    file->reset = false;
    file->shut_read = false;
}

/* -- segments --------------------------------------------------------------------------------- */

roost_dur roosti_sim_latency(struct roosti_sim *sim)
{
    return sim->plan.latency_min + roosti_sim_exponential(&sim->rng_net, sim->plan.latency_mean);
}

void roosti_sim_way_arm(struct roosti_sim *sim, struct roosti_sim_way *way)
{
    const struct roosti_sim_segment *first = &way->segments[way->first];
    /* A request that meets a cut is not held but lost, and tried again. */
    bool held = way->conn->stalled || (way->cut && !(first->flags & ROOSTI_SIM_SYN));
    bool wanted = way->count != 0 && !held;
    if (way->place != 0 && wanted && sim->heap[way->place - 1].due == first->due)
        return;
    roosti_sim_drop(sim, way->place);
    if (!wanted)
        return;
    struct roosti_sim_entry entry = {.due = first->due,
                                     .order = sim->order++,
                                     .owner = way,
                                     .place = &way->place,
                                     .what = ROOSTI_SIM_WAY};
    roosti_sim_put(sim, &entry);
}

/* A segment may be due before the one ahead of it: it then arrives together with that one. */
void roosti_sim_segment_push(struct roosti_sim *sim, struct roosti_sim_way *way, unsigned flags)
{
    roost_time due = sim->now + roosti_sim_latency(sim);
    if (due < way->conn->blocked_until)
        due = way->conn->blocked_until;
    unsigned at = (way->first + way->count) % ROOSTI_SIM_SEGMENTS;
    if (way->count == ROOSTI_SIM_SEGMENTS) {
        /* The window of segments is full: the newest one grows, and waits for its last byte. */
        at = (at + ROOSTI_SIM_SEGMENTS - 1) % ROOSTI_SIM_SEGMENTS;
        if (due < way->segments[at].due)
            due = way->segments[at].due;
        flags |= way->segments[at].flags;
    } else {
        way->count++;
    }
    way->segments[at] =
        (struct roosti_sim_segment){.due = due, .end = way->written, .flags = flags};
    roosti_sim_way_arm(sim, way);
}

void roosti_sim_way_resume(struct roosti_sim *sim, struct roosti_sim_way *way)
{
    for (unsigned i = 0; i < way->count; i++) {
        struct roosti_sim_segment *segment = &way->segments[(way->first + i) % ROOSTI_SIM_SEGMENTS];
        roost_time fresh = sim->now + roosti_sim_latency(sim);
        segment->due = fresh > segment->due ? fresh : segment->due;
    }
    roosti_sim_way_arm(sim, way);
}

static void handshake_done(struct roosti_sim_conn *conn)
{
    if (conn->ends[0] && conn->ends[0]->kind == ROOSTI_SIM_CONNECTING)
        conn->ends[0]->kind = ROOSTI_SIM_CONNECTED;
}

void roosti_sim_way_due(struct roosti_sim *sim, struct roosti_sim_way *way)
{
    struct roosti_sim_conn *conn = way->conn;
    unsigned sender = way == &conn->ways[1];
    while (way->count && way->segments[way->first].due <= sim->now) {
        struct roosti_sim_segment *segment = &way->segments[way->first];
        if ((segment->flags & ROOSTI_SIM_SYN) && !roosti_sim_request_arrives(sim, conn, segment))
            return; /* the connection is gone */
        if (segment->due > sim->now)
            break; /* lost, and sent again */
        way->first = (way->first + 1) % ROOSTI_SIM_SEGMENTS;
        way->count--;
        way->arrived = segment->end;
        if (segment->flags & ROOSTI_SIM_SYN_ACK)
            handshake_done(conn);
        if (segment->flags & ROOSTI_SIM_FIN)
            way->fin_arrived = true;
    }
    roosti_sim_way_arm(sim, way);
    struct roosti_sim_file *receiver = conn->ends[1 - sender];
    if (receiver) {
        roosti_sim_kick(sim, receiver);
    } else if (way->arrived > way->read) {
        /* Bytes for somebody who has closed. */
        roosti_sim_way_advance(way, (size_t)(way->arrived - way->read));
        roosti_sim_reset_send(sim, conn, sender, -ECONNRESET);
    }
}

/* -- reset ------------------------------------------------------------------------------------ */

static void reset_arm(struct roosti_sim *sim, struct roosti_sim_conn *conn, roost_time due)
{
    struct roosti_sim_entry entry = {.due = due,
                                     .order = sim->order++,
                                     .owner = conn,
                                     .place = &conn->place,
                                     .what = ROOSTI_SIM_RESET};
    roosti_sim_put(sim, &entry);
}

static void flight_lose(struct roosti_sim *sim, struct roosti_sim_way *way)
{
    way->count = 0;
    way->written = way->arrived;
    roosti_sim_way_arm(sim, way);
}

void roosti_sim_end_reset(struct roosti_sim *sim, struct roosti_sim_conn *conn, unsigned end,
                          int code)
{
    struct roosti_sim_file *file = conn->ends[end];
    if (!file || file->reset)
        return;
    flight_lose(sim, &conn->ways[0]);
    flight_lose(sim, &conn->ways[1]);
    if (file->kind == ROOSTI_SIM_CONNECTING) {
        conn->ends[end] = NULL;
        file->conn = NULL;
        file->kind = ROOSTI_SIM_IDLE;
        file->error = code;
        roosti_sim_kick(sim, file);
        if (!conn->ends[1 - end])
            roosti_sim_conn_free(sim, conn);
        return;
    }
    file->reset = true;
    /* Whoever has already seen the end of the stream learns of a reset when it writes. */
    file->error = conn->ways[1 - end].fin_arrived ? -EPIPE : code;
    roosti_sim_kick(sim, file);
}

void roosti_sim_reset_send(struct roosti_sim *sim, struct roosti_sim_conn *conn, unsigned to,
                           int code)
{
    if (conn->local) {
        roosti_sim_end_reset(sim, conn, to, code);
        return;
    }
    conn->reset_ends |= 1u << to;
    conn->reset_code = code;
    if (conn->place != 0)
        return; /* one is under way; it will reach this end as well */
    roost_time due = sim->now + roosti_sim_latency(sim);
    reset_arm(sim, conn, due > conn->blocked_until ? due : conn->blocked_until);
}

void roosti_sim_reset_due(struct roosti_sim *sim, struct roosti_sim_conn *conn)
{
    unsigned ends = conn->reset_ends;
    if (!conn->stalled) {
        /* A cut holds it back; the heal sends it again. */
        ends &= ~((conn->ways[1].cut ? 1u : 0u) | (conn->ways[0].cut ? 2u : 0u));
    }
    conn->reset_ends &= ~ends;
    int code = conn->reset_code;
    if (ends & 2u)
        roosti_sim_end_reset(sim, conn, 1, code);
    if (ends & 1u)
        roosti_sim_end_reset(sim, conn, 0, code); /* may free conn */
}

void roosti_sim_reset_resume(struct roosti_sim *sim, struct roosti_sim_conn *conn)
{
    if (conn->reset_ends != 0 && conn->place == 0)
        reset_arm(sim, conn, sim->now + roosti_sim_latency(sim));
}

void roosti_sim_stall(struct roosti_sim *sim, struct roosti_sim_conn *conn)
{
    conn->stalled = true;
    roosti_sim_way_arm(sim, &conn->ways[0]);
    roosti_sim_way_arm(sim, &conn->ways[1]);
    roosti_sim_drop(sim, conn->place);
    conn->reset_ends = 3;
    conn->reset_code = -ECONNRESET;
    roost_dur patience = (roost_dur)roosti_rng_below(&sim->rng_net, (uint64_t)ROOST_MS(1800));
    reset_arm(sim, conn, sim->now + ROOST_MS(200) + patience);
}

/* -- ending ----------------------------------------------------------------------------------- */

static void fin_send(struct roosti_sim *sim, struct roosti_sim_conn *conn, unsigned side)
{
    struct roosti_sim_way *out = &conn->ways[side];
    out->fin_sent = true;
    if (!conn->local) {
        roosti_sim_segment_push(sim, out, ROOSTI_SIM_FIN);
        return;
    }
    out->fin_arrived = true;
    if (conn->ends[1 - side])
        roosti_sim_kick(sim, conn->ends[1 - side]);
}

void roosti_sim_detach(struct roosti_sim *sim, struct roosti_sim_file *file)
{
    struct roosti_sim_conn *conn = file->conn;
    unsigned side = file->side;
    struct roosti_sim_way *in = &conn->ways[1 - side];
    struct roosti_sim_way *out = &conn->ways[side];
    struct roosti_sim_file *peer = conn->ends[1 - side];
    conn->ends[side] = NULL;
    file->conn = NULL;
    if (!peer) {
        roosti_sim_conn_free(sim, conn);
        return;
    }
    bool unread = in->arrived > in->read;
    roosti_sim_way_advance(in, (size_t)(in->arrived - in->read));
    bool abort = file->kind == ROOSTI_SIM_CONNECTING || file->linger_reset || unread;
    if (conn->one_way && side == 1)
        roosti_sim_kick(sim, peer); /* the writer has nobody to write to */
    else if (conn->one_way)
        fin_send(sim, conn, side);
    else if (abort && !file->reset)
        roosti_sim_reset_send(sim, conn, 1 - side, -ECONNRESET);
    else if (!out->fin_sent && !file->reset)
        fin_send(sim, conn, side);
}

int roosti_sim_shutdown(struct roosti_sim *sim, struct roosti_sim_file *file, int how)
{
    if (file->kind != ROOSTI_SIM_CONNECTED || file->reset)
        return -ENOTCONN;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (how != SHUT_WR)
        file->shut_read = true;
    if (how != SHUT_RD && !file->conn->ways[file->side].fin_sent)
        fin_send(sim, file->conn, file->side);
    roosti_sim_kick(sim, file);
    return 0;
}
