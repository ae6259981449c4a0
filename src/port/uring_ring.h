/* port/uring_ring.h - one io_uring: two queues shared with the kernel, and the call that serves
 * them.
 *
 * Entries are written by roosti_ring_sqe and taken by the kernel at the next enter. Completions are
 * read in place. All functions on the thread that opened the ring.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_URING_RING_H
#define ROOST_PORT_URING_RING_H

#include <linux/io_uring.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/time.h>

#include "base/atomic.h"

struct roosti_port;
struct roosti_port_opts;

struct roosti_completion {
    uint64_t tag; /* user_data of the entry */
    int32_t res;
    uint32_t flags; /* IORING_CQE_F_* */
};

struct roosti_ring {
    int fd;
    int enter_fd;         /* the descriptor, or its number among the thread's registered rings */
    unsigned enter_flags; /* IORING_ENTER_REGISTERED_RING or 0 */
    unsigned setup_flags; /* what the kernel accepted */

    unsigned *sq_head; /* the kernel's */
    unsigned *sq_tail;
    unsigned *sq_flags;
    unsigned sq_mask;
    unsigned sq_entries;
    unsigned sq_filled; /* our tail; the kernel sees it at the next enter */
    struct io_uring_sqe *sqes;

    unsigned *cq_head;
    unsigned *cq_tail; /* the kernel's */
    unsigned cq_mask;
    struct io_uring_cqe *cqes;

    void *map; /* both queues */
    size_t map_len;
    size_t sqes_len;
};

/* entries: submission slots; completions get 16 times as many. skip: how many sets of set-up flags
 * to pass over, those of the newest kernels first; 0 but in tests. 0, or what the kernel said, or
 * ROOST_ENOTSUP. */
enum { ROOSTI_RING_SKIP_DEFER = 2 };
int roosti_ring_open(struct roosti_ring *ring, unsigned entries, unsigned skip);
void roosti_ring_close(struct roosti_ring *ring);
/* IORING_REGISTER_*. 0 or a negative code. */
int roosti_ring_register(const struct roosti_ring *ring, unsigned what, void *arg, unsigned count);

/* A cleared entry, or NULL when the queue is full and the kernel takes none of it now. */
struct io_uring_sqe *roosti_ring_sqe(struct roosti_ring *ring);

/* Entries that the kernel has not taken yet, from *first on (index with sq_mask). */
static inline unsigned roosti_ring_unsent(const struct roosti_ring *ring, unsigned *first)
{
    *first = roosti_atomic_load(ring->sq_head, ROOSTI_ACQUIRE);
    return ring->sq_filled - *first;
}

/* Submits, and with wait sleeps until a completion, a signal or the end of timeout (negative:
 * none). Returns 0, or -ETIME, -EINTR, or a shortage that will pass: -EAGAIN, -EBUSY, -ENOMEM. The
 * first two may be hidden by a submission: 0 then. */
int roosti_ring_enter(struct roosti_ring *ring, bool wait, roost_dur timeout);

/* Sleeps likewise but submits nothing: for a time of shortage. */
int roosti_ring_rest(struct roosti_ring *ring, roost_dur timeout);

/* Whether the kernel has completions that only an enter will bring into the queue. */
static inline bool roosti_ring_owes(const struct roosti_ring *ring)
{
    return roosti_atomic_load(ring->sq_flags, ROOSTI_RELAXED) &
           (IORING_SQ_TASKRUN | IORING_SQ_CQ_OVERFLOW);
}

/* Completions that can be taken now. */
static inline unsigned roosti_ring_ready(const struct roosti_ring *ring)
{
    return roosti_atomic_load(ring->cq_tail, ROOSTI_ACQUIRE) - *ring->cq_head;
}

/* Takes the oldest; there is one. */
static inline struct roosti_completion roosti_ring_take(struct roosti_ring *ring)
{
    unsigned head = *ring->cq_head;
    const struct io_uring_cqe *cqe = &ring->cqes[head & ring->cq_mask];
    struct roosti_completion taken = {cqe->user_data, cqe->res, cqe->flags};
    roosti_atomic_store(ring->cq_head, head + 1, ROOSTI_RELEASE);
    return taken;
}

/* roosti_uring_open on a ring with the flags of an older kernel; for tests. */
int roosti_uring_open_as(const struct roosti_port_opts *opts, unsigned skip,
                         struct roosti_port **port);

#endif
