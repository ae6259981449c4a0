/* tests/behaviour/permits.c - behaviours B57, B61 and B62: permits and tokens in line.
 *
 * B57 of locks stands in locks.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <roost.h>

#include "behaviour/marks.h"

static uint32_t permits_of(const roost_sem *sem)
{
    roost_sem_stats stats;
    roost_sem_stats_get(sem, &stats);
    return stats.permits;
}

static uint32_t borrowed_of(const roost_limiter *limiter)
{
    roost_limiter_stats stats;
    roost_limiter_stats_get(limiter, &stats);
    return stats.borrowed;
}

static uint32_t waiting_of(const roost_limiter *limiter)
{
    roost_limiter_stats stats;
    roost_limiter_stats_get(limiter, &stats);
    return stats.waiting;
}

/* -- B57: no permit is lost -------------------------------------------------------------------- */

/* When the first of two waiters is cancelled, seen from what serves it. */
enum moment { BEFORE, SAME_TICK_BEFORE, SAME_TICK_AFTER, AFTER, MOMENTS };

/* What the two who wait came to: 1 while they wait. */
struct pair {
    roost_task *first;
    int rc[2];
    struct marks marks;
};

static ROOST_SUSPENDS int settle(int rc)
{
    return rc == 0 ? roost_test_settle() : rc;
}

/* Serves one waiter, and cancels the first one at the moment asked for. */
static ROOST_SUSPENDS int serve_and_cancel(enum moment moment, struct pair *pair,
                                           void (*serve)(void *), void *arg)
{
    int rc = 0;
    if (moment <= SAME_TICK_BEFORE)
        cancel_task(pair->first);
    if (moment == BEFORE)
        rc = roost_test_settle();
    serve(arg);
    if (moment == AFTER)
        rc = roost_test_settle();
    if (moment >= SAME_TICK_AFTER)
        cancel_task(pair->first);
    return settle(rc);
}

/* Cancelled before, the permit passes it by; served before, it has its permit all the same. */
static void check_pair(enum moment moment, const struct pair *pair)
{
    CHECK_EQ(moment <= SAME_TICK_BEFORE ? ROOST_ECANCELED : 0, pair->rc[0]);
    CHECK_EQ(0, pair->rc[1]);
    CHECK_MARKS(moment <= SAME_TICK_BEFORE ? "b" : "ab", pair->marks);
}

/* Takes permits, says so, and puts them back at once. */
ROOST_ASYNC(visit, roost_sem *, sem, uint32_t, count, struct marks *, marks, int, letter, int *, rc)
{
    *rc = roost_sem_acquire_many(sem, count);
    if (*rc == 0) {
        mark(marks, letter);
        roost_sem_release_many(sem, count);
    }
    return *rc;
}

static void serve_release(void *sem)
{
    CHECK_EQ(0, roost_sem_release(sem));
}

/* first_wants: how many permits the one wants who will be cancelled. */
ROOST_ASYNC(cancel_beside_release, enum moment, moment, uint32_t, first_wants, struct pair *, pair)
{
    roost_sem sem = ROOST_SEM_INIT(first_wants - 1);
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc =
            ROOST_SPAWN(&pair->first, g, visit, &sem, first_wants, &pair->marks, 'a', &pair->rc[0]);
        rc = settle(rc);
        ROOST_GO(g, visit, &sem, 1, &pair->marks, 'b', &pair->rc[1]);
        rc = settle(rc);
        int served = serve_and_cancel(moment, pair, serve_release, &sem);
        rc = rc == 0 ? served : rc;
    }
    CHECK_ALWAYS(permits_of(&sem) == first_wants);
    return rc;
}

BEHAVIOUR(57, a_permit_is_not_lost_when_its_waiter_is_cancelled)
{
    for (enum moment moment = BEFORE; moment < MOMENTS; moment++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_release(moment, 1, &pair));
        check_pair(moment, &pair);
    }
}

BEHAVIOUR(57, a_big_request_that_is_cancelled_does_not_stop_those_behind_it)
{
    for (enum moment moment = BEFORE; moment < MOMENTS; moment++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_release(moment, 3, &pair));
        check_pair(moment, &pair);
    }
}

/* Borrows, says so, and gives back at once. */
ROOST_ASYNC(borrow, roost_limiter *, limiter, struct marks *, marks, int, letter, int *, ret_rc)
{
    int rc = 0;
    ROOST_BORROW(limiter, rc)
        mark(marks, letter);
    *ret_rc = rc;
    return rc;
}

struct desk {
    roost_limiter limiter;
    roost_loan loan;
};

typedef void (*serve_fn)(void *arg);

