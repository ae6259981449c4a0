/* tests/behaviour/loop.c - behaviours B69 to B76: posts, turns, seeds, clocks, instruments, the end
 * of a run, deadlocks.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include <roost.h>
#include <roost/guest.h>
#include <roost/instrument.h>
#include <roost/post.h>

#include "kit/behaviour.h"
#include "kit/world.h"

ROOST_ASYNC(nothing)
{
    return 0;
}

/* -- B69: posts ---------------------------------------------------------------------------------*/

enum { SENDERS = 4, LETTERS_MAX = 25000 };

struct letter {
    struct sender *sender;
    int seq; /* from 1 */
};

/* A thread that posts. Its last word needs no memory, so that it always arrives. */
struct sender {
    pthread_t thread;
    struct office *office;
    int letters;
    int refused; /* the thread's own, until it is joined */
    int arrived; /* the loop's own, as all that follows */
    int last_seq;
    roost_post_slot last_word;
};

struct office {
    roost_poster *poster;
    roost_scope open; /* cancelled by the last of the last words */
    int silent;       /* senders that have said theirs */
};

/* Posts may arrive after the task that waited for them was cancelled. */
static struct office office;
static struct sender senders[SENDERS];
static struct letter letters[SENDERS][LETTERS_MAX];

static void letter_arrives(void *arg)
{
    const struct letter *letter = arg;
    CHECK_ALWAYS(letter->seq > letter->sender->last_seq);
    CHECK_ALWAYS(roost_task_self() == NULL);
    letter->sender->last_seq = letter->seq;
    letter->sender->arrived++;
}

static void last_word_arrives(void *arg)
{
    struct sender *sender = arg;
    if (++sender->office->silent == SENDERS)
        roost_scope_cancel(&sender->office->open, "every sender has said its last word");
}

static void *sender_main(void *arg)
{
    struct sender *sender = arg;
    struct letter *own = letters[sender - senders];
    for (int i = 0; i < sender->letters; i++) {
        own[i] = (struct letter){sender, i + 1};
        if (roost_post(sender->office->poster, letter_arrives, &own[i]) < 0)
            sender->refused++;
    }
    int rc = roost_post_once(sender->office->poster, &sender->last_word);
    CHECK_ALWAYS(rc == 0);
    return NULL;
}

static int office_run(int letter_count)
{
    ROOST_TRY(roost_poster_open(&office.poster));
    roost_scope_init(&office.open, NULL);
    for (int i = 0; i < SENDERS; i++) {
        senders[i] = (struct sender){.office = &office, .letters = letter_count};
        roost_post_slot_init(&senders[i].last_word, last_word_arrives, &senders[i]);
        CHECK_ALWAYS(pthread_create(&senders[i].thread, NULL, sender_main, &senders[i]) == 0);
    }
    int rc = roost_scope_enter(&office.open);
    if (rc == 0)
        rc = roost_scope_end(&office.open, roost_sleep_forever());
    for (int i = 0; i < SENDERS; i++)
        pthread_join(senders[i].thread, NULL);
    roost_poster_close(office.poster);
    return rc;
}

static void office_check(int letter_count)
{
    CHECK_OK(office_run(letter_count));
    for (int i = 0; i < SENDERS; i++) {
        CHECK_EQ(0, senders[i].refused);
        CHECK_EQ(letter_count, senders[i].arrived);
    }
}

BEHAVIOUR(69, posts_of_each_thread_run_in_its_order, .threads = true)
{
    office_check(100);
}

/* Not tortured: a hundred thousand points are all alike, and the case before has tried them. */
BEHAVIOUR(69, a_hundred_thousand_posts_arrive, .threads = true, .no_torture = true)
{
    office_check(LETTERS_MAX);
}

static roost_poster *signal_poster;
static roost_post_slot signal_slot;
static int signal_runs;

static void signal_runs_add(void *arg)
{
    (void)arg;
    signal_runs++;
}

static void on_signal(int signo)
{
    (void)signo;
    for (int i = 0; i < 3; i++) {
        int rc = roost_post_once(signal_poster, &signal_slot);
        CHECK_ALWAYS(rc == 0);
    }
}

BEHAVIOUR(69, a_slot_posted_again_before_it_ran_runs_once)
{
    if (roost_poster_open(&signal_poster) < 0)
        return;
    roost_post_slot_init(&signal_slot, signal_runs_add, NULL);
    signal_runs = 0;
    void (*former)(int) = signal(SIGUSR1, on_signal);
    for (int round = 1; round <= 3; round++) {
        CHECK_EQ(0, raise(SIGUSR1));
        CHECK_EQ(0, roost_post_once(signal_poster, &signal_slot));
        CHECK_EQ(round - 1, signal_runs);
        /* Two turns of the loop at the most: one may be under way. */
        CHECK_OK(roost_sleep(ROOST_MS(1)));
        CHECK_EQ(round, signal_runs);
    }
    signal(SIGUSR1, former);
    roost_poster_close(signal_poster);
}

