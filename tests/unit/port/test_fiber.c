/* tests/unit/port/test_fiber.c - the switch, and what debuggers, sanitizers and Valgrind see of it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/fiber.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdint.h>

#include "base/mem.h"
#include "unit/port/cases.h"
#include "port/stack.h"
#ifdef ROOST_VALGRIND
#include <valgrind/memcheck.h>
#endif

/* Two flows and the stack of the second. */
struct pair {
    struct roosti_stacks stacks;
    struct roosti_fiber home;
    struct roosti_fiber away;
    char *low;
    char *top;
    long count;
    void *note;
};

static void pair_make(struct pair *pair, void (*entry)(void *))
{
    CHECK_EQ(0, roosti_stacks_open(&pair->stacks, NULL));
    CHECK_EQ(0, roosti_stacks_refill(&pair->stacks));
    pair->top = roosti_stack_get(&pair->stacks);
    pair->low = pair->top - 192 * 1024;
    /* What lies above the first frame must not look like the end of a chain by itself. */
    for (void **above = (void **)(void *)(pair->top - 256); (char *)above < pair->top; above++)
        *above = (char *)(uintptr_t)entry + 1;
    roosti_fiber_adopt(&pair->home);
    roosti_fiber_make(&pair->away, pair->low, pair->top, pair->top - 256, entry, pair);
}

static void pair_unmake(struct pair *pair)
{
    roosti_fiber_unmake(&pair->away);
    roosti_stacks_close(&pair->stacks);
}

/* -- the switch ------------------------------------------------------------------------------- */

static void count_for_ever(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    for (;;) {
        pair->count++;
        roosti_fiber_switch(&pair->away, &pair->home);
    }
}

TEST(each_switch_continues_where_the_other_left_off)
{
    struct pair pair = {0};
    pair_make(&pair, count_for_ever);
    for (int i = 1; i <= 1000; i++) {
        roosti_fiber_switch(&pair.home, &pair.away);
        CHECK_EQ(i, pair.count);
    }
    pair_unmake(&pair);
}

static void double_for_ever(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    int given = roosti_fiber_switch_with(&pair->away, &pair->home, -1);
    for (;;)
        given = roosti_fiber_switch_with(&pair->away, &pair->home, given * 2);
}

TEST(a_switch_hands_a_value_over)
{
    struct pair pair = {0};
    pair_make(&pair, double_for_ever);
    CHECK_EQ(-1, roosti_fiber_switch_with(&pair.home, &pair.away, 5));
    CHECK_EQ(14, roosti_fiber_switch_with(&pair.home, &pair.away, 7));
    CHECK_EQ(-4000, roosti_fiber_switch_with(&pair.home, &pair.away, -2000));
    pair_unmake(&pair);
}

static void leave_with_nine(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    roosti_fiber_leave(&pair->away, &pair->home, 9);
}

TEST(the_last_switch_hands_a_value_over_too)
{
    struct pair pair = {0};
    pair_make(&pair, leave_with_nine);
    CHECK_EQ(9, roosti_fiber_switch_with(&pair.home, &pair.away, 5));
    pair_unmake(&pair);
}

static void note_alignment(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    pair->note = __builtin_frame_address(0);
    char text[64];
    snprintf(text, sizeof text, "%.3Lf %.3f", 1.5L, 2.5); /* aligned vector stores in libc */
    pair->count = strcmp(text, "1.500 2.500") == 0;
    for (;;)
        roosti_fiber_switch(&pair->away, &pair->home);
}

TEST(a_fresh_flow_starts_on_an_aligned_stack)
{
    struct pair pair = {0};
    pair_make(&pair, note_alignment);
    roosti_fiber_switch(&pair.home, &pair.away);
    CHECK_EQ(1, pair.count);
    CHECK_EQ(0, (uintptr_t)pair.note % 16);
    CHECK((char *)pair.note > pair.low && (char *)pair.note < pair.top - 256);
    pair_unmake(&pair);
}

