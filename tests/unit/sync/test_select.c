/* tests/unit/sync/test_select.c - several things at once, of which exactly one is taken.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <roost.h>
#include <roost/chan.h>
#include <roost/event.h>
#include <roost/lock.h>
#include <roost/select.h>
#include <roost/semaphore.h>

#include "kit/kit.h"

static roost_chan *ints(size_t capacity)
{
    roost_chan *ch = NULL;
    int rc =
        roost_chan_open(&(roost_chan_opts){.item_size = sizeof(int), .capacity = capacity}, &ch);
    return rc < 0 ? NULL : ch;
}

/* Waits until somebody else's step has passed, then does one thing to wake the select. */
ROOST_ASYNC(send_later, roost_chan *, ch, int, item)
{
    ROOST_TRY(roost_test_settle());
    return roost_chan_send(ch, &item);
}

ROOST_ASYNC(recv_later, roost_chan *, ch, int *, item)
{
    ROOST_TRY(roost_test_settle());
    return roost_chan_recv(ch, item);
}

/* -- what is ready ----------------------------------------------------------------------------- */

ROOST_TEST(a_ready_case_is_taken_without_waiting)
{
    ROOST_AUTO(chan) roost_chan *full = ints(1);
    ROOST_AUTO(chan) roost_chan *empty = ints(1);
    int item = 5;
    int got = 0;
    if (!full || !empty)
        return;
    CHECK_OK(roost_chan_send(full, &item));
    roost_case cases[] = {ROOST_CASE_RECV(empty, &got), ROOST_CASE_SEND(full, &item),
                          ROOST_CASE_RECV(full, &got), ROOST_CASE_AFTER(0)};
    ROOST_NO_YIELD
    {
        CHECK_EQ(2, roost_select(cases, 4));
    }
    CHECK_EQ(0, cases[2].rc);
    CHECK_EQ(5, got);
    CHECK_EQ(1, roost_select(cases, 4)); /* now there is room */
    CHECK_EQ(2, roost_select(cases, 4));
    CHECK_EQ(3, roost_select(
                    (roost_case[]){
                        ROOST_CASE_RECV(empty, &got), {.rc = 0}, {.rc = 0}, ROOST_CASE_AFTER(-1)},
                    4));
}

ROOST_TEST(a_case_that_was_not_taken_has_not_happened)
{
    ROOST_AUTO(chan) roost_chan *a = ints(1);
    ROOST_AUTO(chan) roost_chan *b = ints(1);
    roost_chan_stats stats;
    int one = 1;
    if (!a || !b)
        return;
    CHECK_EQ(0,
             roost_select((roost_case[]){ROOST_CASE_SEND(a, &one), ROOST_CASE_SEND(b, &one)}, 2));
    roost_chan_stats_get(b, &stats);
    CHECK_EQ(0, stats.buffered);
    roost_chan_stats_get(a, &stats);
    CHECK_EQ(1, stats.buffered);
}

ROOST_TEST(a_closed_channel_is_ready_with_its_code)
{
    ROOST_AUTO(chan) roost_chan *ch = ints(1);
    ROOST_AUTO(chan) roost_chan *end = NULL;
    int item = 0;
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_RECV, &end) < 0)
        return;
    CHECK_OK(roost_chan_close(ch));
    ch = NULL;
    roost_case cases[] = {ROOST_CASE_RECV(end, &item), ROOST_CASE_SEND(end, &item)};
    CHECK_EQ(0, roost_select(cases, 2));
    CHECK_EQ(ROOST_ECLOSED, cases[0].rc);
    CHECK_EQ(0, roost_select(&cases[1], 1));
    CHECK_EQ(ROOST_ECLOSED, cases[1].rc);
}

ROOST_TEST(no_case_and_cases_of_nothing_are_never_ready)
{
    int item = 0;
    roost_case cases[] = {ROOST_CASE_RECV(NULL, &item), ROOST_CASE_SEND(NULL, &item),
                          ROOST_CASE_JOIN(NULL, NULL)};
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_select(NULL, 0)));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_select(cases, 3)));
    CHECK_EQ(ROOST_EINVAL, roost_select(cases, SIZE_MAX));
}

ROOST_TEST(outside_a_task_there_is_no_select, .plain = true)
{
    CHECK_EQ(ROOST_ENOCTX, roost_select(NULL, 0));
}

