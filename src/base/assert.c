/* base/assert.c - what happens when an invariant or a contract does not hold.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

void roosti_abort_rule(const char *kind, const char *rule, const char *file, int line,
                       const char *function)
{
    fprintf(stderr, "roost: %s broken in %s (%s:%d): %s\n", kind, function, file, line, rule);
    abort();
}