static void serve_give_back(void *arg)
{
    struct desk *desk = arg;
    CHECK_EQ(0, roost_limiter_release(&desk->limiter, &desk->loan));
}

static void serve_raise(void *arg)
{
    struct desk *desk = arg;
    CHECK_EQ(0, roost_limiter_set_total(&desk->limiter, 1));
}

ROOST_ASYNC(cancel_beside, enum moment, moment, struct desk *, desk, serve_fn, serve, struct pair *,
            pair)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&pair->first, g, borrow, &desk->limiter, &pair->marks, 'a', &pair->rc[0]);
        rc = settle(rc);
        ROOST_GO(g, borrow, &desk->limiter, &pair->marks, 'b', &pair->rc[1]);
        rc = settle(rc);
        int served = serve_and_cancel(moment, pair, serve, desk);
        rc = rc == 0 ? served : rc;
    }
    CHECK_ALWAYS(borrowed_of(&desk->limiter) == 0);
    return rc;
}

BEHAVIOUR(57, a_token_is_not_lost_when_its_waiter_is_cancelled)
{
    for (enum moment moment = BEFORE; moment < MOMENTS; moment++) {
        struct pair pair = {.rc = {1, 1}};
        struct desk desk = {.limiter = ROOST_LIMITER_INIT(1), .loan = ROOST_LOAN_INIT};
        CHECK_EQ(0, roost_limiter_try_acquire(&desk.limiter, &desk.loan));
        CHECK_EQ(0, cancel_beside(moment, &desk, serve_give_back, &pair));
        check_pair(moment, &pair);
    }
}

BEHAVIOUR(57, a_token_of_a_raised_total_is_not_lost_either)
{
    for (enum moment moment = BEFORE; moment < MOMENTS; moment++) {
        struct pair pair = {.rc = {1, 1}};
        struct desk desk = {.limiter = ROOST_LIMITER_INIT(0), .loan = ROOST_LOAN_INIT};
        CHECK_EQ(0, cancel_beside(moment, &desk, serve_raise, &pair));
        check_pair(moment, &pair);
    }
}

/* -- B61: never more than there are ------------------------------------------------------------ */

/* Permits, who has them, and the most that had them at once. */
struct room {
    roost_sem sem;
    roost_limiter limiter;
    int inside;
    int inside_max;
    int entered;
};

static void room_enter(struct room *room)
{
    room->entered++;
    if (++room->inside > room->inside_max)
        room->inside_max = room->inside;
}

ROOST_ASYNC(enter_by_permit, struct room *, room)
{
    int rc = 0;
    ROOST_PERMIT(&room->sem, rc) {
        room_enter(room);
        rc = roost_yield();
        room->inside--;
    }
    return rc;
}

/* Comes between whoever releases and whoever waits. */
ROOST_ASYNC(barge_by_permit, struct room *, room, int, times)
{
    for (int i = 0; i < times; i++) {
        if (roost_sem_try_acquire(&room->sem) == 0) {
            room_enter(room);
            int rc = roost_yield();
            room->inside--;
            roost_sem_release(&room->sem);
            ROOST_TRY(rc);
        }
        ROOST_TRY(roost_yield());
    }
    return 0;
}

BEHAVIOUR(61, try_acquire_between_release_and_waiter_gets_no_permit)
{
    struct room room;
    room = (struct room){.sem = ROOST_SEM_INIT(0)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, enter_by_permit, &room);
        rc = roost_test_settle();
        CHECK_EQ(0, roost_sem_release(&room.sem));
        CHECK_EQ(ROOST_EAGAIN, roost_sem_try_acquire(&room.sem));
        CHECK_EQ(0, room.entered);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, room.entered);
    CHECK_ALWAYS(permits_of(&room.sem) <= 1);
}

BEHAVIOUR(61, a_semaphore_never_grants_more_than_it_has)
{
    struct room room;
    room = (struct room){.sem = ROOST_SEM_INIT(2)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 8; i++) {
            ROOST_GO(g, enter_by_permit, &room);
            ROOST_GO(g, barge_by_permit, &room, 4);
        }
    }
    CHECK_EQ(0, rc);
    CHECK(room.entered >= 8);
    CHECK_ALWAYS(room.inside_max <= 2);
    CHECK_ALWAYS(permits_of(&room.sem) == 2);
}

ROOST_ASYNC(enter_by_token, struct room *, room)
{
    int rc = 0;
    ROOST_BORROW(&room->limiter, rc) {
        room_enter(room);
        rc = roost_yield();
        room->inside--;
    }
    return rc;
}

