/* tests/unit/flow/test_wait.c - waiting for handles, and gathering them.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

enum { MANY = 40 };

/* What the tasks of a case leave behind for its checks. */
struct tally {
    int begun;
    int ended;
    int cancelled;
};

ROOST_ASYNC(take, roost_dur, dur, int, code, struct tally *, tally)
{
    tally->begun++;
    int rc = roost_sleep(dur);
    tally->ended++;
    if (rc == ROOST_ECANCELED)
        tally->cancelled++;
    ROOST_TRY(rc);
    return code;
}

/* Ends well, or is cancelled. */
static int spawn(roost_group *g, roost_task **task, roost_dur dur, int code, struct tally *tally)
{
    *task = NULL;
    return ROOST_SPAWN(task, g, take, dur, code, tally);
}

static void drop(roost_task **tasks, size_t n)
{
    for (size_t i = 0; i < n; i++)
        roost_task_drop(tasks[i]);
}

/* -- roost_wait -------------------------------------------------------------------------------- */

ROOST_TEST(wait_for_all_any_and_the_first_error)
{
    struct tally tally = {0};
    const enum roost_wait_mode modes[] = {ROOST_WAIT_ALL, ROOST_WAIT_ANY, ROOST_WAIT_FIRST_ERROR};
    const int want[] = {3, 1, 2};
    for (int i = 0; i < 3; i++) {
        roost_task *tasks[3] = {0};
        int got = 0;
        int rc = 0;
        roost_group_opts opts = {.policy = ROOST_COLLECT};
        ROOST_GROUP_WITH(g, rc, &opts) {
            rc = spawn(g, &tasks[0], ROOST_MS(9), 1, &tally);
            if (rc == 0)
                rc = spawn(g, &tasks[1], ROOST_MS(3), 2, &tally);
            if (rc == 0)
                rc = spawn(g, &tasks[2], ROOST_MS(6), -EIO, &tally);
            if (rc == 0)
                rc = got = roost_wait(tasks, 3, modes[i]);
            if (rc >= 0) {
                rc = 0;
                CHECK(roost_task_done(tasks[1]));
                CHECK(i == 1 || roost_task_done(tasks[2]));
                /* On a real clock several may have ended by now. */
                CHECK(want[i] <= got);
                if (roost_test_virtual())
                    CHECK_EQ(want[i], got);
            }
            drop(tasks, 3);
        }
        CHECK_EQ(-EIO, rc);
    }
}

ROOST_TEST(what_has_finished_is_not_waited_for)
{
    struct tally tally = {0};
    roost_task *tasks[2] = {0};
    int rc = 0;
    CHECK_EQ(0, roost_wait(NULL, 0, ROOST_WAIT_ALL));
    CHECK_EQ(0, roost_wait(NULL, 0, ROOST_WAIT_ANY));
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &tasks[0], ROOST_MS(1), 1, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[1], ROOST_MS(200), 2, &tally);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(20));
        if (rc == 0) {
            ROOST_NO_YIELD
            {
                CHECK_OK(roost_wait(tasks, 2, ROOST_WAIT_ANY));
            }
            CHECK_EQ(1, roost_wait(tasks, 1, ROOST_WAIT_ALL));
            CHECK_EQ(1, roost_wait(tasks, 1, ROOST_WAIT_FIRST_ERROR));
            roost_task *twice[] = {tasks[1], tasks[1], tasks[0]};
            CHECK_EQ(3, roost_wait(twice, 3, ROOST_WAIT_ALL));
        }
        drop(tasks, 2);
    }
    CHECK_EQ(0, rc);
}

ROOST_TEST(a_cancelled_task_is_no_first_error)
{
    struct tally tally = {0};
    roost_task *tasks[2] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &tasks[0], ROOST_SEC(60), 1, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[1], ROOST_MS(1), 2, &tally);
        if (rc == 0) {
            roost_task_cancel(tasks[0], "enough");
            CHECK_EQ(2, roost_wait(tasks, 2, ROOST_WAIT_FIRST_ERROR));
        }
        drop(tasks, 2);
    }
    CHECK_EQ(0, rc);
}

