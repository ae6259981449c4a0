/* sync/queue_store.h - the items of a queue, in the order they are to be taken.
 *
 * A ring (first in, first out), a stack (last in, first out) or a binary heap. The heap puts a
 * number before each item, so that of items that are equal the oldest goes first.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_QUEUE_STORE_H
#define ROOST_SYNC_QUEUE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/queue.h>

/* Zeroed: empty, with room for none. */
struct roosti_store {
    unsigned char *cells; /* `room` cells of `stride` bytes; NULL: room is 0 */
    size_t item_size;
    size_t stride; /* of a heap: the number and the item, padded */
    size_t room;   /* cells there is memory for */
    size_t most;   /* cells there may ever be */
    size_t count;
    size_t head;  /* ring: the cell of the oldest item */
    uint64_t seq; /* heap: the number of the next item */
    enum roost_queue_order order;
    bool (*before)(void *arg, const void *a, const void *b);
    void *arg;
};

/* The options have been checked. A bounded store takes its memory here. 0 or ROOST_ENOMEM. */
int roosti_store_init(struct roosti_store *store, const roost_queue_opts *opts);
void roosti_store_fini(struct roosti_store *store);

/* Copies an item in; there is a place. 0, or ROOST_ENOMEM of an unbounded store. */
int roosti_store_push(struct roosti_store *store, const void *item);

/* Copies the next item out and removes it; there is one. */
void roosti_store_pop(struct roosti_store *store, void *item);

/* Lends each item to drop (NULL: nobody), in the order they would have been taken, and forgets it.
 */
void roosti_store_drop(struct roosti_store *store, void (*drop)(void *arg, void *item));

static inline bool roosti_store_full(const struct roosti_store *store)
{
    return store->count >= store->most;
}

#endif
