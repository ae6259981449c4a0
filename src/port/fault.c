/* port/fault.c - a port that disturbs what passes through it to another port.
 *
 * A multi operation is handed on as it is, or carried out here step by step, so that every step can
 * be disturbed: a receive then polls first, and only takes bytes when it has a buffer to lend.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/fault_impl.h"

#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/mem.h"

enum { AGAIN_MAX = 100 }; /* rounds one step is held back at the most */

/* Virtual time a completion, and a cancel, is held back at the most. */
#define DELAY_MAX ROOST_MS(2)
#define LINGER_MAX ROOST_MS(10)

/* -- records and holding ---------------------------------------------------------------------- */

static struct roosti_fault_op *fault_record_take(struct roosti_fault *fault)
{
    struct roosti_node *node = roosti_list_first(&fault->free);
    struct roosti_fault_op *record;
    if (node) {
        roosti_list_remove(node);
        record = roosti_fault_record_of(node);
    } else {
        record = roosti_alloc(sizeof *record, "disturbed operation");
        if (!record)
            return NULL;
    }
    *record = (struct roosti_fault_op){.fault = fault, .lent = -1};
    return record;
}

static void hold(struct roosti_fault_op *record, enum roosti_fault_phase phase, uint64_t rounds,
                 roost_dur time)
{
    struct roosti_fault *fault = record->fault;
    roosti_assert(record->node.next == NULL);
    record->phase = phase;
    record->round = fault->round + rounds;
    record->due = time ? fault->inner->ops->now(fault->inner) + time : 0;
    roosti_list_push(&fault->held, &record->node);
    if (fault->guest)
        fault->inner->ops->wake(fault->inner);
}

static void unhold(struct roosti_fault_op *record)
{
    if (record->node.next)
        roosti_list_remove(&record->node);
}

static void lent_release(struct roosti_fault_op *record)
{
    if (record->lent >= 0)
        record->fault->lent_bits &= ~(UINT32_C(1) << record->lent);
    record->lent = -1;
}

/* The record ends. */
static void record_put(struct roosti_fault_op *record)
{
    struct roosti_fault *fault = record->fault;
    unhold(record);
    lent_release(record);
    memset(&record->user->priv, 0, sizeof record->user->priv);
    fault->op_count--;
    roosti_list_push(&fault->free, &record->node);
}

static bool step_is_more(const struct roosti_fault_op *record, int64_t res)
{
    bool accepts = record->user->kind == ROOSTI_OP_ACCEPT_MULTI;
    return record->stepwise && (accepts ? res >= 0 : res > 0);
}

/* The user's operation completes, or one step of it. */
static void deliver(struct roosti_fault_op *record, int64_t res, bool more)
{
    struct roosti_fault *fault = record->fault;
    struct roosti_op *user = record->user;
    user->res = res;
    user->more = more;
    if (user->kind == ROOSTI_OP_RECV_MULTI && res > 0) {
        user->buf = record->inner.buf;
        record->lent = -1; /* the user's now */
    }
    if (!more) {
        record_put(record);
    } else if (record->stepwise) {
        lent_release(record);
        record->counted = false;
        record->polled = false;
        record->again_count = 0;
        hold(record, ROOSTI_FAULT_PHASE_START, 1, 0);
    }
    fault->delivered++;
    user->done(user);
}

/* True: the result is held back, and comes later. */
static bool result_held(struct roosti_fault_op *record, int64_t res)
{
    struct roosti_fault *fault = record->fault;
    if (!roosti_rng_chance(&fault->rng_delay, fault->plan.delay_permille))
        return false;
    fault->stats.delayed++;
    record->res = res;
    uint64_t draw = roosti_rng_next(&fault->rng_delay);
    roosti_fault_trace_add(fault, 4, record->user->kind, (int64_t)draw);
    if (fault->ops.virtual_time)
        hold(record, ROOSTI_FAULT_PHASE_RESULT, 0, 1 + (roost_dur)(draw % (uint64_t)DELAY_MAX));
    else
        hold(record, ROOSTI_FAULT_PHASE_RESULT, 1 + draw % 8, 0);
    return true;
}

/* -- carrying out ----------------------------------------------------------------------------- */

