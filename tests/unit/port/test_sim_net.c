/* tests/unit/port/test_sim_net.c - the simulated port: its sockets, pipes and networks.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim.h"

#include <sys/un.h>

#include "unit/port/op_world.h"

/* -- listening and connecting ----------------------------------------------------------------- */

TEST(connect_is_refused_where_nobody_listens_and_the_socket_can_try_again)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        struct sockaddr_in addr = world_addr(80);
        int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(-ECONNREFUSED, world_connect(port, fd, &addr));
        CHECK(world_now(port) >= ROOST_SEC(1000) + 2 * ROOST_US(10)); /* there and back */
        int listener = world_listen(port, &addr, 1);
        CHECK_EQ(0, world_connect(port, fd, &addr));
        CHECK_EQ(-EISCONN, world_connect(port, fd, &addr));
        world_close(port, listener);
        world_close(port, fd);
        world_sim_end(port);
    }
}

TEST(addresses_are_taken_completed_and_shared)
{
    struct roosti_port *port = world_sim(5, NULL);
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    struct sockaddr_in addr = world_addr(0), other = world_addr(0), wild = world_addr(0);
    int one = world_listen(port, &addr, 1);
    int two = world_listen(port, &other, 1);
    CHECK(addr.sin_port != 0 && other.sin_port != 0 && addr.sin_port != other.sin_port);
    CHECK_EQ(-EADDRINUSE, world_try_listen(port, &addr, 1));
    wild.sin_addr.s_addr = INADDR_ANY;
    wild.sin_port = addr.sin_port;
    CHECK_EQ(-EADDRINUSE, world_try_listen(port, &wild, 1));
    world_close(port, one);
    one = world_listen(port, &wild, 1);
    int client = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(0, world_connect(port, client, &addr)); /* meets the wildcard */
    world_close(port, client);
    world_close(port, one);
    world_close(port, two);

    /* Both ask to share: each gets some of the connections. */
    int shared[2], on = 1, seen[2] = {0};
    for (int i = 0; i < 2; i++) {
        shared[i] = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(0, fd_ops->set_option(port, shared[i], SOL_SOCKET, SO_REUSEPORT, &on, sizeof on));
        CHECK_EQ(0, fd_ops->bind(port, shared[i], (struct sockaddr *)&addr, sizeof addr));
        CHECK_EQ(0, fd_ops->listen(port, shared[i], 64));
    }
    for (int i = 0; i < 64; i++) {
        int fd = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(0, world_connect(port, fd, &addr));
        world_close(port, fd);
    }
    for (int i = 0; i < 2; i++) {
        struct world_op accept = WORLD_OP(ACCEPT, shared[i]);
        while (!world_start(port, &accept) || port->ops->wait(port, 0) == 1) {
            world_close(port, (int)accept.op.res);
            seen[i]++;
        }
        world_close(port, shared[i]);
        CHECK_EQ(ROOST_ECLOSED, world_await(port, &accept));
    }
    CHECK_EQ(64, seen[0] + seen[1]);
    CHECK(seen[0] > 8 && seen[1] > 8);
    world_sim_end(port);
}

TEST(unix_and_ipv6_addresses_are_keys_like_any_other)
{
    struct roosti_port *port = world_sim(2, NULL);
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "/run/app"}, back = {0};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(81)};
    int listeners[2] = {fd_ops->socket(port, AF_UNIX, SOCK_STREAM, 0),
                        fd_ops->socket(port, AF_INET6, SOCK_STREAM, 0)};
    CHECK_EQ(0, fd_ops->bind(port, listeners[0], (struct sockaddr *)&un, sizeof un));
    CHECK_EQ(0, fd_ops->bind(port, listeners[1], (struct sockaddr *)&six, sizeof six));
    CHECK_EQ(0, fd_ops->listen(port, listeners[0], 1));
    CHECK_EQ(0, fd_ops->listen(port, listeners[1], 1));
    six.sin6_addr = in6addr_loopback;
    int a = fd_ops->socket(port, AF_UNIX, SOCK_STREAM, 0);
    int b = fd_ops->socket(port, AF_INET6, SOCK_STREAM, 0);
    CHECK_EQ(0,
             WORLD_RUN(port, CONNECT, a, .u.addr = (struct sockaddr *)&un, .addr_len = sizeof un));
    CHECK_EQ(
        0, WORLD_RUN(port, CONNECT, b, .u.addr = (struct sockaddr *)&six, .addr_len = sizeof six));
    int c = (int)WORLD_RUN(port, ACCEPT, listeners[0]);
    uint32_t len = sizeof back;
    CHECK_EQ(0, fd_ops->local_addr(port, c, (struct sockaddr *)&back, &len));
    CHECK_EQ(sizeof un, len);
    CHECK(strcmp(back.sun_path, "/run/app") == 0);
    len = sizeof six;
    CHECK_EQ(0, fd_ops->local_addr(port, b, (struct sockaddr *)&six, &len));
    CHECK(ntohs(six.sin6_port) >= 49152);
    int all[] = {a, b, c, listeners[0], listeners[1]};
    for (int i = 0; i < 5; i++)
        world_close(port, all[i]);
    world_sim_end(port);
}

