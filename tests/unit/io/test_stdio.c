/* tests/unit/io/test_stdio.c - the standard descriptors, put in place by the test: pipes and files.
 *
 * Registered per ROOST_TEST_BACKENDS. In simulation they are asked in calls that block, so the
 * cases in which something has to wait are for the real ports.
 *
 * SPDX-License-Identifier: MIT
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <roost.h>

#include "kit/kit.h"
#include "kit/world.h"

/* A standard descriptor that stands for another one for a while. */
struct stand_in {
    int fd;
    int kept;
};

static struct stand_in stand_in(int fd, int taken)
{
    struct stand_in in = {fd, dup(fd)};
    CHECK(in.kept >= 0);
    CHECK_EQ(fd, dup2(taken, fd));
    close(taken);
    return in;
}

static void stand_out(struct stand_in *in)
{
    dup2(in->kept, in->fd);
    close(in->kept);
}

static bool real_clock(void)
{
    return !roost_test_virtual();
}

static void lines_are(void)
{
    roost_stream *in;
    roost_bytes line;
    if (roost_stdin(&in) < 0)
        return;
    CHECK_STR("stdio", roost_stream_kind(in));
    CHECK_EQ(1, roost_read_line(in, &line));
    CHECK(line.len == 3 && memcmp(line.data, "one", 3) == 0);
    CHECK_EQ(1, roost_read_line(in, &line));
    CHECK_EQ(3, line.len);
    CHECK_EQ(0, roost_read_line(in, &line));
    CHECK_EQ(ROOST_ENOTSUP, roost_write_end(in));
    CHECK_EQ(0, roost_stream_close(in));
    CHECK(fcntl(0, F_GETFD) >= 0); /* the descriptor stays open */
}

ROOST_TEST(a_pipe_is_read_by_lines_and_its_flags_stay)
{
    int fds[2];
    CHECK_EQ(0, pipe(fds));
    struct stand_in in = stand_in(0, fds[0]);
    CHECK_EQ(7, write(fds[1], "one\ntwo", 7));
    close(fds[1]);
    lines_are();
    CHECK(!(fcntl(0, F_GETFL) & O_NONBLOCK));
    stand_out(&in);
}

static int temporary(void)
{
    FILE *file = tmpfile();
    if (!file)
        return -1;
    int fd = dup(fileno(file));
    fclose(file);
    return fd;
}

ROOST_TEST(a_file_is_read_from_where_it_stands)
{
    int fd = temporary();
    CHECK(fd >= 0);
    CHECK_EQ(12, write(fd, "zero\none\ntwo", 12));
    CHECK_EQ(5, lseek(fd, 5, SEEK_SET));
    struct stand_in in = stand_in(0, fd);
    lines_are();
    stand_out(&in);
}

ROOST_TEST(output_goes_to_a_file_at_once_and_in_order)
{
    int fd = temporary();
    char buf[16] = {0};
    roost_bytes pieces[] = {{"b", 1}, {"c", 1}};
    roost_stream *out;
    CHECK(fd >= 0);
    fflush(stdout);
    struct stand_in in = stand_in(1, fd);
    if (roost_stdout(&out) == 0) {
        CHECK_EQ(0, roost_write_all(out, "a", 1));
        CHECK_EQ(0, roost_writev_all(out, pieces, 2));

        CHECK_EQ(0, roost_stream_close(out));
        CHECK_EQ(3, pread(1, buf, sizeof buf, 0));
    }
    stand_out(&in);
    CHECK(roost_test_tortured() || strcmp(buf, "abc") == 0);
}

ROOST_ASYNC(read_stdin, int64_t *, got, roost_stream **, in)
{
    char buf[8];
    ROOST_TRY(roost_stdin(in));
    *got = roost_read(*in, buf, sizeof buf);
    return 0;
}

