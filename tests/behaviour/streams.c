/* tests/behaviour/streams.c - behaviours B19, B81, B82, B84, B85 and B92: streams of any kind.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/impl/stream_ops.h>
#include <roost/testing_stream.h>

#include "kit/behaviour.h"
#include "kit/world.h"

/* -- B92: every kind keeps the contract -------------------------------------------------------- */

static int make_memory(void *arg, roost_stream **a, roost_stream **b)
{
    return roost_memory_pair(arg, a, b);
}

static int make_pipe(void *arg, roost_stream **a, roost_stream **b)
{
    (void)arg;
    return roost_pipe_open(b, a);
}

BEHAVIOUR(92, memory_keeps_the_contract)
{
    roost_check_stream(make_memory, NULL, 0);
}

BEHAVIOUR(92, memory_of_seven_bytes_keeps_the_contract)
{
    roost_memory_opts opts = {.capacity = 7};
    roost_check_stream(make_memory, &opts, 0);
}

BEHAVIOUR(92, memory_in_lockstep_keeps_the_contract)
{
    roost_memory_opts opts = {.lockstep = true};
    roost_check_stream(make_memory, &opts, ROOST_CHECK_LOCKSTEP);
}

BEHAVIOUR(92, a_pipe_keeps_the_contract)
{
    roost_check_stream(make_pipe, NULL, ROOST_CHECK_ONE_WAY);
}

/* -- B81, B82: closing under a wait; who may do what at once ----------------------------------- */

/* The stream stands in a place of the case, which is empty when it has been closed. */
ROOST_ASYNC(read_into, roost_stream **, stream, char *, buf, size_t, len, int64_t *, got)
{
    if (*stream)
        *got = roost_read(*stream, buf, len);
    return 0;
}

ROOST_ASYNC(write_block, roost_stream **, stream, char, letter, int, count, int *, result)
{
    char block[64];
    memset(block, letter, sizeof block);
    *result = 1;
    if (*stream)
        *result = roost_write_all(*stream, block, (size_t)count);
    return 0;
}

/* The place is empty before anybody else runs. */
static int close_at(roost_stream **place)
{
    roost_stream *stream = *place;
    *place = NULL;
    return roost_stream_close(stream);
}

static void reader_is_woken(roost_stream *reads, roost_stream *other)
{
    char buf[4];
    int64_t got = 1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_into, &reads, buf, sizeof buf, &got);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, got);
        CHECK_EQ(0, close_at(&reads));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECLOSED, got);
    roost_stream_abort(other);
}

BEHAVIOUR(81, closing_a_memory_stream_wakes_its_reader)
{
    roost_stream *a, *b;
    if (roost_memory_pair(NULL, &a, &b) == 0)
        reader_is_woken(a, b);
}

BEHAVIOUR(81, closing_a_pipe_wakes_its_reader)
{
    roost_stream *in, *out;
    if (roost_pipe_open(&in, &out) == 0)
        reader_is_woken(in, out);
}

BEHAVIOUR(81, closing_a_stream_wakes_its_writers, .stalls = true)
{
    roost_stream *a, *b;
    roost_memory_opts opts = {.capacity = 8};
    int results[3] = {1, 1, 1};
    int rc = 0;
    if (roost_memory_pair(&opts, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++)
            ROOST_GO(g, write_block, &a, 'x', 64, &results[i]);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, close_at(&a));
    }
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ROOST_ECLOSED, results[i]);
    CHECK_EQ(0, roost_stream_close(b));
}

