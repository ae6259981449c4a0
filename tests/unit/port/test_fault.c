/* tests/unit/port/test_fault.c - the fault port: every disturbance over the simulated port, where a
 * test can see it, and over the real ones, where it must do no other harm.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/file_call.h"
#include "port/fault.h"

#include <fcntl.h>
#include <poll.h>

#include "port/sim.h"
#include "unit/port/op_world.h"

static struct roosti_port *fault_over(struct roosti_port *inner, uint64_t seed,
                                      const struct roosti_fault_plan *plan)
{
    struct roosti_port *port = NULL;
    CHECK_EQ(0, roosti_fault_open(inner, seed, plan, &port));
    return port;
}

static struct roosti_port *fault_world(uint64_t seed, const struct roosti_fault_plan *plan)
{
    return fault_over(world_sim(seed, NULL), seed, plan);
}

static struct roosti_fault_stats fault_stats(struct roosti_port *port)
{
    struct roosti_fault_stats stats;
    roosti_fault_stats_get(port, &stats);
    return stats;
}

/* -- the table -------------------------------------------------------------------------------- */

TEST(the_table_names_each_pair_once_and_keeps_kinds_together)
{
    for (size_t i = 0; i < ROOSTI_FAULT_PAIR_COUNT; i++) {
        const struct roosti_fault_pair *pair = &roosti_fault_pairs[i];
        CHECK(pair->code < 0 && pair->code > -4096);
        CHECK(strcmp(roosti_fault_kind_name(pair->kind), "?") != 0);
        bool same_block = true;
        for (size_t k = i + 1; k < ROOSTI_FAULT_PAIR_COUNT; k++) {
            bool same = roosti_fault_pairs[k].kind == pair->kind;
            CHECK(!same || (same_block && roosti_fault_pairs[k].code != pair->code));
            same_block = same_block && same;
        }
    }
    for (unsigned kind = 0; kind < ROOSTI_FAULT_KIND_COUNT; kind++)
        CHECK(roosti_fault_kind_name(kind) != NULL);
    CHECK(strcmp(roosti_fault_kind_name(ROOSTI_FAULT_KIND_COUNT), "?") == 0);
}

/* Descriptors of every sort, ready for one operation of any kind. */
struct outfit {
    struct roosti_port *port;
    struct sockaddr_in addr;
    int listener; /* somebody waits there to be accepted */
    int caller;
    int tcp[2]; /* a byte waits at tcp[1] */
    int file;
    int fresh; /* a socket nobody has used */
};

static void outfit_make(struct outfit *outfit, struct roosti_port *port)
{
    *outfit = (struct outfit){.port = port, .addr = world_addr(0)};
    outfit->listener = world_listen(port, &outfit->addr, 8);
    outfit->caller = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(0, world_connect(port, outfit->caller, &outfit->addr));
    CHECK_EQ(0, port->ops->fd.socket_pair(port, outfit->tcp));
    CHECK_EQ(1, WORLD_RUN(port, SEND, outfit->tcp[0], .buf = (char[]){"x"}, .len = 1));
    outfit->file = (int)WORLD_RUN(port, OPEN, -1, .u.path = "/f", .flags = O_RDWR | O_CREAT);
    CHECK(outfit->file >= 0);
    outfit->fresh = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
}

static void outfit_close(struct outfit *outfit)
{
    int fds[] = {outfit->listener, outfit->caller, outfit->tcp[0],
                 outfit->tcp[1],   outfit->file,   outfit->fresh};
    for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
        world_close(outfit->port, fds[i]);
}

static int name_ignore(void *arg, const char *name, bool is_directory)
{
    (void)arg;
    (void)name;
    (void)is_directory;
    return 0;
}