/* A step of RECV_MULTI: poll, then receive into a buffer to lend. 0 or the step's result. */
static int receive_fill(struct roosti_fault_op *record, struct roosti_op *inner)
{
    struct roosti_fault *fault = record->fault;
    if (!record->polled) {
        inner->kind = ROOSTI_OP_POLL;
        inner->events = ROOSTI_POLL_IN;
        return 0;
    }
    unsigned index = (unsigned)__builtin_ctz(~fault->lent_bits);
    if (index >= ROOSTI_FAULT_LENT_MAX)
        return -ENOBUFS;
    fault->lent_bits |= UINT32_C(1) << index;
    record->lent = (int)index;
    inner->kind = ROOSTI_OP_RECV;
    inner->flags |= MSG_DONTWAIT;
    inner->buf = fault->lent + (size_t)index * ROOSTI_FAULT_LENT_BYTES;
    inner->len = ROOSTI_FAULT_LENT_BYTES;
    return 0;
}

static void inner_done(struct roosti_op *inner);

/* Fewer bytes than it could: what is left is a part of the first piece. */
static void pieces_shorten(struct roosti_fault *fault, struct roosti_op *inner)
{
    size_t len = roosti_fault_len_draw(fault, inner->len);
    const struct iovec *first = inner->u.msg->msg_iov;
    if (len == inner->len)
        return;
    inner->kind = ROOSTI_OP_SEND;
    inner->buf = first->iov_base;
    inner->len = len < first->iov_len ? len : first->iov_len;
}

/* What the inner operation has to be. 0 or the step's result. */
static int inner_fill(struct roosti_fault_op *record)
{
    struct roosti_op *inner = &record->inner;
    *inner = *record->user;
    inner->done = inner_done;
    /* A thread can be asked for by submit only, not by what was held back and goes on later. */
    inner->threads = record->user->threads && record->direct;
    memset(&inner->priv, 0, sizeof inner->priv);
    if (record->stepwise && record->user->kind == ROOSTI_OP_ACCEPT_MULTI) {
        inner->kind = ROOSTI_OP_ACCEPT;
    } else if (record->stepwise) {
        int rc = receive_fill(record, inner);
        if (rc < 0)
            return rc;
    }
    switch (inner->kind) {
    case ROOSTI_OP_READ:
    case ROOSTI_OP_WRITE:
    case ROOSTI_OP_RECV:
    case ROOSTI_OP_SEND:
        inner->len = roosti_fault_len_draw(record->fault, inner->len);
        break;
    case ROOSTI_OP_SENDV:
        pieces_shorten(record->fault, inner);
        break;
    default:
        break;
    }
    return 0;
}

/* ROOSTI_IN_FLIGHT, ROOSTI_DONE_NOW with *res, or the inner port's refusal. */
static int step_start(struct roosti_fault_op *record, int64_t *res)
{
    struct roosti_port *inner = record->fault->inner;
    int rc = inner_fill(record);
    if (rc < 0) {
        *res = rc;
        return ROOSTI_DONE_NOW;
    }
    record->phase = ROOSTI_FAULT_PHASE_INNER;
    rc = inner->ops->submit(inner, &record->inner);
    if (rc == ROOSTI_DONE_NOW)
        *res = record->inner.res;
    return rc;
}

/* The inner operation gave *res: goes on with the step until something is in flight or held
 * (ROOSTI_IN_FLIGHT), or the step is over (ROOSTI_DONE_NOW), or was refused. */
static int step_continue(struct roosti_fault_op *record, int64_t *res)
{
    if (!record->stepwise || record->user->kind != ROOSTI_OP_RECV_MULTI)
        return ROOSTI_DONE_NOW;
    if (!record->polled && *res > 0 && !record->unwanted) {
        record->polled = true;
        int rc = step_start(record, res);
        return rc == ROOSTI_DONE_NOW ? step_continue(record, res) : rc;
    }
    if (!record->polled && *res > 0)
        *res = ROOST_ECANCELED;
    if (record->polled && *res == -EAGAIN) {
        /* The bytes went to somebody else: wait for more. */
        lent_release(record);
        record->polled = false;
        hold(record, ROOSTI_FAULT_PHASE_START, 1, 0);
        return ROOSTI_IN_FLIGHT;
    }
    return ROOSTI_DONE_NOW;
}

