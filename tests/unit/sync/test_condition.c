/* tests/unit/sync/test_condition.c - waiting under a mutex: who goes on, and what with.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/post.h>

#include "behaviour/marks.h"
#include "kit/kit.h"

static uint32_t waiting_for(const roost_cond *cond)
{
    roost_cond_stats stats;
    roost_cond_stats_get(cond, &stats);
    return stats.waiting;
}

static int settled(int rc)
{
    return rc == 0 ? roost_test_settle() : rc;
}

static bool is_locked(const roost_mutex *mutex)
{
    roost_mutex_stats stats;
    roost_mutex_stats_get(mutex, &stats);
    return stats.locked;
}

struct room {
    roost_mutex mutex;
    roost_cond cond;
    struct marks marks;
};

/* Waits once. */
ROOST_ASYNC(await_room, struct room *, room, int, letter, int *, ret_rc)
{
    int rc = 0;
    ROOST_LOCK(&room->mutex, rc) {
        *ret_rc = rc = roost_cond_wait(&room->cond, &room->mutex);
        if (rc == 0)
            mark(&room->marks, letter);
    }
    return rc;
}

/* Starts `count` of them, which wait in the order of their letters. */
static int start_waiters(roost_group *g, struct room *room, int count, int *seen)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        ROOST_GO(g, await_room, room, 'a' + i, &seen[i]);
        rc = roost_test_settle();
    }
    return rc;
}

/* -- notifying --------------------------------------------------------------------------------- */

ROOST_TEST(nobody_waits_and_nobody_is_notified)
{
    roost_cond cond;
    memset(&cond, 0x5a, sizeof cond);
    roost_cond_init(&cond);
    CHECK_EQ(0, waiting_for(&cond));
    CHECK_EQ(0, roost_cond_notify(&cond, 1));
    CHECK_EQ(0, roost_cond_notify_all(&cond));
}

ROOST_TEST(as_many_as_asked_for_go_on_in_order)
{
    struct room room = {ROOST_MUTEX_INIT, ROOST_COND_INIT, {0}};
    int seen[5];
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_waiters(g, &room, 5, seen);
        CHECK_EQ(5, waiting_for(&room.cond));
        CHECK(!is_locked(&room.mutex));
        CHECK_EQ(0, roost_cond_notify(&room.cond, 0));
        CHECK_EQ(2, roost_cond_notify(&room.cond, 2));
        rc = settled(rc);
        CHECK_MARKS("ab", room.marks);
        CHECK_EQ(3, waiting_for(&room.cond));
        CHECK_EQ(1, roost_cond_notify(&room.cond, 1));
        CHECK_EQ(2, roost_cond_notify(&room.cond, 7));
        CHECK_EQ(0, roost_cond_notify_all(&room.cond));
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("abcde", room.marks);
}

ROOST_TEST(those_notified_under_the_mutex_wait_for_it_in_order)
{
    struct room room = {0};
    int seen[3];
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_waiters(g, &room, 3, seen);
        int locked = 0;
        ROOST_LOCK(&room.mutex, locked) {
            CHECK_EQ(3, roost_cond_notify_all(&room.cond));
            CHECK_EQ(0, waiting_for(&room.cond));
            rc = settled(rc);
            CHECK_MARKS("", room.marks);
            roost_mutex_stats stats;
            roost_mutex_stats_get(&room.mutex, &stats);
            CHECK_EQ(3, stats.waiting);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("abc", room.marks);
}

static void notify_posted(void *arg)
{
    CHECK_EQ(1, roost_cond_notify_all(arg));
}

ROOST_TEST(a_post_may_notify)
{
    static struct room room; /* a torture may end the case before the post runs */
    static roost_post_slot slot;
    roost_poster *poster = NULL;
    int seen = 1;
    int rc = roost_poster_open(&poster);
    CHECK_EQ(0, rc);
    if (rc < 0)
        return;
    roost_post_slot_init(&slot, notify_posted, &room.cond);
    ROOST_GROUP(g, rc) {
        rc = start_waiters(g, &room, 1, &seen);
        if (rc == 0)
            rc = roost_post_once(poster, &slot);
    }
    roost_poster_close(poster);
    CHECK_EQ(0, rc);
    CHECK_EQ(0, seen);
}

ROOST_ASYNC(produce, struct room *, room, int *, stock, int, count)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        ROOST_LOCK(&room->mutex, rc) {
            ++*stock;
            roost_cond_notify(&room->cond, 1);
            rc = roost_yield();
        }
    }
    return rc;
}

