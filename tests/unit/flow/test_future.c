/* tests/unit/flow/test_future.c - futures: setting once, waiting, calling back, threads, ends.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/future.h>

#include <pthread.h>
#include <string.h>

#include <roost.h>

#include "kit/kit.h"

ROOST_ASYNC(wait_into, roost_future *, future, int *, value, int *, rc)
{
    *rc = roost_future_wait(future, value);
    return 0;
}

ROOST_TEST(a_value_is_there_for_those_who_come_before_and_after)
{
    ROOST_AUTO(future) roost_future *future = NULL;
    if (roost_future_new(sizeof(int), &future) < 0)
        return;
    int values[3] = {0};
    int codes[3] = {1, 1, 1};
    int rc = 0;
    int set = 42;
    CHECK(!roost_future_done(future));
    CHECK_EQ(ROOST_EAGAIN, roost_future_peek(future, &values[0]));
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, wait_into, future, &values[i], &codes[i]);
        rc = roost_test_settle();
        CHECK_EQ(0, roost_future_set(future, &set));
        set = 43;
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(0, codes[i]);
        CHECK_EQ(42, values[i]);
    }
    int later = 0;
    CHECK(roost_future_done(future));
    ROOST_NO_YIELD
    CHECK_EQ(0, roost_future_wait(future, &later));
    CHECK_EQ(42, later);
    CHECK_EQ(0, roost_future_wait(future, NULL));
    CHECK_EQ(0, roost_future_peek(future, NULL));
}

ROOST_TEST(it_is_settled_once)
{
    ROOST_AUTO(future) roost_future *future = NULL;
    if (roost_future_new(sizeof(int), &future) < 0)
        return;
    int value = 1;
    CHECK_EQ(ROOST_EINVAL, roost_future_set(future, NULL));
    CHECK_EQ(ROOST_EINVAL, roost_future_fail(future, 0));
    CHECK_EQ(0, roost_future_set(future, &value));
    value = 2;
    CHECK_EQ(ROOST_EREUSED, roost_future_set(future, &value));
    CHECK_EQ(ROOST_EREUSED, roost_future_fail(future, -EIO));
    CHECK(!roost_future_cancel(future));
    CHECK_EQ(0, roost_future_peek(future, &value));
    CHECK_EQ(1, value);
}

ROOST_TEST(a_failure_is_what_the_waiting_get)
{
    ROOST_AUTO(future) roost_future *failed = NULL;
    ROOST_AUTO(future) roost_future *cancelled = NULL;
    if (roost_future_new(sizeof(int), &failed) < 0 || roost_future_new(0, &cancelled) < 0)
        return;
    int value = 7;
    int codes[2] = {1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, wait_into, failed, &value, &codes[0]);
        ROOST_GO(g, wait_into, cancelled, NULL, &codes[1]);
        rc = roost_test_settle();
        CHECK_EQ(0, roost_future_fail(failed, -EIO));
        CHECK(roost_future_cancel(cancelled));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(-EIO, codes[0]);
    CHECK_EQ(ROOST_ECANCELED, codes[1]);
    CHECK(!roost_cancelled());
    CHECK_EQ(-EIO, roost_future_wait(failed, &value));
    CHECK_EQ(7, value);
}

ROOST_TEST(a_cancelled_waiter_leaves_it_untouched)
{
    ROOST_AUTO(future) roost_future *future = NULL;
    if (roost_future_new(sizeof(int), &future) < 0)
        return;
    int values[3] = {-1, -1, -1};
    int codes[3] = {1, 1, 1};
    int rc = 0;
    int five = 5;
    ROOST_GROUP(g, rc) {
        roost_task *middle = NULL;
        ROOST_GO(g, wait_into, future, &values[0], &codes[0]);
        rc = ROOST_SPAWN(&middle, g, wait_into, future, &values[1], &codes[1]);
        ROOST_GO(g, wait_into, future, &values[2], &codes[2]);
        if (rc == 0)
            rc = roost_test_settle();
        if (middle)
            roost_task_cancel(middle, "test");
        roost_task_drop(middle);
        CHECK_EQ(0, roost_future_set(future, &five)); /* in the same step */
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, codes[1]);
    CHECK_EQ(-1, values[1]);
    CHECK_EQ(5, values[0]);
    CHECK_EQ(5, values[2]);
}

