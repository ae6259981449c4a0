/* tests/unit/sync/test_limiter.c - tokens, borrowers, and totals that change.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/limiter.h>
#include <roost/post.h>

#include "kit/kit.h"
#include "unit/rt/process.h"

static roost_limiter_stats stats_of(const roost_limiter *limiter)
{
    roost_limiter_stats stats;
    roost_limiter_stats_get(limiter, &stats);
    return stats;
}

/* A limiter, and what its borrowers came to. */
struct desk {
    roost_limiter limiter;
    int order[16];
    int lent;
    int refused;
    int busy_max;
};

/* Borrows a token for as long as it sleeps. */
ROOST_ASYNC(borrow, struct desk *, desk, int, id, roost_dur, keeps)
{
    int rc = 0;
    ROOST_BORROW(&desk->limiter, rc) {
        desk->order[desk->lent++ % 16] = id;
        int busy = (int)stats_of(&desk->limiter).borrowed;
        if (busy > desk->busy_max)
            desk->busy_max = busy;
        rc = roost_sleep(keeps);
    }
    if (rc == ROOST_ECANCELED)
        desk->refused++;
    return rc;
}

/* -- borrowing --------------------------------------------------------------------------------- */

ROOST_TEST(a_token_is_borrowed_and_given_back)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    roost_loan loan = ROOST_LOAN_INIT;
    uint64_t steps = roost_test_steps();
    CHECK_OK(roost_limiter_acquire(&limiter, &loan));
    CHECK_EQ(1, stats_of(&limiter).borrowed);
    CHECK_OK(roost_limiter_release(&limiter, &loan));
    CHECK_EQ(0, stats_of(&limiter).borrowed);
    CHECK_OK(roost_limiter_try_acquire(&limiter, &loan));
    CHECK_OK(roost_limiter_release(&limiter, &loan));
    /* On a real clock a task that has run for long gives way. */
    if (roost_test_virtual())
        CHECK_EQ(steps, roost_test_steps());
}

ROOST_TEST(a_borrower_has_one_token_at_most)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(5);
    roost_loan loan = ROOST_LOAN_INIT;
    roost_loan more = ROOST_LOAN_INIT;
    int rc = roost_limiter_acquire(&limiter, &loan);
    CHECK_OK(rc);
    if (rc < 0)
        return;
    CHECK_EQ(ROOST_EBUSY, roost_limiter_acquire(&limiter, &more));
    CHECK_EQ(ROOST_EBUSY, roost_limiter_try_acquire(&limiter, &more));
    CHECK_EQ(ROOST_EBUSY, roost_limiter_acquire_for(&limiter, roost_task_self(), &more));
    /* A loan in use serves no second borrower either. */
    CHECK_EQ(ROOST_EBUSY, roost_limiter_acquire_for(&limiter, &more, &loan));
    CHECK_EQ(ROOST_EBUSY, roost_limiter_try_acquire_for(&limiter, &more, &loan));
    CHECK_EQ(1, stats_of(&limiter).borrowed);
    CHECK_OK(roost_limiter_release(&limiter, &loan));
}

ROOST_TEST(a_borrower_may_be_anything_that_has_an_address)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(2);
    roost_loan loans[3] = {ROOST_LOAN_INIT, ROOST_LOAN_INIT, ROOST_LOAN_INIT};
    char things[3];
    CHECK_OK(roost_limiter_acquire_for(&limiter, &things[0], &loans[0]));
    CHECK_EQ(ROOST_EBUSY, roost_limiter_acquire_for(&limiter, &things[0], &loans[1]));
    CHECK_OK(roost_limiter_try_acquire_for(&limiter, &things[1], &loans[1]));
    CHECK_EQ(ROOST_EAGAIN, roost_limiter_try_acquire_for(&limiter, &things[2], &loans[2]));
    CHECK_EQ(ROOST_EAGAIN, roost_limiter_try_acquire(&limiter, &loans[2]));
    CHECK_EQ(ROOST_EINVAL, roost_limiter_acquire_for(&limiter, NULL, &loans[2]));
    CHECK_EQ(ROOST_EINVAL, roost_limiter_try_acquire_for(&limiter, NULL, &loans[2]));
    for (int i = 0; i < 2; i++)
        CHECK_OK(roost_limiter_release(&limiter, &loans[i]));
    CHECK_EQ(0, stats_of(&limiter).borrowed);
}

