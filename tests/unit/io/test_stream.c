/* tests/unit/io/test_stream.c - what is the same for every stream: turns, states, lives, misuse.
 *
 * Registered per ROOST_TEST_BACKENDS: a simulated run has one loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/impl/stream_ops.h>

#include "kit/kit.h"

/* A kind that does what the test says, and counts how often it is asked. */
struct puppet {
    roost_stream base;
    int64_t read_gives;
    int64_t write_gives; /* 0: all */
    int end_gives;
    int close_gives;
    roost_event *gate; /* close waits for it; NULL: it does not */
    int reads;
    int writes;
    int ends;
    int *closes;
    bool *in_order;
};

static int64_t puppet_read(roost_stream *stream, void *buf, size_t len, bool wait)
{
    struct puppet *puppet = (struct puppet *)stream;
    puppet->reads++;
    (void)wait;
    if (puppet->read_gives > 0)
        memset(buf, 'r', len < (size_t)puppet->read_gives ? len : (size_t)puppet->read_gives);
    return puppet->read_gives > (int64_t)len ? (int64_t)len : puppet->read_gives;
}

static int64_t puppet_write(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    struct puppet *puppet = (struct puppet *)stream;
    int64_t total = 0;
    puppet->writes++;
    CHECK(pieces[0].len > 0);
    for (size_t i = 0; i < count; i++)
        total += (int64_t)pieces[i].len;
    return puppet->write_gives == 0 || puppet->write_gives > total ? total : puppet->write_gives;
}

static int puppet_end(roost_stream *stream)
{
    struct puppet *puppet = (struct puppet *)stream;
    puppet->ends++;
    return puppet->end_gives;
}

static int puppet_close(roost_stream *stream, bool in_order)
{
    struct puppet *puppet = (struct puppet *)stream;
    ++*puppet->closes;
    *puppet->in_order = in_order;
    int rc = puppet->gate ? roost_event_wait(puppet->gate) : 0;
    return rc < 0 ? rc : puppet->close_gives;
}

static const struct roost_impl_stream_ops puppet_ops = {.kind = "puppet",
                                                        .size = sizeof(struct puppet),
                                                        .read = puppet_read,
                                                        .write = puppet_write,
                                                        .write_end = puppet_end,
                                                        .close = puppet_close};

static int closes;
static bool in_order;

static struct puppet *puppet_of(void)
{
    roost_stream *stream = NULL;
    CHECK_OK(roost_impl_stream_new(&puppet_ops, &stream));
    struct puppet *puppet = (struct puppet *)stream;
    if (puppet) {
        puppet->closes = &closes;
        puppet->in_order = &in_order;
    }
    return puppet;
}

/* -- reading ----------------------------------------------------------------------------------- */

ROOST_TEST(the_end_is_asked_for_once)
{
    struct puppet *puppet = puppet_of();
    char buf[4];
    if (!puppet)
        return;
    CHECK_EQ(0, roost_read(&puppet->base, buf, 4));
    CHECK_EQ(0, roost_read(&puppet->base, buf, 4));
    CHECK_EQ(0, roost_try_read(&puppet->base, buf, 4));
    CHECK_EQ(ROOST_EEOF, roost_read_exact(&puppet->base, buf, 4, NULL));
    CHECK_EQ(1, puppet->reads);
    roost_stream_abort(&puppet->base);
    CHECK_EQ(1, closes);
    CHECK(!in_order);
}

ROOST_TEST(a_refused_read_asks_for_nothing)
{
    struct puppet *puppet = puppet_of();
    char buf[4];
    size_t got = 9;
    if (!puppet)
        return;
    puppet->read_gives = 4;
    roost_scope scope;
    roost_scope_begin(&scope, ROOST_FOREVER, ROOST_SCOPE_MOVE_ON, NULL);
    roost_scope_cancel(&scope, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_read(&puppet->base, buf, 4));
    CHECK_EQ(ROOST_ECANCELED, roost_read_exact(&puppet->base, buf, 4, &got));
    CHECK_EQ(0, got);
    CHECK_EQ(4, roost_try_read(&puppet->base, buf, 4)); /* never waits, and is never refused */
    CHECK_EQ(ROOST_ECANCELED, roost_write_all(&puppet->base, buf, 4));
    CHECK_EQ(0, puppet->writes);
    CHECK_EQ(0, roost_write_end(&puppet->base)); /* ended all the same */
    CHECK_EQ(1, puppet->ends);
    roost_ignore(roost_scope_end(&scope, ROOST_ECANCELED));
    CHECK_EQ(1, puppet->reads);
    CHECK_EQ(0, roost_stream_close(&puppet->base));
    CHECK(in_order);
}

/* -- writing ----------------------------------------------------------------------------------- */

