/* rt/scope.c - cancel scopes: entering, leaving, cancelling, deadlines.
 *
 * A relative deadline is not armed on entry but when its task first gives way: a block around an
 * operation that is ready at once then costs one read of the tick counter and no timer.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/scope.h"

#include <inttypes.h>

#include "rt/report.h"
#include "rt/trail.h"

_Static_assert((int)ROOSTI_SCOPE_EFFECTIVE == (int)ROOSTI_ATTN_CANCELLED,
               "a task's attention takes the bit of its scope as it is");

/* -- the tree ---------------------------------------------------------------------------------- */

static roost_group *scope_group(const roost_scope *scope)
{
    return roosti_container(scope, roost_group, priv.scope);
}

roost_scope *roosti_scope_skip(const roost_scope *scope, const roost_scope *top)
{
    while (scope != top) {
        const roost_scope *parent = scope->priv.parent;
        if (scope->priv.flags & ROOSTI_SCOPE_ROOT) {
            struct roost_task *sibling = scope->priv.task->next;
            if (sibling) {
                /* A hundred thousand of them lie on as many pages. */
                __builtin_prefetch(sibling->next);
                __builtin_prefetch(sibling->next ? &sibling->next->root.priv.flags : NULL);
                return &sibling->root;
            }
        } else if ((parent->priv.flags & ROOSTI_SCOPE_GROUP) && scope_group(parent)->priv.first) {
            return &scope_group(parent)->priv.first->root;
        }
        scope = parent;
    }
    return NULL;
}

roost_scope *roosti_scope_next(const roost_scope *scope, const roost_scope *top)
{
    if (scope->priv.inner)
        return scope->priv.inner;
    if ((scope->priv.flags & ROOSTI_SCOPE_GROUP) && scope_group(scope)->priv.first)
        return &scope_group(scope)->priv.first->root;
    return roosti_scope_skip(scope, top);
}

static bool scope_shielded(const roost_scope *scope)
{
    const struct roost_task *task = scope->priv.task;
    return (scope->priv.flags & ROOSTI_SCOPE_SHIELD) && !(task && task->loop->shields_broken);
}

bool roosti_scope_outer_cancelled(const roost_scope *scope)
{
    const roost_scope *parent = scope->priv.parent;
    return parent && (parent->priv.flags & ROOSTI_SCOPE_EFFECTIVE) && !scope_shielded(scope);
}

/* Brings one node up to date; true when its effective bit has changed. */
static bool scope_refresh(roost_scope *scope)
{
    bool outer = roosti_scope_outer_cancelled(scope);
    uint32_t effective =
        outer || (scope->priv.flags & ROOSTI_SCOPE_CANCELLED) ? ROOSTI_SCOPE_EFFECTIVE : 0;
    if (outer && (scope->priv.flags & ROOSTI_SCOPE_GROUP) && scope_group(scope)->priv.joining)
        scope_group(scope)->priv.interrupted = true;
    if ((scope->priv.flags & ROOSTI_SCOPE_EFFECTIVE) == effective)
        return false;
    scope->priv.flags = (scope->priv.flags & ~(uint32_t)ROOSTI_SCOPE_EFFECTIVE) | effective;
    struct roost_task *task = scope->priv.task;
    if (task && task->scope == scope) {
        task->attn = (task->attn & ~(uint32_t)ROOSTI_ATTN_CANCELLED) | effective;
        if (effective)
            roosti_task_interrupt(task);
    }
    return true;
}

void roosti_scope_update(roost_scope *top)
{
    roost_scope *scope = top;
    while (scope)
        scope =
            scope_refresh(scope) ? roosti_scope_next(scope, top) : roosti_scope_skip(scope, top);
}

