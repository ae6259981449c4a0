/* offload/to_thread.c - a task has a thread make a call.
 *
 * The host parks until the thread has spoken. A cancellation takes the call back while it waits for
 * a thread; later it only raises a flag that the thread may look at, or, when the caller allowed
 * that, lets the host go: then the record is the thread's, and the post of its last word frees it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/to_thread.h"

#include <string.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/run.h"

/* -- on the thread ------------------------------------------------------------------------------*/

struct roosti_thread_call *roosti_thread_call_here(void)
{
    struct roosti_worker *worker = roosti_worker_here;
    return worker ? roosti_container(worker, struct roosti_thread_call, worker) : NULL;
}

struct roosti_stepper *roosti_stepper_here(void)
{
    struct roosti_thread_call *call = roosti_thread_call_here();
    return call && call->worker.stands ? &call->job.hand->stepper : NULL;
}

bool roost_thread_cancelled(void)
{
    struct roosti_thread_call *call = roosti_thread_call_here();
    return call && roosti_atomic_load(&call->cancelled, ROOSTI_RELAXED);
}

bool roosti_thread_call_say(struct roosti_thread_call *call)
{
    return roosti_inbox_send(call->inbox, &call->word) == 0;
}

static void call_work(struct roosti_job *job)
{
    struct roosti_thread_call *call = roosti_container(job, struct roosti_thread_call, job);
    int *errno_place = roosti_host_errno_place();
    roosti_worker_here = &call->worker;
    *errno_place = 0;
    call->result = (*call->call.args)->entry((void *)(uintptr_t)call->call.args);
    call->errno_left = *errno_place;
    roosti_worker_here = NULL;
}

static void call_fini(struct roosti_thread_call *call)
{
    roosti_worker_drop(&call->worker);
    roosti_executor_unref(call->executor);
}

static void call_free(struct roosti_thread_call *call)
{
    call_fini(call);
    roosti_inbox_unref(call->inbox);
    roosti_free(call);
}

static void call_done(struct roosti_job *job)
{
    struct roosti_thread_call *call = roosti_container(job, struct roosti_thread_call, job);
    if (!roosti_thread_call_say(call))
        call_free(call);
}

/* The executor was closed before a thread was free; on a loop of this run, which may not be the
 * host's, and that one may have gone. */
static void call_drop(struct roosti_job *job)
{
    struct roosti_thread_call *call = roosti_container(job, struct roosti_thread_call, job);
    call->result = ROOST_ECANCELED;
    call_done(job);
}

/* -- on the loop --------------------------------------------------------------------------------*/

static void call_word(void *arg)
{
    struct roosti_thread_call *call = arg;
    if (call->host)
        roosti_wake(call->host, 0);
    else if (call->request)
        roosti_request_refuse(call);
    else
        call_free(call);
}

/* The run is ending and this thread holds it up. */
static void call_is_late(struct roost_impl_timer *timer)
{
    struct roost_task *host = roosti_container(timer, struct roost_task, timer);
    struct roosti_thread_call *call =
        roosti_container(host->wait.on, struct roosti_thread_call, wait);
    roosti_executor_report(call->executor, &call->job);
}

/* The host was cancelled. True: it need not wait. */
static bool call_cancel(struct roosti_thread_call *call)
{
    struct roost_task *host = call->host;
    struct roosti_loop *loop = host->loop;
    roosti_atomic_store(&call->cancelled, 1, ROOSTI_RELAXED);
    bool withdrawn = roosti_executor_withdraw(call->executor, &call->job, call->on_heap);
    if (withdrawn || call->on_heap) {
        call->host = NULL;
        if (withdrawn && call->on_heap)
            call_free(call);
        return true;
    }
    if (loop->ending && !loop->virtual_time && host->timer.where == 0) {
        host->timer.fire = call_is_late;
        roosti_timer_arm(&loop->timers, &host->timer,
                         roost_time_add(roost_now(), roosti_run_opts(loop)->thread_join_max));
    }
    return false;
}

static bool call_abort(struct roost_task *host)
{
    return call_cancel(roosti_container(host->wait.on, struct roosti_thread_call, wait));
}

