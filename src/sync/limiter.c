/* sync/limiter.c - tokens, and who has them.
 *
 * A loan is in its borrower's chain from the moment it is waited for, so that a borrower cannot
 * even wait twice, and in the list of loans from the moment it is lent. `chained` and `next` are
 * separate because the order in which borrowers are told must not come from addresses.
 *
 * While somebody waits, no token is free; see sync/semaphore.c, which is the same but for the
 * books.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/limiter.h>

#include "base/rng.h"
#include "rt/held.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/waitq.h"

_Static_assert((ROOST_LIMITER_CHAINS & (ROOST_LIMITER_CHAINS - 1)) == 0, "chains are masked");

void roost_limiter_init(roost_limiter *limiter, uint32_t total)
{
    *limiter = (roost_limiter){.priv = {.total = total}};
}

/* -- the books --------------------------------------------------------------------------------- */

static roost_loan **limiter_chain(roost_limiter *limiter, uintptr_t borrower)
{
    return &limiter->priv.chains[roosti_mix(borrower) & (ROOST_LIMITER_CHAINS - 1)];
}

static bool limiter_knows(roost_limiter *limiter, uintptr_t borrower)
{
    const roost_loan *loan = *limiter_chain(limiter, borrower);
    while (loan && loan->priv.borrower != borrower)
        loan = loan->priv.chained;
    return loan;
}

/* Enters a borrower who has nothing yet. task: NULL when it is not the borrower. */
static void loan_enter(roost_limiter *limiter, uintptr_t borrower, struct roost_task *task,
                       roost_loan *loan)
{
    roost_loan **chain = limiter_chain(limiter, borrower);
    *loan = (roost_loan){
        .priv = {.limiter = limiter, .task = task, .borrower = borrower, .chained = *chain}};
    *chain = loan;
}

static void loan_strike(roost_loan *loan)
{
    roost_loan **link = limiter_chain(loan->priv.limiter, loan->priv.borrower);
    while (*link != loan)
        link = &(*link)->priv.chained;
    *link = loan->priv.chained;
    *loan = (roost_loan)ROOST_LOAN_INIT;
}

static void loan_orphaned(struct roost_impl_held *held);

/* A free token goes to a borrower who has been entered. */
static void loan_lend(roost_loan *loan)
{
    roost_limiter *limiter = loan->priv.limiter;
    limiter->priv.borrowed++;
    loan->priv.prev = limiter->priv.last;
    *(limiter->priv.last ? &limiter->priv.last->priv.next : &limiter->priv.first) = loan;
    limiter->priv.last = loan;
    if (loan->priv.task) {
        loan->priv.held.orphan = loan_orphaned;
        roosti_held_push(loan->priv.task, &loan->priv.held);
    }
}

static inline bool limiter_has(const roost_limiter *limiter)
{
    return limiter->priv.borrowed < limiter->priv.total && !limiter->priv.waiters.first;
}

/* Serves as many of those who wait as there are free tokens. */
static void limiter_serve(roost_limiter *limiter)
{
    while (limiter->priv.borrowed < limiter->priv.total) {
        struct roost_impl_waiter *waiter = roosti_waitq_pop(&limiter->priv.waiters);
        if (!waiter)
            return;
        loan_lend(waiter->slot);
        roosti_wake(waiter->task, 0);
    }
}

/* Takes the token of a loan back and serves whoever waits for it. Off the list of its task. */
static void loan_return(roost_loan *loan)
{
    roost_limiter *limiter = loan->priv.limiter;
    roost_loan *next = loan->priv.next;
    roost_loan *prev = loan->priv.prev;
    *(next ? &next->priv.prev : &limiter->priv.last) = prev;
    *(prev ? &prev->priv.next : &limiter->priv.first) = next;
    limiter->priv.borrowed--;
    loan_strike(loan);
    limiter_serve(limiter);
}

static void loan_orphaned(struct roost_impl_held *held)
{
    roost_loan *loan = roosti_container(held, roost_loan, priv.held);
    const struct roost_task *task = loan->priv.task;
    if (task->loop->debug > 0)
        roosti_report("misuse: task '%s' ended without roost_limiter_release; its token goes back",
                      roost_task_name(task));
    loan_return(loan);
}

/* -- borrowing --------------------------------------------------------------------------------- */

static bool limiter_abort(struct roost_task *task)
{
    roosti_waitq_remove(task->wait.on, task->wait.waiter);
    loan_strike(task->wait.waiter->slot);
    return true;
}

