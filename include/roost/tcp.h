/* roost/tcp.h - TCP connections and listeners.
 *
 *     ROOST_AUTO(stream) roost_stream *conn = NULL;
 *     ROOST_TRY(roost_tcp_connect("127.0.0.1:7000", NULL, &conn));
 *     ROOST_TRY(roost_write_all(conn, "hello\n", 6));
 *
 * A connection is a roost_stream of kind "tcp". Closing it says good-bye in order, aborting it
 * resets. A whole server is roost/serve.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TCP_H
#define ROOST_TCP_H

#include <stdbool.h>
#include <stddef.h>

#include <roost/address.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>
#include <roost/time.h>

/* What waits for connections: of TCP, or of Unix sockets (roost/unix.h). */
typedef struct roost_listener roost_listener;

/* Asks a silent peer whether it is still there. Whole seconds are told to the system. */
typedef struct roost_keepalive {
    roost_dur idle;     /* silence before the first question; 0: never asks; 1 s and more */
    roost_dur interval; /* between questions; default 10 s */
    int count;          /* unanswered ones before the connection is given up; default 6 */
} roost_keepalive;

/* Zero means default. */
typedef struct roost_tcp_opts {
    const char
        *local;  /* the address to connect from, port 0 for any; default: the system's choice */
    int nodelay; /* small writes go out at once; default on; -1: off */
    roost_keepalive keepalive;
    roost_dur user_timeout; /* bytes unacknowledged for so long break the connection; default: the
                               system's, about 15 minutes; milliseconds are told */
} roost_tcp_opts;

/* Zero means default. */
typedef struct roost_listen_opts {
    int backlog;     /* connections that wait to be accepted; default 1024, cut by the system's own
                        bound */
    bool reuse_port; /* several listeners share the address, each gets some of the connections */
    bool v6only;     /* "[::]" takes no IPv4 connections */
    int nodelay;     /* these three: of the connections accepted */
    roost_keepalive keepalive;
    roost_dur user_timeout;
} roost_listen_opts;

ROOST_BEGIN_DECLS

/**
 * roost_tcp_connect - connect to an address.
 *
 *   address   "127.0.0.1:7000" or "[::1]:7000".
 *   opts      copied; NULL for defaults.
 *   stream    gives one, release with roost_stream_close; written on success only.
 *
 * Suspends  until the other side has answered.
 * Cancel    ROOST_ECANCELED; nothing is left open.
 * Errors    ROOST_EINVAL  not an address; -ECONNREFUSED, -ETIMEDOUT, -ENETUNREACH and what else
 *           connecting meets; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_tcp_connect(const char *address,
                                                          const roost_tcp_opts *opts,
                                                          roost_stream **stream);

/**
 * roost_tcp_listen - begin to take connections at an address.
 *
 *   address   as for roost_tcp_connect; "0.0.0.0:80" or "[::]:80" for all of the machine's; port 0
 *             for a free one, which roost_listener_address tells.
 *   opts      copied; NULL for defaults.
 *   listener  gives one, release with roost_listener_close; written on success only.
 *
 * An address that was in use until now can be used again at once.
 *
 * Suspends  never for numbers.
 * Errors    ROOST_EINVAL  not an address; -EADDRINUSE, -EACCES and what else binding meets;
 *           ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_tcp_listen(const char *address,
                                                         const roost_listen_opts *opts,
                                                         roost_listener **listener);

/**
 * roost_listener_accept - wait for the next connection.
 *
 *   listener  open.
 *   stream    gives one, release with roost_stream_close; written on success only.
 *
 * Suspends  until somebody connects.
 * Cancel    ROOST_ECANCELED; no connection is lost.
 * Errors    ROOST_EBUSY  another task is accepting; ROOST_ECLOSED  closed under the waiting task;
 *           -EMFILE, -ENFILE  no descriptor is left: the connection goes on waiting;
 *           -ECONNABORTED and what else accepting meets; ROOST_ENOMEM; ROOST_EXLOOP  it belongs
 *           to another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of the listener's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_listener_accept(roost_listener *listener,
                                                              roost_stream **stream);

/**
 * roost_listener_address - where a listener listens, as text.
 *
 *   listener  open.
 *   buf       written on success only.
 *   size      bytes at buf; ROOST_ADDRESS_TEXT_MAX is enough.
 *
 * Returns the length of the text.
 *
 * Suspends  never.
 * Errors    -ENAMETOOLONG  it does not fit; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX  not in a run.
 * Threads   the listener's loop.
 */
ROOST_API ROOST_MUST int roost_listener_address(roost_listener *listener, char *buf, size_t size);

/**
 * roost_listener_close - stop listening. Connections that nobody has accepted are reset.
 *
 *   listener  taken; NULL is accepted. A task that accepts gets ROOST_ECLOSED. The file of a Unix
 *             socket is removed.
 *
 * Suspends  never.
 * Errors    what closing met; everything is released all the same. ROOST_EXLOOP  it belongs to
 *           another loop: nothing was done.
 * Threads   the listener's loop.
 */
ROOST_API int roost_listener_close(roost_listener *listener);

ROOST_END_DECLS

/* For ROOST_AUTO(listener). */
static inline void roost_listener_cleanup(roost_listener **listener)
{
    (void)roost_listener_close(*listener);
}

#endif
