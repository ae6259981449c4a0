/* port/stack.c - the slab of guarded stack slots.
 *
 * Chunks double, so forty of them hold any number of slots and most of them merge into one mapping
 * of the kernel. A slot becomes usable when its guard is in place, and guards come in batches that
 * grow from 16 to 512: a small program pays for 16, a large one for few system calls.
 *
 * The free list keeps its cold entries (no pages) at the low end, so taking from the high end
 * reuses the warmest stack.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/stack.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef ROOST_VALGRIND
#include <valgrind/valgrind.h>
#endif

#include <roost/error.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "port/fiber.h"

#define GUARD_INSTALL 102 /* MADV_GUARD_INSTALL, Linux 6.13; the C library's headers lack it */

enum {
    SLOT_DEFAULT = 256 * 1024,
    GUARD_DEFAULT = 64 * 1024,
    SLOTS_MAX_DEFAULT = 4194304,
    WARM_MAX_DEFAULT = 4096,
    CHUNK_SLOTS_FIRST = 64,
    BATCH_FIRST = 16,
    BATCH_MAX = 512,
    ADVISE_MIN = 64,          /* fewer are not worth a process descriptor */
    ADVISE_MAX = 128,         /* ranges per system call: they lie on the caller's stack */
    MAP_COUNT_DEFAULT = 65530 /* the kernel's own default of vm.max_map_count */
};

#if defined(ROOSTI_TSAN) || defined(ROOSTI_ASAN) || defined(ROOST_VALGRIND)
/* The tools keep tables by address: many moderate mappings suit them better than a huge one. */
enum { CHUNK_SLOTS_MAX = 1024 };
#else
enum { CHUNK_SLOTS_MAX = 2097152 };
#endif

/* mprotect guards of all arenas: the bound on mappings is the process's. */
static size_t mprotect_count;

/* -- guards ----------------------------------------------------------------------------------- */

static size_t max_map_count(void)
{
    size_t count = MAP_COUNT_DEFAULT;
    FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
    if (file) {
        unsigned long value;
        if (fscanf(file, "%lu", &value) == 1 && value > 0)
            count = value;
        fclose(file);
    }
    return count;
}

/* Valgrind knows neither guard markers nor pidfd_open. */
static bool on_valgrind(void)
{
#ifdef ROOST_VALGRIND
    return RUNNING_ON_VALGRIND != 0;
#else
    return false;
#endif
}

/* An emulator may accept advice it does not know, so the guard is tried out: the kernel must fail
 * to write there. */
static bool guard_install_works(size_t page)
{
    if (on_valgrind())
        return false;
    char *probe = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (probe == MAP_FAILED)
        return false;
    bool works = madvise(probe, page, GUARD_INSTALL) == 0 &&
                 syscall(SYS_getrandom, probe, 1, GRND_NONBLOCK) == -1 && errno == EFAULT;
    munmap(probe, page);
    return works;
}

/* Advises the range [top - below, top - below + len) of each of `count` slots. Returns how many
 * slots, from the first, are done for sure. */
static size_t advise_each(void *const *tops, size_t count, size_t below, size_t len, int advice)
{
    size_t done = 0;
    if (count >= ADVISE_MIN && !on_valgrind()) {
        struct iovec ranges[ADVISE_MAX];
        int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
        while (self >= 0 && done < count) {
            size_t n = count - done < ADVISE_MAX ? count - done : ADVISE_MAX;
            for (size_t i = 0; i < n; i++)
                ranges[i] =
                    (struct iovec){.iov_base = (char *)tops[done + i] - below, .iov_len = len};
            long bytes = syscall(SYS_process_madvise, self, ranges, n, advice, 0);
            if (bytes < (long)len)
                break;
            done += (size_t)bytes / len;
        }
        if (self >= 0)
            close(self);
    }
    while (done < count && madvise((char *)tops[done] - below, len, advice) == 0)
        done++;
    return done;
}

static size_t guard_by_mprotect(struct roosti_stacks *stacks, void *const *tops, size_t count)
{
    size_t done = 0;
    if (stacks->mprotect_max == 0)
        stacks->mprotect_max = max_map_count() / 10 * 8 / 2; /* each guard makes two mappings */
    while (done < count) {
        char *start = (char *)tops[done] - stacks->slot_size;
        if (roosti_atomic_add(&mprotect_count, 1, ROOSTI_RELAXED) >= stacks->mprotect_max ||
            mprotect(start, stacks->guard_size, PROT_NONE) != 0) {
            roosti_atomic_sub(&mprotect_count, 1, ROOSTI_RELAXED);
            break;
        }
        done++;
    }
    stacks->mprotect_made += done;
    return done;
}

