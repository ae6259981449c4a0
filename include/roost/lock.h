/* roost/lock.h - locks between the tasks of one loop: mutexes, and conditions under them.
 *
 * Tasks of a loop never run at the same time, so what is done between two suspending calls needs no
 * lock. A lock keeps others out while its holder suspends:
 *
 *     ROOST_LOCK(&counter->mutex, rc) {
 *         int seen = counter->value;
 *         rc = roost_sleep(ROOST_MS(10));
 *         if (rc == 0)
 *             counter->value = seen + 1;
 *     }
 *
 * These and the locks of roost/rwlock.h lie in the caller's memory, need none of their own, are
 * ready when zeroed, and stay where they are while anybody holds or awaits them. They serve
 * strictly in order of arrival: who lets go hands over to the first in line, so nobody who comes
 * later gets in between. A waiter that is cancelled leaves the line; one that has been served
 * before keeps what it got and returns 0.
 *
 * A task that ends with a lock has made a mistake, reported at debug level 1: whoever wants that
 * lock gets ROOST_EOWNERDEAD. The program is ended when it lies in a function of that task, for
 * there is nothing left to read.
 *
 * Letting go fails by misuse only, which is reported at debug level 1.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_LOCK_H
#define ROOST_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/block.h>
#include <roost/impl/held.h>
#include <roost/impl/waitq.h>

struct roost_task;

/* One task at a time. All members are private. */
typedef struct roost_mutex {
    struct {
        struct roost_task *owner;    /* NULL: free */
        struct roost_impl_held held; /* in the owner's list */
        struct roost_impl_waitq waiters;
        uint32_t loop_id; /* of the loop that uses it; 0: none yet, or abandoned */
        bool abandoned;   /* its owner ended without unlocking it */
    } priv;
} roost_mutex;

/* Where tasks wait for something that others do under a mutex. All members are private. */
typedef struct roost_cond {
    struct {
        struct roost_impl_waitq waiters;
        uint32_t loop_id;
    } priv;
} roost_cond;

/* clang-format off */
#define ROOST_MUTEX_INIT {{0, {0, 0}, {0, 0}, 0, 0}}
#define ROOST_COND_INIT {{{0, 0}, 0}}
/* clang-format on */

typedef struct roost_mutex_stats {
    uint64_t owner_id; /* the task that holds it; 0: free */
    uint32_t waiting;  /* tasks in line */
    bool locked;
    bool abandoned; /* its owner ended without unlocking it */
} roost_mutex_stats;

typedef struct roost_cond_stats {
    uint32_t waiting; /* tasks that wait to be notified */
} roost_cond_stats;

ROOST_BEGIN_DECLS

/* -- mutex ------------------------------------------------------------------------------------- */

/**
 * roost_mutex_init - make a mutex free, also one whose owner ended without unlocking it.
 *
 *   mutex     the caller's memory, taken as raw bytes; neither held nor awaited.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API void roost_mutex_init(roost_mutex *mutex);

/**
 * roost_mutex_lock - wait until the mutex is free, and hold it. See ROOST_LOCK.
 *
 *   mutex     zeroed or initialised.
 *
 * Suspends  while another task holds it, or to give way (roost_checkpoint).
 * Cancel    ROOST_ECANCELED; the mutex is not held.
 * Errors    ROOST_EDEADLK     the task holds it already, or waiting would close a circle of tasks
 *           that wait for each other, by mutexes, joins and ends of groups;
 *           ROOST_EOWNERDEAD  its owner ended without unlocking it;
 *           ROOST_EXLOOP      tasks of another loop use it; ROOST_ENOCTX  not in a task.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_mutex_lock(roost_mutex *mutex);

/**
 * roost_mutex_try_lock - hold the mutex if it is free, whether or not the task is cancelled.
 *
 *   mutex     zeroed or initialised.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  another task holds it; ROOST_EDEADLK  this one does already;
 *           ROOST_EOWNERDEAD, ROOST_EXLOOP, ROOST_ENOCTX  as for roost_mutex_lock.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST int roost_mutex_try_lock(roost_mutex *mutex);

/**
 * roost_mutex_unlock - let go of the mutex: the first waiter holds it from now on.
 *
 *   mutex     held by the running task.
 *
 * Suspends  never.
 * Errors    ROOST_EPERM  the running task does not hold it; ROOST_EOWNERDEAD, ROOST_EXLOOP,
 *           ROOST_ENOCTX  as for roost_mutex_lock.
 * Threads   the task that holds it.
 */
