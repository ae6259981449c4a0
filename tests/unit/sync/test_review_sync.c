/* tests/unit/sync/test_review_sync.c - what a sceptical reader of this layer asked, and got wrong
 * answers to at first.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <roost.h>
#include <roost/instrument.h>

#include "kit/kit.h"
#include "unit/rt/process.h"

/* -- a wake-up on its way from another thread -------------------------------------------------- */

ROOST_ASYNC(recv_code, roost_chan *, ch, int *, ret_rc)
{
    int item;
    *ret_rc = roost_chan_recv(ch, &item);
    return 0;
}

static void *close_here(void *ch)
{
    roost_chan_close(ch);
    return NULL;
}

/* The last end is gone, and the receiver that was told so cannot know yet: a cancellation that
 * comes now must leave the channel alone. */
ROOST_TEST(a_receiver_of_a_closed_channel_is_cancelled_before_its_wake_up_arrives)
{
    roost_chan *ch = NULL;
    pthread_t thread;
    int code = 1;
    int rc = roost_chan_open(&(roost_chan_opts){.item_size = sizeof(int), .shared = true}, &ch);
    if (rc < 0)
        return;
    ROOST_GROUP(g, rc) {
        rc = roost_go(g, ROOST_CALL(recv_code, ch, &code));
        if (rc == 0)
            rc = roost_test_settle();
        if (rc < 0 || pthread_create(&thread, NULL, close_here, ch) != 0)
            break;
        pthread_join(thread, NULL);
        ch = NULL;
        roost_group_cancel(g, "while the post is on its way");
    }
    roost_chan_close(ch);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECLOSED, code);
}

/* -- a cancellation that has to wait for the mutex --------------------------------------------- */

ROOST_ASYNC(notified_never, roost_cond *, cond, roost_mutex *, mutex, bool *, ret_fired)
{
    int rc = 0;
    int wait_rc = 0;
    ROOST_LOCK(mutex, rc) {
        ROOST_AUTO(scope) roost_scope scope;
        roost_scope_init(&scope, &(roost_scope_opts){.within = ROOST_MS(5), .move_on = true});
        ROOST_TRY(roost_scope_enter(&scope));
        wait_rc = roost_cond_wait(cond, mutex);
        rc = roost_scope_end(&scope, 0);
        CHECK_EQ(ROOST_ECANCELED, wait_rc);
        *ret_fired = roost_scope_fired(&scope);
    }
    return rc;
}

ROOST_ASYNC(hold_for, roost_mutex *, mutex, roost_dur, dur)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc)
        rc = roost_sleep(dur);
    return rc;
}

ROOST_TEST(a_scope_knows_that_it_ended_a_wait_even_if_the_mutex_was_held_by_then)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    roost_cond cond = ROOST_COND_INIT;
    bool fired = false;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, notified_never, &cond, &mutex, &fired);
        rc = roost_test_settle();
        if (rc == 0)
            ROOST_GO(g, hold_for, &mutex, ROOST_MS(50));
    }
    CHECK_EQ(0, rc);
    CHECK(fired);
}

/* -- an instrument that cancels ---------------------------------------------------------------- */

struct canceller {
    roost_task *victim; /* NULL: cancelled */
};

static int cancel_at_wake(void *arg, enum roost_instrument_event event, const roost_task *task)
{
    struct canceller *canceller = arg;
    roost_task *victim = canceller->victim;
    if (event != ROOST_TASK_READY || !victim || task == victim)
        return 0;
    canceller->victim = NULL;
    roost_task_cancel(victim, "an instrument");
    return 0;
}

ROOST_ASYNC(take_token, roost_rate *, rate, int *, ret_rc)
{
    *ret_rc = roost_rate_acquire(rate);
    return 0;
}

/* Three in line: the first is served, at which moment the second is cancelled. */
ROOST_TEST(a_rate_whose_next_in_line_is_cancelled_while_the_first_is_woken)
{
    roost_rate rate;
    struct canceller canceller = {NULL};
    roost_instrument instrument = {.on_event = cancel_at_wake, .arg = &canceller};
    roost_task *second = NULL;
    int code[3] = {1, 1, 1};
    int rc = 0;
    CHECK_OK(roost_rate_init(&rate, &(roost_rate_opts){.count = 1, .per = ROOST_MS(1)}));
    CHECK_OK(roost_rate_try_acquire(&rate));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, take_token, &rate, &code[0]);
        rc = roost_test_settle();
        if (rc == 0)
            rc = roost_spawn(g, ROOST_CALL(take_token, &rate, &code[1]), NULL, &second);
        if (rc == 0)
            rc = roost_test_settle();
        if (rc < 0)
            break;
        ROOST_GO(g, take_token, &rate, &code[2]);
        rc = roost_test_settle();
        if (rc < 0)
            break;
        canceller.victim = second;
        CHECK_OK(roost_instrument_add(&instrument));
        rc = roost_join(second, NULL);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(5));
        roost_instrument_remove(&instrument);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, code[0]);
    CHECK_EQ(ROOST_ECANCELED, code[1]);
    CHECK_EQ(0, code[2]);
}

