/* tests/behaviour/locks.c - behaviours B55 to B60 and B63: mutexes, conditions, events, barriers.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <roost.h>

#include "behaviour/marks.h"

static uint32_t waiting_for(const roost_event *event)
{
    roost_event_stats stats;
    roost_event_stats_get(event, &stats);
    return stats.waiting;
}

/* Holds the mutex while everybody else has a turn. *rc: what locking came to. */
ROOST_ASYNC(hold, roost_mutex *, mutex, struct marks *, marks, int, letter, int *, ret_rc)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc) {
        mark(marks, letter);
        rc = roost_yield();
    }
    *ret_rc = rc;
    return rc;
}

/* Lets go at once of what it has got. */
static int lock_once(roost_mutex *mutex)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc)
        continue;
    return rc;
}

static int try_lock_once(roost_mutex *mutex)
{
    int rc = roost_mutex_try_lock(mutex);
    if (rc == 0)
        roost_mutex_unlock(mutex);
    return rc;
}

/* -- B55, B56: in line ------------------------------------------------------------------------- */

BEHAVIOUR(55, unlocking_hands_over_to_the_first_waiter_and_try_lock_fails)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int held[2] = {1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_LOCK(&mutex, rc) {
            ROOST_GO(g, hold, &mutex, &marks, 'a', &held[0]);
            rc = roost_test_settle();
            ROOST_GO(g, hold, &mutex, &marks, 'b', &held[1]);
            if (rc == 0)
                rc = roost_test_settle();
        }
        /* The first waiter has not run since. */
        roost_mutex_stats stats;
        roost_mutex_stats_get(&mutex, &stats);
        CHECK(stats.locked);
        CHECK_EQ(1, stats.waiting);
        CHECK_EQ(0, marks.count);
        CHECK_EQ(ROOST_EAGAIN, try_lock_once(&mutex));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, held[0]);
    CHECK_EQ(0, held[1]);
    CHECK_MARKS("ab", marks);
    CHECK_EQ(0, try_lock_once(&mutex));
}

ROOST_ASYNC(hold_often, roost_mutex *, mutex, struct marks *, marks, int, letter, int, times)
{
    int rc = 0;
    for (int i = 0; i < times && rc == 0; i++) {
        int held;
        rc = hold(mutex, marks, letter, &held);
    }
    return rc;
}

BEHAVIOUR(56, three_looping_tasks_alternate_strictly)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_LOCK(&mutex, rc) {
            for (int letter = 'a'; letter <= 'c' && rc == 0; letter++) {
                ROOST_GO(g, hold_often, &mutex, &marks, letter, 5);
                rc = roost_test_settle();
            }
        }
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("abcabcabcabcabc", marks);
}

/* Locks, unlocks and locks again at once, as often as it can while somebody waits. */
BEHAVIOUR(56, who_unlocks_and_locks_again_stands_at_the_end)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int held = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_LOCK(&mutex, rc) {
            ROOST_GO(g, hold, &mutex, &marks, 'a', &held);
            rc = roost_test_settle();
        }
        if (rc == 0)
            ROOST_LOCK(&mutex, rc)
                mark(&marks, 'm');
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("am", marks);
}

/* -- B57: no wake-up is lost ------------------------------------------------------------------- */

/* When the first of two waiters is cancelled, seen from what wakes it. */
enum moment { BEFORE, SAME_TICK_BEFORE, SAME_TICK_AFTER, AFTER };

/* What both waiters came to: 1 while they wait. */
struct pair {
    roost_task *first;
    int rc[2];
    struct marks marks;
};

static int lone_settle(int rc)
{
    return rc == 0 ? roost_test_settle() : rc;
}

/* Wakes one waiter, and cancels the first one at the moment asked for. */
static int wake_and_cancel(enum moment moment, struct pair *pair, void (*wake)(void *), void *arg)
{
    int rc = 0;
    if (moment <= SAME_TICK_BEFORE)
        cancel_task(pair->first);
    if (moment == BEFORE)
        rc = roost_test_settle();
    wake(arg);
    if (moment == AFTER)
        rc = roost_test_settle();
    if (moment >= SAME_TICK_AFTER)
        cancel_task(pair->first);
    return lone_settle(rc);
}

static void wake_unlock(void *arg)
{
    roost_mutex_unlock(arg);
}

