/* tests/behaviour/sockets.c - behaviours B81, B83, B90 and B92 of sockets.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/testing_stream.h>

#include "kit/behaviour.h"
#include "kit/world.h"

/* -- B92: sockets keep the contract of streams ------------------------------------------------- */

/* A connection of which both ends are here. */
static int make_connected(roost_listener *listener, int (*connect)(const char *, roost_stream **),
                          roost_stream **a, roost_stream **b)
{
    char address[ROOST_ADDRESS_TEXT_MAX];
    roost_stream *end = NULL;
    int rc = roost_listener_address(listener, address, sizeof address);
    if (rc >= 0)
        rc = connect(address, &end);
    if (rc == 0)
        rc = roost_listener_accept(listener, b);
    if (rc < 0)
        roost_stream_abort(end);
    else
        *a = end;
    (void)roost_listener_close(listener);
    return rc;
}

static int connect_tcp(const char *address, roost_stream **stream)
{
    return roost_tcp_connect(address, NULL, stream);
}

static int make_tcp(void *arg, roost_stream **a, roost_stream **b)
{
    roost_listener *listener;
    ROOST_TRY(roost_tcp_listen(arg, NULL, &listener));
    return make_connected(listener, connect_tcp, a, b);
}

static int make_unix(void *arg, roost_stream **a, roost_stream **b)
{
    roost_listener *listener;
    ROOST_TRY(roost_unix_listen(arg, NULL, &listener));
    return make_connected(listener, roost_unix_connect, a, b);
}

static int make_pair(void *arg, roost_stream **a, roost_stream **b)
{
    (void)arg;
    return roost_unix_pair(a, b);
}

BEHAVIOUR(92, tcp_keeps_the_contract)
{
    static char address[] = "127.0.0.1:0";
    roost_check_stream(make_tcp, address, 0);
}

BEHAVIOUR(92, tcp_of_the_sixth_version_keeps_the_contract)
{
    static char address[] = "[::1]:0";
    roost_check_stream(make_tcp, address, 0);
}

BEHAVIOUR(92, a_unix_socket_keeps_the_contract)
{
    char name[64];
    kit_socket_name(name, sizeof name);
    roost_check_stream(make_unix, name, 0);
}

BEHAVIOUR(92, a_pair_of_unix_sockets_keeps_the_contract)
{
    roost_check_stream(make_pair, NULL, 0);
}

/* -- B81: closing under a wait ----------------------------------------------------------------- */

ROOST_ASYNC(accept_one, roost_listener *, listener, int *, result)
{
    roost_stream *stream = NULL;
    *result = roost_listener_accept(listener, &stream);
    return roost_stream_close(stream);
}

ROOST_ASYNC(read_one, roost_stream *, stream, int64_t *, result)
{
    char byte;
    *result = roost_read(stream, &byte, 1);
    return 0;
}

ROOST_ASYNC(receive_one, roost_udp *, udp, int *, result)
{
    char bytes[8];
    roost_datagram datagram = {.data = bytes, .size = sizeof bytes};
    *result = roost_udp_recv(udp, &datagram);
    return 0;
}

ROOST_ASYNC(wait_one, int, fd, int *, result)
{
    *result = roost_fd_wait_readable(fd);
    return 0;
}

BEHAVIOUR(81, closing_a_listener_wakes_who_accepts)
{
    roost_listener *listener = NULL;
    int result = 0, rc = 0;
    CHECK_OK(roost_tcp_listen("127.0.0.1:0", NULL, &listener));
    if (!listener)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, accept_one, listener, &result);
        rc = roost_test_settle();
        if (rc == 0) { /* else nobody waits yet */
            (void)roost_listener_close(listener);
            listener = NULL;
        }
    }
    (void)roost_listener_close(listener);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECLOSED, result);
}

BEHAVIOUR(81, closing_a_socket_wakes_its_reader)
{
    static char address[] = "127.0.0.1:0";
    roost_stream *a = NULL, *b = NULL;
    int64_t result = 0;
    int rc = 0;
    CHECK_OK(make_tcp(address, &a, &b));
    if (!a)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_one, a, &result);
        rc = roost_test_settle();
        if (rc == 0) { /* else nobody waits yet */
            (void)roost_stream_close(a);
            a = NULL;
        }
    }
    (void)roost_stream_close(a);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECLOSED, result);
    (void)roost_stream_close(b);
}

