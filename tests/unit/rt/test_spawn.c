/* tests/unit/rt/test_spawn.c - what a task is born with: arguments, stack, name, number.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stddef.h>
#include <string.h>

#include <roost.h>

#include "kit/kit.h"
#include "rt/task.h"

/* -- argument blocks of every size --------------------------------------------------------------*/

enum { ARGS_MAX = 4096 };

/* A call made by hand: the block that ROOST_CALL would make, of a size chosen at run time. */
struct block {
    const roost_async_info *info;
    unsigned char bytes[ARGS_MAX + 64];
};

static size_t block_size; /* of the whole block */
static int block_runs;

static unsigned char pattern(size_t i)
{
    return (unsigned char)(i * 31 + 7);
}

static int block_entry(void *args)
{
    struct block *block = args;
    size_t head = offsetof(struct block, bytes);
    CHECK_EQ(0, (uintptr_t)args % 8);
    for (size_t i = 0; i + head < block_size; i++)
        CHECK_EQ(pattern(i), block->bytes[i]);
    /* It is the task's own: written to, it is nobody else's. */
    memset(block->bytes, 0, block_size - head);
    block_runs++;
    return 0;
}

static int block_spawn(struct block *block, roost_async_info *info, size_t size, size_t align)
{
    *info = (roost_async_info){.entry = block_entry,
                               .args_size = (uint32_t)size,
                               .args_align = (uint32_t)align,
                               .name = "block_entry",
                               .file = __FILE__,
                               .line = __LINE__};
    block->info = info;
    block_size = size;
    int rc = 0;
    int go = 0;
    ROOST_GROUP(g, rc) {
        for (size_t i = 0; i < sizeof block->bytes; i++)
            block->bytes[i] = pattern(i);
        go =
            roost_spawn(g, (roost_call){(const roost_async_info *const *)&block->info}, NULL, NULL);
        memset(block->bytes, 0xee, sizeof block->bytes);
    }
    CHECK_EQ(0, rc);
    return go;
}

ROOST_TEST(arguments_of_every_size_up_to_the_bound_are_copied, .no_torture = true)
{
    static struct block block;
    roost_async_info info;
    int spawned = 0;
    for (size_t size = sizeof(void *); size <= ARGS_MAX; size += 8, spawned++)
        CHECK_EQ(0, block_spawn(&block, &info, size, 8));
    CHECK_EQ(spawned, block_runs);
    CHECK_EQ(ROOST_EINVAL, block_spawn(&block, &info, ARGS_MAX + 8, 8));
    CHECK_EQ(ROOST_EINVAL, block_spawn(&block, &info, ARGS_MAX + 64, 8));
    CHECK_EQ(spawned, block_runs);
}

struct wide {
    _Alignas(64) char bytes[64];
};

ROOST_ASYNC(check_wide, struct wide, wide, int, after)
{
    CHECK_EQ(0, (uintptr_t)&wide % 64);
    CHECK_EQ('w', wide.bytes[63]);
    CHECK_EQ(9, after);
    return 1;
}

ROOST_ASYNC(check_wide_in_place, struct wide, wide)
{
    const struct roost_task *self = roost_task_self();
    CHECK_EQ(0, (uintptr_t)self->args % 64);
    return wide.bytes[0];
}

ROOST_TEST(arguments_keep_their_alignment, .no_torture = true)
{
    struct wide wide = {{0}};
    wide.bytes[63] = 'w';
    wide.bytes[0] = 'z';
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 40; i++) {
            roost_task *tasks[2] = {NULL};
            int result = 0;
            CHECK_OK(ROOST_SPAWN(&tasks[0], g, check_wide, wide, 9));
            CHECK_OK(ROOST_SPAWN(&tasks[1], g, check_wide_in_place, wide));
            CHECK_EQ(0, roost_join(tasks[0], &result));
            CHECK_EQ(1, result);
            CHECK_EQ(0, roost_join(tasks[1], &result));
            CHECK_EQ('z', result);
        }
    }
    CHECK_EQ(0, rc);
}

/* -- parameters ---------------------------------------------------------------------------------*/

ROOST_ASYNC(take_none)
{
    return 100;
}

ROOST_ASYNC(take_eight, char, a, short, b, int, c, long, d, float, e, double, f, const char *, g,
            uint64_t, h)
{
    CHECK(a == 'a' && b == -2 && c == 3 && d == -4000000000L);
    CHECK(e > 5.4f && e < 5.6f && f > 6.6 && f < 6.8);
    CHECK_STR("seven", g);
    CHECK(h == UINT64_MAX);
    return 8;
}

ROOST_TEST(none_and_eight_parameters_arrive, .no_torture = true)
{
    roost_task *tasks[2] = {NULL};
    int result = 0;
    int rc = 0;
    CHECK_EQ(8, take_eight('a', -2, 3, -4000000000L, 5.5f, 6.7, "seven", UINT64_MAX));
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&tasks[0], g, take_none));
        CHECK_OK(ROOST_SPAWN(&tasks[1], g, take_eight, 'a', -2, 3, -4000000000L, 5.5f, 6.7, "seven",
                             UINT64_MAX));
        CHECK_EQ(0, roost_join(tasks[0], &result));
        CHECK_EQ(100, result);
        CHECK_EQ(0, roost_join(tasks[1], &result));
        CHECK_EQ(8, result);
    }
    CHECK_EQ(0, rc);
}