ROOST_ASYNC(take_tokens, roost_rate *, rate, uint32_t, count, int *, ret_rc)
{
    *ret_rc = roost_rate_acquire_many(rate, count);
    return 0;
}

/* Two wait for more than the new burst: while the first is sent away, the second is cancelled. */
ROOST_TEST(a_rate_that_is_lowered_while_an_instrument_cancels_who_waits)
{
    roost_rate rate;
    struct canceller canceller = {NULL};
    roost_instrument instrument = {.on_event = cancel_at_wake, .arg = &canceller};
    roost_task *second = NULL;
    int code[2] = {1, 1};
    int rc = 0;
    CHECK_OK(roost_rate_init(&rate, &(roost_rate_opts){.count = 2, .per = ROOST_SEC(1)}));
    CHECK_OK(roost_rate_try_acquire(&rate));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, take_tokens, &rate, 2, &code[0]);
        rc = roost_test_settle();
        if (rc == 0)
            rc = roost_spawn(g, ROOST_CALL(take_tokens, &rate, 2, &code[1]), NULL, &second);
        if (rc == 0)
            rc = roost_test_settle();
        if (rc < 0)
            break;
        canceller.victim = second;
        CHECK_OK(roost_instrument_add(&instrument));
        CHECK_OK(roost_rate_set(&rate, &(roost_rate_opts){.count = 1, .per = ROOST_SEC(1)}));
        roost_instrument_remove(&instrument);
        rc = roost_join(second, NULL);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EINVAL, code[0]);
    CHECK_EQ(ROOST_ECANCELED, code[1]);
}

ROOST_ASYNC(wait_under, roost_cond *, cond, roost_mutex *, mutex, int *, ret_rc)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc)
        rc = *ret_rc = roost_cond_wait(cond, mutex);
    return rc;
}

ROOST_ASYNC(lock_once, roost_mutex *, mutex)
{
    int rc = 0;
    ROOST_LOCK(mutex, rc)
        rc = 0;
    return rc;
}

/* It lets go of the mutex, the next owner becomes ready, and an instrument that hears of it cancels
 * the one that is about to wait. */
ROOST_TEST(a_wait_for_a_condition_is_cancelled_while_it_lets_go_of_the_mutex)
{
    roost_mutex mutex = ROOST_MUTEX_INIT;
    roost_cond cond = ROOST_COND_INIT;
    struct canceller canceller = {NULL};
    roost_instrument instrument = {.on_event = cancel_at_wake, .arg = &canceller};
    roost_task *waiter = NULL;
    int code = 1;
    int rc = roost_mutex_lock(&mutex);
    if (rc < 0)
        return;
    ROOST_GROUP(g, rc) {
        rc = roost_spawn(g, ROOST_CALL(wait_under, &cond, &mutex, &code), NULL, &waiter);
        if (rc == 0)
            rc = roost_test_settle();
        if (rc == 0)
            rc = roost_go(g, ROOST_CALL(lock_once, &mutex));
        if (rc == 0)
            rc = roost_test_settle();
        roost_mutex_unlock(&mutex);
        if (rc < 0)
            break;
        canceller.victim = waiter;
        CHECK_OK(roost_instrument_add(&instrument));
        rc = ROOST_WITHIN(ROOST_MS(50), roost_join(waiter, NULL));
        roost_instrument_remove(&instrument);
        roost_cond_notify_all(&cond);
    }
    CHECK_EQ(ROOST_ECANCELED, code);
}

/* -- a circle that closes when it is too late -------------------------------------------------- */

ROOST_ASYNC(hold_around_a_group, roost_cond *, cond, roost_mutex *, mutex, int *, ret_rc)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, wait_under, cond, mutex, ret_rc);
        rc = roost_test_settle();
        if (rc == 0)
            rc = roost_mutex_lock(mutex);
        roost_group_cancel(g, "it needs the mutex now to end");
    }
    if (rc == 0)
        roost_mutex_unlock(mutex);
    return rc;
}

/* The waiter is cancelled and stands in line for the mutex, whose owner then waits for its end. */
ROOST_TEST(a_cancelled_wait_whose_mutex_never_comes_is_a_deadlock_and_no_more, .plain = true,
           .stalls = true)
{
    static roost_mutex mutex = ROOST_MUTEX_INIT;
    static roost_cond cond = ROOST_COND_INIT;
    int code = 1;
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.no_signals = true;
    CHECK_EQ(ROOST_EDEADLK,
             roost_test_run(ROOST_CALL(hold_around_a_group, &cond, &mutex, &code), &opts));
    CHECK_EQ(ROOST_EDEADLK, code);
}

/* -- an item that owns its channel ------------------------------------------------------------- */

static void close_end(void *end, void *item)
{
    (void)item;
    if (*(roost_chan **)end)
        roost_chan_close(*(roost_chan **)end);
    *(roost_chan **)end = NULL;
}

