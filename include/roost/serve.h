/* roost/serve.h - servers: a task for each connection, until somebody asks them to stop.
 *
 *     ROOST_ASYNC(echo, roost_stream *, conn)
 *     {
 *         char buf[4096];
 *         int64_t n;
 *         while ((n = roost_read(conn, buf, sizeof buf)) > 0)
 *             ROOST_TRY(roost_write_all(conn, buf, (size_t)n));
 *         return (int)n;
 *     }
 *
 *     rc = roost_tcp_serve("127.0.0.1:7000", echo, &(roost_serve_opts){.threads = 0});
 *
 * The handler is an async function whose first parameter is the connection; the server closes that
 * when the handler returns, and aborts it when it was cancelled. A server runs until an enclosing
 * scope is shut down (roost_scope_shutdown, roost_group_shutdown, a first SIGINT or SIGTERM): it
 * then takes no more connections, roost_stopping() is true in the handlers, and those that have not
 * returned after the grace are cancelled. When the serving call returns, all of them have ended.
 *
 * No descriptor left (-EMFILE) does not stop a server: it turns the newcomers away, 20 a second,
 * and says so once in ten seconds.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SERVE_H
#define ROOST_SERVE_H

#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>
#include <roost/tcp.h>
#include <roost/time.h>

typedef struct roost_serve_stats {
    uint64_t accepted;
    uint64_t failed;     /* handlers that came to an error */
    uint64_t cancelled;  /* handlers that were cancelled */
    uint64_t turned_off; /* connections closed at once: there was no descriptor, memory or stack */
    uint64_t served_max; /* most connections at once, on one loop */
} roost_serve_stats;

/* Zero means default. */
typedef struct roost_serve_opts {
    int threads; /* loops of the run that take connections, each with its own listener: 0: all of
                    them; 1: this one; n: this one and the next n - 1 */
    uint32_t connections_max; /* most at once, spread evenly over the loops; further ones wait to be
                                 accepted; default: no bound but that of descriptors and tasks */
    roost_dur grace; /* for handlers, once the server is asked to stop; default 10 s; -1: none. The
                        scope that was shut down may grant less */
    roost_listen_opts listen;
    /* Called in the server's task when every listener is open: the address in numbers. */
    void (*ready)(void *arg, const char *address);
    void *ready_arg;
    /* A handler, or wrap, has failed; in that connection's task. 0: go on; a negative code: the
     * server ends with it. Default: one line on fd 2, and go on. */
    int (*on_error)(void *arg, const roost_error *error, const char *peer);
    void *on_error_arg;
    /* Called in the connection's task before the handler, to put another stream above it (TLS):
     * 0 with *stream, which then owns raw, or a code, and raw is the server's still. */
    int (*wrap)(void *arg, roost_stream *raw, roost_stream **stream);
    void *wrap_arg;
    const char *label;        /* static; for reports; default: the handler's name */
    roost_serve_stats *stats; /* receives them at the end */
} roost_serve_opts;

ROOST_BEGIN_DECLS

/**
 * roost_tcp_serve_call - serve at an address; what roost_tcp_serve expands to.
 *
 *   address   as for roost_tcp_listen.
 *   handler   borrowed; its first argument is replaced by each connection.
 *   opts      borrowed until it returns; NULL for defaults.
 *
 * Suspends  until the server is asked to stop, and until every handler has ended.
 * Cancel    ROOST_ECANCELED; the handlers were cancelled and have ended.
 * Errors    those of roost_tcp_listen; of accepting, where it is no use to go on; what on_error
 *           gave; ROOST_EINVAL  the handler's arguments take more than 3,900 bytes; ROOST_ENOMEM;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_tcp_serve_call(const char *address,
                                                             roost_call handler,
                                                             const roost_serve_opts *opts);

/**
 * roost_serve_call - serve what a listener brings; what roost_serve expands to.
 *
 *   listener  taken, whatever comes of it; closed when the server is asked to stop.
 *   handler   as for roost_tcp_serve_call.
 *   opts      as for roost_tcp_serve_call; threads and listen do not matter.
 *
 * Suspends  until the server is asked to stop, and until every handler has ended.
 * Cancel    ROOST_ECANCELED; the handlers were cancelled and have ended.
 * Errors    those of roost_tcp_serve_call but listening; ROOST_EXLOOP  the listener belongs to
 *           another loop, and stays there.
 * Threads   tasks of the listener's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_serve_call(roost_listener *listener,
                                                         roost_call handler,
                                                         const roost_serve_opts *opts);

ROOST_END_DECLS

/* ROOST_HANDLER(function, args...): a handler with further arguments, which every connection gets a
 * copy of. The function's first parameter is a roost_stream *. */
#define ROOST_HANDLER(...) ROOST_HANDLER_(__VA_ARGS__, )
#define ROOST_HANDLER_(function, ...) ROOST_CALL_(function, (roost_stream *)0, __VA_ARGS__)

/* roost_tcp_serve(address, function, opts) and roost_serve(listener, function, opts): opts is a
 * pointer to roost_serve_opts, or NULL. With further arguments for the function:
 * roost_tcp_serve_call(address, ROOST_HANDLER(function, args...), opts). */
#define roost_tcp_serve(address, function, ...)                                                    \
    roost_tcp_serve_call((address), ROOST_HANDLER(function), __VA_ARGS__)
#define roost_serve(listener, function, ...)                                                       \
    roost_serve_call((listener), ROOST_HANDLER(function), __VA_ARGS__)

#endif
