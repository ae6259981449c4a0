/* tests/unit/port/test_ports_multi.c - operations with many completions on both real ports: steps,
 * their end, the buffers they lend, and what happens when those run out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/port/real_ports.h"

#include <sys/resource.h>

#include "port/posix_pool.h"

/* -- receiving -------------------------------------------------------------------------------- */

enum { KEPT_MAX = 2 * ROOSTI_POOL_COUNT };

/* What receives lend and we have not given back. */
struct keeper {
    void *bufs[KEPT_MAX];
    int count;
    bool hold; /* keep them instead of giving back at once */
};
static struct keeper keeper;

/* Byte n of a stream. */
static char stream_byte(int64_t n)
{
    return (char)(n * 131 + (n >> 8));
}

static void receive_done(struct roosti_op *op)
{
    struct rig_op *mine = (struct rig_op *)op;
    mine->done_count += !op->more;
    if (!op->more) {
        CHECK(op->buf == NULL);
        return;
    }
    CHECK(op->res > 0 && op->res <= ROOSTI_POOL_BYTES && op->buf);
    mine->steps++;
    for (int64_t i = 0; i < op->res; i++)
        CHECK_EQ(stream_byte(mine->bytes++), ((char *)op->buf)[i]);
    if (!keeper.hold)
        mine->rig->port->ops->give_back(mine->rig->port, op->buf);
    else
        keeper.bufs[keeper.count++] = op->buf;
}

static void keeper_give(struct rig *rig, int count)
{
    for (; count > 0 && keeper.count > 0; count--)
        rig->port->ops->give_back(rig->port, keeper.bufs[--keeper.count]);
}

static struct rig_op receive_op(int fd)
{
    struct rig_op op = RIG_OP(RECV_MULTI, .fd = fd);
    op.op.done = receive_done;
    return op;
}

/* Sends the stream's next bytes from outside the port; how many the socket took. */
static int64_t stream_put(int fd, int64_t at, int64_t len)
{
    static char block[1 << 16];
    int64_t done = 0;
    while (done < len) {
        size_t part = (size_t)(len - done) < sizeof block ? (size_t)(len - done) : sizeof block;
        for (size_t i = 0; i < part; i++)
            block[i] = stream_byte(at + done + (int64_t)i);
        ssize_t n = send(fd, block, part, MSG_DONTWAIT);
        if (n < 0)
            break;
        done += n;
    }
    return done;
}

REAL_TEST(a_stream_comes_in_steps_until_its_end)
{
    for (int tcp = 0; tcp < 2; tcp++) {
        int fds[2];
        tcp ? rig_tcp(rig, fds) : rig_pair(rig, fds);
        struct rig_op in = receive_op(fds[0]);
        rig_start(rig, &in);
        CHECK_EQ(0, rig_turn(rig));
        int64_t sent = 0;
        while (sent < 5 << 20) {
            sent += stream_put(fds[1], sent, 1 + sent % 50000);
            rig_turn(rig);
            CHECK_EQ(1, rig_in_flight(rig));
        }
        rig_close(rig, fds[1]);
        CHECK_EQ(0, rig_await(rig, &in));
        CHECK_EQ(sent, in.bytes);
        CHECK(in.steps > 100);
        /* After the end, another finds the same. */
        CHECK_EQ(0, rig_run(rig, &in));
        rig_close(rig, fds[0]);
    }
}

REAL_TEST(bytes_that_wait_already_are_the_first_step)
{
    int fds[2];
    rig_pair(rig, fds);
    CHECK_EQ(10, stream_put(fds[1], 0, 10));
    struct rig_op in = receive_op(fds[0]);
    rig_start(rig, &in);
    while (in.steps == 0)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    CHECK_EQ(10, in.bytes);
    rig_close(rig, fds[0]);
    CHECK_EQ(ROOST_ECLOSED, rig_await(rig, &in));
    rig_close(rig, fds[1]);
}

/* Cancelled between steps or with bytes at the door: nothing that came is lost, and every buffer
 * is back, as closing the port checks. */
