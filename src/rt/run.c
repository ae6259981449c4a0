/* rt/run.c - entering and leaving a run.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/run.h"

#include <string.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/background.h"
#include "rt/group.h"
#include "rt/inbox.h"
#include "rt/interrupt.h"
#include "rt/loop.h"
#include "rt/op.h"
#include "rt/options.h"
#include "rt/report.h"
#include "rt/scope.h"
#include "rt/trail.h"
#include "rt/watchdog.h"
#include "rt/worker.h"

/* -- one loop ---------------------------------------------------------------------------------- */

/* In a child made by fork no loop is here and no task waits for a thread: calls find no task, and
 * say why. */
static void run_forked(void)
{
    roosti_loop_here = NULL;
    roosti_worker_here = NULL;
}

/* In signal context. The running task would be the wrong one to ask: a stack may overflow in the
 * switch, when that is the next one already. */
static void run_describe(const void *top, char *name, size_t size)
{
    const struct roost_task *task = roosti_task_at(top);
    const char *text = task ? roost_task_name(task) : "?";
    size_t len = strlen(text);
    if (len >= size)
        len = size - 1;
    memcpy(name, text, len);
    name[len] = '\0';
}

ROOST_ASYNC_DEFINE(roosti_loop_main, struct roosti_loop *, loop, roost_call, call)
{
    roost_scope scope;
    roost_scope_init(&scope, &(roost_scope_opts){.label = "main"});
    int rc = roost_scope_enter(&scope);
    if (rc == 0) {
        loop->main_scope = &scope;
        /* What is spawned from here comes from the caller's function, not from this one. */
        loop->current->args = (void *)(uintptr_t)call.args;
        rc = (*call.args)->entry(loop->current->args);
        loop->main_scope = NULL;
        if (roost_scope_end(&scope, 0) < 0)
            roosti_require(false, "the main task leaves every scope and group it entered");
    }
    if (loop->deadlocked && rc == ROOST_ECANCELED)
        rc = ROOST_EDEADLK;
    roosti_background_stop(loop);
    /* Calls from other loops, whose callers may go on until this loop has ended. */
    roosti_scope_cancel_for(&loop->main_group.priv.scope, 0, "the run has ended");
    if (loop->index == 0) {
        struct roosti_run_end *end = &loop->run->end;
        if (end->rc == 0) {
            end->rc = rc;
            if (rc < 0)
                roosti_trail_take(loop->current, rc, &end->error, NULL);
        }
        end->signal = loop->signal;
    }
    return 0;
}

int roosti_loop_enter(struct roosti_loop *loop, struct roosti_run *run, int index,
                      struct roosti_port *port, roost_call call)
{
    int rc = roosti_loop_init(loop, port, &run->opts);
    if (rc < 0) {
        port->ops->close(port);
        return rc;
    }
    loop->run = run;
    loop->index = index;
    roosti_group_root(&loop->main_group, ROOST_COLLECT, "run");
    roosti_group_root(&loop->bg_group, ROOST_COLLECT, "background");
    rc = roosti_overflow_enter(
        &(struct roosti_overflow_watch){.stacks = &loop->stacks, .describe = run_describe});
    if (rc == ROOST_EBUSY)
        rc = ROOST_ENESTED; /* a guest run of this thread, between two of its turns */
    if (rc < 0)
        goto close;
    if (index == 0 && run->setup.probe)
        roosti_probe_add(loop, run->setup.probe);
    (void)roosti_group_place_take(&loop->main_group);
    rc = roosti_task_new(loop, &loop->main_group, ROOST_CALL(roosti_loop_main, loop, call),
                         &loop->main);
    if (rc < 0)
        goto leave;
    roosti_task_set_name(loop->main, "main");
    roosti_loop_here = loop;
    return 0;

leave:
    roosti_overflow_leave();
close:
    roosti_loop_fini(loop);
    return rc;
}

void roosti_loop_leave(struct roosti_loop *loop)
{
    roosti_standing_end(loop);
    roosti_inbox_close(loop->inbox);
    /* More than once: one drain takes nothing new while it has posts left from the one before. */
    while (roosti_inbox_pending(loop->inbox))
        loop->posts += roosti_inbox_drain(loop->inbox, SIZE_MAX);
    roosti_atomic_add(&loop->run->blocks_before, roosti_inbox_outliving(loop->inbox),
                      ROOSTI_RELAXED);
    roosti_loop_here = NULL;
    roosti_overflow_leave();
    roosti_loop_fini(loop);
}

void roosti_loop_abandon(struct roosti_loop *loop)
{
    if (loop->probe)
        roosti_probe_tell(loop, ROOSTI_EVENT_FINISH, loop->main);
    roosti_group_unlink(&loop->main_group, loop->main);
    roosti_task_free(loop->main);
    loop->tasks_ended = loop->task_ids;
    roosti_loop_leave(loop);
}

/* -- the port ---------------------------------------------------------------------------------- */

