/* rt/side.c - the loops beside the first: their threads, and calls from loop to loop.
 *
 * A side loop's main task waits to be stopped; calls that arrive become tasks of its own. The
 * caller's record lies in the caller's frame: the caller does not return before the other loop has
 * sent its last word about it, which is `back`, and after a cancellation `back_cancel` too.
 *
 * At the end of a run no loop is taken down before all have run out of tasks: a clean-up on one may
 * still call another, which then answers that it ends.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include "base/mem.h"
#include "rt/env.h"
#include "rt/group.h"
#include "rt/inbox.h"
#include "rt/interrupt.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/run.h"
#include "rt/scope.h"

/* How often a loop without tasks looks who has called it, while others still have some. */
#define ANSWER_EVERY ROOST_MS(1)

/* -- threads ----------------------------------------------------------------------------------- */

struct roosti_side_loop {
    struct roosti_run *run;
    struct roosti_loop *loop;
    struct roosti_thread thread;
    struct roosti_latch ready; /* the loop is open, or could not be: see rc */
    struct roosti_latch done;  /* its tasks have finished */
    struct roosti_latch over;  /* those of all loops have */
    roost_post_slot stop;
    roost_post_slot insist;
    int index;
    int rc;
};

/* The main task of a side loop. */
ROOST_ASYNC(side_wait)
{
    return roost_sleep_forever();
}

static void side_stop_posted(void *arg)
{
    struct roosti_side_loop *side = arg;
    if (side->loop->main_scope)
        roosti_scope_cancel_for(side->loop->main_scope, 0, "the run has ended");
    roosti_scope_cancel_for(&side->loop->main_group.priv.scope, 0, "the run has ended");
}

static void side_insist_posted(void *arg)
{
    struct roosti_side_loop *side = arg;
    roosti_run_cancel_all(side->loop, "a second signal");
    roosti_run_break_shields(side->loop);
}

static void side_body(void *arg)
{
    struct roosti_side_loop *side = arg;
    struct roosti_port *port;
    roost_call wait = ROOST_CALL(side_wait); /* named, to live until the loop has ended */
    side->rc = roosti_run_port(side->run, &port);
    if (side->rc == 0)
        side->rc = roosti_loop_enter(side->loop, side->run, side->index, port, wait);
    roosti_latch_set(&side->ready);
    if (side->rc < 0)
        return;
    while (roosti_tasks_live(side->loop) > 0)
        roosti_loop_turn(side->loop, true);
    roosti_latch_set(&side->done);
    while (!roosti_latch_wait(&side->over, roosti_clock_now() + ANSWER_EVERY))
        roosti_inbox_drain(side->loop->inbox, SIZE_MAX);
    roosti_loop_leave(side->loop);
}

static int side_start(struct roosti_run *run, int index)
{
    struct roosti_side_loop *side = &run->sides[index - 1];
    char name[24];
    snprintf(name, sizeof name, "roost-%d", index);
    side->run = run;
    side->index = index;
    roost_post_slot_init(&side->stop, side_stop_posted, side);
    roost_post_slot_init(&side->insist, side_insist_posted, side);
    side->loop = roosti_alloc_zero(1, sizeof *side->loop, "a loop");
    if (!side->loop)
        return ROOST_ENOMEM;
    int rc = roosti_thread_start(&side->thread, name, -1, side_body, side);
    if (rc == 0) {
        (void)roosti_latch_wait(&side->ready, ROOST_NEVER);
        rc = side->rc;
        if (rc < 0)
            roosti_thread_join(&side->thread);
    }
    if (rc < 0) {
        roosti_free(side->loop);
        side->loop = NULL;
        return rc;
    }
    run->loops[index] = side->loop;
    return 0;
}

int roosti_sides_start(struct roosti_run *run)
{
    if (run->loop_count < 2)
        return 0;
    run->sides =
        roosti_alloc_zero((size_t)run->loop_count - 1, sizeof *run->sides, "the side loops");
    if (!run->sides)
        return ROOST_ENOMEM;
    for (int i = 1; i < run->loop_count; i++) {
        int rc = side_start(run, i);
        if (rc < 0) {
            roosti_sides_stop(run);
            return rc;
        }
    }
    return 0;
}

/* Waits until a loop has run out of tasks. On the first loop. */
static void side_await(struct roosti_run *run, struct roosti_side_loop *side, roost_time until)
{
    bool told = false;
    while (!roosti_latch_wait(&side->done, roosti_clock_now() + ANSWER_EVERY)) {
        roosti_inbox_drain(run->loops[0]->inbox, SIZE_MAX);
        roosti_interrupt_deliver(run);
        if (told || roosti_clock_now() < until)
            continue;
        roosti_report("loop %d does not end; still waiting for its tasks", side->index);
        told = true;
    }
}

