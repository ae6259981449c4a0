/* tests/unit/sync/test_semaphore.c - permits, the line for them, and every way out of it.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/post.h>
#include <roost/semaphore.h>

#include "kit/kit.h"
#include "unit/rt/process.h"

enum { TAKERS_MAX = 16 };

/* A semaphore, and who got through, in order. */
struct line {
    roost_sem sem;
    int passed[TAKERS_MAX];
    int count;
    int refused; /* with ROOST_ECANCELED */
};

static uint32_t permits_of(const roost_sem *sem)
{
    roost_sem_stats stats;
    roost_sem_stats_get(sem, &stats);
    return stats.permits;
}

static uint32_t waiting_of(const roost_sem *sem)
{
    roost_sem_stats stats;
    roost_sem_stats_get(sem, &stats);
    return stats.waiting;
}

/* Takes `count` permits and keeps them. */
ROOST_ASYNC(take, struct line *, line, int, id, uint32_t, count)
{
    int rc = roost_sem_acquire_many(&line->sem, count);
    if (rc == 0)
        line->passed[line->count++] = id;
    else if (rc == ROOST_ECANCELED)
        line->refused++;
    return rc;
}

/* -- taking ------------------------------------------------------------------------------------ */

ROOST_TEST(permits_are_taken_and_put_back)
{
    roost_sem sem = ROOST_SEM_INIT(2);
    uint64_t steps = roost_test_steps();
    CHECK_OK(roost_sem_acquire(&sem));
    CHECK_OK(roost_sem_try_acquire(&sem));
    CHECK_EQ(0, permits_of(&sem));
    CHECK_EQ(ROOST_EAGAIN, roost_sem_try_acquire(&sem));
    CHECK_OK(roost_sem_release(&sem));
    CHECK_EQ(1, permits_of(&sem));
    CHECK_OK(roost_sem_release_many(&sem, 2));
    CHECK_OK(roost_sem_try_acquire_many(&sem, 3));
    CHECK_EQ(0, permits_of(&sem));
    /* On a real clock a task that has run for long gives way. */
    if (roost_test_virtual())
        CHECK_EQ(steps, roost_test_steps());
}

ROOST_TEST(a_zeroed_semaphore_is_empty_and_unbounded)
{
    roost_sem sem;
    memset(&sem, 0, sizeof sem);
    CHECK_EQ(ROOST_EAGAIN, roost_sem_try_acquire(&sem));
    CHECK_OK(roost_sem_release_many(&sem, UINT32_MAX));
    CHECK_OK(roost_sem_acquire_many(&sem, UINT32_MAX));
}

ROOST_TEST(those_who_wait_are_served_in_the_order_they_came, .fifo = true)
{
    struct line line = {.sem = ROOST_SEM_INIT(0)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 5; i++)
            ROOST_GO(g, take, &line, i, 1);
        rc = roost_test_settle();
        CHECK_EQ(5, waiting_of(&line.sem));
        CHECK_OK(roost_sem_release_many(&line.sem, 3));
        CHECK_EQ(2, waiting_of(&line.sem));
        CHECK_EQ(0, permits_of(&line.sem));
        CHECK_OK(roost_sem_release_many(&line.sem, 4));
        CHECK_EQ(2, permits_of(&line.sem));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(5, line.count);
    for (int i = 0; i < 5; i++)
        CHECK_EQ(i, line.passed[i]);
}

ROOST_TEST(a_big_request_at_the_head_is_not_overtaken, .fifo = true)
{
    struct line line = {.sem = ROOST_SEM_INIT(2)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, take, &line, 0, 3);
        ROOST_GO(g, take, &line, 1, 1);
        rc = roost_test_settle();
        CHECK_EQ(2, permits_of(&line.sem));
        CHECK_EQ(ROOST_EAGAIN, roost_sem_try_acquire(&line.sem));
        CHECK_EQ(ROOST_EAGAIN, roost_sem_try_acquire_many(&line.sem, 2));
        CHECK_OK(roost_sem_release(&line.sem));
        CHECK_EQ(1, waiting_of(&line.sem));
        CHECK_OK(roost_sem_release(&line.sem));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, line.count);
    CHECK_EQ(0, line.passed[0]);
    CHECK_EQ(1, line.passed[1]);
}