/* One call of this kind: what it says. */
static int64_t call_make(struct outfit *outfit, unsigned kind)
{
    struct roosti_port *port = outfit->port;
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    struct sockaddr_in addr = world_addr(0);
    uint32_t len = sizeof addr;
    int fds[2], on = 1;
    int fd = outfit->fresh;
    uint64_t id;
    char byte;
    struct iovec byte_iov = {&byte, 1};
    switch ((enum roosti_fault_kind)kind) {
    case ROOSTI_FAULT_SOCKET:
        return fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
    case ROOSTI_FAULT_BIND:
        return fd_ops->bind(port, fd, (struct sockaddr *)&addr, sizeof addr);
    case ROOSTI_FAULT_LISTEN:
        return fd_ops->listen(port, fd, 1);
    case ROOSTI_FAULT_LOCAL_ADDR:
        return fd_ops->local_addr(port, fd, (struct sockaddr *)&addr, &len);
    case ROOSTI_FAULT_PEER_ADDR:
        return fd_ops->peer_addr(port, outfit->caller, (struct sockaddr *)&addr, &len);
    case ROOSTI_FAULT_GET_OPTION:
        return fd_ops->get_option(port, fd, SOL_SOCKET, SO_ERROR, &on, &len);
    case ROOSTI_FAULT_RECEIVE:
        return fd_ops->receive(port, outfit->tcp[1], &(struct msghdr){.msg_iov = &byte_iov}, 0);
    case ROOSTI_FAULT_SOCKET_FILE:
        return fd_ops->socket_file(port, "/s", &id);
    case ROOSTI_FAULT_SOCKET_FILE_REMOVE:
        return fd_ops->socket_file_remove(port, "/s", 0);
    case ROOSTI_FAULT_SET_OPTION:
        return fd_ops->set_option(port, fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    case ROOSTI_FAULT_SHUTDOWN:
        return fd_ops->shutdown(port, outfit->tcp[0], SHUT_WR);
    case ROOSTI_FAULT_PIPE:
        return fd_ops->pipe(port, fds);
    case ROOSTI_FAULT_SOCKET_PAIR:
        return fd_ops->socket_pair(port, fds);
    case ROOSTI_FAULT_CLOSE:
        return fd_ops->close(port, fd);
    case ROOSTI_FAULT_LIST:
        return fd_ops->list(port, "/", name_ignore, NULL);
    case ROOSTI_FAULT_KIND_COUNT:
        break;
    }
    return 1;
}

/* One operation or call of this kind: what it comes to. */
static int64_t kind_do(struct outfit *outfit, unsigned kind)
{
    struct roosti_port *port = outfit->port;
    char byte = 'b';
    struct iovec piece = {&byte, 1};
    struct msghdr msg = {.msg_iov = &piece, .msg_iovlen = 1};
    struct roosti_file_call sync = {.what = ROOSTI_FILE_SYNC_DATA};
    switch (kind) {
    case ROOSTI_OP_POLL:
        return WORLD_RUN(port, POLL, outfit->tcp[0], .events = ROOSTI_POLL_OUT);
    case ROOSTI_OP_READ:
        return WORLD_RUN_AT(port, READ, outfit->file, 0, .buf = &byte, .len = 1);
    case ROOSTI_OP_WRITE:
        return WORLD_RUN_AT(port, WRITE, outfit->file, 0, .buf = &byte, .len = 1);
    case ROOSTI_OP_RECV:
        return WORLD_RUN(port, RECV, outfit->tcp[1], .buf = &byte, .len = 1);
    case ROOSTI_OP_SEND:
        return WORLD_RUN(port, SEND, outfit->tcp[0], .buf = &byte, .len = 1);
    case ROOSTI_OP_SENDV:
        return WORLD_RUN(port, SENDV, outfit->tcp[0], .u.msg = &msg, .len = 1);
    case ROOSTI_OP_SEND_MSG:
        return WORLD_RUN(port, SEND_MSG, outfit->tcp[0], .u.msg = &msg, .len = 1);
    case ROOSTI_OP_RECV_MSG:
        return WORLD_RUN(port, RECV_MSG, outfit->tcp[1], .u.msg = &msg, .buf = &byte, .len = 1);
    case ROOSTI_OP_ACCEPT:
        return WORLD_RUN(port, ACCEPT, outfit->listener);
    case ROOSTI_OP_CONNECT:
        return world_connect(port, outfit->fresh, &outfit->addr);
    case ROOSTI_OP_OPEN:
        return WORLD_RUN(port, OPEN, -1, .u.path = "/f", .flags = O_RDONLY);
    case ROOSTI_OP_FSYNC:
        return WORLD_RUN(port, FSYNC, outfit->file);
    case ROOSTI_OP_FILE_CALL:
        return WORLD_RUN(port, FILE_CALL, outfit->file, .u.call = &sync);
    case ROOSTI_OP_RECV_MULTI:
        return WORLD_RUN(port, RECV_MULTI, outfit->tcp[1]);
    case ROOSTI_OP_ACCEPT_MULTI:
        return WORLD_RUN(port, ACCEPT_MULTI, outfit->listener);
    default:
        return call_make(outfit, kind);
    }
}

static void pair_force(struct roosti_port *port, size_t index)
{
    const struct roosti_fault_pair *pair = &roosti_fault_pairs[index];
    struct outfit outfit;
    outfit_make(&outfit, port);
    roosti_fault_force(port, pair->kind, 1, pair->code);
    CHECK_EQ(pair->code, kind_do(&outfit, pair->kind));
    struct roosti_fault_stats stats = fault_stats(port);
    for (size_t i = 0; i < ROOSTI_FAULT_PAIR_COUNT; i++)
        CHECK_EQ(i == index, stats.injected[i]);
    CHECK_EQ(1, stats.errors);
    if (pair->kind == ROOSTI_FAULT_CLOSE) /* failed, and closed all the same */
        CHECK_EQ(-EBADF, kind_do(&outfit, pair->kind));
    outfit_close(&outfit);
}

TEST(every_pair_of_the_table_can_be_made_to_happen)
{
    for (size_t i = 0; i < ROOSTI_FAULT_PAIR_COUNT; i++) {
        struct roosti_port *port = fault_world(i, NULL);
        pair_force(port, i);
        world_sim_end(port);
    }
}

TEST(a_kind_has_only_the_errors_of_its_list)
{
    static const struct roosti_fault_plan plan = {.error_permille = 1000};
    static uint64_t seen[ROOSTI_FAULT_PAIR_COUNT];
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct roosti_port *port = fault_world(seed, NULL);
        struct outfit outfit;
        outfit_make(&outfit, port);
        roosti_fault_plan_set(port, &plan);
        for (unsigned kind = ROOSTI_OP_POLL; kind < ROOSTI_FAULT_KIND_COUNT; kind++) {
            if (kind == ROOSTI_FAULT_CLOSE) /* would take the descriptors of the others */
                continue;
            int64_t res = kind_do(&outfit, kind);
            size_t i = 0;
            while (i < ROOSTI_FAULT_PAIR_COUNT &&
                   (roosti_fault_pairs[i].kind != kind || roosti_fault_pairs[i].code != res))
                i++;
            CHECK(i < ROOSTI_FAULT_PAIR_COUNT);
            seen[i]++;
        }
        roosti_fault_plan_set(port, NULL);
        outfit_close(&outfit);
        world_sim_end(port);
    }
    for (size_t i = 0; i < ROOSTI_FAULT_PAIR_COUNT; i++)
        CHECK(seen[i] > 0 || roosti_fault_pairs[i].kind == ROOSTI_FAULT_CLOSE);
}

