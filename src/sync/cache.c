/* sync/cache.c - values by key: one load per key in flight, least recently used out first.
 *
 *   entry     [ head | value, value_size bytes | key ]     one block of memory
 *
 * An entry is in one of two lists: `ready`, the most recently used one last, or `loading`. It is in
 * the table too unless it was forgotten while loading: then it serves those who wait for it and is
 * gone. `loader` is the task that loads, or that has been told to and will run: whoever finds an
 * entry without a value waits, so there is never a second load of it.
 *
 * A closed cache with loads in flight is freed by the last of them.
 *
 * Chains are hashed with a number of the loop's own, so keys from outside cannot be made to meet in
 * one; nothing is ever told in the order of the table.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/cache.h>

#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "rt/loop.h"
#include "rt/waitq.h"

enum {
    CHAINS_FIRST = 16, /* doubled whenever there are as many entries */
    TAKE_OVER = 1      /* what a waiter is woken with who is to load; 0: it has its value */
};

struct entry {
    struct roosti_node node; /* in ready or loading */
    struct entry *chained;
    uint64_t hash;
    roost_time loaded;
    struct roost_task *loader; /* NULL: ready */
    struct roost_impl_waitq waiters;
    uint32_t key_len;
    bool listed; /* in the table */
    _Alignas(max_align_t) unsigned char bytes[];
};

struct roost_cache {
    roost_cache_opts opts;
    struct entry **chains;
    size_t chains_count; /* a power of two */
    size_t listed;
    struct roosti_list ready;
    struct roosti_list loading;
    roost_cache_stats stats;
    uint64_t seed;
    uint32_t loop;
    bool closed;
};

static struct entry *entry_of(struct roosti_node *node)
{
    return roosti_container(node, struct entry, node);
}

/* -- the table --------------------------------------------------------------------------------- */

static uint64_t cache_hash(const roost_cache *cache, const void *key, size_t key_len)
{
    const unsigned char *at = key;
    uint64_t hash = cache->seed ^ key_len;
    uint64_t word;
    for (; key_len >= sizeof word; key_len -= sizeof word, at += sizeof word) {
        memcpy(&word, at, sizeof word);
        hash = roosti_mix(hash ^ word);
    }
    word = 0;
    if (key_len > 0)
        memcpy(&word, at, key_len);
    return roosti_mix(hash ^ word);
}

static struct entry **cache_chain(const roost_cache *cache, uint64_t hash)
{
    return &cache->chains[hash & (cache->chains_count - 1)];
}

static struct entry *cache_find(const roost_cache *cache, uint64_t hash, const void *key,
                                size_t key_len)
{
    struct entry *entry = *cache_chain(cache, hash);
    while (entry &&
           (entry->hash != hash || entry->key_len != key_len ||
            (key_len > 0 && memcmp(entry->bytes + cache->opts.value_size, key, key_len) != 0)))
        entry = entry->chained;
    return entry;
}

static void cache_link(roost_cache *cache, struct entry *entry)
{
    struct entry **chain = cache_chain(cache, entry->hash);
    entry->chained = *chain;
    *chain = entry;
}

/* More chains. Without memory for them the old ones grow longer. */
static void cache_widen(roost_cache *cache)
{
    size_t count = cache->chains_count;
    struct entry **old = cache->chains;
    struct entry **wider = roosti_alloc_zero(count * 2, sizeof(struct entry *), "a cache's chains");
    if (!wider)
        return;
    cache->chains = wider;
    cache->chains_count = count * 2;
    for (size_t i = 0; i < count; i++) {
        struct entry *next;
        for (struct entry *entry = old[i]; entry; entry = next) {
            next = entry->chained;
            cache_link(cache, entry);
        }
    }
    roosti_free(old);
}

static void cache_list(roost_cache *cache, struct entry *entry)
{
    if (cache->listed >= cache->chains_count)
        cache_widen(cache);
    cache_link(cache, entry);
    cache->listed++;
    entry->listed = true;
}

static void cache_unlist(roost_cache *cache, struct entry *entry)
{
    struct entry **link = cache_chain(cache, entry->hash);
    if (!entry->listed)
        return;
    while (*link != entry)
        link = &(*link)->chained;
    *link = entry->chained;
    cache->listed--;
    entry->listed = false;
}

/* -- entries ----------------------------------------------------------------------------------- */

static void entry_drop(roost_cache *cache, struct entry *entry)
{
    if (cache->opts.drop)
        cache->opts.drop(cache->opts.arg, entry->bytes);
    roosti_free(entry);
}

