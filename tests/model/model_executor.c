/* tests/model/model_executor.c - jobs for threads: handed over, taken back, abandoned, and the end.
 *
 * A task of a loop submits, a thread works and says so by a post. Each job is done once or was
 * withdrawn, what it leaves behind is seen by the loop, and every thread is joined.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/error.h>
#include <roost/thread.h>

#include "model/hooks.h"
#include "model/loop_world.h"
#include "model/model.h"
#include "offload/executor.h"
#include "rt/inbox.h"

enum { JOBS = 2 };

struct errand {
    struct roosti_job job;
    roost_post_slot over;
    int payload; /* plain: written by the loop, changed by the thread, read by the loop */
    bool done;   /* the loop's own */
};

static struct {
    struct model_loop *world;
    struct errand errands[JOBS];
    bool withdraws;
    bool withdrawn;
    bool waiting;
} shop;

void model_locals(void)
{
    model_local((void **)&roosti_loop_here);
}

/* -- on a thread ------------------------------------------------------------------------------- */

static void errand_work(struct roosti_job *job)
{
    roosti_container(job, struct errand, job)->payload += 1;
}

static void errand_done(struct roosti_job *job)
{
    struct errand *errand = roosti_container(job, struct errand, job);
    model_check(roosti_inbox_send(shop.world->loop.inbox, &errand->over) == 0);
}

/* -- on the loop ------------------------------------------------------------------------------- */

static void errand_over(void *arg)
{
    struct errand *errand = arg;
    model_check(!errand->done && errand->payload == 11);
    errand->done = true;
    if (shop.waiting)
        roosti_wake(&shop.world->task, 0);
    shop.waiting = false;
}

static void errand_drop(struct roosti_job *job)
{
    (void)job;
    model_fail("a job is dropped though its executor is open");
}

static bool wait_abort(struct roost_task *task)
{
    (void)task;
    return false;
}

static void errand_await(const struct errand *errand)
{
    shop.world->loop.outside++;
    while (!errand->done) {
        shop.waiting = true;
        (void)roosti_park(&shop.world->task, wait_abort, "an errand", NULL);
    }
    shop.world->loop.outside--;
}

static void shop_body(void *arg)
{
    roost_executor *executor = NULL;
    roost_executor_opts opts = {.threads = 1, .idle = 100};
    (void)arg;
    model_check(roost_executor_open(&opts, &executor) == 0);
    for (int i = 0; i < JOBS; i++) {
        shop.errands[i].payload = 10;
        model_check(roosti_executor_submit(executor, &shop.errands[i].job) == 0);
        if (!shop.withdraws)
            errand_await(&shop.errands[i]);
    }
    if (shop.withdraws) {
        shop.withdrawn = roosti_executor_withdraw(executor, &shop.errands[1].job, false);
        errand_await(&shop.errands[0]);
        if (!shop.withdrawn)
            errand_await(&shop.errands[1]);
    }
    model_check(roost_executor_close(executor) == 0);
}

static void shop_run(void *arg)
{
    (void)arg;
    model_loop_run(shop.world, shop_body, NULL);
}

static void shop_begin(bool withdraws)
{
    model_world_begin();
    shop.world = model_loop_new();
    shop.withdraws = withdraws;
    shop.withdrawn = shop.waiting = false;
    for (int i = 0; i < JOBS; i++) {
        struct errand *errand = &shop.errands[i];
        *errand = (struct errand){
            .job = {.work = errand_work, .done = errand_done, .drop = errand_drop, .name = "x"}};
        roost_post_slot_init(&errand->over, errand_over, errand);
    }
    model_thread("loop", shop_run, NULL);
}

static void one_after_the_other_setup(void)
{
    shop_begin(false);
}

static void withdraw_setup(void)
{
    shop_begin(true);
}

static void shop_finish(void)
{
    model_check(shop.errands[0].done && shop.errands[0].payload == 11);
    model_check(shop.errands[1].done == !shop.withdrawn);
    model_check(shop.errands[1].payload == (shop.withdrawn ? 10 : 11));
    model_check(!shop.world->cancelled && model_heap_live() == 0);
}

const struct model_case model_cases[] = {
    {"one_job_after_the_other", one_after_the_other_setup, shop_finish, NULL, 0},
    {"a_queued_job_is_withdrawn_or_done", withdraw_setup, shop_finish, NULL, 0},
    {NULL, NULL, NULL, NULL, 0},
};
