/* io/stream.h - what the two halves of streams share: calls that read, and the buffer of records.
 *
 * A call that reads stands in stream->reader from its first step to its last, so that the struct
 * outlives it: between the two the stream may be closed by another task, whenever this one gives
 * way. Each step that could wait goes: roosti_op_begin, look at `closed`, then the kind.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_STREAM_H
#define ROOST_IO_STREAM_H

#include <string.h>

#include <roost/impl/stream_ops.h>

#include "base/assert.h"
#include "rt/loop.h"

/* The last call has left a stream that is closed: frees it, unless its close is still at work or
 * another call has not come back. */
void roosti_stream_let_go(roost_stream *stream);

/* Frees what a stream consists of. */
void roosti_stream_free(roost_stream *stream);

/* Makes the running task the reader: 0 or a code. */
static inline int roosti_stream_reader_enter(roost_stream *stream)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (roosti_unlikely(!loop || !loop->current))
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &stream->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(stream->closed))
        return ROOST_ECLOSED;
    if (roosti_unlikely(stream->reader != NULL))
        return ROOST_EBUSY;
    if (roosti_unlikely(!stream->ops->read))
        return ROOST_ENOTSUP;
    stream->reader = loop->current;
    return 0;
}

/* The call ends; the stream may be gone afterwards. */
static inline void roosti_stream_reader_leave(roost_stream *stream)
{
    stream->reader = NULL;
    if (roosti_unlikely(stream->closed))
        roosti_stream_let_go(stream);
}

/* First half of a step: whether the reader may go on. */
static inline int roosti_stream_reader_begin(const roost_stream *stream)
{
    struct roost_task *self = stream->reader;
    int rc = roosti_op_begin(self->loop, self);
    return roosti_unlikely(rc < 0) ? rc : roosti_unlikely(stream->closed) ? ROOST_ECLOSED : 0;
}

/* Second half: bytes from the kind; 0 at the end, again and again. */
static inline int64_t roosti_stream_pull(roost_stream *stream, void *buf, size_t len, bool wait)
{
    if (roosti_unlikely(stream->read_ended))
        return 0;
    int64_t n = stream->ops->read(stream, buf, len, wait);
    if (roosti_likely(n > 0)) {
        roosti_assert((size_t)n <= len);
        stream->read += (uint64_t)n;
    } else if (n == 0) {
        stream->read_ended = true;
    }
    return n;
}

/* Takes what was read ahead, at most len. */
static inline size_t roosti_stream_take(roost_stream *stream, void *buf, size_t len)
{
    size_t there = stream->buf_to - stream->buf_from;
    size_t n = there < len ? there : len;
    if (n > 0) {
        memcpy(buf, stream->buf + stream->buf_from, n);
        stream->buf_from += n;
    }
    return n;
}

#endif
