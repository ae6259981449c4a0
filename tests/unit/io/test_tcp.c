/* tests/unit/io/test_tcp.c - addresses, connections, listeners; ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/testing.h>

#include "kit/world.h"

/* What under torture may never come is waited for a while only. */
#define SOON(call) ROOST_WITHIN(ROOST_SEC(1), call)

/* -- addresses --------------------------------------------------------------------------------- */

static void check_round(const char *text, const char *told, unsigned port)
{
    roost_address address, again;
    char buf[ROOST_ADDRESS_TEXT_MAX];
    CHECK_OK(roost_address_parse(text, &address));
    CHECK_EQ((int)strlen(told), roost_address_format(&address, buf, sizeof buf));
    CHECK_STR(told, buf);
    CHECK_EQ(port, roost_address_port(&address));
    CHECK_OK(roost_address_parse(buf, &again));
    CHECK(roost_address_equal(&address, &again));
    CHECK_EQ(-ENAMETOOLONG, roost_address_format(&address, buf, strlen(told)));
    CHECK_EQ((int)strlen(told), roost_address_format(&address, buf, strlen(told) + 1));
}

ROOST_TEST(an_address_comes_back_as_it_was_written)
{
    check_round("127.0.0.1:7000", "127.0.0.1:7000", 7000);
    check_round("0.0.0.0:0", "0.0.0.0:0", 0);
    check_round("255.255.255.255:65535", "255.255.255.255:65535", 65535);
    check_round("[::1]:80", "[::1]:80", 80);
    check_round("[0:0::0]:1", "[::]:1", 1);
    check_round("[fe80::1%2]:9", "[fe80::1%2]:9", 9);
    check_round("/run/app.sock", "/run/app.sock", 0);
    check_round("./x", "./x", 0);
    check_round("@name", "@name", 0);
    char path[108];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[107] = '\0';
    check_round(path, path, 0);
}

ROOST_TEST(what_is_no_address_is_refused)
{
    static const char *const wrong[] = {"",
                                        "7000",
                                        ":7000",
                                        "127.0.0.1",
                                        "127.0.0.1:",
                                        "1.2.3:80",
                                        "1.2.3.4:65536",
                                        "1.2.3.4:-1",
                                        "1.2.3.4:8x",
                                        "localhost:80",
                                        "[::1]",
                                        "[::1]80",
                                        "[::1:80",
                                        "::1:80",
                                        "[127.0.0.1]:80",
                                        "[::g]:1",
                                        "[::1%lo]:1",
                                        "[::1%]:1",
                                        "@",
                                        "1.2.3.4:+8",
                                        "name",
                                        "1.2.3.4 :80",
                                        "1.2.3.4:000065536"};
    roost_address address;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_EQ(ROOST_EINVAL, roost_address_parse(wrong[i], &address));
    CHECK_EQ(ROOST_EINVAL, roost_address_parse(NULL, &address));
    char path[200];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[108] = '\0';
    CHECK_EQ(-ENAMETOOLONG, roost_address_parse(path, &address));
    memset(path, '1', sizeof path);
    path[0] = '[';
    memcpy(path + 190, "]:80", 5);
    CHECK_EQ(ROOST_EINVAL, roost_address_parse(path, &address));
}

ROOST_TEST(no_address_is_an_empty_text)
{
    roost_address none = {0}, other;
    char buf[4] = "xyz";
    CHECK_EQ(0, roost_address_format(&none, buf, sizeof buf));
    CHECK_STR("", buf);
    CHECK_EQ(0, roost_address_port(&none));
    CHECK_OK(roost_address_parse("127.0.0.1:1", &other));
    CHECK(!roost_address_equal(&none, &other));
}

/* -- connections ------------------------------------------------------------------------------- */

struct pair {
    roost_listener *listener;
    char address[ROOST_ADDRESS_TEXT_MAX];
    roost_stream *ours;
    roost_stream *theirs;
};

static int pair_open(struct pair *pair, const char *at, const roost_tcp_opts *opts,
                     const roost_listen_opts *listen)
{
    *pair = (struct pair){0};
    ROOST_TRY(roost_tcp_listen(at, listen, &pair->listener));
    ROOST_TRY(roost_listener_address(pair->listener, pair->address, sizeof pair->address));
    ROOST_TRY(roost_tcp_connect(pair->address, opts, &pair->ours));
    return SOON(roost_listener_accept(pair->listener, &pair->theirs));
}

static void pair_close(struct pair *pair)
{
    (void)roost_stream_close(pair->ours);
    (void)roost_stream_close(pair->theirs);
    (void)roost_listener_close(pair->listener);
}