/* Counts a step and starts it, fails it, or holds it back. Answers as step_continue. */
static int step_begin(struct roosti_fault_op *record, int64_t *res)
{
    struct roosti_fault *fault = record->fault;
    const struct roosti_op *user = record->user;
    if (!record->counted) {
        record->counted = true;
        int code = roosti_fault_code_draw(fault, user->kind);
        if (code < 0) {
            roosti_fault_connection_break(fault, user->kind, user->fd, code);
            *res = code;
            return ROOSTI_DONE_NOW;
        }
    }
    if (user->kind != ROOSTI_OP_NOP && record->again_count < AGAIN_MAX &&
        roosti_rng_chance(&fault->rng_again, fault->plan.again_permille)) {
        record->again_count++;
        fault->stats.again++;
        roosti_fault_trace_add(fault, 3, user->kind, 0);
        hold(record, ROOSTI_FAULT_PHASE_START, 1, 0);
        return ROOSTI_IN_FLIGHT;
    }
    int rc = step_start(record, res);
    return rc == ROOSTI_DONE_NOW ? step_continue(record, res) : rc;
}

/* Inside wait: what a step came to. */
static void step_settle(struct roosti_fault_op *record, int rc, int64_t res)
{
    if (rc == ROOSTI_IN_FLIGHT)
        return;
    if (rc < 0)
        res = rc; /* taken from the user long ago: the refusal becomes its result */
    if (!result_held(record, res))
        deliver(record, res, step_is_more(record, res));
}

static void inner_done(struct roosti_op *inner)
{
    struct roosti_fault_op *record = roosti_container(inner, struct roosti_fault_op, inner);
    int64_t res = inner->res;
    if (inner->more) {
        deliver(record, res, true);
        return;
    }
    unhold(record); /* a cancel that has come too late */
    int rc = step_continue(record, &res);
    step_settle(record, rc, res);
}

/* It is held no longer. */
static void record_resume(struct roosti_fault_op *record)
{
    struct roosti_port *inner = record->fault->inner;
    int64_t res = record->res;
    if (record->phase == ROOSTI_FAULT_PHASE_INNER) {
        inner->ops->cancel(inner, &record->inner);
    } else if (record->phase == ROOSTI_FAULT_PHASE_RESULT) {
        deliver(record, res, step_is_more(record, res));
    } else if (record->unwanted) {
        deliver(record, ROOST_ECANCELED, false);
    } else {
        int rc = step_begin(record, &res);
        step_settle(record, rc, res);
    }
}

/* -- submit and cancel ------------------------------------------------------------------------ */

static bool stepwise_draw(struct roosti_fault *fault, const struct roosti_op *user)
{
    const struct roosti_fault_plan *plan = &fault->plan;
    if (user->kind != ROOSTI_OP_RECV_MULTI && user->kind != ROOSTI_OP_ACCEPT_MULTI)
        return false;
    if (plan->io_max != 0 || plan->short_permille != 0)
        return true;
    bool disturbed = plan->again_permille || plan->reset_permille || plan->error_permille ||
                     plan->delay_permille;
    return disturbed && roosti_rng_chance(&fault->rng_short, 500);
}

static int lent_prepare(struct roosti_fault *fault)
{
    if (!fault->lent)
        fault->lent = roosti_alloc_zero(ROOSTI_FAULT_LENT_MAX, ROOSTI_FAULT_LENT_BYTES,
                                        "buffers for receiving");
    return fault->lent ? 0 : ROOST_ENOMEM;
}

int roosti_fault_submit(struct roosti_port *port, struct roosti_op *user)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    roosti_require(user->priv.state == 0, "an operation is at rest when it is submitted");
    bool stepwise = stepwise_draw(fault, user);
    if (stepwise && user->kind == ROOSTI_OP_RECV_MULTI && lent_prepare(fault) < 0)
        return ROOST_ENOMEM;
    struct roosti_fault_op *record = fault_record_take(fault);
    if (!record)
        return ROOST_ENOMEM;
    record->user = user;
    record->stepwise = stepwise;
    user->priv.next = &record->inner;
    user->priv.state = 1;
    user->more = false;
    fault->op_count++;

    int64_t res = 0;
    record->direct = true;
    int rc = step_begin(record, &res);
    record->direct = false;
    if (rc == ROOSTI_DONE_NOW && step_is_more(record, res)) {
        record->res = res; /* a first step comes through done, as all of them */
        hold(record, ROOSTI_FAULT_PHASE_RESULT, 1, 0);
        rc = ROOSTI_IN_FLIGHT;
    } else if (rc == ROOSTI_DONE_NOW && result_held(record, res)) {
        rc = ROOSTI_IN_FLIGHT;
    } else if (rc == ROOSTI_DONE_NOW) {
        user->res = res;
    }
    if (rc != ROOSTI_IN_FLIGHT)
        record_put(record);
    return rc;
}

