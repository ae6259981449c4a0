/* rt/worker.c - the record of a thread that makes a call for a task.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/worker.h"

#include "base/mem.h"
#include "rt/task.h"
#include "rt/trail.h"

__thread struct roosti_worker *roosti_worker_here;

const char roosti_what_thread[] = "thread";

void roosti_trail_adopt(struct roosti_worker *from, struct roost_task *to)
{
    if (!from->trail)
        return;
    roosti_trail_free(to);
    to->trail = from->trail;
    to->trail->frame = NULL; /* its frames are another stack's */
    from->trail = NULL;
}

void roosti_worker_drop(struct roosti_worker *worker)
{
    roosti_env_unref(worker->env);
    roosti_free(worker->trail); /* no group ends on such a thread, so it holds no inner errors */
    *worker = (struct roosti_worker){0};
}