ROOST_ASYNC(consume, struct room *, room, int *, stock, int, count)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++) {
        ROOST_LOCK(&room->mutex, rc) {
            ROOST_COND_WAIT_UNTIL(rc, &room->cond, &room->mutex, *stock > 0);
            if (rc == 0)
                --*stock;
        }
    }
    return rc;
}

ROOST_TEST(consumers_get_all_that_producers_make, .stalls = true)
{
    struct room room = {0};
    int stock = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++) {
            ROOST_GO(g, consume, &room, &stock, 8);
            ROOST_GO(g, produce, &room, &stock, 8);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, stock);
}

ROOST_TEST(a_condition_that_is_true_already_is_not_waited_for)
{
    struct room room = {0};
    int asked = 0;
    int rc = 7;
    ROOST_NO_YIELD
    ROOST_COND_WAIT_UNTIL(rc, &room.cond, &room.mutex, ++asked);
    CHECK_EQ(0, rc);
    CHECK_EQ(1, asked);
}

/* -- cancelled --------------------------------------------------------------------------------- */

ROOST_TEST(who_is_cancelled_before_it_waits_does_not_let_go)
{
    struct room room = {0};
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    int rc = roost_mutex_try_lock(&room.mutex);
    CHECK_EQ(0, rc);
    roost_scope_cancel(&scope, "before it waits");
    rc = roost_cond_wait(&room.cond, &room.mutex);
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(0, roost_mutex_unlock(&room.mutex));
    CHECK_EQ(0, roost_scope_end(&scope, rc));
}

ROOST_TEST(a_deadline_ends_the_wait_with_the_mutex_held)
{
    struct room room = {0};
    int seen = 0;
    int rc = 0;
    ROOST_LOCK(&room.mutex, rc) {
        seen = ROOST_WITHIN(ROOST_MS(1), roost_cond_wait(&room.cond, &room.mutex));
        CHECK(is_locked(&room.mutex));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ETIMEDOUT, seen);
    CHECK_EQ(0, waiting_for(&room.cond));
}

/* An expired deadline is found while the call parks, when it has let go of the mutex already and
 * somebody else has it. */
ROOST_TEST(a_deadline_that_has_passed_waits_for_the_mutex_all_the_same)
{
    struct room room = {0};
    int seen = 0;
    int inner = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_LOCK(&room.mutex, rc) {
            ROOST_GO(g, await_room, &room, 'a', &inner);
            rc = settled(rc); /* it waits for the mutex */
            seen = ROOST_WITHIN(1, roost_cond_wait(&room.cond, &room.mutex));
            CHECK(is_locked(&room.mutex));
        }
        rc = settled(rc);
        CHECK_EQ(1, roost_cond_notify_all(&room.cond));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ETIMEDOUT, seen);
    CHECK_EQ(0, inner);
}

ROOST_TEST(a_group_that_is_cancelled_gives_the_mutex_to_each_in_turn)
{
    struct room room = {0};
    int seen[4] = {1, 1, 1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_waiters(g, &room, 4, seen);
        CHECK_EQ(1, roost_cond_notify(&room.cond, 1));
        roost_group_cancel(g, "all of them");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, seen[0]); /* held the mutex by then */
    for (int i = 1; i < 4; i++)
        CHECK_EQ(ROOST_ECANCELED, seen[i]);
    CHECK_ALWAYS(!is_locked(&room.mutex));
    CHECK_ALWAYS(waiting_for(&room.cond) == 0);
}

/* The notification goes from one cancelled waiter to the next until somebody can use it. */
ROOST_TEST(a_notification_passes_several_who_are_cancelled)
{
    struct room room = {0};
    roost_task *tasks[3] = {NULL};
    int seen[4] = {1, 1, 1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3 && rc == 0; i++) {
            rc = ROOST_SPAWN(&tasks[i], g, await_room, &room, 'a' + i, &seen[i]);
            rc = settled(rc);
        }
        ROOST_GO(g, await_room, &room, 'd', &seen[3]);
        rc = settled(rc);
        int locked = 0;
        ROOST_LOCK(&room.mutex, locked) {
            CHECK_EQ(1, roost_cond_notify(&room.cond, 1));
            for (int i = 0; i < 3; i++)
                cancel_task(tasks[i]);
        }
        if (locked < 0)
            for (int i = 0; i < 3; i++)
                cancel_task(tasks[i]);
        rc = settled(rc);
        roost_group_cancel(g, "seen");
    }
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ROOST_ECANCELED, seen[i]);
    CHECK_EQ(0, seen[3]);
    CHECK_MARKS("d", room.marks);
}

