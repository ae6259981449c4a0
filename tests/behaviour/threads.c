/* tests/behaviour/threads.c - behaviours B77 to B80: threads and portals.
 *
 * In simulation the threads take turns with the loop, so a seed repeats these cases too. Where a
 * thread has to last while tasks go on, it makes a call through a portal: that one may sleep.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <errno.h>
#include <stdatomic.h>

#include <roost.h>
#include <roost/portal.h>
#include <roost/thread.h>

/* What threads and tasks tell each other. */
struct tally {
    atomic_int begun;
    atomic_int ended;
    atomic_int cancelled; /* threads that saw it */
    int over;             /* tasks that have their result */
    bool open;            /* the gate that threads wait at; for tasks alone */
    roost_portal *portal;
};

ROOST_ASYNC(gate_pass, struct tally *, tally)
{
    while (!tally->open)
        ROOST_TRY(roost_sleep(ROOST_US(100)));
    return 0;
}

ROOST_ASYNC(gate_open, struct tally *, tally, roost_dur, after)
{
    int rc = roost_sleep(after);
    tally->open = true;
    return rc;
}

ROOST_ASYNC(add, int, a, int, b)
{
    return a + b;
}

/* On a thread: lasts until the gate is open, whoever has gone meanwhile. */
ROOST_ASYNC(lasting, struct tally *, tally, int, result)
{
    tally->begun++;
    int passed = 0;
    int rc = roost_portal_call(tally->portal, ROOST_CALL(gate_pass, tally), &passed);
    if (roost_thread_cancelled())
        tally->cancelled++;
    tally->ended++;
    return rc < 0 ? rc : result;
}

/* A portal, and an executor of so many threads; false: no memory, and nothing is left. */
static bool tally_open(struct tally *tally, roost_executor **executor, uint32_t threads)
{
    *tally = (struct tally){0};
    if (roost_portal_open(&tally->portal) < 0)
        return false;
    if (roost_executor_open(&(roost_executor_opts){.threads = threads}, executor) == 0)
        return true;
    (void)roost_portal_close(tally->portal);
    roost_portal_unref(tally->portal);
    return false;
}

/* First the executor: abandoned threads, which it waits for, still need the portal. */
static void tally_close(struct tally *tally, roost_executor *executor)
{
    tally->open = true;
    (void)roost_executor_close(executor);
    CHECK_ALWAYS(tally->begun == tally->ended);
    (void)roost_portal_close(tally->portal);
    roost_portal_unref(tally->portal);
}

/* Waits until a number of threads have begun, or until their tasks have given up. */
ROOST_ASYNC(await_begun, struct tally *, tally, int, count)
{
    while (tally->begun < count && tally->over < count)
        ROOST_TRY(roost_sleep(ROOST_US(100)));
    return 0;
}

ROOST_ASYNC(offload, struct tally *, tally, int, code, const roost_thread_opts *, opts, int *,
            result)
{
    *result = roost_to_thread_with(ROOST_CALL(lasting, tally, code), opts);
    tally->over++;
    return 0;
}

ROOST_ASYNC(offload_add, const roost_thread_opts *, opts, int *, result)
{
    *result = roost_to_thread_with(ROOST_CALL(add, 1, 2), opts);
    return 0;
}

/* -- B77: cancelled while a thread works --------------------------------------------------------*/

BEHAVIOUR(77, a_call_returns_what_it_returned)
{
    CHECK_EQ(42, roost_to_thread(ROOST_CALL(add, 40, 2)));
    CHECK_EQ(-EIO, roost_to_thread(ROOST_CALL(add, -EIO, 0)));
}

BEHAVIOUR(77, a_cancelled_caller_waits_for_its_thread_and_gets_the_value)
{
    struct tally tally;
    roost_executor *one;
    if (!tally_open(&tally, &one, 1))
        return;
    const roost_thread_opts opts = {.executor = one};
    int rc = 0;
    int result = -1;
    int refused = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, offload, &tally, 7, &opts, &result);
        rc = await_begun(&tally, 1);
        roost_group_cancel(g, "while the thread works");
        refused = roost_yield();
        CHECK_EQ(0, tally.over);
        tally.open = true;
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_ECANCELED, refused);
    CHECK_EQ(7, result);
    CHECK_EQ(1, tally.cancelled);
    tally_close(&tally, one);
}

