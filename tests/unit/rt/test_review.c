/* tests/unit/rt/test_review.c - moments between two steps, where bookkeeping is easily lost.
 *
 * Registered per ROOST_TEST_BACKENDS. Each case steers two or three tasks into one such moment: a
 * group that ends while somebody spawns, a call that gives way before it waits, a code or a list
 * that two places own.
 *
 * SPDX-License-Identifier: MIT
 */
#include <poll.h>
#include <pthread.h>

#include <roost.h>
#include <roost/guest.h>
#include <roost/instrument.h>
#include <roost/post.h>

#include "kit/kit.h"
#include "unit/rt/process.h"
#include "rt/run.h"

/* Suspending calls that a task makes before it is made to give way, and then some. */
enum { CREDIT_SPAN = 160 };

ROOST_ASYNC(nothing)
{
    return 0;
}

ROOST_ASYNC(set_flag, int *, flag)
{
    (*flag)++;
    return 0;
}

ROOST_ASYNC(fail_with, int, code)
{
    return code;
}

ROOST_ASYNC(sleep_and_set, roost_dur, dur, int *, flag)
{
    int rc = roost_sleep(dur);
    (*flag)++;
    return rc;
}

/* Uses up part of a turn. */
static void checkpoints(int count)
{
    while (count-- > 0)
        roost_ignore(roost_checkpoint());
}

/* Comes back with a whole turn before it. */
static void turn_begin(void)
{
    uint64_t steps = roost_test_steps();
    while (roost_test_steps() == steps && roost_checkpoint() == 0)
        continue;
}

/* -- groups ------------------------------------------------------------------------------------ */

/* Spawns into a group that is not its own, as soon as it runs. */
ROOST_ASYNC(spawn_into, roost_group *, target, int *, ended)
{
    ROOST_GO(target, sleep_and_set, ROOST_MS(1), ended);
    return 0;
}

ROOST_TEST(the_end_of_an_empty_group_waits_for_what_is_spawned_in_its_turn, .fifo = true)
{
    int ended = 0;
    int rc = 0;
    ROOST_GROUP(outer, rc) {
        int inner_rc = 0;
        ROOST_GROUP(inner, inner_rc) {
            ROOST_GO(outer, spawn_into, inner, &ended);
        }
        CHECK_EQ(0, inner_rc);
        CHECK_EQ(1, ended);
    }
    CHECK_EQ(0, rc);
}

ROOST_TEST(a_task_spawned_after_the_last_one_ended_is_waited_for, .fifo = true)
{
    int first = 0;
    int ended = 0;
    int rc = 0;
    ROOST_GROUP(outer, rc) {
        int inner_rc = 0;
        ROOST_GROUP(inner, inner_rc) {
            ROOST_GO(inner, set_flag, &first);
            ROOST_GO(outer, spawn_into, inner, &ended);
        }
        CHECK_EQ(0, inner_rc);
        CHECK_EQ(1, first);
        CHECK_EQ(1, ended);
    }
    CHECK_EQ(0, rc);
}

ROOST_TEST(a_spawner_that_gave_way_at_the_limit_takes_the_place_that_became_free, .fifo = true)
{
    for (int before = 0; before < CREDIT_SPAN; before++) {
        int rc = 0;
        int ran = 0;
        turn_begin();
        ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.limit = 1}) {
            ROOST_GO(g, set_flag, &ran);
            checkpoints(before);
            ROOST_GO(g, set_flag, &ran);
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(2, ran);
    }
}

ROOST_TEST(errors_of_a_group_left_by_break_belong_to_their_list)
{
    roost_errors errors ROOST_AUTO(errors) = ROOST_ERRORS_INIT;
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.limit = 2, .errors = &errors}) {
        ROOST_GO(g, fail_with, -EIO);
        break;
    }
    CHECK_EQ(1, roost_errors_count(&errors));
    const roost_error *error = roost_errors_at(&errors, 0);
    if (error) /* else there was no memory for it */
        CHECK_EQ(-EIO, error->code);
    CHECK(error != NULL);
}