void roosti_sides_stop(struct roosti_run *run)
{
    if (!run->sides)
        return;
    int count = 0;
    while (count < run->loop_count - 1 && run->sides[count].loop)
        count++;
    for (int i = 0; i < count; i++) {
        struct roosti_side_loop *side = &run->sides[i];
        (void)roosti_inbox_send(side->loop->inbox, &side->stop);
    }
    roost_time until = roost_time_add(roosti_clock_now(), run->opts.thread_join_max);
    for (int i = 0; i < count; i++)
        side_await(run, &run->sides[i], until);
    for (int i = 0; i < count; i++) {
        struct roosti_side_loop *side = &run->sides[i];
        roosti_latch_set(&side->over);
        roosti_thread_join(&side->thread);
        roosti_free(side->loop);
        run->loops[i + 1] = NULL;
    }
    roosti_free(run->sides);
    run->sides = NULL;
}

void roosti_sides_insist(struct roosti_run *run)
{
    for (int i = 0; run->sides && i < run->loop_count - 1 && run->sides[i].loop; i++)
        (void)roosti_inbox_send(run->sides[i].loop->inbox, &run->sides[i].insist);
}

/* -- calls ------------------------------------------------------------------------------------- */

struct far_call {
    roost_call call;
    struct roost_task *caller; /* on the origin loop, parked */
    struct roosti_loop *target;
    struct roosti_inbox *origin;
    struct roost_task *task; /* on the target loop; NULL before and after */
    struct roosti_env *env;  /* the caller's task-locals */
    roost_post_slot go;
    roost_post_slot cancel;
    roost_post_slot back;
    roost_post_slot back_cancel;
    int rc;        /* of the hand-over: a code when the task could not be made */
    int result;    /* of the call */
    int words_due; /* posts of the target still to come back; the origin loop's own */
};

static void far_send_back(struct far_call *far, roost_post_slot *slot)
{
    int rc = roosti_inbox_send(far->origin, slot);
    roosti_require(rc == 0, "a loop outlives its calls to other loops");
}

/* On the target loop. */
ROOST_ASYNC(far_body, struct far_call *, far)
{
    int result = (*far->call.args)->entry((void *)(uintptr_t)far->call.args);
    far->result = result;
    far->task = NULL;
    far_send_back(far, &far->back);
    return result < 0 && result != ROOST_ECANCELED ? 0 : result;
}

static void far_go(void *arg)
{
    struct far_call *far = arg;
    struct roosti_loop *loop = far->target;
    (void)roosti_group_place_take(&loop->main_group);
    far->rc = loop->ending
                  ? ROOST_EFINISHED
                  : roosti_task_new(loop, &loop->main_group, ROOST_CALL(far_body, far), &far->task);
    if (far->rc < 0) {
        far->task = NULL;
        roosti_group_place_give(&loop->main_group);
        far_send_back(far, &far->back);
        return;
    }
    far->task->env = roosti_env_ref(far->env);
    roosti_task_set_name(far->task, (*far->call.args)->name);
}

static void far_cancel(void *arg)
{
    struct far_call *far = arg;
    if (far->task)
        roosti_scope_cancel_for(&far->task->root, 0, "the calling task was cancelled");
    far_send_back(far, &far->back_cancel);
}

/* On the origin loop: one of the target's words has come. */
static void far_word(void *arg)
{
    struct far_call *far = arg;
    if (--far->words_due == 0)
        roosti_wake(far->caller, 0);
}

static bool far_abort(struct roost_task *caller)
{
    struct far_call *far = caller->wait.on;
    if (roosti_inbox_send(far->target->inbox, &far->cancel) == 0)
        far->words_due++;
    return false;
}

/* A call that was cancelled because its caller was is a cancelled caller. */
static int call_settle(const struct roost_task *self, int came_to, int *result)
{
    if (came_to == ROOST_ECANCELED && (self->attn & ROOSTI_ATTN_CANCELLED))
        return ROOST_ECANCELED;
    if (result)
        *result = came_to;
    return 0;
}

static int far_run(struct roost_task *self, struct roosti_loop *target, roost_call call,
                   int *result)
{
    struct far_call far = {.call = call,
                           .caller = self,
                           .target = target,
                           .origin = self->loop->inbox,
                           .env = self->env,
                           .words_due = 1};
    roost_post_slot_init(&far.go, far_go, &far);
    roost_post_slot_init(&far.cancel, far_cancel, &far);
    roost_post_slot_init(&far.back, far_word, &far);
    roost_post_slot_init(&far.back_cancel, far_word, &far);
    if (roosti_inbox_send(target->inbox, &far.go) < 0)
        return ROOST_EFINISHED;
    (void)roosti_park(self, far_abort, "call on another loop", &far);
    return far.rc < 0 ? far.rc : call_settle(self, far.result, result);
}

int roost_on_loop(int index, roost_call call, int *result)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (index < 0 || index >= self->loop->run->loop_count)
        return ROOST_EINVAL;
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    struct roosti_loop *target = self->loop->run->loops[index];
    if (target != self->loop)
        return far_run(self, target, call, result);
    return call_settle(self, (*call.args)->entry((void *)(uintptr_t)call.args), result);
}
