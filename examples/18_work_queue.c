/* examples/18_work_queue.c - producers, a bounded queue, workers, and waiting for the work.
 *
 * A full queue makes the producers wait, so they never run far ahead. The last word is the queue's:
 * when every item has been marked done it is shut down, and the workers come home. Nobody puts
 * sentinels in, and nobody is cancelled.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

enum { PRODUCERS = 2, ITEMS = 5, WORKERS = 3 };

struct item {
    int producer;
    int number;
};

ROOST_ASYNC(producer, roost_queue *, queue, int, id)
{
    for (int i = 0; i < ITEMS; i++) {
        struct item item = {.producer = id, .number = i};
        ROOST_TRY(roost_queue_put(queue, &item)); /* waits while the queue is full */
        ROOST_TRY(roost_sleep(ROOST_MS(1)));
    }
    return 0;
}

ROOST_ASYNC(worker, roost_queue *, queue, int *, worked)
{
    struct item item;
    int rc;
    while ((rc = roost_queue_get(queue, &item)) == 0) {
        ROOST_TRY(roost_sleep(ROOST_MS(2))); /* stands for the work */
        worked[item.producer] += 1 << item.number;
        roost_queue_task_done(queue);
    }
    return rc == ROOST_ECLOSED ? 0 : rc; /* shut down: nothing is left to do */
}

ROOST_MAIN(argc, argv)
{
    ROOST_AUTO(queue) roost_queue *queue = NULL;
    roost_queue_opts opts = {.item_size = sizeof(struct item), .capacity = 4};
    int worked[PRODUCERS] = {0};
    int rc = 0;

    ROOST_TRY(roost_queue_open(&opts, &queue));
    ROOST_GROUP(workers, rc) {
        for (int i = 0; i < WORKERS; i++)
            ROOST_GO(workers, worker, queue, worked);

        ROOST_GROUP(producers, rc) {
            for (int i = 0; i < PRODUCERS; i++)
                ROOST_GO(producers, producer, queue, i);
        }
        if (rc == 0)
            rc = roost_queue_join(queue); /* until every item has been marked done */
        roost_queue_shutdown(queue, false);
    }

    roost_queue_stats stats;
    roost_queue_stats_get(queue, &stats);
    for (int i = 0; i < PRODUCERS; i++)
        printf("producer %d: %s\n", i, worked[i] == (1 << ITEMS) - 1 ? "each once" : "wrong");
    printf("%d items put in, %d marked done\n", (int)stats.puts, (int)stats.done);
    printf("never more than 4 inside: %s\n", stats.size_max <= 4 ? "yes" : "no");
    return rc;
}
