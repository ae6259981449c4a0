/* roost/udp.h - datagrams.
 *
 *     char buf[1500];
 *     roost_datagram in = {.data = buf, .size = sizeof buf};
 *     ROOST_TRY(roost_udp_open("127.0.0.1:5000", NULL, &udp));
 *     ROOST_TRY(roost_udp_recv(udp, &in));
 *     ROOST_TRY(roost_udp_send_to(udp, &in.from, buf, in.len));
 *
 * One task may receive while others send. Datagrams get lost, and overtake each other.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_UDP_H
#define ROOST_UDP_H

#include <stdbool.h>
#include <stddef.h>

#include <roost/address.h>
#include <roost/config.h>
#include <roost/error.h>

typedef struct roost_udp roost_udp;

/* Zero means default. */
typedef struct roost_udp_opts {
    const char *remote; /* sends go there and only what comes from there is received; default: no
                           fixed peer */
    bool reuse_port;    /* several sockets share the local address */
    bool broadcast;     /* sending to broadcast addresses is allowed */
    bool v6only;        /* "[::]" takes no IPv4 datagrams */
} roost_udp_opts;

/* A datagram received. Set data and size; the rest is written. */
typedef struct roost_datagram {
    void *data;
    size_t size;        /* bytes at data */
    size_t len;         /* bytes received there */
    size_t full_len;    /* bytes the datagram had: more than len when it was cut */
    roost_address from; /* who sent it */
} roost_datagram;

ROOST_BEGIN_DECLS

/**
 * roost_udp_open - open a socket for datagrams.
 *
 *   local     "127.0.0.1:5000", port 0 for a free one; NULL with a remote: the system's choice.
 *   opts      copied; NULL for defaults.
 *   udp       gives one, release with roost_udp_close; written on success only.
 *
 * Suspends  never for numbers.
 * Errors    ROOST_EINVAL  not an address, or neither local nor remote; -EADDRINUSE and what else
 *           binding meets; -EMFILE, -ENFILE; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_udp_open(const char *local,
                                                       const roost_udp_opts *opts, roost_udp **udp);

/**
 * roost_udp_recv - receive the next datagram.
 *
 *   udp       open.
 *   datagram  data and size as above; the rest is written on success only.
 *
 * Suspends  until one comes.
 * Cancel    ROOST_ECANCELED; nothing was received.
 * Errors    ROOST_EBUSY  another task is receiving; ROOST_ECLOSED  closed under the waiting task;
 *           -ECONNREFUSED  with a remote: nobody was there for an earlier one; what else receiving
 *           meets; ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of its loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_udp_recv(roost_udp *udp, roost_datagram *datagram);

/**
 * roost_udp_recv_many - receive what is there: the next datagram, and those that came with it.
 *
 *   udp        open.
 *   datagrams  as for roost_udp_recv, each with memory of its own.
 *   count      of them; at least 1.
 *
 * Returns how many were received, at least 1.
 *
 * Suspends  until one comes.
 * Cancel    ROOST_ECANCELED; nothing was received.
 * Errors    those of roost_udp_recv, if the first meets them; ROOST_EINVAL  count is 0.
 * Threads   tasks of its loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_udp_recv_many(roost_udp *udp,
                                                            roost_datagram *datagrams,
                                                            size_t count);

/**
 * roost_udp_send - send a datagram to the remote.
 *
 *   udp       open, with a remote.
 *   data      borrowed.
 *   len       bytes; 0 is allowed.
 *
 * Suspends  while the system has no room for it.
 * Cancel    ROOST_ECANCELED; it was not sent.
 * Errors    -EDESTADDRREQ  it has no remote; -EMSGSIZE  too long; -ECONNREFUSED  nobody was there
 *           for an earlier one; ROOST_ECLOSED  closed under the waiting task; what else sending
 *           meets; ROOST_EBUSY  another task waits for room; ROOST_EXLOOP; ROOST_ENOCTX.
 * Threads   tasks of its loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_udp_send(roost_udp *udp, const void *data,
                                                       size_t len);

/**
 * roost_udp_send_to - send a datagram to an address.
 *
 *   udp       open; of the same family as the address.
 *   to        borrowed.
 *   data      borrowed.
 *   len       bytes; 0 is allowed.
 *
 * Suspends  while the system has no room for it.
 * Cancel    ROOST_ECANCELED; it was not sent.
 * Errors    those of roost_udp_send; -EAFNOSUPPORT  another family; ROOST_EINVAL  an empty address.
 * Threads   tasks of its loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_udp_send_to(roost_udp *udp, const roost_address *to,
                                                          const void *data, size_t len);

/**
 * roost_udp_address - where a socket is bound, as text.
 *
 *   udp       open.
 *   buf       written on success only.
 *   size      bytes at buf; ROOST_ADDRESS_TEXT_MAX is enough.
 *
 * Returns the length of the text.
 *
 * Suspends  never.
 * Errors    -ENAMETOOLONG  it does not fit; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX  not in a run.
 * Threads   its loop.
 */
ROOST_API ROOST_MUST int roost_udp_address(roost_udp *udp, char *buf, size_t size);

/**
 * roost_udp_close - close a socket.
 *
 *   udp       taken; NULL is accepted. Tasks that wait on it get ROOST_ECLOSED.
 *
 * Suspends  never.
 * Errors    what closing met; everything is released all the same. ROOST_EXLOOP  it belongs to
 *           another loop: nothing was done.
 * Threads   its loop.
 */
ROOST_API int roost_udp_close(roost_udp *udp);

ROOST_END_DECLS

/* For ROOST_AUTO(udp). */
static inline void roost_udp_cleanup(roost_udp **udp)
{
    (void)roost_udp_close(*udp);
}

#endif
