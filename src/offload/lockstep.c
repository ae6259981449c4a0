/* offload/lockstep.c - the turn that a simulated loop and its threads pass to and fro.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/lockstep.h"

#include "base/atomic.h"
#include "port/host.h"
#include "rt/inbox.h"
#include "rt/loop.h"

enum { LOOPS_TURN, THREADS_TURN };

/* Of 1,000: how often a thread that could go on waits for another round of the ready tasks. */
enum { DEFER_PERMILLE = 500 };

static void turn_give(struct roosti_stepper *stepper, uint32_t whose)
{
    roosti_atomic_store(&stepper->turn, whose, ROOSTI_RELEASE);
    roosti_word_wake(&stepper->turn);
}

static void turn_await(struct roosti_stepper *stepper, uint32_t whose)
{
    uint32_t seen;
    while ((seen = roosti_atomic_load(&stepper->turn, ROOSTI_ACQUIRE)) != whose)
        roosti_word_wait(&stepper->turn, seen, ROOST_NEVER);
}

/* On the loop's own flow. */
static void step_go(void *arg)
{
    struct roosti_stepper *stepper = arg;
    struct roosti_loop *loop = stepper->loop;
    if (loop->run_first && roosti_rng_chance(stepper->rng, DEFER_PERMILLE) &&
        roosti_inbox_send(loop->inbox, &stepper->go) == 0)
        return;
    roosti_stepper_step(stepper);
}

void roosti_stepper_init(struct roosti_stepper *stepper, struct roosti_loop *loop,
                         struct roosti_rng *rng)
{
    *stepper = (struct roosti_stepper){.turn = LOOPS_TURN, .loop = loop, .rng = rng};
    roost_post_slot_init(&stepper->go, step_go, stepper);
}

void roosti_stepper_ready(struct roosti_stepper *stepper)
{
    int rc = roosti_inbox_send(stepper->loop->inbox, &stepper->go);
    roosti_require(rc == 0, "a simulated loop outlives its threads");
}

void roosti_stepper_step(struct roosti_stepper *stepper)
{
    turn_give(stepper, THREADS_TURN);
    turn_await(stepper, LOOPS_TURN);
}

void roosti_stepper_begin(struct roosti_stepper *stepper)
{
    turn_await(stepper, THREADS_TURN);
}

void roosti_stepper_yield(struct roosti_stepper *stepper)
{
    turn_give(stepper, LOOPS_TURN);
    turn_await(stepper, THREADS_TURN);
}

void roosti_stepper_end(struct roosti_stepper *stepper)
{
    turn_give(stepper, LOOPS_TURN);
}