/* -- the k-th failure ------------------------------------------------------------------------- */

static void fault_echo(struct echo *echo, struct roosti_port *port, uint64_t seed)
{
    CHECK(echo_run(echo, port, seed, 4, 3));
    CHECK_EQ(0, echo->bad);
}

TEST(each_operation_and_call_of_a_run_can_be_the_one_that_fails)
{
    static struct echo echo;
    struct roosti_port *port = fault_world(5, NULL);
    fault_echo(&echo, port, 5);
    CHECK_EQ(0, echo.failed);
    uint64_t count = fault_stats(port).seen;
    world_sim_end(port);
    CHECK(count > 50);
    int hurt = 0;
    for (uint64_t k = 1; k <= count + 1; k++) {
        struct roosti_fault_plan plan = {.fail_at = k, .fail_code = k % 2 ? 0 : -EIO};
        port = fault_world(5, &plan);
        fault_echo(&echo, port, 5);
        CHECK_EQ(k <= count, fault_stats(port).errors);
        hurt += echo.failed > 0;
        world_sim_end(port);
    }
    CHECK(hurt > 20);
}

/* -- disturbances that must not show ---------------------------------------------------------- */

TEST(one_byte_at_a_time_and_mostly_not_ready_changes_no_byte)
{
    static struct echo echo;
    static const struct roosti_fault_plan plan = {.io_max = 1, .again_permille = 900};
    for (uint64_t seed = 0; seed < 4; seed++) {
        struct roosti_port *port = fault_world(seed, &plan);
        fault_echo(&echo, port, seed);
        CHECK_EQ(0, echo.failed);
        struct roosti_fault_stats stats = fault_stats(port);
        CHECK(stats.shortened > echo.bytes / 2);
        CHECK(stats.again > 3 * stats.seen);
        CHECK_EQ(0, stats.errors);
        world_sim_end(port);
    }
}

TEST(short_late_and_not_ready_changes_no_byte_over_200_seeds)
{
    static struct echo echo;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct roosti_fault_plan plan = {.again_permille = (unsigned)seed % 4 * 250,
                                         .short_permille = (unsigned)seed % 5 * 200,
                                         .delay_permille = (unsigned)seed % 3 * 300,
                                         .late_cancel_permille = 500};
        struct roosti_port *port = fault_world(seed, &plan);
        fault_echo(&echo, port, seed);
        CHECK_EQ(0, echo.failed);
        struct roosti_fault_stats stats = fault_stats(port);
        CHECK_EQ(plan.again_permille != 0, stats.again != 0);
        CHECK_EQ(plan.short_permille != 0, stats.shortened != 0);
        CHECK_EQ(plan.delay_permille != 0, stats.delayed != 0);
        world_sim_end(port);
    }
}

