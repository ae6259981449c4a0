/* offload/from_thread.c - a thread that works for a task has that task make a call.
 *
 * The task itself makes it, between two waits for the thread: so it runs under the task's scopes
 * and with its task-locals, and needs no memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/to_thread.h"

#include "base/atomic.h"
#include "rt/loop.h"

static void request_answer(struct roosti_thread_call *call, int rc, int result)
{
    struct roosti_request *request = call->request;
    call->request = NULL;
    request->rc = rc;
    request->result = result;
    roosti_await_set(&request->answered);
}

void roosti_request_serve(struct roosti_thread_call *call, struct roost_task *host)
{
    roost_call what = call->request->call;
    int result = (*what.args)->entry((void *)(uintptr_t)what.args);
    bool cancelled = host->attn & ROOSTI_ATTN_CANCELLED;
    /* Before the answer: the thread may ask at once. */
    if (cancelled)
        roosti_atomic_store(&call->cancelled, 1, ROOSTI_RELAXED);
    request_answer(call, cancelled && result == ROOST_ECANCELED ? ROOST_ECANCELED : 0, result);
}

void roosti_request_refuse(struct roosti_thread_call *call)
{
    request_answer(call, ROOST_ECANCELED, 0);
}

int roost_from_thread_call(roost_call call, int *result)
{
    struct roosti_thread_call *here = roosti_thread_call_here();
    if (!here)
        return roosti_no_task();
    if (roosti_loop_here)
        return ROOST_ENESTED;
    struct roosti_request request = {.call = call};
    roosti_await_enlist(&request.answered);
    here->request = &request;
    if (!roosti_thread_call_say(here)) {
        here->request = NULL;
        return ROOST_ECANCELED; /* it was abandoned, and its loop has ended */
    }
    roosti_await_wait(&request.answered);
    if (request.rc < 0)
        return request.rc;
    if (result)
        *result = request.result;
    return 0;
}
