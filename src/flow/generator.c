/* flow/generator.c - generators: a task that runs while it is asked.
 *
 * The task is made when it is first asked; its function's own name, arguments and task-locals
 * (those of the moment the generator was made) are its. Consumer and generator then take turns:
 *
 *   consumer   next: parks, as the one who joins the task      <- woken with 1 and the item, or
 * with generator  yield: copies the item, wakes it, parks            0 when the task has ended
 *
 * Being its joiner, the consumer learns of the task's end by the same means as roost_join does, and
 * no code of ours has to run in the generator's task when its function returns.
 *
 * A consumer that is cancelled leaves the generator working; the item it then offers stays in its
 * frame until somebody asks. So nothing is lost, and nothing is computed ahead but that one item.
 *
 * The group is entered when the generator is made, so that a deadline around a single next is no
 * deadline of the generator. It can only be left when it is the innermost again: closing the
 * iterator joins the task wherever it is called, and leaves the group there only when it can.
 *
 * SPDX-License-Identifier: MIT
 */
#include "flow/generator.h"

#include <string.h>

#include "rt/env.h"
#include "rt/loop.h"
#include "rt/report.h"

static roost_gen *gen_of(roost_iter *iter)
{
    return roosti_container(iter, roost_gen, iter);
}

/* -- the consumer's side ------------------------------------------------------------------------
 */

static void gen_env_drop(roost_gen *gen)
{
    struct roosti_env *env = gen->priv.env;
    gen->priv.env = NULL;
    roosti_env_unref(env);
}

int roosti_gen_start(roost_gen *gen)
{
    struct roost_task *self = roosti_self();
    if (!self || !gen->priv.maker)
        return roosti_no_task();
    struct roosti_env *own = self->env;
    self->env = gen->priv.env;
    int rc = roost_spawn(&gen->priv.group, gen->priv.call, NULL, &gen->priv.task);
    self->env = own;
    if (rc == 0)
        gen_env_drop(gen);
    return rc;
}

bool roosti_gen_misnested(const roost_gen *gen)
{
    const struct roost_task *self = roosti_self();
    return gen->priv.maker && roost_group_is_open(&gen->priv.group) &&
           (self != gen->priv.maker || self->scope != &gen->priv.group.priv.scope);
}

/* The generator has returned: its group is left where that is possible, and what it failed with is
 * told. The group's own result says the same. */
static int gen_settle(roost_gen *gen, int result)
{
    gen->priv.task = NULL;
    gen->priv.over = true;
    if (!roosti_gen_misnested(gen))
        roost_ignore(roost_group_end(&gen->priv.group, 0));
    return result;
}

/* The same for a task that has finished while nobody waited. */
static int gen_settle_finished(roost_gen *gen)
{
    int result = gen->priv.task->result;
    roost_task_drop(gen->priv.task);
    return gen_settle(gen, result);
}

static bool gen_next_abort(struct roost_task *consumer)
{
    roost_gen *gen = consumer->wait.on;
    gen->priv.task->joiner = NULL;
    return true;
}

/* Parks until the generator yields or ends. */
static inline int gen_ask(roost_gen *gen, struct roost_task *self, void *item)
{
    struct roost_task *task = gen->priv.task;
    if (gen->priv.waiting) {
        gen->priv.waiting = false;
        roosti_wake(task, 0);
    }
    gen->priv.wanted = item;
    gen->priv.consumer = self;
    task->joiner = self;
    int rc = roosti_park(self, gen_next_abort, "a generator", gen);
    gen->priv.consumer = NULL;
    if (roosti_likely(rc != 0))
        return rc;
    int result = gen_settle(gen, self->join_result);
    return result < 0 ? result : 0;
}

static int gen_next(roost_iter *iter, void *item)
{
    roost_gen *gen = gen_of(iter);
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(gen->priv.consumer != NULL))
        return gen->priv.consumer->loop == self->loop ? ROOST_EBUSY : ROOST_EXLOOP;
    if (roosti_unlikely(gen->priv.over))
        return 0;
    if (roosti_unlikely(!gen->priv.task) && (rc = roosti_gen_start(gen)) < 0)
        return rc;
    const struct roost_task *task = gen->priv.task;
    if (roosti_unlikely(task == self))
        return ROOST_EDEADLK;
    if (roosti_unlikely(task->loop != self->loop))
        return ROOST_EXLOOP;
    if (roosti_unlikely(gen->priv.offered != NULL)) {
        memcpy(item, gen->priv.offered, iter->item_size);
        gen->priv.offered = NULL;
        return 1;
    }
    if (roosti_unlikely(task->state == ROOSTI_TASK_FINISHED)) {
        rc = gen_settle_finished(gen);
        return rc < 0 ? rc : 0;
    }
    return gen_ask(gen, self, item);
}

