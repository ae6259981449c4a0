/* io/address.h - addresses between text, value and the system's form, and finding them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_ADDRESS_H
#define ROOST_IO_ADDRESS_H

#include <roost/address.h>

#include "port/socket.h"

/* The system's form, address->priv.len bytes; and an address of it, cut to what fits. */
const struct sockaddr *roosti_address_system(const roost_address *address);
void roosti_address_set(roost_address *address, const void *system, uint32_t len);

/* AF_INET, AF_INET6, AF_UNIX; AF_UNSPEC for none. */
int roosti_address_family(const roost_address *address);

/* A path or "@name", and nothing else: 0 or a code. */
int roosti_address_parse_unix(const char *text, roost_address *address);

/* The addresses that a text with a port means, the best first. Returns how many, at least 1 and at
 * most `most`, or a code. May suspend where a name has to be looked up. */
int roosti_resolve(const char *text, roost_address *addresses, size_t most);

#endif