void roosti_scope_push(struct roost_task *task, roost_scope *scope, roost_scope *parent)
{
    scope->priv.parent = parent;
    scope->priv.inner = NULL;
    scope->priv.task = task;
    scope->priv.flags |= ROOSTI_SCOPE_OPEN;
    if (!(scope->priv.flags & ROOSTI_SCOPE_ROOT))
        parent->priv.inner = scope;
    task->scope = scope;
    if ((scope->priv.flags & ROOSTI_SCOPE_CANCELLED) || roosti_scope_outer_cancelled(scope))
        scope->priv.flags |= ROOSTI_SCOPE_EFFECTIVE;
    task->attn = (task->attn & ~(uint32_t)ROOSTI_ATTN_CANCELLED) |
                 (scope->priv.flags & ROOSTI_SCOPE_EFFECTIVE);
}

/* The end of a scope in which calls were refused: did the cancellation come from further out? */
static __attribute__((noinline)) void scope_hand_on(struct roost_task *task,
                                                    const roost_scope *scope, roost_scope *parent)
{
    if (!(parent->priv.flags & ROOSTI_SCOPE_EFFECTIVE))
        task->refusals = 0;
    else if (!scope_shielded(scope))
        parent->priv.flags |= scope->priv.flags & ROOSTI_SCOPE_MET;
}

void roosti_scope_pop(struct roost_task *task, roost_scope *scope)
{
    roost_scope *parent = scope->priv.parent;
    roosti_timer_cancel(&task->loop->timers, &scope->priv.timer);
    scope->priv.flags = (scope->priv.flags & ~(uint32_t)ROOSTI_SCOPE_OPEN) | ROOSTI_SCOPE_ENDED;
    parent->priv.inner = NULL;
    if (roosti_unlikely(scope->priv.flags & ROOSTI_SCOPE_EFFECTIVE))
        scope_hand_on(task, scope, parent);
    task->scope = parent;
    task->attn = (task->attn & ~(uint32_t)ROOSTI_ATTN_CANCELLED) |
                 (parent->priv.flags & ROOSTI_SCOPE_EFFECTIVE);
}

/* -- cancelling and deadlines ------------------------------------------------------------------ */

void roosti_scope_cancel_for(roost_scope *scope, uint32_t extra, const char *reason)
{
    if (scope->priv.flags & (ROOSTI_SCOPE_CANCELLED | ROOSTI_SCOPE_ENDED))
        return;
    const struct roost_task *self = roosti_self();
    roosti_require(!(scope->priv.flags & ROOSTI_SCOPE_OPEN) || !scope->priv.task ||
                       scope->priv.task->loop == roosti_loop_here,
                   "tasks and scopes are cancelled on their own loop; elsewhere, post to it");
    scope->priv.flags |= ROOSTI_SCOPE_CANCELLED | extra;
    scope->priv.reason = reason;
    scope->priv.canceller_id_low =
        self && !(extra & ROOSTI_SCOPE_DEADLINE) ? (uint32_t)self->id : 0;
    if (!(scope->priv.flags & ROOSTI_SCOPE_OPEN))
        return;
    if (scope->priv.timer.where != 0)
        roosti_timer_cancel(&scope->priv.task->loop->timers, &scope->priv.timer);
    roosti_scope_update(scope);
}

static void scope_deadline_passed(struct roost_impl_timer *timer)
{
    roosti_scope_cancel_for(roosti_container(timer, roost_scope, priv.timer), ROOSTI_SCOPE_DEADLINE,
                            "deadline passed");
}

static void scope_arm(struct roosti_loop *loop, roost_scope *scope, roost_time due)
{
    scope->priv.flags = (scope->priv.flags & ~(uint32_t)ROOSTI_SCOPE_UNARMED) | ROOSTI_SCOPE_DUE;
    scope->priv.timer.due = due;
    scope->priv.timer.fire = scope_deadline_passed;
    if (scope->priv.flags & ROOSTI_SCOPE_CANCELLED)
        return;
    if (due <= loop->now)
        scope_deadline_passed(&scope->priv.timer);
    else
        roosti_timer_arm(&loop->timers, &scope->priv.timer, due);
}

/* When a relative deadline falls, measured from entry. `ticks` were read before loop->now, and a
 * thousandth is left off for the error of their rate, so the deadline is never early. */
