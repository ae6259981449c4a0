/* rt/spawn.c - making a task, running it, and what happens when it returns.
 *
 * This is the hot path of every program: a warm spawn takes a stack off a list, writes some thirty
 * words of one page and links the record twice.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "rt/env.h"
#include "rt/group.h"
#include "rt/held.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/scope.h"
#include "rt/start.h"
#include "rt/trail.h"

enum {
    COLOUR_STEP = 64,  /* stacks start at one of 16 offsets, so that their hot lines do not fall */
    COLOUR_COUNT = 16, /* into one set of the cache; more would spill onto a second page */
    COLOUR_UNIT = 1 << 18
};

/* -- the end of a task ------------------------------------------------------------------------- */

void roosti_task_free(struct roost_task *task)
{
    roosti_assert(!task->joiner && !task->start && !task->trail);
    roosti_assert(task->scope == &task->root && !task->root.priv.inner);
    roosti_assert(task->timer.where == 0 && task->root.priv.timer.where == 0);
    roosti_fiber_unmake(&task->fiber);
    roosti_stack_put(&task->loop->stacks, task->stack_top);
}

/* The last switch of a task: to the next ready one, or to the loop's own flow. Nothing runs after
 * it, and it must be the last call of everything it is inlined into: see roosti_fiber_drop. */
static inline void task_leave(struct roosti_loop *loop, struct roost_task *task)
{
    /* Tools that watch the stacks must hear of the end of this one from outside it. */
    struct roost_task *next = ROOSTI_FIBER_HOOKED ? NULL : loop->run_first;
    if (roosti_unlikely(next == NULL || --loop->budget < 0)) {
        loop->current = NULL;
        roosti_fiber_leave(&task->fiber, &loop->root, 0);
    } else {
        (void)roosti_run_pop(loop);
        roosti_run_begin(loop, next);
        roosti_fiber_leave(&task->fiber, &next->fiber, next->wake_rc);
    }
}

/* ROOST_ECANCELED counts as no failure: where nothing was cancelled nobody would hear of it, unless
 * somebody holds the handle and reads it. */
static __attribute__((noinline)) void task_stray(const struct roost_task *task)
{
    if (task->kept || (task->root.priv.flags & (ROOSTI_SCOPE_CANCELLED | ROOSTI_SCOPE_EFFECTIVE)) ||
        roosti_scope_outer_cancelled(&task->root))
        return;
    roosti_report("stray cancellation: task '%s' (%" PRIu64
                  ") returned ROOST_ECANCELED, and nothing "
                  "there is cancelled; its group takes that for no failure",
                  roost_task_name(task), task->id);
}

static void task_settle(struct roosti_loop *loop, struct roost_task *task, int rc)
{
    task->result = rc;
    task->state = ROOSTI_TASK_FINISHED;
    task->root.priv.flags |= ROOSTI_SCOPE_ENDED;
    if (roosti_unlikely(task->root.priv.timer.where != 0))
        roosti_timer_cancel(&loop->timers, &task->root.priv.timer);
    loop->tasks_ended++;
    if (roosti_unlikely(task->held))
        roosti_held_orphan(task);
    if (roosti_unlikely(task->start)) {
        roosti_start_failed(task->start, rc);
        task->start = NULL;
        rc = rc < 0 ? ROOST_ECANCELED : rc;
    } else if (roosti_unlikely(rc == ROOST_ECANCELED && loop->debug > 0)) {
        task_stray(task);
    }
    if (roosti_unlikely(rc < 0 && rc != ROOST_ECANCELED))
        roosti_group_fail(task->group, task, rc, "a task of the group failed");
    roosti_group_place_give(task->group);
    if (roosti_unlikely(task->env)) {
        struct roosti_env *env = task->env;
        task->env = NULL; /* what drops a value may ask for others */
        roosti_env_unref(env);
    }
    if (roosti_unlikely(task->trail))
        roosti_trail_free(task);
}

