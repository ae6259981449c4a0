/* tests/unit/port/test_overflow.c - what is said of a stack overflow, and what is left alone.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <signal.h>
#include <stdint.h>

#include <roost/error.h>

#include "base/mem.h"
#include "port/host.h"
#include "unit/port/cases.h"
#include "port/fiber.h"
#include "port/stack.h"

#ifdef ROOSTI_TSAN
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
#endif

static struct roosti_stacks stacks;
static struct roosti_fiber home;
static struct roosti_fiber task;
static char *task_top;
static char *other_top;
static volatile long sink;

static void describe(const void *top, char *name, size_t size)
{
    const char *text = top == task_top ? "reader#7" : "sleeper#8";
    strncpy(name, text, size - 1);
    name[size - 1] = 0;
}

static const struct roosti_overflow_watch watch = {.stacks = &stacks, .describe = describe};

/* Runs body as a task on a stack of the watched arena. */
static void task_run(void (*body)(void *))
{
    if (roosti_stacks_open(&stacks, NULL) < 0 || roosti_stacks_refill(&stacks) < 0 ||
        roosti_overflow_enter(&watch) < 0)
        _exit(90);
    other_top = roosti_stack_get(&stacks);
    task_top = roosti_stack_get(&stacks);
    roosti_fiber_adopt(&home);
    roosti_fiber_make(&task, task_top - 192 * 1024, task_top, task_top - 128, body, NULL);
    roosti_fiber_switch(&home, &task);
}

/* First statement of every body. ThreadSanitizer does not follow a child of fork: it would see a
 * race between the child's first flow and its task, and report that instead. */
static void task_begin(void)
{
    roosti_fiber_entered(&task);
#ifdef ROOSTI_TSAN
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
}

/* -- overflows -------------------------------------------------------------------------------- */

__attribute__((noinline)) static long descend(long depth)
{
    volatile long frame[32];
    frame[0] = depth;
    sink = frame[0];
    return depth > 0 ? descend(depth + 1) + frame[0] : 0;
}

static void descend_task(void *arg)
{
    (void)arg;
    task_begin();
    sink = descend(1);
    _exit(91);
}

static void descend_child(void *arg)
{
    (void)arg;
    task_run(descend_task);
}

static void check_overflow_report(const struct child_end *end)
{
    CHECK_HAS("fatal: stack overflow in task 'reader#7' (slot 1): used all 192 KiB; fault at 0x",
              end->text);
    CHECK_HAS(", sp 0x", end->text);
    CHECK_HAS(", pc 0x", end->text);
    CHECK_HAS("\nhint: ", end->text);
}

/* The sanitizers turn the signal into a report of their own and an exit code. */
static void check_died_of(int signo, const struct child_end *end)
{
#if defined(ROOSTI_ASAN) || defined(ROOSTI_TSAN)
    (void)signo;
    CHECK(end->code != 0 && end->code < 90);
#else
    CHECK_EQ(128 + signo, end->code);
#endif
}

TEST(deep_recursion_is_reported_with_the_name_of_the_task)
{
    struct child_end end = child_run(descend_child, NULL);
    check_overflow_report(&end);
    check_died_of(SIGSEGV, &end);
}

static volatile size_t array_bytes = 100 * 1024;

__attribute__((noinline)) static void big_array_task(void *arg)
{
    (void)arg;
    task_begin();
    /* Reaches over the guard as a whole and over the neighbour's stack, but for the probes. */
    char first[150 * 1024];
    sink = (long)(uintptr_t)first; /* the compilers keep what somebody might look at */
    char *array = __builtin_alloca(array_bytes);
    sink = (long)(uintptr_t)array;
    *(volatile char *)array = 1;
    _exit(91);
}

static void big_array_child(void *arg)
{
    (void)arg;
    task_run(big_array_task);
}

TEST(a_large_array_does_not_jump_the_guard)
{
    struct child_end end = child_run(big_array_child, NULL);
    check_overflow_report(&end);
    check_died_of(SIGSEGV, &end);
}

#if !defined(ROOSTI_TSAN) /* which lets no child of fork start threads */
static void *thread_body(void *arg)
{
    (void)arg;
    task_run(descend_task);
    return NULL;
}

static void thread_child(void *arg)
{
    (void)arg;
    pthread_t thread;
    pthread_create(&thread, NULL, thread_body, NULL);
    pthread_join(thread, NULL);
}

TEST(an_overflow_on_another_thread_is_reported)
{
    struct child_end end = child_run(thread_child, NULL);
    check_overflow_report(&end);
    check_died_of(SIGSEGV, &end);
}
#endif

/* -- other faults ----------------------------------------------------------------------------- */

__attribute__((noinline)) static void bad_pointer_task(void *arg)
{
    (void)arg;
    task_begin();
    *(volatile char *)(other_top - 192 * 1024 - 100) = 1;
    _exit(91);
}

static void bad_pointer_child(void *arg)
{
    (void)arg;
    task_run(bad_pointer_task);
}

TEST(a_pointer_into_another_guard_is_no_overflow)
{
    struct child_end end = child_run(bad_pointer_child, NULL);
    CHECK_HAS("fatal: bad pointer into the guard below the stack of task 'sleeper#8' (slot 0)",
              end.text);
    CHECK_LACKS("stack overflow in task", end.text);
    check_died_of(SIGSEGV, &end);
}

/* UndefinedBehaviorSanitizer would be the first to complain. */
__attribute__((noinline, no_sanitize("undefined"))) static void null_task(void *arg)
{
    (void)arg;
    task_begin();
    volatile char *volatile null = NULL;
    *null = 1;
    _exit(91);
}