BEHAVIOUR(77, a_call_cancelled_before_a_thread_was_free_was_never_made)
{
    struct tally tally;
    roost_executor *one;
    if (!tally_open(&tally, &one, 1))
        return;
    const roost_thread_opts opts = {.executor = one};
    int rc = 0;
    int first = -1;
    int second = -1;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, offload, &tally, 1, &opts, &first);
        rc = await_begun(&tally, 1);
        ROOST_GO(g, offload, &tally, 2, &opts, &second);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(1));
        roost_executor_stats stats;
        CHECK_OK(roost_executor_stats_get(one, &stats));
        CHECK_EQ(1, stats.threads);
        CHECK_EQ(1, stats.busy);
        CHECK_EQ(1, stats.queued);
        roost_group_cancel(g, "one works, one waits");
        tally.open = true;
    }
    CHECK_OK(rc);
    CHECK_EQ(1, first);
    CHECK_EQ(ROOST_ECANCELED, second);
    CHECK_EQ(1, tally.begun);
    tally_close(&tally, one);
}

BEHAVIOUR(77, an_abandoned_thread_keeps_its_place_until_it_ends)
{
    static struct tally tally; /* the thread outlives the frames of its caller */
    roost_executor *one;
    if (!tally_open(&tally, &one, 1))
        return;
    const roost_thread_opts opts = {.executor = one, .abandon = true};
    int rc = 0;
    int abandoned = -1;
    int next = -1;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, offload, &tally, 1, &opts, &abandoned);
        rc = await_begun(&tally, 1);
        roost_group_cancel(g, "nobody wants it any more");
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_ECANCELED, abandoned);
    CHECK_EQ(0, tally.ended);
    roost_executor_stats stats;
    CHECK_OK(roost_executor_stats_get(one, &stats));
    CHECK_EQ(1, stats.busy);
    CHECK_EQ(1, stats.abandoned);
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, offload_add, &opts, &next);
        rc = roost_sleep(ROOST_MS(2));
        CHECK_EQ(-1, next);
        tally.open = true;
    }
    CHECK_OK(rc);
    CHECK_EQ(3, next);
    CHECK_EQ(1, tally.ended);
    CHECK_EQ(1, tally.cancelled);
    CHECK_OK(roost_executor_stats_get(one, &stats));
    CHECK_EQ(0, stats.abandoned);
    tally_close(&tally, one);
}

BEHAVIOUR(77, a_deadline_passes_at_once_with_abandon_and_shows_late_without)
{
    static struct tally tally;
    roost_executor *two;
    if (!tally_open(&tally, &two, 2))
        return;
    const roost_thread_opts leave = {.executor = two, .abandon = true};
    const roost_thread_opts stay = {.executor = two};
    roost_time began = roost_now();
    int left =
        ROOST_WITHIN(ROOST_MS(2), roost_to_thread_with(ROOST_CALL(lasting, &tally, 1), &leave));
    CHECK_EQ(ROOST_ETIMEDOUT, left);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(2), roost_now() - began);
    int rc = 0;
    int stayed = -1;
    ROOST_GROUP(g, rc) {
        if (ROOST_SPAWN(NULL, g, gate_open, &tally, ROOST_MS(20)) < 0)
            tally.open = true;
        stayed =
            ROOST_WITHIN(ROOST_MS(2), roost_to_thread_with(ROOST_CALL(lasting, &tally, 1), &stay));
        CHECK(tally.open);
    }
    CHECK_OK(rc);
    CHECK_EQ(1, stayed);
    tally_close(&tally, two);
}

BEHAVIOUR(77, closing_an_executor_drops_who_waits_and_waits_for_who_works)
{
    struct tally tally;
    roost_executor *one;
    if (!tally_open(&tally, &one, 1))
        return;
    const roost_thread_opts opts = {.executor = one};
    int rc = 0;
    int first = -1;
    int second = -1;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, offload, &tally, 1, &opts, &first);
        rc = await_begun(&tally, 1);
        ROOST_GO(g, offload, &tally, 2, &opts, &second);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(1));
        if (rc < 0 || ROOST_SPAWN(NULL, g, gate_open, &tally, ROOST_MS(2)) < 0)
            tally.open = true;
        /* A task that has not run yet would come to it after its end. */
        if (rc == 0) {
            CHECK_EQ(0, roost_executor_close(one));
            CHECK_ALWAYS(tally.ended == tally.begun);
            one = NULL;
        }
    }
    CHECK_OK(rc);
    CHECK_EQ(1, first);
    CHECK_EQ(ROOST_ECANCELED, second);
    tally_close(&tally, one);
}

/* -- B78: back into the loop --------------------------------------------------------------------*/

ROOST_ASYNC(add_slowly, int, a, int, b)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return a + b;
}

/* On a thread. */
ROOST_ASYNC(sum_on_the_loop, int, n)
{
    int sum = 0;
    for (int i = 1; i <= n; i++)
        ROOST_TRY(roost_from_thread_call(ROOST_CALL(add_slowly, sum, i), &sum));
    return sum;
}

BEHAVIOUR(78, a_thread_calls_its_loop)
{
    roost_time began = roost_now();
    CHECK_EQ(10, roost_to_thread(ROOST_CALL(sum_on_the_loop, 4)));
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(4), roost_now() - began);
    else
        CHECK(roost_now() - began >= ROOST_MS(4));
}

