/* tests/unit/sync/test_rate.c - the token bucket: exact instants, and the line for it.
 *
 * Registered per ROOST_TEST_BACKENDS. Instants are checked where the clock is virtual.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/post.h>
#include <roost/rate.h>

#include "kit/kit.h"
#include "kit/world.h"

enum { CALLS_MAX = 64 };

/* A rate, and when each call passed, in order. */
struct gate {
    roost_rate rate;
    roost_dur at[CALLS_MAX];
    int id[CALLS_MAX];
    int passed;
    int refused;
    int rc; /* of the last one that failed */
};

static roost_rate_stats stats_of(const roost_rate *rate)
{
    roost_rate_stats stats;
    roost_rate_stats_get(rate, &stats);
    return stats;
}

static bool gate_open(struct gate *gate, uint32_t count, roost_dur per, uint32_t burst)
{
    *gate = (struct gate){.passed = 0};
    int rc = roost_rate_init(&gate->rate,
                             &(roost_rate_opts){.count = count, .per = per, .burst = burst});
    CHECK_OK(rc);
    return rc == 0;
}

ROOST_ASYNC(pass, struct gate *, gate, int, id, uint32_t, count)
{
    int rc = roost_rate_acquire_many(&gate->rate, count);
    if (rc == 0) {
        gate->id[gate->passed % CALLS_MAX] = id;
        gate->at[gate->passed++ % CALLS_MAX] = roost_now() - roost_test_start();
    } else {
        gate->refused++;
        gate->rc = rc;
    }
    return rc == ROOST_EINVAL ? 0 : rc;
}

/* The k-th call passed at this time after the start, to the nanosecond. */
static void check_at(const struct gate *gate, int k, roost_dur want)
{
    if (roost_test_virtual())
        CHECK_EQ(want, gate->at[k]);
}

/* Leaves out what a machine under load would be too slow for. */
static void need_virtual_time(void)
{
    if (!roost_test_virtual())
        kit_leave_out("the clock moves by itself");
}

/* -- instants ---------------------------------------------------------------------------------- */

ROOST_TEST(a_burst_passes_at_once_and_the_rest_evenly, .fifo = true)
{
    struct gate gate;
    if (!gate_open(&gate, 1000, 0, 3))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 10; i++)
            ROOST_GO(g, pass, &gate, i, 1);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(10, gate.passed);
    for (int i = 0; i < 10; i++) {
        CHECK_EQ(i, gate.id[i]);
        check_at(&gate, i, i < 3 ? 0 : ROOST_MS(i - 2));
    }
    CHECK_EQ(10, stats_of(&gate.rate).granted);
}

ROOST_TEST(instants_are_rounded_up_and_never_drift, .fifo = true)
{
    struct gate gate;
    /* 3 tokens in 10 ns: at 3 1/3, 6 2/3, 10, ... */
    if (!gate_open(&gate, 3, ROOST_NS(10), 1))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i <= 60; i++)
            ROOST_GO(g, pass, &gate, i, 1);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(61, gate.passed);
    for (int k = 0; k <= 60; k++)
        check_at(&gate, k, (10 * k + 2) / 3);
}

ROOST_TEST(a_million_tokens_later_nothing_was_lost)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 7, ROOST_SEC(1), 1000))
        return;
    for (int i = 1; i <= 1000; i++) {
        int rc = roost_rate_acquire_many(&gate.rate, 1000);
        if (rc < 0)
            return;
        /* The first 1,000 were there; the others come in at 7 per second. */
        roost_dur units = (i - 1) * 1000 * ROOST_SEC(1);
        CHECK_EQ((units + 6) / 7, roost_now() - roost_test_start());
    }
    CHECK_EQ(1000000, stats_of(&gate.rate).granted);
}

ROOST_TEST(an_idle_bucket_fills_to_its_burst_and_no_further)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 10, ROOST_SEC(1), 4))
        return;
    CHECK_EQ(4, stats_of(&gate.rate).available);
    CHECK_OK(roost_rate_try_acquire_many(&gate.rate, 4));
    CHECK_EQ(ROOST_EAGAIN, roost_rate_try_acquire(&gate.rate));
    CHECK_OK(roost_sleep(ROOST_MS(100) - 1));
    CHECK_EQ(ROOST_EAGAIN, roost_rate_try_acquire(&gate.rate));
    CHECK_OK(roost_sleep(1));
    CHECK_EQ(1, stats_of(&gate.rate).available);
    CHECK_OK(roost_rate_try_acquire(&gate.rate));
    CHECK_OK(roost_sleep(ROOST_MIN(60)));
    CHECK_EQ(4, stats_of(&gate.rate).available);
    CHECK_OK(roost_rate_try_acquire_many(&gate.rate, 4));
    CHECK_EQ(ROOST_EAGAIN, roost_rate_try_acquire(&gate.rate));
}

