/* roost/limiter.h - limiters: at most so many borrowers at once, each of them known.
 *
 * A semaphore that knows who holds its tokens: nobody can borrow twice and so wait for itself, give
 * back what was never borrowed, or keep a token past its end; and the total may change at any time.
 *
 *     static roost_limiter connections = ROOST_LIMITER_INIT(100);
 *
 *     ROOST_BORROW(&connections, rc)
 *         rc = talk(peer);
 *
 * The borrower is the running task, or whatever a pointer names: a connection, a job that a thread
 * works on. Tokens go to those who wait in the order they came, straight into their hands.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_LIMITER_H
#define ROOST_LIMITER_H

#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/held.h>
#include <roost/impl/waitq.h>

struct roost_limiter;
struct roost_task;

/* Internal: the argument at this place is an address and nothing more; what lies there may never
 * have been written. */
#if defined(__GNUC__) && !defined(__clang__) && __GNUC__ >= 11
#define ROOST_ADDRESS_ONLY_(at) __attribute__((access(none, at)))
#else
#define ROOST_ADDRESS_ONLY_(at)
#endif

/* The total that limits nothing. */
#define ROOST_LIMITER_UNLIMITED UINT32_MAX

/* Chains in which borrowers are looked up; more borrowers share one. */
#define ROOST_LIMITER_CHAINS 64

/* One token in one borrower's hands, or the wait for it. The borrower's memory, zeroed before its
 * first use; it must stay where it is until it has been released. All members are private. */
typedef struct roost_loan {
    struct {
        struct roost_impl_held held;   /* on the list of `task` */
        struct roost_limiter *limiter; /* NULL: not lent */
        struct roost_task *task;       /* that borrowed for itself; NULL: for another borrower */
        uintptr_t borrower;
        struct roost_loan *chained; /* the next borrower of the same chain */
        struct roost_loan *next;    /* lent later */
        struct roost_loan *prev;    /* lent before */
    } priv;
} roost_loan;

/* clang-format off */
#define ROOST_LOAN_INIT {{{0, 0}, 0, 0, 0, 0, 0, 0}}
/* clang-format on */

/* Caller's memory; stays where it is while tokens are lent. All members are private. Zeroed, its
 * total is 0. */
typedef struct roost_limiter {
    struct {
        uint32_t total;
        uint32_t borrowed;
        uint32_t loop_id; /* the loop that uses it; 0: none yet */
        struct roost_impl_waitq waiters;
        struct roost_loan *first; /* lent, oldest first */
        struct roost_loan *last;
        struct roost_loan *chains[ROOST_LIMITER_CHAINS]; /* lent and waited for, by borrower */
    } priv;
} roost_limiter;

/* clang-format off */
#define ROOST_LIMITER_INIT(count) {{(count), 0, 0, {0, 0}, 0, 0, {0}}}
/* clang-format on */

typedef struct roost_limiter_stats {
    uint32_t total;
    uint32_t borrowed; /* may be above a total that was lowered */
    uint32_t waiting;  /* tasks in line */
} roost_limiter_stats;

ROOST_BEGIN_DECLS

/**
 * roost_limiter_init - prepare a limiter. There is nothing to release afterwards.
 *
 *   limiter   the caller's memory; taken as raw bytes.
 *   total     most tokens that are lent at once; 0: none for now; ROOST_LIMITER_UNLIMITED.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_limiter_init(roost_limiter *limiter, uint32_t total);

/**
 * roost_limiter_acquire - borrow a token for the running task, which gives it back before it ends.
 *
 *   limiter   initialised.
 *   loan      not lent; released by this task, before the memory it lies in is left.
 *
 * A task that ends with a loan of its own has made a mistake, reported at debug level 1: its token
 * goes back. The program is ended when such a loan lies in a function of that task, for there is
 * nothing left to read.
 *
 * Suspends  while no token is free, or others are in line.
 * Cancel    ROOST_ECANCELED; nothing was borrowed.
 * Errors    ROOST_EBUSY  this task has borrowed or waits already, or the loan is in use;
 *           ROOST_ENOCTX  not in a task; ROOST_EXLOOP  the limiter belongs to another loop.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_limiter_acquire(roost_limiter *limiter,
                                                              roost_loan *loan);

/**
 * roost_limiter_acquire_for - borrow a token for something other than the running task. The loan
 * is nobody's duty: any task may release it, and the end of one does not.
 *
 *   limiter   initialised.
 *   borrower  whom it is for: an address that tells borrowers apart, never followed; not NULL. A
 *             task's handle is that task.
 *   loan      not lent; lies where it outlives the borrower's work.
 *
 * Suspends  while no token is free, or others are in line.
 * Cancel    ROOST_ECANCELED; nothing was borrowed.
 * Errors    ROOST_EBUSY  the borrower has borrowed or waits already, or the loan is in use;
 *           ROOST_EINVAL  borrower is NULL; those of roost_limiter_acquire.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_limiter_acquire_for(roost_limiter *limiter,
                                                                  const void *borrower,
                                                                  roost_loan *loan)
    ROOST_ADDRESS_ONLY_(2);

/**
 * roost_limiter_try_acquire - borrow a token for the running task if that needs no waiting. It
 * overtakes nobody.
 *
 *   limiter   initialised.
 *   loan      as for roost_limiter_acquire.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  no token is free, or others are in line; those of roost_limiter_acquire.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST int roost_limiter_try_acquire(roost_limiter *limiter, roost_loan *loan);

/**
 * roost_limiter_try_acquire_for - borrow a token for something else if that needs no waiting.
 *
 *   limiter   initialised.
 *   borrower  as for roost_limiter_acquire_for.
 *   loan      as for roost_limiter_acquire_for.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  no token is free, or others are in line; ROOST_ENOCTX  no loop runs here;
 *           those of roost_limiter_acquire_for.
 * Threads   tasks and posts of one loop.
 */
