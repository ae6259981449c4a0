/* tests/unit/sync/test_broadcast.c - broadcasts: who gets what, who is too slow, and their end.
 *
 * Registered per ROOST_TEST_BACKENDS. Several loops on one broadcast are in
 * test_broadcast_shared.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/broadcast.h>

#include <stdint.h>

#include "base/mem.h"
#include "kit/kit.h"
#include "unit/rt/process.h"

static roost_broadcast *broadcast_of(size_t capacity, enum roost_broadcast_policy policy)
{
    roost_broadcast *broadcast = NULL;
    roost_broadcast_opts opts = {.item_size = sizeof(int), .capacity = capacity, .policy = policy};
    CHECK_OK(roost_broadcast_open(&opts, &broadcast));
    return broadcast;
}

static roost_broadcast_stats stats_of(roost_broadcast *broadcast)
{
    roost_broadcast_stats stats = {0};
    roost_broadcast_stats_get(broadcast, &stats);
    return stats;
}

ROOST_ASYNC(send_one, roost_broadcast *, broadcast, int, item)
{
    return roost_broadcast_send(broadcast, &item);
}

/* Notes what it got, or the code, at the next free place. */
ROOST_ASYNC(recv_one, roost_subscription *, sub, int **, at)
{
    int item = -1;
    int rc = roost_subscription_recv(sub, &item);
    *(*at)++ = rc < 0 ? rc : item;
    return rc;
}

static void expect(roost_subscription *sub, int want)
{
    int item = -1;
    int rc = roost_subscription_try_recv(sub, &item);
    CHECK_EQ(want, rc < 0 ? rc : item);
}

/* -- opening ----------------------------------------------------------------------------------- */

ROOST_TEST(opening_refuses_options_that_say_nothing_or_too_much)
{
    roost_broadcast *broadcast = NULL;
    const roost_broadcast_opts bad[] = {
        {.item_size = 0, .capacity = 1},
        {.item_size = 1, .capacity = 0},
        {.item_size = 1, .capacity = 1, .policy = (enum roost_broadcast_policy)2},
        {.item_size = 1, .capacity = 1, .policy = (enum roost_broadcast_policy) - 1},
    };
    /* More than can be counted in bytes. */
    const roost_broadcast_opts huge = {.item_size = 8, .capacity = SIZE_MAX / 4};
    CHECK_EQ(ROOST_EINVAL, roost_broadcast_open(NULL, &broadcast));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(ROOST_EINVAL, roost_broadcast_open(&bad[i], &broadcast));
    CHECK_EQ(ROOST_ENOMEM, roost_broadcast_open(&huge, &broadcast));
    CHECK(broadcast == NULL);
    roost_broadcast_close(NULL);
}

ROOST_TEST(opening_without_memory_leaves_nothing, .no_torture = true /* a plan of its own */)
{
    roost_broadcast *broadcast = NULL;
    roost_broadcast_opts opts = {.item_size = 4, .capacity = 4, .policy = ROOST_BROADCAST_WAIT};
    for (uint64_t at = 1; at <= 3; at++) {
        roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = at});
        CHECK_EQ(ROOST_ENOMEM, roost_broadcast_open(&opts, &broadcast));
        roosti_mem_plan_set(NULL);
        CHECK(broadcast == NULL);
    }
}

/* -- who gets what ----------------------------------------------------------------------------- */

static void all_since_subscribing(enum roost_broadcast_policy policy)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(4, policy);
    ROOST_AUTO(subscription) roost_subscription first = ROOST_SUBSCRIPTION_INIT;
    ROOST_AUTO(subscription) roost_subscription second = ROOST_SUBSCRIPTION_INIT;
    if (!broadcast)
        return;
    CHECK_EQ(0, roost_broadcast_try_send(broadcast, &(int){1})); /* to nobody */
    CHECK_EQ(0, stats_of(broadcast).kept);
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &first));
    CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){2}));
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &second));
    CHECK_EQ(2, roost_broadcast_send(broadcast, &(int){3}));
    expect(&first, 2);
    expect(&first, 3);
    expect(&first, ROOST_EAGAIN);
    expect(&second, 3);
    expect(&second, ROOST_EAGAIN);
    CHECK_EQ(0, roost_broadcast_unsubscribe(&first));
    CHECK_EQ(0, roost_broadcast_unsubscribe(&first)); /* of nothing */
    CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){4}));
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &first));
    expect(&first, ROOST_EAGAIN);
    expect(&second, 4);
    roost_broadcast_stats stats = stats_of(broadcast);
    CHECK_EQ(4, stats.sent);
    CHECK_EQ(4, stats.received);
    CHECK_EQ(0, stats.missed);
    CHECK_EQ(2, stats.subscribers);
}

