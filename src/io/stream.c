/* io/stream.c - what is the same for every kind of stream.
 *
 * Who reads or writes stands in the stream until its call returns, and a stream that is closed is
 * freed by whoever leaves it last: the close itself, or a call that was inside. A writer that waits
 * for its turn does not stand in it; it has been taken out of the queue when it is woken, with the
 * turn, in which case it stands in `writer`, or with a code, and then it touches the stream no
 * more.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/stream.h"

#include "base/mem.h"
#include "rt/report.h"
#include "rt/waitq.h"

/* -- life -------------------------------------------------------------------------------------- */

int roost_impl_stream_new(const struct roost_impl_stream_ops *ops, roost_stream **stream)
{
    struct roosti_loop *loop = roosti_loop_here;
    roost_stream *made = roosti_alloc_zero(1, ops->size, "a stream");
    if (!made)
        return ROOST_ENOMEM;
    made->ops = ops;
    made->loop = loop ? loop->id : 0;
    *stream = made;
    return 0;
}

void roosti_stream_free(roost_stream *stream)
{
    roosti_free(stream->buf);
    roosti_free(stream);
}

void roost_impl_stream_drop(roost_stream *stream)
{
    roosti_stream_free(stream);
}

void roosti_stream_let_go(roost_stream *stream)
{
    if (!stream->closing && !stream->reader && !stream->writer)
        roosti_stream_free(stream);
}

/* Closing must not be refused by anything but a misuse, so it does not need a task. */
static int stream_end(roost_stream *stream, bool in_order, const char *function)
{
    if (!stream)
        return 0;
    struct roosti_loop *loop = roosti_loop_here;
    int rc = loop ? roosti_loop_owns(loop, &stream->loop) : 0;
    if (rc == 0 && stream->closed)
        rc = ROOST_ECLOSED;
    if (rc < 0) {
        if (loop && loop->debug >= 1)
            roosti_report("%s: %s", function,
                          rc == ROOST_ECLOSED ? "the stream is being closed already"
                                              : "the stream belongs to another loop");
        return rc;
    }
    stream->closed = stream->closing = true;
    while (roosti_waitq_wake(&stream->writers, ROOST_ECLOSED))
        continue;
    rc = stream->ops->close(stream, in_order);
    stream->closing = false;
    roosti_stream_let_go(stream);
    return rc;
}

int roost_stream_close(roost_stream *stream)
{
    return stream_end(stream, true, "roost_stream_close");
}

void roost_stream_abort(roost_stream *stream)
{
    (void)stream_end(stream, false, "roost_stream_abort");
}

/* -- reading ----------------------------------------------------------------------------------- */

int64_t roost_read(roost_stream *stream, void *buf, size_t len)
{
    int rc = roosti_stream_reader_enter(stream);
    if (roosti_unlikely(rc < 0))
        return rc;
    int64_t n = roosti_unlikely(len == 0) ? ROOST_EINVAL : roosti_stream_reader_begin(stream);
    if (roosti_likely(n == 0)) {
        if (stream->buf_from < stream->buf_to)
            n = (int64_t)roosti_stream_take(stream, buf, len);
        else
            n = roosti_stream_pull(stream, buf, len, true);
    }
    roosti_stream_reader_leave(stream);
    return n;
}

int64_t roost_try_read(roost_stream *stream, void *buf, size_t len)
{
    int rc = roosti_stream_reader_enter(stream);
    if (rc < 0)
        return rc;
    int64_t n = ROOST_EINVAL;
    if (len > 0 && stream->buf_from < stream->buf_to)
        n = (int64_t)roosti_stream_take(stream, buf, len);
    else if (len > 0)
        n = roosti_stream_pull(stream, buf, len, false);
    roosti_stream_reader_leave(stream);
    return n;
}

int roost_read_exact(roost_stream *stream, void *buf, size_t len, size_t *got)
{
    size_t done = 0;
    int rc = roosti_stream_reader_enter(stream);
    if (rc == 0) {
        rc = roosti_stream_reader_begin(stream);
        if (rc == 0)
            done = roosti_stream_take(stream, buf, len);
        while (rc == 0 && done < len) {
            int64_t n = roosti_stream_pull(stream, (char *)buf + done, len - done, true);
            if (n > 0)
                done += (size_t)n;
            else
                rc = n < 0 ? (int)n : ROOST_EEOF;
            if (rc == 0 && done < len)
                rc = roosti_stream_reader_begin(stream);
        }
        roosti_stream_reader_leave(stream);
    }
    if (got)
        *got = done;
    return rc;
}

/* -- writing ----------------------------------------------------------------------------------- */

/* Waits for the turn. 0: this task is the writer. Otherwise the stream may be gone. */
static __attribute__((noinline)) int writer_queue(roost_stream *stream, struct roost_task *self)
{
    /* It must not give way before it stands in the queue, where closing finds it. */
    int rc = roosti_op_refused(self);
    if (rc < 0)
        return rc;
    struct roost_impl_waiter waiter = {.task = self};
    self->wait.whom = &stream->writer;
    rc = roosti_waitq_park(&stream->writers, &waiter, roosti_waitq_abort, "turn to write",
                           &stream->writers);
    self->wait.whom = NULL;
    return rc;
}

/* 0: this task is the writer. */
static inline int writer_enter(roost_stream *stream)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (roosti_unlikely(!loop || !loop->current))
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &stream->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(stream->closed))
        return ROOST_ECLOSED;
    if (roosti_unlikely(!stream->ops->write))
        return ROOST_ENOTSUP;
    if (roosti_unlikely(stream->writer != NULL))
        return writer_queue(stream, loop->current);
    stream->writer = loop->current;
    return 0;
}

