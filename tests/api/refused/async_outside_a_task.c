/* tests/api/refused/async_outside_a_task.c - an async function called where there is no task.
 *
 * refused by clang: requires holding role 'roost_in_task'
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

ROOST_ASYNC(answer, int, n)
{
    ROOST_TRY(roost_sleep(ROOST_MS(n)));
    return 42;
}

int main(void)
{
#ifdef MENDED
    return roost_run(ROOST_CALL(answer, 1), NULL);
#else
    return answer(1);
#endif
}