/* Two are ready, with one between them that is not: both are taken about half of the time. */
ROOST_TEST(a_fair_select_prefers_nobody)
{
    enum { ROUNDS = 400 };
    ROOST_AUTO(chan) roost_chan *first = ints(ROUNDS);
    ROOST_AUTO(chan) roost_chan *never = ints(0);
    ROOST_AUTO(chan) roost_chan *last = ints(ROUNDS);
    int taken[3] = {0};
    int item = 0;
    if (!first || !never || !last)
        return;
    for (int i = 0; i < ROUNDS; i++) {
        roost_case cases[] = {ROOST_CASE_SEND(first, &item), ROOST_CASE_SEND(never, &item),
                              ROOST_CASE_SEND(last, &item)};
        int which = roost_select_fair(cases, 3);
        if (which >= 0)
            taken[which]++;
    }
    CHECK_EQ(ROUNDS, taken[0] + taken[2]);
    CHECK(taken[0] > ROUNDS * 3 / 8 && taken[2] > ROUNDS * 3 / 8); /* five deviations */
}

/* -- waiting ----------------------------------------------------------------------------------- */

ROOST_TEST(whichever_comes_first_is_taken_and_the_others_are_left)
{
    ROOST_AUTO(chan) roost_chan *a = ints(0);
    ROOST_AUTO(chan) roost_chan *b = ints(0);
    int got_a = 0;
    int got_b = 0;
    int rc = 0;
    if (!a || !b)
        return;
    ROOST_GROUP(g, rc) {
        roost_case cases[] = {ROOST_CASE_RECV(a, &got_a), ROOST_CASE_RECV(b, &got_b),
                              ROOST_CASE_AFTER(ROOST_SEC(1))};
        ROOST_GO(g, send_later, b, 7);
        CHECK_EQ(1, roost_select(cases, 3));
        CHECK_EQ(0, cases[1].rc);
        CHECK_EQ(7, got_b);
        CHECK_EQ(0, got_a);
        int item = 3;
        CHECK_EQ(ROOST_EAGAIN, roost_chan_try_send(a, &item)); /* it waits there no longer */
        CHECK_EQ(ROOST_EAGAIN, roost_chan_try_send(b, &item));
    }
    CHECK_OK(rc);
}

ROOST_TEST(a_send_waits_for_its_receiver)
{
    ROOST_AUTO(chan) roost_chan *a = ints(0);
    ROOST_AUTO(chan) roost_chan *b = ints(0);
    int item = 8;
    int got = 0;
    int rc = 0;
    if (!a || !b)
        return;
    ROOST_GROUP(g, rc) {
        roost_case cases[] = {ROOST_CASE_SEND(a, &item), ROOST_CASE_SEND(b, &item),
                              ROOST_CASE_AFTER(ROOST_SEC(1))};
        ROOST_GO(g, recv_later, b, &got);
        CHECK_EQ(1, roost_select(cases, 3));
        CHECK_EQ(8, got);
        CHECK_EQ(ROOST_EAGAIN, roost_chan_try_recv(a, &got));
    }
    CHECK_OK(rc);
}

ROOST_ASYNC(select_one_of, roost_chan *, a, roost_chan *, b, bool, sends, int *, moved)
{
    int item = 1;
    roost_case cases[3];
    cases[2] = ROOST_CASE_AFTER(ROOST_SEC(1));
    cases[0] = sends ? ROOST_CASE_SEND(a, &item) : ROOST_CASE_RECV(a, &item);
    cases[1] = sends ? ROOST_CASE_SEND(b, &item) : ROOST_CASE_RECV(b, &item);
    for (int i = 0; i < 20; i++) {
        int which = roost_select_fair(cases, 3);
        if (which < 0 || which == 2)
            return which;
        *moved += cases[which].rc == 0;
    }
    return 0;
}

ROOST_TEST(selects_serve_each_other)
{
    ROOST_AUTO(chan) roost_chan *a = ints(0);
    ROOST_AUTO(chan) roost_chan *b = ints(0);
    int sent = 0;
    int received = 0;
    int rc = 0;
    if (!a || !b)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++) {
            ROOST_GO(g, select_one_of, a, b, true, &sent);
            ROOST_GO(g, select_one_of, b, a, false, &received);
        }
    }
    CHECK_OK(rc);
    CHECK_EQ(60, sent);
    CHECK_EQ(60, received);
}