struct drain {
    struct roosti_op op; /* first */
    struct roosti_port *port;
    uint64_t hash;
    int64_t bytes;
    int ended;
};

static void drain_step(struct roosti_op *op)
{
    struct drain *drain = (struct drain *)op;
    if (op->res > 0) {
        const unsigned char *bytes = op->buf;
        for (int64_t i = 0; i < op->res; i++)
            drain->hash = roosti_mix(drain->hash ^ bytes[i]);
        drain->bytes += op->res;
        drain->port->ops->give_back(drain->port, op->buf);
    }
    drain->ended += !op->more;
}

/* Receives len bytes by RECV_MULTI, taken up again whenever it ends; 0 at the end of stream. */
static int64_t drain_all(struct drain *drain, struct roosti_port *port, int fd, int out)
{
    enum { LEN = 30000 };
    static unsigned char block[LEN];
    uint64_t hash = 0;
    int64_t sent = 0;
    for (int i = 0; i < LEN; i++) {
        block[i] = (unsigned char)(i * 7 >> 2);
        hash = roosti_mix(hash ^ block[i]);
    }
    *drain = (struct drain){.port = port, .ended = 1};
    while (sent < LEN || !(drain->ended && drain->op.res == 0)) {
        if (drain->ended) {
            drain->ended = 0;
            drain->op = (struct roosti_op){
                .kind = ROOSTI_OP_RECV_MULTI, .fd = fd, .done = drain_step, .offset = -1};
            int rc = port->ops->submit(port, &drain->op);
            CHECK(rc >= 0);
            drain->ended = rc == ROOSTI_DONE_NOW;
        }
        if (sent < LEN) {
            sent += WORLD_RUN(port, SEND, out, .buf = block + sent, .len = (size_t)(LEN - sent));
            if (sent == LEN)
                CHECK_EQ(0, port->ops->fd.shutdown(port, out, SHUT_WR));
        } else if (!drain->ended) {
            (void)port->ops->wait(port, ROOST_NEVER);
        }
    }
    CHECK_EQ(hash, drain->hash);
    return drain->bytes;
}

TEST(recv_multi_loses_nothing_step_by_step_or_handed_on)
{
    static const struct roosti_fault_plan plans[] = {
        {0},
        {.io_max = 7},
        {.short_permille = 700, .again_permille = 300},
        {.again_permille = 500, .delay_permille = 300},
    };
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct roosti_port *port = fault_world(seed, &plans[seed % 4]);
        struct drain drain;
        int fds[2];
        world_tcp(port, fds);
        CHECK_EQ(30000, drain_all(&drain, port, fds[1], fds[0]));
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
}

struct keeper {
    struct roosti_op op; /* first */
    void *lent[32];
    int count;
    int ended;
};

static void keeper_step(struct roosti_op *op)
{
    struct keeper *keeper = (struct keeper *)op;
    if (op->res > 0)
        keeper->lent[keeper->count++] = op->buf;
    keeper->ended += !op->more;
}

TEST(a_stepwise_recv_multi_ends_without_a_buffer_and_takes_no_byte_then)
{
    static const struct roosti_fault_plan plan = {.io_max = 2};
    struct roosti_port *port = fault_world(1, &plan);
    int fds[2];
    char buf[64];
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    size_t sent = 0;
    while (sent < 40)
        sent += (size_t)WORLD_RUN(port, SEND, fds[0], .buf = buf, .len = 2);
    struct keeper keeper = {
        .op = {.kind = ROOSTI_OP_RECV_MULTI, .fd = fds[1], .done = keeper_step, .offset = -1}};
    CHECK_EQ(ROOSTI_IN_FLIGHT, port->ops->submit(port, &keeper.op));
    while (!keeper.ended)
        CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
    CHECK_EQ(-ENOBUFS, keeper.op.res);
    CHECK_EQ(16, keeper.count);
    for (int i = 0; i < keeper.count; i++)
        port->ops->give_back(port, keeper.lent[i]);
    int64_t rest = 0;
    while (rest < 8)
        rest += WORLD_RUN(port, RECV, fds[1], .buf = buf, .len = sizeof buf);
    CHECK_EQ(8, rest);

    /* Cancelled between two steps: it ends, and the next bytes are still there. */
    keeper = (struct keeper){.op = keeper.op};
    CHECK_EQ(ROOSTI_IN_FLIGHT, port->ops->submit(port, &keeper.op));
    CHECK_EQ(2, WORLD_RUN(port, SEND, fds[0], .buf = buf, .len = 2));
    while (keeper.count == 0)
        CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
    port->ops->cancel(port, &keeper.op);
    while (!keeper.ended)
        CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
    CHECK_EQ(ROOST_ECANCELED, keeper.op.res);
    port->ops->give_back(port, keeper.lent[0]);
    world_close(port, fds[0]);
    world_close(port, fds[1]);
    world_sim_end(port);
}

