/* rt/call.c - making kept calls.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/call.h>

#include "rt/loop.h"

/* The entry reads the block and leaves it as it is. */
static int call_now(roost_call call)
{
    return (*call.args)->entry((void *)(uintptr_t)call.args);
}

int roost_await(roost_call call)
{
    return roosti_self() ? call_now(call) : roosti_no_task();
}

int roost_wait_for(roost_call call, roost_dur within)
{
    if (!roosti_self())
        return roosti_no_task();
    roost_scope scope;
    roost_scope_begin(&scope, within, ROOST_SCOPE_FAIL, (*call.args)->name);
    int rc = roost_checkpoint();
    return roost_scope_end(&scope, rc < 0 ? rc : call_now(call));
}
