/* roost/impl/held.h - the link of a thing that a task holds and has to let go: a lock, a loan.
 *
 * A task that ends while it holds something has made a mistake; its list says what has to be told.
 * For people who extend the runtime.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_HELD_H
#define ROOST_IMPL_HELD_H

/* In the list of one task, newest first. */
struct roost_impl_held {
    struct roost_impl_held *next;
    void (*orphan)(struct roost_impl_held *held); /* its task has ended; off the list by then */
};

#endif
