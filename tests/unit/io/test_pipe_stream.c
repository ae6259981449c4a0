/* tests/unit/io/test_pipe_stream.c - pipes as streams: one way, their ends, and closing under a
 * wait.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>

#include "kit/kit.h"
#include "kit/world.h"

struct pair {
    roost_stream *in;  /* is read */
    roost_stream *out; /* is written */
};

static struct pair pipe_of(void)
{
    struct pair pair = {NULL, NULL};
    CHECK_OK(roost_pipe_open(&pair.in, &pair.out));
    return pair;
}

static void pipe_abort(struct pair *pair)
{
    roost_stream_abort(pair->in);
    roost_stream_abort(pair->out);
}

ROOST_ASYNC(read_some, roost_stream *, stream, char *, buf, size_t, len, int64_t *, got)
{
    *got = roost_read(stream, buf, len);
    return 0;
}

ROOST_ASYNC(write_much, roost_stream *, stream, int64_t *, got)
{
    static char zeros[1 << 20];
    *got = roost_write_all(stream, zeros, sizeof zeros);
    return 0;
}

ROOST_TEST(what_is_written_to_a_pipe_is_read_from_it, .stalls = true)
{
    struct pair pair = pipe_of();
    char buf[16] = {0};
    if (!pair.in)
        return;
    CHECK_STR("pipe", roost_stream_kind(pair.in));
    CHECK_EQ(ROOST_EAGAIN, roost_try_read(pair.in, buf, 16));
    CHECK_EQ(0, roost_write_all(pair.out, "hello", 5));
    CHECK_EQ(2, roost_try_read(pair.in, buf, 2));
    CHECK_EQ(0, roost_read_exact(pair.in, buf + 2, 3, NULL));
    CHECK_STR("hello", buf);
    CHECK_EQ(0, roost_write_end(pair.out));
    CHECK_EQ(ROOST_ECLOSED, roost_write(pair.out, "x", 1));
    CHECK_EQ(0, roost_write_end(pair.out));
    CHECK_EQ(0, roost_try_read(pair.in, buf, 16));
    CHECK_EQ(0, roost_read(pair.in, buf, 16));
    CHECK_EQ(0, roost_stream_close(pair.out));
    CHECK_EQ(0, roost_stream_close(pair.in));
}

ROOST_TEST(a_pipe_goes_one_way)
{
    struct pair pair = pipe_of();
    char buf[16];
    roost_bytes bytes = {buf, 1};
    if (!pair.in)
        return;
    CHECK_EQ(ROOST_ENOTSUP, roost_read(pair.out, buf, 16));
    CHECK_EQ(ROOST_ENOTSUP, roost_try_read(pair.out, buf, 16));
    CHECK_EQ(ROOST_ENOTSUP, roost_read_line(pair.out, &bytes));
    CHECK_EQ(ROOST_ENOTSUP, roost_write(pair.in, buf, 1));
    CHECK_EQ(ROOST_ENOTSUP, roost_write_all(pair.in, buf, 1));
    CHECK_EQ(ROOST_ENOTSUP, roost_writev_all(pair.in, &bytes, 1));
    CHECK_EQ(ROOST_ENOTSUP, roost_write_end(pair.in));
    pipe_abort(&pair);
}

ROOST_TEST(a_pipe_tells_its_descriptor_and_nothing_else)
{
    struct pair pair = pipe_of();
    int fd = -1;
    char text[16];
    if (!pair.in)
        return;
    CHECK_EQ(0, roost_stream_attr(pair.in, ROOST_ATTR_FD, &fd, sizeof fd));
    CHECK(fd >= 0);
    CHECK_EQ(ROOST_EINVAL, roost_stream_attr(pair.in, ROOST_ATTR_FD, &fd, 1));
    CHECK_EQ(ROOST_ENOTSUP, roost_stream_attr(pair.in, ROOST_ATTR_PEER_NAME, text, sizeof text));
    CHECK_EQ(0, roost_write_end(pair.out));
    CHECK_EQ(ROOST_ENOTSUP, roost_stream_attr(pair.out, ROOST_ATTR_FD, &fd, sizeof fd));
    pipe_abort(&pair);
}

ROOST_TEST(small_pieces_go_out_together, .stalls = true)
{
    struct pair pair = pipe_of();
    static char large[1500];
    char buf[4096];
    roost_bytes small[] = {{"GET ", 4}, {"", 0}, {"/", 1}, {large, sizeof large}, {"\r\n", 2}};
    roost_bytes mixed[] = {{large, sizeof large}, {"a", 1}, {NULL, 0}, {"b", 1}};
    if (!pair.in)
        return;
    memset(large, 'x', sizeof large);
    CHECK_EQ(0, roost_writev_all(pair.out, small, 5));
    CHECK_EQ(0, roost_read_exact(pair.in, buf, 1507, NULL));
    CHECK(memcmp(buf, "GET /xxx", 8) == 0 && memcmp(buf + 1504, "x\r\n", 3) == 0);
    CHECK_EQ(0, roost_writev_all(pair.out, mixed, 4));
    CHECK_EQ(0, roost_read_exact(pair.in, buf, 1502, NULL));
    CHECK(memcmp(buf + 1499, "xab", 3) == 0);
    CHECK_EQ(0, roost_writev_all(pair.out, mixed, 0));
    CHECK_EQ(0, roost_writev_all(pair.out, mixed + 2, 1));
    CHECK_EQ(ROOST_EAGAIN, roost_try_read(pair.in, buf, 1));
    pipe_abort(&pair);
}

ROOST_TEST(closing_a_pipe_wakes_who_waits_on_it)
{
    struct pair pair = pipe_of();
    char buf[16] = {0};
    int64_t read = 1, written = 1;
    int rc = 0;
    if (!pair.in)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_some, pair.in, buf, sizeof buf, &read);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_stream_close(pair.in));
    }
    CHECK_EQ(ROOST_ECLOSED, read);
    CHECK_EQ(-EPIPE, roost_write(pair.out, buf, 1));
    CHECK_EQ(0, roost_stream_close(pair.out));
    pair = pipe_of();
    if (!pair.in)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_much, pair.out, &written);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_stream_close(pair.out));
    }
    CHECK_EQ(ROOST_ECLOSED, written);
    CHECK_EQ(0, roost_stream_close(pair.in));
}

ROOST_TEST(a_reader_that_goes_is_a_broken_pipe_to_the_writer_that_waits)
{
    struct pair pair = pipe_of();
    int64_t written = 1;
    int rc = 0;
    if (!pair.in)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_much, pair.out, &written);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_stream_close(pair.in));
    }
    CHECK_EQ(-EPIPE, written);
    CHECK_EQ(ROOST_EBROKEN, roost_write_all(pair.out, "x", 1));
    CHECK_EQ(0, roost_stream_close(pair.out));
}

ROOST_TEST(a_pipe_needs_a_task, .plain = true)
{
    roost_stream *in, *out;
    CHECK_EQ(ROOST_ENOCTX, roost_pipe_open(&in, &out));
}
