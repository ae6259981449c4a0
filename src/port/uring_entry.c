/* port/uring_entry.c - an operation as an entry of io_uring's submission queue.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/uring_entry.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "port/posix_op.h"
#include "port/uring_lend.h"

void roosti_uring_entry_poll(struct io_uring_sqe *sqe, int fd, uint32_t events)
{
    sqe->opcode = IORING_OP_POLL_ADD;
    sqe->fd = fd;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    events = events << 16 | events >> 16;
#endif
    sqe->poll32_events = events;
}

static void entry_bytes(struct io_uring_sqe *sqe, uint8_t opcode, const struct roosti_op *op)
{
    sqe->opcode = opcode;
    sqe->addr = (uint64_t)(uintptr_t)op->buf;
    sqe->len = (uint32_t)roosti_io_len(op->len);
}

static void entry_message(struct io_uring_sqe *sqe, uint8_t opcode, const struct roosti_op *op,
                          int flags)
{
    sqe->opcode = opcode;
    sqe->addr = (uint64_t)(uintptr_t)op->u.msg;
    sqe->len = 1;
    sqe->msg_flags = (uint32_t)(op->flags | flags);
}

void roosti_uring_entry(struct io_uring_sqe *sqe, const struct roosti_op *op)
{
    sqe->user_data = (uint64_t)(uintptr_t)op;
    sqe->fd = op->fd;
    switch (op->kind) {
    case ROOSTI_OP_POLL:
        roosti_uring_entry_poll(sqe, op->fd, roosti_poll_to_system(op->events));
        break;
    case ROOSTI_OP_READ:
    case ROOSTI_OP_WRITE:
        entry_bytes(sqe, op->kind == ROOSTI_OP_READ ? IORING_OP_READ : IORING_OP_WRITE, op);
        sqe->off = op->offset < 0 ? UINT64_MAX : (uint64_t)op->offset;
        break;
    case ROOSTI_OP_RECV:
        entry_bytes(sqe, IORING_OP_RECV, op);
        sqe->msg_flags = (uint32_t)op->flags;
        break;
    case ROOSTI_OP_SEND:
        /* A plain send has just found the socket full: no use to try again before polling. */
        entry_bytes(sqe, IORING_OP_SEND, op);
        sqe->msg_flags = (uint32_t)(op->flags | MSG_NOSIGNAL);
        sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
        break;
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
        entry_message(sqe, IORING_OP_SENDMSG, op, MSG_NOSIGNAL);
        sqe->ioprio = IORING_RECVSEND_POLL_FIRST;
        break;
    case ROOSTI_OP_RECV_MSG:
        entry_message(sqe, IORING_OP_RECVMSG, op, MSG_CMSG_CLOEXEC);
        break;
    case ROOSTI_OP_ACCEPT:
    case ROOSTI_OP_ACCEPT_MULTI:
        sqe->opcode = IORING_OP_ACCEPT;
        sqe->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
        if (op->kind == ROOSTI_OP_ACCEPT_MULTI)
            sqe->ioprio = IORING_ACCEPT_MULTISHOT;
        break;
    case ROOSTI_OP_CONNECT:
        sqe->opcode = IORING_OP_CONNECT;
        sqe->addr = (uint64_t)(uintptr_t)op->u.addr;
        sqe->off = op->addr_len;
        break;
    case ROOSTI_OP_OPEN:
        sqe->opcode = IORING_OP_OPENAT;
        sqe->fd = AT_FDCWD;
        sqe->addr = (uint64_t)(uintptr_t)op->u.path;
        sqe->open_flags = (uint32_t)(op->flags | O_CLOEXEC);
        sqe->len = op->mode;
        break;
    case ROOSTI_OP_FSYNC:
        sqe->opcode = IORING_OP_FSYNC;
        break;
    case ROOSTI_OP_RECV_MULTI:
        sqe->opcode = IORING_OP_RECV;
        sqe->msg_flags = (uint32_t)op->flags;
        sqe->ioprio = IORING_RECV_MULTISHOT;
        /* The first try picks a buffer even if nothing has come, and fails when none is left. A
         * second one polls first, lest it fail so for ever with no bytes in sight. */
        if (op->priv.state & ROOSTI_OPS_STARVED)
            sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
        sqe->flags = IOSQE_BUFFER_SELECT;
        sqe->buf_group = ROOSTI_URING_GROUP;
        break;
    default:
        sqe->opcode = IORING_OP_NOP;
        break;
    }
}
