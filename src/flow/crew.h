/* flow/crew.h - a group that makes numbered calls, each in a task of its own.
 *
 * A task of a crew makes a call that lies elsewhere: in the caller's array, which outlives the
 * group, or behind its own seat. So nothing is allocated but the task, and every call can be told
 * from the others when it ends.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FLOW_CREW_H
#define ROOST_FLOW_CREW_H

#include <roost/impl/crew.h>

typedef int (*roosti_crew_ended_fn)(struct roost_impl_crew *crew, size_t index, int rc);

/* Opens the group. calls: by number. 0 or a code; the crew is not open then. */
int roosti_crew_open(struct roost_impl_crew *crew, const roost_group_opts *opts,
                     const roost_call *calls, roosti_crew_ended_fn ended);

/* Gives a call its task; with an array of calls, seat is NULL. May wait for room, and lets the
 * tasks run now and then, so that the stacks of short calls serve again. ROOST_ECANCELED: not
 * begun, and no further one is to be. Other codes: not begun, which the group knows as a failure.
 */
int roosti_crew_go(struct roost_impl_crew *crew, struct roost_impl_seat *seat, size_t index);

/* Whether the crew's tasks are cancelled, by whomever. */
bool roosti_crew_cancelled(const struct roost_impl_crew *crew);

/* Whether a cancellation from outside reached the crew; to be asked when its group has ended. */
bool roosti_crew_interrupted(const struct roost_impl_crew *crew);

/* The calls of an array, or those that follow their seats; see impl/crew.h. calls: NULL for the
 * latter. */
void roosti_fan_open(struct roost_impl_fan *fan, const roost_call *calls, size_t n, int *codes,
                     const roost_group_opts *opts);

/* Begins the call of number fan->index. */
void roosti_fan_go(struct roost_impl_fan *fan, struct roost_impl_seat *seat);

/* Whether there is a further call to begin; waits at the end of a batch. */
bool roosti_fan_next(struct roost_impl_fan *fan);

/* Waits for all calls and settles the result. */
int roosti_fan_end(struct roost_impl_fan *fan);

#endif