ROOST_TEST(no_stretch_of_time_sees_more_than_its_share)
{
    struct gate gate;
    if (!gate_open(&gate, 3, ROOST_US(7), 5))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < CALLS_MAX; i++)
            ROOST_GO(g, pass, &gate, i, 1 + (uint32_t)i % 2);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(CALLS_MAX, gate.passed);
    if (!roost_test_virtual())
        return;
    for (int from = 0; from < gate.passed; from++) {
        roost_dur tokens = 0;
        for (int to = from; to < gate.passed; to++) {
            tokens += 1 + gate.id[to] % 2;
            roost_dur stretch = gate.at[to] - gate.at[from];
            CHECK((tokens - 5) * ROOST_US(7) <= (stretch + 1) * 3);
        }
    }
}

ROOST_TEST(a_late_loop_does_not_make_up_for_more_than_a_burst, .fifo = true)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 2))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(roost_rate_try_acquire_many(&gate.rate, 2));
        for (int i = 0; i < 5; i++)
            ROOST_GO(g, pass, &gate, i, 1);
        rc = roost_test_settle();
        /* The loop does not see its timers for ten milliseconds. */
        if (rc == 0)
            kit_spend(ROOST_MS(10));
    }
    CHECK_EQ(0, rc);
    check_at(&gate, 1, ROOST_MS(10));
    check_at(&gate, 2, ROOST_MS(11));
    check_at(&gate, 4, ROOST_MS(13));
}

/* -- the line ---------------------------------------------------------------------------------- */

ROOST_TEST(a_big_request_is_not_overtaken, .fifo = true)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 5))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, pass, &gate, 0, 3);
        ROOST_GO(g, pass, &gate, 1, 5);
        ROOST_GO(g, pass, &gate, 2, 1);
        rc = roost_test_settle();
        CHECK_EQ(2, stats_of(&gate.rate).waiting);
        CHECK_EQ(0, stats_of(&gate.rate).available);
        CHECK_EQ(ROOST_EAGAIN, roost_rate_try_acquire(&gate.rate));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, gate.passed);
    CHECK_EQ(1, gate.id[1]);
    check_at(&gate, 1, ROOST_MS(3));
    check_at(&gate, 2, ROOST_MS(4));
}

ROOST_TEST(a_cancelled_head_takes_nothing_and_the_next_has_the_timer, .fifo = true)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 5))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *head = NULL;
        CHECK_OK(roost_rate_try_acquire_many(&gate.rate, 5));
        rc = ROOST_SPAWN(&head, g, pass, &gate, 0, 5);
        ROOST_GO(g, pass, &gate, 1, 2);
        ROOST_GO(g, pass, &gate, 2, 1);
        if (rc == 0)
            rc = roost_sleep(ROOST_US(500));
        if (head)
            roost_task_cancel(head, "enough");
        roost_task_drop(head);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, gate.refused);
    CHECK_EQ(2, gate.passed);
    CHECK_EQ(1, gate.id[0]);
    check_at(&gate, 0, ROOST_MS(2));
    check_at(&gate, 1, ROOST_MS(3));
}

ROOST_TEST(those_behind_a_cancelled_head_pass_at_once_if_they_can, .fifo = true)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 5))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *head = NULL;
        CHECK_OK(roost_rate_try_acquire_many(&gate.rate, 5));
        rc = ROOST_SPAWN(&head, g, pass, &gate, 0, 5);
        ROOST_GO(g, pass, &gate, 1, 2);
        ROOST_GO(g, pass, &gate, 2, 1);
        ROOST_GO(g, pass, &gate, 3, 1);
        if (rc == 0)
            rc = roost_sleep(ROOST_US(3500));
        if (head)
            roost_task_cancel(head, "enough");
        roost_task_drop(head);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, gate.passed);
    check_at(&gate, 0, ROOST_US(3500));
    check_at(&gate, 1, ROOST_US(3500));
    check_at(&gate, 2, ROOST_US(4000));
}

ROOST_TEST(cancelling_whoever_is_not_the_first_moves_nothing, .fifo = true)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 1))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *second = NULL;
        CHECK_OK(roost_rate_try_acquire(&gate.rate));
        ROOST_GO(g, pass, &gate, 0, 1);
        rc = ROOST_SPAWN(&second, g, pass, &gate, 1, 1);
        ROOST_GO(g, pass, &gate, 2, 1);
        if (rc == 0)
            rc = roost_test_settle();
        if (second)
            roost_task_cancel(second, "enough");
        roost_task_drop(second);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, gate.refused);
    check_at(&gate, 0, ROOST_MS(1));
    check_at(&gate, 1, ROOST_MS(2));
}

