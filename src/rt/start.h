/* rt/start.h - the readiness hand-shake between roost_group_start and roost_started.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_START_H
#define ROOST_RT_START_H

#include <stdbool.h>
#include <stddef.h>

struct roost_task;

/* Lies in the starter's frame; the starter does not return before the hand-shake is over. */
struct roosti_start {
    struct roost_task *starter; /* parked */
    struct roost_task *task;    /* not ready yet */
    void *value;
    size_t size;
    bool given_up;             /* the starter was cancelled and waits for the end of the task */
    struct roosti_start *next; /* among those whose tasks are still to be cancelled */
};

/* The task has ended with rc before it was ready: the starter gets the code, the group does not. */
void roosti_start_failed(struct roosti_start *start, int rc);

#endif
