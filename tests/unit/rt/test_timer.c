/* tests/unit/rt/test_timer.c - the wheel of timers against a list that is searched.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kit/kit.h"
#include "rt/timer.h"

/* A timer of a test, and what is known of it without the wheel. */
struct item {
    struct roost_impl_timer timer;
    roost_time due; /* as asked for */
    uint64_t order; /* of arming */
    bool armed;
    int fired;
    void (*on_fire)(struct item *item);
};

/* The wheel under test, with a record of what has fired. */
static struct {
    struct roosti_timers timers;
    roost_time now;
    uint64_t order;
    size_t armed;
    struct item *last; /* fired */
    bool check_order;  /* against the item that fired before */
    struct item *items;
    size_t count;
} wheel;

static void wheel_begin(roost_time now, struct item *items, size_t count)
{
    memset(&wheel, 0, sizeof wheel);
    memset(items, 0, count * sizeof *items);
    wheel.now = now;
    wheel.items = items;
    wheel.count = count;
    wheel.check_order = true;
    roosti_timers_init(&wheel.timers, now);
}

static void item_fire(struct roost_impl_timer *timer)
{
    struct item *item = roosti_container(timer, struct item, timer);
    CHECK(item->armed);
    CHECK(item->due <= wheel.now);
    CHECK_EQ(0, timer->where);
    const struct item *last = wheel.last;
    if (wheel.check_order && last)
        CHECK(last->due < item->due || (last->due == item->due && last->order < item->order));
    item->armed = false;
    item->fired++;
    wheel.armed--;
    wheel.last = item;
    if (item->on_fire)
        item->on_fire(item);
}

static void item_arm(struct item *item, roost_time due)
{
    item->timer.fire = item_fire;
    item->due = due;
    item->order = ++wheel.order;
    item->armed = true;
    wheel.armed++;
    roosti_timer_arm(&wheel.timers, &item->timer, due);
}

static void item_cancel(struct item *item)
{
    wheel.armed -= item->armed;
    item->armed = false;
    roosti_timer_cancel(&wheel.timers, &item->timer);
    CHECK_EQ(0, item->timer.where);
}

/* The earliest instant, found by looking at all. */
static roost_time list_next(void)
{
    roost_time next = ROOST_NEVER;
    for (size_t i = 0; i < wheel.count; i++)
        if (wheel.items[i].armed && wheel.items[i].due < next)
            next = wheel.items[i].due;
    return next;
}

static size_t list_due(roost_time now)
{
    size_t due = 0;
    for (size_t i = 0; i < wheel.count; i++)
        due += wheel.items[i].armed && wheel.items[i].due <= now;
    return due;
}

/* Exact while few timers can share a slot; else never late. */
static void next_check(roost_time earliest)
{
    roost_time next = roosti_timers_next(&wheel.timers);
    if (wheel.timers.armed <= 64)
        CHECK_EQ(earliest, next);
    else
        CHECK(next <= earliest);
}

static void wheel_check(void)
{
    roosti_timers_check(&wheel.timers);
    CHECK_EQ(wheel.armed, wheel.timers.armed);
    next_check(list_next());
}

/* Fires, and compares what fired with what the list says is due. */
static void wheel_fire(roost_time now)
{
    size_t due = list_due(now);
    wheel.now = now;
    wheel.last = NULL;
    CHECK_EQ(due, roosti_timers_fire(&wheel.timers, now));
    CHECK_EQ(0, list_due(now));
    wheel_check();
}

/* -- instants around every edge -----------------------------------------------------------------*/

/* Instants at and around each power of two, from `now` on, alone and added to it. */
static size_t edges_arm(roost_time now, size_t max)
{
    size_t used = 0;
    for (int bit = 0; bit < 63; bit++) {
        for (int64_t off = -1; off <= 1; off++) {
            roost_time edge = (roost_time)((uint64_t)1 << bit) + off;
            roost_time relative = edge > INT64_MAX - 1 - now ? now : now + edge;
            CHECK(used + 2 <= max);
            item_arm(&wheel.items[used++], relative);
            if (edge >= now)
                item_arm(&wheel.items[used++], edge);
        }
    }
    return used;
}

