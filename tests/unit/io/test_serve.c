/* tests/unit/io/test_serve.c - servers; ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>
#include <roost/testing.h>

/* What a server's clients need to know, and what its handlers leave behind. */
struct place {
    roost_event open;
    char address[ROOST_ADDRESS_TEXT_MAX];
    int live;
    int live_max;
    int errors;
    int error_code;
    char peer[ROOST_ADDRESS_TEXT_MAX];
    int verdict; /* what on_error answers */
    int wrap_rc;
    int result; /* of serving */
};

static void opened(void *arg, const char *address)
{
    struct place *place = arg;
    snprintf(place->address, sizeof place->address, "%s", address);
    roost_event_set(&place->open);
}

static int failed(void *arg, const roost_error *error, const char *peer)
{
    struct place *place = arg;
    place->errors++;
    place->error_code = error->code;
    snprintf(place->peer, sizeof place->peer, "%s", peer);
    return place->verdict;
}

static int wrap(void *arg, roost_stream *raw, roost_stream **stream)
{
    const struct place *place = arg;
    if (place->wrap_rc < 0)
        return place->wrap_rc;
    *stream = raw;
    return 0;
}

/* Echoes; "!" makes it fail: one byte, which no network brings in pieces. */
ROOST_ASYNC(echo, roost_stream *, conn, struct place *, place)
{
    char buf[32];
    int64_t n;
    if (++place->live > place->live_max)
        place->live_max = place->live;
    while ((n = roost_read(conn, buf, sizeof buf)) > 0) {
        if (buf[0] == '!')
            n = -EDOM;
        else
            n = roost_write_all(conn, buf, (size_t)n);
        if (n < 0)
            break;
    }
    place->live--;
    return (int)n;
}

ROOST_ASYNC(serve, struct place *, place, roost_serve_opts, opts)
{
    opts.ready = opened;
    opts.ready_arg = place;
    place->result = roost_tcp_serve_call("127.0.0.1:0", ROOST_HANDLER(echo, place), &opts);
    roost_event_set(&place->open);
    return 0;
}

static int visit(struct place *place, roost_stream **conn)
{
    char back[2];
    ROOST_TRY(roost_event_wait(&place->open));
    ROOST_TRY(roost_tcp_connect(place->address, NULL, conn));
    ROOST_TRY(roost_write_all(*conn, "hi", 2));
    return roost_read_exact(*conn, back, 2, NULL);
}

ROOST_ASYNC(visit_and_go, struct place *, place)
{
    roost_stream *conn = NULL;
    int rc = visit(place, &conn);
    if (rc == 0)
        rc = roost_sleep(ROOST_MS(1));
    (void)roost_stream_close(conn);
    return rc;
}

ROOST_TEST(no_more_connections_than_the_bound_are_served_at_once)
{
    struct place place = {.result = 1};
    roost_serve_stats stats = {0};
    roost_serve_opts opts = {.connections_max = 2, .stats = &stats};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        int all = 0;
        ROOST_GO(g, serve, &place, opts);
        ROOST_GROUP(clients, all) {
            for (int i = 0; i < 7; i++)
                ROOST_GO(clients, visit_and_go, &place);
        }
        rc = all;
        roost_group_shutdown(g, ROOST_SEC(60));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, place.result);
    CHECK_EQ(2, place.live_max);
    CHECK_EQ(7, stats.accepted);
    CHECK_EQ(2, stats.served_max);
    CHECK_EQ(0, stats.failed + stats.cancelled + stats.turned_off);
}

/* One connection that makes its handler fail. */
static int fail_once(struct place *place, roost_serve_opts opts)
{
    int rc = 0;
    char byte;
    opts.on_error_arg = place;
    ROOST_GROUP(g, rc) {
        roost_stream *conn = NULL;
        ROOST_GO(g, serve, place, opts);
        rc = visit(place, &conn);
        if (rc == 0)
            rc = roost_write_all(conn, "!", 1);
        if (rc == 0)
            rc = (int)roost_read(conn, &byte, 1);
        (void)roost_stream_close(conn);
        conn = NULL;
        if (rc == 0 && place->verdict == 0)
            rc = visit(place, &conn);
        (void)roost_stream_close(conn);
        roost_group_shutdown(g, ROOST_SEC(60));
    }
    return rc;
}

ROOST_TEST(a_handlers_error_is_told_with_its_peer_and_the_server_goes_on)
{
    struct place place = {.result = 1};
    roost_serve_stats stats = {0};
    CHECK_EQ(0, fail_once(&place, (roost_serve_opts){.on_error = failed, .stats = &stats}));
    CHECK_EQ(0, place.result);
    CHECK_EQ(1, place.errors);
    CHECK_EQ(-EDOM, place.error_code);
    CHECK_EQ(0, strncmp(place.peer, "127.0.0.1:", 10));
    CHECK_EQ(2, stats.accepted);
    CHECK_EQ(1, stats.failed);
}

ROOST_TEST(by_default_an_error_is_one_line)
{
    struct place place = {.result = 1};
    CHECK_EQ(0, fail_once(&place, (roost_serve_opts){.label = "test"}));
    CHECK_EQ(0, place.result);
}

ROOST_TEST(on_error_may_end_the_server)
{
    struct place place = {.result = 1, .verdict = -EIO};
    CHECK_EQ(0, fail_once(&place, (roost_serve_opts){.on_error = failed}));
    CHECK_EQ(-EIO, place.result);
}

