/* roost/testing_stream.h - the contract of streams, checked on any kind of them.
 *
 *     static int make(void *arg, roost_stream **a, roost_stream **b)
 *     {
 *         return my_pair(a, b);
 *     }
 *
 *     ROOST_TEST(my_streams_keep_the_contract)
 *     {
 *         roost_check_stream(make, NULL, 0);
 *     }
 *
 * The checks stand for what roost/stream.h and roost/record.h promise. Each asks for a new pair and
 * closes it. They hold under every torture and whatever the sizes are in which bytes arrive.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTING_STREAM_H
#define ROOST_TESTING_STREAM_H

#include <stdbool.h>

#include <roost/stream.h>
#include <roost/testing.h>

/* What a kind of stream does not promise. */
enum {
    ROOST_CHECK_ONE_WAY = 1,  /* a is written to and b is read, and not the other way */
    ROOST_CHECK_NO_ENDS = 2,  /* roost_write_end is ROOST_ENOTSUP: a closes instead */
    ROOST_CHECK_LOCKSTEP = 4, /* a write waits for the reader, however little it is */
    ROOST_CHECK_LOSSY = 8     /* a closing end may drop what has not gone out */
};

/* Makes two streams that are joined: 0, or a code. */
typedef int (*roost_stream_maker)(void *arg, roost_stream **a, roost_stream **b);

ROOST_BEGIN_DECLS

/**
 * roost_check_stream - hold a kind of stream to the contract, inside a case.
 *
 *   make      called as make(arg, &a, &b) for each check, in a task; it may suspend.
 *   arg       lent to make.
 *   flags     what the kind does not promise: ROOST_CHECK_*; 0: it promises everything.
 *
 * Suspends  again and again.
 * Cancel    the checks that are left are not made.
 * Threads   the case's own.
 */
ROOST_API ROOST_SUSPENDS void roost_check_stream(roost_stream_maker make, void *arg,
                                                 unsigned flags);

ROOST_END_DECLS

#endif
