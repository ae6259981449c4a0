/* tests/unit/port/test_clock.c - instants and ticks.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <time.h>

#include "port/clock.h"
#include "port/host.h"
#include "unit/port/cases.h"

TEST(the_clock_never_goes_back)
{
    roost_time last = roosti_clock_now();
    CHECK(last > 0);
    for (int i = 0; i < 10000; i++) {
        roost_time now = roosti_clock_now();
        CHECK(now >= last);
        last = now;
    }
}

TEST(the_wall_clock_is_that_of_the_calendar)
{
    roost_time wall = roosti_clock_wall();
    time_t now = time(NULL);
    CHECK(wall / 1000000000 >= now - 1 && wall / 1000000000 <= now + 1);
}

TEST(the_processor_clock_counts_work)
{
    roost_time before = roosti_clock_cpu();
    volatile long sum = 0;
    for (long i = 0; i < 2000000; i++)
        sum += i;
    CHECK(sum > 0 && roosti_clock_cpu() > before);
}

/* The span of one wait in ticks, over its length by the clock, minus one, in millionths. */
static long deviation(roost_dur wait)
{
    roost_time start = roosti_clock_now();
    uint64_t ticks = roosti_ticks();
    roost_time end;
    while ((end = roosti_clock_now()) - start < wait) {}
    uint64_t ticks_end = roosti_ticks();
    roost_dur by_ticks = roosti_ticks_to_ns(ticks_end - ticks);
    long off = (long)((by_ticks - (end - start)) * 1000000 / (end - start));
    return off < 0 ? -off : off;
}

TEST(ticks_measure_spans_within_a_thousandth)
{
    CHECK_EQ(0, roosti_host_init(NULL));
    /* Somebody may interrupt between the two readings, so the best of some tries counts. */
    long best = 1000000;
    for (int i = 0; i < 20 && best > 1000; i++) {
        long off = deviation(ROOST_MS(5));
        best = off < best ? off : best;
    }
    CHECK(best <= 1000);
    CHECK_EQ(0, roosti_ticks_to_ns(0));
    /* A span of years does not overflow on the way. */
    uint64_t second = (uint64_t)(1e9 / ((double)roosti_ticks_to_ns(1000000000) / 1e9));
    roost_dur ten_years = roosti_ticks_to_ns(second * 315360000);
    CHECK(ten_years > 315000000LL * 1000000000 && ten_years < 315700000LL * 1000000000);
}

/* The first conversion of the process: before main, and so before the runtime has made one. */
static roost_dur first_span;
static roost_dur first_took;

__attribute__((constructor)) static void first_conversion(void)
{
    roosti_clock_init();
    roost_time start = roosti_clock_now();
    uint64_t ticks = roosti_ticks();
    uint64_t ticks_end = roosti_ticks();
    first_span = roosti_ticks_to_ns(ticks_end - ticks);
    first_took = roosti_clock_now() - start;
}

TEST(the_first_conversion_does_not_wait_long)
{
    CHECK(first_span >= 0 && first_span <= first_took);
    CHECK(first_took < ROOST_MS(50));
}

static void *convert(void *arg)
{
    long *bad = arg;
    for (int i = 0; i < 200; i++)
        *bad += deviation(ROOST_US(50)) > 900000;
    return NULL;
}

TEST(threads_may_convert_at_the_same_time)
{
    CHECK_EQ(0, roosti_host_init(NULL));
    pthread_t threads[3];
    long bad[3] = {0};
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, pthread_create(&threads[i], NULL, convert, &bad[i]));
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    CHECK_EQ(0, bad[0] / 190 + bad[1] / 190 + bad[2] / 190);
}
