/* roost/stream.h - streams: bytes in order, both ways, whatever carries them.
 *
 * TCP and Unix sockets, pipes, standard input and output, TLS over any of them and pairs in memory
 * are all a roost_stream. Reading and writing suspend the task, not the thread.
 *
 *     while ((n = roost_read(conn, buf, sizeof buf)) > 0)
 *         ROOST_TRY(roost_write_all(conn, buf, (size_t)n));
 *
 * One task may read while another writes; a second reader gets ROOST_EBUSY, while writers take
 * turns and each one's bytes stay together. A task that waits on a stream which another one closes
 * gets ROOST_ECLOSED. Zero from roost_read is the end of the stream and nothing else. What the
 * other side did to the stream is the system's code (-ECONNRESET, -EPIPE). A write of several bytes
 * that failed or was cancelled half way leaves the writing direction broken: ROOST_EBROKEN from
 * then on. A stream that goes one way only answers ROOST_ENOTSUP to calls that go the other.
 *
 * A stream belongs to its loop. Closing it gives everything back at once, but for what a kind has
 * to say at the end (TLS); its memory stays until the last call on it has come back.
 *
 * Lines and other records: roost/record.h. For people who write a kind of stream there is
 * roost/impl/stream_ops.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_STREAM_H
#define ROOST_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

typedef struct roost_stream roost_stream;

/* Some bytes in somebody's memory. */
typedef struct roost_bytes {
    const char *data;
    size_t len;
} roost_bytes;

/* What can be asked of a stream beside its bytes. Which of them it knows depends on its kind; what
 * a wrapper does not know it asks the stream below. */
enum roost_attr {
    ROOST_ATTR_FD = 1,      /* int: the descriptor */
    ROOST_ATTR_LOCAL_NAME,  /* text: "127.0.0.1:7000", "[::1]:7000", "/run/app.sock" */
    ROOST_ATTR_PEER_NAME,   /* text */
    ROOST_ATTR_PEER_PID,    /* int: who connected, of a Unix socket */
    ROOST_ATTR_PEER_UID,    /* int */
    ROOST_ATTR_TLS_VERSION, /* text: "TLSv1.3" */
    ROOST_ATTR_TLS_CIPHER,  /* text */
    ROOST_ATTR_TLS_ALPN,    /* text: the protocol agreed on, "" for none */
    ROOST_ATTR_TLS_SUBJECT, /* text: of the other side's certificate */
    ROOST_ATTR_TLS_RESUMED  /* int: 0 or 1 */
};

typedef struct roost_stream_stats {
    uint64_t read;    /* bytes taken from below */
    uint64_t written; /* bytes that went below; after a broken write, those that still did */
    size_t buffered;  /* bytes read and not asked for yet */
    size_t unsent;    /* bytes written and not sent yet */
} roost_stream_stats;

ROOST_BEGIN_DECLS

