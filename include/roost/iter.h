/* roost/iter.h - asynchronous iterators: items one after another, each of which may take time.
 *
 *     int rc = 0;
 *     ROOST_FOREACH(struct record, record, stream_records(&records), rc)
 *         rc = store(&record);
 *
 * An iterator lies in its user's memory and is a table of two functions. Generators and pages
 * (roost/generator.h) are iterators; stages make new ones of others, computed as they are asked:
 *
 *     roost_iter_stage numbers, even, few;
 *     roost_iter_array(&numbers, values, 100, sizeof values[0]);
 *     roost_iter_filter(&even, &numbers.iter, is_even, NULL);
 *     rc = roost_iter_collect(roost_iter_take(&few, &even.iter, 3), out, 3, &count);
 *
 * Ownership: a stage takes its source. Closing the last stage closes all of them, so only the last
 * one is read and closed. An iterator serves one task at a time.
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

struct roost_chan;

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

/* Makes an item, and may suspend: writes *out. 0 or more, or a code, which next returns. */
typedef int (*roost_iter_map_fn)(void *arg, const void *in, void *out);
/* Judges an item, and may suspend: see filter and each. */
typedef int (*roost_iter_item_fn)(void *arg, const void *item);

/* A struct that takes two items, or a number (uint64_t) and an item: ROOST_PAIR. */
typedef struct roost_iter_pair {
    size_t size;
    size_t first_at; /* offsets and sizes of the two members */
    size_t first_size;
    size_t second_at;
    size_t second_size;
} roost_iter_pair;
#define ROOST_PAIR(type, first, second)                                                            \
    ((roost_iter_pair){sizeof(type), offsetof(type, first), sizeof(((type *)NULL)->first),         \
                       offsetof(type, second), sizeof(((type *)NULL)->second)})
/* Items up to this size lie in a stage itself; for larger ones it allocates once, when asked. */
#define ROOST_ITER_ITEM_KEPT 64
/* One step of a composition, in the caller's memory until it is closed. */
typedef struct roost_iter_stage {
    roost_iter iter;
    struct {
        roost_iter *source; /* taken */
        roost_iter *second; /* of a chain or zip; taken */
        union {
            roost_iter_map_fn map;
            roost_iter_item_fn test;
            const char *items; /* of an array, those to come */
        } from;
        void *arg;
        uint64_t count; /* items to come, to pass over, given, or held in scratch */
        roost_iter_pair pair;
        void *scratch; /* an item of the source; NULL: none needed yet */
        int rc;        /* the composition is impossible: what next returns */
        char kept[ROOST_ITER_ITEM_KEPT] __attribute__((aligned(16)));
    } priv;
} roost_iter_stage;

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
 * roost_iter_array - the items of an array.
 *
 *   stage      the caller's memory.
 *   items      lent until closed.
 *   count      items.
 *   item_size  bytes of one.
 *
 * Returns the stage as an iterator, which never suspends.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_array(roost_iter_stage *stage, const void *items, size_t count,
                                       size_t item_size);

/**
 * roost_iter_chan - what a channel receives, until its last sender has closed.
 *
 *   stage      the caller's memory.
 *   ch         an end that can receive, taken: it is closed with the iterator.
 *   item_size  bytes of the channel's items.
 *
 * Returns the stage as an iterator. Its errors: those of roost_chan_recv but ROOST_ECLOSED, which
 * is the end.
 *
 * Suspends  never; the iterator until there is an item.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_chan(roost_iter_stage *stage, struct roost_chan *ch,
                                      size_t item_size);

/**
 * roost_iter_map - what a function makes of each item.
 *
 * A call that fails has used its item up; one that is cancelled is made again with the same item.
 *
 *   stage      the caller's memory.
 *   source     taken.
 *   item_size  bytes of what it makes.
 *   map        called as map(arg, in, out); an async function may be used.
 *   arg        lent to map.
 *
 * Returns the stage as an iterator. Its errors: ROOST_ENOMEM; the function's; the source's.
 *
 * Suspends  never; the iterator does as the source and the function do.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_map(roost_iter_stage *stage, roost_iter *source, size_t item_size,
                                     roost_iter_map_fn map, void *arg);

/**
 * roost_iter_filter - the items that a function keeps.
 *
 * A call that fails has used its item up; one that is cancelled is made again with the same item.
 *
 *   stage     the caller's memory.
 *   source    taken.
 *   test      called as test(arg, item): 1 keeps it, 0 drops it; an async function may be used.
 *   arg       lent to test.
 *
 * Returns the stage as an iterator. Its errors: ROOST_ENOMEM; the function's; the source's.
 *
 * Suspends  never; the iterator does as the source and the function do.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_filter(roost_iter_stage *stage, roost_iter *source,
                                        roost_iter_item_fn test, void *arg);

/**
 * roost_iter_take - the first items. The source is not asked for more.
 *
 *   stage     the caller's memory.
 *   source    taken.
 *   count     items at most.
 *
 * Returns the stage as an iterator.
 *
 * Suspends  never; the iterator does as the source does.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_take(roost_iter_stage *stage, roost_iter *source, uint64_t count);

/**
 * roost_iter_skip - all but the first items.
 *
 *   stage     the caller's memory.
 *   source    taken.
 *   count     items passed over.
 *
 * Returns the stage as an iterator. Its errors: ROOST_ENOMEM; the source's.
 *
 * Suspends  never; the iterator does as the source does.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_skip(roost_iter_stage *stage, roost_iter *source, uint64_t count);

/**
 * roost_iter_enumerate - the items with their numbers.
 *
 *   stage     the caller's memory.
 *   source    taken.
 *   pair      ROOST_PAIR(struct, number, item): the number is a uint64_t, the item the source's.
 *   start     the first number.
 *
 * Returns the stage as an iterator of that struct. Its errors: ROOST_EINVAL  the members have other
 * sizes; ROOST_ENOMEM; the source's.
 *
 * Suspends  never; the iterator does as the source does.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_enumerate(roost_iter_stage *stage, roost_iter *source,
                                           roost_iter_pair pair, uint64_t start);

/**
 * roost_iter_zip - the items of two iterators in pairs, until one of them ends.
 *
 *   stage     the caller's memory.
 *   first     taken.
 *   second    taken; closed before the first.
 *   pair      ROOST_PAIR(struct, one, other).
 *
 * Returns the stage as an iterator of that struct. Its errors: ROOST_EINVAL  the members have other
 * sizes; ROOST_ENOMEM; the sources'.
 *
 * Suspends  never; the iterator does as the sources do.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_zip(roost_iter_stage *stage, roost_iter *first, roost_iter *second,
                                     roost_iter_pair pair);

/**
 * roost_iter_chain - the items of one iterator, then those of another.
 *
 *   stage     the caller's memory.
 *   first     taken; closed when it has ended.
 *   second    taken; its items have the same size.
 *
 * Returns the stage as an iterator. Its errors: ROOST_EINVAL  items of other sizes; the sources'.
 *
 * Suspends  never; the iterator does as the sources do.
 * Threads   any.
 */
ROOST_API roost_iter *roost_iter_chain(roost_iter_stage *stage, roost_iter *first,
                                       roost_iter *second);

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
 * Errors    ROOST_EOVERFLOW  there are more than max (roost_iter_take cuts on purpose); what the
 *           iterator fails with, or its closing.
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
 * Errors    ROOST_ENOMEM  for items of more than 64 bytes; the function's; what the iterator fails
 *           with, or its closing.
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