ROOST_ASYNC(wait_for_ever)
{
    return roost_sleep_forever();
}

/* On a thread: what the calls back came to, once for each call. */
ROOST_ASYNC(call_until_cancelled, atomic_int *, begun, int *, first, int *, second)
{
    int unused = 0;
    ++*begun;
    *first = roost_from_thread_call(ROOST_CALL(wait_for_ever), &unused);
    *second = roost_from_thread_call(ROOST_CALL(add_slowly, 1, 2), &unused);
    return roost_thread_cancelled() ? 5 : 6;
}

ROOST_ASYNC(call_back, const roost_thread_opts *, opts, atomic_int *, begun, int *, first, int *,
            second, int *, result)
{
    *result = roost_to_thread_with(ROOST_CALL(call_until_cancelled, begun, first, second), opts);
    ++*begun; /* also when it was never made */
    return 0;
}

BEHAVIOUR(78, a_call_back_is_cancelled_with_the_task_it_is_part_of)
{
    atomic_int begun = 0;
    int first = 1;
    int second = 1;
    int result = -1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, call_back, NULL, &begun, &first, &second, &result);
        while (rc == 0 && begun == 0)
            rc = roost_sleep(ROOST_US(100));
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(1));
        roost_group_cancel(g, "while it waits on the loop");
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_ECANCELED, first);
    CHECK_EQ(ROOST_ECANCELED, second);
    CHECK_EQ(5, result);
}

/* On a thread: asks the loop of a caller that has gone. */
ROOST_ASYNC(call_back_late, struct tally *, tally, atomic_int *, answer)
{
    int unused = 0;
    int rc = lasting(tally, 0);
    *answer = roost_from_thread_call(ROOST_CALL(add, 1, 2), &unused);
    return rc;
}

BEHAVIOUR(78, an_abandoned_thread_is_refused)
{
    static struct tally tally;
    static atomic_int answer;
    roost_executor *one;
    answer = 1;
    if (!tally_open(&tally, &one, 1))
        return;
    const roost_thread_opts opts = {.executor = one, .abandon = true};
    int rc = ROOST_WITHIN(ROOST_MS(40),
                          roost_to_thread_with(ROOST_CALL(call_back_late, &tally, &answer), &opts));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(1, answer);
    tally_close(&tally, one);
    CHECK_EQ(ROOST_ECANCELED, answer);
}

ROOST_ASYNC(nest, int, depth)
{
    int result = depth;
    if (depth > 0)
        ROOST_TRY(roost_from_thread_call(ROOST_CALL(nest, -depth), &result));
    if (depth < 0)
        return roost_to_thread(ROOST_CALL(nest, -depth - 1));
    return result;
}

BEHAVIOUR(78, a_call_back_may_use_threads_itself)
{
    CHECK_EQ(0, roost_to_thread(ROOST_CALL(nest, 3)));
}

/* -- B79: task-locals ---------------------------------------------------------------------------*/

static const roost_var colour = {.name = "colour"};
static const roost_var shape = {.name = "shape"};
static char red[] = "red";
static char blue[] = "blue";
static char round_one[] = "round";

/* On a thread. */
ROOST_ASYNC(repaint, const char **, seen)
{
    *seen = roost_var_get(&colour);
    ROOST_TRY(roost_var_set(&colour, blue));
    ROOST_TRY(roost_var_set(&shape, round_one));
    return roost_var_get(&colour) == blue && roost_var_get(&shape) == round_one ? 1 : 0;
}

BEHAVIOUR(79, a_thread_sees_the_task_locals_and_keeps_its_own_to_itself)
{
    const char *seen = NULL;
    CHECK_OK(roost_var_set(&colour, red));
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(1, roost_to_thread(ROOST_CALL(repaint, &seen)));
        CHECK(seen == red);
        CHECK(roost_var_get(&colour) == red);
        CHECK(roost_var_get(&shape) == NULL);
    }
}

ROOST_ASYNC(colour_here, const char **, seen)
{
    *seen = roost_var_get(&colour);
    return 0;
}

/* On a thread: what a call back sees is the task's. */
ROOST_ASYNC(repaint_and_ask, const char **, seen)
{
    ROOST_TRY(roost_var_set(&colour, blue));
    return roost_from_thread_call(ROOST_CALL(colour_here, seen), NULL);
}

BEHAVIOUR(79, a_call_back_sees_those_of_the_task)
{
    const char *seen = NULL;
    CHECK_OK(roost_var_set(&colour, red));
    CHECK_EQ(0, roost_to_thread(ROOST_CALL(repaint_and_ask, &seen)));
    CHECK(seen == red);
}