static inline void task_finish(struct roost_task *task, int rc)
{
    struct roosti_loop *loop = task->loop;
    if (roosti_unlikely(roosti_loop_here != loop)) {
        roosti_report("task '%s' returned in a child process made by fork; a child must end with "
                      "_exit or exec",
                      roost_task_name(task));
        _Exit(125);
    }
    if (roosti_unlikely(task->scope != &task->root)) {
        roosti_report("task '%s' (%" PRIu64
                      ") returned inside a scope, a group or a portal that it "
                      "has opened and not ended",
                      roost_task_name(task), task->id);
        roosti_require(false, "a task leaves every scope and group it entered");
    }
    if (roosti_unlikely(task->attn & ROOSTI_ATTN_PROBE))
        roosti_probe_tell(loop, ROOSTI_EVENT_FINISH, task);
    task_settle(loop, task, rc);

    if (task->joiner) {
        /* The handle is taken now: the group may end before the joiner runs. */
        task->joiner->join_result = rc;
        roosti_wake(task->joiner, 0);
        task->joiner = NULL;
        task->kept = false;
    }
    if (!task->kept) {
        roosti_group_unlink(task->group, task);
        if (ROOSTI_FIBER_HOOKED)
            loop->leaving = task;
        else
            roosti_task_free(task);
    }
    task_leave(loop, task);
}

static void task_entry(void *arg)
{
    struct roost_task *task = arg;
    roosti_fiber_entered(&task->fiber);
    task_finish(task, roosti_task_info(task)->entry(task->args));
}

/* -- the beginning ----------------------------------------------------------------------------- */

/* Apart from task_new, whose frame then holds nothing that a stack protector would guard. */
static __attribute__((noinline)) int stack_refill(struct roosti_loop *loop)
{
    int rc = roosti_stacks_refill(&loop->stacks);
    if (rc == ROOST_ENOSTACK) {
        char why[300];
        roosti_stacks_explain(&loop->stacks, why, sizeof why);
        (void)roost_error_note(ROOST_ENOSTACK, "%s", why);
    }
    return rc;
}

typedef uint64_t aliasing_word __attribute__((may_alias));

/* A block of a few words, one by one: vector code would cost more than it saves. */
static inline void words_copy(void *to, const void *from, size_t size)
{
    aliasing_word *out = to;
    const aliasing_word *in = from;
    for (size_t i = 0; i < size / sizeof *in; i++) {
        out[i] = in[i];
        __asm__ volatile("" ::: "memory");
    }
}

static inline struct roost_task *record_at(char *top)
{
    size_t colour = (uintptr_t)top / COLOUR_UNIT % COLOUR_COUNT * COLOUR_STEP;
    return (void *)(top - colour - ((sizeof(struct roost_task) + 63) & ~(size_t)63));
}

const struct roost_task *roosti_task_at(const void *top)
{
    const struct roost_task *task = record_at((char *)(uintptr_t)top);
    return task->stack_top == top ? task : NULL;
}

/* Cuts the record and the argument block from the top of a slot. */
static inline struct roost_task *task_lay_out(char *top, const roost_async_info *info)
{
    struct roost_task *task = record_at(top);
    uintptr_t align = info->args_align > 16 ? info->args_align : 16;
    task->args = (void *)(((uintptr_t)task - info->args_size) & ~(align - 1));
    return task;
}

/* A record on a page fresh from the kernel, all zero. What is set here, and every zero that
 * task_new does not write, still holds when the task has ended: a warm slot begins without it. */
static __attribute__((noinline)) void task_construct(struct roosti_loop *loop,
                                                     struct roost_task *task, void *top)
{
    *task = (struct roost_task){.loop = loop,
                                .scope = &task->root,
                                .args = task->args,
                                .stack_top = top,
                                .root.priv.task = task};
}

static inline int task_new(struct roosti_loop *loop, roost_group *group, roost_call call,
                           struct roost_task **ret_task)
{
    const roost_async_info *info = *call.args;
    if (roosti_unlikely(info->args_size > ROOSTI_ARGS_MAX))
        return ROOST_EINVAL;
    /* Most stacks come from the free list, which asks nobody; a test must see each spawn fail. */
    if (roosti_unlikely(loop->probe != NULL) && !roosti_may_take("stack of a task"))
        return ROOST_ENOMEM;
    void *top;
    while (roosti_unlikely(!(top = roosti_stack_get(&loop->stacks)))) {
        int rc = stack_refill(loop);
        if (rc < 0)
            return rc;
    }

