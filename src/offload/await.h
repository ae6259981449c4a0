/* offload/await.h - one answer that a thread waits for.
 *
 * It lies in the frame of the thread that waits, or in memory that both sides hold.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_OFFLOAD_AWAIT_H
#define ROOST_OFFLOAD_AWAIT_H

#include <stdbool.h>
#include <stdint.h>

struct roosti_stepper;

/* Zeroed: not there yet. */
struct roosti_await {
    uint32_t state;                 /* atomic, waited for */
    struct roosti_stepper *stepper; /* of the simulated thread that waits; NULL: of none */
};

/* The simulated thread that runs here, to be let go on when the answer is there. Before the
 * question is asked, where the memory may be gone by the time it is answered. */
void roosti_await_enlist(struct roosti_await *await);

/* Blocks the calling thread, which has enlisted. May be called again. */
void roosti_await_wait(struct roosti_await *await);

bool roosti_await_done(const struct roosti_await *await);

/* The answer is there. Once; the memory is not touched afterwards. */
void roosti_await_set(struct roosti_await *await);

#endif