ROOST_ASYNC(borrow_for, roost_limiter *, limiter, void *, borrower, int *, seen)
{
    roost_loan loan = ROOST_LOAN_INIT;
    *seen = roost_limiter_acquire_for(limiter, borrower, &loan);
    if (*seen == 0)
        roost_limiter_release(limiter, &loan);
    return 0;
}

ROOST_TEST(a_borrower_does_not_wait_twice, .fifo = true)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(0);
    char thing;
    int first = 1;
    int second = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, borrow_for, &limiter, &thing, &first);
        ROOST_GO(g, borrow_for, &limiter, &thing, &second);
        rc = roost_test_settle();
        CHECK_EQ(1, stats_of(&limiter).waiting);
        CHECK_EQ(ROOST_EBUSY, second);
        CHECK_OK(roost_limiter_set_total(&limiter, 1));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, first);
}

ROOST_TEST(those_who_wait_are_served_in_the_order_they_came, .fifo = true)
{
    struct desk desk = {.limiter = ROOST_LIMITER_INIT(2)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 8; i++)
            ROOST_GO(g, borrow, &desk, i, ROOST_MS(1));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(8, desk.lent);
    CHECK_EQ(2, desk.busy_max);
    for (int i = 0; i < 8; i++)
        CHECK_EQ(i, desk.order[i]);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(4), roost_now() - roost_test_start());
}

/* -- who has what ------------------------------------------------------------------------------ */

struct names {
    const void *seen[4];
    int count;
};

static void note_borrower(void *arg, const void *borrower)
{
    struct names *names = arg;
    names->seen[names->count++ % 4] = borrower;
}

ROOST_TEST(borrowers_are_told_oldest_first)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(3);
    roost_loan loans[3] = {ROOST_LOAN_INIT, ROOST_LOAN_INIT, ROOST_LOAN_INIT};
    char things[2];
    struct names names = {.count = 0};
    if (roost_limiter_acquire_for(&limiter, &things[1], &loans[0]) < 0 ||
        roost_limiter_acquire_for(&limiter, &things[0], &loans[1]) < 0 ||
        roost_limiter_try_acquire(&limiter, &loans[2]) < 0)
        return;
    roost_limiter_each(&limiter, note_borrower, &names);
    CHECK_EQ(3, names.count);
    CHECK(names.seen[0] == &things[1]);
    CHECK(names.seen[1] == &things[0]);
    CHECK(names.seen[2] == roost_task_self());
    CHECK_OK(roost_limiter_release(&limiter, &loans[1]));
    names.count = 0;
    roost_limiter_each(&limiter, note_borrower, &names);
    CHECK_EQ(2, names.count);
    CHECK(names.seen[1] == roost_task_self());
    CHECK_OK(roost_limiter_release(&limiter, &loans[2]));
    CHECK_OK(roost_limiter_release(&limiter, &loans[0]));
}

ROOST_TEST(more_borrowers_than_chains_are_told_apart)
{
    enum { COUNT = 5 * ROOST_LIMITER_CHAINS };
    static roost_limiter limiter;
    static roost_loan loans[COUNT];
    static char things[COUNT];
    roost_loan other = ROOST_LOAN_INIT;
    roost_limiter_init(&limiter, ROOST_LIMITER_UNLIMITED);
    memset(loans, 0, sizeof loans);
    for (int i = 0; i < COUNT; i++)
        CHECK_OK(roost_limiter_try_acquire_for(&limiter, &things[i], &loans[i]));
    for (int i = 0; i < COUNT; i++)
        CHECK_EQ(ROOST_EBUSY, roost_limiter_try_acquire_for(&limiter, &things[i], &other));
    CHECK_EQ(COUNT, stats_of(&limiter).borrowed);
    for (int i = 0; i < COUNT; i++)
        CHECK_OK(roost_limiter_release(&limiter, &loans[(i * 7) % COUNT]));
    CHECK_EQ(0, stats_of(&limiter).borrowed);
}

/* -- totals ------------------------------------------------------------------------------------ */

