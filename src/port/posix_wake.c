/* port/posix_wake.c - the word by which other threads wake a loop that sleeps in the kernel.
 *
 *   IDLE -> SLEEPING    by the loop, before it sleeps: from here on a wake rings
 *   * -> WOKEN          by whoever wakes; the first to do so while the loop sleeps rings the bell
 *   * -> IDLE           by the loop, after its wait; whatever woke it has been seen by then
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/atomic.h"
#include "port/posix_op.h"

void roosti_posix_wake(struct roosti_port *port)
{
    struct roosti_posix *posix = (struct roosti_posix *)port;
    /* Acquire and release: what the caller wrote before is seen after the wait that this ends. */
    int before = roosti_atomic_swap(&posix->wake_state, ROOSTI_WAKE_WOKEN, ROOSTI_ACQ_REL);
    if (before == ROOSTI_WAKE_SLEEPING)
        roosti_posix_ring(posix);
}

bool roosti_posix_sleep(struct roosti_posix *posix)
{
    int before = ROOSTI_WAKE_IDLE;
    return roosti_atomic_cas_or(&posix->wake_state, &before, ROOSTI_WAKE_SLEEPING, ROOSTI_ACQ_REL,
                                ROOSTI_ACQUIRE) ||
           before == ROOSTI_WAKE_SLEEPING;
}

bool roosti_posix_woken(const struct roosti_posix *posix)
{
    return roosti_atomic_load(&posix->wake_state, ROOSTI_ACQUIRE) == ROOSTI_WAKE_WOKEN;
}

void roosti_posix_awake(struct roosti_posix *posix)
{
    /* The state of a wait that neither slept nor was woken. */
    if (roosti_atomic_load(&posix->wake_state, ROOSTI_RELAXED) == posix->wake_rest)
        return;
    /* An exchange, not a store: it must read what a waker wrote last to see what came with it. */
    (void)roosti_atomic_swap(&posix->wake_state, posix->wake_rest, ROOSTI_ACQ_REL);
}

void roosti_posix_polled(struct roosti_posix *posix)
{
    posix->wake_rest = ROOSTI_WAKE_SLEEPING;
    if (!roosti_posix_sleep(posix))
        roosti_posix_ring(posix);
}
