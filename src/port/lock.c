/* port/lock.c - the latch and the lock between threads.
 *
 * Both are one word that a thread can wait for. Neither makes a system call while nobody waits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/atomic.h"
#include "port/host.h"

/* -- latch ------------------------------------------------------------------------------------ */

void roosti_latch_set(struct roosti_latch *latch)
{
    roosti_atomic_store(&latch->state, 1, ROOSTI_RELEASE);
    roosti_word_wake(&latch->state);
}

bool roosti_latch_wait(struct roosti_latch *latch, roost_time deadline)
{
    while (!roosti_atomic_load(&latch->state, ROOSTI_ACQUIRE)) {
        if (deadline != ROOST_NEVER && roosti_clock_now() >= deadline)
            return false;
        roosti_word_wait(&latch->state, 0, deadline);
    }
    return true;
}

/* -- lock ------------------------------------------------------------------------------------- */

/* Rounds a thread spins before it sleeps: what is guarded takes less. */
enum { LOCK_SPINS = ROOSTI_LOOKS(40) };

static __attribute__((noinline)) void lock_take_slow(struct roosti_lock *lock)
{
    for (int i = 0; i < LOCK_SPINS; i++) {
        uint32_t seen = 0;
        roosti_spin_hint();
        if (roosti_atomic_load(&lock->state, ROOSTI_RELAXED) == 0 &&
            roosti_atomic_cas(&lock->state, &seen, 1, ROOSTI_ACQUIRE))
            return;
    }
    /* From here on it is taken as one that others wait for: this thread cannot know better. */
    while (roosti_atomic_swap(&lock->state, 2, ROOSTI_ACQUIRE) != 0)
        roosti_word_wait(&lock->state, 2, ROOST_NEVER);
}

void roosti_lock_take(struct roosti_lock *lock)
{
    uint32_t seen = 0;
    if (!roosti_atomic_cas(&lock->state, &seen, 1, ROOSTI_ACQUIRE))
        lock_take_slow(lock);
}

bool roosti_lock_try(struct roosti_lock *lock)
{
    uint32_t seen = 0;
    return roosti_atomic_cas(&lock->state, &seen, 1, ROOSTI_ACQUIRE);
}

void roosti_lock_drop(struct roosti_lock *lock)
{
    if (roosti_atomic_swap(&lock->state, 0, ROOSTI_RELEASE) == 2)
        roosti_word_wake_one(&lock->state);
}
