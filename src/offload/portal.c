/* offload/portal.c - calls into a loop from threads that roost did not start.
 *
 * A call travels as a record: the post that carries it begins its task in the portal's group, and
 * the task's last act is the answer. The record of a call that is waited for lies in the frame of
 * its thread, that of one that was started on the heap, held by its handle and by the loop.
 *
 * The portal outlives its group for as long as somebody may still ask; a record that arrives late
 * finds it closed. Open or closed is for the loop's thread alone to know.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/portal.h"

#include <string.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/env.h"
#include "rt/group.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/scope.h"

/* -- on the loop --------------------------------------------------------------------------------*/

static void call_answer(struct roosti_portal_call *call, int rc, int result)
{
    call->task = NULL;
    call->rc = rc;
    call->result = result;
    call->answer(call);
}

ROOST_ASYNC(portal_task, struct roosti_portal_call *, call)
{
    int result = (*call->call.args)->entry((void *)(uintptr_t)call->call.args);
    call_answer(call, 0, result);
    /* The failure is the caller's, not the portal's. */
    return result == ROOST_ECANCELED ? result : 0;
}

/* What carries a call arrives. */
static void call_arrive(void *arg)
{
    struct roosti_portal_call *call = arg;
    roost_portal *portal = call->portal;
    roosti_atomic_sub(&portal->under_way, 1, ROOSTI_RELEASE);
    if (!portal->open) {
        call_answer(call, ROOST_ECLOSED, 0);
        return;
    }
    (void)roosti_group_place_take(&portal->group);
    int rc =
        roosti_task_new(portal->loop, &portal->group, ROOST_CALL(portal_task, call), &call->task);
    if (rc < 0) {
        roosti_group_place_give(&portal->group);
        call_answer(call, rc, 0);
        return;
    }
    struct roosti_env *env = portal->group.priv.owner->env;
    call->task->env = roosti_env_ref(env);
    roosti_task_set_name(call->task, (*call->call.args)->name);
}

static void cancel_arrive(void *arg)
{
    roost_portal *portal = arg;
    roosti_atomic_store(&portal->cancel_sent, 0, ROOSTI_RELEASE);
    /* Also while it is being closed; after that the group has no task. */
    for (struct roost_task *task = portal->group.priv.first; task; task = task->next)
        roosti_scope_cancel_for(&task->root, 0, "the calls of a portal were cancelled");
    roost_portal_unref(portal);
}

int roost_portal_open(roost_portal **ret_portal)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    roost_portal *portal = roosti_alloc_zero(1, sizeof *portal, "a portal");
    if (!portal)
        return ROOST_ENOMEM;
    int rc = roost_poster_open(&portal->poster);
    if (rc == 0)
        rc = roost_group_open(&portal->group, &(roost_group_opts){.label = "portal"});
    if (rc < 0) {
        roost_poster_close(portal->poster);
        roosti_free(portal);
        return rc;
    }
    portal->refs = 1;
    portal->open = true;
    portal->loop = self->loop;
    portal->thread_id = self->loop->thread_id;
    portal->inbox = self->loop->inbox;
    roosti_inbox_ref(portal->inbox);
    roosti_inbox_outlive(portal->inbox, 1);
    roost_post_slot_init(&portal->cancel, cancel_arrive, portal);
    *ret_portal = portal;
    return 0;
}

int roost_portal_close(roost_portal *portal)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (portal->inbox != self->loop->inbox)
        return ROOST_EMISNEST;
    if (!portal->open)
        return 0;
    /* Asked before anything is changed: what the end of the group would refuse. */
    if (portal->group.priv.owner != self || self->scope != &portal->group.priv.scope)
        return ROOST_EMISNEST;
    portal->open = false;
    roosti_atomic_store(&portal->closed, 1, ROOSTI_SEQ_CST);
    int rc = roost_group_end(&portal->group, 0);
    /* Those that came too late are still answered by this loop: when this returns, nobody waits for
     * it any more, and it may wait for them. */
    while (roosti_atomic_load(&portal->under_way, ROOSTI_SEQ_CST) != 0) {
        roosti_loop_hurry(self->loop);
        roosti_give_turn(self);
    }
    roost_poster_close(portal->poster);
    portal->poster = NULL;
    return rc;
}

/* -- references ---------------------------------------------------------------------------------*/

roost_portal *roost_portal_ref(roost_portal *portal)
{
    roosti_atomic_add(&portal->refs, 1, ROOSTI_RELAXED);
    return portal;
}

void roost_portal_unref(roost_portal *portal)
{
    if (!portal || roosti_atomic_sub(&portal->refs, 1, ROOSTI_ACQ_REL) != 1)
        return;
    roosti_require(!portal->open, "a portal is closed before its last reference goes");
    roosti_inbox_outlive(portal->inbox, -1);
    roosti_inbox_unref(portal->inbox);
    roosti_free(portal);
}

/* -- from threads -------------------------------------------------------------------------------*/

int roosti_portal_may_block(const roost_portal *portal)
{
    if (roosti_host_forked())
        return ROOST_EFORKED; /* nobody there would answer */
    /* The thread of a guest run is at its host's disposal between two turns, and yet the only one
     * that could answer. */
    bool own = portal && portal->thread_id == roosti_thread_self();
    return own || roosti_loop_here ? ROOST_ENESTED : 0;
}

int roosti_portal_send(struct roosti_portal_call *call)
{
    roost_portal *portal = call->portal;
    roost_post_slot_init(&call->go, call_arrive, call);
    /* Counted before it is asked whether the portal is closed: see roost_portal_close. */
    roosti_atomic_add(&portal->under_way, 1, ROOSTI_SEQ_CST);
    bool closed = roosti_atomic_load(&portal->closed, ROOSTI_SEQ_CST);
    int rc = closed ? ROOST_ECLOSED : roosti_inbox_send(portal->inbox, &call->go);
    if (rc < 0)
        roosti_atomic_sub(&portal->under_way, 1, ROOSTI_RELEASE);
    return rc;
}

/* A call whose thread waits for it. */
struct waited_call {
    struct roosti_portal_call base;
    struct roosti_await answered;
};

static void waited_answer(struct roosti_portal_call *base)
{
    roosti_await_set(&roosti_container(base, struct waited_call, base)->answered);
}

int roost_portal_call(roost_portal *portal, roost_call call, int *result)
{
    int rc = roosti_portal_may_block(portal);
    if (rc < 0)
        return rc;
    struct waited_call waited = {.base = {.portal = portal, .call = call, .answer = waited_answer}};
    roosti_await_enlist(&waited.answered);
    rc = roosti_portal_send(&waited.base);
    if (rc < 0)
        return rc;
    roosti_await_wait(&waited.answered);
    if (waited.base.rc == 0 && result)
        *result = waited.base.result;
    return waited.base.rc;
}

void roost_portal_cancel(roost_portal *portal)
{
    if (roosti_atomic_swap(&portal->cancel_sent, 1, ROOSTI_ACQ_REL))
        return; /* on its way */
    (void)roost_portal_ref(portal);
    if (roosti_inbox_send(portal->inbox, &portal->cancel) < 0) {
        roosti_atomic_store(&portal->cancel_sent, 0, ROOSTI_RELEASE);
        roost_portal_unref(portal);
    }
}