static void waits_on(int reads, int writes)
{
    struct stand_in in = stand_in(0, reads);
    roost_stream *stream = NULL;
    int64_t got = 7;
    int rc = 0;
    char byte;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_stdin, &got, &stream);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(7, got); /* the task waits, and the thread does not */
        CHECK_EQ(ROOST_EBUSY, stream ? roost_try_read(stream, &byte, 1) : ROOST_EBUSY);
        CHECK_EQ(1, write(writes, "x", 1));
    }
    CHECK_EQ(1, got);
    CHECK_EQ(ROOST_EAGAIN, stream ? roost_try_read(stream, &byte, 1) : ROOST_EAGAIN);
    roost_stream_abort(stream);
    stream = NULL;
    got = 7;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_stdin, &got, &stream);
        CHECK_OK(roost_test_settle());
        roost_stream_abort(stream);
    }
    CHECK_EQ(ROOST_ECLOSED, got);
    CHECK(!(fcntl(0, F_GETFL) & O_NONBLOCK));
    close(writes);
    stand_out(&in);
}

ROOST_TEST(a_blocking_pipe_makes_the_task_wait_and_not_the_thread, .no_torture = true)
{
    int fds[2];
    if (!real_clock())
        return;
    CHECK_EQ(0, pipe(fds));
    waits_on(fds[0], fds[1]);
}

ROOST_TEST(a_blocking_socket_makes_the_task_wait_and_not_the_thread, .no_torture = true)
{
    int fds[2];
    if (!real_clock())
        return;
    CHECK_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    waits_on(fds[0], fds[1]);
}

/* A terminal: its other end is the master. */
ROOST_TEST(a_terminal_makes_the_task_wait_and_not_the_thread, .no_torture = true)
{
    char name[64];
    if (!real_clock())
        return;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    if (master < 0 || grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, name, sizeof name) != 0)
        roost_test_skip("a pseudo terminal");
    int slave = open(name, O_RDWR | O_NOCTTY);
    CHECK(slave >= 0);
    struct stand_in in = stand_in(0, slave);
    roost_stream *stream = NULL;
    int64_t got = 7;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_stdin, &got, &stream);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(7, got);
        CHECK_EQ(3, write(master, "hi\n", 3));
    }
    CHECK_EQ(3, got);
    roost_stream_abort(stream);
    got = 7;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_stdin, &got, &stream);
        CHECK_OK(roost_test_settle());
        roost_stream_abort(stream);
    }
    CHECK_EQ(ROOST_ECLOSED, got);
    CHECK(!(fcntl(0, F_GETFL) & O_NONBLOCK));
    close(master);
    stand_out(&in);
}

ROOST_ASYNC(write_much, int *, result)
{
    static char much[300000];
    roost_stream *out;
    ROOST_TRY(roost_stdout(&out));
    memset(much, 'm', sizeof much);
    *result = roost_write_all(out, much, sizeof much);
    return roost_stream_close(out);
}

ROOST_TEST(a_full_pipe_makes_the_writer_wait_and_not_the_thread, .no_torture = true)
{
    int fds[2], result = 1, rc = 0;
    char buf[4096];
    int64_t total = 0;
    if (!real_clock())
        return;
    CHECK_EQ(0, pipe(fds));
    fflush(stdout);
    struct stand_in in = stand_in(1, fds[1]);
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_much, &result);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, result);
        while (total < 300000) {
            int64_t n = kit_read(fds[0], buf, sizeof buf);
            CHECK(n > 0);
            total += n;
        }
    }
    stand_out(&in);
    kit_close(fds[0]);
    CHECK_EQ(0, result);
    CHECK_EQ(300000, total);
}

ROOST_TEST(errors_have_a_stream_too)
{
    roost_stream *err;
    int fd = -1;
    if (roost_stderr(&err) < 0)
        return;
    CHECK_EQ(0, roost_stream_attr(err, ROOST_ATTR_FD, &fd, sizeof fd));
    CHECK_EQ(2, fd);
    roost_stream_abort(err);
}

ROOST_TEST(the_standard_descriptors_need_a_task, .plain = true)
{
    roost_stream *stream;
    CHECK_EQ(ROOST_ENOCTX, roost_stdin(&stream));
    CHECK_EQ(ROOST_ENOCTX, roost_stdout(&stream));
    CHECK_EQ(ROOST_ENOCTX, roost_stderr(&stream));
}
