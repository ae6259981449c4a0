/* bench/echo/echo.c - the server of the suite `echo`: sends back what comes, on one loop.
 *
 * The server of the manual as it stands there. `listening PORT` on standard output says that it can
 * be connected to; SIGTERM ends it. ROOST_BACKEND chooses the backend.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

ROOST_ASYNC(echo, roost_stream *, conn)
{
    char buf[1024];
    int64_t n;
    while ((n = roost_read(conn, buf, sizeof buf)) > 0)
        ROOST_TRY(roost_write_all(conn, buf, (size_t)n));
    return (int)n;
}

static void ready(void *arg, const char *address)
{
    (void)arg;
    printf("listening %s\n", strrchr(address, ':') + 1);
    fflush(stdout);
}

/* The load's connections end by a reset: nothing to report. */
static int failed(void *arg, const roost_error *error, const char *peer)
{
    (void)arg;
    (void)error;
    (void)peer;
    return 0;
}

ROOST_MAIN(argc, argv)
{
    (void)argc;
    (void)argv;
    return roost_tcp_serve("127.0.0.1:0", echo,
                           &(roost_serve_opts){.threads = 1,
                                               .grace = -1,
                                               .listen = {.backlog = 4096},
                                               .ready = ready,
                                               .on_error = failed});
}
