/* tests/kit/schedule.c - which ready task runs next, decided by the seed.
 *
 * Each seed draws one policy. Whatever it is, every 64th choice is the oldest task, so that a task
 * that is ready always gets its turn in the end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/rng.h"
#include "rt/loop.h"
#include "kit/kit.h"

enum policy {
    POLICY_UNIFORM, /* any, with equal chances */
    POLICY_OLDEST,  /* as in production */
    POLICY_NEWEST,
    POLICY_PRIORITY, /* PCT: random priorities, lowered at a few random moments (d = 3) */
    POLICY_STARVE,   /* one task runs only when no other can */
    POLICY_COUNT
};

enum { CHANGE_POINTS = 2, FAIR_EVERY = 64, STARVED_AMONG = 12 };

static struct {
    struct roosti_rng rng;
    enum policy policy;
    uint64_t salt; /* of the priorities */
    uint64_t picks;
    uint64_t change_at[CHANGE_POINTS]; /* picks */
    uint64_t lowered[CHANGE_POINTS];   /* ids of tasks; 0: none yet */
    uint64_t starved;                  /* id of a task */
} schedule;

void kit_schedule_begin(uint64_t seed, bool fifo)
{
    schedule.rng = roosti_rng_split(seed, "schedule");
    schedule.policy = (enum policy)roosti_rng_below(&schedule.rng, POLICY_COUNT);
    if (fifo)
        schedule.policy = POLICY_OLDEST;
    schedule.salt = roosti_rng_next(&schedule.rng);
    schedule.picks = 0;
    /* Short runs and long ones alike should meet their change points. */
    uint64_t span = (uint64_t)8 << roosti_rng_below(&schedule.rng, 8);
    for (int i = 0; i < CHANGE_POINTS; i++) {
        schedule.change_at[i] = 1 + roosti_rng_below(&schedule.rng, span);
        schedule.lowered[i] = 0;
    }
    schedule.starved = 1 + roosti_rng_below(&schedule.rng, STARVED_AMONG);
}

const char *kit_schedule_name(void)
{
    static const char *const names[POLICY_COUNT] = {"uniform", "oldest first", "newest first",
                                                    "priorities", "one starved"};
    return names[schedule.policy];
}

/* Higher runs first. */
static uint64_t priority_of(const struct roost_task *task)
{
    for (int i = 0; i < CHANGE_POINTS; i++)
        if (schedule.lowered[i] == task->id)
            return (uint64_t)i;
    return roosti_mix(schedule.salt ^ task->id) | CHANGE_POINTS;
}

static size_t priority_pick(const struct roosti_loop *loop)
{
    const struct roost_task *best = loop->run_first;
    size_t chosen = 0;
    size_t index = 0;
    for (const struct roost_task *task = best; task; task = task->run_next, index++) {
        if (priority_of(task) > priority_of(best)) {
            best = task;
            chosen = index;
        }
    }
    for (int i = 0; i < CHANGE_POINTS; i++)
        if (schedule.picks == schedule.change_at[i])
            schedule.lowered[i] = best->id;
    return chosen;
}

static size_t starve_pick(const struct roosti_loop *loop, size_t count)
{
    size_t chosen = (size_t)roosti_rng_below(&schedule.rng, count);
    const struct roost_task *task = loop->run_first;
    for (size_t i = 0; i < chosen; i++)
        task = task->run_next;
    return task->id == schedule.starved ? (chosen + 1) % count : chosen;
}

size_t kit_schedule_pick(struct roosti_loop *loop, size_t count)
{
    schedule.picks++;
    if (count == 1)
        return 0;
    if (schedule.picks % FAIR_EVERY == 0)
        return 0;
    switch (schedule.policy) {
    case POLICY_UNIFORM:
        return (size_t)roosti_rng_below(&schedule.rng, count);
    case POLICY_NEWEST:
        return count - 1;
    case POLICY_PRIORITY:
        return priority_pick(loop);
    case POLICY_STARVE:
        return starve_pick(loop, count);
    case POLICY_OLDEST:
    case POLICY_COUNT:
        break;
    }
    return 0;
}
