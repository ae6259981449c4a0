/* tests/kit/watch.c - the probe of a run: schedule, trace hash, bounds, and the point of a torture.
 *
 * Cancellations are injected where no task's code is under way (a STEP or a POLL) or where the
 * running task is at the entry of a suspending call: places where a real one could come.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/rng.h"
#include "port/fault.h"
#include "port/sim.h"
#include "rt/loop.h"
#include "rt/run.h"
#include "rt/scope.h"
#include "kit/kit.h"

static struct {
    struct roosti_probe probe;
    bool used;      /* by a run now: another run at the same time goes without */
    bool injecting; /* what follows from an injection is no point of its own */
    uint64_t spawned;
    uint64_t finished;
    roost_time began;                /* INT64_MIN: not yet */
    uint64_t counts[KIT_KIND_COUNT]; /* points passed, over all runs of the case */
} watch;

#define LONG_SLEEP ROOST_MS(300)

static const char reason[] = "torture";

/* -- points -------------------------------------------------------------------------------------*/

/* Counts a point; true: it is the one at which something shall happen. */
static bool point_passes(enum kit_kind kind)
{
    uint64_t nth = ++watch.counts[kind];
    if (kit_case.plan->counts & KIT_TORTURE_CANCEL)
        kit_case.report->points[kind] = nth;
    if (kit_case.plan->kind != kind || kit_case.plan->at != nth)
        return false;
    kit_case.report->injected = true;
    return true;
}

static void task_cancel(struct roost_task *task)
{
    watch.injecting = true;
    roosti_scope_cancel_for(&task->root, 0, reason);
    watch.injecting = false;
}

/* A draw that belongs to this point alone. */
static size_t point_draw(size_t bound)
{
    struct roosti_rng rng = roosti_rng_split(kit_case.plan->seed ^ kit_case.plan->at, "point");
    return (size_t)roosti_rng_below(&rng, bound);
}

/* The index-th live task of the loop; NULL past the last one. */
static struct roost_task *live_at(struct roosti_loop *loop, size_t index)
{
    roost_group *groups[] = {&loop->main_group, &loop->bg_group};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        roost_scope *top = &groups[i]->priv.scope;
        for (roost_scope *at = top; at; at = roosti_scope_next(at, top)) {
            if (!(at->priv.flags & ROOSTI_SCOPE_ROOT) ||
                at->priv.task->state == ROOSTI_TASK_FINISHED)
                continue;
            if (index-- == 0)
                return at->priv.task;
        }
    }
    return NULL;
}

static void any_cancel(struct roosti_loop *loop)
{
    size_t count = 0;
    while (live_at(loop, count))
        count++;
    if (count > 0)
        task_cancel(live_at(loop, point_draw(count)));
}

/* Each step has two points: the task about to run, and another one that is ready. */
static void ready_points(struct roosti_loop *loop, struct roost_task *next)
{
    if (point_passes(KIT_CANCEL_READY))
        task_cancel(next);
    size_t count = 0;
    for (const struct roost_task *task = loop->run_first; task; task = task->run_next)
        count++;
    if (count == 0 || !point_passes(KIT_CANCEL_READY))
        return;
    struct roost_task *task = loop->run_first;
    for (size_t left = point_draw(count); left > 0; left--)
        task = task->run_next;
    task_cancel(task);
}

static void shutdown_points(struct roosti_loop *loop)
{
    for (int hard = 0; hard < 2; hard++) {
        if (!loop->main_scope || !point_passes(KIT_SHUTDOWN))
            continue;
        watch.injecting = true;
        roost_scope_shutdown(loop->main_scope, hard ? 0 : ROOST_MS(50));
        watch.injecting = false;
    }
}

static void points_pass(struct roosti_loop *loop, enum roosti_event event, struct roost_task *task)
{
    if (watch.injecting)
        return;
    if (event == ROOSTI_EVENT_CHECKPOINT && point_passes(KIT_CANCEL_CHECKPOINT))
        task_cancel(task);
    if (event == ROOSTI_EVENT_STEP)
        ready_points(loop, task);
    if (event != ROOSTI_EVENT_STEP && event != ROOSTI_EVENT_POLL)
        return;
    if (point_passes(KIT_CANCEL_ANY))
        any_cancel(loop);
    shutdown_points(loop);
}

/* A cancelled case may have nothing left to do but to sleep, for as long as its author liked. On a
 * real clock that is cut short: first the main tasks are cancelled, then their shields are
 * broken. */
