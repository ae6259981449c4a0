/* rt/watchdog.c - a thread that looks whether every loop still switches.
 *
 * A loop's counter of steps moves with every switch and its `idle` word says when it waits in the
 * port. A counter that has stood still for the whole limit, outside the port, is a step that takes
 * too long: that loop's thread is asked for its task's name and backtrace, once per step.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/watchdog.h"

#include <stdio.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/loop.h"
#include "rt/run.h"

enum { LOOKS_PER_LIMIT = 4 };

struct loop_view {
    uint64_t switches;
    int unchanged; /* looks in a row */
};

struct roosti_watchdog {
    struct roosti_run *run;
    struct roosti_thread thread;
    struct roosti_latch stop;
    struct loop_view views[ROOSTI_LOOPS_MAX];
};

/* Runs on the stuck thread, in signal context. */
static void watchdog_heading(char *text, size_t size)
{
    const struct roosti_loop *loop = roosti_loop_here;
    const struct roost_task *task = loop ? loop->current : NULL;
    snprintf(text, size,
             "roost: task '%s' has not given way for more than %lld ms; it stands at:\n",
             task ? roost_task_name(task) : "?",
             loop ? (long long)(loop->run->opts.watchdog / ROOST_MS(1)) : 0);
}

static void watchdog_look(struct roosti_watchdog *dog, int index)
{
    const struct roosti_loop *loop = dog->run->loops[index];
    struct loop_view *view = &dog->views[index];
    uint64_t switches = roosti_atomic_load(&loop->switches, ROOSTI_RELAXED);
    bool idle = roosti_atomic_load(&loop->idle, ROOSTI_RELAXED);
    if (idle || switches != view->switches) {
        *view = (struct loop_view){.switches = switches};
        return;
    }
    if (++view->unchanged == LOOKS_PER_LIMIT)
        (void)roosti_thread_backtrace(loop->thread_id, watchdog_heading);
}

static void watchdog_body(void *arg)
{
    struct roosti_watchdog *dog = arg;
    roost_dur between = dog->run->opts.watchdog / LOOKS_PER_LIMIT;
    while (!roosti_latch_wait(&dog->stop, roosti_clock_now() + between))
        for (int i = 0; i < dog->run->loop_count; i++)
            watchdog_look(dog, i);
}

int roosti_watchdog_start(struct roosti_run *run)
{
    if (run->opts.debug == 0 || run->opts.watchdog < 0 || run->loops[0]->virtual_time)
        return 0;
    struct roosti_watchdog *dog = roosti_alloc_zero(1, sizeof *dog, "the watchdog");
    if (!dog)
        return ROOST_ENOMEM;
    dog->run = run;
    int rc = roosti_thread_start(&dog->thread, "roost-watchdog", -1, watchdog_body, dog);
    if (rc < 0) {
        roosti_free(dog);
        return rc;
    }
    run->watchdog = dog;
    return 0;
}

void roosti_watchdog_stop(struct roosti_run *run)
{
    if (!run->watchdog)
        return;
    roosti_latch_set(&run->watchdog->stop);
    roosti_thread_join(&run->watchdog->thread);
    roosti_free(run->watchdog);
    run->watchdog = NULL;
}