/* On schedules that may favour one task for long, nobody is promised a turn within ten. */
ROOST_TEST(a_loop_of_empty_groups_in_a_cancelled_scope_starves_nobody, .fifo = true)
{
    int ran = 0;
    int rc = 0;
    int inner_rc = 0;
    ROOST_GROUP(outer, rc) {
        ROOST_GO(outer, set_flag, &ran);
        ROOST_MOVE_ON(inner_rc, 0) {
            for (int i = 0; i < 10 && ran == 0; i++)
                ROOST_GROUP(g, inner_rc) {}
        }
        CHECK_EQ(1, ran);
    }
    CHECK_EQ(0, inner_rc);
    CHECK_EQ(0, rc);
}

/* -- joining ----------------------------------------------------------------------------------- */

struct contest {
    roost_task *prize;
    int won;
    int rc;
};

ROOST_ASYNC(first_joiner, roost_group *, group, struct contest *, contest)
{
    CHECK_OK(ROOST_SPAWN(&contest->prize, group, set_flag, &contest->won));
    return roost_join(contest->prize, NULL);
}

ROOST_ASYNC(second_joiner, struct contest *, contest, int, before)
{
    checkpoints(before);
    if (!contest->won)
        contest->rc = roost_join(contest->prize, NULL);
    return 0;
}

ROOST_TEST(a_second_joiner_is_refused_before_it_gives_way, .fifo = true)
{
    for (int before = 0; before < CREDIT_SPAN; before++) {
        struct contest contest = {.rc = ROOST_EBUSY};
        int rc = 0;
        turn_begin();
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, first_joiner, g, &contest);
            ROOST_GO(g, second_joiner, &contest, before);
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(ROOST_EBUSY, contest.rc);
    }
}

/* -- starting ---------------------------------------------------------------------------------- */

ROOST_ASYNC(never_ready)
{
    return roost_sleep(ROOST_SEC(60));
}

ROOST_ASYNC(start_never_ready, roost_group *, target, int *, seen)
{
    *seen = roost_group_start(target, ROOST_CALL(never_ready), NULL, NULL, 0);
    return *seen;
}

ROOST_ASYNC(yield_until, const int *, flag)
{
    while (*flag == 0)
        ROOST_TRY(roost_yield());
    return 0;
}

ROOST_TEST(a_starter_cancelled_as_it_gets_its_place_does_not_wait_for_readiness, .fifo = true)
{
    int seen = 0;
    int go = 0;
    int rc = 0;
    int starters_rc = 0;
    ROOST_GROUP_WITH(target, rc, &(roost_group_opts){.limit = 1}) {
        ROOST_GROUP(starters, starters_rc) {
            ROOST_GO(target, yield_until, &go);
            ROOST_GO(starters, start_never_ready, target, &seen);
            CHECK_OK(roost_yield());
            /* The task ends in this turn: the starter, which waits for its place, is ready after.
             */
            go = 1;
            CHECK_OK(roost_yield());
            roost_group_cancel(starters, "in the moment between");
        }
    }
    CHECK_EQ(0, starters_rc);
    CHECK_EQ(ROOST_ECANCELED, seen);
    CHECK_EQ(0, rc);
    CHECK(roost_now() - roost_test_start() < ROOST_SEC(10));
}

ROOST_ASYNC(fail_when_cancelled, int, code)
{
    int rc = roost_sleep(ROOST_SEC(60));
    return rc == ROOST_ECANCELED ? code : rc;
}

ROOST_ASYNC(cancel_when_settled, roost_scope *, scope)
{
    ROOST_TRY(roost_test_settle());
    roost_scope_cancel(scope, "given up");
    return 0;
}

ROOST_TEST(what_goes_wrong_in_a_start_that_was_given_up_is_told)
{
    int rc = 0;
    roost_scope scope; /* outlives the group, whatever becomes of the start */
    roost_scope_init(&scope, NULL);
    ROOST_GROUP(g, rc) {
        CHECK_OK(roost_scope_enter(&scope));
        ROOST_GO(g, cancel_when_settled, &scope);
        CHECK_EQ(-EIO, roost_group_start(g, ROOST_CALL(fail_when_cancelled, -EIO), NULL, NULL, 0));
        CHECK_EQ(-EIO, roost_scope_end(&scope, -EIO));
    }
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(fail_with_note, int, code)
{
    return roost_error_note(code, "while it got ready");
}

ROOST_TEST(a_failed_start_hands_its_trail_to_the_starter)
{
    roost_error error = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_EQ(-EIO, roost_group_start(g, ROOST_CALL(fail_with_note, -EIO), NULL, NULL, 0));
        CHECK_OK(roost_error_last(&error));
        CHECK_EQ(-EIO, error.code);
        CHECK_STR("while it got ready", error.steps[0].note);
    }
    CHECK_EQ(0, rc);
}

