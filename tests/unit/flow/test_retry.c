/* tests/unit/flow/test_retry.c - attempts, waits, deadlines, budgets, and what the trail tells.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <math.h>

#include <roost/testing.h>

enum { DELAYS_MAX = 16 };

/* A server that fails so many times, and what the callbacks saw. */
struct server {
    int failures;
    int code;
    int asked;
    int retries;
    roost_dur delays[DELAYS_MAX];
    roost_dur hint;
    bool refuse;
};

ROOST_ASYNC(ask, struct server *, server)
{
    ROOST_TRY(roost_checkpoint());
    server->asked++;
    if (server->asked <= server->failures)
        ROOST_TRY(server->code);
    return server->asked;
}

static void note(void *arg, int attempt, int rc, roost_dur delay)
{
    struct server *server = arg;
    CHECK_EQ(server->code, rc);
    CHECK_EQ(server->asked, attempt);
    if (server->retries < DELAYS_MAX)
        server->delays[server->retries] = delay;
    server->retries++;
}

static bool unless_refused(void *arg, int rc, int attempt)
{
    const struct server *server = arg;
    CHECK_EQ(server->asked, attempt);
    return rc == server->code && !server->refuse;
}

static roost_dur hint_of(void *arg, int rc)
{
    (void)rc;
    return ((struct server *)arg)->hint;
}

ROOST_TEST(a_success_is_not_repeated)
{
    struct server server = {0};
    CHECK_EQ(1, roost_retry(NULL, ROOST_CALL(ask, &server)));
}

ROOST_TEST(three_attempts_unless_told_otherwise)
{
    const int attempts[] = {0, 1, 2, 5, -1};
    const int want[] = {3, 1, 2, 5, 8};
    for (int i = 0; i < 5; i++) {
        struct server server = {.failures = 7, .code = -EIO};
        roost_retry_opts opts = {.attempts = attempts[i], .base = -1};
        CHECK_EQ(want[i] == 8 ? 8 : -EIO, roost_retry(&opts, ROOST_CALL(ask, &server)));
        CHECK_EQ(want[i], server.asked);
    }
}

ROOST_TEST(the_wait_grows_to_its_bound)
{
    struct server server = {.failures = 9, .code = -EIO};
    roost_retry_opts opts = {.attempts = 7,
                             .base = ROOST_US(100),
                             .max = ROOST_US(1000),
                             .no_jitter = true,
                             .on_retry = note,
                             .arg = &server};
    CHECK_EQ(-EIO, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(6, server.retries);
    const int want[] = {100, 200, 400, 800, 1000, 1000};
    for (int i = 0; i < 6; i++)
        CHECK_EQ(ROOST_US(want[i]), server.delays[i]);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_US(3500), roost_now() - roost_test_start());
}

