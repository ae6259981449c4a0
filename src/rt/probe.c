/* rt/probe.c - telling observers, and letting one of them pick.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/probe.h"

#include "rt/loop.h"
#include "rt/scope.h"

/* Marks or unmarks every live task, so that its suspending calls take the slow path. */
static void probe_mark(roost_group *group, bool watched)
{
    for (roost_scope *at = &group->priv.scope; at; at = roosti_scope_next(at, &group->priv.scope)) {
        struct roost_task *task = at->priv.task;
        if (!task)
            continue;
        if (watched)
            task->attn |= ROOSTI_ATTN_PROBE;
        else
            task->attn &= ~(uint32_t)ROOSTI_ATTN_PROBE;
    }
}

static void probe_mark_all(struct roosti_loop *loop)
{
    probe_mark(&loop->main_group, loop->probe != NULL);
    probe_mark(&loop->bg_group, loop->probe != NULL);
    roosti_loop_hurry(loop);
}

void roosti_probe_add(struct roosti_loop *loop, struct roosti_probe *probe)
{
    probe->next = loop->probe;
    loop->probe = probe;
    probe_mark_all(loop);
}

void roosti_probe_remove(struct roosti_loop *loop, struct roosti_probe *probe)
{
    struct roosti_probe **at = &loop->probe;
    while (*at && *at != probe)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = probe->next;
    probe_mark_all(loop);
}

void roosti_probe_tell(struct roosti_loop *loop, enum roosti_event event, struct roost_task *task)
{
    struct roosti_probe *next;
    for (struct roosti_probe *probe = loop->probe; probe; probe = next) {
        next = probe->next;
        if (probe->event)
            probe->event(probe, loop, event, task);
    }
}

struct roost_task *roosti_probe_pick(struct roosti_loop *loop)
{
    struct roosti_probe *probe = loop->probe;
    while (probe && !probe->pick)
        probe = probe->next;
    if (!probe)
        return roosti_run_pop(loop);

    size_t count = 0;
    for (struct roost_task *task = loop->run_first; task; task = task->run_next)
        count++;
    size_t chosen = probe->pick(probe, loop, count);
    struct roost_task **at = &loop->run_first;
    for (; chosen > 0; chosen--)
        at = &(*at)->run_next;
    struct roost_task *task = *at;
    if ((*at = task->run_next) == NULL)
        loop->run_end = at;
    return task;
}
