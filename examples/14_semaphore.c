/* examples/14_semaphore.c - twenty calls of a service that takes three at a time.
 *
 * The guides' sample of a semaphore: every task is started at once, and each waits for a permit
 * before it calls. The permit is released when its block is left, by whatever path. A rate beside
 * it bounds calls per second, which a semaphore cannot.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

enum { REQUESTS = 20, AT_ONCE = 3 };

struct service {
    roost_sem slots;
    int busy;
    int busy_max;
};

struct response {
    int item;
    int status;
};

ROOST_ASYNC(api_call, struct service *, service, int, item, struct response *, out)
{
    int rc = 0;
    ROOST_PERMIT(&service->slots, rc) {
        if (++service->busy > service->busy_max)
            service->busy_max = service->busy;
        rc = roost_sleep(ROOST_MS(5)); /* stands for the call */
        if (rc == 0)
            *out = (struct response){.item = item, .status = 200};
        service->busy--;
    }
    return rc;
}

ROOST_ASYNC(limited_requests, struct service *, service, struct response *, out, int, count)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < count; i++)
            ROOST_GO(g, api_call, service, i, &out[i]);
    }
    return rc;
}

/* A hundred calls per second, ten of them at once: thirty take two tenths of a second. */
ROOST_ASYNC(paced_requests, int *, milliseconds)
{
    roost_rate rate;
    roost_time start = roost_now();
    ROOST_TRY(roost_rate_init(&rate, &(roost_rate_opts){.count = 100, .burst = 10}));
    for (int i = 0; i < 30; i++)
        ROOST_TRY(roost_rate_acquire(&rate));
    *milliseconds = (int)((roost_now() - start) / ROOST_MS(1));
    return 0;
}

ROOST_MAIN(argc, argv)
{
    struct service service = {.slots = ROOST_SEM_INIT(AT_ONCE)};
    struct response responses[REQUESTS] = {{0, 0}};
    int milliseconds = 0;
    int good = 0;

    ROOST_TRY(limited_requests(&service, responses, REQUESTS));
    for (int i = 0; i < REQUESTS; i++)
        good += responses[i].status == 200 && responses[i].item == i;
    printf("completed %d requests, at most %d at once\n", good, service.busy_max);

    ROOST_TRY(paced_requests(&milliseconds));
    printf("thirty more took %s 200 ms\n", milliseconds >= 200 ? "at least" : "less than");
    return 0;
}
