/* roost/unix.h - Unix sockets: streams on one machine, which can hand over descriptors.
 *
 * An address is a path, whose file is made by listening and removed by closing the listener, or
 * "@name": a name without a file. A connection is a roost_stream of kind "unix"; who is at its
 * other end are the attributes ROOST_ATTR_PEER_PID and ROOST_ATTR_PEER_UID.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_UNIX_H
#define ROOST_UNIX_H

#include <stdbool.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>
#include <roost/tcp.h>

/* Zero means default. */
typedef struct roost_unix_listen_opts {
    int backlog;  /* connections that wait to be accepted; default 1024 */
    bool replace; /* a socket file that is there already is removed, whoever may use it; else
                     -EADDRINUSE */
} roost_unix_listen_opts;

ROOST_BEGIN_DECLS

/**
 * roost_unix_connect - connect to a Unix socket.
 *
 *   path      up to 107 bytes, with a slash in it; or "@name".
 *   stream    gives one, release with roost_stream_close; written on success only.
 *
 * Suspends  until there is room among those that wait to be accepted.
 * Cancel    ROOST_ECANCELED; nothing is left open.
 * Errors    ROOST_EINVAL  not such an address; -ENAMETOOLONG; -ENOENT, -ECONNREFUSED, -EACCES and
 *           what else connecting meets; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_unix_connect(const char *path, roost_stream **stream);

/**
 * roost_unix_listen - begin to take connections at a path.
 *
 *   path      as for roost_unix_connect.
 *   opts      copied; NULL for defaults.
 *   listener  gives one, release with roost_listener_close, which removes the file if it still is
 *             the one made here; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  not such an address; -ENAMETOOLONG; -EADDRINUSE; -ENOTSOCK  replace, and
 *           the file is no socket; -EACCES, -ENOENT and what else binding meets; ROOST_ENOMEM;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_unix_listen(const char *path, const roost_unix_listen_opts *opts,
                                           roost_listener **listener);

/**
 * roost_unix_pair - two ends that are connected to each other.
 *
 *   first     gives one end, release with roost_stream_close; written on success only.
 *   second    gives the other.
 *
 * Suspends  never.
 * Errors    -EMFILE, -ENFILE; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_unix_pair(roost_stream **first, roost_stream **second);

/**
 * roost_unix_send_fd - hand a descriptor to the other side, together with one byte.
 *
 *   stream    of kind "unix".
 *   fd        borrowed; the other side gets one of its own for the same file.
 *
 * The other side must receive it with roost_unix_recv_fd: a plain read takes the byte, and the
 * descriptor is lost.
 *
 * Suspends  until it went out.
 * Cancel    ROOST_ECANCELED; nothing went out.
 * Errors    -EBADF; -ETOOMANYREFS  too many under way; ROOST_ENOTSUP  not a Unix socket; those of
 *           roost_write.
 * Threads   tasks of the stream's loop; several take turns with writers.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_unix_send_fd(roost_stream *stream, int fd);

/**
 * roost_unix_recv_fd - take a descriptor that the other side hands over.
 *
 *   stream    of kind "unix".
 *   fd        gives one, close it with roost_fd_close; written on success only.
 *
 * Returns 1, or 0 at the end of the stream.
 *
 * Suspends  until the next byte is there.
 * Cancel    ROOST_ECANCELED; nothing was taken.
 * Errors    -EBADMSG  the next byte came without a descriptor, or has been read ahead by a call
 *           that reads records, and in the first case is gone; -EMFILE  there was none left for
 *           it: it is lost; ROOST_ENOTSUP  not a Unix socket; those of roost_read.
 * Threads   tasks of the stream's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_unix_recv_fd(roost_stream *stream, int *fd);

ROOST_END_DECLS

#endif
