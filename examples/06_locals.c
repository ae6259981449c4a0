/* examples/06_locals.c - task-locals: a request's number that no function has to pass on.
 *
 * A task starts with the values its spawner had at that moment. What it sets itself, the functions
 * it calls see and the tasks it starts from then on; its spawner does not.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>

#include <roost.h>

static const roost_var request_id = {.name = "request id", .drop = free};

static int request_id_set(int id)
{
    int *value = malloc(sizeof *value);
    if (!value)
        return ROOST_ENOMEM;
    *value = id;
    int rc = roost_var_set(&request_id, value);
    if (rc < 0)
        free(value); /* taken on success only */
    return rc;
}

static void say(const char *what)
{
    const int *id = roost_var_get(&request_id);
    printf("[%d] %s\n", id ? *id : 0, what);
}

ROOST_ASYNC(query_database, roost_dur, takes)
{
    ROOST_TRY(roost_sleep(takes));
    say("rows are here");
    return 0;
}

ROOST_ASYNC(handle_request, int, id)
{
    int rc = 0;
    ROOST_TRY(request_id_set(id));
    say("begins");
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, query_database, ROOST_MS(50 * id));
    }
    say("ends");
    return rc;
}

ROOST_MAIN(argc, argv)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int id = 1; id <= 3; id++)
            ROOST_GO(g, handle_request, id);
    }
    say("the main task has none");
    return rc;
}
