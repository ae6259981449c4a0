/* tests/unit/rt/test_guest.c - runs that another event loop hosts: here, poll.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include <roost.h>
#include <roost/guest.h>
#include <roost/post.h>

#include "kit/kit.h"
#include "kit/world.h"

static roost_guest *guest_begin(roost_call call)
{
    if (roost_test_virtual())
        kit_leave_out("the virtual clock moves in no guest");
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    roost_guest *guest = NULL;
    CHECK_EQ(0, roost_guest_start(call, &opts, &guest));
    return guest;
}

/* How long poll may wait for this guest, in milliseconds. */
static int wait_ms(const roost_guest *guest)
{
    roost_time deadline = roost_guest_deadline(guest);
    if (deadline == ROOST_NEVER)
        return -1;
    roost_dur left = deadline - roost_now();
    return left <= 0 ? 0 : (int)((left + ROOST_MS(1) - 1) / ROOST_MS(1));
}

/* Hosts it as the manual says, until it has finished. */
static int guest_host(roost_guest *guest, int *turns)
{
    int result = -1;
    int rc;
    *turns = 0;
    while ((rc = roost_guest_turn(guest, &result)) == 1) {
        struct pollfd watched = {.fd = roost_guest_fd(guest), .events = POLLIN};
        CHECK(watched.fd >= 0);
        CHECK(poll(&watched, 1, wait_ms(guest)) >= 0);
        ++*turns;
    }
    CHECK_EQ(0, rc);
    return result;
}

/* -- timers, descriptors, threads ---------------------------------------------------------------*/

ROOST_ASYNC(nap, roost_dur, dur)
{
    return roost_sleep(dur);
}

ROOST_ASYNC(sleep_in_a_group, int, result)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 1; i <= 5; i++)
            ROOST_GO(g, nap, ROOST_MS(2 * i));
    return rc < 0 ? rc : result;
}

ROOST_TEST(a_host_that_polls_runs_it_to_its_end, .plain = true, .no_torture = true)
{
    roost_time start = roost_now();
    roost_guest *guest = guest_begin(ROOST_CALL(sleep_in_a_group, 42));
    int turns;
    CHECK_EQ(42, guest_host(guest, &turns));
    CHECK(roost_now() - start >= ROOST_MS(10));
    CHECK(turns >= 5 && turns < 200);
    roost_guest_free(guest);
}

ROOST_ASYNC(read_bytes, int, fd, int, count)
{
    for (int i = 0; i < count; i++) {
        char byte = 0;
        int64_t got = kit_read(fd, &byte, 1);
        if (got != 1)
            return got < 0 ? (int)got : -EPIPE;
    }
    return count;
}

static void *write_slowly(void *arg)
{
    for (int i = 0; i < 3; i++) {
        struct timespec while_quiet = {.tv_nsec = 3 * 1000 * 1000};
        nanosleep(&while_quiet, NULL);
        CHECK_EQ(1, write(*(int *)arg, "x", 1));
    }
    return NULL;
}

ROOST_TEST(its_descriptor_tells_of_what_its_tasks_wait_for, .plain = true, .no_torture = true)
{
    int fds[2];
    CHECK_EQ(0, pipe2(fds, O_NONBLOCK | O_CLOEXEC));
    roost_guest *guest = guest_begin(ROOST_CALL(read_bytes, fds[0], 3));
    pthread_t thread;
    CHECK_EQ(0, pthread_create(&thread, NULL, write_slowly, &fds[1]));
    int turns;
    CHECK_EQ(3, guest_host(guest, &turns));
    CHECK(turns < 100);
    pthread_join(thread, NULL);
    roost_guest_free(guest);
    close(fds[0]);
    close(fds[1]);
}

static struct {
    roost_poster *poster;
    roost_scope open;
    int posts;
} mail;

static void mail_arrives(void *arg)
{
    (void)arg;
    if (++mail.posts == 3)
        roost_scope_cancel(&mail.open, "all is here");
}

static void *mail_send(void *arg)
{
    for (int i = 0; i < 3; i++) {
        struct timespec while_quiet = {.tv_nsec = 3 * 1000 * 1000};
        nanosleep(&while_quiet, NULL);
        CHECK_EQ(0, roost_post(mail.poster, mail_arrives, NULL));
    }
    roost_poster_close(mail.poster);
    return arg;
}

ROOST_ASYNC(mail_wait, pthread_t *, thread)
{
    roost_scope_init(&mail.open, NULL);
    ROOST_TRY(roost_scope_enter(&mail.open));
    ROOST_TRY(roost_poster_open(&mail.poster));
    CHECK_EQ(0, pthread_create(thread, NULL, mail_send, NULL));
    return roost_scope_end(&mail.open, roost_sleep_forever());
}

ROOST_TEST(its_descriptor_tells_of_posts, .plain = true, .no_torture = true)
{
    pthread_t thread;
    roost_guest *guest = guest_begin(ROOST_CALL(mail_wait, &thread));
    int turns;
    CHECK_EQ(0, guest_host(guest, &turns));
    CHECK_EQ(3, mail.posts);
    CHECK(turns < 100);
    pthread_join(thread, NULL);
    roost_guest_free(guest);
}

/* -- cancelling and freeing ---------------------------------------------------------------------*/

ROOST_ASYNC(wait_and_clean_up, int *, cleaned)
{
    int rc = roost_sleep_forever();
    ROOST_CLEANUP(ROOST_SEC(5)) {
        *cleaned += roost_sleep(ROOST_MS(3)) == 0;
    }
    return rc;
}

