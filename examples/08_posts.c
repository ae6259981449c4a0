/* examples/08_posts.c - a thread hands its results to a task.
 *
 * Posting is the one call a foreign thread may make. What is posted runs on the loop between two
 * steps of its tasks, so it shares data with them without a lock. Cancelling a scope is the way to
 * wake a task from there.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <stdio.h>

#include <roost.h>

enum { SQUARES = 1000 };

struct sum {
    roost_poster *poster;
    roost_scope done; /* cancelled when the last square has arrived */
    long total;
    int arrived;
    struct square {
        struct sum *sum;
        long value;
    } squares[SQUARES];
};

/* On the loop. */
static void square_arrived(void *arg)
{
    struct square *square = arg;
    struct sum *sum = square->sum;
    sum->total += square->value;
    if (++sum->arrived == SQUARES)
        roost_scope_cancel(&sum->done, "all have arrived");
}

/* On a thread of its own; any blocking call could stand here. */
static void *compute(void *arg)
{
    struct sum *sum = arg;
    for (int i = 0; i < SQUARES; i++) {
        sum->squares[i] = (struct square){.sum = sum, .value = (long)i * i};
        if (roost_post(sum->poster, square_arrived, &sum->squares[i]) < 0)
            break; /* the run is over */
    }
    roost_poster_close(sum->poster); /* from here on nobody outside can wake the run */
    return NULL;
}

ROOST_MAIN(argc, argv)
{
    static struct sum sum;
    pthread_t thread;

    ROOST_TRY(roost_poster_open(&sum.poster));
    roost_scope_init(&sum.done, NULL);
    ROOST_TRY(roost_scope_enter(&sum.done));
    int rc = -pthread_create(&thread, NULL, compute, &sum);
    if (rc == 0)
        rc = roost_sleep_forever();
    else
        roost_poster_close(sum.poster);
    rc = roost_scope_end(&sum.done, rc); /* its own cancellation ends here, with 0 */
    if (rc == 0)
        pthread_join(thread, NULL);
    ROOST_TRY(rc);
    printf("%d squares arrived, their sum is %ld\n", sum.arrived, sum.total);
    return 0;
}
