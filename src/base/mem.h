/* base/mem.h - the one door to the heap, and to every other resource that can run out.
 *
 * Each call site has a record, so that a test can fail the k-th request of a run and prove that all
 * sites have failed at least once. Things that are not heap memory (a stack, a ring, a thread, a
 * mapping) ask roosti_may_take first. In production a request costs one predictable branch more
 * than malloc.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_BASE_MEM_H
#define ROOST_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One place that asks for a resource. Sites register themselves while a plan is active. */
struct roosti_site {
    const char *file;
    const char *function;
    int line;
    const char *what;         /* what is being asked for, for the error text */
    uint64_t hits;            /* requests seen while a plan was active */
    uint64_t failures;        /* of those, refused */
    struct roosti_site *next; /* registered sites */
    int registered;
};

/* How to fail requests, counted over the whole process from the moment the plan is set. */
struct roosti_mem_plan {
    uint64_t fail_at;      /* the request that fails, from 1; 0: none */
    bool fail_after_too;   /* and all later ones */
    uint64_t fail_also_at; /* and this one; 0: none */
};

struct roosti_mem_stats {
    uint64_t requests; /* seen since the plan was set */
    uint64_t refused;
    int64_t live; /* blocks handed out by roosti_alloc and not yet freed, process-wide */
};

void *roosti_alloc_at(struct roosti_site *site, size_t size);
void *roosti_alloc_zero_at(struct roosti_site *site, size_t count, size_t size);
void *roosti_realloc_at(struct roosti_site *site, void *block, size_t size);
bool roosti_may_take_at(struct roosti_site *site);

/* Accepts NULL. */
void roosti_free(void *block);

/* Starts (plan) or stops (NULL) counting and refusing. Not while other threads allocate. */
void roosti_mem_plan_set(const struct roosti_mem_plan *plan);
void roosti_mem_stats_get(struct roosti_mem_stats *stats);

/* The registered sites, newest first; for the report of an out-of-memory torture. */
const struct roosti_site *roosti_mem_sites(void);

#define ROOSTI_SITE_(what_text)                                                                    \
    static struct roosti_site site_ = {                                                            \
        .file = __FILE__, .function = __func__, .line = __LINE__, .what = (what_text)}

/* NULL when there is no memory. what: a noun phrase for the report, such as "task locals". */
#define roosti_alloc(size, what)                                                                   \
    __extension__({                                                                                \
        ROOSTI_SITE_(what);                                                                        \
        roosti_alloc_at(&site_, (size));                                                           \
    })
#define roosti_alloc_zero(count, size, what)                                                       \
    __extension__({                                                                                \
        ROOSTI_SITE_(what);                                                                        \
        roosti_alloc_zero_at(&site_, (count), (size));                                             \
    })
#define roosti_realloc(block, size, what)                                                          \
    __extension__({                                                                                \
        ROOSTI_SITE_(what);                                                                        \
        roosti_realloc_at(&site_, (block), (size));                                                \
    })

/* False when a plan refuses: the caller then behaves as if the kernel had said ENOMEM. */
#define roosti_may_take(what)                                                                      \
    __extension__({                                                                                \
        ROOSTI_SITE_(what);                                                                        \
        roosti_may_take_at(&site_);                                                                \
    })

#endif