TEST(a_full_backlog_makes_connects_try_again_and_time_out_after_127_s)
{
    struct roosti_port *port = world_sim(4, NULL);
    struct sockaddr_in addr = world_addr(0);
    int listener = world_listen(port, &addr, 1);
    int fds[3];
    for (int i = 0; i < 3; i++)
        fds[i] = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(0, world_connect(port, fds[0], &addr));
    struct world_op second =
        WORLD_OP(CONNECT, fds[1], .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    struct world_op third =
        WORLD_OP(CONNECT, fds[2], .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    world_park(port, &second);
    CHECK_EQ(0, port->ops->wait(port, world_now(port) + ROOST_MS(500)));
    int accepted = (int)WORLD_RUN(port, ACCEPT, listener);
    CHECK_EQ(0, world_await(port, &second));
    CHECK(world_now(port) >= ROOST_SEC(1001) && world_now(port) < ROOST_SEC(1001) + ROOST_MS(2));
    world_park(port, &third);
    CHECK_EQ(-ETIMEDOUT, world_await(port, &third));
    CHECK(world_now(port) >= ROOST_SEC(1128) && world_now(port) < ROOST_SEC(1128) + ROOST_MS(5));
    /* Whom nobody accepted is reset when the listener goes. */
    char byte;
    struct world_op recv = WORLD_OP(RECV, fds[1], .buf = &byte, .len = 1);
    world_park(port, &recv);
    world_close(port, listener);
    CHECK_EQ(-ECONNRESET, world_await(port, &recv));
    world_close(port, accepted);
    for (int i = 0; i < 3; i++)
        world_close(port, fds[i]);
    world_sim_end(port);
}

TEST(accept_without_a_free_descriptor_leaves_the_connection_in_the_backlog)
{
    struct roosti_port *port = world_sim(4, NULL);
    struct sockaddr_in addr = world_addr(0);
    int listener = world_listen(port, &addr, 8);
    int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(0, world_connect(port, fd, &addr));
    roosti_sim_fd_limit(port, 2);
    CHECK_EQ(-EMFILE, WORLD_RUN(port, ACCEPT, listener));
    CHECK_EQ(-EMFILE, WORLD_RUN(port, ACCEPT_MULTI, listener));
    roosti_sim_fd_limit(port, 0);
    int accepted = (int)WORLD_RUN(port, ACCEPT, listener);
    CHECK_EQ(5, accepted);
    world_close(port, accepted);
    world_close(port, fd);
    world_close(port, listener);
    world_sim_end(port);
}

TEST(small_print_of_the_calls)
{
    struct roosti_port *port = world_sim(3, NULL);
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    struct sockaddr_in addr = world_addr(0), far = world_addr(99);
    struct linger linger = {0};
    uint32_t len = sizeof addr;
    int fd = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0), on = 1;
    CHECK_EQ(0, fd_ops->local_addr(port, fd, (struct sockaddr *)&addr, &len));
    CHECK_EQ(AF_INET, addr.sin_family);
    CHECK_EQ(0, addr.sin_port);
    len = 2;
    CHECK_EQ(0, fd_ops->local_addr(port, fd, (struct sockaddr *)&addr, &len));
    CHECK_EQ(sizeof addr, len); /* what it would have needed */
    CHECK_EQ(-EBADF, fd_ops->local_addr(port, 99, (struct sockaddr *)&addr, &len));
    CHECK_EQ(0, fd_ops->set_option(port, fd, IPPROTO_TCP, 1, &on, sizeof on));
    CHECK_EQ(0, fd_ops->set_option(port, fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on));
    CHECK_EQ(-EINVAL, fd_ops->set_option(port, fd, SOL_SOCKET, SO_REUSEPORT, &on, 1));
    CHECK_EQ(-EINVAL, fd_ops->set_option(port, fd, SOL_SOCKET, SO_LINGER, &linger, 4));
    CHECK_EQ(0, fd_ops->listen(port, fd, 1)); /* on a port of its own */
    len = sizeof addr;
    CHECK_EQ(0, fd_ops->local_addr(port, fd, (struct sockaddr *)&addr, &len));
    CHECK(addr.sin_port != 0 && addr.sin_addr.s_addr == INADDR_ANY);
    CHECK_EQ(-EISCONN, world_connect(port, fd, &addr));
    int client = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
    struct world_op connect =
        WORLD_OP(CONNECT, client, .u.addr = (struct sockaddr *)&far, .addr_len = sizeof far);
    world_park(port, &connect);
    CHECK_EQ(-EALREADY, world_connect(port, client, &far));
    CHECK_EQ(-ECONNREFUSED, world_await(port, &connect));
    int unbound = fd_ops->socket(port, AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(-EINVAL, fd_ops->listen(port, unbound, 1));
    CHECK_EQ(-EAFNOSUPPORT, world_connect(port, unbound, &addr));
    CHECK_EQ(-EINVAL, WORLD_RUN(port, CONNECT, unbound, .addr_len = 1));
    world_close(port, unbound);
    world_close(port, client);
    world_close(port, fd);
    int fds[2];
    CHECK_EQ(0, fd_ops->socket_pair(port, fds));
    CHECK_EQ(-EINVAL, fd_ops->shutdown(port, fds[0], 7));
    CHECK_EQ(-EINVAL, fd_ops->listen(port, fds[0], 1));
    world_close(port, fds[0]);
    world_close(port, fds[1]);
    world_sim_end(port);
}

TEST(what_waits_behind_a_connect_shares_its_fate)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        struct sockaddr_in addr = world_addr(80);
        char byte = 's', got = 0;
        int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
        struct world_op connect =
            WORLD_OP(CONNECT, fd, .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
        struct world_op recv = WORLD_OP(RECV, fd, .buf = &got, .len = 1);
        struct world_op send = WORLD_OP(SEND, fd, .buf = &byte, .len = 1);
        world_park(port, &connect);
        world_park(port, &recv);
        world_park(port, &send);
        CHECK_EQ(-ECONNREFUSED, world_await(port, &connect));
        CHECK_EQ(-ENOTCONN, world_await(port, &recv));
        CHECK_EQ(-EPIPE, world_await(port, &send));

        int listener = world_listen(port, &addr, 1);
        world_park(port, &connect);
        world_park(port, &send);
        CHECK_EQ(1, world_await(port, &send));
        CHECK_EQ(1, connect.done_count);
        int peer = (int)WORLD_RUN(port, ACCEPT, listener);
        CHECK_EQ(1, WORLD_RUN(port, RECV, peer, .buf = &got, .len = 1));
        CHECK_EQ('s', got);
        world_close(port, peer);
        world_close(port, fd);
        world_close(port, listener);
        world_sim_end(port);
    }
}

/* -- streams ---------------------------------------------------------------------------------- */

/* Sends len bytes by pattern in pieces, receives them in others: the two hashes. */
static void stream_pass(struct roosti_port *port, int from, int to, size_t len, uint64_t seed,
                        uint64_t hashes[2])
{
    struct roosti_rng rng = roosti_rng_split(seed, "pass");
    unsigned char out[3000], in[3000];
    struct world_op send = WORLD_OP(SEND, from), recv = WORLD_OP(RECV, to);
    bool sending = false, receiving = false;
    size_t sent = 0, got = 0;
    hashes[0] = hashes[1] = 0;
    while (got < len) {
        if (!sending && sent < len) {
            size_t piece = 1 + (size_t)roosti_rng_below(&rng, sizeof out);
            piece = piece < len - sent ? piece : len - sent;
            for (size_t i = 0; i < piece; i++)
                out[i] = (unsigned char)((sent + i) * 31 >> 3);
            send = WORLD_OP(SEND, from, .buf = out, .len = piece);
            sending = world_start(port, &send);
            send.done_count += !sending;
        }
        if (!receiving) {
            size_t space = 1 + (size_t)roosti_rng_below(&rng, sizeof in);
            recv = WORLD_OP(RECV, to, .buf = in, .len = space);
            receiving = world_start(port, &recv);
            recv.done_count += !receiving;
        }
        if (!send.done_count && !recv.done_count)
            CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
        if (send.done_count && sent < len) {
            CHECK(send.op.res > 0);
            for (int64_t i = 0; i < send.op.res; i++)
                hashes[0] = roosti_mix(hashes[0] ^ out[i]);
            sent += (size_t)send.op.res;
            send.done_count = 0;
            sending = false;
        }
        if (recv.done_count) {
            CHECK(recv.op.res > 0);
            for (int64_t i = 0; i < recv.op.res; i++)
                hashes[1] = roosti_mix(hashes[1] ^ in[i]);
            got += (size_t)recv.op.res;
            recv.done_count = 0;
            receiving = false;
        }
    }
    CHECK_EQ(len, got);
}

TEST(bytes_out_are_bytes_in_over_200_seeds)
{
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct roosti_sim_plan plan = {.link_bytes_max = seed % 3 == 0 ? 700 : 0};
        struct roosti_port *port = world_sim(seed, &plan);
        int fds[2];
        uint64_t hashes[2];
        if (seed % 5 == 0)
            CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
        else
            world_tcp(port, fds);
        stream_pass(port, fds[0], fds[1], 40000, seed, hashes);
        CHECK_EQ(hashes[0], hashes[1]);
        stream_pass(port, fds[1], fds[0], 500, seed, hashes);
        CHECK_EQ(hashes[0], hashes[1]);
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
}

TEST(what_is_under_way_is_bounded_and_a_reader_makes_room)
{
    struct roosti_sim_plan plan = {.link_bytes_max = 1000};
    struct roosti_port *port = world_sim(9, &plan);
    int fds[2];
    char block[1600] = {0};
    world_tcp(port, fds);
    CHECK_EQ(999, WORLD_RUN(port, SEND, fds[0], .buf = block, .len = 999));
    CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = block, .len = 2));
    CHECK_EQ(-EAGAIN, WORLD_RUN(port, SEND, fds[0], .buf = block, .len = 1, .flags = MSG_DONTWAIT));
    struct world_op full = WORLD_OP(SEND, fds[0], .buf = block, .len = 1600);
    world_park(port, &full);
    while (port->ops->wait(port, world_now(port) + ROOST_SEC(1)) > 0)
        CHECK(false);
    int64_t got = WORLD_RUN(port, RECV, fds[1], .buf = block, .len = sizeof block);
    CHECK_EQ(1000, got);
    CHECK_EQ(1000, world_await(port, &full));
    world_close(port, fds[0]);
    world_close(port, fds[1]);
    world_sim_end(port);
}

