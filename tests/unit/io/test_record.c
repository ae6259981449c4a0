/* tests/unit/io/test_record.c - records: how bytes arrive does not matter; limits; looking ahead.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/impl/stream_ops.h>

#include "base/rng.h"
#include "kit/kit.h"

/* A kind that hands out a text in pieces of given sizes. */
struct source {
    roost_stream base;
    const char *text;
    size_t len;
    size_t at;
    size_t most; /* of one read; 0: drawn anew each time */
    int failure; /* once, in place of the end */
    struct roosti_rng rng;
};

static int64_t source_read(roost_stream *stream, void *buf, size_t len, bool wait)
{
    struct source *source = (struct source *)stream;
    size_t n = source->len - source->at;
    size_t most = source->most ? source->most : 1 + (size_t)roosti_rng_below(&source->rng, 9);
    (void)wait;
    if (n == 0 && source->failure) {
        int failure = source->failure;
        source->failure = 0;
        return failure;
    }
    n = n < most ? n : most;
    n = n < len ? n : len;
    memcpy(buf, source->text + source->at, n);
    source->at += n;
    return (int64_t)n;
}

static int source_close(roost_stream *stream, bool in_order)
{
    (void)stream;
    (void)in_order;
    return 0;
}

static const struct roost_impl_stream_ops source_ops = {
    .kind = "source", .size = sizeof(struct source), .read = source_read, .close = source_close};

static roost_stream *source_of(const char *text, size_t len, size_t most)
{
    roost_stream *stream = NULL;
    CHECK_OK(roost_impl_stream_new(&source_ops, &stream));
    if (stream) {
        struct source *source = (struct source *)stream;
        source->text = text;
        source->len = len;
        source->most = most;
        source->rng = roosti_rng_split(roost_test_seed(), "source");
    }
    return stream;
}

static roost_stream *text_of(const char *text, size_t most)
{
    return source_of(text, strlen(text), most);
}

static size_t buffered(const roost_stream *stream)
{
    roost_stream_stats stats;
    roost_stream_stats_get(stream, &stats);
    return stats.buffered;
}

/* -- what a record is -------------------------------------------------------------------------- */

/* The rule, in as few words as possible: the record in text[at..len). 0: none within the limit. */
static size_t record_by_rule(const char *text, size_t len, const roost_until_opts *opts,
                             size_t *which)
{
    size_t limit = opts->limit < len ? opts->limit : len;
    for (size_t begin = 0; begin < limit; begin++) {
        size_t longest = 0;
        for (size_t i = 0; i < opts->separator_count; i++) {
            roost_bytes separator = opts->separators[i];
            if (separator.len > longest && begin + separator.len <= limit &&
                memcmp(text + begin, separator.data, separator.len) == 0) {
                longest = separator.len;
                *which = i;
            }
        }
        if (longest > 0)
            return begin + longest;
    }
    return 0;
}

/* Texts of few letters, so that separators overlap, begin and break off everywhere. */
static void records_try(uint64_t seed)
{
    struct roosti_rng rng = roosti_rng_split(seed, "records");
    char text[200], letters[3][4];
    roost_bytes separators[3], record;
    size_t len = (size_t)roosti_rng_below(&rng, sizeof text), which = 9, wanted_which = 0;
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + roosti_rng_below(&rng, 3));
    for (size_t i = 0; i < 3; i++) {
        separators[i] = (roost_bytes){letters[i], 1 + (size_t)roosti_rng_below(&rng, 4)};
        for (size_t k = 0; k < separators[i].len; k++)
            letters[i][k] = (char)('a' + roosti_rng_below(&rng, 3));
    }
    roost_until_opts opts = {.separators = separators,
                             .separator_count = 1 + (size_t)roosti_rng_below(&rng, 3),
                             .limit = 4 + (size_t)roosti_rng_below(&rng, 60),
                             .partial = roosti_rng_below(&rng, 2) == 1,
                             .which = &which};
    roost_stream *stream = source_of(text, len, (size_t)roosti_rng_below(&rng, 4));
    if (!stream)
        return;
    for (size_t at = 0;;) {
        size_t wanted = record_by_rule(text + at, len - at, &opts, &wanted_which);
        int rc = roost_read_until(stream, &opts, &record);
        if (wanted == 0 && len - at >= opts.limit) {
            char byte = 0;
            CHECK_EQ(-EMSGSIZE, rc);
            CHECK_EQ(1, roost_read(stream, &byte, 1)); /* nothing is lost */
            CHECK_EQ(text[at++], byte);
            continue;
        }
        if (wanted == 0 && (at == len || !opts.partial)) {
            CHECK_EQ(at == len ? 0 : ROOST_EEOF, rc);
            CHECK_EQ(len - at, buffered(stream));
            break;
        }
        CHECK_EQ(1, rc);
        CHECK_EQ(wanted ? wanted : len - at, record.len);
        CHECK_EQ(wanted ? wanted_which : opts.separator_count, which);
        CHECK(memcmp(text + at, record.data, record.len) == 0);
        at += record.len;
    }
    CHECK_EQ(0, roost_stream_close(stream));
}

