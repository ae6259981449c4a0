/* examples/22_retry.c - a call that fails now and then, made again with growing waits.
 *
 * By default three attempts, 100 ms before the second and twice as long before each further one,
 * and of that a random part. Everything here can be tested in virtual time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

struct session {
    int requests;
    int failures; /* the server's, before it recovers */
};

ROOST_ASYNC(get_json, struct session *, session, const char *, path, int *, user)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    if (session->requests++ < session->failures)
        return roost_error_note(-ECONNRESET, "GET %s", path);
    *user = 1;
    return 0;
}

static void on_retry(void *arg, int attempt, int rc, roost_dur delay)
{
    (void)arg;
    printf("attempt %d: %s, again in %d ms\n", attempt, roost_error_name(rc),
           (int)(delay / ROOST_MS(1)));
}

static bool only_resets(void *arg, int rc, int attempt)
{
    (void)arg;
    (void)attempt;
    return rc == -ECONNRESET;
}

ROOST_MAIN(argc, argv)
{
    int user = 0;
    struct session session = {.failures = 2};
    roost_retry_opts opts = {.attempts = 4,
                             .base = ROOST_MS(2),
                             .no_jitter = true,
                             .retry_if = only_resets,
                             .on_retry = on_retry};
    ROOST_TRY(roost_retry(&opts, ROOST_CALL(get_json, &session, "/users/1", &user)));
    printf("user %d after %d requests\n", user, session.requests);

    /* A deadline over all of it: a wait that would not end in time is not begun. */
    session = (struct session){.failures = 100};
    opts.base = ROOST_SEC(60);
    int rc = ROOST_WITHIN(ROOST_SEC(30),
                          roost_retry(&opts, ROOST_CALL(get_json, &session, "/users/2", &user)));
    roost_error error;
    ROOST_TRY(roost_error_last(&error));
    printf("%s: %s, %s\n", roost_error_name(rc), error.steps[0].note, error.steps[1].note);

    /* Many callers of one server share a budget: when it is down, few retries are made. */
    roost_retry_budget budget;
    roost_retry_budget_init(&budget, 5, 0.1);
    session = (struct session){.failures = 100};
    opts = (roost_retry_opts){.base = ROOST_MS(1), .budget = &budget};
    for (int i = 0; i < 20; i++)
        roost_ignore(roost_retry(&opts, ROOST_CALL(get_json, &session, "/", &user)));
    printf("20 callers, %d requests\n", session.requests);
    return 0;
}
