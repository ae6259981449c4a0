/* offload/to_thread.h - the call that a thread makes for a task.
 *
 * The record lies in the frame of the task that waits (the host), or, when the host may leave
 * early, on the heap with a copy of the arguments. The thread says one of two words by a post: that
 * it is over, or that it has a request, and then waits for the answer.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_OFFLOAD_TO_THREAD_H
#define ROOST_OFFLOAD_TO_THREAD_H

#include <roost/post.h>
#include <roost/thread.h>

#include "offload/await.h"
#include "offload/executor.h"
#include "rt/worker.h"

struct roosti_inbox;
struct roost_task;

/* A call on the loop, for the thread that waits for it. In its frame. */
struct roosti_request {
    roost_call call;
    struct roosti_await answered;
    int rc; /* 0: result is what the call returned */
    int result;
};

struct roosti_thread_call {
    struct roosti_job job;
    struct roosti_thread_wait wait; /* what the host waits on */
    struct roosti_worker worker;
    roost_call call;
    roost_executor *executor;
    struct roosti_inbox *inbox;     /* of the host's loop; referenced when on the heap */
    struct roost_task *host;        /* parked; NULL: it has gone. The loop's own */
    struct roosti_request *request; /* of the thread, until it is answered */
    roost_post_slot word;
    uint32_t cancelled; /* atomic */
    int result;
    int errno_left;
    bool on_heap; /* its host may leave early */
};

/* The call that is made on this thread; NULL: none. */
struct roosti_thread_call *roosti_thread_call_here(void);

/* Of a simulated run, when the call on this thread belongs to one; else NULL. */
struct roosti_stepper *roosti_stepper_here(void);

/* Sends the thread's word. False: its loop has ended, as it may when nobody waits. */
bool roosti_thread_call_say(struct roosti_thread_call *call);

/* On the host: makes the call that was asked for, and answers. */
void roosti_request_serve(struct roosti_thread_call *call, struct roost_task *host);

/* The same when there is no host: nothing is called. */
void roosti_request_refuse(struct roosti_thread_call *call);

#endif
