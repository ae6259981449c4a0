/* tests/unit/rt/test_yield.c - the two ways of roost_yield: what survives them, and what unwinders
 * see of the short one.
 *
 * Under observation every yield goes the long way, so these cases make runs of their own.
 *
 * SPDX-License-Identifier: MIT
 */
#include <execinfo.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include <roost.h>

#include "kit/kit.h"
#include "port/fiber.h"

static int run_plainly(roost_call call)
{
    return roost_run(call, &(roost_run_opts){.debug = -1});
}

/* -- values that are alive across a yield ------------------------------------------------------ */

enum { ROUNDS = 500, MEMBERS = 6 };

/* Makes no call but the yield, so what does not fit the registers may lie in a red zone. */
__attribute__((noinline)) static int yield_with_much_alive(long seed, long *ret_sum)
{
    long a = seed, b = seed + 1, c = seed + 2, d = seed + 3, e = seed + 4, f = seed + 5;
    double x = (double)seed, y = x + 1, z = x + 2;
    long double wide = (long double)seed + 3;
#if defined(__x86_64__)
    register long kept __asm__("rbx") = seed + 11;
    __asm__ volatile("" : "+r"(kept));
#else
    long kept = seed + 11;
#endif
    volatile long p = seed + 6, q = seed + 7, r = seed + 8, s = seed + 9, t = seed + 10;
    __asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
#if defined(__x86_64__)
    __asm__("" : "+x"(x), "+x"(y), "+x"(z), "+t"(wide));
#endif
    int rc = roost_yield();
    __asm__ volatile("" : "+r"(kept));
    __asm__("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
    long sum =
        a + 3 * b + 5 * c + 7 * d + 11 * e + 13 * f + (long)x + (long)y + (long)z + (long)wide;
    sum += p + q + r + s + t + kept;
    *ret_sum = sum;
    return rc;
}

static long much_alive_sum(long seed)
{
    return 50 * seed + (3 + 10 + 21 + 44 + 65) + (1 + 2 + 3) + (6 + 7 + 8 + 9 + 10 + 11);
}

ROOST_ASYNC(yield_inline, long, seed)
{
    for (long i = 0; i < ROUNDS; i++) {
        long sum = 0;
        ROOST_TRY(yield_with_much_alive(seed + i, &sum));
        CHECK_EQ(much_alive_sum(seed + i), sum);
    }
    return 0;
}

ROOST_ASYNC(yield_by_pointer, long, seed)
{
    int (*volatile function)(void) = roost_yield;
    for (long i = 0; i < ROUNDS; i++) {
        long a = seed + i, b = seed - i;
        __asm__("" : "+r"(a), "+r"(b));
        ROOST_TRY(function());
        __asm__("" : "+r"(a), "+r"(b));
        CHECK_EQ(2 * seed, a + b);
    }
    return 0;
}

ROOST_ASYNC(sleep_now_and_then, long, seed)
{
    for (long i = 0; i < ROUNDS / 20; i++) {
        long sum = 0;
        ROOST_TRY(yield_with_much_alive(seed * i, &sum));
        CHECK_EQ(much_alive_sum(seed * i), sum);
        ROOST_TRY(roost_sleep(ROOST_US(50)));
    }
    return 0;
}

ROOST_ASYNC(all_kinds)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (long i = 1; i <= MEMBERS; i++) {
            ROOST_GO(g, yield_inline, 1000 * i);
            ROOST_GO(g, yield_inline, 1000 * i + 500);
            ROOST_GO(g, yield_by_pointer, i);
            ROOST_GO(g, sleep_now_and_then, i);
        }
    }
    return rc;
}

ROOST_TEST(values_survive_whatever_is_switched_to, .plain = true, .no_torture = true)
{
    CHECK_EQ(0, run_plainly(ROOST_CALL(all_kinds)));
}

ROOST_ASYNC(one_kind)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (long i = 1; i <= MEMBERS; i++)
            ROOST_GO(g, yield_inline, 1000 * i);
    }
    return rc;
}

ROOST_TEST(values_survive_among_their_like, .plain = true, .no_torture = true)
{
    CHECK_EQ(0, run_plainly(ROOST_CALL(one_kind)));
}

/* Alone, a task always goes the long way, from a stack of any alignment. */
ROOST_TEST(values_survive_with_nobody_else, .plain = true, .no_torture = true)
{
    CHECK_EQ(0, run_plainly(ROOST_CALL(yield_inline, 7)));
}

/* -- order and results ------------------------------------------------------------------------- */

static char order[3 * 200 + 1];
static size_t order_length;

ROOST_ASYNC(note_turns, int, name)
{
    for (int i = 0; i < 200; i++) {
        order[order_length++] = (char)name;
        ROOST_TRY(roost_yield());
    }
    return 0;
}

ROOST_ASYNC(three_in_turn)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, note_turns, 'a');
        ROOST_GO(g, note_turns, 'b');
        ROOST_GO(g, note_turns, 'c');
    }
    return rc;
}