/* -- disturbances that must show -------------------------------------------------------------- */

TEST(an_injected_reset_is_a_reset_for_both_ends)
{
    static const struct roosti_fault_plan plan = {.reset_permille = 1000};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = fault_world(seed, NULL);
        int fds[2];
        char byte = 0;
        world_tcp(port, fds);
        struct world_op there = WORLD_OP(RECV, fds[1], .buf = &byte, .len = 1);
        world_park(port, &there);
        roosti_fault_plan_set(port, &plan);
        CHECK_EQ(-ECONNRESET, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
        roosti_fault_plan_set(port, NULL);
        CHECK_EQ(-ECONNRESET, world_await(port, &there));
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
}

TEST(errors_and_resets_end_every_run_and_after_the_heal_all_is_well)
{
    static struct echo echo;
    int failed = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        struct roosti_fault_plan plan = {.error_permille = 20,
                                         .reset_permille = (unsigned)seed % 3 * 10,
                                         .again_permille = 100,
                                         .short_permille = 100,
                                         .delay_permille = 50};
        struct roosti_port *port = fault_world(seed, &plan);
        fault_echo(&echo, port, seed);
        failed += echo.failed;
        roosti_fault_plan_set(port, NULL);
        fault_echo(&echo, port, seed);
        CHECK_EQ(0, echo.failed);
        CHECK(echo.bytes > 12);
        world_sim_end(port);
    }
    CHECK(failed > 100);
}

TEST(a_delayed_completion_takes_virtual_time_and_no_longer_than_2_ms)
{
    static const struct roosti_fault_plan plan = {.delay_permille = 1000};
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct roosti_port *port = fault_world(seed, &plan);
        struct world_op nop = WORLD_OP(NOP, -1);
        world_park(port, &nop);
        CHECK_EQ(1, port->ops->wait(port, ROOST_NEVER));
        CHECK_EQ(0, nop.op.res);
        roost_dur took = world_now(port) - ROOST_SEC(1000);
        CHECK(took > 0 && took <= ROOST_MS(2));
        /* A nearer deadline comes first. */
        world_park(port, &nop);
        roost_time deadline = world_now(port) + 1;
        CHECK_EQ(0, port->ops->wait(port, deadline));
        CHECK_EQ(deadline, world_now(port));
        CHECK_EQ(0, world_await(port, &nop));
        world_sim_end(port);
    }
}

/* -- cancel, close, wake ---------------------------------------------------------------------- */

TEST(cancel_while_it_seems_not_ready_ends_it_without_a_trace)
{
    static const struct roosti_fault_plan plan = {.again_permille = 1000};
    struct roosti_port *port = fault_world(1, NULL);
    int fds[2];
    char byte = 'a';
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = &byte, .len = 1));
    roosti_fault_plan_set(port, &plan);
    struct world_op recv = WORLD_OP(RECV, fds[1], .buf = &byte, .len = 1);
    world_park(port, &recv);
    CHECK_EQ(0, port->ops->wait(port, 0));
    CHECK_EQ(1, port->ops->in_flight(port));
    port->ops->cancel(port, &recv.op);
    port->ops->cancel(port, &recv.op);
    CHECK_EQ(1, port->ops->wait(port, ROOST_NEVER));
    CHECK_EQ(ROOST_ECANCELED, recv.op.res);
    roosti_fault_plan_set(port, NULL);
    CHECK_EQ(1, WORLD_RUN(port, RECV, fds[1], .buf = &byte, .len = 1)); /* nothing was taken */

    /* The same, but its descriptor closes and its number has a new owner. */
    roosti_fault_plan_set(port, &plan);
    world_park(port, &recv);
    CHECK_EQ(0, port->ops->fd.close(port, fds[1]));
    roosti_fault_plan_set(port, NULL);
    world_close(port, fds[0]);
    int again[2];
    CHECK_EQ(0, port->ops->fd.socket_pair(port, again));
    CHECK_EQ(fds[1], again[1]);
    CHECK_EQ(1, WORLD_RUN(port, SEND, again[0], .buf = (char[]){"n"}, .len = 1));
    CHECK_EQ(ROOST_ECLOSED, recv.done_count ? recv.op.res : world_await(port, &recv));
    CHECK_EQ(1, WORLD_RUN(port, RECV, again[1], .buf = &byte, .len = 1));
    CHECK_EQ('n', byte);
    world_close(port, again[0]);
    world_close(port, again[1]);
    world_sim_end(port);
}

