/* tests/unit/port/op_world.h - a small world of operations on a bare port, without the runtime.
 *
 * Single operations with their results, and an echo service: one server and some clients, each a
 * little machine that goes from operation to operation. What a client sends must come back
 * unchanged; a client may fail, but only with the code of an operation.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_UNIT_PORT_OP_WORLD_H
#define ROOST_TESTS_UNIT_PORT_OP_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "base/mem.h"
#include "base/rng.h"
#include "port/sim.h"
#include "unit/port/cases.h"

/* -- single operations ------------------------------------------------------------------------ */

struct world_op {
    struct roosti_op op; /* first */
    int done_count;
};

__attribute__((unused)) static void world_done(struct roosti_op *op)
{
    ((struct world_op *)op)->done_count++;
}

/* At an offset of a file; with other fields. */
#define WORLD_AT(kind_word, fd_number, at, ...)                                                    \
    ((struct world_op){.op = {.kind = ROOSTI_OP_##kind_word,                                       \
                              .fd = (fd_number),                                                   \
                              .done = world_done,                                                  \
                              .offset = (at),                                                      \
                              __VA_ARGS__}})

/* kind, fd, other fields. */
#define WORLD_OP(kind_word, ...)                                                                   \
    ((struct world_op){                                                                            \
        .op = {                                                                                    \
            .kind = ROOSTI_OP_##kind_word, .done = world_done, .offset = -1, .fd = __VA_ARGS__}})

/* Submits: whether it is in flight now. */
__attribute__((unused)) static bool world_start(struct roosti_port *port, struct world_op *op)
{
    op->done_count = 0;
    int rc = port->ops->submit(port, &op->op);
    CHECK(rc == ROOSTI_IN_FLIGHT || rc == ROOSTI_DONE_NOW);
    return rc == ROOSTI_IN_FLIGHT;
}

/* Submits what cannot be ready. */
__attribute__((unused)) static void world_park(struct roosti_port *port, struct world_op *op)
{
    CHECK(world_start(port, op));
    CHECK_EQ(0, op->done_count);
}

__attribute__((unused)) static int64_t world_await(struct roosti_port *port, struct world_op *op)
{
    for (int i = 0; op->done_count == 0; i++) {
        CHECK(i < 100000);
        CHECK(port->ops->wait(port, ROOST_NEVER) >= 0);
    }
    CHECK_EQ(1, op->done_count);
    return op->op.res;
}

__attribute__((unused)) static int64_t world_run(struct roosti_port *port, struct world_op *op)
{
    return world_start(port, op) ? world_await(port, op) : op->op.res;
}

#define WORLD_RUN(port, ...) world_run(port, &WORLD_OP(__VA_ARGS__))
#define WORLD_RUN_AT(port, ...) world_run(port, &WORLD_AT(__VA_ARGS__))

__attribute__((unused)) static struct sockaddr_in world_addr(int number)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)number),
                                .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
}

/* Listens on the address; when its port is 0, fills in the one it got. fd or a code. */
__attribute__((unused)) static int world_try_listen(struct roosti_port *port,
                                                    struct sockaddr_in *addr, int backlog)
{
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    int fd = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    uint32_t len = sizeof *addr;
    int rc = fd_ops->bind(port, fd, (struct sockaddr *)addr, sizeof *addr);
    if (rc == 0)
        rc = fd_ops->listen(port, fd, backlog);
    if (rc == 0)
        rc = fd_ops->local_addr(port, fd, (struct sockaddr *)addr, &len);
    if (rc == 0)
        return fd;
    (void)fd_ops->close(port, fd);
    return rc;
}

__attribute__((unused)) static int world_listen(struct roosti_port *port, struct sockaddr_in *addr,
                                                int backlog)
{
    int fd = world_try_listen(port, addr, backlog);
    CHECK(fd >= 0);
    return fd;
}

__attribute__((unused)) static int64_t world_connect(struct roosti_port *port, int fd,
                                                     const struct sockaddr_in *addr)
{
    return WORLD_RUN(port, CONNECT, fd, .u.addr = (const struct sockaddr *)addr,
                     .addr_len = sizeof *addr);
}

