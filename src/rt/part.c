/* rt/part.c - the list of what the layers above made for a run.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/part.h"

#include <stddef.h>

void roosti_part_add(struct roosti_parts *parts, struct roosti_part *part)
{
    roosti_lock_take(&parts->lock);
    part->next = parts->first;
    parts->first = part;
    roosti_lock_drop(&parts->lock);
}

bool roosti_part_remove(struct roosti_parts *parts, struct roosti_part *part)
{
    roosti_lock_take(&parts->lock);
    struct roosti_part **at = &parts->first;
    while (*at && *at != part)
        at = &(*at)->next;
    bool found = *at != NULL;
    if (found)
        *at = part->next;
    roosti_lock_drop(&parts->lock);
    return found;
}

void roosti_parts_end(struct roosti_parts *parts, struct roosti_loop *first)
{
    /* No task is left and so nobody else adds or removes; what ends may take some time. */
    while (parts->first) {
        struct roosti_part *part = parts->first;
        parts->first = part->next;
        part->end(part, first);
    }
}

void roosti_parts_dump(struct roosti_parts *parts, int fd)
{
    /* The dump of a process that is stuck may be asked for in signal context, where what was
     * interrupted may hold the lock. */
    if (!roosti_lock_try(&parts->lock))
        return;
    for (struct roosti_part *part = parts->first; part; part = part->next)
        if (part->dump)
            part->dump(part, fd);
    roosti_lock_drop(&parts->lock);
}
