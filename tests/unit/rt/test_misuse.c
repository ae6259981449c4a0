/* tests/unit/rt/test_misuse.c - every bad use has its code, and loses nothing.
 *
 * Registered per ROOST_TEST_BACKENDS. What ends the process, or is only printed, stands in
 * test_reports.c; forks in test_forked.c.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <string.h>

#include <roost.h>
#include <roost/guest.h>
#include <roost/instrument.h>
#include <roost/post.h>

#include "base/mem.h"
#include "kit/kit.h"

ROOST_ASYNC(nothing)
{
    return 0;
}

ROOST_ASYNC(nap, roost_dur, dur)
{
    return roost_sleep(dur);
}

/* -- outside a task -----------------------------------------------------------------------------*/

static const roost_var var = {.name = "var"};

static void calls_outside_a_task(int want)
{
    roost_scope scope;
    roost_group group;
    roost_error error;
    roost_cancel_info info;
    roost_run_stats stats;
    roost_poster *poster = NULL;
    roost_instrument instrument = {0};
    int result = 7;
    char byte;
    roost_file *file;
    roost_scope_init(&scope, NULL);
    CHECK_EQ(want, roost_yield());
    CHECK_EQ(want, roost_checkpoint());
    CHECK_EQ(want, roost_sleep(1));
    CHECK_EQ(want, roost_sleep(0));
    CHECK_EQ(want, roost_sleep_until(roost_now() + 1));
    CHECK_EQ(want, roost_sleep_forever());
    CHECK_EQ(want, roost_await(ROOST_CALL(nothing)));
    CHECK_EQ(want, roost_wait_for(ROOST_CALL(nothing), ROOST_SEC(1)));
    CHECK_EQ(want, roost_join(NULL, &result));
    CHECK_EQ(want, roost_task_set_name("nobody"));
    CHECK_EQ(want, roost_scope_enter(&scope));
    CHECK_EQ(want, roost_wait_stopping());
    CHECK_EQ(want, roost_cancel_info_get(&info));
    CHECK_EQ(want, roost_group_open(&group, NULL));
    CHECK_EQ(want, roost_started(NULL, 0));
    CHECK_EQ(want, roost_var_set(&var, &byte));
    CHECK_EQ(want, roost_error_last(&error));
    CHECK_EQ(want, roost_poster_open(&poster));
    CHECK_EQ(want, roost_bg_spawn(ROOST_CALL(nothing), NULL));
    CHECK_EQ(want, roost_on_loop(0, ROOST_CALL(nothing), &result));
    CHECK_EQ(want, roost_run_stats_get(&stats));
    CHECK_EQ(want, roost_instrument_add(&instrument));
    CHECK_EQ(want, roost_file_open("/", "r", NULL, &file));
    CHECK_EQ(want, roost_path_exists("/"));
    CHECK_EQ(want, roost_file_write_all("/tmp/nothing", "", 0, NULL));
    CHECK_EQ(want, roost_test_settle());
    CHECK_EQ(7, result);
    CHECK(poster == NULL);
}

static void questions_outside_a_task(void)
{
    CHECK(roost_task_self() == NULL);
    CHECK_EQ(ROOST_NEVER, roost_deadline());
    CHECK(!roost_cancelled());
    CHECK(!roost_stopping());
    CHECK(roost_var_get(&var) == NULL);
    CHECK_EQ(0, roost_loop_count());
    CHECK_EQ(-1, roost_loop_index());
    CHECK_STR("", roost_backend());
    CHECK_EQ(-EIO, roost_error_note(-EIO, "nobody keeps this"));
    roost_dump_tasks(2);
    CHECK_EQ(0, roost_file_close(NULL));
    roost_task_drop(NULL);
    roost_poster_close(NULL);
    roost_guest_free(NULL);
    roost_instrument_remove(&(roost_instrument){0});
}

ROOST_TEST(every_call_outside_a_task_says_so, .plain = true, .no_torture = true)
{
    calls_outside_a_task(ROOST_ENOCTX);
    questions_outside_a_task();
}