#if defined(__x86_64__)
/* Fills the callee-saved registers, switches, and returns the sum of what is in them then. */
__attribute__((noinline)) static uint64_t registers_sum(struct roosti_fiber *from,
                                                        struct roosti_fiber *to, uint64_t fill)
{
    register uint64_t rbx __asm__("rbx") = fill;
    register uint64_t r12 __asm__("r12") = fill + 1;
    register uint64_t r13 __asm__("r13") = fill + 2;
    register uint64_t r14 __asm__("r14") = fill + 3;
    register uint64_t r15 __asm__("r15") = fill + 4;
    __asm__ volatile("" : "+r"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15));
    roosti_fiber_switch(from, to);
    __asm__ volatile("" : "+r"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15));
    return rbx + 10 * r12 + 100 * r13 + 1000 * r14 + 10000 * r15;
}
static uint64_t registers_want(uint64_t fill)
{
    return fill + 10 * (fill + 1) + 100 * (fill + 2) + 1000 * (fill + 3) + 10000 * (fill + 4);
}
#else
__attribute__((noinline)) static uint64_t registers_sum(struct roosti_fiber *from,
                                                        struct roosti_fiber *to, uint64_t fill)
{
    register uint64_t x19 __asm__("x19") = fill;
    register uint64_t x22 __asm__("x22") = fill + 1;
    register uint64_t x28 __asm__("x28") = fill + 2;
    register double d8 __asm__("d8") = (double)fill + 3;
    register double d15 __asm__("d15") = (double)fill + 4;
    __asm__ volatile("" : "+r"(x19), "+r"(x22), "+r"(x28), "+w"(d8), "+w"(d15));
    roosti_fiber_switch(from, to);
    __asm__ volatile("" : "+r"(x19), "+r"(x22), "+r"(x28), "+w"(d8), "+w"(d15));
    return x19 + 10 * x22 + 100 * x28 + 1000 * (uint64_t)d8 + 10000 * (uint64_t)d15;
}
static uint64_t registers_want(uint64_t fill)
{
    return fill + 10 * (fill + 1) + 100 * (fill + 2) + 1000 * (fill + 3) + 10000 * (fill + 4);
}
#endif

static void other_registers(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    for (uint64_t fill = 1000;; fill += 1000)
        pair->count += registers_sum(&pair->away, &pair->home, fill) == registers_want(fill);
}

TEST(registers_survive_a_switch_on_both_sides)
{
    struct pair pair = {0};
    pair_make(&pair, other_registers);
    for (uint64_t fill = 7; fill < 107; fill++)
        CHECK_EQ(registers_want(fill), registers_sum(&pair.home, &pair.away, fill));
    CHECK_EQ(99, pair.count);
    pair_unmake(&pair);
}

/* Deep enough to use most of the stack, and switches at the bottom. */
__attribute__((noinline)) static int dig(struct pair *pair, int depth)
{
    volatile char frame[1000];
    memset((char *)frame, depth, sizeof frame);
    if (depth == 0)
        roosti_fiber_switch(&pair->away, &pair->home);
    else
        CHECK_EQ(depth - 1, dig(pair, depth - 1));
    return frame[999] == (char)depth ? depth : -1;
}

static void dig_and_report(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    pair->count = dig(pair, 60);
    for (;;)
        roosti_fiber_switch(&pair->away, &pair->home);
}

TEST(deep_frames_survive_a_switch)
{
    struct pair pair = {0};
    pair_make(&pair, dig_and_report);
    roosti_fiber_switch(&pair.home, &pair.away);
    CHECK_EQ(0, pair.count);
    roosti_fiber_switch(&pair.home, &pair.away);
    CHECK_EQ(60, pair.count);
    pair_unmake(&pair);
}

