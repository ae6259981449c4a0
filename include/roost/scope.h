/* roost/scope.h - cancel scopes: deadlines, cancellation, shields, orderly shutdown.
 *
 * A scope is a stretch of a task's execution that can be cancelled as a whole. Scopes nest; the
 * groups and child tasks inside a scope belong to it. Cancellation is a level, not an event: once
 * a scope is cancelled, every suspending call inside it returns ROOST_ECANCELED until the scope is
 * left. The outermost cancelled scope turns that code into its own result when it ends (0, or
 * ROOST_ETIMEDOUT for a deadline that is an error); any other code passes unchanged.
 *
 * Most programs need only the five macros at the end of this file.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SCOPE_H
#define ROOST_SCOPE_H

#include <stdbool.h>

#include <roost/config.h>
#include <roost/impl/timer.h>
#include <roost/time.h>

struct roost_task;

/* Caller's memory, usually a local variable; good for one use. All members are private. */
typedef struct roost_scope {
    struct {
        struct roost_scope *parent; /* the enclosing scope, of this or of the parent task */
        struct roost_scope *inner;  /* the next scope in, of the same task */
        struct roost_task *task;    /* the task that entered it */
        uint32_t flags;
        uint32_t canceller_id_low; /* low half of the id of the task that cancelled it */
        const char *label;
        const char *reason;            /* of the first cancellation */
        roost_dur within;              /* deadline relative to entry, until it is armed */
        uint64_t entry_ticks;          /* when it was entered, in port ticks */
        struct roost_impl_timer timer; /* its deadline, when armed */
    } priv;
} roost_scope;

/* Zero means default. */
typedef struct roost_scope_opts {
    roost_dur within;  /* deadline, nanoseconds after entry; 0: none (see expired); negative: now */
    roost_time until;  /* deadline as an instant; 0: none; the earlier of the two holds */
    bool expired;      /* the deadline has passed on entry: what `within` 0 would mean */
    bool move_on;      /* a passed deadline ends the scope with 0, not ROOST_ETIMEDOUT */
    bool shield;       /* cancellation from outside waits until the scope is left */
    const char *label; /* static; shown in reports of what fired */
} roost_scope_opts;

/* Who cancelled what runs here, as far as it can be seen from the running task. */
typedef struct roost_cancel_info {
    const char *label;  /* of the outermost cancelled scope, "" without */
    const char *reason; /* of its first cancellation, "" without */
    uint32_t task_id;   /* low half of the id of the task that cancelled; 0: deadline, signal */
    bool deadline;      /* its deadline passed */
} roost_cancel_info;

ROOST_BEGIN_DECLS

/**
 * roost_scope_init - prepare a scope, to be entered later or cancelled before that.
 *
 *   scope     the caller's memory; taken as raw bytes.
 *   opts      copied; NULL for a plain scope without deadline.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_scope_init(roost_scope *scope, const roost_scope_opts *opts);

/**
 * roost_scope_enter - make a scope the running task's innermost one. A relative deadline starts.
 *
 *   scope     initialised, never entered; must stay where it is until it is ended.
 *
 * Suspends  never.
 * Errors    ROOST_EREUSED  entered before; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_scope_enter(roost_scope *scope);

/**
 * roost_scope_end - leave the innermost scope and settle its result.
 *
 *   scope     the running task's innermost scope.
 *   rc        what the body came to; ROOST_ECANCELED is absorbed when this scope is cancelled and
 *             no enclosing cancelled scope is visible; every other value is returned as it is.
 *
 * Returns rc, or for an absorbed cancellation 0, or ROOST_ETIMEDOUT when the deadline caused it
 * and the scope does not move on.
 *
 * Suspends  never.
 * Errors    ROOST_EMISNEST  not the innermost scope of the running task: nothing is changed.
 * Threads   the task that entered it.
 */
ROOST_API ROOST_MUST int roost_scope_end(roost_scope *scope, int rc);

/**
 * roost_scope_cancel - cancel everything inside a scope. The first reason is kept.
 *
 *   scope     initialised; may not be entered yet, may be cancelled already. Ended: no effect.
 *   reason    static text, or NULL.
 *
 * Suspends  never.
 * Threads   any task of the loop, not only the one that entered it.
 */
