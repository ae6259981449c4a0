/* rt/worker.h - what a thread that makes a call for a task has of that task.
 *
 * Such a thread runs no loop, so there is no running task; what a call may ask of one without
 * suspending it asks of this record: task-locals, the trail of an error, the time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_WORKER_H
#define ROOST_RT_WORKER_H

#include <roost/error.h>

#include "rt/env.h"

struct roosti_loop;
struct roosti_trail;
struct roost_task;

struct roosti_worker {
    struct roosti_env *env;     /* begins as the task's; a reference of its own */
    struct roosti_trail *trail; /* of the last error the call met; NULL: none met */
    struct roosti_loop *stands; /* a simulated loop, which stands still while this thread runs; else
                                   NULL */
};

/* Of this thread; NULL where it makes no call for a task. */
extern __thread struct roosti_worker *roosti_worker_here;

/* What a parked task's wait.on begins with when its wait.what is roosti_what_thread. */
struct roosti_thread_wait {
    const char *name;
};
extern const char roosti_what_thread[];

/* The trail of a call that has finished becomes the task's. */
void roosti_trail_adopt(struct roosti_worker *from, struct roost_task *to);

/* Forgets what a call has left behind that nobody waits for any more. */
void roosti_worker_drop(struct roosti_worker *worker);

#endif