ROOST_ASYNC(open_poster_for, roost_poster **, poster)
{
    return roost_poster_open(poster);
}

BEHAVIOUR(69, posts_after_the_run_are_refused, .plain = true)
{
    roost_poster *poster = NULL;
    CHECK_EQ(0, roost_test_run(ROOST_CALL(open_poster_for, &poster), NULL));
    if (!poster)
        return;
    roost_post_slot_init(&signal_slot, signal_runs_add, NULL);
    signal_runs = 0;
    CHECK_EQ(ROOST_ECLOSED, roost_post(poster, signal_runs_add, NULL));
    CHECK_EQ(ROOST_ECLOSED, roost_post_once(poster, &signal_slot));
    CHECK_EQ(ROOST_ECLOSED, roost_post_once(poster, &signal_slot));
    CHECK_EQ(0, signal_runs);
    roost_poster_close(poster);
}

/* -- B70: nobody starves ------------------------------------------------------------------------*/

/* A post that posts itself; static, since its last one may run after the task has gone. */
static struct {
    roost_poster *poster;
    roost_post_slot slot;
    bool enough;
    long rounds;
} repeater;

static void repeat(void *arg)
{
    (void)arg;
    if (repeater.enough)
        return;
    repeater.rounds++;
    kit_spend(ROOST_US(20));
    int rc = roost_post_once(repeater.poster, &repeater.slot);
    CHECK_ALWAYS(rc == 0);
}

ROOST_ASYNC(read_byte, int, fd, char *, byte)
{
    return (int)kit_read(fd, byte, 1);
}

/* Closes its end on every path: whoever reads from the other one is not left waiting. */
ROOST_ASYNC(tick_and_write, int *, fd, int *, ticks)
{
    int rc = 0;
    for (; *ticks < 5 && rc == 0; ++*ticks)
        rc = roost_sleep(ROOST_MS(1));
    if (rc == 0)
        rc = (int)kit_write(*fd, "x", 1);
    kit_close(*fd);
    *fd = -1;
    return rc;
}

/* Timers and I/O beside whatever else keeps the loop busy. */
static int timers_and_io(bool *enough)
{
    int fds[2] = {-1, -1};
    int ticks = 0;
    char byte = 0;
    int rc = kit_pipe(fds);
    if (rc < 0)
        return rc;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_byte, fds[0], &byte);
        ROOST_GO(g, tick_and_write, &fds[1], &ticks);
    }
    *enough = true;
    kit_close(fds[0]);
    kit_close(fds[1]);
    CHECK_OK(rc);
    CHECK_EQ('x', byte);
    CHECK_EQ(5, ticks);
    return rc;
}

BEHAVIOUR(70, a_post_that_posts_itself_starves_neither_timers_nor_io)
{
    repeater.enough = false;
    repeater.rounds = 0;
    if (roost_poster_open(&repeater.poster) < 0)
        return;
    roost_post_slot_init(&repeater.slot, repeat, NULL);
    CHECK_EQ(0, roost_post_once(repeater.poster, &repeater.slot));
    roost_ignore(timers_and_io(&repeater.enough));
    repeater.enough = true;
    CHECK(repeater.rounds > 10);
    roost_poster_close(repeater.poster);
}

ROOST_ASYNC(yield_until, const bool *, enough, long *, rounds)
{
    while (!*enough) {
        ++*rounds;
        kit_spend(ROOST_US(20));
        ROOST_TRY(roost_yield());
    }
    return 0;
}

BEHAVIOUR(70, tasks_that_only_yield_starve_neither_timers_nor_io, .fifo = true)
{
    bool enough = false;
    long rounds[2] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, yield_until, &enough, &rounds[0]);
        ROOST_GO(g, yield_until, &enough, &rounds[1]);
        rc = timers_and_io(&enough);
        enough = true;
    }
    CHECK_OK(rc);
    CHECK(rounds[0] > 10 && rounds[1] > 10);
}

ROOST_ASYNC(set_flag, bool *, flag)
{
    *flag = true;
    return 0;
}

BEHAVIOUR(70, a_task_whose_operations_are_all_ready_gives_way, .fifo = true)
{
    bool seen = false;
    long operations = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, set_flag, &seen);
        while (!seen && rc == 0 && operations < 100000) {
            operations++;
            rc = roost_checkpoint();
        }
    }
    CHECK_OK(rc);
    CHECK(seen);
    CHECK(operations <= 128 + 16); /* counted in rounds of 16 */
}

