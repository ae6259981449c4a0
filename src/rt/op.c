/* rt/op.c - waiting for an operation of the port.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/op.h"

#include "rt/loop.h"

static void op_done(struct roosti_op *op)
{
    roosti_wake(op->owner, 0);
}

static bool op_abort(struct roost_task *task)
{
    struct roosti_port *port = task->loop->port;
    port->ops->cancel(port, task->wait.on);
    return false;
}

int64_t roosti_op_wait(struct roost_task *task, struct roosti_op *op)
{
    static const char *const names[ROOSTI_OP_KIND_COUNT] = {
        [ROOSTI_OP_NOP] = "nop",
        [ROOSTI_OP_POLL] = "poll",
        [ROOSTI_OP_READ] = "read",
        [ROOSTI_OP_WRITE] = "write",
        [ROOSTI_OP_RECV] = "receive",
        [ROOSTI_OP_SEND] = "send",
        [ROOSTI_OP_ACCEPT] = "accept",
        [ROOSTI_OP_CONNECT] = "connect",
        [ROOSTI_OP_OPEN] = "open",
        [ROOSTI_OP_FSYNC] = "fsync",
        [ROOSTI_OP_FILE_CALL] = "file call",
        [ROOSTI_OP_SENDV] = "send",
        [ROOSTI_OP_SEND_MSG] = "send",
        [ROOSTI_OP_RECV_MSG] = "receive",
        [ROOSTI_OP_RECV_MULTI] = "receive",
        [ROOSTI_OP_ACCEPT_MULTI] = "accept",
    };
    struct roosti_port *port = task->loop->port;
    op->done = op_done;
    op->owner = task;
    int rc = port->ops->submit(port, op);
    if (rc < 0)
        return rc;
    if (roosti_unlikely(rc == ROOSTI_NEEDS_THREAD))
        return ROOSTI_OP_WANTS_THREAD;
    if (rc == ROOSTI_IN_FLIGHT)
        (void)roosti_park(task, op_abort, names[op->kind], op);
    return op->res;
}

int64_t roosti_op_run(struct roosti_op *op)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    int rc = roosti_op_begin(task->loop, task);
    return rc < 0 ? rc : roosti_op_wait(task, op);
}

int roosti_standing_begin(struct roosti_loop *loop, struct roosti_standing *standing)
{
    int rc = loop->port->ops->submit(loop->port, &standing->op);
    if (rc == ROOSTI_IN_FLIGHT)
        roosti_list_push(&loop->standing, &standing->node);
    return rc;
}

void roosti_standing_over(struct roosti_standing *standing)
{
    roosti_list_remove(&standing->node);
}

void roosti_standing_end(struct roosti_loop *loop)
{
    struct roosti_port *port = loop->port;
    for (struct roosti_node *node = roosti_list_first(&loop->standing); node;
         node = roosti_list_next(&loop->standing, node))
        port->ops->cancel(port, &roosti_container(node, struct roosti_standing, node)->op);
    while (!roosti_list_empty(&loop->standing))
        (void)port->ops->wait(port, ROOST_NEVER);
}
