/* rt/sleep.h - sleeping, for the runtime's own use.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_SLEEP_H
#define ROOST_RT_SLEEP_H

#include <roost/time.h>

struct roost_task;

/* Parks the running task for `dur`, whatever is cancelled; keeps its count of refusals. */
void roosti_sleep_shielded(struct roost_task *task, roost_dur dur, const char *what);

#endif