ROOST_TEST(defaults_wait_a_tenth_of_a_second_and_double_it)
{
    if (!roost_test_virtual())
        return;
    struct server server = {.failures = 9, .code = -EIO};
    roost_retry_opts opts = {.attempts = 12, .no_jitter = true, .on_retry = note, .arg = &server};
    CHECK_EQ(10, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(ROOST_MS(100), server.delays[0]);
    CHECK_EQ(ROOST_MS(25600), server.delays[8]);
    server = (struct server){.failures = 11, .code = -EIO};
    CHECK_EQ(12, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(ROOST_SEC(30), server.delays[10]);
}

ROOST_TEST(a_factor_below_one_and_no_bound)
{
    struct server server = {.failures = 3, .code = -EIO};
    roost_retry_opts opts = {.attempts = 4,
                             .base = ROOST_US(800),
                             .factor = 0.5,
                             .max = ROOST_FOREVER,
                             .no_jitter = true,
                             .on_retry = note,
                             .arg = &server};
    CHECK_EQ(4, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(ROOST_US(200), server.delays[2]);
}

ROOST_TEST(no_waiting_whatever_the_factor)
{
    struct server server = {.failures = 3, .code = -EIO};
    roost_retry_opts opts = {.attempts = 4,
                             .base = -1,
                             .factor = INFINITY,
                             .no_jitter = true,
                             .on_retry = note,
                             .arg = &server};
    CHECK_EQ(4, roost_retry(&opts, ROOST_CALL(ask, &server)));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, server.delays[i]);
}

ROOST_TEST(a_wait_without_end_goes_past_every_deadline)
{
    struct server server = {.failures = 9, .code = -EIO};
    roost_retry_opts opts = {.base = ROOST_FOREVER,
                             .max = ROOST_FOREVER,
                             .no_jitter = true,
                             .on_retry = note,
                             .arg = &server};
    CHECK_EQ(-EIO, ROOST_WITHIN(ROOST_SEC(60), roost_retry(&opts, ROOST_CALL(ask, &server))));
    CHECK_EQ(1, server.asked);
    CHECK_EQ(0, server.retries);
}

ROOST_TEST(jitter_spreads_over_the_whole_wait)
{
    roost_dur sum = 0;
    roost_dur least = ROOST_SEC(1);
    roost_dur most = 0;
    for (int round = 0; round < 20; round++) {
        struct server server = {.failures = 10, .code = -EIO};
        roost_retry_opts opts = {
            .attempts = 11, .base = ROOST_US(20), .factor = 1, .on_retry = note, .arg = &server};
        CHECK_EQ(11, roost_retry(&opts, ROOST_CALL(ask, &server)));
        for (int i = 0; i < 10; i++) {
            sum += server.delays[i];
            least = server.delays[i] < least ? server.delays[i] : least;
            most = server.delays[i] > most ? server.delays[i] : most;
        }
    }
    CHECK(least >= 0 && least < ROOST_US(2));
    CHECK(most <= ROOST_US(20) && most > ROOST_US(18));
    CHECK(sum > ROOST_US(20) * 200 * 4 / 10 && sum < ROOST_US(20) * 200 * 6 / 10);
}

ROOST_TEST(the_other_side_may_say_how_long)
{
    struct server server = {.failures = 1, .code = -EAGAIN, .hint = ROOST_MS(3)};
    roost_retry_opts opts = {
        .max = ROOST_MS(1), .wait_hint = hint_of, .on_retry = note, .arg = &server};
    CHECK_EQ(2, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(ROOST_MS(3), server.delays[0]);
    server = (struct server){.failures = 1, .code = -EAGAIN};
    CHECK_EQ(2, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK(server.delays[0] <= ROOST_MS(1));
}

ROOST_TEST(a_failure_that_is_final_is_returned_at_once)
{
    struct server server = {.failures = 9, .code = -ENOENT, .refuse = true};
    roost_retry_opts opts = {.base = -1, .retry_if = unless_refused, .arg = &server};
    CHECK_EQ(-ENOENT, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(1, server.asked);
    server = (struct server){.failures = 9, .code = -ENOENT};
    CHECK_EQ(-ENOENT, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(3, server.asked);
    server = (struct server){.failures = 9, .code = ROOST_ECANCELED};
    CHECK_EQ(ROOST_ECANCELED,
             roost_retry(&(roost_retry_opts){.base = -1}, ROOST_CALL(ask, &server)));
    CHECK_EQ(1, server.asked);
}

/* -- deadlines and cancellation ---------------------------------------------------------------- */

ROOST_TEST(a_wait_past_the_deadline_is_not_begun)
{
    struct server server = {.failures = 9, .code = -EIO};
    roost_retry_opts opts = {.attempts = 9, .base = ROOST_MS(4), .no_jitter = true};
    int rc = ROOST_WITHIN(ROOST_MS(10), roost_retry(&opts, ROOST_CALL(ask, &server)));
    if (!roost_test_virtual())
        return;
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(2, server.asked);
    CHECK_EQ(ROOST_MS(4), roost_now() - roost_test_start());
}

ROOST_TEST(an_attempts_own_timeout_is_a_failure_like_others)
{
    struct server server = {.failures = 1, .code = ROOST_ETIMEDOUT};
    CHECK_EQ(2, roost_retry(&(roost_retry_opts){.base = -1}, ROOST_CALL(ask, &server)));
}

ROOST_ASYNC(fail_cancelled, int *, asked)
{
    ++*asked;
    roost_ignore(roost_sleep(ROOST_SEC(60)));
    return -EIO;
}

ROOST_TEST(a_cancelled_task_tries_no_more)
{
    int asked = 0;
    roost_retry_opts opts = {.base = -1};
    CHECK_EQ(-EIO,
             ROOST_WITHIN(ROOST_MS(1), roost_retry(&opts, ROOST_CALL(fail_cancelled, &asked))));
    CHECK_EQ(1, asked);
}

ROOST_ASYNC(retry_for_long, struct server *, server, int *, rc)
{
    roost_retry_opts opts = {.base = ROOST_SEC(30), .no_jitter = true};
    *rc = roost_retry(&opts, ROOST_CALL(ask, server));
    return *rc;
}

ROOST_TEST(cancelled_while_it_waits)
{
    struct server server = {.failures = 9, .code = -EIO};
    int seen = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, retry_for_long, &server, &seen);
        rc = roost_test_settle();
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, seen);
    CHECK_EQ(1, server.asked);
}

/* -- budgets ----------------------------------------------------------------------------------- */

ROOST_TEST(a_budget_is_spent_by_retries_and_filled_by_successes)
{
    roost_retry_budget budget;
    roost_retry_budget_init(&budget, 3, 0.5);
    roost_retry_opts opts = {.attempts = 3, .base = -1, .budget = &budget};
    CHECK_EQ(3, roost_retry_budget_left(&budget));
    for (int i = 0; i < 3; i++) {
        struct server down = {.failures = 9, .code = -EIO};
        CHECK_EQ(-EIO, roost_retry(&opts, ROOST_CALL(ask, &down)));
        CHECK_EQ(i == 0 ? 3 : i == 1 ? 2 : 1, down.asked);
    }
    CHECK_EQ(0, roost_retry_budget_left(&budget));
    for (int i = 0; i < 9; i++) {
        struct server up = {0};
        CHECK_EQ(1, roost_retry(&opts, ROOST_CALL(ask, &up)));
        CHECK_EQ(i < 5 ? (i + 1) / 2 : 3, roost_retry_budget_left(&budget));
    }
}

ROOST_TEST(a_budget_is_held_to_its_ranges)
{
    roost_retry_budget budget;
    roost_retry_budget_init(&budget, 0, -1);
    CHECK_EQ(1, roost_retry_budget_left(&budget));
    roost_retry_budget_init(&budget, INT32_MAX, 7);
    CHECK_EQ(1000000, roost_retry_budget_left(&budget));
    roost_retry_budget_init(&budget, 2, NAN);
    roost_retry_opts opts = {.base = -1, .budget = &budget};
    struct server server = {.failures = 2, .code = -EIO};
    CHECK_EQ(3, roost_retry(&opts, ROOST_CALL(ask, &server)));
    CHECK_EQ(0, roost_retry_budget_left(&budget));
}

/* -- the trail and misuse ---------------------------------------------------------------------- */

ROOST_TEST(the_trail_tells_of_the_attempts)
{
    roost_error error = {0};
    struct server server = {.failures = 9, .code = -EIO};
    CHECK_EQ(-EIO, roost_retry(&(roost_retry_opts){.base = -1}, ROOST_CALL(ask, &server)));
    CHECK_OK(roost_error_last(&error));
    CHECK_EQ(-EIO, error.code);
    CHECK_EQ(2, error.step_count);
    CHECK_STR("ask", error.steps[0].function);
    CHECK_STR("3 attempts: EIO, EIO, EIO", error.steps[1].note);

    server = (struct server){.failures = 9, .code = -EIO};
    CHECK_EQ(-EIO,
             roost_retry(&(roost_retry_opts){.attempts = 6, .base = -1}, ROOST_CALL(ask, &server)));
    CHECK_OK(roost_error_last(&error));
    CHECK_STR("6 attempts: ... EIO, EIO, EIO, EIO", error.steps[1].note);

    server = (struct server){.failures = 9, .code = -EIO};
    CHECK_EQ(-EIO, roost_retry(&(roost_retry_opts){.attempts = 1}, ROOST_CALL(ask, &server)));
    CHECK_OK(roost_error_last(&error));
    CHECK_STR("1 attempt: EIO", error.steps[1].note);
}

ROOST_TEST(options_without_sense_are_refused)
{
    struct server server = {0};
    CHECK_EQ(ROOST_EINVAL,
             roost_retry(&(roost_retry_opts){.factor = -1}, ROOST_CALL(ask, &server)));
    CHECK_EQ(ROOST_EINVAL,
             roost_retry(&(roost_retry_opts){.factor = NAN}, ROOST_CALL(ask, &server)));
    CHECK_EQ(ROOST_EINVAL, roost_retry(&(roost_retry_opts){.max = -1}, ROOST_CALL(ask, &server)));
    CHECK_EQ(0, server.asked);
}

ROOST_TEST(outside_a_task_it_is_refused, .plain = true)
{
    struct server server = {0};
    CHECK_EQ(ROOST_ENOCTX, roost_retry(NULL, ROOST_CALL(ask, &server)));
    CHECK_EQ(0, server.asked);
}
