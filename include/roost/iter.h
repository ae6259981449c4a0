/* roost/iter.h - asynchronous iterators: items one after another, each of which may take time.
 *
 *     int rc = 0;
 *     ROOST_FOREACH(struct record, record, stream_records(&records), rc)
 *         rc = store(&record);
 *
 * An iterator lies in its user's memory and is a table of two functions. Generators and pages
 * (roost/generator.h) are iterators, arrays and channels can be made into some, and stages make new
 * ones of others (roost/iter_stage.h). An iterator serves one task at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_ITER_H
#define ROOST_ITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

typedef struct roost_iter roost_iter;

/* What a kind of iterator is. Yours: put a roost_iter first into a struct, with a table like this.
 * Both functions may suspend. */
typedef struct roost_iter_ops {
    /* 1: an item was written; 0: the end, now and ever after; < 0: a code. */
    int (*next)(roost_iter *iter, void *item);
    int (*close)(roost_iter *iter); /* called once; its code only reports; may be NULL */
} roost_iter_ops;

/* Caller's memory. */
struct roost_iter {
    const roost_iter_ops *ops;
    size_t item_size; /* bytes */
    struct {
        bool open;
    } priv;
};

/* Looks at an item, and may suspend: see roost_iter_each and roost_iter_filter. */
typedef int (*roost_iter_item_fn)(void *arg, const void *item);

/* Items up to this size lie in a stage, or in the frame of roost_iter_each; for larger ones memory
 * is asked for. */
#define ROOST_ITER_ITEM_KEPT 64

ROOST_BEGIN_DECLS

/**
 * roost_iter_init - begin an iterator of a kind of your own.
 *
 *   iter       the caller's memory.
 *   ops        static.
 *   item_size  bytes of an item.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_iter_init(roost_iter *iter, const roost_iter_ops *ops, size_t item_size);

/**
 * roost_iter_next - the next item.
 *
 *   iter      not used by another task meanwhile.
 *   item      receives the item, item_size bytes; written when 1 is returned.
 *
 * Returns 1 with an item, 0 at the end and ever after, and when it is closed.
 *
 * Suspends  as the kind of the iterator and its stages say.
 * Cancel    ROOST_ECANCELED; it can be asked again, and no item is lost unless its kind says so.
 * Errors    what the iterator fails with.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_iter_next(roost_iter *iter, void *item);

/**
 * roost_iter_close - end an iterator: what it still runs is cancelled and joined, its sources are
 * closed. Nothing when it is closed already.
 *
 *   iter      NULL is accepted.
 *
 * Returns 0, or what failed in the closing. It is closed in any case.
 *
 * Suspends  as the kind of the iterator says.
 * Cancel    does not reach it.
 * Threads   tasks.
 */
ROOST_API ROOST_SUSPENDS int roost_iter_close(roost_iter *iter);

/**
 * roost_iter_collect - all items into an array. The iterator is closed afterwards.
 *
 *   iter      taken, whatever the result.
 *   items     written; room for max items. After a failure its contents say nothing.
 *   max       items.
 *   count     receives how many there were; written on success only; may be NULL.
 *
 * Suspends  as the iterator does.
 * Cancel    ROOST_ECANCELED; the iterator is closed.
 * Errors    ROOST_EOVERFLOW  there are more than max (roost_iter_take cuts on purpose);
 *           ROOST_EINVAL  iter or items is NULL; what the iterator fails with, or its closing.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_iter_collect(roost_iter *iter, void *items,
                                                           size_t max, size_t *count);

/**
 * roost_iter_each - call a function with each item: to count, to sum up, to find. The iterator is
 * closed afterwards.
 *
 *   iter      taken, whatever the result.
 *   each      called as each(arg, item): 0 goes on, any other value ends it; may suspend.
 *   arg       lent to each.
 *
 * Returns 0, or what the function ended it with.
 *
 * Suspends  as the iterator and the function do.
 * Cancel    ROOST_ECANCELED; the iterator is closed.
 * Errors    ROOST_ENOMEM  for items of more than 64 bytes; ROOST_EINVAL  iter or each is NULL; the
 *           function's; what the iterator fails with, or its closing.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_iter_each(roost_iter *iter, roost_iter_item_fn each,
                                                        void *arg);

/* What ROOST_FOREACH keeps. All members are private. */
typedef struct roost_iter_walk {
    struct {
        roost_iter *iter;
        int *rc;
    } priv;
} roost_iter_walk;

/* Behind ROOST_FOREACH: the beginning, and the end on whatever path. */
ROOST_API roost_iter_walk roost_iter_walk_begin(roost_iter *iter, size_t item_size, int *rc);
ROOST_API ROOST_SUSPENDS void roost_iter_walk_cleanup(roost_iter_walk *walk);

ROOST_END_DECLS

/* The next item, or false. */
static inline ROOST_SUSPENDS bool roost_iter_walk_next(roost_iter_walk *walk, void *item)
{
    int rc = *walk->priv.rc < 0 ? 0 : roost_iter_next(walk->priv.iter, item);
    if (rc < 0)
        *walk->priv.rc = rc;
    return rc > 0;
}

/* ROOST_FOREACH(type, item, iter, rc) { body }: the body once for each item. rc is an int that
 * exists already, mostly 0: a failure of the iterator ends the loop and is found in it, and the
 * loop ends when the body has set it to a failure. Leaving by any path closes the iterator; if that
 * fails and rc holds no failure, it is in rc as well. */
#define ROOST_FOREACH(type, item, iter, rc)                                                        \
    ROOST_FOREACH_(ROOST_UNIQUE(roost_walk_), type, item, iter, rc)
#define ROOST_FOREACH_(walk, type, item, iter, rc)                                                 \
    for (roost_iter_walk walk                                                                      \
             ROOST_AUTO(iter_walk) = roost_iter_walk_begin((iter), sizeof(type), &(rc)),           \
             *ROOST_JOIN(walk, p) = &walk;                                                         \
         ROOST_JOIN(walk, p); ROOST_JOIN(walk, p) = NULL)                                          \
        for (type item; roost_iter_walk_next(&walk, &item);)

#endif
