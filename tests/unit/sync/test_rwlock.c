/* tests/unit/sync/test_rwlock.c - readers together, writers alone, all of them in order.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>

#include "behaviour/marks.h"
#include "kit/kit.h"
#include "unit/rt/process.h"

static roost_rwlock_stats stats_of(const roost_rwlock *rwlock)
{
    roost_rwlock_stats stats;
    roost_rwlock_stats_get(rwlock, &stats);
    return stats;
}

static int settled(int rc)
{
    return rc == 0 ? roost_test_settle() : rc;
}

/* A lock, who is inside, and the order in which they came in. */
struct shelf {
    roost_rwlock lock;
    struct marks marks;
    int readers;
    int writers;
    int together; /* most readers at once */
    int refused;  /* with ROOST_ECANCELED */
};

ROOST_ASYNC(read_shelf, struct shelf *, shelf, int, letter)
{
    int rc = 0;
    ROOST_READ_LOCK(&shelf->lock, rc) {
        mark(&shelf->marks, letter);
        if (++shelf->readers > shelf->together)
            shelf->together = shelf->readers;
        CHECK_ALWAYS(shelf->writers == 0);
        rc = roost_test_settle();
        shelf->readers--;
    }
    shelf->refused += rc == ROOST_ECANCELED;
    return rc;
}

ROOST_ASYNC(write_shelf, struct shelf *, shelf, int, letter)
{
    int rc = 0;
    ROOST_WRITE_LOCK(&shelf->lock, rc) {
        mark(&shelf->marks, letter);
        CHECK_ALWAYS(++shelf->writers == 1);
        CHECK_ALWAYS(shelf->readers == 0);
        rc = roost_test_settle();
        shelf->writers--;
    }
    shelf->refused += rc == ROOST_ECANCELED;
    return rc;
}

ROOST_ASYNC(lock_for_writing, roost_rwlock *, rwlock)
{
    int rc = 0;
    ROOST_WRITE_LOCK(rwlock, rc)
        CHECK_EQ(0, stats_of(rwlock).readers);
    return rc;
}

ROOST_ASYNC(lock_for_reading, roost_rwlock *, rwlock)
{
    int rc = 0;
    ROOST_READ_LOCK(rwlock, rc)
        CHECK_EQ(0, stats_of(rwlock).writer_id);
    return rc;
}

/* Starts readers (small letters) and writers (capitals) one after the other. */
static int start_in_order(roost_group *g, struct shelf *shelf, const char *letters)
{
    int rc = 0;
    for (; *letters && rc == 0; letters++) {
        if (*letters >= 'a')
            ROOST_GO(g, read_shelf, shelf, *letters);
        else
            ROOST_GO(g, write_shelf, shelf, *letters);
        rc = roost_test_settle();
    }
    return rc;
}

/* -- who comes in when ------------------------------------------------------------------------- */

ROOST_TEST(a_free_lock_is_held_at_once)
{
    roost_rwlock rwlock;
    memset(&rwlock, 0x5a, sizeof rwlock);
    roost_rwlock_init(&rwlock);
    ROOST_NO_YIELD
    {
        CHECK_EQ(0, roost_rwlock_read_lock(&rwlock));
        CHECK_EQ(0, roost_rwlock_try_read_lock(&rwlock));
        CHECK_EQ(2, stats_of(&rwlock).readers);
        CHECK_EQ(ROOST_EAGAIN, roost_rwlock_try_write_lock(&rwlock));
        CHECK_EQ(0, roost_rwlock_read_unlock(&rwlock));
        CHECK_EQ(0, roost_rwlock_read_unlock(&rwlock));
        CHECK_EQ(0, roost_rwlock_write_lock(&rwlock));
        CHECK_EQ(roost_task_id(roost_task_self()), stats_of(&rwlock).writer_id);
        CHECK_EQ(0, roost_rwlock_write_unlock(&rwlock));
        CHECK_EQ(0, roost_rwlock_try_write_lock(&rwlock));
        CHECK_EQ(0, roost_rwlock_write_unlock(&rwlock));
    }
}

