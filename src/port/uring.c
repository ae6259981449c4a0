/* port/uring.c - the port over io_uring.
 *
 * Entries gather in the submission queue and reach the kernel with the call that waits: one system
 * call for each turn of the loop, none when there is nothing to hand over and nothing to fetch.
 *
 * An operation is the kernel's (URING_KERNEL) from the entry that names it to the completion that
 * says no more will follow; only then may it be finished or given to the kernel again. Cancelling
 * asks and goes on; whatever completes first is the result. When the queue is full and the kernel
 * takes nothing, which happens when it is out of memory, what must not be refused (a cancel, the
 * next step of a multi) stays in `owed` and wait tries again.
 *
 * Beside the ring stand the calls that cost less than an entry when they need not wait: sending,
 * opening and reading what is cached. Receiving is not among them: echo with a plain receive tried
 * first took 6.4 us of processor time a request, by the ring alone 6.0 (64 connections).
 *
 * In guest mode the host polls the ring's descriptor, which tells a poller nothing while
 * DEFER_TASKRUN holds completions back (Linux 6.18, and a registered eventfd is no way around it:
 * it misses the second event that another eventfd causes). The first poll_fd therefore changes to a
 * ring without that flag, and must come while nothing is in flight. Completions of such a ring
 * interrupt the host's system calls with EINTR. Before the host sleeps it calls wait with a past
 * deadline until that returns 0: what is still in the queue, or ready in the port, shows on no
 * descriptor.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <poll.h>

#include "base/assert.h"
#include "base/mem.h"
#include "port/host.h"
#include "port/uring_entry.h"
#include "port/uring_impl.h"

enum { ENTRIES_DEFAULT = 256, SHORTAGE_REST = 1000 * 1000 };

static struct uring_port *uring_of(struct roosti_port *port)
{
    return (struct uring_port *)port;
}

static void wake_arm(struct uring_port *port)
{
    struct io_uring_sqe *sqe = roosti_ring_sqe(&port->ring);
    if (!sqe)
        return;
    /* Fires at every write to the eventfd, so that nobody has to read it empty. */
    roosti_uring_entry_poll(sqe, port->posix.wake_fd, POLLIN);
    sqe->len = IORING_POLL_ADD_MULTI;
    sqe->user_data = TAG_WAKE;
    port->wake_armed = true;
}

/* -- submit and cancel ------------------------------------------------------------------------ */

/* Reading or writing without waiting, unless this kind of file has been found unable to. */
static int64_t uring_attempt_file(struct uring_port *port, const struct roosti_op *op)
{
    bool reads = op->kind == ROOSTI_OP_READ;
    unsigned direction = reads ? ROOSTI_FD_IN : ROOSTI_FD_OUT;
    struct roosti_fd_slot *slot = roosti_fd_find(&port->posix.fds, op->fd);
    if (slot && !(slot->ready & direction))
        return -EAGAIN;
    int64_t res = reads ? roosti_try_read(op) : roosti_try_write(op);
    if (res != -EOPNOTSUPP)
        return res;
    if (slot)
        slot->ready &= (uint8_t)~direction;
    return -EAGAIN;
}

/* What can be had at once for less than an entry costs; -EAGAIN leaves it to the ring. */
static int64_t uring_attempt(struct uring_port *port, const struct roosti_op *op)
{
    switch (op->kind) {
    case ROOSTI_OP_SEND:
        return roosti_try_send(op);
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
        return roosti_try_send_msg(op);
    case ROOSTI_OP_READ:
    case ROOSTI_OP_WRITE:
        return uring_attempt_file(port, op);
    case ROOSTI_OP_OPEN:
        return roosti_try_open(&port->posix, op, true);
    default:
        return -EAGAIN;
    }
}

static int submit_open(struct uring_port *port, struct roosti_op *op)
{
    int64_t res = uring_attempt(port, op);
    if (res != -EAGAIN) {
        op->res = res;
        return ROOSTI_DONE_NOW;
    }
    if (!roosti_uring_hand_over(port, op))
        return ROOST_ENOMEM;
    port->posix.in_flight++;
    return ROOSTI_IN_FLIGHT;
}