void roosti_fault_cancel(struct roosti_port *port, struct roosti_op *user)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    roosti_require(user->priv.state != 0, "only an operation in flight is cancelled");
    struct roosti_fault_op *record =
        roosti_container(user->priv.next, struct roosti_fault_op, inner);
    if (record->unwanted)
        return;
    record->unwanted = true;
    if (record->phase != ROOSTI_FAULT_PHASE_INNER)
        return; /* its turn comes anyway */
    if (!roosti_rng_chance(&fault->rng_cancel, fault->plan.late_cancel_permille)) {
        fault->inner->ops->cancel(fault->inner, &record->inner);
        return;
    }
    /* Late, not never: a receive nobody sends to would have no result at all. */
    fault->stats.late_cancels++;
    uint64_t draw = roosti_rng_next(&fault->rng_cancel);
    roosti_fault_trace_add(fault, 5, user->kind, (int64_t)draw);
    if (fault->ops.virtual_time)
        hold(record, ROOSTI_FAULT_PHASE_INNER, 0, 1 + (roost_dur)(draw % (uint64_t)LINGER_MAX));
    else
        hold(record, ROOSTI_FAULT_PHASE_INNER, 1 + draw % 32, 0);
}

void roosti_fault_starts_end(struct roosti_list *list, int fd)
{
    for (struct roosti_node *node = roosti_list_first(list); node;
         node = roosti_list_next(list, node)) {
        struct roosti_fault_op *record = roosti_fault_record_of(node);
        bool has_fd = record->user->kind != ROOSTI_OP_NOP && record->user->kind != ROOSTI_OP_OPEN;
        if (record->phase != ROOSTI_FAULT_PHASE_START || !has_fd || record->user->fd != fd)
            continue;
        record->phase = ROOSTI_FAULT_PHASE_RESULT;
        record->res = ROOST_ECLOSED;
    }
}

/* -- wait and wake ---------------------------------------------------------------------------- */

/* How long the inner port may wait: not at all while something is held for rounds only. */
static roost_time held_until(struct roosti_fault *fault, roost_time deadline)
{
    roost_time now = fault->inner->ops->now(fault->inner);
    for (struct roosti_node *node = roosti_list_first(&fault->held); node;
         node = roosti_list_next(&fault->held, node)) {
        const struct roosti_fault_op *record = roosti_fault_record_of(node);
        roost_time due = record->due > now ? record->due : now;
        if (due < deadline)
            deadline = due;
    }
    return deadline;
}

static void held_run(struct roosti_fault *fault)
{
    roost_time now = fault->inner->ops->now(fault->inner);
    struct roosti_node *next;
    for (struct roosti_node *node = roosti_list_first(&fault->held); node; node = next) {
        next = roosti_list_next(&fault->held, node);
        const struct roosti_fault_op *record = roosti_fault_record_of(node);
        if (record->round > fault->round || record->due > now)
            continue;
        roosti_list_remove(node);
        roosti_list_push(&fault->ready, node);
    }
    struct roosti_node *node;
    while ((node = roosti_list_first(&fault->ready)) != NULL) {
        roosti_list_remove(node);
        record_resume(roosti_fault_record_of(node));
    }
}

int roosti_fault_wait(struct roosti_port *port, roost_time deadline)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    struct roosti_port *inner = fault->inner;
    uint64_t before = fault->delivered;
    for (;;) {
        fault->round++;
        roost_time until = held_until(fault, deadline);
        int count = inner->ops->wait(inner, until);
        held_run(fault);
        bool woken = roosti_atomic_swap(&fault->woken, 0, ROOSTI_ACQ_REL) != 0;
        /* Returning with nothing, before the deadline and without a wake, would look like a
         * deadlock: all that has happened is underneath. */
        bool over = (until == deadline && count <= 0) || deadline <= inner->ops->now(inner);
        if (fault->delivered != before || woken || over)
            break;
    }
    return (int)(fault->delivered - before);
}

void roosti_fault_wake(struct roosti_port *port)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    roosti_atomic_store(&fault->woken, 1, ROOSTI_RELEASE);
    fault->inner->ops->wake(fault->inner);
}
