/* tests/unit/port/test_fiber.c - the switch between flows.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/fiber.h"

#include "unit/port/fiber_pair.h"

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
