/* tests/unit/sync/test_broadcast_shared.c - broadcasts and watches that several loops share.
 *
 * Registered per ROOST_TEST_BACKENDS; a simulation has one loop, there the same code runs with the
 * lock and without another thread.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/broadcast.h>
#include <roost/watch.h>

#include <stdint.h>

#include "kit/kit.h"
#include "unit/sync/loops.h"

enum { VALUES = 300 };

/* -- broadcasts -------------------------------------------------------------------------------- */

struct air {
    roost_broadcast *broadcast;
    uint64_t count[PER_LOOP * LOOPS_MAX];
    uint64_t missed[PER_LOOP * LOOPS_MAX];
    uint64_t sum[PER_LOOP * LOOPS_MAX];
};

/* Each subscriber must have the values of one sender in their order. */
static int listen_to_the_end(int index, void *arg)
{
    struct air *air = arg;
    ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
    uint64_t last[LOOPS_MAX] = {0};
    ROOST_TRY(roost_broadcast_subscribe(air->broadcast, &sub));
    for (;;) {
        uint64_t value = 0;
        int rc = roost_subscription_recv(&sub, &value);
        if (rc == ROOST_ECLOSED)
            return 0;
        if (rc == ROOST_ELAGGED) {
            air->missed[index] += roost_subscription_missed(&sub);
            continue;
        }
        ROOST_TRY(rc);
        uint64_t sender = value / 1000000;
        CHECK(value > last[sender]);
        last[sender] = value;
        air->count[index]++;
        air->sum[index] += value % 1000000;
        if (value % 11 == 0)
            ROOST_TRY(roost_yield());
    }
}

ROOST_ASYNC(listen_everywhere, struct air *, air)
{
    return on_every_loop(PER_LOOP, listen_to_the_end, air);
}

static int speak(int index, void *arg)
{
    struct air *air = arg;
    for (uint64_t i = 1; i <= VALUES; i++) {
        uint64_t value = (uint64_t)index * 1000000 + i;
        ROOST_TRY(roost_broadcast_send(air->broadcast, &value));
    }
    return 0;
}

static int await_subscribers(roost_broadcast *broadcast, uint32_t wanted)
{
    roost_broadcast_stats stats;
    for (;;) {
        roost_broadcast_stats_get(broadcast, &stats);
        if (stats.subscribers == wanted)
            return 0;
        ROOST_TRY(roost_sleep(ROOST_US(50)));
    }
}

static void everybody_hears_everything(enum roost_broadcast_policy policy)
{
    struct air air = {.broadcast = NULL};
    roost_broadcast_opts opts = {
        .item_size = sizeof(uint64_t), .capacity = 5, .policy = policy, .shared = true};
    int listeners = PER_LOOP * roost_loop_count();
    int rc = 0;
    if (roost_broadcast_open(&opts, &air.broadcast) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, listen_everywhere, &air);
        rc = await_subscribers(air.broadcast, (uint32_t)listeners);
        if (rc == 0)
            rc = on_every_loop(1, speak, &air);
        roost_broadcast_close(air.broadcast); /* while all of them listen */
    }
    CHECK_EQ(0, rc);
    uint64_t sent = (uint64_t)roost_loop_count() * VALUES;
    for (int i = 0; i < listeners; i++) {
        CHECK_EQ(sent, air.count[i] + air.missed[i]);
        if (policy == ROOST_BROADCAST_WAIT)
            CHECK_EQ((uint64_t)roost_loop_count() * VALUES * (VALUES + 1) / 2, air.sum[i]);
    }
}

ROOST_TEST(subscribers_on_every_loop_hear_everything_or_how_much_they_missed, .loops = 3,
           .no_torture = true /* it waits for listeners that then may never come */)
{
    everybody_hears_everything(ROOST_BROADCAST_WAIT);
    everybody_hears_everything(ROOST_BROADCAST_LAG);
}

/* -- watches ----------------------------------------------------------------------------------- */

struct sight {
    roost_watch *watch;
    uint64_t last[PER_LOOP * LOOPS_MAX];
};

/* Two words that are always changed together. */
struct pair {
    uint64_t value;
    uint64_t inverse;
};

static bool pair_next(void *arg, void *value)
{
    struct pair *pair = value;
    (void)arg;
    pair->value++;
    pair->inverse = ~pair->value;
    return true;
}

static int look_to_the_end(int index, void *arg)
{
    struct sight *sight = arg;
    uint64_t seen = 0;
    for (;;) {
        struct pair pair = {0, 0};
        uint64_t before = seen;
        int rc = roost_watch_changed(sight->watch, &seen, &pair);
        if (rc == ROOST_ECLOSED)
            return 0;
        ROOST_TRY(rc);
        CHECK(seen > before);
        CHECK(pair.value == seen - 1 && pair.inverse == ~pair.value);
        sight->last[index] = pair.value;
    }
}