ROOST_TEST(a_lower_total_waits_for_tokens_to_come_back, .fifo = true)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(3);
    roost_loan loans[3] = {ROOST_LOAN_INIT, ROOST_LOAN_INIT, ROOST_LOAN_INIT};
    roost_loan own = ROOST_LOAN_INIT;
    char things[3];
    for (int i = 0; i < 3; i++)
        CHECK_OK(roost_limiter_try_acquire_for(&limiter, &things[i], &loans[i]));
    CHECK_OK(roost_limiter_set_total(&limiter, 1));
    CHECK_EQ(3, stats_of(&limiter).borrowed);
    CHECK_EQ(1, stats_of(&limiter).total);
    CHECK_OK(roost_limiter_release(&limiter, &loans[0]));
    CHECK_EQ(ROOST_EAGAIN, roost_limiter_try_acquire(&limiter, &own));
    CHECK_OK(roost_limiter_release(&limiter, &loans[1]));
    CHECK_EQ(ROOST_EAGAIN, roost_limiter_try_acquire(&limiter, &own));
    CHECK_OK(roost_limiter_release(&limiter, &loans[2]));
    CHECK_OK(roost_limiter_try_acquire(&limiter, &own));
    CHECK_OK(roost_limiter_release(&limiter, &own));
}

ROOST_TEST(an_unlimited_total_serves_everybody)
{
    struct desk desk = {.limiter = ROOST_LIMITER_INIT(0)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 6; i++)
            ROOST_GO(g, borrow, &desk, i, ROOST_MS(1));
        rc = roost_test_settle();
        CHECK_EQ(6, stats_of(&desk.limiter).waiting);
        CHECK_OK(roost_limiter_set_total(&desk.limiter, ROOST_LIMITER_UNLIMITED));
        CHECK_EQ(6, stats_of(&desk.limiter).borrowed);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, stats_of(&desk.limiter).borrowed);
}

/* -- leaving ----------------------------------------------------------------------------------- */

ROOST_TEST(a_cancelled_waiter_leaves_the_books, .fifo = true)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(0);
    roost_loan loan = ROOST_LOAN_INIT;
    char thing;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_limiter_acquire(&limiter, &loan)));
    CHECK_EQ(ROOST_ETIMEDOUT,
             ROOST_WITHIN(ROOST_MS(1), roost_limiter_acquire_for(&limiter, &thing, &loan)));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(0, roost_limiter_acquire(&limiter, &loan)));
    CHECK_EQ(0, stats_of(&limiter).waiting);
    CHECK_OK(roost_limiter_set_total(&limiter, 1));
    CHECK_OK(roost_limiter_try_acquire(&limiter, &loan));
    CHECK_OK(roost_limiter_release(&limiter, &loan));
}

static ROOST_SUSPENDS int leave_by_return(roost_limiter *limiter)
{
    int rc = 0;
    ROOST_BORROW(limiter, rc)
        return 7;
    return rc;
}

ROOST_TEST(a_block_gives_its_token_back_on_every_path)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    int rc = -1;
    int bodies = 0;
    ROOST_BORROW(&limiter, rc) {
        CHECK_EQ(0, rc);
        CHECK_EQ(1, stats_of(&limiter).borrowed);
        int again = 0;
        ROOST_BORROW(&limiter, again)
            bodies++;
        CHECK_EQ(ROOST_EBUSY, again);
        rc = -EIO;
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(0, bodies);
    CHECK_EQ(0, stats_of(&limiter).borrowed);
    ROOST_BORROW(&limiter, rc)
        break;
    CHECK_EQ(0, stats_of(&limiter).borrowed);
    CHECK_EQ(7, leave_by_return(&limiter));
    CHECK_EQ(0, stats_of(&limiter).borrowed);
    ROOST_BORROW(&limiter, rc)
        goto out;
out:
    CHECK_EQ(0, stats_of(&limiter).borrowed);
}

ROOST_ASYNC(end_with, roost_limiter *, limiter, roost_loan *, loan)
{
    return roost_limiter_acquire(limiter, loan);
}

ROOST_TEST(a_task_that_ends_with_a_token_gives_it_to_the_next, .debug = -1, .fifo = true)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    roost_loan loans[3] = {ROOST_LOAN_INIT, ROOST_LOAN_INIT, ROOST_LOAN_INIT};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, end_with, &limiter, &loans[i]);
    }
    CHECK_EQ(0, rc);
    CHECK_ALWAYS(stats_of(&limiter).borrowed == 0);
    /* The loans can be used again. */
    CHECK_OK(roost_limiter_try_acquire(&limiter, &loans[0]));
    CHECK_OK(roost_limiter_release(&limiter, &loans[0]));
}

ROOST_ASYNC(end_with_two, roost_limiter *, limiters, roost_loan *, loans)
{
    for (int i = 0; i < 3; i++)
        ROOST_TRY(roost_limiter_acquire(&limiters[i], &loans[i]));
    /* Not the one it took last. */
    return roost_limiter_release(&limiters[1], &loans[1]);
}

