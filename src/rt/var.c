/* rt/var.c - task-locals.
 *
 * Capturing them at spawn is one reference. The list holds each variable once: setting one that
 * others see as well makes a new node in front and copies those that stood before the old one; what
 * came after is shared. Values are counted on their own, since several lists may hold one.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/var.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/env.h"
#include "rt/loop.h"
#include "rt/worker.h"

struct roosti_env_value {
    const roost_var *var;
    void *value;
    uint32_t refs; /* atomic */
};

static void value_unref(struct roosti_env_value *held)
{
    if (roosti_atomic_sub(&held->refs, 1, ROOSTI_ACQ_REL) != 1)
        return;
    if (held->var->drop && held->value)
        held->var->drop(held->value);
    roosti_free(held);
}

void roosti_env_unref(struct roosti_env *env)
{
    while (env && roosti_atomic_sub(&env->refs, 1, ROOSTI_ACQ_REL) == 1) {
        struct roosti_env *outer = env->outer;
        value_unref(env->held);
        roosti_free(env);
        env = outer;
    }
}

static struct roosti_env *env_find(struct roosti_env *env, const roost_var *var)
{
    while (env && env->held->var != var)
        env = env->outer;
    return env;
}

/* Whether only this task sees the list down to `node`, and nobody else its value. */
static bool env_owns(const struct roosti_env *env, const struct roosti_env *node)
{
    for (;; env = env->outer) {
        if (roosti_atomic_load(&env->refs, ROOSTI_ACQUIRE) != 1)
            return false;
        if (env == node)
            return roosti_atomic_load(&node->held->refs, ROOSTI_ACQUIRE) == 1;
    }
}

/* A node in front of `outer`, whose reference it takes, with a reference of its own to the value.
 */
static struct roosti_env *env_node(struct roosti_env_value *held, struct roosti_env *outer)
{
    struct roosti_env *env = roosti_alloc(sizeof *env, "a task-local");
    if (!env)
        return NULL;
    roosti_atomic_add(&held->refs, 1, ROOSTI_RELAXED);
    *env = (struct roosti_env){.outer = outer, .held = held, .refs = 1};
    return env;
}

/* A list with `held` in place of `old` (NULL: of nothing). NULL: no memory, nothing changed. */
static struct roosti_env *env_with(struct roosti_env *env, const struct roosti_env *old,
                                   struct roosti_env_value *held)
{
    struct roosti_env *made = roosti_env_ref(old ? old->outer : env);
    for (const struct roosti_env *at = env; old && at != old; at = at->outer) {
        struct roosti_env *copy = env_node(at->held, made);
        if (!copy) {
            roosti_env_unref(made);
            return NULL;
        }
        made = copy;
    }
    struct roosti_env *front = env_node(held, made);
    if (!front)
        roosti_env_unref(made);
    return front;
}

/* The list that is in force on this thread: of a task, or of the call a thread makes for one. NULL:
 * there is neither. */
static struct roosti_env **env_here(void)
{
    struct roost_task *task = roosti_self();
    if (roosti_likely(task))
        return &task->env;
    return roosti_worker_here ? &roosti_worker_here->env : NULL;
}

int roost_var_set(const roost_var *var, void *value)
{
    struct roosti_env **here = env_here();
    if (!here)
        return roosti_no_task();
    struct roosti_env *old = env_find(*here, var);
    if (old && env_owns(*here, old)) {
        void *before = old->held->value;
        old->held->value = value;
        if (var->drop && before && before != value)
            var->drop(before);
        return 0;
    }
    struct roosti_env_value *held = roosti_alloc(sizeof *held, "the value of a task-local");
    if (!held)
        return ROOST_ENOMEM;
    *held = (struct roosti_env_value){.var = var, .value = value};
    struct roosti_env *made = env_with(*here, old, held);
    if (!made) {
        roosti_free(held);
        return ROOST_ENOMEM;
    }
    struct roosti_env *before = *here;
    *here = made;
    roosti_env_unref(before);
    return 0;
}

void *roost_var_get(const roost_var *var)
{
    struct roosti_env **here = env_here();
    const struct roosti_env *env = here ? env_find(*here, var) : NULL;
    return env ? env->held->value : NULL;
}
