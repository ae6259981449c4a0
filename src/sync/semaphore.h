/* sync/semaphore.h - leaving the line of a semaphore.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_SEMAPHORE_H
#define ROOST_SYNC_SEMAPHORE_H

#include <roost/semaphore.h>

struct roost_impl_waiter;

/* Takes a waiter that is queued out of line, and serves those behind it who can go on now. */
void roosti_sem_leave(roost_sem *sem, struct roost_impl_waiter *waiter);

#endif