ROOST_ASYNC(cancel_beside_unlock, enum moment, moment, struct pair *, pair)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_mutex_lock(&mutex);
        if (rc == 0) {
            rc = ROOST_SPAWN(&pair->first, g, hold, &mutex, &pair->marks, 'a', &pair->rc[0]);
            rc = lone_settle(rc);
            ROOST_GO(g, hold, &mutex, &pair->marks, 'b', &pair->rc[1]);
            rc = lone_settle(rc);
            int woken = wake_and_cancel(moment, pair, wake_unlock, &mutex);
            rc = rc == 0 ? woken : rc;
        }
    }
    roost_mutex_stats stats;
    roost_mutex_stats_get(&mutex, &stats);
    CHECK_ALWAYS(!stats.locked && stats.waiting == 0);
    return rc;
}

BEHAVIOUR(57, a_mutex_passes_by_who_was_cancelled_before_the_unlock)
{
    for (enum moment moment = BEFORE; moment <= SAME_TICK_BEFORE; moment++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_unlock(moment, &pair));
        CHECK_EQ(ROOST_ECANCELED, pair.rc[0]);
        CHECK_EQ(0, pair.rc[1]);
        CHECK_MARKS("b", pair.marks);
    }
}

BEHAVIOUR(57, a_mutex_handed_over_stays_with_who_is_cancelled_after_the_unlock)
{
    for (enum moment moment = SAME_TICK_AFTER; moment <= AFTER; moment++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_unlock(moment, &pair));
        CHECK_EQ(0, pair.rc[1]);
        CHECK_MARKS("ab", pair.marks);
    }
}

ROOST_ASYNC(await_event, roost_event *, event, struct marks *, marks, int, letter, int *, ret_rc)
{
    *ret_rc = roost_event_wait(event);
    if (*ret_rc == 0)
        mark(marks, letter);
    return *ret_rc;
}

static void wake_set(void *arg)
{
    CHECK_EQ(0, roost_event_set(arg));
}

ROOST_ASYNC(cancel_beside_set, enum moment, moment, struct pair *, pair)
{
    roost_event event = ROOST_EVENT_INIT;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&pair->first, g, await_event, &event, &pair->marks, 'a', &pair->rc[0]);
        rc = lone_settle(rc);
        ROOST_GO(g, await_event, &event, &pair->marks, 'b', &pair->rc[1]);
        rc = lone_settle(rc);
        int woken = wake_and_cancel(moment, pair, wake_set, &event);
        rc = rc == 0 ? woken : rc;
    }
    CHECK_EQ(0, waiting_for(&event));
    return rc;
}

BEHAVIOUR(57, an_event_reaches_the_others_when_a_waiter_is_cancelled)
{
    for (enum moment moment = BEFORE; moment <= AFTER; moment++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_set(moment, &pair));
        CHECK_EQ(moment <= SAME_TICK_BEFORE ? ROOST_ECANCELED : 0, pair.rc[0]);
        CHECK_EQ(0, pair.rc[1]);
    }
}

struct room {
    roost_mutex mutex;
    roost_cond cond;
    struct marks marks;
};

/* Waits once, and tells whether the mutex was held afterwards. */
ROOST_ASYNC(await_cond, struct room *, room, int, letter, int *, ret_rc)
{
    int rc = 0;
    ROOST_LOCK(&room->mutex, rc) {
        *ret_rc = rc = roost_cond_wait(&room->cond, &room->mutex);
        CHECK_ALWAYS(roost_mutex_try_lock(&room->mutex) == ROOST_EDEADLK);
        if (rc == 0)
            mark(&room->marks, letter);
    }
    return rc;
}

static void wake_notify(void *arg)
{
    struct room *room = arg;
    CHECK_EQ(1, roost_cond_notify(&room->cond, 1));
}

/* locked: who notifies holds the mutex meanwhile. */
ROOST_ASYNC(cancel_beside_notify, enum moment, moment, struct pair *, pair, bool, locked)
{
    struct room room = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&pair->first, g, await_cond, &room, 'a', &pair->rc[0]);
        rc = lone_settle(rc);
        ROOST_GO(g, await_cond, &room, 'b', &pair->rc[1]);
        rc = lone_settle(rc);
        int woken = 0;
        if (locked)
            ROOST_LOCK(&room.mutex, woken)
                woken = wake_and_cancel(moment, pair, wake_notify, &room);
        else
            woken = wake_and_cancel(moment, pair, wake_notify, &room);
        rc = lone_settle(rc == 0 ? woken : rc);
        roost_group_cancel(g, "seen");
    }
    pair->marks = room.marks;
    return rc;
}

