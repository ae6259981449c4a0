/* tests/model/model_future.c - a future that threads settle while a task of its loop waits.
 *
 * One of them wins; who waits gets the winner's value, once; nothing is left behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/error.h>
#include <roost/future.h>

#include "model/hooks.h"
#include "model/model.h"
#include "model/loop_world.h"
#include "rt/inbox.h"

static struct {
    struct model_loop *world;
    roost_future *future;
    int told[2]; /* what each who settled was told */
    int values[2];
    int got;
    int rc;
    roost_post_slot cancel;
} scene;

void model_locals(void)
{
    model_local((void **)&roosti_loop_here);
}

static void future_made(void)
{
    roosti_loop_here = &scene.world->loop;
    scene.world->loop.current = &scene.world->task;
    scene.world->task.loop = &scene.world->loop;
    model_check(roost_future_new(sizeof(int), &scene.future) == 0);
    scene.world->loop.current = NULL;
    roosti_loop_here = NULL;
}

static void wait_body(void *arg)
{
    (void)arg;
    scene.rc = roost_future_wait(scene.future, &scene.got);
    roost_future_unref(scene.future);
}

static void wait_run(void *arg)
{
    model_loop_run(scene.world, wait_body, arg);
}

static void settle(void *arg)
{
    int *told = arg;
    int value = told == &scene.told[0] ? 10 : 20;
    *told = roost_future_set(scene.future, &value);
    roost_future_unshare(scene.future);
    roost_future_unref(scene.future);
}

static void scene_begin(int settlers)
{
    model_world_begin();
    scene.world = model_loop_new();
    scene.got = 0;
    scene.rc = 1;
    scene.told[0] = scene.told[1] = 1;
    future_made();
    model_thread("waits", wait_run, NULL);
    for (int i = 0; i < settlers; i++) {
        (void)roost_future_ref(scene.future);
        roost_future_share(scene.future);
        model_thread(i ? "second" : "first", settle, &scene.told[i]);
    }
}

static void two_settle_setup(void)
{
    scene_begin(2);
}

/* A settler that comes when the loop has ended is told so, though its value was taken. */
static bool settled(int told)
{
    return told == 0 || told == ROOST_ECLOSED;
}

static void two_settle_finish(void)
{
    model_check(scene.rc == 0 && !scene.world->cancelled);
    model_check(scene.got == 10
                    ? settled(scene.told[0]) && scene.told[1] == ROOST_EREUSED
                    : scene.got == 20 && settled(scene.told[1]) && scene.told[0] == ROOST_EREUSED);
    model_check(model_heap_live() == 0);
}

/* -- the task that waits is cancelled meanwhile -------------------------------------------------
 */

static void cancel_arrive(void *arg)
{
    model_loop_cancel(arg);
}

static void cancel_send(void *arg)
{
    (void)arg;
    (void)roosti_inbox_send(scene.world->loop.inbox, &scene.cancel);
    roosti_inbox_unref(scene.world->loop.inbox);
}

static void cancelled_setup(void)
{
    scene_begin(1);
    roost_post_slot_init(&scene.cancel, cancel_arrive, scene.world);
    roosti_inbox_ref(scene.world->loop.inbox);
    model_thread("cancels", cancel_send, NULL);
}

static void cancelled_finish(void)
{
    model_check(scene.rc == 0 ? scene.got == 10 : scene.rc == ROOST_ECANCELED && scene.got == 0);
    model_check(settled(scene.told[0]) && !scene.world->cancelled);
    model_check(model_heap_live() == 0);
}

/* -- the only thread that could settle it lets go: the loop hears of that ------------------------
 */

static void unshare_only(void *arg)
{
    (void)arg;
    roost_future_unshare(scene.future);
    roost_future_unref(scene.future);
}

static void given_up_setup(void)
{
    scene_begin(0);
    (void)roost_future_ref(scene.future);
    roost_future_share(scene.future);
    model_thread("gives up", unshare_only, NULL);
}

static void given_up_finish(void)
{
    model_check(scene.rc == ROOST_ECANCELED && scene.world->cancelled);
    model_check(model_heap_live() == 0);
}

static void one_settles_setup(void)
{
    scene_begin(1);
}

static void one_settles_finish(void)
{
    model_check(scene.rc == 0 && scene.got == 10 && settled(scene.told[0]));
    model_check(!scene.world->cancelled && model_heap_live() == 0);
}

const struct model_case model_cases[] = {
    {"one_settles", one_settles_setup, one_settles_finish, NULL, 0},
    {"two_settle", two_settle_setup, two_settle_finish, NULL, 0},
    {"settled_or_cancelled", cancelled_setup, cancelled_finish, NULL, 0},
    {"the_last_who_could_settle_it_goes", given_up_setup, given_up_finish, NULL, 0},
    {NULL, NULL, NULL, NULL, 0},
};