ROOST_TEST(blocks_outside_a_task_run_and_have_no_effect, .plain = true, .no_torture = true)
{
    int rc = 0;
    int bodies = 0;
    ROOST_GROUP(g, rc) {
        bodies++;
        CHECK_EQ(ROOST_ENOCTX, roost_go(g, ROOST_CALL(nothing)));
        roost_group_cancel(g, NULL);
        roost_group_shutdown(g, 0);
    }
    CHECK_EQ(ROOST_ENOCTX, rc);
    CHECK_EQ(5, ROOST_WITHIN(ROOST_MS(1), 5));
    rc = 3;
    ROOST_TIMEOUT(rc, ROOST_MS(1))
        bodies++;
    CHECK_EQ(3, rc);
    ROOST_CLEANUP(ROOST_MS(1))
        bodies++;
    CHECK_EQ(3, bodies);
}

static void *calls_of_a_thread(void *arg)
{
    calls_outside_a_task(ROOST_ENOCTX);
    questions_outside_a_task();
    return arg;
}

ROOST_TEST(every_call_of_a_foreign_thread_says_so, .no_torture = true)
{
    pthread_t thread;
    CHECK_EQ(0, pthread_create(&thread, NULL, calls_of_a_thread, NULL));
    pthread_join(thread, NULL);
    CHECK_OK(roost_yield());
}

static int posted_rc[4];

static void post_that_misbehaves(void *arg)
{
    (void)arg;
    roost_guest *guest;
    posted_rc[0] = roost_yield();
    posted_rc[1] = roost_sleep(1);
    posted_rc[2] = roost_run(ROOST_CALL(nothing), NULL);
    posted_rc[3] = roost_guest_start(ROOST_CALL(nothing), NULL, &guest);
}

ROOST_TEST(a_post_is_no_task, .no_torture = true)
{
    roost_poster *poster;
    roost_post_slot slot;
    CHECK_OK(roost_poster_open(&poster));
    roost_post_slot_init(&slot, post_that_misbehaves, NULL);
    CHECK_OK(roost_post_once(poster, &slot));
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    roost_poster_close(poster);
    CHECK_EQ(ROOST_ENOCTX, posted_rc[0]);
    CHECK_EQ(ROOST_ENOCTX, posted_rc[1]);
    CHECK_EQ(ROOST_ENESTED, posted_rc[2]);
    CHECK_EQ(ROOST_ENESTED, posted_rc[3]);
}

/* -- scopes and groups --------------------------------------------------------------------------*/

ROOST_TEST(a_scope_is_entered_once)
{
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_EQ(0, roost_scope_enter(&scope));
    CHECK_EQ(ROOST_EREUSED, roost_scope_enter(&scope));
    CHECK_EQ(4, roost_scope_end(&scope, 4));
    CHECK_EQ(ROOST_EREUSED, roost_scope_enter(&scope));
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&scope, 0));
    CHECK_EQ(ROOST_EFINISHED, roost_scope_set_deadline(&scope, roost_now()));
    CHECK_OK(roost_yield());
}

ROOST_ASYNC(enter_and_end, roost_scope *, scope, int *, codes)
{
    codes[0] = roost_scope_enter(scope);
    codes[1] = roost_scope_end(scope, 0);
    return 0;
}

ROOST_TEST(a_scope_belongs_to_the_task_that_entered_it)
{
    int codes[2] = {0};
    int rc = 0;
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    ROOST_GROUP(g, rc)
        ROOST_GO(g, enter_and_end, &scope, codes);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EREUSED, codes[0]);
    CHECK_EQ(ROOST_EMISNEST, codes[1]);
    CHECK(roost_scope_is_open(&scope));
    CHECK_EQ(0, roost_scope_end(&scope, 0));
}