BEHAVIOUR(57, a_notification_passes_by_who_was_cancelled_before_it)
{
    for (int i = 0; i < 4; i++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_notify((enum moment)(i % 2), &pair, i >= 2));
        CHECK_EQ(ROOST_ECANCELED, pair.rc[0]);
        CHECK_EQ(0, pair.rc[1]);
        CHECK_MARKS("b", pair.marks);
    }
}

BEHAVIOUR(57, a_notification_stays_with_who_holds_the_mutex_by_then)
{
    for (enum moment moment = SAME_TICK_AFTER; moment <= AFTER; moment++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_notify(moment, &pair, false));
        CHECK_EQ(0, pair.rc[0]);
        CHECK_EQ(ROOST_ECANCELED, pair.rc[1]); /* by the end of the group */
        CHECK_MARKS("a", pair.marks);
    }
}

/* -- B58: who may lock and unlock -------------------------------------------------------------- */

ROOST_ASYNC(unlock_of_another, roost_mutex *, mutex, int *, ret_rc)
{
    *ret_rc = roost_mutex_unlock(mutex);
    return 0;
}

BEHAVIOUR(58, the_owner_does_not_lock_again_and_nobody_else_unlocks)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    int foreign = 0;
    int rc = 0;
    CHECK_EQ(ROOST_EPERM, roost_mutex_unlock(&mutex));
    ROOST_LOCK(&mutex, rc) {
        CHECK_EQ(ROOST_EDEADLK, roost_mutex_lock(&mutex));
        CHECK_EQ(ROOST_EDEADLK, roost_mutex_try_lock(&mutex));
        ROOST_GROUP(g, rc)
            ROOST_GO(g, unlock_of_another, &mutex, &foreign);
        CHECK_EQ(ROOST_EPERM, foreign);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EPERM, roost_mutex_unlock(&mutex));
}

ROOST_ASYNC(lock_and_end, roost_mutex *, mutex)
{
    ROOST_TRY(roost_mutex_lock(mutex));
    return roost_yield();
}

BEHAVIOUR(58, an_owner_that_ends_is_told_to_those_who_wait_and_who_come)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    struct marks marks = {0};
    int held[2] = {1, 1};
    roost_errors ROOST_AUTO(errors) errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_LOCK(&mutex, rc) {
            ROOST_GO(g, lock_and_end, &mutex);
            rc = roost_test_settle();
            ROOST_GO(g, hold, &mutex, &marks, 'a', &held[0]);
            ROOST_GO(g, hold, &mutex, &marks, 'b', &held[1]);
            rc = lone_settle(rc);
        }
    }
    CHECK_EQ(ROOST_EOWNERDEAD, rc);
    CHECK_EQ(ROOST_EOWNERDEAD, held[0]);
    CHECK_EQ(ROOST_EOWNERDEAD, held[1]);
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK_MARKS("", marks);
    CHECK_EQ(ROOST_EOWNERDEAD, lock_once(&mutex));
    CHECK_EQ(ROOST_EOWNERDEAD, try_lock_once(&mutex));
    CHECK_EQ(ROOST_EOWNERDEAD, roost_mutex_unlock(&mutex));
    roost_mutex_init(&mutex);
    CHECK_EQ(0, lock_once(&mutex));
}

struct two_locks {
    roost_mutex first;
    roost_mutex second;
};

ROOST_ASYNC(lock_both, roost_mutex *, outer, roost_mutex *, inner, int *, ret_rc)
{
    int rc = 0;
    ROOST_LOCK(outer, rc) {
        rc = roost_test_settle();
        if (rc == 0)
            ROOST_LOCK(inner, rc)
                rc = roost_yield();
    }
    *ret_rc = rc;
    return rc == ROOST_EDEADLK ? 0 : rc;
}