ROOST_API void roost_scope_cancel(roost_scope *scope, const char *reason);

/**
 * roost_scope_shutdown - ask what runs inside a scope to finish, then cancel it.
 *
 * roost_stopping() becomes true inside and roost_wait_stopping() returns; what still runs after
 * the grace is cancelled. The end of the grace is a deadline of the scope, unless it had an earlier
 * one; a second shutdown can only bring it nearer.
 *
 *   scope     entered, not ended.
 *   grace     nanoseconds; 0 cancels at once.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API void roost_scope_shutdown(roost_scope *scope, roost_dur grace);

/**
 * roost_scope_set_deadline - move the deadline of a scope. It never un-cancels; once the scope has
 * been asked to shut down, the deadline only moves nearer.
 *
 *   scope     not ended.
 *   at        the instant; in the past cancels at once; ROOST_NEVER removes the deadline.
 *
 * Suspends  never.
 * Errors    ROOST_EFINISHED  the scope has ended.
 * Threads   any task of the loop.
 */
ROOST_API int roost_scope_set_deadline(roost_scope *scope, roost_time at);

/**
 * roost_scope_set_shield - raise or lower the shield of a scope.
 *
 *   scope     not ended.
 *   shield    false lets a cancellation from outside in, at the next suspending call.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API void roost_scope_set_shield(roost_scope *scope, bool shield);

/**
 * roost_scope_deadline - the deadline of this scope alone; ROOST_NEVER without.
 *
 *   scope     initialised; before entry a relative deadline counts from now.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API roost_time roost_scope_deadline(const roost_scope *scope);

/**
 * roost_scope_cancelled - whether this scope itself has been cancelled, by call or deadline.
 *
 *   scope     initialised.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API bool roost_scope_cancelled(const roost_scope *scope);

/**
 * roost_scope_fired - whether the cancellation of this scope had an effect: it refused or
 * interrupted a call inside, and no enclosing cancelled scope is to blame. The scope then has
 * absorbed ROOST_ECANCELED, or code inside has made it good and come to a result.
 *
 *   scope     ended.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API bool roost_scope_fired(const roost_scope *scope);

/**
 * roost_scope_reason - the reason of the first cancellation of this scope, "" without.
 *
 *   scope     initialised.
 *
 * Lends the text given to the cancelling call.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API const char *roost_scope_reason(const roost_scope *scope);

/**
 * roost_deadline - the earliest deadline that holds for the running task; ROOST_NEVER without.
 *
 * Suspends  never.
 * Threads   tasks; elsewhere ROOST_NEVER.
 */
ROOST_API roost_time roost_deadline(void);

/**
 * roost_cancelled - whether a suspending call made now would return ROOST_ECANCELED.
 *
 * Suspends  never.
 * Threads   tasks; elsewhere false.
 */
ROOST_API bool roost_cancelled(void);

/**
 * roost_cancel_info_get - what cancelled the running task's present scope.
 *
 *   info      written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a task; ROOST_EAGAIN  nothing is cancelled here.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_cancel_info_get(roost_cancel_info *info);

/**
 * roost_stopping - whether an enclosing scope has been asked to shut down.
 *
 * Suspends  never.
 * Threads   tasks; elsewhere false.
 */
ROOST_API bool roost_stopping(void);

/**
 * roost_wait_stopping - wait until an enclosing scope is asked to shut down.
 *
 * Suspends  until then.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_wait_stopping(void);

/* What roost_scope_begin makes of the scope; the values add up. */
enum { ROOST_SCOPE_FAIL = 0, ROOST_SCOPE_MOVE_ON = 1, ROOST_SCOPE_SHIELD = 2 };

