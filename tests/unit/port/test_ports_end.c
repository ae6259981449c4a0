/* tests/unit/port/test_ports_end.c - how operations end on both real ports: by cancel, by close,
 * and with thousands in flight.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/port/real_ports.h"

#include <sys/eventfd.h>
#include <sys/resource.h>

#if defined(__SANITIZE_ADDRESS__)
#define RIG_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RIG_ASAN 1
#endif
#endif
#ifdef RIG_ASAN
#include <sanitizer/asan_interface.h>
#endif

/* -- cancel ----------------------------------------------------------------------------------- */

REAL_TEST(cancel_before_readiness_takes_nothing)
{
    int fds[2];
    char byte = 0;
    rig_pair(rig, fds);
    struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = &byte, .len = 1);
    struct rig_op poll_in = RIG_OP(POLL, .fd = fds[1], .events = ROOSTI_POLL_IN);
    for (int flushed = 0; flushed < 2; flushed++) {
        rig_start(rig, &in);
        rig_start(rig, &poll_in);
        if (flushed)
            CHECK_EQ(0, rig_turn(rig));
        rig_cancel(rig, &in);
        rig_cancel(rig, &in);
        rig_cancel(rig, &poll_in);
        CHECK_EQ(0, in.done_count);
        CHECK_EQ(2, rig_in_flight(rig));
        CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
        CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &poll_in));
        CHECK_EQ(0, rig_in_flight(rig));
    }
    rig_put(fds[1], "x", 1);
    CHECK_EQ(1, rig_run(rig, &in));
    CHECK_EQ('x', byte);
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

/* Bytes that came before the cancel are either the result or still in the socket. */
REAL_TEST(cancel_after_readiness_loses_nothing)
{
    int fds[2], won = 0, total = 0;
    rig_pair(rig, fds);
    for (int i = 0; i < 100; i++) {
        char byte = 0;
        struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = &byte, .len = 1);
        rig_start(rig, &in);
        if (i % 2)
            CHECK_EQ(0, rig_turn(rig));
        rig_put(fds[1], &(char){(char)i}, 1);
        rig_cancel(rig, &in);
        int64_t res = rig_await(rig, &in);
        CHECK(res == 1 || res == ROOST_ECANCELED);
        won += res == 1;
        if (res != 1)
            CHECK_EQ(1, rig_run(rig, &in));
        CHECK_EQ((char)i, byte);
        total++;
    }
    CHECK_EQ(100, total);
    printf("# the completion won %d times of 100\n", won);
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

/* An accepted connection is never lost to a cancel. */
REAL_TEST(cancel_of_accept_loses_no_connection)
{
    struct sockaddr_in addr;
    int listener = rig_listen(rig, 16, &addr);
    for (int i = 0; i < 20; i++) {
        struct rig_op accept = RIG_OP(ACCEPT, .fd = listener);
        rig_start(rig, &accept);
        if (i % 2)
            CHECK_EQ(0, rig_turn(rig));
        int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        CHECK_EQ(0, connect(client, (struct sockaddr *)&addr, sizeof addr));
        rig_cancel(rig, &accept);
        int64_t fd = rig_await(rig, &accept);
        if (fd == ROOST_ECANCELED)
            fd = rig_run(rig, &accept);
        CHECK(fd >= 0);
        close(client);
        rig_close(rig, (int)fd);
    }
    rig_close(rig, listener);
}

struct chain {
    struct rig_op op;
    struct rig_op *victim;
    int fd;
    int left;
};

static void chain_done(struct roosti_op *op)
{
    struct chain *chain = (struct chain *)op;
    chain->op.done_count++;
    if (chain->left-- > 0)
        CHECK_EQ(ROOSTI_IN_FLIGHT, chain->op.rig->port->ops->submit(chain->op.rig->port, op));
    else if (chain->victim)
        rig_cancel(chain->op.rig, chain->victim);
    else
        CHECK_EQ(0, chain->op.rig->port->ops->fd.close(chain->op.rig->port, chain->fd));
}