BEHAVIOUR(58, a_circle_of_locks_is_refused_when_it_would_close)
{
    struct two_locks locks = {0};
    int seen[2] = {1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, lock_both, &locks.first, &locks.second, &seen[0]);
        ROOST_GO(g, lock_both, &locks.second, &locks.first, &seen[1]);
    }
    CHECK_EQ(0, rc);
    CHECK((seen[0] == ROOST_EDEADLK && seen[1] == 0) || (seen[1] == ROOST_EDEADLK && seen[0] == 0));
}

/* -- B59: conditions --------------------------------------------------------------------------- */

BEHAVIOUR(59, a_cancelled_wait_ends_with_the_mutex_held)
{
    struct room room = {0};
    roost_task *waiter = NULL;
    int seen = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&waiter, g, await_cond, &room, 'a', &seen);
        rc = lone_settle(rc);
        int locked = 0;
        ROOST_LOCK(&room.mutex, locked) {
            cancel_task(waiter);
            waiter = NULL;
            rc = lone_settle(rc);
            CHECK_EQ(1, seen); /* it waits for the mutex, cancelled or not */
        }
        roost_task_drop(waiter);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, seen);
    CHECK_MARKS("", room.marks);
}

BEHAVIOUR(59, a_notification_that_cannot_be_acted_on_goes_to_the_next)
{
    for (enum moment moment = SAME_TICK_AFTER; moment <= AFTER; moment++) {
        struct pair pair = {.rc = {1, 1}};
        CHECK_EQ(0, cancel_beside_notify(moment, &pair, true));
        CHECK_EQ(ROOST_ECANCELED, pair.rc[0]);
        CHECK_EQ(0, pair.rc[1]);
        CHECK_MARKS("b", pair.marks);
    }
}

ROOST_ASYNC(await_count, struct room *, room, const int *, count, int, wanted, int, letter)
{
    int rc = 0;
    ROOST_LOCK(&room->mutex, rc) {
        ROOST_COND_WAIT_UNTIL(rc, &room->cond, &room->mutex, *count >= wanted);
        if (rc == 0)
            mark(&room->marks, letter);
    }
    return rc;
}

BEHAVIOUR(59, everybody_looks_again_at_what_they_wait_for)
{
    struct room room = {0};
    int count = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 3; i > 0; i--)
            ROOST_GO(g, await_count, &room, &count, i, 'a' + i - 1);
        rc = roost_test_settle();
        for (int i = 0; i < 3 && rc == 0; i++) {
            ROOST_LOCK(&room.mutex, rc) {
                count++;
                roost_cond_notify_all(&room.cond);
            }
            rc = lone_settle(rc);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("abc", room.marks);
}

/* -- B60: events ------------------------------------------------------------------------------- */

BEHAVIOUR(60, set_wakes_all_in_order_and_clear_does_not_undo_it, .fifo = true)
{
    roost_event event = ROOST_EVENT_INIT;
    struct marks marks = {0};
    int seen[4] = {1, 1, 1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, await_event, &event, &marks, 'a' + i, &seen[i]);
        rc = roost_test_settle();
        CHECK_EQ(3, waiting_for(&event));
        CHECK_EQ(0, roost_event_set(&event));
        CHECK_EQ(0, roost_event_clear(&event));
        CHECK(!roost_event_is_set(&event));
        ROOST_GO(g, await_event, &event, &marks, 'd', &seen[3]);
        rc = lone_settle(rc);
        CHECK_EQ(1, waiting_for(&event));
        CHECK_MARKS("abc", marks);
        CHECK_EQ(0, roost_event_set(&event));
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("abcd", marks);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(0, seen[i]);
}

BEHAVIOUR(60, a_set_event_lets_through_but_not_who_is_cancelled)
{
    roost_event event = ROOST_EVENT_INIT;
    CHECK_EQ(0, roost_event_set(&event));
    ROOST_NO_YIELD
    {
        CHECK_EQ(0, roost_event_wait(&event));
    }
    int seen = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_group_cancel(g, "before it waits");
        seen = roost_event_wait(&event);
    }
    CHECK_EQ(ROOST_ECANCELED, seen);
    CHECK_EQ(0, rc);
}

/* -- B63: barriers ----------------------------------------------------------------------------- */

/* A torture that cancels one of a party leaves the others waiting for ever. */
ROOST_ASYNC(pass_barrier, roost_barrier *, barrier, int *, ret_index)
{
    *ret_index = roost_barrier_wait(barrier);
    return *ret_index == ROOST_EBROKEN || *ret_index >= 0 ? 0 : *ret_index;
}