REAL_TEST(a_cancelled_receive_loses_no_byte)
{
    int fds[2];
    int64_t sent = 0;
    rig_pair(rig, fds);
    struct rig_op in = receive_op(fds[0]);
    for (int i = 0; i < 200; i++) {
        rig_start(rig, &in);
        if (i % 3)
            rig_turn(rig);
        if (i % 4)
            sent += stream_put(fds[1], sent, 100 + i * 50);
        if (i % 5 == 0)
            rig_turn(rig);
        rig_cancel(rig, &in);
        CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
    }
    rig_start(rig, &in);
    while (in.bytes < sent)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    CHECK_EQ(sent, in.bytes);
    shutdown(fds[1], SHUT_WR);
    CHECK_EQ(0, rig_await(rig, &in));
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

static void step_ends_itself(struct roosti_op *op)
{
    struct rig_op *mine = (struct rig_op *)op;
    bool first = op->more && mine->steps == 0;
    receive_done(op);
    if (first && mine->bytes < 100)
        mine->rig->port->ops->cancel(mine->rig->port, op);
    else if (first)
        CHECK_EQ(0, mine->rig->port->ops->fd.close(mine->rig->port, op->fd));
}

REAL_TEST(a_step_may_cancel_or_close_its_own)
{
    for (int close_it = 0; close_it < 2; close_it++) {
        int fds[2];
        rig_pair(rig, fds);
        struct rig_op in = receive_op(fds[0]);
        in.op.done = step_ends_itself;
        rig_start(rig, &in);
        CHECK_EQ(0, rig_turn(rig));
        int64_t len = close_it ? 100 : 99;
        CHECK_EQ(len, stream_put(fds[1], 0, len));
        CHECK_EQ(close_it ? ROOST_ECLOSED : ROOST_ECANCELED, rig_await(rig, &in));
        CHECK_EQ(len, in.bytes);
        if (!close_it)
            rig_close(rig, fds[0]);
        rig_close(rig, fds[1]);
    }
}

static void turn_until_quiet(struct rig *rig)
{
    while (rig->port->ops->wait(rig->port, rig_now(rig) + ROOST_MS(2)) > 0)
        ;
}

/* Two streams, and all buffers kept: both stop, without an end and without spinning; each buffer
 * that comes back is a step for one of them, and no byte is lost or changes its place. */
REAL_TEST(receives_wait_for_a_buffer_to_come_back)
{
    int a[2], b[2];
    rig_tcp(rig, a);
    rig_tcp(rig, b);
    int64_t sent_a = 0, sent_b = 0;
    struct rig_op in_a = receive_op(a[0]), in_b = receive_op(b[0]);
    keeper.hold = true;
    rig_start(rig, &in_a);
    rig_start(rig, &in_b);
    CHECK_EQ(0, rig_turn(rig));
    for (int i = 0; i < 200; i++) {
        sent_a += stream_put(a[1], sent_a, 9000);
        sent_b += stream_put(b[1], sent_b, 9000);
        turn_until_quiet(rig);
        if (keeper.count == ROOSTI_POOL_COUNT)
            break;
    }
    CHECK_EQ(ROOSTI_POOL_COUNT, keeper.count);
    sent_a += stream_put(a[1], sent_a, 100000);
    sent_b += stream_put(b[1], sent_b, 100000);
    turn_until_quiet(rig);
    CHECK_EQ(ROOSTI_POOL_COUNT, keeper.count);
    CHECK_EQ(2, rig_in_flight(rig));
    roost_time deadline = rig_now(rig) + ROOST_MS(5);
    CHECK_EQ(0, rig->port->ops->wait(rig->port, deadline));
    CHECK(rig_now(rig) >= deadline);
    int steps_a = in_a.steps, steps_b = in_b.steps;
    for (int i = 0; i < 20; i++) {
        keeper_give(rig, 1);
        turn_until_quiet(rig);
        CHECK_EQ(ROOSTI_POOL_COUNT, keeper.count);
    }
    CHECK_EQ(20, in_a.steps - steps_a + in_b.steps - steps_b);
    CHECK(in_a.steps > steps_a && in_b.steps > steps_b);
    keeper.hold = false;
    keeper_give(rig, KEPT_MAX);
    rig_close(rig, a[1]);
    rig_close(rig, b[1]);
    CHECK_EQ(0, rig_await(rig, &in_a));
    CHECK_EQ(0, rig_await(rig, &in_b));
    CHECK_EQ(sent_a, in_a.bytes);
    CHECK_EQ(sent_b, in_b.bytes);
    rig_close(rig, a[0]);
    rig_close(rig, b[0]);
}

/* Starved ones end like any other, and an idle one that was starved does not keep the buffer. */
REAL_TEST(a_starved_receive_is_cancelled_and_closed)
{
    int fds[4][2];
    int64_t sent = 0;
    struct rig_op in[4];
    keeper.hold = true;
    for (int i = 0; i < 4; i++) {
        rig_tcp(rig, fds[i]);
        in[i] = receive_op(fds[i][0]);
    }
    rig_start(rig, &in[0]);
    while (keeper.count < ROOSTI_POOL_COUNT) {
        sent += stream_put(fds[0][1], sent, 9000);
        turn_until_quiet(rig);
    }
    for (int i = 1; i < 4; i++) {
        rig_start(rig, &in[i]);
        CHECK_EQ(8, stream_put(fds[i][1], 0, 8));
    }
    turn_until_quiet(rig);
    rig_cancel(rig, &in[1]);
    rig_cancel(rig, &in[1]);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in[1]));
    rig_close(rig, fds[2][0]);
    CHECK_EQ(ROOST_ECLOSED, rig_await(rig, &in[2]));
    rig_cancel(rig, &in[0]);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in[0]));
    CHECK_EQ(1, rig_in_flight(rig));
    keeper_give(rig, 1);
    while (in[3].bytes < 8)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    rig_cancel(rig, &in[3]);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in[3]));
    keeper_give(rig, KEPT_MAX);
    for (int i = 0; i < 4; i++) {
        if (i != 2)
            rig_close(rig, fds[i][0]);
        rig_close(rig, fds[i][1]);
    }
}

