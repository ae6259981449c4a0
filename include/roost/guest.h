/* roost/guest.h - a run that another event loop hosts.
 *
 * The host polls roost_guest_fd for reading, at the latest until roost_guest_deadline, and calls
 * roost_guest_turn whenever either comes. Nothing blocks. In simulation there is no descriptor and
 * the deadline is of the virtual clock: turn until the run has finished.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_GUEST_H
#define ROOST_GUEST_H

#include <roost/async.h>
#include <roost/config.h>
#include <roost/error.h>
#include <roost/run.h>
#include <roost/time.h>

typedef struct roost_guest roost_guest;

ROOST_BEGIN_DECLS

/**
 * roost_guest_start - prepare a run that roost_guest_turn will drive. Signals are left alone.
 *
 *   call      the main task; its argument block is copied.
 *   opts      copied; NULL for defaults; one loop only.
 *   guest     gives the run, release with roost_guest_free; written on success only.
 *
 * Suspends  never.
 * Errors    those of roost_run.
 * Threads   any that has no run; the guest stays on it.
 */
ROOST_API ROOST_MUST int roost_guest_start(roost_call call, const roost_run_opts *opts,
                                           roost_guest **guest);

/**
 * roost_guest_fd - the descriptor to poll for reading; ROOST_ENOTSUP in simulation.
 *
 *   guest     live.
 *
 * Suspends  never.
 * Threads   the one that started it.
 */
ROOST_API int roost_guest_fd(const roost_guest *guest);

/**
 * roost_guest_deadline - when to call roost_guest_turn at the latest; ROOST_NEVER: only for the fd.
 *
 *   guest     live.
 *
 * Suspends  never.
 * Threads   the one that started it.
 */
ROOST_API roost_time roost_guest_deadline(const roost_guest *guest);

/**
 * roost_guest_turn - take what has completed and run what is ready, without blocking.
 *
 *   guest     live.
 *   result    the main task's result; written when the run has finished.
 *
 * Returns 1 while there is more to come, 0 when the run has finished.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  another thread started it; ROOST_ENESTED  called from one of its tasks.
 * Threads   the one that started it.
 */
ROOST_API ROOST_MUST int roost_guest_turn(roost_guest *guest, int *result);

/**
 * roost_guest_cancel - cancel the main task.
 *
 *   guest     live.
 *   reason    static text, or NULL.
 *
 * Suspends  never.
 * Threads   the one that started it.
 */
ROOST_API void roost_guest_cancel(roost_guest *guest, const char *reason);

/**
 * roost_guest_free - release a guest run. One that has not finished is cancelled and turned until
 * it has.
 *
 *   guest     taken; NULL is accepted.
 *
 * Suspends  never; it blocks while tasks finish.
 * Threads   the one that started it.
 */
ROOST_API void roost_guest_free(roost_guest *guest);

ROOST_END_DECLS

#endif