ROOST_TEST(cancelling_it_cancels_its_main_task, .plain = true, .no_torture = true)
{
    int cleaned = 0;
    int turns;
    int result = 0;
    roost_guest *guest = guest_begin(ROOST_CALL(wait_and_clean_up, &cleaned));
    CHECK_EQ(1, roost_guest_turn(guest, &result));
    roost_guest_cancel(guest, "the host wants it");
    roost_guest_cancel(guest, "twice");
    CHECK_EQ(ROOST_ECANCELED, guest_host(guest, &turns));
    CHECK_EQ(1, cleaned);
    roost_guest_free(guest);
}

ROOST_TEST(cancelling_it_before_its_first_turn_ends_it, .plain = true, .no_torture = true)
{
    int cleaned = 0;
    int turns;
    roost_guest *guest = guest_begin(ROOST_CALL(wait_and_clean_up, &cleaned));
    roost_guest_cancel(guest, "early");
    CHECK_EQ(ROOST_ECANCELED, guest_host(guest, &turns));
    CHECK_EQ(1, cleaned);
    roost_guest_free(guest);
}

ROOST_TEST(freeing_it_unfinished_waits_for_its_clean_up, .plain = true, .no_torture = true)
{
    int cleaned = 0;
    int result = 7;
    roost_guest *guest = guest_begin(ROOST_CALL(wait_and_clean_up, &cleaned));
    CHECK_EQ(1, roost_guest_turn(guest, &result));
    roost_guest_free(guest);
    CHECK_EQ(1, cleaned);
    CHECK_EQ(7, result);
    guest = guest_begin(ROOST_CALL(wait_and_clean_up, &cleaned));
    roost_guest_free(guest);
    CHECK_EQ(2, cleaned);
}

ROOST_TEST(what_has_finished_stays_finished, .plain = true, .no_torture = true)
{
    int turns;
    roost_guest *guest = guest_begin(ROOST_CALL(sleep_in_a_group, 9));
    CHECK_EQ(9, guest_host(guest, &turns));
    int result = 0;
    CHECK_EQ(0, roost_guest_turn(guest, &result));
    CHECK_EQ(9, result);
    CHECK_EQ(0, roost_guest_turn(guest, NULL));
    CHECK_EQ(ROOST_EFINISHED, roost_guest_fd(guest));
    CHECK_EQ(ROOST_NEVER, roost_guest_deadline(guest));
    roost_guest_cancel(guest, "late");
    roost_guest_free(guest);
}

/* -- misuse -------------------------------------------------------------------------------------*/

static roost_guest *own_guest;

ROOST_ASYNC(turn_oneself)
{
    int result = 5;
    int rc = roost_guest_turn(own_guest, &result);
    ROOST_TRY(roost_yield());
    return rc == ROOST_ENESTED && result == 5 ? 1 : 0;
}

ROOST_TEST(a_task_cannot_turn_its_own_run, .plain = true, .no_torture = true)
{
    own_guest = guest_begin(ROOST_CALL(turn_oneself));
    int turns;
    CHECK_EQ(1, guest_host(own_guest, &turns));
    roost_guest_free(own_guest);
}

static void *turn_elsewhere(void *arg)
{
    int result = 5;
    CHECK_EQ(ROOST_EXLOOP, roost_guest_turn(arg, &result));
    CHECK_EQ(5, result);
    return NULL;
}

ROOST_TEST(another_thread_cannot_turn_it, .plain = true, .no_torture = true)
{
    roost_guest *guest = guest_begin(ROOST_CALL(sleep_in_a_group, 1));
    pthread_t thread;
    CHECK_EQ(0, pthread_create(&thread, NULL, turn_elsewhere, guest));
    pthread_join(thread, NULL);
    int turns;
    CHECK_EQ(1, guest_host(guest, &turns));
    roost_guest_free(guest);
}

ROOST_TEST(a_thread_has_one_run_at_a_time, .plain = true, .no_torture = true)
{
    roost_guest *guest = guest_begin(ROOST_CALL(sleep_in_a_group, 1));
    roost_guest *second = NULL;
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    CHECK_EQ(ROOST_ENESTED, roost_guest_start(ROOST_CALL(nap, 0), &opts, &second));
    CHECK_EQ(ROOST_ENESTED, roost_run(ROOST_CALL(nap, 0), &opts));
    CHECK(second == NULL);
    int turns;
    CHECK_EQ(1, guest_host(guest, &turns));
    roost_guest_free(guest);
    CHECK_EQ(0, roost_run(ROOST_CALL(nap, 0), &opts));
}

/* In simulation nothing but the clock is missing. */
ROOST_ASYNC(yield_often, int, times)
{
    for (int i = 0; i < times; i++)
        ROOST_TRY(roost_yield());
    return times;
}

ROOST_TEST(a_simulated_guest_has_no_descriptor, .plain = true, .needs = "sim")
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    roost_guest *guest = NULL;
    int rc = roost_guest_start(ROOST_CALL(yield_often, 300), &opts, &guest);
    if (rc < 0) {
        CHECK_EQ(0, rc);
        return;
    }
    int result = 0;
    CHECK_EQ(ROOST_ENOTSUP, roost_guest_fd(guest));
    while (roost_guest_turn(guest, &result) == 1)
        continue;
    CHECK_EQ(300, result);
    roost_guest_free(guest);
}