ROOST_TEST(each_subscriber_gets_what_was_sent_since_it_subscribed)
{
    all_since_subscribing(ROOST_BROADCAST_LAG);
    all_since_subscribing(ROOST_BROADCAST_WAIT);
}

static void values_to_waiters(enum roost_broadcast_policy policy)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(1, policy);
    roost_subscription subs[3] = {ROOST_SUBSCRIPTION_INIT};
    int got[3] = {-1, -1, -1};
    int *at = got;
    int rc = 0;
    if (!broadcast)
        return;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &subs[i]));
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, recv_one, &subs[i], &at);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(3, roost_broadcast_try_send(broadcast, &(int){5}));
        CHECK_EQ(0, stats_of(broadcast).kept); /* nobody is behind */
        /* More than the ring holds: those who were served are not behind by it. */
        CHECK_EQ(3, roost_broadcast_try_send(broadcast, &(int){6}));
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(5, got[i]);
        expect(&subs[i], 6);
        (void)roost_broadcast_unsubscribe(&subs[i]);
    }
}

ROOST_TEST(who_waits_is_handed_the_value)
{
    values_to_waiters(ROOST_BROADCAST_LAG);
    values_to_waiters(ROOST_BROADCAST_WAIT);
}

/* -- too slow ---------------------------------------------------------------------------------- */

ROOST_TEST(the_slow_lose_the_oldest_and_are_told_how_many)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(3, ROOST_BROADCAST_LAG);
    ROOST_AUTO(subscription) roost_subscription slow = ROOST_SUBSCRIPTION_INIT;
    ROOST_AUTO(subscription) roost_subscription quick = ROOST_SUBSCRIPTION_INIT;
    if (!broadcast)
        return;
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &slow));
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &quick));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(2, roost_broadcast_try_send(broadcast, &i));
        expect(&quick, i);
    }
    CHECK_EQ(0, roost_subscription_missed(&slow)); /* exactly as far behind as it may be */
    expect(&slow, 0);
    for (int i = 3; i < 8; i++) {
        CHECK_EQ(2, roost_broadcast_send(broadcast, &i));
        expect(&quick, i);
    }
    expect(&slow, ROOST_ELAGGED);
    CHECK_EQ(4, roost_subscription_missed(&slow)); /* 1 to 4 */
    expect(&slow, 5);
    CHECK_EQ(4, roost_subscription_missed(&slow));
    CHECK_EQ(2, roost_broadcast_send(broadcast, &(int){8}));
    CHECK_EQ(2, roost_broadcast_send(broadcast, &(int){9}));
    CHECK_EQ(ROOST_ELAGGED, roost_subscription_recv(&slow, &(int){0}));
    CHECK_EQ(1, roost_subscription_missed(&slow)); /* 6 */
    for (int i = 7; i < 10; i++)
        expect(&slow, i);
    expect(&slow, ROOST_EAGAIN);
    CHECK_EQ(5, stats_of(broadcast).missed);
}

ROOST_TEST(a_subscriber_that_lags_again_before_it_goes_on_is_told_again)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(1, ROOST_BROADCAST_LAG);
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    if (!broadcast)
        return;
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &sub));
    for (int i = 0; i < 2; i++)
        CHECK_EQ(1, roost_broadcast_try_send(broadcast, &i));
    expect(&sub, ROOST_ELAGGED);
    CHECK_EQ(1, roost_subscription_missed(&sub));
    for (int i = 2; i < 5; i++)
        CHECK_EQ(1, roost_broadcast_try_send(broadcast, &i));
    expect(&sub, ROOST_ELAGGED);
    CHECK_EQ(3, roost_subscription_missed(&sub));
    expect(&sub, 4);
}