static int port_open_named(const char *name, const struct roosti_port_opts *opts,
                           struct roosti_port **port)
{
    if (strcmp(name, "uring") == 0)
        return roosti_uring_open(opts, port);
    if (strcmp(name, "epoll") == 0)
        return roosti_epoll_open(opts, port);
    return roosti_sim_open(opts, port);
}

int roosti_run_port(struct roosti_run *run, struct roosti_port **ret_port)
{
    static bool noticed;
    struct roosti_port_opts opts = run->setup.port;
    opts.seed = run->opts.seed;
    struct roosti_port *port;
    int rc = port_open_named(run->opts.backend ? run->opts.backend : "uring", &opts, &port);
    if (rc < 0 && !run->opts.backend) {
        if (!roosti_atomic_swap(&noticed, true, ROOSTI_RELAXED))
            roosti_report("io_uring is not available (%s); using epoll", roost_error_name(rc));
        rc = roosti_epoll_open(&opts, &port);
    }
    if (rc < 0)
        return rc;
    if (run->setup.fault) {
        struct roosti_port *inner = port;
        rc = roosti_fault_open(inner, opts.seed, run->setup.fault, &port);
        if (rc < 0) {
            inner->ops->close(inner);
            return rc;
        }
    }
    *ret_port = port;
    return 0;
}

/* -- the run ----------------------------------------------------------------------------------- */

/* What must be as it was when the run is over. */
static void audit_begin(struct roosti_run *run)
{
    if (run->opts.debug == 0)
        return;
    struct roosti_mem_stats stats;
    roosti_mem_stats_get(&stats);
    run->blocks_before = stats.live - 1; /* the record of the run itself will be gone */
    run->fds_before = roosti_host_fd_count();
}

static void audit_end(const struct roosti_run *run)
{
    if (run->opts.debug == 0)
        return;
    struct roosti_mem_stats stats;
    roosti_mem_stats_get(&stats);
    if (stats.live > run->blocks_before)
        roosti_report("leak audit: %lld blocks of memory are left from this run",
                      (long long)(stats.live - run->blocks_before));
    int fds = roosti_host_fd_count();
    if (fds > run->fds_before && run->fds_before >= 0)
        roosti_report("leak audit: %d descriptors are left open by this run",
                      fds - run->fds_before);
}

static int args_copy(struct roosti_run *run, roost_call call)
{
    const roost_async_info *info = *call.args;
    run->args = roosti_alloc(info->args_size, "the arguments of the main task");
    if (!run->args)
        return ROOST_ENOMEM;
    memcpy(run->args, call.args, info->args_size);
    return 0;
}

static int run_open_first(struct roosti_run *run)
{
    struct roosti_loop *loop = roosti_alloc_zero(1, sizeof *loop, "a loop");
    struct roosti_port *port;
    if (!loop)
        return ROOST_ENOMEM;
    int rc = roosti_run_port(run, &port);
    if (rc < 0)
        goto free_loop;
    rc = roosti_loop_enter(loop, run, 0, port, (roost_call){run->args});
    if (rc < 0)
        goto free_loop;
    run->loops[0] = loop;
    rc = roosti_sides_start(run);
    if (rc < 0)
        goto leave_loop;
    rc = roosti_interrupt_hold(run);
    if (rc < 0)
        goto stop_sides;
    rc = roosti_watchdog_start(run);
    if (rc == 0)
        return 0;

    roosti_interrupt_release(run);
stop_sides:
    roosti_sides_stop(run);
leave_loop:
    roosti_loop_abandon(loop);
    roosti_free(loop);
    return rc;
free_loop:
    roosti_free(loop);
    return rc;
}

int roosti_run_open(roost_call call, const roost_run_opts *opts,
                    const struct roosti_run_setup *setup, bool guest, struct roosti_run **ret_run)
{
    if (roosti_host_forked())
        return ROOST_EFORKED;
    if (roosti_loop_here)
        return ROOST_ENESTED;
    roost_run_opts filled;
    int rc = roosti_options_fill(&filled, opts);
    if (rc < 0)
        return rc;
    rc = roosti_host_init(run_forked);
    if (rc < 0)
        return rc;
    struct roosti_run *run = roosti_alloc_zero(1, sizeof *run, "a run");
    if (!run)
        return ROOST_ENOMEM;
    run->opts = filled;
    run->guest = guest;
    run->loop_count = guest ? 1 : filled.loops;
    if (setup)
        run->setup = *setup;
    audit_begin(run);
    rc = args_copy(run, call);
    if (rc == 0)
        rc = run_open_first(run);
    if (rc < 0) {
        roosti_free(run->args);
        roosti_free(run);
        return rc;
    }
    *ret_run = run;
    return 0;
}

bool roosti_run_turn(struct roosti_run *run, bool may_block)
{
    struct roosti_loop *loop = run->loops[0];
    roosti_interrupt_deliver(run);
    roosti_loop_turn(loop, may_block);
    return roosti_tasks_live(loop) > 0;
}

void roosti_run_close(struct roosti_run *run, struct roosti_run_end *end)
{
    roosti_watchdog_stop(run);
    roosti_interrupt_release(run);
    roosti_sides_stop(run);
    roosti_parts_end(&run->parts, run->loops[0]);
    roosti_loop_leave(run->loops[0]);
    roosti_free(run->loops[0]);
    roosti_free(run->args);
    *end = run->end;
    struct roosti_run gone = *run;
    roosti_free(run);
    audit_end(&gone);
}

