/* port/clock.c - instants from the kernel, and cheap ticks for short spans.
 *
 * The rate of the tick counter is known on aarch64. On x86-64 it is measured against the monotonic
 * clock over the life of the process: a first pair of readings is taken at init, a second one when
 * a span is first converted, and the rate is refined until the pairs lie 10 ms apart. A pair is
 * exact to some 30 ns, so readings 100 us apart, the least that is ever used, give 0.06 % at worst.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/atomic.h"
#include "port/host.h"

__extension__ typedef unsigned __int128 wide;

bool roosti_ticks_are_tsc;

/* Nanoseconds per tick times 2^32; zero before the first conversion. */
static uint64_t ticks_rate;
static bool rate_final;

static roost_time clock_read(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (roost_time)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

roost_time roosti_clock_now(void)
{
    return clock_read(CLOCK_MONOTONIC);
}

roost_time roosti_clock_wall(void)
{
    return clock_read(CLOCK_REALTIME);
}

roost_time roosti_clock_cpu(void)
{
    return clock_read(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t roosti_ticks_slow(void)
{
    return (uint64_t)roosti_clock_now();
}

#if defined(__x86_64__)

enum { RATE_SPAN_MIN = 100 * 1000, RATE_SPAN_FINAL = 10 * 1000 * 1000 };

/* The two clocks at the same moment, as nearly as can be told. */
struct clock_pair {
    uint64_t ticks;
    roost_time now;
};
static struct clock_pair pair_first;

static struct clock_pair clock_pair_read(void)
{
    struct clock_pair best = {0};
    uint64_t width_best = UINT64_MAX;
    for (int i = 0; i < 8; i++) {
        uint64_t before = roosti_ticks();
        roost_time now = roosti_clock_now();
        uint64_t width = roosti_ticks() - before;
        if (width < width_best) {
            width_best = width;
            best = (struct clock_pair){.ticks = before + width / 2, .now = now};
        }
    }
    return best;
}

/* Whether the counter runs at one rate for ever, and the kernel keeps its own time by it. */
static bool counter_trusted(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(0x80000007, &a, &b, &c, &d) || !(d & 1u << 8))
        return false;
    char source[32] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    if (!file)
        return false;
    if (!fgets(source, sizeof source, file))
        source[0] = 0;
    fclose(file);
    source[strcspn(source, "\n")] = 0;
    return strcmp(source, "tsc") == 0 || strcmp(source, "kvm-clock") == 0 ||
           strcmp(source, "hyperv_clocksource_tsc_page") == 0;
}

void roosti_clock_init(void)
{
    if (!counter_trusted())
        return;
    roosti_ticks_are_tsc = true;
    pair_first = clock_pair_read();
}

/* Threads that come here together measure the same thing; any of their results will do. */
static uint64_t rate_refine(void)
{
    struct clock_pair pair = clock_pair_read();
    while (pair.now - pair_first.now < RATE_SPAN_MIN)
        pair = clock_pair_read();
    uint64_t span = pair.ticks - pair_first.ticks;
    uint64_t rate = (uint64_t)(((wide)(pair.now - pair_first.now) << 32) / span);
    roosti_atomic_store(&ticks_rate, rate, ROOSTI_RELAXED);
    if (pair.now - pair_first.now >= RATE_SPAN_FINAL)
        roosti_atomic_store(&rate_final, true, ROOSTI_RELEASE);
    return rate;
}

#else

static uint64_t rate_refine(void)
{
    return roosti_atomic_load(&ticks_rate, ROOSTI_RELAXED);
}

void roosti_clock_init(void)
{
#if defined(__aarch64__)
    uint64_t hertz;
    __asm__("mrs %0, cntfrq_el0" : "=r"(hertz));
    if (hertz == 0)
        return;
    ticks_rate = (uint64_t)(((wide)1000000000 << 32) / hertz);
    rate_final = true;
    roosti_ticks_are_tsc = true;
#endif
}

#endif

roost_dur roosti_ticks_to_ns(uint64_t span)
{
    if (!roosti_ticks_are_tsc)
        return (roost_dur)span;
    uint64_t rate = roosti_atomic_load(&rate_final, ROOSTI_ACQUIRE)
                        ? roosti_atomic_load(&ticks_rate, ROOSTI_RELAXED)
                        : rate_refine();
    return (roost_dur)(((wide)span * rate) >> 32);
}