ROOST_TEST(the_value_wins_over_a_cancellation_that_comes_later)
{
    ROOST_AUTO(future) roost_future *future = NULL;
    if (roost_future_new(sizeof(int), &future) < 0)
        return;
    int value = -1;
    int code = 1;
    int rc = 0;
    int five = 5;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, wait_into, future, &value, &code);
        rc = roost_test_settle();
        CHECK_EQ(0, roost_future_set(future, &five));
        roost_group_cancel(g, "too late");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, code);
    CHECK_EQ(5, value);
}

ROOST_TEST(the_future_may_go_before_those_it_woke_have_run)
{
    roost_future *future = NULL;
    if (roost_future_new(sizeof(int), &future) < 0)
        return;
    int value = -1;
    int code = 1;
    int rc = 0;
    int five = 5;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, wait_into, future, &value, &code);
        rc = roost_test_settle();
        if (rc == 0) {
            CHECK_EQ(0, roost_future_set(future, &five));
            roost_future_unref(future);
            future = NULL;
        }
    }
    roost_future_unref(future);
    CHECK_EQ(0, code);
    CHECK_EQ(5, value);
}

/* -- in a select ------------------------------------------------------------------------------- */

ROOST_ASYNC(select_two, roost_future *, one, roost_future *, other, int *, value, int *, which,
            int *, rc)
{
    roost_case cases[] = {ROOST_CASE_FUTURE(one, value), ROOST_CASE_FUTURE(other, value)};
    *which = roost_select(cases, 2);
    *rc = *which >= 0 ? cases[*which].rc : 0;
    return 0;
}

ROOST_TEST(a_select_takes_the_one_that_is_settled_first)
{
    int codes[] = {0, -EIO, ROOST_EAGAIN, ROOST_ECANCELED};
    for (int round = 0; round < 8; round++) {
        ROOST_AUTO(future) roost_future *one = NULL;
        ROOST_AUTO(future) roost_future *other = NULL;
        if (roost_future_new(sizeof(int), &one) < 0 || roost_future_new(sizeof(int), &other) < 0)
            return;
        int value = -1;
        int which = -1;
        int seen = 1;
        int rc = 0;
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, select_two, one, other, &value, &which, &seen);
            if (round < 4)
                rc = roost_test_settle(); /* it waits; else it finds the future settled */
            int code = codes[round % 4];
            CHECK_EQ(0,
                     code < 0 ? roost_future_fail(other, code) : roost_future_set(other, &round));
            if (round == 0)
                CHECK_EQ(0, roost_future_set(one, &round)); /* too late: one is taken */
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(1, which);
        CHECK_EQ(codes[round % 4], seen);
        CHECK_EQ(codes[round % 4] < 0 ? -1 : round, value);
    }
}

ROOST_TEST(a_select_that_is_cancelled_leaves_the_queue)
{
    ROOST_AUTO(future) roost_future *one = NULL;
    ROOST_AUTO(future) roost_future *other = NULL;
    if (roost_future_new(sizeof(int), &one) < 0 || roost_future_new(sizeof(int), &other) < 0)
        return;
    int value = -1;
    int which = 9;
    int seen = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, select_two, one, other, &value, &which, &seen);
        rc = roost_test_settle();
        roost_group_cancel(g, "test");
        CHECK_EQ(0, roost_future_set(one, &seen));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, which);
    CHECK_EQ(-1, value);
}

/* -- calling back ------------------------------------------------------------------------------ */

static char called[16];

