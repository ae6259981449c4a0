/* tests/unit/port/test_thread.c - threads and the latch between them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <sched.h>
#include <string.h>

#include <roost/error.h>

#include "base/mem.h"
#include "port/host.h"
#include "unit/port/cases.h"

static int cpu_first(const cpu_set_t *set)
{
    size_t cpu = 0;
    while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, set))
        cpu++;
    return (int)cpu;
}

struct look {
    uint64_t id;
    int cpu;
    int cpu_count;
    char name[32];
    struct roosti_latch seen;
    struct roosti_latch go_on;
};

static void look_around(void *arg)
{
    struct look *look = arg;
    look->id = roosti_thread_self();
    pthread_getname_np(pthread_self(), look->name, sizeof look->name);
    cpu_set_t set;
    pthread_getaffinity_np(pthread_self(), sizeof set, &set);
    look->cpu_count = CPU_COUNT(&set);
    look->cpu = cpu_first(&set);
    roosti_latch_set(&look->seen);
    roosti_latch_wait(&look->go_on, ROOST_NEVER);
}

TEST(a_thread_runs_its_body_under_its_name_on_its_processor)
{
    struct look look = {0};
    struct roosti_thread thread;
    cpu_set_t mine;
    CHECK_EQ(0, sched_getaffinity(0, sizeof mine, &mine));
    int cpu = cpu_first(&mine);
    CHECK_EQ(0,
             roosti_thread_start(&thread, "a name of more than fifteen", cpu, look_around, &look));
    CHECK(roosti_latch_wait(&look.seen, roosti_clock_now() + ROOST_SEC(20)));
    CHECK(look.id != 0 && look.id != roosti_thread_self());
    CHECK_EQ(0, strcmp("a name of more ", look.name));
    CHECK_EQ(cpu, look.cpu);
    CHECK_EQ(1, look.cpu_count);
    roosti_latch_set(&look.go_on);
    roosti_thread_join(&thread);
}

TEST(a_thread_without_a_processor_may_use_all)
{
    struct look look = {0};
    struct roosti_thread thread;
    CHECK_EQ(0, roosti_thread_start(&thread, NULL, -1, look_around, &look));
    roosti_latch_set(&look.go_on);
    roosti_thread_join(&thread);
    cpu_set_t set;
    CHECK_EQ(0, sched_getaffinity(0, sizeof set, &set));
    CHECK_EQ(CPU_COUNT(&set), look.cpu_count);
    CHECK_EQ(0, strcmp("roost", look.name));
}

TEST(a_refused_thread_leaves_nothing_behind)
{
    for (uint64_t nth = 1; nth <= 2; nth++) {
        struct roosti_mem_stats before;
        struct roosti_mem_stats after;
        struct look look = {0};
        struct roosti_thread thread = {.handle = 77};
        roosti_mem_stats_get(&before);
        roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = nth});
        int rc = roosti_thread_start(&thread, "x", -1, look_around, &look);
        roosti_mem_plan_set(NULL);
        roosti_mem_stats_get(&after);
        CHECK_EQ(nth == 1 ? ROOST_ENOMEM : ROOST_EAGAIN, rc);
        CHECK_EQ(77, thread.handle);
        CHECK_EQ(before.live, after.live);
        CHECK_EQ(0, look.id);
    }
}

TEST(a_latch_that_is_set_does_not_wait)
{
    struct roosti_latch latch = {0};
    roosti_latch_set(&latch);
    CHECK(roosti_latch_wait(&latch, ROOST_NEVER));
    CHECK(roosti_latch_wait(&latch, 0));
    roosti_latch_set(&latch);
    CHECK(roosti_latch_wait(&latch, ROOST_NEVER));
}

TEST(a_latch_waits_until_its_deadline_and_not_less)
{
    struct roosti_latch latch = {0};
    CHECK(!roosti_latch_wait(&latch, 0));
    CHECK(!roosti_latch_wait(&latch, -5));
    roost_time deadline = roosti_clock_now() + ROOST_MS(30);
    CHECK(!roosti_latch_wait(&latch, deadline));
    CHECK(roosti_clock_now() >= deadline);
}

static void set_later(void *arg)
{
    struct roosti_latch never = {0};
    roosti_latch_wait(&never, roosti_clock_now() + ROOST_MS(5));
    roosti_latch_set(arg);
}

TEST(a_latch_wakes_who_waits)
{
    for (int i = 0; i < 5; i++) {
        struct roosti_latch latch = {0};
        struct roosti_thread thread;
        CHECK_EQ(0, roosti_thread_start(&thread, "setter", -1, set_later, &latch));
        CHECK(roosti_latch_wait(&latch, i % 2 ? ROOST_NEVER : roosti_clock_now() + ROOST_SEC(20)));
        roosti_thread_join(&thread);
    }
}
