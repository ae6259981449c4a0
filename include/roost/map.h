/* roost/map.h - one function over many items, so many at a time.
 *
 *     ROOST_ASYNC(fetch_one, const char *, url, struct page *, out) { ... }
 *
 *     rc = roost_map(fetch_one, urls, n, pages, &(roost_map_opts){.limit = 10});
 *
 * A call is made when there is room for it, so a million items take the stacks of `limit` tasks.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_MAP_H
#define ROOST_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/group.h>
#include <roost/impl/crew.h>

/* Calls at once when the options say nothing. */
#define ROOST_MAP_LIMIT 16
#define ROOST_MAP_UNLIMITED UINT32_MAX

/* Zero means default. */
typedef struct roost_map_opts {
    uint32_t limit; /* most calls at once; default ROOST_MAP_LIMIT, or all of a batch;
                       ROOST_MAP_UNLIMITED: all items */
    uint32_t batch; /* so many calls, then wait for all of them; 0: a call begins when one ends */
    enum roost_group_policy policy; /* ROOST_FAIL_FAST; or ROOST_COLLECT: failures are results */
    int *codes;                     /* n codes, in the order of the items; NULL: not wanted */
    roost_errors *errors;           /* receives the failures with their trails; NULL: codes only */
    const char *label;              /* static; for reports; default "map" */
} roost_map_opts;

ROOST_BEGIN_DECLS

/* Behind roost_map and ROOST_MAP: a fan is opened, asked for the number of the next call while
 * there is one, given that call, and ended. */
ROOST_API void roost_map_begin(struct roost_impl_fan *fan, size_t block_size, size_t block_align,
                               size_t args_offset, size_t n, const roost_map_opts *opts);
ROOST_API ROOST_MUST ROOST_SUSPENDS bool roost_map_next(struct roost_impl_fan *fan, size_t *index);
ROOST_API ROOST_SUSPENDS void roost_map_go(struct roost_impl_fan *fan,
                                           struct roost_impl_seat *seat);
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_map_end(struct roost_impl_fan *fan);
/* An argument returned from the function: the calls are cancelled and waited for. */
ROOST_API ROOST_SUSPENDS void roost_map_cleanup(struct roost_impl_fan *fan);

ROOST_END_DECLS

/* roost_map(function, items, n, results [, opts]): calls function(items[i], &results[i]) for each i
 * from 0 to n - 1, in tasks of their own, and waits for all of them. Its value is an int:
 *
 *   ROOST_FAIL_FAST  0, or the first failure, when the other calls have been cancelled and have
 *                    ended and no further one was begun;
 *   ROOST_COLLECT    0 when all are over, however they ended;
 *   both             ROOST_ECANCELED when cancelled, and then all calls have ended; ROOST_ENOCTX
 *                    when not in a task.
 *
 * opts is a pointer to roost_map_opts, or left out. Codes are written in every case but
 * ROOST_ENOCTX; a call not made, or not finished, has ROOST_ECANCELED. Each argument is evaluated
 * once. It suspends at least once. */
#define roost_map(...) ROOST_MAP_TYPED_(ROOST_UNIQUE(roost_map_), __VA_ARGS__, )
#define ROOST_MAP_TYPED_(at, fn, items, n, results, ...)                                           \
    __extension__({                                                                                \
        __typeof__(&(items)[0]) ROOST_JOIN(at, from) = (items);                                    \
        __typeof__(&(results)[0]) ROOST_JOIN(at, to) = (results);                                  \
        ROOST_MAP_(at, ROOST_JOIN(at, i), n, ROOST_MAP_OPTS_(__VA_ARGS__), fn,                     \
                   ROOST_JOIN(at, from)[ROOST_JOIN(at, i)],                                        \
                   &ROOST_JOIN(at, to)[ROOST_JOIN(at, i)], );                                      \
    })
#define ROOST_MAP_OPTS_(...) ROOST_FIRST_(roost_map_opts, __VA_ARGS__)

/* ROOST_MAP(i, n, opts, function, args...): the same for calls that take more, or something else,
 * than an item and a place: args are evaluated for each i, a size_t that the macro declares, when
 * its call is begun. opts: a pointer, or NULL; in parentheses when there is a comma in it.
 *
 *     rc = ROOST_MAP(i, n, NULL, fetch_user, client, ids[i], &users[i]); */
#define ROOST_MAP(i, n, opts, ...) ROOST_MAP_(ROOST_UNIQUE(roost_map_), i, n, opts, __VA_ARGS__, )
#define ROOST_MAP_(at, i, n, opts, fn, ...)                                                        \
    __extension__({                                                                                \
        struct ROOST_JOIN(at, block) {                                                             \
            struct roost_impl_seat seat;                                                           \
            struct roost_args_##fn args;                                                           \
        };                                                                                         \
        /* These may return: the clean-up begins after them. */                                    \
        const size_t ROOST_JOIN(at, count) = (n);                                                  \
        const roost_map_opts *const ROOST_JOIN(at, how) = (opts);                                  \
        ROOST_AUTO(map) struct roost_impl_fan ROOST_JOIN(at, fan);                                 \
        roost_map_begin(&ROOST_JOIN(at, fan), sizeof(struct ROOST_JOIN(at, block)),                \
                        __alignof__(struct ROOST_JOIN(at, block)),                                 \
                        offsetof(struct ROOST_JOIN(at, block), args), ROOST_JOIN(at, count),       \
                        ROOST_JOIN(at, how));                                                      \
        for (size_t i = 0; roost_map_next(&ROOST_JOIN(at, fan), &i);) {                            \
            struct ROOST_JOIN(at, block)                                                           \
                ROOST_JOIN(at, call) = {{NULL, NULL, i}, {&roost_info_##fn, __VA_ARGS__}};         \
            roost_map_go(&ROOST_JOIN(at, fan), &ROOST_JOIN(at, call).seat);                        \
        }                                                                                          \
        roost_map_end(&ROOST_JOIN(at, fan));                                                       \
    })

/* ROOST_EACH_BATCH(first, count, n, size) { body }: runs the body for each stretch of at most size
 * of n items: count items from number first on, both size_t. Size 0: all in one. */
#define ROOST_EACH_BATCH(first, count, n, size)                                                    \
    ROOST_EACH_BATCH_(ROOST_UNIQUE(roost_batch_), first, count, n, size)
#define ROOST_EACH_BATCH_(at, first, count, n, size)                                               \
    for (size_t first = 0, ROOST_JOIN(at, all) = (n), ROOST_JOIN(at, most) = (size),               \
                count = ROOST_BATCH_(0, ROOST_JOIN(at, all), ROOST_JOIN(at, most));                \
         first < ROOST_JOIN(at, all);                                                              \
         first += count, count = ROOST_BATCH_(first, ROOST_JOIN(at, all), ROOST_JOIN(at, most)))
#define ROOST_BATCH_(first, n, size) ((n) - (first)-1 < (size)-1 ? (n) - (first) : (size))

#endif