/* A connection through a listener: fds[0] connected, fds[1] accepted. */
__attribute__((unused)) static void world_tcp(struct roosti_port *port, int fds[2])
{
    struct sockaddr_in addr = world_addr(0);
    int listener = world_listen(port, &addr, 4);
    fds[0] = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(0, world_connect(port, fds[0], &addr));
    fds[1] = (int)WORLD_RUN(port, ACCEPT, listener);
    CHECK(fds[1] >= 0);
    CHECK_EQ(0, port->ops->fd.close(port, listener));
}

__attribute__((unused)) static void world_close(struct roosti_port *port, int fd)
{
    (void)port->ops->fd.close(port, fd);
}

/* -- simulated worlds ------------------------------------------------------------------------- */

__attribute__((unused)) static struct roosti_port *world_sim(uint64_t seed,
                                                             const struct roosti_sim_plan *plan)
{
    struct roosti_port_opts opts = {.seed = seed};
    if (plan)
        opts.sim = *plan;
    struct roosti_port *port = NULL;
    CHECK_EQ(0, roosti_sim_open(&opts, &port));
    return port;
}

/* Ends the world, and holds it to being tidy. */
__attribute__((unused)) static void world_sim_end(struct roosti_port *port)
{
    struct roosti_sim_counts counts;
    roosti_sim_counts_get(port, &counts);
    CHECK_EQ(0, counts.fds);
    CHECK_EQ(0, counts.conns);
    CHECK_EQ(0, counts.lent);
    CHECK_EQ(0, port->ops->in_flight(port));
    port->ops->close(port);
}

__attribute__((unused)) static roost_time world_now(struct roosti_port *port)
{
    return port->ops->now(port);
}

/* -- the echo service ------------------------------------------------------------------------- */

enum { ECHO_CLIENTS_MAX = 8, ECHO_BYTES_MAX = 6000, ECHO_TURNS_MAX = 2000000 };

struct echo;

/* One machine. next: what to do with the result of its operation; false when it has ended. */
struct echo_actor {
    struct roosti_op op; /* first */
    struct echo *echo;
    bool (*next)(struct echo_actor *actor, int64_t res);
    struct echo_actor *next_conn;
    int fd;
    int rounds;  /* client: messages still to send */
    int retries; /* interrupted or refused in a row */
    size_t len;  /* of the message, or of the bytes to echo */
    size_t sent;
    size_t got;
    uint64_t seed; /* client: what the message is made of */
    int rc;        /* how it ended */
    unsigned char buf[ECHO_BYTES_MAX];
    unsigned char back[ECHO_BYTES_MAX]; /* client: what came back */
};

struct echo {
    struct roosti_port *port;
    struct roosti_rng rng;
    struct sockaddr_in addr;
    struct echo_actor server;
    struct echo_actor clients[ECHO_CLIENTS_MAX];
    struct echo_actor *conns; /* accepted, newest first */
    int client_count;
    int live;   /* clients that have not ended */
    int bad;    /* bytes that came back wrong */
    int failed; /* clients that ended with a code */
    uint64_t bytes;
};

static void echo_drive(struct echo_actor *actor, int64_t res);

static void echo_done(struct roosti_op *op)
{
    echo_drive((struct echo_actor *)op, op->res);
}

/* Goes on as long as operations are done at once. */
static void echo_drive(struct echo_actor *actor, int64_t res)
{
    struct roosti_port *port = actor->echo->port;
    while (actor->next(actor, res)) {
        actor->op.done = echo_done;
        int rc = port->ops->submit(port, &actor->op);
        if (rc == ROOSTI_IN_FLIGHT)
            return;
        res = rc < 0 ? rc : actor->op.res;
    }
}

static void echo_op(struct echo_actor *actor, enum roosti_op_kind kind, void *buf, size_t len)
{
    actor->op =
        (struct roosti_op){.kind = kind, .fd = actor->fd, .buf = buf, .len = len, .offset = -1};
}

/* Codes after which the same operation is simply tried again, a few times. */
static bool echo_retries(struct echo_actor *actor, int64_t res)
{
    bool passing = res == -EINTR || res == -ENOBUFS || res == ROOST_ENOMEM || res == -ENETDOWN ||
                   res == -EHOSTUNREACH || res == -ENETUNREACH;
    actor->retries = passing ? actor->retries + 1 : 0;
    return passing && actor->retries < 20;
}

