/* tests/unit/offload/test_portal.c - portals, used by threads that roost did not start.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <stdatomic.h>

#include <roost/testing.h>

ROOST_ASYNC(add, int, a, int, b)
{
    ROOST_TRY(roost_yield());
    return a + b;
}

ROOST_ASYNC(sleep_for_ever)
{
    return roost_sleep_forever();
}

ROOST_TEST(outside_a_task_none_is_opened, .plain = true)
{
    roost_portal *portal;
    CHECK_EQ(ROOST_ENOCTX, roost_portal_open(&portal));
    roost_portal_unref(NULL);
    roost_portal_handle_free(NULL);
    CHECK_EQ(0, roost_portal_stop(NULL));
}

/* -- threads of one's own -----------------------------------------------------------------------*/

enum { THREADS = 4, TIMES = 50 };

struct visitor {
    roost_portal *portal;
    pthread_t thread;
    int number;
    atomic_int *left; /* visitors that have not finished */
    int wrong;
};

/* Makes calls, then knocks until the portal is closed. */
static void *visit(void *arg)
{
    struct visitor *visitor = arg;
    for (int i = 0; i < TIMES; i++) {
        int sum = -1;
        int rc = roost_portal_call(visitor->portal, ROOST_CALL(add, visitor->number, i), &sum);
        visitor->wrong += rc != 0 || sum != visitor->number + i;
    }
    --*visitor->left;
    int rc;
    while ((rc = roost_portal_call(visitor->portal, ROOST_CALL(add, 1, 2), NULL)) == 0)
        continue;
    visitor->wrong += rc != ROOST_ECLOSED;
    roost_portal_unref(visitor->portal);
    return NULL;
}

ROOST_TEST(threads_call_until_it_is_closed_and_then_are_refused, .threads = true)
{
    roost_portal *portal;
    struct visitor visitors[THREADS];
    atomic_int left = THREADS;
    CHECK_OK(roost_portal_open(&portal));
    for (int i = 0; i < THREADS; i++) {
        visitors[i] =
            (struct visitor){.portal = roost_portal_ref(portal), .number = i * 1000, .left = &left};
        CHECK_EQ(0, pthread_create(&visitors[i].thread, NULL, visit, &visitors[i]));
    }
    while (left > 0)
        CHECK_OK(roost_sleep(ROOST_US(100)));
    CHECK_OK(roost_portal_close(portal));
    for (int i = 0; i < THREADS; i++) {
        pthread_join(visitors[i].thread, NULL);
        CHECK_EQ(0, visitors[i].wrong);
    }
    CHECK_EQ(ROOST_ENESTED, roost_portal_call(portal, ROOST_CALL(add, 1, 2), NULL));
    roost_portal_unref(portal);
}

/* The only thing that will ever happen is that this thread calls. */
static void *call_late(void *arg)
{
    struct visitor *visitor = arg;
    roost_time until = roost_now() + ROOST_MS(3);
    while (roost_now() < until)
        continue;
    int result = 0;
    visitor->wrong = roost_portal_call(visitor->portal, ROOST_CALL(add, 1, 2), &result) != 0;
    --*visitor->left;
    return NULL;
}

static roost_scope *to_cancel;

ROOST_ASYNC(cancel_scope)
{
    roost_scope_cancel(to_cancel, "from a thread");
    return 0;
}

static void *cancel_through(void *arg)
{
    struct visitor *visitor = arg;
    (void)call_late(visitor);
    visitor->wrong += roost_portal_call(visitor->portal, ROOST_CALL(cancel_scope), NULL) != 0;
    return NULL;
}

ROOST_TEST(an_idle_loop_with_an_open_portal_is_not_deadlocked, .threads = true)
{
    roost_portal *portal;
    roost_scope scope;
    atomic_int left = 1;
    CHECK_OK(roost_portal_open(&portal));
    struct visitor visitor = {.portal = portal, .left = &left};
    roost_scope_init(&scope, NULL);
    to_cancel = &scope;
    CHECK_OK(roost_scope_enter(&scope));
    CHECK_EQ(0, pthread_create(&visitor.thread, NULL, cancel_through, &visitor));
    int rc = roost_sleep_forever();
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(0, roost_scope_end(&scope, rc));
    CHECK_OK(roost_portal_close(portal));
    pthread_join(visitor.thread, NULL);
    CHECK_EQ(0, visitor.wrong);
    roost_portal_unref(portal);
}