TEST(without_a_plan_everything_passes_through)
{
    struct roosti_port *port = fault_world(3, NULL), *inner = roosti_fault_inner(port);
    CHECK(inner != port && roosti_fault_inner(inner) == inner);
    CHECK(strcmp("sim", port->ops->name) == 0 && port->ops->virtual_time);
    CHECK_EQ(ROOST_ENOTSUP, port->ops->poll_fd(port));
    roosti_sim_wall_jump(port, 5);
    CHECK_EQ(ROOSTI_SIM_WALL_START + 5, port->ops->wall(port));
    unsigned char a[8], b[8];
    struct roosti_port *same = world_sim(3, NULL);
    port->ops->entropy(port, a, sizeof a);
    same->ops->entropy(same, b, sizeof b);
    CHECK(memcmp(a, b, sizeof a) == 0);
    world_sim_end(same);
    CHECK_EQ(0, roosti_fault_trace_hash(port));
    int fds[2];
    char byte;
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    struct world_op recv = WORLD_OP(RECV, fds[0], .buf = &byte, .len = 1);
    world_park(port, &recv);
    port->ops->cancel(port, &recv.op);
    CHECK_EQ(1, port->ops->wait(port, ROOST_NEVER));
    CHECK_EQ(ROOST_ECANCELED, recv.op.res);
    world_close(port, fds[0]);
    world_close(port, fds[1]);
    world_sim_end(port);
}

TEST(two_receivers_of_one_stream_lose_nothing_between_them)
{
    for (uint64_t seed = 0; seed < 40; seed++) {
        static const struct roosti_fault_plan plan = {.io_max = 1};
        struct roosti_port *port = fault_world(seed, &plan);
        int fds[2];
        char byte = 0;
        CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
        struct keeper keeper = {
            .op = {.kind = ROOSTI_OP_RECV_MULTI, .fd = fds[1], .done = keeper_step, .offset = -1}};
        CHECK_EQ(ROOSTI_IN_FLIGHT, port->ops->submit(port, &keeper.op));
        for (int i = 0; i < 20; i++) { /* more than there are buffers to lend */
            struct world_op recv = WORLD_OP(RECV, fds[1], .buf = &byte, .len = 1);
            world_park(port, &recv);
            CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = (char[]){"1"}, .len = 1));
            CHECK_EQ(1, world_await(port, &recv));
            CHECK_EQ(0, keeper.count);
            CHECK_EQ(0, port->ops->wait(port, ROOST_NEVER));
        }
        CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = (char[]){"2"}, .len = 1));
        if (seed % 2) {
            while (keeper.count == 0)
                CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
            CHECK_EQ('2', *(char *)keeper.lent[0]);
            port->ops->give_back(port, keeper.lent[0]);
        }
        port->ops->cancel(port, &keeper.op);
        while (!keeper.ended)
            CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
        CHECK_EQ(ROOST_ECANCELED, keeper.op.res);
        /* What the cancelled one had not taken is still there. */
        bool left = !(seed % 2) && keeper.count == 0;
        if (!(seed % 2) && keeper.count)
            port->ops->give_back(port, keeper.lent[0]);
        if (left)
            CHECK_EQ(1, WORLD_RUN(port, RECV, fds[1], .buf = &byte, .len = 1));
        CHECK(!left || byte == '2');
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
}

TEST(a_late_cancel_lets_a_result_win_and_arrives_after_10_ms_at_the_most)
{
    int won = 0, lost = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        struct roosti_fault_plan plan = {.late_cancel_permille = 1000};
        struct roosti_port *port = fault_world(seed, &plan);
        int fds[2];
        char byte = 0;
        world_tcp(port, fds);
        struct world_op recv = WORLD_OP(RECV, fds[1], .buf = &byte, .len = 1);
        world_park(port, &recv);
        roost_time asked = world_now(port);
        if (seed % 2)
            CHECK_EQ(1, WORLD_RUN(port, SEND, fds[0], .buf = (char[]){"v"}, .len = 1));
        CHECK_EQ(0, recv.done_count);
        plan.delay_permille = seed % 3 == 0 ? 1000 : 0; /* the result is held back on top */
        roosti_fault_plan_set(port, &plan);
        port->ops->cancel(port, &recv.op);
        port->ops->cancel(port, &recv.op);
        int64_t res = world_await(port, &recv);
        CHECK(res == ROOST_ECANCELED || (res == 1 && byte == 'v' && seed % 2));
        CHECK(world_now(port) <= asked + ROOST_MS(13));
        won += res == 1;
        lost += res != 1;
        CHECK_EQ(1, fault_stats(port).late_cancels);
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
    CHECK(won > 20 && lost >= 30);
}

