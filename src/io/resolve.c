/* io/resolve.c - what a text that names a place means.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/address.h"

int roosti_resolve(const char *text, roost_address *addresses, size_t most)
{
    (void)most;
    int rc = roost_address_parse(text, &addresses[0]);
    if (rc < 0)
        return rc;
    return roosti_address_family(&addresses[0]) == AF_UNIX ? ROOST_EINVAL : 1;
}
