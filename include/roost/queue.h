/* roost/queue.h - queues of work: items that are taken out, worked on, and marked done.
 *
 * A queue hands items from tasks that put to tasks that get, in the order it was opened with, and
 * knows how many are not done yet. A full queue makes who puts wait, an empty one who gets.
 *
 *     roost_queue_opts opts = {.item_size = sizeof(struct job), .capacity = 10};
 *     ROOST_TRY(roost_queue_open(&opts, &queue));
 *
 *     while ((rc = roost_queue_get(queue, &job)) == 0) {      a worker
 *         work_on(&job);
 *         roost_queue_task_done(queue);
 *     }
 *
 * Where nothing has to be marked done, and the end of the stream is what the last sender leaves
 * behind, a channel (roost/chan.h) is the simpler thing.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_QUEUE_H
#define ROOST_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

/* On the heap. Who opened it closes it when nobody uses it any more. */
typedef struct roost_queue roost_queue;

/* A capacity: as many items as there is memory for. Nothing then slows down who puts. */
#define ROOST_QUEUE_UNBOUNDED SIZE_MAX

/* Which of the items that are in the queue is taken next. Tasks are served in the order they came
 * whatever it says: the item of one that waits for a place is in the queue once it has the place.
 */
enum roost_queue_order {
    ROOST_FIFO = 0, /* the oldest */
    ROOST_LIFO,     /* the newest */
    ROOST_PRIORITY  /* the one that goes before all others; the oldest of several such */
};

typedef struct roost_queue_opts {
    size_t item_size;             /* bytes of one item; at least 1, has no default */
    size_t capacity;              /* most items; at least 1 or ROOST_QUEUE_UNBOUNDED, no default */
    enum roost_queue_order order; /* default ROOST_FIFO */
    /* Whether a goes before b; with ROOST_PRIORITY, and only then. It compares and does no more:
     * no call of the library, and nothing that takes long. */
    bool (*before)(void *arg, const void *a, const void *b);
    /* Frees what belongs to an item that nobody will get any more; NULL: nothing does. */
    void (*drop)(void *arg, void *item);
    void *arg;         /* lent to before and drop */
    bool shared;       /* tasks of every loop may use it, not only those of the first that did */
    const char *label; /* copied, cut to 31 bytes; for dumps of tasks; default "queue" */
} roost_queue_opts;

typedef struct roost_queue_stats {
    uint64_t puts;       /* items that came in */
    uint64_t gets;       /* of those, taken out */
    uint64_t done;       /* of those, marked done */
    uint64_t dropped;    /* items that came in and were dropped by a shutdown */
    uint64_t put_waits;  /* calls that had to wait for a place */
    uint64_t get_waits;  /* calls that had to wait for an item */
    uint64_t unfinished; /* items in the queue, or taken out and not marked done */
    size_t size;         /* items in the queue now */
    size_t size_max;     /* the most there have been */
    bool shut;           /* roost_queue_shutdown has been called */
} roost_queue_stats;

ROOST_BEGIN_DECLS

/**
 * roost_queue_open - make a queue.
 *
 *   opts      copied; item_size and capacity have no default.
 *   queue     gives one, release with roost_queue_close; written on success only.
 *
 * The memory of a bounded queue is taken here; to put into it then never fails for lack of memory.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  item_size or capacity is 0, the order is unknown, or `before` is not
 *           given with ROOST_PRIORITY or is given without; ROOST_ENOMEM.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_queue_open(const roost_queue_opts *opts, roost_queue **queue);

/**
 * roost_queue_close - free a queue. Items that are still in it are dropped.
 *
 *   queue     taken; NULL is accepted. No call on it is under way: end the group of the tasks that
 *             use it first, and roost_queue_shutdown before that where they wait for items. It ends
 *             the program when a task waits in one.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_queue_close(roost_queue *queue);

/* For ROOST_AUTO(queue). */
static inline void roost_queue_cleanup(roost_queue **queue)
{
    roost_queue_close(*queue);
}