ROOST_TEST(scopes_left_in_the_wrong_order_change_nothing)
{
    roost_scope scopes[2];
    roost_group group;
    for (int i = 0; i < 2; i++)
        roost_scope_init(&scopes[i], NULL);
    CHECK_OK(roost_scope_enter(&scopes[0]));
    CHECK_OK(roost_group_open(&group, NULL));
    CHECK_OK(roost_scope_enter(&scopes[1]));
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&scopes[0], 0));
    CHECK_EQ(ROOST_EMISNEST, roost_group_end(&group, 0));
    CHECK_EQ(ROOST_EMISNEST, roost_scope_end(&group.priv.scope, 0));
    roost_scope_cancel(&scopes[0], "still works");
    CHECK_EQ(ROOST_ECANCELED, roost_yield());
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&scopes[1], ROOST_ECANCELED));
    CHECK_EQ(ROOST_ECANCELED, roost_group_end(&group, ROOST_ECANCELED));
    CHECK_EQ(0, roost_scope_end(&scopes[0], ROOST_ECANCELED));
    CHECK_OK(roost_yield());
}

ROOST_ASYNC(end_group, roost_group *, group, int *, code)
{
    *code = roost_group_end(group, 0);
    return 0;
}

ROOST_TEST(a_group_is_ended_by_the_task_that_opened_it)
{
    int code = 0;
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, end_group, g, &code);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EMISNEST, code);
}

ROOST_TEST(a_finished_group_takes_nothing)
{
    roost_group group;
    roost_task *task = NULL;
    int value = 3;
    CHECK_OK(roost_group_open(&group, NULL));
    CHECK_OK(roost_group_end(&group, 0));
    CHECK_EQ(ROOST_EFINISHED, roost_group_end(&group, 0));
    CHECK_EQ(ROOST_EFINISHED, roost_spawn(&group, ROOST_CALL(nothing), NULL, &task));
    CHECK_EQ(ROOST_EFINISHED, roost_go(&group, ROOST_CALL(nothing)));
    CHECK_EQ(ROOST_EFINISHED,
             roost_group_start(&group, ROOST_CALL(nothing), NULL, &value, sizeof value));
    roost_group_cancel(&group, "too late");
    roost_group_shutdown(&group, 0);
    CHECK(task == NULL);
    CHECK_EQ(3, value);
    CHECK_OK(roost_yield());
}

/* -- joining ------------------------------------------------------------------------------------*/

struct pair {
    roost_task *tasks[3];
    int codes[3];
};

ROOST_ASYNC(join_other, struct pair *, pair, int, self, int, other)
{
    ROOST_TRY(roost_sleep(ROOST_MS(self + 1)));
    int result = 0;
    pair->codes[self] = roost_join(pair->tasks[other], &result);
    if (pair->codes[self] < 0)
        roost_task_drop(pair->tasks[other]);
    return 0;
}

ROOST_TEST(a_circle_of_joins_is_refused_where_it_would_close)
{
    for (int size = 1; size <= 3; size++) {
        struct pair pair = {.codes = {9, 9, 9}};
        int rc = 0;
        ROOST_GROUP(g, rc)
            for (int i = 0; i < size && rc == 0; i++)
                rc = ROOST_SPAWN(&pair.tasks[i], g, join_other, &pair, i, (i + 1) % size);
        CHECK_EQ(0, rc);
        for (int i = 0; i < size; i++)
            CHECK_EQ(i == size - 1 ? ROOST_EDEADLK : 0, pair.codes[i]);
    }
}

ROOST_ASYNC(join_it, roost_task *, task, int *, code)
{
    *code = roost_join(task, NULL);
    return 0;
}

ROOST_ASYNC(join_from_below, roost_task **, self, int *, code)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, join_it, *self, code);
    return rc;
}

ROOST_TEST(an_ancestor_cannot_be_joined)
{
    roost_task *task = NULL;
    int code = 0;
    int result = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&task, g, join_from_below, &task, &code));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, result);
    CHECK_EQ(ROOST_EDEADLK, code);
}

ROOST_ASYNC(join_oneself, int *, code)
{
    *code = roost_join(roost_task_self(), NULL);
    return 0;
}

ROOST_TEST(a_task_without_a_handle_is_told_that_it_cannot_join_itself)
{
    int code = 0;
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, join_oneself, &code);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EDEADLK, code);
    CHECK_EQ(ROOST_EDEADLK, roost_join(roost_task_self(), NULL));
}

