/* tests/sim/storm.c - a tree of tasks that spawn, sleep, time out, cancel and fail as the seed
 * says.
 *
 * Oracles: every task that was begun ends, once, and before the group it lives in; no timer is
 * early; a timeout comes when its deadline has passed; a cancellation is seen only where something
 * is cancelled; what a clean-up does is not disturbed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "kit/world.h"

enum { NODES_MAX = 120, DEPTH_MAX = 4, GROUPS_MAX = 64, CHILDREN_MAX = 5 };

/* What a parent knows of a task. */
struct child {
    struct storm *storm;
    int depth;
    int begun;
    int ended;
    roost_time end;
};

struct storm {
    uint64_t rng;
    int nodes;
    roost_group *groups[GROUPS_MAX]; /* open ones, to be cancelled by anybody */
    int group_count;
};

static int draw(struct storm *storm, int bound)
{
    return (int)kit_draw(&storm->rng, "storm", (uint64_t)bound);
}

static roost_dur draw_dur(struct storm *storm)
{
    return ROOST_US(draw(storm, 20) * 250);
}

static void group_register(struct storm *storm, roost_group *group)
{
    if (storm->group_count < GROUPS_MAX)
        storm->groups[storm->group_count++] = group;
}

static void group_forget(struct storm *storm, const roost_group *group)
{
    for (int i = 0; i < storm->group_count; i++)
        if (storm->groups[i] == group)
            storm->groups[i] = storm->groups[--storm->group_count];
}

/* -- what a task may do -------------------------------------------------------------------------*/

static int do_sleep(struct storm *storm)
{
    roost_dur dur = draw_dur(storm);
    roost_time start = roost_now();
    int rc = roost_sleep(dur);
    if (rc == 0)
        CHECK(roost_now() >= start + dur);
    return rc;
}

static int do_timeout(struct storm *storm)
{
    roost_dur limit = draw_dur(storm);
    roost_dur dur = draw_dur(storm);
    roost_time start = roost_now();
    int rc = ROOST_WITHIN(limit, roost_sleep(dur));
    if (rc == 0)
        CHECK(roost_now() >= start + dur);
    if (rc != ROOST_ETIMEDOUT)
        return rc;
    CHECK(roost_now() >= start + limit);
    return 0;
}

static int do_nested_timeouts(struct storm *storm)
{
    roost_time start = roost_now();
    roost_dur outer = ROOST_US(500) + draw_dur(storm);
    int inner_rc = 1;
    int rc = 0;
    ROOST_TIMEOUT(rc, outer) {
        rc = inner_rc = do_timeout(storm);
        if (rc == 0)
            rc = do_sleep(storm);
    }
    if (rc == ROOST_ETIMEDOUT)
        CHECK(roost_now() >= start + outer);
    return rc == ROOST_ETIMEDOUT ? 0 : rc;
}

static int do_clean_up(struct storm *storm)
{
    int rc = 1;
    ROOST_CLEANUP(ROOST_SEC(1))
        rc = do_sleep(storm);
    CHECK_EQ(0, rc);
    return rc;
}

static int do_cancel(struct storm *storm)
{
    if (storm->group_count > 0)
        roost_group_cancel(storm->groups[draw(storm, storm->group_count)], "storm");
    return 0;
}

/* -- groups -------------------------------------------------------------------------------------*/

ROOST_ASYNC_DECLARE(storm_node, struct child *, self);

/* A child with a handle, which is then joined, dropped, or cancelled and joined. */
static int spawn_held(roost_group *group, struct child *child)
{
    roost_task *task = NULL;
    ROOST_TRY(ROOST_SPAWN(&task, group, storm_node, child));
    int choice = draw(child->storm, 3);
    if (choice == 0)
        roost_task_cancel(task, "by its parent");
    int result = 1;
    int rc = choice == 1 ? ROOST_EAGAIN : roost_join(task, &result);
    if (rc < 0) {
        roost_task_drop(task);
        return rc == ROOST_ECANCELED ? rc : 0;
    }
    CHECK_EQ(1, child->ended);
    CHECK(result <= 0);
    return 0;
}