/* Returns how many of the slots, from the first, now have their guard. */
static size_t guard_slots(struct roosti_stacks *stacks, void *const *tops, size_t count)
{
    size_t done = 0;
    if (stacks->guard_kind == ROOSTI_GUARD_MADVISE) {
        done = advise_each(tops, count, stacks->slot_size, stacks->guard_size, GUARD_INSTALL);
        if (done == count)
            return done;
        /* The process has locked its memory since: the kernel refuses guard markers there. */
        stacks->guard_kind = ROOSTI_GUARD_MPROTECT;
    }
    return done + guard_by_mprotect(stacks, tops + done, count - done);
}

/* -- chunks ----------------------------------------------------------------------------------- */

/* Maps a chunk, smaller and smaller ones when the address space is limited. */
static int chunk_add(struct roosti_stacks *stacks)
{
    if (stacks->chunk_count == ROOSTI_STACK_CHUNKS_MAX)
        return ROOST_ENOSTACK;
    size_t slots = CHUNK_SLOTS_FIRST;
    for (int i = 0; i < stacks->chunk_count; i++)
        slots = slots < CHUNK_SLOTS_MAX ? slots * 2 : slots;
    if (slots > stacks->slots_max - stacks->slots_made)
        slots = stacks->slots_max - stacks->slots_made;
    if (slots == 0)
        return ROOST_ENOSTACK;
    if (!roosti_may_take("stack mapping"))
        return ROOST_ENOMEM;

    char *base = MAP_FAILED;
    for (;;) {
        base = mmap(NULL, slots * stacks->slot_size, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
        if (base != MAP_FAILED || slots == 1)
            break;
        slots /= 2;
    }
    if (base == MAP_FAILED)
        return ROOST_ENOMEM;
    /* A huge page would make a stack of one page cost 512. */
    madvise(base, slots * stacks->slot_size, MADV_NOHUGEPAGE);
    stacks->chunks[stacks->chunk_count++] =
        (struct roosti_stack_chunk){.base = base, .slots = slots};
    return 0;
}

static int free_list_reserve(struct roosti_stacks *stacks, size_t capacity)
{
    if (capacity <= stacks->free_capacity)
        return 0;
    size_t wanted = stacks->free_capacity * 2 > capacity ? stacks->free_capacity * 2 : capacity;
    void **list = roosti_realloc(stacks->free, wanted * sizeof *list, "list of free stacks");
    if (!list)
        return ROOST_ENOMEM;
    stacks->free = list;
    stacks->free_capacity = wanted;
    return 0;
}

/* -- interface -------------------------------------------------------------------------------- */

int roosti_stacks_open(struct roosti_stacks *stacks, const struct roosti_stacks_opts *opts)
{
    const struct roosti_stacks_opts none = {0};
    const struct roosti_stacks_opts *o = opts ? opts : &none;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t slot = o->slot_size ? o->slot_size : SLOT_DEFAULT;
    size_t guard = o->guard_size ? o->guard_size : GUARD_DEFAULT;
    size_t slots_max = o->slots_max ? o->slots_max : SLOTS_MAX_DEFAULT;

    if (!o->guard_size && guard > slot / 2)
        guard = slot / 2 / page * page;
    if (slot % page || guard % page || guard == 0 || guard > slot / 2 ||
        slots_max > SIZE_MAX / 2 / slot)
        return ROOST_EINVAL;
    *stacks = (struct roosti_stacks){
        .slot_size = slot,
        .guard_size = guard,
        .slots_max = slots_max,
        .warm_max = WARM_MAX_DEFAULT,
        .guard_kind = o->force_mprotect ? ROOSTI_GUARD_MPROTECT : ROOSTI_GUARD_NONE_YET,
    };
    return 0;
}

void roosti_stacks_close(struct roosti_stacks *stacks)
{
    for (int i = 0; i < stacks->chunk_count; i++)
        munmap(stacks->chunks[i].base, stacks->chunks[i].slots * stacks->slot_size);
    roosti_atomic_sub(&mprotect_count, stacks->mprotect_made, ROOSTI_RELAXED);
    roosti_free(stacks->free);
    *stacks = (struct roosti_stacks){0};
}

static void tops_reverse(void **tops, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        void *held = tops[i];
        tops[i] = tops[count - 1 - i];
        tops[count - 1 - i] = held;
    }
}

/* Takes over the `count` tops that stand behind the list. Fresh slots have no pages, so they go
 * below the warm ones, [cold | fresh | warm], the first of the chunk to be taken first. */
