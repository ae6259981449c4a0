/* flow/generator.c - generators: a task that runs while it is asked.
 *
 * The task is made when it is first asked, with the task-locals of the moment the generator was
 * made. Consumer and generator then take turns:
 *
 *   consumer   next: parks                              <- woken with 1 and the item,
 *   generator  yield: copies the item, wakes it, parks     or with 0 or a code at the end
 *
 * Both park in the last call they make: a task that comes back from another stack finds every
 * return on its way mispredicted, so the shorter the way, the faster the turn.
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

/* Most items are a word. */
static inline void item_copy(void *to, const void *from, size_t size)
{
    if (size == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else if (size == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else
        memcpy(to, from, size);
}

/* -- the task ---------------------------------------------------------------------------------- */

static void gen_env_drop(roost_gen *gen)
{
    struct roosti_env *env = gen->priv.env;
    gen->priv.env = NULL;
    roosti_env_unref(env);
}

/* Its function has returned: whoever waits is told, or who comes next. */
static void gen_finish(roost_gen *gen, int rc)
{
    struct roost_task *consumer = gen->priv.consumer;
    rc = rc < 0 ? rc : 0;
    gen->priv.task = NULL;
    gen->priv.over = true;
    gen->priv.consumer = NULL;
    if (consumer)
        roosti_wake(consumer, rc);
    else
        gen->priv.rc = rc;
}

ROOST_ASYNC(gen_run, roost_gen *, gen)
{
    const roost_async_info *const *args = gen->priv.call.args;
    int rc = (*args)->entry((void *)(uintptr_t)args);
    gen_finish(gen, rc);
    return rc;
}

int roosti_gen_start(roost_gen *gen)
{
    struct roost_task *self = roosti_self();
    if (!self || !gen->priv.maker)
        return roosti_no_task();
    roost_spawn_opts opts = {.name = (*gen->priv.call.args)->name};
    struct roosti_env *own = self->env;
    self->env = gen->priv.env;
    int rc = roost_spawn(&gen->priv.group, ROOST_CALL(gen_run, gen), &opts, &gen->priv.task);
    self->env = own;
    if (rc < 0)
        return rc;
    roost_task_drop(gen->priv.task); /* it says itself when it ends */
    gen_env_drop(gen);
    return 0;
}

/* -- the consumer's side ----------------------------------------------------------------------- */

static bool gen_wait_abort(struct roost_task *consumer)
{
    roost_gen *gen = consumer->wait.on;
    gen->priv.consumer = NULL;
    return true;
}

enum { GEN_WAIT = 2 };

/* What next has to look at when the generator is not simply waiting to be asked: what it returns,
 * or GEN_WAIT. */
static __attribute__((noinline)) int gen_next_odd(roost_gen *gen, struct roost_task *self,
                                                  void *item)
{
    int rc = GEN_WAIT; /* it may be at work still for a consumer that was cancelled */
    if (gen->priv.consumer) {
        rc = gen->priv.consumer->loop == self->loop ? ROOST_EBUSY : ROOST_EXLOOP;
    } else if (gen->priv.over) {
        rc = gen->priv.rc;
        gen->priv.rc = 0;
    } else if (!gen->priv.task) {
        rc = roosti_gen_start(gen);
        rc = rc < 0 ? rc : GEN_WAIT;
    } else if (gen->priv.task == self) {
        rc = ROOST_EDEADLK;
    } else if (gen->priv.task->loop != self->loop) {
        rc = ROOST_EXLOOP;
    } else if (gen->priv.offered) {
        item_copy(item, gen->priv.offered, gen->iter.item_size);
        gen->priv.offered = NULL;
        rc = 1;
    }
    return rc;
}

/* Like a yield it is not charged to the task's turn, for it hardly ever returns without having
 * given way. */
static int gen_next(roost_iter *iter, void *item)
{
    roost_gen *gen = gen_of(iter);
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_op_refused(self);
    if (roosti_unlikely(rc < 0))
        return rc;
    struct roost_task *task = gen->priv.task;
    if (roosti_likely(gen->priv.waiting && !gen->priv.offered && !gen->priv.consumer &&
                      task->loop == self->loop)) {
        gen->priv.waiting = false;
        roosti_wake(task, 0);
    } else if ((rc = gen_next_odd(gen, self, item)) != GEN_WAIT) {
        return rc;
    }
    gen->priv.wanted = item;
    gen->priv.consumer = self;
    return roosti_park(self, gen_wait_abort, "a generator", gen);
}

static bool gen_yield_abort(struct roost_task *task)
{
    roost_gen *gen = task->wait.on;
    gen->priv.waiting = false;
    gen->priv.offered = NULL;
    return true;
}

/* -- the end ----------------------------------------------------------------------------------- */

bool roosti_gen_misnested(const roost_gen *gen)
{
    const struct roost_task *self = roosti_self();
    return gen->priv.maker && roost_group_is_open(&gen->priv.group) &&
           (self != gen->priv.maker || self->scope != &gen->priv.group.priv.scope);
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
    return gen->priv.task == self ? ROOST_EDEADLK : 0;
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
    gen->priv.over = true;
    if (gen->priv.task) {
        /* Its yield may stand in a shield, which a cancellation does not reach. */
        if (gen->priv.waiting) {
            (void)gen_yield_abort(gen->priv.task);
            roosti_wake(gen->priv.task, ROOST_ECANCELED);
        }
        roost_task_cancel(gen->priv.task, "the generator was closed");
        gen->priv.consumer = roosti_self();
        rc = roosti_park(gen->priv.consumer, NULL, "the end of a generator", gen);
    } else {
        rc = gen->priv.rc;
        gen->priv.rc = 0;
    }
    /* The group comes to the same result, with the trail of the failure. */
    if (roost_group_is_open(&gen->priv.group) && !roosti_gen_misnested(gen))
        roost_ignore(roost_group_end(&gen->priv.group, 0));
    return rc == ROOST_ECANCELED ? 0 : rc;
}

static int gen_close(roost_iter *iter)
{
    return roosti_gen_stop(gen_of(iter));
}

/* -- life -------------------------------------------------------------------------------------- */

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
    return roosti_gen_stop(gen);
}

void roost_gen_cleanup(roost_gen *gen)
{
    int rc = roost_gen_end(gen);
    roosti_require(rc != ROOST_EMISNEST,
                   "generators end innermost first, by the task that made them");
    roosti_require(rc != ROOST_EBUSY, "no task waits for a generator whose block is left");
}

/* -- the generator's side ---------------------------------------------------------------------- */

int roost_gen_yield(roost_gen *gen, const void *item)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(self != gen->priv.task))
        return ROOST_EPERM;
    int rc = roosti_op_refused(self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(gen->priv.over))
        return ROOST_ECANCELED;
    struct roost_task *consumer = gen->priv.consumer;
    if (roosti_likely(consumer != NULL)) {
        item_copy(gen->priv.wanted, item, gen->iter.item_size);
        gen->priv.consumer = NULL;
        roosti_wake(consumer, 1);
    } else {
        gen->priv.offered = item;
    }
    gen->priv.waiting = true;
    return roosti_park(self, gen_yield_abort, "being asked for an item", gen);
}