ROOST_TEST(however_the_bytes_arrive_the_records_are_those_of_the_rule, .no_torture = true)
{
    for (uint64_t i = 0; i < 3000; i++)
        records_try(roost_test_seed() * 100000 + i);
}

ROOST_TEST(a_separator_far_away_is_found_among_ones_that_never_come)
{
    static char text[20000];
    static const roost_bytes separators[] = {{"\n\n", 2}, {"never", 5}, {"\n", 1}};
    roost_until_opts opts = {.separators = separators, .separator_count = 3};
    roost_bytes record;
    memset(text, 'x', sizeof text);
    text[319] = text[320] = '\n'; /* across two blocks of the search: 64 + 256 */
    text[19999] = '\n';
    roost_stream *stream = source_of(text, sizeof text, 4000);
    if (!stream)
        return;
    CHECK_EQ(1, roost_read_until(stream, &opts, &record));
    CHECK_EQ(321, record.len);
    CHECK_EQ(1, roost_read_until(stream, &opts, &record));
    CHECK_EQ(20000 - 321, record.len);
    CHECK_EQ(0, roost_read_until(stream, &opts, &record));
    roost_stream_abort(stream);
}

/* -- limits ------------------------------------------------------------------------------------ */

ROOST_TEST(a_record_may_be_as_long_as_the_limit_and_not_a_byte_longer)
{
    static char text[ROOST_RECORD_MAX + 1];
    roost_bytes record;
    memset(text, 'x', sizeof text);
    text[ROOST_RECORD_MAX - 1] = '\n';
    roost_stream *stream = source_of(text, sizeof text, 60000);
    if (!stream)
        return;
    CHECK_EQ(1, roost_read_until(stream, NULL, &record));
    CHECK_EQ(ROOST_RECORD_MAX, record.len);
    roost_stream_abort(stream);
    text[ROOST_RECORD_MAX - 1] = 'x';
    text[ROOST_RECORD_MAX] = '\n';
    stream = source_of(text, sizeof text, 60000);
    if (!stream)
        return;
    CHECK_EQ(-EMSGSIZE, roost_read_until(stream, NULL, &record));
    CHECK_EQ(-EMSGSIZE, roost_read_line(stream, &record));
    CHECK_EQ(ROOST_RECORD_MAX, buffered(stream));
    roost_stream_abort(stream);
}

ROOST_TEST(separators_that_cannot_end_a_record_are_refused)
{
    static const roost_bytes empty = {"", 0}, abc = {"abc", 3};
    roost_until_opts opts = {.separators = &empty, .separator_count = 1};
    roost_bytes record;
    roost_stream *stream = text_of("abcabc", 9);
    if (!stream)
        return;
    CHECK_EQ(ROOST_EINVAL, roost_read_until(stream, &opts, &record));
    opts.separators = &abc;
    opts.limit = 2;
    CHECK_EQ(ROOST_EINVAL, roost_read_until(stream, &opts, &record));
    opts.limit = 3;
    CHECK_EQ(1, roost_read_until(stream, &opts, &record));
    opts.separator_count = 0;
    CHECK_EQ(ROOST_EINVAL, roost_read_until(stream, &opts, &record));
    opts.separator_count = 1;
    opts.separators = NULL;
    CHECK_EQ(ROOST_EINVAL, roost_read_until(stream, &opts, &record));
    CHECK_EQ(ROOST_EINVAL, roost_peek(stream, ROOST_RECORD_MAX + 1, &record));
    roost_stream_abort(stream);
}

/* -- failures ---------------------------------------------------------------------------------- */