TEST(half_close_ends_one_direction_and_leaves_the_other)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        int fds[2];
        char buf[16];
        world_tcp(port, fds);
        CHECK_EQ(3, WORLD_RUN(port, SEND, fds[0], .buf = (char[]){"ask"}, .len = 3));
        CHECK_EQ(0, port->ops->fd.shutdown(port, fds[0], SHUT_WR));
        CHECK_EQ(-EPIPE, WORLD_RUN(port, SEND, fds[0], .buf = buf, .len = 1));
        size_t got = 0;
        int64_t n;
        while ((n = WORLD_RUN(port, RECV, fds[1], .buf = buf, .len = sizeof buf)) > 0)
            got += (size_t)n;
        CHECK_EQ(0, n);
        CHECK_EQ(3, got);
        CHECK_EQ(ROOSTI_POLL_IN | ROOSTI_POLL_OUT,
                 WORLD_RUN(port, POLL, fds[1], .events = ROOSTI_POLL_IN | ROOSTI_POLL_OUT));
        CHECK_EQ(6, WORLD_RUN(port, SEND, fds[1], .buf = (char[]){"answer"}, .len = 6));
        world_close(port, fds[1]);
        for (got = 0; (n = WORLD_RUN(port, RECV, fds[0], .buf = buf, .len = sizeof buf)) > 0;)
            got += (size_t)n;
        CHECK_EQ(0, n);
        CHECK_EQ(6, got);
        CHECK_EQ(ROOSTI_POLL_HANGUP, WORLD_RUN(port, POLL, fds[0], .events = 0));
        world_close(port, fds[0]);
        world_sim_end(port);
    }
}

