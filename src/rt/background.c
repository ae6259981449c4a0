/* rt/background.c - background tasks: spawning, policies, and the order of their end.
 *
 * Each runs under a small supervisor task that makes the call, deals with its failure by policy and
 * lets the stopping main task know of its end.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/background.h"

#include <string.h>

#include "base/mem.h"
#include "rt/group.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/run.h"
#include "rt/scope.h"
#include "rt/trail.h"

#define RESTART_MIN ROOST_MS(10)
#define RESTART_MAX ROOST_SEC(10)

struct roosti_bg {
    struct roosti_bg *newer; /* of the loop's list, newest first */
    struct roosti_bg *older;
    struct roost_task *task; /* its supervisor */
    enum roost_bg_policy policy;
    bool last;
    void *args; /* its own copy, for every restart */
};

static void bg_unlink(struct roosti_loop *loop, struct roosti_bg *bg)
{
    if (bg->newer)
        bg->newer->older = bg->older;
    else
        loop->bg_first = bg->older;
    if (bg->older)
        bg->older->newer = bg->newer;
}

static void bg_report(struct roost_task *task, int rc)
{
    const roost_run_opts *opts = roosti_run_opts(task->loop);
    roost_error error;
    roosti_trail_take(task, rc, &error, NULL);
    if (opts->on_unhandled) {
        opts->on_unhandled(opts->on_unhandled_arg, &error);
    } else {
        roosti_report("background task '%s' failed", roost_task_name(task));
        roost_error_print(&error, 2);
    }
}

ROOST_ASYNC(bg_supervise, struct roosti_bg *, bg)
{
    struct roost_task *self = roosti_self();
    struct roosti_loop *loop = self->loop;
    const roost_async_info *info = *(const roost_async_info **)bg->args;
    roost_dur pause = RESTART_MIN;
    int rc;
    for (;;) {
        rc = info->entry(bg->args);
        if (rc >= 0 || rc == ROOST_ECANCELED)
            break;
        bg_report(self, rc);
        if (bg->policy != ROOST_BG_RESTART || loop->ending || roost_sleep(pause) < 0 ||
            loop->ending)
            break;
        pause = pause * 2 < RESTART_MAX ? pause * 2 : RESTART_MAX;
    }
    if (rc < 0 && rc != ROOST_ECANCELED && bg->policy == ROOST_BG_ABORT)
        roosti_run_abort(loop, rc);
    bg_unlink(loop, bg);
    roosti_free(bg->args);
    roosti_free(bg);
    if (loop->bg_waiter) {
        roosti_wake(loop->bg_waiter, 0);
        loop->bg_waiter = NULL;
    }
    return 0;
}

static int bg_new(roost_call call, const roost_bg_opts *opts, struct roosti_bg **ret_bg)
{
    const roost_async_info *info = *call.args;
    struct roosti_bg *bg = roosti_alloc(sizeof *bg, "a background task");
    if (!bg)
        return ROOST_ENOMEM;
    void *args = roosti_alloc(info->args_size, "the arguments of a background task");
    if (!args) {
        roosti_free(bg);
        return ROOST_ENOMEM;
    }
    memcpy(args, call.args, info->args_size);
    *bg = (struct roosti_bg){.policy = opts->policy, .last = opts->last, .args = args};
    *ret_bg = bg;
    return 0;
}

int roost_bg_spawn(roost_call call, const roost_bg_opts *opts)
{
    static const roost_bg_opts defaults = {0};
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    struct roosti_loop *loop = self->loop;
    if (loop->ending)
        return ROOST_EFINISHED;
    if (!opts)
        opts = &defaults;
    struct roosti_bg *bg;
    int rc = bg_new(call, opts, &bg);
    if (rc < 0)
        return rc;
    (void)roosti_group_place_take(&loop->bg_group);
    rc = roosti_task_new(loop, &loop->bg_group, ROOST_CALL(bg_supervise, bg), &bg->task);
    if (rc < 0) {
        roosti_group_place_give(&loop->bg_group);
        roosti_free(bg->args);
        roosti_free(bg);
        return rc;
    }
    roosti_task_set_name(bg->task, opts->name ? opts->name : (*call.args)->name);
    bg->older = loop->bg_first;
    if (bg->older)
        bg->older->newer = bg;
    loop->bg_first = bg;
    return 0;
}

static struct roosti_bg *bg_next_to_stop(struct roosti_loop *loop)
{
    for (struct roosti_bg *bg = loop->bg_first; bg; bg = bg->older)
        if (!bg->last)
            return bg;
    return loop->bg_first;
}

void roosti_background_stop(struct roosti_loop *loop)
{
    struct roost_task *self = loop->current;
    struct roosti_bg *bg;
    loop->ending = true;
    while ((bg = bg_next_to_stop(loop)) != NULL) {
        roost_dur grace = loop->soft_used ? roosti_run_opts(loop)->shutdown_grace : 0;
        roost_scope_shutdown(&bg->task->root, grace);
        loop->bg_waiter = self;
        (void)roosti_park(self, NULL, "end of a background task", bg->task);
    }
}
