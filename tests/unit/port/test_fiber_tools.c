/* tests/unit/port/test_fiber_tools.c - what unwinders, sanitizers and Valgrind see of the switch.
 *
 * Each tool must find a planted defect inside a task, and find nothing where nothing is wrong.
 *
 * SPDX-License-Identifier: MIT
 */
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <ucontext.h>
#ifdef ROOST_VALGRIND
#include <valgrind/memcheck.h>
#endif

#include "base/mem.h"
#include "unit/port/fiber_pair.h"

/* -- what an unwinder sees -------------------------------------------------------------------- */

enum { FRAMES_MAX = 32 };
static void *seen[FRAMES_MAX];
static int seen_count;

__attribute__((noinline)) static void look(struct pair *pair)
{
    seen_count = backtrace(seen, FRAMES_MAX);
    roosti_fiber_switch(&pair->away, &pair->home);
}

static void look_for_ever(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    for (;;)
        look(pair);
}

TEST(a_backtrace_ends_at_the_entry_of_the_flow)
{
    struct pair pair = {0};
    pair_make(&pair, look_for_ever);
    void *warm[1];
    backtrace(warm, 1); /* loads the unwinder here, not on the small stack */
    roosti_fiber_switch(&pair.home, &pair.away);
    /* look, look_for_ever, the trampoline; the tools may show a frame of their own. */
    CHECK(seen_count >= 3 && seen_count <= 5);
#if defined(__x86_64__)
    void *called_from = ((void **)(void *)(pair.top - 256))[-1];
    CHECK(seen[seen_count - 1] == called_from);
#endif
    pair_unmake(&pair);
}

#if defined(__x86_64__) && !defined(ROOSTI_FIBER_HOOKS)
/* At each instruction of a switch the chain must end like that of the one or the other flow. */
static void *home_tail[2];
static void *away_tail[1];
static int steps_inside;
static int steps_bad;

static bool tail_is(void **frames, int count, void **tail, int tail_count)
{
    return count >= tail_count &&
           memcmp(frames + count - tail_count, tail, (size_t)tail_count * sizeof *tail) == 0;
}

static void on_step(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)info;
    uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (pc - (uintptr_t)roosti_fiber_jump > 160)
        return;
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    steps_inside++;
    if (!tail_is(frames, count, home_tail, 2) && !tail_is(frames, count, away_tail, 1)) {
        steps_bad++;
        printf("# no way out from roosti_fiber_jump+%#lx\n",
               (unsigned long)(pc - (uintptr_t)roosti_fiber_jump));
    }
}

static void trap_flag(bool on)
{
    if (on)
        __asm__ volatile("subq $128, %%rsp; pushfq; orq $0x100, (%%rsp); popfq; addq $128, %%rsp" ::
                             : "memory", "cc");
    else
        __asm__ volatile(
            "subq $128, %%rsp; pushfq; andq $~0x100, (%%rsp); popfq; addq $128, %%rsp" ::
                : "memory", "cc");
}

TEST(the_unwind_tables_hold_at_every_instruction_of_the_switch)
{
    struct pair pair = {0};
    pair_make(&pair, look_for_ever);
    roosti_fiber_switch(&pair.home, &pair.away);
    away_tail[0] = seen[seen_count - 1];
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    memcpy(home_tail, frames + count - 2, sizeof home_tail);

    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    struct sigaction former;
    sigaction(SIGTRAP, &action, &former);
    steps_inside = 0;
    steps_bad = 0;
    trap_flag(true);
    roosti_fiber_switch(&pair.home, &pair.away);
    trap_flag(false);
    sigaction(SIGTRAP, &former, NULL);
    CHECK(steps_inside >= 40); /* there and back */
    CHECK_EQ(0, steps_bad);
    pair_unmake(&pair);
}
#endif

/* -- AddressSanitizer and LeakSanitizer ------------------------------------------------------- */

