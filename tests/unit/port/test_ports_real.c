/* tests/unit/port/test_ports_real.c - each kind of operation on both real ports, with real pipes,
 * sockets and files.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/port/real_ports.h"

#include <sys/stat.h>
#include <sys/un.h>

/* -- at once, and waiting --------------------------------------------------------------------- */

REAL_TEST(nop_completes_at_the_next_wait)
{
    struct rig_op nop = RIG_OP(NOP, .fd = -1), second = RIG_OP(NOP, .fd = -1);
    rig_start(rig, &nop);
    rig_start(rig, &second);
    CHECK_EQ(2, rig_in_flight(rig));
    CHECK_EQ(2, rig->port->ops->wait(rig->port, ROOST_NEVER));
    CHECK_EQ(1, nop.done_count);
    CHECK_EQ(1, second.done_count);
    CHECK_EQ(0, nop.op.res);
}

REAL_TEST(a_bad_descriptor_is_the_result)
{
    char byte;
    struct rig_op negative = RIG_OP(RECV, .fd = -1, .buf = &byte, .len = 1);
    CHECK_EQ(ROOSTI_DONE_NOW, rig_submit(rig, &negative));
    CHECK_EQ(-EBADF, negative.op.res);
    struct rig_op closed = RIG_OP(READ, .fd = 999, .buf = &byte, .len = 1);
    CHECK_EQ(-EBADF, rig_run(rig, &closed));
    struct rig_op polled = RIG_OP(POLL, .fd = 999, .events = ROOSTI_POLL_IN);
    CHECK_EQ(-EBADF, rig_run(rig, &polled));
    struct rig_op multi = RIG_OP(ACCEPT_MULTI, .fd = 999);
    CHECK_EQ(-EBADF, rig_run(rig, &multi));
    CHECK(rig->port->ops->fd.close(rig->port, 999) == -EBADF);
    CHECK(rig->port->ops->fd.close(rig->port, -1) == -EBADF);
}

REAL_TEST(a_pipe_read_waits_for_bytes)
{
    int fds[2];
    char buf[16] = "";
    rig_pipe(rig, fds);
    struct rig_op in = RIG_OP(READ, .fd = fds[0], .buf = buf, .len = sizeof buf);
    rig_start(rig, &in);
    CHECK_EQ(0, rig_turn(rig));
    CHECK_EQ(0, in.done_count);
    struct rig_op out = RIG_OP(WRITE, .fd = fds[1], .buf = (char[]){"hello"}, .len = 5);
    CHECK_EQ(5, rig_run(rig, &out));
    CHECK_EQ(5, rig_await(rig, &in));
    CHECK_EQ(0, memcmp(buf, "hello", 5));
    rig_close(rig, fds[1]);
    CHECK_EQ(0, rig_run(rig, &in));
    rig_close(rig, fds[0]);
}

