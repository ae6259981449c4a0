/* roost/instrument.h - watching a loop at work: what tasks do, and when it waits.
 *
 * While a loop has an instrument every step goes through the loop's own flow, which costs some ten
 * nanoseconds a step; without one nothing is paid.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_INSTRUMENT_H
#define ROOST_INSTRUMENT_H

#include <roost/config.h>
#include <roost/error.h>
#include <roost/task.h>

enum roost_instrument_event {
    ROOST_TASK_SPAWNED, /* a task was made */
    ROOST_TASK_READY,   /* a waiting task became ready */
    ROOST_STEP_BEGINS,  /* a task is given the processor */
    ROOST_CHECKPOINT,   /* the running task enters a suspending call */
    ROOST_TASK_PARKS,   /* the running task begins to wait */
    ROOST_TASK_EXITED,  /* a task has returned */
    ROOST_LOOP_WAITS    /* no task: the loop asks for completions */
};

/* Caller's memory; must outlive its time in the loop. The last member is private: zero. */
typedef struct roost_instrument {
    /* Called on the loop; must not suspend. task: NULL for ROOST_LOOP_WAITS. A negative result
     * takes the instrument out, with one line on standard error; the run goes on. */
    int (*on_event)(void *arg, enum roost_instrument_event event, const roost_task *task);
    void *arg;
    struct {
        void *probe[3];
    } priv;
} roost_instrument;

ROOST_BEGIN_DECLS

/**
 * roost_instrument_add - begin to watch the running loop.
 *
 *   instrument  lent to the loop until it is removed or fails.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_EINVAL  no on_event; ROOST_EBUSY  added already.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_instrument_add(roost_instrument *instrument);

/**
 * roost_instrument_remove - stop watching; nothing when it is not watching.
 *
 *   instrument  as added.
 *
 * Suspends  never.
 * Threads   tasks of the loop it was added to.
 */
ROOST_API void roost_instrument_remove(roost_instrument *instrument);

ROOST_END_DECLS

#endif
