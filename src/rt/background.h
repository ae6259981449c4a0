/* rt/background.h - tasks that belong to the run and not to a caller.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_BACKGROUND_H
#define ROOST_RT_BACKGROUND_H

struct roosti_loop;

/* Ends all background tasks of the loop: last started first, those marked `last` after the others,
 * each asked and then cancelled. Called by the main task when it is done; suspends until all have
 * finished, whatever is cancelled. */
void roosti_background_stop(struct roosti_loop *loop);

#endif