static int uring_submit(struct roosti_port *base, struct roosti_op *op)
{
    struct uring_port *port = uring_of(base);
    if (op->kind == ROOSTI_OP_NOP)
        return roosti_posix_nop(&port->posix, op);
    if (op->kind == ROOSTI_OP_OPEN)
        return submit_open(port, op);
    if (op->kind == ROOSTI_OP_FILE_CALL)
        return roosti_posix_file_call(op);
    int64_t res = -EBADF;
    unsigned directions = roosti_op_directions(op);
    if (roosti_likely(op->fd >= 0)) {
        if (roosti_fd_busy(roosti_fd_find(&port->posix.fds, op->fd), directions))
            return ROOST_EBUSY;
        res = uring_attempt(port, op);
    }
    if (res != -EAGAIN) {
        op->res = res;
        return ROOSTI_DONE_NOW;
    }
    int rc = roosti_fd_reserve(&port->posix.fds, op->fd);
    if (rc == 0 && op->kind == ROOSTI_OP_RECV_MULTI)
        rc = roosti_uring_lend_open(&port->lend, &port->ring);
    if (rc < 0)
        return rc;
    if (!roosti_uring_hand_over(port, op))
        return ROOST_ENOMEM;
    roosti_posix_enter(&port->posix, op, directions);
    return ROOSTI_IN_FLIGHT;
}

/* Ends an operation early, for the reason in bit. */
static void uring_op_end(struct uring_port *port, struct roosti_op *op, uint32_t bit)
{
    uint32_t before = op->priv.state;
    if (before & ROOSTI_OPS_READY)
        return;
    op->priv.state |= bit;
    if (before & ROOSTI_OPS_STARVED) {
        op->priv.state &= ~(uint32_t)ROOSTI_OPS_STARVED;
        roosti_op_list_remove(&port->starved, op);
        roosti_posix_ready(&port->posix, op, roosti_uring_ending_code(op));
    } else if (before & URING_OWED && !(before & URING_KERNEL)) {
        roosti_uring_owe_no_more(port, op);
        roosti_posix_ready(&port->posix, op, roosti_uring_ending_code(op));
    } else if (before & URING_KERNEL && !(before & URING_ENDING)) {
        if (!roosti_uring_hand_cancel(port, op))
            roosti_uring_owe(port, op);
    }
    /* Otherwise it is in the middle of a step, and op_step looks at the bit when that is done. */
}

static void uring_cancel(struct roosti_port *base, struct roosti_op *op)
{
    uring_op_end(uring_of(base), op, ROOSTI_OPS_CANCELED);
}

/* The number may be given to another file at once: entries still in the queue must not mean it. */
static void entries_disown(struct uring_port *port, int fd)
{
    unsigned first;
    unsigned unsent = roosti_ring_unsent(&port->ring, &first);
    for (unsigned i = 0; i < unsent; i++) {
        struct io_uring_sqe *sqe = &port->ring.sqes[(first + i) & port->ring.sq_mask];
        if (sqe->fd == fd && sqe->user_data != TAG_WAKE)
            sqe->fd = -1;
    }
}

static void op_abandon(struct uring_port *port, struct roosti_op *op)
{
    if (op->priv.state & ROOSTI_OPS_LINKED)
        roosti_fd_unlink(&port->posix.fds, op);
    uring_op_end(port, op, ROOSTI_OPS_CLOSED);
}

