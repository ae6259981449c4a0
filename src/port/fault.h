/* port/fault.h - what a test may ask of a fault port, and the table of what can go wrong.
 *
 * A fault port (roosti_fault_open in port/port.h) stands over any port and disturbs what passes
 * through it as its plan says. It takes operations and calls for one thing: each is counted, so
 * that a test can fail the first, the second, ... until there are no more.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_FAULT_H
#define ROOST_PORT_FAULT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"

/* The operations, and after them the calls of struct roosti_port_fd_ops. */
enum roosti_fault_kind {
    ROOSTI_FAULT_SOCKET = ROOSTI_OP_KIND_COUNT,
    ROOSTI_FAULT_BIND,
    ROOSTI_FAULT_LISTEN,
    ROOSTI_FAULT_LOCAL_ADDR,
    ROOSTI_FAULT_PEER_ADDR,
    ROOSTI_FAULT_GET_OPTION,
    ROOSTI_FAULT_RECEIVE,
    ROOSTI_FAULT_SOCKET_FILE,
    ROOSTI_FAULT_SOCKET_FILE_REMOVE,
    ROOSTI_FAULT_SET_OPTION,
    ROOSTI_FAULT_SHUTDOWN,
    ROOSTI_FAULT_PIPE,
    ROOSTI_FAULT_SOCKET_PAIR,
    ROOSTI_FAULT_CLOSE, /* the descriptor is released all the same */
    ROOSTI_FAULT_LIST,
    ROOSTI_FAULT_KIND_COUNT
};

/* kind, errno: what the manual pages and the kernel's sources let each come back with, when the
 * caller has done nothing wrong. EAGAIN is a code of connect only; elsewhere it is what
 * again_permille does. The errors of RECV_MULTI and ACCEPT_MULTI end them. */