ROOST_TEST(a_sender_waits_for_the_slowest_and_is_not_overtaken, .fifo = true)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_WAIT);
    ROOST_AUTO(subscription) roost_subscription slow = ROOST_SUBSCRIPTION_INIT;
    ROOST_AUTO(subscription) roost_subscription quick = ROOST_SUBSCRIPTION_INIT;
    roost_task *tasks[2] = {NULL};
    int results[2] = {-1, -1};
    int got[1] = {-1};
    int *at = got;
    int rc = 0;
    if (!broadcast)
        return;
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &slow));
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &quick));
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(2, roost_broadcast_try_send(broadcast, &i));
        expect(&quick, i);
    }
    ROOST_GROUP(g, rc) {
        CHECK_EQ(ROOST_EAGAIN, roost_broadcast_try_send(broadcast, &(int){9}));
        for (int i = 0; i < 2; i++)
            CHECK_OK(ROOST_SPAWN(&tasks[i], g, send_one, broadcast, 2 + i));
        ROOST_GO(g, recv_one, &quick, &at);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(2, stats_of(broadcast).send_waits);
        CHECK_EQ(-1, got[0]);
        expect(&slow, 0);
        /* The cell that became free is the first sender's; its value went to who waited. */
        CHECK_EQ(ROOST_EAGAIN, roost_broadcast_try_send(broadcast, &(int){9}));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(2, got[0]);
        expect(&slow, 1);
        for (int i = 0; i < 2; i++)
            if (tasks[i])
                CHECK_OK(roost_join(tasks[i], &results[i]));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, results[0]);
    CHECK_EQ(2, results[1]);
    expect(&slow, 2);
    expect(&slow, 3);
    expect(&quick, 3);
    expect(&quick, ROOST_EAGAIN);
    CHECK_EQ(0, stats_of(broadcast).kept);
}

/* The one in the middle frees nothing while the one before it is still wanted. */
ROOST_TEST(cells_are_freed_in_order_whoever_takes_them)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(3, ROOST_BROADCAST_WAIT);
    ROOST_AUTO(subscription) roost_subscription early = ROOST_SUBSCRIPTION_INIT;
    ROOST_AUTO(subscription) roost_subscription late = ROOST_SUBSCRIPTION_INIT;
    if (!broadcast)
        return;
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &early));
    CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){0}));
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &late));
    CHECK_EQ(2, roost_broadcast_try_send(broadcast, &(int){1}));
    CHECK_EQ(2, roost_broadcast_try_send(broadcast, &(int){2}));
    expect(&late, 1);
    expect(&late, 2);
    CHECK_EQ(3, stats_of(broadcast).kept);
    expect(&early, 0);
    CHECK_EQ(2, stats_of(broadcast).kept);
    expect(&early, 1);
    expect(&early, 2);
    CHECK_EQ(0, stats_of(broadcast).kept);
}

ROOST_TEST(unsubscribing_lets_the_senders_go_that_waited_for_it, .fifo = true)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(1, ROOST_BROADCAST_WAIT);
    ROOST_AUTO(subscription) roost_subscription slow = ROOST_SUBSCRIPTION_INIT;
    ROOST_AUTO(subscription) roost_subscription quick = ROOST_SUBSCRIPTION_INIT;
    int rc = 0;
    if (!broadcast)
        return;
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &slow));
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &quick));
    CHECK_EQ(2, roost_broadcast_try_send(broadcast, &(int){0}));
    expect(&quick, 0);
    ROOST_GROUP(g, rc) {
        for (int i = 1; i < 4; i++)
            ROOST_GO(g, send_one, broadcast, i);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(3, stats_of(broadcast).send_waits);
        CHECK_EQ(0, roost_broadcast_unsubscribe(&slow));
        expect(&quick, 1);
        expect(&quick, 2);
        /* The last subscriber goes: what is sent then goes to nobody. */
        CHECK_EQ(0, roost_broadcast_unsubscribe(&quick));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(4, stats_of(broadcast).sent);
    CHECK_EQ(0, stats_of(broadcast).kept);
}

/* -- cancellation ------------------------------------------------------------------------------ */

ROOST_TEST(a_cancelled_receiver_loses_nothing, .fifo = true)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_LAG);
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int item = -1;
    if (!broadcast || roost_broadcast_subscribe(broadcast, &sub) < 0)
        return;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_subscription_recv(&sub, &item)));
    CHECK_EQ(-1, item);
    CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){3}));
    CHECK_EQ(0, roost_subscription_recv(&sub, &item));
    CHECK_EQ(3, item);
    CHECK_EQ(1, stats_of(broadcast).recv_waits);
}

ROOST_TEST(a_value_handed_over_wins_over_a_later_cancellation, .fifo = true)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_LAG);
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    roost_task *task = NULL;
    int got[1] = {-1};
    int *at = got;
    int rc = 0;
    if (!broadcast || roost_broadcast_subscribe(broadcast, &sub) < 0)
        return;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&task, g, recv_one, &sub, &at));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){4}));
        if (task)
            roost_task_cancel(task, "too late");
    }
    CHECK_EQ(4, got[0]);
    expect(&sub, ROOST_EAGAIN);
}

