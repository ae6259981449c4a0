/* roost/var.h - task-locals: values that follow the flow of control.
 *
 * A child starts with the values its spawner had at that moment; what it sets itself the spawner
 * does not see. Calling an async function shares them, as a call shares everything.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_VAR_H
#define ROOST_VAR_H

#include <roost/config.h>
#include <roost/error.h>

/* A key; give it static storage. */
typedef struct roost_var {
    const char *name;          /* for dumps */
    void (*drop)(void *value); /* called when the last task that sees a value is gone; not for the
                                  value NULL; may be NULL itself */
} roost_var;

ROOST_BEGIN_DECLS

/**
 * roost_var_set - give a task-local a value, for the running task and what it spawns from now on.
 *
 *   var       static.
 *   value     taken: var->drop frees it when nothing sees it any more.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM  nothing changed, the value is still yours; ROOST_ENOCTX  not in a task.
 * Threads   tasks; worker threads (roost_to_thread), where it is set for that call alone.
 */
ROOST_API ROOST_MUST int roost_var_set(const roost_var *var, void *value);

/**
 * roost_var_get - the value of a task-local; NULL when it was never set, and outside tasks.
 *
 *   var       static.
 *
 * Lends the value, valid while the running task does not set the variable anew.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void *roost_var_get(const roost_var *var);

ROOST_END_DECLS

#endif