/**
 * roost_read - read some bytes.
 *
 *   stream    open for reading.
 *   buf       written; at least len bytes.
 *   len       at least 1.
 *
 * Returns how many, at least 1; 0 at the end of the stream, again and again.
 *
 * Suspends  until a byte is there.
 * Cancel    ROOST_ECANCELED; nothing was read, nothing is lost.
 * Errors    ROOST_EBUSY    another task is reading; ROOST_ECLOSED  closed under the reader;
 *           codes of the system  the other side's doing; ROOST_EINVAL  len is 0;
 *           ROOST_ENOTSUP  it is for writing only; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_read(roost_stream *stream, void *buf, size_t len);

/**
 * roost_try_read - read what is there already.
 *
 *   stream    as for roost_read.
 *   buf       as for roost_read.
 *   len       at least 1.
 *
 * Returns how many, at least 1; 0 at the end of the stream.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  roost_read would wait; those of roost_read.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST int64_t roost_try_read(roost_stream *stream, void *buf, size_t len);

/**
 * roost_read_exact - read so many bytes.
 *
 *   stream    as for roost_read.
 *   buf       written; len bytes.
 *   len       0 is allowed.
 *   got       NULL, or receives how many bytes came, on failure too.
 *
 * Suspends  until they are there.
 * Cancel    ROOST_ECANCELED; the bytes that came are in buf, and no longer in the stream.
 * Errors    ROOST_EEOF  the stream ended first; those of roost_read.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_read_exact(roost_stream *stream, void *buf,
                                                         size_t len, size_t *got);

/**
 * roost_write - write some bytes.
 *
 *   stream    open for writing.
 *   data      borrowed.
 *   len       bytes.
 *
 * Returns how many went out, at least 1 unless len is 0.
 *
 * Suspends  until some went out, and while other tasks write.
 * Cancel    ROOST_ECANCELED; nothing was written, the stream is as before.
 * Errors    ROOST_ECLOSED  closed for writing, or under the writer; ROOST_EBROKEN  an earlier
 *           write failed half way; codes of the system (-EPIPE, -ECONNRESET); ROOST_ENOTSUP  it is
 *           for reading only; ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a
 *           task.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_write(roost_stream *stream, const void *data,
                                                        size_t len);

/**
 * roost_write_all - write all of it.
 *
 *   stream    open for writing.
 *   data      borrowed.
 *   len       bytes.
 *
 * Suspends  until everything went out.
 * Cancel    ROOST_ECANCELED; when some bytes went out before, the stream is broken for writing, and
 *           the member `written` of its counters says how many.
 * Errors    those of roost_write.
 * Threads   tasks of the stream's loop; several take turns.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_write_all(roost_stream *stream, const void *data,
                                                        size_t len);

/**
 * roost_writev_all - write several pieces, one after the other and nothing between.
 *
 *   stream    open for writing.
 *   pieces    borrowed, and what they name too.
 *   count     pieces.
 *
 * Suspends  until everything went out.
 * Cancel    as roost_write_all.
 * Errors    those of roost_write.
 * Threads   tasks of the stream's loop; several take turns.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_writev_all(roost_stream *stream,
                                                         const roost_bytes *pieces, size_t count);

/**
 * roost_write_end - say that nothing more will be written. Reading goes on.
 *
 *   stream    open for writing; ended before: no effect.
 *
 * Suspends  while other tasks write, and where a last message must go out (TLS).
 * Cancel    ROOST_ECANCELED; while others write: nothing has changed; else the direction is ended
 *           all the same, perhaps without that message.
 * Errors    ROOST_ENOTSUP  a stream that cannot be closed by halves; those of roost_write.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_write_end(roost_stream *stream);

/**
 * roost_stream_close - close a stream in order, and free it, whatever happens.
 *
 *   stream    taken; NULL is accepted. Tasks that wait on it get ROOST_ECLOSED.
 *
 * Suspends  where a last message must go out (TLS); never for sockets, pipes and memory.
 * Cancel    ROOST_ECANCELED when that was cut short; everything is released all the same.
 * Errors    what closing met; everything is released all the same. Of another loop's stream:
 *           ROOST_EXLOOP, and nothing happens but a report at debug level 1.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_SUSPENDS int roost_stream_close(roost_stream *stream);

/**
 * roost_stream_abort - close a stream at once: what has not gone out is dropped, a TCP peer sees a
 * reset.
 *
 *   stream    taken; NULL is accepted.
 *
 * Suspends  never.
 * Threads   tasks of the stream's loop.
 */
ROOST_API void roost_stream_abort(roost_stream *stream);

/**
 * roost_stream_attr - ask for a fact about a stream.
 *
 *   stream    open.
 *   attr      which.
 *   value     written on success only: an int, or a text with its terminating zero.
 *   size      bytes at value.
 *
 * Returns the length of a text, or 0.
 *
 * Suspends  never.
 * Errors    ROOST_ENOTSUP  not known of this stream; ROOST_EINVAL  size is not that of an int, or
 *           attr is unknown; -ENAMETOOLONG  the text does not fit;
 *           ROOST_ECLOSED  it is being closed.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST int roost_stream_attr(roost_stream *stream, enum roost_attr attr, void *value,
                                           size_t size);

/**
 * roost_stream_stats_get - the counters of a stream.
 *
 *   stream    open.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks of the stream's loop.
 */
ROOST_API void roost_stream_stats_get(const roost_stream *stream, roost_stream_stats *stats);

/**
 * roost_stream_kind - what carries the bytes: "tcp", "unix", "pipe", "stdio", "tls", "memory".
 *
 *   stream    open.
 *
 * Lends a static string.
 *
 * Suspends  never.
 * Threads   tasks of the stream's loop.
 */
ROOST_API const char *roost_stream_kind(const roost_stream *stream);

ROOST_END_DECLS

/* For ROOST_AUTO(stream): a stream that has not been closed is aborted, which never waits. */
static inline void roost_stream_cleanup(roost_stream **stream)
{
    roost_stream_abort(*stream);
}

#endif