/* clang-format off */
#define ROOSTI_FAULT_MAP(X)                                                                        \
    X(ROOSTI_OP_POLL, EINTR) X(ROOSTI_OP_POLL, ENOMEM)                                             \
    X(ROOSTI_OP_READ, EINTR) X(ROOSTI_OP_READ, EIO) X(ROOSTI_OP_READ, ENOMEM)                      \
    X(ROOSTI_OP_READ, ENOBUFS) X(ROOSTI_OP_READ, ECONNRESET) X(ROOSTI_OP_READ, ETIMEDOUT)          \
    X(ROOSTI_OP_READ, ESTALE)                                                                      \
    X(ROOSTI_OP_WRITE, EINTR) X(ROOSTI_OP_WRITE, EIO) X(ROOSTI_OP_WRITE, ENOMEM)                   \
    X(ROOSTI_OP_WRITE, ENOBUFS) X(ROOSTI_OP_WRITE, ENOSPC) X(ROOSTI_OP_WRITE, EDQUOT)              \
    X(ROOSTI_OP_WRITE, EFBIG) X(ROOSTI_OP_WRITE, EPERM) X(ROOSTI_OP_WRITE, EPIPE)                  \
    X(ROOSTI_OP_WRITE, ECONNRESET) X(ROOSTI_OP_WRITE, ETIMEDOUT) X(ROOSTI_OP_WRITE, ESTALE)        \
    X(ROOSTI_OP_RECV, EINTR) X(ROOSTI_OP_RECV, ENOMEM) X(ROOSTI_OP_RECV, ENOBUFS)                  \
    X(ROOSTI_OP_RECV, ECONNRESET) X(ROOSTI_OP_RECV, ECONNREFUSED) X(ROOSTI_OP_RECV, ETIMEDOUT)     \
    X(ROOSTI_OP_RECV, EHOSTUNREACH) X(ROOSTI_OP_RECV, ENETUNREACH) X(ROOSTI_OP_RECV, ENETDOWN)     \
    X(ROOSTI_OP_SEND, EINTR) X(ROOSTI_OP_SEND, ENOMEM) X(ROOSTI_OP_SEND, ENOBUFS)                  \
    X(ROOSTI_OP_SEND, EPIPE) X(ROOSTI_OP_SEND, ECONNRESET) X(ROOSTI_OP_SEND, ETIMEDOUT)            \
    X(ROOSTI_OP_SEND, EHOSTUNREACH) X(ROOSTI_OP_SEND, ENETUNREACH) X(ROOSTI_OP_SEND, ENETDOWN)     \
    X(ROOSTI_OP_SEND, EPERM)                                                                       \
    X(ROOSTI_OP_ACCEPT, EINTR) X(ROOSTI_OP_ACCEPT, ECONNABORTED) X(ROOSTI_OP_ACCEPT, EMFILE)       \
    X(ROOSTI_OP_ACCEPT, ENFILE) X(ROOSTI_OP_ACCEPT, ENOBUFS) X(ROOSTI_OP_ACCEPT, ENOMEM)           \
    X(ROOSTI_OP_ACCEPT, EPERM) X(ROOSTI_OP_ACCEPT, EPROTO) X(ROOSTI_OP_ACCEPT, ENETDOWN)           \
    X(ROOSTI_OP_ACCEPT, ENOPROTOOPT) X(ROOSTI_OP_ACCEPT, EHOSTDOWN) X(ROOSTI_OP_ACCEPT, ENONET)    \
    X(ROOSTI_OP_ACCEPT, EHOSTUNREACH) X(ROOSTI_OP_ACCEPT, EOPNOTSUPP)                              \
    X(ROOSTI_OP_ACCEPT, ENETUNREACH)                                                               \
    X(ROOSTI_OP_CONNECT, EINTR) X(ROOSTI_OP_CONNECT, EAGAIN) X(ROOSTI_OP_CONNECT, ECONNREFUSED)    \
    X(ROOSTI_OP_CONNECT, ETIMEDOUT) X(ROOSTI_OP_CONNECT, ENETUNREACH)                              \
    X(ROOSTI_OP_CONNECT, EHOSTUNREACH) X(ROOSTI_OP_CONNECT, ECONNRESET)                            \
    X(ROOSTI_OP_CONNECT, EADDRNOTAVAIL) X(ROOSTI_OP_CONNECT, EADDRINUSE)                           \
    X(ROOSTI_OP_CONNECT, EACCES) X(ROOSTI_OP_CONNECT, EPERM) X(ROOSTI_OP_CONNECT, ENOBUFS)         \
    X(ROOSTI_OP_CONNECT, ENOMEM) X(ROOSTI_OP_CONNECT, ENETDOWN)                                    \
    X(ROOSTI_OP_OPEN, EINTR) X(ROOSTI_OP_OPEN, EMFILE) X(ROOSTI_OP_OPEN, ENFILE)                   \
    X(ROOSTI_OP_OPEN, ENOMEM) X(ROOSTI_OP_OPEN, ENOSPC) X(ROOSTI_OP_OPEN, EDQUOT)                  \
    X(ROOSTI_OP_OPEN, EACCES) X(ROOSTI_OP_OPEN, EPERM) X(ROOSTI_OP_OPEN, ENOENT)                   \
    X(ROOSTI_OP_OPEN, EIO) X(ROOSTI_OP_OPEN, EROFS) X(ROOSTI_OP_OPEN, ELOOP)                       \
    X(ROOSTI_OP_OPEN, ENXIO) X(ROOSTI_OP_OPEN, ETXTBSY) X(ROOSTI_OP_OPEN, EBUSY)                   \
    X(ROOSTI_OP_OPEN, ENODEV) X(ROOSTI_OP_OPEN, EOVERFLOW) X(ROOSTI_OP_OPEN, ESTALE)               \
    X(ROOSTI_OP_FSYNC, EINTR) X(ROOSTI_OP_FSYNC, EIO) X(ROOSTI_OP_FSYNC, ENOSPC)                   \
    X(ROOSTI_OP_FSYNC, EDQUOT) X(ROOSTI_OP_FSYNC, EROFS) X(ROOSTI_OP_FSYNC, ENOMEM)                \
    X(ROOSTI_OP_SENDV, EINTR) X(ROOSTI_OP_SENDV, ENOMEM) X(ROOSTI_OP_SENDV, ENOBUFS)               \
    X(ROOSTI_OP_SENDV, EPIPE) X(ROOSTI_OP_SENDV, ECONNRESET) X(ROOSTI_OP_SENDV, ETIMEDOUT)         \
    X(ROOSTI_OP_SENDV, EHOSTUNREACH) X(ROOSTI_OP_SENDV, ENETUNREACH) X(ROOSTI_OP_SENDV, ENETDOWN)  \
    X(ROOSTI_OP_SEND_MSG, EINTR) X(ROOSTI_OP_SEND_MSG, ENOMEM) X(ROOSTI_OP_SEND_MSG, ENOBUFS)      \
    X(ROOSTI_OP_SEND_MSG, ECONNREFUSED) X(ROOSTI_OP_SEND_MSG, EMSGSIZE)                            \
    X(ROOSTI_OP_SEND_MSG, EHOSTUNREACH) X(ROOSTI_OP_SEND_MSG, ENETUNREACH)                         \
    X(ROOSTI_OP_SEND_MSG, ENETDOWN) X(ROOSTI_OP_SEND_MSG, EPERM)                                   \
    X(ROOSTI_OP_SEND_MSG, ETOOMANYREFS)                                                            \
    X(ROOSTI_OP_RECV_MSG, EINTR) X(ROOSTI_OP_RECV_MSG, ENOMEM) X(ROOSTI_OP_RECV_MSG, ENOBUFS)      \
    X(ROOSTI_OP_RECV_MSG, ECONNREFUSED) X(ROOSTI_OP_RECV_MSG, EHOSTUNREACH)                        \
    X(ROOSTI_OP_RECV_MSG, ENETUNREACH) X(ROOSTI_OP_RECV_MSG, ENETDOWN)                             \
    X(ROOSTI_OP_FILE_CALL, EIO) X(ROOSTI_OP_FILE_CALL, ENOSPC) X(ROOSTI_OP_FILE_CALL, EDQUOT)      \
    X(ROOSTI_OP_FILE_CALL, EACCES) X(ROOSTI_OP_FILE_CALL, EROFS) X(ROOSTI_OP_FILE_CALL, ENOMEM)    \
    X(ROOSTI_OP_FILE_CALL, ESTALE)                                                                 \
    X(ROOSTI_OP_RECV_MULTI, EINTR) X(ROOSTI_OP_RECV_MULTI, ENOMEM)                                 \
    X(ROOSTI_OP_RECV_MULTI, ENOBUFS) X(ROOSTI_OP_RECV_MULTI, ECONNRESET)                           \
    X(ROOSTI_OP_RECV_MULTI, ECONNREFUSED) X(ROOSTI_OP_RECV_MULTI, ETIMEDOUT)                       \
    X(ROOSTI_OP_RECV_MULTI, EHOSTUNREACH) X(ROOSTI_OP_RECV_MULTI, ENETUNREACH)                     \
    X(ROOSTI_OP_RECV_MULTI, ENETDOWN)                                                              \
    X(ROOSTI_OP_ACCEPT_MULTI, EINTR) X(ROOSTI_OP_ACCEPT_MULTI, ECONNABORTED)                       \
    X(ROOSTI_OP_ACCEPT_MULTI, EMFILE) X(ROOSTI_OP_ACCEPT_MULTI, ENFILE)                            \
    X(ROOSTI_OP_ACCEPT_MULTI, ENOBUFS) X(ROOSTI_OP_ACCEPT_MULTI, ENOMEM)                           \
    X(ROOSTI_OP_ACCEPT_MULTI, EPERM) X(ROOSTI_OP_ACCEPT_MULTI, EPROTO)                             \
    X(ROOSTI_OP_ACCEPT_MULTI, ENETDOWN) X(ROOSTI_OP_ACCEPT_MULTI, EHOSTUNREACH)                    \
    X(ROOSTI_FAULT_SOCKET, EMFILE) X(ROOSTI_FAULT_SOCKET, ENFILE)                                  \
    X(ROOSTI_FAULT_SOCKET, ENOBUFS) X(ROOSTI_FAULT_SOCKET, ENOMEM)                                 \
    X(ROOSTI_FAULT_SOCKET, EACCES) X(ROOSTI_FAULT_SOCKET, EAFNOSUPPORT)                            \
    X(ROOSTI_FAULT_BIND, EADDRINUSE) X(ROOSTI_FAULT_BIND, EADDRNOTAVAIL)                           \
    X(ROOSTI_FAULT_BIND, EACCES) X(ROOSTI_FAULT_BIND, ENOMEM)                                      \
    X(ROOSTI_FAULT_LISTEN, EADDRINUSE) X(ROOSTI_FAULT_LISTEN, ENOBUFS)                             \
    X(ROOSTI_FAULT_LOCAL_ADDR, ENOBUFS)                                                            \
    X(ROOSTI_FAULT_PEER_ADDR, ENOTCONN) X(ROOSTI_FAULT_PEER_ADDR, ENOBUFS)                         \
    X(ROOSTI_FAULT_GET_OPTION, ENOMEM) X(ROOSTI_FAULT_GET_OPTION, ENOBUFS)                         \
    X(ROOSTI_FAULT_RECEIVE, ENOMEM) X(ROOSTI_FAULT_RECEIVE, ENOBUFS)                               \
    X(ROOSTI_FAULT_RECEIVE, ECONNREFUSED) X(ROOSTI_FAULT_RECEIVE, EHOSTUNREACH)                    \
    X(ROOSTI_FAULT_RECEIVE, ENETUNREACH) X(ROOSTI_FAULT_RECEIVE, ENETDOWN)                         \
    X(ROOSTI_FAULT_SOCKET_FILE, EACCES) X(ROOSTI_FAULT_SOCKET_FILE, ENOENT)                        \
    X(ROOSTI_FAULT_SOCKET_FILE, ENOMEM)                                                            \
    X(ROOSTI_FAULT_SOCKET_FILE_REMOVE, EACCES) X(ROOSTI_FAULT_SOCKET_FILE_REMOVE, EPERM)           \
    X(ROOSTI_FAULT_SOCKET_FILE_REMOVE, EROFS)                                                      \
    X(ROOSTI_FAULT_SET_OPTION, ENOMEM) X(ROOSTI_FAULT_SET_OPTION, ENOBUFS)                         \
    X(ROOSTI_FAULT_SET_OPTION, EPERM) X(ROOSTI_FAULT_SET_OPTION, ENOPROTOOPT)                      \
    X(ROOSTI_FAULT_SHUTDOWN, ENOTCONN)                                                             \
    X(ROOSTI_FAULT_PIPE, EMFILE) X(ROOSTI_FAULT_PIPE, ENFILE) X(ROOSTI_FAULT_PIPE, ENOMEM)         \
    X(ROOSTI_FAULT_SOCKET_PAIR, EMFILE) X(ROOSTI_FAULT_SOCKET_PAIR, ENFILE)                        \
    X(ROOSTI_FAULT_SOCKET_PAIR, ENOMEM) X(ROOSTI_FAULT_SOCKET_PAIR, ENOBUFS)                       \
    X(ROOSTI_FAULT_CLOSE, EINTR) X(ROOSTI_FAULT_CLOSE, EIO) X(ROOSTI_FAULT_CLOSE, ENOSPC)          \
    X(ROOSTI_FAULT_CLOSE, EDQUOT)                                                                  \
    X(ROOSTI_FAULT_LIST, EMFILE) X(ROOSTI_FAULT_LIST, ENFILE) X(ROOSTI_FAULT_LIST, ENOMEM)         \
    X(ROOSTI_FAULT_LIST, EACCES) X(ROOSTI_FAULT_LIST, EIO) X(ROOSTI_FAULT_LIST, ENOENT)            \
    X(ROOSTI_FAULT_LIST, ELOOP)
