/* rt/group.h - groups, as the rest of the runtime uses them.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_GROUP_H
#define ROOST_RT_GROUP_H

#include <roost/group.h>

struct roosti_loop;
struct roost_task;

enum roosti_group_state { ROOSTI_GROUP_DEAD, ROOSTI_GROUP_OPEN, ROOSTI_GROUP_ENDED };

/* An error as a list keeps it. */
struct roost_impl_error {
    roost_error error;
    roost_errors *inner; /* owned; NULL: it did not come out of a group */
};

/* A group without an owner, whose end the loop's own flow watches. */
void roosti_group_root(roost_group *group, enum roost_group_policy policy, const char *label);

/* Links a new task; `live` has been counted already. */
void roosti_group_link(roost_group *group, struct roost_task *task);
void roosti_group_unlink(roost_group *group, struct roost_task *task);

/* A task of the group has returned rc. */
void roosti_group_finished(roost_group *group, struct roost_task *task, int rc);

/* A place among the live tasks: taken, or 1 when the group is at its limit; given back, to the
 * first waiting spawner if there is one. */
int roosti_group_place_take(roost_group *group);
void roosti_group_place_give(roost_group *group);

/* Adds the error a task (NULL: the body, or a failed spawn) met. */
void roosti_errors_add(roost_errors *errors, struct roost_task *task, int code);

#endif