TEST(closing_on_unread_bytes_or_with_zero_linger_resets_the_peer)
{
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        int fds[2];
        char byte = 0;
        world_tcp(port, fds);
        if (seed % 2) {
            CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
            CHECK_EQ(ROOSTI_POLL_IN, WORLD_RUN(port, POLL, fds[1], .events = ROOSTI_POLL_IN));
        } else {
            struct linger linger = {.l_onoff = 1};
            CHECK_EQ(0, port->ops->fd.set_option(port, fds[1], SOL_SOCKET, SO_LINGER, &linger,
                                                 sizeof linger));
        }
        world_close(port, fds[1]);
        CHECK_EQ(-ECONNRESET, WORLD_RUN(port, RECV, fds[0], .buf = &byte, .len = 1));
        CHECK_EQ(0, WORLD_RUN(port, RECV, fds[0], .buf = &byte, .len = 1));
        CHECK_EQ(-EPIPE, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
        CHECK_EQ(ROOSTI_POLL_IN | ROOSTI_POLL_OUT | ROOSTI_POLL_HANGUP,
                 WORLD_RUN(port, POLL, fds[0], .events = ROOSTI_POLL_IN | ROOSTI_POLL_OUT));
        world_close(port, fds[0]);
        world_sim_end(port);
    }
}