static void note_call(void *arg, roost_future *future)
{
    CHECK(roost_future_done(future));
    CHECK(roost_task_self() == NULL);
    strncat(called, arg, 1);
}

static void call_again(void *arg, roost_future *future)
{
    strncat(called, arg, 1);
    CHECK_OK(roost_future_on_done(future, note_call, "z"));
}

ROOST_TEST(functions_are_called_in_order_between_two_steps)
{
    called[0] = '\0';
    ROOST_AUTO(future) roost_future *future = NULL;
    if (roost_future_new(0, &future) < 0)
        return;
    CHECK_OK(roost_future_on_done(future, note_call, "a"));
    CHECK_OK(roost_future_on_done(future, call_again, "b"));
    CHECK_OK(roost_future_on_done(future, note_call, "c"));
    CHECK_OK(roost_test_settle());
    CHECK_STR("", called);
    CHECK_EQ(0, roost_future_set(future, NULL));
    CHECK_STR("", called);
    CHECK_OK(roost_test_settle());
    CHECK_STR("abcz", called);
    CHECK_OK(roost_future_on_done(future, note_call, "d"));
    CHECK_OK(roost_future_on_done(future, note_call, "e"));
    CHECK_STR("abcz", called);
    CHECK_OK(roost_test_settle());
    CHECK_STR("abczde", called);
}

struct insistent {
    int calls;
    int most;
};

static void call_for_ever(void *arg, roost_future *future)
{
    struct insistent *insistent = arg;
    if (++insistent->calls < insistent->most)
        CHECK_OK(roost_future_on_done(future, call_for_ever, insistent));
}

ROOST_TEST(a_function_that_asks_to_be_called_again_lets_the_tasks_run_between)
{
    struct insistent insistent = {.most = 1000};
    ROOST_AUTO(future) roost_future *future = NULL;
    if (roost_future_new(0, &future) < 0)
        return;
    CHECK_EQ(0, roost_future_set(future, NULL));
    CHECK_OK(roost_future_on_done(future, call_for_ever, &insistent));
    for (int i = 0; i < 10000 && insistent.calls == 0; i++)
        CHECK_OK(roost_yield());
    CHECK(insistent.calls > 0 && insistent.calls < insistent.most);
    insistent.most = 0;
    CHECK_OK(roost_test_settle());
}

ROOST_TEST(functions_of_a_future_that_is_let_go_are_never_called)
{
    called[0] = '\0';
    roost_future *future = NULL;
    if (roost_future_new(0, &future) < 0)
        return;
    roost_future_share(future);
    CHECK_OK(roost_future_on_done(future, note_call, "a"));
    roost_future_unref(future);
    CHECK_OK(roost_test_settle());
    CHECK_STR("", called);
}

ROOST_TEST(a_function_is_called_although_the_future_was_let_go_after_it_was_set)
{
    called[0] = '\0';
    roost_future *future = NULL;
    if (roost_future_new(0, &future) < 0)
        return;
    CHECK_OK(roost_future_on_done(future, note_call, "a"));
    CHECK_EQ(0, roost_future_set(future, NULL));
    roost_future_unref(future);
    CHECK_OK(roost_test_settle());
    CHECK_STR("a", called);
}

static void set_it(void *arg)
{
    int value = 9;
    CHECK_EQ(0, roost_future_set(arg, &value));
}

ROOST_TEST(a_post_may_set_it)
{
    ROOST_AUTO(future) roost_future *future = NULL;
    roost_poster *poster = NULL;
    int value = 0;
    if (roost_future_new(sizeof(int), &future) < 0 || roost_poster_open(&poster) < 0)
        return;
    if (roost_post(poster, set_it, future) == 0)
        CHECK_EQ(0, roost_future_wait(future, &value));
    CHECK_EQ(9, value);
    roost_poster_close(poster);
    CHECK_OK(roost_test_settle());
}

