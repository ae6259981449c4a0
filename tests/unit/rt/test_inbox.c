/* tests/unit/rt/test_inbox.c - posts: their order, their number, and the closing of the door.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/inbox.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <roost.h>
#include <roost/post.h>

#include "kit/kit.h"

/* -- the queue alone ----------------------------------------------------------------------------*/

static struct roosti_port *port;

static struct roosti_inbox *inbox_open(void)
{
    struct roosti_inbox *inbox;
    CHECK_EQ(0, roosti_sim_open(NULL, &port));
    CHECK_EQ(0, roosti_inbox_new(port, &inbox));
    return inbox;
}

static void inbox_fini(struct roosti_inbox *inbox)
{
    roosti_inbox_close(inbox);
    CHECK_EQ(0, roosti_inbox_drain(inbox, SIZE_MAX));
    roosti_inbox_unref(inbox);
    port->ops->close(port);
}

static int ran[16];
static int ran_count;

static void note_run(void *arg)
{
    ran[ran_count++] = *(int *)arg;
}

ROOST_TEST(posts_run_in_order_and_in_the_number_asked_for, .plain = true, .no_torture = true)
{
    struct roosti_inbox *inbox = inbox_open();
    roost_post_slot slots[10];
    int numbers[10];
    CHECK(!roosti_inbox_pending(inbox));
    for (int i = 0; i < 10; i++) {
        numbers[i] = i;
        roost_post_slot_init(&slots[i], note_run, &numbers[i]);
        CHECK_EQ(0, roosti_inbox_send(inbox, &slots[i]));
        if (i == 5)
            CHECK_EQ(3, roosti_inbox_drain(inbox, 3));
    }
    CHECK(roosti_inbox_pending(inbox));
    CHECK_EQ(0, roosti_inbox_drain(inbox, 0));
    size_t rest = 0;
    while (roosti_inbox_pending(inbox))
        rest += roosti_inbox_drain(inbox, 2);
    CHECK_EQ(7, rest);
    CHECK_EQ(10, ran_count);
    for (int i = 0; i < 10; i++)
        CHECK_EQ(i, ran[i]);
    inbox_fini(inbox);
}

static struct roosti_inbox *again_inbox;
static roost_post_slot again_slot;
static int again_left;

static void send_again(void *arg)
{
    (void)arg;
    if (--again_left > 0)
        CHECK_EQ(0, roosti_inbox_send(again_inbox, &again_slot));
}

ROOST_TEST(a_post_sent_while_it_runs_waits_for_the_next_drain, .plain = true, .no_torture = true)
{
    again_inbox = inbox_open();
    again_left = 3;
    roost_post_slot_init(&again_slot, send_again, NULL);
    CHECK_EQ(0, roosti_inbox_send(again_inbox, &again_slot));
    for (int i = 3; i > 0; i--) {
        CHECK_EQ(i, again_left);
        CHECK_EQ(1, roosti_inbox_drain(again_inbox, SIZE_MAX));
    }
    CHECK(!roosti_inbox_pending(again_inbox));
    inbox_fini(again_inbox);
}

ROOST_TEST(a_closed_inbox_refuses_and_keeps_what_it_has, .plain = true, .no_torture = true)
{
    struct roosti_inbox *inbox = inbox_open();
    roost_post_slot slots[2];
    int numbers[2] = {1, 2};
    for (int i = 0; i < 2; i++)
        roost_post_slot_init(&slots[i], note_run, &numbers[i]);
    CHECK_EQ(0, roosti_inbox_send(inbox, &slots[0]));
    roosti_inbox_close(inbox);
    CHECK_EQ(ROOST_ECLOSED, roosti_inbox_send(inbox, &slots[1]));
    CHECK_EQ(1, roosti_inbox_drain(inbox, SIZE_MAX));
    CHECK_EQ(1, ran_count);
    inbox_fini(inbox);
}

/* -- many threads -------------------------------------------------------------------------------*/

enum { THREADS = 4, POSTS_EACH = 25000 };

struct poster_thread {
    pthread_t thread;
    roost_poster *poster;
    int sent;     /* by the thread */
    int refused;  /* by the thread */
    int received; /* by the loop */
    roost_post_slot last_word;
};

/* Each post brings its number, so what arrives must count up. */
struct numbered {
    struct poster_thread *from;
    int number;
};
static struct poster_thread threads[THREADS];
static struct numbered posts[THREADS][POSTS_EACH];
static roost_scope all_said;
static int said;

static void numbered_arrives(void *arg)
{
    const struct numbered *post = arg;
    CHECK_ALWAYS(post->number == post->from->received);
    post->from->received++;
}

static void last_arrives(void *arg)
{
    (void)arg;
    if (++said == THREADS)
        roost_scope_cancel(&all_said, "all have posted");
}

static void *post_all(void *arg)
{
    struct poster_thread *self = arg;
    for (int i = 0; i < POSTS_EACH; i++) {
        struct numbered *post = &posts[self - threads][i];
        *post = (struct numbered){self, self->sent};
        if (roost_post(self->poster, numbered_arrives, post) == 0)
            self->sent++;
        else
            self->refused++;
    }
    CHECK_ALWAYS(roost_post_once(self->poster, &self->last_word) == 0);
    roost_poster_close(self->poster);
    return NULL;
}

