/* tests/api/cplusplus/half.h - an async function that C++ calls and C defines.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef HALF_H
#define HALF_H

#include <roost.h>

ROOST_ASYNC_DECLARE(half_of_it, int, whole);

#endif
