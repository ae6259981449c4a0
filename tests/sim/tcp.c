/* tests/sim/tcp.c - a server and its clients on networks that lose, cut, reset and dribble.
 *
 * Each client sends what its number says in pieces of any size, says that it is done, and reads the
 * echo to its end. Oracles: what comes back is what was sent, as far as it comes; on a good network
 * all of it comes; on a bad one a client ends by one of the codes a connection may end by; the
 * server ends when it is asked to, with nothing of its connections left.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>
#include <roost/testing_stream.h>

#include "kit/world.h"

enum { CLIENTS = 6, BYTES_MAX = 9000, PIECE_MAX = 1500 };

struct storm {
    uint64_t rng;
    roost_event open;
    char address[ROOST_ADDRESS_TEXT_MAX];
    int whole; /* clients that got everything back */
    int ended; /* clients */
    int served;
    roost_serve_stats stats;
};

static size_t draw(struct storm *storm, size_t bound)
{
    return (size_t)kit_draw(&storm->rng, "tcp", bound);
}

static unsigned char byte_at(int client, size_t at)
{
    return (unsigned char)(at * 31 + (size_t)client * 7 + (at >> 8));
}

/* -- the server -------------------------------------------------------------------------------- */

ROOST_ASYNC(echo, roost_stream *, conn, struct storm *, storm)
{
    char buf[700];
    int64_t n;
    while ((n = roost_read(conn, buf, 1 + draw(storm, sizeof buf))) > 0) {
        if (draw(storm, 8) == 0)
            ROOST_TRY(roost_sleep(ROOST_US(300)));
        ROOST_TRY(roost_write_all(conn, buf, (size_t)n));
    }
    storm->served += n == 0;
    return (int)n;
}

static void opened(void *arg, const char *address)
{
    struct storm *storm = arg;
    snprintf(storm->address, sizeof storm->address, "%s", address);
    roost_event_set(&storm->open);
}

static int ignore(void *arg, const roost_error *error, const char *peer)
{
    (void)arg;
    (void)error;
    (void)peer;
    return 0;
}

ROOST_ASYNC(serve, struct storm *, storm)
{
    roost_serve_opts opts = {.ready = opened,
                             .ready_arg = storm,
                             .on_error = ignore,
                             .grace = ROOST_SEC(5),
                             .connections_max = CLIENTS - 2,
                             .stats = &storm->stats};
    return roost_tcp_serve_call("127.0.0.1:0", ROOST_HANDLER(echo, storm), &opts);
}

/* -- clients ----------------------------------------------------------------------------------- */

ROOST_ASYNC(send_all, struct storm *, storm, roost_stream *, conn, int, client, size_t, total)
{
    unsigned char piece[PIECE_MAX];
    for (size_t at = 0; at < total;) {
        size_t n = 1 + draw(storm, PIECE_MAX);
        n = n < total - at ? n : total - at;
        for (size_t i = 0; i < n; i++)
            piece[i] = byte_at(client, at + i);
        ROOST_TRY(roost_write_all(conn, piece, n));
        at += n;
    }
    return roost_write_end(conn);
}

static int read_back(struct storm *storm, roost_stream *conn, int client, size_t total)
{
    unsigned char piece[PIECE_MAX];
    size_t at = 0;
    int64_t n;
    while ((n = roost_read(conn, piece, 1 + draw(storm, PIECE_MAX))) > 0) {
        for (int64_t i = 0; i < n; i++, at++)
            CHECK_ALWAYS(at < total && piece[i] == byte_at(client, at));
    }
    return n < 0 ? (int)n : at == total ? 0 : ROOST_EEOF;
}

static int exchange(struct storm *storm, roost_stream *conn, int client)
{
    size_t total = draw(storm, BYTES_MAX);
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_all, storm, conn, client, total);
        rc = read_back(storm, conn, client, total);
    }
    return rc;
}

static bool may_end(int rc)
{
    switch (rc) {
    case 0:
    case -ECONNRESET:
    case -ECONNREFUSED:
    case -ENOTCONN: /* of saying the end to somebody who has gone */
    case -EPIPE:
    case -ETIMEDOUT:
    case ROOST_ETIMEDOUT:
    case ROOST_EEOF: /* the server's own writing failed */
    case ROOST_EBROKEN:
        return true;
    default:
        return false;
    }
}

