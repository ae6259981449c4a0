/* rt/start.c - starting a task and waiting until it is ready.
 *
 * Until then the task belongs to two scopes: its group's, by the tree, and the starter's, by this
 * code: a cancelled starter cancels the task and waits for its end, so neither can be left behind
 * and a group that is cancelled meanwhile ends the wait through the task.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/start.h"

#include <string.h>

#include "rt/loop.h"
#include "rt/scope.h"
#include "rt/trail.h"

void roosti_start_failed(struct roosti_start *start, int rc)
{
    roosti_trail_move(start->task, start->starter);
    roosti_wake(start->starter, rc < 0 ? rc : ROOST_ENOTSTARTED);
}

/* A task that is cancelled here may itself be a starter, and so on: each only enters its own start
 * in the list, which the first of them works off, so a long chain takes no stack. */
static void start_give_up(struct roosti_start *start)
{
    struct roosti_loop *loop = start->starter->loop;
    start->given_up = true;
    start->next = loop->given_up;
    loop->given_up = start;
    if (loop->giving_up)
        return;
    loop->giving_up = true;
    while ((start = loop->given_up) != NULL) {
        loop->given_up = start->next;
        roosti_scope_cancel_for(&start->task->root, 0, "the starting task was cancelled");
    }
    loop->giving_up = false;
}

static bool start_abort(struct roost_task *starter)
{
    start_give_up(starter->wait.on);
    return false;
}

int roost_group_start(roost_group *group, roost_call call, const roost_spawn_opts *opts,
                      void *value, size_t size)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    struct roosti_start start = {.starter = self, .value = value, .size = size};
    rc = roost_spawn(group, call, opts, &start.task);
    if (rc < 0)
        return rc;
    start.task->kept = false;
    start.task->start = &start;
    /* Cancelled after it got the place it had waited for: its next wait would not be told. */
    if (self->attn & ROOSTI_ATTN_CANCELLED)
        start_give_up(&start);
    rc = roosti_park(self, start_abort, "roost_started", &start);
    return rc == ROOST_ENOTSTARTED && start.given_up ? ROOST_ECANCELED : rc;
}

int roost_started(const void *value, size_t size)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    struct roosti_start *start = task->start;
    if (!start)
        return task->started ? ROOST_EREUSED : ROOST_EINVAL;
    if (start->given_up)
        return ROOST_ECANCELED;
    if (start->size != size)
        return ROOST_EINVAL;
    if (size > 0)
        memcpy(start->value, value, size);
    task->start = NULL;
    task->started = true;
    roosti_wake(start->starter, 0);
    return 0;
}
