/* roost/retry.h - making a call again when it fails.
 *
 *     rc = roost_retry(&(roost_retry_opts){.attempts = 3, .base = ROOST_SEC(1)},
 *                      ROOST_CALL(get_json, session, "/users/1", &user));
 *
 * Between two attempts it waits: base, then factor times as long each time, at most max, and of
 * that a random part, so that many callers do not come back together. The whole ends by the
 * deadline around it: ROOST_WITHIN(ROOST_SEC(30), roost_retry(...)).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RETRY_H
#define ROOST_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/time.h>

/* What many calls may spend on retries together: a bucket of tokens. A retry takes one out, a
 * success puts a part of one back, so a server that is down is not asked three times by everybody.
 * Caller's memory, shared by tasks of any loop. All members are private. */
typedef struct roost_retry_budget {
    struct {
        int64_t micros; /* millionths of a token left */
        int64_t micros_max;
        int64_t micros_back; /* for a success */
    } priv;
} roost_retry_budget;

/* Zero means default. */
typedef struct roost_retry_opts {
    int attempts;   /* most, the first one included; default 3; negative: no bound */
    roost_dur base; /* first wait, in nanoseconds; default 100 ms; negative: no waiting */
    double factor;  /* of each wait to the one before; default 2 */
    roost_dur max;  /* longest wait; default 30 s */
    bool no_jitter; /* wait the whole time; default: a random part of it, evenly spread */
    /* Whether a failure is worth another attempt; attempt counts from 1. Default: every failure
     * but ROOST_ECANCELED. */
    bool (*retry_if)(void *arg, int rc, int attempt);
    /* Called before each wait. */
    void (*on_retry)(void *arg, int attempt, int rc, roost_dur delay);
    /* How long the other side asked to wait (Retry-After), taken as it is; 0: it did not say. */
    roost_dur (*wait_hint)(void *arg, int rc);
    void *arg;                  /* lent to the three */
    roost_retry_budget *budget; /* NULL: none */
} roost_retry_opts;

ROOST_BEGIN_DECLS

/**
 * roost_retry - make a call, and make it again when it fails.
 *
 *   opts      copied; NULL for defaults.
 *   call      borrowed, with its argument block; made in the running task.
 *
 * Returns what the last attempt came to. There is no further one after a success; when attempts or
 * budget are used up; when retry_if says no; when the running task is cancelled; or when the wait
 * would not end before the deadline that holds here: then the failure is returned at once, rather
 * than a timeout later. The trail of a failure says how often it was tried and with what codes.
 *
 * Suspends  as the call does, and between attempts.
 * Cancel    ROOST_ECANCELED when it was waiting; else what the call returned.
 * Errors    those of the call; ROOST_EINVAL  factor or max is negative; ROOST_ENOCTX  not in a
 *           task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_retry(const roost_retry_opts *opts, roost_call call);

/**
 * roost_retry_budget_init - fill a budget.
 *
 *   budget    the caller's memory, taken as raw bytes.
 *   tokens    retries that can be made in a row; 1 to 1,000,000, held to that.
 *   ratio     of a token that each success puts back, up to `tokens`; 0 to 1, held to that.
 *
 * Suspends  never.
 * Threads   any, before its first use.
 */
ROOST_API void roost_retry_budget_init(roost_retry_budget *budget, int tokens, double ratio);

/**
 * roost_retry_budget_left - how many retries could be made now.
 *
 *   budget    filled.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API int roost_retry_budget_left(const roost_retry_budget *budget);

ROOST_END_DECLS

#endif
