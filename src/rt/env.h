/* rt/env.h - the task-locals a task sees: an immutable list, shared by reference.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_ENV_H
#define ROOST_RT_ENV_H

#include <stdint.h>

#include <roost/var.h>

#include "base/atomic.h"

struct roosti_env_value;

struct roosti_env {
    struct roosti_env *outer; /* the other variables; shared */
    struct roosti_env_value *held;
    uint32_t refs; /* atomic: other loops' tasks may share it */
};

static inline struct roosti_env *roosti_env_ref(struct roosti_env *env)
{
    if (env)
        roosti_atomic_add(&env->refs, 1, ROOSTI_RELAXED);
    return env;
}

/* Drops values nobody sees any more. Accepts NULL. */
void roosti_env_unref(struct roosti_env *env);

#endif