ROOST_TEST(a_cancelled_sender_has_sent_nothing, .fifo = true)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(1, ROOST_BROADCAST_WAIT);
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    roost_task *task = NULL;
    int result = 1;
    int rc = 0;
    if (!broadcast || roost_broadcast_subscribe(broadcast, &sub) < 0)
        return;
    CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){0}));
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&task, g, send_one, broadcast, 1));
        ROOST_GO(g, send_one, broadcast, 2);
        CHECK_OK(roost_test_settle());
        if (!task)
            break;
        roost_task_cancel(task, "enough");
        CHECK_OK(roost_join(task, &result));
        expect(&sub, 0);
    }
    CHECK_EQ(ROOST_ECANCELED, result);
    expect(&sub, 2);
    CHECK_EQ(2, stats_of(broadcast).sent);
}

ROOST_TEST(calls_of_a_cancelled_task_are_refused_and_change_nothing)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_LAG);
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int rc = 0;
    if (!broadcast || roost_broadcast_subscribe(broadcast, &sub) < 0)
        return;
    CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){1}));
    ROOST_GROUP(g, rc) {
        int item = -1;
        roost_group_cancel(g, "the body is in it, too");
        CHECK_EQ(ROOST_ECANCELED, roost_broadcast_send(broadcast, &(int){2}));
        CHECK_EQ(ROOST_ECANCELED, roost_subscription_recv(&sub, &item));
        CHECK_EQ(-1, item);
    }
    expect(&sub, 1);
    expect(&sub, ROOST_EAGAIN);
}

/* -- closing ----------------------------------------------------------------------------------- */

ROOST_TEST(subscribers_drain_a_closed_broadcast_and_free_it)
{
    roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_WAIT);
    ROOST_AUTO(subscription) roost_subscription full = ROOST_SUBSCRIPTION_INIT;
    ROOST_AUTO(subscription) roost_subscription half = ROOST_SUBSCRIPTION_INIT;
    int item = -1;
    if (!broadcast)
        return;
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &full));
    CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &half));
    CHECK_EQ(2, roost_broadcast_try_send(broadcast, &(int){1}));
    CHECK_EQ(2, roost_broadcast_try_send(broadcast, &(int){2}));
    roost_broadcast_close(broadcast);
    expect(&half, 1);
    CHECK_EQ(0, roost_broadcast_unsubscribe(&half));
    expect(&full, 1);
    expect(&full, 2);
    expect(&full, ROOST_ECLOSED);
    CHECK_EQ(ROOST_ECLOSED, roost_subscription_recv(&full, &item));
}

ROOST_TEST(closing_wakes_who_waits_for_a_value)
{
    roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_LAG);
    roost_subscription subs[2] = {ROOST_SUBSCRIPTION_INIT};
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    int got[2] = {1, 1};
    int *at = got;
    int rc = 0;
    if (!broadcast)
        return;
    for (int i = 0; i < 2; i++)
        CHECK_EQ(0, roost_broadcast_subscribe(broadcast, &subs[i]));
    ROOST_GROUP_WITH(g, rc, &opts) {
        for (int i = 0; i < 2; i++)
            ROOST_GO(g, recv_one, &subs[i], &at);
        CHECK_OK(roost_test_settle());
        roost_broadcast_close(broadcast);
    }
    CHECK_EQ(ROOST_ECLOSED, got[0]);
    CHECK_EQ(ROOST_ECLOSED, got[1]);
    for (int i = 0; i < 2; i++)
        (void)roost_broadcast_unsubscribe(&subs[i]);
}

/* -- misuse ------------------------------------------------------------------------------------ */

ROOST_TEST(one_subscription_serves_one_task_at_a_time, .debug = -1, .stalls = true)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_LAG);
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int got[1] = {-1};
    int *at = got;
    int item = -1;
    int rc = 0;
    if (!broadcast || roost_broadcast_subscribe(broadcast, &sub) < 0)
        return;
    CHECK_EQ(ROOST_EBUSY, roost_broadcast_subscribe(broadcast, &sub));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, recv_one, &sub, &at);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(ROOST_EBUSY, roost_subscription_recv(&sub, &item));
        CHECK_EQ(ROOST_EBUSY, roost_subscription_try_recv(&sub, &item));
        CHECK_EQ(ROOST_EBUSY, roost_broadcast_unsubscribe(&sub));
        CHECK_EQ(1, stats_of(broadcast).subscribers);
        CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){6}));
    }
    CHECK_EQ(6, got[0]);
    CHECK_EQ(-1, item);
}

