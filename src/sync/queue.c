/* sync/queue.c - queues of work.
 *
 * Who waits to get waits only while the queue is empty, and who waits to put only while it is full:
 * a put serves the oldest getter before it looks for a place, and a get gives the place it made to
 * the oldest putter. So whoever finds an item or a place overtakes nobody, and a waiter that is
 * cancelled leaves nothing to be passed on.
 *
 * An item is unfinished while it is in the store, and then while it is `out`.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/queue.h>

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "rt/report.h"
#include "sync/guard.h"
#include "sync/queue_store.h"

struct roost_queue {
    struct roosti_guard guard;
    struct roosti_store store;
    bool shut;
    uint64_t out; /* items taken and not marked done */
    struct roost_impl_waitq getters;
    struct roost_impl_waitq putters;
    struct roost_impl_waitq joiners;
    uint64_t puts;
    uint64_t gets;
    uint64_t dropped;
    uint64_t put_waits;
    uint64_t get_waits;
    size_t size_max;
    void (*drop)(void *arg, void *item);
    /* What waiting tasks wait for, for dumps. */
    char put_text[48];
    char get_text[48];
    char join_text[48];
};

/* -- life -------------------------------------------------------------------------------------- */

static bool queue_opts_are_fine(const roost_queue_opts *opts)
{
    return opts && opts->item_size > 0 && opts->capacity > 0 &&
           (unsigned)opts->order <= ROOST_PRIORITY &&
           (opts->order == ROOST_PRIORITY) == (opts->before != NULL);
}

int roost_queue_open(const roost_queue_opts *opts, roost_queue **ret_queue)
{
    if (!queue_opts_are_fine(opts))
        return ROOST_EINVAL;
    roost_queue *queue = roosti_alloc_zero(1, sizeof *queue, "a queue");
    if (!queue)
        return ROOST_ENOMEM;
    int rc = roosti_store_init(&queue->store, opts);
    if (rc < 0) {
        roosti_free(queue);
        return rc;
    }
    const char *label = opts->label ? opts->label : "queue";
    queue->guard.shared = opts->shared;
    queue->drop = opts->drop;
    snprintf(queue->put_text, sizeof queue->put_text, "put to %.31s", label);
    snprintf(queue->get_text, sizeof queue->get_text, "get from %.31s", label);
    snprintf(queue->join_text, sizeof queue->join_text, "join of %.31s", label);
    *ret_queue = queue;
    return 0;
}

void roost_queue_close(roost_queue *queue)
{
    if (!queue)
        return;
    roosti_guard_take(&queue->guard);
    bool idle = !queue->getters.first && !queue->putters.first && !queue->joiners.first;
    roosti_guard_leave(&queue->guard);
    roosti_require(idle, "no task waits on a queue that is closed");
    roosti_store_drop(&queue->store, queue->drop);
    roosti_store_fini(&queue->store);
    roosti_free(queue);
}

/* -- in and out -------------------------------------------------------------------------------- */

static void queue_note_size(roost_queue *queue)
{
    if (queue->store.count > queue->size_max)
        queue->size_max = queue->store.count;
}

/* Inside. *served: a getter to be woken, NULL: none. */
static int queue_put_now(roost_queue *queue, const void *item, struct roost_impl_waiter **served)
{
    *served = NULL;
    if (roosti_unlikely(queue->shut))
        return ROOST_ECLOSED;
    struct roost_impl_waiter *getter = roosti_waitq_pop(&queue->getters);
    if (getter) {
        memcpy(getter->slot, item, queue->store.item_size);
        queue->puts++;
        queue->gets++;
        queue->out++;
        *served = getter;
        return 0;
    }
    if (roosti_store_full(&queue->store))
        return ROOST_EAGAIN;
    int rc = roosti_store_push(&queue->store, item);
    if (rc < 0)
        return rc;
    queue->puts++;
    queue_note_size(queue);
    return 0;
}

/* Inside. *served: a putter to be woken, NULL: none. */
static int queue_get_now(roost_queue *queue, void *item, struct roost_impl_waiter **served)
{
    *served = NULL;
    if (queue->store.count == 0)
        return queue->shut ? ROOST_ECLOSED : ROOST_EAGAIN;
    roosti_store_pop(&queue->store, item);
    queue->gets++;
    queue->out++;
    struct roost_impl_waiter *putter = roosti_waitq_pop(&queue->putters);
    if (putter) {
        int rc = roosti_store_push(&queue->store, putter->slot);
        roosti_assert(rc == 0); /* a bounded store has the memory */
        (void)rc;
        queue->puts++;
        *served = putter;
    }
    return 0;
}

/* Leaves the guard and lets go whom the call has served. */
static void queue_leave(roost_queue *queue, struct roost_impl_waiter *served)
{
    roosti_guard_leave(&queue->guard);
    if (served)
        roosti_guard_wake(&queue->guard, served, 0);
}

