/* port/uring_lend.h - the buffers of RECV_MULTI as the kernel takes them: from a ring that both
 * sides see. It picks one when bytes are there, so a connection that is silent holds none.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_URING_LEND_H
#define ROOST_PORT_URING_LEND_H

#include "port/posix_pool.h"
#include "port/uring_ring.h"

/* The group number that entries name; a port has one. */
enum { ROOSTI_URING_GROUP = 0 };

struct roosti_uring_lend {
    struct roosti_pool pool;
    struct io_uring_buf *ring; /* the head of the pool's memory */
    uint16_t tail;             /* ours; the kernel's copy lies in ring[0].resv */
    unsigned free;             /* buffers with the kernel, as far as completions tell */
};

/* 0, also when it is open already, or a negative code. */
int roosti_uring_lend_open(struct roosti_uring_lend *lend, const struct roosti_ring *ring);
/* After the ring is closed. */
void roosti_uring_lend_close(struct roosti_uring_lend *lend);

/* The buffer that a completion carries, with its bytes; NULL when it carries none. */
void *roosti_uring_lend_take(struct roosti_uring_lend *lend, struct roosti_completion completion);
void roosti_uring_lend_back(struct roosti_uring_lend *lend, const void *buf);

#endif
