/* roost/call.h - making a call that was kept, in the running task.
 *
 *     roost_call call = ROOST_CALL(fetch_user, 7, &user);
 *     rc = roost_wait_for(call, ROOST_SEC(5));
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_CALL_H
#define ROOST_CALL_H

#include <roost/async.h>
#include <roost/config.h>
#include <roost/time.h>

ROOST_BEGIN_DECLS

/**
 * roost_await - make a kept call, as writing it out would.
 *
 *   call      borrowed; it can be made again.
 *
 * Returns what the call returned.
 *
 * Suspends  as the call does.
 * Cancel    as the call.
 * Errors    those of the call; ROOST_ENOCTX  not in a task: the call is not made.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_await(roost_call call);

/**
 * roost_wait_for - make a kept call under a deadline; with no time left it is not even begun.
 *
 *   call      borrowed; it can be made again.
 *   within    nanoseconds from now; 0 or less: the call is not made; ROOST_FOREVER: no deadline.
 *
 * Returns what the call returned: also after the deadline, when the call came to a result all the
 * same.
 *
 * Suspends  as the call does.
 * Cancel    ROOST_ECANCELED, before the call was begun or as the call.
 * Errors    ROOST_ETIMEDOUT  the deadline passed; those of the call; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_wait_for(roost_call call, roost_dur within);

ROOST_END_DECLS

#endif
