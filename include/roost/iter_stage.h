/* roost/iter_stage.h - stages: iterators made of arrays, channels and other iterators.
 *
 * A stage computes an item when it is asked for one:
 *
 *     roost_iter_stage numbers, even, few;
 *     roost_iter_array(&numbers, values, 100, sizeof values[0]);
 *     roost_iter_filter(&even, &numbers.iter, is_even, NULL);
 *     rc = roost_iter_collect(roost_iter_take(&few, &even.iter, 3), out, 3, &count);
 *
 * Ownership: a stage takes its source. Closing the last stage closes all of them, so only the last
 * one is read and closed.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_ITER_STAGE_H
#define ROOST_ITER_STAGE_H

#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/iter.h>

struct roost_chan;

/* Makes an item, and may suspend: writes *out. 0 or more, or a code, which next returns. */
typedef int (*roost_iter_map_fn)(void *arg, const void *in, void *out);

/* A struct that takes two items, or a number (uint64_t) and an item: ROOST_PAIR. */
typedef struct roost_iter_pair {
    size_t size;
    size_t first_at; /* offsets and sizes of the two members */
    size_t first_size;
    size_t second_at;
    size_t second_size;
} roost_iter_pair;
#define ROOST_PAIR(type, first, second)                                                            \
    (ROOST_LITERAL_(roost_iter_pair){sizeof(type), offsetof(type, first),                          \
                                     sizeof(((type *)NULL)->first), offsetof(type, second),        \
                                     sizeof(((type *)NULL)->second)})

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
 * Returns the stage as an iterator. Its errors: ROOST_EINVAL  the channel's items have another
 * size; those of roost_chan_recv but ROOST_ECLOSED, which is the end.
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
 * sizes; the source's.
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

ROOST_END_DECLS

#endif
