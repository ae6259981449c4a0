/* port/host.h - what the runtime needs of the machine beside operations: clock, threads, signals,
 * the overflow report, and the watchdog's look at a stuck thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_HOST_H
#define ROOST_PORT_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/time.h>

struct roosti_stacks;

/* -- clock ------------------------------------------------------------------------------------ */

/* The system's monotonic clock (vDSO, some 20 ns). */
roost_time roosti_clock_now(void);
/* Nanoseconds since 1970 UTC. */
roost_time roosti_clock_wall(void);
/* CPU time of the process, nanoseconds. */
roost_time roosti_clock_cpu(void);

/* A cheap tick counter for measuring short spans on one thread: the time stamp counter where it is
 * invariant and the kernel trusts it, else the monotonic clock. */
extern bool roosti_ticks_are_tsc; /* set once by roosti_host_init */
uint64_t roosti_ticks_slow(void);
static inline uint64_t roosti_ticks(void)
{
#if defined(__x86_64__)
    if (__builtin_expect(roosti_ticks_are_tsc, 1))
        return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
    if (__builtin_expect(roosti_ticks_are_tsc, 1)) {
        uint64_t count;
        __asm__ volatile("mrs %0, cntvct_el0" : "=r"(count));
        return count;
    }
#endif
    return roosti_ticks_slow();
}
/* A span of ticks (now - then >= 0) in nanoseconds, within 0.1 %. */
roost_dur roosti_ticks_to_ns(uint64_t span);

/* -- process-wide set-up ---------------------------------------------------------------------- */

/* Calibrates ticks, installs the fork guard: a child made by fork calls in_child (NULL: nothing)
 * on its only thread. Idempotent; any thread, always with the same hook. 0 or a negative code. */
int roosti_host_init(void (*in_child)(void));
/* True in a child of fork: no runtime call works there. */
bool roosti_host_forked(void);
void roosti_host_entropy(void *buf, size_t len);
/* Processors this process may use (affinity and cgroup quota), at least 1. */
int roosti_host_cpu_count(void);
const char *roosti_host_env(const char *name);
/* Writes all of it, for reports; async-signal-safe. */
void roosti_host_write(int fd, const char *text, size_t len);
int roosti_host_errno(void); /* errno right after a failed libc call that roost itself made */
int *roosti_host_errno_place(void); /* this thread's errno, to be kept per task */
bool roosti_host_is_tty(int fd);
/* One call that may wait: the bytes moved, or a negative code. */
int64_t roosti_host_fd_read(int fd, void *buf, size_t len);
int64_t roosti_host_fd_write(int fd, const void *data, size_t len);
/* Whether a read would return at once. */
bool roosti_host_fd_readable(int fd);
/* Open descriptors of the process, for the leak audit; negative code where /proc is missing. */
int roosti_host_fd_count(void);
/* Resident bytes of the process. */
int64_t roosti_host_resident(void);

/* -- threads ---------------------------------------------------------------------------------- */

struct roosti_thread {
    uintptr_t handle;
};
/* cpu: the processor to stay on, or -1. 0 or a negative code. */
int roosti_thread_start(struct roosti_thread *thread, const char *name, int cpu,
                        void (*body)(void *), void *arg);
void roosti_thread_join(struct roosti_thread *thread);
uint64_t roosti_thread_self(void); /* kernel thread id */
void roosti_thread_pause(void);    /* lets another thread run first */

/* Waits while *word is `seen`, at most until `deadline`; may come back early. */
void roosti_word_wait(uint32_t *word, uint32_t seen, roost_time deadline);
/* Wakes every thread that waits for this word; it need not exist any more. */
void roosti_word_wake(uint32_t *word);
void roosti_word_wake_one(uint32_t *word); /* the one that has waited longest, of its priority */
/* Tells the processor that this thread looks at a word again and again. */
void roosti_spin_hint(void);

/* A one-shot latch between threads: wait returns once set was called. Timed by deadline. */
struct roosti_latch {
    uint32_t state; /* futex word */
};
void roosti_latch_set(struct roosti_latch *latch);
/* True when set; false when the deadline passed first. */
bool roosti_latch_wait(struct roosti_latch *latch, roost_time deadline);

/* Mutual exclusion between threads, for a few instructions at a time. Zeroed: free. */
struct roosti_lock {
    uint32_t state; /* futex word: 0 free, 1 taken, 2 taken and waited for */
};
void roosti_lock_take(struct roosti_lock *lock);
void roosti_lock_drop(struct roosti_lock *lock);
bool roosti_lock_try(struct roosti_lock *lock); /* true: taken */

/* -- signals ---------------------------------------------------------------------------------- */

/* While held, SIGINT and SIGTERM call hook(arg, signo, nth) from the handler, nth = 1, 2, ...; when
 * the hook returns false the former disposition is restored and the signal raised again. Only one
 * holder per process: ROOST_EBUSY. The hook runs in signal context. */
struct roosti_signal_hook {
    bool (*hook)(void *arg, int signo, int nth);
    void *arg;
};
int roosti_signals_hold(const struct roosti_signal_hook *hook);
void roosti_signals_release(void);

/* Any other signal, and those two instead of their holder: while watched, each one that comes is
 * counted and calls hook(arg) in signal context, where it may only post. 0; ROOST_EBUSY: watched
 * already; ROOST_EINVAL or the system's code: it cannot be. */
struct roosti_signal_watch {
    void (*hook)(void *arg);
    void *arg;
};
int roosti_signal_watch(int signo, const struct roosti_signal_watch *watch);

struct roosti_signal_seen {
    int pid;        /* of the sender of the latest; 0: the system */
    int value;      /* that came with the latest */
    uint32_t count; /* that came */
};
/* Takes what has come of a watched signal; false: nothing. */
bool roosti_signal_fetch(int signo, struct roosti_signal_seen *seen);
/* Puts the former disposition back, unless somebody has replaced ours, and raises on this thread
 * what has come and was not fetched. The hook is not called any more. */
void roosti_signal_unwatch(int signo);

/* -- stack overflow and stuck steps ----------------------------------------------------------- */

/* Gives the calling thread a signal stack and makes an overflow of a stack in `stacks` print
 *   fatal: stack overflow in task 'NAME' (slot N): used all 192 KiB; fault at ..., sp ..., pc ...
 * before the signal takes its former course. describe: async-signal-safe, writes the task's name
 * for the slot whose top is given. */
struct roosti_overflow_watch {
    const struct roosti_stacks *stacks;
    void (*describe)(const void *top, char *name, size_t size);
};
int roosti_overflow_enter(const struct roosti_overflow_watch *watch);
void roosti_overflow_leave(void);

/* Makes the thread with this kernel id print what heading writes, then its backtrace, to fd 2.
 * heading: called on that thread in signal context. Used by the watchdog when a step takes too
 * long. 0 or a negative code. */
int roosti_thread_backtrace(uint64_t thread_id, void (*heading)(char *text, size_t size));
/* The calling flow's own backtrace to fd 2. */
void roosti_backtrace_print(void);

#endif
