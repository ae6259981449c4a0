/* rt/dump.c - the tree of groups, scopes and tasks in words.
 *
 *   loop 0 (uring): 3 tasks, 0 ready, 1 timer, 0 operations
 *   task 1 'main' waits: end of group
 *     group 'group': 2 live
 *       task 2 'fetch_user' waits: sleep 0.482 s; spawned by fetch_all (users.c:17)
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "rt/loop.h"
#include "rt/report.h"
#include "rt/run.h"
#include "rt/scope.h"
#include "rt/worker.h"

enum { INDENT_MAX = 40 };

static void dump_task(struct roosti_text *text, const struct roost_task *task)
{
    static const char *const states[] = {"is ready", "waits", "has finished"};
    const struct roosti_loop *loop = task->loop;
    roosti_text_add(text, "task %" PRIu64 " '%s' %s", task->id, roost_task_name(task),
                    task == loop->current ? "runs" : states[task->state]);
    if (task->state == ROOSTI_TASK_WAITING) {
        roosti_text_add(text, ": %s", task->wait.what);
        if (task->wait.what == roosti_what_thread)
            roosti_text_add(text, " '%s'",
                            ((const struct roosti_thread_wait *)task->wait.on)->name);
        if (task->timer.where != 0)
            roosti_text_add(text, " %.3f s", (double)(task->timer.due - loop->now) / 1e9);
        const struct roost_task *whom = roosti_task_awaits(task);
        if (whom)
            roosti_text_add(text, " %s task %" PRIu64 " '%s'", task->wait.whom ? "held by" : "of",
                            whom->id, roost_task_name(whom));
    }
    if (task->site)
        roosti_text_add(text, "; spawned by %s (%s:%d)", task->site->name, task->site->file,
                        task->site->line);
}

static void dump_scope(struct roosti_text *text, const roost_scope *scope)
{
    uint32_t flags = scope->priv.flags;
    if (flags & ROOSTI_SCOPE_ROOT) {
        dump_task(text, scope->priv.task);
    } else if (flags & ROOSTI_SCOPE_GROUP) {
        const roost_group *group = roosti_container(scope, roost_group, priv.scope);
        roosti_text_add(text, "group '%s': %u live", scope->priv.label, group->priv.live);
    } else {
        roosti_text_add(text, "scope '%s'%s", scope->priv.label,
                        flags & ROOSTI_SCOPE_SHIELD ? ", shielded" : "");
    }
    if (flags & ROOSTI_SCOPE_CANCELLED)
        roosti_text_add(text, "; cancelled: %s", roost_scope_reason(scope));
    else if (scope->priv.timer.where != 0)
        roosti_text_add(text, "; deadline in %.3f s",
                        (double)(scope->priv.timer.due - scope->priv.task->loop->now) / 1e9);
}

static void dump_line(int fd, int depth, const roost_scope *scope)
{
    char buf[400];
    struct roosti_text text = {.buf = buf, .size = sizeof buf - 1};
    roosti_text_add(&text, "%*s", depth * 2 < INDENT_MAX ? depth * 2 : INDENT_MAX, "");
    dump_scope(&text, scope);
    buf[text.len++] = '\n';
    roosti_host_write(fd, buf, text.len);
}

/* A group of the run itself is not shown: its tasks are the roots of the tree. */
static void dump_group(int fd, const roost_group *group)
{
    const roost_scope *top = &group->priv.scope;
    for (const roost_scope *at = roosti_scope_next(top, top); at; at = roosti_scope_next(at, top)) {
        int depth = -1;
        for (const roost_scope *up = at; up != top; up = up->priv.parent)
            depth++;
        dump_line(fd, depth, at);
    }
}

void roost_dump_tasks(int fd)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return;
    size_t ready = 0;
    for (const struct roost_task *task = loop->run_first; task; task = task->run_next)
        ready++;
    char buf[200];
    struct roosti_text text = {.buf = buf, .size = sizeof buf};
    roosti_text_add(&text,
                    "loop %d (%s): %" PRIu64 " tasks, %zu ready, %zu timers, %zu operations\n",
                    loop->index, loop->port->ops->name, roosti_tasks_live(loop), ready,
                    loop->timers.armed, loop->port->ops->in_flight(loop->port));
    roosti_host_write(fd, buf, text.len);
    dump_group(fd, &loop->main_group);
    dump_group(fd, &loop->bg_group);
    roosti_parts_dump(&loop->run->parts, fd);
}