ROOST_TEST(a_connection_knows_its_names_and_its_kind)
{
    struct pair pair;
    char local[ROOST_ADDRESS_TEXT_MAX], peer[ROOST_ADDRESS_TEXT_MAX];
    int fd = -1, pid;
    CHECK_OK(pair_open(&pair, "127.0.0.1:0", NULL, NULL));
    if (pair.theirs) {
        CHECK_STR("tcp", roost_stream_kind(pair.ours));
        CHECK_OK(roost_stream_attr(pair.ours, ROOST_ATTR_LOCAL_NAME, local, sizeof local));
        CHECK_OK(roost_stream_attr(pair.theirs, ROOST_ATTR_PEER_NAME, peer, sizeof peer));
        CHECK_STR(local, peer);
        CHECK_OK(roost_stream_attr(pair.ours, ROOST_ATTR_PEER_NAME, peer, sizeof peer));
        CHECK_STR(pair.address, peer);
        CHECK_OK(roost_stream_attr(pair.ours, ROOST_ATTR_FD, &fd, sizeof fd));
        CHECK(fd >= 0);
        CHECK_EQ(ROOST_ENOTSUP,
                 roost_stream_attr(pair.ours, ROOST_ATTR_PEER_PID, &pid, sizeof pid));
        CHECK_EQ(-ENAMETOOLONG, roost_stream_attr(pair.ours, ROOST_ATTR_PEER_NAME, peer, 4));
    }
    pair_close(&pair);
}

ROOST_TEST(every_option_is_taken)
{
    struct pair pair;
    roost_tcp_opts opts = {.local = "127.0.0.1:0",
                           .nodelay = -1,
                           .keepalive = {.idle = ROOST_SEC(60), .count = 3},
                           .user_timeout = ROOST_SEC(30)};
    roost_listen_opts listen = {.backlog = 4,
                                .reuse_port = true,
                                .keepalive = {.idle = ROOST_MS(1), .interval = ROOST_SEC(99999)},
                                .user_timeout = ROOST_US(1)};
    CHECK_OK(pair_open(&pair, "127.0.0.1:0", &opts, &listen));
    pair_close(&pair);
    listen.v6only = true;
    CHECK_OK(pair_open(&pair, "[::1]:0", NULL, &listen));
    pair_close(&pair);
}

ROOST_TEST(nobody_there_is_refused)
{
    roost_listener *listener = NULL;
    roost_stream *stream = NULL;
    char address[ROOST_ADDRESS_TEXT_MAX];
    CHECK_OK(roost_tcp_listen("127.0.0.1:0", NULL, &listener));
    CHECK_OK(listener ? roost_listener_address(listener, address, sizeof address) : 0);
    (void)roost_listener_close(listener);
    if (listener)
        CHECK_EQ(-ECONNREFUSED, roost_tcp_connect(address, NULL, &stream));
    CHECK(stream == NULL);
}

ROOST_TEST(what_is_no_place_to_connect_to_is_refused)
{
    roost_stream *stream = NULL;
    roost_listener *listener = NULL;
    CHECK_EQ(ROOST_EINVAL, roost_tcp_connect("/run/x", NULL, &stream));
    CHECK_EQ(ROOST_EINVAL, roost_tcp_connect("127.0.0.1", NULL, &stream));
    CHECK_EQ(ROOST_EINVAL,
             roost_tcp_connect("127.0.0.1:1", &(roost_tcp_opts){.local = "here"}, &stream));
    CHECK_EQ(ROOST_EINVAL, roost_tcp_listen("@name", NULL, &listener));
    CHECK(!stream && !listener);
    CHECK_EQ(0, roost_listener_close(NULL));
}

ROOST_TEST(an_address_is_listened_at_once_and_again_when_it_is_free)
{
    roost_listener *listener = NULL, *second = NULL;
    char address[ROOST_ADDRESS_TEXT_MAX];
    CHECK_OK(roost_tcp_listen("127.0.0.1:0", NULL, &listener));
    if (!listener)
        return;
    CHECK_OK(roost_listener_address(listener, address, sizeof address));
    CHECK_EQ(-ENAMETOOLONG, roost_listener_address(listener, address, 3));
    CHECK_EQ(-EADDRINUSE, roost_tcp_listen(address, NULL, &second));
    (void)roost_listener_close(listener);
    CHECK_OK(roost_tcp_listen(address, NULL, &second));
    (void)roost_listener_close(second);
}

ROOST_TEST(listeners_share_an_address_when_both_agree)
{
    roost_listen_opts opts = {.reuse_port = true};
    roost_listener *listeners[2] = {0};
    char address[ROOST_ADDRESS_TEXT_MAX];
    CHECK_OK(roost_tcp_listen("127.0.0.1:0", &opts, &listeners[0]));
    if (!listeners[0])
        return;
    CHECK_OK(roost_listener_address(listeners[0], address, sizeof address));
    CHECK_OK(roost_tcp_listen(address, &opts, &listeners[1]));
    for (int i = 0; i < 2; i++)
        (void)roost_listener_close(listeners[i]);
}

