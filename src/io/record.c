/* io/record.c - records of a stream, and looking ahead.
 *
 * The bytes that were read ahead lie in one block, [from, to), and a record is lent as a piece of
 * it. So the block must not move while a record is lent: it is compacted or made larger only when
 * more is to be read into it, which is the business of the next call that reads.
 *
 * Where a record ends may depend on bytes that are still to come: of "\r" and "\r\n" the longer one
 * counts, and "ab" may be the middle of "xabc". So a match is final when no other separator that
 * would be preferred could begin in what is there and go on behind its end, or when what is there
 * is all there is: the end of the stream, or the limit. The bytes behind the limit do not count
 * even if they are there, for then what is found would depend on how much had arrived.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/record.h>

#include "base/mem.h"
#include "io/stream.h"

enum {
    BUFFER_MIN = 16384, /* bytes of a buffer at first */
    SEARCH_BLOCK = 64   /* searched for all separators at first; then four times that, ... */
};

static const roost_bytes newline = {"\n", 1};

static size_t buffered(const roost_stream *stream)
{
    return stream->buf_to - stream->buf_from;
}

/* -- the buffer -------------------------------------------------------------------------------- */

/* Moves what is there to offset `at` of a block of `size` bytes. */
static int buffer_move(roost_stream *stream, size_t size, size_t at)
{
    size_t len = buffered(stream);
    char *block = roosti_alloc(size, "a buffer of records");
    if (!block)
        return ROOST_ENOMEM;
    if (len > 0)
        memcpy(block + at, stream->buf + stream->buf_from, len);
    roosti_free(stream->buf);
    stream->buf = block;
    stream->buf_size = size;
    stream->buf_from = at;
    stream->buf_to = at + len;
    return 0;
}

/* Makes room behind what is there, in a buffer that need not hold more than `most`. */
static int buffer_make_room(roost_stream *stream, size_t most)
{
    size_t len = buffered(stream);
    if (len == 0)
        stream->buf_from = stream->buf_to = 0;
    /* At least half of it is free: moving the rest to its front costs no more than filling it. */
    if (len > stream->buf_size / 2 || stream->buf_size == 0) {
        size_t size = stream->buf_size ? stream->buf_size : BUFFER_MIN / 2;
        if (most < BUFFER_MIN)
            most = BUFFER_MIN;
        if (size < most && stream->buf_to == stream->buf_size)
            return buffer_move(stream, size < most / 2 ? size * 2 : most, 0);
    }
    if (stream->buf_from > 0 && stream->buf_to == stream->buf_size) {
        memmove(stream->buf, stream->buf + stream->buf_from, len);
        stream->buf_from = 0;
        stream->buf_to = len;
    }
    return 0;
}

/* Reads more into the buffer: 1, 0 at the end of the stream, or a code. */
static int buffer_fill(roost_stream *stream, size_t most)
{
    int rc = roosti_stream_reader_begin(stream);
    if (rc < 0 || stream->read_ended)
        return rc;
    rc = buffer_make_room(stream, most);
    if (rc < 0)
        return rc;
    size_t room = stream->buf_size - stream->buf_to;
    roosti_assert(room > 0);
    int64_t n = roosti_stream_pull(stream, stream->buf + stream->buf_to, room, true);
    if (n <= 0)
        return (int)n;
    stream->buf_to += (size_t)n;
    return 1;
}

/* -- searching --------------------------------------------------------------------------------- */

/* Where a separator begins first, in [from, end) and wholly before len; len: nowhere. */
static size_t find(const char *data, size_t len, size_t from, size_t end, roost_bytes separator)
{
    size_t last = separator.len - 1; /* most separators are told best by their last byte: \r\n */
    if (len <= last)
        return len;
    if (end > len - last)
        end = len - last;
    while (from < end) {
        const char *hit = memchr(data + from + last, separator.data[last], end - from);
        if (!hit)
            return len;
        size_t at = (size_t)(hit - data) - last;
        if (last == 0 || memcmp(data + at, separator.data, last) == 0)
            return at;
        from = at + 1;
    }
    return len;
}

/* Where a separator may begin that goes on behind len; len: nowhere. */
static size_t find_cut(const char *data, size_t len, size_t from, roost_bytes separator)
{
    size_t at = len >= separator.len ? len - separator.len + 1 : 0;
    for (at = at < from ? from : at; at < len; at++) {
        if (memcmp(data + at, separator.data, len - at) == 0)
            return at;
    }
    return len;
}

struct search {
    const roost_bytes *separators;
    size_t count;
    size_t from;  /* no separator begins before */
    size_t at;    /* where the one that was found begins */
    size_t which; /* its index */
};

/* As search_on, for any separators. */
static bool search_several(struct search *search, const char *data, size_t len, bool final)
{
    size_t block = SEARCH_BLOCK;
    while (search->from < len) {
        size_t end = len - search->from > block ? search->from + block : len;
        size_t at = len, cut = len;
        for (size_t i = 0; i < search->count; i++) {
            roost_bytes separator = search->separators[i];
            size_t hit = find(data, len, search->from, at < end ? at + 1 : end, separator);
            if (hit < at || (hit < len && separator.len > search->separators[search->which].len)) {
                at = hit;
                search->which = i;
            }
            if (!final && len - end < separator.len) {
                size_t begun = find_cut(data, len, search->from, separator);
                cut = begun < cut ? begun : cut;
            }
        }
        if (at < cut) {
            search->at = at;
            return true;
        }
        search->from = cut < end ? cut : end;
        if (cut < end)
            return false;
        block *= 4;
    }
    return false;
}

