/* roost/address.h - addresses of sockets, as values.
 *
 * Calls that open something take an address as text: "127.0.0.1:7000", "[::1]:7000",
 * "[fe80::1%2]:7000" with the number of an interface, "/run/app.sock", and "@name" for a Unix name
 * without a file. Where each message has an address of its own, it is one of these.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_ADDRESS_H
#define ROOST_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

/* Bytes of the longest text, its terminating zero included. */
#define ROOST_ADDRESS_TEXT_MAX 112

/* Zeroed: none. All members are private. */
typedef struct roost_address {
    struct {
        uint32_t len;       /* bytes of the system's form */
        uint64_t words[14]; /* that form, zeroes behind it */
    } priv;
} roost_address;

ROOST_BEGIN_DECLS

/**
 * roost_address_parse - read an address.
 *
 *   text      numbers or a path, as above; names are not looked up.
 *   address   written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  it is none of these; -ENAMETOOLONG  a path of more than 107 bytes.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_address_parse(const char *text, roost_address *address);

/**
 * roost_address_format - write an address as text.
 *
 *   address   borrowed; of nobody (zeroed, or a Unix socket without a name): "".
 *   buf       written on success only.
 *   size      bytes at buf; ROOST_ADDRESS_TEXT_MAX is enough.
 *
 * Returns the length of the text.
 *
 * Suspends  never.
 * Errors    -ENAMETOOLONG  it does not fit.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_address_format(const roost_address *address, char *buf, size_t size);

/**
 * roost_address_equal - whether two addresses are the same.
 *
 *   a         borrowed.
 *   b         borrowed.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API bool roost_address_equal(const roost_address *a, const roost_address *b);

/**
 * roost_address_port - the port of an address; 0 where it has none.
 *
 *   address   borrowed.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API uint16_t roost_address_port(const roost_address *address);

ROOST_END_DECLS

#endif