ROOST_ASYNC(client, struct storm *, storm, int, number)
{
    ROOST_AUTO(stream) roost_stream *conn = NULL;
    int rc = roost_event_wait(&storm->open);
    if (rc == 0)
        rc = roost_tcp_connect(storm->address, NULL, &conn);
    if (rc == 0)
        rc = ROOST_WITHIN(ROOST_SEC(30), exchange(storm, conn, number));
    CHECK(may_end(rc));
    storm->whole += rc == 0;
    storm->ended++;
    return 0;
}

ROOST_ASYNC(storm_run, struct storm *, storm)
{
    int rc = 0, clients = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve, storm);
        ROOST_GROUP(inner, clients) {
            for (int i = 0; i < CLIENTS; i++)
                ROOST_GO(inner, client, storm, i);
        }
        roost_group_shutdown(g, ROOST_SEC(60));
    }
    CHECK_EQ(0, clients);
    CHECK_EQ(0, rc);
    CHECK_EQ(CLIENTS, storm->ended);
    return 0;
}

static void storm_try(const struct kit_disturbance *wanted, bool good)
{
    struct storm storm = {0};
    kit_disturb(wanted);
    CHECK_EQ(0, roost_test_run(ROOST_CALL(storm_run, &storm), NULL));
    if (good) {
        CHECK_EQ(CLIENTS, storm.whole);
        CHECK_EQ(CLIENTS, storm.served);
        CHECK_EQ(CLIENTS, storm.stats.accepted);
        CHECK_EQ(0, storm.stats.failed);
    }
}

ROOST_TEST(everything_comes_back, .plain = true)
{
    storm_try(&(struct kit_disturbance){0}, true);
}

ROOST_TEST(everything_comes_back_in_dribbles, .plain = true)
{
    storm_try(&(struct kit_disturbance){.again = 900, .shorter = 900, .late = 300}, true);
}

ROOST_TEST(everything_comes_back_late_and_from_behind_partitions, .plain = true)
{
    storm_try(&(struct kit_disturbance){.delay = 400, .late = 500, .apart = 500}, true);
}

ROOST_TEST(a_network_that_loses_ends_connections_and_nothing_else, .plain = true)
{
    storm_try(&(struct kit_disturbance){.loss = 30, .apart = 200, .again = 100}, false);
}

ROOST_TEST(sockets_that_fail_end_connections_and_nothing_else, .plain = true)
{
    storm_try(&(struct kit_disturbance){.loss = 5, .delay = 100, .shorter = 200, .late = 500},
              false);
}

/* -- the contract of streams, over TCP that is disturbed --------------------------------------- */

static int make_tcp(void *arg, roost_stream **a, roost_stream **b)
{
    roost_listener *listener;
    roost_stream *end = NULL;
    char address[ROOST_ADDRESS_TEXT_MAX];
    (void)arg;
    ROOST_TRY(roost_tcp_listen("127.0.0.1:0", NULL, &listener));
    int rc = roost_listener_address(listener, address, sizeof address);
    if (rc >= 0)
        rc = roost_tcp_connect(address, NULL, &end);
    if (rc == 0)
        rc = roost_listener_accept(listener, b);
    (void)roost_listener_close(listener);
    if (rc < 0)
        roost_stream_abort(end);
    else
        *a = end;
    return rc;
}

ROOST_ASYNC(contract)
{
    roost_check_stream(make_tcp, NULL, 0);
    return 0;
}

ROOST_TEST(the_contract_holds_byte_by_byte, .plain = true)
{
    kit_disturb(&(struct kit_disturbance){.again = 300, .shorter = 900, .late = 300});
    CHECK_EQ(0, roost_test_run(ROOST_CALL(contract), NULL));
}

ROOST_TEST(the_contract_holds_when_nothing_is_ready, .plain = true)
{
    kit_disturb(&(struct kit_disturbance){.again = 900, .delay = 200, .late = 500});
    CHECK_EQ(0, roost_test_run(ROOST_CALL(contract), NULL));
}
