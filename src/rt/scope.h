/* rt/scope.h - the tree of scopes, as the rest of the runtime uses it.
 *
 * A node's children are the next scope in of the same task and, when it is a group's, the outermost
 * scopes of the group's tasks. A scope is "effective" when it is cancelled or a cancelled ancestor
 * reaches it; that bit is kept up to date in every node, so a suspending call looks at one word.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_SCOPE_H
#define ROOST_RT_SCOPE_H

#include <roost/scope.h>

#include "rt/loop.h"

enum {
    ROOSTI_SCOPE_EFFECTIVE = 1, /* equals ROOSTI_ATTN_CANCELLED */
    ROOSTI_SCOPE_CANCELLED = 2, /* itself */
    ROOSTI_SCOPE_DEADLINE = 4,  /* by its deadline */
    ROOSTI_SCOPE_SHIELD = 8,
    ROOSTI_SCOPE_MOVE_ON = 16,
    ROOSTI_SCOPE_OPEN = 32,
    ROOSTI_SCOPE_ENDED = 64,
    ROOSTI_SCOPE_FIRED = 128,     /* its cancellation has met a call inside it; set when it ends */
    ROOSTI_SCOPE_SOFT = 256,      /* asked to shut down */
    ROOSTI_SCOPE_GROUP = 512,     /* is the scope member of a roost_group */
    ROOSTI_SCOPE_ROOT = 1024,     /* is the root member of a task */
    ROOSTI_SCOPE_UNARMED = 2048,  /* `within` still to be turned into a timer */
    ROOSTI_SCOPE_WALKED = 4096,   /* this one and all enclosing ones of the task have been armed */
    ROOSTI_SCOPE_DUE = 8192,      /* timer.due is its deadline */
    ROOSTI_SCOPE_EXPIRED = 16384, /* expires on entry */
    ROOSTI_SCOPE_WITHIN = 32768,  /* `within` is its deadline */
    ROOSTI_SCOPE_LATE = 65536,    /* shielded after a cancellation had come in from outside */
    ROOSTI_SCOPE_MET = 131072     /* a call in it was refused or interrupted */
};

/* Makes a fresh scope the innermost one of a task, under `parent`. */
void roosti_scope_push(struct roost_task *task, roost_scope *scope, roost_scope *parent);

/* Takes the innermost scope off; its timer is at rest afterwards. */
void roosti_scope_pop(struct roost_task *task, roost_scope *scope);

/* Cancels: sets extra flags and the reason unless it is cancelled already. */
void roosti_scope_cancel_for(roost_scope *scope, uint32_t extra, const char *reason);

/* A cancelled scope around this one that its shield does not keep out. */
bool roosti_scope_outer_cancelled(const roost_scope *scope);

/* Recomputes the effective bits below and including scope, and interrupts who is newly reached. */
void roosti_scope_update(roost_scope *scope);

/* The next scope of the tree below top, in pre-order; NULL at the end. */
roost_scope *roosti_scope_next(const roost_scope *scope, const roost_scope *top);
/* The same, leaving out what is below scope. */
roost_scope *roosti_scope_skip(const roost_scope *scope, const roost_scope *top);

#endif