static int spawn_children(struct storm *storm, roost_group *group, struct child *children,
                          int count)
{
    for (int i = 0; i < count; i++) {
        storm->nodes++;
        if (draw(storm, 2) == 0)
            ROOST_TRY(spawn_held(group, &children[i]));
        else
            ROOST_GO(group, storm_node, &children[i]);
    }
    return draw(storm, 12) == 0 ? -EPIPE : 0;
}

static int do_group(struct storm *storm, int depth)
{
    static const uint32_t limits[] = {0, 0, 1, 2, 4};
    struct child children[CHILDREN_MAX];
    roost_group_opts opts = {
        .policy = draw(storm, 2) ? ROOST_FAIL_FAST : ROOST_COLLECT,
        .limit = limits[draw(storm, 5)],
    };
    int count = 1 + draw(storm, CHILDREN_MAX);
    for (int i = 0; i < CHILDREN_MAX; i++)
        children[i] = (struct child){.storm = storm, .depth = depth + 1};
    roost_group group;
    ROOST_TRY(roost_group_open(&group, &opts));
    group_register(storm, &group);
    int rc = spawn_children(storm, &group, children, count);
    rc = roost_group_end(&group, rc);
    group_forget(storm, &group);

    roost_group_stats stats;
    roost_group_stats_get(&group, &stats);
    CHECK_EQ(0, stats.live);
    CHECK_EQ(stats.spawned, stats.finished);
    uint64_t begun = 0;
    for (int i = 0; i < CHILDREN_MAX; i++) {
        CHECK_EQ(children[i].begun, children[i].ended);
        CHECK(children[i].begun <= 1);
        CHECK(children[i].end <= roost_now());
        begun += (uint64_t)children[i].begun;
    }
    CHECK_EQ(stats.spawned, begun);
    CHECK(rc == 0 || rc == -EIO || rc == -EPIPE || rc == ROOST_ECANCELED);
    return rc == -EIO || rc == -EPIPE ? 0 : rc;
}

static int node_step(struct storm *storm, int depth)
{
    switch (draw(storm, 10)) {
    case 0:
        return roost_yield();
    case 1:
        return roost_checkpoint();
    case 2:
        return do_timeout(storm);
    case 3:
        return do_nested_timeouts(storm);
    case 4:
        return do_clean_up(storm);
    case 5:
        return do_cancel(storm);
    case 6:
        return draw(storm, 4) == 0 ? -EIO : do_sleep(storm);
    case 7:
    case 8:
        if (depth < DEPTH_MAX && storm->nodes < NODES_MAX)
            return do_group(storm, depth);
        return do_sleep(storm);
    default:
        return do_sleep(storm);
    }
}

ROOST_ASYNC_DEFINE(storm_node, struct child *, self)
{
    self->begun++;
    int rc = 0;
    for (int steps = 1 + draw(self->storm, 6); steps > 0 && rc == 0; steps--)
        rc = node_step(self->storm, self->depth);
    if (rc == ROOST_ECANCELED)
        CHECK(roost_cancelled());
    self->ended++;
    self->end = roost_now();
    return rc;
}

ROOST_TEST(a_storm_of_tasks_leaves_nothing_behind)
{
    struct storm storm = {0};
    for (int i = 0; i < 4; i++) {
        int rc = do_group(&storm, 0);
        CHECK(rc == 0 || rc == ROOST_ECANCELED);
        CHECK_EQ(0, storm.group_count);
    }
    CHECK(!roost_cancelled());
    CHECK(storm.nodes >= 4);
}

/* The same in the middle of a deadline that ends everything at once. */
ROOST_ASYNC(storm_for_ever, struct storm *, storm)
{
    int rc = 0;
    while (rc == 0) {
        storm->nodes = 0;
        rc = do_group(storm, 1);
        if (rc == 0)
            rc = roost_sleep(ROOST_US(100));
    }
    return rc;
}

ROOST_TEST(a_deadline_ends_a_storm)
{
    struct storm storm = {0};
    int rc = 0;
    roost_time start = roost_now();
    ROOST_TIMEOUT(rc, ROOST_MS(15)) {
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, storm_for_ever, &storm);
            ROOST_GO(g, storm_for_ever, &storm);
        }
    }
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK(roost_now() >= start + ROOST_MS(15));
    CHECK(roost_now() < start + ROOST_SEC(1)); /* clean-ups are bounded */
    CHECK_EQ(0, storm.group_count);
}