ROOST_TEST(a_failure_below_comes_through_and_what_has_come_stays)
{
    roost_bytes record;
    roost_stream *stream = text_of("one\ntw", 2);
    if (!stream)
        return;
    ((struct source *)stream)->failure = -ECONNRESET;
    CHECK_EQ(1, roost_read_line(stream, &record));
    CHECK_EQ(3, record.len);
    CHECK_EQ(-ECONNRESET, roost_read_line(stream, &record));
    CHECK_EQ(2, buffered(stream));
    CHECK_EQ(1, roost_read_line(stream, &record)); /* the next try met the end */
    CHECK_EQ(2, record.len);
    roost_stream_abort(stream);
}

ROOST_ASYNC(read_a_line, roost_stream *, stream, roost_bytes *, line)
{
    return roost_read_line(stream, line);
}

ROOST_TEST(a_cancelled_record_stays_in_the_buffer)
{
    roost_stream *a, *b;
    roost_bytes line = {"", 0};
    char buf[8] = {0};
    if (roost_memory_pair(NULL, &a, &b) < 0)
        return;
    CHECK_EQ(0, roost_write_all(a, "half", 4));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), read_a_line(b, &line)));
    CHECK_EQ(4, buffered(b));
    CHECK_EQ(3, roost_try_read(b, buf, 3));
    CHECK_EQ(0, roost_write_all(a, "!\n", 2));
    CHECK_EQ(1, ROOST_WITHIN(ROOST_MS(1), read_a_line(b, &line)));
    CHECK(line.len == 2 && memcmp(line.data, "f!", 2) == 0);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

/* -- lines ------------------------------------------------------------------------------------- */

static void lines_are(const char *text, size_t most, int count, const char *const *wanted)
{
    roost_bytes line;
    roost_stream *stream = text_of(text, most);
    if (!stream)
        return;
    for (int i = 0; i < count; i++) {
        CHECK_EQ(1, roost_read_line(stream, &line));
        CHECK_EQ(strlen(wanted[i]), line.len);
        CHECK(memcmp(wanted[i], line.data, line.len) == 0);
    }
    CHECK_EQ(0, roost_read_line(stream, &line));
    roost_stream_abort(stream);
}

ROOST_TEST(lines_lose_their_ends_and_nothing_else)
{
    static const char *const wanted[] = {"", "", "a\rb", "c\r", "d\r"};
    for (size_t most = 1; most < 20; most++)
        lines_are("\n\r\na\rb\nc\r\r\nd\r", most, 5, wanted);
}

/* -- looking ahead ----------------------------------------------------------------------------- */

ROOST_TEST(what_was_put_back_is_read_next_however_much_it_is)
{
    static char much[50000];
    roost_bytes bytes = {much, sizeof much};
    char buf[16] = {0};
    roost_stream *stream = text_of("world", 9);
    if (!stream)
        return;
    memset(much, 'm', sizeof much);
    CHECK_EQ(0, roost_unread(stream, "hello ", 6));
    CHECK_EQ(0, roost_unread(stream, NULL, 0));
    CHECK_EQ(6, roost_try_read(stream, buf, sizeof buf));
    CHECK_EQ(0, roost_read_exact(stream, buf + 6, 5, NULL));
    CHECK_STR("hello world", buf);
    CHECK_EQ(0, roost_unread(stream, "tail", 4));
    CHECK_EQ(0, roost_unread(stream, much, sizeof much));
    CHECK_EQ(sizeof much + 4, buffered(stream));
    CHECK_EQ(sizeof much + 4, roost_peek(stream, 0, &bytes));
    CHECK(memcmp(bytes.data + bytes.len - 4, "tail", 4) == 0);
    roost_stream_abort(stream);
}

ROOST_TEST(looking_for_nothing_does_not_wait)
{
    roost_stream *a, *b;
    roost_bytes bytes = {NULL, 1};
    if (roost_memory_pair(NULL, &a, &b) < 0)
        return;
    CHECK_EQ(0, roost_peek(b, 0, &bytes));
    CHECK_EQ(0, bytes.len);
    roost_stream_abort(a);
    roost_stream_abort(b);
}

ROOST_TEST(records_need_a_task, .plain = true)
{
    roost_stream *stream = source_of("x", 1, 1);
    roost_bytes bytes;
    if (!stream)
        return;
    CHECK_EQ(ROOST_ENOCTX, roost_read_line(stream, &bytes));
    CHECK_EQ(ROOST_ENOCTX, roost_read_until(stream, NULL, &bytes));
    CHECK_EQ(ROOST_ENOCTX, roost_peek(stream, 1, &bytes));
    CHECK_EQ(ROOST_ENOCTX, roost_unread(stream, "x", 1));
    roost_stream_abort(stream);
}
