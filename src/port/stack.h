/* port/stack.h - the stacks of one loop's tasks: a slab of guarded slots.
 *
 *   low                                                            high
 *   | guard 64 KiB | usable 192 KiB ... grows down ... | record, top |
 *   '---------------------- one slot, 256 KiB ----------------------'
 *
 * Slots come from NORESERVE mappings that double in size; guards are put in place in batches with
 * MADV_GUARD_INSTALL (Linux 6.13), which splits no mapping, so a million guarded stacks live in a
 * few dozen VMAs. Older kernels and mlocked processes get mprotect guards, up to a share of
 * vm.max_map_count; then ROOST_ENOSTACK. Freed slots are kept warm, last in first out; past a
 * bound the coldest give their pages back in batches.
 *
 * One arena belongs to one thread; only roosti_stack_find may run in a signal handler on it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_STACK_H
#define ROOST_PORT_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

enum { ROOSTI_STACK_CHUNKS_MAX = 40 };

enum roosti_guard_kind { ROOSTI_GUARD_NONE_YET, ROOSTI_GUARD_MADVISE, ROOSTI_GUARD_MPROTECT };

struct roosti_stack_chunk {
    char *base;
    size_t slots;   /* slots mapped */
    size_t guarded; /* slots [0, guarded) have their guard and have entered the free list */
};

struct roosti_stacks {
    /* The hot end: a stack of slot tops. Entries [0, cold) have given their pages back. */
    void **free;
    size_t free_count;
    size_t cold_count;
    size_t warm_max; /* more warm free slots than this: trim */

    size_t slot_size;
    size_t guard_size;
    size_t slots_max;  /* ROOST_ENOSTACK past this */
    size_t slots_made; /* slots that have their guard */
    size_t free_capacity;
    enum roosti_guard_kind guard_kind;
    size_t mprotect_max;  /* guards the mprotect kind may make, in all arenas together; 0: ask */
    size_t mprotect_made; /* guards it has made in this one */
    int chunk_count;
    struct roosti_stack_chunk chunks[ROOSTI_STACK_CHUNKS_MAX];
};

struct roosti_stacks_opts {
    size_t slot_size;    /* bytes with the guard, a multiple of the page; default 256 KiB */
    size_t guard_size;   /* default 64 KiB, at most half a slot */
    size_t slots_max;    /* default 4,194,304 */
    bool force_mprotect; /* for tests of the older-kernel path */
};

/* What an address in an arena is. */
struct roosti_stack_place {
    size_t slot; /* number of the slot in the arena */
    char *low;   /* lowest usable byte */
    char *top;   /* one past the highest */
    bool guard;  /* the address lies in the slot's guard */
};

/* Maps nothing yet. 0 or ROOST_ENOMEM, ROOST_EINVAL. */
int roosti_stacks_open(struct roosti_stacks *stacks, const struct roosti_stacks_opts *opts);

/* Unmaps everything: no task may be on a stack. Accepts a zeroed object. */
void roosti_stacks_close(struct roosti_stacks *stacks);

/* Puts at least one slot on the free list. 0, ROOST_ENOMEM (no mapping) or ROOST_ENOSTACK (bound of
 * the arena or, with mprotect guards, of vm.max_map_count). */
int roosti_stacks_refill(struct roosti_stacks *stacks);

/* Gives the pages of the coldest free slots back until half of warm_max are left, but of 512 slots
 * at most (some 0.3 ms): again while roosti_stacks_should_trim says so. Never called on a task's
 * stack that is in the free list. */
void roosti_stacks_trim(struct roosti_stacks *stacks);

/* True and *place when the address lies in a slot of the arena. Async-signal-safe. */
bool roosti_stack_find(const struct roosti_stacks *stacks, const void *address,
                       struct roosti_stack_place *place);

/* One line for the user on why no stack was left: limit, count, kernel and sysctl to change. */
void roosti_stacks_explain(const struct roosti_stacks *stacks, char *text, size_t size);

/* The top (one past the highest byte, 64-byte aligned) of a free slot, or NULL: refill first. */
static inline void *roosti_stack_get(struct roosti_stacks *stacks)
{
    if (roosti_unlikely(stacks->free_count == 0))
        return NULL;
    void *top = stacks->free[--stacks->free_count];
    if (roosti_unlikely(stacks->cold_count > stacks->free_count))
        stacks->cold_count = stacks->free_count;
    return top;
}

/* The room in `free` is made when a slot is, so putting back cannot fail. */
static inline void roosti_stack_put(struct roosti_stacks *stacks, void *top)
{
    roosti_assert(stacks->free_count < stacks->free_capacity);
    stacks->free[stacks->free_count++] = top;
}

static inline bool roosti_stacks_should_trim(const struct roosti_stacks *stacks)
{
    return stacks->free_count - stacks->cold_count > stacks->warm_max;
}

#endif
