/* rt/var.c - task-locals.
 *
 * Capturing them at spawn is one reference; setting one prepends a node, or replaces the node of
 * the same variable when nothing but the running task sees the list down to it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/var.h>

#include "base/mem.h"
#include "rt/env.h"
#include "rt/loop.h"

void roosti_env_unref(struct roosti_env *env)
{
    while (env && __atomic_sub_fetch(&env->refs, 1, __ATOMIC_ACQ_REL) == 0) {
        struct roosti_env *outer = env->outer;
        if (env->var->drop && env->value)
            env->var->drop(env->value);
        roosti_free(env);
        env = outer;
    }
}

/* The node of a variable that only this task sees, or NULL. */
static struct roosti_env *env_own(struct roosti_env *env, const roost_var *var)
{
    for (; env && __atomic_load_n(&env->refs, __ATOMIC_ACQUIRE) == 1; env = env->outer)
        if (env->var == var)
            return env;
    return NULL;
}

int roost_var_set(const roost_var *var, void *value)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    struct roosti_env *own = env_own(task->env, var);
    if (own) {
        void *old = own->value;
        own->value = value;
        if (var->drop && old && old != value)
            var->drop(old);
        return 0;
    }
    struct roosti_env *env = roosti_alloc(sizeof *env, "a task-local");
    if (!env)
        return ROOST_ENOMEM;
    *env = (struct roosti_env){.outer = task->env, .var = var, .value = value, .refs = 1};
    task->env = env;
    return 0;
}

void *roost_var_get(const roost_var *var)
{
    const struct roost_task *task = roosti_self();
    for (const struct roosti_env *env = task ? task->env : NULL; env; env = env->outer)
        if (env->var == var)
            return env->value;
    return NULL;
}
