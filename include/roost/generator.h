/* roost/generator.h - generators: an async function that gives many values instead of one; and
 * pages, which are fetched as their items are used.
 *
 *     ROOST_ASYNC(count_to, roost_gen *, gen, int, n)
 *     {
 *         for (int i = 0; i < n; i++) {
 *             ROOST_TRY(roost_sleep(ROOST_MS(100)));
 *             ROOST_TRY(roost_gen_yield(gen, &i));
 *         }
 *         return 0;
 *     }
 *
 *     ROOST_GEN(numbers, int, count_to, 5);
 *     ROOST_FOREACH(int, i, &numbers->iter, rc)
 *         printf("%d\n", i);
 *
 * A generator runs as a task of its own, in a group in the frame of whoever made it: scopes and
 * locks it holds while it waits to be asked are its own, and a deadline around the consumer is one
 * for the generator. It begins when it is first asked, and runs only while it is asked. Closing it,
 * which ROOST_FOREACH does, cancels and joins it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_GENERATOR_H
#define ROOST_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/group.h>
#include <roost/iter.h>

/* Caller's memory, good for one use. */
typedef struct roost_gen {
    roost_iter iter; /* the consumer's side */
    struct {
        roost_call call;             /* what it runs */
        struct roosti_env *env;      /* task-locals of its maker, until it has begun */
        struct roost_task *maker;    /* whose scope the group is; NULL: made outside a task */
        struct roost_task *task;     /* the generator's, from the first demand to its end */
        struct roost_task *consumer; /* in next until it has an item, or waits for the end */
        void *wanted;                /* where the consumer takes the item */
        const void *offered; /* an item nobody has asked for yet, in the generator's frame */
        bool waiting;        /* the generator is parked until it is asked */
        bool over;           /* it has returned, or was closed */
        int rc;              /* it cannot begin: what next returns */
        roost_group group;
    } priv;
} roost_gen;

/* One page, while it is being fetched. */
typedef struct roost_page {
    uint64_t number; /* of pages before it */
    void *token;     /* where it begins: what the last fetch left here, zeroed for the first */
    void *items;     /* written; room for max items */
    size_t max;
    bool last; /* set: no page comes after this one. A page without items is the last too */
} roost_page;

/* Fetches a page, and may suspend. Returns how many items it has written, or a code. On success
 * page->token says where the next page begins. */
typedef int (*roost_page_fn)(void *arg, roost_page *page);

/* Zero means default. */
typedef struct roost_page_opts {
    size_t page_items; /* most items of a page; default 100 */
    size_t token_size; /* bytes of a token; default 64 */
    uint32_t prefetch; /* pages fetched ahead by a task of its own, at most 64; default 0: none */
} roost_page_opts;

/* Caller's memory, good for one use. */
typedef struct roost_pages {
    roost_iter iter; /* the items */
    struct {
        roost_page_fn fetch;
        void *arg;
        size_t page_items;
        size_t token_size;
        uint32_t prefetch;
        int rc;                             /* the options are out of range */
        struct roost_impl_page_slot *slots; /* prefetch + 1, from the first demand on */
        char *tokens;                       /* of the next page to fetch, and room for another */
        uint64_t fetched;                   /* pages */
        uint64_t begun;                     /* pages whose items the consumer has come to */
        size_t at;                          /* items taken of the page it is at */
        struct roost_task *user;            /* in next */
        struct roost_task *consumer;        /* parked until a page is there */
        struct roost_task *fetcher;         /* parked until a slot is free */
        bool over;                          /* nothing more is fetched */
        roost_gen ahead;                    /* the task that fetches ahead */
    } priv;
} roost_pages;

ROOST_BEGIN_DECLS

/**
 * roost_gen_open - make a generator; ROOST_GEN does, and closes it at the end of the block.
 *
 *   gen        the caller's memory, taken as raw bytes; must stay where it is until ended.
 *   item_size  bytes of an item.
 *   call       its function's first parameter is `gen`; the block of arguments is lent until the
 *              first item is there.
 *
 * It sees the task-locals of this moment.
 *
 * Returns gen. Next fails with ROOST_ENOSTACK, ROOST_ENOMEM  when it cannot begin, and may be
 * called again; ROOST_ENOCTX  when it was made outside a task; ROOST_EXLOOP  on another loop;
 * ROOST_EBUSY while another task waits for the next item; ROOST_EDEADLK  from the generator itself;
 * and once with what the generator's function failed with.
 *
 * Suspends  never.
 * Threads   tasks.
 */
ROOST_API roost_gen *roost_gen_open(roost_gen *gen, size_t item_size, roost_call call);

