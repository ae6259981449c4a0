/* rt/op.h - a task carries out one operation of the port.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_OP_H
#define ROOST_RT_OP_H

#include <stdint.h>

struct roost_task;
#include "base/list.h"
#include "port/port.h"

struct roosti_loop;

/* What both answer, and only for an operation that allows it: nothing has been done, a thread has
 * to do it by roosti_op_block. No operation's result. */
#define ROOSTI_OP_WANTS_THREAD INT64_MIN

/* Submits the operation for the running task and waits for its completion. A cancellation asks the
 * port to end it early and then waits for its last word, so that the kernel is done with the
 * operation's memory when this returns; a completion that came first is a success. Returns its
 * result, or a negative code. */
int64_t roosti_op_run(struct roosti_op *op);

/* The same for a task that has passed roosti_op_begin and not given way since. */
int64_t roosti_op_wait(struct roost_task *task, struct roosti_op *op);

/* An operation that stands while no call waits for it, such as a RECV_MULTI between two reads. What
 * still stands when its loop ends is cancelled there. */
struct roosti_standing {
    struct roosti_node node; /* in loop->standing while it is in flight */
    struct roosti_op op;     /* filled in by the user, done included */
};

/* As the port's submit. On the loop. */
int roosti_standing_begin(struct roosti_loop *loop, struct roosti_standing *standing);
/* The user's `done` says so at the last step. */
void roosti_standing_over(struct roosti_standing *standing);
/* Ends all of a loop's, and waits for their last steps. */
void roosti_standing_end(struct roosti_loop *loop);

#endif
