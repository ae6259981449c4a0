/* rt/spawn.c - making a task, running it, and what happens when it returns.
 *
 * This is the hot path of every program: a warm spawn takes a stack off a list, writes some thirty
 * words of one page and links the record twice.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "rt/env.h"
#include "rt/group.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/scope.h"
#include "rt/start.h"
#include "rt/trail.h"

enum {
    ARGS_MAX = 4096,   /* bytes of an argument block */
    COLOUR_STEP = 64,  /* stacks start at one of 16 offsets, so that their hot lines do not fall */
    COLOUR_COUNT = 16, /* into one set of the cache; more would spill onto a second page */
    COLOUR_UNIT = 1 << 18
};

/* -- the end of a task ---------------------------------------------------------------------------*/

void roosti_task_free(struct roost_task *task)
{
    roosti_fiber_unmake(&task->fiber);
    roosti_stack_put(&task->loop->stacks, task->stack_top);
}

/* The last switch of a task: to the next ready one, or to the loop's own flow. */
static _Noreturn void task_leave(struct roosti_loop *loop, struct roost_task *task)
{
    /* Tools that watch the stacks must hear of the end of this one from outside it. */
    struct roost_task *next = ROOSTI_FIBER_HOOKED ? NULL : loop->run_first;
    if (roosti_unlikely(next == NULL || --loop->budget < 0)) {
        loop->current = NULL;
        roosti_fiber_leave(&task->fiber, &loop->root);
    } else {
        (void)roosti_run_pop(loop);
        loop->current = next;
        roosti_count_switch(loop);
        next->state = ROOSTI_TASK_RUNNING;
        roosti_fiber_leave(&task->fiber, &next->fiber);
    }
    abort();
}

static void task_settle(struct roosti_loop *loop, struct roost_task *task, int rc)
{
    task->result = rc;
    task->state = ROOSTI_TASK_FINISHED;
    task->root.priv.flags |= ROOSTI_SCOPE_ENDED;
    loop->tasks_live--;
    if (roosti_unlikely(task->start)) {
        roosti_start_failed(task->start, rc);
        rc = rc < 0 ? ROOST_ECANCELED : rc;
    }
    roosti_group_finished(task->group, task, rc);
    if (roosti_unlikely(task->env))
        roosti_env_unref(task->env);
    if (roosti_unlikely(task->trail))
        roosti_trail_free(task);
}

static _Noreturn void task_finish(struct roost_task *task, int rc)
{
    struct roosti_loop *loop = task->loop;
    if (roosti_unlikely(roosti_loop_here != loop)) {
        roosti_report("task '%s' returned in a child process made by fork; a child must end with "
                      "_exit or exec",
                      roost_task_name(task));
        _Exit(125);
    }
    roosti_require(task->scope == &task->root, "a task leaves every scope and group it entered");
    if (roosti_unlikely(task->attn & ROOSTI_ATTN_PROBE))
        roosti_probe_tell(loop, ROOSTI_EVENT_FINISH, task);
    task_settle(loop, task, rc);

    if (task->joiner) {
        /* The handle is taken now: the group may end before the joiner runs. */
        task->joiner->join_result = rc;
        task->joiner->joins = NULL;
        roosti_wake(task->joiner, 0);
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
    *task->loop->errno_place = 0;
    task_finish(task, roosti_task_info(task)->entry(task->args));
}

/* -- the beginning -------------------------------------------------------------------------------*/

static __attribute__((noinline)) void *stack_refill(struct roosti_loop *loop, int *ret_rc)
{
    *ret_rc = roosti_stacks_refill(&loop->stacks);
    if (*ret_rc == ROOST_ENOSTACK) {
        char why[300];
        roosti_stacks_explain(&loop->stacks, why, sizeof why);
        (void)roost_error_note(ROOST_ENOSTACK, "%s", why);
    }
    return *ret_rc < 0 ? NULL : roosti_stack_get(&loop->stacks);
}

static inline void words_copy(void *to, const void *from, size_t size)
{
    uint64_t *out = to;
    const uint64_t *in = from;
    for (size_t i = 0; i < size / sizeof *in; i++)
        out[i] = in[i];
}

/* Cuts the record and the argument block from the top of a slot. */
static inline struct roost_task *task_lay_out(char *top, const roost_async_info *info)
{
    size_t colour = (uintptr_t)top / COLOUR_UNIT % COLOUR_COUNT * COLOUR_STEP;
    struct roost_task *task =
        (void *)(top - colour - ((sizeof(struct roost_task) + 63) & ~(size_t)63));
    size_t align = info->args_align > 16 ? info->args_align : 16;
    task->args = (void *)(((uintptr_t)task - info->args_size) & ~(uintptr_t)(align - 1));
    task->stack_top = top;
    return task;
}

int roosti_task_new(struct roosti_loop *loop, roost_group *group, roost_call call,
                    struct roost_task **ret_task)
{
    const roost_async_info *info = *call.args;
    if (roosti_unlikely(info->args_size > ARGS_MAX))
        return ROOST_EINVAL;
    void *top = roosti_stack_get(&loop->stacks);
    int rc;
    if (roosti_unlikely(!top) && !(top = stack_refill(loop, &rc)))
        return rc;

    struct roost_task *task = task_lay_out(top, info);
    words_copy(task->args, call.args, info->args_size);
    struct roost_task *self = loop->current;
    task->loop = loop;
    task->errno_kept = 0;
    task->state = ROOSTI_TASK_NEW;
    task->kept = false;
    task->started = false;
    task->soft_waiting = false;
    task->refusals = 0;
    task->wait.abort = NULL;
    task->timer.where = 0;
    task->id = ++loop->task_ids;
    task->group = group;
    task->joiner = NULL;
    task->joins = NULL;
    task->start = NULL;
    task->env = self ? roosti_env_ref(self->env) : NULL;
    task->trail = NULL;
    task->site = self ? roosti_task_info(self) : NULL;
    task->name[0] = '\0';
    task->attn = loop->probe ? ROOSTI_ATTN_PROBE : 0;
    task->root.priv.flags = ROOSTI_SCOPE_ROOT;
    task->root.priv.within = ROOST_FOREVER;
    task->root.priv.reason = "";
    task->root.priv.label = info->name;
    task->root.priv.timer.where = 0;
    roosti_scope_push(task, &task->root, &group->priv.scope);
    roosti_fiber_make(&task->fiber, (char *)top - loop->stacks.slot_size + loop->stacks.guard_size,
                      top, (void *)((uintptr_t)task->args & ~(uintptr_t)15), task_entry, task);

    roosti_group_link(group, task);
    loop->tasks_live++;
    roosti_run_push(loop, task);
    if (roosti_unlikely(task->attn & ROOSTI_ATTN_PROBE))
        roosti_probe_tell(loop, ROOSTI_EVENT_SPAWN, task);
    *ret_task = task;
    return 0;
}