ROOST_TEST(phases_follow_the_order_of_arrival)
{
    struct shelf shelf = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_WRITE_LOCK(&shelf.lock, rc) {
            rc = start_in_order(g, &shelf, "abAcBCdef");
            roost_rwlock_stats stats = stats_of(&shelf.lock);
            CHECK_EQ(6, stats.readers_waiting);
            CHECK_EQ(3, stats.writers_waiting);
            CHECK_EQ(0, shelf.marks.count);
        }
        /* The first two are in, though they have not run. */
        CHECK_EQ(2, stats_of(&shelf.lock).readers);
        CHECK_EQ(ROOST_EAGAIN, roost_rwlock_try_read_lock(&shelf.lock));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, shelf.together);
    CHECK_EQ(9, shelf.marks.count);
    /* Among readers that come in together the schedule decides who runs first. */
    CHECK_EQ('A', shelf.marks.text[2]);
    CHECK_EQ('c', shelf.marks.text[3]);
    CHECK_EQ('B', shelf.marks.text[4]);
    CHECK_EQ('C', shelf.marks.text[5]);
    CHECK_EQ(0, stats_of(&shelf.lock).readers);
}

ROOST_TEST(a_reader_does_not_overtake_a_writer_that_waits)
{
    struct shelf shelf = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_READ_LOCK(&shelf.lock, rc) {
            rc = start_in_order(g, &shelf, "Aa");
            CHECK_EQ(0, shelf.marks.count);
            CHECK_EQ(1, stats_of(&shelf.lock).readers);
        }
        /* The writer was handed the lock. */
        CHECK_EQ(ROOST_EAGAIN, roost_rwlock_try_read_lock(&shelf.lock));
        CHECK_EQ(ROOST_EAGAIN, roost_rwlock_try_write_lock(&shelf.lock));
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("Aa", shelf.marks);
}

/* What watches a loop keeps its tasks from the short path; here nothing does on the real back ends.
 */
ROOST_TEST(nobody_overtakes_on_the_short_path, .fifo = true)
{
    roost_rwlock rwlock = ROOST_RWLOCK_INIT;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_READ_LOCK(&rwlock, rc) {
            ROOST_GO(g, lock_for_writing, &rwlock);
            rc = roost_yield();
            CHECK_EQ(1, stats_of(&rwlock).writers_waiting);
            ROOST_GO(g, lock_for_reading, &rwlock);
            if (rc == 0)
                rc = roost_yield();
            CHECK_EQ(1, stats_of(&rwlock).readers);
            CHECK_EQ(1, stats_of(&rwlock).readers_waiting);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, stats_of(&rwlock).readers);
}

ROOST_TEST(a_writer_becomes_a_reader_and_those_first_in_line_come_in)
{
    struct shelf shelf = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_rwlock_write_lock(&shelf.lock);
        if (rc == 0) {
            rc = start_in_order(g, &shelf, "abAc");
            CHECK_EQ(0, roost_rwlock_downgrade(&shelf.lock));
            CHECK_EQ(3, stats_of(&shelf.lock).readers);
            CHECK_EQ(0, stats_of(&shelf.lock).writer_id);
            rc = settled(rc);
            CHECK_EQ(0, shelf.writers);
            CHECK_EQ(0, roost_rwlock_read_unlock(&shelf.lock));
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, shelf.together);
    CHECK_EQ('A', shelf.marks.text[2]);
    CHECK_EQ('c', shelf.marks.text[3]);
}

/* -- cancelled --------------------------------------------------------------------------------- */

ROOST_TEST(a_writer_that_gives_up_lets_in_the_readers_behind_it)
{
    struct shelf shelf = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_READ_LOCK(&shelf.lock, rc) {
            roost_task *writer = NULL;
            rc = ROOST_SPAWN(&writer, g, write_shelf, &shelf, 'A');
            rc = settled(rc);
            if (rc == 0)
                rc = start_in_order(g, &shelf, "abBc");
            cancel_task(writer);
            CHECK_EQ(3, stats_of(&shelf.lock).readers);
            rc = settled(rc);
            CHECK_EQ(2, shelf.marks.count);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, shelf.refused);
    CHECK_EQ('B', shelf.marks.text[2]);
    CHECK_EQ('c', shelf.marks.text[3]);
}

ROOST_TEST(a_reader_that_gives_up_lets_nobody_in)
{
    struct shelf shelf = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_READ_LOCK(&shelf.lock, rc) {
            roost_task *reader = NULL;
            rc = start_in_order(g, &shelf, "A");
            if (rc == 0)
                rc = ROOST_SPAWN(&reader, g, read_shelf, &shelf, 'a');
            rc = settled(rc);
            if (rc == 0)
                rc = start_in_order(g, &shelf, "b");
            cancel_task(reader);
            CHECK_EQ(1, stats_of(&shelf.lock).readers);
            CHECK_EQ(1, stats_of(&shelf.lock).readers_waiting);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, shelf.refused);
    CHECK_MARKS("Ab", shelf.marks);
}

