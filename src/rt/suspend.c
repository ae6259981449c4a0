/* rt/suspend.c - refusing, parking, waking, and taking turns.
 *
 * A suspending call goes: roosti_op_begin (may refuse), start the operation, roosti_park. Nothing
 * can cancel between the first and the last step but a deadline that roosti_park itself arms.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"
#include "rt/refuse.h"
#include "rt/scope.h"

int roosti_no_task(void)
{
    return roosti_host_forked() ? ROOST_EFORKED : ROOST_ENOCTX;
}

void roosti_give_turn(struct roost_task *task)
{
    struct roosti_loop *loop = task->loop;
    if (roosti_unlikely(task->attn & ROOSTI_ATTN_UNARMED))
        roosti_scopes_arm(task);
    task->wake_rc = 0;
    roosti_run_push(loop, task);
    (void)roosti_switch_away(loop, task);
}

/* A task that finds everything ready, or is refused everything, must not keep the others from
 * running: after 128 operations, or when the port has not been asked for a millisecond, it gives
 * way. */
static void turn_charge(struct roost_task *task)
{
    struct roosti_loop *loop = task->loop;
    loop->op_credit = ROOSTI_OP_CREDIT - 1; /* the one that finds it below zero counts */
    if (++loop->op_rounds < 128 / ROOSTI_OP_CREDIT &&
        (loop->virtual_time ||
         roosti_ticks_to_ns(roosti_ticks() - loop->poll_ticks) < ROOSTI_TURN_NS))
        return;
    loop->op_rounds = 0;
    loop->turns_cut++;
    roosti_loop_hurry(loop);
    roosti_give_turn(task);
}

int roosti_op_begin_slow(struct roost_task *task)
{
    /* The short path charges only who has nothing to attend to. */
    if (task->attn & (ROOSTI_ATTN_CANCELLED | ROOSTI_ATTN_PROBE))
        task->loop->op_credit--;
    if (task->attn & ROOSTI_ATTN_PROBE)
        roosti_probe_tell(task->loop, ROOSTI_EVENT_CHECKPOINT, task);
    if (task->loop->op_credit < 0)
        turn_charge(task);
    return task->attn & ROOSTI_ATTN_CANCELLED ? roosti_refuse(task) : 0;
}

int roosti_op_refused_slow(struct roost_task *task)
{
    if (task->attn & ROOSTI_ATTN_PROBE)
        roosti_probe_tell(task->loop, ROOSTI_EVENT_CHECKPOINT, task);
    if (!(task->attn & ROOSTI_ATTN_CANCELLED))
        return 0;
    roosti_op_charge(task->loop, task);
    return roosti_refuse(task);
}

void roosti_op_charge_slow(struct roost_task *task)
{
    turn_charge(task);
}

int roosti_park(struct roost_task *task, roosti_abort_fn abort, const char *what, void *on)
{
    struct roosti_loop *loop = task->loop;
    task->wait.abort = abort;
    task->wait.what = what;
    task->wait.on = on;
    task->state = ROOSTI_TASK_WAITING;
    task->refusals = 0;
    if (roosti_unlikely(task->attn & (ROOSTI_ATTN_UNARMED | ROOSTI_ATTN_PROBE))) {
        if (task->attn & ROOSTI_ATTN_PROBE)
            roosti_probe_tell(loop, ROOSTI_EVENT_PARK, task);
        /* A deadline that has passed already interrupts the wait: it then finds itself queued. */
        roosti_scopes_arm(task);
    }
    return roosti_switch_away(loop, task);
}

void roosti_wake(struct roost_task *task, int rc)
{
    roosti_assert(task->state == ROOSTI_TASK_WAITING);
    task->state = ROOSTI_TASK_READY;
    task->wake_rc = rc;
    roosti_run_push(task->loop, task);
    if (roosti_unlikely(task->attn & ROOSTI_ATTN_PROBE))
        roosti_probe_tell(task->loop, ROOSTI_EVENT_WAKE, task);
}

void roosti_task_interrupt(struct roost_task *task)
{
    roosti_abort_fn abort = task->wait.abort;
    if (task->state != ROOSTI_TASK_WAITING || !abort)
        return;
    /* Asked once: an operation that could not be undone completes with its own result. */
    task->wait.abort = NULL;
    if (abort(task)) {
        task->scope->priv.flags |= ROOSTI_SCOPE_MET;
        roosti_wake(task, ROOST_ECANCELED);
    }
}

int roost_checkpoint(void)
{
    struct roost_task *task = roosti_self();
    return roosti_likely(task) ? roosti_op_begin(task->loop, task) : roosti_no_task();
}
