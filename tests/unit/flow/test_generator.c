/* tests/unit/flow/test_generator.c - generators: turns, ends, early ends, cancellation, misuse.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/generator.h>

#include <string.h>

#include <roost.h>

#include "kit/kit.h"

/* What a generator leaves behind. */
struct trace {
    int begun;
    int yielded;
    int ended;
    int rc; /* of the yield that failed */
};

/* Yields 0 to n - 1, each after `each`, then returns `result`. */
ROOST_ASYNC(count_to, roost_gen *, gen, int, n, roost_dur, each, int, result, struct trace *, trace)
{
    trace->begun++;
    for (int i = 0; i < n; i++) {
        int rc = each > 0 ? roost_sleep(each) : 0;
        if (rc == 0)
            rc = roost_gen_yield(gen, &i);
        if (rc < 0) {
            trace->rc = rc;
            trace->ended++;
            return rc;
        }
        trace->yielded++;
    }
    trace->ended++;
    return result;
}

ROOST_TEST(items_come_in_order_and_then_the_end)
{
    struct trace trace = {0};
    int sum = 0;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 5, ROOST_MS(1), 0, &trace);
    CHECK_EQ(0, trace.begun);
    ROOST_FOREACH(int, i, &gen->iter, rc)
        sum = sum * 10 + i;
    CHECK_EQ(0, rc);
    CHECK_EQ(1234, sum);
    CHECK_EQ(1, trace.ended);
    int more = 7;
    CHECK_EQ(0, roost_iter_next(&gen->iter, &more));
    CHECK_EQ(7, more);
}

ROOST_TEST(a_generator_runs_only_while_it_is_asked)
{
    struct trace trace = {0};
    int item = -1;
    ROOST_GEN(gen, int, count_to, 3, 0, 0, &trace);
    CHECK_OK(roost_test_settle());
    CHECK_EQ(0, trace.begun);
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
        CHECK_EQ(i, item);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(i, trace.yielded);
    }
    CHECK_EQ(0, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(3, trace.yielded);
}

ROOST_TEST(break_closes_the_generator_and_joins_it)
{
    struct trace trace = {0};
    int last = -1;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 1000, 0, 0, &trace);
    ROOST_FOREACH(int, i, &gen->iter, rc) {
        last = i;
        if (i == 3)
            break;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, last);
    CHECK_EQ(1, trace.ended);
    CHECK_EQ(ROOST_ECANCELED, trace.rc);
    CHECK(!roost_cancelled());
    CHECK_EQ(0, roost_iter_next(&gen->iter, &last));
}

static int first_over(struct trace *trace, int bound)
{
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 1000, 0, 0, trace);
    ROOST_FOREACH(int, i, &gen->iter, rc)
        if (i > bound)
            return i;
    return rc;
}

ROOST_TEST(return_closes_the_generator_and_joins_it)
{
    struct trace trace = {0};
    CHECK_EQ(6, first_over(&trace, 5));
    CHECK_EQ(1, trace.ended);
    CHECK_EQ(ROOST_ECANCELED, trace.rc);
}

ROOST_TEST(a_generator_nobody_asks_never_begins)
{
    struct trace trace = {0};
    {
        ROOST_GEN(gen, int, count_to, 5, 0, 0, &trace);
        CHECK_OK(roost_yield());
        CHECK_EQ(sizeof(int), gen->iter.item_size);
    }
    CHECK_EQ(0, trace.begun);
}