static void uring_abandon(struct roosti_posix *posix, int fd)
{
    struct uring_port *port = (struct uring_port *)posix;
    struct roosti_fd_slot *slot = roosti_fd_find(&posix->fds, fd);
    entries_disown(port, fd);
    if (slot->reader)
        op_abandon(port, slot->reader);
    if (slot->writer)
        op_abandon(port, slot->writer);
    while (slot->others)
        op_abandon(port, slot->others);
    struct roosti_op *op = port->owed;
    while (op) {
        struct roosti_op *next = op->priv.next;
        bool last = next == port->owed;
        bool mine = op->fd == fd && op->kind != ROOSTI_OP_OPEN;
        if (mine && !(op->priv.state & ROOSTI_OPS_CLOSED))
            uring_op_end(port, op, ROOSTI_OPS_CLOSED);
        op = last ? NULL : next;
    }
}

/* Handles what the queue holds now; *seen counts all of it. Returns how often `done` was called. */
static int uring_reap(struct uring_port *port, unsigned *seen)
{
    int count = 0;
    *seen = roosti_ring_ready(&port->ring);
    for (unsigned i = 0; i < *seen; i++) {
        struct roosti_completion completion = roosti_ring_take(&port->ring);
        if (completion.tag == TAG_WAKE)
            port->wake_armed = completion.flags & IORING_CQE_F_MORE;
        else if (completion.tag != TAG_CANCEL)
            count += roosti_uring_complete(port, completion);
    }
    return count;
}

/* -- wait ------------------------------------------------------------------------------------- */

/* Puts into the queue what has been waiting for a place in it, or for a buffer. */
static void uring_settle(struct uring_port *port)
{
    if (roosti_unlikely(!port->wake_armed))
        wake_arm(port);
    while (roosti_unlikely(port->owed != NULL)) {
        struct roosti_op *op = port->owed;
        bool sent = op->priv.state & URING_KERNEL ? roosti_uring_hand_cancel(port, op)
                                                  : roosti_uring_hand_over(port, op);
        if (!sent)
            break;
        roosti_uring_owe_no_more(port, op);
    }
    /* One receive for each buffer: more would only find none again. */
    for (unsigned free = port->lend.free; free > 0 && port->starved; free--) {
        struct roosti_op *op = roosti_op_list_pop(&port->starved);
        roosti_uring_go_on(port, op);
        op->priv.state &= ~(uint32_t)ROOSTI_OPS_STARVED;
    }
}

/* Whether this turn may sleep, and for how long (negative: without end). */
static bool uring_may_sleep(struct uring_port *port, roost_time deadline, roost_dur *timeout)
{
    if (deadline <= 0 || port->posix.ready || roosti_ring_ready(&port->ring) > 0)
        return false;
    /* A receive that found no buffer, and there is one: it must be served before we sleep. */
    if (port->starved && port->lend.free > 0)
        return false;
    *timeout = -1;
    if (deadline != ROOST_NEVER) {
        *timeout = deadline - roosti_clock_now();
        if (*timeout <= 0)
            return false;
    }
    if (roosti_unlikely(port->owed || !port->wake_armed) &&
        (*timeout < 0 || *timeout > SHORTAGE_REST))
        *timeout = SHORTAGE_REST;
    return roosti_posix_sleep(&port->posix);
}

static void uring_enter(struct uring_port *port, bool sleep, roost_dur timeout)
{
    unsigned first;
    if (!sleep && !roosti_ring_unsent(&port->ring, &first) && !roosti_ring_owes(&port->ring))
        return;
    int rc = roosti_ring_enter(&port->ring, sleep, timeout);
    bool shortage = rc == -EAGAIN || rc == -EBUSY || rc == -ENOMEM;
    if (roosti_unlikely(sleep && shortage && roosti_ring_ready(&port->ring) == 0))
        (void)roosti_ring_rest(&port->ring, SHORTAGE_REST);
}

static int uring_wait(struct roosti_port *base, roost_time deadline)
{
    struct uring_port *port = uring_of(base);
    roost_dur timeout = 0;
    unsigned seen;
    int count;
    bool sleep;
    do {
        uring_settle(port);
        sleep = uring_may_sleep(port, deadline, &timeout);
        uring_enter(port, sleep, timeout);
        count = port->posix.ready ? roosti_posix_deliver(&port->posix) : 0;
        count += uring_reap(port, &seen);
        /* Woken only by the port's own business: to the caller nothing has happened yet. */
    } while (sleep && count == 0 && seen > 0 && !roosti_posix_woken(&port->posix));
    roosti_posix_awake(&port->posix);
    return count;
}

