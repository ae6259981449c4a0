/* roost/cache.h - caches: values by key, loaded once however many ask.
 *
 *     static int load_user(void *arg, const void *key, size_t key_len, void *value)
 *     {
 *         return query_user(arg, *(const int *)key, value);      it may suspend
 *     }
 *
 *     roost_cache_opts opts = {.value_size = sizeof(struct user), .ttl = ROOST_MIN(5),
 *                              .load = load_user, .arg = db};
 *     ROOST_TRY(roost_cache_open(&opts, &users));
 *     ...
 *     ROOST_TRY(roost_cache_get(users, &id, sizeof id, &user));
 *
 * While a value is being loaded, others who ask for it wait for that one load. A load that fails is
 * not kept, and its failure is told to all who waited for it; when the task that loads is
 * cancelled, one of those who wait loads in its place. Of the values that are there, the one asked
 * for longest ago makes room for a new one.
 *
 * Values are plain bytes, copied out. When they point to memory of their own, give `copy`, which
 * makes a caller's value one of its own (takes a reference, or copies deeply), and `drop`, which
 * ends the cache's. Without `copy`, what a value points to is there until its entry leaves the
 * cache: perhaps no longer than until the caller suspends next, or asks the cache again.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_CACHE_H
#define ROOST_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/time.h>

/* Most bytes of a key, and how many entries a cache keeps unless it is told. */
#define ROOST_CACHE_KEY_MAX 65535
#define ROOST_CACHE_ENTRIES_DEFAULT 1024

typedef struct roost_cache roost_cache;

/* Zero means default, but for value_size and load. */
typedef struct roost_cache_opts {
    size_t value_size;    /* bytes of a value, at least 1 */
    uint32_t entries_max; /* most values kept; those being loaded come on top, one for each task
                             that loads; default ROOST_CACHE_ENTRIES_DEFAULT */
    roost_dur ttl;        /* nanoseconds a value is good for once loaded; default: for ever */
    /* Makes the value of a key: writes it to value, zeroed and aligned for anything, and returns
     * zero or more; or returns a code and leaves nothing there. Runs in a task that asked; may
     * suspend, and ask the cache for other keys. The key is the cache's own copy. */
    int (*load)(void *arg, const void *key, size_t key_len, void *value);
    /* Writes to out what the caller gets, at first a copy of the bytes. Neither suspends nor uses
     * the cache. NULL: the bytes alone. */
    void (*copy)(void *arg, const void *value, void *out);
    /* A value leaves the cache. Neither suspends nor uses the cache. NULL: nothing to do. */
    void (*drop)(void *arg, void *value);
    void *arg; /* lent to the three */
} roost_cache_opts;

typedef struct roost_cache_stats {
    uint64_t hits;      /* asked for and there */
    uint64_t misses;    /* asked for, and neither there nor being loaded */
    uint64_t waits;     /* asked for while it was being loaded */
    uint64_t loads;     /* begun */
    uint64_t failures;  /* loads that ended with a code, cancelled ones included */
    uint64_t evictions; /* values that left to make room */
    uint64_t expiries;  /* values found too old */
    uint32_t entries;   /* values there, old ones included */
    uint32_t loading;   /* being loaded */
} roost_cache_stats;

ROOST_BEGIN_DECLS

/**
 * roost_cache_open - an empty cache.
 *
 *   opts      copied.
 *   cache     gives one, release with roost_cache_close; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  no value_size or no load, or a negative ttl; ROOST_ENOMEM; ROOST_ENOCTX
 *           not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_cache_open(const roost_cache_opts *opts, roost_cache **cache);

/**
 * roost_cache_close - drop every value and free the cache.
 *
 *   cache     taken; NULL is accepted. Nobody asks it any more. Tasks that wait for a load get
 *             ROOST_ECLOSED; one that loads goes on, keeps its value and ends the cache, so what
 *             `load`, `copy` and `drop` use must last until then.
 *
 * Suspends  never.
 * Threads   tasks and posts of its loop; any after its run.
 */
ROOST_API void roost_cache_close(roost_cache *cache);

/* For ROOST_AUTO(cache). */
static inline void roost_cache_cleanup(roost_cache **cache)
{
    roost_cache_close(*cache);
}

/**
 * roost_cache_get - the value of a key, loaded if it is not there.
 *
 *   cache     open.
 *   key       borrowed; equal keys are equal bytes.
 *   key_len   bytes, at most ROOST_CACHE_KEY_MAX; may be 0.
 *   value     receives value_size bytes; written on success only. NULL: only see to it that the
 *             value is there.
 *
 * Suspends  as the load does, or until somebody else's load of this key is over; not when the value
 *           is there.
 * Cancel    ROOST_ECANCELED; a load of one's own is begun anew by somebody who waits for it.
 * Errors    ROOST_ENOMEM; ROOST_EINVAL  the key is too long; ROOST_EDEADLK  whoever loads it
 *           waits for this task, or is it; ROOST_ECLOSED  closed meanwhile; ROOST_ENOCTX  not in a
 *           task; ROOST_EXLOOP  the cache belongs to another loop; those of the load.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_cache_get(roost_cache *cache, const void *key,
                                                        size_t key_len, void *value);

/**
 * roost_cache_forget - drop the value of a key. One that is being loaded reaches those who have
 * asked for it, and is dropped then; who asks from now on begins a load of its own.
 *
 *   cache     open.
 *   key       borrowed.
 *   key_len   bytes.
 *
 * Returns whether there was a value, or one was being loaded.
 *
 * Suspends  never.
 * Threads   tasks and posts of its loop.
 */
ROOST_API bool roost_cache_forget(roost_cache *cache, const void *key, size_t key_len);

/**
 * roost_cache_clear - forget every key.
 *
 *   cache     open.
 *
 * Suspends  never.
 * Threads   tasks and posts of its loop.
 */
ROOST_API void roost_cache_clear(roost_cache *cache);

/**
 * roost_cache_stats_get - the counters of a cache.
 *
 *   cache     open.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of its loop.
 */
ROOST_API void roost_cache_stats_get(roost_cache *cache, roost_cache_stats *stats);

ROOST_END_DECLS

#endif