ROOST_TEST(its_failure_is_what_next_returns_once)
{
    struct trace trace = {0};
    int item = -1;
    ROOST_GEN(gen, int, count_to, 1, 0, -EIO, &trace);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(-EIO, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(0, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(0, roost_iter_close(&gen->iter));
    CHECK(!roost_cancelled());
}

ROOST_TEST(its_failure_ends_the_loop_and_its_trail_comes_with_it)
{
    struct trace trace = {0};
    roost_error error = {0};
    int turns = 0;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 2, 0, -EIO, &trace);
    ROOST_FOREACH(int, i, &gen->iter, rc)
        turns += i + 1;
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(3, turns);
    CHECK_OK(roost_yield());
    (void)roost_error_note(-EIO, "after %d", turns);
    CHECK_OK(roost_error_last(&error));
    CHECK_EQ(-EIO, error.code);
}

/* Says what it met when it was closed, from a clean-up that takes time. */
ROOST_ASYNC(fail_when_closed, roost_gen *, gen, int, code, int *, yield_rc)
{
    int i = 0;
    int rc;
    while ((rc = roost_gen_yield(gen, &i)) == 0)
        i++;
    ROOST_CLEANUP(ROOST_SEC(1)) {
        *yield_rc = roost_gen_yield(gen, &i); /* nobody takes it any more */
        rc = roost_sleep(ROOST_MS(1)) == 0 ? code : ROOST_ECANCELED;
    }
    return rc;
}

ROOST_TEST(a_failure_of_its_clean_up_is_told_by_the_closing)
{
    int yield_rc = 0;
    int item;
    int rc = 0;
    {
        ROOST_GEN(gen, int, fail_when_closed, -EPIPE, &yield_rc);
        ROOST_FOREACH(int, i, &gen->iter, rc)
            if (i == 2)
                break;
    }
    CHECK_EQ(-EPIPE, rc);
    CHECK_EQ(ROOST_ECANCELED, yield_rc);

    ROOST_GEN(gen, int, fail_when_closed, -EPIPE, &yield_rc);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(-EPIPE, roost_iter_close(&gen->iter));
    CHECK_EQ(0, roost_iter_close(&gen->iter));
    CHECK_EQ(0, roost_gen_end(gen));
}

ROOST_TEST(the_bodys_failure_wins_over_that_of_the_closing)
{
    int yield_rc = 0;
    int rc = 0;
    ROOST_GEN(gen, int, fail_when_closed, -EPIPE, &yield_rc);
    ROOST_FOREACH(int, i, &gen->iter, rc)
        if (i == 2)
            rc = -EIO; /* ends the loop as well */
    CHECK_EQ(-EIO, rc);
}

/* -- cancellation ------------------------------------------------------------------------------ */

/* Waits for the gate before each of n items, and before it returns `result`. */
ROOST_ASYNC(gated, roost_gen *, gen, roost_event *, gate, int, n, int, result)
{
    for (int i = 0; i < n; i++) {
        ROOST_TRY(roost_event_wait(gate));
        ROOST_TRY(roost_gen_yield(gen, &i));
    }
    ROOST_TRY(roost_event_wait(gate));
    return result;
}

/* Asks for an item that cannot come. */
static void ask_in_vain(roost_gen *gen)
{
    int item = -1;
    int rc = ROOST_WITHIN(ROOST_US(100), roost_iter_next(&gen->iter, &item));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(-1, item);
}

ROOST_TEST(a_consumer_that_is_cancelled_loses_no_item)
{
    roost_event gate = ROOST_EVENT_INIT;
    int item = -1;
    ROOST_GEN(gen, int, gated, &gate, 3, 0);
    for (int tries = 0; tries < 3; tries++)
        ask_in_vain(gen);
    roost_ignore(roost_event_set(&gate));
    CHECK_OK(roost_test_settle()); /* the first item is on offer */
    ROOST_NO_YIELD
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(i, item);
        CHECK_EQ(i < 2, roost_iter_next(&gen->iter, &item));
    }
}

ROOST_TEST(an_item_on_offer_is_withdrawn_when_the_generator_is_closed)
{
    roost_event gate = ROOST_EVENT_INIT;
    int item = -1;
    ROOST_GEN(gen, int, gated, &gate, 3, 0);
    ask_in_vain(gen);
    roost_ignore(roost_event_set(&gate));
    CHECK_OK(roost_test_settle());
    CHECK_EQ(0, roost_iter_close(&gen->iter));
    CHECK_EQ(0, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(-1, item);
}

ROOST_ASYNC(consume_one, roost_gen *, gen, int *, item, int *, rc)
{
    *rc = roost_iter_next(&gen->iter, item);
    return 0;
}

ROOST_TEST(a_consumer_cancelled_after_the_item_was_handed_over_has_it)
{
    roost_event gate = ROOST_EVENT_INIT;
    int item = -1;
    int rc = 0;
    int next_rc = 99;
    ROOST_GEN(gen, int, gated, &gate, 3, 0);
    ROOST_GROUP(g, rc) {
        /* Cancelled as soon as the item is there, mostly before the consumer has run again. */
        ROOST_GO(g, consume_one, gen, &item, &next_rc);
        rc = roost_test_settle();
        roost_ignore(roost_event_set(&gate));
        while (rc == 0 && item < 0 && next_rc == 99)
            rc = roost_yield();
        roost_group_cancel(g, "test");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, item);
    CHECK_EQ(1, next_rc);
}

ROOST_TEST(a_generator_that_failed_unasked_tells_next_or_the_closing)
{
    roost_event gate = ROOST_EVENT_INIT;
    int item = -1;
    ROOST_GEN(one, int, gated, &gate, 0, -EIO);
    ROOST_GEN(other, int, gated, &gate, 0, -EPIPE);
    ask_in_vain(one);
    ask_in_vain(other);
    roost_ignore(roost_event_set(&gate));
    CHECK_OK(roost_test_settle());
    CHECK_EQ(-EPIPE, roost_iter_close(&other->iter));
    CHECK_EQ(-EIO, roost_iter_next(&one->iter, &item));
    CHECK_EQ(0, roost_iter_next(&one->iter, &item));
}

ROOST_TEST(a_deadline_around_the_generator_cancels_both)
{
    struct trace trace = {0};
    int turns = 0;
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_MS(35)) {
        ROOST_GEN(gen, int, count_to, 1000, ROOST_MS(10), 0, &trace);
        ROOST_FOREACH(int, i, &gen->iter, rc)
            turns = i + 1;
    }
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    if (roost_test_virtual())
        CHECK_EQ(3, turns);
    CHECK_EQ(1, trace.ended);
    CHECK_EQ(ROOST_ECANCELED, trace.rc);
}

