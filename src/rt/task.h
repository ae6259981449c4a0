/* rt/task.h - the record of a task, and how it gives way.
 *
 * The record lies at the top of the task's own stack, above its arguments and its first frame, so
 * a parked task touches one page:
 *
 *   slot top - colour        [ struct roost_task ]
 *                            [ argument block    ]
 *                            [ first frame ...   ]  grows down
 *
 * Life: READY -> (WAITING -> READY)* -> FINISHED; the one that runs is READY too. A task that
 * nobody holds a handle of is gone when it finishes; else when it is joined or dropped, or its
 * group ends.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_TASK_H
#define ROOST_RT_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/group.h>
#include <roost/scope.h>
#include <roost/task.h>

#include "base/assert.h"
#include "port/fiber.h"

struct roost_impl_held;
struct roost_impl_waiter;
struct roosti_loop;
struct roosti_env;
struct roosti_trail;
struct roosti_start;

enum roosti_task_state {
    ROOSTI_TASK_READY, /* queued, or the one that runs: loop->current */
    ROOSTI_TASK_WAITING,
    ROOSTI_TASK_FINISHED
};

/* Bytes of an argument block, most. */
enum { ROOSTI_ARGS_MAX = 4096 };

/* Why a suspending call must take its slow path. */
enum {
    ROOSTI_ATTN_CANCELLED = 1, /* the innermost scope is cancelled, itself or from outside */
    ROOSTI_ATTN_UNARMED = 2,   /* an enclosing scope has a deadline that is not armed yet */
    ROOSTI_ATTN_PROBE = 4      /* the loop is under observation: tests, instruments */
};

/* Undoes what a parked task waits for. True: undone, the task is woken with ROOST_ECANCELED.
 * False: too late or not possible; the completion will come and wins. */
typedef bool (*roosti_abort_fn)(struct roost_task *task);

struct roost_task {
    /* First line of the cache: what every switch, wake-up and cancellation touches. */
    struct roosti_fiber fiber;
    struct roost_task *run_next; /* in the run queue */
    roost_scope *scope;          /* the innermost scope */
    struct roosti_loop *loop;
    uint32_t attn;     /* ROOSTI_ATTN_* */
    int errno_kept;    /* this task's errno while it is switched away */
    int wake_rc;       /* what the suspension returns */
    uint8_t state;     /* enum roosti_task_state */
    bool kept;         /* somebody holds a handle */
    bool started;      /* has called roost_started */
    bool soft_waiting; /* parked in roost_wait_stopping */
    struct {
        roosti_abort_fn abort;            /* undoes what it waits for, while WAITING */
        void *on;                         /* the object waited for: a task, a group, an operation */
        const char *what;                 /* static, for dumps */
        struct roost_impl_waiter *waiter; /* its place in a queue, where it is in one */
        struct roost_task *const *whom;   /* where its holder stands; NULL: nobody known */
    } wait;

    /* Its place in the tree. */
    struct roost_task *next; /* in its group */
    roost_scope root;
    struct roost_task *prev;
    roost_group *group;

    /* What its end looks at. */
    struct roost_task *joiner;    /* the task in roost_join on this one */
    struct roosti_start *start;   /* the readiness hand-shake, until it is over */
    struct roosti_env *env;       /* task-locals, shared */
    struct roosti_trail *trail;   /* of the last error; NULL: none met */
    struct roost_impl_held *held; /* locks and loans it has not let go, newest first */
    void *stack_top;              /* of its slot */
    int result;
    int join_result;   /* of the task it joined last */
    uint16_t refusals; /* suspending calls refused in a row */

    void *args; /* the argument block: begins with the roost_async_info pointer */
    uint64_t id;
    struct roost_impl_timer timer; /* its sleep */
    const roost_async_info *site;  /* where it was spawned from: the spawner's function */
    char name[32];                 /* given name; empty: the function's */
};

static inline const roost_async_info *roosti_task_info(const struct roost_task *task)
{
    return *(const roost_async_info *const *)task->args;
}

/* -- spawning and finishing: rt/spawn.c -------------------------------------------------------- */

/* Makes a task and queues it. group: open or joining. 0 or a code. */
int roosti_task_new(struct roosti_loop *loop, roost_group *group, roost_call call,
                    struct roost_task **task);

/* The task this one is parked in roost_join on, NULL without. */
const struct roost_task *roosti_task_joins(const struct roost_task *task);

/* The task that has to act before this one can go on: it is joined, or holds the lock. NULL: nobody
 * known. */
const struct roost_task *roosti_task_awaits(const struct roost_task *task);

/* Whether `task` cannot go on before `self` does: it is that task, or waits for it, directly, by
 * way of others, or in the end of a group around it. */
bool roosti_task_depends(const struct roost_task *task, const struct roost_task *self);

/* A finished task goes: whoever is about to take it, but gave way, finds it gone. */
void roosti_task_disclaim(struct roost_task *task);

/* name: copied, cut to 31 bytes. */
void roosti_task_set_name(struct roost_task *task, const char *name);

/* The task on the stack whose top this is, NULL when it never had one. Async-signal-safe. */
const struct roost_task *roosti_task_at(const void *top);

/* Gives the memory of a finished task back. */
void roosti_task_free(struct roost_task *task);

/* -- suspending: rt/suspend.c ------------------------------------------------------------------ */

/* First step of a suspending call: 0, or ROOST_ECANCELED when the call is refused. May give way
 * when the task has run for long. */
int roosti_op_begin_slow(struct roost_task *task);

/* The same in two halves, for a call that must not give way before it has acted: whether it is
 * refused, and afterwards, unless it has parked, what it counts for. */
int roosti_op_refused_slow(struct roost_task *task);
void roosti_op_charge_slow(struct roost_task *task);

/* Parks the running task until roosti_wake, and returns what that gave it. what: static.
 * abort: NULL when a cancellation must wait for the completion. */
int roosti_park(struct roost_task *task, roosti_abort_fn abort, const char *what, void *on);

/* Makes a parked task ready; its park returns rc. */
void roosti_wake(struct roost_task *task, int rc);

/* Cancellation reached the innermost scope of a parked task: undo its wait if that is possible. */
void roosti_task_interrupt(struct roost_task *task);

/* Puts the running task at the end of the run queue and lets the others run. */
void roosti_give_turn(struct roost_task *task);

/* Arms the deadlines of the task's scopes that have none armed yet. */
void roosti_scopes_arm(struct roost_task *task);

#endif
