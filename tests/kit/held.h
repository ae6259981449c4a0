/* tests/kit/held.h - an operation that only somebody else can end.
 *
 * It stands for all that cannot be undone once it is under way: a cancellation is noted, the
 * operation goes on.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_HELD_H
#define ROOST_TESTS_HELD_H

#include <roost.h>

struct kit_held {
    roost_task *waiter; /* NULL: nobody waits */
    int aborts;         /* times it was asked to end early, and was not able to */
};

/* Suspends until kit_held_release, and returns what that gives; ROOST_ECANCELED when refused. */
ROOST_MUST int kit_held_wait(struct kit_held *held);

/* Nothing when nobody waits. */
void kit_held_release(struct kit_held *held, int rc);

#endif