enum { PARTIES = 5 };

BEHAVIOUR(63, everybody_of_a_party_gets_an_index_of_its_own, .stalls = true)
{
    roost_barrier barrier;
    int index[2 * PARTIES];
    CHECK_OK(roost_barrier_init(&barrier, PARTIES));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 2 * PARTIES; i++)
            ROOST_GO(g, pass_barrier, &barrier, &index[i]);
    }
    CHECK_EQ(0, rc);
    int seen[PARTIES] = {0};
    for (int i = 0; i < 2 * PARTIES; i++) {
        CHECK(index[i] >= 0 && index[i] < PARTIES);
        if (index[i] >= 0 && index[i] < PARTIES)
            seen[index[i]]++;
    }
    for (int i = 0; i < PARTIES; i++)
        CHECK_EQ(2, seen[i]);
}

BEHAVIOUR(63, who_is_cancelled_leaves_and_its_place_is_taken, .stalls = true)
{
    roost_barrier barrier;
    int index[3] = {9, 9, 9};
    int last = 9;
    CHECK_OK(roost_barrier_init(&barrier, 3));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *first = NULL;
        rc = ROOST_SPAWN(&first, g, pass_barrier, &barrier, &index[0]);
        rc = lone_settle(rc);
        ROOST_GO(g, pass_barrier, &barrier, &index[1]);
        rc = lone_settle(rc);
        cancel_task(first);
        rc = lone_settle(rc);
        ROOST_GO(g, pass_barrier, &barrier, &index[2]);
        rc = lone_settle(rc);
        if (rc == 0)
            last = roost_barrier_wait(&barrier);
        else
            roost_barrier_abort(&barrier);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, index[0]);
    CHECK_EQ(0, index[1]);
    CHECK_EQ(1, index[2]);
    CHECK_EQ(2, last);
}

BEHAVIOUR(63, reset_breaks_who_waits_and_abort_who_comes_as_well, .stalls = true)
{
    roost_barrier barrier;
    int index[3] = {9, 9, 9};
    CHECK_OK(roost_barrier_init(&barrier, 2));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, pass_barrier, &barrier, &index[0]);
        rc = roost_test_settle();
        CHECK_EQ(0, roost_barrier_reset(&barrier));
        rc = lone_settle(rc);
        CHECK_EQ(ROOST_EBROKEN, index[0]);

        ROOST_GO(g, pass_barrier, &barrier, &index[1]);
        rc = lone_settle(rc);
        CHECK_EQ(0, roost_barrier_abort(&barrier));
        CHECK_EQ(ROOST_EBROKEN, roost_barrier_wait(&barrier));
        rc = lone_settle(rc);
        CHECK_EQ(ROOST_EBROKEN, index[1]);

        CHECK_EQ(0, roost_barrier_reset(&barrier));
        ROOST_GO(g, pass_barrier, &barrier, &index[2]);
        rc = lone_settle(rc);
        if (rc == 0)
            CHECK_EQ(1, roost_barrier_wait(&barrier));
        else
            roost_barrier_abort(&barrier);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, index[2]);
}

ROOST_ASYNC(pass_marked, roost_barrier *, barrier, struct marks *, marks, int, letter)
{
    int index = roost_barrier_wait(barrier);
    if (index >= 0)
        mark(marks, letter);
    return index < 0 ? index : 0;
}

/* The first one is let through and has not run; two others come: they make the next party only when
 * it has left. */
BEHAVIOUR(63, newcomers_wait_until_the_last_party_has_left, .fifo = true, .stalls = true)
{
    roost_barrier barrier;
    struct marks marks = {0};
    CHECK_OK(roost_barrier_init(&barrier, 2));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, pass_marked, &barrier, &marks, 'a');
        rc = roost_test_settle();
        ROOST_GO(g, pass_marked, &barrier, &marks,
                 'n'); /* runs before the one that is let through */
        if (rc == 0) {
            CHECK_EQ(1, roost_barrier_wait(&barrier));
            rc = roost_barrier_wait(&barrier);
            mark(&marks, 'm');
        }
        if (rc < 0)
            roost_barrier_abort(&barrier);
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("amn", marks);
}
