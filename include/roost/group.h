/* roost/group.h - groups: the blocks that tasks live in.
 *
 * Every task belongs to a group, and a group ends only when all its tasks have finished; so what
 * the parent lends its children from its own stack is always there. The first failure cancels the
 * others; the group's result is that failure.
 *
 *     int rc = 0;
 *     ROOST_GROUP(g, rc) {
 *         for (int i = 0; i < n; i++)
 *             ROOST_GO(g, fetch_user, i + 1, &users[i]);
 *     }
 *     return rc;
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_GROUP_H
#define ROOST_GROUP_H

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/waitq.h>
#include <roost/scope.h>
#include <roost/task.h>

/* Most errors of one group that are kept in full; later ones are counted. */
#define ROOST_GROUP_ERRORS_MAX 16

/* The errors a group came to, in the order its tasks finished. Begin with ROOST_ERRORS_INIT. */
typedef struct roost_errors {
    struct {
        size_t count; /* all errors, kept or not */
        size_t kept;
        struct roost_impl_error *items[ROOST_GROUP_ERRORS_MAX];
    } priv;
} roost_errors;
/* clang-format off */
#define ROOST_ERRORS_INIT {{0, 0, {0}}}
/* clang-format on */

enum roost_group_policy {
    ROOST_FAIL_FAST = 0, /* the first failure cancels the body and the other tasks */
    ROOST_COLLECT = 1    /* failures cancel nothing; the group still returns the first */
};

/* Zero means default. */
typedef struct roost_group_opts {
    enum roost_group_policy policy;
    uint32_t limit;       /* most tasks at once; spawning suspends at the limit; 0: no limit */
    roost_errors *errors; /* receives the errors at the end; NULL: only the first code is told */
    const char *label;    /* static; for reports; default "group" */
} roost_group_opts;

typedef struct roost_group_stats {
    uint64_t spawned;
    uint64_t finished; /* in whatever way */
    uint64_t failed;   /* of those, with an error other than ROOST_ECANCELED */
    uint32_t live;
} roost_group_stats;

/* Caller's memory, good for one use. All members are private. */
typedef struct roost_group {
    struct {
        roost_scope scope;
        struct roost_task *first; /* children, oldest first */
        struct roost_task *last;
        struct roost_task *owner;        /* the task that opened it; NULL: the run itself */
        struct roost_impl_waitq waiters; /* spawners held at the limit */
        roost_errors errors;
        roost_errors *errors_out;
        uint64_t spawned;
        uint64_t failed;
        uint32_t live;
        uint32_t limit;
        int first_error;
        uint8_t policy;
        uint8_t state;
        bool joining;     /* the owner is parked in the end, and tasks are live */
        bool interrupted; /* cancelled from outside while children were live */
    } priv;
} roost_group;

/* Zero means default. */
typedef struct roost_spawn_opts {
    const char *name; /* copied, cut to 31 bytes; default: the function's name */
} roost_spawn_opts;

ROOST_BEGIN_DECLS

