/* port/socket.h - the system's words for sockets: forms of addresses, options, messages.
 *
 * The layers above fill these in and hand them to a port; they make no call that is declared here.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_SOCKET_H
#define ROOST_PORT_SOCKET_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#endif