static roost_time scope_due(const struct roosti_loop *loop, const roost_scope *scope,
                            uint64_t ticks)
{
    roost_dur elapsed =
        loop->virtual_time ? 0 : roosti_ticks_to_ns(ticks - scope->priv.entry_ticks);
    return roost_time_add(loop->now - (elapsed - elapsed / 1024), scope->priv.within);
}

void roosti_scopes_arm(struct roost_task *task)
{
    struct roosti_loop *loop = task->loop;
    task->attn &= ~(uint32_t)ROOSTI_ATTN_UNARMED;
    roost_scope *scope = task->scope;
    uint64_t ticks = 0;
    for (; !(scope->priv.flags & (ROOSTI_SCOPE_WALKED | ROOSTI_SCOPE_ROOT));
         scope = scope->priv.parent) {
        scope->priv.flags |= ROOSTI_SCOPE_WALKED;
        if (!(scope->priv.flags & ROOSTI_SCOPE_UNARMED))
            continue;
        if (ticks == 0) {
            ticks = roosti_ticks();
            (void)roost_now();
        }
        scope_arm(loop, scope, scope_due(loop, scope, ticks));
    }
}

/* -- public: life ------------------------------------------------------------------------------ */

void roost_scope_init(roost_scope *scope, const roost_scope_opts *opts)
{
    *scope = (roost_scope){.priv = {.label = "scope"}};
    if (!opts)
        return;
    scope->priv.label = opts->label ? opts->label : "scope";
    if (opts->within > 0 && opts->within != ROOST_FOREVER) {
        scope->priv.within = opts->within;
        scope->priv.flags |= ROOSTI_SCOPE_WITHIN;
    }
    if (opts->until != 0 && opts->until != ROOST_NEVER) {
        scope->priv.timer.due = opts->until;
        scope->priv.flags |= ROOSTI_SCOPE_DUE;
    }
    scope->priv.flags |= (opts->move_on ? ROOSTI_SCOPE_MOVE_ON : 0u) |
                         (opts->shield ? ROOSTI_SCOPE_SHIELD : 0u) |
                         (opts->expired || opts->within < 0 ? ROOSTI_SCOPE_EXPIRED : 0u);
}

/* Starts the deadline of a scope that has just been pushed. */
static void scope_start(struct roost_task *task, roost_scope *scope)
{
    struct roosti_loop *loop = task->loop;
    if (scope->priv.flags & ROOSTI_SCOPE_EXPIRED) {
        scope_arm(loop, scope, loop->now);
        return;
    }
    if (scope->priv.flags & ROOSTI_SCOPE_DUE) {
        (void)roost_now();
        roost_time due = scope->priv.timer.due;
        if (scope->priv.flags & ROOSTI_SCOPE_WITHIN) {
            roost_time also = roost_time_add(loop->now, scope->priv.within);
            due = due < also ? due : also;
        }
        scope_arm(loop, scope, due);
    } else if (scope->priv.flags & ROOSTI_SCOPE_WITHIN) {
        if (!loop->virtual_time)
            scope->priv.entry_ticks = roosti_ticks();
        scope->priv.flags |= ROOSTI_SCOPE_UNARMED;
        task->attn |= ROOSTI_ATTN_UNARMED;
        if (loop->virtual_time)
            roosti_scopes_arm(task);
    }
}

int roost_scope_enter(roost_scope *scope)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    if (scope->priv.flags & (ROOSTI_SCOPE_OPEN | ROOSTI_SCOPE_ENDED))
        return ROOST_EREUSED;
    roosti_scope_push(task, scope, task->scope);
    scope_start(task, scope);
    return 0;
}

