/* roost/record.h - lines and other records of a stream, and looking ahead.
 *
 *     while ((rc = roost_read_line(conn, &line)) > 0)
 *         handle(line.data, line.len);
 *
 * Records are read through a buffer that the stream makes when one is first asked for, and that
 * grows up to the longest record allowed; roost_read and roost_read_exact empty it first, so the
 * two ways of reading can be mixed.
 *
 * How the bytes happened to arrive never changes what the records are. When several separators
 * could end a record, the one that begins first does, and of several that begin there the longest;
 * where a longer one is possible, its bytes are waited for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RECORD_H
#define ROOST_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>

/* Longest record when no limit is given, bytes. */
#define ROOST_RECORD_MAX 65536

/* Zero means default. */
typedef struct roost_until_opts {
    const roost_bytes *separators; /* the record ends after the first of them; default "\n" */
    size_t separator_count;
    size_t limit;  /* most bytes of a record, its separator included; default ROOST_RECORD_MAX */
    bool partial;  /* what stands before the end of the stream is a record too */
    size_t *which; /* receives the index of the separator; separator_count for a partial one */
} roost_until_opts;

ROOST_BEGIN_DECLS

/**
 * roost_read_until - read a record: everything up to and including a separator.
 *
 *   stream    as for roost_read.
 *   opts      borrowed; NULL: lines.
 *   record    lends the bytes, valid until the next call that reads from the stream.
 *
 * Returns 1 for a record, 0 at the end of the stream.
 *
 * Suspends  until the record is there.
 * Cancel    ROOST_ECANCELED; what has come stays in the buffer.
 * Errors    -EMSGSIZE   longer than the limit: what has come stays in the buffer, to be read;
 *           ROOST_EEOF  the stream ended inside a record, which stays in the buffer too;
 *           ROOST_ENOMEM; ROOST_EINVAL  a separator is empty or longer than the limit, or one of
 *           separators and separator_count is missing; those of roost_read.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_read_until(roost_stream *stream,
                                                         const roost_until_opts *opts,
                                                         roost_bytes *record);

/**
 * roost_read_line - read a line, without its "\n" or "\r\n". The last one may lack both.
 *
 *   stream    as for roost_read.
 *   line      lends the bytes, valid until the next call that reads from the stream.
 *
 * Returns 1 for a line, 0 at the end of the stream.
 *
 * Suspends  until the line is there.
 * Cancel    ROOST_ECANCELED; what has come stays in the buffer.
 * Errors    those of roost_read_until.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_read_line(roost_stream *stream, roost_bytes *line);

/**
 * roost_peek - look at the bytes that come next, without taking them.
 *
 *   stream    as for roost_read.
 *   least     wait until there are so many; at most ROOST_RECORD_MAX.
 *   bytes     lends all that are there, valid until the next call that reads from the stream.
 *
 * Returns how many; fewer than `least` only at the end of the stream.
 *
 * Suspends  until they are there.
 * Cancel    ROOST_ECANCELED; what has come stays in the buffer.
 * Errors    ROOST_EINVAL  least is more than ROOST_RECORD_MAX; ROOST_ENOMEM; those of roost_read.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_peek(roost_stream *stream, size_t least,
                                                       roost_bytes *bytes);

/**
 * roost_unread - put bytes back, to be read next.
 *
 *   stream    open for reading.
 *   data      copied.
 *   len       bytes.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_EBUSY  another task is reading; ROOST_ECLOSED  it is being closed;
 *           ROOST_ENOTSUP, ROOST_EXLOOP, ROOST_ENOCTX as for roost_read.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST int roost_unread(roost_stream *stream, const void *data, size_t len);

ROOST_END_DECLS

#endif
