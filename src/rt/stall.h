/* rt/stall.h - noticing that nothing can ever happen again.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_STALL_H
#define ROOST_RT_STALL_H

#include <stdbool.h>

struct roosti_loop;

/* Called when no task is ready and no timer armed. False: something outside may still wake a task,
 * waiting is right. True: it was a deadlock, which has been reported and broken by cancelling
 * everything; there is something to run now. */
bool roosti_stall_check(struct roosti_loop *loop);

/* Called when a wait without a deadline has come back with nothing. In simulation that settles it:
 * operations in flight there whose turn will never come. */
void roosti_stall_confirm(struct roosti_loop *loop);

#endif