static void count_drop(void *value)
{
    ++*(int *)value;
}

static const roost_var counted = {.name = "counted", .drop = count_drop};

/* On a thread. */
ROOST_ASYNC(count_here, int *, drops)
{
    return roost_var_set(&counted, drops);
}

BEHAVIOUR(79, a_value_set_on_a_thread_goes_with_its_call)
{
    int drops = 0;
    int rc = roost_to_thread(ROOST_CALL(count_here, &drops));
    CHECK_EQ(0, rc);
    CHECK_ALWAYS(drops == (rc == 0));
}

/* -- B80: portals -------------------------------------------------------------------------------*/

/* On a thread that knows nothing but the portal. */
ROOST_ASYNC(call_through, roost_portal *, portal, int *, rc, int *, result)
{
    *rc = roost_portal_call(portal, ROOST_CALL(add_slowly, 20, 22), result);
    return 0;
}

BEHAVIOUR(80, a_closed_portal_refuses_every_call)
{
    roost_portal *portal;
    if (roost_portal_open(&portal) < 0)
        return;
    int rc = -1;
    int result = -1;
    CHECK_OK(roost_to_thread(ROOST_CALL(call_through, portal, &rc, &result)));
    CHECK_EQ(0, rc);
    CHECK_EQ(42, result);
    CHECK_OK(roost_portal_close(portal));
    result = -1;
    CHECK_OK(roost_to_thread(ROOST_CALL(call_through, portal, &rc, &result)));
    CHECK_EQ(ROOST_ECLOSED, rc);
    CHECK_EQ(-1, result);
    CHECK_OK(roost_portal_close(portal));
    roost_portal_unref(portal);
}

/* On a thread: starts a call, cancels it, waits for it. */
ROOST_ASYNC(start_and_cancel, roost_portal *, portal, int *, rc, int *, result)
{
    roost_portal_handle *handle;
    ROOST_TRY(roost_portal_start(portal, ROOST_CALL(wait_for_ever), &handle));
    roost_portal_handle_cancel(handle);
    *rc = roost_portal_handle_wait(handle, result);
    int done = roost_portal_handle_done(handle);
    roost_portal_handle_cancel(handle);
    roost_portal_handle_free(handle);
    return done;
}

BEHAVIOUR(80, cancelling_a_handle_cancels_its_task)
{
    roost_portal *portal;
    if (roost_portal_open(&portal) < 0)
        return;
    int rc = -1;
    int result = -1;
    CHECK_EQ(1, roost_to_thread(ROOST_CALL(start_and_cancel, portal, &rc, &result)));
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK_OK(roost_portal_close(portal));
    roost_portal_unref(portal);
}

ROOST_ASYNC(doze, roost_dur, dur)
{
    return roost_sleep(dur);
}

/* On a thread: starts calls and goes. */
ROOST_ASYNC(start_many, roost_portal *, portal, int, count)
{
    for (int i = 0; i < count; i++) {
        roost_portal_handle *handle;
        ROOST_TRY(roost_portal_start(portal, ROOST_CALL(doze, ROOST_MS(i)), &handle));
        roost_portal_handle_free(handle);
    }
    return 0;
}

BEHAVIOUR(80, closing_waits_for_calls_inside)
{
    roost_portal *portal;
    if (roost_portal_open(&portal) < 0)
        return;
    roost_time began = roost_now();
    CHECK_OK(roost_to_thread(ROOST_CALL(start_many, portal, 4)));
    CHECK_OK(roost_yield());
    CHECK_OK(roost_portal_close(portal));
    CHECK(roost_now() - began >= ROOST_MS(3));
    roost_portal_unref(portal);
}

BEHAVIOUR(80, calls_inside_can_be_cancelled_together)
{
    roost_portal *portal;
    roost_portal_handle *handles[3] = {0};
    if (roost_portal_open(&portal) < 0)
        return;
    for (int i = 0; i < 3; i++)
        roost_ignore(roost_portal_start(portal, ROOST_CALL(wait_for_ever), &handles[i]));
    int rc = roost_sleep(ROOST_MS(1));
    roost_portal_cancel(portal);
    (void)roost_portal_close(portal);
    CHECK_OK(rc);
    for (int i = 0; i < 3; i++) {
        CHECK(handles[i] && roost_portal_handle_done(handles[i]));
        roost_portal_handle_free(handles[i]);
    }
    roost_portal_unref(portal);
}

BEHAVIOUR(80, who_runs_a_loop_must_not_block_for_one)
{
    roost_portal *portal;
    if (roost_portal_open(&portal) < 0)
        return;
    int result = -1;
    CHECK_EQ(ROOST_ENESTED, roost_portal_call(portal, ROOST_CALL(add, 1, 2), &result));
    (void)roost_portal_close(portal);
    roost_portal_unref(portal);
}