ROOST_TEST(a_deadline_ends_the_wait_and_not_the_tasks)
{
    struct tally tally = {0};
    roost_task *tasks[3] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &tasks[0], ROOST_MS(5), 1, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[1], ROOST_MS(1), 2, &tally);
        if (rc == 0) {
            roost_task *all[] = {tasks[0], tasks[1], tasks[0]};
            int waited = ROOST_WITHIN(ROOST_MS(2), roost_wait(all, 3, ROOST_WAIT_ALL));
            CHECK_EQ(ROOST_ETIMEDOUT, waited);
            CHECK_EQ(0, tally.cancelled);
            CHECK_EQ(3, roost_wait(all, 3, ROOST_WAIT_ALL));
        }
        drop(tasks, 3);
    }
    CHECK_EQ(0, rc);
}

/* A handle that several tasks use is NULL from when it is taken. */
ROOST_ASYNC(join_it, roost_task **, task, int *, result)
{
    if (!*task)
        return 0;
    int rc = roost_join(*task, result);
    if (rc == ROOST_ECANCELED)
        roost_task_drop(*task);
    *task = NULL;
    return rc;
}

ROOST_ASYNC(wait_for_it, roost_task **, task, int *, count)
{
    if (*task)
        *count = roost_wait(task, 1, ROOST_WAIT_ALL);
    return *count;
}

ROOST_TEST(several_wait_and_one_joins)
{
    struct tally tally = {0};
    int result = 0;
    int counts[3] = {0};
    int rc = 0;
    roost_task *task = NULL;
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &task, ROOST_MS(2), 7, &tally);
        if (rc == 0) {
            ROOST_GO(g, wait_for_it, &task, &counts[0]);
            ROOST_GO(g, wait_for_it, &task, &counts[1]);
            ROOST_GO(g, join_it, &task, &result);
            rc = wait_for_it(&task, &counts[2]);
        }
    }
    CHECK_EQ(1, rc);
    CHECK_EQ(7, result);
    CHECK_EQ(3, counts[0] + counts[1] + counts[2]);
}

/* More handles than look-outs lie in the frame. */
ROOST_TEST(many_handles)
{
    struct tally tally = {0};
    roost_task *tasks[MANY] = {0};
    int codes[MANY] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < MANY && rc == 0; i++)
            rc = spawn(g, &tasks[i], ROOST_MS(1 + i % 3), i, &tally);
        if (rc == 0)
            rc = roost_wait(tasks, MANY, ROOST_WAIT_ANY);
        if (rc > 0 && roost_test_virtual())
            CHECK(rc < MANY);
        if (rc > 0)
            rc = roost_gather_tasks(tasks, MANY, codes, NULL);
        if (rc < 0)
            break; /* where a handle may or may not have been taken */
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < MANY; i++)
        CHECK_EQ(i, codes[i]);
}

/* -- misuse ------------------------------------------------------------------------------------ */

ROOST_ASYNC(wait_for_a_joiner, roost_task **, joiner, int *, rc)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    if (!*joiner)
        return 0;
    rc[0] = roost_wait(joiner, 1, ROOST_WAIT_ALL);
    roost_task *task = *joiner;
    *joiner = NULL;
    if (task)
        rc[1] = roost_gather_tasks(&task, 1, NULL, NULL);
    if (rc[1] == ROOST_EDEADLK)
        *joiner = task;
    return 0;
}

ROOST_TEST(circles_are_refused)
{
    int codes[2] = {0};
    int rc = 0;
    roost_task *joiner = NULL;
    roost_task *waiter = NULL;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&waiter, g, wait_for_a_joiner, &joiner, codes);
        if (rc == 0)
            rc = ROOST_SPAWN(&joiner, g, join_it, &waiter, NULL);
        if (!joiner)
            roost_task_drop(waiter); /* else that one takes it */
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(2));
        roost_task_drop(joiner);
        joiner = NULL;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, codes[0]);
    CHECK_EQ(ROOST_EDEADLK, codes[1]);
}

