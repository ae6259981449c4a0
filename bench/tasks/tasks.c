/* bench/tasks/tasks.c - the suite `tasks` on roost: many tasks asleep at once, and what one weighs.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "meter.h"

struct sleepers {
    roost_dur sleep;
    long asleep;
    long awake;
};

ROOST_ASYNC(sleeper, struct sleepers *, all)
{
    all->asleep++;
    int rc = roost_sleep(all->sleep);
    all->awake++;
    return rc;
}

/* What the process holds, in bytes. */
struct weight {
    int64_t rss;
    int64_t tables;
};

static struct weight weigh(void)
{
    return (struct weight){.rss = bench_status_bytes("VmRSS"),
                           .tables = bench_status_bytes("VmPTE")};
}

/* Starts count tasks that sleep, and returns when all of them do. */
static int start_all(roost_group *g, struct sleepers *all, long count)
{
    for (long i = 0; i < count; i++)
        ROOST_TRY(roost_go(g, ROOST_CALL(sleeper, all)));
    while (all->asleep < count)
        ROOST_TRY(roost_yield());
    return 0;
}

/* Weighs the process while all tasks sleep, then lets them wake and joins them. */
static int measure(const char *name, long count, long ms)
{
    struct sleepers all = {.sleep = ROOST_MS(ms)};
    struct weight before = weigh();
    struct weight after = before;
    int64_t begin = bench_wall_ns();
    int64_t cpu = bench_cpu_ns();
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_TRY(start_all(g, &all, count));
        cpu = bench_cpu_ns() - cpu;
        after = weigh();
        if (all.awake != 0) {
            fprintf(stderr, "the sleep is too short: a task woke before all were asleep\n");
            return ROOST_ETIMEDOUT;
        }
    }
    ROOST_TRY(rc);
    int64_t done = bench_wall_ns() - begin - all.sleep;
    if (all.awake != count)
        return ROOST_EBROKEN;
    double tasks = (double)count;
    bench_print(name, "bytes_per_task", (double)(after.rss - before.rss) / tasks);
    bench_print(name, "page_table_bytes_per_task", (double)(after.tables - before.tables) / tasks);
    bench_print(name, "create_ns", (double)cpu / tasks);
    bench_print(name, "done_s", (double)done / 1e9);
    return 0;
}

static int run_100000(const char *name, long ms)
{
    return measure(name, 100000, ms);
}

static int run_1000000(const char *name, long ms)
{
    return measure(name, 1000000, ms);
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
        {"sleeping_100000", run_100000, 2000},
        {"sleeping_1000000", run_1000000, 8000},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0], run_in_loop);
}
