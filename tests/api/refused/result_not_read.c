/* tests/api/refused/result_not_read.c - the result of a call that can fail, dropped in silence.
 *
 * refused by gcc clang: unused
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

ROOST_MAIN(argc, argv)
{
#ifdef MENDED
    roost_ignore(roost_sleep(ROOST_MS(1)));
#else
    roost_sleep(ROOST_MS(1));
#endif
    return 0;
}