/* A flow that ends, on a stack that is used again and again. */
__attribute__((noinline)) static void use_a_local(struct pair *pair)
{
    volatile char local[512];
    pair->note = (void *)(uintptr_t)local;
    local[7] = 1;
    pair->count += local[7];
}

static void end_at_once(void *arg)
{
    struct pair *pair = arg;
    roosti_fiber_entered(&pair->away);
    use_a_local(pair);
    roosti_fiber_leave(&pair->away, &pair->home, 0);
}

/* In pages. Grows by a fake stack, or by a part of a shadow stack, for each flow whose end a
 * sanitizer was not told of. */
static long address_space(void)
{
    long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    CHECK(file != NULL && fscanf(file, "%ld", &pages) == 1);
    fclose(file);
    return pages;
}

TEST(a_stack_serves_many_flows_in_turn)
{
#ifdef ROOST_VALGRIND
    enum { FLOWS = 1000 };
#else
    enum { FLOWS = 40000 };
#endif
    struct pair pair = {0};
    pair_make(&pair, end_at_once);
    roosti_fiber_switch(&pair.home, &pair.away);
    roosti_fiber_unmake(&pair.away);
    long before = address_space();
    for (int i = 0; i < FLOWS; i++) {
        roosti_fiber_make(&pair.away, pair.low, pair.top, pair.top - 64 * (1 + i % 8), end_at_once,
                          &pair);
        roosti_fiber_switch(&pair.home, &pair.away);
        if (i + 1 < FLOWS)
            roosti_fiber_unmake(&pair.away);
    }
    CHECK_EQ(FLOWS + 1, pair.count);
    CHECK(address_space() - before < 100000);
    pair_unmake(&pair);
}

/* -- a crowd ---------------------------------------------------------------------------------- */

enum { CROWD = 200 };
static struct roosti_fiber crowd_home;
static struct roosti_fiber crowd[CROWD];
static long crowd_sum;

static void crowd_member(void *arg)
{
    long index = (long)(intptr_t)arg;
    roosti_fiber_entered(&crowd[index]);
    long mine = 0;
    for (int round = 0; round < 10; round++) {
        mine += index;
        struct roosti_fiber *next = index + 1 < CROWD ? &crowd[index + 1] : &crowd_home;
        roosti_fiber_switch(&crowd[index], next);
    }
    crowd_sum += mine;
    roosti_fiber_leave(&crowd[index], index + 1 < CROWD ? &crowd[index + 1] : &crowd_home, 0);
}

TEST(many_flows_pass_the_turn_around)
{
    struct roosti_stacks stacks;
    CHECK_EQ(0, roosti_stacks_open(&stacks, NULL));
    roosti_fiber_adopt(&crowd_home);
    crowd_sum = 0;
    static char *tops[CROWD];
    for (long i = 0; i < CROWD; i++) {
        if (stacks.free_count == 0)
            CHECK_EQ(0, roosti_stacks_refill(&stacks));
        tops[i] = roosti_stack_get(&stacks);
        roosti_fiber_make(&crowd[i], tops[i] - 192 * 1024, tops[i], tops[i] - 128, crowd_member,
                          (void *)(intptr_t)i);
    }
    for (int round = 0; round < 11; round++)
        roosti_fiber_switch(&crowd_home, &crowd[0]);
    CHECK_EQ(10L * CROWD * (CROWD - 1) / 2, crowd_sum);
    for (int i = 0; i < CROWD; i++)
        roosti_fiber_unmake(&crowd[i]);
    roosti_stacks_close(&stacks);
}

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
#include <signal.h>

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

TEST(valgrind_sees_no_error_in_switches_between_close_stacks)
{
    if (!RUNNING_ON_VALGRIND)
        skip("not run by valgrind");
    unsigned long before = VALGRIND_COUNT_ERRORS;
    many_flows_pass_the_turn_around();
    CHECK_EQ(before, VALGRIND_COUNT_ERRORS);
}
#endif
