/* rt/refuse.h - what happens to a suspending call inside a cancelled scope.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_REFUSE_H
#define ROOST_RT_REFUSE_H

struct roost_task;

/* Returns ROOST_ECANCELED. The first refusal in a row returns at once; later ones let the others
 * run; a task that goes on asking is reported once and slowed down. */
int roosti_refuse(struct roost_task *task);

#endif
