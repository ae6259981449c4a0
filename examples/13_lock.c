/* examples/13_lock.c - a lock around what is read, waited over and written back.
 *
 * Five workers count to fifty together. Without the lock each would write back what it had read
 * before the others wrote, and most of the counting would be lost.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

struct counter {
    roost_mutex mutex;
    int value;
};

ROOST_ASYNC(increment, struct counter *, counter)
{
    int rc = 0;
    ROOST_LOCK(&counter->mutex, rc) {
        int current = counter->value;
        rc = roost_sleep(ROOST_MS(1)); /* stands for work that suspends */
        if (rc == 0)
            counter->value = current + 1;
    }
    return rc;
}

ROOST_ASYNC(get_value, struct counter *, counter)
{
    int rc = 0;
    ROOST_LOCK(&counter->mutex, rc)
        rc = counter->value;
    return rc;
}

ROOST_ASYNC(worker, struct counter *, counter)
{
    for (int i = 0; i < 10; i++)
        ROOST_TRY(increment(counter));
    return 0;
}

ROOST_MAIN(argc, argv)
{
    static struct counter counter; /* zeroed: unlocked */
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 5; i++)
            ROOST_GO(g, worker, &counter);
    }
    if (rc == 0)
        rc = get_value(&counter);
    if (rc < 0)
        return rc;
    printf("final value: %d\n", rc);
    return 0;
}
