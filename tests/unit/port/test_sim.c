/* tests/unit/port/test_sim.c - the simulated port: clock, descriptors, cancel, the same seed
 * giving the same world, and running out of memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim.h"

#include <pthread.h>

#include "port/sim_impl.h"
#include "unit/port/op_world.h"

/* -- clock, wait, wake ------------------------------------------------------------------------ */

TEST(clock_starts_at_1000_s_and_moves_only_to_what_was_asked)
{
    struct roosti_port *port = world_sim(1, NULL);
    CHECK_EQ(ROOST_SEC(1000), world_now(port));
    CHECK_EQ(ROOST_SEC(1000000000), port->ops->wall(port));
    CHECK_EQ(0, port->ops->wait(port, 0));
    CHECK_EQ(0, port->ops->wait(port, ROOST_SEC(1000)));
    CHECK_EQ(ROOST_SEC(1000), world_now(port));
    CHECK_EQ(0, port->ops->wait(port, ROOST_SEC(1007)));
    CHECK_EQ(ROOST_SEC(1007), world_now(port));
    roosti_sim_wall_jump(port, -ROOST_MIN(60));
    CHECK_EQ(ROOST_SEC(1000000007) - ROOST_MIN(60), port->ops->wall(port));
    roosti_sim_clock_set(port, ROOST_SEC(5000));
    CHECK_EQ(ROOST_SEC(5000), world_now(port));
    world_sim_end(port);
}

TEST(wait_for_ever_with_nothing_in_flight_returns_at_once)
{
    struct roosti_port *port = world_sim(1, NULL);
    CHECK_EQ(0, port->ops->wait(port, ROOST_NEVER));
    CHECK_EQ(ROOST_SEC(1000), world_now(port));
    CHECK_EQ(ROOST_ENOTSUP, port->ops->poll_fd(port));
    world_sim_end(port);
}

TEST(wake_makes_one_wait_return_without_moving_the_clock)
{
    struct roosti_port *port = world_sim(1, NULL);
    port->ops->wake(port);
    port->ops->wake(port);
    CHECK_EQ(0, port->ops->wait(port, ROOST_SEC(2000)));
    CHECK_EQ(ROOST_SEC(1000), world_now(port));
    CHECK_EQ(0, port->ops->wait(port, ROOST_SEC(2000)));
    CHECK_EQ(ROOST_SEC(2000), world_now(port));
    world_sim_end(port);
}

struct foreigner {
    struct roosti_port *port;
    int posted;
};

static void *foreigner_main(void *arg)
{
    struct foreigner *foreigner = arg;
    __atomic_store_n(&foreigner->posted, 1, __ATOMIC_RELEASE);
    foreigner->port->ops->wake(foreigner->port);
    return NULL;
}

TEST(wait_sleeps_for_a_real_thread_only_when_one_is_expected)
{
    for (int i = 0; i < 200; i++) {
        struct roosti_port *port = world_sim(1, NULL);
        roosti_sim_expect_foreign(port, true);
        struct foreigner foreigner = {.port = port};
        pthread_t thread;
        CHECK_EQ(0, pthread_create(&thread, NULL, foreigner_main, &foreigner));
        CHECK_EQ(0, port->ops->wait(port, ROOST_NEVER));
        CHECK_EQ(1, __atomic_load_n(&foreigner.posted, __ATOMIC_ACQUIRE));
        CHECK_EQ(ROOST_SEC(1000), world_now(port));
        pthread_join(thread, NULL);
        roosti_sim_expect_foreign(port, false);
        CHECK_EQ(0, port->ops->wait(port, ROOST_NEVER));
        world_sim_end(port);
    }
}

static int order_log[64];
static int order_count;

static void order_done(struct roosti_op *op)
{
    order_log[order_count++] = op->fd;
}

