/* tests/unit/io/test_udp.c - datagrams; ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/testing.h>

/* What under torture may never come is waited for a while only. */
#define SOON(call) ROOST_WITHIN(ROOST_SEC(1), call)

/* Two sockets, the first with the second as its remote. */
struct two {
    roost_udp *first;
    roost_udp *second;
    char address[ROOST_ADDRESS_TEXT_MAX];
};

static int two_open(struct two *two, const char *at)
{
    *two = (struct two){0};
    ROOST_TRY(roost_udp_open(at, NULL, &two->second));
    ROOST_TRY(roost_udp_address(two->second, two->address, sizeof two->address));
    return roost_udp_open(NULL, &(roost_udp_opts){.remote = two->address}, &two->first);
}

static void two_close(struct two *two)
{
    (void)roost_udp_close(two->first);
    (void)roost_udp_close(two->second);
}

static void check_talk(const char *at)
{
    struct two two;
    char buf[16] = "";
    roost_datagram in = {.data = buf, .size = sizeof buf};
    int rc = two_open(&two, at);
    CHECK_OK(rc);
    if (rc == 0) {
        CHECK_OK(roost_udp_send(two.first, "hello", 5));
        CHECK_OK(SOON(roost_udp_recv(two.second, &in)));
        CHECK_EQ(5, in.len);
        CHECK_EQ(5, in.full_len);
        CHECK_STR("hello", buf);
        char ours[ROOST_ADDRESS_TEXT_MAX], theirs[ROOST_ADDRESS_TEXT_MAX];
        CHECK_OK(roost_udp_address(two.first, ours, sizeof ours));
        CHECK_OK(roost_address_format(&in.from, theirs, sizeof theirs));
        CHECK_EQ(-ENAMETOOLONG, roost_udp_address(two.first, ours, 4));
        CHECK_OK(roost_udp_send_to(two.second, &in.from, "back", 5));
        CHECK_OK(SOON(roost_udp_recv(two.first, &in)));
        CHECK_STR("back", buf);
        CHECK_OK(roost_address_format(&in.from, theirs, sizeof theirs));
        CHECK_STR(two.address, theirs);
    }
    two_close(&two);
}

ROOST_TEST(datagrams_go_there_and_back)
{
    check_talk("127.0.0.1:0");
}

ROOST_TEST(datagrams_of_the_sixth_version_too)
{
    check_talk("[::1]:0");
}

ROOST_TEST(a_datagram_too_long_for_its_place_says_how_long_it_was)
{
    struct two two;
    char buf[4] = "xxxx";
    roost_datagram in = {.data = buf, .size = 3};
    int rc = two_open(&two, "127.0.0.1:0");
    CHECK_OK(rc);
    if (rc == 0) {
        CHECK_OK(roost_udp_send(two.first, "longer", 6));
        CHECK_OK(SOON(roost_udp_recv(two.second, &in)));
        CHECK_EQ(3, in.len);
        CHECK_EQ(6, in.full_len);
        CHECK_EQ(0, memcmp(buf, "lonx", 4));
        CHECK_OK(roost_udp_send(two.first, NULL, 0));
        CHECK_OK(SOON(roost_udp_recv(two.second, &in)));
        CHECK_EQ(0, in.len);
        CHECK_EQ(0, in.full_len);
    }
    two_close(&two);
}

ROOST_TEST(those_that_are_there_come_together)
{
    struct two two;
    char bufs[4][8];
    roost_datagram in[4];
    int rc = two_open(&two, "127.0.0.1:0");
    CHECK_OK(rc);
    for (int i = 0; i < 4; i++)
        in[i] = (roost_datagram){.data = bufs[i], .size = sizeof bufs[i]};
    for (int i = 0; rc == 0 && i < 3; i++)
        rc = roost_udp_send(two.first, "x", 1);
    if (rc == 0)
        rc = roost_sleep(ROOST_MS(5));
    if (rc == 0)
        CHECK_EQ(3, SOON(roost_udp_recv_many(two.second, in, 4)));
    if (rc == 0)
        CHECK_EQ(ROOST_EINVAL, SOON(roost_udp_recv_many(two.second, in, 0)));
    CHECK_EQ(0, rc);
    two_close(&two);
}

ROOST_TEST(nobody_there_is_told_to_who_has_a_remote)
{
    struct two two;
    char buf[4];
    roost_datagram in = {.data = buf, .size = sizeof buf};
    int rc = two_open(&two, "127.0.0.1:0");
    CHECK_OK(rc);
    (void)roost_udp_close(two.second);
    two.second = NULL;
    if (rc == 0) {
        CHECK_OK(roost_udp_send(two.first, "x", 1));
        CHECK_EQ(-ECONNREFUSED, SOON(roost_udp_recv(two.first, &in)));
    }
    two_close(&two);
}

ROOST_TEST(what_cannot_be_sent_or_opened_says_why)
{
    static char long_one[70000];
    roost_udp *udp = NULL;
    roost_address to;
    CHECK_EQ(ROOST_EINVAL, roost_udp_open(NULL, NULL, &udp));
    CHECK_EQ(ROOST_EINVAL, roost_udp_open("nowhere", NULL, &udp));
    CHECK_EQ(ROOST_EINVAL, roost_udp_open("/path", NULL, &udp));
    CHECK_OK(roost_udp_open("127.0.0.1:0", &(roost_udp_opts){.reuse_port = true, .broadcast = true},
                            &udp));
    if (!udp)
        return;
    CHECK_EQ(-EDESTADDRREQ, roost_udp_send(udp, "x", 1));
    CHECK_EQ(ROOST_EINVAL, roost_udp_send_to(udp, &(roost_address){0}, "x", 1));
    CHECK_OK(roost_address_parse("[::1]:9", &to));
    CHECK_EQ(-EAFNOSUPPORT, roost_udp_send_to(udp, &to, "x", 1));
    CHECK_OK(roost_address_parse("127.0.0.1:9", &to));
    CHECK_EQ(-EMSGSIZE, roost_udp_send_to(udp, &to, long_one, sizeof long_one));
    (void)roost_udp_close(udp);
    CHECK_EQ(0, roost_udp_close(NULL));
}

ROOST_ASYNC(receive_into, roost_udp *, udp, int *, result)
{
    char buf[4];
    roost_datagram in = {.data = buf, .size = sizeof buf};
    *result = roost_udp_recv(udp, &in);
    return 0;
}

ROOST_TEST(one_task_receives_at_a_time_and_may_be_cancelled)
{
    struct two two;
    char buf[4];
    roost_datagram in = {.data = buf, .size = sizeof buf};
    int rc = two_open(&two, "127.0.0.1:0"), result = 1, second = 0;
    CHECK_OK(rc);
    if (rc == 0) {
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, receive_into, two.second, &result);
            rc = roost_test_settle();
            if (rc == 0)
                second = SOON(roost_udp_recv(two.second, &in));
            roost_group_cancel(g, "test");
        }
        CHECK_EQ(0, rc);
        CHECK_EQ(ROOST_EBUSY, second);
        CHECK_EQ(ROOST_ECANCELED, result);
        CHECK_OK(roost_udp_send(two.first, "x", 1));
        CHECK_OK(SOON(roost_udp_recv(two.second, &in)));
    }
    two_close(&two);
}
