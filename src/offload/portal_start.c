/* offload/portal_start.c - calls that are started through a portal and waited for later.
 *
 * The record is on the heap with a copy of the arguments. Two hold it: the handle, and the loop
 * until the call has been answered. Who waits stands in its list with an await of his own, for
 * several may wait.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "offload/portal.h"
#include "port/host.h"
#include "rt/inbox.h"
#include "rt/scope.h"

struct handle_waiter {
    struct roosti_await await;
    struct handle_waiter *next;
};

struct roost_portal_handle {
    struct roosti_portal_call base;
    uint32_t refs;        /* atomic */
    uint32_t done;        /* atomic; base.rc and base.result are final */
    uint32_t cancel_sent; /* atomic; never taken back: a task is cancelled once */
    roost_post_slot cancel;
    struct roosti_lock lock; /* of `waiters`, and of `done` becoming true */
    struct handle_waiter *waiters;
};

static void handle_unref(roost_portal_handle *handle)
{
    if (roosti_atomic_sub(&handle->refs, 1, ROOSTI_ACQ_REL) != 1)
        return;
    roosti_inbox_outlive(handle->base.portal->inbox, -1);
    roost_portal_unref(handle->base.portal);
    roosti_free(handle);
}

/* On the loop. */
static void handle_answer(struct roosti_portal_call *base)
{
    roost_portal_handle *handle = roosti_container(base, roost_portal_handle, base);
    roosti_lock_take(&handle->lock);
    roosti_atomic_store(&handle->done, 1, ROOSTI_RELEASE);
    struct handle_waiter *waiter = handle->waiters;
    handle->waiters = NULL;
    roosti_lock_drop(&handle->lock);
    while (waiter) {
        struct handle_waiter *next = waiter->next;
        roosti_await_set(&waiter->await);
        waiter = next;
    }
    handle_unref(handle);
}

static void handle_cancel_arrive(void *arg)
{
    roost_portal_handle *handle = arg;
    if (handle->base.task)
        roosti_scope_cancel_for(&handle->base.task->root, 0, "its portal handle was cancelled");
    handle_unref(handle);
}

static roost_portal_handle *handle_new(roost_portal *portal, roost_call call)
{
    const roost_async_info *info = *call.args;
    size_t align = info->args_align > 16 ? info->args_align : 16;
    roost_portal_handle *handle =
        roosti_alloc(sizeof *handle + info->args_size + align, "a call through a portal");
    if (!handle)
        return NULL;
    uintptr_t at = ((uintptr_t)(handle + 1) + align - 1) / align * align;
    void *args = memcpy((void *)at, call.args, info->args_size);
    *handle = (roost_portal_handle){
        .base = {.portal = roost_portal_ref(portal), .call = {args}, .answer = handle_answer},
        .refs = 2,
    };
    roost_post_slot_init(&handle->cancel, handle_cancel_arrive, handle);
    roosti_inbox_outlive(portal->inbox, 1);
    return handle;
}

int roost_portal_start(roost_portal *portal, roost_call call, roost_portal_handle **ret_handle)
{
    if ((*call.args)->args_size > ROOSTI_ARGS_MAX)
        return ROOST_EINVAL;
    roost_portal_handle *handle = handle_new(portal, call);
    if (!handle)
        return ROOST_ENOMEM;
    int rc = roosti_portal_send(&handle->base);
    if (rc < 0) {
        handle_unref(handle);
        handle_unref(handle);
        return rc;
    }
    *ret_handle = handle;
    return 0;
}

/* Whether the answer has still to come, and this waiter will hear of it. */
static bool handle_enlist(roost_portal_handle *handle, struct handle_waiter *waiter)
{
    roosti_lock_take(&handle->lock);
    bool open = !handle->done;
    if (open) {
        waiter->next = handle->waiters;
        handle->waiters = waiter;
    }
    roosti_lock_drop(&handle->lock);
    return open;
}

int roost_portal_handle_wait(roost_portal_handle *handle, int *result)
{
    int rc = roosti_portal_may_block(handle->base.portal);
    if (rc < 0)
        return rc;
    struct handle_waiter waiter = {0};
    roosti_await_enlist(&waiter.await);
    if (!roost_portal_handle_done(handle) && handle_enlist(handle, &waiter))
        roosti_await_wait(&waiter.await);
    if (handle->base.rc == 0 && result)
        *result = handle->base.result;
    return handle->base.rc;
}

void roost_portal_handle_cancel(roost_portal_handle *handle)
{
    if (roost_portal_handle_done(handle) ||
        roosti_atomic_swap(&handle->cancel_sent, 1, ROOSTI_RELAXED))
        return;
    roosti_atomic_add(&handle->refs, 1, ROOSTI_RELAXED);
    if (roosti_inbox_send(handle->base.portal->inbox, &handle->cancel) < 0)
        handle_unref(handle);
}

bool roost_portal_handle_done(const roost_portal_handle *handle)
{
    return roosti_atomic_load(&handle->done, ROOSTI_ACQUIRE);
}

void roost_portal_handle_free(roost_portal_handle *handle)
{
    if (handle)
        handle_unref(handle);
}
