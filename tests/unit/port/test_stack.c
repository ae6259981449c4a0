/* tests/unit/port/test_stack.c - the slab of guarded stacks.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/stack.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <roost/error.h>

#include "base/mem.h"
#include "port/fiber.h"
#include "unit/port/cases.h"

/* Whether the kernel may write there: no signal, only EFAULT. */
static bool writable(void *at)
{
    return syscall(SYS_getrandom, at, 8, 0) == 8;
}

static void open_kind(struct roosti_stacks *stacks, bool force_mprotect)
{
    const struct roosti_stacks_opts opts = {.force_mprotect = force_mprotect};
    CHECK_EQ(0, roosti_stacks_open(stacks, &opts));
}

static char *take(struct roosti_stacks *stacks)
{
    char *top = roosti_stack_get(stacks);
    if (!top) {
        CHECK_EQ(0, roosti_stacks_refill(stacks));
        top = roosti_stack_get(stacks);
    }
    CHECK(top != NULL);
    return top;
}

static int resident_pages(char *low, char *top)
{
    unsigned char seen[512] = {0};
    CHECK_EQ(0, mincore(low, (size_t)(top - low), seen));
    int count = 0;
    for (size_t i = 0; i < (size_t)(top - low) / 4096; i++)
        count += seen[i] & 1;
    return count;
}

TEST(open_maps_nothing_and_refuses_odd_sizes)
{
    struct roosti_stacks stacks;
    CHECK_EQ(0, roosti_stacks_open(&stacks, NULL));
    CHECK_EQ(0, stacks.chunk_count);
    CHECK_EQ(256 * 1024, stacks.slot_size);
    CHECK_EQ(64 * 1024, stacks.guard_size);
    CHECK(roosti_stack_get(&stacks) == NULL);
    roosti_stacks_close(&stacks);
    roosti_stacks_close(&stacks); /* a zeroed object */

    const struct roosti_stacks_opts bad[] = {
        {.slot_size = 100000},
        {.slot_size = 65536, .guard_size = 100},
        {.slot_size = 65536, .guard_size = 65536},
        {.slots_max = SIZE_MAX / 4096},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        stacks.slot_size = 77;
        CHECK_EQ(ROOST_EINVAL, roosti_stacks_open(&stacks, &bad[i]));
        CHECK_EQ(77, stacks.slot_size);
    }
    const struct roosti_stacks_opts small = {.slot_size = 32768};
    CHECK_EQ(0, roosti_stacks_open(&stacks, &small));
    CHECK_EQ(16384, stacks.guard_size);
}

TEST(first_refill_makes_few_slots_and_later_ones_more)
{
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    size_t made[] = {16, 32, 64, 128, 256, 512, 1024, 1536};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++) {
        CHECK_EQ(0, roosti_stacks_refill(&stacks));
        /* A batch ends with its chunk at the latest. */
        while (stacks.slots_made < made[i])
            CHECK_EQ(0, roosti_stacks_refill(&stacks));
        CHECK_EQ(stacks.free_count, stacks.slots_made);
    }
    roosti_stacks_close(&stacks);
}

static void check_guards(bool force_mprotect)
{
    struct roosti_stacks stacks;
    open_kind(&stacks, force_mprotect);
    for (int i = 0; i < 200; i++) {
        char *top = take(&stacks);
        char *low = top - 192 * 1024;
        CHECK_EQ(0, (uintptr_t)top % 64);
        CHECK(writable(top - 8));
        CHECK(writable(low));
        CHECK(!writable(low - 8));
        CHECK(!writable(low - 64 * 1024));
    }
    CHECK(stacks.guard_kind == ROOSTI_GUARD_MPROTECT || !force_mprotect);
    roosti_stacks_close(&stacks);
}

TEST(each_slot_has_its_guard)
{
    check_guards(false);
}

TEST(each_slot_has_its_guard_on_older_kernels)
{
    check_guards(true);
}

TEST(slots_do_not_overlap)
{
    enum { COUNT = 300 };
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    static char *tops[COUNT];
    for (int i = 0; i < COUNT; i++) {
        tops[i] = take(&stacks);
        memset(tops[i] - 64, i & 0xff, 64);
        memset(tops[i] - 192 * 1024, i & 0xff, 64);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(i & 0xff, (unsigned char)tops[i][-1]);
        CHECK_EQ(i & 0xff, (unsigned char)tops[i][-192 * 1024]);
    }
    roosti_stacks_close(&stacks);
}

TEST(the_stack_put_back_last_is_taken_first)
{
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    char *a = take(&stacks);
    char *b = take(&stacks);
    CHECK(a != b);
    roosti_stack_put(&stacks, a);
    roosti_stack_put(&stacks, b);
    CHECK(roosti_stack_get(&stacks) == b);
    CHECK(roosti_stack_get(&stacks) == a);
    roosti_stacks_close(&stacks);
}

