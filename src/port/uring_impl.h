/* port/uring_impl.h - what the parts of the io_uring port share; see port/uring.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_URING_IMPL_H
#define ROOST_PORT_URING_IMPL_H

#include "port/posix_op.h"
#include "port/uring_lend.h"
#include "port/uring_ring.h"

/* Bits of priv.state. */
enum {
    URING_KERNEL = ROOSTI_OPS_PORT,       /* a completion is to come */
    URING_OWED = ROOSTI_OPS_PORT << 1,    /* in port.owed: needs an entry */
    URING_POLLING = ROOSTI_OPS_PORT << 2, /* the entry only waits for readiness */
    URING_WORKER = ROOSTI_OPS_PORT << 3,  /* the entry goes to a thread of the kernel's */
    URING_ENDING = ROOSTI_OPS_CANCELED | ROOSTI_OPS_CLOSED,
};

/* user_data of the port's own entries; an operation's is its address. */
enum { TAG_WAKE = 1, TAG_CANCEL = 2 };

struct uring_port {
    struct roosti_posix posix;
    struct roosti_ring ring;
    struct roosti_uring_lend lend;
    roosti_op_list starved; /* receives that found no buffer */
    roosti_op_list owed;
    bool wake_armed; /* the kernel polls posix.wake_fd */
};

/* Gives an operation to the kernel, or asks it to cancel one. False when there is no entry. */
bool roosti_uring_hand_over(struct uring_port *port, struct roosti_op *op);
bool roosti_uring_hand_cancel(struct uring_port *port, const struct roosti_op *op);
/* It needs an entry and there is none: into port.owed, and out again. */
void roosti_uring_owe(struct uring_port *port, struct roosti_op *op);
void roosti_uring_owe_no_more(struct uring_port *port, struct roosti_op *op);
/* The operation goes on: its next step, or another try. */
void roosti_uring_go_on(struct uring_port *port, struct roosti_op *op);
/* What an operation that was ended early completes with. */
int64_t roosti_uring_ending_code(const struct roosti_op *op);
/* Takes an operation's completion. Returns how often `done` was called. */
int roosti_uring_complete(struct uring_port *port, struct roosti_completion completion);

#endif