REAL_TEST(bytes_that_are_there_cost_no_wait)
{
    int fds[2];
    char buf[8];
    rig_pipe(rig, fds);
    rig_put(fds[1], "abcdefghij", 10);
    struct rig_op in = RIG_OP(READ, .fd = fds[0], .buf = buf, .len = 8);
    CHECK_EQ(ROOSTI_DONE_NOW, rig_submit(rig, &in));
    CHECK_EQ(8, in.op.res);
    CHECK_EQ(2, rig_run(rig, &in));
    CHECK_EQ(0, in.done_count);
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

/* Sends until the socket is full, then one more; the peer drains it all. */
REAL_TEST(a_full_socket_takes_a_part_then_waits)
{
    enum { LEN = 4 << 20 };
    int fds[2];
    rig_tcp(rig, fds);
    char *block = malloc(LEN), *sink = malloc(LEN);
    memset(block, 'x', LEN);
    int64_t sent = 0, got = 0;
    struct rig_op out = RIG_OP(SEND, .fd = fds[0], .buf = block, .len = LEN);
    while (rig_submit(rig, &out) == ROOSTI_DONE_NOW) {
        CHECK(out.op.res > 0);
        sent += out.op.res;
    }
    CHECK(sent < 64 << 20);
    CHECK_EQ(0, rig_turn(rig));
    struct rig_op in = RIG_OP(RECV, .fd = fds[1], .buf = sink, .len = LEN);
    while (out.done_count == 0 || got < sent) {
        got += rig_run(rig, &in);
        if (out.done_count == 1 && out.op.res > 0) {
            sent += out.op.res;
            out.op.res = 0;
        }
    }
    CHECK_EQ(sent, got);
    rig_close(rig, fds[0]);
    CHECK_EQ(0, rig_run(rig, &in));
    rig_close(rig, fds[1]);
    free(block);
    free(sink);
}

/* Short receives on TCP are followed by a wait, never by a loss. */
REAL_TEST(a_stream_arrives_whole_in_any_cut)
{
    int fds[2];
    char out[64], in[48];
    rig_tcp(rig, fds);
    uint64_t sent = 0, got = 0;
    struct rig_op recv = RIG_OP(RECV, .fd = fds[1], .buf = in, .len = sizeof in);
    bool waiting = false;
    for (unsigned round = 0; round < 2000; round++) {
        unsigned len = 1 + round * 7 % 63;
        for (unsigned i = 0; i < len; i++)
            out[i] = (char)(sent++ * 31);
        struct rig_op send = RIG_OP(SEND, .fd = fds[0], .buf = out, .len = len);
        CHECK_EQ(len, rig_run(rig, &send));
        while (round % 3 == 0 && got < sent) {
            if (!waiting)
                recv.op.len = 1 + got % sizeof in;
            int64_t n = waiting ? rig_await(rig, &recv) : rig_run(rig, &recv);
            waiting = false;
            CHECK(n > 0);
            for (int64_t i = 0; i < n; i++)
                CHECK_EQ((char)(got++ * 31), in[i]);
        }
        if (round % 3 == 0 && round % 2 == 0) {
            rig_start(rig, &recv);
            waiting = true;
        }
    }
    CHECK(!waiting || rig_await(rig, &recv) > 0);
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

REAL_TEST(a_gone_peer_is_an_error_and_no_signal)
{
    int fds[2];
    rig_pair(rig, fds);
    rig_close(rig, fds[1]);
    struct rig_op out = RIG_OP(SEND, .fd = fds[0], .buf = (char[]){"x"}, .len = 1);
    CHECK_EQ(-EPIPE, rig_run(rig, &out));
    rig_close(rig, fds[0]);
    rig_pipe(rig, fds);
    rig_close(rig, fds[0]);
    out = RIG_OP(WRITE, .fd = fds[1], .buf = (char[]){"x"}, .len = 1);
    CHECK_EQ(-EPIPE, rig_run(rig, &out));
    rig_close(rig, fds[1]);
    sigset_t pending;
    CHECK_EQ(0, sigpending(&pending));
    CHECK(sigismember(&pending, SIGPIPE));
}

/* -- files ------------------------------------------------------------------------------------ */

static int file_make(struct rig *rig, char path[64])
{
    static const char dir[] = "/tmp/roost-port-XXXXXX";
    memcpy(path, dir, sizeof dir);
    int made = mkstemp(path);
    CHECK(made >= 0);
    CHECK_EQ(0, unlink(path));
    close(made);
    struct rig_op open =
        RIG_OP(OPEN, .fd = -1, .u.path = path, .flags = O_RDWR | O_CREAT | O_EXCL, .mode = 0600);
    return (int)rig_run(rig, &open);
}

REAL_TEST(a_file_is_written_synced_and_read)
{
    char path[64], buf[16];
    int fd = file_make(rig, path);
    CHECK(fd >= 0);
    CHECK_EQ(FD_CLOEXEC, fcntl(fd, F_GETFD));
    CHECK_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
    struct rig_op write_at = RIG_OP(WRITE, .fd = fd, .buf = (char[]){"roost"}, .len = 5);
    write_at.op.offset = 3;
    CHECK_EQ(5, rig_run(rig, &write_at));
    struct rig_op sync = RIG_OP(FSYNC, .fd = fd);
    CHECK_EQ(0, rig_run(rig, &sync));
    struct rig_op read_on = RIG_OP(READ, .fd = fd, .buf = buf, .len = 4);
    CHECK_EQ(4, rig_run(rig, &read_on));
    CHECK_EQ(0, memcmp(buf, "\0\0\0r", 4));
    CHECK_EQ(4, rig_run(rig, &read_on));
    CHECK_EQ(0, memcmp(buf, "oost", 4));
    CHECK_EQ(0, rig_run(rig, &read_on));
    struct rig_op write_on = RIG_OP(WRITE, .fd = fd, .buf = (char[]){"!"}, .len = 1);
    CHECK_EQ(1, rig_run(rig, &write_on));
    struct rig_op read_at = RIG_OP(READ, .fd = fd, .buf = buf, .len = sizeof buf);
    read_at.op.offset = 6;
    CHECK_EQ(3, rig_run(rig, &read_at));
    CHECK_EQ(0, memcmp(buf, "st!", 3));
    /* Not in memory: somebody has to ask the disk. */
    CHECK_EQ(0, fdatasync(fd));
    CHECK_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    CHECK_EQ(3, rig_run(rig, &read_at));
    CHECK_EQ(0, memcmp(buf, "st!", 3));
    rig_close(rig, fd);
    struct rig_op again = RIG_OP(OPEN, .fd = -1, .u.path = path, .flags = O_RDONLY);
    fd = (int)rig_run(rig, &again);
    CHECK(fd >= 0);
    CHECK_EQ(0, fcntl(fd, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(3, (read_at.op.fd = fd, rig_run(rig, &read_at)));
    write_at.op.fd = fd;
    CHECK_EQ(-EBADF, rig_run(rig, &write_at));
    rig_close(rig, fd);
    CHECK_EQ(0, unlink(path));
    CHECK_EQ(-ENOENT, rig_run(rig, &again));
}

REAL_TEST(a_file_takes_many_operations_at_once)
{
    enum { COUNT = 32 };
    char path[64], blocks[COUNT][512], back[COUNT][512];
    struct rig_op ops[COUNT];
    int fd = file_make(rig, path);
    CHECK_EQ(0, unlink(path));
    int pending = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < COUNT; i++) {
            memset(blocks[i], 'a' + i, sizeof blocks[i]);
            ops[i] = pass == 0 ? RIG_OP(WRITE, .fd = fd, .buf = blocks[i], .len = 512)
                               : RIG_OP(READ, .fd = fd, .buf = back[i], .len = 512);
            ops[i].op.offset = i * 512;
            int rc = rig_submit(rig, &ops[i]);
            CHECK(rc >= 0);
            pending += rc == ROOSTI_IN_FLIGHT;
        }
        CHECK_EQ(pending, rig_in_flight(rig));
        while (pending > 0)
            pending -= rig->port->ops->wait(rig->port, ROOST_NEVER);
        for (int i = 0; i < COUNT; i++)
            CHECK_EQ(512, ops[i].op.res);
        CHECK_EQ(0, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
    }
    CHECK_EQ(0, memcmp(blocks, back, sizeof back));
    /* Syncing may be cancelled or not; either way it ends once and says so. */
    struct rig_op sync = RIG_OP(FSYNC, .fd = fd);
    if (rig_submit(rig, &sync) == ROOSTI_IN_FLIGHT) {
        rig_cancel(rig, &sync);
        int64_t res = rig_await(rig, &sync);
        CHECK(res == 0 || res == ROOST_ECANCELED);
    }
    rig_close(rig, fd);
}

struct names {
    char text[256];
    int directories;
};

static int names_add(void *arg, const char *name, bool is_directory)
{
    struct names *names = arg;
    strcat(strcat(names->text, name), " ");
    names->directories += is_directory;
    return strcmp(name, "stop") == 0 ? 7 : 0;
}

static int names_rise(void *arg, const char *name, bool is_directory)
{
    char *last = arg;
    (void)is_directory;
    CHECK(strcmp(last, name) < 0);
    snprintf(last, 256, "%s", name);
    return 0;
}

REAL_TEST(a_directory_is_listed_by_name)
{
    char dir[] = "/tmp/roost-list-XXXXXX", path[64];
    static const char *const files[] = {"zebra", "ant", "Mole", "ant2"};
    struct names names = {.text = ""};
    CHECK(mkdtemp(dir) != NULL);
    CHECK_EQ(0, rig->port->ops->fd.list(rig->port, dir, names_add, &names));
    CHECK_EQ(0, strlen(names.text));
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        close(fd);
    }
    snprintf(path, sizeof path, "%s/burrow", dir);
    CHECK_EQ(0, mkdir(path, 0700));
    CHECK_EQ(0, rig->port->ops->fd.list(rig->port, dir, names_add, &names));
    CHECK_EQ(0, strcmp("Mole ant ant2 burrow zebra ", names.text));
    CHECK_EQ(1, names.directories);
    /* Enough to need more than one read, and to be in no order. */
    for (unsigned i = 0; i < 3000; i++) {
        snprintf(path, sizeof path, "%s/zz-%04u", dir, i * 1237 % 3000);
        int fd = open(path, O_CREAT | O_WRONLY, 0600);
        close(fd);
    }
    char last[256] = "";
    CHECK_EQ(0, rig->port->ops->fd.list(rig->port, dir, names_rise, last));
    CHECK_STR("zz-2999", last);
    snprintf(path, sizeof path, "%s/stop", dir);
    CHECK_EQ(0, mkdir(path, 0700));
    CHECK_EQ(7, rig->port->ops->fd.list(rig->port, dir, names_add, &names));
    snprintf(path, sizeof path, "rm -r %s", dir);
    CHECK_EQ(0, system(path));
    CHECK_EQ(-ENOENT, rig->port->ops->fd.list(rig->port, dir, names_add, &names));
}

/* -- connections ------------------------------------------------------------------------------ */

REAL_TEST(tcp_connects_and_accepts)
{
    struct sockaddr_in addr;
    int listener = rig_listen(rig, 4, &addr);
    struct rig_op accept = RIG_OP(ACCEPT, .fd = listener);
    rig_start(rig, &accept);
    CHECK_EQ(0, rig_turn(rig));
    int client = rig->port->ops->fd.socket(rig->port, AF_INET, SOCK_STREAM, 0);
    CHECK(fcntl(client, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(FD_CLOEXEC, fcntl(client, F_GETFD));
    int one = 1;
    CHECK_EQ(0, rig->port->ops->fd.set_option(rig->port, client, IPPROTO_TCP, 1, &one, sizeof one));
    struct rig_op connect =
        RIG_OP(CONNECT, .fd = client, .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    CHECK_EQ(0, rig_run(rig, &connect));
    int server = (int)rig_await(rig, &accept);
    CHECK(server >= 0);
    CHECK(fcntl(server, F_GETFL) & O_NONBLOCK);
    CHECK_EQ(FD_CLOEXEC, fcntl(server, F_GETFD));
    char byte = 0;
    struct rig_op in = RIG_OP(RECV, .fd = server, .buf = &byte, .len = 1);
    rig_start(rig, &in);
    CHECK_EQ(0, rig->port->ops->fd.shutdown(rig->port, client, SHUT_WR));
    CHECK_EQ(0, rig_await(rig, &in));
    struct rig_op out = RIG_OP(SEND, .fd = server, .buf = (char[]){"y"}, .len = 1);
    CHECK_EQ(1, rig_run(rig, &out));
    in = RIG_OP(RECV, .fd = client, .buf = &byte, .len = 1);
    CHECK_EQ(1, rig_run(rig, &in));
    CHECK_EQ('y', byte);
    rig_close(rig, client);
    rig_close(rig, server);
    rig_close(rig, listener);
}

REAL_TEST(a_refused_connection_says_so)
{
    struct sockaddr_in addr;
    rig_close(rig, rig_listen(rig, 4, &addr));
    int fd = rig->port->ops->fd.socket(rig->port, AF_INET, SOCK_STREAM, 0);
    struct rig_op connect =
        RIG_OP(CONNECT, .fd = fd, .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    CHECK_EQ(-ECONNREFUSED, rig_run(rig, &connect));
    rig_close(rig, fd);
    CHECK_EQ(-EAFNOSUPPORT, rig->port->ops->fd.socket(rig->port, 9999, SOCK_STREAM, 0));
}

/* The listener's queue is full, so that the last connection hangs until it is given up. */
REAL_TEST(a_hanging_connect_is_cancelled)
{
    struct sockaddr_in addr;
    int listener = rig_listen(rig, 0, &addr), fds[8];
    struct rig_op ops[8];
    bool pending[8];
    int hanging = 0;
    for (int i = 0; i < 8; i++) {
        fds[i] = rig->port->ops->fd.socket(rig->port, AF_INET, SOCK_STREAM, 0);
        ops[i] = RIG_OP(CONNECT, .fd = fds[i], .u.addr = (struct sockaddr *)&addr,
                        .addr_len = sizeof addr);
        pending[i] = rig_submit(rig, &ops[i]) == ROOSTI_IN_FLIGHT;
    }
    rig->port->ops->wait(rig->port, rig_now(rig) + ROOST_MS(20));
    rig_turn(rig);
    for (int i = 0; i < 8; i++)
        if (pending[i] && ops[i].done_count == 0)
            rig_cancel(rig, &ops[i]);
    while (rig_in_flight(rig) > 0)
        rig->port->ops->wait(rig->port, ROOST_NEVER);
    for (int i = 0; i < 8; i++) {
        CHECK(ops[i].op.res == 0 || ops[i].op.res == ROOST_ECANCELED);
        hanging += ops[i].op.res == ROOST_ECANCELED;
        rig_close(rig, fds[i]);
    }
    CHECK(hanging > 0);
    rig_close(rig, listener);
}

REAL_TEST(a_unix_socket_connects)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    snprintf(addr.sun_path, sizeof addr.sun_path, "/tmp/roost-unix-%d", (int)getpid());
    struct roosti_port *port = rig->port;
    int listener = port->ops->fd.socket(port, AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(0, port->ops->fd.bind(port, listener, (struct sockaddr *)&addr, sizeof addr));
    CHECK_EQ(-EADDRINUSE,
             port->ops->fd.bind(port, port->ops->fd.socket(port, AF_UNIX, SOCK_STREAM, 0),
                                (struct sockaddr *)&addr, sizeof addr));
    rig_close(rig, listener + 1);
    CHECK_EQ(0, port->ops->fd.listen(port, listener, 4));
    int client = port->ops->fd.socket(port, AF_UNIX, SOCK_STREAM, 0);
    struct rig_op connect =
        RIG_OP(CONNECT, .fd = client, .u.addr = (struct sockaddr *)&addr, .addr_len = sizeof addr);
    CHECK_EQ(0, rig_run(rig, &connect));
    struct rig_op accept = RIG_OP(ACCEPT, .fd = listener);
    int server = (int)rig_run(rig, &accept);
    CHECK(server >= 0);
    rig_close(rig, client);
    rig_close(rig, server);
    rig_close(rig, listener);
    CHECK_EQ(0, unlink(addr.sun_path));
}

/* -- readiness -------------------------------------------------------------------------------- */

REAL_TEST(poll_reports_what_was_asked_for)
{
    int fds[2];
    rig_pair(rig, fds);
    struct rig_op both = RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_IN | ROOSTI_POLL_OUT);
    CHECK_EQ(ROOSTI_POLL_OUT, rig_run(rig, &both));
    struct rig_op in = RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_IN);
    rig_start(rig, &in);
    CHECK_EQ(0, rig_turn(rig));
    rig_put(fds[1], "x", 1);
    CHECK_EQ(ROOSTI_POLL_IN, rig_await(rig, &in));
    /* Level, not edge: the byte is still there. */
    CHECK_EQ(ROOSTI_POLL_IN, rig_run(rig, &in));
    CHECK_EQ(ROOSTI_POLL_IN | ROOSTI_POLL_OUT, rig_run(rig, &both));
    struct rig_op hangup = RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_HANGUP);
    rig_start(rig, &hangup);
    CHECK_EQ(0, rig_turn(rig));
    rig_close(rig, fds[1]);
    CHECK_EQ(ROOSTI_POLL_HANGUP, rig_await(rig, &hangup));
    in.op.events = ROOSTI_POLL_IN | ROOSTI_POLL_HANGUP;
    CHECK_EQ(ROOSTI_POLL_IN | ROOSTI_POLL_HANGUP, rig_run(rig, &in));
    rig_close(rig, fds[0]);
    /* The reader of a pipe is gone: an error to those who would write. */
    rig_pipe(rig, fds);
    rig_close(rig, fds[0]);
    struct rig_op error = RIG_OP(POLL, .fd = fds[1], .events = ROOSTI_POLL_OUT | ROOSTI_POLL_ERROR);
    CHECK_EQ(ROOSTI_POLL_OUT | ROOSTI_POLL_ERROR, rig_run(rig, &error));
    rig_close(rig, fds[1]);
}

/* A library's own descriptor: it reads, closes and opens as it likes, and only POLL is ours. */
REAL_TEST(poll_is_safe_on_a_foreign_descriptor)
{
    for (int round = 0; round < 3; round++) {
        int fds[2];
        char buf[8];
        CHECK_EQ(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds));
        struct rig_op in = RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_IN);
        for (int i = 0; i < 3; i++) {
            rig_start(rig, &in);
            CHECK_EQ(0, rig_turn(rig));
            rig_put(fds[1], "ab", 2);
            CHECK_EQ(ROOSTI_POLL_IN, rig_await(rig, &in));
            /* Read a part, without meeting EAGAIN. */
            CHECK_EQ(1, read(fds[0], buf, 1));
            CHECK_EQ(ROOSTI_POLL_IN, rig_run(rig, &in));
            CHECK_EQ(1, read(fds[0], buf, 1));
        }
        close(fds[0]);
        close(fds[1]);
    }
}

REAL_TEST(a_terminal_is_read_when_a_line_comes)
{
    for (int flags = 0; flags < 2; flags++) {
        char line[16] = "";
        int master = posix_openpt(O_RDWR | O_NOCTTY);
        CHECK(master >= 0);
        CHECK_EQ(0, grantpt(master) | unlockpt(master));
        int fd = open(ptsname(master), O_RDWR | O_NOCTTY | (flags ? O_NONBLOCK : 0));
        CHECK(fd >= 0);
        struct rig_op in = RIG_OP(READ, .fd = fd, .buf = line, .len = sizeof line);
        rig_start(rig, &in);
        CHECK_EQ(0, rig_turn(rig));
        rig_put(master, "go\n", 3);
        CHECK_EQ(3, rig_await(rig, &in));
        CHECK_EQ(0, strcmp("go\n", line));
        struct rig_op out = RIG_OP(WRITE, .fd = fd, .buf = (char[]){"ok"}, .len = 2);
        CHECK_EQ(2, rig_run(rig, &out));
        rig_start(rig, &in);
        CHECK_EQ(0, rig_turn(rig));
        rig_cancel(rig, &in);
        CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &in));
        rig_close(rig, fd);
        close(master);
    }
}