static void edges_try(roost_time now)
{
    static struct item items[512];
    wheel_begin(now, items, 512);
    edges_arm(now, 512);
    wheel_check();
    /* Each instant in turn, the one before it, and past it. */
    while (wheel.armed > 0) {
        roost_time next = list_next();
        if (next > wheel.now)
            wheel_fire(next - 1);
        wheel_fire(next);
    }
    CHECK_EQ(ROOST_NEVER, roosti_timers_next(&wheel.timers));
    for (size_t i = 0; i < 512; i++)
        CHECK(items[i].order == 0 || items[i].fired == 1);
}

ROOST_TEST(timers_fire_exactly_around_every_edge_from_every_edge, .plain = true, .no_torture = true)
{
    edges_try(0);
    for (int bit = 0; bit < 63; bit++)
        for (int64_t off = -1; off <= 1; off++)
            edges_try((roost_time)((uint64_t)1 << bit) + off);
}

ROOST_TEST(one_leap_over_everything_fires_all_in_order, .plain = true, .no_torture = true)
{
    static struct item items[512];
    for (int bit = 0; bit < 62; bit++) {
        wheel_begin((roost_time)((uint64_t)1 << bit) - 1, items, 512);
        size_t used = edges_arm(wheel.now, 512);
        roost_time last = ROOST_NEVER - 1;
        wheel_fire(last);
        CHECK_EQ(0, wheel.armed);
        for (size_t i = 0; i < used; i++)
            CHECK_EQ(1, items[i].fired);
    }
}

/* -- order --------------------------------------------------------------------------------------*/

ROOST_TEST(equal_deadlines_fire_in_order_of_arming, .plain = true, .no_torture = true)
{
    static struct item items[300];
    static const roost_dur aheads[] = {0, 1, 63, 64, 65, 4095, 4096, 1 << 20, (roost_dur)1 << 40};
    for (size_t k = 0; k < sizeof aheads / sizeof aheads[0]; k++) {
        wheel_begin(ROOST_SEC(1000) - 1, items, 300);
        /* Armed from different distances, so that they come through different levels. */
        roost_time due = wheel.now + aheads[k];
        for (int i = 0; i < 300; i++) {
            item_arm(&items[i], due);
            if (i % 100 == 50 && due - wheel.now > 4)
                wheel_fire(wheel.now + (due - wheel.now) / 2);
        }
        wheel_fire(due);
        for (int i = 0; i < 300; i++)
            CHECK_EQ(1, items[i].fired);
    }
}

ROOST_TEST(an_instant_that_has_passed_fires_at_once_behind_what_is_due, .plain = true,
           .no_torture = true)
{
    static struct item items[3];
    wheel_begin(1000, items, 3);
    item_arm(&items[0], 2000);
    wheel_fire(1500);
    item_arm(&items[1], 1400);
    item_arm(&items[2], INT64_MIN);
    wheel.check_order = false;
    wheel.now = 1500;
    CHECK_EQ(2, roosti_timers_fire(&wheel.timers, 1500));
    CHECK_EQ(0, items[0].fired);
    CHECK_EQ(1, items[1].fired);
    CHECK_EQ(1, items[2].fired);
    wheel_check();
}

/* -- changes while firing -----------------------------------------------------------------------*/

static void cancel_two_on(struct item *item)
{
    if (item + 2 < wheel.items + wheel.count)
        item_cancel(item + 2);
}