ROOST_TEST(a_subscription_to_nothing_receives_nothing)
{
    roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int item = 1;
    CHECK_EQ(ROOST_EINVAL, roost_subscription_recv(&sub, &item));
    CHECK_EQ(ROOST_EINVAL, roost_subscription_try_recv(&sub, &item));
    CHECK_EQ(0, roost_broadcast_unsubscribe(&sub));
}

ROOST_TEST(calls_outside_a_task, .plain = true)
{
    roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_LAG);
    roost_broadcast_opts opts = {.item_size = sizeof(int), .capacity = 2, .shared = true};
    roost_broadcast *shared = NULL;
    roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int item = 1;
    if (!broadcast)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_broadcast_send(broadcast, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_broadcast_try_send(broadcast, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_broadcast_subscribe(broadcast, &sub));
    CHECK_EQ(ROOST_ENOCTX, roost_subscription_recv(&sub, &item));
    roost_broadcast_close(broadcast);
    /* What never suspends works on a shared one from everywhere. */
    CHECK_OK(roost_broadcast_open(&opts, &shared));
    if (!shared)
        return;
    CHECK_EQ(0, roost_broadcast_subscribe(shared, &sub));
    CHECK_EQ(1, roost_broadcast_try_send(shared, &item));
    expect(&sub, 1);
    expect(&sub, ROOST_EAGAIN);
    roost_broadcast_close(shared);
    expect(&sub, ROOST_ECLOSED);
    CHECK_EQ(0, roost_broadcast_unsubscribe(&sub));
}

ROOST_ASYNC(subscribe_and_leave, roost_subscription *, sub)
{
    roost_broadcast *broadcast = broadcast_of(2, ROOST_BROADCAST_WAIT);
    if (!broadcast)
        return ROOST_ENOMEM;
    int rc = roost_broadcast_subscribe(broadcast, sub);
    CHECK_EQ(1, roost_broadcast_try_send(broadcast, &(int){1}));
    roost_broadcast_close(broadcast);
    return rc;
}

ROOST_TEST(a_subscription_may_outlive_its_run, .plain = true)
{
    roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int item = 1;
    int rc = roost_test_run(ROOST_CALL(subscribe_and_leave, &sub), NULL);
    if (rc == 0)
        CHECK_EQ(ROOST_ENOCTX, roost_subscription_try_recv(&sub, &item));
    CHECK_EQ(0, roost_broadcast_unsubscribe(&sub));
}

ROOST_ASYNC(close_under_a_sender)
{
    roost_broadcast *broadcast = broadcast_of(1, ROOST_BROADCAST_WAIT);
    roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int rc = 0;
    ROOST_TRY(roost_broadcast_subscribe(broadcast, &sub));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_one, broadcast, 1);
        ROOST_GO(g, send_one, broadcast, 2);
        while (stats_of(broadcast).send_waits == 0)
            ROOST_TRY(roost_yield());
        roost_broadcast_close(broadcast);
    }
    return rc;
}

static int close_under_a_sender_runs(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(close_under_a_sender), NULL);
}

ROOST_ASYNC(unsubscribe_under_a_receiver)
{
    ROOST_AUTO(broadcast) roost_broadcast *broadcast = broadcast_of(1, ROOST_BROADCAST_LAG);
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    int got[1] = {-1};
    int *at = got;
    int rc = 0;
    ROOST_TRY(roost_broadcast_subscribe(broadcast, &sub));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, recv_one, &sub, &at);
        while (stats_of(broadcast).recv_waits == 0)
            ROOST_TRY(roost_yield());
        rc = roost_broadcast_unsubscribe(&sub);
    }
    return rc == ROOST_EBUSY ? 5 : 0;
}

static int unsubscribe_under_a_receiver_runs(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(unsubscribe_under_a_receiver), &(roost_run_opts){.debug = 1});
}

ROOST_TEST(misuse_is_told, .plain = true)
{
    static struct process process;
    process_run(&process, close_under_a_sender_runs, NULL);
    CHECK_EQ(128 + SIGABRT, process.code);
    CHECK_EQ(1, process_count(&process, "no task sends on a broadcast that is closed"));
    process_run(&process, unsubscribe_under_a_receiver_runs, NULL);
    CHECK_EQ(5, process.code);
    CHECK_EQ(1, process_count(&process, "a task waits on this subscription"));
}