BEHAVIOUR(82, one_task_reads_and_another_writes_and_a_second_reader_is_refused, .stalls = true)
{
    roost_stream *a, *b;
    char buf[4], own[4];
    int64_t got = 0;
    int written = 1, rc = 0;
    if (roost_memory_pair(NULL, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_into, &a, buf, sizeof buf, &got);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(ROOST_EBUSY, roost_read(a, own, sizeof own));
        ROOST_GO(g, write_block, &a, 'y', 2, &written); /* the other way */
        CHECK_EQ(2, roost_read(b, own, sizeof own));
        CHECK_EQ(0, roost_write_all(b, "xx", 2));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, got);
    CHECK_EQ(0, written);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

/* -- B84: records ------------------------------------------------------------------------------ */

static const roost_bytes crlf_or_semicolon[] = {{"\r\n", 2}, {";", 1}, {"\r\n\r\n", 4}};

static void record_is(roost_stream *stream, const roost_until_opts *opts, const char *wanted)
{
    roost_bytes record = {"", 0};
    CHECK_EQ(1, roost_read_until(stream, opts, &record));
    CHECK(record.len == strlen(wanted) && memcmp(wanted, record.data, record.len) == 0);
}

/* Lets the reader look after each byte. */
ROOST_ASYNC(write_by_bytes, roost_stream *, stream, const char *, text)
{
    int rc = 0;
    for (; *text && rc == 0; text++) {
        rc = roost_write_all(stream, text, 1);
        if (rc == 0)
            rc = roost_yield();
    }
    roost_ignore(roost_write_end(stream));
    return rc;
}

BEHAVIOUR(84, a_separator_may_arrive_in_halves, .stalls = true)
{
    roost_stream *a, *b;
    size_t which = 9;
    roost_until_opts opts = {
        .separators = crlf_or_semicolon, .separator_count = 3, .partial = true, .which = &which};
    roost_bytes none;
    int rc = 0;
    if (roost_memory_pair(NULL, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_by_bytes, a, "a\r\nb;\r\n\r\n;c\rd\r\n\r");
        record_is(b, &opts, "a\r\n");
        CHECK_EQ(0, which);
        record_is(b, &opts, "b;");
        CHECK_EQ(1, which);
        record_is(b, &opts, "\r\n\r\n"); /* the longest of those that begin there */
        CHECK_EQ(2, which);
        record_is(b, &opts, ";");
        record_is(b, &opts, "c\rd\r\n");
        CHECK_EQ(0, which);
        record_is(b, &opts, "\r");
        CHECK_EQ(3, which);
        CHECK_EQ(0, roost_read_until(b, &opts, &none));
    }
    roost_stream_abort(a);
    roost_stream_abort(b);
}

BEHAVIOUR(84, a_record_over_the_limit_stays_to_be_read, .stalls = true)
{
    roost_stream *a, *b;
    roost_until_opts tight = {.limit = 4}, wide = {.limit = 5};
    roost_bytes record;
    char buf[16] = {0};
    if (roost_memory_pair(NULL, &a, &b) < 0)
        return;
    CHECK_EQ(0, roost_write_all(a, "1234\n123\nrest", 13));
    CHECK_EQ(-EMSGSIZE, roost_read_until(b, &tight, &record));
    CHECK_EQ(-EMSGSIZE, roost_read_until(b, &tight, &record));
    record_is(b, &wide, "1234\n");
    record_is(b, &tight, "123\n");
    CHECK_EQ(-EMSGSIZE, roost_read_until(b, &tight, &record));
    CHECK_EQ(4, roost_read(b, buf, sizeof buf));
    CHECK_STR("rest", buf);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

BEHAVIOUR(84, the_end_of_the_stream_gives_the_last_record_to_who_asks_for_it, .stalls = true)
{
    roost_stream *a, *b;
    roost_until_opts partial = {.partial = true};
    roost_bytes record;
    if (roost_memory_pair(NULL, &a, &b) < 0)
        return;
    CHECK_EQ(0, roost_write_all(a, "one\ntwo", 7));
    CHECK_EQ(0, roost_stream_close(a));
    record_is(b, NULL, "one\n");
    CHECK_EQ(ROOST_EEOF, roost_read_until(b, NULL, &record));
    record_is(b, &partial, "two");
    CHECK_EQ(0, roost_read_until(b, NULL, &record));
    CHECK_EQ(0, roost_stream_close(b));
}

/* -- B85: writers take turns ------------------------------------------------------------------- */

BEHAVIOUR(85, writers_go_in_the_order_they_came_each_with_all_its_bytes, .fifo = true,
          .stalls = true)
{
    roost_stream *a, *b;
    roost_memory_opts opts = {.capacity = 5};
    char buf[4 * 64];
    int results[4];
    int rc = 0;
    if (roost_memory_pair(&opts, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, write_block, &a, (char)('a' + i), 64, &results[i]);
        CHECK_EQ(0, roost_read_exact(b, buf, sizeof buf, NULL));
        for (size_t i = 0; i < sizeof buf; i++)
            CHECK_EQ('a' + (int)i / 64, buf[i]);
    }
    for (int i = 0; i < 4; i++)
        CHECK_EQ(0, results[i]);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

BEHAVIOUR(85, a_writer_that_is_cancelled_in_the_queue_leaves_the_others_in_order, .fifo = true,
          .stalls = true)
{
    roost_stream *a, *b;
    roost_memory_opts opts = {.capacity = 5};
    roost_task *second = NULL;
    char buf[2 * 64];
    int results[3] = {1, 1, 1};
    int rc = 0;
    if (roost_memory_pair(&opts, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_block, &a, 'a', 64, &results[0]);
        int spawned = ROOST_SPAWN(&second, g, write_block, &a, 'b', 64, &results[1]);
        ROOST_GO(g, write_block, &a, 'c', 64, &results[2]);
        CHECK_OK(roost_test_settle());
        if (spawned == 0)
            roost_task_cancel(second, NULL);
        CHECK_EQ(0, roost_read_exact(b, buf, sizeof buf, NULL));
        CHECK_EQ('a', buf[63]);
        CHECK_EQ('c', buf[64]);
    }
    CHECK_EQ(0, results[0]);
    CHECK_EQ(ROOST_ECANCELED, results[1]);
    CHECK_EQ(0, results[2]);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

/* -- B19: a close that is cut short releases everything ---------------------------------------- */

/* A kind that says good-bye over another stream when it is closed, and waits for that. */
struct polite {
    roost_stream base;
    roost_stream *below;
};

static int64_t polite_read(roost_stream *stream, void *buf, size_t len, bool wait)
{
    roost_stream *below = ((struct polite *)stream)->below;
    return wait ? roost_read(below, buf, len) : roost_try_read(below, buf, len);
}

static int polite_close(roost_stream *stream, bool in_order)
{
    roost_stream *below = ((struct polite *)stream)->below;
    int rc = in_order ? roost_sleep(ROOST_SEC(1)) : 0;
    if (rc < 0) {
        roost_stream_abort(below);
        return rc;
    }
    return roost_stream_close(below);
}

static int polite_attr(roost_stream *stream, enum roost_attr attr, void *value, size_t size)
{
    return roost_stream_attr(((struct polite *)stream)->below, attr, value, size);
}

static const struct roost_impl_stream_ops polite_ops = {.kind = "polite",
                                                        .size = sizeof(struct polite),
                                                        .read = polite_read,
                                                        .close = polite_close,
                                                        .attr = polite_attr};

/* Over a pipe; *other: its writing end. */
static roost_stream *polite_open(roost_stream **other)
{
    roost_stream *stream, *below;
    if (roost_pipe_open(&below, other) < 0)
        return NULL;
    if (roost_impl_stream_new(&polite_ops, &stream) < 0) {
        roost_stream_abort(below);
        roost_stream_abort(*other);
        return NULL;
    }
    ((struct polite *)stream)->below = below;
    return stream;
}

BEHAVIOUR(19, a_close_in_a_cancelled_scope_releases_the_descriptor_and_says_so)
{
    roost_stream *other;
    int before = kit_fds_open();
    roost_stream *stream = polite_open(&other);
    int fd = -1, rc = 0;
    if (!stream)
        return;
    CHECK_EQ(0, roost_stream_attr(stream, ROOST_ATTR_FD, &fd, sizeof fd));
    CHECK(fd >= 0);
    roost_scope scope;
    roost_scope_begin(&scope, ROOST_FOREVER, 0, NULL);
    roost_scope_cancel(&scope, NULL);
    rc = roost_stream_close(stream);
    CHECK_EQ(ROOST_ECANCELED, rc);
    roost_ignore(roost_scope_end(&scope, rc));
    CHECK_EQ(-EPIPE, roost_write(other, "x", 1)); /* its reading end is gone */
    roost_stream_abort(other);
    CHECK_ALWAYS(kit_fds_open() == before);
}

BEHAVIOUR(19, a_close_that_passes_its_deadline_releases_the_descriptor_and_says_so)
{
    roost_stream *other;
    int before = kit_fds_open();
    roost_stream *stream = polite_open(&other);
    if (!stream)
        return;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(2), roost_stream_close(stream)));
    roost_stream_abort(other);
    CHECK_ALWAYS(kit_fds_open() == before);
}

ROOST_ASYNC(close_it, roost_stream **, place, roost_stream **, closing, int *, result)
{
    *closing = *place;
    *result = close_at(place);
    return 0;
}

BEHAVIOUR(19, a_reader_that_leaves_a_stream_while_it_says_good_bye_leaves_it_whole)
{
    roost_stream *other;
    int before = kit_fds_open();
    roost_stream *stream = polite_open(&other), *closing = NULL;
    char byte;
    int64_t got = 7;
    int closed = 1, rc = 0;
    if (!stream)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, read_into, &stream, &byte, 1, &got);
        CHECK_OK(roost_test_settle());
        ROOST_GO(g, close_it, &stream, &closing, &closed);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(7, got); /* the stream is half closed, and its reader still waits */
        CHECK_EQ(0, roost_write_all(other, "x", 1));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(1, got);
        if (closing && closed == 1) /* it is at it still */
            CHECK_EQ(ROOST_ECLOSED, roost_read(closing, &byte, 1));
        CHECK(roost_test_tortured() || (closing && closed == 1));
        roost_group_cancel(g, NULL);
    }
    CHECK_EQ(ROOST_ECANCELED, closed);
    roost_stream_abort(other);
    roost_stream_abort(stream); /* under torture nobody may have got to close it */
    CHECK_ALWAYS(kit_fds_open() == before);
}
