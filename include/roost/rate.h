/* roost/rate.h - rates: so many per second, with a burst.
 *
 * A token bucket: it fills with `count` tokens per `per`, holds at most `burst`, and begins full.
 * Each call takes a token, or waits in line for the instant there is one.
 *
 *     roost_rate rate;
 *     ROOST_TRY(roost_rate_init(&rate, &(roost_rate_opts){.count = 100, .burst = 10}));
 *     ...
 *     ROOST_TRY(roost_rate_acquire(&rate));
 *
 * Tokens are counted in fractions of a nanosecond's worth, so nothing is lost to rounding: a
 * waiting call passes at the first whole nanosecond at which its tokens are there, and the next
 * one's are counted from where they really were. In any stretch of time, rounded up to nanoseconds,
 * at most burst + count * time / per tokens are taken; that holds too when the loop was kept from
 * running, for what a full bucket could not hold is not made up for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RATE_H
#define ROOST_RATE_H

#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/timer.h>
#include <roost/impl/waitq.h>
#include <roost/time.h>

/* Zero means default, but for count. */
typedef struct roost_rate_opts {
    uint32_t count; /* tokens that come in `per`, evenly; at least 1 */
    roost_dur per;  /* nanoseconds; default 1 s */
    uint32_t burst; /* most tokens it holds; default: count. burst * per is at most 2^62 ns, after
                       count and per have been divided by what divides both */
} roost_rate_opts;

/* Caller's memory; stays where it is while tasks wait. All members are private. */
typedef struct roost_rate {
    struct {
        uint64_t level;    /* what it holds, as of `at`; a nanosecond brings `gain` of these */
        uint64_t cost;     /* of one token */
        uint64_t gain;     /* count / per is gain / cost, in lowest terms */
        uint64_t capacity; /* burst * cost */
        roost_time at;     /* when level was right */
        uint64_t granted;
        uint32_t burst;
        uint32_t loop_id; /* the loop that uses it; 0: none yet */
        struct roost_impl_waitq waiters;
        struct roost_impl_timer timer; /* armed for the first in line */
    } priv;
} roost_rate;

typedef struct roost_rate_stats {
    uint64_t granted;   /* tokens taken so far */
    uint32_t available; /* whole tokens that can be taken now */
    uint32_t waiting;   /* tasks in line */
} roost_rate_stats;

ROOST_BEGIN_DECLS

/**
 * roost_rate_init - prepare a rate; its bucket is full. There is nothing to release afterwards.
 *
 *   rate      the caller's memory; taken as raw bytes.
 *   opts      copied.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  opts is NULL, count is 0, per is negative, or burst * per is too large.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_rate_init(roost_rate *rate, const roost_rate_opts *opts);

/**
 * roost_rate_acquire - take one token.
 *
 *   rate      initialised.
 *
 * Suspends  until there is one and those who came before have theirs.
 * Cancel    ROOST_ECANCELED; nothing was taken, and those behind move up.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_EXLOOP  the rate belongs to another loop.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_rate_acquire(roost_rate *rate);

/**
 * roost_rate_acquire_many - take several tokens at once, all or none. Smaller requests behind it
 * wait until it has been served.
 *
 *   rate      initialised.
 *   count     1 to the burst.
 *
 * Suspends  as roost_rate_acquire.
 * Cancel    as roost_rate_acquire.
 * Errors    ROOST_EINVAL  count is 0 or above the burst, or the burst was lowered below it
 *           meanwhile; those of roost_rate_acquire.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_rate_acquire_many(roost_rate *rate, uint32_t count);

/**
 * roost_rate_try_acquire - take one token if it is there now. It overtakes nobody.
 *
 *   rate      initialised.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  there is none, or others are in line; ROOST_ENOCTX  no loop runs here;
 *           ROOST_EXLOOP  the rate belongs to another loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API ROOST_MUST int roost_rate_try_acquire(roost_rate *rate);

/**
 * roost_rate_try_acquire_many - take several tokens if they are there now, all or none.
 *
 *   rate      initialised.
 *   count     1 to the burst.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  count is 0 or above the burst; those of roost_rate_try_acquire.
 * Threads   tasks and posts of one loop.
 */
ROOST_API ROOST_MUST int roost_rate_try_acquire_many(roost_rate *rate, uint32_t count);

/**
 * roost_rate_set - change the rate. The tokens there, parts of one included, are kept up to the new
 * burst, less than a nanosecond's worth being lost; those in line wait on by the new rate.
 *
 *   rate      initialised.
 *   opts      copied; as for roost_rate_init. Whoever waits for more than its burst is woken with
 *             ROOST_EINVAL.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  as for roost_rate_init; ROOST_ENOCTX  no loop runs here; ROOST_EXLOOP
 *           the rate belongs to another loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API ROOST_MUST int roost_rate_set(roost_rate *rate, const roost_rate_opts *opts);

/**
 * roost_rate_stats_get - the counters of a rate. It counts those who wait.
 *
 *   rate      initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_rate_stats_get(const roost_rate *rate, roost_rate_stats *stats);

ROOST_END_DECLS

#endif
