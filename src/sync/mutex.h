/* sync/mutex.h - what a mutex is to those that stand on it: conditions, and choices between locks.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_MUTEX_H
#define ROOST_SYNC_MUTEX_H

#include <roost/lock.h>

#include "rt/task.h"

/* Holds the mutex for `self`: 0, ROOST_EAGAIN while another task holds it, or the code of misuse.
 * After ROOST_EAGAIN a waiter may be pushed onto its queue: it is woken with 0 when its task holds
 * the mutex, or with ROOST_EOWNERDEAD. */
int roosti_mutex_take(roost_mutex *mutex, struct roost_task *self);

/* Lets go of a mutex that `self` holds: the first waiter has it, or nobody. */
void roosti_mutex_release(roost_mutex *mutex, struct roost_task *self);

#endif