ROOST_TEST(a_deadline_around_the_loop_is_none_of_the_generators)
{
    struct trace trace = {0};
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 1000, ROOST_SEC(60), 0, &trace);
    ROOST_TIMEOUT(rc, ROOST_MS(5))
        ROOST_FOREACH(int, i, &gen->iter, rc)
            CHECK(i < 0);
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(1, trace.ended);
}

ROOST_TEST(a_deadline_inside_the_generator_does_not_reach_the_consumer)
{
    struct trace trace = {0};
    int item = -1;
    /* The generator's own scopes stay open over its yields; the consumer sees none of them. */
    ROOST_GEN(gen, int, count_to, 2, ROOST_MS(1), 0, &trace);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(ROOST_NEVER, roost_deadline());
}

/* Yields inside a scope, over and over. */
ROOST_ASYNC(yield_in_a_scope, roost_gen *, gen, roost_scope *, scope, int *, seen)
{
    roost_scope_init(scope, NULL);
    ROOST_TRY(roost_scope_enter(scope));
    int rc = 0;
    for (int i = 0; rc == 0; i++)
        rc = roost_gen_yield(gen, &i);
    *seen = rc;
    return roost_scope_end(scope, rc);
}

ROOST_TEST(a_scope_of_the_generator_is_cancelled_while_it_waits_to_be_asked)
{
    roost_scope scope;
    int seen = 0;
    int item = -1;
    ROOST_GEN(gen, int, yield_in_a_scope, &scope, &seen);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    if (item < 0)
        return;
    roost_scope_cancel(&scope, "test");
    CHECK_OK(roost_test_settle());
    CHECK(!roost_cancelled());
    CHECK_EQ(0, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(ROOST_ECANCELED, seen);
    CHECK_EQ(0, item);
}

ROOST_TEST(a_cancelled_consumer_is_refused_and_can_close)
{
    struct trace trace = {0};
    int item = -1;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 5, 0, 0, &trace);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    if (roost_scope_enter(&scope) == 0) {
        roost_scope_cancel(&scope, "test");
        CHECK_EQ(ROOST_ECANCELED, roost_iter_next(&gen->iter, &item));
        CHECK_EQ(0, roost_iter_close(&gen->iter));
        rc = roost_scope_end(&scope, 0);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, trace.ended);
}

/* -- nesting, locals, names -------------------------------------------------------------------- */

ROOST_ASYNC(squares, roost_gen *, gen, int, n, struct trace *, trace)
{
    int rc = 0;
    ROOST_GEN(inner, int, count_to, n, ROOST_US(100), 0, trace);
    ROOST_FOREACH(int, i, &inner->iter, rc) {
        int square = i * i;
        rc = roost_gen_yield(gen, &square);
    }
    return rc;
}

