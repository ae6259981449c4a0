/* flow/future.c - futures: a word that says how far it is, a value, and who waits for it.
 *
 * Whoever settles a future claims it (PENDING to CLAIMED, one compare-and-swap), writes the value
 * and publishes it (DONE). All else belongs to the loop: on its thread the waiting tasks are served
 * at once; elsewhere the future posts itself to the loop and is served there. A post holds a
 * reference, so a future whose owner has let go of it is still there when the post arrives.
 *
 * A waiter is handed its copy of the value and is out of the queue before it runs, so it does not
 * look at the future again, which may be gone by then.
 *
 * The inbox outlives the loop while a future refers to it: settling a future of a run that has
 * ended is refused by it. `loop` is followed on the loop's own thread only.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/future.h>

#include <stdalign.h>
#include <string.h>

#include <roost/post.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/waitq.h"
#include "sync/select.h"

enum future_state { FUTURE_PENDING, FUTURE_CLAIMED, FUTURE_DONE };

struct future_callback {
    struct future_callback *next;
    void (*run)(void *arg, roost_future *future);
    void *arg;
};

struct roost_future {
    uint32_t state;  /* atomic: enum future_state */
    uint32_t refs;   /* atomic */
    uint32_t shares; /* atomic: threads that may settle it */
    int rc;          /* once DONE */

    struct roosti_loop *loop;
    struct roosti_inbox *inbox;
    roost_post_slot slot;
    struct roost_impl_waitq waiters;
    struct future_callback *first; /* to be called, oldest first */
    struct future_callback **end;
    uint32_t loop_id;
    bool awaited_outside; /* counted in loop->outside */

    size_t value_size;
    alignas(max_align_t) char value[];
};

static bool future_is_here(const roost_future *future)
{
    const struct roosti_loop *loop = roosti_loop_here;
    return loop && loop->id == future->loop_id;
}

/* Sequentially consistent, as the end of settling is and the flag of the slot: whoever finds the
 * slot on its way to the loop relies on the loop seeing what it did before. */
static bool future_is_done(const roost_future *future)
{
    return roosti_atomic_load(&future->state, ROOSTI_SEQ_CST) == FUTURE_DONE;
}

/* On the loop: while somebody waits for a thread, the loop is not deadlocked. That the future is
 * done changes nothing as long as they have not been served: the post of whoever settled it may
 * still have to be sent. */
static void future_count(roost_future *future)
{
    bool outside = (future->waiters.first || future->first) &&
                   roosti_atomic_load(&future->shares, ROOSTI_SEQ_CST) > 0;
    if (outside == future->awaited_outside)
        return;
    future->awaited_outside = outside;
    future->loop->outside += outside ? 1u : -1u;
}

/* -- life -------------------------------------------------------------------------------------- */

static void future_free(roost_future *future)
{
    roosti_require(!future->waiters.first, "somebody holds a future that tasks wait for");
    while (future->first) {
        struct future_callback *callback = future->first;
        future->first = callback->next;
        roosti_free(callback);
    }
    if (future_is_here(future))
        future_count(future);
    roosti_inbox_unref(future->inbox);
    roosti_free(future);
}

roost_future *roost_future_ref(roost_future *future)
{
    roosti_atomic_add(&future->refs, 1, ROOSTI_RELAXED);
    return future;
}

/* Sends the future to its loop, unless it is on its way. */
static int future_post(roost_future *future)
{
    if (roosti_atomic_swap(&future->slot.priv.pending, 1, ROOSTI_SEQ_CST))
        return 0;
    (void)roost_future_ref(future);
    int rc = roosti_inbox_send(future->inbox, &future->slot);
    if (rc < 0) {
        roosti_atomic_store(&future->slot.priv.pending, 0, ROOSTI_SEQ_CST);
        roosti_atomic_sub(&future->refs, 1, ROOSTI_RELAXED);
    }
    return rc;
}

void roost_future_unref(roost_future *future)
{
    if (!future || roosti_atomic_sub(&future->refs, 1, ROOSTI_ACQ_REL) != 1)
        return;
    /* Functions that will never be called are counted on the loop, so they go there once more; the
     * post holds the only reference by then. */
    if (future->awaited_outside && !future_is_here(future) && future_post(future) == 0)
        return;
    future_free(future);
}

/* -- on the loop ------------------------------------------------------------------------------- */

static void future_serve(roost_future *future)
{
    struct roost_impl_waiter *waiter;
    while ((waiter = roosti_waitq_pop(&future->waiters)) != NULL) {
        if (future->rc == 0 && waiter->slot)
            memcpy(waiter->slot, future->value, future->value_size);
        roosti_wake(waiter->task, future->rc);
    }
}

/* What these functions ask to be called is called by a post of its own, so that tasks and others
 * have their turn between. */
static void future_call(roost_future *future)
{
    struct future_callback *first = future->first;
    future->first = NULL;
    future->end = &future->first;
    while (first) {
        struct future_callback callback = *first;
        roosti_free(first);
        first = callback.next;
        callback.run(callback.arg, future);
    }
}

/* The post. */
static void future_arrived(void *arg)
{
    roost_future *future = arg;
    if (future_is_done(future)) {
        future_serve(future);
        future_call(future);
    }
    future_count(future);
    roost_future_unref(future);
}

