/* port/sim_op.c - how an operation of the simulated port goes from submit to done.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_datagram.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"

/* -- draws and trace -------------------------------------------------------------------------- */

/* -ln(u) * mean for u uniform in (0, 1], in integers, so that every compiler and machine agrees:
 * with u = (1 + f) / 2^(zeros + 1), log2(1 + f) is f + 0.344 f (1 - f) within 0.9 %. */
roost_dur roosti_sim_exponential(struct roosti_rng *rng, roost_dur mean)
{
    uint64_t draw = roosti_rng_next(rng) | 1;
    unsigned zeros = (unsigned)__builtin_clzll(draw);
    uint64_t f = (draw << zeros << 1) >> 32; /* 32 fraction bits */
    uint64_t bend = (f * ((UINT64_C(1) << 32) - f)) >> 32;
    uint64_t log2 = f + ((bend * 1477468750u) >> 32);
    uint64_t bits = ((uint64_t)(zeros + 1) << 32) - log2;
    bits = (bits >> 8) * 11629080u >> 24; /* times ln 2 in 24 bits; now 24 fraction bits */
    __extension__ typedef unsigned __int128 wide;
    return (roost_dur)((wide)bits * (wide)mean >> 24);
}

void roosti_sim_trace_event(struct roosti_sim *sim, unsigned what, int fd, int64_t res)
{
    uint64_t trace = roosti_mix(sim->trace ^ ((uint64_t)what << 32 | (uint32_t)fd));
    trace = roosti_mix(trace + 0x9e3779b97f4a7c15u + (uint64_t)res);
    sim->trace = roosti_mix(trace ^ (uint64_t)sim->now);
}

/* -- turns ------------------------------------------------------------------------------------ */

static struct roosti_sim_queue *queue_of(struct roosti_sim_file *file, const struct roosti_op *op)
{
    switch (op->kind) {
    case ROOSTI_OP_POLL:
        return &file->polls;
    case ROOSTI_OP_WRITE:
    case ROOSTI_OP_SEND:
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
    case ROOSTI_OP_CONNECT:
        return &file->writes;
    default:
        return &file->reads;
    }
}

static void op_schedule(struct roosti_sim *sim, struct roosti_op *op, roost_time due,
                        uint64_t order, int64_t res)
{
    struct roosti_sim_entry entry = {.due = due,
                                     .order = order,
                                     .res = res,
                                     .owner = op,
                                     .place = &op->priv.aux,
                                     .what = ROOSTI_SIM_OP};
    roosti_sim_put(sim, &entry);
}

/* The operation ends with this result at the next turn, whatever becomes of its descriptor. */
static void op_settle(struct roosti_sim *sim, struct roosti_op *op, int64_t res)
{
    roosti_sim_drop(sim, op->priv.aux);
    op->priv.state |= ROOSTI_SIM_SETTLED;
    op_schedule(sim, op, sim->now, op->priv.due, res);
}

/* Only the first has a turn: the others come after it. */
static void queue_kick(struct roosti_sim *sim, struct roosti_sim_queue *queue, bool ready)
{
    struct roosti_op *op = queue->first;
    if (op && op->priv.aux == 0 && (ready || roosti_sim_never_waits(op)))
        op_schedule(sim, op, sim->now, op->priv.due, 0);
}

void roosti_sim_kick(struct roosti_sim *sim, struct roosti_sim_file *file)
{
    if (!file->reads.first && !file->writes.first && !file->polls.first)
        return;
    /* Errors and hang-ups make both directions ready: their operations then say so. */
    uint32_t events = roosti_sim_events(sim, file);
    uint32_t bad = events & (ROOSTI_POLL_ERROR | ROOSTI_POLL_HANGUP);
    queue_kick(sim, &file->reads, bad != 0 || (events & ROOSTI_POLL_IN) != 0);
    queue_kick(sim, &file->writes, bad != 0 || (events & ROOSTI_POLL_OUT) != 0);
    for (struct roosti_op *op = file->polls.first; op; op = op->priv.next) {
        if ((events & (op->events | bad)) != 0 && op->priv.aux == 0)
            op_schedule(sim, op, sim->now, op->priv.due, 0);
    }
}

/* Those given this number; -1: any. */
static void queue_end(struct roosti_sim *sim, struct roosti_sim_queue *queue, int fd, int code)
{
    struct roosti_op *next;
    for (struct roosti_op *op = queue->first; op; op = next) {
        next = op->priv.next;
        if (fd >= 0 && op->fd != fd)
            continue;
        roosti_sim_unpark(queue, op);
        op_settle(sim, op, code);
    }
}

