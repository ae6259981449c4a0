/* offload/await.c - threads that wait for an answer of a loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/await.h"

#include "base/atomic.h"
#include "offload/lockstep.h"
#include "offload/to_thread.h"
#include "port/host.h"

enum { AWAIT_OPEN, AWAIT_SLEPT_ON, AWAIT_DONE };

void roosti_await_enlist(struct roosti_await *await)
{
    await->stepper = roosti_stepper_here();
}

bool roosti_await_done(const struct roosti_await *await)
{
    return roosti_atomic_load(&await->state, ROOSTI_ACQUIRE) == AWAIT_DONE;
}

void roosti_await_wait(struct roosti_await *await)
{
    struct roosti_stepper *stepper = await->stepper;
    while (!roosti_await_done(await)) {
        uint32_t open = AWAIT_OPEN;
        if (stepper) {
            roosti_stepper_yield(stepper);
            continue;
        }
        if (roosti_atomic_cas(&await->state, &open, AWAIT_SLEPT_ON, ROOSTI_ACQUIRE) ||
            open == AWAIT_SLEPT_ON)
            roosti_word_wait(&await->state, AWAIT_SLEPT_ON, ROOST_NEVER);
    }
}

void roosti_await_set(struct roosti_await *await)
{
    struct roosti_stepper *stepper = await->stepper;
    if (roosti_atomic_swap(&await->state, AWAIT_DONE, ROOSTI_ACQ_REL) == AWAIT_SLEPT_ON)
        roosti_word_wake(&await->state);
    if (stepper)
        roosti_stepper_ready(stepper);
}