/* A callback may submit itself again, cancel another and close a descriptor others wait on. */
REAL_TEST(callbacks_may_submit_cancel_and_close)
{
    int fds[2];
    char bytes[2];
    rig_pair(rig, fds);
    struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = bytes, .len = 1);
    struct rig_op out = RIG_OP(POLL, .fd = fds[1], .events = ROOSTI_POLL_IN);
    struct chain canceler = {.op = RIG_OP(NOP, .fd = -1), .victim = &in, .left = 5};
    struct chain closer = {.op = RIG_OP(NOP, .fd = -1), .fd = fds[1], .left = 9};
    canceler.op.op.done = closer.op.op.done = chain_done;
    rig_start(rig, &in);
    rig_start(rig, &out);
    rig_start(rig, &canceler.op);
    rig_start(rig, &closer.op);
    CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
    CHECK_EQ(6, canceler.op.done_count);
    CHECK_EQ(ROOST_ECLOSED, rig_await(rig, &out));
    CHECK_EQ(10, closer.op.done_count);
    rig_close(rig, fds[0]);
}

/* -- close ------------------------------------------------------------------------------------ */

/* The number goes to another file at once, and nothing of the old one touches that. */
REAL_TEST(close_ends_who_waits_and_spares_who_comes)
{
    for (int flushed = 0; flushed < 2; flushed++) {
        int fds[2], next[2];
        char stale[8] = "........", fresh[8] = "";
        rig_pair(rig, fds);
        static char block[1 << 20];
        struct rig_op out = RIG_OP(SEND, .fd = fds[0], .buf = block, .len = sizeof block);
        struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = stale, .len = sizeof stale);
        rig_start(rig, &in);
        while (rig_submit(rig, &out) == ROOSTI_DONE_NOW)
            CHECK(out.op.res > 0);
        if (flushed)
            CHECK_EQ(0, rig_turn(rig));
        rig_close(rig, fds[0]);
        CHECK_EQ(0, in.done_count);
        CHECK_EQ(2, rig_in_flight(rig));
        rig_pair(rig, next);
        CHECK_EQ(fds[0], next[0]);
        struct rig_op after = RIG_OP(RECV, .fd = next[0], .buf = fresh, .len = sizeof fresh);
        rig_start(rig, &after);
        rig_put(next[1], "new", 3);
        CHECK_EQ(3, rig_await(rig, &after));
        CHECK_EQ(0, memcmp(fresh, "new", 3));
        CHECK_EQ(ROOST_ECLOSED, rig_await(rig, &in));
        CHECK_EQ(ROOST_ECLOSED, rig_await(rig, &out));
        CHECK_EQ(0, memcmp(stale, "........", 8));
        rig_close(rig, fds[1]);
        rig_close(rig, next[0]);
        rig_close(rig, next[1]);
    }
}

/* Cancel and close together: one end, one completion. */
REAL_TEST(close_after_cancel_completes_once)
{
    int fds[2];
    char byte;
    rig_pair(rig, fds);
    struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = &byte, .len = 1);
    rig_start(rig, &in);
    CHECK_EQ(0, rig_turn(rig));
    rig_cancel(rig, &in);
    rig_close(rig, fds[0]);
    rig_cancel(rig, &in);
    int64_t res = rig_await(rig, &in);
    CHECK(res == ROOST_ECANCELED || res == ROOST_ECLOSED);
    CHECK_EQ(0, rig_turn(rig));
    CHECK_EQ(1, in.done_count);
    rig_close(rig, fds[1]);
}

/* An event of the same batch, meant for a descriptor that a callback has closed and reopened. */
REAL_TEST(an_event_for_a_closed_descriptor_is_dropped)
{
    int first[2], second[2], next[2];
    char byte;
    rig_pair(rig, first);
    rig_pair(rig, second);
    struct rig_op in = RIG_OP(RECV, .fd = second[0], .buf = &byte, .len = 1);
    struct chain closer = {.op = RIG_OP(RECV, .fd = first[0], .buf = &byte, .len = 1),
                           .fd = second[0]};
    closer.op.op.done = chain_done;
    rig_start(rig, &closer.op);
    rig_start(rig, &in);
    CHECK_EQ(0, rig_turn(rig));
    rig_put(first[1], "a", 1);
    rig_put(second[1], "b", 1);
    CHECK_EQ(1, rig_await(rig, &closer.op));
    rig_pair(rig, next);
    CHECK_EQ(second[0], next[0]);
    struct rig_op after = RIG_OP(RECV, .fd = next[0], .buf = &byte, .len = 1);
    rig_start(rig, &after);
    int64_t res = rig_await(rig, &in);
    CHECK(res == 1 || res == ROOST_ECLOSED);
    CHECK_EQ(0, rig_turn(rig));
    CHECK_EQ(0, after.done_count);
    rig_put(next[1], "c", 1);
    CHECK_EQ(1, rig_await(rig, &after));
    CHECK_EQ('c', byte);
    rig_close(rig, first[0]);
    rig_close(rig, first[1]);
    rig_close(rig, second[1]);
    rig_close(rig, next[0]);
    rig_close(rig, next[1]);
}