ROOST_TEST(a_timer_that_fires_may_cancel_a_later_one_of_its_batch, .plain = true,
           .no_torture = true)
{
    static struct item items[40];
    wheel_begin(77, items, 40);
    for (int i = 0; i < 40; i++) {
        items[i].on_fire = cancel_two_on;
        item_arm(&items[i], 5000 + i / 8);
    }
    wheel.now = 6000;
    size_t fired = roosti_timers_fire(&wheel.timers, 6000);
    CHECK_EQ(20, fired);
    for (int i = 0; i < 40; i++)
        CHECK_EQ(i % 4 < 2, items[i].fired);
    wheel_check();
}

static int rearms_left;
static roost_dur rearm_ahead;

static void arm_again(struct item *item)
{
    if (rearms_left-- > 0)
        item_arm(item, wheel.now + rearm_ahead);
}

ROOST_TEST(a_timer_that_fires_may_arm_itself_again, .plain = true, .no_torture = true)
{
    static struct item item;
    /* In the past and for now: it fires again in the same call. Later: it waits. */
    static const roost_dur aheads[] = {-100, 0, 1, 64, 5000};
    for (size_t k = 0; k < sizeof aheads / sizeof aheads[0]; k++) {
        wheel_begin(4095, &item, 1);
        wheel.check_order = false;
        item.on_fire = arm_again;
        rearms_left = 10;
        rearm_ahead = aheads[k];
        item_arm(&item, 4096);
        wheel.now = 4096;
        size_t fired = roosti_timers_fire(&wheel.timers, 4096);
        CHECK_EQ(aheads[k] <= 0 ? 11 : 1, fired);
        wheel_check();
        for (roost_time at = 4096 + rearm_ahead; wheel.armed > 0; at += rearm_ahead) {
            wheel.now = at;
            CHECK_EQ(1, roosti_timers_fire(&wheel.timers, at));
        }
        CHECK_EQ(11, item.fired);
    }
}

static void arm_the_next(struct item *item)
{
    if (item + 1 < wheel.items + wheel.count)
        item_arm(item + 1, item->due + 1);
}

ROOST_TEST(timers_armed_while_firing_for_a_time_gone_by_fire_too, .plain = true, .no_torture = true)
{
    static struct item items[200];
    wheel_begin(0, items, 200);
    wheel.check_order = false;
    for (int i = 0; i < 200; i++)
        items[i].on_fire = arm_the_next;
    item_arm(&items[0], 1);
    wheel.now = 150;
    CHECK_EQ(150, roosti_timers_fire(&wheel.timers, 150));
    wheel_check();
    CHECK(items[150].armed && !items[151].armed);
}

ROOST_TEST(cancelling_a_timer_at_rest_does_nothing, .plain = true, .no_torture = true)
{
    static struct item items[2];
    wheel_begin(10, items, 2);
    roosti_timer_cancel(&wheel.timers, &items[0].timer);
    item_arm(&items[0], 20);
    item_arm(&items[1], 20);
    item_cancel(&items[0]);
    item_cancel(&items[0]);
    wheel_check();
    wheel_fire(20);
    roosti_timer_cancel(&wheel.timers, &items[1].timer);
    wheel_check();
    CHECK_EQ(0, items[0].fired);
    CHECK_EQ(1, items[1].fired);
}

/* -- many ---------------------------------------------------------------------------------------*/

/* A distance whose size in bits is drawn first, so that all levels are used. */
static roost_dur distance_draw(struct roosti_rng *rng, unsigned bits_max)
{
    unsigned bits = (unsigned)roosti_rng_below(rng, bits_max + 1);
    return (roost_dur)(roosti_rng_next(rng) & (((uint64_t)1 << bits) - 1));
}