/* clang-format on */

struct roosti_fault_pair {
    unsigned kind; /* enum roosti_op_kind or enum roosti_fault_kind */
    int code;      /* negative */
};

#define ROOSTI_FAULT_COUNT_(kind, code) +1
enum { ROOSTI_FAULT_PAIR_COUNT = 0 ROOSTI_FAULT_MAP(ROOSTI_FAULT_COUNT_) };
#undef ROOSTI_FAULT_COUNT_

/* The table above, in its order; the pairs of one kind stand together. */
extern const struct roosti_fault_pair roosti_fault_pairs[ROOSTI_FAULT_PAIR_COUNT];

/* The name of a kind in words, such as "recv". */
const char *roosti_fault_kind_name(unsigned kind);

struct roosti_fault_stats {
    uint64_t seen;                              /* operations, steps of a multi, and calls */
    uint64_t seen_of[ROOSTI_FAULT_KIND_COUNT];  /* the same by kind */
    uint64_t injected[ROOSTI_FAULT_PAIR_COUNT]; /* how often each pair of the table */
    uint64_t errors;                            /* all injected codes, of the table or not */
    uint64_t again;        /* rounds an operation was held back as if not ready */
    uint64_t shortened;    /* reads and writes given less than they asked for */
    uint64_t delayed;      /* completions held back */
    uint64_t late_cancels; /* cancels kept from the inner port for a while */
};

/* The functions below take a fault port, unless they say otherwise, on the thread that opened it.
 */

void roosti_fault_stats_get(struct roosti_port *port, struct roosti_fault_stats *stats);

/* Another plan from now on; what is held back already comes as it was going to. NULL: no faults.
 * fail_at counts from the opening of the port all the same. */
void roosti_fault_plan_set(struct roosti_port *port, const struct roosti_fault_plan *plan);

/* The nth operation or call of this kind from now, counted from 1, fails with code. One at a time.
 */
void roosti_fault_force(struct roosti_port *port, unsigned kind, uint64_t nth, int code);

/* The port underneath; a port that is no fault port gives itself. */
struct roosti_port *roosti_fault_inner(struct roosti_port *port);

/* A hash of every disturbance; 0 for a port that is no fault port. */
uint64_t roosti_fault_trace_hash(struct roosti_port *port);

#endif