/**
 * roost_group_open - open a group and enter its scope.
 *
 *   group     the caller's memory, taken as raw bytes; must stay where it is until ended.
 *   opts      copied; NULL: fail fast, no limit.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_group_open(roost_group *group, const roost_group_opts *opts);

/**
 * roost_group_end - wait for all tasks of a group and settle its result.
 *
 *   group     open; the running task's innermost scope is the group's.
 *   body_rc   what the opening task's own part came to; negative cancels the tasks.
 *
 * Returns the first failure in order of completion; else ROOST_ECANCELED when cancelled from
 * outside; else body_rc, where ROOST_ECANCELED becomes 0 when the group itself was cancelled.
 *
 * Suspends  always; a cancellation goes to the tasks, the waiting goes on until they end.
 * Cancel    ROOST_ECANCELED; all tasks have finished all the same.
 * Errors    ROOST_EMISNEST  not innermost, or not opened by this task: nothing is changed;
 *           ROOST_EFINISHED  ended before; the tasks' own codes.
 * Threads   the task that opened it.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_group_end(roost_group *group, int body_rc);

/**
 * roost_group_cancel - cancel all tasks of a group and its body. The group then ends with 0,
 * unless something failed.
 *
 *   group     open; ended: no effect.
 *   reason    static text, or NULL.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API void roost_group_cancel(roost_group *group, const char *reason);

/**
 * roost_group_shutdown - ask the tasks of a group to finish, and cancel them after a grace.
 *
 *   group     open.
 *   grace     nanoseconds; 0 cancels at once.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API void roost_group_shutdown(roost_group *group, roost_dur grace);

/**
 * roost_group_stats_get - the counters of a group.
 *
 *   group     opened.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API void roost_group_stats_get(const roost_group *group, roost_group_stats *stats);

/**
 * roost_spawn - start a task in a group. It first runs when the running task suspends.
 *
 *   group     open, or ending with tasks alive.
 *   call      its argument block is copied.
 *   opts      copied; NULL for defaults.
 *   task      NULL, or receives a handle to be joined or dropped, at the latest by the time the
 *             group ends; written on success only.
 *
 * Suspends  while the group is at its limit.
 * Cancel    ROOST_ECANCELED at the limit; no task was started. Without a limit a cancelled group
 *           still takes tasks; they run to their first suspending call.
 * Errors    ROOST_EFINISHED  the group has ended; ROOST_ENOSTACK, ROOST_ENOMEM  no room for a
 *           task; ROOST_EINVAL  arguments larger than 4,096 bytes; ROOST_ENOCTX  not in a task;
 *           ROOST_EXLOOP  the group belongs to another loop.
 * Threads   any task of the group's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_spawn(roost_group *group, roost_call call,
                                                    const roost_spawn_opts *opts,
                                                    roost_task **task);

/**
 * roost_go - start a task without a handle; a failure to start counts as a failure of the group.
 *
 *   group     as for roost_spawn.
 *   call      as for roost_spawn.
 *
 * Suspends  while the group is at its limit.
 * Cancel    ROOST_ECANCELED at the limit; no task was started.
 * Errors    those of roost_spawn, which the group also returns at its end.
 * Threads   any task of the group's loop.
 */
ROOST_API ROOST_SUSPENDS int roost_go(roost_group *group, roost_call call);

/**
 * roost_group_start - start a task and wait until it says that it is ready (roost_started).
 *
 *   group     as for roost_spawn.
 *   call      as for roost_spawn.
 *   opts      as for roost_spawn.
 *   value     receives what the task gave to roost_started; written on success only; may be NULL.
 *   size      bytes at value, exactly what the task gives; 0 with NULL.
 *
 * Until it is ready the task belongs to this call as well: cancelling the caller cancels the task
 * and waits for its end, and its failure is returned from here and not counted by the group.
 *
 * Suspends  until the task is ready or has ended.
 * Cancel    ROOST_ECANCELED, or the code of a failure met on the way out; the task has ended.
 * Errors    ROOST_ENOTSTARTED  it ended with 0 or more and never called roost_started; the code it
 *           ended with; those of roost_spawn.
 * Threads   any task of the group's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_group_start(roost_group *group, roost_call call,
                                                          const roost_spawn_opts *opts, void *value,
                                                          size_t size);

/**
 * roost_started - say that the running task is ready; roost_group_start returns.
 *
 *   value     copied; NULL with size 0.
 *   size      bytes; must be what the starter expects.
 *
 * Suspends  never.
 * Errors    ROOST_EREUSED  said before; ROOST_EINVAL  the starter expects another size, or the
 *           task was not begun by roost_group_start; ROOST_ECANCELED  the starter gave up;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_started(const void *value, size_t size);

/**
 * roost_errors_count - how many errors a group came to, kept or not.
 *
 *   errors    filled by a group, or ROOST_ERRORS_INIT.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API size_t roost_errors_count(const roost_errors *errors);

/**
 * roost_errors_at - one kept error; NULL past the last kept one.
 *
 *   errors    filled by a group.
 *   index     from 0, in order of completion.
 *
 * Lends the error, valid until roost_errors_fini.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API const roost_error *roost_errors_at(const roost_errors *errors, size_t index);

/**
 * roost_errors_inner - the errors of the inner group that an error came out of; NULL without.
 *
 *   errors    filled by a group.
 *   index     from 0.
 *
 * Lends the list, valid until roost_errors_fini.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API const roost_errors *roost_errors_inner(const roost_errors *errors, size_t index);

/**
 * roost_errors_split - move the errors of one code into another list.
 *
 *   errors    loses them.
 *   code      negative.
 *   hits      receives them, in order; begin with ROOST_ERRORS_INIT.
 *
 * Returns how many were moved. Errors that were counted but not kept stay.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API size_t roost_errors_split(roost_errors *errors, int code, roost_errors *hits);

/**
 * roost_errors_fini - free a list; it is empty afterwards and can be used again.
 *
 *   errors    filled or empty.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API void roost_errors_fini(roost_errors *errors);

/* For ROOST_AUTO(errors). */
static inline void roost_errors_cleanup(roost_errors *errors)
{
    roost_errors_fini(errors);
}

