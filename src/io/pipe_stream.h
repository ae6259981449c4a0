/* io/pipe_stream.h - streams over descriptors that are read and written at no offset.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_PIPE_STREAM_H
#define ROOST_IO_PIPE_STREAM_H

#include <roost/impl/stream_ops.h>

struct roosti_op;

struct roosti_fd_stream {
    roost_stream base;
    int fd;                    /* -1: given back */
    struct roosti_op *reading; /* in flight, or about to be */
    struct roosti_op *writing;
};

/* A pipe's end as a stream: fd is taken on success. */
int roosti_pipe_stream_open(int fd, bool reads, roost_stream **stream);

/* Members of the table of a kind that begins with a roosti_fd_stream. */
int64_t roosti_fd_stream_read(roost_stream *stream, void *buf, size_t len, bool wait);
int64_t roosti_fd_stream_write(roost_stream *stream, const roost_bytes *pieces, size_t count);
int roosti_fd_stream_attr(roost_stream *stream, enum roost_attr attr, void *value, size_t size);

/* Copies small pieces behind each other, for descriptors that take one at a time. Returns what is
 * to be written: the copy, or the first piece alone. */
enum { ROOSTI_GATHER_MAX = 2048 };
roost_bytes roosti_pieces_gather(const roost_bytes *pieces, size_t count,
                                 char copy[ROOSTI_GATHER_MAX]);

#endif
