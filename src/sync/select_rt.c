/* sync/select_rt.c - what the runtime itself offers as cases of a select: tasks, time, descriptors,
 * orderly shutdown.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/scope.h>

#include "rt/held.h"
#include "sync/select.h"

/* -- tasks ------------------------------------------------------------------------------------- */

/* A task that waits for the end of a task it lives in, or of itself, would wait for ever. */
static bool lives_in(const struct roost_task *self, const struct roost_task *task)
{
    for (; self; self = self->group->priv.owner)
        if (self == task)
            return true;
    return false;
}

static int join_try(struct roosti_case_place *place)
{
    struct roost_task *task = place->kase->priv.on;
    struct roost_task *self = place->select->self;
    if (task->loop != self->loop)
        return ROOST_EXLOOP;
    if (lives_in(self, task))
        return ROOST_EDEADLK;
    roosti_require(task->kept, "a task is joined by its handle, once");
    if (task->joiner)
        return ROOST_EBUSY;
    if (task->state != ROOSTI_TASK_FINISHED)
        return ROOST_EAGAIN;
    if (place->kase->priv.slot)
        *(int *)place->kase->priv.slot = task->result;
    roost_task_drop(task);
    return 0;
}

/* The task has ended. If this case is taken the handle goes now, for the group may end before the
 * select runs; else it stays its owner's. */
static void join_ended(struct roost_impl_held *held)
{
    struct roosti_case_place *place =
        roosti_container(held, struct roosti_case_place, u.join.ended);
    struct roost_task *task = place->kase->priv.on;
    place->enlisted = false;
    task->joiner = NULL;
    place->u.join.result = task->result;
    if (roosti_select_serve(place))
        task->kept = false;
}

static int join_enlist(struct roosti_case_place *place)
{
    struct roost_task *task = place->kase->priv.on;
    place->u.join.ended.orphan = join_ended;
    roosti_held_push(task, &place->u.join.ended);
    task->joiner = place->select->self; /* others are told that they are late */
    place->enlisted = true;
    return 0;
}

static void join_delist(struct roosti_case_place *place)
{
    struct roost_task *task = place->kase->priv.on;
    roosti_held_remove(task, &place->u.join.ended);
    task->joiner = NULL;
}

static int join_settle(struct roosti_case_place *place, int rc)
{
    if (place->kase->priv.slot)
        *(int *)place->kase->priv.slot = place->u.join.result;
    return rc;
}

const struct roost_impl_case_ops roost_impl_case_join = {
    .try_now = join_try, .enlist = join_enlist, .delist = join_delist, .settle = join_settle};

/* -- time -------------------------------------------------------------------------------------- */

static int after_try(struct roosti_case_place *place)
{
    return place->kase->priv.number <= 0 ? 0 : ROOST_EAGAIN;
}

static int at_try(struct roosti_case_place *place)
{
    return place->kase->priv.number <= roost_now() ? 0 : ROOST_EAGAIN;
}

static void time_over(struct roost_impl_timer *timer)
{
    (void)roosti_select_serve(roosti_container(timer, struct roosti_case_place, u.timer));
}

static int time_enlist(struct roosti_case_place *place, roost_time at)
{
    if (at == ROOST_NEVER)
        return 0;
    place->u.timer = (struct roost_impl_timer){.fire = time_over};
    roosti_timer_arm(&place->select->self->loop->timers, &place->u.timer, at);
    place->enlisted = true;
    return 0;
}

static int after_enlist(struct roosti_case_place *place)
{
    return time_enlist(place, roost_time_add(roost_now(), place->kase->priv.number));
}

static int at_enlist(struct roosti_case_place *place)
{
    return time_enlist(place, place->kase->priv.number);
}

static void time_delist(struct roosti_case_place *place)
{
    roosti_timer_cancel(&place->select->self->loop->timers, &place->u.timer);
}

const struct roost_impl_case_ops roost_impl_case_after = {
    .try_now = after_try, .enlist = after_enlist, .delist = time_delist};

const struct roost_impl_case_ops roost_impl_case_at = {
    .try_now = at_try, .enlist = at_enlist, .delist = time_delist};

/* -- descriptors ------------------------------------------------------------------------------- */

static void fd_done(struct roosti_op *op)
{
    struct roosti_case_place *place = op->owner;
    struct roosti_select *select = place->select;
    place->enlisted = false;
    select->ops_left--;
    if (!select->draining)
        (void)roosti_select_serve(place);
    else if (select->ops_left == 0)
        roosti_wake(select->self, 0);
}

static int fd_settle(struct roosti_case_place *place, int rc)
{
    (void)rc;
    return place->u.op.res < 0 ? (int)place->u.op.res : 0;
}

static int fd_enlist(struct roosti_case_place *place, uint32_t events)
{
    struct roosti_port *port = place->select->self->loop->port;
    place->u.op = (struct roosti_op){.kind = ROOSTI_OP_POLL,
                                     .fd = (int)place->kase->priv.number,
                                     .done = fd_done,
                                     .owner = place,
                                     .events = events};
    int rc = port->ops->submit(port, &place->u.op);
    if (rc != ROOSTI_IN_FLIGHT) {
        place->kase->rc = rc < 0 ? rc : fd_settle(place, 0);
        return 1;
    }
    place->select->ops_left++;
    place->enlisted = true;
    return 0;
}

static int readable_enlist(struct roosti_case_place *place)
{
    return fd_enlist(place, ROOSTI_POLL_IN);
}

static int writable_enlist(struct roosti_case_place *place)
{
    return fd_enlist(place, ROOSTI_POLL_OUT);
}

/* The select waits for its last word before it returns. */
static void fd_delist(struct roosti_case_place *place)
{
    struct roosti_port *port = place->select->self->loop->port;
    port->ops->cancel(port, &place->u.op);
}

const struct roost_impl_case_ops roost_impl_case_readable = {
    .enlist = readable_enlist, .delist = fd_delist, .settle = fd_settle};

const struct roost_impl_case_ops roost_impl_case_writable = {
    .enlist = writable_enlist, .delist = fd_delist, .settle = fd_settle};

/* -- orderly shutdown -------------------------------------------------------------------------- */

static int stopping_try(struct roosti_case_place *place)
{
    (void)place;
    return roost_stopping() ? 0 : ROOST_EAGAIN;
}

/* roost_scope_shutdown looks for the mark at the task, and claims the waiter that goes with it. */
static int stopping_enlist(struct roosti_case_place *place)
{
    struct roost_task *self = place->select->self;
    if (self->soft_waiting)
        return 0; /* another case of the same kind comes before it */
    self->soft_waiting = true;
    self->wait.waiter = &place->waiter.base;
    self->loop->forever++;
    place->enlisted = true;
    return 0;
}

static void stopping_delist(struct roosti_case_place *place)
{
    struct roost_task *self = place->select->self;
    if (!self->soft_waiting)
        return; /* the shutdown has taken the mark back */
    self->soft_waiting = false;
    self->loop->forever--;
}

const struct roost_impl_case_ops roost_impl_case_stopping = {
    .try_now = stopping_try, .enlist = stopping_enlist, .delist = stopping_delist};
