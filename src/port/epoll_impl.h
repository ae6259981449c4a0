/* port/epoll_impl.h - what the parts of the epoll port share; see port/epoll.c.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_EPOLL_IMPL_H
#define ROOST_PORT_EPOLL_IMPL_H

#include <sys/epoll.h>

#include "port/posix_op.h"
#include "port/posix_pool.h"

/* Bits of priv.state. */
enum { EPOLL_RUNNABLE = ROOSTI_OPS_PORT /* in port.runnable */ };

/* Bits of slot.traits. */
enum {
    FD_REGISTERED = 1,
    FD_TCP = 2,         /* a short transfer means empty or full */
    FD_GONE = 4,        /* the other side has hung up: its last bytes come without an event */
    FD_FILE = 8,        /* cannot be waited for, never has to be */
    FD_NONBLOCKING = 16 /* made so by us, for accept */
};

enum { EPOLL_EVENTS_MAX = 256 };

struct epoll_port {
    struct roosti_posix posix;
    int epoll_fd;
    bool no_pwait2;          /* the kernel (before 5.11) has only milliseconds */
    uint32_t turn;           /* counts waits: tells operations that an event cannot be about */
    roosti_op_list runnable; /* multis whose descriptor may be ready */
    roosti_op_list starved;  /* receives that found no buffer */
    struct roosti_pool pool;
    unsigned free_count;
    /* The last one back is the first one out: it is in the cache. */
    uint16_t free[ROOSTI_POOL_COUNT];
    struct epoll_event events[EPOLL_EVENTS_MAX];
};

static inline int roosti_epoll_done_now(struct roosti_op *op, int64_t res)
{
    op->res = res;
    return ROOSTI_DONE_NOW;
}

/* -- epoll_try.c ------------------------------------------------------------------------------ */

/* Makes the kernel report fd. again: also when it does so already, with an event if it is ready
 * now. 0 or a negative code, -EPERM when there is nothing to wait for. */
int roosti_epoll_watch(struct epoll_port *port, int fd, struct roosti_fd_slot *slot, bool again);
/* One attempt, and what its outcome says about the next. -EAGAIN: it has to wait. */
int64_t roosti_epoll_attempt(struct epoll_port *port, struct roosti_op *op);
/* What a transfer of `res` out of `len` says about the next one. */
void roosti_epoll_learn(struct roosti_fd_slot *slot, unsigned direction, int64_t res, size_t len);
/* The operation goes into flight. */
int roosti_epoll_park(struct epoll_port *port, struct roosti_op *op, unsigned directions);

/* -- epoll_multi.c ---------------------------------------------------------------------------- */

int roosti_epoll_multi_submit(struct epoll_port *port, struct roosti_op *op, unsigned directions);
/* Runs a multi until it would wait. Returns how often `done` was called. */
int roosti_epoll_multi_run(struct epoll_port *port, struct roosti_op *op);
/* Buffers came back: as many of those who found none may try again, the oldest first. */
void roosti_epoll_multi_feed(struct epoll_port *port);
/* Runs those that became runnable before this turn. */
int roosti_epoll_multi_turn(struct epoll_port *port);
void roosti_epoll_give_back(struct roosti_port *base, void *buf);

#endif