TEST(sending_to_an_end_that_has_closed_is_answered_by_a_reset)
{
    struct roosti_port *port = world_sim(1, NULL);
    int fds[2];
    char byte = 0;
    world_tcp(port, fds);
    world_close(port, fds[1]);
    CHECK_EQ(0, WORLD_RUN(port, RECV, fds[0], .buf = &byte, .len = 1)); /* its end of stream */
    CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
    CHECK_EQ(0, port->ops->wait(port, world_now(port) + ROOST_SEC(1)));
    CHECK_EQ(-EPIPE, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
    world_close(port, fds[0]);
    world_sim_end(port);
}

TEST(peek_leaves_the_bytes_and_dontwait_does_not_wait)
{
    struct roosti_port *port = world_sim(1, NULL);
    int fds[2];
    char buf[8] = "";
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    CHECK_EQ(-EAGAIN, WORLD_RUN(port, RECV, fds[0], .buf = buf, .len = 8, .flags = MSG_DONTWAIT));
    CHECK_EQ(0, WORLD_RUN(port, RECV, fds[0], .buf = buf, .len = 0));
    CHECK_EQ(0, WORLD_RUN(port, SEND, fds[0], .buf = buf, .len = 0));
    CHECK_EQ(4, WORLD_RUN(port, SEND, fds[1], .buf = (char[]){"peek"}, .len = 4));
    CHECK_EQ(4, WORLD_RUN(port, RECV, fds[0], .buf = buf, .len = 8, .flags = MSG_PEEK));
    memset(buf, 0, sizeof buf);
    CHECK_EQ(4, WORLD_RUN(port, RECV, fds[0], .buf = buf, .len = 8));
    CHECK(memcmp(buf, "peek", 4) == 0);
    CHECK_EQ(0, port->ops->fd.shutdown(port, fds[0], SHUT_RD));
    CHECK_EQ(0, WORLD_RUN(port, RECV, fds[0], .buf = buf, .len = 8));
    world_close(port, fds[0]);
    CHECK_EQ(ROOST_SEC(1000), world_now(port)); /* within one machine nothing takes time */
    world_close(port, fds[1]);
    world_sim_end(port);
}

TEST(a_pair_closed_on_unread_bytes_resets_its_other_end)
{
    struct roosti_port *port = world_sim(1, NULL);
    int fds[2];
    char byte = 0;
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
    world_close(port, fds[1]);
    CHECK_EQ(-ECONNRESET, WORLD_RUN(port, RECV, fds[0], .buf = &byte, .len = 1));
    CHECK_EQ(-EPIPE, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
    CHECK_EQ(-ENOTCONN, port->ops->fd.shutdown(port, fds[0], SHUT_WR));
    world_close(port, fds[0]);
    world_sim_end(port);
}

TEST(a_poll_whose_bytes_somebody_else_took_waits_on)
{
    int taken = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        int fds[2];
        char byte = 0;
        CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
        struct world_op first = WORLD_OP(POLL, fds[0], .events = ROOSTI_POLL_IN);
        struct world_op second = WORLD_OP(POLL, fds[0], .events = ROOSTI_POLL_IN);
        world_park(port, &first);
        world_park(port, &second);
        struct world_op send = WORLD_OP(SEND, fds[1], .buf = &byte, .len = 1);
        struct world_op recv = WORLD_OP(RECV, fds[0], .buf = &byte, .len = 1);
        bool at_once = !world_start(port, &send) && !world_start(port, &recv);
        if (at_once) {
            /* Both polls have their turn coming, and nothing to say. */
            port->ops->cancel(port, &second.op);
            CHECK_EQ(1, port->ops->wait(port, ROOST_NEVER));
            CHECK_EQ(ROOST_ECANCELED, second.op.res);
            CHECK_EQ(0, first.done_count);
            CHECK_EQ(1, WORLD_RUN(port, SEND, fds[1], .buf = &byte, .len = 1));
            CHECK_EQ(ROOSTI_POLL_IN, world_await(port, &first));
            taken++;
        }
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        while (port->ops->in_flight(port))
            CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
        world_sim_end(port);
    }
    CHECK(taken > 3);
}

TEST(a_pipe_fills_drains_ends_and_breaks)
{
    struct roosti_sim_plan plan = {.link_bytes_max = 8};
    struct roosti_port *port = world_sim(1, &plan);
    int fds[2];
    char buf[16] = "";
    CHECK_EQ(0, port->ops->fd.pipe(port, fds));
    struct world_op in = WORLD_OP(READ, fds[0], .buf = buf, .len = 16);
    world_park(port, &in);
    CHECK_EQ(0, port->ops->wait(port, ROOST_NEVER)); /* nobody will ever write */
    CHECK_EQ(8, WORLD_RUN(port, WRITE, fds[1], .buf = (char[]){"0123456789"}, .len = 10));
    CHECK_EQ(8, world_await(port, &in));
    CHECK(memcmp(buf, "01234567", 8) == 0);
    CHECK_EQ(ROOSTI_POLL_OUT, WORLD_RUN(port, POLL, fds[1], .events = ROOSTI_POLL_OUT));
    CHECK_EQ(2, WORLD_RUN(port, WRITE, fds[1], .buf = (char[]){"89"}, .len = 2));
    world_close(port, fds[1]);
    CHECK_EQ(ROOSTI_POLL_IN | ROOSTI_POLL_HANGUP,
             WORLD_RUN(port, POLL, fds[0], .events = ROOSTI_POLL_IN));
    CHECK_EQ(2, WORLD_RUN(port, READ, fds[0], .buf = buf, .len = 16));
    CHECK_EQ(0, WORLD_RUN(port, READ, fds[0], .buf = buf, .len = 16));
    CHECK_EQ(ROOSTI_POLL_HANGUP, WORLD_RUN(port, POLL, fds[0], .events = ROOSTI_POLL_IN));
    world_close(port, fds[0]);

    CHECK_EQ(0, port->ops->fd.pipe(port, fds));
    CHECK_EQ(8, WORLD_RUN(port, WRITE, fds[1], .buf = buf, .len = 8));
    struct world_op out = WORLD_OP(WRITE, fds[1], .buf = buf, .len = 1);
    world_park(port, &out);
    world_close(port, fds[0]);
    CHECK_EQ(-EPIPE, world_await(port, &out));
    CHECK_EQ(ROOSTI_POLL_OUT | ROOSTI_POLL_ERROR,
             WORLD_RUN(port, POLL, fds[1], .events = ROOSTI_POLL_OUT));
    world_close(port, fds[1]);
    world_sim_end(port);
}

struct multi {
    struct roosti_op op; /* first */
    struct roosti_port *port;
    int steps;
    int ended;
    void *lent[64];
    int64_t bytes;
};

static void multi_step(struct roosti_op *op)
{
    struct multi *multi = (struct multi *)op;
    if (op->res > 0 && op->kind == ROOSTI_OP_RECV_MULTI) {
        multi->lent[multi->steps] = op->buf;
        multi->bytes += op->res;
    } else if (op->more) {
        world_close(multi->port, (int)op->res);
    }
    multi->steps += op->more;
    multi->ended += !op->more;
}

TEST(recv_multi_lends_until_its_buffers_are_out_and_loses_nothing)
{
    struct roosti_port *port = world_sim(6, NULL);
    int fds[2];
    char byte = 'x', buf[64];
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    struct multi multi = {.port = port};
    multi.op = (struct roosti_op){
        .kind = ROOSTI_OP_RECV_MULTI, .fd = fds[0], .done = multi_step, .offset = -1};
    CHECK_EQ(ROOSTI_IN_FLIGHT, port->ops->submit(port, &multi.op));
    for (int i = 0; i < 17; i++) {
        CHECK_EQ(1, WORLD_RUN(port, SEND, fds[1], .buf = &byte, .len = 1));
        (void)port->ops->wait(port, 0);
    }
    while (!multi.ended)
        CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
    CHECK_EQ(-ENOBUFS, multi.op.res);
    CHECK_EQ(ROOSTI_SIM_LENT_MAX, multi.steps);
    struct roosti_sim_counts counts;
    roosti_sim_counts_get(port, &counts);
    CHECK_EQ(ROOSTI_SIM_LENT_MAX, counts.lent);
    for (int i = 0; i < multi.steps; i++) {
        CHECK_EQ('x', *(char *)multi.lent[i]);
        port->ops->give_back(port, multi.lent[i]);
    }
    CHECK_EQ(17 - multi.bytes, WORLD_RUN(port, RECV, fds[0], .buf = buf, .len = sizeof buf));

    /* Once more, to the end of the stream. */
    multi.steps = multi.ended = 0;
    CHECK_EQ(ROOSTI_IN_FLIGHT, port->ops->submit(port, &multi.op));
    world_close(port, fds[1]);
    while (!multi.ended)
        CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
    CHECK_EQ(0, multi.op.res);
    world_close(port, fds[0]);
    world_sim_end(port);
}

TEST(accept_multi_gives_every_connection_until_it_is_cancelled)
{
    struct roosti_port *port = world_sim(6, NULL);
    struct sockaddr_in addr = world_addr(0);
    int listener = world_listen(port, &addr, 2);
    struct multi multi = {.port = port};
    multi.op = (struct roosti_op){
        .kind = ROOSTI_OP_ACCEPT_MULTI, .fd = listener, .done = multi_step, .offset = -1};
    CHECK_EQ(ROOSTI_IN_FLIGHT, port->ops->submit(port, &multi.op));
    for (int i = 0; i < 12; i++) {
        int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(0, world_connect(port, fd, &addr));
        world_close(port, fd);
    }
    while (multi.steps < 12)
        CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
    CHECK_EQ(0, multi.ended);
    port->ops->cancel(port, &multi.op);
    CHECK_EQ(0, multi.ended);
    CHECK_EQ(1, port->ops->wait(port, ROOST_NEVER));
    CHECK_EQ(1, multi.ended);
    CHECK_EQ(ROOST_ECANCELED, multi.op.res);
    world_close(port, listener);
    world_sim_end(port);
}

/* -- loss, partition, reset ------------------------------------------------------------------- */

TEST(a_partition_holds_bytes_back_and_a_heal_delivers_them)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        struct sockaddr_in addr = world_addr(0), elsewhere = world_addr(9);
        int listener = world_listen(port, &addr, 4);
        int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
        char buf[8];
        CHECK_EQ(0, world_connect(port, fd, &addr));
        int peer = (int)WORLD_RUN(port, ACCEPT, listener);
        unsigned ways = seed % 2 ? ROOSTI_SIM_TOWARDS : ROOSTI_SIM_FROM;
        CHECK_EQ(0, roosti_sim_partition(port, (struct sockaddr *)&elsewhere, sizeof elsewhere,
                                         ROOSTI_SIM_BOTH));
        CHECK_EQ(0, roosti_sim_partition(port, (struct sockaddr *)&addr, sizeof addr, ways));
        int out = ways == ROOSTI_SIM_TOWARDS ? fd : peer, in = out == fd ? peer : fd;
        struct world_op cut = WORLD_OP(RECV, in, .buf = buf, .len = 8);
        world_park(port, &cut);
        CHECK_EQ(3, WORLD_RUN(port, SEND, out, .buf = (char[]){"cut"}, .len = 3));
        /* The other way still works. */
        CHECK_EQ(2, WORLD_RUN(port, SEND, in, .buf = (char[]){"ok"}, .len = 2));
        CHECK(WORLD_RUN(port, RECV, out, .buf = buf, .len = 8) > 0);
        CHECK_EQ(0, port->ops->wait(port, world_now(port) + ROOST_SEC(60)));
        CHECK_EQ(0, cut.done_count);
        roosti_sim_heal(port);
        CHECK(world_await(port, &cut) > 0);
        CHECK(buf[0] == 'c');
        world_close(port, peer);
        world_close(port, fd);
        world_close(port, listener);
        world_sim_end(port);
    }
}