#ifdef ROOSTI_ASAN
static volatile int seven = 7;

/* UndefinedBehaviorSanitizer would be the first to complain. */
__attribute__((noinline, no_sanitize("undefined"))) static void write_past_a_local(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    volatile char small[8];
    roosti_fiber_switch(&pair->away, &pair->home);
    small[seven + 1] = 1;
    pair->count = small[0];
    roosti_fiber_leave(&pair->away, &pair->home, 0);
}

static void plant_overrun(void *arg)
{
    (void)arg;
    struct pair pair = {0};
    pair_make(&pair, write_past_a_local);
    roosti_fiber_switch(&pair.home, &pair.away);
    roosti_fiber_switch(&pair.home, &pair.away);
}

TEST(asan_finds_an_overrun_on_a_task_stack)
{
    struct child_end end = child_run(plant_overrun, NULL);
    CHECK_HAS("stack-buffer-overflow", end.text);
    CHECK_HAS("write_past_a_local", end.text);
    CHECK_LACKS("    #2 ", end.text); /* the trace ends where the flow began */
    CHECK_LACKS("False positive", end.text);
    CHECK(end.code != 0);
}

/* Memory that only a suspended flow knows of, or nobody. */
__attribute__((noinline)) static void hold_memory(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    char *volatile block = roosti_alloc(1234, "block of a suspended task");
    for (;;) {
        roosti_fiber_switch(&pair->away, &pair->home);
        if (pair->count)
            block = NULL;
        if (block)
            block[0] = 1;
    }
}

static struct pair leak_pair;

static void hold_and_exit(void *arg)
{
    bool *lose = arg;
    pair_make(&leak_pair, hold_memory);
    roosti_fiber_switch(&leak_pair.home, &leak_pair.away);
    leak_pair.count = *lose;
    roosti_fiber_switch(&leak_pair.home, &leak_pair.away);
    if (*lose) { /* and nothing of it is left below the frames in use */
        roosti_fiber_unmake(&leak_pair.away);
        memset(leak_pair.low, 0, (size_t)(leak_pair.top - leak_pair.low));
    }
    exit(0);
}

TEST(lsan_counts_the_stack_of_a_suspended_task_as_in_use)
{
    bool lose = false;
    struct child_end end = child_run(hold_and_exit, &lose);
    CHECK_LACKS("LeakSanitizer", end.text);
    CHECK_EQ(0, end.code);
}

TEST(lsan_finds_what_a_task_has_lost)
{
    bool lose = true;
    struct child_end end = child_run(hold_and_exit, &lose);
    CHECK_HAS("1234 byte(s)", end.text);
    CHECK(end.code != 0);
}
#endif

/* -- ThreadSanitizer -------------------------------------------------------------------------- */

#ifdef ROOSTI_TSAN
/* Two threads, each with a flow of its own, that touch one number: with or without a lock. */
static long shared_number;
static pthread_mutex_t shared_lock = PTHREAD_MUTEX_INITIALIZER;
static bool shared_locked;

__attribute__((noinline)) static void touch_shared(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    for (;;) {
        if (shared_locked)
            pthread_mutex_lock(&shared_lock);
        shared_number++;
        if (shared_locked)
            pthread_mutex_unlock(&shared_lock);
        roosti_fiber_switch(&pair->away, &pair->home);
    }
}

static void *thread_with_a_flow(void *arg)
{
    (void)arg;
    struct pair pair = {0};
    pair_make(&pair, touch_shared);
    for (int i = 0; i < 200; i++)
        roosti_fiber_switch(&pair.home, &pair.away);
    pair_unmake(&pair);
    return NULL;
}

/* ThreadSanitizer sees nothing in a child of fork, so the races run in a program of their own: this
 * one again, told by its environment. */
static const char race_variable[] = "ROOST_TEST_FIBER_RACE";