ROOST_TEST(generators_nest_and_close_inwards)
{
    struct trace trace = {0};
    int sum = 0;
    int rc = 0;
    ROOST_GEN(gen, int, squares, 100, &trace);
    ROOST_FOREACH(int, i, &gen->iter, rc) {
        sum += i;
        if (i >= 16)
            break;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(30, sum);
    CHECK_EQ(1, trace.ended);
    CHECK_EQ(ROOST_ECANCELED, trace.rc);
}

ROOST_ASYNC(add, int *, sum, int, value)
{
    ROOST_TRY(roost_yield());
    *sum += value;
    return 0;
}

ROOST_TEST(a_generator_is_closed_inside_a_younger_group)
{
    struct trace trace = {0};
    int sum = 0;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 100, 0, 0, &trace);
    ROOST_GROUP(g, rc) {
        ROOST_FOREACH(int, i, &gen->iter, rc) {
            ROOST_GO(g, add, &sum, i);
            if (i == 10)
                break;
        }
        CHECK_EQ(1, trace.ended);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(55, sum);
}

static roost_var request = {.name = "request"};

ROOST_ASYNC(see_locals, roost_gen *, gen)
{
    for (;;) {
        void *seen = roost_var_get(&request);
        ROOST_TRY(roost_gen_yield(gen, &seen));
    }
}

ROOST_TEST(a_generator_has_the_locals_of_the_moment_it_was_made)
{
    static int early, late;
    void *seen = NULL;
    if (roost_var_set(&request, &early) < 0)
        return;
    ROOST_GEN(gen, void *, see_locals);
    CHECK_OK(roost_var_set(&request, &late));
    CHECK_EQ(1, roost_iter_next(&gen->iter, &seen));
    CHECK(seen == &early);
    CHECK(roost_var_get(&request) == &late);
}

ROOST_ASYNC(see_name, roost_gen *, gen, bool *, same)
{
    int i = 0;
    *same = strcmp("see_name", roost_task_name(roost_task_self())) == 0;
    return roost_gen_yield(gen, &i);
}

ROOST_TEST(its_task_has_the_functions_name)
{
    bool same = false;
    int item = -1;
    ROOST_GEN(gen, int, see_name, &same);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    CHECK(same);
}

struct wide {
    uint64_t words[40];
};

ROOST_ASYNC(wide_items, roost_gen *, gen, struct wide, wide)
{
    for (;;) {
        ROOST_TRY(roost_gen_yield(gen, &wide));
        wide.words[39]++;
    }
}

ROOST_TEST(items_and_arguments_may_be_wide)
{
    struct wide wide = {.words = {[0] = 3, [39] = 4}};
    int rc = 0;
    ROOST_GEN(gen, struct wide, wide_items, wide);
    ROOST_FOREACH(struct wide, item, &gen->iter, rc) {
        CHECK_EQ(3, item.words[0]);
        if (item.words[39] == 9)
            break;
    }
    CHECK_EQ(0, rc);
}

/* -- several tasks, misuse --------------------------------------------------------------------- */

ROOST_ASYNC(consume, roost_gen *, gen, int, most, int *, rc)
{
    int item;
    for (int i = 0; i < most && (*rc = roost_iter_next(&gen->iter, &item)) > 0; i++)
        CHECK_EQ(i, item);
    return 0;
}

ROOST_TEST(another_task_may_consume_and_close)
{
    struct trace trace = {0};
    int seen = 1;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 3, ROOST_MS(1), 0, &trace);
    ROOST_GROUP(g, rc)
        ROOST_GO(g, consume, gen, 10, &seen);
    CHECK_EQ(0, rc);
    CHECK_EQ(0, seen);
    CHECK_EQ(1, trace.ended);
}

ROOST_TEST(two_consumers_at_once_are_refused)
{
    struct trace trace = {0};
    int first = 1;
    int item = -1;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 1, ROOST_MS(5), 0, &trace);
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, consume, gen, 1, &first);
        rc = roost_test_settle();
        if (rc == 0) {
            CHECK_EQ(ROOST_EBUSY, roost_iter_next(&gen->iter, &item));
            CHECK_EQ(ROOST_EBUSY, roost_iter_close(&gen->iter));
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, first);
    CHECK_EQ(1, trace.begun);
}

ROOST_ASYNC(ask_itself, roost_gen *, gen, int *, next_rc, int *, close_rc)
{
    int item = 0;
    ROOST_TRY(roost_gen_yield(gen, &item));
    *next_rc = roost_iter_next(&gen->iter, &item);
    *close_rc = roost_iter_close(&gen->iter);
    return roost_gen_yield(gen, &item);
}

