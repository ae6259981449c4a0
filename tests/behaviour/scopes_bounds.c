/* tests/behaviour/scopes_bounds.c - scopes used wrongly, in great numbers, not heeded, and left
 * with descriptors open: behaviours 13, 14, 18 and 19.
 *
 * SPDX-License-Identifier: MIT
 */

#include <stdlib.h>
#include <time.h>

#include "behaviour/moments.h"

/* -- B13: misnesting
 * -----------------------------------------------------------------------------*/

BEHAVIOUR(13, an_outer_scope_is_not_left_first)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, &(roost_scope_opts){.within = LONG_TIME});
    ROOST_AUTO(scope) roost_scope middle;
    scope_enter(&middle, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, NULL);

    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&outer, 0));
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&middle, ROOST_ECANCELED));
    CHECK(roost_scope_is_open(&outer) && roost_scope_is_open(&middle));
    CHECK_OK(roost_sleep(ROOST_MS(1)));

    /* Each of the three still does what it is there for. */
    roost_scope_cancel(&inner, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&outer, ROOST_ECANCELED));
    CHECK_EQ(0, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK_OK(roost_checkpoint());
    roost_scope_cancel(&middle, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&middle, ROOST_ECANCELED));
    CHECK_EQ(0, roost_scope_set_deadline(&outer, roost_now() + ROOST_MS(1)));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&outer, ROOST_ECANCELED));
}

BEHAVIOUR(13, nor_one_that_was_never_entered_or_has_ended)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope fresh;
    roost_scope_init(&fresh, NULL);
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&fresh, 0));
    CHECK_OK(roost_scope_enter(&fresh));
    CHECK_EQ(0, roost_scope_end(&fresh, 0));
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&fresh, ROOST_ECANCELED));
    CHECK_OK(roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&outer, 0));
}

struct stranger {
    roost_scope scope; /* of the task that does it right */
    roost_group *group;
    int scope_said;
    int group_said;
};

ROOST_ASYNC(leave_for_others, struct stranger *, stranger)
{
    ROOST_AUTO(scope) roost_scope own;
    scope_enter(&own, &(roost_scope_opts){.within = ROOST_MS(2)});
    stranger->scope_said = roost_scope_end(&stranger->scope, ROOST_ECANCELED);
    stranger->group_said = roost_group_end(stranger->group, -EIO);
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    return roost_scope_end(&own, ROOST_ECANCELED) == ROOST_ETIMEDOUT ? 0 : -EIO;
}

BEHAVIOUR(13, nor_by_another_task)
{
    int rc = 0;
    int ended = 0;
    struct stranger stranger = {0};
    roost_time before = roost_now();
    ROOST_GROUP(g, rc) {
        stranger.group = g;
        SCOPE_IN_GROUP(&stranger.scope, &(roost_scope_opts){.within = ROOST_MS(5)});
        ROOST_GO(g, leave_for_others, &stranger);
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        CHECK_ELAPSED(ROOST_MS(5), before);
        ended = roost_scope_end(&stranger.scope, ROOST_ECANCELED);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ETIMEDOUT, ended);
    CHECK_EQ(ROOST_EMISNEST, stranger.scope_said);
    CHECK_EQ(ROOST_EMISNEST, stranger.group_said);
}

BEHAVIOUR(13, groups_and_scopes_nest_in_each_other)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(group) roost_group group;
    if (roost_group_open(&group, NULL) < 0)
        return;
    ROOST_GO(&group, nap, ROOST_MS(1));
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, NULL);

    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&outer, 0));
    CHECK_EQ(ROOST_EMISNEST, roost_group_end(&group, -EIO));
    CHECK(roost_group_is_open(&group));
    roost_group_stats stats;
    roost_group_stats_get(&group, &stats);
    CHECK_EQ(1, stats.live);
    CHECK_EQ(0, stats.failed);

    CHECK_EQ(0, roost_scope_end(&inner, 0));
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&outer, 0));
    roost_time before = roost_now();
    CHECK_EQ(0, roost_group_end(&group, 0));
    CHECK(!roost_test_virtual() || roost_now() - before == ROOST_MS(1));
    CHECK_EQ(0, roost_scope_end(&outer, 0));
}

/* -- B14: many scopes
 * ----------------------------------------------------------------------------*/

/* Scopes one inside the other, entered by no recursion. */
struct tower {
    roost_scope *floors; /* from the outermost on */
    size_t height;       /* open ones */
};

static void tower_cleanup(struct tower *tower)
{
    while (tower->height > 0)
        roost_ignore(roost_scope_end(&tower->floors[--tower->height], 0));
    free(tower->floors);
    tower->floors = NULL;
}