BEHAVIOUR(81, closing_a_datagram_socket_wakes_who_receives)
{
    roost_udp *udp = NULL;
    int result = 0, rc = 0;
    CHECK_OK(roost_udp_open("127.0.0.1:0", NULL, &udp));
    if (!udp)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, receive_one, udp, &result);
        rc = roost_test_settle();
        if (rc == 0) { /* else nobody waits yet */
            (void)roost_udp_close(udp);
            udp = NULL;
        }
    }
    (void)roost_udp_close(udp);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECLOSED, result);
}

BEHAVIOUR(81, closing_a_descriptor_wakes_who_waits_for_it)
{
    roost_stream *a = NULL, *b = NULL;
    int fd = -1, rc = 0;
    int results[2] = {0, 0};
    CHECK_OK(roost_unix_pair(&a, &b));
    if (a)
        CHECK_OK(roost_stream_attr(a, ROOST_ATTR_FD, &fd, sizeof fd));
    for (int i = 0; i < 2 && fd >= 0; i++) {
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, wait_one, fd, &results[i]);
            rc = roost_test_settle();
            (void)roost_fd_closing(fd);
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(ROOST_ECLOSED, results[i]);
    }
    (void)roost_stream_close(a);
    (void)roost_stream_close(b);
}

/* -- servers ----------------------------------------------------------------------------------- */

/* What a server's clients need to know. */
struct place {
    roost_event open;
    char address[ROOST_ADDRESS_TEXT_MAX];
    int handled; /* connections that have ended */
};

static void place_opened(void *arg, const char *address)
{
    struct place *place = arg;
    memcpy(place->address, address, strlen(address) + 1);
    roost_event_set(&place->open);
}

ROOST_ASYNC(echo, roost_stream *, conn, struct place *, place)
{
    char buf[64];
    int64_t n;
    while ((n = roost_read(conn, buf, sizeof buf)) > 0) {
        n = roost_write_all(conn, buf, (size_t)n);
        if (n < 0)
            break;
    }
    place->handled++;
    return (int)n;
}

ROOST_ASYNC(serve_echo, struct place *, place, roost_serve_opts *, opts, int *, result)
{
    opts->ready = place_opened;
    opts->ready_arg = place;
    *result = roost_tcp_serve_call("127.0.0.1:0", ROOST_HANDLER(echo, place), opts);
    roost_event_set(&place->open); /* whoever waits for it shall not wait for ever */
    return *result;
}

/* Sends a word and waits for it to come back. */
static int echo_once(roost_stream *conn)
{
    char back[5];
    ROOST_TRY(roost_write_all(conn, "hello", 5));
    ROOST_TRY(roost_read_exact(conn, back, 5, NULL));
    return memcmp(back, "hello", 5) == 0 ? 0 : -EBADMSG;
}

static int place_connect(struct place *place, roost_stream **conn)
{
    ROOST_TRY(roost_event_wait(&place->open));
    ROOST_TRY(roost_tcp_connect(place->address, NULL, conn));
    return 0;
}

static int place_visit(struct place *place, roost_stream **conn)
{
    ROOST_TRY(place_connect(place, conn));
    return echo_once(*conn);
}

BEHAVIOUR(83, a_server_survives_that_no_descriptor_is_left)
{
    struct place place = {0};
    roost_serve_stats stats = {0};
    roost_serve_opts opts = {.stats = &stats};
    roost_stream *conns[4] = {0};
    int64_t turned_away = 1;
    int rc = 0, result = 1;
    char byte;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve_echo, &place, &opts, &result);
        rc = roost_event_wait(&place.open);
        kit_fd_limit(5); /* two connections, and a half */
        for (int i = 0; i < 2 && rc == 0; i++)
            rc = place_visit(&place, &conns[i]);
        /* The reset may overtake the answer to the request. */
        if (rc == 0)
            turned_away = place_connect(&place, &conns[2]);
        if (turned_away == 0)
            turned_away = ROOST_WITHIN(ROOST_SEC(2), roost_read(conns[2], &byte, 1));
        (void)roost_stream_close(conns[0]);
        (void)roost_stream_close(conns[2]);
        for (int i = 0; rc == 0 && place.handled < 1 && i < 2000; i++)
            rc = roost_sleep(ROOST_MS(1));
        if (rc == 0)
            rc = place_visit(&place, &conns[3]);
        kit_fd_limit(0);
        roost_group_shutdown(g, ROOST_SEC(60));
        (void)roost_stream_close(conns[1]);
        (void)roost_stream_close(conns[3]);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, result);
    CHECK(turned_away == 0 || turned_away == -ECONNRESET);
    CHECK_EQ(3, stats.accepted);
    CHECK_EQ(1, stats.turned_off);
}