/**
 * roost_queue_put - put an item in, waiting for a place.
 *
 *   queue     opened.
 *   item      copied, item_size bytes.
 *
 * Suspends  while the queue is full.
 * Cancel    ROOST_ECANCELED; the item is not in the queue.
 * Errors    ROOST_ECLOSED  the queue is shut down; ROOST_ENOMEM  of an unbounded queue;
 *           ROOST_EXLOOP   it belongs to another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of its loop; shared: tasks of any loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_queue_put(roost_queue *queue, const void *item);

/**
 * roost_queue_get - take the next item out, waiting for one.
 *
 *   queue     opened.
 *   item      receives it, item_size bytes; written on success only.
 *
 * The item counts as unfinished until roost_queue_task_done.
 *
 * Suspends  while the queue is empty.
 * Cancel    ROOST_ECANCELED; no item was taken. One that was handed over before is returned.
 * Errors    ROOST_ECLOSED  the queue is shut down and empty; ROOST_EXLOOP  it belongs to another
 *           loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of its loop; shared: tasks of any loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_queue_get(roost_queue *queue, void *item);

/**
 * roost_queue_try_put - put an item in if there is a place.
 *
 *   queue     opened.
 *   item      copied, item_size bytes.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  the queue is full, and places that become free belong to who waits;
 *           ROOST_ECLOSED, ROOST_ENOMEM, ROOST_EXLOOP, ROOST_ENOCTX as for roost_queue_put.
 * Threads   its loop; shared: any.
 */
ROOST_API ROOST_MUST int roost_queue_try_put(roost_queue *queue, const void *item);

/**
 * roost_queue_try_get - take the next item out if there is one.
 *
 *   queue     opened.
 *   item      receives it, item_size bytes; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  the queue is empty, and items that come belong to who waits;
 *           ROOST_ECLOSED, ROOST_EXLOOP, ROOST_ENOCTX as for roost_queue_get.
 * Threads   its loop; shared: any.
 */
ROOST_API ROOST_MUST int roost_queue_try_get(roost_queue *queue, void *item);

/**
 * roost_queue_task_done - say that the work on one item that was taken out is over.
 *
 *   queue     opened; shut down is fine.
 *
 * Any task may say it for any item: they are counted, not told apart.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  more often than items were taken out: nothing is changed, and the mistake
 *           is reported at debug level 1; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX  not in a run, and not shared.
 * Threads   its loop; shared: any.
 */
ROOST_API int roost_queue_task_done(roost_queue *queue);

/**
 * roost_queue_join - wait until every item that was put in has been taken out and marked done.
 *
 *   queue     opened; shut down is fine.
 *
 * A worker that joins while its own item is not marked done waits for itself.
 *
 * Suspends  while items are unfinished; items put in after the last was done do not prolong it.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of its loop; shared: tasks of any loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_queue_join(roost_queue *queue);

/**
 * roost_queue_shutdown - take no more items. Who waits for a place gets ROOST_ECLOSED at once, and
 * so does who waits for an item, or asks for one when the last has been taken.
 *
 *   queue      opened; shut down already: `immediate` still counts.
 *   immediate  drop the items that are in the queue as well. They count as finished; those that
 *              were taken out have to be marked done as ever before roost_queue_join returns.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a run, and not shared.
 *           Nothing is changed.
 * Threads   its loop; shared: any.
 */
ROOST_API int roost_queue_shutdown(roost_queue *queue, bool immediate);

/**
 * roost_queue_size - how many items are in the queue.
 *
 *   queue     opened.
 *
 * Suspends  never.
 * Threads   its loop; shared: any.
 */
ROOST_API size_t roost_queue_size(roost_queue *queue);

/**
 * roost_queue_stats_get - the counters of a queue.
 *
 *   queue     opened.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   its loop; shared: any.
 */
ROOST_API void roost_queue_stats_get(roost_queue *queue, roost_queue_stats *stats);

ROOST_END_DECLS

#endif
