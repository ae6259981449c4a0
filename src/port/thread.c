/* port/thread.c - threads and the latch between them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <roost/error.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "port/host.h"

/* What a new thread needs; it frees it. */
struct thread_start {
    void (*body)(void *);
    void *arg;
    int cpu;
    char name[16]; /* the kernel's limit */
};

static void *thread_main(void *start_block)
{
    struct thread_start start = *(struct thread_start *)start_block;
    roosti_free(start_block);
    pthread_setname_np(pthread_self(), start.name);
    if (start.cpu >= 0) {
        /* A processor that has gone away since is no reason not to run. */
        cpu_set_t sets[8];
        memset(sets, 0, sizeof sets);
        CPU_SET_S((size_t)start.cpu, sizeof sets, sets);
        pthread_setaffinity_np(pthread_self(), sizeof sets, sets);
    }
    start.body(start.arg);
    return NULL;
}

int roosti_thread_start(struct roosti_thread *thread, const char *name, int cpu,
                        void (*body)(void *), void *arg)
{
    struct thread_start *start = roosti_alloc(sizeof *start, "thread");
    if (!start)
        return ROOST_ENOMEM;
    *start = (struct thread_start){.body = body, .arg = arg, .cpu = cpu};
    snprintf(start->name, sizeof start->name, "%s", name ? name : "roost");

    /* The signal mask is inherited as it is: a blocked one would reach the children of whatever
     * program the body starts. */
    pthread_t handle;
    int rc = roosti_may_take("thread") ? pthread_create(&handle, NULL, thread_main, start) : EAGAIN;
    if (rc != 0) {
        roosti_free(start);
        return -rc;
    }
    thread->handle = (uintptr_t)handle;
    return 0;
}

void roosti_thread_join(struct roosti_thread *thread)
{
    pthread_join((pthread_t)thread->handle, NULL);
    thread->handle = 0;
}

uint64_t roosti_thread_self(void)
{
    return (uint64_t)syscall(SYS_gettid);
}

/* -- latch ------------------------------------------------------------------------------------ */

void roosti_latch_set(struct roosti_latch *latch)
{
    __atomic_store_n(&latch->state, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &latch->state, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, INT32_MAX, NULL, NULL, 0);
}

bool roosti_latch_wait(struct roosti_latch *latch, roost_time deadline)
{
    struct timespec until = {.tv_sec = deadline / 1000000000, .tv_nsec = deadline % 1000000000};
    while (!__atomic_load_n(&latch->state, __ATOMIC_ACQUIRE)) {
        if (deadline != ROOST_NEVER && roosti_clock_now() >= deadline)
            return false;
        /* The bitset form takes an absolute instant of the monotonic clock. */
        syscall(SYS_futex, &latch->state, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0,
                deadline == ROOST_NEVER ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    }
    return true;
}

/* -- lock ------------------------------------------------------------------------------------- */

/* Rounds a thread spins before it sleeps: what is guarded takes less. */
enum { LOCK_SPINS = 40 };

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
        syscall(SYS_futex, &lock->state, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, NULL, NULL, 0);
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
        syscall(SYS_futex, &lock->state, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, 0);
}

void roosti_thread_pause(void)
{
    sched_yield();
}
