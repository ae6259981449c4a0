/* io/stdio.c - the three standard descriptors as streams.
 *
 * The real ports read and write a descriptor they do not own without waiting in the call and
 * without changing its flags, and know files, which cannot be waited for, from the rest. A
 * simulated run has a world of its own in which these descriptors mean nothing, so there the real
 * ones are asked in calls that wait.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/stdio.h>

#include "io/pipe_stream.h"
#include "io/stream.h"
#include "port/host.h"

static struct roosti_fd_stream *stdio_of(const roost_stream *stream)
{
    return roosti_container(stream, struct roosti_fd_stream, base);
}

/* -- the kind ---------------------------------------------------------------------------------- */

static void call_back(struct roosti_op *op, const struct roost_task *waiter)
{
    struct roosti_port *port = waiter->loop->port;
    if (op && waiter->state == ROOSTI_TASK_WAITING) /* or it has come back already */
        port->ops->cancel(port, op);
}

/* They stay open: who waits is called back. */
static int stdio_close(roost_stream *stream, bool in_order)
{
    struct roosti_fd_stream *fds = stdio_of(stream);
    (void)in_order;
    if (stream->reader)
        call_back(fds->reading, stream->reader);
    if (stream->writer)
        call_back(fds->writing, stream->writer);
    return 0;
}

static const struct roost_impl_stream_ops stdio_ops = {.kind = "stdio",
                                                       .size = sizeof(struct roosti_fd_stream),
                                                       .read = roosti_fd_stream_read,
                                                       .write = roosti_fd_stream_write,
                                                       .close = stdio_close,
                                                       .attr = roosti_fd_stream_attr};

/* -- in simulation ----------------------------------------------------------------------------- */

static int64_t host_read(roost_stream *stream, void *buf, size_t len, bool wait)
{
    int fd = stdio_of(stream)->fd;
    return wait || roosti_host_fd_readable(fd) ? roosti_host_fd_read(fd, buf, len) : ROOST_EAGAIN;
}

static int64_t host_write(roost_stream *stream, const roost_bytes *pieces, size_t count)
{
    (void)count;
    return roosti_host_fd_write(stdio_of(stream)->fd, pieces->data, pieces->len);
}

static const struct roost_impl_stream_ops host_ops = {.kind = "stdio",
                                                      .size = sizeof(struct roosti_fd_stream),
                                                      .read = host_read,
                                                      .write = host_write,
                                                      .close = stdio_close,
                                                      .attr = roosti_fd_stream_attr};

/* -- public ------------------------------------------------------------------------------------ */

static int stdio_open(int fd, roost_stream **stream)
{
    const struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = roost_impl_stream_new(self->loop->virtual_time ? &host_ops : &stdio_ops, stream);
    if (rc == 0)
        stdio_of(*stream)->fd = fd;
    return rc;
}

int roost_stdin(roost_stream **stream)
{
    return stdio_open(0, stream);
}

int roost_stdout(roost_stream **stream)
{
    return stdio_open(1, stream);
}

int roost_stderr(roost_stream **stream)
{
    return stdio_open(2, stream);
}
