/* io/socket_stream.h - sockets as streams, and the listeners that they come from.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_SOCKET_STREAM_H
#define ROOST_IO_SOCKET_STREAM_H

#include <roost/impl/stream_ops.h>
#include <roost/tcp.h>

#include "io/address.h"
#include "rt/loop.h"

/* A descriptor that waits in the queue of writers for its byte to go out; in its sender's frame. */
struct roosti_carrier {
    struct roosti_carrier *next;
    struct roosti_socket *home; /* NULL: the socket was closed */
    char byte;                  /* found by its address among what is written */
    int fd;
};

struct roosti_feed;

struct roosti_socket {
    roost_stream base;
    int fd;
    roost_address peer; /* of an accepted one, which a reset makes the system forget */
    struct roosti_carrier *carriers;
    struct roosti_feed *feed; /* NULL: reads are operations of their own */
};

extern const struct roost_impl_stream_ops roosti_tcp_stream_ops;
extern const struct roost_impl_stream_ops roosti_unix_stream_ops;

static inline struct roosti_socket *roosti_socket_of(roost_stream *stream)
{
    return roosti_container(stream, struct roosti_socket, base);
}

/* A stream over a connected socket, which is taken on success. peer: copied, or NULL: ask the
 * system. 0 or ROOST_ENOMEM. */
int roosti_socket_stream_new(const struct roost_impl_stream_ops *ops, int fd,
                             const roost_address *peer, roost_stream **stream);

/* Opens a socket and connects it: 0 with *fd, or a code. In a task. `prepare`, if any, sets it up
 * before. */
int roosti_socket_connect(const roost_address *address,
                          int (*prepare)(struct roosti_port *port, int fd, const void *opts),
                          const void *opts, int *fd);

/* -- listeners --------------------------------------------------------------------------------- */

struct roost_listener {
    const struct roost_impl_stream_ops *ops; /* of the streams it makes */
    struct roost_task *acceptor;             /* inside roost_listener_accept */
    uint64_t file;                           /* of a Unix socket; 0: it has none */
    uint32_t loop;                           /* stamp */
    int fd;
    bool closed;
    roost_address address;
};

/* A listener over a listening socket, which is taken on success: 0 or a code. */
int roosti_listener_new(const struct roost_impl_stream_ops *ops, int fd, roost_listener **listener);

/* Waits until a connection could be accepted: 0 or a code as of accepting. */
int roosti_listener_wait(roost_listener *listener);

#endif
