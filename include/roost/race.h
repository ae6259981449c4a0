/* roost/race.h - several calls for one answer: the first to succeed wins.
 *
 *     roost_call mirrors[] = {ROOST_CALL(fetch, a, &page), ROOST_CALL(fetch, b, &page2)};
 *     int winner = roost_race(mirrors, 2, NULL);
 *
 * The losers have ended when it returns. Calls that write their answer somewhere each need a place
 * of their own, for a loser may have been writing.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RACE_H
#define ROOST_RACE_H

#include <stdbool.h>
#include <stddef.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/group.h>
#include <roost/time.h>

/* Zero means default. */
typedef struct roost_race_opts {
    bool any_outcome;  /* the first call to end wins, also by failing */
    roost_dur stagger; /* nanoseconds between two starts, unless one fails meanwhile; 0: all at
                          once; ROOST_FOREVER: the next one only when one fails */
    /* A loser succeeded all the same: what it came to is to be released. Called in the loser's
     * task, which is cancelled: what suspends goes into ROOST_CLEANUP. NULL: nothing to release. */
    void (*discard)(void *arg, size_t index, int value);
    void *arg;            /* lent to discard */
    roost_errors *errors; /* receives all failures, also when one call won; NULL: codes only */
    int *result;          /* receives what the winner came to; written on success only */
    const char *label;    /* static; for reports; default "race" */
} roost_race_opts;

ROOST_BEGIN_DECLS

/**
 * roost_race - make several calls and return the number of the first that succeeds.
 *
 *   calls     borrowed, with their argument blocks.
 *   n         how many; 1 to INT_MAX.
 *   opts      copied; NULL: all at once, the first success wins.
 *
 * The winner cancels the others, and the race returns when they have ended. When all fail it
 * returns the failure that came first, and `errors` has every one.
 *
 * Suspends  until all calls have ended, at least once.
 * Cancel    ROOST_ECANCELED; all calls were cancelled and have ended. A call that succeeded before
 *           that, or all the same, has won, and its number is returned.
 * Errors    ROOST_EINVAL  n is 0 or too large; the codes of the calls; ROOST_ENOSTACK,
 *           ROOST_ENOMEM  there was room for no call; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_race(const roost_call *calls, size_t n,
                                                   const roost_race_opts *opts);

/**
 * roost_staggered_race - a race in which each call is begun a while after the one before, or at
 * once when one fails (happy eyeballs).
 *
 *   calls     as for roost_race.
 *   n         as for roost_race.
 *   delay     nanoseconds between two starts; 0 or less: none; ROOST_FOREVER: only failures begin
 *             the next.
 *   opts      as for roost_race; its stagger has no effect.
 *
 * Suspends  as roost_race.
 * Cancel    as roost_race.
 * Errors    those of roost_race.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_staggered_race(const roost_call *calls, size_t n,
                                                             roost_dur delay,
                                                             const roost_race_opts *opts);

ROOST_END_DECLS

#endif
