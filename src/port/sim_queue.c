/* port/sim_queue.c - what is due when.
 *
 * A binary heap of entries by (due, order). Room is promised in advance: whoever may need an entry
 * reserves one when it is made, so that putting an entry in never fails in the middle of things.
 * In a steady state nothing is allocated.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_impl.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/mem.h"

int roosti_sim_reserve(struct roosti_sim *sim, size_t count)
{
    size_t wanted = sim->heap_reserved + count;
    if (wanted > sim->heap_size) {
        size_t size = sim->heap_size < 32 ? 64 : sim->heap_size * 2;
        if (size < wanted)
            size = wanted;
        struct roosti_sim_entry *heap =
            roosti_realloc(sim->heap, size * sizeof *heap, "simulated schedule");
        if (!heap)
            return ROOST_ENOMEM;
        sim->heap = heap;
        sim->heap_size = size;
    }
    sim->heap_reserved = wanted;
    return 0;
}

void roosti_sim_unreserve(struct roosti_sim *sim, size_t count)
{
    roosti_assert(sim->heap_reserved >= sim->heap_count + count);
    sim->heap_reserved -= count;
}

static bool entry_before(const struct roosti_sim_entry *a, const struct roosti_sim_entry *b)
{
    return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static void entry_set(struct roosti_sim *sim, size_t index, const struct roosti_sim_entry *entry)
{
    sim->heap[index] = *entry;
    *entry->place = (uint32_t)index + 1;
}

/* `entry` goes to `index` or above it. */
static void sift_up(struct roosti_sim *sim, size_t index, const struct roosti_sim_entry *entry)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (!entry_before(entry, &sim->heap[parent]))
            break;
        entry_set(sim, index, &sim->heap[parent]);
        index = parent;
    }
    entry_set(sim, index, entry);
}

/* `entry` goes to `index` or below it. */
static void sift_down(struct roosti_sim *sim, size_t index, const struct roosti_sim_entry *entry)
{
    for (;;) {
        size_t child = 2 * index + 1;
        if (child >= sim->heap_count)
            break;
        if (child + 1 < sim->heap_count && entry_before(&sim->heap[child + 1], &sim->heap[child]))
            child++;
        if (!entry_before(&sim->heap[child], entry))
            break;
        entry_set(sim, index, &sim->heap[child]);
        index = child;
    }
    entry_set(sim, index, entry);
}

void roosti_sim_put(struct roosti_sim *sim, const struct roosti_sim_entry *entry)
{
    roosti_assert(sim->heap_count < sim->heap_reserved);
    roosti_assert(*entry->place == 0);
    sift_up(sim, sim->heap_count++, entry);
}

struct roosti_sim_entry roosti_sim_take(struct roosti_sim *sim, uint32_t place)
{
    size_t index = place - 1;
    roosti_assert(index < sim->heap_count);
    struct roosti_sim_entry taken = sim->heap[index];
    struct roosti_sim_entry last = sim->heap[--sim->heap_count];
    *taken.place = 0;
    if (index != sim->heap_count) {
        if (index > 0 && entry_before(&last, &sim->heap[(index - 1) / 2]))
            sift_up(sim, index, &last);
        else
            sift_down(sim, index, &last);
    }
    return taken;
}

void roosti_sim_drop(struct roosti_sim *sim, uint32_t place)
{
    if (place != 0)
        (void)roosti_sim_take(sim, place);
}

void roosti_sim_park(struct roosti_sim_queue *queue, struct roosti_op *op)
{
    op->priv.state |= ROOSTI_SIM_PARKED;
    op->priv.next = NULL;
    op->priv.prev = queue->last;
    if (queue->last)
        queue->last->priv.next = op;
    else
        queue->first = op;
    queue->last = op;
}

void roosti_sim_unpark(struct roosti_sim_queue *queue, struct roosti_op *op)
{
    roosti_assert(op->priv.state & ROOSTI_SIM_PARKED);
    op->priv.state &= ~(uint32_t)ROOSTI_SIM_PARKED;
    if (op->priv.prev)
        op->priv.prev->priv.next = op->priv.next;
    else
        queue->first = op->priv.next;
    if (op->priv.next)
        op->priv.next->priv.prev = op->priv.prev;
    else
        queue->last = op->priv.prev;
    op->priv.next = op->priv.prev = NULL;
}