static int guest_enter(struct uring_port *port)
{
    struct roosti_ring ring;
    if (!(port->ring.setup_flags & IORING_SETUP_DEFER_TASKRUN))
        return 0;
    if (port->posix.in_flight > 0 || port->lend.pool.lent_count > 0)
        return ROOST_EBUSY;
    int rc = roosti_ring_open(&ring, port->ring.sq_entries, ROOSTI_RING_SKIP_DEFER);
    if (rc < 0)
        return rc;
    roosti_ring_close(&port->ring);
    roosti_uring_lend_close(&port->lend);
    port->ring = ring;
    port->wake_armed = false;
    return 0;
}

static int uring_poll_fd(struct roosti_port *base)
{
    struct uring_port *port = uring_of(base);
    int rc = guest_enter(port);
    if (rc < 0)
        return rc;
    uring_settle(port);
    uring_enter(port, false, 0);
    roosti_posix_polled(&port->posix);
    return port->ring.fd;
}

static void uring_give_back(struct roosti_port *base, void *buf)
{
    roosti_uring_lend_back(&uring_of(base)->lend, buf);
}

/* -- open and close --------------------------------------------------------------------------- */

static void uring_close(struct roosti_port *base)
{
    struct uring_port *port = uring_of(base);
    roosti_posix_fini(&port->posix);
    roosti_ring_close(&port->ring);
    roosti_uring_lend_close(&port->lend);
    roosti_free(port);
}

static const struct roosti_port_ops uring_ops = {
    .name = "uring",
    .submit = uring_submit,
    .cancel = uring_cancel,
    .wait = uring_wait,
    .wake = roosti_posix_wake,
    .now = roosti_posix_now,
    .wall = roosti_posix_wall,
    .entropy = roosti_posix_entropy,
    .in_flight = roosti_posix_in_flight,
    .poll_fd = uring_poll_fd,
    .give_back = uring_give_back,
    .close = uring_close,
    .fd =
        {
            .socket = roosti_fd_socket,
            .bind = roosti_fd_bind,
            .listen = roosti_fd_listen,
            .local_addr = roosti_fd_local_addr,
            .peer_addr = roosti_fd_peer_addr,
            .get_option = roosti_fd_get_option,
            .receive = roosti_fd_receive,
            .socket_file = roosti_fd_socket_file,
            .socket_file_remove = roosti_fd_socket_file_remove,
            .set_option = roosti_fd_set_option,
            .forget = roosti_posix_fd_forget,
            .shutdown = roosti_fd_shutdown,
            .pipe = roosti_fd_pipe,
            .socket_pair = roosti_fd_socket_pair,
            .close = roosti_posix_fd_close,
            .read_now = roosti_fd_read_now,
            .list = roosti_fd_list,
        },
};

int roosti_uring_open(const struct roosti_port_opts *opts, struct roosti_port **port)
{
    return roosti_uring_open_as(opts, 0, port);
}

int roosti_uring_open_as(const struct roosti_port_opts *opts, unsigned skip,
                         struct roosti_port **port)
{
    unsigned entries = opts && opts->ring_entries ? opts->ring_entries : ENTRIES_DEFAULT;
    struct uring_port *made = roosti_alloc_zero(1, sizeof *made, "io_uring port");
    if (!made)
        return ROOST_ENOMEM;
    int rc = roosti_ring_open(&made->ring, entries, skip);
    if (rc < 0)
        goto free_port;
    rc = roosti_posix_init(&made->posix, &uring_ops, uring_abandon);
    if (rc < 0)
        goto close_ring;
    wake_arm(made);
    *port = &made->posix.port;
    return 0;

close_ring:
    roosti_ring_close(&made->ring);
free_port:
    roosti_free(made);
    return rc;
}
