/* flow/wait.c - waiting for tasks by their handles, several at once.
 *
 * Nobody else keeps a handle from being joined meanwhile, and its task is gone then. So a look-out
 * is posted on each task before anything gives way: it hangs on the list of what has to be told
 * when the task ends, and notes the result there and then. Afterwards only those tasks are touched
 * whose look-outs have seen nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#include <limits.h>

#include <roost/gather.h>

#include "base/mem.h"
#include "rt/group.h"
#include "rt/held.h"
#include "rt/loop.h"

enum { LOOKOUTS_NEAR = 16 }; /* so many lie in the caller's frame */

struct lookout {
    struct roost_impl_held held;
    struct muster *muster;
    struct roost_task *task;
    bool over;  /* has finished */
    bool taken; /* was finished at first, and this place takes the handle */
};

/* The tasks somebody waits for. */
struct muster {
    struct roost_task *self;
    struct lookout *posts;
    size_t n;
    size_t over;
    bool parked;
    int first_error;
    enum roost_wait_mode mode; /* roost_wait */
    int *results;              /* roost_gather_tasks; n codes or NULL */
    bool fail_fast;
    bool cancelled; /* the others have been, by this call */
    bool interrupted;
};

static bool is_failure(int rc)
{
    return rc < 0 && rc != ROOST_ECANCELED;
}

/* Whether roost_wait has what it waits for. */
static bool wait_is_over(const struct muster *muster)
{
    if (muster->over == muster->n)
        return true;
    return muster->mode == ROOST_WAIT_ANY           ? muster->over > 0
           : muster->mode == ROOST_WAIT_FIRST_ERROR ? muster->first_error < 0
                                                    : false;
}

static void muster_wake(struct muster *muster)
{
    if (!muster->parked)
        return;
    muster->parked = false;
    roosti_wake(muster->self, 0);
}

/* 0 or why these handles cannot be waited for. */
static int muster_check(const struct roost_task *self, roost_task *const *tasks, size_t n, bool all)
{
    for (size_t i = 0; i < n; i++) {
        const struct roost_task *task = tasks[i];
        if (!task)
            return ROOST_EINVAL;
        if (task->loop != self->loop)
            return ROOST_EXLOOP;
        roosti_require(task->kept, "a task is waited for by its handle, before that is joined");
        if (task == self)
            return ROOST_EDEADLK;
        if (!all || task->state == ROOSTI_TASK_FINISHED)
            continue;
        if (roosti_task_depends(task, self))
            return ROOST_EDEADLK;
        for (const struct roost_task *at = self; at; at = at->group->priv.owner)
            if (at == task)
                return ROOST_EDEADLK;
    }
    return 0;
}

static int muster_init(struct muster *muster, struct lookout *near, size_t n)
{
    muster->posts = near;
    muster->n = n;
    if (n > INT_MAX)
        return ROOST_EINVAL;
    if (n > LOOKOUTS_NEAR)
        muster->posts = roosti_alloc_zero(n, sizeof *near, "look-outs for tasks that end");
    return muster->posts ? 0 : ROOST_ENOMEM;
}

static void muster_fini(struct muster *muster)
{
    /* The newest hangs in front, where two of them hang on one task. */
    for (size_t i = muster->n; i-- > 0;)
        if (!muster->posts[i].over)
            roosti_held_remove(muster->posts[i].task, &muster->posts[i].held);
    if (muster->n > LOOKOUTS_NEAR)
        roosti_free(muster->posts);
}

static void muster_post(struct muster *muster, size_t i, struct roost_task *task,
                        void (*seen)(struct roost_impl_held *held))
{
    muster->posts[i] = (struct lookout){.held = {.orphan = seen}, .muster = muster, .task = task};
    roosti_held_push(task, &muster->posts[i].held);
}

/* -- roost_wait -------------------------------------------------------------------------------- */

static void wait_count(struct muster *muster, int result)
{
    muster->over++;
    if (is_failure(result))
        muster->first_error = result;
}

static void wait_seen(struct roost_impl_held *held)
{
    struct lookout *post = roosti_container(held, struct lookout, held);
    post->over = true;
    wait_count(post->muster, post->task->result);
    if (wait_is_over(post->muster))
        muster_wake(post->muster);
}

static bool muster_abort(struct roost_task *self)
{
    ((struct muster *)self->wait.on)->parked = false;
    return true;
}

