/* roost/impl/waitq.h - the queue of tasks that wait for one thing, oldest first.
 *
 * It needs no memory of its own: the links are in the tasks. For people who extend the runtime.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_WAITQ_H
#define ROOST_IMPL_WAITQ_H

struct roost_task;

/* Zeroed: empty. */
struct roost_impl_waitq {
    struct roost_task *first;
    struct roost_task *last;
};

#endif
