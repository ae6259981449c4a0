/* port/backtrace.c - where a flow stands: the caller's own, or that of a thread that is stuck.
 *
 * Another thread is asked by a real-time signal; its handler prints and reports back. One question
 * is open at a time. A thread that does not answer within a second sits in the kernel or has the
 * signal blocked: the question is withdrawn, and an answer that comes too late finds none.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <roost/error.h>

#include "base/atomic.h"
#include "port/host.h"

enum {
    FRAMES_MAX = 64,
    HANDLER_FRAMES =
        2, /* the handler and the kernel's return path stand above the frame of interest */
    ANSWER_WAIT_MS = 1000,
    SIGNAL_BELOW_MAX = 3 /* SIGRTMAX itself belongs to Valgrind */
};

enum question_state { QUESTION_NONE, QUESTION_ASKED, QUESTION_TAKEN };

static pthread_mutex_t question_lock = PTHREAD_MUTEX_INITIALIZER;
static int question_state; /* enum question_state */
static uint64_t question_thread;
static void (*question_heading)(char *text, size_t size);
static struct roosti_latch question_answered;
static int question_signal; /* 0 until the handler is installed */

/* Not inlined, so that the number of frames to leave out is known. */
static __attribute__((noinline)) void frames_print(int skip)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    skip += 1;
    if (skip < count)
        backtrace_symbols_fd(frames + skip, count - skip, STDERR_FILENO);
}

void roosti_backtrace_print(void)
{
    frames_print(1);
    __asm__ volatile(""); /* no tail call: this frame is counted */
}

static void heading_print(void)
{
    char text[256];
    question_heading(text, sizeof text);
    roosti_host_write(STDERR_FILENO, text, strlen(text));
}

static void on_question(int signo)
{
    (void)signo;
    int kept = errno;
    int asked = QUESTION_ASKED;
    if (roosti_atomic_load(&question_thread, ROOSTI_ACQUIRE) == roosti_thread_self() &&
        roosti_atomic_cas_or(&question_state, &asked, QUESTION_TAKEN, ROOSTI_ACQ_REL,
                             ROOSTI_ACQUIRE)) {
        heading_print();
        frames_print(HANDLER_FRAMES);
        roosti_latch_set(&question_answered);
    }
    errno = kept;
}

/* A signal that the program does not use. */
static int question_handler_install(void)
{
    struct sigaction action = {.sa_handler = on_question, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int signo = SIGRTMAX - SIGNAL_BELOW_MAX; signo > SIGRTMIN; signo--) {
        struct sigaction present;
        if (sigaction(signo, NULL, &present) == 0 && !(present.sa_flags & SA_SIGINFO) &&
            present.sa_handler == SIG_DFL && sigaction(signo, &action, NULL) == 0) {
            question_signal = signo;
            return 0;
        }
    }
    return ROOST_EBUSY;
}

static int question_ask(uint64_t thread_id)
{
    if (!question_signal) {
        int rc = question_handler_install();
        if (rc < 0)
            return rc;
        /* The first call loads the unwinder, which a signal handler must not do. */
        void *frame;
        backtrace(&frame, 1);
    }
    question_answered = (struct roosti_latch){0};
    roosti_atomic_store(&question_thread, thread_id, ROOSTI_RELEASE);
    roosti_atomic_store(&question_state, QUESTION_ASKED, ROOSTI_RELEASE);
    if (syscall(SYS_tgkill, getpid(), (pid_t)thread_id, question_signal) != 0) {
        int rc = -errno;
        roosti_atomic_store(&question_state, QUESTION_NONE, ROOSTI_RELEASE);
        return rc;
    }
    if (!roosti_latch_wait(&question_answered, roosti_clock_now() + ROOST_MS(ANSWER_WAIT_MS))) {
        int asked = QUESTION_ASKED;
        if (roosti_atomic_cas_or(&question_state, &asked, QUESTION_NONE, ROOSTI_ACQ_REL,
                                 ROOSTI_ACQUIRE))
            return ROOST_ETIMEDOUT;
        /* It is printing, so it will come to an end. */
        roosti_latch_wait(&question_answered, ROOST_NEVER);
    }
    roosti_atomic_store(&question_state, QUESTION_NONE, ROOSTI_RELEASE);
    return 0;
}

int roosti_thread_backtrace(uint64_t thread_id, void (*heading)(char *text, size_t size))
{
    pthread_mutex_lock(&question_lock);
    question_heading = heading;
    int rc = 0;
    if (thread_id == roosti_thread_self()) {
        heading_print();
        frames_print(1);
    } else {
        rc = question_ask(thread_id);
    }
    pthread_mutex_unlock(&question_lock);
    return rc;
}
