/* io/tcp.h - connecting to and listening at addresses that have been found.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_TCP_H
#define ROOST_IO_TCP_H

#include "io/socket_stream.h"

/* Addresses of one name that are tried; connections that wait to be accepted. */
enum { ROOSTI_ADDRESSES_MAX = 16, ROOSTI_BACKLOG = 1024 };

/* In a task. 0 or a code; opts may be NULL. */
int roosti_tcp_connect_to(const roost_address *address, const roost_tcp_opts *opts,
                          roost_stream **stream);
int roosti_tcp_listen_at(const roost_address *address, const roost_listen_opts *opts,
                         roost_listener **listener);

#endif
