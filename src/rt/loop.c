/* rt/loop.c - the loop's own flow: running what is ready, and asking the port.
 *
 * A turn drains the inbox, fires timers, runs ready tasks until none is left or 50 us have gone by,
 * and then asks the port: without waiting while tasks are ready, else until the next timer. In
 * simulation the virtual clock moves inside that wait, so it moves only when nothing is runnable.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"

#include <string.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/inbox.h"
#include "rt/report.h"
#include "rt/stall.h"

/* How long a loop that is likely to be posted to waits awake: what going to sleep and being woken
 * costs the two threads, twice. */
#define SPIN_NS ROOST_US(10)

/* Waits awake that failed in a row, beyond which the pauses between them grow no longer. */
enum { SPIN_MISSES_MAX = 8 };

__thread struct roosti_loop *roosti_loop_here;

/* The id given last; wraps past zero only after four thousand million loops. */
static uint32_t loop_ids;

int roosti_loop_init(struct roosti_loop *loop, struct roosti_port *port, const roost_run_opts *opts)
{
    memset(loop, 0, sizeof *loop);
    int rc = roosti_stacks_open(
        &loop->stacks,
        &(struct roosti_stacks_opts){.slot_size = opts->stack_size, .slots_max = opts->tasks_max});
    if (rc == ROOST_EINVAL)
        roosti_report(
            "stacks cannot be laid out with stack_size %zu and tasks_max %zu; the size is "
            "whole pages, two and more, and all together fit the address space",
            opts->stack_size, opts->tasks_max);
    if (rc < 0)
        return rc;
    rc = roosti_inbox_new(port, &loop->inbox);
    if (rc < 0) {
        roosti_stacks_close(&loop->stacks);
        return rc;
    }
    loop->port = port;
    roosti_list_init(&loop->standing);
    loop->virtual_time = port->ops->virtual_time;
    if (loop->virtual_time)
        loop->random = roosti_rng_split(opts->seed, "loop");
    loop->run_end = &loop->run_first;
    loop->errno_place = roosti_host_errno_place();
    loop->now = port->ops->now(port);
    loop->poll_ticks = roosti_ticks();
    loop->debug = (uint8_t)opts->debug;
    loop->thread_id = roosti_thread_self();
    loop->id = roosti_atomic_add(&loop_ids, 1, ROOSTI_RELAXED) + 1;
    roosti_timers_init(&loop->timers, loop->now);
    roosti_fiber_adopt(&loop->root);
    return 0;
}

void roosti_loop_fini(struct roosti_loop *loop)
{
    roosti_assert(roosti_tasks_live(loop) == 0);
    roosti_inbox_unref(loop->inbox);
    roosti_stacks_close(&loop->stacks);
    loop->port->ops->close(loop->port);
}

/* Gives the processor to one task, which may hand it on `budget` times; back here when they are
 * done with it. */
static void loop_step(struct roosti_loop *loop, struct roost_task *task, int32_t budget)
{
    loop->budget = loop->budget_given = budget;
    roosti_run_begin(loop, task);
    (void)roosti_fiber_switch_with(&loop->root, &task->fiber, task->wake_rc);
    /* The budget goes down by one at each switch from task to task, and below zero at the end. */
    uint64_t steps = (uint64_t)(loop->budget_given - loop->budget + (loop->budget >= 0));
    /* The watchdog reads it from its own thread. */
    roosti_atomic_store(&loop->switches, loop->switches + steps, ROOSTI_RELAXED);
    if (ROOSTI_FIBER_HOOKED && loop->leaving) {
        roosti_task_free(loop->leaving);
        loop->leaving = NULL;
    }
}

/* Under observation: every step is picked and told. Runs what is ready now, not what becomes it. */
static void loop_run_observed(struct roosti_loop *loop)
{
    size_t batch = 0;
    for (struct roost_task *task = loop->run_first; task; task = task->run_next)
        batch++;
    while (batch-- > 0 && loop->run_first && loop->probe) {
        struct roost_task *task = roosti_probe_pick(loop);
        roosti_probe_tell(loop, ROOSTI_EVENT_STEP, task);
        loop_step(loop, task, 0);
    }
}

static void loop_run(struct roosti_loop *loop)
{
    uint64_t began = roosti_ticks();
    /* Under a watchdog each step is counted when it ends. */
    int32_t budget = loop->debug > 0 ? 0 : ROOSTI_LOOP_BUDGET;
    while (loop->run_first && !loop->probe) {
        loop_step(loop, roosti_run_pop(loop), budget);
        /* In simulation nothing may depend on how fast this machine is. */
        if (loop->run_first &&
            (loop->virtual_time || roosti_ticks_to_ns(roosti_ticks() - began) >= ROOSTI_POLL_NS))
            break;
    }
}

