/* examples/25_to_thread.c - blocking and computing calls beside the loop.
 *
 * roost_to_thread makes a call on a worker thread, so that the loop goes on; roost_cpu_map makes
 * many, on every processor. What a thread wants of the loop it asks by roost_from_thread_call, and
 * whether its result is still wanted by roost_thread_cancelled.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

/* Computes for long and never gives way: as a task it would hold up all others. */
ROOST_ASYNC(fibonacci, int, n, long *, out)
{
    long last = 0;
    long next = 1;
    for (int i = 0; i < n && !roost_thread_cancelled(); i++) {
        long sum = last + next;
        last = next;
        next = sum;
    }
    *out = last;
    return 0;
}

ROOST_ASYNC(tell, int, percent)
{
    printf("on the loop: %d %%\n", percent);
    return roost_yield(); /* it is a call of the waiting task, and may suspend */
}

/* On a thread: reports to the loop on its way. */
ROOST_ASYNC(long_work, int, steps)
{
    for (int i = 1; i <= steps; i++)
        ROOST_TRY(roost_from_thread_call(ROOST_CALL(tell, 100 * i / steps), NULL));
    return steps;
}

ROOST_MAIN(argc, argv)
{
    long out = 0;
    ROOST_TRY(roost_to_thread(ROOST_CALL(fibonacci, 35, &out)));
    printf("fibonacci(35) is %ld\n", out);

    int steps = ROOST_TRY(roost_to_thread(ROOST_CALL(long_work, 4)));
    printf("%d steps\n", steps);

    int numbers[5] = {10, 20, 30, 40, 50};
    long results[5];
    ROOST_TRY(roost_cpu_map(fibonacci, numbers, 5, results));
    for (int i = 0; i < 5; i++)
        printf("fibonacci(%d) is %ld\n", numbers[i], results[i]);
    return 0;
}