    struct roost_task *task = task_lay_out(top, info);
    if (roosti_unlikely(task->loop != loop))
        task_construct(loop, task, top);
    words_copy(task->args, call.args, info->args_size);
    struct roost_task *self = loop->current;
    task->errno_kept = 0;
    task->wake_rc = 0;
    task->state = ROOSTI_TASK_READY;
    task->kept = false;
    task->started = false;
    task->soft_waiting = false;
    task->refusals = 0;
    task->id = ++loop->task_ids;
    task->group = group;
    task->env = self ? roosti_env_ref(self->env) : NULL;
    task->site = self ? roosti_task_info(self) : NULL;
    task->name[0] = '\0';

    uint32_t effective = group->priv.scope.priv.flags & ROOSTI_SCOPE_EFFECTIVE;
    task->attn = effective | (loop->probe ? (uint32_t)ROOSTI_ATTN_PROBE : 0u);
    task->root.priv.flags = ROOSTI_SCOPE_ROOT | ROOSTI_SCOPE_OPEN | effective;
    task->root.priv.parent = &group->priv.scope;
    roosti_fiber_make(&task->fiber, (char *)top - loop->stacks.slot_size + loop->stacks.guard_size,
                      top, (void *)((uintptr_t)task->args & ~(uintptr_t)15), task_entry, task);

    roosti_group_link(group, task);
    roosti_run_push(loop, task);
    if (roosti_unlikely(task->attn & ROOSTI_ATTN_PROBE))
        roosti_probe_tell(loop, ROOSTI_EVENT_SPAWN, task);
    *ret_task = task;
    return 0;
}

int roosti_task_new(struct roosti_loop *loop, roost_group *group, roost_call call,
                    struct roost_task **ret_task)
{
    return task_new(loop, group, call, ret_task);
}

/* -- into a group ------------------------------------------------------------------------------ */

static bool spawn_wait_abort(struct roost_task *task)
{
    roost_group *group = task->wait.on;
    roosti_waitq_remove(&group->priv.waiters, task->wait.waiter);
    return true;
}

/* Waits for a place among the live tasks of a group that is at its limit. */
static __attribute__((noinline)) int spawn_wait(struct roost_task *task, roost_group *group)
{
    int rc = roosti_op_begin(task->loop, task);
    if (rc < 0)
        return rc;
    /* This task may have given way: a place that became free meanwhile was promised to nobody. */
    if (group->priv.state != ROOSTI_GROUP_OPEN)
        return ROOST_EFINISHED;
    if (roosti_group_place_take(group))
        return 0;
    struct roost_impl_waiter waiter = {.task = task};
    return roosti_waitq_park(&group->priv.waiters, &waiter, spawn_wait_abort, "room in group",
                             group);
}

/* Makes a task in a group that has room, or waits until it has. */
static inline int spawn(roost_group *group, roost_call call, const roost_spawn_opts *opts,
                        struct roost_task **ret_task)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(group->priv.state != ROOSTI_GROUP_OPEN))
        return group->priv.state == ROOSTI_GROUP_DEAD ? ROOST_ENOCTX : ROOST_EFINISHED;
    if (roosti_unlikely(group->priv.owner && group->priv.owner->loop != self->loop))
        return ROOST_EXLOOP;
    if (roosti_unlikely(!roosti_group_place_take(group))) {
        int rc = spawn_wait(self, group);
        if (rc < 0)
            return rc;
    }
    int rc = task_new(self->loop, group, call, ret_task);
    if (roosti_unlikely(rc < 0)) {
        roosti_group_place_give(group);
        return rc;
    }
    if (roosti_unlikely(opts && opts->name))
        roosti_task_set_name(*ret_task, opts->name);
    return 0;
}

int roost_spawn(roost_group *group, roost_call call, const roost_spawn_opts *opts,
                roost_task **ret_task)
{
    struct roost_task *task = NULL;
    int rc = spawn(group, call, opts, &task);
    if (rc == 0 && ret_task) {
        task->kept = true;
        *ret_task = task;
    }
    return rc;
}

int roost_go(roost_group *group, roost_call call)
{
    struct roost_task *task = NULL;
    int rc = spawn(group, call, NULL, &task);
    if (roosti_unlikely(rc < 0 && rc != ROOST_ECANCELED && group->priv.state == ROOSTI_GROUP_OPEN))
        roosti_group_fail(group, NULL, rc, "a task of the group could not be started");
    return rc;
}