TEST(wait_returns_with_nothing_only_when_nothing_can_come)
{
    static const struct roosti_fault_plan plan = {.again_permille = 900, .delay_permille = 500};
    struct roosti_port *port = fault_world(1, &plan);
    int fds[2];
    char byte = 0;
    CHECK_EQ(0, port->ops->fd.pipe(port, fds));
    for (int i = 0; i < 200; i++) {
        struct world_op write = WORLD_OP(WRITE, fds[1], .buf = &byte, .len = 1);
        if (world_start(port, &write))
            CHECK_EQ(1, port->ops->wait(port, ROOST_NEVER));
        struct world_op read = WORLD_OP(READ, fds[0], .buf = &byte, .len = 1);
        if (world_start(port, &read))
            CHECK_EQ(1, port->ops->wait(port, ROOST_NEVER));
    }
    CHECK_EQ(0, port->ops->wait(port, ROOST_NEVER));
    struct world_op read = WORLD_OP(READ, fds[0], .buf = &byte, .len = 1);
    world_park(port, &read);
    CHECK_EQ(0, port->ops->wait(port, ROOST_NEVER));
    port->ops->wake(port);
    roost_time before = world_now(port);
    CHECK_EQ(0, port->ops->wait(port, before + ROOST_SEC(1)));
    CHECK_EQ(before, world_now(port));
    CHECK_EQ(0, port->ops->wait(port, before + ROOST_SEC(1)));
    CHECK_EQ(before + ROOST_SEC(1), world_now(port));
    world_close(port, fds[0]);
    world_close(port, fds[1]);
    CHECK_EQ(ROOST_ECLOSED, world_await(port, &read));
    world_sim_end(port);
}

/* -- the same seed, out of memory ------------------------------------------------------------- */

static const struct roosti_fault_plan everything = {.again_permille = 200,
                                                    .short_permille = 200,
                                                    .reset_permille = 3,
                                                    .error_permille = 5,
                                                    .delay_permille = 200,
                                                    .late_cancel_permille = 300};

static uint64_t fault_hash(uint64_t seed, uint64_t *seen)
{
    static struct echo echo;
    struct roosti_port *port = fault_world(seed, &everything);
    fault_echo(&echo, port, seed);
    uint64_t hash = roosti_sim_trace_hash(port);
    *seen = fault_stats(port).seen;
    world_sim_end(port);
    return hash;
}

TEST(a_rerun_of_each_of_200_disturbed_seeds_gives_the_same_trace)
{
    static uint64_t hashes[200];
    int count = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint64_t seen, again;
        uint64_t hash = fault_hash(seed, &seen);
        CHECK_EQ(hash, fault_hash(seed, &again));
        CHECK_EQ(seen, again);
        if (seen < 30)
            continue; /* no listener, no clients: such runs are alike */
        for (int i = 0; i < count; i++)
            CHECK(hashes[i] != hash);
        hashes[count++] = hash;
    }
    CHECK(count > 150);
}

static void oom_scenario(uint64_t seed)
{
    static struct echo echo;
    static const struct roosti_fault_plan plan = {.io_max = 400, .again_permille = 200};
    struct roosti_port_opts opts = {.seed = seed};
    struct roosti_port *inner = NULL, *port = NULL;
    if (roosti_sim_open(&opts, &inner) < 0)
        return;
    if (roosti_fault_open(inner, seed, &plan, &port) < 0) {
        inner->ops->close(inner);
        return;
    }
    int fds[2];
    if (port->ops->fd.socket_pair(port, fds) == 0) {
        struct world_op multi = WORLD_OP(RECV_MULTI, fds[0]);
        int rc = port->ops->submit(port, &multi.op);
        CHECK(rc == ROOSTI_IN_FLIGHT || rc == ROOST_ENOMEM);
        world_close(port, fds[1]);
        if (rc == ROOSTI_IN_FLIGHT)
            CHECK(world_await(port, &multi) <= 0);
        world_close(port, fds[0]);
    }
    fault_echo(&echo, port, seed);
    world_sim_end(port);
}