/* Many streams over a tiny ring: the completion queue overflows, and the kernel ends multis. */
static void many_streams(struct rig *rig)
{
    enum { COUNT = 60, LEN = 40000 };
    static struct rig_op in[COUNT];
    int fds[COUNT][2];
    for (int i = 0; i < COUNT; i++) {
        rig_pair(rig, fds[i]);
        in[i] = receive_op(fds[i][0]);
        rig_start(rig, &in[i]);
    }
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < COUNT; i++)
            CHECK_EQ(LEN, stream_put(fds[i][1], (int64_t)round * LEN, LEN));
        for (bool all = false; !all;) {
            rig->port->ops->wait(rig->port, ROOST_NEVER);
            all = true;
            for (int i = 0; i < COUNT; i++)
                all = all && in[i].bytes == (int64_t)(round + 1) * LEN;
        }
    }
    for (int i = 0; i < COUNT; i++) {
        rig_close(rig, fds[i][1]);
        CHECK_EQ(0, rig_await(rig, &in[i]));
        rig_close(rig, fds[i][0]);
    }
}

REAL_TEST(many_streams_survive_a_small_queue)
{
    many_streams(rig);
}

REAL_TEST_WITH(many_streams_survive_one_entry, .ring_entries = 1)
{
    many_streams(rig);
}