/* The task that waits, or one that waits for its end. */
ROOST_ASYNC(wait_for_self_and_owner, roost_task **, self, roost_task **, owner, int *, rc)
{
    if (!*self || !*owner)
        return 0;
    rc[0] = roost_wait(self, 1, ROOST_WAIT_ANY);
    rc[1] = roost_wait(owner, 1, ROOST_WAIT_ALL);
    return 0;
}

ROOST_ASYNC(own_a_waiter, roost_task **, owner, int *, codes)
{
    int rc = 0;
    roost_task *self = NULL;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&self, g, wait_for_self_and_owner, &self, owner, codes);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(1));
        roost_task_drop(self);
        self = NULL;
    }
    return rc;
}

ROOST_TEST(neither_itself_nor_its_owner_can_be_waited_for)
{
    int codes[2] = {0};
    int rc = 0;
    roost_task *owner = NULL;
    ROOST_GROUP(g, rc) {
        rc = ROOST_SPAWN(&owner, g, own_a_waiter, &owner, codes);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(2));
        roost_task_drop(owner);
        owner = NULL;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, codes[0]);
    CHECK_EQ(ROOST_EDEADLK, codes[1]);
}

ROOST_TEST(no_handle_is_refused_and_a_task_that_is_joined_is_not_gathered)
{
    struct tally tally = {0};
    roost_task *none[] = {NULL};
    roost_task *task = NULL;
    int codes[1] = {17};
    int result = 0;
    int rc = 0;
    CHECK_EQ(ROOST_EINVAL, roost_wait(none, 1, ROOST_WAIT_ALL));
    CHECK_EQ(ROOST_EINVAL, roost_gather_tasks(none, 1, codes, NULL));
    CHECK_EQ(ROOST_EINVAL, roost_wait(none, 0, (enum roost_wait_mode)3));
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &task, ROOST_MS(100), 7, &tally);
        if (rc == 0) {
            ROOST_GO(g, join_it, &task, &result);
            rc = roost_sleep(ROOST_MS(10));
        }
        if (rc == 0 && task && roost_gather_tasks(&task, 1, codes, NULL) != ROOST_EBUSY)
            task = NULL;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(17, codes[0]);
    CHECK_EQ(7, result);
}

ROOST_TEST(outside_a_task_it_is_refused, .plain = true)
{
    CHECK_EQ(ROOST_ENOCTX, roost_wait(NULL, 0, ROOST_WAIT_ALL));
    CHECK_EQ(ROOST_ENOCTX, roost_gather_tasks(NULL, 0, NULL, NULL));
}

/* -- roost_gather_tasks ------------------------------------------------------------------------ */

ROOST_TEST(the_first_failure_cancels_the_other_tasks)
{
    struct tally tally = {0};
    roost_task *tasks[3] = {0};
    int codes[3] = {0};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.policy = ROOST_COLLECT}) {
        rc = spawn(g, &tasks[0], ROOST_SEC(60), 1, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[1], ROOST_MS(1), -EIO, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[2], ROOST_SEC(60), 3, &tally);
        if (rc == 0) {
            CHECK_EQ(-EIO, roost_gather_tasks(tasks, 3, codes, NULL));
            CHECK_ALWAYS(tally.begun == tally.ended);
        }
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(2, tally.cancelled);
    CHECK_EQ(ROOST_ECANCELED, codes[0]);
    CHECK_EQ(-EIO, codes[1]);
    CHECK_EQ(ROOST_ECANCELED, codes[2]);
}

ROOST_TEST(collected_tasks_cancel_nobody)
{
    struct tally tally = {0};
    roost_task *tasks[3] = {0};
    int codes[3] = {0};
    int rc = 0;
    roost_gather_opts opts = {.policy = ROOST_COLLECT};
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.policy = ROOST_COLLECT}) {
        rc = spawn(g, &tasks[0], ROOST_MS(3), 1, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[1], ROOST_MS(1), -EIO, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[2], ROOST_SEC(60), 3, &tally);
        if (rc == 0) {
            roost_task_cancel(tasks[2], "somebody else's reasons");
            CHECK_EQ(0, roost_gather_tasks(tasks, 3, codes, &opts));
        }
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(1, codes[0]);
    CHECK_EQ(-EIO, codes[1]);
    CHECK_EQ(ROOST_ECANCELED, codes[2]);
}