__attribute__((constructor)) static void race_if_told(void)
{
    const char *kind = getenv(race_variable);
    if (!kind)
        return;
    shared_locked = strcmp(kind, "locked") == 0;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++)
        pthread_create(&threads[i], NULL, thread_with_a_flow, NULL);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    exit(0);
}

static void race(void *kind)
{
    setenv(race_variable, kind, 1);
    execl("/proc/self/exe", "race", (char *)NULL);
    _exit(3);
}

TEST(tsan_finds_a_race_between_tasks_of_two_threads)
{
    char kind[] = "bare";
    struct child_end end = child_run(race, kind);
    CHECK_HAS("data race", end.text);
    CHECK_HAS("touch_shared", end.text);
    CHECK(end.code != 0);
}

TEST(tsan_finds_nothing_where_a_lock_is_held)
{
    char kind[] = "locked";
    struct child_end end = child_run(race, kind);
    CHECK_LACKS("ThreadSanitizer", end.text);
    CHECK_EQ(0, end.code);
}
#endif

/* -- Valgrind --------------------------------------------------------------------------------- */

#ifdef ROOST_VALGRIND
__attribute__((noinline)) static void read_past_a_block(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    volatile char *block = roosti_alloc(10, "block to be read past");
    roosti_fiber_switch(&pair->away, &pair->home);
    pair->count = block[10];
    roosti_free((void *)block);
    roosti_fiber_leave(&pair->away, &pair->home, 0);
}

static void plant_heap_overrun(void *arg)
{
    (void)arg;
    struct pair pair = {0};
    pair_make(&pair, read_past_a_block);
    roosti_fiber_switch(&pair.home, &pair.away);
    roosti_fiber_switch(&pair.home, &pair.away);
    pair_unmake(&pair);
    exit(VALGRIND_COUNT_ERRORS > 0 ? 42 : 0);
}

TEST(valgrind_finds_an_overrun_in_a_task)
{
    if (!RUNNING_ON_VALGRIND)
        skip("not run by valgrind");
    printf("# the report of an invalid read that follows is wanted\n");
    /* The report goes where Valgrind's own output goes; the code is ours, or --error-exitcode. */
    CHECK(child_run(plant_heap_overrun, NULL).code != 0);
}

enum { RING = 8 };
static struct roosti_fiber ring_home;
static struct roosti_fiber ring[RING];

/* Passes the turn on with values in its frame before and after. */
static void ring_member(void *arg)
{
    int index = (int)(intptr_t)arg;
    roosti_fiber_entered(&ring[index]);
    for (long round = 0;; round++) {
        volatile long frame[200];
        for (int i = 0; i < 200; i++)
            frame[i] = round + i;
        roosti_fiber_switch(&ring[index], index + 1 < RING ? &ring[index + 1] : &ring_home);
        for (int i = 0; i < 200; i++)
            CHECK_EQ(round + i, frame[i]);
    }
}

TEST(valgrind_sees_no_error_in_switches_between_close_stacks)
{
    if (!RUNNING_ON_VALGRIND)
        skip("not run by valgrind");
    unsigned long before = VALGRIND_COUNT_ERRORS;
    struct roosti_stacks stacks;
    CHECK_EQ(0, roosti_stacks_open(&stacks, NULL));
    CHECK_EQ(0, roosti_stacks_refill(&stacks));
    roosti_fiber_adopt(&ring_home);
    for (int i = 0; i < RING; i++) {
        char *top = roosti_stack_get(&stacks);
        roosti_fiber_make(&ring[i], top - 192 * 1024, top, top - 128, ring_member,
                          (void *)(intptr_t)i);
    }
    for (int round = 0; round < 100; round++)
        roosti_fiber_switch(&ring_home, &ring[0]);
    for (int i = 0; i < RING; i++)
        roosti_fiber_unmake(&ring[i]);
    roosti_stacks_close(&stacks);
    CHECK_EQ(before, VALGRIND_COUNT_ERRORS);
}
#endif