/* A buffer twice, or one that was never lent: the caller's bug is named. */
REAL_TEST_WITH(a_wrong_buffer_is_refused, .only = "epoll")
{
    int fds[2];
    rig_pair(rig, fds);
    struct rig_op in = receive_op(fds[0]);
    rig_start(rig, &in);
    CHECK_EQ(4, stream_put(fds[1], 0, 4));
    keeper.hold = true;
    while (in.steps == 0)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    for (int wrong = 0; wrong < 3; wrong++) {
        pid_t child = fork();
        if (child == 0) {
            char own[1];
            void *buf = wrong == 0 ? own : keeper.bufs[0];
            close(2);
            if (wrong == 1)
                rig->port->ops->give_back(rig->port, (char *)buf + 8);
            rig->port->ops->give_back(rig->port, buf);
            rig->port->ops->give_back(rig->port, buf);
            _exit(0);
        }
        int status = -1;
        CHECK_EQ(child, waitpid(child, &status, 0));
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
    keeper_give(rig, 1);
    rig_cancel(rig, &in);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

/* -- accepting -------------------------------------------------------------------------------- */

static void accept_done(struct roosti_op *op)
{
    struct rig_op *mine = (struct rig_op *)op;
    mine->done_count += !op->more;
    if (!op->more)
        return;
    CHECK(op->res >= 0);
    CHECK(fcntl((int)op->res, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(FD_CLOEXEC, fcntl((int)op->res, F_GETFD));
    mine->steps++;
    rig_close(mine->rig, (int)op->res);
}

static struct rig_op accept_op(int fd)
{
    struct rig_op op = RIG_OP(ACCEPT_MULTI, .fd = fd);
    op.op.done = accept_done;
    return op;
}

/* Connections are counted at both ends, over rounds that begin with a full backlog and rounds that
 * begin with none. */
static void connections(struct rig *rig)
{
    enum { COUNT = 100 };
    struct sockaddr_in addr;
    int listener = rig_listen(rig, COUNT, &addr), clients[COUNT], total = 0;
    struct rig_op in = accept_op(listener);
    for (int round = 0; round < 3; round++) {
        if (round != 1)
            rig_start(rig, &in);
        if (round == 2)
            CHECK_EQ(0, rig_turn(rig));
        for (int i = 0; i < COUNT; i++, total++) {
            clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
            CHECK_EQ(0, connect(clients[i], (struct sockaddr *)&addr, sizeof addr));
        }
        if (round == 1)
            rig_start(rig, &in);
        while (in.steps < total)
            rig->port->ops->wait(rig->port, ROOST_NEVER);
        CHECK_EQ(0, rig_turn(rig));
        rig_cancel(rig, &in);
        CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
        for (int i = 0; i < COUNT; i++)
            close(clients[i]);
    }
    CHECK_EQ(total, in.steps);
    rig_start(rig, &in);
    CHECK_EQ(0, rig_turn(rig));
    rig_close(rig, listener);
    CHECK_EQ(ROOST_ECLOSED, rig_await(rig, &in));
}

REAL_TEST(every_connection_is_a_step)
{
    connections(rig);
}

REAL_TEST_WITH(every_connection_is_a_step_with_one_entry, .ring_entries = 1)
{
    connections(rig);
}

/* Cancel races with connections that are coming in: each is a step or still in the backlog. */
REAL_TEST(a_cancelled_accept_loses_no_connection)
{
    enum { ROUNDS = 50 };
    struct sockaddr_in addr;
    int listener = rig_listen(rig, 2 * ROUNDS, &addr), clients[ROUNDS];
    struct rig_op in = accept_op(listener);
    for (int i = 0; i < ROUNDS; i++) {
        rig_start(rig, &in);
        if (i % 2)
            rig_turn(rig);
        clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK_EQ(0, connect(clients[i], (struct sockaddr *)&addr, sizeof addr));
        rig_cancel(rig, &in);
        CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
    }
    rig_start(rig, &in);
    while (in.steps < ROUNDS)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    rig_cancel(rig, &in);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
    CHECK_EQ(ROUNDS, in.steps);
    for (int i = 0; i < ROUNDS; i++)
        close(clients[i]);
    rig_close(rig, listener);
}

#ifndef ROOST_VALGRIND
/* No descriptor is left: the accept ends with what the kernel says, and the connection waits. */
REAL_TEST(accept_out_of_descriptors_says_so)
{
    enum { FDS = 200 };
    struct sockaddr_in addr;
    int listener = rig_listen(rig, 8, &addr), taken[FDS], count = 0;
    int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct rig_op in = accept_op(listener);
    struct rlimit limit, few;
    CHECK_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
    few = limit;
    few.rlim_cur = FDS;
    CHECK_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
    while ((taken[count] = dup(listener)) >= 0)
        count++;
    CHECK_EQ(0, connect(client, (struct sockaddr *)&addr, sizeof addr));
    CHECK_EQ(-EMFILE, rig_run(rig, &in));
    CHECK_EQ(0, in.steps);
    CHECK_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
    while (count > 0)
        close(taken[--count]);
    rig_start(rig, &in);
    while (in.steps == 0)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    rig_cancel(rig, &in);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
    close(client);
    rig_close(rig, listener);
}
#endif

REAL_TEST(a_multi_on_the_wrong_kind_ends_at_once)
{
    int fds[2];
    rig_pipe(rig, fds);
    struct rig_op in = receive_op(fds[0]), accept = accept_op(fds[0]);
    CHECK_EQ(-ENOTSOCK, rig_run(rig, &in));
    CHECK_EQ(-ENOTSOCK, rig_run(rig, &accept));
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}
