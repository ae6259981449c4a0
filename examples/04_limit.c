/* examples/04_limit.c - many tasks, at most three at a time.
 *
 * Starting a task in a group at its limit waits until another one has finished: a sliding window,
 * and a producer that cannot run ahead of its consumers.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

struct station {
    int busy;
    int busy_max;
    int served;
};

ROOST_ASYNC(serve, struct station *, station, int, id)
{
    station->busy++; /* no lock: tasks of one loop give way only in suspending calls */
    if (station->busy > station->busy_max)
        station->busy_max = station->busy;
    int rc = roost_sleep(ROOST_MS(5 + id % 3));
    station->busy--;
    ROOST_TRY(rc);
    station->served++;
    return 0;
}

ROOST_MAIN(argc, argv)
{
    struct station station = {0};
    roost_group_opts opts = {.limit = 3, .label = "window of three"};
    int rc = 0;

    ROOST_GROUP_WITH(g, rc, &opts) {
        for (int i = 0; i < 30; i++)
            ROOST_GO(g, serve, &station, i);
    }
    ROOST_TRY(rc);
    printf("served %d, at most %d at once\n", station.served, station.busy_max);
    return 0;
}
