/* rt/stall.c - deadlocks of the whole loop.
 *
 * A loop is stalled when nothing is ready, no timer is armed, no operation can complete and nobody
 * outside holds a way in: no poster, no object shared with threads that a task waits on, no other
 * loop, no host, and no signal that a task waits out in roost_sleep_forever or roost_wait_stopping.
 * The tree of tasks is printed with what each waits for, then everything is cancelled and the run
 * returns ROOST_EDEADLK.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/stall.h"

#include "port/sim.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/run.h"
#include "rt/scope.h"

static bool threads_may_post(const struct roosti_loop *loop)
{
    return roosti_inbox_posters(loop->inbox) > 0 || loop->outside > 0;
}

static bool outside_may_wake(const struct roosti_loop *loop)
{
    return threads_may_post(loop) || roosti_run_reaches(loop) ||
           (loop->forever > 0 && roosti_run_holds_signals(loop));
}

/* In this order: what somebody posted before he gave up his way in is seen once that is seen. */
static bool nothing_can_come(const struct roosti_loop *loop)
{
    return !outside_may_wake(loop) && !roosti_inbox_pending(loop->inbox);
}

static void stall_break(struct roosti_loop *loop)
{
    if (!loop->deadlocked) {
        roosti_report("deadlock: every task waits and nothing outside can wake one");
        roost_dump_tasks(2);
    }
    loop->deadlocked = true;
    roosti_run_cancel_all(loop, "deadlock");
    if (!loop->run_first)
        roosti_run_break_shields(loop);
    roosti_require(loop->run_first || loop->port->ops->in_flight(loop->port) > 0,
                   "a cancelled task can be woken");
}

bool roosti_stall_check(struct roosti_loop *loop)
{
    /* The simulation knows nothing of threads: while one can post, its wait takes real time. */
    if (loop->virtual_time)
        roosti_sim_expect_foreign(loop->port, threads_may_post(loop));
    if (loop->port->ops->in_flight(loop->port) > 0 || !nothing_can_come(loop))
        return false;
    stall_break(loop);
    return true;
}

void roosti_stall_confirm(struct roosti_loop *loop)
{
    if (loop->virtual_time && nothing_can_come(loop))
        stall_break(loop);
}