/* More turns than the loop gives before it asks the port. */
ROOST_TEST(the_turns_go_round, .plain = true, .no_torture = true)
{
    order_length = 0;
    CHECK_EQ(0, run_plainly(ROOST_CALL(three_in_turn)));
    CHECK_EQ(sizeof order - 1, order_length);
    for (size_t i = 0; i < order_length; i++)
        CHECK_EQ('a' + (int)(i % 3), order[i]);
}

ROOST_ASYNC(yield_until_refused, int *, turns)
{
    int rc;
    while ((rc = roost_yield()) == 0)
        ++*turns;
    return rc;
}

ROOST_ASYNC(cancel_two, int *, turns)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, yield_until_refused, turns);
        ROOST_GO(g, yield_until_refused, turns);
        for (int i = 0; i < 10; i++)
            ROOST_TRY(roost_yield());
        roost_group_cancel(g, "seen enough");
    }
    return rc;
}

ROOST_TEST(a_cancelled_task_is_refused_at_its_next_yield, .plain = true, .no_torture = true)
{
    int turns = 0;
    (void)run_plainly(ROOST_CALL(cancel_two, &turns));
    CHECK(turns >= 18 && turns <= 20);
}

ROOST_TEST(outside_a_run_it_is_refused, .plain = true, .no_torture = true)
{
    long sum = 0;
    CHECK_EQ(ROOST_ENOCTX, yield_with_much_alive(5, &sum));
    CHECK_EQ(much_alive_sum(5), sum);
}

/* -- what an unwinder sees at each instruction ------------------------------------------------- */

#if defined(__x86_64__) && !defined(ROOSTI_FIBER_HOOKS) && defined(__OPTIMIZE__)
extern const char roost_impl_yield[];
extern const char roosti_yield_jump[];

enum { FRAMES_MAX = 32, STEPPED = 8 };

static struct {
    int stub;
    int jump;
    int bad;
} steps;

static void *chain_end;

extern const char stepped_end[];

static volatile size_t room_size = 100;

/* Its frame is of a size known at run time only, so it is found by rbp. */
__attribute__((noinline)) static int stepped_yield(void)
{
    char *room = __builtin_alloca(room_size);
    __asm__ volatile("" : "+r"(room));
    int rc = roost_yield();
    __asm__ volatile(".globl stepped_end; stepped_end:" : "+r"(rc));
    return rc;
}

static bool chain_is_whole(void)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    bool through = false;
    for (int i = 0; i < count; i++)
        through |= (uintptr_t)frames[i] - (uintptr_t)stepped_yield <=
                   (uintptr_t)stepped_end - (uintptr_t)stepped_yield;
    return through && count < FRAMES_MAX && frames[count - 1] == chain_end;
}

static void on_step(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)info;
    uintptr_t pc = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    bool in_stub = pc - (uintptr_t)roost_impl_yield < 56;
    bool in_jump = pc - (uintptr_t)roosti_yield_jump < 72;
    if (!in_stub && !in_jump)
        return;
    steps.stub += in_stub;
    steps.jump += in_jump;
    if (chain_is_whole())
        return;
    steps.bad++;
    printf("# no way out from %s+%#lx\n", in_stub ? "roost_impl_yield" : "roosti_yield_jump",
           (unsigned long)(pc - (uintptr_t)(in_stub ? roost_impl_yield : roosti_yield_jump)));
}

static void trap_flag(bool on)
{
    unsigned long flags;
    __asm__ volatile("subq $128, %%rsp; pushfq; popq %0; addq $128, %%rsp" : "=r"(flags)::"cc");
    flags = on ? flags | 0x100 : flags & ~0x100ul;
    __asm__ volatile("subq $128, %%rsp; pushq %0; popfq; addq $128, %%rsp" ::"r"(flags)
                     : "memory", "cc");
}

ROOST_ASYNC(step_through, bool, leads)
{
    void *frames[FRAMES_MAX];
    int count = backtrace(frames, FRAMES_MAX);
    chain_end = frames[count - 1];
    ROOST_TRY(stepped_yield());
    if (leads)
        trap_flag(true);
    for (int i = 0; i < STEPPED; i++)
        ROOST_TRY(stepped_yield());
    trap_flag(false);
    return 0;
}

ROOST_ASYNC(step_two)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, step_through, true);
        ROOST_GO(g, step_through, false);
    }
    return rc;
}

ROOST_TEST(the_unwind_tables_hold_at_every_instruction, .plain = true, .no_torture = true)
{
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    struct sigaction former;
    sigaction(SIGTRAP, &action, &former);
    memset(&steps, 0, sizeof steps);
    CHECK_EQ(0, run_plainly(ROOST_CALL(step_two)));
    sigaction(SIGTRAP, &former, NULL);
    CHECK(steps.stub >= STEPPED * 5);
    CHECK(steps.jump >= STEPPED * 10);
    CHECK_EQ(0, steps.bad);
}
#endif