static void free_list_add_fresh(struct roosti_stacks *stacks, size_t count)
{
    void **warm = stacks->free + stacks->cold_count;
    size_t warm_count = stacks->free_count - stacks->cold_count;
    /* Reversing one block and then both exchanges them, and leaves the other one reversed. */
    tops_reverse(warm, warm_count);
    tops_reverse(warm, warm_count + count);
    stacks->cold_count += count;
    stacks->free_count += count;
}

/* The chunk whose next slot has no guard yet. */
static int chunk_open(struct roosti_stacks *stacks, struct roosti_stack_chunk **chunk)
{
    struct roosti_stack_chunk *next = stacks->chunks + stacks->chunk_count;
    if (stacks->chunk_count == 0 || next[-1].guarded == next[-1].slots) {
        int rc = chunk_add(stacks);
        if (rc < 0)
            return rc;
        next++;
    }
    *chunk = next - 1;
    return 0;
}

int roosti_stacks_refill(struct roosti_stacks *stacks)
{
    if (stacks->slots_made >= stacks->slots_max)
        return ROOST_ENOSTACK;
    if (stacks->guard_kind == ROOSTI_GUARD_NONE_YET)
        stacks->guard_kind = guard_install_works((size_t)sysconf(_SC_PAGESIZE))
                                 ? ROOSTI_GUARD_MADVISE
                                 : ROOSTI_GUARD_MPROTECT;

    size_t batch = stacks->slots_made < BATCH_FIRST ? BATCH_FIRST : stacks->slots_made;
    batch = batch < BATCH_MAX ? batch : BATCH_MAX;
    struct roosti_stack_chunk *chunk = NULL;
    int rc = free_list_reserve(stacks, stacks->slots_made + batch);
    if (rc < 0 || (rc = chunk_open(stacks, &chunk)) < 0)
        return rc;

    /* The tops wait behind the list, where there is room for every slot made. */
    void **tops = stacks->free + stacks->free_count;
    batch = batch < chunk->slots - chunk->guarded ? batch : chunk->slots - chunk->guarded;
    for (size_t i = 0; i < batch; i++)
        tops[i] = chunk->base + (chunk->guarded + i + 1) * stacks->slot_size;
    size_t made = guard_slots(stacks, tops, batch);
    if (made == 0)
        return ROOST_ENOSTACK;
    chunk->guarded += made;
    stacks->slots_made += made;
    free_list_add_fresh(stacks, made);
    return 0;
}

void roosti_stacks_trim(struct roosti_stacks *stacks)
{
    size_t keep = stacks->warm_max / 2;
    size_t usable = stacks->slot_size - stacks->guard_size;
    if (stacks->free_count - stacks->cold_count <= keep)
        return;
    size_t count = stacks->free_count - stacks->cold_count - keep;
    count = count < BATCH_MAX ? count : BATCH_MAX;
    /* Locked memory cannot be given back; such a slot counts as cold all the same. */
    advise_each(stacks->free + stacks->cold_count, count, usable, usable, MADV_DONTNEED);
    stacks->cold_count += count;
}

bool roosti_stack_find(const struct roosti_stacks *stacks, const void *address,
                       struct roosti_stack_place *place)
{
    uintptr_t at = (uintptr_t)address;
    size_t before = 0;
    for (int i = 0; i < stacks->chunk_count; i++) {
        const struct roosti_stack_chunk *chunk = &stacks->chunks[i];
        uintptr_t base = (uintptr_t)chunk->base;
        if (at >= base && at - base < chunk->guarded * stacks->slot_size) {
            size_t index = (at - base) / stacks->slot_size;
            char *start = chunk->base + index * stacks->slot_size;
            *place = (struct roosti_stack_place){
                .slot = before + index,
                .low = start + stacks->guard_size,
                .top = start + stacks->slot_size,
                .guard = at - (uintptr_t)start < stacks->guard_size,
            };
            return true;
        }
        before += chunk->slots;
    }
    return false;
}

void roosti_stacks_explain(const struct roosti_stacks *stacks, char *text, size_t size)
{
    if (stacks->slots_made >= stacks->slots_max)
        snprintf(text, size, "all %zu stacks the loop may have are in use", stacks->slots_made);
    else if (stacks->guard_kind == ROOSTI_GUARD_MPROTECT)
        snprintf(text, size,
                 "%zu stacks in use; each guard takes two of the vm.max_map_count mappings of the "
                 "process: raise that sysctl, or use Linux 6.13 or newer without locked memory",
                 stacks->slots_made);
    else
        snprintf(text, size, "%zu stacks in use and the kernel gives no more address space",
                 stacks->slots_made);
}
