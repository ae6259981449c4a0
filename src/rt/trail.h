/* rt/trail.h - what a task remembers of the last error it met.
 *
 * A trail is made when an error first passes a ROOST_TRY or gets a note. Steps are added while the
 * stack unwinds, so none lies further down the stack than the one before; a step that does, or that
 * has another code, begins a new error.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_TRAIL_H
#define ROOST_RT_TRAIL_H

#include <roost/error.h>
#include <roost/group.h>
#include <roost/scope.h>

struct roost_task;

struct roosti_trail {
    roost_error error;
    const void *frame;                         /* of the function that added the last step */
    const void *place;                         /* where that function was called */
    const void *places[ROOST_ERROR_STEPS_MAX]; /* the same, of every kept step */
    roost_errors *inner; /* the errors of the group it came out of; NULL: of none */
};

/* A deadline that is an error has passed: the trail begins with the scope's label. */
void roosti_trail_timeout(struct roost_task *task, const roost_scope *scope);

/* The task met `code` as the result of a group with these errors, which are taken. */
void roosti_trail_group(struct roost_task *task, int code, roost_errors *errors);

/* Fills an error for a report: the trail when it is about this code, else the bare facts. The
 * trail's inner errors are moved to *inner (NULL: freed with the trail). */
void roosti_trail_take(struct roost_task *task, int code, roost_error *error, roost_errors **inner);

/* What a task remembers becomes another's, who takes the error over. */
void roosti_trail_move(struct roost_task *from, struct roost_task *to);

/* Forgets; NULL-safe. */
void roosti_trail_free(struct roost_task *task);

#endif