int roost_future_new(size_t value_size, roost_future **ret_future)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    if (value_size > PTRDIFF_MAX - sizeof(roost_future))
        return ROOST_ENOMEM;
    roost_future *future = roosti_alloc(sizeof *future + value_size, "a future");
    if (!future)
        return ROOST_ENOMEM;
    *future = (roost_future){.refs = 1,
                             .loop = task->loop,
                             .inbox = task->loop->inbox,
                             .loop_id = task->loop->id,
                             .value_size = value_size};
    future->end = &future->first;
    roost_post_slot_init(&future->slot, future_arrived, future);
    roosti_inbox_ref(future->inbox);
    *ret_future = future;
    return 0;
}

/* -- settling ---------------------------------------------------------------------------------- */

static int future_settle(roost_future *future, int rc, const void *value)
{
    uint32_t pending = FUTURE_PENDING;
    if (!roosti_atomic_cas(&future->state, &pending, FUTURE_CLAIMED, ROOSTI_ACQUIRE))
        return ROOST_EREUSED;
    future->rc = rc;
    if (value)
        memcpy(future->value, value, future->value_size);
    roosti_atomic_store(&future->state, FUTURE_DONE, ROOSTI_SEQ_CST);
    if (!future_is_here(future))
        return future_post(future);
    future_serve(future);
    future_count(future);
    return future->first ? future_post(future) : 0;
}

int roost_future_set(roost_future *future, const void *value)
{
    if (!value && future->value_size > 0)
        return ROOST_EINVAL;
    return future_settle(future, 0, value);
}

int roost_future_fail(roost_future *future, int rc)
{
    return rc < 0 ? future_settle(future, rc, NULL) : ROOST_EINVAL;
}

bool roost_future_cancel(roost_future *future)
{
    return future_settle(future, ROOST_ECANCELED, NULL) != ROOST_EREUSED;
}

void roost_future_share(roost_future *future)
{
    roosti_atomic_add(&future->shares, 1, ROOSTI_SEQ_CST);
    if (future_is_here(future))
        future_count(future);
}

void roost_future_unshare(roost_future *future)
{
    uint32_t before = roosti_atomic_sub(&future->shares, 1, ROOSTI_SEQ_CST);
    roosti_require(before > 0, "a future is unshared as often as it was shared");
    if (before > 1 || future_is_done(future))
        return;
    /* The loop may sleep for that thread's sake: it must look again. Where it has ended, nobody
     * sleeps. */
    if (future_is_here(future))
        future_count(future);
    else
        (void)future_post(future);
}

/* -- waiting ----------------------------------------------------------------------------------- */

bool roost_future_done(const roost_future *future)
{
    return future_is_done(future);
}

int roost_future_peek(const roost_future *future, void *value)
{
    if (!future_is_done(future))
        return ROOST_EAGAIN;
    if (future->rc == 0 && value)
        memcpy(value, future->value, future->value_size);
    return future->rc;
}

static bool future_abort(struct roost_task *task)
{
    roost_future *future = task->wait.on;
    roosti_waitq_remove(&future->waiters, task->wait.waiter);
    future_count(future);
    return true;
}

int roost_future_wait(roost_future *future, void *value)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(self->loop->id != future->loop_id))
        return ROOST_EXLOOP;
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (future_is_done(future))
        return roost_future_peek(future, value);
    struct roost_impl_waiter waiter = {.task = self, .slot = value};
    self->wait.waiter = &waiter;
    roosti_waitq_push(&future->waiters, &waiter);
    future_count(future);
    return roosti_park(self, future_abort, "a future", future);
}

int roost_future_on_done(roost_future *future, void (*run)(void *arg, roost_future *future),
                         void *arg)
{
    if (!future_is_here(future))
        return ROOST_EXLOOP;
    bool done = future_is_done(future);
    struct future_callback *callback =
        roosti_alloc(sizeof *callback, "a call when a future is done");
    if (!callback)
        return ROOST_ENOMEM;
    /* The post runs on this thread, so not before the list is as it should be. */
    int rc = done ? future_post(future) : 0;
    if (rc < 0) {
        roosti_free(callback);
        return rc;
    }
    *callback = (struct future_callback){.run = run, .arg = arg};
    *future->end = callback;
    future->end = &callback->next;
    future_count(future);
    return 0;
}

/* -- as a case of a select --------------------------------------------------------------------- */

static int future_case_try(struct roosti_case_place *place)
{
    const roost_future *future = place->kase->priv.on;
    if (!future_is_here(future))
        return ROOST_EXLOOP;
    return roost_future_peek(future, place->kase->priv.slot);
}

/* A failure may have the code that says "not yet", so whether it is done is asked once more. */
static int future_case_enlist(struct roosti_case_place *place)
{
    roost_future *future = place->kase->priv.on;
    if (future_is_done(future)) {
        place->kase->rc = roost_future_peek(future, place->kase->priv.slot);
        return 1;
    }
    place->waiter.base.slot = place->kase->priv.slot;
    place->waiter.queue = &future->waiters;
    roosti_waitq_push(&future->waiters, &place->waiter.base);
    place->enlisted = true;
    future_count(future);
    return 0;
}

static void future_case_delist(struct roosti_case_place *place)
{
    roost_future *future = place->kase->priv.on;
    if (place->waiter.base.queued)
        roosti_waitq_remove(&future->waiters, &place->waiter.base);
    future_count(future);
}

static void future_case_hold(roost_case *kase)
{
    (void)roost_future_ref(kase->priv.on);
}

static void future_case_release(roost_case *kase)
{
    roost_future_unref(kase->priv.on);
}

const struct roost_impl_case_ops roost_impl_case_future = {.try_now = future_case_try,
                                                           .enlist = future_case_enlist,
                                                           .delist = future_case_delist,
                                                           .hold = future_case_hold,
                                                           .release = future_case_release};