/* A server whose first accept fails with this code. */
ROOST_ASYNC(serve_broken, int, code)
{
    struct place place = {0};
    roost_listener *listener = NULL;
    ROOST_TRY(roost_tcp_listen("127.0.0.1:0", NULL, &listener));
    kit_fail_accept(code);
    return ROOST_WITHIN(ROOST_MS(200),
                        roost_serve_call(listener, ROOST_HANDLER(echo, &place), NULL));
}

BEHAVIOUR(83, an_error_that_is_no_connections_fault_ends_a_server, .plain = true)
{
    kit_disturb(&(struct kit_disturbance){0});
    CHECK_EQ(-EINVAL, roost_test_run(ROOST_CALL(serve_broken, -EINVAL), NULL));
}

BEHAVIOUR(83, an_error_of_one_connection_ends_no_server, .plain = true)
{
    static const int codes[] = {-ECONNABORTED, -EPROTO, -ENETDOWN, -ENOBUFS, -ENFILE};
    kit_disturb(&(struct kit_disturbance){0});
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        CHECK_EQ(ROOST_ETIMEDOUT, roost_test_run(ROOST_CALL(serve_broken, codes[i]), NULL));
}

BEHAVIOUR(90, a_server_with_idle_clients_ends_within_its_grace)
{
    struct place place = {0};
    roost_serve_stats stats = {0};
    roost_serve_opts opts = {.grace = ROOST_MS(20), .stats = &stats};
    roost_stream *conns[3] = {0};
    int rc = 0, result = 1;
    roost_time asked = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve_echo, &place, &opts, &result);
        for (int i = 0; i < 3 && rc == 0; i++)
            rc = place_visit(&place, &conns[i]);
        asked = roost_now();
        roost_group_shutdown(g, ROOST_SEC(60));
    }
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(20), roost_now() - asked);
    CHECK_EQ(0, rc);
    CHECK_EQ(0, result);
    CHECK_EQ(3, stats.accepted);
    CHECK_EQ(3, stats.cancelled);
    CHECK_EQ(3, place.handled);
    for (int i = 0; i < 3; i++)
        (void)roost_stream_close(conns[i]);
}

BEHAVIOUR(90, a_server_that_stops_lets_handlers_finish_and_refuses_newcomers)
{
    struct place place = {0};
    roost_serve_stats stats = {0};
    roost_serve_opts opts = {.stats = &stats};
    roost_stream *conn = NULL, *late = NULL;
    int rc = 0, result = 1, refused = 0, echoed = 1;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve_echo, &place, &opts, &result);
        rc = place_visit(&place, &conn);
        roost_group_shutdown(g, ROOST_SEC(60));
        if (rc == 0)
            rc = roost_test_settle();
        if (rc == 0) {
            refused = place_connect(&place, &late);
            echoed = echo_once(conn);
        }
        (void)roost_stream_close(conn);
        (void)roost_stream_close(late);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, result);
    CHECK_EQ(-ECONNREFUSED, refused);
    CHECK_EQ(0, echoed);
    CHECK_EQ(1, stats.accepted);
    CHECK_EQ(0, stats.cancelled);
}

BEHAVIOUR(90, a_cancelled_server_has_cancelled_and_joined_its_handlers)
{
    struct place place = {0};
    roost_serve_opts opts = {0};
    roost_stream *conn = NULL;
    int rc = 0, result = 1;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve_echo, &place, &opts, &result);
        rc = place_visit(&place, &conn);
        roost_group_cancel(g, "test");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, result);
    CHECK_EQ(1, place.handled);
    (void)roost_stream_close(conn);
}