/**
 * roost_scope_begin - initialise and enter a scope in one step; what the block macros do first.
 *
 * Outside a task the scope is open but has no effect.
 *
 *   scope     the caller's memory; taken as raw bytes.
 *   within    nanoseconds from now; 0 or less has passed already; ROOST_FOREVER: no deadline.
 *   kind      ROOST_SCOPE_FAIL, ROOST_SCOPE_MOVE_ON, ROOST_SCOPE_SHIELD, or a sum of them.
 *   label     static; for reports.
 *
 * Returns scope.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API roost_scope *roost_scope_begin(roost_scope *scope, roost_dur within, unsigned kind,
                                         const char *label);

/**
 * roost_scope_cleanup - leave a scope on whatever path; nothing for one that has ended.
 *
 *   scope     entered or ended.
 *
 * Suspends  never.
 * Threads   the task that entered it.
 */
ROOST_API void roost_scope_cleanup(roost_scope *scope);

/**
 * roost_scope_is_open - whether a scope has been entered and not yet left.
 *
 *   scope     initialised; NULL is not open.
 *
 * Suspends  never.
 * Threads   any task of the loop.
 */
ROOST_API bool roost_scope_is_open(const roost_scope *scope);

ROOST_END_DECLS

/* For the macros. The clean-up begins when the scope has, so what is given to them may return. */
static inline void roost_scope_block_cleanup(roost_scope **scope)
{
    if (*scope)
        roost_scope_cleanup(*scope);
}

/* ROOST_WITHIN(dur, call): makes the call under a deadline dur nanoseconds from now. Its value is
 * the call's result, or ROOST_ETIMEDOUT. */
#define ROOST_WITHIN(dur, call) ROOST_WITHIN_(ROOST_UNIQUE(roost_within_), dur, call, #call)
#define ROOST_WITHIN_(obj, dur, call, label)                                                       \
    __extension__({                                                                                \
        roost_scope obj;                                                                           \
        roost_scope *ROOST_JOIN(obj, p) ROOST_AUTO(scope_block) =                                  \
            roost_scope_begin(&obj, (dur), ROOST_SCOPE_FAIL, label);                               \
        int ROOST_JOIN(obj, rc) = roost_scope_end(ROOST_JOIN(obj, p), (int)(call));                \
        ROOST_JOIN(obj, p) = NULL;                                                                 \
        ROOST_JOIN(obj, rc);                                                                       \
    })

/* ROOST_TIMEOUT(rc, dur) { rc = ...; }: a block under a deadline. After it, rc is what the block
 * left there, or ROOST_ETIMEDOUT. ROOST_MOVE_ON is the same, but a passed deadline leaves 0. */
#define ROOST_TIMEOUT(rc, dur)                                                                     \
    ROOST_SCOPE_BLOCK_(ROOST_UNIQUE(roost_timeout_), rc, dur, ROOST_SCOPE_FAIL, "timeout")
#define ROOST_MOVE_ON(rc, dur)                                                                     \
    ROOST_SCOPE_BLOCK_(ROOST_UNIQUE(roost_move_on_), rc, dur, ROOST_SCOPE_MOVE_ON, "move on")
#define ROOST_SCOPE_BLOCK_(obj, rc, dur, kind, label)                                              \
    for (roost_scope obj, *ROOST_JOIN(obj, p) ROOST_AUTO(scope_block) =                            \
                              roost_scope_begin(&obj, (dur), (kind), label);                       \
         roost_scope_is_open(ROOST_JOIN(obj, p));                                                  \
         (rc) = roost_scope_end(ROOST_JOIN(obj, p), (rc)), ROOST_JOIN(obj, p) = NULL)

/* ROOST_CLEANUP(grace) { ... }: a block that a cancellation from outside does not reach, for at
 * most grace nanoseconds. Every suspending clean-up goes into one. */
#define ROOST_CLEANUP(grace) ROOST_CLEANUP_(ROOST_UNIQUE(roost_cleanup_), grace)
#define ROOST_CLEANUP_(obj, grace)                                                                 \
    for (roost_scope obj, *ROOST_JOIN(obj, p) ROOST_AUTO(scope_block) = roost_scope_begin(         \
                              &obj, (grace), ROOST_SCOPE_MOVE_ON | ROOST_SCOPE_SHIELD, "cleanup"); \
         roost_scope_is_open(ROOST_JOIN(obj, p));                                                  \
         roost_scope_cleanup(ROOST_JOIN(obj, p)), ROOST_JOIN(obj, p) = NULL)

#endif