ROOST_TEST(a_generator_that_asks_or_closes_itself_is_refused)
{
    int next_rc = 0;
    int close_rc = 0;
    int item = -1;
    ROOST_GEN(gen, int, ask_itself, &next_rc, &close_rc);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(ROOST_EBUSY, next_rc);
    CHECK_EQ(ROOST_EBUSY, close_rc);
    CHECK_EQ(0, roost_iter_next(&gen->iter, &item)); /* it has closed itself, all the same */
}

ROOST_ASYNC(ask_itself_alone, roost_gen *, gen, roost_event *, gate, int *, next_rc, int *,
            close_rc)
{
    int item = 0;
    ROOST_TRY(roost_event_wait(gate));
    *next_rc = roost_iter_next(&gen->iter, &item);
    *close_rc = roost_iter_close(&gen->iter);
    return 0;
}

ROOST_TEST(a_generator_that_asks_itself_while_nobody_waits_is_refused)
{
    int next_rc = 0;
    int close_rc = 0;
    int item = -1;
    roost_event gate = ROOST_EVENT_INIT;
    ROOST_GEN(gen, int, ask_itself_alone, &gate, &next_rc, &close_rc);
    ask_in_vain(gen);
    roost_ignore(roost_event_set(&gate));
    CHECK_OK(roost_test_settle());
    CHECK_EQ(ROOST_EDEADLK, next_rc);
    CHECK_EQ(ROOST_EDEADLK, close_rc);
    CHECK_EQ(0, roost_iter_next(&gen->iter, &item));
}

ROOST_ASYNC(yield_for_another, roost_gen *, gen, int *, rc)
{
    int item = 0;
    *rc = roost_gen_yield(gen, &item);
    return 0;
}

ROOST_TEST(only_the_generators_task_yields)
{
    struct trace trace = {0};
    int seen = 0;
    int item = 0;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 1, 0, 0, &trace);
    CHECK_EQ(ROOST_EPERM, roost_gen_yield(gen, &item));
    ROOST_GROUP(g, rc)
        ROOST_GO(g, yield_for_another, gen, &seen);
    CHECK_EQ(ROOST_EPERM, seen);
}

ROOST_TEST(ended_out_of_order_is_refused_and_changes_nothing)
{
    struct trace trace = {0};
    int item = -1;
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 2, 0, 0, &trace);
    ROOST_GROUP(g, rc) {
        CHECK_EQ(ROOST_EMISNEST, roost_gen_end(gen));
        CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
        rc = 0;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, roost_gen_end(gen));
    CHECK_EQ(0, roost_gen_end(gen));
    CHECK_EQ(0, roost_iter_next(&gen->iter, &item));
}

ROOST_TEST(outside_a_task_nothing_works, .plain = true, .no_torture = true)
{
    struct trace trace = {0};
    int item = -1;
    ROOST_GEN(gen, int, count_to, 1, 0, 0, &trace);
    CHECK_EQ(ROOST_ENOCTX, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(ROOST_ENOCTX, roost_gen_yield(gen, &item));
    CHECK_EQ(0, roost_iter_close(&gen->iter));
}

/* Yields where a cancellation from outside does not reach. */
ROOST_ASYNC(yield_shielded, roost_gen *, gen, int *, seen)
{
    roost_scope scope;
    roost_scope_init(&scope, &(roost_scope_opts){.shield = true});
    ROOST_TRY(roost_scope_enter(&scope));
    int rc = 0;
    for (int i = 0; rc == 0; i++)
        rc = roost_gen_yield(gen, &i);
    *seen = rc;
    return roost_scope_end(&scope, 0);
}

ROOST_TEST(closing_reaches_a_yield_in_a_shield)
{
    int seen = 0;
    int item = -1;
    ROOST_GEN(gen, int, yield_shielded, &seen);
    CHECK_EQ(1, roost_iter_next(&gen->iter, &item));
    CHECK_EQ(0, roost_iter_close(&gen->iter));
    CHECK_EQ(ROOST_ECANCELED, seen);
}

ROOST_TEST(items_of_another_type_are_refused_by_the_loop)
{
    struct trace trace = {0};
    int rc = 0;
    ROOST_GEN(gen, int, count_to, 1, 0, 0, &trace);
    ROOST_FOREACH(char, c, &gen->iter, rc)
        CHECK(c == 0 && rc == 1); /* is not entered */
    CHECK_EQ(ROOST_EINVAL, rc);
    CHECK_EQ(0, trace.begun);
}