/* -- leaving the line -------------------------------------------------------------------------- */

ROOST_TEST(cancelling_a_big_request_serves_those_behind_it, .fifo = true)
{
    struct line line = {.sem = ROOST_SEM_INIT(2)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *big = NULL;
        rc = ROOST_SPAWN(&big, g, take, &line, 0, 3);
        for (int i = 1; i <= 3; i++)
            ROOST_GO(g, take, &line, i, 1);
        if (rc == 0)
            rc = roost_test_settle();
        if (big)
            roost_task_cancel(big, "too big");
        roost_task_drop(big);
        CHECK_EQ(1, waiting_of(&line.sem));
        CHECK_OK(roost_sem_release(&line.sem));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, line.refused);
    CHECK_EQ(3, line.count);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(i + 1, line.passed[i]);
}

ROOST_TEST(a_cancelled_waiter_in_the_middle_leaves_the_others_in_line, .fifo = true)
{
    struct line line = {.sem = ROOST_SEM_INIT(0)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *middle = NULL;
        ROOST_GO(g, take, &line, 0, 1);
        rc = ROOST_SPAWN(&middle, g, take, &line, 1, 1);
        ROOST_GO(g, take, &line, 2, 1);
        if (rc == 0)
            rc = roost_test_settle();
        if (middle)
            roost_task_cancel(middle, NULL);
        roost_task_drop(middle);
        CHECK_OK(roost_sem_release_many(&line.sem, 2));
        CHECK_EQ(0, permits_of(&line.sem));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, line.refused);
    CHECK_EQ(2, line.count);
    CHECK_EQ(2, line.passed[1]);
}

ROOST_TEST(a_deadline_leaves_the_line)
{
    struct line line = {.sem = ROOST_SEM_INIT(1)};
    int rc = ROOST_WITHIN(ROOST_MS(2), roost_sem_acquire_many(&line.sem, 2));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(1, permits_of(&line.sem));
    CHECK_EQ(0, waiting_of(&line.sem));
    /* A deadline that has passed refuses even what is there. */
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(0, roost_sem_acquire(&line.sem)));
    CHECK_EQ(1, permits_of(&line.sem));
}

ROOST_ASYNC(fail, int, code)
{
    return code;
}

ROOST_TEST(a_group_that_fails_takes_its_waiters_out_of_the_line)
{
    struct line line = {.sem = ROOST_SEM_INIT(0)};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, take, &line, i, 1);
        rc = roost_test_settle();
        ROOST_GO(g, fail, -EIO);
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(4, line.refused);
    CHECK_EQ(0, waiting_of(&line.sem));
    CHECK_OK(roost_sem_release(&line.sem));
    CHECK_EQ(1, permits_of(&line.sem));
}

/* -- blocks ------------------------------------------------------------------------------------ */

static ROOST_SUSPENDS int leave_by_return(roost_sem *sem)
{
    int rc = 0;
    ROOST_PERMIT(sem, rc)
        return 7;
    return rc;
}

ROOST_TEST(a_block_releases_its_permit_on_every_path)
{
    roost_sem sem = ROOST_SEM_INIT(1);
    int rc = -1;
    ROOST_PERMIT(&sem, rc) {
        CHECK_EQ(0, rc);
        CHECK_EQ(0, permits_of(&sem));
        rc = -EIO;
    }
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(1, permits_of(&sem));
    ROOST_PERMIT(&sem, rc)
        break;
    CHECK_EQ(0, rc);
    CHECK_EQ(1, permits_of(&sem));
    ROOST_PERMIT(&sem, rc)
        continue;
    CHECK_EQ(1, permits_of(&sem));
    CHECK_EQ(7, leave_by_return(&sem));
    CHECK_EQ(1, permits_of(&sem));
    ROOST_PERMIT(&sem, rc)
        goto out;
out:
    CHECK_EQ(1, permits_of(&sem));
}

