/* offload/lockstep.h - threads of a simulated run: one of them runs, or the loop does.
 *
 * A thread that has something to do asks for the turn by a post; the loop's own flow gives it, at a
 * moment the seed decides, and waits in real time until the thread gives it back: because it has
 * finished, or because it waits for the loop. So whatever the threads share with the loop is never
 * touched by two at once, no virtual time passes meanwhile, and a seed repeats the run.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_OFFLOAD_LOCKSTEP_H
#define ROOST_OFFLOAD_LOCKSTEP_H

#include <stdint.h>

#include <roost/post.h>

#include "base/rng.h"

struct roosti_loop;

/* One thread's side of it. */
struct roosti_stepper {
    uint32_t turn; /* atomic, waited for: 0 the loop's, 1 the thread's */
    struct roosti_loop *loop;
    struct roosti_rng *rng; /* of when it gets its turn; shared by the threads of an executor */
    roost_post_slot go;
};

void roosti_stepper_init(struct roosti_stepper *stepper, struct roosti_loop *loop,
                         struct roosti_rng *rng);

/* The thread is to go on soon. By whoever has the turn; once until it has gone on. */
void roosti_stepper_ready(struct roosti_stepper *stepper);

/* On the loop's thread: gives the turn now, and has it again on return. */
void roosti_stepper_step(struct roosti_stepper *stepper);

/* On the thread, first thing: waits for its turn. */
void roosti_stepper_begin(struct roosti_stepper *stepper);

/* On the thread: lets the loop go on, and waits for its turn. */
void roosti_stepper_yield(struct roosti_stepper *stepper);

/* On the thread, last thing; the stepper is not touched afterwards. */
void roosti_stepper_end(struct roosti_stepper *stepper);

#endif
