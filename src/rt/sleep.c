/* rt/sleep.c - waiting for an instant, and the clock as tasks see it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/sleep.h"

#include "rt/loop.h"
#include "rt/worker.h"

static void sleep_over(struct roost_impl_timer *timer)
{
    roosti_wake(roosti_container(timer, struct roost_task, timer), 0);
}

static bool sleep_abort(struct roost_task *task)
{
    roosti_timer_cancel(&task->loop->timers, &task->timer);
    return true;
}

static int sleep_until(struct roost_task *task, roost_time at)
{
    struct roosti_loop *loop = task->loop;
    int rc = roosti_op_begin(loop, task);
    if (rc < 0)
        return rc;
    task->timer.fire = sleep_over;
    roosti_timer_arm(&loop->timers, &task->timer, at);
    return roosti_park(task, sleep_abort, "sleep", NULL);
}

roost_time roost_now(void)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (roosti_unlikely(!loop)) {
        struct roosti_loop *stands = roosti_worker_here ? roosti_worker_here->stands : NULL;
        return stands ? stands->port->ops->now(stands->port) : roosti_clock_now();
    }
    return loop->now = loop->port->ops->now(loop->port);
}

roost_time roost_time_add(roost_time at, roost_dur dur)
{
    roost_time sum;
    if (dur == ROOST_FOREVER || at == ROOST_NEVER)
        return ROOST_NEVER;
    if (__builtin_add_overflow(at, dur, &sum))
        return dur > 0 ? ROOST_NEVER : INT64_MIN;
    return sum;
}

int roost_sleep(roost_dur dur)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    if (dur <= 0)
        return roost_yield();
    /* The clock is read anew: the loop's own may lag by what this task has computed. */
    roost_time at = roost_time_add(roost_now(), dur);
    return at == ROOST_NEVER ? roost_sleep_forever() : sleep_until(task, at);
}

int roost_sleep_until(roost_time at)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    if (at == ROOST_NEVER)
        return roost_sleep_forever();
    return at <= roost_now() ? roost_yield() : sleep_until(task, at);
}

static bool forever_abort(struct roost_task *task)
{
    task->loop->forever--;
    return true;
}

int roost_sleep_forever(void)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task))
        return roosti_no_task();
    int rc = roosti_op_begin(task->loop, task);
    if (rc < 0)
        return rc;
    task->loop->forever++;
    return roosti_park(task, forever_abort, "sleep forever", NULL);
}

void roosti_sleep_shielded(struct roost_task *task, roost_dur dur, const char *what)
{
    uint16_t refusals = task->refusals;
    task->timer.fire = sleep_over;
    roosti_timer_arm(&task->loop->timers, &task->timer, roost_time_add(roost_now(), dur));
    (void)roosti_park(task, NULL, what, NULL);
    task->refusals = refusals;
}
