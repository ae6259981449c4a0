/* flow/crew.c - numbered calls in a group, and the fan: such calls under one policy.
 *
 * SPDX-License-Identifier: MIT
 */
#include "flow/crew.h"

#include "rt/group.h"
#include "rt/loop.h"
#include "rt/scope.h"

/* Tasks begun in a row before they are let run. Short calls have ended by then, and the next ones
 * get their stacks, which are warm. */
enum { CREW_TURN = 64 };

static int seat_run(void *block)
{
    struct roost_impl_seat *seat = block;
    struct roost_impl_crew *crew = seat->crew;
    size_t index = seat->index;
    struct roost_task *self = roosti_self();
    /* From here on the task goes by the name of what it calls. */
    self->args = crew->calls ? (void *)(uintptr_t)crew->calls[index].args
                             : (char *)block + crew->args_offset;
    return crew->ended(crew, index, roosti_task_info(self)->entry(self->args));
}

int roosti_crew_open(struct roost_impl_crew *crew, const roost_group_opts *opts,
                     const roost_call *calls, roosti_crew_ended_fn ended)
{
    int rc = roost_group_open(&crew->group, opts);
    if (rc < 0)
        return rc;
    crew->info = (roost_async_info){
        .entry = seat_run,
        .args_size = (uint32_t)sizeof(struct roost_impl_seat),
        .args_align = (uint32_t) __alignof__(struct roost_impl_seat),
        .name = opts->label,
        .file = "",
    };
    crew->calls = calls;
    crew->begun = 0;
    crew->ended = ended;
    return 0;
}

bool roosti_crew_cancelled(const struct roost_impl_crew *crew)
{
    return crew->group.priv.scope.priv.flags & ROOSTI_SCOPE_EFFECTIVE;
}

bool roosti_crew_interrupted(const struct roost_impl_crew *crew)
{
    return crew->group.priv.interrupted;
}

int roosti_crew_go(struct roost_impl_crew *crew, struct roost_impl_seat *seat, size_t index)
{
    if (crew->begun % CREW_TURN == CREW_TURN - 1 && crew->group.priv.limit == 0) {
        int rc = roost_yield();
        if (rc < 0)
            return rc;
    }
    /* A group without a limit takes tasks when it is cancelled; here there is no use in them. */
    if (roosti_crew_cancelled(crew))
        return ROOST_ECANCELED;
    struct roost_impl_seat own;
    if (!seat)
        seat = &own;
    seat->info = &crew->info;
    seat->crew = crew;
    seat->index = index;
    int rc = roost_go(&crew->group, (roost_call){&seat->info});
    if (rc == 0)
        crew->begun++;
    return rc;
}

/* -- the fan ----------------------------------------------------------------------------------- */

static int fan_ended(struct roost_impl_crew *crew, size_t index, int rc)
{
    struct roost_impl_fan *fan = roosti_container(crew, struct roost_impl_fan, crew);
    if (fan->codes)
        fan->codes[index] = rc;
    if (--fan->running == 0 && fan->waiter) {
        struct roost_task *waiter = fan->waiter;
        fan->waiter = NULL;
        roosti_wake(waiter, 0);
    }
    if (fan->collect)
        return fan->silent ? 0 : rc;
    /* To a group a task that was cancelled is no failure; who gathers would take it for done. */
    if (rc == ROOST_ECANCELED && !roosti_crew_cancelled(crew)) {
        fan->stray = true;
        roost_group_cancel(&crew->group, "a call ended cancelled");
    }
    return rc;
}

void roosti_fan_open(struct roost_impl_fan *fan, const roost_call *calls, size_t n, int *codes,
                     const roost_group_opts *opts)
{
    fan->n = n;
    fan->index = 0;
    fan->running = 0;
    fan->batch = 0;
    fan->codes = codes;
    fan->waiter = NULL;
    fan->collect = opts->policy == ROOST_COLLECT;
    fan->silent = !opts->errors;
    fan->stray = false;
    fan->rc = roosti_crew_open(&fan->crew, opts, calls, fan_ended);
    if (fan->rc < 0) {
        fan->crew.ended = NULL; /* there is no group to end */
        return;
    }
    for (size_t i = 0; codes && i < n; i++)
        codes[i] = ROOST_ECANCELED;
}

void roosti_fan_go(struct roost_impl_fan *fan, struct roost_impl_seat *seat)
{
    size_t index = fan->index++;
    fan->running++;
    int rc = roosti_crew_go(&fan->crew, seat, index);
    if (rc == 0)
        return;
    fan->running--;
    if (rc == ROOST_ECANCELED)
        fan->rc = rc;
    else if (fan->codes)
        fan->codes[index] = rc;
}

static bool fan_abort(struct roost_task *task)
{
    ((struct roost_impl_fan *)task->wait.on)->waiter = NULL;
    return true;
}

/* Waits until no call is running. */
static int fan_drain(struct roost_impl_fan *fan)
{
    struct roost_task *self = roosti_self();
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0 || fan->running == 0)
        return rc;
    fan->waiter = self;
    return roosti_park(self, fan_abort, "end of a batch", fan);
}

bool roosti_fan_next(struct roost_impl_fan *fan)
{
    if (fan->rc == 0 && fan->batch > 0 && fan->index > 0 && fan->index < fan->n &&
        fan->index % fan->batch == 0)
        fan->rc = fan_drain(fan);
    return fan->rc == 0 && fan->index < fan->n;
}

int roosti_fan_end(struct roost_impl_fan *fan)
{
    int begun = fan->rc;
    if (!fan->crew.ended)
        return begun;
    int rc = roost_group_end(&fan->crew.group, begun);
    fan->crew.ended = NULL;
    if (fan->collect)
        return roosti_crew_interrupted(&fan->crew) || begun == ROOST_ECANCELED ? ROOST_ECANCELED
                                                                               : 0;
    return rc == 0 && fan->stray ? ROOST_ECANCELED : rc;
}