ROOST_TEST(a_block_that_cannot_have_a_permit_is_left_out)
{
    roost_sem sem = ROOST_SEM_INIT(0);
    int bodies = 0;
    int inner = 0;
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_MS(1)) {
        ROOST_PERMIT(&sem, rc)
            bodies++;
        inner = rc;
    }
    CHECK_EQ(ROOST_ECANCELED, inner);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(0, bodies);
    CHECK_EQ(0, permits_of(&sem));
}

/* -- bounds and misuse ------------------------------------------------------------------------- */

ROOST_TEST(a_bounded_semaphore_refuses_a_permit_too_many, .debug = -1)
{
    roost_sem sem;
    roost_sem_init(&sem, 2, &(roost_sem_opts){.max = 3});
    CHECK_OK(roost_sem_release(&sem));
    CHECK_EQ(ROOST_EOVERFLOW, roost_sem_release(&sem));
    CHECK_EQ(3, permits_of(&sem));
    CHECK_OK(roost_sem_acquire_many(&sem, 2));
    CHECK_EQ(ROOST_EOVERFLOW, roost_sem_release_many(&sem, 3));
    CHECK_EQ(1, permits_of(&sem));
    CHECK_OK(roost_sem_release_many(&sem, 2));
    CHECK_EQ(ROOST_EINVAL, roost_sem_acquire_many(&sem, 4));
    CHECK_EQ(ROOST_EINVAL, roost_sem_try_acquire_many(&sem, 4));
    CHECK_OK(roost_sem_acquire_many(&sem, 3));
}

ROOST_TEST(a_bound_below_the_first_permits_is_raised_to_them, .debug = -1)
{
    roost_sem sem;
    roost_sem_init(&sem, 5, &(roost_sem_opts){.max = 2});
    CHECK_EQ(5, permits_of(&sem));
    CHECK_EQ(ROOST_EOVERFLOW, roost_sem_release(&sem));
    CHECK_OK(roost_sem_acquire(&sem));
    CHECK_OK(roost_sem_release(&sem));
}

ROOST_TEST(an_unbounded_semaphore_ends_where_the_number_does, .debug = -1)
{
    roost_sem sem;
    roost_sem_init(&sem, UINT32_MAX - 1, NULL);
    CHECK_OK(roost_sem_release(&sem));
    CHECK_EQ(ROOST_EOVERFLOW, roost_sem_release(&sem));
    CHECK_EQ(UINT32_MAX, permits_of(&sem));
}

ROOST_TEST(none_is_no_number_of_permits, .debug = -1)
{
    roost_sem sem = ROOST_SEM_INIT(1);
    CHECK_EQ(ROOST_EINVAL, roost_sem_acquire_many(&sem, 0));
    CHECK_EQ(ROOST_EINVAL, roost_sem_try_acquire_many(&sem, 0));
    CHECK_EQ(ROOST_EINVAL, roost_sem_release_many(&sem, 0));
    CHECK_EQ(1, permits_of(&sem));
}

ROOST_TEST(outside_a_run_there_is_nobody_to_wait_for, .plain = true, .no_torture = true)
{
    roost_sem sem = ROOST_SEM_INIT(1);
    CHECK_EQ(ROOST_ENOCTX, roost_sem_acquire(&sem));
    CHECK_EQ(ROOST_ENOCTX, roost_sem_acquire_many(&sem, 0));
    CHECK_EQ(ROOST_ENOCTX, roost_sem_try_acquire(&sem));
    CHECK_EQ(ROOST_ENOCTX, roost_sem_try_acquire_many(&sem, 0));
    CHECK_EQ(ROOST_ENOCTX, roost_sem_release(&sem));
    CHECK_EQ(1, permits_of(&sem));
}