bool roosti_loop_has_work(const struct roosti_loop *loop)
{
    return loop->run_first || roosti_inbox_pending(loop->inbox);
}

/* A loop that was posted to since it last waited is likely to be posted to again within a moment:
 * waiting awake for that moment saves both sides the kernel. When that fails it is tried less and
 * less often. True: a post has come. */
static bool loop_spin(struct roosti_loop *loop)
{
    if (loop->posts == loop->spin.posts || loop->virtual_time)
        return false;
    loop->spin.posts = loop->posts;
    if (loop->spin.processors == 0) /* not asked before, for that reads files */
        loop->spin.processors = roosti_host_cpu_count();
    if (loop->spin.processors == 1)
        return false;
    if (loop->spin.rest > 0) {
        loop->spin.rest--;
        return false;
    }
    roost_time due = roosti_timers_next(&loop->timers);
    if (due != ROOST_NEVER && due - loop->port->ops->now(loop->port) < 2 * SPIN_NS)
        return false;
    /* What the tasks have submitted must not wait for this. */
    if (loop->port->ops->in_flight(loop->port) > 0) {
        (void)loop->port->ops->wait(loop->port, INT64_MIN);
        if (loop->run_first)
            return true;
    }
    uint64_t began = roosti_ticks();
    do {
        for (int i = 0; i < 8; i++) {
            if (roosti_inbox_pending(loop->inbox)) {
                loop->spin.misses = 0;
                return true;
            }
            roosti_spin_hint();
        }
    } while (roosti_ticks_to_ns(roosti_ticks() - began) < SPIN_NS);
    if (loop->spin.misses < SPIN_MISSES_MAX)
        loop->spin.misses++;
    loop->spin.rest = (1u << loop->spin.misses) - 1;
    return false;
}

static void loop_poll(struct roosti_loop *loop, bool may_block)
{
    roost_time deadline = INT64_MIN;
    if (roosti_tasks_live(loop) == 0)
        return;
    /* Before it is decided how long to wait: an observer may make tasks ready. */
    if (loop->probe)
        roosti_probe_tell(loop, ROOSTI_EVENT_POLL, NULL);
    if (may_block && !loop->probe && !roosti_loop_has_work(loop) && loop_spin(loop) &&
        roosti_ticks_to_ns(roosti_ticks() - loop->poll_ticks) < ROOSTI_POLL_NS)
        return;
    if (may_block && !roosti_loop_has_work(loop)) {
        /* Before the last look at who may still post: from here on they wake the loop. */
        roosti_inbox_sleep(loop->inbox, true);
        deadline = roosti_timers_next(&loop->timers);
        if (deadline == ROOST_NEVER && roosti_stall_check(loop))
            return;
        /* Memory goes back when there is nothing better to do, a step at a time. */
        if (roosti_stacks_should_trim(&loop->stacks)) {
            roosti_stacks_trim(&loop->stacks);
            if (!loop->virtual_time)
                deadline = INT64_MIN;
        }
    }
    if (deadline != INT64_MIN && roosti_inbox_pending(loop->inbox))
        deadline = INT64_MIN;
    roosti_atomic_store(&loop->idle, true, ROOSTI_RELAXED);
    int rc = loop->port->ops->wait(loop->port, deadline);
    roosti_atomic_store(&loop->idle, false, ROOSTI_RELAXED);
    roosti_require(rc >= 0, "the port can be asked for completions");
    roosti_inbox_sleep(loop->inbox, false);
    if (rc == 0 && deadline == ROOST_NEVER && !roosti_loop_has_work(loop))
        roosti_stall_confirm(loop);
    loop->polls++;
    loop->now = loop->port->ops->now(loop->port);
    uint64_t ticks = roosti_ticks();
    if (deadline == INT64_MIN && !loop->virtual_time) {
        uint64_t age = (uint64_t)roosti_ticks_to_ns(ticks - loop->poll_ticks);
        if (age > loop->runq_age_max)
            loop->runq_age_max = age;
    }
    loop->poll_ticks = ticks;
}

void roosti_loop_turn(struct roosti_loop *loop, bool may_block)
{
    loop->posts += roosti_inbox_drain(loop->inbox, 1024);
    roosti_timers_fire(&loop->timers, loop->now);
    if (loop->probe)
        loop_run_observed(loop);
    else
        loop_run(loop);
    loop_poll(loop, may_block);
}