TEST(completions_come_in_the_order_of_submission_at_the_next_wait)
{
    struct roosti_port *port = world_sim(3, NULL);
    struct roosti_op ops[50];
    order_count = 0;
    for (int i = 0; i < 50; i++) {
        ops[i] = (struct roosti_op){.kind = ROOSTI_OP_NOP, .fd = i, .done = order_done};
        CHECK_EQ(ROOSTI_IN_FLIGHT, port->ops->submit(port, &ops[i]));
    }
    CHECK_EQ(0, order_count);
    CHECK_EQ(50, port->ops->in_flight(port));
    CHECK_EQ(50, port->ops->wait(port, ROOST_NEVER));
    for (int i = 0; i < 50; i++)
        CHECK_EQ(i, order_log[i]);
    CHECK_EQ(ROOST_SEC(1000), world_now(port));
    world_sim_end(port);
}

static void schedule_check(struct roosti_port *port)
{
    const struct roosti_sim *sim = roosti_sim_of(port);
    CHECK(sim->heap_count <= sim->heap_reserved && sim->heap_reserved <= sim->heap_size);
    for (size_t i = 0; i < sim->heap_count; i++) {
        const struct roosti_sim_entry *entry = &sim->heap[i];
        const struct roosti_sim_entry *parent = &sim->heap[i ? (i - 1) / 2 : 0];
        CHECK_EQ(i + 1, *entry->place);
        CHECK(i == 0 || parent->due < entry->due ||
              (parent->due == entry->due && parent->order < entry->order));
    }
}

TEST(the_schedule_keeps_its_order_through_cancels)
{
    struct roosti_port *port = world_sim(5, NULL);
    static struct world_op ops[400];
    struct roosti_rng rng = {5};
    char byte;
    CHECK_EQ(0, roosti_sim_file_put(port, "/f", "x", 1));
    int fd = (int)WORLD_RUN(port, OPEN, -1, .u.path = "/f"), under_way = 0;
    for (int i = 0; i < 400; i++) {
        ops[i] = WORLD_AT(READ, fd, 0, .buf = &byte, .len = 1);
        under_way += world_start(port, &ops[i]);
        schedule_check(port);
    }
    for (int i = 0; i < 200; i++) {
        struct world_op *op = &ops[roosti_rng_below(&rng, 400)];
        if (op->op.priv.state)
            port->ops->cancel(port, &op->op);
        schedule_check(port);
    }
    int ended = 0;
    while (port->ops->in_flight(port)) {
        roost_time before = world_now(port);
        ended += port->ops->wait(port, ROOST_NEVER);
        CHECK(world_now(port) >= before);
        schedule_check(port);
    }
    CHECK_EQ(under_way, ended);
    world_close(port, fd);
    world_sim_end(port);
}

TEST(entropy_is_the_seeds)
{
    unsigned char a[37], b[37], c[37];
    struct roosti_port *one = world_sim(7, NULL);
    struct roosti_port *same = world_sim(7, NULL);
    struct roosti_port *other = world_sim(8, NULL);
    one->ops->entropy(one, a, sizeof a);
    same->ops->entropy(same, b, sizeof b);
    other->ops->entropy(other, c, sizeof c);
    CHECK(memcmp(a, b, sizeof a) == 0);
    CHECK(memcmp(a, c, sizeof a) != 0);
    world_sim_end(one);
    world_sim_end(same);
    world_sim_end(other);
}

/* -- descriptors ------------------------------------------------------------------------------ */