int roost_wait(roost_task *const *tasks, size_t n, enum roost_wait_mode mode)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if ((unsigned)mode > ROOST_WAIT_FIRST_ERROR || n > INT_MAX)
        return ROOST_EINVAL;
    int rc = muster_check(self, tasks, n, mode == ROOST_WAIT_ALL);
    if (rc == 0)
        rc = roosti_op_refused(self);
    if (rc < 0)
        return rc;
    struct muster muster = {.self = self, .n = n, .mode = mode};
    for (size_t i = 0; i < n; i++)
        if (tasks[i]->state == ROOSTI_TASK_FINISHED)
            wait_count(&muster, tasks[i]->result);
    if (wait_is_over(&muster)) {
        roosti_op_charge(self->loop, self);
        return (int)muster.over;
    }

    struct lookout near[LOOKOUTS_NEAR];
    rc = muster_init(&muster, near, n);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < n; i++) {
        if (tasks[i]->state == ROOSTI_TASK_FINISHED)
            muster.posts[i] = (struct lookout){.over = true};
        else
            muster_post(&muster, i, tasks[i], wait_seen);
    }
    muster.parked = true;
    rc = roosti_park(self, muster_abort, "tasks to finish", &muster);
    muster_fini(&muster);
    return rc < 0 ? rc : (int)muster.over;
}

/* -- roost_gather_tasks ------------------------------------------------------------------------ */

static void gather_cancel(struct muster *muster, const char *reason)
{
    muster->cancelled = true;
    for (size_t i = 0; i < muster->n; i++)
        if (!muster->posts[i].over)
            roost_task_cancel(muster->posts[i].task, reason);
}

static void gather_note(struct muster *muster, size_t i, int result)
{
    muster->over++;
    if (muster->results)
        muster->results[i] = result;
    /* What this call has cancelled itself is no failure. */
    if (result < 0 && muster->first_error == 0 && (result != ROOST_ECANCELED || !muster->cancelled))
        muster->first_error = result;
}

static void gather_fail_fast(struct muster *muster)
{
    if (muster->fail_fast && muster->first_error < 0 && !muster->cancelled)
        gather_cancel(muster, "a task gathered with this one failed");
}

static void gather_seen(struct roost_impl_held *held)
{
    struct lookout *post = roosti_container(held, struct lookout, held);
    struct muster *muster = post->muster;
    post->over = true;
    /* The handle is taken now, unless somebody has joined the task meanwhile. */
    if (!post->task->joiner)
        post->task->kept = false;
    gather_note(muster, (size_t)(post - muster->posts), post->task->result);
    gather_fail_fast(muster);
    if (muster->over == muster->n)
        muster_wake(muster);
}

static bool gather_abort(struct roost_task *self)
{
    struct muster *muster = self->wait.on;
    muster->interrupted = true;
    gather_cancel(muster, "who gathers was cancelled");
    return false;
}

/* Posts the look-outs, and takes what has finished. */
static void gather_muster(struct muster *muster, roost_task *const *tasks)
{
    for (size_t i = 0; i < muster->n; i++) {
        struct roost_task *task = tasks[i];
        if (task->state != ROOSTI_TASK_FINISHED) {
            muster_post(muster, i, task, gather_seen);
            continue;
        }
        muster->posts[i] = (struct lookout){.task = task, .over = true, .taken = task->kept};
        task->kept = false;
        gather_note(muster, i, task->result);
    }
    for (size_t i = 0; i < muster->n; i++) {
        if (!muster->posts[i].taken)
            continue;
        roosti_group_unlink(tasks[i]->group, tasks[i]);
        roosti_task_free(tasks[i]);
    }
}

static int gather_settle(const struct muster *muster)
{
    if (muster->fail_fast && muster->first_error < 0)
        return muster->first_error;
    return muster->interrupted ? ROOST_ECANCELED : 0;
}

int roost_gather_tasks(roost_task *const *tasks, size_t n, int *results,
                       const roost_gather_opts *opts)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = muster_check(self, tasks, n, true);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (tasks[i]->joiner)
            rc = ROOST_EBUSY;
    if (rc < 0)
        return rc;
    struct lookout near[LOOKOUTS_NEAR];
    struct muster muster = {
        .self = self, .results = results, .fail_fast = !opts || opts->policy == ROOST_FAIL_FAST};
    rc = muster_init(&muster, near, n);
    if (rc < 0)
        return rc;
    gather_muster(&muster, tasks);
    gather_fail_fast(&muster);
    if (roosti_op_begin(self->loop, self) < 0) {
        muster.interrupted = true;
        gather_cancel(&muster, "who gathers was cancelled");
    }
    if (muster.over < n) {
        muster.parked = true;
        (void)roosti_park(self, muster.interrupted ? NULL : gather_abort, "tasks to finish",
                          &muster);
    }
    muster_fini(&muster);
    return gather_settle(&muster);
}
