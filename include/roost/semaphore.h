/* roost/semaphore.h - semaphores: at most so many at once.
 *
 *     roost_sem slots = ROOST_SEM_INIT(5);
 *
 *     ROOST_PERMIT(&slots, rc)
 *         rc = fetch(url, &page);
 *
 * Permits go to those who wait in the order they came, and straight into their hands: whoever
 * comes later cannot take what was released for another. A request for several permits at the head
 * of the line is not overtaken by smaller ones behind it.
 *
 * Tasks that should be known by name to what limits them borrow from a roost_limiter; calls per
 * second are the business of roost_rate.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SEMAPHORE_H
#define ROOST_SEMAPHORE_H

#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/block.h>
#include <roost/impl/waitq.h>

/* Caller's memory; stays where it is while tasks wait. All members are private. Zeroed, it is
 * unbounded and holds no permits. */
typedef struct roost_sem {
    struct {
        uint32_t permits;
        uint32_t max;     /* most permits it may hold; 0: no bound */
        uint32_t loop_id; /* the loop that uses it; 0: none yet */
        struct roost_impl_waitq waiters;
    } priv;
} roost_sem;

/* An unbounded semaphore that holds so many permits. */
/* clang-format off */
#define ROOST_SEM_INIT(count) {{(count), 0, 0, {0, 0}}}
/* clang-format on */

/* Zero means default. */
typedef struct roost_sem_opts {
    uint32_t max; /* most permits it may hold, more being a mistake; raised to the permits it
                     begins with; 0: no bound */
} roost_sem_opts;

typedef struct roost_sem_stats {
    uint32_t permits; /* that nobody holds */
    uint32_t waiting; /* tasks in line */
} roost_sem_stats;

ROOST_BEGIN_DECLS

/**
 * roost_sem_init - prepare a semaphore. There is nothing to release afterwards.
 *
 *   sem       the caller's memory; taken as raw bytes.
 *   permits   how many it holds to begin with; 0 is allowed.
 *   opts      copied; NULL: unbounded.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_sem_init(roost_sem *sem, uint32_t permits, const roost_sem_opts *opts);

/**
 * roost_sem_acquire - take one permit.
 *
 *   sem       initialised.
 *
 * Suspends  while there is none, or others are in line.
 * Cancel    ROOST_ECANCELED; nothing was taken.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_EXLOOP  the semaphore belongs to another loop.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_sem_acquire(roost_sem *sem);

/**
 * roost_sem_acquire_many - take several permits at once, all or none.
 *
 *   sem       initialised.
 *   count     at least 1.
 *
 * Suspends  while there are fewer, or others are in line.
 * Cancel    ROOST_ECANCELED; nothing was taken, and those behind move up.
 * Errors    ROOST_EINVAL  count is 0, or above the semaphore's bound; those of roost_sem_acquire.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_sem_acquire_many(roost_sem *sem, uint32_t count);

/**
 * roost_sem_try_acquire - take one permit if that needs no waiting. It overtakes nobody.
 *
 *   sem       initialised.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  there is none, or others are in line; ROOST_ENOCTX  no loop runs here;
 *           ROOST_EXLOOP  the semaphore belongs to another loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API ROOST_MUST int roost_sem_try_acquire(roost_sem *sem);

/**
 * roost_sem_try_acquire_many - take several permits if that needs no waiting, all or none.
 *
 *   sem       initialised.
 *   count     at least 1.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  count is 0, or above the semaphore's bound; those of
 *           roost_sem_try_acquire.
 * Threads   tasks and posts of one loop.
 */
ROOST_API ROOST_MUST int roost_sem_try_acquire_many(roost_sem *sem, uint32_t count);

/**
 * roost_sem_release - put one permit there, or give it to whoever waits longest. It need not have
 * been acquired before, and not by this task.
 *
 *   sem       initialised.
 *
 * Returns 0. A failure is a mistake in the program, changes nothing, and is reported at debug
 * level 1.
 *
 * Suspends  never.
 * Errors    ROOST_EOVERFLOW  there would be more permits than the bound, or than UINT32_MAX;
 *           ROOST_ENOCTX  no loop runs here; ROOST_EXLOOP  the semaphore belongs to another loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_sem_release(roost_sem *sem);

/**
 * roost_sem_release_many - put several permits there.
 *
 *   sem       initialised.
 *   count     at least 1.
 *
 * Returns as roost_sem_release does.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  count is 0; those of roost_sem_release.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_sem_release_many(roost_sem *sem, uint32_t count);

/**
 * roost_sem_stats_get - what a semaphore holds and who waits. It counts those who wait.
 *
 *   sem       initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_sem_stats_get(const roost_sem *sem, roost_sem_stats *stats);

ROOST_END_DECLS

/* What the block does at its two ends. */
static inline ROOST_SUSPENDS roost_sem *roost_permit_begin(roost_sem *sem, int *rc)
{
    return (*rc = roost_sem_acquire(sem)) < 0 ? NULL : sem;
}

static inline void roost_permit_cleanup(roost_sem **sem)
{
    if (*sem)
        (void)roost_sem_release(*sem);
}

/* ROOST_PERMIT(sem, rc) { body }: a block that runs with one permit, which is released on whatever
 * path it is left. rc is an int that exists already: it becomes what acquiring came to, and below
 * zero the body does not run; the body may set it. The block is a loop of one turn: a break or
 * continue in it is the block's. */
#define ROOST_PERMIT(sem, rc) ROOST_BLOCK_(ROOST_UNIQUE(roost_permit_), roost_sem, permit, sem, rc)

#endif
