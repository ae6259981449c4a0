/* io/pipe_stream.c - pipes, and what they share with other descriptors without an offset.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/pipe_stream.h"

#include <roost/pipe.h>

#include "io/stream.h"
#include "rt/op.h"

static struct roosti_fd_stream *fd_stream_of(const roost_stream *stream)
{
    return roosti_container(stream, struct roosti_fd_stream, base);
}

/* -- bytes ------------------------------------------------------------------------------------- */

int64_t roosti_fd_stream_read(roost_stream *stream, void *buf, size_t len, bool wait)
{
    struct roosti_fd_stream *fds = fd_stream_of(stream);
    struct roosti_port *port = stream->reader->loop->port;
    if (!wait)
        return port->ops->fd.read_now(port, fds->fd, buf, len);
    struct roosti_op op = {
        .kind = ROOSTI_OP_READ, .fd = fds->fd, .buf = buf, .len = len, .offset = -1};
    fds->reading = &op;
    int64_t n = roosti_op_wait(stream->reader, &op);
    fds->reading = NULL;
    return n < 0 && stream->closed ? ROOST_ECLOSED : n;
}

roost_bytes roosti_pieces_gather(const roost_bytes *pieces, size_t count,
                                 char copy[ROOSTI_GATHER_MAX])
{
    size_t len = 0;
    if (count == 1 || pieces[0].len >= ROOSTI_GATHER_MAX / 2)
        return pieces[0];
    for (size_t i = 0; i < count && len < ROOSTI_GATHER_MAX; i++) {
        size_t room = ROOSTI_GATHER_MAX - len;
        size_t n = pieces[i].len < room ? pieces[i].len : room;
        if (n > 0)
            memcpy(copy + len, pieces[i].data, n);
        len += n;
    }
    return (roost_bytes){copy, len};
}

static int64_t fd_write(struct roosti_fd_stream *fds, roost_bytes bytes)
{
    struct roosti_op op = {.kind = ROOSTI_OP_WRITE,
                           .fd = fds->fd,
                           .buf = (void *)(uintptr_t)bytes.data,
                           .len = bytes.len,
                           .offset = -1};
    fds->writing = &op;
    int64_t n = roosti_op_wait(fds->base.writer, &op);
    fds->writing = NULL;
    return n < 0 && fds->base.closed ? ROOST_ECLOSED : n;
}

/* In a frame of its own, which most writes do without. */
static __attribute__((noinline)) int64_t fd_write_gathered(struct roosti_fd_stream *fds,
                                                           const roost_bytes *pieces, size_t count)
{
    char copy[ROOSTI_GATHER_MAX];
    return fd_write(fds, roosti_pieces_gather(pieces, count, copy));
}

int64_t roosti_fd_stream_write(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    struct roosti_fd_stream *fds = fd_stream_of(stream);
    return count == 1 ? fd_write(fds, pieces[0]) : fd_write_gathered(fds, pieces, count);
}

int roosti_fd_stream_attr(roost_stream *stream, enum roost_attr attr, void *value, size_t size)
{
    const struct roosti_fd_stream *fds = fd_stream_of(stream);
    if (attr != ROOST_ATTR_FD || fds->fd < 0)
        return ROOST_ENOTSUP;
    memcpy(value, &fds->fd, size);
    return 0;
}

/* -- the kind ---------------------------------------------------------------------------------- */

/* Operations in flight end with it. */
static int pipe_release(struct roosti_fd_stream *fds)
{
    struct roosti_loop *loop = roosti_loop_here;
    int fd = fds->fd;
    fds->fd = -1;
    roosti_require(loop || fd < 0, "a stream over a descriptor is closed inside its run");
    return fd < 0 ? 0 : loop->port->ops->fd.close(loop->port, fd);
}

static int pipe_end(roost_stream *stream)
{
    return pipe_release(fd_stream_of(stream));
}

static int pipe_close(roost_stream *stream, bool in_order)
{
    (void)in_order;
    return pipe_release(fd_stream_of(stream));
}

static const struct roost_impl_stream_ops pipe_read_ops = {.kind = "pipe",
                                                           .size = sizeof(struct roosti_fd_stream),
                                                           .read = roosti_fd_stream_read,
                                                           .close = pipe_close,
                                                           .attr = roosti_fd_stream_attr};

static const struct roost_impl_stream_ops pipe_write_ops = {.kind = "pipe",
                                                            .size = sizeof(struct roosti_fd_stream),
                                                            .write = roosti_fd_stream_write,
                                                            .write_end = pipe_end,
                                                            .close = pipe_close,
                                                            .attr = roosti_fd_stream_attr};

int roosti_pipe_stream_open(int fd, bool reads, roost_stream **stream)
{
    int rc = roost_impl_stream_new(reads ? &pipe_read_ops : &pipe_write_ops, stream);
    if (rc == 0)
        fd_stream_of(*stream)->fd = fd;
    return rc;
}

/* -- public ------------------------------------------------------------------------------------ */

int roost_pipe_open(roost_stream **ret_read, roost_stream **ret_write)
{
    struct roost_task *self = roosti_self();
    roost_stream *ends[2] = {NULL, NULL};
    int fds[2];
    if (!self)
        return roosti_no_task();
    struct roosti_port *port = self->loop->port;
    int rc = port->ops->fd.pipe(port, fds);
    if (rc < 0)
        return rc;
    for (int i = 0; i < 2 && rc == 0; i++)
        rc = roosti_pipe_stream_open(fds[i], i == 0, &ends[i]);
    if (rc == 0) {
        *ret_read = ends[0];
        *ret_write = ends[1];
        return 0;
    }
    for (int i = 0; i < 2; i++) {
        if (ends[i])
            roost_stream_abort(ends[i]);
        else
            (void)port->ops->fd.close(port, fds[i]);
    }
    return rc;
}
