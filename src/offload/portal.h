/* offload/portal.h - a portal and the calls that go through it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_OFFLOAD_PORTAL_H
#define ROOST_OFFLOAD_PORTAL_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/group.h>
#include <roost/portal.h>
#include <roost/post.h>

#include "offload/await.h"

struct roosti_inbox;
struct roosti_loop;
struct roosti_portal_run;

struct roost_portal {
    uint32_t refs;                 /* atomic */
    struct roosti_inbox *inbox;    /* referenced */
    uint64_t thread_id;            /* of the loop */
    struct roosti_portal_run *run; /* made by roost_portal_run; else NULL */
    uint32_t closed;               /* atomic; follows `open` */
    uint32_t under_way;            /* atomic; calls that have been sent and not arrived */
    uint32_t cancel_sent;          /* atomic: `cancel` is on its way, and holds a reference */
    roost_post_slot cancel;

    /* For the loop's thread alone, while it is open. */
    bool open;
    struct roosti_loop *loop;
    roost_poster *poster; /* by which an idle loop knows that it may be called */
    roost_group group;
};

struct roosti_portal_call {
    roost_portal *portal; /* its caller holds it */
    roost_call call;
    void (*answer)(struct roosti_portal_call *call); /* on the loop, last; the record may go */
    struct roost_task *task;                         /* that makes it; the loop's own */
    roost_post_slot go;
    int rc; /* 0: result is what the call returned */
    int result;
};

/* 0; ROOST_ENESTED where blocking this thread would keep a loop from running; ROOST_EFORKED.
 * portal: may be NULL. */
int roosti_portal_may_block(const roost_portal *portal);

/* 0: `answer` will be called. ROOST_ECLOSED: the run is over; ROOST_EFORKED. */
int roosti_portal_send(struct roosti_portal_call *call);

#endif