TEST(no_operation_is_lost_when_memory_runs_out)
{
    struct roosti_mem_stats before, after;
    roosti_mem_stats_get(&before);
    for (int too = 0; too < 2; too++) {
        for (uint64_t k = 1;; k++) {
            CHECK(k < 2000);
            roosti_mem_plan_set(
                &(struct roosti_mem_plan){.fail_at = k, .fail_after_too = too == 1});
            oom_scenario(k);
            roosti_mem_stats_get(&after);
            roosti_mem_plan_set(NULL);
            CHECK_EQ(before.live, after.live);
            if (after.refused == 0)
                break;
        }
    }
    int sites = 0;
    for (const struct roosti_site *site = roosti_mem_sites(); site; site = site->next) {
        if (strstr(site->file, "port/fault")) {
            CHECK(site->failures > 0);
            sites++;
        }
    }
    CHECK_EQ(3, sites);
}

/* -- over the real ports ---------------------------------------------------------------------- */

static struct roosti_port *real_port(bool uring)
{
    struct roosti_port_opts opts = {0};
    struct roosti_port *port = NULL;
    int rc = uring ? roosti_uring_open(&opts, &port) : roosti_epoll_open(&opts, &port);
    if (rc < 0 && uring)
        roost_test_skip("io_uring");
    CHECK_EQ(0, rc);
    return port;
}

static void real_end(struct roosti_port *port)
{
    CHECK_EQ(0, port->ops->in_flight(port));
    port->ops->close(port);
}

static void real_echo(bool uring)
{
    static struct echo echo;
    static const struct roosti_fault_plan plans[] = {
        {.again_permille = 300, .short_permille = 300, .delay_permille = 200},
        {.io_max = 100, .again_permille = 900, .late_cancel_permille = 500},
        {.error_permille = 10, .reset_permille = 10, .delay_permille = 100},
    };
    for (uint64_t seed = 0; seed < 12; seed++) {
        struct roosti_port *port = fault_over(real_port(uring), seed, &plans[seed % 3]);
        fault_echo(&echo, port, seed);
        CHECK(seed % 3 == 2 || echo.failed == 0);
        roosti_fault_plan_set(port, NULL);
        fault_echo(&echo, port, seed);
        CHECK_EQ(0, echo.failed);
        real_end(port);
    }
}

TEST(echo_over_epoll_survives_what_it_must)
{
    real_echo(false);
}

TEST(echo_over_uring_survives_what_it_must)
{
    real_echo(true);
}

static void real_late(bool uring)
{
    static const struct roosti_fault_plan plan = {.late_cancel_permille = 1000};
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = fault_over(real_port(uring), seed, &plan);
        struct drain drain;
        int fds[2];
        char byte;
        CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
        struct world_op recv = WORLD_OP(RECV, fds[0], .buf = &byte, .len = 1);
        world_park(port, &recv);
        port->ops->cancel(port, &recv.op);
        CHECK_EQ(ROOST_ECANCELED, world_await(port, &recv));
        roosti_fault_plan_set(port, &(struct roosti_fault_plan){.io_max = 900});
        CHECK_EQ(30000, drain_all(&drain, port, fds[0], fds[1]));
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        real_end(port);
    }
}

TEST(late_cancels_and_stepwise_receives_work_over_epoll)
{
    real_late(false);
}

TEST(late_cancels_and_stepwise_receives_work_over_uring)
{
    real_late(true);
}

TEST(held_work_makes_the_poll_descriptor_readable)
{
    static const struct roosti_fault_plan plan = {.again_permille = 1000};
    struct roosti_port *port = fault_over(real_port(false), 1, &plan);
    struct pollfd poll_fd = {.fd = port->ops->poll_fd(port), .events = POLLIN};
    CHECK(poll_fd.fd >= 0);
    CHECK_EQ(0, poll(&poll_fd, 1, 0));
    int fds[2];
    CHECK_EQ(0, port->ops->fd.pipe(port, fds));
    struct world_op write = WORLD_OP(WRITE, fds[1], .buf = (char[]){"x"}, .len = 1);
    world_park(port, &write);
    for (int i = 0; write.done_count == 0; i++) {
        CHECK(i < 200);
        CHECK_EQ(1, poll(&poll_fd, 1, 0));
        CHECK(port->ops->wait(port, 0) >= 0);
    }
    CHECK_EQ(1, write.op.res);
    world_close(port, fds[0]);
    world_close(port, fds[1]);
    real_end(port);
}