ROOST_TEST(a_write_goes_on_until_all_is_out)
{
    struct puppet *puppet = puppet_of();
    roost_bytes pieces[] = {{"", 0}, {"abc", 3}, {"", 0}, {"defgh", 5}, {"i", 1}};
    roost_stream_stats stats;
    if (!puppet)
        return;
    puppet->write_gives = 2;
    CHECK_EQ(0, roost_write_all(&puppet->base, "abcde", 5));
    CHECK_EQ(3, puppet->writes);
    CHECK_EQ(2, roost_write(&puppet->base, "abcde", 5));
    CHECK_EQ(0, roost_writev_all(&puppet->base, pieces, 5));
    roost_stream_stats_get(&puppet->base, &stats);
    CHECK_EQ(16, stats.written);
    CHECK_EQ(0, stats.unsent);
    puppet->write_gives = 0;
    puppet->writes = 0;
    CHECK_EQ(0, roost_writev_all(&puppet->base, pieces, 5));
    CHECK_EQ(1, puppet->writes);
    roost_stream_abort(&puppet->base);
}

ROOST_TEST(a_write_that_fails_before_its_first_byte_breaks_nothing)
{
    struct puppet *puppet = puppet_of();
    if (!puppet)
        return;
    puppet->write_gives = -ENOBUFS;
    CHECK_EQ(-ENOBUFS, roost_write_all(&puppet->base, "abcde", 5));
    CHECK_EQ(-ENOBUFS, roost_write(&puppet->base, "abcde", 5));
    puppet->write_gives = 0;
    CHECK_EQ(0, roost_write_all(&puppet->base, "abcde", 5));
    roost_stream_abort(&puppet->base);
}

ROOST_ASYNC(write_five, roost_stream *, stream, int *, rc)
{
    *rc = roost_write_all(stream, "abcde", 5);
    return 0;
}

ROOST_ASYNC(end_it, roost_stream *, stream, int *, rc)
{
    *rc = roost_write_end(stream);
    return 0;
}

ROOST_TEST(the_end_comes_after_the_writers_before_it_and_refuses_those_behind, .fifo = true,
           .stalls = true)
{
    roost_stream *a, *b;
    roost_memory_opts opts = {.capacity = 2};
    int before = 1, end = 1, after = 1, rc = 0;
    char buf[8];
    if (roost_memory_pair(&opts, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_five, a, &before);
        ROOST_GO(g, end_it, a, &end);
        ROOST_GO(g, write_five, a, &after);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(0, roost_read_exact(b, buf, 5, NULL));
        CHECK_EQ(0, roost_read(b, buf, 1));
    }
    CHECK_EQ(0, before);
    CHECK_EQ(0, end);
    CHECK_EQ(ROOST_ECLOSED, after);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

ROOST_TEST(the_end_is_not_reached_when_it_is_cancelled_behind_a_writer, .fifo = true,
           .stalls = true)
{
    roost_stream *a, *b;
    roost_memory_opts opts = {.capacity = 2};
    int before = 1, rc = 0;
    char buf[8];
    if (roost_memory_pair(&opts, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_five, a, &before);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_write_end(a)));
        CHECK_EQ(0, roost_read_exact(b, buf, 5, NULL));
    }
    CHECK_EQ(0, before);
    CHECK_EQ(1, roost_write(a, "x", 1));
    roost_stream_abort(a);
    roost_stream_abort(b);
}

ROOST_TEST(a_turn_handed_to_a_writer_that_is_cancelled_goes_to_the_next, .fifo = true,
           .stalls = true)
{
    roost_stream *a, *b;
    roost_memory_opts opts = {.capacity = 2};
    roost_task *second = NULL;
    int first = 1, cancelled = 1, third = 1, rc = 0;
    char buf[16];
    if (roost_memory_pair(&opts, &a, &b) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_five, a, &first);
        rc = ROOST_SPAWN(&second, g, write_five, a, &cancelled);
        ROOST_GO(g, write_five, a, &third);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(2, roost_try_read(b, buf, 2));
        CHECK_OK(roost_test_settle());
        CHECK_EQ(2, roost_try_read(b, buf, 2)); /* the writer will put its last byte */
        if (rc == 0)
            roost_task_cancel(second, NULL);
        CHECK_EQ(0, roost_read_exact(b, buf, 6, NULL));
    }
    CHECK_EQ(0, first);
    CHECK_EQ(ROOST_ECANCELED, cancelled);
    CHECK_EQ(0, third);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

/* -- closing ----------------------------------------------------------------------------------- */

ROOST_ASYNC(close_puppet, struct puppet *, puppet, int *, rc)
{
    *rc = roost_stream_close(&puppet->base);
    return 0;
}