static void null_child(void *arg)
{
    (void)arg;
    task_run(null_task);
}

TEST(a_null_pointer_is_left_alone)
{
    struct child_end end = child_run(null_child, NULL);
    CHECK_LACKS("fatal:", end.text);
    check_died_of(SIGSEGV, &end);
}

static void sent_child(void *arg)
{
    (void)arg;
    if (roosti_overflow_enter(&watch) < 0)
        _exit(90);
    kill(getpid(), SIGSEGV);
    _exit(91);
}

TEST(a_sent_signal_takes_its_former_course)
{
    struct child_end end = child_run(sent_child, NULL);
    CHECK_LACKS("fatal:", end.text);
    check_died_of(SIGSEGV, &end);
}

static void left_child(void *arg)
{
    (void)arg;
    if (roosti_stacks_open(&stacks, NULL) < 0 || roosti_stacks_refill(&stacks) < 0 ||
        roosti_overflow_enter(&watch) < 0)
        _exit(90);
    roosti_overflow_leave();
    roosti_overflow_leave(); /* twice is harmless */
    *(volatile char *)((char *)roosti_stack_get(&stacks) - 192 * 1024 - 100) = 1;
    _exit(91);
}

TEST(after_leaving_nothing_is_reported)
{
    struct child_end end = child_run(left_child, NULL);
    CHECK_LACKS("fatal:", end.text);
    check_died_of(SIGSEGV, &end);
}

/* -- the program's own handler ---------------------------------------------------------------- */

static void plain_handler(int signo)
{
    (void)signo;
    _exit(17);
}

static void info_handler(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    _exit(info->si_addr ? 18 : 19);
}

static void plain_handler_child(void *arg)
{
    struct sigaction action = {.sa_handler = plain_handler, .sa_flags = SA_ONSTACK};
    sigaction(SIGSEGV, &action, NULL);
    task_run(*(bool *)arg ? descend_task : null_task);
}

static void info_handler_child(void *arg)
{
    struct sigaction action = {.sa_sigaction = info_handler, .sa_flags = SA_ONSTACK | SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    task_run(*(bool *)arg ? descend_task : null_task);
}

static void check_exit(int want, const struct child_end *end)
{
#ifdef ROOST_VALGRIND
    if (end->code == 99) /* its --error-exitcode stands for any code after an error */
        return;
#endif
    CHECK_EQ(want, end->code);
}

TEST(the_handler_of_the_program_runs_next)
{
    bool overflow = true;
    struct child_end end = child_run(plain_handler_child, &overflow);
    check_overflow_report(&end);
    check_exit(17, &end);
    end = child_run(info_handler_child, &overflow);
    check_overflow_report(&end);
    check_exit(18, &end);
    overflow = false;
    end = child_run(plain_handler_child, &overflow);
    CHECK_LACKS("fatal:", end.text);
    check_exit(17, &end);
    end = child_run(info_handler_child, &overflow);
    check_exit(19, &end);
}

/* -- entering and leaving --------------------------------------------------------------------- */

TEST(entering_twice_is_refused_and_leaving_restores_everything)
{
    stack_t stack_before;
    stack_t stack_after;
    struct sigaction before;
    struct sigaction after;
    sigaltstack(NULL, &stack_before);
    sigaction(SIGSEGV, NULL, &before);
    CHECK_EQ(0, roosti_overflow_enter(&watch));
    CHECK_EQ(ROOST_EBUSY, roosti_overflow_enter(&watch));
    sigaltstack(NULL, &stack_after);
    CHECK(!(stack_after.ss_flags & SS_DISABLE));
    CHECK(stack_after.ss_size >= (size_t)sysconf(_SC_SIGSTKSZ));
    sigaction(SIGSEGV, NULL, &after);
    CHECK(after.sa_sigaction != before.sa_sigaction);
    roosti_overflow_leave();
    sigaltstack(NULL, &stack_after);
    CHECK_EQ(stack_before.ss_flags, stack_after.ss_flags);
    CHECK(stack_before.ss_sp == stack_after.ss_sp || (stack_before.ss_flags & SS_DISABLE));
    sigaction(SIGSEGV, NULL, &after);
    CHECK(after.sa_sigaction == before.sa_sigaction);
}

TEST(a_good_signal_stack_of_the_thread_is_kept)
{
    static char own[256 * 1024];
    stack_t former;
    stack_t stack = {.ss_sp = own, .ss_size = sizeof own};
    CHECK_EQ(0, sigaltstack(&stack, &former));
    CHECK_EQ(0, roosti_overflow_enter(&watch));
    stack_t present;
    sigaltstack(NULL, &present);
    CHECK(present.ss_sp == own);
    roosti_overflow_leave();
    sigaltstack(NULL, &present);
    CHECK(present.ss_sp == own);
    sigaltstack(&former, NULL);
}

TEST(a_refused_signal_stack_changes_nothing)
{
    struct sigaction before;
    struct sigaction after;
    sigaction(SIGSEGV, NULL, &before);
    stack_t stack;
    sigaltstack(NULL, &stack);
    bool has_stack = !(stack.ss_flags & SS_DISABLE) && stack.ss_size >= 64 * 1024;
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 1});
    int rc = roosti_overflow_enter(&watch);
    roosti_mem_plan_set(NULL);
    CHECK_EQ(has_stack ? 0 : ROOST_ENOMEM, rc);
    roosti_overflow_leave();
    sigaction(SIGSEGV, NULL, &after);
    CHECK(after.sa_sigaction == before.sa_sigaction);
    CHECK_EQ(0, roosti_overflow_enter(&watch));
    roosti_overflow_leave();
}
