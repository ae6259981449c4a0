/* rt/watchdog.h - naming the task that holds the processor for too long.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_WATCHDOG_H
#define ROOST_RT_WATCHDOG_H

struct roosti_run;

/* Starts the watching thread when the options ask for it. 0 or a code. */
int roosti_watchdog_start(struct roosti_run *run);
/* No effect when none was started. */
void roosti_watchdog_stop(struct roosti_run *run);

#endif
