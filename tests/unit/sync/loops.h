/* tests/unit/sync/loops.h - calls on all loops of a run at once.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_LOOPS_H
#define ROOST_TESTS_LOOPS_H

#include <roost.h>

/* The most loops a case asks for, and how many calls it makes on each. */
enum { LOOPS_MAX = 4, PER_LOOP = 3 };

/* Makes one call on each loop, all at once, with the loop's number and `arg`. */
typedef int (*loop_body)(int index, void *arg);

ROOST_ASYNC(body_there, loop_body, body, int, index, void *, arg)
{
    return body(index, arg);
}

ROOST_ASYNC(go_there, loop_body, body, int, index, void *, arg)
{
    int result = 0;
    ROOST_TRY(roost_on_loop(index % roost_loop_count(), ROOST_CALL(body_there, body, index, arg),
                            &result));
    return result;
}

static inline int on_every_loop(int times, loop_body body, void *arg)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < times * roost_loop_count(); i++)
            ROOST_GO(g, go_there, body, i, arg);
    return rc;
}

#endif