void roosti_sim_end_ops_of(struct roosti_sim *sim, struct roosti_sim_file *file, int fd, int code)
{
    queue_end(sim, &file->reads, fd, code);
    queue_end(sim, &file->writes, fd, code);
    queue_end(sim, &file->polls, fd, code);
}

void roosti_sim_end_ops(struct roosti_sim *sim, struct roosti_sim_file *file, int code)
{
    roosti_sim_end_ops_of(sim, file, -1, code);
}

/* Carries an operation out, or says that it must wait. */
static int64_t sim_op_attempt(struct roosti_sim *sim, struct roosti_sim_file *file,
                              struct roosti_op *op)
{
    if (op->kind == ROOSTI_OP_POLL) {
        uint32_t always = ROOSTI_POLL_ERROR | ROOSTI_POLL_HANGUP;
        uint32_t events = roosti_sim_events(sim, file) & (op->events | always);
        return events ? (int64_t)events : ROOSTI_SIM_BLOCKS;
    }
    if (file->kind == ROOSTI_SIM_DISK)
        return roosti_sim_disk_do(sim, file, op);
    if (op->kind == ROOSTI_OP_ACCEPT || op->kind == ROOSTI_OP_ACCEPT_MULTI)
        return roosti_sim_accept(sim, file, op);
    return roosti_sim_stream_attempt(sim, file, op);
}

static bool op_is_multi(const struct roosti_op *op)
{
    return op->kind == ROOSTI_OP_RECV_MULTI || op->kind == ROOSTI_OP_ACCEPT_MULTI;
}

/* Hands the result over. file: where the operation is parked, or NULL. */
static void op_finish(struct roosti_sim *sim, struct roosti_sim_file *file, struct roosti_op *op,
                      int64_t res)
{
    bool more = res >= 0 && op_is_multi(op) && op->more;
    op->more = more;
    op->res = res;
    if (more) {
        /* Its next step takes its turn behind everybody else's. */
        op->priv.due = sim->order++;
    } else {
        if (file)
            roosti_sim_unpark(queue_of(file, op), op);
        op->priv.state = 0;
        op->priv.due = 0;
        sim->op_count--;
        roosti_sim_unreserve(sim, 1);
    }
    /* Before done, which may close the descriptor. */
    if (file)
        roosti_sim_kick(sim, file);
    sim->done_count++;
    roosti_sim_trace_event(sim, (unsigned)op->kind, op->fd, res);
    op->done(op);
}

static void op_turn(struct roosti_sim *sim, struct roosti_op *op, int64_t settled)
{
    struct roosti_sim_file *file = NULL;
    int64_t res = 0;
    op->more = false;
    if (op->priv.state & ROOSTI_SIM_SETTLED) {
        res = settled;
    } else if (roosti_sim_names(op)) {
        res = roosti_sim_name_do(sim, op);
    } else if (op->kind != ROOSTI_OP_NOP) {
        file = roosti_sim_file_at(sim, op->fd);
        res = sim_op_attempt(sim, file, op);
        if (res == ROOSTI_SIM_BLOCKS) {
            if (!(op->priv.state & ROOSTI_SIM_UNWANTED))
                return;
            res = ROOST_ECANCELED;
        }
    }
    op_finish(sim, file, op, res);
}

void roosti_sim_run_due(struct roosti_sim *sim)
{
    uint64_t limit = sim->order;
    while (sim->heap_count && sim->heap[0].due <= sim->now && sim->heap[0].order < limit) {
        struct roosti_sim_entry entry = roosti_sim_take(sim, 1);
        switch (entry.what) {
        case ROOSTI_SIM_OP:
            op_turn(sim, entry.owner, entry.res);
            break;
        case ROOSTI_SIM_WAY:
            roosti_sim_way_due(sim, entry.owner);
            break;
        case ROOSTI_SIM_RESET:
            roosti_sim_reset_due(sim, entry.owner);
            break;
        case ROOSTI_SIM_ARRIVAL:
            roosti_sim_datagram_due(sim, entry.owner);
            break;
        }
    }
}

/* -- submit and cancel ------------------------------------------------------------------------ */

/* Part of what is ready is done at once and the rest from wait, so that callers meet both. */
static bool at_once(struct roosti_sim *sim, bool disk)
{
    return roosti_rng_chance(&sim->rng_submit, disk ? 250 : 500);
}

static int op_done_now(struct roosti_sim *sim, struct roosti_op *op, int64_t res)
{
    op->res = res;
    op->more = false;
    roosti_sim_trace_event(sim, (unsigned)op->kind | 0x100, op->fd, res);
    return ROOSTI_DONE_NOW;
}

