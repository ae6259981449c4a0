/* rt/group.c - groups: opening, ending, failing, and the limit.
 *
 * `live` counts tasks that have not returned and places promised to spawners that waited at the
 * limit; a group can only end at zero. A place given back goes straight to the first waiter, so
 * nobody overtakes it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/group.h"

#include "rt/loop.h"
#include "rt/refuse.h"
#include "rt/report.h"
#include "rt/scope.h"
#include "rt/trail.h"
#include "rt/waitq.h"

static void group_init(roost_group *group, const roost_group_opts *opts)
{
    static const roost_group_opts defaults = {0};
    if (!opts)
        opts = &defaults;
    *group = (roost_group){.priv = {
                               .scope.priv = {.flags = ROOSTI_SCOPE_GROUP,
                                              .label = opts->label ? opts->label : "group"},
                               .errors_out = opts->errors,
                               .limit = opts->limit,
                               .policy = (uint8_t)opts->policy,
                               .state = ROOSTI_GROUP_OPEN,
                           }};
}

void roosti_group_root(roost_group *group, enum roost_group_policy policy, const char *label)
{
    group_init(group, &(roost_group_opts){.policy = policy, .label = label});
    group->priv.scope.priv.flags |= ROOSTI_SCOPE_OPEN;
}

/* -- failing ----------------------------------------------------------------------------------- */

void roosti_group_fail(roost_group *group, struct roost_task *task, int rc, const char *reason)
{
    group->priv.failed++;
    if (group->priv.first_error == 0)
        group->priv.first_error = rc;
    roosti_errors_add(&group->priv.errors, task, rc);
    if (group->priv.policy == ROOST_FAIL_FAST)
        roosti_scope_cancel_for(&group->priv.scope, 0, reason);
}

/* -- life -------------------------------------------------------------------------------------- */

int roost_group_open(roost_group *group, const roost_group_opts *opts)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    group_init(group, opts);
    group->priv.owner = task;
    roosti_scope_push(task, &group->priv.scope, task->scope);
    return 0;
}

roost_group *roost_group_begin(roost_group *group, const roost_group_opts *opts)
{
    if (roost_group_open(group, opts) < 0) {
        group_init(group, opts);
        group->priv.state = ROOSTI_GROUP_DEAD;
        group->priv.scope.priv.flags |= ROOSTI_SCOPE_OPEN;
    }
    return group;
}

bool roost_group_is_open(const roost_group *group)
{
    return group && (group->priv.scope.priv.flags & ROOSTI_SCOPE_OPEN);
}

/* Waits for all tasks, those included that others spawn here before this one runs again. A
 * cancellation goes to them by the tree of scopes, never to this wait. */
static void group_join(struct roost_task *task, roost_group *group)
{
    group->priv.interrupted = roosti_scope_outer_cancelled(&group->priv.scope);
    if (group->priv.live == 0) {
        if (group->priv.interrupted)
            (void)roosti_refuse(task);
        else
            roosti_give_turn(task);
    }
    while (group->priv.live > 0) {
        group->priv.interrupted |= roosti_scope_outer_cancelled(&group->priv.scope);
        group->priv.joining = true;
        (void)roosti_park(task, NULL, "end of group", group);
    }
}

/* Finished tasks whose handles nobody joined or dropped. */
static void group_reap(struct roosti_loop *loop, roost_group *group)
{
    while (group->priv.first) {
        struct roost_task *task = group->priv.first;
        roosti_assert(task->state == ROOSTI_TASK_FINISHED);
        if (task->joiner)
            roosti_task_disclaim(task);
        else if (loop->debug > 0)
            roosti_report("unread result: task '%s' returned %d and was neither joined nor dropped",
                          roost_task_name(task), task->result);
        roosti_group_unlink(group, task);
        roosti_task_free(task);
    }
}

/* Hands the errors to whoever asked for them, and settles the code. absorbs: the group had been
 * cancelled before its body returned, so the body's ROOST_ECANCELED ends here. */
static int group_settle(struct roost_task *task, roost_group *group, int body_rc, bool absorbs)
{
    int rc = group->priv.first_error;
    if (group->priv.errors_out) {
        *group->priv.errors_out = group->priv.errors;
    } else if (rc != 0) {
        roosti_trail_group(task, rc, &group->priv.errors);
    }
    if (rc != 0)
        return rc;
    if (group->priv.interrupted)
        return ROOST_ECANCELED;
    if (body_rc == ROOST_ECANCELED && absorbs) {
        group->priv.scope.priv.flags |= ROOSTI_SCOPE_FIRED;
        return 0;
    }
    return body_rc;
}

int roost_group_end(roost_group *group, int body_rc)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task || group->priv.state == ROOSTI_GROUP_DEAD)) {
        group->priv.scope.priv.flags &= ~(uint32_t)ROOSTI_SCOPE_OPEN;
        return task ? ROOST_ENOCTX : roosti_no_task();
    }
    if (roosti_unlikely(group->priv.state == ROOSTI_GROUP_ENDED))
        return ROOST_EFINISHED;
    if (roosti_unlikely(task->scope != &group->priv.scope))
        return ROOST_EMISNEST;

    bool absorbs = group->priv.scope.priv.flags & ROOSTI_SCOPE_CANCELLED;
    if (body_rc == ROOST_ECANCELED)
        roosti_scope_cancel_for(&group->priv.scope, 0, "the body of the group was cancelled");
    else if (body_rc < 0)
        roosti_group_fail(group, NULL, body_rc, "the body of the group failed");
    group_join(task, group);
    group_reap(task->loop, group);
    roosti_scope_pop(task, &group->priv.scope);
    group->priv.state = ROOSTI_GROUP_ENDED;
    return group_settle(task, group, body_rc, absorbs);
}

void roost_group_cleanup(roost_group *group)
{
    if (!roost_group_is_open(group))
        return;
    struct roost_task *task = roosti_self();
    if (task && task->loop->debug > 0 && group->priv.live > 0)
        roosti_report("group '%s' of task '%s' was left by return, break or goto; tasks cancelled: "
                      "%u",
                      group->priv.scope.priv.label, roost_task_name(task), group->priv.live);
    roost_group_cancel(group, "the group's block was left");
    int rc = roost_group_end(group, 0);
    roosti_require(rc != ROOST_EMISNEST,
                   "scopes are left innermost first, by the task that entered them");
}

void roost_group_cancel(roost_group *group, const char *reason)
{
    if (group->priv.state == ROOSTI_GROUP_OPEN)
        roosti_scope_cancel_for(&group->priv.scope, 0, reason);
}

void roost_group_shutdown(roost_group *group, roost_dur grace)
{
    if (group->priv.state == ROOSTI_GROUP_OPEN)
        roost_scope_shutdown(&group->priv.scope, grace);
}

void roost_group_stats_get(const roost_group *group, roost_group_stats *stats)
{
    *stats = (roost_group_stats){.spawned = group->priv.spawned,
                                 .finished = group->priv.spawned - group->priv.live,
                                 .failed = group->priv.failed,
                                 .live = group->priv.live};
}