/* 0: the call is over. ROOST_ECANCELED: the host goes, and the record is no longer its own. */
static int call_await(struct roosti_thread_call *call, struct roost_task *host)
{
    struct roosti_loop *loop = host->loop;
    for (;;) {
        int rc = roosti_park(host, call_abort, roosti_what_thread, &call->wait);
        if (host->timer.where != 0)
            roosti_timer_cancel(&loop->timers, &host->timer);
        if (rc < 0)
            return rc;
        if (!call->request)
            return 0;
        roosti_request_serve(call, host);
        /* Cancelled meanwhile: parking again would not be told. */
        if ((host->attn & ROOSTI_ATTN_CANCELLED) && call_cancel(call))
            return ROOST_ECANCELED;
    }
}

/* Makes what the call has left behind the host's, as if it had made the call itself. */
static int thread_call_settle(struct roosti_thread_call *call, struct roost_task *host)
{
    int result = call->result;
    roosti_trail_adopt(&call->worker, host);
    *host->loop->errno_place = call->errno_left;
    if (call->on_heap)
        call_free(call);
    else
        call_fini(call);
    return result;
}

static void call_init(struct roosti_thread_call *call, struct roost_task *host, roost_call what,
                      const roost_thread_opts *opts, roost_executor *executor)
{
    struct roosti_loop *loop = host->loop;
    const char *name = opts && opts->name ? opts->name : (*what.args)->name;
    *call = (struct roosti_thread_call){
        .job = {.work = call_work, .done = call_done, .drop = call_drop, .name = name},
        .wait = {name},
        .worker = {.env = roosti_env_ref(host->env), .stands = executor->lockstep},
        .call = what,
        .executor = executor,
        .inbox = loop->inbox,
        .host = host,
    };
    roosti_executor_ref(executor);
    roost_post_slot_init(&call->word, call_word, call);
}

/* Submits and waits. The record is gone, or its frame's again, on return. */
static int call_run(struct roosti_thread_call *call, struct roost_task *host)
{
    struct roosti_loop *loop = host->loop;
    bool foreign = !call->executor->lockstep;
    int rc = roosti_executor_submit(call->executor, &call->job);
    if (rc < 0) {
        if (call->on_heap)
            call_free(call);
        else
            call_fini(call);
        return rc;
    }
    loop->outside += foreign;
    bool on_heap = call->on_heap;
    rc = call_await(call, host);
    loop->outside -= foreign;
    if (rc < 0) {
        if (!on_heap)
            call_fini(call);
        return rc;
    }
    return thread_call_settle(call, host);
}

static int call_run_copied(struct roost_task *host, roost_call what, const roost_thread_opts *opts,
                           roost_executor *executor)
{
    const roost_async_info *info = *what.args;
    size_t align = info->args_align > 16 ? info->args_align : 16;
    size_t offset = (sizeof(struct roosti_thread_call) + align - 1) / align * align;
    if (info->args_size > ROOSTI_ARGS_MAX)
        return ROOST_EINVAL;
    /* The heap aligns to 16 bytes; more is made up for. */
    struct roosti_thread_call *call =
        roosti_alloc(offset + info->args_size + align, "a call that may be abandoned");
    if (!call)
        return ROOST_ENOMEM;
    uintptr_t at = ((uintptr_t)call + offset + align - 1) / align * align;
    void *args = memcpy((void *)at, what.args, info->args_size);
    call_init(call, host, (roost_call){args}, opts, executor);
    call->on_heap = true;
    roosti_inbox_ref(call->inbox);
    return call_run(call, host);
}

int roost_to_thread_with(roost_call call, const roost_thread_opts *opts)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    roost_executor *executor = opts ? opts->executor : NULL;
    if (executor && executor->run != self->loop->run)
        return ROOST_EXLOOP;
    int rc = roosti_op_begin(self->loop, self);
    if (rc == 0 && !executor)
        rc = roosti_executor_default(self->loop, &executor);
    if (rc < 0)
        return rc;
    if (opts && opts->abandon)
        return call_run_copied(self, call, opts, executor);
    struct roosti_thread_call record;
    call_init(&record, self, call, opts, executor);
    return call_run(&record, self);
}

int roost_to_thread(roost_call call)
{
    return roost_to_thread_with(call, NULL);
}