TEST(fresh_slots_go_below_warm_ones)
{
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    char *warm[3];
    for (int i = 0; i < 3; i++)
        warm[i] = take(&stacks);
    for (int i = 0; i < 3; i++)
        roosti_stack_put(&stacks, warm[i]);
    size_t cold = stacks.cold_count;
    CHECK_EQ(0, roosti_stacks_refill(&stacks));
    CHECK_EQ(cold + 16, stacks.cold_count);
    CHECK_EQ(stacks.cold_count + 3, stacks.free_count);
    for (int i = 2; i >= 0; i--)
        CHECK(roosti_stack_get(&stacks) == warm[i]);
    /* Below them every slot appears once. */
    size_t count = stacks.free_count;
    for (size_t i = 0; i < count; i++)
        for (size_t k = i + 1; k < count; k++)
            CHECK(stacks.free[i] != stacks.free[k]);
    roosti_stacks_close(&stacks);
}

TEST(the_bound_of_the_arena_holds)
{
    struct roosti_stacks stacks;
    const struct roosti_stacks_opts opts = {.slots_max = 100};
    CHECK_EQ(0, roosti_stacks_open(&stacks, &opts));
    for (int i = 0; i < 100; i++)
        take(&stacks);
    CHECK(roosti_stack_get(&stacks) == NULL);
    CHECK_EQ(ROOST_ENOSTACK, roosti_stacks_refill(&stacks));
    char text[256];
    roosti_stacks_explain(&stacks, text, sizeof text);
    CHECK_HAS("all 100 stacks", text);
    roosti_stacks_close(&stacks);
}

TEST(mprotect_guards_end_at_the_share_of_the_map_count)
{
    struct roosti_stacks stacks;
    for (int round = 0; round < 2; round++) { /* the second: closing gave the share back */
        open_kind(&stacks, true);
        CHECK_EQ(0, roosti_stacks_refill(&stacks));
        CHECK(stacks.mprotect_max > 40);
        stacks.mprotect_max = 40;
        int count = 0;
        while (roosti_stack_get(&stacks) || roosti_stacks_refill(&stacks) == 0)
            count++;
        CHECK_EQ(40, stacks.slots_made);
        CHECK_EQ(ROOST_ENOSTACK, roosti_stacks_refill(&stacks));
        char text[256];
        roosti_stacks_explain(&stacks, text, sizeof text);
        CHECK_HAS("40 stacks", text);
        CHECK_HAS("vm.max_map_count", text);
        CHECK_HAS("6.13", text);
        roosti_stacks_close(&stacks);
    }
}

TEST(find_tells_slot_guard_and_foreign_addresses)
{
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    struct roosti_stack_place place = {.slot = 99};
    CHECK(!roosti_stack_find(&stacks, &stacks, &place));
    CHECK_EQ(99, place.slot);
    bool seen[200] = {false};
    for (int i = 0; i < 200; i++) {
        char *top = take(&stacks);
        CHECK(roosti_stack_find(&stacks, top - 1, &place));
        CHECK(place.top == top && place.low == top - 192 * 1024 && !place.guard);
        CHECK(place.slot < 200 || stacks.slots_made > 200);
        if (place.slot < 200) {
            CHECK(!seen[place.slot]);
            seen[place.slot] = true;
        }
        size_t slot = place.slot;
        CHECK(roosti_stack_find(&stacks, top - 192 * 1024, &place) && !place.guard);
        CHECK(roosti_stack_find(&stacks, top - 192 * 1024 - 1, &place) && place.guard);
        CHECK_EQ(slot, place.slot);
        CHECK(roosti_stack_find(&stacks, top - 256 * 1024, &place) && place.guard);
        CHECK_EQ(slot, place.slot);
    }
    roosti_stacks_close(&stacks);
}

TEST(trim_gives_back_the_pages_of_the_coldest)
{
    enum { COUNT = 100 };
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    stacks.warm_max = 40;
    static char *tops[COUNT];
    for (int i = 0; i < COUNT; i++) {
        tops[i] = take(&stacks);
        memset(tops[i] - 20000, 0x55, 20000);
    }
    CHECK(!roosti_stacks_should_trim(&stacks));
    for (int i = 0; i < COUNT; i++)
        roosti_stack_put(&stacks, tops[i]);
    CHECK(roosti_stacks_should_trim(&stacks));
    roosti_stacks_trim(&stacks);
    CHECK(!roosti_stacks_should_trim(&stacks));
    CHECK_EQ(20, stacks.free_count - stacks.cold_count);

    for (int i = 0; i < COUNT; i++) {
        bool warm = i >= COUNT - 20;
        CHECK_EQ(warm ? 5 : 0, resident_pages(tops[i] - 192 * 1024, tops[i]));
        CHECK(!writable(tops[i] - 192 * 1024 - 8)); /* the guard survives */
    }
    for (int i = COUNT - 1; i >= 0; i--)
        CHECK(roosti_stack_get(&stacks) == tops[i]);
    CHECK(stacks.cold_count <= stacks.free_count);
    roosti_stacks_close(&stacks);
}

