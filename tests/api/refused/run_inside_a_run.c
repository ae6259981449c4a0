/* tests/api/refused/run_inside_a_run.c - a run begun in a task of another.
 *
 * refused by clang: cannot call function 'roost_run' while role 'roost_in_task' is held
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

ROOST_ASYNC(inner)
{
    return roost_yield();
}

ROOST_MAIN(argc, argv)
{
#ifdef MENDED
    return inner();
#else
    return roost_run(ROOST_CALL(inner), NULL);
#endif
}
