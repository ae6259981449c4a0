/* tests/api/refused/own_result_not_read.c - a user's async function is must-use as well.
 *
 * refused by gcc clang: unused
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

ROOST_ASYNC(step, int, n)
{
    return roost_sleep(ROOST_MS(n));
}

ROOST_MAIN(argc, argv)
{
#ifdef MENDED
    ROOST_TRY(step(1));
#else
    step(1);
#endif
    return 0;
}