ROOST_TEST(outside_a_task_no_future_is_made, .plain = true, .no_torture = true)
{
    roost_future *future = NULL;
    CHECK_EQ(ROOST_ENOCTX, roost_future_new(4, &future));
    CHECK(future == NULL);
    roost_future_unref(future);
}

ROOST_TEST(a_size_that_no_memory_holds_is_refused)
{
    roost_future *future = NULL;
    CHECK_EQ(ROOST_ENOMEM, roost_future_new(SIZE_MAX, &future));
    CHECK_EQ(ROOST_ENOMEM, roost_future_new(SIZE_MAX - 64, &future));
    CHECK(future == NULL);
}

/* -- threads, other loops, the end of the run -------------------------------------------------- */

static void *set_seven(void *arg)
{
    roost_future *future = arg;
    int seven = 7;
    int rc = roost_future_set(future, &seven);
    CHECK(rc == 0 || rc == ROOST_EREUSED || rc == ROOST_ECLOSED);
    roost_future_unref(future);
    return NULL;
}

static pthread_t thread_begin(void *(*body)(void *), roost_future *future)
{
    pthread_t thread;
    CHECK_ALWAYS(pthread_create(&thread, NULL, body, roost_future_ref(future)) == 0);
    return thread;
}

ROOST_TEST(a_thread_sets_it, .threads = true)
{
    for (int i = 0; i < 50; i++) {
        ROOST_AUTO(future) roost_future *future = NULL;
        int values[2] = {0};
        int code = 1;
        int rc = 0;
        if (roost_future_new(sizeof(int), &future) < 0)
            return;
        roost_future_share(future);
        pthread_t thread = thread_begin(set_seven, future);
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, wait_into, future, &values[0], &code);
            rc = roost_future_wait(future, &values[1]);
        }
        pthread_join(thread, NULL);
        CHECK_EQ(0, rc);
        CHECK_EQ(0, code);
        CHECK_EQ(7, values[0]);
        CHECK_EQ(7, values[1]);
    }
}

ROOST_TEST(of_several_threads_one_sets_it, .threads = true)
{
    for (int i = 0; i < 20; i++) {
        ROOST_AUTO(future) roost_future *future = NULL;
        pthread_t threads[3];
        int value = 0;
        called[0] = '\0';
        if (roost_future_new(sizeof(int), &future) < 0)
            return;
        bool calls = roost_future_on_done(future, note_call, "x") == 0;
        for (int t = 0; t < 3; t++) {
            roost_future_share(future);
            threads[t] = thread_begin(set_seven, future);
        }
        int rc = roost_future_wait(future, &value);
        for (int t = 0; t < 3; t++)
            pthread_join(threads[t], NULL);
        CHECK_EQ(0, rc);
        CHECK_EQ(7, value);
        CHECK_OK(roost_test_settle());
        CHECK_STR(calls ? "x" : "", called);
    }
}

ROOST_TEST(a_thread_sets_what_a_select_waits_for, .threads = true)
{
    for (int i = 0; i < 20; i++) {
        ROOST_AUTO(future) roost_future *future = NULL;
        int value = 0;
        if (roost_future_new(sizeof(int), &future) < 0)
            return;
        roost_future_share(future);
        pthread_t thread = thread_begin(set_seven, future);
        roost_case cases[] = {ROOST_CASE_FUTURE(future, &value)};
        CHECK_EQ(0, roost_select(cases, 1));
        pthread_join(thread, NULL);
        CHECK_EQ(7, value);
    }
}

static void *give_up(void *arg)
{
    roost_future_unshare(arg);
    roost_future_unref(arg);
    return NULL;
}

ROOST_ASYNC(wait_for_nobody, roost_future **, out, pthread_t *, thread, int *, seen)
{
    ROOST_TRY(roost_future_new(0, out));
    roost_future_share(*out);
    *thread = thread_begin(give_up, *out);
    *seen = roost_future_wait(*out, NULL);
    return *seen;
}