/* -- shutting down ----------------------------------------------------------------------------- */

ROOST_TEST(the_grace_of_a_scope_is_its_deadline)
{
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    roost_time end = roost_now() + ROOST_MS(5);
    roost_scope_shutdown(&scope, ROOST_MS(5));
    CHECK(roost_scope_deadline(&scope) >= end);
    CHECK(roost_scope_deadline(&scope) < end + ROOST_SEC(1));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(ROOST_SEC(60)));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

ROOST_TEST(a_later_shutdown_or_deadline_does_not_put_off_the_first)
{
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    roost_scope_shutdown(&scope, ROOST_MS(5));
    roost_time end = roost_scope_deadline(&scope);
    roost_scope_shutdown(&scope, ROOST_SEC(60));
    CHECK_EQ(end, roost_scope_deadline(&scope));
    CHECK_OK(roost_scope_set_deadline(&scope, roost_now() + ROOST_SEC(60)));
    CHECK_OK(roost_scope_set_deadline(&scope, ROOST_NEVER));
    CHECK_EQ(end, roost_scope_deadline(&scope));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(ROOST_SEC(60)));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

struct ends {
    roost_time began;
    roost_dur cancelled_after;
};

ROOST_ASYNC(ends_soon)
{
    return roost_sleep(ROOST_MS(30));
}

ROOST_ASYNC(does_not_stop, struct ends *, ends)
{
    int rc = roost_wait_stopping();
    ends->began = roost_now();
    rc = roost_sleep(ROOST_SEC(60));
    ends->cancelled_after = roost_now() - ends->began;
    return rc;
}

ROOST_ASYNC(leave_two_behind, struct ends *, ends)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(ends_soon), NULL));
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(does_not_stop, ends), NULL));
    return roost_sleep(ROOST_MS(1));
}

ROOST_TEST(the_end_of_one_background_task_gives_no_other_more_grace, .plain = true,
           .no_torture = true)
{
    struct ends ends = {0};
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.shutdown_grace = ROOST_MS(40);
    CHECK_EQ(0, roost_test_run(ROOST_CALL(leave_two_behind, &ends), &opts));
    CHECK(ends.cancelled_after > 0);
    CHECK(ends.cancelled_after < ROOST_MS(60));
}

/* -- scopes outside tasks ---------------------------------------------------------------------- */

ROOST_TEST(a_scope_begun_outside_a_task_can_be_steered_without_effect, .plain = true)
{
    roost_scope scope;
    memset(&scope, 0xa5, sizeof scope);
    roost_scope_begin(&scope, ROOST_SEC(1), ROOST_SCOPE_FAIL, "outside");
    CHECK(roost_scope_deadline(&scope) > roost_now());
    roost_scope_set_shield(&scope, true);
    CHECK_EQ(0, roost_scope_set_deadline(&scope, roost_now() + 1));
    CHECK_EQ(0, roost_scope_set_deadline(&scope, 0));
    roost_scope_shutdown(&scope, ROOST_SEC(1));
    roost_scope_cancel(&scope, "no effect");
    roost_scope_shutdown(&scope, 0);
    CHECK_EQ(7, roost_scope_end(&scope, 7));
    CHECK(!roost_scope_is_open(&scope));
}

/* -- several loops ----------------------------------------------------------------------------- */

static int run_on_loops(int loops, roost_call call)
{
    if (roost_test_virtual())
        kit_leave_out("a simulation of several loops");
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.loops = loops;
    return roost_test_run(call, &opts);
}

ROOST_ASYNC(sleep_begun, int *, begun)
{
    (*begun)++;
    return roost_sleep(ROOST_SEC(60));
}

ROOST_ASYNC(sleep_on_first_loop, int *, begun, int *, result)
{
    return roost_on_loop(0, ROOST_CALL(sleep_begun, begun), result);
}

