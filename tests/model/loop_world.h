/* tests/model/loop_world.h - a loop in a model: the loop, parking and waking are the library's own,
 * what is around them is as small as it can be.
 *
 * A loop runs on a thread of the model and has one task, on a stack of its own. Its port has the
 * wake-up word of the real ones and a bell that stands for their descriptor. Where there is only
 * one task, there are no timers, no stacks to give out and nobody who watches.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_MODEL_LOOP_WORLD_H
#define ROOST_MODEL_LOOP_WORLD_H

#include <roost/post.h>

#include "port/posix_op.h"
#include "rt/loop.h"
#include "rt/run.h"

enum { MODEL_STACK_BYTES = 64 * 1024 };

struct model_port {
    struct roosti_posix posix;
    uint32_t bell; /* atomic: a write to the descriptor that no wait has taken */
};

struct model_loop {
    struct roosti_loop loop;
    struct model_port port;
    struct roost_task task;
    void (*body)(void *arg);
    void *arg;
    bool ended;     /* the task has */
    bool cancelled; /* the run gave up: everybody waits and nobody can come */
    char *stack;
};

/* First in a set-up: no loop, a new run. */
void model_world_begin(void);
/* In a set-up. At most three loops, of one run. */
struct model_loop *model_loop_new(void);

/* In a set-up: a poster, as a task of the loop would open it. */
roost_poster *model_loop_poster(struct model_loop *world);

/* On the loop's thread: runs a task until it has ended, then ends the loop as a run does. */
void model_loop_run(struct model_loop *world, void (*body)(void *arg), void *arg);

/* The same by hand: the thread becomes the loop's, turns are taken one at a time. */
void model_loop_begin(struct model_loop *world, void (*body)(void *arg), void *arg);
void model_loop_end(struct model_loop *world);

/* On the loop's own flow: cancels the task's present wait, if that can be. */
void model_loop_cancel(struct model_loop *world);

/* The run they are all of. */
extern struct roosti_run model_run;

#endif