static int change_many_times(int index, void *arg)
{
    struct sight *sight = arg;
    (void)index;
    for (int i = 0; i < VALUES; i++) {
        int rc = roost_watch_modify(sight->watch, pair_next, NULL);
        if (rc != 1)
            return rc < 0 ? rc : -EPROTO;
        ROOST_TRY(roost_checkpoint());
        if (i % 3 == 0)
            ROOST_TRY(roost_yield());
    }
    return 0;
}

ROOST_ASYNC(look_everywhere, struct sight *, sight)
{
    return on_every_loop(PER_LOOP, look_to_the_end, sight);
}

ROOST_TEST(watchers_on_every_loop_see_whole_values_and_the_last_one, .loops = 3)
{
    struct sight sight = {.watch = NULL};
    ROOST_AUTO(watch) roost_watch *watch = NULL;
    struct pair first = {0, ~(uint64_t)0};
    int rc = 0;
    if (roost_watch_open(sizeof first, &first, &(roost_watch_opts){.shared = true}, &watch) < 0)
        return;
    sight.watch = watch;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, look_everywhere, &sight);
        rc = on_every_loop(1, change_many_times, &sight);
        CHECK_EQ(0, roost_watch_shutdown(watch));
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < PER_LOOP * roost_loop_count(); i++)
        CHECK_EQ((uint64_t)roost_loop_count() * VALUES, sight.last[i]);
}

/* -- of one loop ------------------------------------------------------------------------------- */

struct locals {
    roost_broadcast *broadcast;
    roost_watch *watch;
    roost_subscription sub;
};

static bool never_called(void *arg, void *value)
{
    (void)arg;
    (void)value;
    roost_test_fail(__FILE__, __LINE__, "a refused call calls nothing", true);
    return true;
}

static int use_of_others(int index, void *arg)
{
    struct locals *locals = arg;
    roost_subscription mine = ROOST_SUBSCRIPTION_INIT;
    uint64_t value = 1;
    if (index == 0)
        return 0;
    CHECK_EQ(ROOST_EXLOOP, roost_broadcast_send(locals->broadcast, &value));
    CHECK_EQ(ROOST_EXLOOP, roost_broadcast_try_send(locals->broadcast, &value));
    CHECK_EQ(ROOST_EXLOOP, roost_broadcast_subscribe(locals->broadcast, &mine));
    CHECK_EQ(ROOST_EXLOOP, roost_subscription_recv(&locals->sub, &value));
    CHECK_EQ(ROOST_EXLOOP, roost_subscription_try_recv(&locals->sub, &value));
    CHECK_EQ(ROOST_EXLOOP, roost_broadcast_unsubscribe(&locals->sub));
    CHECK_EQ(0, roost_broadcast_unsubscribe(&mine)); /* it did not come to be */
    CHECK_EQ(ROOST_EXLOOP, roost_watch_set(locals->watch, &value));
    CHECK_EQ(ROOST_EXLOOP, roost_watch_modify(locals->watch, never_called, NULL));
    CHECK_EQ(ROOST_EXLOOP, roost_watch_get(locals->watch, &value, NULL));
    CHECK_EQ(ROOST_EXLOOP, roost_watch_changed(locals->watch, &value, NULL));
    CHECK_EQ(ROOST_EXLOOP, roost_watch_shutdown(locals->watch));
    CHECK_EQ(1, value);
    return 0;
}

ROOST_TEST(broadcasts_and_watches_that_are_not_shared_stay_with_their_loop, .loops = 2)
{
    struct locals locals = {.broadcast = NULL};
    roost_broadcast_opts opts = {.item_size = sizeof(uint64_t), .capacity = 2};
    uint64_t value = 5;
    if (roost_broadcast_open(&opts, &locals.broadcast) == 0 &&
        roost_watch_open(sizeof value, &value, NULL, &locals.watch) == 0) {
        CHECK_EQ(0, roost_broadcast_subscribe(locals.broadcast, &locals.sub));
        CHECK_EQ(1, roost_broadcast_try_send(locals.broadcast, &value));
        CHECK_EQ(0, roost_watch_get(locals.watch, &value, NULL));
        CHECK_EQ(0, on_every_loop(1, use_of_others, &locals));
        CHECK_EQ(0, roost_subscription_try_recv(&locals.sub, &value));
        CHECK_EQ(5, value);
    }
    CHECK_EQ(0, roost_broadcast_unsubscribe(&locals.sub));
    roost_broadcast_close(locals.broadcast);
    roost_watch_close(locals.watch);
}