static bool echo_end(struct echo_actor *actor, int64_t rc)
{
    struct roosti_port *port = actor->echo->port;
    int fd = actor->fd;
    actor->fd = -1;
    actor->rc = (int)rc;
    if (fd >= 0)
        (void)port->ops->fd.close(port, fd);
    return false;
}

/* -- server -- */

static bool conn_sent(struct echo_actor *conn, int64_t res);

static bool conn_received(struct echo_actor *conn, int64_t res)
{
    if (echo_retries(conn, res)) {
        echo_op(conn, ROOSTI_OP_RECV, conn->buf, sizeof conn->buf);
        return true;
    }
    if (res <= 0)
        return echo_end(conn, res);
    conn->len = (size_t)res;
    conn->sent = 0;
    conn->next = conn_sent;
    echo_op(conn, ROOSTI_OP_SEND, conn->buf, conn->len);
    return true;
}

static bool conn_sent(struct echo_actor *conn, int64_t res)
{
    bool again = echo_retries(conn, res);
    if (res < 0 && !again)
        return echo_end(conn, res);
    conn->sent += again ? 0 : (size_t)res;
    if (conn->sent < conn->len) {
        echo_op(conn, ROOSTI_OP_SEND, conn->buf + conn->sent, conn->len - conn->sent);
        return true;
    }
    conn->next = conn_received;
    echo_op(conn, ROOSTI_OP_RECV, conn->buf, sizeof conn->buf);
    return true;
}

static bool conn_first(struct echo_actor *conn, int64_t res)
{
    (void)res;
    conn->next = conn_received;
    echo_op(conn, ROOSTI_OP_RECV, conn->buf, sizeof conn->buf);
    return true;
}

static bool server_accepted(struct echo_actor *server, int64_t res)
{
    struct echo *echo = server->echo;
    if (res >= 0) {
        struct echo_actor *conn = roosti_alloc_zero(1, sizeof *conn, "echo connection");
        if (!conn) {
            (void)echo->port->ops->fd.close(echo->port, (int)res);
        } else {
            *conn = (struct echo_actor){
                .echo = echo, .fd = (int)res, .next = conn_first, .next_conn = echo->conns};
            echo->conns = conn;
            echo_drive(conn, 0);
        }
    } else if (res == ROOST_ECANCELED || res == ROOST_ECLOSED || res == -EBADF ||
               ++server->retries > 200) {
        return echo_end(server, res);
    }
    if (server->op.more)
        return false; /* still going */
    if (echo->live == 0)
        return echo_end(server, 0);
    echo_op(server, (echo->rng.state & 1) ? ROOSTI_OP_ACCEPT : ROOSTI_OP_ACCEPT_MULTI, NULL, 0);
    return true;
}

/* -- client -- */

static bool client_sent(struct echo_actor *client, int64_t res);

static bool client_end(struct echo_actor *client, int64_t rc)
{
    client->echo->live--;
    client->echo->failed += rc < 0;
    return echo_end(client, rc);
}

static bool client_round(struct echo_actor *client)
{
    struct roosti_rng rng = {client->seed++};
    client->len = 1 + (size_t)roosti_rng_below(&rng, sizeof client->buf);
    for (size_t i = 0; i < client->len; i++)
        client->buf[i] = (unsigned char)roosti_rng_next(&rng);
    client->sent = client->got = 0;
    client->next = client_sent;
    echo_op(client, ROOSTI_OP_SEND, client->buf, client->len);
    return true;
}

static bool client_ended(struct echo_actor *client, int64_t res)
{
    if (echo_retries(client, res)) {
        echo_op(client, ROOSTI_OP_RECV, client->back, sizeof client->back);
        return true;
    }
    client->echo->bad += res > 0; /* bytes nobody sent */
    return client_end(client, res);
}

