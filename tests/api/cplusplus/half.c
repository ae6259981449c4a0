/* tests/api/cplusplus/half.c - see half.h.
 *
 * SPDX-License-Identifier: MIT
 */
#include "api/cplusplus/half.h"

ROOST_ASYNC_DEFINE(half_of_it, int, whole)
{
    ROOST_TRY(roost_yield());
    return whole / 2;
}