/* -- misuse, and what is beyond help ----------------------------------------------------------- */

ROOST_ASYNC(wait_without, struct room *, room)
{
    CHECK_EQ(ROOST_EPERM, roost_cond_wait(&room->cond, &room->mutex));
    return 0;
}

ROOST_TEST(only_the_owner_of_the_mutex_waits)
{
    struct room room = {0};
    int rc = 0;
    CHECK_EQ(ROOST_EPERM, roost_cond_wait(&room.cond, &room.mutex));
    ROOST_LOCK(&room.mutex, rc) {
        ROOST_GROUP(g, rc)
            ROOST_GO(g, wait_without, &room);
    }
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(notify_and_end, struct room *, room)
{
    ROOST_TRY(roost_mutex_lock(&room->mutex));
    roost_cond_notify(&room->cond, 1);
    return 0;
}

ROOST_TEST(an_owner_that_ends_is_told_to_all_that_wait_under_its_mutex, .stalls = true)
{
    struct room room = {0};
    int seen[3] = {1, 1, 1};
    roost_errors ROOST_AUTO(errors) errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        rc = start_waiters(g, &room, 3, seen);
        ROOST_GO(g, notify_and_end, &room);
    }
    CHECK_EQ(ROOST_EOWNERDEAD, rc);
    CHECK_EQ(3, roost_errors_count(&errors));
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ROOST_EOWNERDEAD, seen[i]);
    CHECK_EQ(ROOST_EOWNERDEAD, roost_cond_wait(&room.cond, &room.mutex));
}

ROOST_TEST(who_joins_a_waiter_under_its_mutex_is_refused, .stalls = true)
{
    struct room room = {0};
    roost_task *task = NULL;
    int joined = 1;
    int seen = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&task, g, await_room, &room, 'a', &seen);
        rc = settled(rc);
        int locked = 0;
        ROOST_LOCK(&room.mutex, locked)
            joined = task ? roost_join(task, NULL) : 1;
        if (joined != 0)
            roost_task_drop(task);
        CHECK_EQ(1, roost_cond_notify_all(&room.cond));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, joined);
    CHECK_EQ(0, seen);
}

/* The owner of the mutex waits for the waiter in the end of its group, which nothing refuses. */
ROOST_ASYNC(end_group_under, struct room *, room, int *, seen, bool, notifies, roost_event *, ends)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = start_waiters(g, room, 1, seen);
        if (rc == 0)
            rc = roost_mutex_lock(&room->mutex);
        if (rc == 0 && notifies)
            roost_cond_notify_all(&room->cond);
        roost_event_set(ends);
    }
    roost_mutex_unlock(&room->mutex);
    return rc == ROOST_EDEADLK ? 0 : rc;
}

ROOST_TEST(a_waiter_whose_mutex_waits_for_it_is_let_go_without, .debug = -1, .stalls = true)
{
    for (int notifies = 0; notifies <= 1; notifies++) {
        struct room room = {0};
        roost_event ends = ROOST_EVENT_INIT;
        int seen = 1;
        int rc = 0;
        ROOST_GROUP(g, rc) {
            roost_task *task = NULL;
            rc = ROOST_SPAWN(&task, g, end_group_under, &room, &seen, notifies == 1, &ends);
            if (rc == 0)
                rc = roost_event_wait(&ends);
            cancel_task(task);
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(ROOST_EDEADLK, seen);
        CHECK_ALWAYS(!is_locked(&room.mutex));
    }
}

ROOST_TEST(outside_a_task_nobody_waits, .plain = true, .no_torture = true)
{
    struct room room = {0};
    CHECK_EQ(ROOST_ENOCTX, roost_cond_wait(&room.cond, &room.mutex));
    CHECK_EQ(ROOST_ENOCTX, roost_cond_notify(&room.cond, 1));
    CHECK_EQ(ROOST_ENOCTX, roost_cond_notify_all(&room.cond));
}

ROOST_ASYNC(use_far, roost_cond *, cond)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    int rc = 0;
    CHECK_EQ(ROOST_EXLOOP, roost_cond_notify(cond, 1));
    CHECK_EQ(ROOST_EXLOOP, roost_cond_notify_all(cond));
    ROOST_LOCK(&mutex, rc)
        CHECK_EQ(ROOST_EXLOOP, roost_cond_wait(cond, &mutex));
    return rc;
}

ROOST_TEST(another_loop_is_refused, .loops = 2)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_cond cond = ROOST_COND_INIT;
    CHECK_EQ(0, roost_cond_notify_all(&cond));
    CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(use_far, &cond), NULL));
}