static void tower_build(struct tower *tower, size_t height, const roost_scope_opts *opts)
{
    tower->floors = calloc(height, sizeof *tower->floors);
    while (tower->floors && tower->height < height)
        scope_enter(&tower->floors[tower->height++], opts);
}

/* What was counted while a tower stood. */
struct tower_counts {
    size_t cancelled;
    size_t passed_on; /* scopes that passed the cancellation on */
    size_t fired;     /* and that took it for their own */
    uint64_t timers;  /* armed when it stood */
    uint64_t timers_left;
    uint64_t steps; /* of the whole loop */
    int rc;         /* what came out of it */
};

static uint64_t timers_armed(void)
{
    roost_run_stats stats = {0};
    CHECK_OK(roost_run_stats_get(&stats));
    return stats.timers_armed;
}

/* Waits inside for the cancellation, and takes the tower down. */
static void tower_count(struct tower *tower, struct tower_counts *counts)
{
    counts->timers = timers_armed();
    uint64_t steps = roost_test_steps();
    counts->rc = roost_sleep(LONG_TIME);
    counts->steps = roost_test_steps() - steps;
    for (size_t i = 0; i < tower->height; i++)
        counts->cancelled += roost_scope_cancelled(&tower->floors[i]);
    while (tower->height > 0) {
        roost_scope *top = &tower->floors[--tower->height];
        counts->rc = roost_scope_end(top, counts->rc);
        counts->passed_on += counts->rc == ROOST_ECANCELED;
        counts->fired += roost_scope_fired(top);
    }
    counts->timers_left = timers_armed();
}

/* The loop makes no more steps for a high tower. On a real clock a task that has had the processor
 * for long gives way in between. */
static void check_steps(uint64_t low, uint64_t high)
{
    if (roost_test_virtual())
        CHECK_EQ(low, high);
    else
        CHECK(low <= 10 && high <= 10);
}

static const size_t heights[] = {5000, 100000};
enum { HEIGHT_COUNT = sizeof heights / sizeof heights[0] };

/* The work cannot be seen from here, but its bounds can: a walk over the tower for each of 100,000
 * scopes makes 10 thousand million steps, which the time of the case does not allow for. */
#define TOWER_TIMEOUT .timeout = ROOST_SEC(20)

/* A tower whose scopes all end at *at, which is in the future when it stands. */
static void tower_build_until(struct tower *tower, size_t height, roost_time *at)
{
    roost_dur lead = ROOST_MS(50);
    do {
        tower_cleanup(tower);
        *at = roost_now() + lead;
        tower_build(tower, height, &(roost_scope_opts){.until = *at});
        lead *= 2;
    } while (roost_now() >= *at && lead < LONG_TIME);
}

BEHAVIOUR(14, nested_scopes_with_equal_deadlines, TOWER_TIMEOUT)
{
    struct tower_counts counts[HEIGHT_COUNT] = {0};
    for (size_t i = 0; i < HEIGHT_COUNT; i++) {
        uint64_t timers = timers_armed();
        roost_time at;
        __attribute__((cleanup(tower_cleanup))) struct tower tower = {0};
        tower_build_until(&tower, heights[i], &at);
        if (!tower.floors)
            return;
        tower_count(&tower, &counts[i]);
        CHECK(roost_now() >= at);
        CHECK_EQ(heights[i], counts[i].cancelled);
        CHECK_EQ(heights[i] - 1, counts[i].passed_on);
        CHECK_EQ(1, counts[i].fired);
        CHECK_EQ(ROOST_ETIMEDOUT, counts[i].rc);
        CHECK_EQ(timers, counts[i].timers_left);
        if (roost_test_virtual()) {
            CHECK_EQ(at, roost_now());
            CHECK_EQ(timers + heights[i], counts[i].timers);
        }
    }
    check_steps(counts[0].steps, counts[1].steps);
}

/* In which order the scopes of a tower are cancelled. */
enum tower_order { OUTERMOST_ONLY, OUTSIDE_IN, INSIDE_OUT, TOWER_ORDERS };

static void tower_cancel(const struct tower *tower, enum tower_order order)
{
    size_t count = order == OUTERMOST_ONLY ? 1 : tower->height;
    for (size_t i = 0; i < count; i++)
        roost_scope_cancel(&tower->floors[order == INSIDE_OUT ? count - 1 - i : i], NULL);
}

BEHAVIOUR(14, nested_scopes_cancelled_one_by_one, TOWER_TIMEOUT)
{
    for (int order = OUTERMOST_ONLY; order < TOWER_ORDERS; order++) {
        for (size_t i = 0; i < HEIGHT_COUNT; i++) {
            struct tower_counts counts = {0};
            __attribute__((cleanup(tower_cleanup))) struct tower tower = {0};
            tower_build(&tower, heights[i], NULL);
            if (!tower.floors)
                return;
            tower_cancel(&tower, (enum tower_order)order);
            tower_count(&tower, &counts);
            CHECK_EQ(order == OUTERMOST_ONLY ? 1 : heights[i], counts.cancelled);
            CHECK_EQ(heights[i] - 1, counts.passed_on);
            CHECK_EQ(1, counts.fired);
            CHECK_EQ(0, counts.rc);
            check_steps(0, counts.steps);
        }
    }
}

