/* io/address.c - addresses between text, value and the system's form.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/address.h"

#include <stdio.h>
#include <string.h>

enum { PATH_MAX_BYTES = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };

_Static_assert(sizeof(((roost_address *)0)->priv.words) >= sizeof(struct sockaddr_un),
               "an address holds each form");
_Static_assert((int)PATH_MAX_BYTES + 2 <= (int)ROOST_ADDRESS_TEXT_MAX, "a text holds each name");

const struct sockaddr *roosti_address_system(const roost_address *address)
{
    return (const struct sockaddr *)(const void *)address->priv.words;
}

void roosti_address_set(roost_address *address, const void *system, uint32_t len)
{
    *address = (roost_address){0};
    if (len > sizeof address->priv.words)
        len = sizeof address->priv.words;
    memcpy(address->priv.words, system, len);
    address->priv.len = len;
}

int roosti_address_family(const roost_address *address)
{
    sa_family_t family = AF_UNSPEC;
    if (address->priv.len >= sizeof family)
        memcpy(&family, address->priv.words, sizeof family);
    return family;
}

/* -- reading ----------------------------------------------------------------------------------- */

/* Decimal digits up to the end, without a sign. */
static int number_parse(const char *text, uint32_t most, uint32_t *number)
{
    uint64_t value = 0;
    if (*text == '\0')
        return ROOST_EINVAL;
    for (; *text; text++) {
        if (*text < '0' || *text > '9')
            return ROOST_EINVAL;
        value = value * 10 + (uint64_t)(*text - '0');
        if (value > most)
            return ROOST_EINVAL;
    }
    *number = (uint32_t)value;
    return 0;
}

int roosti_address_parse_unix(const char *text, roost_address *address)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(text);
    bool abstract = text[0] == '@' && len > 1;
    if (!abstract && !strchr(text, '/'))
        return ROOST_EINVAL;
    if (len > PATH_MAX_BYTES)
        return -ENAMETOOLONG;
    memcpy(un.sun_path, text, len);
    if (abstract)
        un.sun_path[0] = '\0';
    size_t size = offsetof(struct sockaddr_un, sun_path) + len + (abstract ? 0 : 1);
    roosti_address_set(address, &un, (uint32_t)size);
    return 0;
}

/* "::1" or "fe80::1%2", without brackets. */
static int parse_v6(char *host, uint16_t port, roost_address *address)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    char *zone = strchr(host, '%');
    if (zone) {
        *zone = '\0';
        uint32_t scope;
        if (number_parse(zone + 1, UINT32_MAX, &scope) < 0)
            return ROOST_EINVAL;
        in6.sin6_scope_id = scope;
    }
    if (inet_pton(AF_INET6, host, &in6.sin6_addr) != 1)
        return ROOST_EINVAL;
    roosti_address_set(address, &in6, sizeof in6);
    return 0;
}

static int parse_v4(const char *host, uint16_t port, roost_address *address)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &in.sin_addr) != 1)
        return ROOST_EINVAL;
    roosti_address_set(address, &in, sizeof in);
    return 0;
}

int roost_address_parse(const char *text, roost_address *address)
{
    if (!text)
        return ROOST_EINVAL;
    if (text[0] == '@' || strchr(text, '/'))
        return roosti_address_parse_unix(text, address);
    char host[64];
    bool v6 = text[0] == '[';
    const char *from = v6 ? text + 1 : text;
    const char *end = strchr(from, v6 ? ']' : ':');
    if (!end || (size_t)(end - from) >= sizeof host)
        return ROOST_EINVAL;
    const char *colon = v6 ? end + 1 : end;
    uint32_t port;
    if (*colon != ':' || number_parse(colon + 1, UINT16_MAX, &port) < 0)
        return ROOST_EINVAL;
    memcpy(host, from, (size_t)(end - from));
    host[end - from] = '\0';
    return v6 ? parse_v6(host, (uint16_t)port, address) : parse_v4(host, (uint16_t)port, address);
}

/* -- writing ----------------------------------------------------------------------------------- */

static int format_unix(const roost_address *address, char *text, size_t size)
{
    struct sockaddr_un un;
    memcpy(&un, address->priv.words, sizeof un);
    size_t head = offsetof(struct sockaddr_un, sun_path);
    if (address->priv.len <= head)
        return snprintf(text, size, "%s", "");
    int len = (int)(address->priv.len - head);
    if (un.sun_path[0] != '\0')
        return snprintf(text, size, "%.*s", len, un.sun_path);
    return snprintf(text, size, "@%.*s", len - 1, un.sun_path + 1);
}

static int format_v6(const roost_address *address, char *text, size_t size)
{
    struct sockaddr_in6 in6;
    char host[INET6_ADDRSTRLEN] = "";
    memcpy(&in6, address->priv.words, sizeof in6);
    (void)inet_ntop(AF_INET6, &in6.sin6_addr, host, sizeof host);
    unsigned port = ntohs(in6.sin6_port);
    if (in6.sin6_scope_id != 0)
        return snprintf(text, size, "[%s%%%u]:%u", host, (unsigned)in6.sin6_scope_id, port);
    return snprintf(text, size, "[%s]:%u", host, port);
}

static int format_v4(const roost_address *address, char *text, size_t size)
{
    struct sockaddr_in in;
    char host[INET_ADDRSTRLEN] = "";
    memcpy(&in, address->priv.words, sizeof in);
    (void)inet_ntop(AF_INET, &in.sin_addr, host, sizeof host);
    return snprintf(text, size, "%s:%u", host, (unsigned)ntohs(in.sin_port));
}

int roost_address_format(const roost_address *address, char *buf, size_t size)
{
    char text[ROOST_ADDRESS_TEXT_MAX] = "";
    int len = 0;
    switch (roosti_address_family(address)) {
    case AF_UNIX:
        len = format_unix(address, text, sizeof text);
        break;
    case AF_INET:
        len = format_v4(address, text, sizeof text);
        break;
    case AF_INET6:
        len = format_v6(address, text, sizeof text);
        break;
    default:
        break;
    }
    if ((size_t)len >= size)
        return -ENAMETOOLONG;
    memcpy(buf, text, (size_t)len + 1);
    return len;
}

/* -- looking ----------------------------------------------------------------------------------- */

bool roost_address_equal(const roost_address *a, const roost_address *b)
{
    return a->priv.len == b->priv.len &&
           memcmp(a->priv.words, b->priv.words, sizeof a->priv.words) == 0;
}

uint16_t roost_address_port(const roost_address *address)
{
    struct sockaddr_in in;
    int family = roosti_address_family(address);
    if (family != AF_INET && family != AF_INET6)
        return 0;
    /* Both families have it at the same place. */
    memcpy(&in, address->priv.words, sizeof in);
    return ntohs(in.sin_port);
}