roost_scope *roost_scope_begin(roost_scope *scope, roost_dur within, unsigned kind,
                               const char *label)
{
    struct roost_task *task = roosti_self();
    scope->priv.flags = (kind & ROOST_SCOPE_MOVE_ON ? ROOSTI_SCOPE_MOVE_ON : 0u) |
                        (kind & ROOST_SCOPE_SHIELD ? ROOSTI_SCOPE_SHIELD : 0u) |
                        (within <= 0              ? ROOSTI_SCOPE_EXPIRED
                         : within < ROOST_FOREVER ? ROOSTI_SCOPE_WITHIN
                                                  : 0u);
    scope->priv.label = label;
    scope->priv.within = within;
    scope->priv.timer.where = 0;
    if (roosti_likely(task)) {
        roosti_scope_push(task, scope, task->scope);
        scope_start(task, scope);
    } else {
        scope->priv.flags |= ROOSTI_SCOPE_OPEN;
        scope->priv.parent = NULL;
        scope->priv.inner = NULL;
        scope->priv.task = NULL;
    }
    return scope;
}

bool roost_scope_is_open(const roost_scope *scope)
{
    return scope && (scope->priv.flags & ROOSTI_SCOPE_OPEN);
}

/* Who absorbs a cancellation: the outermost scope that is cancelled and that nothing cancelled
 * reaches from outside. Code inside may have made it good instead and come to a result. */
static int scope_settle(roost_scope *scope, int rc, bool outer_cancelled)
{
    if (rc != ROOST_ECANCELED) {
        if (roosti_unlikely(scope->priv.flags & ROOSTI_SCOPE_MET) && !outer_cancelled)
            scope->priv.flags |= ROOSTI_SCOPE_FIRED;
        return rc;
    }
    if (!(scope->priv.flags & ROOSTI_SCOPE_CANCELLED)) {
        if (!outer_cancelled && scope->priv.task->loop->debug > 0)
            roosti_report(
                "stray cancellation: ROOST_ECANCELED leaves scope '%s' in task '%s' (%" PRIu64
                "), and nothing there is cancelled",
                scope->priv.label, roost_task_name(scope->priv.task), scope->priv.task->id);
        return rc;
    }
    if (outer_cancelled)
        return rc;
    scope->priv.flags |= ROOSTI_SCOPE_FIRED;
    if (!(scope->priv.flags & ROOSTI_SCOPE_DEADLINE) || (scope->priv.flags & ROOSTI_SCOPE_MOVE_ON))
        return 0;
    roosti_trail_timeout(scope->priv.task, scope);
    return ROOST_ETIMEDOUT;
}

int roost_scope_end(roost_scope *scope, int rc)
{
    struct roost_task *task = roosti_self();
    if (roosti_unlikely(!task)) {
        scope->priv.flags = (scope->priv.flags & ~(uint32_t)ROOSTI_SCOPE_OPEN) | ROOSTI_SCOPE_ENDED;
        return rc;
    }
    if (roosti_unlikely(task->scope != scope ||
                        (scope->priv.flags & (ROOSTI_SCOPE_ROOT | ROOSTI_SCOPE_GROUP))))
        return ROOST_EMISNEST;
    bool outer_cancelled =
        (scope->priv.flags & ROOSTI_SCOPE_LATE) || roosti_scope_outer_cancelled(scope);
    roosti_scope_pop(task, scope);
    return scope_settle(scope, rc, outer_cancelled);
}

void roost_scope_cleanup(roost_scope *scope)
{
    if (!roost_scope_is_open(scope))
        return;
    int rc = roost_scope_end(scope, 0);
    roosti_require(rc == 0, "scopes are left innermost first, by the task that entered them");
}

/* -- public: steering -------------------------------------------------------------------------- */

void roost_scope_cancel(roost_scope *scope, const char *reason)
{
    roosti_scope_cancel_for(scope, 0, reason);
}

int roost_scope_set_deadline(roost_scope *scope, roost_time at)
{
    uint32_t flags = scope->priv.flags;
    if (flags & ROOSTI_SCOPE_ENDED)
        return ROOST_EFINISHED;
    if ((flags & ROOSTI_SCOPE_OPEN) && !scope->priv.task)
        return 0; /* begun outside a task: without effect */
    if ((flags & ROOSTI_SCOPE_SOFT) && at >= roost_scope_deadline(scope))
        return 0;
    scope->priv.flags = flags & ~(uint32_t)(ROOSTI_SCOPE_UNARMED | ROOSTI_SCOPE_DUE |
                                            ROOSTI_SCOPE_EXPIRED | ROOSTI_SCOPE_WITHIN);
    if (flags & ROOSTI_SCOPE_OPEN)
        roosti_timer_cancel(&scope->priv.task->loop->timers, &scope->priv.timer);
    if (at == ROOST_NEVER)
        return 0;
    if (flags & ROOSTI_SCOPE_OPEN) {
        (void)roost_now();
        scope_arm(scope->priv.task->loop, scope, at);
    } else {
        scope->priv.timer.due = at;
        scope->priv.flags |= ROOSTI_SCOPE_DUE;
    }
    return 0;
}

