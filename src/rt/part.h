/* rt/part.h - what the layers above make for a run, to be ended with it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_PART_H
#define ROOST_RT_PART_H

#include "port/host.h"

struct roosti_loop;
struct roosti_run;

struct roosti_part {
    struct roosti_part *next;
    /* On the first loop's thread, when no task of the run is left and its inbox is still open; may
     * block. Off the list by then. */
    void (*end)(struct roosti_part *part, struct roosti_loop *first);
    /* Lines for roost_dump_tasks, without waiting for a lock; NULL: none. */
    void (*dump)(struct roosti_part *part, int fd);
};

/* Of one run. Zeroed: empty. */
struct roosti_parts {
    struct roosti_lock lock;   /* any loop's thread adds and removes */
    struct roosti_part *first; /* newest first */
};

void roosti_part_add(struct roosti_parts *parts, struct roosti_part *part);

/* False when it is not there: the run is ending and ends it. */
bool roosti_part_remove(struct roosti_parts *parts, struct roosti_part *part);

/* Ends all, newest first. */
void roosti_parts_end(struct roosti_parts *parts, struct roosti_loop *first);

void roosti_parts_dump(struct roosti_parts *parts, int fd);

#endif
