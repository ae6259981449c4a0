/* rt/refuse.c - the spin guard: a loop that ignores ROOST_ECANCELED must not burn the processor.
 *
 * Cancellation is a level, so `while (1) roost_sleep(...)` with its result unread would turn as
 * fast as the processor can. After 64 refusals in a row the task is reported with its backtrace and
 * each further one takes 1 ms, doubling to 50 ms.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/refuse.h"

#include <inttypes.h>
#include <stdio.h>

#include "rt/loop.h"
#include "rt/report.h"
#include "rt/scope.h"
#include "rt/sleep.h"

enum {
    REFUSALS_FREE = 64,    /* before the guard steps in */
    REFUSALS_ABORT = 1000, /* debug level 2: a test must not hide this */
    PENALTY_DOUBLINGS = 6
};

static void refusal_report(const struct roost_task *task)
{
    roosti_report("task '%s' (%" PRIu64 ") made %d suspending calls after it was cancelled; it "
                  "must return ROOST_ECANCELED, or do its last work in ROOST_CLEANUP",
                  roost_task_name(task), task->id, REFUSALS_FREE);
    roosti_backtrace_print();
}

int roosti_refuse(struct roost_task *task)
{
    task->scope->priv.flags |= ROOSTI_SCOPE_MET;
    if (task->refusals < UINT16_MAX)
        task->refusals++;
    if (task->refusals == 1)
        return ROOST_ECANCELED;
    if (task->refusals <= REFUSALS_FREE) {
        roosti_give_turn(task);
        return ROOST_ECANCELED;
    }
    if (task->refusals == REFUSALS_FREE + 1)
        refusal_report(task);
    roosti_require(task->loop->debug < 2 || task->refusals < REFUSALS_ABORT,
                   "a cancelled task returns");
    int doublings = task->refusals - REFUSALS_FREE - 1;
    roost_dur penalty = doublings < PENALTY_DOUBLINGS ? ROOST_MS(1) << doublings : ROOST_MS(50);
    roosti_sleep_shielded(task, penalty, "spin guard");
    return ROOST_ECANCELED;
}
