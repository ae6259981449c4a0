/* bench/peers/boost_context/peer.cpp - the suite `micro` on Boost.Context, as far as it has the
 * notions.
 *
 * Boost.Context is a switch and a stack, without a scheduler, timers or scopes: yield is the bare
 * switch between two fibers that know each other, and what it cannot do is reported as missing.
 * Stacks are the library's default of 128 KiB without guards, since guarded ones end at half of
 * vm.max_map_count.
 *
 * SPDX-License-Identifier: MIT */
#include "meter.h"

#include <memory>
#include <vector>

#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>

namespace ctx = boost::context;

/* One fiber hands over to the other until each has run n / 2 times. */
static void yield_both(long n)
{
    ctx::fiber first([n](ctx::fiber &&back) {
        ctx::fiber second([](ctx::fiber &&peer) {
            for (;;)
                peer = std::move(peer).resume();
            return std::move(peer);
        });
        for (long i = n / 2; i > 0; i--)
            second = std::move(second).resume();
        return std::move(back);
    });
    first = std::move(first).resume();
}

static int run_yield(const char *name, long n)
{
    yield_both(n / 10 + 1);
    int64_t start = bench_cpu_ns();
    yield_both(n);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    return 0;
}

static void spawn_join(ctx::pooled_fixedsize_stack &pool, long n)
{
    for (; n > 0; n--) {
        ctx::fiber f(std::allocator_arg, pool, [](ctx::fiber &&back) { return std::move(back); });
        f = std::move(f).resume();
        if (f)
            abort();
    }
}

static int run_spawn_join(const char *name, long n)
{
    ctx::pooled_fixedsize_stack pool;
    spawn_join(pool, n / 10 + 1);
    int64_t start = bench_cpu_ns();
    spawn_join(pool, n);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    return 0;
}

/* Starts n fibers and lets each run until it has handed control back. */
static void park(std::vector<ctx::fiber> &parked, long *left, long n)
{
    struct leaver {
        long *left;
        ~leaver()
        {
            --*left;
        }
    };
    *left += n;
    for (; n > 0; n--) {
        ctx::fiber f(std::allocator_arg, ctx::fixedsize_stack(), [left](ctx::fiber &&back) {
            leaver guard{left};
            back = std::move(back).resume();
            return std::move(back);
        });
        parked.push_back(std::move(f).resume());
    }
}

static int run_spawn_cold(const char *name, long n)
{
    std::vector<ctx::fiber> parked;
    long left = 0;
    parked.reserve((size_t)n + 1000);
    park(parked, &left, 1000);
    int64_t start = bench_cpu_ns();
    park(parked, &left, n);
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
    parked.clear();
    return left == 0 ? 0 : -1;
}

/* A parked fiber that is destroyed is unwound by an exception: that is the library's cancellation.
 */
static int run_cancel_parked(const char *name, long n)
{
    std::vector<ctx::fiber> parked;
    long left = 0;
    parked.reserve((size_t)n);
    park(parked, &left, n);
    int64_t start = bench_wall_ns();
    parked.clear();
    bench_print(name, "total_ms", (double)(bench_wall_ns() - start) / 1e6);
    return left == 0 ? 0 : -1;
}

static int run_no_timers(const char *name, long)
{
    printf("%s missing Boost.Context has no timers\n", name);
    return 0;
}

static int run_no_scopes(const char *name, long)
{
    printf("%s missing Boost.Context has no cancellation that a call could report\n", name);
    return 0;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"yield", run_yield, 30000000},
        {"spawn_join", run_spawn_join, 10000000},
        {"spawn_cold", run_spawn_cold, 50000},
        {"timeout_ready", run_no_timers, 1},
        {"timer_arm_cancel_100000", run_no_timers, 1},
        {"cancel_parked_100000", run_cancel_parked, 100000},
        {"first_refusal", run_no_scopes, 1},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0], nullptr);
}
