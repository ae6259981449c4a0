/* port/overflow.c - names the task whose stack ran over, then lets the fault take its course.
 *
 * An overflow faults in the guard below the usable part of a slot, with the stack pointer in the
 * same slot. A fault in a guard with the stack pointer elsewhere is a bad pointer. Every other
 * fault is none of ours. In all cases what the program had set for the signal happens next: a
 * handler is called, and the default action meets the faulting instruction itself, so that a core
 * file shows the real frame.
 *
 * The handler computes and writes, nothing else; it runs on a stack of its own, one per thread.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#ifdef ROOST_VALGRIND
#include <valgrind/valgrind.h>
#endif

#include <roost/error.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "port/host.h"
#include "port/stack.h"

enum { SIGNAL_STACK_MIN = 64 * 1024, NAME_MAX_BYTES = 96, FAULT_SIGNAL_COUNT = 2 };

/* What the handler needs of the thread it runs on. */
struct thread_watch {
    bool active;
    struct roosti_overflow_watch watch;
    void *map; /* the signal stack with its guard page, NULL when the thread had a good one */
    size_t map_size;
    stack_t former; /* the thread's signal stack before */
};
static __thread struct thread_watch watch_mine;

static const int fault_signals[FAULT_SIGNAL_COUNT] = {SIGSEGV, SIGBUS};

/* The handler is installed while any thread watches. */
static pthread_mutex_t watch_lock = PTHREAD_MUTEX_INITIALIZER;
static int watch_count;
static struct sigaction fault_former[FAULT_SIGNAL_COUNT];

/* -- the report ------------------------------------------------------------------------------- */

struct fault_line {
    size_t len;
    char text[512];
};

static void fault_line_text(struct fault_line *line, const char *text)
{
    while (*text && line->len < sizeof line->text - 1)
        line->text[line->len++] = *text++;
}

static void fault_line_number(struct fault_line *line, uint64_t value, unsigned base)
{
    char digits[24];
    size_t at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value > 0);
    fault_line_text(line, base == 16 ? "0x" : "");
    fault_line_text(line, digits + at);
}

static void fault_line_task(struct fault_line *line, const struct roosti_stack_place *place)
{
    char name[NAME_MAX_BYTES] = "?";
    if (watch_mine.watch.describe)
        watch_mine.watch.describe(place->top, name, sizeof name);
    name[sizeof name - 1] = 0;
    fault_line_text(line, "task '");
    fault_line_text(line, name);
    fault_line_text(line, "' (slot ");
    fault_line_number(line, place->slot, 10);
    fault_line_text(line, ")");
}

static void fault_report(const struct roosti_stack_place *place, bool overflow, uintptr_t fault,
                         uintptr_t sp, uintptr_t pc)
{
    struct fault_line line = {0};
    if (overflow) {
        fault_line_text(&line, "fatal: stack overflow in ");
        fault_line_task(&line, place);
        fault_line_text(&line, ": used all ");
        fault_line_number(&line, (uint64_t)(place->top - place->low) / 1024, 10);
        fault_line_text(&line, " KiB; fault at ");
    } else {
        fault_line_text(&line, "fatal: bad pointer into the guard below the stack of ");
        fault_line_task(&line, place);
        fault_line_text(&line, "; fault at ");
    }
    fault_line_number(&line, fault, 16);
    fault_line_text(&line, ", sp ");
    fault_line_number(&line, sp, 16);
    fault_line_text(&line, ", pc ");
    fault_line_number(&line, pc, 16);
    fault_line_text(&line, "\n");
    if (overflow)
        fault_line_text(&line,
                        "hint: look for deep recursion or large local arrays; memory for those "
                        "belongs on the heap, or give tasks a larger stack\n");
    roosti_host_write(STDERR_FILENO, line.text, line.len);
}