TEST(the_lowest_free_number_is_used_again)
{
    struct roosti_port *port = world_sim(1, NULL);
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    for (int i = 0; i < 200; i++)
        CHECK_EQ(3 + i, fd_ops->socket(port, AF_INET, SOCK_STREAM, 0));
    CHECK_EQ(0, fd_ops->close(port, 150));
    CHECK_EQ(0, fd_ops->close(port, 4));
    CHECK_EQ(-EBADF, fd_ops->close(port, 4));
    CHECK_EQ(4, fd_ops->socket(port, AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    CHECK_EQ(150, fd_ops->socket(port, AF_UNIX, SOCK_STREAM, 0));
    CHECK_EQ(203, fd_ops->socket(port, AF_INET, SOCK_STREAM, 0));
    roosti_sim_fd_limit(port, 202);
    int fds[2];
    CHECK_EQ(204, fd_ops->socket(port, AF_INET, SOCK_STREAM, 0));
    CHECK_EQ(-EMFILE, fd_ops->socket(port, AF_INET, SOCK_STREAM, 0));
    CHECK_EQ(0, fd_ops->close(port, 204));
    CHECK_EQ(-EMFILE, fd_ops->pipe(port, fds));
    CHECK_EQ(-EMFILE, fd_ops->socket_pair(port, fds));
    for (int fd = 3; fd <= 203; fd++)
        CHECK_EQ(0, fd_ops->close(port, fd));
    world_sim_end(port);
}

TEST(misuse_is_the_code_that_linux_gives)
{
    struct roosti_port *port = world_sim(1, NULL);
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    char byte = 0;
    int pipe[2];
    struct sockaddr_in addr = world_addr(0);
    CHECK_EQ(-EAFNOSUPPORT, fd_ops->socket(port, AF_NETLINK, SOCK_STREAM, 0));
    CHECK_EQ(-EPROTONOSUPPORT, fd_ops->socket(port, AF_INET, SOCK_SEQPACKET, 0));
    int fd = fd_ops->socket(port, AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(0, fd_ops->pipe(port, pipe));
    CHECK_EQ(-EBADF, WORLD_RUN(port, RECV, 99, .buf = &byte, .len = 1));
    CHECK_EQ(-EBADF, WORLD_RUN(port, READ, -1, .buf = &byte, .len = 1));
    CHECK_EQ(-EBADF, WORLD_RUN(port, READ, pipe[1], .buf = &byte, .len = 1));
    CHECK_EQ(-EBADF, WORLD_RUN(port, WRITE, pipe[0], .buf = &byte, .len = 1));
    CHECK_EQ(-ESPIPE, WORLD_RUN_AT(port, READ, pipe[0], 0, .buf = &byte, .len = 1));
    CHECK_EQ(-ENOTSOCK, WORLD_RUN(port, RECV, pipe[0], .buf = &byte, .len = 1));
    CHECK_EQ(-ENOTSOCK, WORLD_RUN(port, ACCEPT, pipe[0]));
    CHECK_EQ(-EINVAL, WORLD_RUN(port, FSYNC, pipe[1]));
    CHECK_EQ(-EINVAL, WORLD_RUN(port, ACCEPT, fd));
    CHECK_EQ(-ENOTCONN, WORLD_RUN(port, RECV, fd, .buf = &byte, .len = 1));
    CHECK_EQ(-EPIPE, WORLD_RUN(port, SEND, fd, .buf = &byte, .len = 1));
    CHECK_EQ(-EOPNOTSUPP, WORLD_RUN(port, RECV, fd, .buf = &byte, .len = 1, .flags = MSG_OOB));
    CHECK_EQ(-ENOTCONN, fd_ops->shutdown(port, fd, SHUT_WR));
    CHECK_EQ(-ENOTSOCK, fd_ops->listen(port, pipe[0], 1));
    CHECK_EQ(-EINVAL, fd_ops->bind(port, fd, (struct sockaddr *)&addr, 4));
    struct sockaddr_in6 six = {.sin6_family = AF_INET6};
    CHECK_EQ(-EAFNOSUPPORT, fd_ops->bind(port, fd, (struct sockaddr *)&six, sizeof six));
    CHECK_EQ(0, fd_ops->bind(port, fd, (struct sockaddr *)&addr, sizeof addr));
    CHECK_EQ(-EINVAL, fd_ops->bind(port, fd, (struct sockaddr *)&addr, sizeof addr));
    CHECK_EQ(0, port->ops->in_flight(port));
    world_close(port, fd);
    world_close(port, pipe[0]);
    world_close(port, pipe[1]);
    world_sim_end(port);
}

/* -- cancel and close ------------------------------------------------------------------------- */

TEST(cancel_of_what_waits_arrives_at_the_next_wait)
{
    struct roosti_port *port = world_sim(1, NULL);
    struct sockaddr_in addr = world_addr(0);
    int listener = world_listen(port, &addr, 1), fds[2];
    char byte;
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    struct world_op ops[] = {
        WORLD_OP(RECV, fds[0], .buf = &byte, .len = 1),
        WORLD_OP(RECV, fds[0], .buf = &byte, .len = 1),
        WORLD_OP(POLL, fds[0], .events = ROOSTI_POLL_IN),
        WORLD_OP(ACCEPT, listener),
        WORLD_OP(RECV_MULTI, fds[1]),
    };
    for (int i = 0; i < 5; i++)
        world_park(port, &ops[i]);
    for (int i = 4; i >= 0; i--) {
        port->ops->cancel(port, &ops[i].op);
        port->ops->cancel(port, &ops[i].op);
        CHECK_EQ(0, ops[i].done_count);
    }
    CHECK_EQ(5, port->ops->wait(port, ROOST_NEVER));
    for (int i = 0; i < 5; i++) {
        CHECK_EQ(1, ops[i].done_count);
        CHECK_EQ(ROOST_ECANCELED, ops[i].op.res);
        CHECK(!ops[i].op.more);
        CHECK_EQ(0, ops[i].op.priv.state);
    }
    CHECK_EQ(ROOST_SEC(1000), world_now(port));
    world_close(port, fds[0]);
    world_close(port, fds[1]);
    world_close(port, listener);
    world_sim_end(port);
}

TEST(cancel_of_what_is_due_is_too_late_and_the_value_arrives)
{
    int won = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        int fds[2];
        char buf[4] = "";
        CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
        struct world_op recv = WORLD_OP(RECV, fds[0], .buf = buf, .len = 4);
        struct world_op after = WORLD_OP(RECV, fds[0], .buf = buf + 2, .len = 2);
        struct world_op nop = WORLD_OP(NOP, -1);
        world_park(port, &recv);
        world_park(port, &after);
        world_park(port, &nop);
        CHECK_EQ(2, WORLD_RUN(port, SEND, fds[1], .buf = (char[]){"hi"}, .len = 2));
        if (!recv.done_count) {
            port->ops->cancel(port, &recv.op);
            port->ops->cancel(port, &nop.op);
            won++;
        }
        port->ops->cancel(port, &after.op);
        CHECK_EQ(2, world_await(port, &recv));
        CHECK(memcmp(buf, "hi", 2) == 0);
        CHECK_EQ(ROOST_ECANCELED, world_await(port, &after));
        CHECK_EQ(0, nop.done_count ? nop.op.res : world_await(port, &nop));
        world_close(port, fds[0]);
        world_close(port, fds[1]);
        world_sim_end(port);
    }
    CHECK(won > 5);
}

TEST(cancel_of_a_file_operation_under_way_leaves_the_file_as_it_was)
{
    int cancelled = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        CHECK_EQ(0, roosti_sim_file_put(port, "/f", "old", 3));
        int fd = (int)WORLD_RUN(port, OPEN, -1, .u.path = "/f", .flags = 2 /* O_RDWR */);
        struct world_op write = WORLD_OP(WRITE, fd, .buf = (char[]){"new"}, .len = 3);
        size_t len;
        if (world_start(port, &write)) {
            roost_time before = world_now(port);
            port->ops->cancel(port, &write.op);
            CHECK_EQ(ROOST_ECANCELED, world_await(port, &write));
            CHECK_EQ(before, world_now(port));
            CHECK(memcmp(roosti_sim_file_peek(port, "/f", &len), "old", 3) == 0);
            cancelled++;
        } else {
            CHECK_EQ(3, write.op.res);
            CHECK(memcmp(roosti_sim_file_peek(port, "/f", &len), "new", 3) == 0);
        }
        world_close(port, fd);
        world_sim_end(port);
    }
    CHECK(cancelled > 10 && cancelled < 40);
}

TEST(close_ends_what_is_in_flight_and_the_next_owner_of_the_number_is_left_alone)
{
    struct roosti_port *port = world_sim(11, NULL);
    struct sockaddr_in addr = world_addr(7);
    int fds[2], again[2];
    char one = 0, two = 0;
    CHECK_EQ(0, port->ops->fd.socket_pair(port, fds));
    int connecting = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
    struct world_op ops[] = {
        WORLD_OP(RECV, fds[0], .buf = &one, .len = 1),
        WORLD_OP(POLL, fds[0], .events = ROOSTI_POLL_IN),
        WORLD_OP(RECV_MULTI, fds[0]),
        WORLD_OP(CONNECT, connecting, .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr),
    };
    for (int i = 0; i < 4; i++)
        world_park(port, &ops[i]);
    world_close(port, fds[0]);
    world_close(port, connecting);
    world_close(port, fds[1]);
    CHECK_EQ(0, port->ops->fd.socket_pair(port, again));
    CHECK_EQ(fds[0], again[0]);
    CHECK_EQ(1, WORLD_RUN(port, SEND, again[1], .buf = (char[]){"y"}, .len = 1));
    while (port->ops->in_flight(port))
        CHECK(port->ops->wait(port, ROOST_NEVER) > 0);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(ROOST_ECLOSED, ops[i].op.res);
    CHECK_EQ(1, WORLD_RUN(port, RECV, again[0], .buf = &two, .len = 1));
    CHECK_EQ('y', two);
    CHECK_EQ(0, one);
    world_close(port, again[0]);
    world_close(port, again[1]);
    world_sim_end(port);
}

TEST(closing_the_port_frees_whatever_is_still_open)
{
    struct roosti_mem_stats before, after;
    roosti_mem_stats_get(&before);
    struct roosti_port *port = world_sim(1, NULL);
    struct sockaddr_in addr = world_addr(0);
    int fds[2], listener = world_listen(port, &addr, 4);
    for (int i = 0; i < 3; i++) {
        int fd = port->ops->fd.socket(port, AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(0, world_connect(port, fd, &addr));
        CHECK(WORLD_RUN(port, SEND, fd, .buf = fds, .len = sizeof fds) > 0);
    }
    CHECK(WORLD_RUN(port, ACCEPT, listener) >= 0);
    CHECK_EQ(0, port->ops->fd.pipe(port, fds));
    CHECK_EQ(0, roosti_sim_file_put(port, "/a/b", "x", 1));
    CHECK(WORLD_RUN(port, OPEN, -1, .u.path = "/a/b") >= 0);
    CHECK_EQ(0, roosti_sim_partition(port, NULL, 0, ROOSTI_SIM_FROM));
    port->ops->close(port);
    roosti_mem_stats_get(&after);
    CHECK_EQ(before.live, after.live);
}

static void double_submit(void *arg)
{
    struct roosti_port *port = arg;
    struct world_op nop = WORLD_OP(NOP, -1);
    (void)port->ops->submit(port, &nop.op);
    (void)port->ops->submit(port, &nop.op);
}

static void give_back_foreign(void *arg)
{
    struct roosti_port *port = arg;
    port->ops->give_back(port, &port);
}

static void close_early(void *arg)
{
    struct roosti_port *port = arg;
    struct world_op nop = WORLD_OP(NOP, -1);
    (void)port->ops->submit(port, &nop.op);
    port->ops->close(port);
}

TEST(a_broken_contract_is_named)
{
    struct roosti_port *port = world_sim(1, NULL);
    struct child_end end = child_run(double_submit, port);
    CHECK_EQ(128 + 6, end.code);
    CHECK_HAS("an operation is at rest when it is submitted", end.text);
    end = child_run(give_back_foreign, port);
    CHECK_HAS("only a buffer that a RECV_MULTI lent is given back", end.text);
    end = child_run(close_early, port);
    CHECK_HAS("all operations are at rest when a port is closed", end.text);
    world_sim_end(port);
}

/* -- the same seed, the same world ------------------------------------------------------------ */

static uint64_t echo_hash(uint64_t seed, const struct roosti_sim_plan *plan, struct echo *echo)
{
    struct roosti_port *port = world_sim(seed, plan);
    CHECK(echo_run(echo, port, seed, 5, 4));
    CHECK_EQ(0, echo->bad);
    uint64_t hash = roosti_sim_trace_hash(port);
    world_sim_end(port);
    return hash;
}

TEST(echo_over_200_seeds_ends_well_and_a_rerun_gives_the_same_trace)
{
    static struct echo echo;
    static uint64_t hashes[200];
    for (uint64_t seed = 0; seed < 200; seed++) {
        hashes[seed] = echo_hash(seed, NULL, &echo);
        CHECK_EQ(0, echo.failed);
        CHECK(echo.bytes > 20);
        CHECK_EQ(hashes[seed], echo_hash(seed, NULL, &echo));
        for (uint64_t other = 0; other < seed; other++)
            CHECK(hashes[other] != hashes[seed]);
    }
}

TEST(echo_over_a_bad_network_ends_on_every_seed_and_reruns_the_same)
{
    static struct echo echo;
    struct roosti_sim_plan plan = {
        .loss_permille = 20, .partition_permille = 200, .link_bytes_max = 3000};
    int failed = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        uint64_t hash = echo_hash(seed, &plan, &echo);
        failed += echo.failed;
        CHECK_EQ(hash, echo_hash(seed, &plan, &echo));
    }
    CHECK(failed > 50 && failed < 950);
}

TEST(the_trace_has_the_callers_own_events)
{
    struct roosti_port *one = world_sim(1, NULL), *two = world_sim(2, NULL);
    CHECK_EQ(roosti_sim_trace_hash(one), roosti_sim_trace_hash(two)); /* nothing has happened */
    roosti_sim_trace_add(one, 5);
    roosti_sim_trace_add(two, 6);
    CHECK(roosti_sim_trace_hash(one) != roosti_sim_trace_hash(two));
    world_sim_end(one);
    world_sim_end(two);
}

/* -- out of memory ---------------------------------------------------------------------------- */

/* Everything that allocates, in one run; codes may be anything, but nothing may hang or leak. */
static void oom_scenario(uint64_t seed)
{
    static struct echo echo;
    struct roosti_port *port = NULL;
    struct roosti_port_opts opts = {.seed = seed};
    if (roosti_sim_open(&opts, &port) < 0)
        return;
    struct sockaddr_in addr = world_addr(0);
    int fds[2];
    char buf[600] = {0};
    (void)roosti_sim_file_put(port, "/a/b/c", buf, sizeof buf);
    (void)roosti_sim_dir_put(port, "/x/y");
    if (roosti_sim_partition(port, (struct sockaddr *)&addr, sizeof addr, ROOSTI_SIM_BOTH) == 0)
        roosti_sim_heal(port);
    struct world_op ops[] = {
        WORLD_OP(OPEN, -1, .u.path = "/a/new", .flags = 0102 /* O_CREAT | O_RDWR */, .mode = 0600),
        WORLD_OP(WRITE, 3, .buf = buf, .len = sizeof buf),
        WORLD_OP(FSYNC, 3),
    };
    for (int i = 0; i < 3; i++) {
        if (port->ops->submit(port, &ops[i].op) == ROOSTI_IN_FLIGHT)
            (void)world_await(port, &ops[i]);
    }
    (void)port->ops->fd.close(port, 3);
    if (port->ops->fd.pipe(port, fds) == 0) {
        world_close(port, fds[0]);
        world_close(port, fds[1]);
    }
    if (port->ops->fd.socket_pair(port, fds) == 0) {
        struct world_op multi = WORLD_OP(RECV_MULTI, fds[0]);
        int rc = port->ops->submit(port, &multi.op);
        CHECK(rc == ROOSTI_IN_FLIGHT || rc == ROOST_ENOMEM);
        world_close(port, fds[1]);
        if (rc == ROOSTI_IN_FLIGHT)
            CHECK_EQ(0, world_await(port, &multi));
        world_close(port, fds[0]);
    }
    CHECK(echo_run(&echo, port, seed, 4, 2));
    CHECK_EQ(0, echo.bad);
    world_sim_end(port);
}

TEST(every_allocation_may_fail_once_or_from_then_on)
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
        if (strstr(site->file, "port/sim")) {
            CHECK(site->failures > 0);
            sites++;
        }
    }
    CHECK_EQ(11, sites);
}