ROOST_ASYNC(close_later, roost_chan **, ch)
{
    ROOST_TRY(roost_test_settle());
    (void)roost_chan_close(*ch);
    *ch = NULL;
    return 0;
}

ROOST_TEST(a_select_hears_of_the_closing_of_an_end)
{
    ROOST_AUTO(chan) roost_chan *ch = ints(0);
    ROOST_AUTO(chan) roost_chan *end = NULL;
    int item = 0;
    int rc = 0;
    if (!ch || roost_chan_clone(ch, ROOST_CHAN_SEND | ROOST_CHAN_RECV, &end) < 0)
        return;
    ROOST_GROUP(g, rc) {
        roost_case cases[] = {ROOST_CASE_RECV(end, &item), ROOST_CASE_AFTER(ROOST_SEC(1))};
        ROOST_GO(g, close_later, &end);
        CHECK_EQ(0, roost_select(cases, 2));
        CHECK_EQ(ROOST_ECLOSED, cases[0].rc);
    }
    CHECK_OK(rc);
}

/* -- cancellation ------------------------------------------------------------------------------ */

ROOST_ASYNC(select_forever, roost_chan *, a, roost_chan *, b, int *, got)
{
    int item = 0;
    roost_case cases[] = {ROOST_CASE_RECV(a, &item), ROOST_CASE_RECV(b, &item)};
    int which;
    while ((which = roost_select(cases, 2)) >= 0)
        *got += item;
    return which;
}

/* Cancelled before, and right after, it was served: what it was served it has. */
ROOST_TEST(a_cancelled_select_has_taken_nothing_and_keeps_what_it_got)
{
    for (int late = 0; late < 2; late++) {
        ROOST_AUTO(chan) roost_chan *a = ints(1);
        ROOST_AUTO(chan) roost_chan *b = ints(1);
        int got = 0;
        int item = 4;
        int left = 0;
        int rc = 0;
        if (!a || !b)
            return;
        ROOST_GROUP(g, rc) {
            roost_task *task = NULL;
            rc = roost_spawn(g, ROOST_CALL(select_forever, a, b, &got), NULL, &task);
            if (rc < 0)
                break;
            rc = roost_test_settle();
            if (!late)
                roost_task_cancel(task, NULL);
            CHECK_OK(roost_chan_try_send(b, &item));
            if (late)
                roost_task_cancel(task, NULL);
            CHECK_OK(roost_join(task, NULL));
            CHECK_EQ(late ? ROOST_EAGAIN : 0, roost_chan_try_recv(b, &left));
            CHECK_EQ(late ? 4 : 0, got);
        }
        CHECK_OK(rc);
    }
}

ROOST_TEST(many_cases_need_memory)
{
    enum { MANY = 20 };
    roost_chan *ch[MANY] = {0};
    roost_case cases[MANY + 1];
    int got = 0;
    int opened = 0;
    while (opened < MANY && (ch[opened] = ints(1)) != NULL)
        opened++;
    if (opened == MANY) {
        for (int i = 0; i < MANY; i++)
            cases[i] = ROOST_CASE_RECV(ch[i], &got);
        cases[MANY] = ROOST_CASE_AFTER(ROOST_MS(1));
        int which = roost_select(cases, MANY + 1);
        CHECK_EQ(MANY, which);
        int item = 6;
        CHECK_OK(roost_chan_send(ch[13], &item));
        CHECK_EQ(13, roost_select(cases, MANY + 1));
        CHECK_EQ(6, got);
    }
    while (opened > 0)
        roost_chan_close(ch[--opened]);
}

/* -- tasks, time, shutdown --------------------------------------------------------------------- */

ROOST_ASYNC(work, roost_dur, dur, int, result)
{
    ROOST_TRY(roost_sleep(dur));
    return result;
}

