/* roost/impl/crew.h - a group that makes numbered calls, each in a task of its own.
 *
 * What gather, map, race and as_completed stand on. A task's argument block begins with its seat;
 * behind that lies the block of the call it makes, unless the crew was given an array of calls.
 * For people who extend the library.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_CREW_H
#define ROOST_IMPL_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/group.h>

struct roost_impl_crew {
    roost_group group;
    roost_async_info info;   /* of its tasks, until they make their calls */
    const roost_call *calls; /* by number; NULL: each follows the seat */
    size_t args_offset;      /* from the seat to the call's block */
    size_t begun;            /* calls that have been given a task */
    /* A call has come to rc; in its task. Returns what the group is to know as the task's result.
     */
    int (*ended)(struct roost_impl_crew *crew, size_t index, int rc);
};

struct roost_impl_seat {
    const roost_async_info *info;
    struct roost_impl_crew *crew;
    size_t index;
};

/* A crew that makes n calls under one policy, and keeps their codes: gather and map. */
struct roost_impl_fan {
    struct roost_impl_crew crew;
    size_t n;
    size_t index;              /* the call to make next */
    size_t running;            /* tasks that have not come to their code */
    size_t batch;              /* calls between two waits for all of them; 0: none */
    int *codes;                /* by number; NULL: nobody asked */
    struct roost_task *waiter; /* parked until none is running */
    int rc;                    /* why no further call is made; 0: none */
    bool collect;
    bool silent; /* failures are told by their codes alone */
    bool stray;  /* a call came to ROOST_ECANCELED, and nobody had cancelled it */
};

#endif