static void sleep_cut(struct roosti_loop *loop)
{
    if (loop->virtual_time || !roost_test_tortured() || !kit_case.report->injected ||
        loop->run_first || roosti_timers_next(&loop->timers) == ROOST_NEVER ||
        roosti_timers_next(&loop->timers) - loop->now < LONG_SLEEP)
        return;
    watch.injecting = true;
    if (loop->main_group.priv.scope.priv.flags & ROOSTI_SCOPE_CANCELLED)
        roosti_run_break_shields(loop);
    roosti_run_cancel_all(loop, "torture: a long sleep");
    watch.injecting = false;
}

/* -- trace and bounds ---------------------------------------------------------------------------*/

static void hash_add(uint64_t word)
{
    kit_case.report->hash = roosti_mix(kit_case.report->hash ^ word) + 0x9e3779b97f4a7c15u;
}

/* A case that goes on for ever is found long before its real time is up. */
static void bounds_check(struct roosti_loop *loop)
{
    const struct kit_plan *plan = kit_case.plan;
    const char *what = NULL;
    if (plan->events_max != 0 && kit_case.report->events > plan->events_max)
        what = "hangs: goes on without end";
    else if (plan->virtual_max != 0 && loop->virtual_time &&
             kit_case.report->virtual_span > plan->virtual_max)
        what = "hangs: the virtual clock goes on without end";
    if (!what)
        return;
    roost_dump_tasks(2);
    kit_fail("%s", what);
}

/* The simulated world has descriptors of its own. */
static void world_audit(struct roosti_port *port)
{
    struct roosti_sim_counts counts;
    roosti_sim_counts_get(port, &counts);
    if (counts.fds != 0)
        kit_fail("at the end of a run: %zu simulated descriptors are left open", counts.fds);
    if (counts.conns != 0 || counts.lent != 0)
        kit_fail("at the end of a run: %zu connections and %zu lent buffers are left", counts.conns,
                 counts.lent);
}

/* At the end of a run, while its port still exists. */
static void world_note(struct roosti_loop *loop)
{
    struct roosti_port *inner = roosti_fault_inner(loop->port);
    if (roosti_port_is_sim(inner)) {
        hash_add(roosti_sim_trace_hash(loop->port));
        world_audit(loop->port);
    }
    if (inner == loop->port)
        return;
    struct roosti_fault_stats stats;
    roosti_fault_stats_get(loop->port, &stats);
    if (kit_case.plan->counts & KIT_TORTURE_FAULT)
        kit_case.report->points[KIT_FAULT] = stats.seen;
    if (kit_case.plan->kind == KIT_FAULT && stats.errors > 0)
        kit_case.report->injected = true;
}

static void on_event(struct roosti_probe *probe, struct roosti_loop *loop, enum roosti_event event,
                     struct roost_task *task)
{
    (void)probe;
    struct kit_report *report = kit_case.report;
    report->events++;
    if (watch.began == INT64_MIN)
        watch.began = loop->now;
    if (loop->virtual_time) {
        report->virtual_span = loop->now - watch.began;
        hash_add((task ? task->id : 0) << 8 | (uint64_t)event);
        hash_add((uint64_t)loop->now);
    }
    if (event == ROOSTI_EVENT_SPAWN)
        watch.spawned++;
    else if (event == ROOSTI_EVENT_FINISH)
        watch.finished++;
    if (event == ROOSTI_EVENT_FINISH && task == loop->main)
        world_note(loop);
    bounds_check(loop);
    points_pass(loop, event, task);
    if (event == ROOSTI_EVENT_POLL)
        sleep_cut(loop);
}

static size_t on_pick(struct roosti_probe *probe, struct roosti_loop *loop, size_t count)
{
    (void)probe;
    return kit_schedule_pick(loop, count);
}

/* -- life ---------------------------------------------------------------------------------------*/

struct roosti_probe *kit_watch_begin(const char *backend)
{
    const struct kit_plan *plan = kit_case.plan;
    bool simulated = strcmp(backend, "sim") == 0;
    if (!simulated && plan->kind == KIT_NOTHING && plan->counts == 0)
        return NULL;
    if (__atomic_exchange_n(&watch.used, true, __ATOMIC_ACQUIRE))
        return NULL;
    watch.probe = (struct roosti_probe){.event = on_event, .pick = simulated ? on_pick : NULL};
    watch.spawned = watch.finished = 0;
    watch.began = INT64_MIN;
    kit_schedule_begin(plan->seed, kit_case.test->opts.fifo);
    return &watch.probe;
}

void kit_watch_end(struct roosti_probe *probe)
{
    if (!probe)
        return;
    if (watch.spawned != watch.finished)
        kit_fail("%llu tasks were started and %llu have finished",
                 (unsigned long long)watch.spawned, (unsigned long long)watch.finished);
    __atomic_store_n(&watch.used, false, __ATOMIC_RELEASE);
}