/* Not tortured: a joiner that is cancelled and one that takes the task share the handle here. */
ROOST_TEST(a_second_joiner_is_refused, .no_torture = true)
{
    roost_task *task = NULL;
    int codes[2] = {9, 9};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&task, g, nap, ROOST_MS(1)));
        ROOST_GO(g, join_it, task, &codes[0]);
        ROOST_GO(g, join_it, task, &codes[1]);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EBUSY, codes[0] + codes[1]);
    CHECK(codes[0] == 0 || codes[1] == 0);
    CHECK_EQ(ROOST_EINVAL, roost_join(NULL, NULL));
}

ROOST_ASYNC(join_far, roost_task *, task)
{
    return roost_join(task, NULL);
}

ROOST_ASYNC(spawn_far, roost_group *, group)
{
    roost_task *task = NULL;
    return roost_spawn(group, ROOST_CALL(nothing), NULL, &task);
}

ROOST_TEST(tasks_and_groups_of_another_loop_are_refused, .loops = 2)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_task *task = NULL;
    int result = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&task, g, nap, ROOST_MS(1)));
        CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(join_far, task), &result));
        CHECK_EQ(ROOST_EXLOOP, result);
        CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(spawn_far, g), &result));
        CHECK_EQ(ROOST_EXLOOP, result);
        CHECK_EQ(0, roost_join(task, &result));
        CHECK_EQ(0, result);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EINVAL, roost_on_loop(2, ROOST_CALL(nothing), &result));
    CHECK_EQ(ROOST_EINVAL, roost_on_loop(-1, ROOST_CALL(nothing), &result));
}

/* -- running out --------------------------------------------------------------------------------*/

enum { FEW_STACKS = 8 };

ROOST_ASYNC(use_all_stacks, int *, started)
{
    roost_error error = {0};
    int rc = 0;
    int full = 0;
    ROOST_GROUP(g, rc) {
        while (full == 0 && *started < 1000) {
            roost_task *task = NULL;
            full = ROOST_SPAWN(&task, g, nap, ROOST_MS(1));
            *started += full == 0;
            roost_task_drop(task);
        }
        CHECK_EQ(0, roost_error_last(&error));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ENOSTACK, full);
    CHECK_EQ(ROOST_ENOSTACK, error.code);
    CHECK(error.step_count >= 1);
    CHECK_STR("all 8 stacks the loop may have are in use", error.steps[0].note);
    /* They have come back, and a group that could not start a task says why it failed. */
    ROOST_GROUP(g, rc)
        for (int i = 0; i < FEW_STACKS - 1; i++)
            ROOST_GO(g, nap, ROOST_MS(1));
    CHECK_EQ(0, rc);
    ROOST_GROUP(g, rc)
        for (int i = 0; i < FEW_STACKS; i++)
            ROOST_GO(g, nap, ROOST_MS(1));
    CHECK_EQ(ROOST_ENOSTACK, rc);
    return roost_yield();
}

ROOST_TEST(out_of_stacks_is_explained_and_survived, .plain = true)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.tasks_max = FEW_STACKS;
    int started = 0;
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_all_stacks, &started), &opts));
    CHECK_EQ(FEW_STACKS - 1, started);
}

ROOST_ASYNC(spawn_many)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 20; i++)
            ROOST_GO(g, nap, ROOST_MS(1));
    roost_poster *poster = NULL;
    if (rc == 0)
        rc = roost_poster_open(&poster);
    if (rc == 0)
        rc = roost_var_set(&var, &rc);
    if (rc == 0)
        rc = roost_bg_spawn(ROOST_CALL(nothing), NULL);
    roost_poster_close(poster);
    return rc;
}

/* The torture of the kit does this to every case; here the codes are looked at. */
ROOST_TEST(without_memory_a_run_ends_with_that_code, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    int failures = 0;
    for (uint64_t nth = 1;; nth++) {
        roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = nth, .fail_after_too = true});
        int rc = roost_run(ROOST_CALL(spawn_many), &opts);
        struct roosti_mem_stats stats;
        roosti_mem_stats_get(&stats);
        roosti_mem_plan_set(NULL);
        if (stats.refused == 0) {
            CHECK_EQ(0, rc);
            break;
        }
        if (rc != 0)
            CHECK_EQ(ROOST_ENOMEM, rc);
        failures += rc != 0;
    }
    CHECK(failures > 5);
}
