/* examples/10_every_core.c - one loop per processor, and calls from loop to loop.
 *
 * Tasks never move to another thread. Work is spread by placing calls: roost_on_loop runs one as a
 * task of another loop and waits for its result. Here every loop takes every n-th number.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

enum { NUMBERS = 100000 };

static int is_prime(int n)
{
    for (int d = 2; d * d <= n; d++)
        if (n % d == 0)
            return 0;
    return n >= 2;
}

/* Runs on the loop it was placed on; gives way now and then, since computing suspends nowhere. */
ROOST_ASYNC(count_primes, int, first, int, step)
{
    int count = 0;
    for (int n = first; n < NUMBERS; n += step) {
        count += is_prime(n);
        ROOST_TRY(roost_checkpoint());
    }
    return count;
}

ROOST_ASYNC(count_on_loop, int, index, int *, total)
{
    int count = 0;
    ROOST_TRY(roost_on_loop(index, ROOST_CALL(count_primes, index, roost_loop_count()), &count));
    ROOST_TRY(count); /* what count_primes itself came to */
    *total += count;  /* back on the loop of the caller: no lock */
    return 0;
}

ROOST_ASYNC(count_everywhere, int *, total)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < roost_loop_count(); i++)
            ROOST_GO(g, count_on_loop, i, total);
    }
    return rc;
}

int main(void)
{
    int total = 0;
    int rc = roost_run(ROOST_CALL(count_everywhere, &total), &(roost_run_opts){.loops = -1});
    if (rc < 0) {
        fprintf(stderr, "10_every_core: %s\n", roost_error_text(rc));
        return 1;
    }
    printf("%d primes below %d\n", total, NUMBERS);
    return 0;
}