int roost_queue_put(roost_queue *queue, const void *item)
{
    struct roost_task *self = roosti_self();
    struct roost_impl_waiter *served;
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_guard_enter(&queue->guard, self->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = queue_put_now(queue, item, &served);
    if (roosti_likely(rc != ROOST_EAGAIN)) {
        queue_leave(queue, served);
        return rc;
    }
    queue->put_waits++;
    ROOSTI_UNSET struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self, .slot = (void *)(uintptr_t)item};
    return roosti_guard_park(&queue->guard, &queue->putters, &waiter, queue->put_text);
}

int roost_queue_get(roost_queue *queue, void *item)
{
    struct roost_task *self = roosti_self();
    struct roost_impl_waiter *served;
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_guard_enter(&queue->guard, self->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = queue_get_now(queue, item, &served);
    if (roosti_likely(rc != ROOST_EAGAIN)) {
        queue_leave(queue, served);
        return rc;
    }
    queue->get_waits++;
    ROOSTI_UNSET struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self, .slot = item};
    return roosti_guard_park(&queue->guard, &queue->getters, &waiter, queue->get_text);
}

int roost_queue_try_put(roost_queue *queue, const void *item)
{
    struct roost_impl_waiter *served;
    int rc = roosti_guard_enter(&queue->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = queue_put_now(queue, item, &served);
    queue_leave(queue, served);
    return rc;
}

int roost_queue_try_get(roost_queue *queue, void *item)
{
    struct roost_impl_waiter *served;
    int rc = roosti_guard_enter(&queue->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    rc = queue_get_now(queue, item, &served);
    queue_leave(queue, served);
    return rc;
}

/* -- being done -------------------------------------------------------------------------------- */

/* Inside: whoever joins is to be woken, if there is nothing left to wait for. */
static void queue_settle(roost_queue *queue, struct roosti_wakes *wakes)
{
    if (queue->out == 0 && queue->store.count == 0)
        roosti_wakes_add_all(wakes, &queue->joiners, 0);
}

int roost_queue_task_done(roost_queue *queue)
{
    struct roosti_loop *loop = roosti_loop_here;
    struct roosti_wakes wakes = {NULL, NULL};
    int rc = roosti_guard_enter(&queue->guard, loop);
    if (rc < 0)
        return rc;
    if (roosti_likely(queue->out > 0)) {
        queue->out--;
        queue_settle(queue, &wakes);
    } else {
        rc = ROOST_EINVAL;
    }
    roosti_guard_leave(&queue->guard);
    roosti_wakes_go(&queue->guard, &wakes);
    if (rc < 0 && loop && loop->debug >= 1)
        roosti_report("roost_queue_task_done: called more often than items were taken out");
    return rc;
}

int roost_queue_join(roost_queue *queue)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    rc = roosti_guard_enter(&queue->guard, self->loop);
    if (rc < 0)
        return rc;
    if (queue->out == 0 && queue->store.count == 0) {
        roosti_guard_leave(&queue->guard);
        return 0;
    }
    ROOSTI_UNSET struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self};
    return roosti_guard_park(&queue->guard, &queue->joiners, &waiter, queue->join_text);
}

int roost_queue_shutdown(roost_queue *queue, bool immediate)
{
    struct roosti_wakes wakes = {NULL, NULL};
    struct roosti_store doomed = {.cells = NULL};
    int rc = roosti_guard_enter(&queue->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    queue->shut = true;
    roosti_wakes_add_all(&wakes, &queue->getters, ROOST_ECLOSED);
    roosti_wakes_add_all(&wakes, &queue->putters, ROOST_ECLOSED);
    if (immediate) {
        /* Nothing is put in any more, so the store goes as a whole: drop may take its time, and
         * use the queue. */
        doomed = queue->store;
        queue->store.cells = NULL;
        queue->store.room = queue->store.count = 0;
        queue->dropped += doomed.count;
        queue_settle(queue, &wakes);
    }
    void (*drop)(void *arg, void *item) = queue->drop;
    roosti_guard_leave(&queue->guard);
    roosti_wakes_go(&queue->guard, &wakes);
    roosti_store_drop(&doomed, drop);
    roosti_store_fini(&doomed);
    return 0;
}

/* -- figures ----------------------------------------------------------------------------------- */

size_t roost_queue_size(roost_queue *queue)
{
    roosti_guard_take(&queue->guard);
    size_t size = queue->store.count;
    roosti_guard_leave(&queue->guard);
    return size;
}

void roost_queue_stats_get(roost_queue *queue, roost_queue_stats *stats)
{
    roosti_guard_take(&queue->guard);
    *stats = (roost_queue_stats){.puts = queue->puts,
                                 .gets = queue->gets,
                                 .done = queue->gets - queue->out,
                                 .dropped = queue->dropped,
                                 .put_waits = queue->put_waits,
                                 .get_waits = queue->get_waits,
                                 .unfinished = queue->out + queue->store.count,
                                 .size = queue->store.count,
                                 .size_max = queue->size_max,
                                 .shut = queue->shut};
    roosti_guard_leave(&queue->guard);
}