static inline bool limiter_busy(roost_limiter *limiter, uintptr_t borrower, const roost_loan *loan)
{
    return loan->priv.limiter || limiter_knows(limiter, borrower);
}

/* self: the running task. holder: NULL when the borrower is not the running task. */
static int limiter_acquire(roost_limiter *limiter, struct roost_task *self, uintptr_t borrower,
                           struct roost_task *holder, roost_loan *loan)
{
    struct roosti_loop *loop = self->loop;
    int rc = roosti_loop_owns(loop, &limiter->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = roosti_op_begin(loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(limiter_busy(limiter, borrower, loan)))
        return ROOST_EBUSY;
    loan_enter(limiter, borrower, holder, loan);
    if (limiter_has(limiter)) {
        loan_lend(loan);
        return 0;
    }
    struct roost_impl_waiter waiter = {.task = self, .slot = loan};
    return roosti_waitq_park(&limiter->priv.waiters, &waiter, limiter_abort, "limiter",
                             &limiter->priv.waiters);
}

int roost_limiter_acquire(roost_limiter *limiter, roost_loan *loan)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    return limiter_acquire(limiter, self, (uintptr_t)self, self, loan);
}

int roost_limiter_acquire_for(roost_limiter *limiter, const void *borrower, roost_loan *loan)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    if (roosti_unlikely(!borrower))
        return ROOST_EINVAL;
    return limiter_acquire(limiter, self, (uintptr_t)borrower, NULL, loan);
}

static int limiter_try_acquire(roost_limiter *limiter, uintptr_t borrower,
                               struct roost_task *holder, roost_loan *loan)
{
    int rc = roosti_here_owns(&limiter->priv.loop_id);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(limiter_busy(limiter, borrower, loan)))
        return ROOST_EBUSY;
    if (!limiter_has(limiter))
        return ROOST_EAGAIN;
    loan_enter(limiter, borrower, holder, loan);
    loan_lend(loan);
    return 0;
}

int roost_limiter_try_acquire(roost_limiter *limiter, roost_loan *loan)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    return limiter_try_acquire(limiter, (uintptr_t)self, self, loan);
}

int roost_limiter_try_acquire_for(roost_limiter *limiter, const void *borrower, roost_loan *loan)
{
    if (roosti_unlikely(!roosti_loop_here))
        return roosti_no_task();
    if (roosti_unlikely(!borrower))
        return ROOST_EINVAL;
    return limiter_try_acquire(limiter, (uintptr_t)borrower, NULL, loan);
}

/* -- giving back ------------------------------------------------------------------------------- */

/* Whether the loan is lent, not only waited for: then it is in the list of loans. */
static bool loan_is_lent(const roost_limiter *limiter, const roost_loan *loan)
{
    return loan->priv.limiter == limiter && (loan->priv.prev || limiter->priv.first == loan);
}

int roost_limiter_release(roost_limiter *limiter, roost_loan *loan)
{
    struct roosti_loop *loop = roosti_loop_here;
    int rc = roosti_here_owns(&limiter->priv.loop_id);
    struct roost_task *holder = loan->priv.task;
    if (rc == 0 && (!loan_is_lent(limiter, loan) || (holder && holder != loop->current)))
        rc = ROOST_EPERM;
    if (roosti_unlikely(rc < 0)) {
        if (loop && loop->debug > 0)
            roosti_report("misuse: roost_limiter_release of what was not borrowed here: %s",
                          roost_error_name(rc));
        return rc;
    }
    if (holder)
        roosti_held_remove(holder, &loan->priv.held);
    loan_return(loan);
    return 0;
}

int roost_limiter_set_total(roost_limiter *limiter, uint32_t total)
{
    int rc = roosti_here_owns(&limiter->priv.loop_id);
    if (rc < 0)
        return rc;
    limiter->priv.total = total;
    limiter_serve(limiter);
    return 0;
}

void roost_limiter_stats_get(const roost_limiter *limiter, roost_limiter_stats *stats)
{
    uint32_t waiting = roosti_waitq_count(&limiter->priv.waiters);
    *stats = (roost_limiter_stats){
        .total = limiter->priv.total, .borrowed = limiter->priv.borrowed, .waiting = waiting};
}

void roost_limiter_each(const roost_limiter *limiter, void (*each)(void *arg, const void *borrower),
                        void *arg)
{
    for (const roost_loan *at = limiter->priv.first; at; at = at->priv.next)
        each(arg, (const void *)at->priv.borrower);
}