ROOST_TEST(an_aborted_connection_is_reset)
{
    struct pair pair;
    char byte;
    CHECK_OK(pair_open(&pair, "127.0.0.1:0", NULL, NULL));
    roost_stream_abort(pair.ours);
    pair.ours = NULL;
    if (pair.theirs) {
        CHECK_EQ(-ECONNRESET, SOON(roost_read(pair.theirs, &byte, 1)));
        char peer[ROOST_ADDRESS_TEXT_MAX]; /* told although the system has forgotten */
        CHECK_OK(roost_stream_attr(pair.theirs, ROOST_ATTR_PEER_NAME, peer, sizeof peer));
    }
    pair_close(&pair);
}

ROOST_TEST(bytes_that_nobody_waited_for_are_read_before_the_end)
{
    enum { BLOCK = 3000, COUNT = 60 };
    static char block[BLOCK], back[BLOCK];
    struct pair pair;
    int rc = pair_open(&pair, "127.0.0.1:0", NULL, NULL);
    memset(block, 'b', sizeof block);
    CHECK_OK(rc);
    /* The first read makes the receive stand; then it is left alone with what comes. */
    if (rc == 0)
        rc = roost_write_all(pair.ours, "a", 1);
    if (rc == 0)
        rc = SOON(roost_read_exact(pair.theirs, back, 1, NULL));
    for (int i = 0; rc == 0 && i < COUNT; i++) {
        rc = ROOST_WITHIN(ROOST_MS(50), roost_write_all(pair.ours, block, BLOCK));
        if (rc == 0 && i % 16 == 15)
            rc = roost_sleep(ROOST_MS(1));
        if (rc == 0 && i % 16 == 15) /* room for the rest */
            for (int k = 0; rc == 0 && k < 16; k++)
                rc = SOON(roost_read_exact(pair.theirs, back, BLOCK, NULL));
    }
    if (rc == 0)
        rc = roost_write_end(pair.ours);
    for (int k = 0; rc == 0 && k < COUNT % 16; k++)
        rc = SOON(roost_read_exact(pair.theirs, back, BLOCK, NULL));
    CHECK_EQ(0, rc);
    CHECK_EQ(0, memcmp(block, back, BLOCK));
    if (rc == 0)
        CHECK_EQ(0, SOON(roost_read(pair.theirs, back, 1)));
    pair_close(&pair);
}

ROOST_TEST(a_reader_that_gave_up_loses_nothing)
{
    struct pair pair;
    char back[6] = "";
    int rc = pair_open(&pair, "127.0.0.1:0", NULL, NULL);
    CHECK_OK(rc);
    if (rc == 0) {
        CHECK_EQ(ROOST_ETIMEDOUT,
                 ROOST_WITHIN(ROOST_MS(1), roost_read(pair.theirs, back, sizeof back)));
        CHECK_OK(roost_write_all(pair.ours, "hello", 5));
        CHECK_OK(SOON(roost_read_exact(pair.theirs, back, 5, NULL)));
        CHECK_STR("hello", back);
    }
    pair_close(&pair);
}

ROOST_TEST(many_pieces_go_out_in_order)
{
    struct pair pair;
    roost_bytes pieces[40];
    char back[41] = "";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN";
    for (int i = 0; i < 40; i++)
        pieces[i] = (roost_bytes){letters + i, i % 3 == 1 ? 0 : 1};
    int rc = pair_open(&pair, "127.0.0.1:0", NULL, NULL);
    CHECK_OK(rc);
    if (rc == 0) {
        CHECK_OK(roost_writev_all(pair.ours, pieces, 40));
        CHECK_OK(SOON(roost_read_exact(pair.theirs, back, 27, NULL)));
        CHECK_STR("acdfgijlmoprsuvxyABDEGHJKMN", back);
    }
    pair_close(&pair);
}

ROOST_ASYNC(accept_into, roost_listener *, listener, roost_stream **, stream, int *, result)
{
    *result = roost_listener_accept(listener, stream);
    return 0;
}

ROOST_TEST(one_task_accepts_at_a_time)
{
    roost_listener *listener = NULL;
    roost_stream *stream = NULL, *other = NULL;
    int rc = 0, result = 1, second = 0;
    CHECK_OK(roost_tcp_listen("127.0.0.1:0", NULL, &listener));
    if (!listener)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, accept_into, listener, &stream, &result);
        rc = roost_test_settle();
        if (rc == 0)
            second = SOON(roost_listener_accept(listener, &other));
        roost_group_cancel(g, "test");
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EBUSY, second);
    CHECK_EQ(ROOST_ECANCELED, result);
    (void)roost_listener_close(listener);
}

ROOST_TEST(outside_a_run_nothing_can_be_opened, .plain = true)
{
    roost_stream *stream;
    roost_listener *listener;
    CHECK_EQ(ROOST_ENOCTX, roost_tcp_connect("127.0.0.1:1", NULL, &stream));
    CHECK_EQ(ROOST_ENOCTX, roost_tcp_listen("127.0.0.1:0", NULL, &listener));
}