static inline void writer_leave(roost_stream *stream)
{
    stream->writer = NULL;
    if (roosti_likely(!stream->writers.first && !stream->closed))
        return;
    struct roost_impl_waiter *next = roosti_waitq_pop(&stream->writers);
    if (next) {
        stream->writer = next->task;
        roosti_wake(next->task, 0);
    } else if (stream->closed) {
        roosti_stream_let_go(stream);
    }
}

/* Whether the writer may go on. */
static inline int writer_begin(const roost_stream *stream)
{
    struct roost_task *self = stream->writer;
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(stream->closed || stream->ended))
        return ROOST_ECLOSED;
    return roosti_unlikely(stream->write_broken) ? ROOST_EBROKEN : 0;
}

static inline int64_t stream_push(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    int64_t n = stream->ops->write(stream, pieces, count);
    roosti_assert(n != 0);
    if (roosti_likely(n > 0))
        stream->written += (uint64_t)n;
    return n;
}

int64_t roost_write(roost_stream *stream, const void *data, size_t len)
{
    int rc = writer_enter(stream);
    if (roosti_unlikely(rc < 0))
        return rc;
    int64_t n = writer_begin(stream);
    if (roosti_likely(n == 0 && len > 0)) {
        roost_bytes piece = {data, len};
        n = stream_push(stream, &piece, 1);
    }
    writer_leave(stream);
    return n;
}

/* Steps over the first n bytes and what is empty behind them. */
static void pieces_skip(roost_bytes *first, const roost_bytes **rest, size_t *count, size_t n)
{
    while (first->len <= n) {
        n -= first->len;
        if (*count == 0) {
            *first = (roost_bytes){NULL, 0};
            return;
        }
        *first = *(*rest)++;
        (*count)--;
    }
    first->data += n;
    first->len -= n;
}

/* The first piece is written alone once part of it is out, so that the caller's array need not be
 * copied: the pieces behind it follow with the next step. */
static int pieces_write(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    const roost_bytes *rest = pieces;
    roost_bytes first = {NULL, 0};
    bool begun = false;
    pieces_skip(&first, &rest, &count, 0);
    while (first.len > 0) {
        bool whole = rest > pieces && first.data == rest[-1].data;
        int64_t n =
            whole ? stream_push(stream, rest - 1, count + 1) : stream_push(stream, &first, 1);
        if (n < 0) {
            stream->write_broken |= begun;
            return (int)n;
        }
        begun = true;
        pieces_skip(&first, &rest, &count, (size_t)n);
        if (first.len == 0)
            break;
        int rc = writer_begin(stream);
        if (rc < 0) {
            stream->write_broken = true;
            return rc;
        }
    }
    return 0;
}

int roost_writev_all(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    int rc = writer_enter(stream);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = writer_begin(stream);
    if (roosti_likely(rc == 0))
        rc = pieces_write(stream, pieces, count);
    writer_leave(stream);
    return rc;
}

int roost_write_all(roost_stream *stream, const void *data, size_t len)
{
    int rc = writer_enter(stream);
    if (roosti_unlikely(rc < 0))
        return rc;
    rc = writer_begin(stream);
    if (roosti_likely(rc == 0 && len > 0)) {
        roost_bytes piece = {data, len};
        int64_t n = stream_push(stream, &piece, 1);
        if (roosti_unlikely(n != (int64_t)len)) {
            if (n < 0) {
                rc = (int)n;
            } else {
                /* The rest: some of it is out, so from here on a failure breaks the stream. */
                piece = (roost_bytes){piece.data + n, len - (size_t)n};
                rc = writer_begin(stream);
                if (rc == 0)
                    rc = pieces_write(stream, &piece, 1);
                stream->write_broken |= rc < 0;
            }
        }
    }
    writer_leave(stream);
    return rc;
}

int roost_write_end(roost_stream *stream)
{
    int rc = writer_enter(stream);
    if (rc < 0)
        return rc;
    if (!stream->ops->write_end) {
        rc = ROOST_ENOTSUP;
    } else if (stream->closed) {
        rc = ROOST_ECLOSED;
    } else if (!stream->ended) {
        stream->ended = true;
        rc = stream->ops->write_end(stream);
    }
    writer_leave(stream);
    return rc;
}

/* -- facts ------------------------------------------------------------------------------------- */

int roost_stream_attr(roost_stream *stream, enum roost_attr attr, void *value, size_t size)
{
    bool number = attr == ROOST_ATTR_FD || attr == ROOST_ATTR_PEER_PID ||
                  attr == ROOST_ATTR_PEER_UID || attr == ROOST_ATTR_TLS_RESUMED;
    if ((unsigned)attr < ROOST_ATTR_FD || (unsigned)attr > ROOST_ATTR_TLS_RESUMED)
        return ROOST_EINVAL;
    if (number && size != sizeof(int))
        return ROOST_EINVAL;
    if (stream->closed)
        return ROOST_ECLOSED;
    return stream->ops->attr ? stream->ops->attr(stream, attr, value, size) : ROOST_ENOTSUP;
}

int roost_impl_attr_text(const char *text, void *value, size_t size)
{
    size_t len = strlen(text);
    if (len >= size)
        return -ENAMETOOLONG;
    memcpy(value, text, len + 1);
    return (int)len;
}

void roost_stream_stats_get(const roost_stream *stream, roost_stream_stats *stats)
{
    *stats = (roost_stream_stats){
        .read = stream->read,
        .written = stream->written,
        .buffered = stream->buf_to - stream->buf_from,
        .unsent = stream->ops->unsent && !stream->closed ? stream->ops->unsent(stream) : 0};
}

const char *roost_stream_kind(const roost_stream *stream)
{
    return stream->ops->kind;
}