/**
 * roost_gen_yield - hand an item to the consumer, and wait until it asks for another.
 *
 *   gen       the one this task runs for.
 *   item      copied, iter.item_size bytes; lent while the call waits.
 *
 * Suspends  until the consumer asks for the next item.
 * Cancel    ROOST_ECANCELED; the consumer has closed the generator, or what it stands in was
 *           cancelled.
 * Errors    ROOST_EPERM  not the generator's task; ROOST_ENOCTX  not in a task.
 * Threads   the generator's task.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_gen_yield(roost_gen *gen, const void *item);

/**
 * roost_gen_end - close a generator and leave its group.
 *
 *   gen       made; ended before: nothing. The running task's innermost scope is its group's, when
 *             the iterator has not been closed.
 *
 * Returns 0, or what the generator's clean-up failed with.
 *
 * Suspends  until the generator has returned.
 * Cancel    does not reach it.
 * Errors    ROOST_EMISNEST  not innermost, or not by the task that made it; ROOST_EBUSY  a task
 *           waits for its next item. Nothing is changed.
 * Threads   the task that made it.
 */
ROOST_API ROOST_SUSPENDS int roost_gen_end(roost_gen *gen);

/**
 * roost_gen_cleanup - roost_gen_end on whatever path a block is left.
 *
 *   gen       made.
 *
 * Suspends  until the generator has returned.
 * Cancel    does not reach it.
 * Threads   the task that made it.
 */
ROOST_API ROOST_SUSPENDS void roost_gen_cleanup(roost_gen *gen);

/**
 * roost_paginate - the items of pages that are fetched one after another, as they are needed or a
 * bounded number of pages ahead. ROOST_PAGINATE does, and ends it with the block.
 *
 *   pages      the caller's memory, taken as raw bytes; must stay where it is until ended.
 *   item_size  bytes of an item.
 *   opts       copied; NULL for defaults.
 *   fetch      called as fetch(arg, page), one call at a time; an async function may be used.
 *   arg        lent to fetch.
 *
 * Returns pages. Next gives the items in order; it fails with ROOST_ENOMEM; ROOST_EINVAL  when the
 * options are out of range or a fetch claims more items than there is room for; ROOST_EBUSY  while
 * another task asks; ROOST_EDEADLK  from the fetch itself; and with what the
 * fetch failed with, after the items before it. Without prefetch, asking again then fetches the
 * same page again; with prefetch, the iteration is over.
 *
 * Suspends  never.
 * Threads   tasks.
 */
ROOST_API roost_pages *roost_paginate(roost_pages *pages, size_t item_size,
                                      const roost_page_opts *opts, roost_page_fn fetch, void *arg);

/**
 * roost_pages_end - close the iterator: a fetch under way is cancelled and joined.
 *
 *   pages     made; ended before: nothing.
 *
 * Returns 0, or what the clean-up of a fetch failed with.
 *
 * Suspends  until a fetch ahead has returned.
 * Cancel    does not reach it.
 * Errors    ROOST_EMISNEST  as roost_gen_end, with prefetch; ROOST_EBUSY  a task waits for the next
 *           item; ROOST_EDEADLK  from the fetch itself. Nothing is changed.
 * Threads   the task that made it.
 */
ROOST_API ROOST_SUSPENDS int roost_pages_end(roost_pages *pages);

/**
 * roost_pages_cleanup - roost_pages_end on whatever path a block is left.
 *
 *   pages     made.
 *
 * Suspends  until a fetch ahead has returned.
 * Cancel    does not reach it.
 * Threads   the task that made it.
 */
ROOST_API ROOST_SUSPENDS void roost_pages_cleanup(roost_pages *pages);

ROOST_END_DECLS

/* ROOST_GEN(name, type, function, args...): declares `name`, a pointer to a generator of items of
 * this type that runs function(name, args...). It ends with the block it stands in, whatever path
 * leaves it. Both macros are several declarations. */
#define ROOST_GEN(name, type, ...)                                                                 \
    ROOST_GEN_(ROOST_UNIQUE(roost_gen_), name, sizeof(type), __VA_ARGS__, )
#define ROOST_GEN_(object, name, item_size, function, ...)                                         \
    roost_gen object;                                                                              \
    const struct roost_args_##function ROOST_JOIN(object, args) = {&roost_info_##function,         \
                                                                   &object, __VA_ARGS__};          \
    roost_gen *const name ROOST_AUTO(gen_block) = roost_gen_open(                                  \
        &object, (item_size), roost_impl_call(&ROOST_JOIN(object, args).roost_info))

/* ROOST_PAGINATE(name, type, opts, fetch, arg): declares `name`, a pointer to the items of this
 * type that fetch(arg, page) gets. It ends with the block it stands in. */
#define ROOST_PAGINATE(name, type, opts, fetch, arg)                                               \
    ROOST_PAGINATE_(ROOST_UNIQUE(roost_pages_), name, sizeof(type), opts, fetch, arg)
#define ROOST_PAGINATE_(object, name, item_size, opts, fetch, arg)                                 \
    roost_pages object;                                                                            \
    roost_pages *const name ROOST_AUTO(pages_block) =                                              \
        roost_paginate(&object, (item_size), (opts), (fetch), (arg))

/* For the two: their clean-up begins when they are made, so their arguments may return. */
static inline ROOST_SUSPENDS void roost_gen_block_cleanup(roost_gen *const *gen)
{
    roost_gen_cleanup(*gen);
}

static inline ROOST_SUSPENDS void roost_pages_block_cleanup(roost_pages *const *pages)
{
    roost_pages_cleanup(*pages);
}

#endif