ROOST_TEST(a_lock_handed_over_stays_with_who_is_cancelled_later)
{
    for (int writes = 0; writes < 2; writes++) {
        struct shelf shelf = {0};
        int rc = 0;
        ROOST_GROUP(g, rc) {
            roost_task *first = NULL;
            ROOST_WRITE_LOCK(&shelf.lock, rc) {
                rc = writes ? ROOST_SPAWN(&first, g, write_shelf, &shelf, 'A')
                            : ROOST_SPAWN(&first, g, read_shelf, &shelf, 'A');
                rc = settled(rc);
                if (rc == 0)
                    rc = start_in_order(g, &shelf, "B");
            }
            cancel_task(first);
        }
        CHECK_EQ(0, rc);
        CHECK_MARKS("AB", shelf.marks);
        CHECK_EQ(1, shelf.refused); /* by what it called under the lock */
    }
}

ROOST_TEST(who_is_cancelled_gets_a_free_lock_by_try_only)
{
    roost_rwlock rwlock = ROOST_RWLOCK_INIT;
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    roost_scope_cancel(&scope, "before it locks");
    CHECK_EQ(ROOST_ECANCELED, roost_rwlock_read_lock(&rwlock));
    CHECK_EQ(ROOST_ECANCELED, roost_rwlock_write_lock(&rwlock));
    CHECK_EQ(0, roost_rwlock_try_write_lock(&rwlock));
    CHECK_EQ(0, roost_rwlock_write_unlock(&rwlock));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

/* -- who may do what --------------------------------------------------------------------------- */

ROOST_TEST(a_writer_does_not_lock_again)
{
    roost_rwlock rwlock = ROOST_RWLOCK_INIT;
    int rc = 0;
    ROOST_WRITE_LOCK(&rwlock, rc) {
        CHECK_EQ(ROOST_EDEADLK, roost_rwlock_read_lock(&rwlock));
        CHECK_EQ(ROOST_EDEADLK, roost_rwlock_write_lock(&rwlock));
        CHECK_EQ(ROOST_EDEADLK, roost_rwlock_try_read_lock(&rwlock));
        CHECK_EQ(ROOST_EDEADLK, roost_rwlock_try_write_lock(&rwlock));
        CHECK_EQ(ROOST_EPERM, roost_rwlock_read_unlock(&rwlock));
    }
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(unlock_of_another, roost_rwlock *, rwlock)
{
    CHECK_EQ(ROOST_EPERM, roost_rwlock_write_unlock(rwlock));
    CHECK_EQ(ROOST_EPERM, roost_rwlock_downgrade(rwlock));
    return 0;
}

ROOST_TEST(only_who_holds_it_lets_go)
{
    roost_rwlock rwlock = ROOST_RWLOCK_INIT;
    int rc = 0;
    CHECK_EQ(ROOST_EPERM, roost_rwlock_read_unlock(&rwlock));
    CHECK_EQ(ROOST_EPERM, roost_rwlock_write_unlock(&rwlock));
    CHECK_EQ(ROOST_EPERM, roost_rwlock_downgrade(&rwlock));
    ROOST_READ_LOCK(&rwlock, rc)
        CHECK_EQ(ROOST_EPERM, roost_rwlock_write_unlock(&rwlock));
    ROOST_WRITE_LOCK(&rwlock, rc) {
        ROOST_GROUP(g, rc)
            ROOST_GO(g, unlock_of_another, &rwlock);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EPERM, roost_rwlock_read_unlock(&rwlock));
}

ROOST_ASYNC(end_writing, roost_rwlock *, rwlock)
{
    ROOST_TRY(roost_rwlock_write_lock(rwlock));
    return roost_test_settle();
}

ROOST_TEST(a_writer_that_ends_is_told_to_all)
{
    struct shelf shelf = {0};
    roost_errors ROOST_AUTO(errors) errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_WRITE_LOCK(&shelf.lock, rc) {
            ROOST_GO(g, end_writing, &shelf.lock);
            rc = settled(rc);
            if (rc == 0)
                rc = start_in_order(g, &shelf, "aA");
        }
    }
    CHECK_EQ(ROOST_EOWNERDEAD, rc);
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK_MARKS("", shelf.marks);
    CHECK(stats_of(&shelf.lock).abandoned);
    rc = 0;
    ROOST_READ_LOCK(&shelf.lock, rc)
        continue;
    CHECK_EQ(ROOST_EOWNERDEAD, rc);
    ROOST_WRITE_LOCK(&shelf.lock, rc)
        continue;
    CHECK_EQ(ROOST_EOWNERDEAD, rc);
    CHECK_EQ(ROOST_EOWNERDEAD, roost_rwlock_write_unlock(&shelf.lock));
    CHECK_EQ(ROOST_EOWNERDEAD, roost_rwlock_downgrade(&shelf.lock));
    roost_rwlock_init(&shelf.lock);
    ROOST_READ_LOCK(&shelf.lock, rc)
        continue;
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(write_under_group, struct shelf *, shelf, int *, ret_rc)
{
    int rc = 0;
    *ret_rc = roost_rwlock_read_lock(&shelf->lock);
    if (*ret_rc == 0)
        rc = roost_rwlock_read_unlock(&shelf->lock);
    return rc;
}

ROOST_TEST(a_circle_through_the_writer_is_refused)
{
    struct shelf shelf = {0};
    int seen = 1;
    int rc = 0;
    ROOST_WRITE_LOCK(&shelf.lock, rc) {
        ROOST_GROUP(g, rc)
            ROOST_GO(g, write_under_group, &shelf, &seen);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, seen);
}

ROOST_TEST(outside_a_task_nothing_is_locked, .plain = true, .no_torture = true)
{
    roost_rwlock rwlock = ROOST_RWLOCK_INIT;
    int rc = 0;
    CHECK_EQ(ROOST_ENOCTX, roost_rwlock_read_lock(&rwlock));
    CHECK_EQ(ROOST_ENOCTX, roost_rwlock_write_lock(&rwlock));
    CHECK_EQ(ROOST_ENOCTX, roost_rwlock_try_read_lock(&rwlock));
    CHECK_EQ(ROOST_ENOCTX, roost_rwlock_try_write_lock(&rwlock));
    CHECK_EQ(ROOST_ENOCTX, roost_rwlock_read_unlock(&rwlock));
    CHECK_EQ(ROOST_ENOCTX, roost_rwlock_write_unlock(&rwlock));
    CHECK_EQ(ROOST_ENOCTX, roost_rwlock_downgrade(&rwlock));
    ROOST_READ_LOCK(&rwlock, rc)
        CHECK(false);
    CHECK_EQ(ROOST_ENOCTX, rc);
    ROOST_WRITE_LOCK(&rwlock, rc)
        CHECK(false);
    CHECK_EQ(ROOST_ENOCTX, rc);
}

ROOST_ASYNC(use_far, roost_rwlock *, rwlock)
{
    int seen[] = {roost_rwlock_read_lock(rwlock),     roost_rwlock_write_lock(rwlock),
                  roost_rwlock_try_read_lock(rwlock), roost_rwlock_try_write_lock(rwlock),
                  roost_rwlock_read_unlock(rwlock),   roost_rwlock_write_unlock(rwlock),
                  roost_rwlock_downgrade(rwlock)};
    for (size_t i = 0; i < sizeof seen / sizeof seen[0]; i++)
        CHECK_EQ(ROOST_EXLOOP, seen[i]);
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2, .debug = -1)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_rwlock rwlock = ROOST_RWLOCK_INIT;
    int rc = 0;
    ROOST_READ_LOCK(&rwlock, rc)
        CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(use_far, &rwlock), NULL));
    CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(use_far, &rwlock), NULL));
    CHECK_EQ(0, rc);
}

/* -- what is told ------------------------------------------------------------------------------ */

static roost_rwlock kept;

ROOST_ASYNC(misuse)
{
    int rc = 0;
    roost_rwlock_read_unlock(&kept);
    roost_rwlock_write_unlock(&kept);
    ROOST_GROUP(g, rc)
        ROOST_GO(g, end_writing, &kept);
    return rc;
}

static int misuse_body(void *arg)
{
    roost_run_opts opts = {.debug = *(int *)arg, .no_signals = true};
    return roost_run(ROOST_CALL(misuse), &opts) < 0;
}

ROOST_TEST(misuse_is_told_at_debug_level_1, .plain = true, .no_torture = true)
{
    for (int told = 0; told <= 1; told++) {
        struct process process;
        int debug = told ? 1 : -1;
        process_run(&process, misuse_body, &debug);
        CHECK_EQ(0, process.code);
        CHECK_EQ(told, process_count(&process, "unlocks for reading a lock that nobody reads"));
        CHECK_EQ(told, process_count(&process, "ends writing under a lock that it does not"));
        CHECK_EQ(told, process_count(&process, "finished while it held a lock for writing"));
    }
}