/* Keeps making calls to another loop while it is cancelled, until that loop has ended. */
ROOST_ASYNC(call_until_finished, int, index, int *, seen)
{
    roost_ignore(roost_sleep_forever());
    int rc = 0;
    ROOST_CLEANUP(ROOST_SEC(60)) {
        while ((rc = roost_on_loop(index, ROOST_CALL(nothing), NULL)) == 0)
            continue;
    }
    *seen = rc;
    return 0;
}

ROOST_ASYNC(bg_begin, roost_call, call, enum roost_bg_policy, policy)
{
    return roost_bg_spawn(call, &(roost_bg_opts){.policy = policy});
}

/* Leaves a background task on loop 1. */
ROOST_ASYNC(leave_on_side, roost_call, call)
{
    return roost_on_loop(1, ROOST_CALL(bg_begin, call, ROOST_BG_LOG), NULL);
}

ROOST_ASYNC(leave_sleeper_on_side, int *, result)
{
    int begun = 0;
    ROOST_TRY(roost_on_loop(
        1, ROOST_CALL(bg_begin, ROOST_CALL(sleep_on_first_loop, &begun, result), ROOST_BG_LOG),
        NULL));
    while (begun == 0)
        ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return 0;
}

ROOST_TEST(a_call_from_a_side_loop_does_not_keep_the_first_loop_from_ending, .plain = true,
           .no_torture = true)
{
    int result = 0;
    CHECK_EQ(0, run_on_loops(2, ROOST_CALL(leave_sleeper_on_side, &result)));
    CHECK_EQ(ROOST_ECANCELED, result);
}

ROOST_TEST(a_call_to_the_first_loop_after_its_end_is_refused, .plain = true, .no_torture = true)
{
    int seen = 0;
    CHECK_EQ(0,
             run_on_loops(2, ROOST_CALL(leave_on_side, ROOST_CALL(call_until_finished, 0, &seen))));
    CHECK_EQ(ROOST_EFINISHED, seen);
}

ROOST_TEST(a_call_to_a_side_loop_after_its_end_is_refused, .plain = true, .no_torture = true)
{
    int seen = 0;
    CHECK_EQ(0,
             run_on_loops(3, ROOST_CALL(leave_on_side, ROOST_CALL(call_until_finished, 2, &seen))));
    CHECK_EQ(ROOST_EFINISHED, seen);
}

ROOST_ASYNC(abort_on_side)
{
    ROOST_TRY(roost_on_loop(
        1, ROOST_CALL(bg_begin, ROOST_CALL(fail_with_note, -EPIPE), ROOST_BG_ABORT), NULL));
    return roost_sleep(ROOST_SEC(60));
}

ROOST_TEST(a_background_task_that_aborts_on_a_side_loop_ends_the_run, .plain = true,
           .no_torture = true)
{
    CHECK_EQ(-EPIPE, run_on_loops(2, ROOST_CALL(abort_on_side)));
}

ROOST_ASYNC(abort_here)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(fail_with_note, -EPIPE),
                             &(roost_bg_opts){.name = "culprit", .policy = ROOST_BG_ABORT}));
    return roost_sleep(ROOST_SEC(60));
}

ROOST_TEST(a_run_that_was_aborted_tells_by_whom, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    struct roosti_run_end end;
    roost_test_opts_fill(&opts);
    CHECK_EQ(-EPIPE, roosti_run(ROOST_CALL(abort_here), &opts, NULL, &end));
    CHECK_EQ(-EPIPE, end.error.code);
    CHECK_STR("culprit", end.error.task_name);
    CHECK_STR("while it got ready", end.error.steps[0].note);
}

/* -- task-locals, clocks, instruments ---------------------------------------------------------- */

static const roost_var plain_var = {.name = "plain"};
static void *seen_in_drop;

static void drop_and_look(void *value)
{
    seen_in_drop = roost_var_get(&plain_var);
    *(int *)value += 1;
}

static const roost_var looking_var = {.name = "looking", .drop = drop_and_look};

ROOST_ASYNC(set_both, int *, dropped)
{
    static int plain;
    ROOST_TRY(roost_var_set(&plain_var, &plain));
    return roost_var_set(&looking_var, dropped);
}

