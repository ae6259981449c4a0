/* tests/model/model_portal.c - calls through a portal that is being closed meanwhile.
 *
 * Each call is either refused or made and answered, once; whoever waits for it hears of it, sees
 * what it did, and nothing is left. The task of a call is run when its group ends: what a task is
 * does not matter to the threads.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/error.h>
#include <roost/portal.h>

#include "model/hooks.h"
#include "model/loop_world.h"
#include "model/model.h"
#include "offload/lockstep.h"
#include "offload/portal.h"
#include "offload/to_thread.h"
#include "rt/group.h"
#include "rt/scope.h"

enum { CALLS = 2 };

static struct {
    struct model_loop *world;
    roost_portal *portal;
    uint64_t waiting[CALLS][8]; /* argument blocks of calls that have not run */
    struct roost_task tasks[CALLS];
    int waiting_count;
    int made[CALLS]; /* plain: written by the call, read by who waited for it */
    int rcs[CALLS];
    int threads[CALLS]; /* their numbers; 0: none */
} gate;

void model_locals(void)
{
    model_local((void **)&roosti_loop_here);
}

ROOST_ASYNC(errand, int, which)
{
    gate.made[which]++;
    return 40 + which;
}

/* -- tasks and groups, as far as a portal sees them ---------------------------------------------
 */

int roosti_task_new(struct roosti_loop *loop, roost_group *group, roost_call call,
                    struct roost_task **task)
{
    int index = gate.waiting_count++;
    model_check((*call.args)->args_size <= sizeof gate.waiting[index]);
    memcpy(gate.waiting[index], call.args, (*call.args)->args_size);
    gate.tasks[index] = (struct roost_task){.loop = loop, .group = group};
    *task = &gate.tasks[index];
    return 0;
}

int roost_group_open(roost_group *group, const roost_group_opts *opts)
{
    struct roost_task *self = roosti_self();
    (void)opts;
    *group = (roost_group){0};
    group->priv.owner = self;
    self->scope = &group->priv.scope;
    return 0;
}

int roost_group_end(roost_group *group, int rc)
{
    (void)group;
    for (int i = 0; i < gate.waiting_count; i++) {
        const roost_async_info *info = *(const roost_async_info **)(void *)gate.waiting[i];
        (void)info->entry(gate.waiting[i]);
    }
    gate.waiting_count = 0;
    gate.world->task.scope = &gate.world->task.root;
    return rc;
}

void roosti_scope_cancel_for(roost_scope *scope, uint32_t extra, const char *reason)
{
    (void)scope;
    (void)extra;
    (void)reason;
}

void roosti_task_set_name(struct roost_task *task, const char *name)
{
    (void)task;
    (void)name;
}

struct roosti_stepper *roosti_stepper_here(void)
{
    return NULL;
}

/* -- threads ----------------------------------------------------------------------------------- */

/* Once it is closed nobody waits for this loop any more, so it may wait for them. */
static void close_body(void *arg)
{
    (void)arg;
    model_check(roost_portal_close(gate.portal) == 0);
    for (int i = 0; i < CALLS; i++)
        if (gate.threads[i] > 0)
            model_join(gate.threads[i]);
    roost_portal_unref(gate.portal);
}

static void close_run(void *arg)
{
    model_loop_run(gate.world, close_body, arg);
}

static void gate_answered(int which, int result)
{
    if (gate.rcs[which] == 0)
        model_check(result == 40 + which && gate.made[which] == 1);
    else
        model_check(gate.rcs[which] == ROOST_ECLOSED && result == 0);
}

static void call_one(void *arg)
{
    int result = 0;
    (void)arg;
    gate.rcs[0] = roost_portal_call(gate.portal, ROOST_CALL(errand, 0), &result);
    gate_answered(0, result);
    roost_portal_unref(gate.portal);
}

static void start_one(void *arg)
{
    int which = (int)(intptr_t)arg;
    int result = 0;
    roost_portal_handle *handle = NULL;
    gate.rcs[which] = roost_portal_start(gate.portal, ROOST_CALL(errand, which), &handle);
    if (gate.rcs[which] == 0) {
        gate.rcs[which] = roost_portal_handle_wait(handle, &result);
        roost_portal_handle_free(handle);
    }
    gate_answered(which, result);
    roost_portal_unref(gate.portal);
}

/* Lets the handle go at once: the loop holds the record until it has answered. */
static void start_and_drop(void *arg)
{
    int which = (int)(intptr_t)arg;
    roost_portal_handle *handle = NULL;
    gate.rcs[which] = roost_portal_start(gate.portal, ROOST_CALL(errand, which), &handle);
    roost_portal_handle_free(handle);
    roost_portal_unref(gate.portal);
}

static void gate_begin(void (*first)(void *arg), void (*second)(void *arg))
{
    model_world_begin();
    gate.world = model_loop_new();
    gate.waiting_count = 0;
    gate.made[0] = gate.made[1] = gate.rcs[0] = gate.rcs[1] = 0;
    gate.world->loop.thread_id = 2; /* a thread that is none of those that ask */
    roosti_loop_here = &gate.world->loop;
    gate.world->loop.current = &gate.world->task;
    gate.world->task.loop = &gate.world->loop;
    model_check(roost_portal_open(&gate.portal) == 0);
    gate.world->loop.current = NULL;
    roosti_loop_here = NULL;
    model_thread("loop", close_run, NULL);
    (void)roost_portal_ref(gate.portal);
    gate.threads[0] = model_thread("first", first, (void *)0);
    gate.threads[1] = 0;
    if (second) {
        (void)roost_portal_ref(gate.portal);
        gate.threads[1] = model_thread("second", second, (void *)1);
    }
}

static void call_setup(void)
{
    gate_begin(call_one, NULL);
}

static void start_setup(void)
{
    gate_begin(start_one, NULL);
}

static void drop_setup(void)
{
    gate_begin(start_and_drop, NULL);
    gate.threads[0] = 0; /* nobody waits for it: either may be the last to hold the portal */
}

static void two_setup(void)
{
    gate_begin(call_one, start_one);
}

static void gate_finish(void)
{
    for (int i = 0; i < CALLS; i++)
        model_check(gate.made[i] <= 1);
    model_check(gate.waiting_count == 0 && !gate.world->cancelled);
    model_check(model_heap_live() == 0);
}

const struct model_case model_cases[] = {
    {"a_call_while_it_closes", call_setup, gate_finish, NULL, 0},
    {"a_start_while_it_closes", start_setup, gate_finish, NULL, 0},
    {"a_handle_let_go_at_once", drop_setup, gate_finish, NULL, 0},
    {"a_call_and_a_start_while_it_closes", two_setup, gate_finish, NULL, 1},
    {NULL, NULL, NULL, NULL, 0},
};