ROOST_API int roost_mutex_unlock(roost_mutex *mutex);

/**
 * roost_mutex_stats_get - who holds a mutex, and how many wait.
 *
 *   mutex     zeroed or initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_mutex_stats_get(const roost_mutex *mutex, roost_mutex_stats *stats);

/* -- condition --------------------------------------------------------------------------------- */

/**
 * roost_cond_init - make a condition nobody waits for.
 *
 *   cond      the caller's memory, taken as raw bytes.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API void roost_cond_init(roost_cond *cond);

/**
 * roost_cond_wait - let go of a mutex, wait to be notified, and hold the mutex again.
 *
 * The mutex is held again whenever this returns, but for the codes that say so below. Others may
 * have held it since the notification, so what one waits for is looked at again: see
 * ROOST_COND_WAIT_UNTIL.
 *
 *   cond      zeroed or initialised.
 *   mutex     held by the running task.
 *
 * Suspends  until it is notified and the mutex is free; a refused call does not let go of it.
 * Cancel    ROOST_ECANCELED; the mutex is held, which may take waiting. A notification it had got
 *           but could not act on is passed on to the next one that waits.
 * Errors    ROOST_EPERM       the running task does not hold the mutex;
 *           ROOST_EOWNERDEAD  another task ended without unlocking it: the mutex is not held;
 *           ROOST_EDEADLK     its present owner waits for this task to finish: it is not held;
 *           ROOST_EXLOOP      tasks of another loop use the condition; ROOST_ENOCTX  not in a task.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_cond_wait(roost_cond *cond, roost_mutex *mutex);

/**
 * roost_cond_notify - let the first waiters go on, each as soon as it holds its mutex again.
 *
 *   cond      zeroed or initialised. Its waiters' mutex is usually held, but need not be.
 *   count     how many at most.
 *
 * Returns how many.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  tasks of another loop use it; ROOST_ENOCTX  not on a loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_cond_notify(roost_cond *cond, uint32_t count);

/**
 * roost_cond_notify_all - let all waiters go on, each as soon as it holds its mutex again.
 *
 *   cond      zeroed or initialised.
 *
 * Returns how many.
 *
 * Suspends  never.
 * Errors    those of roost_cond_notify.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_cond_notify_all(roost_cond *cond);

/**
 * roost_cond_stats_get - how many wait for a condition.
 *
 *   cond      zeroed or initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_cond_stats_get(const roost_cond *cond, roost_cond_stats *stats);

ROOST_END_DECLS

/* ROOST_LOCK(&mutex, rc) { body }: a block that holds the mutex. rc is an int that exists already:
 * 0 when the body begins, and the code when locking failed and the body is left out. Every way out
 * of the block unlocks; a break or continue in it is the block's. */
#define ROOST_LOCK(mutex, rc)                                                                      \
    ROOST_BLOCK_(ROOST_UNIQUE(roost_lock_), roost_mutex, mutex_block, mutex, rc)

/* ROOST_COND_WAIT_UNTIL(rc, &cond, &mutex, condition): waits until the condition, an expression
 * that is evaluated each time the task holds the mutex, is true; rc is 0 then, or why it ended. */
#define ROOST_COND_WAIT_UNTIL(rc, cond, mutex, condition)                                          \
    do {                                                                                           \
        (rc) = 0;                                                                                  \
        while (!(condition) && ((rc) = roost_cond_wait((cond), (mutex))) == 0)                     \
            continue;                                                                              \
    } while (0)

/* What the blocks do at their two ends. */
static inline ROOST_SUSPENDS roost_mutex *roost_mutex_block_begin(roost_mutex *mutex, int *rc)
{
    return (*rc = roost_mutex_lock(mutex)) == 0 ? mutex : NULL;
}

static inline void roost_mutex_block_cleanup(roost_mutex **mutex)
{
    if (*mutex)
        roost_mutex_unlock(*mutex);
}

#endif