/* -- B71: turns ---------------------------------------------------------------------------------*/

enum { TURNS = 1000 };

struct turns {
    int last; /* the task that ran last */
    int in_a_row;
    int in_a_row_max;
    int live;
};

ROOST_ASYNC(take_turns, struct turns *, turns, int, self)
{
    turns->live++;
    for (int i = 0; i < TURNS; i++) {
        turns->in_a_row = turns->last == self ? turns->in_a_row + 1 : 1;
        turns->last = self;
        if (turns->live == 2 && turns->in_a_row > turns->in_a_row_max)
            turns->in_a_row_max = turns->in_a_row;
        ROOST_TRY(roost_yield());
    }
    turns->live--;
    return 0;
}

BEHAVIOUR(71, two_yielding_tasks_stay_within_two_to_one, .fifo = true)
{
    struct turns turns = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, take_turns, &turns, 1);
        ROOST_GO(g, take_turns, &turns, 2);
    }
    CHECK_OK(rc);
    CHECK(turns.in_a_row_max >= 1 && turns.in_a_row_max <= 2);
}

/* -- B72: the schedule follows from the seed ----------------------------------------------------*/

enum { ORDER_TASKS = 6, ORDER_ROUNDS = 5 };

struct order {
    int count;
    char who[ORDER_TASKS * ORDER_ROUNDS];
};

ROOST_ASYNC(note_turns, struct order *, order, int, self)
{
    for (int i = 0; i < ORDER_ROUNDS; i++) {
        order->who[order->count++] = (char)self;
        ROOST_TRY(roost_yield());
    }
    return 0;
}

ROOST_ASYNC(note_all, struct order *, order)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < ORDER_TASKS; i++)
            ROOST_GO(g, note_turns, order, i);
    return rc;
}

static struct order order_of(uint64_t seed)
{
    struct order order = {0};
    kit_seed_use(seed);
    CHECK_OK(roost_test_run(ROOST_CALL(note_all, &order), NULL));
    CHECK_EQ(ORDER_TASKS * ORDER_ROUNDS, order.count);
    return order;
}

static bool order_equal(const struct order *a, const struct order *b)
{
    return a->count == b->count && memcmp(a->who, b->who, (size_t)a->count) == 0;
}

BEHAVIOUR(72, the_same_seed_gives_the_same_schedule, .plain = true)
{
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct order first = order_of(seed);
        struct order second = order_of(seed);
        CHECK(order_equal(&first, &second));
    }
}

BEHAVIOUR(72, different_seeds_give_different_schedules, .plain = true)
{
    struct order orders[20];
    int distinct = 0;
    for (int i = 0; i < 20; i++) {
        orders[i] = order_of(100 + (uint64_t)i);
        int same = 0;
        for (int k = 0; k < i; k++)
            same += order_equal(&orders[i], &orders[k]);
        distinct += same == 0;
    }
    /* In production, which real back ends show, tasks run in the order they became ready. */
    if (roost_test_virtual())
        CHECK(distinct >= 10);
    else
        CHECK_EQ(1, distinct);
}

BEHAVIOUR(72, in_production_tasks_run_in_the_order_of_their_start, .plain = true)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    struct order order = {0};
    CHECK_OK(roost_run(ROOST_CALL(note_all, &order), &opts));
    for (int i = 0; i < order.count; i++)
        CHECK_EQ(i % ORDER_TASKS, order.who[i]);
}

/* -- B73: the virtual clock ---------------------------------------------------------------------*/

ROOST_ASYNC(sleep_and_note, roost_dur, dur, roost_time *, woken)
{
    ROOST_TRY(roost_sleep(dur));
    *woken = roost_now();
    return 0;
}

BEHAVIOUR(73, the_virtual_clock_stands_while_anything_is_ready, .needs = "sim")
{
    roost_time woken[3] = {0};
    roost_time start = roost_now();
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, sleep_and_note, ROOST_SEC(3600), &woken[0]);
        ROOST_GO(g, sleep_and_note, ROOST_NS(1), &woken[1]);
        ROOST_GO(g, sleep_and_note, ROOST_SEC(1), &woken[2]);
        for (int i = 0; i < 500 && rc == 0; i++) {
            rc = roost_yield();
            CHECK_EQ(start, roost_now());
        }
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_SEC(3600), woken[0] - start);
    CHECK_EQ(ROOST_NS(1), woken[1] - start);
    CHECK_EQ(ROOST_SEC(1), woken[2] - start);
    CHECK_EQ(ROOST_SEC(3600), roost_now() - start);
}