ROOST_TEST(a_task_may_hold_tokens_of_several_limiters, .debug = -1)
{
    roost_limiter limiters[3] = {ROOST_LIMITER_INIT(1), ROOST_LIMITER_INIT(1),
                                 ROOST_LIMITER_INIT(1)};
    roost_loan loans[3] = {ROOST_LOAN_INIT, ROOST_LOAN_INIT, ROOST_LOAN_INIT};
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, end_with_two, limiters, loans);
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++)
        CHECK_ALWAYS(stats_of(&limiters[i]).borrowed == 0);
}

ROOST_ASYNC(borrow_for_another, roost_limiter *, limiter, char *, thing, roost_loan *, loan)
{
    return roost_limiter_acquire_for(limiter, thing, loan);
}

ROOST_TEST(a_loan_for_something_else_outlives_the_task_that_took_it)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    roost_loan loan = ROOST_LOAN_INIT;
    char thing;
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, borrow_for_another, &limiter, &thing, &loan);
    CHECK_EQ(0, rc);
    CHECK_EQ(1, stats_of(&limiter).borrowed);
    if (rc == 0)
        CHECK_OK(roost_limiter_release(&limiter, &loan));
}

/* -- misuse ------------------------------------------------------------------------------------ */

ROOST_ASYNC(hold_until_cancelled, roost_limiter *, limiter, roost_loan *, loan)
{
    ROOST_TRY(roost_limiter_acquire(limiter, loan));
    int rc = roost_sleep_forever();
    roost_limiter_release(limiter, loan);
    return rc;
}

ROOST_TEST(what_was_not_borrowed_is_not_given_back, .debug = -1)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    roost_limiter other = ROOST_LIMITER_INIT(1);
    roost_loan loan = ROOST_LOAN_INIT;
    roost_loan theirs = ROOST_LOAN_INIT;
    CHECK_EQ(ROOST_EPERM, roost_limiter_release(&limiter, &loan));
    CHECK_OK(roost_limiter_try_acquire(&limiter, &loan));
    CHECK_EQ(ROOST_EPERM, roost_limiter_release(&other, &loan));
    CHECK_OK(roost_limiter_release(&limiter, &loan));
    CHECK_EQ(ROOST_EPERM, roost_limiter_release(&limiter, &loan));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, hold_until_cancelled, &limiter, &theirs);
        rc = roost_test_settle();
        CHECK_EQ(ROOST_EPERM, roost_limiter_release(&limiter, &theirs));
        CHECK_EQ(1, stats_of(&limiter).borrowed);
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(0, rc);
    CHECK_ALWAYS(stats_of(&limiter).borrowed == 0);
}

ROOST_ASYNC(wait_with, roost_limiter *, limiter, roost_loan *, loan)
{
    return roost_limiter_acquire(limiter, loan);
}

ROOST_TEST(a_loan_that_is_waited_for_is_not_given_back, .debug = -1)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(0);
    roost_loan loan = ROOST_LOAN_INIT;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, wait_with, &limiter, &loan);
        rc = roost_test_settle();
        CHECK_EQ(ROOST_EPERM, roost_limiter_release(&limiter, &loan));
        CHECK_EQ(ROOST_EBUSY, roost_limiter_try_acquire(&limiter, &loan));
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, stats_of(&limiter).waiting);
}

ROOST_TEST(outside_a_run_nothing_is_lent, .plain = true, .no_torture = true)
{
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    roost_loan loan = ROOST_LOAN_INIT;
    CHECK_EQ(ROOST_ENOCTX, roost_limiter_acquire(&limiter, &loan));
    CHECK_EQ(ROOST_ENOCTX, roost_limiter_acquire_for(&limiter, &loan, &loan));
    CHECK_EQ(ROOST_ENOCTX, roost_limiter_try_acquire(&limiter, &loan));
    CHECK_EQ(ROOST_ENOCTX, roost_limiter_try_acquire_for(&limiter, &loan, &loan));
    CHECK_EQ(ROOST_ENOCTX, roost_limiter_release(&limiter, &loan));
    CHECK_EQ(ROOST_ENOCTX, roost_limiter_set_total(&limiter, 3));
    CHECK_EQ(1, stats_of(&limiter).total);
}

