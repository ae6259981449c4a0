/* tests/api/refused/sleep_outside_a_task.c - a call that suspends, made where there is no task.
 *
 * refused by clang: requires holding role 'roost_in_task'
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#ifdef MENDED
ROOST_SUSPENDS
#endif
static int nap(void)
{
    return roost_sleep(ROOST_MS(1));
}

ROOST_MAIN(argc, argv)
{
    return nap();
}
