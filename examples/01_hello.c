/* examples/01_hello.c - run, sleep, gather: five waits of 50 ms take 50 ms together.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

struct user {
    int id;
    char name[32];
};

ROOST_ASYNC(fetch_user, int, id, struct user *, out)
{
    ROOST_TRY(roost_sleep(ROOST_MS(50))); /* stands for a request to some server */
    out->id = id;
    snprintf(out->name, sizeof out->name, "User %d", id);
    return 0;
}

ROOST_ASYNC(fetch_all, struct user *, users, int, n)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < n; i++)
            ROOST_GO(g, fetch_user, i + 1, &users[i]);
    }
    /* All have finished here. rc: the first failure, the others cancelled and joined; else 0. */
    return rc;
}

ROOST_MAIN(argc, argv)
{
    struct user users[5];
    ROOST_TRY(ROOST_WITHIN(ROOST_SEC(2), fetch_all(users, 5))); /* ROOST_ETIMEDOUT after 2 s */
    for (int i = 0; i < 5; i++)
        printf("%d %s\n", users[i].id, users[i].name);
    return 0;
}