BEHAVIOUR(14, nested_scopes_cancelled_while_waiting_inside, TOWER_TIMEOUT)
{
    uint64_t steps[HEIGHT_COUNT] = {0};
    for (size_t i = 0; i < HEIGHT_COUNT; i++) {
        int rc = 0;
        struct tower_counts counts = {0};
        __attribute__((cleanup(tower_cleanup))) struct tower tower = {0};
        tower_build(&tower, heights[i], NULL);
        if (!tower.floors)
            return;
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, cancel_after, ROOST_MS(1), &tower.floors[0]);
            uint64_t before = roost_test_steps();
            rc = roost_sleep(LONG_TIME);
            steps[i] = roost_test_steps() - before;
        }
        CHECK_EQ(ROOST_ECANCELED, rc);
        tower_count(&tower, &counts);
        CHECK_EQ(heights[i] - 1, counts.passed_on);
        CHECK_EQ(1, counts.fired);
        CHECK_EQ(0, counts.rc);
    }
    check_steps(steps[0], steps[1]);
}

/* -- B18: a cancellation that is not heeded
 * ------------------------------------------------------*/

struct spin {
    bool stop;
    uint64_t calls; /* made by the task that heeds nothing */
    uint64_t turns; /* of the task beside it */
    uint64_t turns_seen;
};

ROOST_ASYNC(heed_nothing, struct spin *, spin)
{
    while (!spin->stop) {
        roost_ignore(roost_sleep(LONG_TIME));
        spin->calls++;
    }
    return 0;
}

ROOST_ASYNC(tick, int, count, roost_time *, ended)
{
    for (int i = 0; i < count; i++)
        ROOST_TRY(roost_sleep(ROOST_MS(1)));
    *ended = roost_now();
    return 0;
}

/* 64 refusals are free; then each takes 1, 2, 4, 8, 16, 32 ms (63 in all), then 50 ms. */
static uint64_t refusals_within(roost_dur dur)
{
    return 64 + 6 + (uint64_t)((dur - ROOST_MS(63) + ROOST_MS(50) - 1) / ROOST_MS(50));
}

BEHAVIOUR(18, others_go_on_and_little_is_burnt)
{
    enum { TICKS = 10, TASKS = 3 };
    int rc = 0;
    struct spin spin = {0};
    roost_time before = 0;
    roost_time ended[TASKS] = {0};
    const roost_dur window = roost_test_virtual() ? ROOST_SEC(1) : ROOST_MS(200);
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, heed_nothing, &spin) < 0)
            break;
        roost_task_cancel(task, NULL);
        before = roost_now();
        for (int i = 0; i < TASKS; i++)
            ROOST_GO(g, tick, TICKS, &ended[i]);
        uint64_t steps = roost_test_steps();
        roost_ignore(roost_sleep(window / 4));
        /* The report, with its backtrace, is over by now. */
        clock_t cpu = clock();
        roost_ignore(roost_sleep_until(before + window));
        cpu = clock() - cpu;
        steps = roost_test_steps() - steps;
        spin.stop = true;

        if (!roost_test_virtual())
            CHECK((double)cpu / CLOCKS_PER_SEC < (double)window / ROOST_SEC(1) / 3);
        uint64_t steps_max = refusals_within(window) + 2 + TASKS * (TICKS + 1);
        CHECK(steps <= (roost_test_virtual() ? steps_max : 2 * steps_max));
        for (int i = 0; i < TASKS; i++)
            CHECK(ended[i] != 0);
        roost_task_drop(task);
    }
    CHECK_EQ(0, rc);
    if (roost_test_virtual()) {
        CHECK_EQ(refusals_within(window), spin.calls);
        for (int i = 0; i < TASKS; i++)
            CHECK_EQ(ROOST_MS(TICKS), ended[i] - before);
    } else {
        CHECK(spin.calls > 64 && spin.calls <= refusals_within(window));
    }
}

ROOST_ASYNC(take_turns, struct spin *, spin)
{
    while (!spin->stop) {
        ROOST_TRY(roost_yield());
        spin->turns++;
    }
    return 0;
}

ROOST_ASYNC(heed_nothing_for_a_while, struct spin *, spin)
{
    while (spin->calls < 60) {
        roost_ignore(roost_checkpoint());
        spin->calls++;
    }
    spin->turns_seen = spin->turns;
    spin->stop = true;
    return 0;
}

