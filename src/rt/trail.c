/* rt/trail.c - the trail of an error.
 *
 * Cancellation leaves no trail: it is no error, and a hundred thousand tasks may be cancelled at
 * once. When there is no memory for a trail the code travels without one.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/trail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "rt/loop.h"
#include "rt/worker.h"

static void trail_drop_inner(struct roosti_trail *trail)
{
    if (!trail->inner)
        return;
    roost_errors_fini(trail->inner);
    roosti_free(trail->inner);
    trail->inner = NULL;
}

void roosti_trail_free(struct roost_task *task)
{
    if (!task->trail)
        return;
    trail_drop_inner(task->trail);
    roosti_free(task->trail);
    task->trail = NULL;
}

/* Whether a step of `code`, added at `frame` by the call at `place`, goes on with the error of the
 * trail. Functions inlined into each other share a frame: there a place that comes again is a new
 * error, such as the next one of a loop. */
static bool trail_goes_on(const struct roosti_trail *trail, int code, const void *frame,
                          const void *place)
{
    if (trail->error.code != code || (const char *)frame < (const char *)trail->frame)
        return false;
    if (frame != trail->frame)
        return true;
    for (int i = 0; i < trail->error.step_count && i < ROOST_ERROR_STEPS_MAX; i++)
        if (trail->places[i] == place)
            return false;
    return true;
}

void roosti_trail_move(struct roost_task *from, struct roost_task *to)
{
    if (!from->trail)
        return;
    roosti_trail_free(to);
    to->trail = from->trail;
    to->trail->frame = NULL; /* every frame of the other stack is further up */
    from->trail = NULL;
}

/* Where the trail of what runs on this thread hangs: on a task, or on the call a thread makes for
 * one. NULL: nobody keeps it. */
static struct roosti_trail **trail_here(void)
{
    struct roost_task *task = roosti_self();
    if (task)
        return &task->trail;
    return roosti_worker_here ? &roosti_worker_here->trail : NULL;
}

/* The trail of `code`, begun anew when the last one was about something else. */
static struct roosti_trail *trail_for(struct roosti_trail **at, int code, const void *frame,
                                      const void *place)
{
    if (code >= 0 || code == ROOST_ECANCELED || !at)
        return NULL;
    struct roosti_trail *trail = *at;
    if (!trail) {
        trail = *at = roosti_alloc_zero(1, sizeof *trail, "the trail of an error");
        if (!trail)
            return NULL;
    }
    if (!trail_goes_on(trail, code, frame, place)) {
        trail_drop_inner(trail);
        trail->error.code = code;
        trail->error.step_count = 0;
        trail->error.at = roosti_loop_here ? roosti_loop_here->now : roost_now();
    }
    trail->frame = frame;
    trail->place = place;
    return trail;
}

static roost_error_step *trail_step(struct roosti_trail *trail)
{
    if (trail->error.step_count >= ROOST_ERROR_STEPS_MAX) {
        trail->error.step_count++;
        return NULL;
    }
    roost_error_step *step = &trail->error.steps[trail->error.step_count++];
    trail->places[step - trail->error.steps] = trail->place;
    *step = (roost_error_step){0};
    return step;
}

int roost_error_pass(int code, const char *file, int line, const char *function)
{
    struct roosti_trail *trail =
        trail_for(trail_here(), code, __builtin_frame_address(0), __builtin_return_address(0));
    roost_error_step *step = trail ? trail_step(trail) : NULL;
    if (step)
        *step = (roost_error_step){.file = file, .line = line, .function = function};
    return code;
}

int roost_error_note(int code, const char *format, ...)
{
    struct roosti_trail *trail =
        trail_for(trail_here(), code, __builtin_frame_address(0), __builtin_return_address(0));
    roost_error_step *step = trail ? trail_step(trail) : NULL;
    if (step) {
        va_list args;
        va_start(args, format);
        vsnprintf(step->note, sizeof step->note, format, args);
        va_end(args);
    }
    return code;
}

int roost_error_last(roost_error *error)
{
    const struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    if (!task->trail || task->trail->error.code == 0)
        return ROOST_EAGAIN;
    *error = task->trail->error;
    error->task_id = task->id;
    snprintf(error->task_name, sizeof error->task_name, "%s", roost_task_name(task));
    return 0;
}

void roosti_trail_timeout(struct roost_task *task, const roost_scope *scope)
{
    struct roosti_trail *trail = trail_for(&task->trail, ROOST_ETIMEDOUT,
                                           __builtin_frame_address(0), __builtin_return_address(0));
    roost_error_step *step = trail ? trail_step(trail) : NULL;
    if (step)
        snprintf(step->note, sizeof step->note, "%.3f s late: %s",
                 ((double)task->loop->now - (double)scope->priv.timer.due) / 1e9,
                 scope->priv.label);
}

void roosti_trail_group(struct roost_task *task, int code, roost_errors *errors)
{
    struct roosti_trail *trail =
        trail_for(&task->trail, code, __builtin_frame_address(0), __builtin_return_address(0));
    roost_errors *inner = NULL;
    if (trail && !trail->inner && errors->priv.kept > 0)
        inner = roosti_alloc(sizeof *inner, "the errors of an inner group");
    if (!inner) {
        roost_errors_fini(errors);
        return;
    }
    const roost_error *first = roost_errors_at(errors, 0);
    int kept =
        first->step_count < ROOST_ERROR_STEPS_MAX ? first->step_count : ROOST_ERROR_STEPS_MAX;
    memcpy(trail->error.steps, first->steps, (size_t)kept * sizeof first->steps[0]);
    trail->error.step_count = kept;
    *inner = *errors;
    *errors = (roost_errors)ROOST_ERRORS_INIT;
    trail->inner = inner;
}

void roosti_trail_take(struct roost_task *task, int code, roost_error *error, roost_errors **inner)
{
    struct roosti_trail *trail = task ? task->trail : NULL;
    if (inner)
        *inner = NULL;
    if (trail && trail->error.code == code) {
        *error = trail->error;
        if (inner) {
            *inner = trail->inner;
            trail->inner = NULL;
        }
    } else {
        *error = (roost_error){.code = code};
    }
    if (task) {
        error->at = task->loop->now;
        error->task_id = task->id;
        snprintf(error->task_name, sizeof error->task_name, "%s", roost_task_name(task));
    }
}