BEHAVIOUR(73, settling_comes_before_the_jump, .needs = "sim")
{
    roost_time woken = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, sleep_and_note, ROOST_NS(1), &woken);
        for (int i = 0; i < 3 && rc == 0; i++)
            rc = roost_test_settle();
        CHECK_EQ(0, woken);
        CHECK_EQ(0, roost_now() - roost_test_start());
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_NS(1), woken - roost_test_start());
}

BEHAVIOUR(73, no_sleep_ends_early_on_any_clock)
{
    roost_time woken[4] = {0};
    roost_time start = roost_now();
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, sleep_and_note, ROOST_US(700 * (i + 1)), &woken[i]);
    CHECK_OK(rc);
    for (int i = 0; i < 4; i++)
        CHECK(woken[i] - start >= ROOST_US(700 * (i + 1)));
}

/* -- B74: instruments ---------------------------------------------------------------------------*/

struct watcher {
    int events[ROOST_LOOP_WAITS + 1];
    int total;
    int fail_at; /* 0: never */
};

static int watcher_event(void *arg, enum roost_instrument_event event, const roost_task *task)
{
    struct watcher *watcher = arg;
    CHECK_ALWAYS((task == NULL) == (event == ROOST_LOOP_WAITS));
    watcher->events[event]++;
    return ++watcher->total == watcher->fail_at ? -EIO : 0;
}

/* A few tasks that sleep; what became of them. */
static int busy_group(void)
{
    roost_time woken[3] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, sleep_and_note, ROOST_MS(1), &woken[i]);
    return rc;
}

BEHAVIOUR(74, an_instrument_that_fails_is_removed_and_the_run_goes_on)
{
    struct watcher failing = {.fail_at = 4};
    struct watcher steady = {0};
    roost_instrument instruments[2] = {{.on_event = watcher_event, .arg = &failing},
                                       {.on_event = watcher_event, .arg = &steady}};
    for (int i = 0; i < 2; i++)
        CHECK_OK(roost_instrument_add(&instruments[i]));
    int rc = busy_group();
    for (int i = 0; i < 2; i++)
        roost_instrument_remove(&instruments[i]);
    CHECK_OK(rc);
    CHECK_EQ(4, failing.total);
    CHECK_EQ(3, steady.events[ROOST_TASK_SPAWNED]);
    CHECK_EQ(3, steady.events[ROOST_TASK_EXITED]);
    CHECK(steady.events[ROOST_STEP_BEGINS] >= 6);
    CHECK_EQ(4, steady.events[ROOST_TASK_PARKS]); /* three sleeps, one end of a group */
    CHECK_EQ(4, steady.events[ROOST_TASK_READY]);
    CHECK(steady.events[ROOST_CHECKPOINT] >= 3);
    CHECK(steady.events[ROOST_LOOP_WAITS] >= 1);
    int before = steady.total;
    CHECK_OK(busy_group());
    CHECK_EQ(before, steady.total);
}

BEHAVIOUR(74, an_instrument_without_a_function_is_refused)
{
    roost_instrument instrument = {0};
    CHECK_EQ(ROOST_EINVAL, roost_instrument_add(&instrument));
    roost_instrument_remove(&instrument);
    CHECK_OK(busy_group());
}

/* -- B75: nested runs, and what is left when the main task returns ------------------------------*/

BEHAVIOUR(75, a_nested_run_is_refused)
{
    roost_guest *guest = NULL;
    CHECK_EQ(ROOST_ENESTED, roost_run(ROOST_CALL(nothing), NULL));
    CHECK_EQ(ROOST_ENESTED, roost_guest_start(ROOST_CALL(nothing), NULL, &guest));
    CHECK(guest == NULL);
    CHECK_OK(roost_yield());
}

struct leftovers {
    int begun;
    int cancelled;
    int reported;
    int code;
};

ROOST_ASYNC(leftover, struct leftovers *, seen, int, code)
{
    seen->begun++;
    int rc = roost_sleep_forever();
    seen->cancelled += rc == ROOST_ECANCELED;
    return code < 0 ? code : rc;
}

ROOST_ASYNC(leave_some, struct leftovers *, seen)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(leftover, seen, 0), NULL));
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(leftover, seen, -EIO), NULL));
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(leftover, seen, 0), &(roost_bg_opts){.last = true}));
    ROOST_TRY(roost_yield());
    return 7;
}

static void leftover_reported(void *arg, const roost_error *error)
{
    struct leftovers *seen = arg;
    seen->reported++;
    seen->code = error->code;
}