TEST(one_trim_is_short)
{
    enum { COUNT = 1200 };
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    stacks.warm_max = 100;
    static char *tops[COUNT];
    for (int i = 0; i < COUNT; i++)
        tops[i] = take(&stacks);
    for (int i = 0; i < COUNT; i++)
        roosti_stack_put(&stacks, tops[i]);
    size_t warm = stacks.free_count - stacks.cold_count;
    CHECK_EQ(COUNT, warm);
    int calls = 0;
    for (; roosti_stacks_should_trim(&stacks); calls++)
        roosti_stacks_trim(&stacks);
    CHECK_EQ(3, calls);
    CHECK_EQ(50, stacks.free_count - stacks.cold_count);
    roosti_stacks_close(&stacks);
}

TEST(a_refused_refill_changes_nothing)
{
    struct roosti_stacks stacks;
    int refused = 0;
    for (uint64_t nth = 1;; nth++) {
        open_kind(&stacks, false);
        roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = nth});
        int rc = roosti_stacks_refill(&stacks);
        struct roosti_mem_stats stats;
        roosti_mem_stats_get(&stats);
        roosti_mem_plan_set(NULL);
        if (stats.refused == 0) {
            CHECK_EQ(0, rc);
            roosti_stacks_close(&stacks);
            break;
        }
        refused++;
        CHECK_EQ(ROOST_ENOMEM, rc);
        CHECK_EQ(0, stacks.free_count);
        CHECK_EQ(0, stacks.slots_made);
        CHECK_EQ(0, roosti_stacks_refill(&stacks));
        CHECK_EQ(16, stacks.slots_made);
        roosti_stacks_close(&stacks);
    }
    CHECK_EQ(2, refused); /* the list and the mapping */
}

TEST(a_locked_range_gets_an_mprotect_guard)
{
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    CHECK_EQ(0, roosti_stacks_refill(&stacks));
    if (stacks.guard_kind != ROOSTI_GUARD_MADVISE) {
        roosti_stacks_close(&stacks);
        return; /* this kernel has only the other kind, which the case above tests */
    }
    /* Slot 20 is in the next batch. */
    char *guard = stacks.chunks[0].base + 20 * stacks.slot_size;
    if (mlock2(guard, stacks.guard_size, MLOCK_ONFAULT) != 0)
        skip("mlock is not allowed here");
    CHECK_EQ(0, roosti_stacks_refill(&stacks));
    CHECK_EQ(32, stacks.slots_made);
    CHECK_EQ(ROOSTI_GUARD_MPROTECT, stacks.guard_kind);
    for (size_t slot = 0; slot < 32; slot++)
        CHECK(!writable(stacks.chunks[0].base + slot * stacks.slot_size));
    roosti_stacks_close(&stacks);
}

#if !defined(ROOSTI_FIBER_HOOKS)
static int vma_count(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    CHECK(maps != NULL);
    int lines = 0;
    for (int c; (c = fgetc(maps)) != EOF;)
        lines += c == '\n';
    fclose(maps);
    return lines;
}

TEST(a_hundred_thousand_guarded_stacks_take_few_mappings)
{
    struct roosti_stacks stacks;
    open_kind(&stacks, false);
    int before = vma_count();
    while (stacks.slots_made < 100000) {
        int rc = roosti_stacks_refill(&stacks);
        if (stacks.guard_kind == ROOSTI_GUARD_MPROTECT)
            break;
        CHECK_EQ(0, rc);
    }
    CHECK(stacks.guard_kind == ROOSTI_GUARD_MPROTECT || vma_count() - before < 40);
    roosti_stacks_close(&stacks);
    CHECK_EQ(before, vma_count());
}

static void refill_in_small_space(void *arg)
{
    (void)arg;
    struct rlimit limit = {.rlim_cur = 512u << 20, .rlim_max = 512u << 20};
    if (setrlimit(RLIMIT_AS, &limit) != 0)
        _exit(3);
    if (mmap(NULL, 1u << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        _exit(77);
    struct roosti_stacks stacks;
    if (roosti_stacks_open(&stacks, NULL) < 0)
        _exit(4);
    int rc = 0;
    while ((rc = roosti_stacks_refill(&stacks)) == 0) {}
    char text[256];
    roosti_stacks_explain(&stacks, text, sizeof text);
    dprintf(2, "%zu slots, code %d: %s\n", stacks.slots_made, rc, text);
    /* More than two thirds of the limit are in use, and the arena still works. */
    bool good = stacks.slots_made > 1300 && (rc == ROOST_ENOMEM || rc == ROOST_ENOSTACK) &&
                roosti_stack_get(&stacks) != NULL;
    roosti_stacks_close(&stacks);
    _exit(good ? 0 : 5);
}

TEST(a_limited_address_space_is_used_up_in_smaller_chunks)
{
    struct child_end end = child_run(refill_in_small_space, NULL);
    if (end.code == 77)
        skip("the limit of the address space is not enforced here");
    CHECK_HAS("kernel gives no more address space", end.text);
    CHECK_EQ(0, end.code);
}
#endif