/* -- its place in the tree ----------------------------------------------------------------------*/

ROOST_ASYNC(close_anothers, roost_portal *, portal)
{
    CHECK_EQ(ROOST_EMISNEST, roost_portal_close(portal));
    return 0;
}

ROOST_TEST(it_is_closed_by_its_task_when_inner_scopes_have_been_left)
{
    int rc = 0;
    roost_portal *portal;
    roost_portal *inner;
    roost_portal_handle *handle;
    CHECK_OK(roost_portal_open(&portal));
    CHECK_OK(roost_portal_open(&inner));
    CHECK_EQ(ROOST_EMISNEST, roost_portal_close(portal));
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(add, 1, 2), &handle));
    ROOST_GROUP(g, rc)
        ROOST_GO(g, close_anothers, inner);
    CHECK_OK(rc);
    CHECK_OK(roost_test_settle());
    CHECK(roost_portal_handle_done(handle));
    roost_portal_handle_free(handle);
    CHECK_EQ(0, roost_portal_close(inner));
    CHECK_EQ(0, roost_portal_close(inner));
    CHECK_EQ(0, roost_portal_close(portal));
    roost_portal_unref(inner);
    roost_portal_unref(portal);
}

ROOST_TEST(a_cancelled_task_closes_it_and_its_calls_are_cancelled)
{
    roost_portal *portal;
    roost_portal_handle *handle;
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    CHECK_OK(roost_portal_open(&portal));
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(sleep_for_ever), &handle));
    CHECK_OK(roost_test_settle());
    roost_scope_cancel(&scope, "around it");
    CHECK_EQ(ROOST_ECANCELED, roost_portal_close(portal));
    CHECK(roost_portal_handle_done(handle));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
    roost_portal_handle_free(handle);
    roost_portal_unref(portal);
}

static const roost_var colour = {.name = "colour"};
static char red[] = "red";

ROOST_ASYNC(colour_is_red)
{
    return roost_var_get(&colour) == red;
}

ROOST_ASYNC(ask_colour, roost_portal *, portal, int *, result)
{
    return roost_portal_call(portal, ROOST_CALL(colour_is_red), result);
}

ROOST_TEST(calls_see_the_task_locals_of_who_opened_it)
{
    roost_portal *portal;
    int result = 0;
    CHECK_OK(roost_var_set(&colour, red));
    CHECK_OK(roost_portal_open(&portal));
    CHECK_EQ(0, roost_to_thread(ROOST_CALL(ask_colour, portal, &result)));
    CHECK_EQ(1, result);
    CHECK_OK(roost_portal_close(portal));
    roost_portal_unref(portal);
}

ROOST_ASYNC(fail, int, code)
{
    return code;
}

ROOST_ASYNC(ask_to_fail, roost_portal *, portal)
{
    int result = 0;
    CHECK_EQ(0, roost_portal_call(portal, ROOST_CALL(fail, -EIO), &result));
    CHECK_EQ(-EIO, result);
    CHECK_EQ(0, roost_portal_call(portal, ROOST_CALL(fail, ROOST_ECANCELED), &result));
    CHECK_EQ(ROOST_ECANCELED, result);
    return 0;
}

ROOST_TEST(a_failing_call_is_its_callers_affair)
{
    roost_portal *portal;
    CHECK_OK(roost_portal_open(&portal));
    CHECK_EQ(0, roost_to_thread(ROOST_CALL(ask_to_fail, portal)));
    CHECK(!roost_cancelled());
    CHECK_EQ(0, roost_portal_close(portal));
    roost_portal_unref(portal);
}

static roost_portal *kept;

ROOST_ASYNC(keep_portal)
{
    ROOST_TRY(roost_portal_open(&kept));
    return roost_portal_close(kept);
}

ROOST_TEST(it_refuses_after_the_run, .plain = true)
{
    roost_portal_handle *handle = NULL;
    CHECK_OK(roost_test_run(ROOST_CALL(keep_portal), NULL));
    CHECK_EQ(ROOST_ENESTED, roost_portal_call(kept, ROOST_CALL(add, 1, 2), NULL));
    CHECK_EQ(ROOST_ECLOSED, roost_portal_start(kept, ROOST_CALL(add, 1, 2), &handle));
    CHECK(handle == NULL);
    roost_portal_cancel(kept);
    roost_portal_unref(kept);
}
