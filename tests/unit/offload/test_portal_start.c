/* tests/unit/offload/test_portal_start.c - calls that are started through a portal.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

ROOST_ASYNC(doze, roost_dur, dur, int, result)
{
    ROOST_TRY(roost_sleep(dur));
    return result;
}

struct large {
    char bytes[5000];
};

ROOST_ASYNC(take_large, struct large, large)
{
    return large.bytes[0];
}

ROOST_TEST(arguments_have_a_bound)
{
    static const struct large large;
    roost_portal *portal;
    roost_portal_handle *handle;
    CHECK_OK(roost_portal_open(&portal));
    CHECK_EQ(ROOST_EINVAL, roost_portal_start(portal, ROOST_CALL(take_large, large), &handle));
    CHECK_EQ(0, roost_portal_close(portal));
    roost_portal_unref(portal);
}

/* On threads: several wait for the same call, also when it is over. */
ROOST_ASYNC(wait_for, roost_portal_handle *, handle, int *, result)
{
    int rc = roost_portal_handle_wait(handle, result);
    return rc < 0 ? rc : roost_portal_handle_wait(handle, result);
}

ROOST_ASYNC(wait_there, roost_portal_handle *, handle, int *, result)
{
    return roost_to_thread(ROOST_CALL(wait_for, handle, result));
}

ROOST_TEST(several_threads_wait_for_one_call)
{
    int results[4] = {0};
    int rc = 0;
    roost_portal *portal;
    roost_portal_handle *handle;
    CHECK_OK(roost_portal_open(&portal));
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(doze, ROOST_MS(3), 8), &handle));
    CHECK(!roost_portal_handle_done(handle));
    CHECK_EQ(ROOST_ENESTED, roost_portal_handle_wait(handle, NULL));
    ROOST_GROUP(g, rc)
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, wait_there, handle, &results[i]);
    CHECK_OK(rc);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(8, results[i]);
    CHECK(roost_portal_handle_done(handle));
    roost_portal_handle_free(handle);
    CHECK_EQ(0, roost_portal_close(portal));
    roost_portal_unref(portal);
}

ROOST_TEST(a_call_that_comes_after_the_closing_is_not_made)
{
    int result = 5;
    roost_portal *portal;
    roost_portal_handle *handle;
    CHECK_OK(roost_portal_open(&portal));
    /* On its way when the portal is closed. */
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(doze, 0, 8), &handle));
    CHECK_EQ(0, roost_portal_close(portal));
    CHECK(roost_portal_handle_done(handle));
    CHECK_EQ(ROOST_ECLOSED, roost_to_thread(ROOST_CALL(wait_for, handle, &result)));
    CHECK_EQ(5, result);
    roost_portal_handle_cancel(handle);
    roost_portal_handle_free(handle);
    CHECK_EQ(ROOST_ECLOSED, roost_portal_start(portal, ROOST_CALL(doze, 0, 8), &handle));
    roost_portal_unref(portal);
}

ROOST_TEST(a_handle_may_go_before_its_call)
{
    roost_portal *portal;
    roost_portal_handle *handle;
    roost_time began = roost_now();
    CHECK_OK(roost_portal_open(&portal));
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(doze, ROOST_MS(2), 0), &handle));
    roost_portal_handle_free(handle);
    CHECK_OK(roost_test_settle());
    CHECK_EQ(0, roost_portal_close(portal));
    CHECK(roost_now() - began >= ROOST_MS(2));
    roost_portal_unref(portal);
}

ROOST_TEST(a_call_is_cancelled_once)
{
    int result = 5;
    roost_portal *portal;
    roost_portal_handle *handle;
    CHECK_OK(roost_portal_open(&portal));
    CHECK_OK(roost_portal_start(portal, ROOST_CALL(doze, ROOST_SEC(60), 8), &handle));
    roost_portal_handle_cancel(handle);
    roost_portal_handle_cancel(handle);
    CHECK_EQ(0, roost_to_thread(ROOST_CALL(wait_for, handle, &result)));
    CHECK_EQ(ROOST_ECANCELED, result);
    roost_portal_handle_cancel(handle);
    roost_portal_handle_free(handle);
    CHECK_EQ(0, roost_portal_close(portal));
    roost_portal_unref(portal);
}