/* -- many ------------------------------------------------------------------------------------- */

REAL_TEST(ten_thousand_polls_are_in_flight)
{
    enum { COUNT = 10000 };
    struct rlimit limit;
    CHECK_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_cur = limit.rlim_max;
    CHECK_EQ(0, setrlimit(RLIMIT_NOFILE, &limit));
    CHECK(limit.rlim_max >= COUNT + 100);
    struct rig_op *ops = calloc(COUNT, sizeof *ops);
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < COUNT; i++) {
            int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
            CHECK(fd >= 0);
            ops[i] = RIG_OP(POLL, .fd = fd, .events = ROOSTI_POLL_IN);
            rig_start(rig, &ops[i]);
        }
        CHECK_EQ(0, rig_turn(rig));
        CHECK_EQ(COUNT, rig_in_flight(rig));
        roost_time before = rig_now(rig);
        for (int i = 0; i < COUNT; i++) {
            if (pass == 0)
                rig_put(ops[i].op.fd, &(uint64_t){1}, 8);
            else
                rig_cancel(rig, &ops[i]);
        }
        while (rig_in_flight(rig) > 0)
            rig->port->ops->wait(rig->port, ROOST_NEVER);
        printf("# %d %s in %d us\n", COUNT, pass == 0 ? "completed" : "cancelled",
               (int)((rig_now(rig) - before) / 1000));
        for (int i = 0; i < COUNT; i++) {
            CHECK_EQ(1, ops[i].done_count);
            CHECK_EQ(pass == 0 ? ROOSTI_POLL_IN : ROOST_ECANCELED, ops[i].op.res);
            rig_close(rig, ops[i].op.fd);
        }
    }
    free(ops);
}

/* With a tiny ring: more submits and cancels than it has entries, more completions than it holds.
 */
static void small_queue(struct rig *rig)
{
    enum { COUNT = 300 };
    struct rig_op ops[COUNT];
    char bytes[COUNT];
    int fds[COUNT][2];
    for (int pass = 0; pass < 4; pass++) {
        for (int i = 0; i < COUNT; i++) {
            rig_pair(rig, fds[i]);
            ops[i] = RIG_OP(RECV, .fd = fds[i][0], .buf = &bytes[i], .len = 1);
            rig_start(rig, &ops[i]);
        }
        CHECK_EQ(COUNT, rig_in_flight(rig));
        if (pass % 2)
            CHECK_EQ(0, rig_turn(rig));
        for (int i = 0; i < COUNT; i++) {
            if (pass < 2 && i % 3)
                rig_put(fds[i][1], "x", 1);
            else if (pass == 3 && i % 2)
                rig_close(rig, fds[i][0]);
            else
                rig_cancel(rig, &ops[i]);
        }
        while (rig_in_flight(rig) > 0)
            rig->port->ops->wait(rig->port, ROOST_NEVER);
        for (int i = 0; i < COUNT; i++) {
            bool closed = pass == 3 && i % 2;
            CHECK_EQ(1, ops[i].done_count);
            CHECK_EQ(closed              ? ROOST_ECLOSED
                     : pass < 2 && i % 3 ? 1
                                         : ROOST_ECANCELED,
                     ops[i].op.res);
            if (!closed)
                rig_close(rig, fds[i][0]);
            rig_close(rig, fds[i][1]);
        }
    }
}

REAL_TEST_WITH(a_small_queue_loses_nothing, .ring_entries = 4)
{
    small_queue(rig);
}

REAL_TEST_WITH(one_entry_loses_nothing, .ring_entries = 1)
{
    small_queue(rig);
}

/* The queue is full and the kernel has no memory for what is in it: what may be refused is, and the
 * rest is remembered until there is room. */