BEHAVIOUR(18, even_its_first_calls_give_way, .fifo = true)
{
    int rc = 0;
    struct spin spin = {0};
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, heed_nothing_for_a_while, &spin) < 0)
            break;
        roost_task_cancel(task, NULL);
        roost_task_drop(task);
        ROOST_GO(g, take_turns, &spin);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(60, spin.calls);
    /* The first refusal may return at once, later ones let everybody else run. */
    CHECK(spin.turns_seen >= 57);
}

BEHAVIOUR(18, who_leaves_each_cancelled_scope_is_not_slowed_down)
{
    roost_time before = roost_now();
    for (int i = 0; i < 500 && !roost_cancelled(); i++) {
        int rc = 0;
        ROOST_MOVE_ON(rc, 0) {
            roost_ignore(roost_sleep(LONG_TIME));
            rc = roost_sleep(LONG_TIME);
            /* Passed on or not: it is over with the scope. */
            rc = i < 250 ? rc : 0;
        }
        CHECK_EQ(0, rc);
    }
    /* Each penalty would take 1 to 50 ms, 186 of them 6 s and more. */
    roost_dur elapsed = roost_now() - before;
    CHECK(elapsed < (roost_test_virtual() ? 1 : ROOST_SEC(3)));
}

ROOST_ASYNC(poll_for_ever, struct spin *, spin)
{
    int rc = 0;
    while (!spin->stop && rc == 0) {
        ROOST_MOVE_ON(rc, 0)
            rc = roost_sleep(LONG_TIME);
        spin->calls++;
    }
    return rc;
}

BEHAVIOUR(18, nor_may_it_keep_others_from_running, .fifo = true)
{
    int rc = 0;
    struct spin spin = {0};
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, poll_for_ever, &spin);
        for (int i = 0; i < 100; i++)
            if (roost_yield() < 0)
                break;
        spin.stop = true;
    }
    CHECK_EQ(0, rc);
    /* 128 calls make a turn. */
    CHECK(spin.calls <= 101 * 129);
}

/* -- B19: descriptors
 * ----------------------------------------------------------------------------*/

/* A file that is there. */
static const char *some_file(void)
{
    if (!roost_test_virtual())
        return "/proc/self/status";
    static const char text[] = "some text";
    CHECK(kit_file_put("/some/file", text, sizeof text));
    return "/some/file";
}

/* As every close does: the part that may take time is skipped when it is refused, the descriptor
 * is released in any case, and the code tells what happened. */
ROOST_ASYNC(close_politely, roost_file *, file)
{
    char byte;
    int64_t rc = roost_file_read(file, &byte, 1);
    (void)roost_file_close(file);
    return rc < 0 ? (int)rc : 0;
}

BEHAVIOUR(19, closing_in_a_cancelled_scope_releases_the_descriptor)
{
    const char *path = some_file();
    roost_file *file;
    int rc = roost_file_open(path, "r", NULL, &file);
    CHECK_OK(rc);
    if (rc < 0)
        return;
    /* What a backend opens for itself at its first use is open now. */
    int before = kit_fds_open();
    CHECK_EQ(0, close_politely(file));
    CHECK_EQ(before - 1, kit_fds_open());

    rc = roost_file_open(path, "r", NULL, &file);
    CHECK_OK(rc);
    if (rc < 0)
        return;
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    roost_scope_cancel(&scope, NULL);
    CHECK_EQ(before, kit_fds_open());
    rc = close_politely(file);
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(before - 1, kit_fds_open());
    CHECK_EQ(0, roost_scope_end(&scope, rc));
}

BEHAVIOUR(19, opening_in_a_cancelled_scope_opens_nothing)
{
    const char *path = some_file();
    int before = kit_fds_open();
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    roost_scope_cancel(&scope, NULL);
    roost_file *file = NULL;
    CHECK_EQ(ROOST_ECANCELED, roost_file_open(path, "r", NULL, &file));
    CHECK(file == NULL);
    CHECK_EQ(before, kit_fds_open());
    CHECK_EQ(0, roost_scope_end(&scope, 0));
}

ROOST_ASYNC(read_and_close, struct pipe *, pipe)
{
    char byte;
    int rc = (int)kit_read(pipe->fds[0], &byte, 1);
    pipe_close(pipe);
    return rc;
}

BEHAVIOUR(19, a_cancelled_read_says_so_and_its_pipe_can_be_closed)
{
    __attribute__((cleanup(pipe_close))) struct pipe pipe = PIPE_NONE;
    if (kit_pipe(pipe.fds) < 0)
        return;
    int before = kit_fds_open();
    int rc = 0;
    int result = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, read_and_close, &pipe) < 0)
            break;
        CHECK_OK(roost_test_settle());
        CHECK(!roost_task_done(task));
        roost_task_cancel(task, NULL);
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK_EQ(before - 2, kit_fds_open());
}
