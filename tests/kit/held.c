/* tests/kit/held.c - an operation that only somebody else can end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/held.h"

#include "rt/loop.h"

static bool held_abort(struct roost_task *task)
{
    struct kit_held *held = task->wait.on;
    held->aborts++;
    return false;
}

int kit_held_wait(struct kit_held *held)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    held->waiter = self;
    return roosti_park(self, held_abort, "what cannot be aborted", held);
}

void kit_held_release(struct kit_held *held, int rc)
{
    roost_task *waiter = held->waiter;
    held->waiter = NULL;
    if (waiter)
        roosti_wake(waiter, rc);
}
