/* examples/26_portal.c - a synchronous program with a loop on the side.
 *
 * main() is no task here. A loop runs on a thread of its own, and the program's threads make async
 * calls through a portal: one that is waited for, and several that go on at the same time.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

ROOST_ASYNC(fetch, int, id)
{
    ROOST_TRY(roost_sleep(ROOST_MS(5))); /* stands for I/O */
    return id * id;
}

ROOST_ASYNC(listen)
{
    return roost_sleep_forever();
}

static int use(roost_portal *portal)
{
    enum { COUNT = 3 };
    roost_portal_handle *handles[COUNT];
    int result = 0;
    int rc = roost_portal_call(portal, ROOST_CALL(fetch, 7), &result);
    printf("one call: %s, %d\n", roost_error_name(rc), result);

    for (int i = 0; i < COUNT; i++) {
        rc = roost_portal_start(portal, ROOST_CALL(fetch, i + 1), &handles[i]);
        if (rc < 0)
            return rc;
    }
    for (int i = 0; i < COUNT; i++) {
        rc = roost_portal_handle_wait(handles[i], &result);
        printf("call %d: %s, %d\n", i + 1, roost_error_name(rc), result);
        roost_portal_handle_free(handles[i]);
    }

    rc = roost_portal_start(portal, ROOST_CALL(listen), &handles[0]);
    if (rc < 0)
        return rc;
    roost_portal_handle_cancel(handles[0]);
    rc = roost_portal_handle_wait(handles[0], &result);
    printf("cancelled: %s, %s\n", roost_error_name(rc), roost_error_name(result));
    roost_portal_handle_free(handles[0]);
    return rc;
}

int main(void)
{
    roost_portal *portal;
    int rc = roost_portal_run(NULL, &portal);
    if (rc < 0) {
        fprintf(stderr, "no loop: %s\n", roost_error_text(rc));
        return 1;
    }
    roost_portal_ref(portal);
    rc = use(portal);
    int stopped = roost_portal_stop(portal);
    printf("stopped: %s\n", roost_error_name(stopped));

    int late = roost_portal_call(portal, ROOST_CALL(fetch, 1), NULL);
    printf("later: %s\n", roost_error_name(late));
    roost_portal_unref(portal);
    return rc < 0 || stopped < 0;
}