TEST(a_partition_holds_back_a_reset_as_well)
{
    struct roosti_port *port = world_sim(2, NULL);
    struct sockaddr_in addr = world_addr(0);
    int listener = world_listen(port, &addr, 4);
    int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    char byte = 0;
    CHECK_EQ(0, world_connect(port, fd, &addr));
    int peer = (int)WORLD_RUN(port, ACCEPT, listener);
    CHECK_EQ(1, WORLD_RUN(port, SEND, fd, .buf = &byte, .len = 1));
    CHECK_EQ(ROOSTI_POLL_IN, WORLD_RUN(port, POLL, peer, .events = ROOSTI_POLL_IN));
    CHECK_EQ(0, roosti_sim_partition(port, NULL, 0, ROOSTI_SIM_BOTH));
    world_close(port, peer); /* on an unread byte */
    struct world_op recv = WORLD_OP(RECV, fd, .buf = &byte, .len = 1);
    world_park(port, &recv);
    CHECK_EQ(0, port->ops->wait(port, world_now(port) + ROOST_SEC(5)));
    roosti_sim_heal(port);
    CHECK_EQ(-ECONNRESET, world_await(port, &recv));
    world_close(port, fd);
    world_close(port, listener);
    world_sim_end(port);
}

TEST(connecting_into_a_partition_times_out_or_succeeds_after_the_heal)
{
    struct roosti_port *port = world_sim(1, NULL);
    struct sockaddr_in addr = world_addr(0);
    int listener = world_listen(port, &addr, 4);
    int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(0, roosti_sim_partition(port, NULL, 0, ROOSTI_SIM_BOTH));
    CHECK_EQ(-ETIMEDOUT, world_connect(port, fd, &addr));
    CHECK(world_now(port) >= ROOST_SEC(1127) && world_now(port) < ROOST_SEC(1128));
    struct world_op connect =
        WORLD_OP(CONNECT, fd, .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    world_park(port, &connect);
    CHECK_EQ(0, port->ops->wait(port, world_now(port) + ROOST_SEC(2)));
    roosti_sim_heal(port);
    CHECK_EQ(0, world_await(port, &connect));
    world_close(port, fd);
    world_close(port, listener);
    world_sim_end(port);
}

TEST(a_planned_partition_delays_a_new_connection_and_heals)
{
    struct roosti_sim_plan plan = {.partition_permille = 1000};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, &plan);
        int fds[2];
        uint64_t hashes[2];
        world_tcp(port, fds);
        CHECK(world_now(port) >= ROOST_SEC(1000) + ROOST_MS(100));
        CHECK(world_now(port) < ROOST_SEC(1004));
        stream_pass(port, fds[0], fds[1], 1000, seed, hashes);
        CHECK_EQ(hashes[0], hashes[1]);
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
}