REAL_TEST_WITH(a_queue_that_stays_full_forgets_nothing, .ring_entries = 4, .only = "uring")
{
    enum { ENTRIES = 4 };
    struct roosti_mem_plan none = {.fail_at = 1, .fail_after_too = true};
    for (int pass = 0; pass < 3; pass++) {
        int fds[ENTRIES][2], extra[2], file = open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        char bytes[ENTRIES];
        CHECK(file >= 0);
        struct rig_op ops[ENTRIES], sync = RIG_OP(FSYNC, .fd = file);
        rig_pair(rig, extra);
        /* In flight but past the queue: their cancels find it full. */
        rig_start(rig, &sync);
        for (int i = 0; i < ENTRIES; i++) {
            rig_pair(rig, fds[i]);
            ops[i] = RIG_OP(RECV, .fd = fds[i][0], .buf = &bytes[i], .len = 1);
            rig_start(rig, &ops[i]);
            if (i == ENTRIES - 2)
                rig->port->ops->wait(rig->port, 1);
        }
        struct rig_op fill[ENTRIES];
        for (int i = 0; i < ENTRIES - 1; i++) {
            fill[i] = RIG_OP(POLL, .fd = fds[i][1], .events = ROOSTI_POLL_IN);
            rig_start(rig, &fill[i]);
        }
        struct rig_op refused = RIG_OP(POLL, .fd = extra[0], .events = ROOSTI_POLL_IN);
        roosti_mem_plan_set(&none);
        CHECK_EQ(ROOST_ENOMEM, rig_submit(rig, &refused));
        for (int i = 0; i < ENTRIES; i++)
            pass == 1 ? rig_close(rig, fds[i][0]) : rig_cancel(rig, &ops[i]);
        for (int i = 0; pass == 0 && i < ENTRIES - 1; i++)
            rig_cancel(rig, &fill[i]);
        if (pass == 2)
            rig_close(rig, file);
        struct roosti_mem_stats stats;
        roosti_mem_stats_get(&stats);
        CHECK(stats.refused > 0);
        roosti_mem_plan_set(NULL);
        for (int i = 0; i < ENTRIES; i++)
            CHECK_EQ(pass == 1 ? ROOST_ECLOSED : ROOST_ECANCELED, rig_await(rig, &ops[i]));
        for (int i = 0; i < ENTRIES - 1; i++) {
            if (pass != 0)
                rig_close(rig, fds[i][1]);
            /* In pass 1 the other end's close is what it polls for. */
            int64_t res = rig_await(rig, &fill[i]);
            CHECK((pass == 1 && res == ROOSTI_POLL_IN) ||
                  res == (pass == 0 ? ROOST_ECANCELED : ROOST_ECLOSED));
        }
        int64_t synced = sync.done_count ? sync.op.res : rig_await(rig, &sync);
        CHECK(synced == 0 || (pass == 2 && synced == ROOST_ECLOSED));
        CHECK_EQ(0, rig_in_flight(rig));
        for (int i = 0; i < ENTRIES; i++) {
            if (pass != 1)
                rig_close(rig, fds[i][0]);
            if (pass == 0 || i == ENTRIES - 1)
                rig_close(rig, fds[i][1]);
        }
        if (pass != 2)
            rig_close(rig, file);
        rig_close(rig, extra[0]);
        rig_close(rig, extra[1]);
    }
}

/* -- memory ----------------------------------------------------------------------------------- */

/* With AddressSanitizer, who touches a buffer too early is reported. */
REAL_TEST(a_buffer_in_flight_is_marked)
{
    int fds[2];
    _Alignas(8) char buf[32];
    rig_pair(rig, fds);
    struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = buf, .len = sizeof buf);
    rig_start(rig, &in);
#ifdef RIG_ASAN
    CHECK(__asan_address_is_poisoned(buf + 9));
#endif
    rig_put(fds[1], "x", 1);
    CHECK_EQ(1, rig_await(rig, &in));
    CHECK_EQ('x', buf[0]);
#ifdef RIG_ASAN
    CHECK(!__asan_region_is_poisoned(buf, sizeof buf));
#endif
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

/* The queues of a ring are not the child's: it crashes rather than disturb its parent. */
REAL_TEST_WITH(a_child_of_fork_cannot_reach_the_ring, .only = "uring")
{
    int fds[2];
    char byte = 0;
    rig_pair(rig, fds);
    struct rig_op in = RIG_OP(RECV, .fd = fds[0], .buf = &byte, .len = 1);
    rig_start(rig, &in);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        rig_turn(rig);
        _exit(0);
    }
    int status = 0;
    CHECK_EQ(child, waitpid(child, &status, 0));
    CHECK(WIFSIGNALED(status));
    rig_put(fds[1], "x", 1);
    CHECK_EQ(1, rig_await(rig, &in));
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}