REAL_TEST(two_in_one_direction_are_refused)
{
    int fds[2];
    char a = 0, b = 0;
    rig_pair(rig, fds);
    struct rig_op first = RIG_OP(RECV, .fd = fds[0], .buf = &a, .len = 1);
    struct rig_op second = RIG_OP(RECV, .fd = fds[0], .buf = &b, .len = 1);
    struct rig_op poll_in = RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_IN);
    struct rig_op poll_both =
        RIG_OP(POLL, .fd = fds[0], .events = ROOSTI_POLL_IN | ROOSTI_POLL_OUT);
    struct rig_op multi = RIG_OP(RECV_MULTI, .fd = fds[0]);
    rig_start(rig, &first);
    CHECK_EQ(ROOST_EBUSY, rig_submit(rig, &second));
    CHECK_EQ(ROOST_EBUSY, rig_submit(rig, &poll_in));
    CHECK_EQ(ROOST_EBUSY, rig_submit(rig, &poll_both));
    CHECK_EQ(ROOST_EBUSY, rig_submit(rig, &multi));
    CHECK_EQ(1, rig_in_flight(rig));
    /* The byte is the first one's, also when it is there already. */
    rig_put(fds[1], "x", 1);
    CHECK_EQ(ROOST_EBUSY, rig_submit(rig, &second));
    struct rig_op send = RIG_OP(SEND, .fd = fds[0], .buf = (char[]){"y"}, .len = 1);
    CHECK_EQ(1, rig_run(rig, &send));
    CHECK_EQ(1, rig_await(rig, &first));
    CHECK_EQ('x', a);
    CHECK_EQ(0, b);
    rig_start(rig, &second);
    rig_put(fds[1], "z", 1);
    CHECK_EQ(1, rig_await(rig, &second));
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}