ROOST_TEST(what_is_put_above_the_connection_may_fail)
{
    struct place place = {.result = 1, .wrap_rc = -EPROTO};
    roost_serve_opts opts = {
        .wrap = wrap, .wrap_arg = &place, .on_error = failed, .on_error_arg = &place};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_stream *conn = NULL;
        ROOST_GO(g, serve, &place, opts);
        int first = visit(&place, &conn);
        CHECK(first < 0);
        (void)roost_stream_close(conn);
        conn = NULL;
        place.wrap_rc = 0;
        rc = visit(&place, &conn);
        (void)roost_stream_close(conn);
        roost_group_shutdown(g, ROOST_SEC(60));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, place.errors);
    CHECK_EQ(-EPROTO, place.error_code);
}

struct wide {
    char bytes[4000];
};

ROOST_ASYNC(wide_handler, roost_stream *, conn, struct wide, wide)
{
    (void)conn;
    return wide.bytes[0];
}

ROOST_TEST(a_server_that_cannot_begin_says_why)
{
    struct wide wide = {{0}};
    struct place place = {0};
    roost_listener *listener = NULL;
    CHECK_EQ(ROOST_EINVAL, roost_tcp_serve_call("here", ROOST_HANDLER(echo, &place), NULL));
    CHECK_EQ(ROOST_EINVAL,
             roost_tcp_serve_call("127.0.0.1:0", ROOST_HANDLER(wide_handler, wide), NULL));
    CHECK_OK(roost_tcp_listen("127.0.0.1:0", NULL, &listener));
    if (listener)
        CHECK_EQ(ROOST_EINVAL, roost_serve_call(listener, ROOST_HANDLER(wide_handler, wide), NULL));
}

ROOST_TEST(outside_a_run_nothing_is_served, .plain = true)
{
    struct place place = {0};
    CHECK_EQ(ROOST_ENOCTX, roost_tcp_serve_call("127.0.0.1:0", ROOST_HANDLER(echo, &place), NULL));
}

/* -- Unix sockets ------------------------------------------------------------------------------ */

ROOST_ASYNC(one_letter, roost_stream *, conn)
{
    return roost_write_all(conn, "u", 1);
}

ROOST_ASYNC(serve_listener, roost_listener *, listener)
{
    return roost_serve(listener, one_letter, NULL);
}

ROOST_TEST(a_unix_socket_is_served_too)
{
    char name[64], letter = 0;
    int rc = 0;
    roost_listener *listener = NULL;
    snprintf(name, sizeof name, "@roost-serve-%p", (void *)&name);
    CHECK_OK(roost_unix_listen(name, NULL, &listener));
    if (!listener)
        return;
    ROOST_GROUP(g, rc) {
        roost_stream *conn = NULL;
        if (roost_go(g, ROOST_CALL(serve_listener, listener)) < 0)
            (void)roost_listener_close(listener);
        rc = roost_unix_connect(name, &conn);
        if (rc == 0)
            rc = roost_read_exact(conn, &letter, 1, NULL);
        (void)roost_stream_close(conn);
        roost_group_shutdown(g, ROOST_SEC(60));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ('u', letter);
}

/* -- several loops ----------------------------------------------------------------------------- */

ROOST_ASYNC(loop_letter, roost_stream *, conn)
{
    char letter = (char)('0' + roost_loop_index());
    return roost_write_all(conn, &letter, 1);
}

ROOST_ASYNC(serve_letters, struct place *, place, roost_serve_stats *, stats)
{
    place->result =
        roost_tcp_serve("127.0.0.1:0", loop_letter,
                        &(roost_serve_opts){.ready = opened, .ready_arg = place, .stats = stats});
    roost_event_set(&place->open);
    return 0;
}

static int letter_fetch(struct place *place, char *letter)
{
    ROOST_AUTO(stream) roost_stream *conn = NULL;
    ROOST_TRY(roost_tcp_connect(place->address, NULL, &conn));
    return roost_read_exact(conn, letter, 1, NULL);
}

ROOST_TEST(every_loop_serves_and_all_stop, .loops = 3)
{
    struct place place = {.result = 1};
    roost_serve_stats stats = {0};
    int rc = 0, per_loop[3] = {0};
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve_letters, &place, &stats);
        rc = roost_event_wait(&place.open);
        for (int i = 0; rc == 0 && i < 60; i++) {
            char letter = '0';
            rc = letter_fetch(&place, &letter);
            if (rc == 0 && letter >= '0' && letter < '3')
                per_loop[letter - '0']++;
        }
        roost_group_shutdown(g, ROOST_SEC(60));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, place.result);
    CHECK_EQ(60, stats.accepted);
    CHECK_EQ(60, per_loop[0] + per_loop[1] + per_loop[2]);
    if (roost_loop_count() == 3)
        CHECK(per_loop[0] > 0 && per_loop[1] > 0 && per_loop[2] > 0);
}

ROOST_TEST(a_cancelled_server_on_several_loops_is_joined, .loops = 2)
{
    struct place place = {.result = 1};
    roost_serve_stats stats = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve_letters, &place, &stats);
        rc = roost_event_wait(&place.open);
        roost_group_cancel(g, "test");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, place.result);
}
