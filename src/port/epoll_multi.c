/* port/epoll_multi.c - operations with many completions, by trying again and again.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include "base/assert.h"
#include "port/epoll_impl.h"

/* Steps of one multi in one turn; more would keep the others waiting. */
enum { STEPS_MAX = 16 };

static void multi_run_later(struct epoll_port *port, struct roosti_op *op)
{
    if (op->priv.state & EPOLL_RUNNABLE)
        return;
    op->priv.state |= EPOLL_RUNNABLE;
    op->priv.aux = port->turn;
    roosti_op_list_push(&port->runnable, op);
}

static int multi_pool_fill(struct epoll_port *port)
{
    if (port->pool.map)
        return 0;
    int rc = roosti_pool_open(&port->pool, 0);
    if (rc < 0)
        return rc;
    for (unsigned i = 0; i < ROOSTI_POOL_COUNT; i++)
        port->free[port->free_count++] = (uint16_t)(ROOSTI_POOL_COUNT - 1 - i);
    return 0;
}

/* Its steps are for wait to call, so nothing is tried here. */
int roosti_epoll_multi_submit(struct epoll_port *port, struct roosti_op *op, unsigned directions)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    int rc = op->kind == ROOSTI_OP_RECV_MULTI ? multi_pool_fill(port) : 0;
    if (rc < 0)
        return rc;
    rc = roosti_epoll_watch(port, op->fd, slot, false);
    if (rc < 0)
        return roosti_epoll_done_now(op, rc == -EPERM ? -ENOTSOCK : rc);
    roosti_epoll_park(port, op, directions);
    if (slot->ready & ROOSTI_FD_IN)
        multi_run_later(port, op);
    return ROOSTI_IN_FLIGHT;
}

/* One receive into a buffer of the pool: its length, and the buffer in op->buf. */
static int64_t multi_recv(struct epoll_port *port, struct roosti_op *op)
{
    struct roosti_fd_slot *slot = &port->posix.fds.slots[op->fd];
    unsigned index = port->free[port->free_count - 1];
    void *buf = roosti_pool_at(&port->pool, index);
    roosti_memory_show(buf, ROOSTI_POOL_BYTES);
    int64_t n = roosti_try_recv(op->fd, buf, ROOSTI_POOL_BYTES, op->flags);
    roosti_memory_hide(buf, ROOSTI_POOL_BYTES);
    roosti_epoll_learn(slot, ROOSTI_FD_IN, n, op->flags ? 0 : ROOSTI_POOL_BYTES);
    op->buf = NULL;
    if (n > 0) {
        port->free_count--;
        op->buf = roosti_pool_lend(&port->pool, index, (size_t)n);
    }
    return n;
}

int roosti_epoll_multi_run(struct epoll_port *port, struct roosti_op *op)
{
    bool receives = op->kind == ROOSTI_OP_RECV_MULTI;
    int count = 0;
    /* A callback may end it: then it is in the ready list and no longer in its slot. */
    while (op->priv.state & ROOSTI_OPS_LINKED) {
        if (!(port->posix.fds.slots[op->fd].ready & ROOSTI_FD_IN))
            return count;
        if (count == STEPS_MAX) {
            multi_run_later(port, op);
            return count;
        }
        if (receives && port->free_count == 0) {
            op->priv.state |= ROOSTI_OPS_STARVED;
            roosti_op_list_push(&port->starved, op);
            return count;
        }
        int64_t res = receives ? multi_recv(port, op) : roosti_epoll_attempt(port, op);
        if (res == -EAGAIN)
            return count;
        count++;
        if (res < (receives ? 1 : 0)) {
            roosti_posix_finish(&port->posix, op, res);
            return count;
        }
        op->res = res;
        op->more = true;
        op->done(op);
    }
    return count;
}

void roosti_epoll_multi_feed(struct epoll_port *port)
{
    for (unsigned free = port->free_count; free > 0 && port->starved; free--) {
        struct roosti_op *op = roosti_op_list_pop(&port->starved);
        op->priv.state &= ~(uint32_t)ROOSTI_OPS_STARVED;
        multi_run_later(port, op);
    }
}

int roosti_epoll_multi_turn(struct epoll_port *port)
{
    int count = 0;
    while (port->runnable && port->runnable->priv.aux != port->turn) {
        struct roosti_op *op = roosti_op_list_pop(&port->runnable);
        op->priv.state &= ~(uint32_t)EPOLL_RUNNABLE;
        count += roosti_epoll_multi_run(port, op);
    }
    return count;
}

void roosti_epoll_give_back(struct roosti_port *base, void *buf)
{
    struct epoll_port *port = (struct epoll_port *)base;
    port->free[port->free_count++] = (uint16_t)roosti_pool_back(&port->pool, buf);
}