ROOST_TEST(a_task_somebody_cancelled_counts_as_failed)
{
    struct tally tally = {0};
    roost_task *tasks[2] = {0};
    int codes[2] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &tasks[0], ROOST_SEC(60), 1, &tally);
        if (rc == 0)
            rc = spawn(g, &tasks[1], ROOST_SEC(60), 2, &tally);
        if (rc == 0) {
            roost_task_cancel(tasks[1], "enough");
            CHECK_EQ(ROOST_ECANCELED, roost_gather_tasks(tasks, 2, codes, NULL));
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, tally.cancelled);
}

ROOST_TEST(cancelling_who_gathers_cancels_the_tasks_and_takes_the_handles)
{
    for (int before = 0; before < 2; before++) {
        struct tally tally = {0};
        roost_task *tasks[2] = {0};
        int codes[2] = {0};
        int rc = 0;
        ROOST_GROUP(g, rc) {
            rc = spawn(g, &tasks[0], ROOST_SEC(60), 1, &tally);
            if (rc == 0)
                rc = spawn(g, &tasks[1], ROOST_SEC(60), 2, &tally);
            if (rc == 0)
                rc = roost_test_settle();
            if (rc == 0)
                CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(before ? -1 : ROOST_MS(1),
                                                       roost_gather_tasks(tasks, 2, codes, NULL)));
            else
                break;
            CHECK_ALWAYS(tally.begun == tally.ended);
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(2, tally.cancelled);
        CHECK_EQ(ROOST_ECANCELED, codes[0]);
    }
}

ROOST_TEST(finished_running_and_repeated_handles_together)
{
    struct tally tally = {0};
    roost_task *done = NULL;
    roost_task *runs = NULL;
    int codes[5] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &done, ROOST_MS(1), 1, &tally);
        if (rc == 0)
            rc = spawn(g, &runs, ROOST_MS(4), 2, &tally);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(2));
        if (rc == 0) {
            roost_task *tasks[] = {done, runs, done, runs, done};
            rc = roost_gather_tasks(tasks, 5, codes, NULL);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(12121, codes[0] * 10000 + codes[1] * 1000 + codes[2] * 100 + codes[3] * 10 + codes[4]);
}

ROOST_TEST(somebody_may_join_a_task_that_is_gathered)
{
    struct tally tally = {0};
    int result = 0;
    int codes[1] = {0};
    int rc = 0;
    roost_task *task = NULL;
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &task, ROOST_MS(2), 7, &tally);
        if (rc == 0) {
            ROOST_GO(g, join_it, &task, &result);
            rc = roost_gather_tasks(&task, 1, codes, NULL);
        }
        /* The other one has taken it, or finds that it is gone. */
        task = NULL;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(7, result);
    CHECK_EQ(7, codes[0]);
}

/* The group of the tasks ends while they are gathered from another one. */
ROOST_ASYNC(own, roost_task **, tasks, struct tally *, tally)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = spawn(g, &tasks[0], ROOST_MS(2), 1, tally);
        if (rc == 0)
            rc = spawn(g, &tasks[1], ROOST_MS(2), 2, tally);
        if (rc == 0)
            rc = roost_started(NULL, 0);
    }
    return rc;
}

ROOST_TEST(the_group_of_the_tasks_may_end_first)
{
    struct tally tally = {0};
    roost_task *tasks[2] = {0};
    int codes[2] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_group_start(g, ROOST_CALL(own, tasks, &tally), NULL, NULL, 0);
        if (rc == 0)
            rc = roost_gather_tasks(tasks, 2, codes, NULL);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, codes[0]);
    CHECK_EQ(2, codes[1]);
}