/* The caller has reserved an entry. */
static void op_enter(struct roosti_sim *sim, struct roosti_op *op)
{
    op->priv.state = ROOSTI_SIM_TAKEN;
    op->priv.due = sim->order++;
    op->priv.aux = 0;
    sim->op_count++;
}

/* What cannot fail later must be provided for now. 0, ROOST_ENOMEM, or another code: the
 * operation's result. */
static int op_prepare(struct roosti_sim *sim, struct roosti_sim_file *file,
                      const struct roosti_op *op)
{
    int rc = roosti_sim_misfit(file, op);
    if (rc < 0)
        return rc;
    switch (op->kind) {
    case ROOSTI_OP_CONNECT:
        return file->kind == ROOSTI_SIM_DATAGRAM ? 0 : roosti_sim_connect(sim, file, op);
    case ROOSTI_OP_SEND:
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
    case ROOSTI_OP_WRITE:
        return file->kind == ROOSTI_SIM_DISK || file->kind == ROOSTI_SIM_DATAGRAM
                   ? 0
                   : roosti_sim_send_prepare(sim, file, op->len);
    case ROOSTI_OP_RECV_MULTI:
        return roosti_sim_lent_prepare(sim);
    default:
        return 0;
    }
}

/* Disk latency: 5 us and an exponential 20 us. */
static roost_time disk_due(struct roosti_sim *sim)
{
    return sim->now + ROOST_US(5) + roosti_sim_exponential(&sim->rng_disk, ROOST_US(20));
}

static int submit_on_file(struct roosti_sim *sim, struct roosti_sim_file *file,
                          struct roosti_op *op)
{
    int rc = op_prepare(sim, file, op);
    if (rc == ROOST_ENOMEM)
        return rc;

    /* Nobody overtakes on one direction of a stream. */
    struct roosti_sim_queue *queue = queue_of(file, op);
    bool disk = file->kind == ROOSTI_SIM_DISK;
    bool alone = !queue->first || op->kind == ROOSTI_OP_POLL || disk;
    int64_t res = ROOSTI_SIM_BLOCKS;
    if (rc < 0)
        res = rc;
    else if (alone && !op_is_multi(op) && at_once(sim, disk))
        res = sim_op_attempt(sim, file, op);
    if (res != ROOSTI_SIM_BLOCKS)
        return op_done_now(sim, op, res);

    op_enter(sim, op);
    roosti_sim_park(queue, op);
    if (disk)
        op_schedule(sim, op, disk_due(sim), op->priv.due, 0);
    else
        roosti_sim_kick(sim, file);
    return ROOSTI_IN_FLIGHT;
}

static int submit_reserved(struct roosti_sim *sim, struct roosti_op *op)
{
    bool names = roosti_sim_names(op);
    if (op->kind == ROOSTI_OP_NOP || names) {
        if (names && at_once(sim, true))
            return op_done_now(sim, op, roosti_sim_name_do(sim, op));
        op_enter(sim, op);
        op_schedule(sim, op, names ? disk_due(sim) : sim->now, op->priv.due, 0);
        return ROOSTI_IN_FLIGHT;
    }
    struct roosti_sim_file *file = roosti_sim_file_at(sim, op->fd);
    return file ? submit_on_file(sim, file, op) : op_done_now(sim, op, -EBADF);
}

int roosti_sim_submit(struct roosti_port *port, struct roosti_op *op)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    roosti_require(op->priv.state == 0, "an operation is at rest when it is submitted");
    int rc = roosti_sim_reserve(sim, 1);
    if (rc < 0)
        return rc;
    rc = submit_reserved(sim, op);
    if (rc != ROOSTI_IN_FLIGHT)
        roosti_sim_unreserve(sim, 1);
    return rc;
}

void roosti_sim_cancel(struct roosti_port *port, struct roosti_op *op)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    roosti_require(op->priv.state & ROOSTI_SIM_TAKEN, "only an operation in flight is cancelled");
    if (op->priv.state & ROOSTI_SIM_SETTLED)
        return;
    if (op->priv.aux != 0 && sim->heap[op->priv.aux - 1].due <= sim->now && !op_is_multi(op)) {
        /* Its turn has come: the real result wins. */
        op->priv.state |= ROOSTI_SIM_UNWANTED;
        return;
    }
    struct roosti_sim_file *file = NULL;
    if (op->priv.state & ROOSTI_SIM_PARKED) {
        file = roosti_sim_file_at(sim, op->fd);
        roosti_sim_unpark(queue_of(file, op), op);
    }
    op_settle(sim, op, ROOST_ECANCELED);
    if (file)
        roosti_sim_kick(sim, file);
}