ROOST_ASYNC(receive_all)
{
    roost_scope_init(&all_said, NULL);
    said = 0;
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct poster_thread){0};
        roost_post_slot_init(&threads[i].last_word, last_arrives, NULL);
        ROOST_TRY(roost_poster_open(&threads[i].poster));
    }
    for (int i = 0; i < THREADS; i++)
        CHECK_ALWAYS(pthread_create(&threads[i].thread, NULL, post_all, &threads[i]) == 0);
    ROOST_TRY(roost_scope_enter(&all_said));
    int rc = roost_scope_end(&all_said, roost_sleep_forever());
    roost_run_stats stats;
    ROOST_TRY(roost_run_stats_get(&stats));
    CHECK_EQ(THREADS * POSTS_EACH + THREADS, stats.posts);
    return rc;
}

ROOST_TEST(a_hundred_thousand_posts_of_four_threads_arrive_in_order, .plain = true,
           .no_torture = true, .timeout = ROOST_SEC(120))
{
    CHECK_EQ(0, roost_test_run(ROOST_CALL(receive_all), NULL));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i].thread, NULL);
        CHECK_EQ(0, threads[i].refused);
        CHECK_EQ(POSTS_EACH, threads[i].sent);
        CHECK_EQ(POSTS_EACH, threads[i].received);
    }
}

/* -- signals ------------------------------------------------------------------------------------*/

static roost_poster *signal_poster;
static roost_post_slot signal_slot;
static int signal_runs;
static volatile sig_atomic_t signal_count;

static void signal_runs_add(void *arg)
{
    signal_runs++;
    /* The slot can be sent again before its function ran to its end. */
    if (arg && signal_runs == 1)
        CHECK_ALWAYS(roost_post_once(signal_poster, &signal_slot) == 0);
}

static void on_signal(int signo)
{
    (void)signo;
    signal_count = signal_count + 1;
    CHECK_ALWAYS(roost_post_once(signal_poster, &signal_slot) == 0);
}

static void *signal_often(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        pthread_kill(*(pthread_t *)arg, SIGUSR1);
        if (i % 10 == 0)
            sched_yield();
    }
    return NULL;
}

ROOST_TEST(a_slot_from_a_signal_handler_runs_at_least_once_and_never_twice, .no_torture = true,
           .timeout = ROOST_SEC(120))
{
    pthread_t self = pthread_self();
    pthread_t thread;
    signal_runs = 0;
    CHECK_OK(roost_poster_open(&signal_poster));
    roost_post_slot_init(&signal_slot, signal_runs_add, NULL);
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    CHECK_EQ(0, sigaction(SIGUSR1, &action, NULL));
    CHECK_EQ(0, pthread_create(&thread, NULL, signal_often, &self));
    int seen = 0;
    while (signal_count < 1 || seen < 200) {
        CHECK_OK(roost_yield());
        seen += signal_runs > 0;
    }
    pthread_join(thread, NULL);
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK(signal_runs >= 1 && signal_runs <= signal_count);
    int runs = signal_runs;
    CHECK_EQ(0, raise(SIGUSR1));
    CHECK_EQ(runs, signal_runs);
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK_EQ(runs + 1, signal_runs);
    signal(SIGUSR1, SIG_DFL);
    roost_poster_close(signal_poster);
}

ROOST_TEST(a_slot_may_be_posted_from_its_own_function)
{
    signal_runs = 0;
    if (roost_poster_open(&signal_poster) < 0)
        return;
    roost_post_slot_init(&signal_slot, signal_runs_add, &signal_runs);
    CHECK_OK(roost_post_once(signal_poster, &signal_slot));
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK_EQ(2, signal_runs);
    /* Under torture the sleep may have been refused and the slot may still be waiting. */
    ROOST_CLEANUP(ROOST_SEC(1))
        roost_ignore(roost_sleep(ROOST_MS(1)));
    roost_poster_close(signal_poster);
}

/* -- the end of the run -------------------------------------------------------------------------*/

enum { RACES = 100 };

struct race {
    roost_poster *poster;
    roost_poster *second;
    long sent;
    long received;
    bool closed; /* the thread met ROOST_ECLOSED */
};

static void race_arrives(void *arg)
{
    struct race *race = arg;
    race->received++;
}

static void *race_post(void *arg)
{
    struct race *race = arg;
    int rc;
    while ((rc = roost_post(race->poster, race_arrives, race)) == 0)
        race->sent++;
    race->closed = rc == ROOST_ECLOSED;
    roost_poster_close(race->poster);
    return NULL;
}

static void *race_close(void *arg)
{
    struct race *race = arg;
    roost_poster_close(race->second);
    return NULL;
}

ROOST_ASYNC(race_main, struct race *, race, pthread_t *, racers, int, steps)
{
    ROOST_TRY(roost_poster_open(&race->poster));
    ROOST_TRY(roost_poster_open(&race->second));
    CHECK_ALWAYS(pthread_create(&racers[0], NULL, race_post, race) == 0);
    for (int i = 0; i < steps; i++)
        ROOST_TRY(roost_yield());
    CHECK_ALWAYS(pthread_create(&racers[1], NULL, race_close, race) == 0);
    return 0;
}

ROOST_TEST(what_was_accepted_while_the_run_ended_has_run, .plain = true, .no_torture = true,
           .timeout = ROOST_SEC(120))
{
    for (int i = 0; i < RACES; i++) {
        struct race race = {0};
        pthread_t racers[2];
        CHECK_EQ(0, roost_test_run(ROOST_CALL(race_main, &race, racers, i % 20), NULL));
        long received = race.received;
        for (int k = 0; k < 2; k++)
            pthread_join(racers[k], NULL);
        CHECK(race.closed);
        CHECK_EQ(race.sent, race.received);
        CHECK_EQ(received, race.received);
    }
}
