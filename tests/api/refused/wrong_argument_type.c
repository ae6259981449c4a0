/* tests/api/refused/wrong_argument_type.c - a task is started with what its function does not take.
 *
 * refused by gcc clang: incompatible pointer type
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

ROOST_ASYNC(fill, int *, out)
{
    *out = 1;
    return 0;
}

ROOST_MAIN(argc, argv)
{
#ifdef MENDED
    int value = 0;
#else
    double value = 0;
#endif
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, fill, &value);
    }
    return rc;
}