ROOST_TEST(random_courses_agree_with_the_list, .plain = true, .no_torture = true)
{
    static struct item items[64];
    for (uint64_t course = 0; course < 300; course++) {
        struct roosti_rng rng = roosti_rng_split(roost_test_seed() * 1000 + course, "timers");
        wheel_begin(distance_draw(&rng, 62), items, 64);
        for (int step = 0; step < 300; step++) {
            struct item *item = &items[roosti_rng_below(&rng, 64)];
            roost_dur ahead = distance_draw(&rng, 40);
            if (ahead > ROOST_NEVER - 1 - wheel.now)
                ahead = 0;
            if (roosti_rng_chance(&rng, 150))
                wheel_fire(wheel.now + ahead);
            else if (roosti_rng_chance(&rng, 100) && list_next() != ROOST_NEVER)
                wheel_fire(list_next() > wheel.now ? list_next() : wheel.now);
            else if (item->armed)
                item_cancel(item);
            else
                item_arm(item, wheel.now + ahead);
            if (step % 16 == 0)
                wheel_check();
        }
    }
}

static int by_due(const void *a, const void *b)
{
    const struct item *one = *(struct item *const *)a;
    const struct item *other = *(struct item *const *)b;
    if (one->due != other->due)
        return one->due < other->due ? -1 : 1;
    return one->order < other->order ? -1 : 1;
}

static struct item **expected;
static size_t expected_at;

static void fire_as_expected(struct item *item)
{
    CHECK(expected[expected_at++] == item);
}

ROOST_TEST(a_hundred_thousand_timers_fire_in_order, .plain = true, .no_torture = true)
{
    enum { MANY = 100000 };
    struct item *items = calloc(MANY, sizeof *items);
    expected = calloc(MANY, sizeof *expected);
    CHECK(items && expected);
    struct roosti_rng rng = roosti_rng_split(roost_test_seed(), "many");
    wheel_begin(ROOST_SEC(1000), items, MANY);
    for (size_t i = 0; i < MANY; i++) {
        items[i].on_fire = fire_as_expected;
        item_arm(&items[i], wheel.now + distance_draw(&rng, 45));
    }
    for (size_t i = 0; i < MANY; i += 3)
        item_cancel(&items[i]);
    roosti_timers_check(&wheel.timers);
    size_t left = 0;
    for (size_t i = 0; i < MANY; i++)
        if (items[i].armed)
            expected[left++] = &items[i];
    qsort(expected, left, sizeof *expected, by_due);
    expected_at = 0;
    wheel.last = NULL;
    while (wheel.timers.armed > 0) {
        roost_time next = roosti_timers_next(&wheel.timers);
        next_check(expected[expected_at]->due);
        wheel.now = next + distance_draw(&rng, 36);
        roosti_timers_fire(&wheel.timers, wheel.now);
        CHECK(expected_at == left || expected[expected_at]->due > wheel.now);
    }
    CHECK_EQ(left, expected_at);
    roosti_timers_check(&wheel.timers);
    free(items);
    free(expected);
}

static void crowd_fired(struct roost_impl_timer *timer)
{
    (void)timer;
}

ROOST_TEST(in_a_crowd_ten_early_looks_lead_to_the_next_timer, .plain = true, .no_torture = true)
{
    enum { CROWD = 1000, LEVELS = 11 };
    static struct roost_impl_timer crowd[CROWD];
    struct roosti_timers timers;
    roosti_timers_init(&timers, ROOST_SEC(1000));
    for (int i = 0; i < CROWD; i++) {
        crowd[i].fire = crowd_fired;
        roosti_timer_arm(&timers, &crowd[i], ROOST_SEC(2000) + i);
    }
    roost_time now = ROOST_SEC(1000);
    int looks = 0;
    while (timers.armed == CROWD) {
        roost_time next = roosti_timers_next(&timers);
        CHECK(next > now);
        CHECK(next <= ROOST_SEC(2000));
        now = next;
        roosti_timers_fire(&timers, now);
        roosti_timers_check(&timers);
        CHECK(++looks <= LEVELS);
    }
    CHECK_EQ(ROOST_SEC(2000), now);
    CHECK_EQ(CROWD - 1, timers.armed);
}