/* Ends one that is ready. */
static void entry_leave(roost_cache *cache, struct entry *entry)
{
    roosti_list_remove(&entry->node);
    cache->stats.entries--;
    cache_unlist(cache, entry);
    entry_drop(cache, entry);
}

/* Ends one that is ready, or lets one that is loading serve those who wait and no others. */
static void entry_forget(roost_cache *cache, struct entry *entry)
{
    if (entry->loader)
        cache_unlist(cache, entry);
    else
        entry_leave(cache, entry);
}

static void entry_copy(const roost_cache *cache, const struct entry *entry, void *value)
{
    if (!value)
        return;
    memcpy(value, entry->bytes, cache->opts.value_size);
    if (cache->opts.copy)
        cache->opts.copy(cache->opts.arg, entry->bytes, value);
}

static void entry_used(roost_cache *cache, struct entry *entry)
{
    roosti_list_remove(&entry->node);
    roosti_list_push(&cache->ready, &entry->node);
}

static bool entry_is_old(const roost_cache *cache, const struct entry *entry)
{
    if (cache->opts.ttl == 0)
        return false;
    /* The clock of a later run may have begun anew. */
    roost_time now = roost_now();
    return now < entry->loaded || now - entry->loaded >= cache->opts.ttl;
}

static struct entry *entry_new(roost_cache *cache, uint64_t hash, const void *key, size_t key_len)
{
    size_t size;
    if (__builtin_add_overflow(sizeof(struct entry) + key_len, cache->opts.value_size, &size))
        return NULL;
    struct entry *entry = roosti_alloc(size, "an entry of a cache");
    if (!entry)
        return NULL;
    *entry = (struct entry){.hash = hash, .key_len = (uint32_t)key_len};
    if (key_len > 0)
        memcpy(entry->bytes + cache->opts.value_size, key, key_len);
    cache_list(cache, entry);
    roosti_list_push(&cache->loading, &entry->node);
    cache->stats.loading++;
    return entry;
}

/* -- loading ----------------------------------------------------------------------------------- */

static void cache_free(roost_cache *cache)
{
    roosti_free(cache->chains);
    roosti_free(cache);
}

/* The load has succeeded: everybody gets the value, and the oldest one makes room for it. */
static void load_done(roost_cache *cache, struct entry *entry)
{
    struct roost_impl_waiter *waiter;
    while ((waiter = roosti_waitq_pop(&entry->waiters)) != NULL) {
        entry_copy(cache, entry, waiter->slot);
        roosti_wake(waiter->task, 0);
    }
    if (!entry->listed) {
        entry_drop(cache, entry);
        return;
    }
    entry->loader = NULL;
    entry->loaded = cache->opts.ttl ? roost_now() : 0;
    roosti_list_push(&cache->ready, &entry->node);
    cache->stats.entries++;
    while (cache->stats.entries > cache->opts.entries_max) {
        cache->stats.evictions++;
        entry_leave(cache, entry_of(roosti_list_first(&cache->ready)));
    }
}

static void load_failed(roost_cache *cache, struct entry *entry, int rc)
{
    cache_unlist(cache, entry);
    while (roosti_waitq_wake(&entry->waiters, rc))
        continue;
    roosti_free(entry);
}

/* The running task loads the entry, unless the cache has been closed. */
static int cache_load(roost_cache *cache, struct entry *entry, struct roost_task *task, void *value)
{
    int rc = ROOST_ECLOSED;
    entry->loader = task;
    if (!cache->closed) {
        cache->stats.loads++;
        memset(entry->bytes, 0, cache->opts.value_size);
        rc = cache->opts.load(cache->opts.arg, entry->bytes + cache->opts.value_size,
                              entry->key_len, entry->bytes);
        cache->stats.failures += rc < 0;
    }
    struct roost_impl_waiter *next =
        rc == ROOST_ECANCELED ? roosti_waitq_pop(&entry->waiters) : NULL;
    if (next) {
        entry->loader = next->task;
        roosti_wake(next->task, TAKE_OVER);
        return rc;
    }
    roosti_list_remove(&entry->node);
    cache->stats.loading--;
    if (rc >= 0) {
        entry_copy(cache, entry, value);
        load_done(cache, entry);
    } else {
        load_failed(cache, entry, rc);
    }
    if (cache->closed && cache->stats.loading == 0)
        cache_free(cache);
    return rc < 0 ? rc : 0;
}