ROOST_TEST(the_task_that_ends_first_is_joined)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *tasks[2] = {NULL, NULL};
        int results[2] = {0, 0};
        if (roost_spawn(g, ROOST_CALL(work, ROOST_MS(5), 50), NULL, &tasks[0]) < 0 ||
            roost_spawn(g, ROOST_CALL(work, ROOST_MS(2), 20), NULL, &tasks[1]) < 0)
            break;
        roost_case cases[] = {ROOST_CASE_JOIN(tasks[0], &results[0]),
                              ROOST_CASE_JOIN(tasks[1], &results[1])};
        if (roost_select(cases, 2) != 1)
            break;
        CHECK_EQ(0, cases[1].rc);
        CHECK_EQ(20, results[1]);
        CHECK_EQ(0, results[0]);
        cases[1] = ROOST_CASE_JOIN(NULL, NULL);
        if (roost_select(cases, 2) != 0)
            break;
        CHECK_EQ(50, results[0]);
    }
    CHECK_OK(rc);
}

ROOST_TEST(a_task_that_has_ended_is_ready_and_one_that_is_not_joined_stays)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *done = NULL;
        roost_task *busy = NULL;
        int result = 0;
        if (roost_spawn(g, ROOST_CALL(work, 0, 9), NULL, &done) < 0 ||
            roost_spawn(g, ROOST_CALL(work, ROOST_MS(9), 9), NULL, &busy) < 0)
            break;
        rc = roost_sleep(ROOST_MS(1));
        if (rc < 0)
            break;
        roost_case cases[] = {ROOST_CASE_JOIN(busy, NULL), ROOST_CASE_JOIN(done, &result)};
        if (roost_select(cases, 2) != 1)
            break;
        CHECK_EQ(9, result);
        roost_case timed[] = {ROOST_CASE_JOIN(busy, NULL), ROOST_CASE_AFTER(ROOST_MS(1))};
        if (roost_select(timed, 2) != 1)
            break;
        CHECK_OK(roost_join(busy, &result));
    }
    CHECK_OK(rc);
}

ROOST_ASYNC(join_in_select, roost_task *, task, roost_task *, self, int *, rcs)
{
    roost_case cases[] = {ROOST_CASE_JOIN(task, NULL)};
    rcs[0] = roost_select(cases, 1);
    rcs[1] = cases[0].rc;
    cases[0] = ROOST_CASE_JOIN(self, NULL);
    rcs[2] = roost_select(cases, 1);
    rcs[3] = cases[0].rc;
    return 0;
}

ROOST_TEST(a_task_is_joined_by_one_and_not_by_itself)
{
    int rc = 0;
    int rcs[4] = {0};
    if (roost_test_tortured())
        return; /* who of the two comes first decides who joins, and here it must be one */
    ROOST_GROUP(g, rc) {
        roost_task *task = NULL;
        roost_task *other = NULL;
        if (roost_spawn(g, ROOST_CALL(work, ROOST_MS(3), 1), NULL, &task) < 0)
            break;
        roost_task *self = roost_task_self();
        rc = roost_spawn(g, ROOST_CALL(join_in_select, task, self, rcs), NULL, &other);
        if (rc == 0)
            rc = roost_join(task, NULL);
    }
    CHECK_OK(rc);
    CHECK_EQ(0, rcs[0]);
    CHECK_EQ(ROOST_EBUSY, rcs[1]);
    CHECK_EQ(0, rcs[2]);
    CHECK_EQ(ROOST_EDEADLK, rcs[3]); /* it owns the group this one lives in */
}

ROOST_TEST(time_is_a_case)
{
    roost_time start = roost_now();
    int item = 0;
    ROOST_AUTO(chan) roost_chan *ch = ints(0);
    if (!ch)
        return;
    roost_case cases[] = {ROOST_CASE_RECV(ch, &item), ROOST_CASE_AT(start + ROOST_MS(3)),
                          ROOST_CASE_AFTER(ROOST_MS(2)), ROOST_CASE_AFTER(ROOST_FOREVER),
                          ROOST_CASE_AT(ROOST_NEVER)};
    CHECK_EQ(2, roost_select(cases, 5));
    CHECK_EQ(1, roost_select(cases, 5));
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(3), roost_now() - start);
    CHECK_EQ(1, roost_select(cases, 5)); /* it is past */
}

ROOST_ASYNC(serve_until_stopping, roost_chan *, ch, int *, served, int *, ended_by)
{
    int item = 0;
    roost_case cases[] = {ROOST_CASE_RECV(ch, &item), ROOST_CASE_STOPPING()};
    int which;
    while ((which = roost_select(cases, 2)) == 0)
        ++*served;
    *ended_by = which;
    return which < 0 ? which : 0;
}

