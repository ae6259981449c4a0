/* roost/impl/waitq.h - the queue of tasks that wait for one thing, oldest first.
 *
 * It needs no memory of its own: a waiting task brings its place in the queue on its own stack.
 * For people who extend the runtime.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_WAITQ_H
#define ROOST_IMPL_WAITQ_H

struct roost_impl_waiter;

/* Zeroed: empty. */
struct roost_impl_waitq {
    struct roost_impl_waiter *first;
    struct roost_impl_waiter *last;
};

#endif