ROOST_API ROOST_MUST int roost_limiter_try_acquire_for(roost_limiter *limiter, const void *borrower,
                                                       roost_loan *loan) ROOST_ADDRESS_ONLY_(2);

/**
 * roost_limiter_release - give a token back; whoever waits longest has it. The loan can be used
 * again.
 *
 *   limiter   that the loan was taken from.
 *   loan      lent.
 *
 * Returns 0. A failure is a mistake in the program, changes nothing, and is reported at debug
 * level 1.
 *
 * Suspends  never.
 * Errors    ROOST_EPERM  nothing was borrowed by this loan, or by another task for itself;
 *           ROOST_ENOCTX  no loop runs here; ROOST_EXLOOP  the limiter belongs to another loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_limiter_release(roost_limiter *limiter, roost_loan *loan);

/**
 * roost_limiter_set_total - change how many tokens there are. Raising it serves exactly as many
 * more of those who wait; lowering it takes nothing away, it waits for tokens to come back.
 *
 *   limiter   initialised.
 *   total     as for roost_limiter_init.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  no loop runs here; ROOST_EXLOOP  the limiter belongs to another loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API ROOST_MUST int roost_limiter_set_total(roost_limiter *limiter, uint32_t total);

/**
 * roost_limiter_stats_get - the counters of a limiter. It counts those who wait.
 *
 *   limiter   initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_limiter_stats_get(const roost_limiter *limiter, roost_limiter_stats *stats);

/**
 * roost_limiter_each - call a function for each borrower that has a token, the oldest loan first.
 *
 *   limiter   initialised.
 *   each      called as each(arg, borrower); it neither suspends nor uses the limiter. A task that
 *             borrowed for itself is its roost_task pointer.
 *   arg       lent to each.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_limiter_each(const roost_limiter *limiter,
                                  void (*each)(void *arg, const void *borrower), void *arg);

ROOST_END_DECLS

/* Behind ROOST_BORROW. */
static inline ROOST_SUSPENDS roost_loan *roost_loan_begin(roost_limiter *limiter, roost_loan *loan,
                                                          int *rc)
{
    return (*rc = roost_limiter_acquire(limiter, loan)) < 0 ? NULL : loan;
}
static inline void roost_loan_cleanup(roost_loan *loan)
{
    if (loan->priv.limiter)
        (void)roost_limiter_release(loan->priv.limiter, loan);
}

/* ROOST_BORROW(limiter, rc) { body }: a block that runs with a token of the running task, which
 * goes back on whatever path it is left. rc is an int that exists already: it becomes what
 * borrowing came to, and below zero the body does not run; the body may set it. The block is a loop
 * of one turn: a break or continue in it is the block's. */
#define ROOST_BORROW(limiter, rc) ROOST_BORROW_(ROOST_UNIQUE(roost_loan_), limiter, rc)
#define ROOST_BORROW_(object, limiter, rc)                                                         \
    for (roost_loan object ROOST_AUTO(loan) = ROOST_LOAN_INIT,                                     \
                           *ROOST_JOIN(object, p) = roost_loan_begin((limiter), &object, &(rc));   \
         ROOST_JOIN(object, p); roost_loan_cleanup(&object), ROOST_JOIN(object, p) = NULL)

#endif