void roost_scope_set_shield(roost_scope *scope, bool shield)
{
    bool open = scope->priv.flags & ROOSTI_SCOPE_OPEN;
    if (!shield)
        scope->priv.flags &= ~(uint32_t)(ROOSTI_SCOPE_SHIELD | ROOSTI_SCOPE_LATE);
    else if (open && roosti_scope_outer_cancelled(scope))
        scope->priv.flags |= ROOSTI_SCOPE_SHIELD | ROOSTI_SCOPE_LATE;
    else
        scope->priv.flags |= ROOSTI_SCOPE_SHIELD;
    if (open)
        roosti_scope_update(scope);
}

/* -- public: asking ---------------------------------------------------------------------------- */

roost_time roost_scope_deadline(const roost_scope *scope)
{
    if (scope->priv.flags & ROOSTI_SCOPE_DUE)
        return scope->priv.timer.due;
    if (!(scope->priv.flags & ROOSTI_SCOPE_WITHIN))
        return ROOST_NEVER;
    uint64_t ticks = roosti_ticks();
    roost_time now = roost_now();
    if (scope->priv.flags & ROOSTI_SCOPE_UNARMED)
        return scope_due(scope->priv.task->loop, scope, ticks);
    return roost_time_add(now, scope->priv.within);
}

bool roost_scope_cancelled(const roost_scope *scope)
{
    return scope->priv.flags & ROOSTI_SCOPE_CANCELLED;
}

bool roost_scope_fired(const roost_scope *scope)
{
    return scope->priv.flags & ROOSTI_SCOPE_FIRED;
}

const char *roost_scope_reason(const roost_scope *scope)
{
    bool cancelled = scope->priv.flags & ROOSTI_SCOPE_CANCELLED;
    return cancelled && scope->priv.reason ? scope->priv.reason : "";
}

roost_time roost_deadline(void)
{
    const struct roost_task *task = roosti_self();
    roost_time earliest = ROOST_NEVER;
    for (const roost_scope *scope = task ? task->scope : NULL; scope; scope = scope->priv.parent) {
        roost_time at =
            scope->priv.flags & ROOSTI_SCOPE_CANCELLED ? INT64_MIN : roost_scope_deadline(scope);
        if (at < earliest)
            earliest = at;
        if (scope_shielded(scope))
            break;
    }
    return earliest;
}

bool roost_cancelled(void)
{
    const struct roost_task *task = roosti_self();
    return task && (task->attn & ROOSTI_ATTN_CANCELLED);
}

/* The outermost scope of a task goes by the task's name. */
static const char *scope_label(const roost_scope *scope)
{
    return scope->priv.flags & ROOSTI_SCOPE_ROOT ? roost_task_name(scope->priv.task)
                                                 : scope->priv.label;
}

int roost_cancel_info_get(roost_cancel_info *info)
{
    const struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    const roost_scope *outermost = NULL;
    for (const roost_scope *scope = task->scope; scope; scope = scope->priv.parent) {
        if (scope->priv.flags & ROOSTI_SCOPE_CANCELLED)
            outermost = scope;
        if (scope_shielded(scope))
            break;
    }
    if (!outermost)
        return ROOST_EAGAIN;
    *info = (roost_cancel_info){.label = scope_label(outermost),
                                .reason = roost_scope_reason(outermost),
                                .task_id = outermost->priv.canceller_id_low,
                                .deadline = outermost->priv.flags & ROOSTI_SCOPE_DEADLINE};
    return 0;
}