/* Waits for the load of somebody else. */
static int cache_wait(roost_cache *cache, struct entry *entry, struct roost_task *task, void *value)
{
    struct roost_impl_waiter waiter = {.task = task, .slot = value};
    if (roosti_task_depends(entry->loader, task))
        return ROOST_EDEADLK;
    cache->stats.waits++;
    task->wait.whom = &entry->loader;
    int rc = roosti_waitq_park(&entry->waiters, &waiter, roosti_waitq_abort, "load of a cache",
                               &entry->waiters);
    task->wait.whom = NULL;
    return rc == TAKE_OVER ? cache_load(cache, entry, task, value) : rc;
}

/* -- public ------------------------------------------------------------------------------------ */

int roost_cache_open(const roost_cache_opts *opts, roost_cache **ret_cache)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    if (!opts || opts->value_size == 0 || !opts->load || opts->ttl < 0)
        return ROOST_EINVAL;
    roost_cache *cache = roosti_alloc(sizeof *cache, "a cache");
    if (!cache)
        return ROOST_ENOMEM;
    *cache = (roost_cache){.opts = *opts,
                           .chains_count = CHAINS_FIRST,
                           .seed = roosti_loop_random(task->loop),
                           .loop = task->loop->id};
    cache->chains = roosti_alloc_zero(CHAINS_FIRST, sizeof(struct entry *), "a cache's chains");
    if (!cache->chains) {
        roosti_free(cache);
        return ROOST_ENOMEM;
    }
    if (opts->entries_max == 0)
        cache->opts.entries_max = ROOST_CACHE_ENTRIES_DEFAULT;
    roosti_list_init(&cache->ready);
    roosti_list_init(&cache->loading);
    *ret_cache = cache;
    return 0;
}

static void cache_require_here(roost_cache *cache)
{
    struct roosti_loop *loop = roosti_loop_here;
    roosti_require(!loop || roosti_loop_owns(loop, &cache->loop) == 0,
                   "a cache is used on its own loop");
}

void roost_cache_clear(roost_cache *cache)
{
    struct roosti_node *node;
    cache_require_here(cache);
    while ((node = roosti_list_first(&cache->ready)) != NULL)
        entry_leave(cache, entry_of(node));
    for (node = roosti_list_first(&cache->loading); node;
         node = roosti_list_next(&cache->loading, node))
        cache_unlist(cache, entry_of(node));
}

void roost_cache_close(roost_cache *cache)
{
    if (!cache)
        return;
    roost_cache_clear(cache);
    cache->closed = true;
    for (struct roosti_node *node = roosti_list_first(&cache->loading); node;
         node = roosti_list_next(&cache->loading, node))
        while (roosti_waitq_wake(&entry_of(node)->waiters, ROOST_ECLOSED))
            continue;
    if (cache->stats.loading == 0)
        cache_free(cache);
}

int roost_cache_get(roost_cache *cache, const void *key, size_t key_len, void *value)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    int rc = roosti_loop_owns(task->loop, &cache->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(key_len > ROOST_CACHE_KEY_MAX))
        return ROOST_EINVAL;
    rc = roosti_op_begin(task->loop, task);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(cache->closed))
        return ROOST_ECLOSED;
    uint64_t hash = cache_hash(cache, key, key_len);
    struct entry *entry = cache_find(cache, hash, key, key_len);
    if (entry && entry->loader)
        return cache_wait(cache, entry, task, value);
    if (entry && entry_is_old(cache, entry)) {
        cache->stats.expiries++;
        entry_leave(cache, entry);
        entry = NULL;
    }
    if (entry) {
        cache->stats.hits++;
        entry_used(cache, entry);
        entry_copy(cache, entry, value);
        return 0;
    }
    cache->stats.misses++;
    entry = entry_new(cache, hash, key, key_len);
    return entry ? cache_load(cache, entry, task, value) : ROOST_ENOMEM;
}

bool roost_cache_forget(roost_cache *cache, const void *key, size_t key_len)
{
    cache_require_here(cache);
    if (key_len > ROOST_CACHE_KEY_MAX)
        return false;
    struct entry *entry = cache_find(cache, cache_hash(cache, key, key_len), key, key_len);
    if (!entry)
        return false;
    entry_forget(cache, entry);
    return true;
}

void roost_cache_stats_get(roost_cache *cache, roost_cache_stats *stats)
{
    cache_require_here(cache);
    *stats = cache->stats;
}
