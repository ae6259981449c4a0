/* examples/21_map_limit.c - one function over many items, so many at a time.
 *
 * A sliding window begins a call whenever one ends; batches wait for the slowest of each. Each call
 * is made when its turn comes, so a million items take the stacks of ten tasks.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

enum { URLS = 30 };

struct client {
    int busy;
    int busy_max;
    int requests;
};

ROOST_ASYNC(fetch, struct client *, client, int, id, int *, out)
{
    if (++client->busy > client->busy_max)
        client->busy_max = client->busy;
    int rc = roost_sleep(ROOST_MS(2 + id % 3));
    client->busy--;
    ROOST_TRY(rc);
    client->requests++;
    *out = id * 10;
    return 0;
}

ROOST_ASYNC(twice, const int, item, int *, out)
{
    ROOST_TRY(roost_yield());
    *out = item * 2;
    return 0;
}

ROOST_MAIN(argc, argv)
{
    int ids[URLS];
    int pages[URLS];
    int doubled[URLS];
    for (int i = 0; i < URLS; i++)
        ids[i] = i;

    /* The function takes an item and a place for its result. */
    ROOST_TRY(roost_map(twice, ids, URLS, doubled, &(roost_map_opts){.limit = 10}));
    printf("the last one doubled: %d\n", doubled[URLS - 1]);

    /* Any other arguments: i counts the calls. */
    struct client client = {0};
    roost_map_opts opts = {.limit = 10};
    ROOST_TRY(ROOST_MAP(i, URLS, &opts, fetch, &client, ids[i], &pages[i]));
    printf("%d requests, %d at once, the last: %d\n", client.requests, client.busy_max,
           pages[URLS - 1]);

    /* In batches, with something to do after each. */
    client = (struct client){0};
    ROOST_EACH_BATCH(first, count, URLS, 12)
    {
        ROOST_TRY(ROOST_MAP(i, count, NULL, fetch, &client, ids[first + i], &pages[first + i]));
        printf("batch of %zu, requests so far: %d\n", count, client.requests);
    }
    return 0;
}