ROOST_TEST(an_orderly_shutdown_is_a_case)
{
    ROOST_AUTO(chan) roost_chan *ch = ints(0);
    int served = 0;
    int ended_by = -1;
    int rc = 0;
    if (!ch)
        return;
    ROOST_GROUP(g, rc) {
        int item = 0;
        ROOST_GO(g, serve_until_stopping, ch, &served, &ended_by);
        rc = ROOST_WITHIN(ROOST_SEC(1), roost_chan_send(ch, &item));
        if (rc == 0)
            rc = roost_test_settle();
        roost_group_shutdown(g, ROOST_SEC(1));
    }
    CHECK_OK(rc);
    CHECK_EQ(1, served);
    CHECK_EQ(1, ended_by);
}

/* -- locks, permits, events -------------------------------------------------------------------- */

ROOST_ASYNC(hold_then_unlock, roost_mutex *, mutex, roost_sem *, sem)
{
    ROOST_TRY(roost_mutex_lock(mutex));
    int rc = roost_sleep(ROOST_MS(1));
    roost_mutex_unlock(mutex);
    if (rc == 0)
        rc = roost_sleep(ROOST_MS(1));
    roost_sem_release(sem);
    return rc;
}

ROOST_TEST(a_lock_that_becomes_free_is_held_and_a_permit_is_not_taken)
{
    static roost_mutex mutex;
    static roost_sem sem;
    static roost_event event;
    int rc = 0;
    roost_mutex_init(&mutex);
    roost_sem_init(&sem, 0, NULL);
    roost_event_init(&event);
    ROOST_GROUP(g, rc) {
        roost_case cases[] = {ROOST_CASE_ACQUIRE(&sem), ROOST_CASE_EVENT(&event),
                              ROOST_CASE_LOCK(&mutex)};
        ROOST_GO(g, hold_then_unlock, &mutex, &sem);
        rc = roost_yield();
        if (rc < 0)
            break;
        int which = roost_select(cases, 3);
        if (which != 2)
            break;
        CHECK_EQ(0, cases[2].rc);
        CHECK_EQ(ROOST_EDEADLK, roost_mutex_try_lock(&mutex)); /* it is this task's */
        CHECK_OK(roost_mutex_unlock(&mutex));
        rc = ROOST_WITHIN(ROOST_SEC(1), roost_sem_acquire(&sem)); /* nobody has taken it */
        if (rc < 0)
            break;
        CHECK_OK(roost_event_set(&event));
        CHECK_EQ(1, roost_select(cases, 2));
        CHECK_EQ(0, roost_select(&cases[2], 1));
        CHECK_OK(roost_mutex_unlock(&mutex));
        CHECK_OK(roost_sem_release(&sem));
        CHECK_EQ(0, roost_select(cases, 2));
    }
    CHECK_OK(rc);
}

/* -- descriptors ------------------------------------------------------------------------------- */

ROOST_TEST(a_descriptor_is_a_case)
{
    int fds[2];
    int item = 0;
    char byte = 'x';
    ROOST_AUTO(chan) roost_chan *ch = ints(0);
    if (roost_test_virtual())
        kit_leave_out("descriptors of the system are not those of the simulation");
    if (!ch || pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
        return;
    roost_case cases[] = {ROOST_CASE_READABLE(fds[0]), ROOST_CASE_RECV(ch, &item),
                          ROOST_CASE_AFTER(ROOST_US(100))};
    CHECK_EQ(2, roost_select(cases, 3));
    roost_case out[] = {ROOST_CASE_RECV(ch, &item), ROOST_CASE_WRITABLE(fds[1])};
    CHECK_EQ(1, roost_select(out, 2));
    CHECK_EQ(0, out[1].rc);
    CHECK_EQ(1, write(fds[1], &byte, 1));
    CHECK_EQ(0, roost_select(cases, 2));
    CHECK_EQ(0, cases[0].rc);
    CHECK_EQ(
        ROOST_ETIMEDOUT,
        ROOST_WITHIN(ROOST_MS(1), roost_select((roost_case[]){ROOST_CASE_RECV(ch, &item)}, 1)));
    close(fds[0]);
    close(fds[1]);
}