ROOST_TEST(a_drop_may_close_the_end_whose_items_it_drops)
{
    roost_chan *ch = NULL;
    int item = 0;
    roost_chan_opts opts = {
        .item_size = sizeof item, .capacity = 2, .drop = close_end, .arg = (void *)&ch};
    if (roost_chan_open(&opts, &ch) < 0)
        return;
    CHECK_OK(roost_chan_try_send(ch, &item));
    CHECK_OK(roost_chan_try_send(ch, &item));
    CHECK_OK(roost_chan_close_recv(ch));
    CHECK(!ch);
}

/* -- a thread that has no business there --------------------------------------------------------
 */

ROOST_ASYNC(recv_value, roost_subscription *, sub)
{
    int item;
    return roost_subscription_recv(sub, &item);
}

static void *broadcast_close_here(void *broadcast)
{
    roost_broadcast_close(broadcast);
    return NULL;
}

static void *unsubscribe_here(void *sub)
{
    roost_ignore(roost_broadcast_unsubscribe(sub));
    return NULL;
}

/* closes: closes the broadcast on another thread; else it takes back a subscription there. */
ROOST_ASYNC(leave_on_a_thread, bool, closes)
{
    roost_broadcast_opts opts = {.item_size = sizeof(int), .capacity = 1};
    roost_broadcast *broadcast = NULL;
    roost_subscription subs[2] = {ROOST_SUBSCRIPTION_INIT, ROOST_SUBSCRIPTION_INIT};
    pthread_t thread;
    int rc = 0;
    ROOST_TRY(roost_broadcast_open(&opts, &broadcast));
    for (int i = 0; i < 2; i++)
        ROOST_TRY(roost_broadcast_subscribe(broadcast, &subs[i]));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, recv_value, &subs[0]);
        rc = roost_sleep(ROOST_MS(1));
        if (closes && pthread_create(&thread, NULL, broadcast_close_here, broadcast) == 0)
            pthread_join(thread, NULL);
        if (!closes && pthread_create(&thread, NULL, unsubscribe_here, &subs[1]) == 0)
            pthread_join(thread, NULL);
    }
    return rc;
}

static int leave_on_a_thread_runs(void *arg)
{
    return roost_run(ROOST_CALL(leave_on_a_thread, arg != NULL), NULL);
}

/* A wake-up from there would tear the loop's queue of ready tasks apart. */
ROOST_TEST(a_broadcast_that_tasks_wait_on_is_left_on_its_loop, .plain = true)
{
    static struct process process;
    for (int closes = 0; closes < 2; closes++) {
        process_run(&process, leave_on_a_thread_runs, closes ? &process : NULL);
        CHECK_DIED(&process, SIGABRT);
        CHECK_EQ(1, process_count(&process, "is left on its loop while tasks wait on it"));
    }
}

/* -- figures ----------------------------------------------------------------------------------- */

ROOST_ASYNC(permit_or_item, roost_sem *, sem, roost_chan *, ch)
{
    int item;
    roost_case cases[] = {ROOST_CASE_ACQUIRE(sem), ROOST_CASE_RECV(ch, &item)};
    int which = roost_select(cases, 2);
    CHECK_EQ(1, which);
    return which < 0 ? which : 0;
}

ROOST_TEST(a_select_that_was_served_elsewhere_does_not_count_as_waiting)
{
    roost_sem sem = ROOST_SEM_INIT(0);
    ROOST_AUTO(chan) roost_chan *ch = NULL;
    roost_sem_stats stats;
    int item = 1;
    int rc = roost_chan_open(&(roost_chan_opts){.item_size = sizeof(int)}, &ch);
    if (rc < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, permit_or_item, &sem, ch);
        rc = roost_test_settle();
        if (rc < 0)
            break;
        roost_sem_stats_get(&sem, &stats);
        CHECK_EQ(1, stats.waiting);
        CHECK_OK(roost_chan_try_send(ch, &item));
        roost_sem_stats_get(&sem, &stats);
        CHECK_EQ(0, stats.waiting);
    }
    CHECK_EQ(0, rc);
}

/* -- fairness ---------------------------------------------------------------------------------- */

ROOST_TEST(of_two_readable_descriptors_a_fair_select_takes_either)
{
    int fds[2][2];
    int taken[2] = {0, 0};
    if (roost_test_virtual())
        kit_leave_out("descriptors of the system are not those of the simulation");
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(0, pipe2(fds[i], O_NONBLOCK | O_CLOEXEC));
        CHECK_EQ(1, write(fds[i][1], "x", 1));
    }
    for (int i = 0; i < 64; i++) {
        roost_case cases[] = {ROOST_CASE_READABLE(fds[0][0]), ROOST_CASE_READABLE(fds[1][0])};
        int which = roost_select_fair(cases, 2);
        if (which >= 0)
            taken[which]++;
    }
    CHECK(taken[0] > 0);
    CHECK(taken[1] > 0);
    for (int i = 0; i < 2; i++) {
        close(fds[i][0]);
        close(fds[i][1]);
    }
}
