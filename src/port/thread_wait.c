/* port/thread_wait.c - threads that wait for a word to change.
 *
 * The one pair that everything between threads can be built on, and the one a model of them has to
 * stand in for. Who waits has looked at the word before; who wakes has changed it before.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <linux/futex.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "port/host.h"

void roosti_word_wait(uint32_t *word, uint32_t seen, roost_time deadline)
{
    int kept = errno;
    struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    /* The bitset form takes an absolute instant of the monotonic clock. */
    syscall(SYS_futex, word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, seen,
            deadline == ROOST_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    errno = kept;
}

static void word_wake(uint32_t *word, int most)
{
    int kept = errno;
    syscall(SYS_futex, word, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, most, NULL, NULL, 0);
    errno = kept;
}

void roosti_word_wake(uint32_t *word)
{
    word_wake(word, INT32_MAX);
}

void roosti_word_wake_one(uint32_t *word)
{
    word_wake(word, 1);
}

void roosti_spin_hint(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}