/* Why the running task cannot stop the generator: 0 when it can. */
static int gen_stop_refused(const roost_gen *gen)
{
    const struct roost_task *self = roosti_self();
    if (gen->priv.consumer)
        return ROOST_EBUSY;
    if (!gen->priv.task)
        return 0;
    if (!self)
        return roosti_no_task();
    if (gen->priv.task->loop != self->loop)
        return ROOST_EXLOOP;
    if (gen->priv.task == self)
        return ROOST_EDEADLK;
    return 0;
}

/* Waits for the end of the generator's task, which has been cancelled; what it came to. */
static int gen_join(roost_gen *gen, struct roost_task *self)
{
    if (gen->priv.task->state == ROOSTI_TASK_FINISHED)
        return gen_settle_finished(gen);
    gen->priv.consumer = self;
    gen->priv.task->joiner = self;
    (void)roosti_park(self, NULL, "the end of a generator", gen);
    gen->priv.consumer = NULL;
    return gen_settle(gen, self->join_result);
}

int roosti_gen_stop(roost_gen *gen)
{
    int rc = gen_stop_refused(gen);
    if (rc < 0) {
        if (roosti_loop_here && roosti_loop_here->debug > 0)
            roosti_report("a generator was closed while it is in use: %s", roost_error_text(rc));
        return rc;
    }
    gen_env_drop(gen);
    if (gen->priv.task) {
        gen->priv.over = true;
        roost_task_cancel(gen->priv.task, "the generator was closed");
        rc = gen_join(gen, roosti_self());
    } else if (!gen->priv.over) {
        (void)gen_settle(gen, 0);
    }
    return rc < 0 && rc != ROOST_ECANCELED ? rc : 0;
}

static int gen_close(roost_iter *iter)
{
    return roosti_gen_stop(gen_of(iter));
}

/* -- life ---------------------------------------------------------------------------------------
 */

roost_gen *roost_gen_open(roost_gen *gen, size_t item_size, roost_call call)
{
    static const roost_iter_ops ops = {gen_next, gen_close};
    static const roost_group_opts group_opts = {.policy = ROOST_COLLECT, .label = "generator"};
    struct roost_task *self = roosti_self();
    memset(&gen->priv, 0, offsetof(roost_gen, priv.group) - offsetof(roost_gen, priv));
    roost_iter_init(&gen->iter, &ops, item_size);
    gen->priv.call = call;
    if (roost_group_begin(&gen->priv.group, &group_opts) && self) {
        gen->priv.maker = self;
        gen->priv.env = roosti_env_ref(self->env);
    }
    return gen;
}

int roost_gen_end(roost_gen *gen)
{
    if (roosti_gen_misnested(gen)) {
        if (roosti_loop_here && roosti_loop_here->debug > 0)
            roosti_report("a generator was ended out of order: %s",
                          roost_error_text(ROOST_EMISNEST));
        return ROOST_EMISNEST;
    }
    int rc = roosti_gen_stop(gen);
    if (!gen->priv.task && roost_group_is_open(&gen->priv.group))
        roost_ignore(roost_group_end(&gen->priv.group, 0));
    return rc;
}

void roost_gen_cleanup(roost_gen *gen)
{
    int rc = roost_gen_end(gen);
    roosti_require(rc != ROOST_EMISNEST,
                   "generators end innermost first, by the task that made them");
    roosti_require(rc != ROOST_EBUSY, "no task waits for a generator whose block is left");
}

/* -- the generator's side -----------------------------------------------------------------------
 */

static bool gen_yield_abort(struct roost_task *task)
{
    roost_gen *gen = task->wait.on;
    gen->priv.waiting = false;
    gen->priv.offered = NULL;
    return true;
}

int roost_gen_yield(roost_gen *gen, const void *item)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(self != gen->priv.task))
        return ROOST_EPERM;
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(gen->priv.over))
        return ROOST_ECANCELED;
    struct roost_task *consumer = self->joiner;
    if (roosti_likely(consumer != NULL)) {
        memcpy(gen->priv.wanted, item, gen->iter.item_size);
        self->joiner = NULL;
        roosti_wake(consumer, 1);
    } else {
        gen->priv.offered = item;
    }
    gen->priv.waiting = true;
    return roosti_park(self, gen_yield_abort, "being asked for an item", gen);
}