/**
 * roost_group_begin - open a group; what the block macros do first.
 *
 * Outside a task the group is dead: spawning into it gives ROOST_ENOCTX and so does its end.
 *
 *   group     the caller's memory, taken as raw bytes.
 *   opts      copied; NULL for defaults.
 *
 * Returns group.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_group *roost_group_begin(roost_group *group, const roost_group_opts *opts);

/**
 * roost_group_is_open - whether a group has been opened and not yet ended.
 *
 *   group     opened; NULL is not open.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API bool roost_group_is_open(const roost_group *group);

/**
 * roost_group_cleanup - what happens when a group's block is left by return, break or goto: its
 * tasks are cancelled and joined. Nothing for a group that has ended.
 *
 *   group     opened.
 *
 * Suspends  until all tasks have finished.
 * Cancel    goes to the tasks; the waiting goes on.
 * Threads   the task that opened it.
 */
ROOST_API ROOST_SUSPENDS void roost_group_cleanup(roost_group *group);

ROOST_END_DECLS

/* ROOST_GROUP(g, rc) { body }: a block whose tasks have all finished when it is left. rc is an int
 * that exists already: the body may set it; after the block it is the group's result. Leaving by
 * return, break or goto cancels and joins. The block is a loop of one turn: a break or continue in
 * it is the block's, and continue is its end. ROOST_GROUP_WITH takes a roost_group_opts pointer. */
#define ROOST_GROUP(g, rc) ROOST_GROUP_WITH(g, rc, NULL)
#define ROOST_GROUP_WITH(g, rc, ...) ROOST_GROUP_(ROOST_UNIQUE(roost_group_), g, rc, __VA_ARGS__)
#define ROOST_GROUP_(object, g, rc, ...)                                                           \
    for (roost_group object ROOST_AUTO(group), *g = roost_group_begin(&object, __VA_ARGS__);       \
         roost_group_is_open(g); (rc) = roost_group_end(g, (rc)), (g) = NULL)

/* ROOST_GO(g, function, args...): start a task; a failure to start becomes the group's. */
#define ROOST_GO(g, ...) ((void)roost_go((g), ROOST_CALL(__VA_ARGS__)))

/* ROOST_SPAWN(&task, g, function, args...): start a task and keep a handle; 0 or a code. */
#define ROOST_SPAWN(task, g, ...) roost_spawn((g), ROOST_CALL(__VA_ARGS__), NULL, (task))

#endif
