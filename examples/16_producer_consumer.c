/* examples/16_producer_consumer.c - producers, consumers, backpressure, and the end of the stream.
 *
 * The channel holds four items: a producer that is ahead waits. Each producer has an end of its own
 * and closes it when it is done; when the last one has, the consumers take what is left and their
 * loops end. Nobody sends a sentinel, and nobody counts who is still there.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>
#include <roost/chan.h>

struct item {
    int producer;
    int seq;
};

enum { PRODUCERS = 3, CONSUMERS = 2, EACH = 20 };

ROOST_ASYNC(producer, roost_chan *, end, int, id, int, n)
{
    ROOST_AUTO(chan) roost_chan *ch = end; /* closed on every path out of here */
    for (int i = 0; i < n; i++) {
        struct item it = {.producer = id, .seq = i};
        ROOST_TRY(roost_chan_send(ch, &it)); /* waits while the channel is full */
    }
    return 0;
}

ROOST_ASYNC(consumer, roost_chan *, ch, int *, sums)
{
    struct item it;
    int rc;
    ROOST_CHAN_EACH(ch, &it, rc) {
        sums[it.producer] += it.seq;
        rc = roost_sleep(ROOST_US(100)); /* stands for work */
        if (rc < 0)
            break;
    }
    return rc; /* 0: all is received */
}

ROOST_ASYNC(start_producer, roost_group *, g, roost_chan *, ch, int, id)
{
    roost_chan *end = NULL;
    ROOST_TRY(roost_chan_clone(ch, ROOST_CHAN_SEND, &end));
    int rc = roost_go(g, ROOST_CALL(producer, end, id, EACH));
    if (rc < 0)
        roost_chan_close(end);
    return rc;
}

ROOST_MAIN(argc, argv)
{
    ROOST_AUTO(chan) roost_chan *ch = NULL;
    int sums[PRODUCERS] = {0};
    int rc = 0;
    roost_chan_opts opts = {.item_size = sizeof(struct item), .capacity = 4};
    ROOST_TRY(roost_chan_open(&opts, &ch));
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < PRODUCERS && rc == 0; i++)
            rc = start_producer(g, ch, i);
        for (int i = 0; i < CONSUMERS; i++)
            ROOST_GO(g, consumer, ch, sums);
        roost_chan_close_send(ch); /* from here on the producers are the only ones who can send */
    }
    for (int i = 0; i < PRODUCERS; i++)
        printf("producer %d: %d items, sum %d\n", i, EACH, sums[i]);
    return rc;
}
