/* bench/micro/micro.c - the suite `micro` on roost: the small operations every program is made of.
 *
 * Everything is as users have it: cancellation checks, scopes, statistics and the yield budget are
 * on. The cases are those of bench/METHOD.md.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"

#include <roost.h>

#include "meter.h"

#define ARMED 100000
#define WARM 1000

static void print_per_op(const char *name, int64_t start, long n)
{
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
}

ROOST_ASYNC(yielder, long, n)
{
    for (; n > 0; n--)
        ROOST_TRY(roost_yield());
    return 0;
}

ROOST_ASYNC(yield_both, long, each)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, yielder, each);
        ROOST_GO(g, yielder, each);
    }
    return rc;
}

static int run_yield(const char *name, long n)
{
    ROOST_TRY(yield_both(n / 20 + 1));
    int64_t start = bench_cpu_ns();
    ROOST_TRY(yield_both(n / 2 + 1));
    print_per_op(name, start, 2 * (n / 2 + 1));
    return 0;
}

ROOST_ASYNC(nothing)
{
    return 0;
}

static int spawn_join(roost_group *g, long n)
{
    for (; n > 0; n--) {
        roost_task *task;
        ROOST_TRY(ROOST_SPAWN(&task, g, nothing));
        ROOST_TRY(roost_join(task, NULL));
    }
    return 0;
}

static int run_spawn_join(const char *name, long n)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_TRY(spawn_join(g, n / 10 + 1));
        int64_t start = bench_cpu_ns();
        ROOST_TRY(spawn_join(g, n));
        print_per_op(name, start, n);
    }
    return rc;
}

ROOST_ASYNC(parker, long *, parked)
{
    ++*parked;
    return roost_sleep_forever();
}

/* Starts n tasks that wait until they are cancelled; returns when all of them wait. */
static int park(roost_group *g, long *parked, long n)
{
    long wanted = *parked + n;
    for (; n > 0; n--)
        ROOST_TRY(roost_go(g, ROOST_CALL(parker, parked)));
    while (*parked < wanted)
        ROOST_TRY(roost_yield());
    return 0;
}

static int run_spawn_cold(const char *name, long n)
{
    int rc = 0;
    long parked = 0;
    ROOST_GROUP(g, rc) {
        ROOST_TRY(park(g, &parked, WARM));
        int64_t start = bench_cpu_ns();
        ROOST_TRY(park(g, &parked, n));
        print_per_op(name, start, n);
        roost_group_cancel(g, "measured");
    }
    return rc;
}

static int run_cancel_parked(const char *name, long n)
{
    int rc = 0;
    long parked = 0;
    int64_t start = 0;
    ROOST_GROUP(g, rc) {
        ROOST_TRY(park(g, &parked, n));
        start = bench_wall_ns();
        roost_group_cancel(g, "measured");
    }
    bench_print(name, "total_ms", (double)(bench_wall_ns() - start) / 1e6);
    return rc;
}

/* An operation that need not wait: it checks whether it was cancelled and returns. */
ROOST_ASYNC(ready)
{
    return roost_checkpoint();
}

static int timeout_ready(long n)
{
    for (; n > 0; n--)
        ROOST_TRY(ROOST_WITHIN(ROOST_SEC(1), ready()));
    return 0;
}

static int run_timeout_ready(const char *name, long n)
{
    ROOST_TRY(timeout_ready(n / 10 + 1));
    int64_t start = bench_cpu_ns();
    ROOST_TRY(timeout_ready(n));
    print_per_op(name, start, n);
    return 0;
}

/* Enters a scope, cancels it, makes a call that is refused, and leaves: the scope absorbs it. */
static int refused_block(void)
{
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_begin(&scope, ROOST_FOREVER, ROOST_SCOPE_FAIL, "refused");
    roost_scope_cancel(&scope, "measured");
    int rc = ready();
    return roost_scope_end(&scope, rc == ROOST_ECANCELED ? rc : ROOST_EINVAL);
}

static int first_refusal(long n)
{
    for (; n > 0; n--)
        ROOST_TRY(refused_block());
    return 0;
}

static int run_first_refusal(const char *name, long n)
{
    ROOST_TRY(first_refusal(n / 10 + 1));
    int64_t start = bench_cpu_ns();
    ROOST_TRY(first_refusal(n));
    print_per_op(name, start, n);
    return 0;
}

static void timer_fired(struct roost_impl_timer *timer)
{
    (void)timer;
    abort();
}

static void arm_cancel(struct roosti_timers *timers, const roost_time *deadlines, long n)
{
    struct roost_impl_timer timer = {.fire = timer_fired};
    for (; n > 0; n--) {
        roosti_timer_arm(timers, &timer, deadlines[n % BENCH_DEADLINES]);
        roosti_timer_cancel(timers, &timer);
    }
}

static int measure_timer(const char *name, struct roosti_timers *timers,
                         struct roost_impl_timer *armed, long n)
{
    roost_time deadlines[BENCH_DEADLINES];
    roost_time now = roost_now();
    uint64_t seed = bench_deadlines(deadlines);
    for (size_t i = 0; i < BENCH_DEADLINES; i++)
        deadlines[i] += now;
    for (size_t i = 0; i < ARMED; i++) {
        armed[i].fire = timer_fired;
        roosti_timer_arm(timers, &armed[i], now + bench_deadline(&seed));
    }
    arm_cancel(timers, deadlines, n / 10 + 1);
    int64_t start = bench_cpu_ns();
    arm_cancel(timers, deadlines, n);
    print_per_op(name, start, n);
    for (size_t i = 0; i < ARMED; i++)
        roosti_timer_cancel(timers, &armed[i]);
    return 0;
}

static int run_timer(const char *name, long n)
{
    struct roost_impl_timer *armed = calloc(ARMED, sizeof *armed);
    if (!armed)
        return ROOST_ENOMEM;
    int rc = measure_timer(name, &roosti_loop_here->timers, armed, n);
    free(armed);
    return rc;
}

ROOST_ASYNC(run_case, const struct bench_case *, chosen, long, n)
{
    return chosen->run(chosen->name, n);
}

static int run_in_loop(const struct bench_case *chosen, long n)
{
    int rc = roost_run(ROOST_CALL(run_case, chosen, n), NULL);
    if (rc < 0)
        fprintf(stderr, "%s: %s\n", roost_error_name(rc), roost_error_text(rc));
    return rc;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"yield", run_yield, 60000000},
        {"spawn_join", run_spawn_join, 10000000},
        {"spawn_cold", run_spawn_cold, 50000},
        {"timeout_ready", run_timeout_ready, 10000000},
        {"timer_arm_cancel_100000", run_timer, 30000000},
        {"cancel_parked_100000", run_cancel_parked, 100000},
        {"first_refusal", run_first_refusal, 10000000},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0], run_in_loop);
}