BEHAVIOUR(75, leftovers_are_cancelled_and_their_errors_reported, .plain = true)
{
    struct leftovers seen = {0};
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.on_unhandled = leftover_reported;
    opts.on_unhandled_arg = &seen;
    CHECK_EQ(7, roost_test_run(ROOST_CALL(leave_some, &seen), &opts));
    CHECK_EQ(3, seen.begun);
    CHECK_EQ(3, seen.cancelled);
    CHECK_EQ(1, seen.reported);
    CHECK_EQ(-EIO, seen.code);
}

/* -- B76: deadlock ------------------------------------------------------------------------------*/

struct stuck {
    int cancelled;
    int cleaned;
};

ROOST_ASYNC(wait_for_nothing, struct stuck *, seen)
{
    int rc = roost_sleep_forever();
    seen->cancelled += rc == ROOST_ECANCELED;
    ROOST_CLEANUP(ROOST_SEC(1)) {
        seen->cleaned += roost_sleep(ROOST_MS(1)) == 0;
    }
    return rc;
}

ROOST_ASYNC(stuck_group, struct stuck *, seen)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, wait_for_nothing, seen);
    return rc;
}

static int run_without_signals(roost_call call)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.no_signals = true;
    return roost_test_run(call, &opts);
}

/* These stall of their own accord. */
BEHAVIOUR(76, a_deadlock_of_the_whole_loop_is_reported, .plain = true, .stalls = true)
{
    struct stuck seen = {0};
    CHECK_EQ(ROOST_EDEADLK, run_without_signals(ROOST_CALL(stuck_group, &seen)));
    CHECK_EQ(3, seen.cancelled);
    CHECK_EQ(3, seen.cleaned);
}

ROOST_ASYNC(stuck_in_a_shield, struct stuck *, seen)
{
    int rc = 0;
    roost_scope shield;
    roost_scope_init(&shield, &(roost_scope_opts){.shield = true});
    ROOST_TRY(roost_scope_enter(&shield));
    rc = roost_sleep_forever();
    seen->cancelled += rc == ROOST_ECANCELED;
    return roost_scope_end(&shield, rc);
}

BEHAVIOUR(76, a_shield_does_not_keep_a_deadlock_alive, .plain = true, .stalls = true)
{
    struct stuck seen = {0};
    CHECK_EQ(ROOST_EDEADLK, run_without_signals(ROOST_CALL(stuck_in_a_shield, &seen)));
    CHECK_EQ(1, seen.cancelled);
}

/* The outside world: a thread with a poster, quiet for a while. Static, as its posts may come after
 * the task that waits for them. */
static struct {
    roost_poster *poster;
    roost_post_slot slot;
    roost_scope waits;
    bool speaks; /* else it only closes its poster */
} outside;

static void outside_speaks(void *arg)
{
    (void)arg;
    roost_scope_cancel(&outside.waits, "somebody outside spoke");
}

static void *outside_main(void *arg)
{
    struct timespec while_quiet = {.tv_nsec = 20 * 1000 * 1000};
    nanosleep(&while_quiet, NULL);
    if (outside.speaks) {
        int rc = roost_post_once(outside.poster, &outside.slot);
        CHECK_ALWAYS(rc == 0);
    }
    roost_poster_close(outside.poster);
    return arg;
}

static int wait_for_outside(bool speaks)
{
    pthread_t thread;
    ROOST_TRY(roost_poster_open(&outside.poster));
    outside.speaks = speaks;
    roost_scope_init(&outside.waits, NULL);
    roost_post_slot_init(&outside.slot, outside_speaks, NULL);
    CHECK_ALWAYS(pthread_create(&thread, NULL, outside_main, NULL) == 0);
    int rc = roost_scope_enter(&outside.waits);
    if (rc == 0)
        rc = roost_scope_end(&outside.waits, roost_sleep_forever());
    pthread_join(thread, NULL);
    return rc;
}

BEHAVIOUR(76, no_deadlock_while_somebody_outside_can_post)
{
    CHECK_EQ(0, wait_for_outside(true));
}

ROOST_ASYNC(wait_in_vain)
{
    return wait_for_outside(false);
}

BEHAVIOUR(76, a_deadlock_once_the_last_poster_is_closed, .plain = true, .stalls = true)
{
    CHECK_EQ(ROOST_EDEADLK, run_without_signals(ROOST_CALL(wait_in_vain)));
}

BEHAVIOUR(76, no_deadlock_while_a_timer_or_an_operation_is_under_way)
{
    bool enough = false;
    CHECK_OK(timers_and_io(&enough));
    CHECK(enough);
}