ROOST_TEST(a_deadline_before_the_token_takes_none)
{
    struct gate gate;
    if (!gate_open(&gate, 1, ROOST_SEC(10), 1))
        return;
    CHECK_OK(roost_rate_acquire(&gate.rate));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(2), roost_rate_acquire(&gate.rate)));
    CHECK_EQ(0, stats_of(&gate.rate).waiting);
    CHECK_EQ(1, stats_of(&gate.rate).granted);
}

ROOST_TEST(a_deadline_of_the_same_instant_takes_no_token, .fifo = true)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 1))
        return;
    CHECK_OK(roost_rate_acquire(&gate.rate));
    /* The deadline was armed first: it passes first, and the token stays for the next. */
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_rate_acquire(&gate.rate)));
    CHECK_OK(roost_rate_try_acquire(&gate.rate));
    CHECK_EQ(2, stats_of(&gate.rate).granted);
}

/* -- another rate ------------------------------------------------------------------------------ */

ROOST_TEST(a_new_rate_holds_for_those_who_wait, .fifo = true)
{
    struct gate gate;
    if (!gate_open(&gate, 1, ROOST_SEC(1), 2))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(roost_rate_try_acquire_many(&gate.rate, 2));
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, pass, &gate, i, 1);
        rc = roost_sleep(ROOST_MS(500));
        /* Half a token is there; the other half comes at a hundred per second. */
        CHECK_OK(roost_rate_set(&gate.rate, &(roost_rate_opts){.count = 100, .burst = 2}));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, gate.passed);
    check_at(&gate, 0, ROOST_MS(505));
    check_at(&gate, 1, ROOST_MS(515));
    check_at(&gate, 2, ROOST_MS(525));
}

ROOST_TEST(a_slower_rate_makes_those_who_wait_wait_longer, .fifo = true)
{
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 1))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(roost_rate_try_acquire(&gate.rate));
        ROOST_GO(g, pass, &gate, 0, 1);
        rc = roost_sleep(ROOST_US(250));
        CHECK_OK(roost_rate_set(&gate.rate, &(roost_rate_opts){.count = 100, .burst = 1}));
    }
    CHECK_EQ(0, rc);
    check_at(&gate, 0, ROOST_US(250 + 7500));
}

ROOST_TEST(whoever_waits_for_more_than_the_new_burst_is_sent_away, .fifo = true)
{
    need_virtual_time();
    struct gate gate;
    if (!gate_open(&gate, 1000, ROOST_SEC(1), 8))
        return;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(roost_rate_try_acquire_many(&gate.rate, 8));
        ROOST_GO(g, pass, &gate, 0, 8);
        ROOST_GO(g, pass, &gate, 1, 2);
        ROOST_GO(g, pass, &gate, 2, 5);
        rc = roost_test_settle();
        CHECK_OK(roost_rate_set(&gate.rate, &(roost_rate_opts){.count = 1000, .burst = 3}));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, gate.refused);
    CHECK_EQ(ROOST_EINVAL, gate.rc);
    CHECK_EQ(1, gate.passed);
    CHECK_EQ(1, gate.id[0]);
    check_at(&gate, 0, ROOST_MS(2));
}

ROOST_TEST(a_smaller_burst_keeps_what_fits)
{
    struct gate gate;
    if (!gate_open(&gate, 1, ROOST_MIN(60), 10))
        return;
    CHECK_OK(roost_rate_set(&gate.rate,
                            &(roost_rate_opts){.count = 3, .per = ROOST_MIN(60), .burst = 4}));
    CHECK_EQ(4, stats_of(&gate.rate).available);
    CHECK_EQ(ROOST_EINVAL, roost_rate_try_acquire_many(&gate.rate, 5));
    /* A larger one does not fill by itself. */
    CHECK_OK(roost_rate_set(&gate.rate,
                            &(roost_rate_opts){.count = 7, .per = ROOST_MIN(60), .burst = 9}));
    CHECK_EQ(4, stats_of(&gate.rate).available);
    CHECK_EQ(ROOST_EINVAL, roost_rate_set(&gate.rate, &(roost_rate_opts){.count = 0}));
    CHECK_EQ(4, stats_of(&gate.rate).available);
}

/* -- arguments and places ---------------------------------------------------------------------- */

