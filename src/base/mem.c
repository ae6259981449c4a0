/* base/mem.c - the one door to the heap.
 *
 * The counters are relaxed atomics: they order nothing, they only count. A plan is set while one
 * thread runs (a test's main), so reading it needs no lock.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"

#include <stdlib.h>

/* The plan and the sites belong to the process, as the heap they guard does. */
static bool plan_active;
static struct roosti_mem_plan plan;
static uint64_t request_count;
static uint64_t refused_count;
static int64_t live_count;
static struct roosti_site *sites;

/* Sites are only ever added, so a push needs no lock; the exchange lets one thread do it. */
static void site_register(struct roosti_site *site)
{
    if (__atomic_exchange_n(&site->registered, 1, __ATOMIC_RELAXED))
        return;
    struct roosti_site *head = __atomic_load_n(&sites, __ATOMIC_RELAXED);
    do
        site->next = head;
    while (!__atomic_compare_exchange_n(&sites, &head, site, true, __ATOMIC_RELEASE,
                                        __ATOMIC_RELAXED));
}

static bool plan_refuses(struct roosti_site *site)
{
    if (!__atomic_load_n(&site->registered, __ATOMIC_RELAXED))
        site_register(site);
    __atomic_fetch_add(&site->hits, 1, __ATOMIC_RELAXED);
    uint64_t nth = __atomic_add_fetch(&request_count, 1, __ATOMIC_RELAXED);
    bool refuse = plan.fail_at != 0 && (nth == plan.fail_at || nth == plan.fail_also_at ||
                                        (plan.fail_after_too && nth > plan.fail_at));
    if (refuse) {
        __atomic_fetch_add(&site->failures, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&refused_count, 1, __ATOMIC_RELAXED);
    }
    return refuse;
}

bool roosti_may_take_at(struct roosti_site *site)
{
    return __builtin_expect(!plan_active, 1) || !plan_refuses(site);
}

void *roosti_alloc_at(struct roosti_site *site, size_t size)
{
    if (!roosti_may_take_at(site))
        return NULL;
    void *block = malloc(size);
    if (block)
        __atomic_fetch_add(&live_count, 1, __ATOMIC_RELAXED);
    return block;
}

void *roosti_alloc_zero_at(struct roosti_site *site, size_t count, size_t size)
{
    if (!roosti_may_take_at(site))
        return NULL;
    void *block = calloc(count, size);
    if (block)
        __atomic_fetch_add(&live_count, 1, __ATOMIC_RELAXED);
    return block;
}

void *roosti_realloc_at(struct roosti_site *site, void *block, size_t size)
{
    if (!roosti_may_take_at(site))
        return NULL;
    void *moved = realloc(block, size);
    if (moved && !block)
        __atomic_fetch_add(&live_count, 1, __ATOMIC_RELAXED);
    return moved;
}

void roosti_free(void *block)
{
    if (block)
        __atomic_fetch_sub(&live_count, 1, __ATOMIC_RELAXED);
    free(block);
}

void roosti_mem_plan_set(const struct roosti_mem_plan *wanted)
{
    plan_active = wanted != NULL;
    plan = wanted ? *wanted : (struct roosti_mem_plan){0};
    __atomic_store_n(&request_count, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&refused_count, 0, __ATOMIC_RELAXED);
}

void roosti_mem_stats_get(struct roosti_mem_stats *stats)
{
    *stats = (struct roosti_mem_stats){
        .requests = __atomic_load_n(&request_count, __ATOMIC_RELAXED),
        .refused = __atomic_load_n(&refused_count, __ATOMIC_RELAXED),
        .live = __atomic_load_n(&live_count, __ATOMIC_RELAXED),
    };
}

const struct roosti_site *roosti_mem_sites(void)
{
    return __atomic_load_n(&sites, __ATOMIC_ACQUIRE);
}
