/* flow/retry.c - attempts, the waits between them, and the budget.
 *
 * The call is made in the running task, on its argument block as it lies: functions get their
 * arguments by value, so an attempt finds them as the one before did.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/retry.h>

#include <stdio.h>

#include <roost/scope.h>
#include <roost/task.h>

#include "base/atomic.h"
#include "rt/loop.h"

enum { TOKEN = 1000000, CODES_TOLD = 4 };

/* -- the budget -------------------------------------------------------------------------------- */

void roost_retry_budget_init(roost_retry_budget *budget, int tokens, double ratio)
{
    tokens = tokens < 1 ? 1 : tokens > TOKEN ? TOKEN : tokens;
    ratio = ratio > 0 ? ratio : 0; /* not a number is 0 */
    *budget = (roost_retry_budget){{.micros = (int64_t)tokens * TOKEN,
                                    .micros_max = (int64_t)tokens * TOKEN,
                                    .micros_back = ratio < 1 ? (int64_t)(ratio * TOKEN) : TOKEN}};
}

int roost_retry_budget_left(const roost_retry_budget *budget)
{
    return (int)(roosti_atomic_load(&budget->priv.micros, ROOSTI_RELAXED) / TOKEN);
}

static bool budget_take(roost_retry_budget *budget)
{
    int64_t left = roosti_atomic_load(&budget->priv.micros, ROOSTI_RELAXED);
    do {
        if (left < TOKEN)
            return false;
    } while (!roosti_atomic_cas(&budget->priv.micros, &left, left - TOKEN, ROOSTI_RELAXED));
    return true;
}

static void budget_put(roost_retry_budget *budget)
{
    int64_t left = roosti_atomic_load(&budget->priv.micros, ROOSTI_RELAXED);
    int64_t more;
    do {
        more = left + budget->priv.micros_back;
        if (more > budget->priv.micros_max)
            more = budget->priv.micros_max;
    } while (more != left && !roosti_atomic_cas(&budget->priv.micros, &left, more, ROOSTI_RELAXED));
}

/* -- attempts ---------------------------------------------------------------------------------- */

struct attempts {
    roost_retry_opts opts; /* with the defaults filled in */
    int made;
    double wait;           /* before the next one, without jitter; nanoseconds */
    int codes[CODES_TOLD]; /* of the last ones, by number modulo CODES_TOLD */
};

static void retry_opts_fill(roost_retry_opts *opts)
{
    if (opts->attempts == 0)
        opts->attempts = 3;
    if (opts->base == 0)
        opts->base = ROOST_MS(100);
    if (opts->base < 0)
        opts->base = 0;
    if (opts->factor == 0)
        opts->factor = 2;
    if (opts->max == 0)
        opts->max = ROOST_SEC(30);
}

/* The wait before the next attempt; the one after that will be longer. */
static roost_dur attempts_delay(struct attempts *attempts, int rc)
{
    const roost_retry_opts *opts = &attempts->opts;
    double wait = attempts->wait < (double)opts->max ? attempts->wait : (double)opts->max;
    attempts->wait = wait > 0 ? wait * opts->factor : 0; /* also when the factor is infinite */
    roost_dur hint = opts->wait_hint ? opts->wait_hint(opts->arg, rc) : 0;
    if (hint > 0)
        return hint;
    /* ROOST_FOREVER has no double of its own: the next one is larger. */
    roost_dur delay = wait < (double)opts->max ? (roost_dur)wait : opts->max;
    if (opts->no_jitter)
        return delay;
    uint64_t word = roosti_loop_random(roosti_loop_here);
    return (roost_dur)(__extension__((unsigned __int128)word * ((uint64_t)delay + 1)) >> 64);
}

/* Whether a failure is worth another attempt, and how long to wait for it. */
static bool attempts_go_on(struct attempts *attempts, int rc, roost_dur *ret_delay)
{
    const roost_retry_opts *opts = &attempts->opts;
    if (rc >= 0 || roost_cancelled() || attempts->made == opts->attempts)
        return false;
    if (opts->retry_if ? !opts->retry_if(opts->arg, rc, attempts->made) : rc == ROOST_ECANCELED)
        return false;
    roost_dur delay = attempts_delay(attempts, rc);
    roost_time deadline = roost_deadline();
    if (deadline != ROOST_NEVER && roost_time_add(roost_now(), delay) >= deadline)
        return false;
    if (opts->budget && !budget_take(opts->budget))
        return false;
    *ret_delay = delay;
    return true;
}

/* Puts into words how often it was tried, and what the last attempts came to. */
static void attempts_tell(const struct attempts *attempts, char *text, size_t size)
{
    int made = attempts->made;
    size_t len = (size_t)snprintf(text, size, "%d attempt%s", made, made == 1 ? "" : "s");
    int first = made > CODES_TOLD ? made - CODES_TOLD : 0;
    const char *before = first > 0 ? ": ..." : ":";
    for (int i = first; i < made && len < size; i++, before = ",")
        len += (size_t)snprintf(text + len, size - len, "%s %s", before,
                                roost_error_name(attempts->codes[i % CODES_TOLD]));
}

int roost_retry(const roost_retry_opts *opts, roost_call call)
{
    if (!roosti_self())
        return roosti_no_task();
    struct attempts attempts = {.opts = opts ? *opts : (roost_retry_opts){0}};
    opts = &attempts.opts;
    retry_opts_fill(&attempts.opts);
    if (!(opts->factor > 0) || opts->max < 0)
        return ROOST_EINVAL;
    attempts.wait = (double)opts->base;
    for (;;) {
        int rc = (*call.args)->entry((void *)(uintptr_t)call.args);
        attempts.codes[attempts.made % CODES_TOLD] = rc;
        if (attempts.made < INT32_MAX)
            attempts.made++;
        roost_dur delay = 0;
        if (!attempts_go_on(&attempts, rc, &delay)) {
            if (rc >= 0 && opts->budget)
                budget_put(opts->budget);
            if (rc >= 0 || rc == ROOST_ECANCELED)
                return rc;
            /* From this frame: a step from one further down would begin a new trail. */
            char text[52];
            attempts_tell(&attempts, text, sizeof text);
            return roost_error_note(rc, "%s", text);
        }
        if (opts->on_retry)
            opts->on_retry(opts->arg, attempts.made, rc, delay);
        rc = roost_sleep(delay);
        if (rc < 0)
            return rc;
    }
}