/* Looks through data. final: nothing more will come. True: found. */
static inline bool search_on(struct search *search, const char *data, size_t len, bool final)
{
    if (search->count > 1 || search->separators->len > 1)
        return search_several(search, data, len, final);
    const char *hit = memchr(data + search->from, *search->separators->data, len - search->from);
    search->from = hit ? search->from : len;
    search->at = hit ? (size_t)(hit - data) : len;
    return hit;
}

/* -- public ------------------------------------------------------------------------------------ */

static void record_lend(roost_stream *stream, size_t len, roost_bytes *record)
{
    *record = (roost_bytes){stream->buf + stream->buf_from, len};
    stream->buf_from += len;
}

/* Inside, as the reader: 1 and the record, its separator included. */
static int record_read(roost_stream *stream, struct search *search, size_t limit, bool partial,
                       roost_bytes *record)
{
    int rc = roosti_stream_reader_begin(stream);
    bool over = false;
    while (rc >= 0) {
        size_t len = buffered(stream);
        bool full = len >= limit;
        if (len > 0 &&
            search_on(search, stream->buf + stream->buf_from, full ? limit : len, full || over)) {
            record_lend(stream, search->at + search->separators[search->which].len, record);
            return 1;
        }
        if (full)
            return -EMSGSIZE;
        if (over && len > 0 && partial) {
            search->which = search->count;
            record_lend(stream, len, record);
            return 1;
        }
        if (over)
            return len > 0 ? ROOST_EEOF : 0;
        rc = buffer_fill(stream, limit);
        over = rc == 0;
    }
    return rc;
}

static bool opts_are_fine(const roost_until_opts *opts, size_t limit)
{
    if ((opts->separator_count == 0) != (opts->separators == NULL))
        return false;
    for (size_t i = 0; i < opts->separator_count; i++) {
        if (opts->separators[i].len == 0 || opts->separators[i].len > limit)
            return false;
    }
    return true;
}

int roost_read_until(roost_stream *stream, const roost_until_opts *opts, roost_bytes *record)
{
    static const roost_until_opts defaults;
    opts = opts ? opts : &defaults;
    size_t limit = opts->limit ? opts->limit : ROOST_RECORD_MAX;
    if (!opts_are_fine(opts, limit))
        return ROOST_EINVAL;
    struct search search = {.separators = opts->separator_count ? opts->separators : &newline,
                            .count = opts->separator_count ? opts->separator_count : 1};
    int rc = roosti_stream_reader_enter(stream);
    if (rc < 0)
        return rc;
    rc = record_read(stream, &search, limit, opts->partial, record);
    roosti_stream_reader_leave(stream);
    if (rc > 0 && opts->which)
        *opts->which = search.which;
    return rc;
}

int roost_read_line(roost_stream *stream, roost_bytes *line)
{
    struct search search = {.separators = &newline, .count = 1};
    int rc = roosti_stream_reader_enter(stream);
    if (rc < 0)
        return rc;
    rc = record_read(stream, &search, ROOST_RECORD_MAX, true, line);
    roosti_stream_reader_leave(stream);
    if (rc > 0 && search.which == 0) {
        line->len--;
        line->len -= line->len > 0 && line->data[line->len - 1] == '\r';
    }
    return rc;
}

int64_t roost_peek(roost_stream *stream, size_t least, roost_bytes *bytes)
{
    if (least > ROOST_RECORD_MAX)
        return ROOST_EINVAL;
    int rc = roosti_stream_reader_enter(stream);
    if (rc < 0)
        return rc;
    rc = roosti_stream_reader_begin(stream);
    bool more = true;
    while (rc == 0 && more && buffered(stream) < least) {
        rc = buffer_fill(stream, least);
        more = rc > 0;
        rc = more ? 0 : rc;
    }
    int64_t n = rc;
    if (rc == 0) {
        n = (int64_t)buffered(stream);
        *bytes = (roost_bytes){n > 0 ? stream->buf + stream->buf_from : "", (size_t)n};
    }
    roosti_stream_reader_leave(stream);
    return n;
}

int roost_unread(roost_stream *stream, const void *data, size_t len)
{
    int rc = roosti_stream_reader_enter(stream);
    if (rc < 0)
        return rc;
    if (stream->buf_from < len) {
        size_t size, there = buffered(stream);
        if (there == 0 && stream->buf_size >= len)
            stream->buf_from = stream->buf_to = len;
        else if (__builtin_add_overflow(len, there, &size))
            rc = ROOST_ENOMEM;
        else
            rc = buffer_move(stream, size < BUFFER_MIN ? BUFFER_MIN : size, len);
    }
    if (rc == 0 && len > 0) {
        stream->buf_from -= len;
        memcpy(stream->buf + stream->buf_from, data, len);
    }
    roosti_stream_reader_leave(stream);
    return rc;
}
