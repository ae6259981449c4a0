/* tests/unit/port/test_backtrace.c - the frames of this flow and of a thread that is stuck.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>

#include <roost/error.h>

#include "port/host.h"
#include "unit/port/cases.h"
#include "port/fiber.h"
#include "port/stack.h"

/* Symbols of this program are not exported, so frames show as PROGRAM(+0xOFFSET): the offset of a
 * function is compared instead. */
static bool text_names(const char *text, void (*function)(void *), size_t size)
{
    for (const char *at = text; (at = strstr(at, "[0x")) != NULL; at += 3) {
        uintptr_t address = (uintptr_t)strtoull(at + 1, NULL, 16);
        if (address - (uintptr_t)function < size)
            return true;
    }
    return false;
}

static int lines(const char *text)
{
    int count = 0;
    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static struct roosti_stacks stacks;
static struct roosti_fiber home;
static struct roosti_fiber task;

__attribute__((noinline)) static void print_task(void *arg)
{
    (void)arg;
    roosti_fiber_entered(&task);
    roosti_backtrace_print();
    roosti_fiber_switch(&task, &home);
    __builtin_trap();
}

static void print_child(void *arg)
{
    (void)arg;
    if (roosti_stacks_open(&stacks, NULL) < 0 || roosti_stacks_refill(&stacks) < 0)
        _exit(90);
    char *top = roosti_stack_get(&stacks);
    roosti_fiber_adopt(&home);
    roosti_fiber_make(&task, top - 192 * 1024, top, top - 128, print_task, NULL);
    roosti_fiber_switch(&home, &task);
    _exit(0);
}

TEST(the_backtrace_of_a_task_ends_at_its_entry)
{
    struct child_end end = child_run(print_child, NULL);
    CHECK_EQ(0, end.code);
    CHECK(text_names(end.text, print_task, 256));
    /* print_task and the start of the flow; the tools add a frame at most. */
    CHECK(lines(end.text) >= 2 && lines(end.text) <= 3);
}

static void heading(char *text, size_t size)
{
    snprintf(text, size, "thread %llu is stuck:\n", (unsigned long long)roosti_thread_self());
}

#if !defined(ROOSTI_TSAN) /* keeps signals back until the thread makes a call */

static _Atomic uint64_t busy_id;
static _Atomic bool busy_stop;

__attribute__((noinline)) static void busy(void *arg)
{
    (void)arg;
    busy_id = roosti_thread_self();
    while (!busy_stop)
        __asm__ volatile("");
}

static void stuck_child(void *arg)
{
    (void)arg;
    struct roosti_thread thread;
    if (roosti_thread_start(&thread, "stuck", -1, busy, NULL) < 0)
        _exit(90);
    while (busy_id == 0)
        sched_yield();
    dprintf(2, "asked for %llu\n", (unsigned long long)busy_id);
    for (int i = 0; i < 3; i++)
        if (roosti_thread_backtrace(busy_id, heading) != 0)
            _exit(91);
    busy_stop = true;
    roosti_thread_join(&thread);
    exit(0);
}

TEST(a_stuck_thread_prints_where_it_is)
{
    struct child_end end = child_run(stuck_child, NULL);
    unsigned long long asked = 0;
    CHECK_EQ(1, sscanf(end.text, "asked for %llu\n", &asked));
    char line[64];
    snprintf(line, sizeof line, "thread %llu is stuck:\n", asked);
    CHECK_HAS(line, end.text);
    CHECK(text_names(end.text, busy, 256));
    CHECK_EQ(0, end.code);
}

static void blocked(void *arg)
{
    (void)arg;
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    busy_id = roosti_thread_self();
    while (!busy_stop)
        sched_yield();
}

TEST(a_thread_that_cannot_answer_is_given_up)
{
    struct roosti_thread thread;
    busy_id = 0;
    busy_stop = false;
    CHECK_EQ(0, roosti_thread_start(&thread, "blocked", -1, blocked, NULL));
    while (busy_id == 0)
        sched_yield();
    int rc = roosti_thread_backtrace(busy_id, heading);
    busy_stop = true;
    roosti_thread_join(&thread);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    /* A thread can be joined a moment before the kernel has forgotten it. */
    while (syscall(SYS_tgkill, getpid(), (pid_t)busy_id, 0) == 0)
        sched_yield();
    CHECK_EQ(-ESRCH, roosti_thread_backtrace(busy_id, heading));
}
#endif

static void self_child(void *arg)
{
    (void)arg;
    _exit(roosti_thread_backtrace(roosti_thread_self(), heading) == 0 ? 0 : 90);
}

TEST(a_thread_may_ask_for_its_own)
{
    struct child_end end = child_run(self_child, NULL);
    CHECK_HAS(" is stuck:\n", end.text);
    CHECK(text_names(end.text, self_child, 256));
    CHECK_EQ(0, end.code);
}