int roosti_run(roost_call call, const roost_run_opts *opts, const struct roosti_run_setup *setup,
               struct roosti_run_end *end)
{
    struct roosti_run *run;
    int rc = roosti_run_open(call, opts, setup, false, &run);
    *end = (struct roosti_run_end){.rc = rc, .error = {.code = rc}};
    if (rc < 0)
        return rc;
    while (roosti_run_turn(run, true))
        continue;
    roosti_run_close(run, end);
    return end->rc;
}

int roost_run(roost_call call, const roost_run_opts *opts)
{
    struct roosti_run_end end;
    return roosti_run(call, opts, NULL, &end);
}

int roost_main(roost_call call)
{
    enum { STATUS_MAX = 125, STATUS_SIGNAL = 128 };
    struct roosti_run_end end;
    int rc = roosti_run(call, NULL, NULL, &end);
    if (end.signal != 0 && rc == ROOST_ECANCELED)
        return STATUS_SIGNAL + end.signal;
    if (rc < 0) {
        roosti_report("the main task failed");
        roost_error_print(&end.error, 2);
        return 1;
    }
    return rc <= STATUS_MAX ? rc : 1;
}

/* -- asked by the loops ------------------------------------------------------------------------ */

const roost_run_opts *roosti_run_opts(const struct roosti_loop *loop)
{
    return &loop->run->opts;
}

int roosti_loop_adopt(struct roosti_loop *loop, uint32_t *stamp)
{
    for (int i = 0; i < loop->run->loop_count; i++) {
        const struct roosti_loop *other = loop->run->loops[i];
        if (other && other != loop && other->id == *stamp)
            return ROOST_EXLOOP;
    }
    *stamp = loop->id;
    return 0;
}

bool roosti_run_reaches(const struct roosti_loop *loop)
{
    return loop->run->guest || loop->run->loop_count > 1;
}

bool roosti_run_holds_signals(const struct roosti_loop *loop)
{
    return loop->run->holds_signals;
}

void roosti_run_cancel_all(struct roosti_loop *loop, const char *reason)
{
    roosti_scope_cancel_for(&loop->main_group.priv.scope, 0, reason);
    roosti_scope_cancel_for(&loop->bg_group.priv.scope, 0, reason);
}

void roosti_run_break_shields(struct roosti_loop *loop)
{
    loop->shields_broken = true;
    roost_group *groups[] = {&loop->main_group, &loop->bg_group};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        roost_scope *top = &groups[i]->priv.scope;
        for (roost_scope *at = top; at; at = roosti_scope_next(at, top))
            if (at->priv.flags & ROOSTI_SCOPE_SHIELD)
                roosti_scope_update(at);
            else if (at->priv.task && at->priv.task->scope == at &&
                     (at->priv.flags & ROOSTI_SCOPE_EFFECTIVE))
                roosti_task_interrupt(at->priv.task);
    }
}

/* On the first loop. */
static void run_aborted(void *arg)
{
    struct roosti_run *run = arg;
    struct roosti_loop *loop = run->loops[0];
    if (run->end.rc == 0) {
        run->end.rc = run->abort.error.code;
        run->end.error = run->abort.error;
    }
    if (loop->main_scope)
        roosti_scope_cancel_for(loop->main_scope, 0, "a background task failed");
}

void roosti_run_abort(struct roosti_loop *loop, int rc)
{
    struct roosti_run *run = loop->run;
    if (roosti_atomic_swap(&run->abort.claimed, 1, ROOSTI_RELAXED))
        return;
    roosti_trail_take(loop->current, rc, &run->abort.error, NULL);
    roost_post_slot_init(&run->abort.post, run_aborted, run);
    if (loop->index == 0)
        run_aborted(run);
    else
        (void)roosti_inbox_send(run->loops[0]->inbox, &run->abort.post);
}

int roost_loop_count(void)
{
    return roosti_loop_here ? roosti_loop_here->run->loop_count : 0;
}

int roost_loop_index(void)
{
    return roosti_loop_here ? roosti_loop_here->index : -1;
}

const char *roost_backend(void)
{
    return roosti_loop_here ? roosti_loop_here->port->ops->name : "";
}

int roost_run_stats_get(roost_run_stats *stats)
{
    const struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return roosti_no_task();
    uint64_t ready = 0;
    for (const struct roost_task *task = loop->run_first; task; task = task->run_next)
        ready++;
    *stats = (roost_run_stats){
        .switches = loop->switches,
        .polls = loop->polls,
        .tasks_spawned = loop->task_ids,
        .tasks_live = roosti_tasks_live(loop),
        .tasks_ready = ready,
        .timers_armed = loop->timers.armed,
        .ops_in_flight = loop->port->ops->in_flight(loop->port),
        .posts = loop->posts,
        .runq_age_max = loop->runq_age_max,
    };
    return 0;
}
