/* examples/31_echo_server.c - a TCP server on every loop, and a client to try it with.
 *
 * A server by itself is the handler and one line:
 *
 *     return roost_tcp_serve("127.0.0.1:7000", echo, NULL);
 *
 * It runs until it is asked to stop, by SIGTERM for instance. Here the client asks.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

ROOST_ASYNC(echo, roost_stream *, conn)
{
    char buf[4096];
    int64_t n;
    while ((n = roost_read(conn, buf, sizeof buf)) > 0)
        ROOST_TRY(roost_write_all(conn, buf, (size_t)n));
    return (int)n; /* 0 is the end of the stream; the server closes conn */
}

/* Where the server listens, once it does. */
struct place {
    roost_event open;
    char address[ROOST_ADDRESS_TEXT_MAX];
};

static void opened(void *arg, const char *address)
{
    struct place *place = arg;
    snprintf(place->address, sizeof place->address, "%s", address);
    roost_event_set(&place->open);
}

ROOST_ASYNC(serve, struct place *, place)
{
    return roost_tcp_serve("127.0.0.1:0", echo, /* port 0: a free one */
                           &(roost_serve_opts){.ready = opened, .ready_arg = place});
}

static ROOST_SUSPENDS int talk(struct place *place)
{
    static const char *const words[] = {"hello\n", "how are you\n", "bye\n"};
    ROOST_AUTO(stream) roost_stream *conn = NULL;
    roost_bytes line;
    ROOST_TRY(roost_event_wait(&place->open));
    ROOST_TRY(roost_tcp_connect(place->address, NULL, &conn));
    for (int i = 0; i < 3; i++) {
        ROOST_TRY(roost_write_all(conn, words[i], strlen(words[i])));
        ROOST_TRY(roost_read_line(conn, &line));
        printf("%.*s\n", (int)line.len, line.data);
    }
    return 0;
}

ROOST_MAIN(argc, argv)
{
    struct place place = {0};
    int rc = 0;
    (void)argc;
    (void)argv;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve, &place);
        rc = talk(&place);
        roost_group_shutdown(g, ROOST_SEC(1));
    }
    return rc;
}