ROOST_ASYNC(use_from_elsewhere, roost_limiter *, limiter)
{
    roost_loan loan = ROOST_LOAN_INIT;
    CHECK_EQ(ROOST_EXLOOP, roost_limiter_acquire(limiter, &loan));
    CHECK_EQ(ROOST_EXLOOP, roost_limiter_try_acquire(limiter, &loan));
    CHECK_EQ(ROOST_EXLOOP, roost_limiter_release(limiter, &loan));
    CHECK_EQ(ROOST_EXLOOP, roost_limiter_set_total(limiter, 9));
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2, .debug = -1)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_limiter limiter = ROOST_LIMITER_INIT(1);
    roost_loan loan = ROOST_LOAN_INIT;
    CHECK_OK(roost_limiter_try_acquire(&limiter, &loan));
    CHECK_OK(roost_on_loop(1, ROOST_CALL(use_from_elsewhere, &limiter), NULL));
    CHECK_OK(roost_limiter_release(&limiter, &loan));
    CHECK_EQ(1, stats_of(&limiter).total);
}

struct relay {
    roost_limiter limiter;
    roost_loan loan;
    int acquired;
};

static void borrow_in_a_post(void *arg)
{
    struct relay *relay = arg;
    relay->acquired = roost_limiter_try_acquire_for(&relay->limiter, relay, &relay->loan);
    if (relay->acquired == 0)
        roost_limiter_release(&relay->limiter, &relay->loan);
}

ROOST_TEST(a_post_may_borrow_for_something)
{
    static struct relay relay; /* outlives the case's frame: the post may come later */
    relay = (struct relay){.limiter = ROOST_LIMITER_INIT(1), .acquired = 1};
    roost_poster *poster = NULL;
    if (roost_poster_open(&poster) < 0)
        return;
    CHECK_OK(roost_post(poster, borrow_in_a_post, &relay));
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK_EQ(0, relay.acquired);
    roost_poster_close(poster);
}

static roost_limiter reported_limiter;
static roost_loan reported_loan;

ROOST_ASYNC(forget_a_loan)
{
    ROOST_TRY(roost_task_set_name("forgetful"));
    return roost_limiter_acquire(&reported_limiter, &reported_loan);
}

ROOST_ASYNC(lose_a_loan)
{
    roost_loan loan = ROOST_LOAN_INIT;
    return roost_limiter_acquire(&reported_limiter, &loan);
}

ROOST_ASYNC(release_too_often)
{
    return roost_limiter_release(&reported_limiter, &reported_loan) == ROOST_EPERM ? 0 : 1;
}

static int reported_run(void *arg)
{
    roost_limiter_init(&reported_limiter, 1);
    return roost_run(*(roost_call *)arg, &(roost_run_opts){.debug = 1, .no_signals = true});
}

ROOST_TEST(mistakes_are_reported_at_debug_level_1, .plain = true, .no_torture = true)
{
    struct process process;
    process_run(&process, reported_run, &ROOST_CALL(forget_a_loan));
    CHECK_EQ(0, process.code);
    CHECK_WROTE(&process, "misuse: task 'forgetful' ended without roost_limiter_release");
    process_run(&process, reported_run, &ROOST_CALL(release_too_often));
    CHECK_EQ(0, process.code);
    CHECK_WROTE(&process, "misuse: roost_limiter_release of what was not borrowed");
}

ROOST_TEST(a_loan_in_a_frame_that_is_gone_ends_the_program, .plain = true, .no_torture = true)
{
    struct process process;
    process_run(&process, reported_run, &ROOST_CALL(lose_a_loan));
    CHECK_DIED(&process, SIGABRT);
#ifndef ROOSTI_ASAN
    CHECK_WROTE(&process, "what a task holds is let go before the function it lies in returns");
#endif
}

ROOST_TEST(a_crowd_never_exceeds_the_total_and_loses_no_token)
{
    struct desk desk;
    desk = (struct desk){.lent = 0};
    roost_limiter_init(&desk.limiter, 3);
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 40; i++) {
            roost_task *task = NULL;
            if (ROOST_SPAWN(&task, g, borrow, &desk, i, ROOST_US(i % 4)) == 0 && i % 5 == 0)
                roost_task_cancel(task, "before it ran");
            roost_task_drop(task);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(32, desk.lent);
    CHECK_EQ(8, desk.refused);
    CHECK_ALWAYS(desk.busy_max <= 3);
    CHECK_ALWAYS(stats_of(&desk.limiter).borrowed == 0);
    CHECK_ALWAYS(stats_of(&desk.limiter).waiting == 0);
}
