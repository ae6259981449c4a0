/* roost/impl/stream_ops.h - what a kind of stream is made of, for people who write one.
 *
 * roost_stream does for every kind: the buffer of records, one reader at a time, writers in turn,
 * what is closed, ended and broken, the counters, and that the memory stays until the last call on
 * it has come back. A kind moves bytes.
 *
 *     struct upper {
 *         roost_stream base;
 *         ...
 *     };
 *     static const struct roost_impl_stream_ops upper_ops = {.kind = "upper", .size = ...};
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_STREAM_OPS_H
#define ROOST_IMPL_STREAM_OPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/waitq.h>
#include <roost/stream.h>

/* Called on the stream's loop, by one reader and one writer at a time, never after close. The
 * running task is known not to be refused when read (with wait) and write are called, and has not
 * given way since: a kind that waits once just does, one that waits again, or does anything that
 * gives way first, asks again (roosti_op_begin, or any public call that suspends). After each such
 * step the stream may have been closed: the descriptor is then no longer the kind's, but its struct
 * stands until the call has returned. write_end and close are called whatever has been cancelled.
 */
struct roost_impl_stream_ops {
    const char *kind;
    size_t size; /* bytes of the kind's struct, which begins with a roost_stream */

    /* Some bytes, at least 1; 0 at the end; a code. wait false: ROOST_EAGAIN instead of waiting. A
     * cancelled wait has taken nothing. NULL: a stream for writing only. */
    int64_t (*read)(roost_stream *stream, void *buf, size_t len, bool wait);
    /* Some bytes of the pieces, in order, at least 1; the first piece is not empty. ROOST_ECANCELED
     * means that none went out. NULL: a stream for reading only. */
    int64_t (*write)(roost_stream *stream, const roost_bytes *pieces, size_t count);
    /* Ends the writing direction, once, when no task writes; it is ended whatever this returns.
     * NULL: it cannot be ended alone. */
    int (*write_end)(roost_stream *stream);
    /* Wakes whoever waits in read or write with ROOST_ECLOSED and gives everything back; in_order:
     * says good-bye first where the kind has a way to, and may suspend for that. The struct itself
     * is freed by the caller, when reader and writer have left it. */
    int (*close)(roost_stream *stream, bool in_order);
    /* size fits an int where the attribute is one. ROOST_ENOTSUP for what it does not know; a
     * wrapper asks the stream below then. NULL: it knows nothing. */
    int (*attr)(roost_stream *stream, enum roost_attr attr, void *value, size_t size);
    /* Bytes written and not sent yet. NULL: none, ever. */
    size_t (*unsent)(const roost_stream *stream);
};

struct roost_stream {
    const struct roost_impl_stream_ops *ops;
    struct roost_task *reader;       /* inside a call that reads */
    struct roost_task *writer;       /* inside a call that writes */
    struct roost_impl_waitq writers; /* those that wait for their turn */
    char *buf;                       /* what was read ahead; NULL: never asked for */
    size_t buf_size;
    size_t buf_from; /* the bytes from here ... */
    size_t buf_to;   /* ... to here are still to be read */
    uint64_t read;
    uint64_t written;
    uint32_t loop; /* stamp */
    bool closed;
    bool closing;      /* inside the kind's close */
    bool ended;        /* for writing, by us */
    bool read_ended;   /* the other side has ended */
    bool write_broken; /* by a write that failed half way */
};

ROOST_BEGIN_DECLS

/**
 * roost_impl_stream_new - make a stream of a kind.
 *
 *   ops       static.
 *   stream    gives one, its kind's part zeroed; release with roost_stream_close.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM.
 * Threads   any; it belongs to the loop of the task that makes it, or that first uses it.
 */
ROOST_API ROOST_MUST int roost_impl_stream_new(const struct roost_impl_stream_ops *ops,
                                               roost_stream **stream);

/**
 * roost_impl_stream_drop - free a stream that nobody has seen, without calling its kind's close.
 *
 *   stream    from roost_impl_stream_new; taken.
 *
 * Suspends  never.
 * Threads   as for roost_impl_stream_new.
 */
ROOST_API void roost_impl_stream_drop(roost_stream *stream);

/**
 * roost_impl_attr_text - answer an attribute that is a text.
 *
 *   text      copied.
 *   value     as the kind's attr has it.
 *   size      as the kind's attr has it.
 *
 * Returns the length of the text.
 *
 * Suspends  never.
 * Errors    -ENAMETOOLONG  it does not fit.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_impl_attr_text(const char *text, void *value, size_t size);

ROOST_END_DECLS

#endif