ROOST_ASYNC(barge_by_token, struct room *, room, int, times)
{
    roost_loan loan = ROOST_LOAN_INIT;
    for (int i = 0; i < times; i++) {
        if (roost_limiter_try_acquire(&room->limiter, &loan) == 0) {
            room_enter(room);
            int rc = roost_yield();
            room->inside--;
            roost_limiter_release(&room->limiter, &loan);
            ROOST_TRY(rc);
        }
        ROOST_TRY(roost_yield());
    }
    return 0;
}

BEHAVIOUR(61, try_acquire_between_release_and_waiter_gets_no_token)
{
    struct room room;
    roost_loan loan = ROOST_LOAN_INIT;
    room = (struct room){.limiter = ROOST_LIMITER_INIT(1)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_EQ(0, roost_limiter_try_acquire(&room.limiter, &loan));
        ROOST_GO(g, enter_by_token, &room);
        rc = roost_test_settle();
        CHECK_EQ(0, roost_limiter_release(&room.limiter, &loan));
        int barged = roost_limiter_try_acquire(&room.limiter, &loan);
        CHECK_EQ(ROOST_EAGAIN, barged);
        if (barged == 0)
            roost_limiter_release(&room.limiter, &loan);
        CHECK_EQ(0, room.entered);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, room.entered);
    CHECK_ALWAYS(borrowed_of(&room.limiter) == 0);
}

BEHAVIOUR(61, a_limiter_never_lends_more_than_it_has)
{
    struct room room;
    room = (struct room){.limiter = ROOST_LIMITER_INIT(2)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 8; i++) {
            ROOST_GO(g, enter_by_token, &room);
            ROOST_GO(g, barge_by_token, &room, 4);
        }
    }
    CHECK_EQ(0, rc);
    CHECK(room.entered >= 8);
    CHECK_ALWAYS(room.inside_max <= 2);
    CHECK_ALWAYS(borrowed_of(&room.limiter) == 0);
}

/* -- B62: another total ------------------------------------------------------------------------ */

/* Keeps a token until its group is cancelled. */
ROOST_ASYNC(keep_token, struct room *, room)
{
    int rc = 0;
    ROOST_BORROW(&room->limiter, rc) {
        room_enter(room);
        rc = roost_sleep_forever();
        room->inside--;
    }
    return rc;
}

BEHAVIOUR(62, raising_the_total_serves_exactly_that_many)
{
    struct room room;
    room = (struct room){.limiter = ROOST_LIMITER_INIT(1)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 6; i++)
            ROOST_GO(g, keep_token, &room);
        rc = roost_test_settle();
        CHECK_EQ(1, room.inside);
        CHECK_EQ(0, roost_limiter_set_total(&room.limiter, 3));
        CHECK_EQ(3, waiting_of(&room.limiter));
        rc = settle(rc);
        CHECK_EQ(3, room.inside);
        /* The same total once more, and a lower one, serve nobody. */
        CHECK_EQ(0, roost_limiter_set_total(&room.limiter, 3));
        CHECK_EQ(0, roost_limiter_set_total(&room.limiter, 2));
        rc = settle(rc);
        CHECK_EQ(3, room.inside);
        CHECK_EQ(0, roost_limiter_set_total(&room.limiter, 4));
        rc = settle(rc);
        CHECK_EQ(4, room.inside);
        CHECK_EQ(0, roost_limiter_set_total(&room.limiter, ROOST_LIMITER_UNLIMITED));
        rc = settle(rc);
        CHECK_EQ(6, room.inside);
        roost_group_cancel(g, "enough");
    }
    CHECK_EQ(0, rc);
    CHECK_ALWAYS(borrowed_of(&room.limiter) == 0);
}

BEHAVIOUR(62, lowering_the_total_lets_borrowers_finish)
{
    struct room room;
    room = (struct room){.limiter = ROOST_LIMITER_INIT(3)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *tasks[3] = {NULL};
        for (int i = 0; i < 3 && rc == 0; i++)
            rc = ROOST_SPAWN(&tasks[i], g, keep_token, &room);
        rc = settle(rc);
        ROOST_GO(g, enter_by_token, &room);
        rc = settle(rc);
        CHECK_EQ(3, room.inside);
        CHECK_EQ(0, roost_limiter_set_total(&room.limiter, 1));
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(3, room.entered);
            cancel_task(tasks[i]);
            rc = settle(rc);
        }
        /* Only the last token that came back was one to lend. */
        CHECK_EQ(4, room.entered);
    }
    CHECK_EQ(0, rc);
    CHECK_ALWAYS(borrowed_of(&room.limiter) == 0);
}