ROOST_TEST(while_a_stream_says_good_bye_it_answers_that_it_is_closed, .stalls = true)
{
    struct puppet *puppet = puppet_of();
    roost_event gate;
    int rc = 0, closed = 1, number;
    char buf[4];
    roost_bytes bytes;
    if (!puppet)
        return;
    roost_event_init(&gate);
    puppet->gate = &gate;
    puppet->close_gives = -EIO;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, close_puppet, puppet, &closed);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(ROOST_ECLOSED, roost_read(&puppet->base, buf, 4));
        CHECK_EQ(ROOST_ECLOSED, roost_try_read(&puppet->base, buf, 4));
        CHECK_EQ(ROOST_ECLOSED, roost_read_line(&puppet->base, &bytes));
        CHECK_EQ(ROOST_ECLOSED, roost_unread(&puppet->base, "x", 1));
        CHECK_EQ(ROOST_ECLOSED, roost_write(&puppet->base, buf, 4));
        CHECK_EQ(ROOST_ECLOSED, roost_write_end(&puppet->base));
        CHECK_EQ(ROOST_ECLOSED,
                 roost_stream_attr(&puppet->base, ROOST_ATTR_FD, &number, sizeof number));
        CHECK_EQ(ROOST_ECLOSED, roost_stream_close(&puppet->base)); /* and is reported */
        roost_event_set(&gate);
    }
    CHECK_EQ(-EIO, closed);
    if (closed == 1) /* under torture nobody came to it */
        roost_stream_abort(&puppet->base);
}

ROOST_TEST(no_stream_is_closed_without_complaint)
{
    CHECK_EQ(0, roost_stream_close(NULL));
    roost_stream_abort(NULL);
}

ROOST_TEST(a_stream_without_halves_says_so)
{
    struct roost_impl_stream_ops ops = puppet_ops;
    roost_stream *stream;
    int number;
    ops.write_end = NULL;
    if (roost_impl_stream_new(&ops, &stream) < 0)
        return;
    CHECK_EQ(ROOST_ENOTSUP, roost_write_end(stream));
    CHECK_EQ(ROOST_ENOTSUP, roost_stream_attr(stream, ROOST_ATTR_FD, &number, sizeof number));
    CHECK_EQ(5, roost_write(stream, "abcde", 5)); /* the direction is open */
    roost_impl_stream_drop(stream);
}

/* -- facts ------------------------------------------------------------------------------------- */

ROOST_TEST(a_text_must_fit_with_its_zero)
{
    char text[4] = "???";
    CHECK_EQ(-ENAMETOOLONG, roost_impl_attr_text("abcd", text, sizeof text));
    CHECK_STR("???", text);
    CHECK_EQ(3, roost_impl_attr_text("abc", text, sizeof text));
    CHECK_STR("abc", text);
    CHECK_EQ(-ENAMETOOLONG, roost_impl_attr_text("", text, 0));
}

/* -- where a stream may be used ---------------------------------------------------------------- */

ROOST_TEST(bytes_move_in_tasks_only, .plain = true)
{
    struct puppet *puppet = puppet_of();
    char buf[4];
    size_t got = 9;
    if (!puppet)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_read(&puppet->base, buf, 4));
    CHECK_EQ(ROOST_ENOCTX, roost_try_read(&puppet->base, buf, 4));
    CHECK_EQ(ROOST_ENOCTX, roost_read_exact(&puppet->base, buf, 4, &got));
    CHECK_EQ(0, got);
    CHECK_EQ(ROOST_ENOCTX, roost_write(&puppet->base, buf, 4));
    CHECK_EQ(ROOST_ENOCTX, roost_write_all(&puppet->base, buf, 4));
    CHECK_EQ(ROOST_ENOCTX, roost_writev_all(&puppet->base, NULL, 0));
    CHECK_EQ(ROOST_ENOCTX, roost_write_end(&puppet->base));
    CHECK_EQ(0, roost_stream_close(&puppet->base)); /* letting go is possible anywhere */
}

ROOST_ASYNC(use_elsewhere, roost_stream *, stream)
{
    char buf[4];
    CHECK_EQ(ROOST_EXLOOP, roost_read(stream, buf, 4));
    CHECK_EQ(ROOST_EXLOOP, roost_try_read(stream, buf, 4));
    CHECK_EQ(ROOST_EXLOOP, roost_read_exact(stream, buf, 4, NULL));
    CHECK_EQ(ROOST_EXLOOP, roost_unread(stream, buf, 4));
    CHECK_EQ(ROOST_EXLOOP, roost_write(stream, buf, 4));
    CHECK_EQ(ROOST_EXLOOP, roost_write_all(stream, buf, 4));
    CHECK_EQ(ROOST_EXLOOP, roost_write_end(stream));
    CHECK_EQ(ROOST_EXLOOP, roost_stream_close(stream)); /* not touched, but reported */
    return 0;
}

ROOST_TEST(a_stream_belongs_to_the_loop_it_was_made_on, .loops = 2)
{
    struct puppet *puppet = puppet_of();
    int result = 0;
    if (!puppet)
        return;
    int other = (roost_loop_index() + 1) % roost_loop_count();
    if (other == roost_loop_index()) {
        roost_stream_abort(&puppet->base);
        return;
    }
    CHECK_OK(roost_on_loop(other, ROOST_CALL(use_elsewhere, &puppet->base), &result));
    CHECK_EQ(0, closes);
    CHECK_EQ(0, roost_stream_close(&puppet->base));
    CHECK_EQ(1, closes);
}
