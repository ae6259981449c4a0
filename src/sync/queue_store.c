/* sync/queue_store.c - ring, stack and heap of items whose size is known at run time.
 *
 * Cells are moved with memcpy only. The heap never swaps: it keeps a hole, moves cells into it, and
 * fills it at the end with an item that lies outside the heap by then. So it needs no memory for a
 * cell in between, and a `before` that contradicts itself can disturb the order and nothing else.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/queue_store.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* Cells a store that grows begins with. */
enum { ROOM_FIRST = 16 };

/* Before the item in a cell of a heap, so that the item is aligned for anything. */
enum { HEAP_HEAD = 16 };

static unsigned char *store_cell(const struct roosti_store *store, size_t index)
{
    return store->cells + index * store->stride;
}

/* -- room -------------------------------------------------------------------------------------- */

/* A ring whose items went round its end goes on at the new one. */
static void ring_unfold(struct roosti_store *store, size_t old_room)
{
    size_t wrapped = store->head + store->count > old_room ? old_room - store->head : 0;
    if (wrapped == 0)
        return;
    size_t head = store->room - wrapped;
    memmove(store_cell(store, head), store_cell(store, store->head), wrapped * store->stride);
    store->head = head;
}

static int store_grow(struct roosti_store *store)
{
    size_t room = store->room ? store->room * 2 : ROOM_FIRST;
    size_t bytes;
    if (room > store->most)
        room = store->most;
    if (__builtin_mul_overflow(room, store->stride, &bytes))
        return ROOST_ENOMEM;
    unsigned char *cells = roosti_realloc(store->cells, bytes, "the items of a queue");
    if (!cells)
        return ROOST_ENOMEM;
    size_t old_room = store->room;
    store->cells = cells;
    store->room = room;
    if (store->order == ROOST_FIFO)
        ring_unfold(store, old_room);
    return 0;
}

int roosti_store_init(struct roosti_store *store, const roost_queue_opts *opts)
{
    bool heap = opts->order == ROOST_PRIORITY;
    size_t bytes = 0;
    *store = (struct roosti_store){.item_size = opts->item_size,
                                   .stride = opts->item_size,
                                   .most = opts->capacity,
                                   .order = opts->order,
                                   .before = opts->before,
                                   .arg = opts->arg};
    if (heap) {
        if (opts->item_size > SIZE_MAX - 2 * HEAP_HEAD)
            return ROOST_ENOMEM;
        store->stride =
            HEAP_HEAD + (opts->item_size + HEAP_HEAD - 1) / HEAP_HEAD * (size_t)HEAP_HEAD;
    }
    if (opts->capacity == ROOST_QUEUE_UNBOUNDED)
        return 0;
    if (__builtin_mul_overflow(opts->capacity, store->stride, &bytes))
        return ROOST_ENOMEM;
    store->cells = roosti_alloc(bytes, "the items of a queue");
    if (!store->cells)
        return ROOST_ENOMEM;
    store->room = opts->capacity;
    return 0;
}

void roosti_store_fini(struct roosti_store *store)
{
    roosti_free(store->cells);
    store->cells = NULL;
    store->room = store->count = 0;
}

/* -- the heap ---------------------------------------------------------------------------------- */

static uint64_t heap_seq(const unsigned char *cell)
{
    uint64_t seq;
    memcpy(&seq, cell, sizeof seq);
    return seq;
}

/* Whether an item goes before the one in a cell. */
static bool heap_before(const struct roosti_store *store, const void *item, uint64_t seq,
                        const unsigned char *cell)
{
    if (store->before(store->arg, item, cell + HEAP_HEAD))
        return true;
    return seq < heap_seq(cell) && !store->before(store->arg, cell + HEAP_HEAD, item);
}

static void heap_fill(const struct roosti_store *store, size_t hole, const void *item, uint64_t seq)
{
    unsigned char *cell = store_cell(store, hole);
    memcpy(cell, &seq, sizeof seq);
    memcpy(cell + HEAP_HEAD, item, store->item_size);
}

static void heap_push(struct roosti_store *store, const void *item)
{
    size_t hole = store->count;
    uint64_t seq = store->seq++;
    while (hole > 0) {
        size_t parent = (hole - 1) / 2;
        if (!heap_before(store, item, seq, store_cell(store, parent)))
            break;
        memcpy(store_cell(store, hole), store_cell(store, parent), store->stride);
        hole = parent;
    }
    heap_fill(store, hole, item, seq);
}

/* The root has been taken: the last cell, which `count` leaves outside already, finds its place. */
static void heap_settle(struct roosti_store *store)
{
    const unsigned char *last = store_cell(store, store->count);
    size_t hole = 0;
    for (;;) {
        size_t child = 2 * hole + 1;
        if (child >= store->count)
            break;
        const unsigned char *right = store_cell(store, child + 1);
        if (child + 1 < store->count &&
            heap_before(store, right + HEAP_HEAD, heap_seq(right), store_cell(store, child)))
            child++;
        const unsigned char *cell = store_cell(store, child);
        if (!heap_before(store, cell + HEAP_HEAD, heap_seq(cell), last))
            break;
        memcpy(store_cell(store, hole), cell, store->stride);
        hole = child;
    }
    if (hole < store->count)
        heap_fill(store, hole, last + HEAP_HEAD, heap_seq(last));
}

/* -- all three --------------------------------------------------------------------------------- */

int roosti_store_push(struct roosti_store *store, const void *item)
{
    roosti_assert(!roosti_store_full(store));
    if (roosti_unlikely(store->count == store->room)) {
        int rc = store_grow(store);
        if (rc < 0)
            return rc;
    }
    if (store->order == ROOST_PRIORITY) {
        heap_push(store, item);
    } else {
        size_t index = store->count;
        if (store->order == ROOST_FIFO) {
            index += store->head;
            index -= index >= store->room ? store->room : 0;
        }
        memcpy(store_cell(store, index), item, store->item_size);
    }
    store->count++;
    return 0;
}

/* The next item, where it lies. */
static unsigned char *store_next(const struct roosti_store *store)
{
    if (store->order == ROOST_PRIORITY)
        return store->cells + HEAP_HEAD;
    return store_cell(store, store->order == ROOST_LIFO ? store->count - 1 : store->head);
}

/* Removes it. */
static void store_advance(struct roosti_store *store)
{
    store->count--;
    if (store->order == ROOST_PRIORITY)
        heap_settle(store);
    else if (store->order == ROOST_FIFO)
        store->head = store->head + 1 == store->room ? 0 : store->head + 1;
}

void roosti_store_pop(struct roosti_store *store, void *item)
{
    roosti_assert(store->count > 0);
    memcpy(item, store_next(store), store->item_size);
    store_advance(store);
}

void roosti_store_drop(struct roosti_store *store, void (*drop)(void *arg, void *item))
{
    for (; drop && store->count > 0; store_advance(store))
        drop(store->arg, store_next(store));
    store->count = 0;
}
