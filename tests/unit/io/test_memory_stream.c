/* tests/unit/io/test_memory_stream.c - pairs in memory: room, lockstep, ends and resets.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>

#include "kit/kit.h"

struct pair {
    roost_stream *a;
    roost_stream *b;
};

static struct pair pair_of(size_t capacity, bool lockstep)
{
    struct pair pair = {NULL, NULL};
    roost_memory_opts opts = {.capacity = capacity, .lockstep = lockstep};
    CHECK_OK(roost_memory_pair(&opts, &pair.a, &pair.b));
    return pair;
}

static void pair_abort(struct pair *pair)
{
    roost_stream_abort(pair->a);
    roost_stream_abort(pair->b);
}

ROOST_ASYNC(write_text, roost_stream *, stream, const char *, text, int *, rc)
{
    *rc = roost_write_all(stream, text, strlen(text));
    return 0;
}

ROOST_ASYNC(read_some, roost_stream *, stream, char *, buf, size_t, len, int64_t *, got)
{
    *got = roost_read(stream, buf, len);
    return 0;
}

static size_t unsent(const roost_stream *stream)
{
    roost_stream_stats stats;
    roost_stream_stats_get(stream, &stats);
    return stats.unsent;
}

/* -- room -------------------------------------------------------------------------------------- */

ROOST_TEST(a_writer_waits_when_the_ring_is_full, .fifo = true, .stalls = true)
{
    struct pair pair = pair_of(4, false);
    char buf[8] = {0};
    int rc = -1, group_rc = 0;
    if (!pair.a)
        return;
    ROOST_GROUP(g, group_rc) {
        ROOST_GO(g, write_text, pair.a, "abcdef", &rc);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(-1, rc);
        CHECK_EQ(4, unsent(pair.a));
        CHECK_EQ(3, roost_read(pair.b, buf, 3));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, rc);
        CHECK_EQ(3, unsent(pair.a));
        CHECK_EQ(0, roost_read_exact(pair.b, buf + 3, 3, NULL));
    }
    CHECK_STR("abcdef", buf);
    pair_abort(&pair);
}

ROOST_TEST(the_default_capacity_is_what_the_header_says)
{
    roost_stream *a = NULL, *b = NULL;
    static char zeros[ROOST_MEMORY_CAPACITY + 1];
    if (roost_memory_pair(NULL, &a, &b) < 0)
        return;
    CHECK_EQ(ROOST_MEMORY_CAPACITY, roost_write(a, zeros, sizeof zeros));
    CHECK_STR("memory", roost_stream_kind(a));
    roost_stream_abort(a);
    roost_stream_abort(b);
}

/* -- lockstep ---------------------------------------------------------------------------------- */

ROOST_TEST(in_lockstep_a_write_returns_when_all_was_read, .fifo = true, .stalls = true)
{
    struct pair pair = pair_of(0, true);
    char buf[8] = {0};
    int rc = -1, group_rc = 0;
    if (!pair.a)
        return;
    ROOST_GROUP(g, group_rc) {
        ROOST_GO(g, write_text, pair.a, "abc", &rc);
        CHECK_EQ(2, roost_read(pair.b, buf, 2));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(-1, rc);
        CHECK_EQ(1, roost_read(pair.b, buf + 2, 6));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, rc);
    }
    CHECK_STR("abc", buf);
    pair_abort(&pair);
}

ROOST_TEST(in_lockstep_a_cancelled_write_takes_back_what_nobody_read, .fifo = true)
{
    struct pair pair = pair_of(0, true);
    char buf[8] = {0};
    if (!pair.a)
        return;
    int rc = ROOST_WITHIN(ROOST_MS(1), (int)roost_write(pair.a, "abc", 3));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    CHECK_EQ(ROOST_EAGAIN, roost_try_read(pair.b, buf, 8));
    CHECK_EQ(0, unsent(pair.a));
    pair_abort(&pair);
}

ROOST_TEST(in_lockstep_a_cancelled_write_says_what_was_read, .fifo = true)
{
    struct pair pair = pair_of(0, true);
    char buf[8] = {0};
    int64_t got = 0;
    int rc = 0, group_rc = 0;
    if (!pair.a)
        return;
    ROOST_GROUP(g, group_rc) {
        ROOST_GO(g, read_some, pair.b, buf, 2, &got);
        rc = ROOST_WITHIN(ROOST_MS(1), (int)roost_write(pair.a, "abc", 3));
    }
    CHECK_EQ(2, rc);
    CHECK_EQ(2, got);
    CHECK_EQ(ROOST_EAGAIN, roost_try_read(pair.b, buf, 8));
    pair_abort(&pair);
}

/* -- ends -------------------------------------------------------------------------------------- */

ROOST_TEST(what_was_written_before_a_close_is_read_after_it)
{
    struct pair pair = pair_of(0, false);
    char buf[8] = {0};
    if (!pair.a)
        return;
    CHECK_EQ(0, roost_write_all(pair.a, "abc", 3));
    CHECK_EQ(0, roost_stream_close(pair.a));
    CHECK_EQ(3, roost_read(pair.b, buf, 8));
    CHECK_EQ(0, roost_read(pair.b, buf, 8));
    CHECK_EQ(0, roost_read(pair.b, buf, 8));
    CHECK_EQ(-EPIPE, roost_write_all(pair.b, "d", 1));
    CHECK_EQ(0, roost_stream_close(pair.b));
}

ROOST_TEST(an_abort_drops_what_was_under_way_and_resets_the_other_end)
{
    struct pair pair = pair_of(0, false);
    char buf[8] = {0};
    if (!pair.a)
        return;
    CHECK_EQ(0, roost_write_all(pair.a, "abc", 3));
    roost_stream_abort(pair.a);
    CHECK_EQ(-ECONNRESET, roost_read(pair.b, buf, 8));
    CHECK_EQ(-ECONNRESET, roost_write_all(pair.b, "d", 1));
    CHECK_EQ(-ECONNRESET, roost_try_read(pair.b, buf, 8));
    CHECK_EQ(0, roost_stream_close(pair.b));
}

ROOST_TEST(a_reader_woken_by_a_byte_and_then_closed_hears_of_the_close, .fifo = true)
{
    struct pair pair = pair_of(0, false);
    char buf[8] = {0};
    int64_t got = 1;
    int group_rc = 0;
    if (!pair.a)
        return;
    ROOST_GROUP(g, group_rc) {
        ROOST_GO(g, read_some, pair.b, buf, 8, &got);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_write_all(pair.a, "abc", 3)); /* makes the reader ready */
        CHECK_EQ(0, roost_stream_close(pair.b));        /* before it runs */
    }
    CHECK_EQ(ROOST_ECLOSED, got);
    CHECK_EQ(0, roost_stream_close(pair.a));
}

ROOST_TEST(a_reader_woken_by_a_byte_and_then_cancelled_gets_the_byte, .fifo = true)
{
    struct pair pair = pair_of(0, false);
    char buf[8] = {0};
    int64_t got = 1;
    int group_rc = 0;
    if (!pair.a)
        return;
    ROOST_GROUP(g, group_rc) {
        ROOST_GO(g, read_some, pair.b, buf, 8, &got);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_write_all(pair.a, "abc", 3));
        roost_group_cancel(g, NULL);
    }
    CHECK_EQ(3, got);
    pair_abort(&pair);
}