ROOST_TEST(when_the_last_thread_gives_up_the_waiting_are_deadlocked, .plain = true,
           .no_torture = true, .threads = true)
{
    roost_run_opts opts;
    roost_future *future = NULL;
    pthread_t thread;
    int seen = 0;
    roost_test_opts_fill(&opts);
    CHECK_EQ(ROOST_EDEADLK,
             roost_test_run(ROOST_CALL(wait_for_nobody, &future, &thread, &seen), &opts));
    CHECK_EQ(ROOST_ECANCELED, seen);
    pthread_join(thread, NULL);
    roost_future_unref(future);
}

ROOST_ASYNC(wait_unshared, roost_future **, out)
{
    ROOST_TRY(roost_future_new(0, out));
    return roost_future_wait(*out, NULL);
}

ROOST_TEST(nobody_outside_is_expected_to_set_what_was_never_shared, .plain = true,
           .no_torture = true)
{
    roost_run_opts opts;
    roost_future *future = NULL;
    roost_test_opts_fill(&opts);
    CHECK_EQ(ROOST_EDEADLK, roost_test_run(ROOST_CALL(wait_unshared, &future), &opts));
    CHECK_EQ(ROOST_ECLOSED, roost_future_set(future, NULL));
    CHECK_EQ(0, roost_future_peek(future, NULL));
    CHECK_EQ(ROOST_EXLOOP, roost_future_on_done(future, note_call, "a"));
    roost_future_unref(future);
}

ROOST_ASYNC(leave_behind, roost_future **, out)
{
    ROOST_TRY(roost_future_new(sizeof(int), out));
    roost_future_share(*out);
    return roost_future_on_done(*out, note_call, "a");
}

ROOST_TEST(a_future_outlives_its_run, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    roost_future *futures[3];
    int value = 3;
    called[0] = '\0';
    roost_test_opts_fill(&opts);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(0, roost_test_run(ROOST_CALL(leave_behind, &futures[i]), &opts));
    CHECK_EQ(ROOST_ECLOSED, roost_future_set(futures[0], &value));
    CHECK_EQ(ROOST_EREUSED, roost_future_set(futures[0], &value));
    value = 0;
    CHECK_EQ(0, roost_future_peek(futures[0], &value));
    CHECK_EQ(3, value);
    roost_future_unshare(futures[1]);
    CHECK(roost_future_cancel(futures[1]));
    for (int i = 0; i < 3; i++)
        roost_future_unref(futures[i]);
    CHECK_STR("", called);
}

ROOST_ASYNC(use_from_another_run, roost_future *, future, int *, rc)
{
    *rc = roost_future_wait(future, NULL);
    return 0;
}

ROOST_TEST(another_loop_cannot_wait, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    roost_future *future = NULL;
    int seen = 0;
    roost_test_opts_fill(&opts);
    CHECK_EQ(0, roost_test_run(ROOST_CALL(leave_behind, &future), &opts));
    CHECK_EQ(0, roost_test_run(ROOST_CALL(use_from_another_run, future, &seen), &opts));
    CHECK_EQ(ROOST_EXLOOP, seen);
    CHECK_EQ(ROOST_ENOCTX, roost_future_wait(future, NULL));
    roost_future_unref(future);
}

static void *let_go(void *arg)
{
    roost_future_unref(arg);
    return NULL;
}

ROOST_TEST(a_thread_lets_the_last_reference_go, .threads = true)
{
    called[0] = '\0';
    roost_future *future = NULL;
    if (roost_future_new(0, &future) < 0)
        return;
    roost_future_share(future);
    (void)!roost_future_on_done(future, note_call, "a");
    pthread_t thread = thread_begin(let_go, future);
    roost_future_unref(future);
    pthread_join(thread, NULL);
    CHECK_OK(roost_test_settle()); /* it comes home to be counted off */
    CHECK_STR("", called);
}