static void context_registers(const ucontext_t *context, uintptr_t *sp, uintptr_t *pc)
{
#if defined(__x86_64__)
    *sp = (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
    *pc = (uintptr_t)context->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    *sp = (uintptr_t)context->uc_mcontext.sp;
    *pc = (uintptr_t)context->uc_mcontext.pc;
#else
#error "port/overflow.c: the registers of this processor are not known"
#endif
}

/* -- the handler ------------------------------------------------------------------------------ */

static void fault_pass_on(int signo, siginfo_t *info, void *context)
{
    const struct sigaction *before = &fault_former[signo == fault_signals[0] ? 0 : 1];
    bool plain = !(before->sa_flags & SA_SIGINFO);
    if (plain && (before->sa_handler == SIG_DFL || before->sa_handler == SIG_IGN)) {
        sigaction(signo, before, NULL);
        /* A real fault happens again on return; one that somebody sent must be sent again. */
        if (info->si_code <= 0)
            raise(signo);
    } else if (plain) {
        before->sa_handler(signo);
    } else {
        before->sa_sigaction(signo, info, context);
    }
}

static void on_fault(int signo, siginfo_t *info, void *context)
{
    int kept = errno;
    struct roosti_stack_place place;
    if (watch_mine.active && info->si_code > 0 &&
        roosti_stack_find(watch_mine.watch.stacks, info->si_addr, &place) && place.guard) {
        uintptr_t sp = 0;
        uintptr_t pc = 0;
        context_registers(context, &sp, &pc);
        struct roosti_stack_place sp_place;
        bool overflow = roosti_stack_find(watch_mine.watch.stacks, (void *)sp, &sp_place) &&
                        sp_place.slot == place.slot;
        fault_report(&place, overflow, (uintptr_t)info->si_addr, sp, pc);
    }
    fault_pass_on(signo, info, context);
    errno = kept;
}

static void fault_handlers_install(void)
{
    pthread_mutex_lock(&watch_lock);
    if (watch_count++ == 0) {
        struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigemptyset(&action.sa_mask);
        for (int i = 0; i < FAULT_SIGNAL_COUNT; i++)
            sigaction(fault_signals[i], &action, &fault_former[i]);
    }
    pthread_mutex_unlock(&watch_lock);
}

static void fault_handlers_remove(void)
{
    pthread_mutex_lock(&watch_lock);
    if (--watch_count == 0) {
        for (int i = 0; i < FAULT_SIGNAL_COUNT; i++) {
            struct sigaction present;
            sigaction(fault_signals[i], NULL, &present);
            /* A handler set over ours stays. It may still call ours, which then finds no watch. */
            if ((present.sa_flags & SA_SIGINFO) && present.sa_sigaction == on_fault)
                sigaction(fault_signals[i], &fault_former[i], NULL);
        }
    }
    pthread_mutex_unlock(&watch_lock);
}

/* -- the thread's signal stack ---------------------------------------------------------------- */

/* A thread that has a signal stack of fair size keeps it. */
static int signal_stack_enter(struct thread_watch *watch)
{
    long least = sysconf(_SC_SIGSTKSZ);
    size_t size = least > SIGNAL_STACK_MIN ? (size_t)least : SIGNAL_STACK_MIN;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    sigaltstack(NULL, &watch->former);
    if (!(watch->former.ss_flags & SS_DISABLE) && watch->former.ss_size >= size)
        return 0;

    size = (size + page - 1) / page * page;
    if (!roosti_may_take("signal stack"))
        return ROOST_ENOMEM;
    char *map = mmap(NULL, size + page, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
    if (map == MAP_FAILED)
        return ROOST_ENOMEM;
    stack_t stack = {.ss_sp = map + page, .ss_size = size};
    if (mprotect(map, page, PROT_NONE) != 0 || sigaltstack(&stack, NULL) != 0) {
        munmap(map, size + page);
        return ROOST_ENOMEM;
    }
    watch->map = map;
    watch->map_size = size + page;
    return 0;
}

static void signal_stack_leave(struct thread_watch *watch)
{
    if (!watch->map)
        return;
    stack_t present;
    sigaltstack(NULL, &present);
    char *at = present.ss_sp;
    if (at >= (char *)watch->map && at < (char *)watch->map + watch->map_size)
        sigaltstack(&watch->former, NULL);
#ifdef ROOST_VALGRIND
    /* It goes on using a signal stack that has been disabled. */
    if (RUNNING_ON_VALGRIND)
        return;
#endif
    munmap(watch->map, watch->map_size);
}

int roosti_overflow_enter(const struct roosti_overflow_watch *watch)
{
    if (watch_mine.active)
        return ROOST_EBUSY;
    struct thread_watch entered = {.watch = *watch};
    int rc = signal_stack_enter(&entered);
    if (rc < 0)
        return rc;
    watch_mine = entered;
    /* The handler may find this thread from here on. */
    roosti_atomic_signal_fence(ROOSTI_SEQ_CST);
    watch_mine.active = true;
    fault_handlers_install();
    return 0;
}

void roosti_overflow_leave(void)
{
    if (!watch_mine.active)
        return;
    fault_handlers_remove();
    watch_mine.active = false;
    roosti_atomic_signal_fence(ROOSTI_SEQ_CST);
    signal_stack_leave(&watch_mine);
    watch_mine = (struct thread_watch){0};
}