REAL_TEST(clocks_and_entropy_work)
{
    roost_time before = rig_now(rig), wall = rig->port->ops->wall(rig->port);
    CHECK(before > 0 && rig_now(rig) >= before);
    CHECK(wall > ROOST_SEC(1700000000));
    uint8_t a[32] = {0}, b[32] = {0};
    rig->port->ops->entropy(rig->port, a, sizeof a);
    rig->port->ops->entropy(rig->port, b, sizeof b);
    CHECK(memcmp(a, b, sizeof a) != 0);
    CHECK(!rig->port->ops->virtual_time);
}

/* -- set-up ----------------------------------------------------------------------------------- */

/* Every resource that opening asks for is refused in turn; nothing is left behind. */
REAL_TEST(open_survives_every_refusal)
{
    struct roosti_mem_stats stats;
    roosti_mem_stats_get(&stats);
    int64_t live = stats.live;
    int fds = rig_fd_count();
    uint64_t refusals = 0;
    for (uint64_t at = 1;; at++) {
        struct roosti_port *port = NULL;
        struct roosti_mem_plan plan = {.fail_at = at};
        roosti_mem_plan_set(&plan);
        int rc = rig_open(rig->backend, 0, &port);
        roosti_mem_stats_get(&stats);
        roosti_mem_plan_set(NULL);
        if (rc == 0) {
            CHECK_EQ(0, stats.refused);
            port->ops->close(port);
            break;
        }
        CHECK_EQ(ROOST_ENOMEM, rc);
        CHECK(port == NULL);
        refusals++;
        roosti_mem_stats_get(&stats);
        CHECK_EQ(live, stats.live);
        CHECK_EQ(fds, rig_fd_count());
    }
    CHECK(refusals >= (rig->backend->uring ? 5 : 3));
}

/* The growth of the descriptor table, and the buffers, are refused: nothing was taken. */
REAL_TEST(submit_survives_a_refusal)
{
    int fds[2];
    char byte;
    rig_pair(rig, fds);
    struct rig_op ops[2] = {RIG_OP(RECV, .fd = fds[0], .buf = &byte, .len = 1),
                            RIG_OP(RECV_MULTI, .fd = fds[0])};
    for (int i = 0; i < 2; i++) {
        struct roosti_mem_plan plan = {.fail_at = 1, .fail_after_too = true};
        roosti_mem_plan_set(&plan);
        CHECK_EQ(ROOST_ENOMEM, rig_submit(rig, &ops[i]));
        roosti_mem_plan_set(NULL);
        CHECK_EQ(0, rig_in_flight(rig));
        rig_start(rig, &ops[i]);
        rig_cancel(rig, &ops[i]);
        CHECK_EQ(ROOST_ECANCELED, rig_await(rig, &ops[i]));
    }
    rig_close(rig, fds[0]);
    rig_close(rig, fds[1]);
}
