/* roost/rwlock.h - reader-writer locks between the tasks of one loop.
 *
 * One writer or any number of readers, strictly in order of arrival: a reader that comes while a
 * writer waits stands behind it, and when a writer leaves, all readers first in line enter
 * together. Who reads is counted, not known: a reader must not ask for the lock again, and one that
 * ends without unlocking is not noticed. For the rest as mutexes (roost/lock.h).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RWLOCK_H
#define ROOST_RWLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/block.h>
#include <roost/impl/held.h>
#include <roost/impl/waitq.h>

/* All members are private. */
typedef struct roost_rwlock {
    struct {
        struct roost_task *writer;
        struct roost_impl_held held; /* in the writer's list */
        struct roost_impl_waitq waiters;
        uint32_t readers;
        uint32_t loop_id;
        bool abandoned; /* a writer ended without unlocking it */
    } priv;
} roost_rwlock;
/* clang-format off */
#define ROOST_RWLOCK_INIT {{0, {0, 0}, {0, 0}, 0, 0, 0}}
/* clang-format on */

typedef struct roost_rwlock_stats {
    uint64_t writer_id; /* the task that holds it for writing; 0: none */
    uint32_t readers;   /* that hold it */
    uint32_t readers_waiting;
    uint32_t writers_waiting;
    bool abandoned;
} roost_rwlock_stats;

ROOST_BEGIN_DECLS

/**
 * roost_rwlock_init - make a lock free, also one whose writer ended without unlocking it.
 *
 *   rwlock    the caller's memory, taken as raw bytes; neither held nor awaited.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API void roost_rwlock_init(roost_rwlock *rwlock);

/**
 * roost_rwlock_read_lock - hold the lock beside other readers. See ROOST_READ_LOCK.
 *
 *   rwlock    zeroed or initialised.
 *
 * Suspends  while a writer holds it or waits, or to give way.
 * Cancel    ROOST_ECANCELED; the lock is not held.
 * Errors    ROOST_EDEADLK     the task holds it for writing, or its writer waits for this task;
 *           ROOST_EOWNERDEAD  a writer ended without unlocking it;
 *           ROOST_EXLOOP      tasks of another loop use it; ROOST_ENOCTX  not in a task.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_rwlock_read_lock(roost_rwlock *rwlock);

/**
 * roost_rwlock_write_lock - hold the lock alone. See ROOST_WRITE_LOCK.
 *
 *   rwlock    zeroed or initialised; not held by the task for reading.
 *
 * Suspends  while others hold it, or to give way.
 * Cancel    ROOST_ECANCELED; the lock is not held, and readers behind the task are let in.
 * Errors    those of roost_rwlock_read_lock.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_rwlock_write_lock(roost_rwlock *rwlock);

/**
 * roost_rwlock_try_read_lock - hold the lock for reading if that takes no waiting.
 *
 *   rwlock    zeroed or initialised.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN   a writer holds it or somebody waits;
 *           ROOST_EDEADLK  the task holds it for writing;
 *           ROOST_EOWNERDEAD, ROOST_EXLOOP, ROOST_ENOCTX  as for roost_rwlock_read_lock.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST int roost_rwlock_try_read_lock(roost_rwlock *rwlock);

/**
 * roost_rwlock_try_write_lock - hold the lock alone if it is free.
 *
 *   rwlock    zeroed or initialised.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  others hold it; those of roost_rwlock_try_read_lock.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST int roost_rwlock_try_write_lock(roost_rwlock *rwlock);

/**
 * roost_rwlock_read_unlock - let go of the lock held for reading.
 *
 *   rwlock    held by the running task for reading.
 *
 * Suspends  never.
 * Errors    ROOST_EPERM  no reader holds it; ROOST_EXLOOP, ROOST_ENOCTX  as for
 *           roost_rwlock_read_lock.
 * Threads   the task that holds it.
 */
ROOST_API int roost_rwlock_read_unlock(roost_rwlock *rwlock);

/**
 * roost_rwlock_write_unlock - let go of the lock held for writing.
 *
 *   rwlock    held by the running task for writing.
 *
 * Suspends  never.
 * Errors    ROOST_EPERM  the running task is not its writer; ROOST_EOWNERDEAD, ROOST_EXLOOP,
 *           ROOST_ENOCTX  as for roost_rwlock_read_lock.
 * Threads   the task that holds it.
 */
ROOST_API int roost_rwlock_write_unlock(roost_rwlock *rwlock);

/**
 * roost_rwlock_downgrade - go on as a reader; readers first in line come in as well.
 *
 *   rwlock    held by the running task for writing; to be let go by roost_rwlock_read_unlock.
 *
 * Suspends  never.
 * Errors    those of roost_rwlock_write_unlock.
 * Threads   the task that holds it.
 */
ROOST_API int roost_rwlock_downgrade(roost_rwlock *rwlock);

/**
 * roost_rwlock_stats_get - who holds a lock, and who waits.
 *
 *   rwlock    zeroed or initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_rwlock_stats_get(const roost_rwlock *rwlock, roost_rwlock_stats *stats);

ROOST_END_DECLS

/* ROOST_READ_LOCK(&rwlock, rc) { body } and ROOST_WRITE_LOCK(&rwlock, rc) { body }: blocks that
 * hold the lock, as ROOST_LOCK holds a mutex. */
#define ROOST_READ_LOCK(rwlock, rc)                                                                \
    ROOST_BLOCK_(ROOST_UNIQUE(roost_lock_), roost_rwlock, read_block, rwlock, rc)
#define ROOST_WRITE_LOCK(rwlock, rc)                                                               \
    ROOST_BLOCK_(ROOST_UNIQUE(roost_lock_), roost_rwlock, write_block, rwlock, rc)

/* What the blocks do at their two ends. */
static inline ROOST_SUSPENDS roost_rwlock *roost_read_block_begin(roost_rwlock *rwlock, int *rc)
{
    return (*rc = roost_rwlock_read_lock(rwlock)) == 0 ? rwlock : NULL;
}

static inline void roost_read_block_cleanup(roost_rwlock **rwlock)
{
    if (*rwlock)
        roost_rwlock_read_unlock(*rwlock);
}

static inline ROOST_SUSPENDS roost_rwlock *roost_write_block_begin(roost_rwlock *rwlock, int *rc)
{
    return (*rc = roost_rwlock_write_lock(rwlock)) == 0 ? rwlock : NULL;
}

static inline void roost_write_block_cleanup(roost_rwlock **rwlock)
{
    if (*rwlock)
        roost_rwlock_write_unlock(*rwlock);
}

#endif