TEST(a_lost_segment_stalls_the_connection_and_then_resets_both_ends)
{
    struct roosti_sim_plan plan = {.loss_permille = 1000};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, &plan);
        int fds[2];
        char byte = 0;
        world_tcp(port, fds);
        roost_time lost = world_now(port);
        CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
        struct world_op there = WORLD_OP(RECV, fds[1], .buf = &byte, .len = 1);
        struct world_op here = WORLD_OP(RECV, fds[0], .buf = &byte, .len = 1);
        world_park(port, &there);
        world_park(port, &here);
        CHECK_EQ(-ECONNRESET, world_await(port, &there));
        CHECK_EQ(-ECONNRESET, world_await(port, &here));
        CHECK(world_now(port) >= lost + ROOST_MS(200) && world_now(port) <= lost + ROOST_SEC(2));
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
}

TEST(a_reset_reaches_both_ends_at_once_and_a_connect_as_well)
{
    struct roosti_port *port = world_sim(1, NULL);
    int fds[2];
    char byte = 0;
    world_tcp(port, fds);
    struct world_op recv = WORLD_OP(RECV, fds[1], .buf = &byte, .len = 1);
    world_park(port, &recv);
    roost_time before = world_now(port);
    CHECK_EQ(0, roosti_sim_reset(port, fds[0]));
    CHECK_EQ(-ECONNRESET, world_await(port, &recv));
    CHECK_EQ(-ECONNRESET, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
    CHECK_EQ(before, world_now(port));
    CHECK_EQ(-EBADF, roosti_sim_reset(port, 77));
    world_close(port, fds[1]);
    world_close(port, fds[0]);
    fds[0] = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(-ENOTCONN, roosti_sim_reset(port, fds[0]));
    struct sockaddr_in addr = world_addr(5);
    struct world_op connect =
        WORLD_OP(CONNECT, fds[0], .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    world_park(port, &connect);
    CHECK_EQ(0, roosti_sim_reset(port, fds[0]));
    CHECK_EQ(-ECONNRESET, world_await(port, &connect));
    world_close(port, fds[0]);
    world_sim_end(port);
}
