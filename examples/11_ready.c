/* examples/11_ready.c - starting something and going on when it is ready.
 *
 * roost_group_start waits until the new task says so with roost_started, and takes over what it
 * says. One that fails before that is an error of the starter, not of the group.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

ROOST_ASYNC(listener, int, wanted_port)
{
    ROOST_TRY(roost_sleep(ROOST_MS(5))); /* stands for opening the socket */
    if (wanted_port < 1024)
        return -EACCES;
    int port = wanted_port;
    ROOST_TRY(roost_started(&port, sizeof port));

    int rc = roost_wait_stopping(); /* stands for serving */
    printf("listener on %d: %s\n", port, rc == 0 ? "asked to stop" : roost_error_name(rc));
    return rc;
}

ROOST_MAIN(argc, argv)
{
    int port = 0;
    int rc = 0;

    ROOST_GROUP(g, rc) {
        ROOST_TRY(roost_group_start(g, ROOST_CALL(listener, 7000), NULL, &port, sizeof port));
        printf("ready on %d\n", port);

        int refused = roost_group_start(g, ROOST_CALL(listener, 80), NULL, &port, sizeof port);
        printf("port 80: %s\n", roost_error_text(refused));

        roost_group_shutdown(g, ROOST_SEC(1));
    }
    printf("the group ended with %d\n", rc);
    return rc;
}
