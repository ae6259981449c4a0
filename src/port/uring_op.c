/* port/uring_op.c - an operation's way into the ring and out of it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <poll.h>

#include "base/assert.h"
#include "port/uring_entry.h"
#include "port/uring_impl.h"

/* -- to the kernel ---------------------------------------------------------------------------- */

bool roosti_uring_hand_over(struct uring_port *port, struct roosti_op *op)
{
    struct io_uring_sqe *sqe = roosti_ring_sqe(&port->ring);
    if (roosti_unlikely(!sqe))
        return false;
    roosti_uring_entry(sqe, op);
    if (roosti_unlikely(op->priv.state & URING_WORKER))
        sqe->flags = IOSQE_ASYNC;
    if (roosti_unlikely(op->priv.state & URING_POLLING)) {
        bool out = op->kind == ROOSTI_OP_WRITE || op->kind == ROOSTI_OP_SEND ||
                   op->kind == ROOSTI_OP_SENDV || op->kind == ROOSTI_OP_SEND_MSG;
        *sqe = (struct io_uring_sqe){.user_data = sqe->user_data};
        roosti_uring_entry_poll(sqe, op->fd, out ? POLLOUT : POLLIN);
    }
    op->priv.state |= URING_KERNEL;
    return true;
}

bool roosti_uring_hand_cancel(struct uring_port *port, const struct roosti_op *op)
{
    struct io_uring_sqe *sqe = roosti_ring_sqe(&port->ring);
    if (roosti_unlikely(!sqe))
        return false;
    /* Entries run in order: this one finds the operation, or the operation has completed. It never
     * finds a later one at the same address, which would stand behind it in the queue. */
    sqe->opcode = IORING_OP_ASYNC_CANCEL;
    sqe->fd = -1;
    sqe->addr = (uint64_t)(uintptr_t)op;
    sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = TAG_CANCEL;
    return true;
}

void roosti_uring_owe(struct uring_port *port, struct roosti_op *op)
{
    /* One list at a time: an operation without a direction leaves its slot for this list, which
     * close looks through as well. */
    if (op->priv.next)
        roosti_fd_unlink(&port->posix.fds, op);
    op->priv.state |= URING_OWED;
    roosti_op_list_push(&port->owed, op);
}

void roosti_uring_owe_no_more(struct uring_port *port, struct roosti_op *op)
{
    op->priv.state &= ~(uint32_t)URING_OWED;
    roosti_op_list_remove(&port->owed, op);
    bool slotted = op->priv.state & (ROOSTI_OPS_LINKED | ROOSTI_OPS_CLOSED);
    if (!slotted && op->kind != ROOSTI_OP_OPEN)
        roosti_fd_link(&port->posix.fds, op, 0);
}

void roosti_uring_go_on(struct uring_port *port, struct roosti_op *op)
{
    if (!roosti_uring_hand_over(port, op))
        roosti_uring_owe(port, op);
}

/* -- from the kernel -------------------------------------------------------------------------- */

int64_t roosti_uring_ending_code(const struct roosti_op *op)
{
    return op->priv.state & ROOSTI_OPS_CLOSED ? ROOST_ECLOSED : ROOST_ECANCELED;
}

static int64_t op_result(struct uring_port *port, const struct roosti_op *op, int64_t res)
{
    /* An interrupted worker, an entry without a file: how the end we asked for shows. */
    bool ended = res == -ECANCELED || res == -EINTR || res == -EAGAIN || res == -EBADF;
    if (ended && op->priv.state & URING_ENDING)
        return roosti_uring_ending_code(op);
    if (res < 0)
        return res;
    if (op->kind == ROOSTI_OP_POLL)
        return roosti_poll_from_system((uint32_t)res, op->events);
    if (op->kind == ROOSTI_OP_ACCEPT || op->kind == ROOSTI_OP_OPEN)
        roosti_posix_fd_made(&port->posix, (int)res);
    return res;
}

/* Whether the operation must be tried once more, and how. */
static bool op_try_again(struct roosti_op *op, int64_t res)
{
    if (op->priv.state & URING_ENDING)
        return false;
    if (op->priv.state & URING_POLLING) {
        op->priv.state &= ~(uint32_t)URING_POLLING;
        /* A file that cannot be tried without waiting: the kernel's thread may wait. */
        if (op->kind == ROOSTI_OP_READ || op->kind == ROOSTI_OP_WRITE)
            op->priv.state |= URING_WORKER;
        return res >= 0;
    }
    if (res == -EINTR)
        return true;
    if (res != -EAGAIN)
        return false;
    /* The kernel gives up so when a descriptor is marked non-blocking and cannot be polled inside
     * the ring (a terminal), or was found empty too often after it had seemed ready. */
    bool polls = op->kind == ROOSTI_OP_READ || op->kind == ROOSTI_OP_WRITE ||
                 op->kind == ROOSTI_OP_RECV || op->kind == ROOSTI_OP_SEND ||
                 op->kind == ROOSTI_OP_SENDV || op->kind == ROOSTI_OP_SEND_MSG ||
                 op->kind == ROOSTI_OP_RECV_MSG || op->kind == ROOSTI_OP_ACCEPT;
    if (polls)
        op->priv.state |= URING_POLLING;
    return polls;
}

/* One step of a multi. `last`: the kernel has let go of it. */
static int op_step(struct uring_port *port, struct roosti_op *op,
                   struct roosti_completion completion, bool last)
{
    bool receives = op->kind == ROOSTI_OP_RECV_MULTI;
    void *buf = receives ? roosti_uring_lend_take(&port->lend, completion) : NULL;
    bool lively = receives ? buf != NULL : completion.res >= 0;
    if (lively) {
        if (receives)
            op->buf = buf;
        else
            roosti_posix_fd_made(&port->posix, completion.res);
        op->res = completion.res;
        op->more = true;
        op->done(op);
        if (!last)
            return 1;
        /* It ended for the kernel's own reasons, such as a completion queue that was full. */
        if (op->priv.state & URING_ENDING)
            roosti_posix_ready(&port->posix, op, roosti_uring_ending_code(op));
        else
            roosti_uring_go_on(port, op);
        return 1;
    }
    if (!last)
        return 0;
    if (receives && completion.res == -ENOBUFS && !(op->priv.state & URING_ENDING)) {
        op->priv.state |= ROOSTI_OPS_STARVED;
        roosti_op_list_push(&port->starved, op);
        return 0;
    }
    if (receives)
        op->buf = NULL;
    bool ended =
        completion.res == -ENOBUFS || completion.res == -ECANCELED || completion.res == -EBADF;
    bool asked = op->priv.state & URING_ENDING;
    roosti_posix_finish(&port->posix, op,
                        ended && asked ? roosti_uring_ending_code(op) : completion.res);
    return 1;
}

int roosti_uring_complete(struct uring_port *port, struct roosti_completion completion)
{
    struct roosti_op *op = (struct roosti_op *)(uintptr_t)completion.tag;
    bool last = !(completion.flags & IORING_CQE_F_MORE);
    if (last) {
        op->priv.state &= ~(uint32_t)URING_KERNEL;
        if (roosti_unlikely(op->priv.state & URING_OWED))
            roosti_uring_owe_no_more(port, op);
    }
    if (op->kind == ROOSTI_OP_RECV_MULTI || op->kind == ROOSTI_OP_ACCEPT_MULTI)
        return op_step(port, op, completion, last);
    if (roosti_unlikely(op_try_again(op, completion.res))) {
        roosti_uring_go_on(port, op);
        return 0;
    }
    roosti_posix_finish(&port->posix, op, op_result(port, op, completion.res));
    return 1;
}