ROOST_TEST(a_task_whose_values_are_dropped_has_none)
{
    int dropped = 0;
    int rc = 0;
    seen_in_drop = &dropped;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, set_both, &dropped);
    CHECK_EQ(0, rc);
    CHECK_EQ(1, dropped);
    CHECK(seen_in_drop == NULL);
}

ROOST_ASYNC(sleep_for_ages)
{
    roosti_host_write(2, "asleep\n", 7);
    return roost_sleep(ROOST_FOREVER - 1);
}

static int run_for_ages(void *arg)
{
    (void)arg;
    return roost_main(ROOST_CALL(sleep_for_ages));
}

ROOST_TEST(a_sleep_longer_than_the_clock_is_a_sleep_for_ever, .plain = true, .no_torture = true)
{
    if (roost_test_virtual())
        kit_leave_out("a simulation holds no signals");
    struct process process;
    process_begin(&process, run_for_ages, NULL);
    process_await(&process, "asleep\n");
    process_signal(&process, SIGTERM);
    process_end(&process);
    CHECK_SILENT_ON(&process, "deadlock");
    CHECK_EQ(128 + SIGTERM, process.code);
}

static int count_event(void *arg, enum roost_instrument_event event, const roost_task *task)
{
    (void)event;
    (void)task;
    *(int *)arg += 1;
    return 0;
}

ROOST_TEST(an_instrument_is_added_once)
{
    int count = 0;
    roost_instrument instrument = {.on_event = count_event, .arg = &count};
    CHECK_OK(roost_instrument_add(&instrument));
    CHECK_EQ(ROOST_EBUSY, roost_instrument_add(&instrument));
    CHECK_OK(roost_yield());
    roost_instrument_remove(&instrument);
    CHECK(count > 0);
    CHECK_OK(roost_instrument_add(&instrument));
    roost_instrument_remove(&instrument);
}

/* -- deadlocks, guests ------------------------------------------------------------------------- */

struct closer {
    roost_poster *poster; /* atomic; NULL: none to close yet */
    int rounds;
};

/* Closes one poster after the other, each a little later than the one before. */
static void *close_posters(void *arg)
{
    struct closer *closer = arg;
    for (int round = 0; round < closer->rounds; round++) {
        roost_poster *poster;
        while ((poster = __atomic_exchange_n(&closer->poster, NULL, __ATOMIC_ACQUIRE)) == NULL)
            roosti_thread_pause();
        for (volatile int i = 0; i < round % 1000; i++)
            continue;
        roost_poster_close(poster);
    }
    return NULL;
}

ROOST_ASYNC(lend_poster_and_sleep, struct closer *, closer)
{
    roost_poster *poster;
    ROOST_TRY(roost_poster_open(&poster));
    __atomic_store_n(&closer->poster, poster, __ATOMIC_RELEASE);
    return roost_sleep_forever();
}

ROOST_TEST(the_last_poster_closed_as_the_loop_falls_asleep_leaves_a_deadlock, .plain = true,
           .no_torture = true)
{
    struct closer closer = {.rounds = 2000};
    pthread_t thread;
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.no_signals = true;
    CHECK_EQ(0, pthread_create(&thread, NULL, close_posters, &closer));
    for (int round = 0; round < closer.rounds; round++)
        CHECK_EQ(ROOST_EDEADLK, roost_run(ROOST_CALL(lend_poster_and_sleep, &closer), &opts));
    pthread_join(thread, NULL);
}

static int host_that_sleeps(void *arg)
{
    (void)arg;
    roost_guest *guest;
    roost_run_opts opts = {.debug = 1, .watchdog = ROOST_MS(1)};
    CHECK_OK(roost_guest_start(ROOST_CALL(never_ready), &opts, &guest));
    CHECK_OK(roost_guest_turn(guest, NULL));
    poll(NULL, 0, 30);
    roost_guest_free(guest);
    return 0;
}

ROOST_TEST(a_guest_whose_host_sleeps_is_not_stuck, .plain = true, .no_torture = true)
{
    if (roost_test_virtual())
        kit_leave_out("a simulation measures no time");
    struct process process;
    process_run(&process, host_that_sleeps, NULL);
    CHECK_EQ(0, process.code);
    CHECK_SILENT_ON(&process, "given way");
}