/* Uses a semaphore of another loop. */
ROOST_ASYNC(use_from_elsewhere, roost_sem *, sem)
{
    CHECK_EQ(ROOST_EXLOOP, roost_sem_acquire(sem));
    CHECK_EQ(ROOST_EXLOOP, roost_sem_try_acquire(sem));
    CHECK_EQ(ROOST_EXLOOP, roost_sem_release(sem));
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2, .debug = -1)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_sem sem = ROOST_SEM_INIT(1);
    CHECK_OK(roost_sem_acquire(&sem));
    CHECK_OK(roost_on_loop(1, ROOST_CALL(use_from_elsewhere, &sem), NULL));
    CHECK_OK(roost_sem_release(&sem));
    CHECK_EQ(1, permits_of(&sem));
}

static void release_one(void *sem)
{
    roost_sem_release(sem);
}

ROOST_TEST(a_post_may_release)
{
    static roost_sem sem; /* outlives the case's frame: the post may come later */
    roost_poster *poster = NULL;
    roost_sem_init(&sem, 0, NULL);
    if (roost_poster_open(&poster) < 0)
        return;
    CHECK_OK(roost_post(poster, release_one, &sem));
    CHECK_OK(ROOST_WITHIN(ROOST_SEC(5), roost_sem_acquire(&sem)));
    roost_poster_close(poster);
}

static int overflow(void *arg)
{
    (void)arg;
    roost_sem sem;
    roost_sem_init(&sem, 1, &(roost_sem_opts){.max = 1});
    return roost_sem_release(&sem);
}

ROOST_ASYNC(overflow_in_a_task)
{
    return overflow(NULL) == ROOST_EOVERFLOW ? 0 : 1;
}

static int overflow_in_a_run(void *arg)
{
    return roost_run(ROOST_CALL(overflow_in_a_task), &(roost_run_opts){.debug = *(int *)arg});
}

ROOST_TEST(a_permit_too_many_is_reported_at_debug_level_1, .plain = true, .no_torture = true)
{
    struct process process;
    process_run(&process, overflow_in_a_run, &(int){1});
    CHECK_EQ(0, process.code);
    CHECK_WROTE(&process, "misuse: roost_sem_release of 1 with 1 of at most 1 there");
    process_run(&process, overflow_in_a_run, &(int){-1});
    CHECK_EQ(0, process.code);
    CHECK_SILENT_ON(&process, "misuse");
}

/* -- everything at once ------------------------------------------------------------------------ */

struct crowd {
    roost_sem sem;
    int inside;
    int inside_max;
    int served;
};

ROOST_ASYNC(visit, struct crowd *, crowd, int, id)
{
    for (int i = 0; i < 5; i++) {
        uint32_t count = 1 + (uint32_t)(id + i) % 3;
        int rc = 0;
        ROOST_TRY(roost_sem_acquire_many(&crowd->sem, count));
        crowd->inside += (int)count;
        if (crowd->inside > crowd->inside_max)
            crowd->inside_max = crowd->inside;
        rc = roost_sleep(ROOST_US(10 * (id % 7)));
        crowd->inside -= (int)count;
        roost_sem_release_many(&crowd->sem, count);
        ROOST_TRY(rc);
    }
    crowd->served++;
    return 0;
}

ROOST_TEST(a_crowd_never_exceeds_the_permits_and_loses_none)
{
    struct crowd crowd;
    crowd = (struct crowd){.served = 0};
    roost_sem_init(&crowd.sem, 4, &(roost_sem_opts){.max = 4});
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 32; i++) {
            roost_task *task = NULL;
            if (ROOST_SPAWN(&task, g, visit, &crowd, i) == 0 && i % 5 == 0)
                roost_task_cancel(task, "before it ran");
            roost_task_drop(task);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(25, crowd.served);
    CHECK_ALWAYS(crowd.inside_max <= 4);
    CHECK_ALWAYS(permits_of(&crowd.sem) == 4);
    CHECK_ALWAYS(waiting_of(&crowd.sem) == 0);
}
