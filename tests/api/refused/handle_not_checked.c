/* tests/api/refused/handle_not_checked.c - a handle used after a spawn that may have failed.
 *
 * refused by gcc clang: unused
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

ROOST_ASYNC(step)
{
    return roost_yield();
}

ROOST_MAIN(argc, argv)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task = NULL;
#ifdef MENDED
        rc = ROOST_SPAWN(&task, g, step);
#else
        ROOST_SPAWN(&task, g, step);
#endif
        if (rc == 0)
            rc = roost_join(task, NULL);
    }
    return rc;
}