/* -- names, numbers, errno ----------------------------------------------------------------------*/

ROOST_ASYNC(stay_for, roost_dur, dur)
{
    return roost_sleep(dur);
}

ROOST_ASYNC(lose_its_name)
{
    ROOST_TRY(roost_task_set_name("mistaken"));
    ROOST_TRY(roost_task_set_name(NULL));
    CHECK_STR("lose_its_name", roost_task_name(roost_task_self()));
    return 0;
}

ROOST_TEST(names_are_given_or_those_of_the_function, .no_torture = true)
{
    roost_task *tasks[3] = {NULL};
    static const char name[] = "a name that is longer than it may be";
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&tasks[0], g, stay_for, ROOST_MS(1)));
        CHECK_OK(roost_spawn(g, ROOST_CALL(stay_for, ROOST_MS(1)),
                             &(roost_spawn_opts){.name = name}, &tasks[1]));
        CHECK_OK(
            roost_spawn(g, ROOST_CALL(stay_for, ROOST_MS(1)), &(roost_spawn_opts){0}, &tasks[2]));
        CHECK_STR("stay_for", roost_task_name(tasks[0]));
        CHECK_EQ(31, strlen(roost_task_name(tasks[1])));
        CHECK(strncmp(name, roost_task_name(tasks[1]), 31) == 0);
        CHECK_STR("stay_for", roost_task_name(tasks[2]));
        CHECK(roost_task_id(tasks[0]) < roost_task_id(tasks[1]));
        CHECK(roost_task_id(tasks[1]) < roost_task_id(tasks[2]));
        for (int i = 0; i < 3; i++)
            CHECK(!roost_task_done(tasks[i]));
        CHECK_OK(roost_sleep(ROOST_MS(2)));
        for (int i = 0; i < 3; i++) {
            CHECK(roost_task_done(tasks[i]));
            CHECK_EQ(0, roost_join(tasks[i], NULL));
        }
    }
    CHECK_EQ(0, rc);
    CHECK_OK(roost_task_set_name("renamed"));
    CHECK_STR("renamed", roost_task_name(roost_task_self()));
    ROOST_GROUP(g, rc)
        ROOST_GO(g, lose_its_name);
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(keep_errno, int, value)
{
    CHECK_EQ(0, errno);
    for (int i = 0; i < 20; i++) {
        errno = value + i;
        ROOST_TRY(i % 2 ? roost_yield() : roost_sleep(1));
        CHECK_EQ(value + i, errno);
    }
    return 0;
}

ROOST_TEST(errno_belongs_to_the_task, .no_torture = true)
{
    int rc = 0;
    errno = 77;
    ROOST_GROUP(g, rc)
        for (int i = 1; i < 10; i++)
            ROOST_GO(g, keep_errno, 1000 * i);
    CHECK_EQ(0, rc);
    CHECK_EQ(77, errno);
}

/* -- many ---------------------------------------------------------------------------------------*/

ROOST_ASYNC(count_and_wait, int *, live, int *, most)
{
    if (++*live > *most)
        *most = *live;
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    --*live;
    return 0;
}

ROOST_ASYNC(live_at_once, int, count)
{
    int live = 0;
    int most = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < count; i++)
            ROOST_GO(g, count_and_wait, &live, &most);
        roost_run_stats stats;
        CHECK_OK(roost_run_stats_get(&stats));
        CHECK_EQ(count + 1, stats.tasks_live);
        CHECK_EQ(count, stats.tasks_ready);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, live);
    CHECK_EQ(count, most);
    return count;
}

ROOST_ASYNC(live_at_once_again)
{
    for (int round = 0; round < 3; round++)
        ROOST_TRY(live_at_once(10000));
    return 0;
}

ROOST_TEST(ten_thousand_tasks_live_at_once_and_their_stacks_come_back, .plain = true,
           .no_torture = true)
{
    CHECK_EQ(0, roost_run(ROOST_CALL(live_at_once_again), &(roost_run_opts){.backend = "sim"}));
}

ROOST_TEST(the_counters_of_a_run_count, .no_torture = true)
{
    roost_run_stats before;
    roost_run_stats after;
    int live = 0;
    int most = 0;
    int rc = 0;
    CHECK_OK(roost_run_stats_get(&before));
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 10; i++)
            ROOST_GO(g, count_and_wait, &live, &most);
        CHECK_OK(roost_test_settle());
        CHECK_OK(roost_run_stats_get(&after));
        CHECK_EQ(10, after.timers_armed - before.timers_armed);
        CHECK_EQ(0, after.tasks_ready);
        CHECK_EQ(10, after.tasks_live - before.tasks_live);
    }
    CHECK_EQ(0, rc);
    CHECK_OK(roost_run_stats_get(&after));
    CHECK_EQ(10, after.tasks_spawned - before.tasks_spawned);
    CHECK(after.switches >= before.switches + 20);
    CHECK(after.polls > before.polls);
    CHECK_EQ(0, after.ops_in_flight);
    CHECK_EQ(before.tasks_live, after.tasks_live);
}