ROOST_TEST(bad_rates_are_refused)
{
    roost_rate rate;
    CHECK_EQ(ROOST_EINVAL, roost_rate_init(&rate, NULL));
    CHECK_EQ(ROOST_EINVAL, roost_rate_init(&rate, &(roost_rate_opts){.burst = 1}));
    CHECK_EQ(ROOST_EINVAL, roost_rate_init(&rate, &(roost_rate_opts){.count = 1, .per = -1}));
    CHECK_EQ(
        ROOST_EINVAL,
        roost_rate_init(&rate, &(roost_rate_opts){.count = 1, .per = ROOST_FOREVER, .burst = 1}));
    CHECK_EQ(ROOST_EINVAL,
             roost_rate_init(
                 &rate, &(roost_rate_opts){.count = 1, .per = (roost_dur)1 << 61, .burst = 3}));
    CHECK_OK(roost_rate_init(
        &rate, &(roost_rate_opts){.count = 1, .per = (roost_dur)1 << 61, .burst = 2}));
    CHECK_EQ(ROOST_EINVAL, roost_rate_acquire_many(&rate, 0));
    CHECK_EQ(ROOST_EINVAL, roost_rate_acquire_many(&rate, 3));
    CHECK_EQ(ROOST_EINVAL, roost_rate_try_acquire_many(&rate, 0));
    CHECK_OK(roost_rate_try_acquire_many(&rate, 2));
    /* Some 73 years. */
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_rate_acquire(&rate)));
}

ROOST_TEST(extremes_are_exact, .fifo = true)
{
    roost_rate rate;
    int rc = roost_rate_init(
        &rate, &(roost_rate_opts){.count = UINT32_MAX, .per = 1, .burst = UINT32_MAX});
    CHECK_OK(rc);
    if (rc < 0)
        return;
    for (int i = 0; i < 4; i++)
        CHECK_OK(roost_rate_acquire_many(&rate, UINT32_MAX));
    if (roost_test_virtual())
        CHECK_EQ(3, roost_now() - roost_test_start());
}

ROOST_TEST(the_burst_is_the_count_unless_told)
{
    roost_rate rate;
    CHECK_OK(roost_rate_init(&rate, &(roost_rate_opts){.count = 6, .per = ROOST_MIN(60)}));
    CHECK_OK(roost_rate_try_acquire_many(&rate, 6));
    CHECK_EQ(ROOST_EAGAIN, roost_rate_try_acquire(&rate));
}

ROOST_TEST(outside_a_run_nothing_passes, .plain = true, .no_torture = true)
{
    roost_rate rate;
    CHECK_OK(roost_rate_init(&rate, &(roost_rate_opts){.count = 1}));
    CHECK_EQ(ROOST_ENOCTX, roost_rate_acquire(&rate));
    CHECK_EQ(ROOST_ENOCTX, roost_rate_acquire_many(&rate, 9));
    CHECK_EQ(ROOST_ENOCTX, roost_rate_try_acquire(&rate));
    CHECK_EQ(ROOST_ENOCTX, roost_rate_set(&rate, &(roost_rate_opts){.count = 1}));
    CHECK_EQ(1, stats_of(&rate).available);
}

ROOST_ASYNC(use_from_elsewhere, roost_rate *, rate)
{
    CHECK_EQ(ROOST_EXLOOP, roost_rate_acquire(rate));
    CHECK_EQ(ROOST_EXLOOP, roost_rate_try_acquire(rate));
    CHECK_EQ(ROOST_EXLOOP, roost_rate_set(rate, &(roost_rate_opts){.count = 1}));
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_rate rate;
    CHECK_OK(roost_rate_init(&rate, &(roost_rate_opts){.count = 5}));
    CHECK_OK(roost_rate_acquire(&rate));
    CHECK_OK(roost_on_loop(1, ROOST_CALL(use_from_elsewhere, &rate), NULL));
    CHECK_EQ(1, stats_of(&rate).granted);
}

static roost_rate used_again;

ROOST_ASYNC(use_a_rate, int, sleeps)
{
    ROOST_TRY(roost_rate_try_acquire(&used_again));
    return roost_sleep(ROOST_MS(sleeps));
}

ROOST_TEST(a_rate_outlives_its_run, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    CHECK_OK(roost_rate_init(&used_again, &(roost_rate_opts){.count = 2, .per = ROOST_MIN(60)}));
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_a_rate, 5), &opts));
    /* Its clock may begin before the first one's end: the bucket keeps what it had. */
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_a_rate, 0), &opts));
    CHECK_EQ(ROOST_EAGAIN, roost_test_run(ROOST_CALL(use_a_rate, 0), &opts));
}