static bool client_received(struct echo_actor *client, int64_t res)
{
    bool again = echo_retries(client, res);
    if (res <= 0 && !again)
        return client_end(client, res < 0 ? res : ROOST_EBROKEN);
    client->got += again ? 0 : (size_t)res;
    if (client->got < client->len) {
        echo_op(client, ROOSTI_OP_RECV, client->back + client->got, client->len - client->got);
        return true;
    }
    client->echo->bad += memcmp(client->buf, client->back, client->len) != 0;
    client->echo->bytes += client->len;
    if (--client->rounds > 0)
        return client_round(client);
    /* Half close: the server sees the end, and closes; then we see it. */
    int rc = client->echo->port->ops->fd.shutdown(client->echo->port, client->fd, SHUT_WR);
    if (rc < 0)
        return client_end(client, rc);
    client->next = client_ended;
    echo_op(client, ROOSTI_OP_RECV, client->back, sizeof client->back);
    return true;
}

static bool client_sent(struct echo_actor *client, int64_t res)
{
    bool again = echo_retries(client, res);
    if (res < 0 && !again)
        return client_end(client, res);
    client->sent += again ? 0 : (size_t)res;
    if (client->sent < client->len) {
        echo_op(client, ROOSTI_OP_SEND, client->buf + client->sent, client->len - client->sent);
        return true;
    }
    client->next = client_received;
    echo_op(client, ROOSTI_OP_RECV, client->back, client->len);
    return true;
}

static bool client_connected(struct echo_actor *client, int64_t res)
{
    return res < 0 ? client_end(client, res) : client_round(client);
}

static bool client_first(struct echo_actor *client, int64_t res)
{
    struct roosti_port *port = client->echo->port;
    (void)res;
    client->fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    if (client->fd < 0)
        return client_end(client, client->fd);
    client->next = client_connected;
    echo_op(client, ROOSTI_OP_CONNECT, NULL, 0);
    client->op.u.addr = (const struct sockaddr *)&client->echo->addr;
    client->op.addr_len = sizeof client->echo->addr;
    return true;
}

/* -- running it -- */

static bool echo_turns(struct echo *echo)
{
    struct roosti_port *port = echo->port;
    for (int i = 0; echo->live > 0 && i < ECHO_TURNS_MAX; i++) {
        roost_time before = port->ops->now(port);
        int count = port->ops->wait(port, ROOST_NEVER);
        /* In virtual time, nothing and no step of the clock means nothing ever again. */
        if (count == 0 && port->ops->virtual_time && port->ops->now(port) == before)
            break;
    }
    return echo->live == 0;
}

/* The server and what is left of the connections end. */
static void echo_finish(struct echo *echo)
{
    struct roosti_port *port = echo->port;
    if (echo->server.fd >= 0)
        (void)echo_end(&echo->server, 0);
    for (struct echo_actor *conn = echo->conns; conn; conn = conn->next_conn)
        (void)echo_end(conn, 0);
    for (int i = 0; i < ECHO_CLIENTS_MAX; i++)
        (void)echo_end(&echo->clients[i], 0);
    for (int i = 0; port->ops->in_flight(port) > 0 && i < ECHO_TURNS_MAX; i++)
        (void)port->ops->wait(port, ROOST_NEVER);
    while (echo->conns) {
        struct echo_actor *conn = echo->conns;
        echo->conns = conn->next_conn;
        roosti_free(conn);
    }
}

/* Runs it to the end: true when every client has ended by itself. Nothing is left in flight. */
__attribute__((unused)) static bool echo_run(struct echo *echo, struct roosti_port *port,
                                             uint64_t seed, int clients, int rounds)
{
    memset(echo, 0, sizeof *echo);
    echo->port = port;
    echo->rng = roosti_rng_split(seed, "echo");
    echo->addr = world_addr(0);
    echo->server = (struct echo_actor){.echo = echo, .next = server_accepted};
    for (int i = 0; i < ECHO_CLIENTS_MAX; i++) {
        echo->clients[i].echo = echo;
        echo->clients[i].fd = -1;
    }
    echo->server.fd = world_try_listen(port, &echo->addr, 4);
    if (echo->server.fd < 0)
        return true; /* no service, no clients */
    echo->client_count = echo->live = clients;
    echo_drive(&echo->server, ROOST_EAGAIN);
    for (int i = 0; i < clients; i++) {
        struct echo_actor *client = &echo->clients[i];
        client->rounds = rounds;
        client->seed = seed * 1000003 + (uint64_t)i * 1009;
        client->next = client_first;
        echo_drive(client, 0);
    }
    bool all = echo_turns(echo);
    echo_finish(echo);
    return all && port->ops->in_flight(port) == 0;
}

#endif
