/* flow/completed.c - calls as they end.
 *
 * A call that ends notes its number and code in the order, one entry per call, and the owner takes
 * them out from the other end. The group's scope stays the innermost one while a body runs.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/gather.h>

#include "base/mem.h"
#include "flow/crew.h"
#include "rt/loop.h"

struct roost_impl_completed {
    size_t index;
    int rc;
};

static void completion_note(roost_completion *completion, size_t index, int rc)
{
    completion->priv.order[completion->priv.ended++] = (struct roost_impl_completed){index, rc};
    struct roost_task *waiter = completion->priv.waiter;
    if (waiter) {
        completion->priv.waiter = NULL;
        roosti_wake(waiter, 0);
    }
}

/* The body has the code; to the group a call that failed has done its work. */
static int completion_ended(struct roost_impl_crew *crew, size_t index, int rc)
{
    completion_note(roosti_container(crew, roost_completion, priv.crew), index, rc);
    return 0;
}

roost_completion *roost_completion_begin(roost_completion *completion, const roost_call *calls,
                                         size_t n)
{
    *completion = (roost_completion){{.rc = ROOST_ENOMEM}};
    if (!roosti_self()) {
        completion->priv.rc = roosti_no_task();
        return completion;
    }
    completion->priv.order =
        roosti_alloc_zero(n > 0 ? n : 1, sizeof *completion->priv.order, "the order of completion");
    if (!completion->priv.order)
        return completion;
    completion->priv.rc =
        roosti_crew_open(&completion->priv.crew,
                         &(roost_group_opts){.policy = ROOST_COLLECT, .label = "as completed"},
                         calls, completion_ended);
    completion->priv.n = n;
    completion->priv.open = true;
    for (size_t i = 0; i < n && completion->priv.rc == 0; i++) {
        int rc = roosti_crew_go(&completion->priv.crew, NULL, i);
        if (rc == ROOST_ECANCELED)
            completion->priv.rc = rc;
        else if (rc < 0)
            completion_note(completion, i, rc);
    }
    return completion;
}

/* Cancels what has not ended, and waits for it. */
static int completion_end(roost_completion *completion, int rc)
{
    roost_group *group = &completion->priv.crew.group;
    completion->priv.open = false;
    if (rc < 0)
        roost_group_cancel(group, "its calls are no longer waited for");
    int end = roost_group_end(group, 0);
    roosti_require(end != ROOST_EMISNEST,
                   "scopes are left innermost first, by the task that entered them");
    roosti_free(completion->priv.order);
    completion->priv.order = NULL;
    return rc < 0 || !roosti_crew_interrupted(&completion->priv.crew) ? rc : ROOST_ECANCELED;
}

static bool completion_abort(struct roost_task *task)
{
    ((roost_completion *)task->wait.on)->priv.waiter = NULL;
    return true;
}

/* Until one has ended that has not been handed out. */
static int completion_wait(roost_completion *completion)
{
    struct roost_task *self = roosti_self();
    if (completion->priv.rc < 0)
        return completion->priv.rc;
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0 || completion->priv.taken < completion->priv.ended)
        return rc;
    completion->priv.waiter = self;
    return roosti_park(self, completion_abort, "next call to end", completion);
}

bool roost_completion_next(roost_completion *completion, size_t *index, int *result, int *ret_rc)
{
    int rc = completion->priv.rc;
    if (completion->priv.open) {
        bool all = rc == 0 && completion->priv.taken == completion->priv.n;
        rc = all ? 0 : completion_wait(completion);
        if (!all && rc == 0) {
            const struct roost_impl_completed *next =
                &completion->priv.order[completion->priv.taken++];
            *index = next->index;
            *result = next->rc;
            return true;
        }
        rc = completion_end(completion, rc);
    }
    if (rc < 0)
        *ret_rc = rc;
    return false;
}

void roost_completion_cleanup(roost_completion *completion)
{
    if (completion->priv.open)
        (void)completion_end(completion, ROOST_ECANCELED);
}
