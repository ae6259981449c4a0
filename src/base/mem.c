/* base/mem.c - the one door to the heap.
 *
 * The counters are relaxed atomics: they order nothing, they only count. A plan is set while one
 * thread runs (a test's main), so reading it needs no lock.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"

#include <stdlib.h>

#include "base/atomic.h"

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
    if (roosti_atomic_swap(&site->registered, 1, ROOSTI_RELAXED))
        return;
    struct roosti_site *head = roosti_atomic_load(&sites, ROOSTI_RELAXED);
    do
        site->next = head;
    while (!roosti_atomic_cas(&sites, &head, site, ROOSTI_RELEASE));
}

static bool plan_refuses(struct roosti_site *site)
{
    if (!roosti_atomic_load(&site->registered, ROOSTI_RELAXED))
        site_register(site);
    roosti_atomic_add(&site->hits, 1, ROOSTI_RELAXED);
    uint64_t nth = roosti_atomic_add(&request_count, 1, ROOSTI_RELAXED) + 1;
    bool refuse = plan.fail_at != 0 && (nth == plan.fail_at || nth == plan.fail_also_at ||
                                        (plan.fail_after_too && nth > plan.fail_at));
    if (refuse) {
        roosti_atomic_add(&site->failures, 1, ROOSTI_RELAXED);
        roosti_atomic_add(&refused_count, 1, ROOSTI_RELAXED);
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
        roosti_atomic_add(&live_count, 1, ROOSTI_RELAXED);
    return block;
}

void *roosti_alloc_zero_at(struct roosti_site *site, size_t count, size_t size)
{
    if (!roosti_may_take_at(site))
        return NULL;
    void *block = calloc(count, size);
    if (block)
        roosti_atomic_add(&live_count, 1, ROOSTI_RELAXED);
    return block;
}

void *roosti_realloc_at(struct roosti_site *site, void *block, size_t size)
{
    if (!roosti_may_take_at(site))
        return NULL;
    void *moved = realloc(block, size);
    if (moved && !block)
        roosti_atomic_add(&live_count, 1, ROOSTI_RELAXED);
    return moved;
}

void roosti_free(void *block)
{
    if (block)
        roosti_atomic_sub(&live_count, 1, ROOSTI_RELAXED);
    free(block);
}

void roosti_mem_plan_set(const struct roosti_mem_plan *wanted)
{
    plan_active = wanted != NULL;
    plan = wanted ? *wanted : (struct roosti_mem_plan){0};
    roosti_atomic_store(&request_count, 0, ROOSTI_RELAXED);
    roosti_atomic_store(&refused_count, 0, ROOSTI_RELAXED);
}

void roosti_mem_stats_get(struct roosti_mem_stats *stats)
{
    *stats = (struct roosti_mem_stats){
        .requests = roosti_atomic_load(&request_count, ROOSTI_RELAXED),
        .refused = roosti_atomic_load(&refused_count, ROOSTI_RELAXED),
        .live = roosti_atomic_load(&live_count, ROOSTI_RELAXED),
    };
}

const struct roosti_site *roosti_mem_sites(void)
{
    return roosti_atomic_load(&sites, ROOSTI_ACQUIRE);
}
