/* offload/portal_run.c - a loop on a thread of its own, for a program that is otherwise
 * synchronous.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"
#include "offload/portal.h"
#include "port/host.h"
#include "rt/inbox.h"
#include "rt/loop.h"

struct roosti_portal_run {
    roost_run_opts opts;
    struct roosti_thread thread;
    struct roosti_latch ready; /* the portal is open, or the run is over */
    roost_portal *portal;      /* NULL: it could not be opened, see rc */
    struct roost_task *waiter; /* the main task, until it is told to stop; the loop's own */
    bool stopping;             /* the same */
    roost_post_slot stop;
    int rc; /* of the run */
};

static bool stop_abort(struct roost_task *task)
{
    struct roosti_portal_run *run = task->wait.on;
    run->waiter = NULL;
    return true;
}

static void stop_arrive(void *arg)
{
    struct roosti_portal_run *run = arg;
    struct roost_task *waiter = run->waiter;
    run->stopping = true;
    run->waiter = NULL;
    if (waiter)
        roosti_wake(waiter, 0);
}

/* The main task: waits to be told to stop. */
ROOST_ASYNC(portal_run_main, struct roosti_portal_run *, run)
{
    struct roost_task *self = roosti_self();
    roost_portal *portal;
    ROOST_TRY(roost_portal_open(&portal));
    portal->run = run;
    run->portal = roost_portal_ref(portal);
    roosti_latch_set(&run->ready);
    int rc = roosti_op_begin(self->loop, self);
    if (rc == 0 && !run->stopping) {
        run->waiter = self;
        rc = roosti_park(self, stop_abort, "roost_portal_stop", run);
    }
    int closed = roost_portal_close(portal);
    roost_portal_unref(portal);
    return rc < 0 ? rc : closed;
}

static void portal_run_body(void *arg)
{
    struct roosti_portal_run *run = arg;
    run->rc = roost_run(ROOST_CALL(portal_run_main, run), &run->opts);
    roosti_latch_set(&run->ready);
}

int roost_portal_run(const roost_run_opts *opts, roost_portal **ret_portal)
{
    struct roosti_portal_run *run = roosti_alloc_zero(1, sizeof *run, "a loop on a thread");
    if (!run)
        return ROOST_ENOMEM;
    if (opts)
        run->opts = *opts;
    run->opts.no_signals = true;
    roost_post_slot_init(&run->stop, stop_arrive, run);
    int rc = roosti_thread_start(&run->thread, "roost-portal", -1, portal_run_body, run);
    if (rc == 0) {
        (void)roosti_latch_wait(&run->ready, ROOST_NEVER);
        if (run->portal) {
            *ret_portal = run->portal;
            return 0;
        }
        roosti_thread_join(&run->thread);
        rc = run->rc;
    }
    roosti_free(run);
    return rc;
}

int roost_portal_stop(roost_portal *portal)
{
    if (!portal)
        return 0;
    int rc = roosti_portal_may_block(portal);
    if (rc < 0)
        return rc;
    struct roosti_portal_run *run = portal->run;
    if (!run)
        return ROOST_EINVAL;
    (void)roosti_inbox_send(portal->inbox, &run->stop); /* else the run is over already */
    roosti_thread_join(&run->thread);
    rc = run->rc;
    portal->run = NULL;
    roosti_free(run);
    roost_portal_unref(portal);
    return rc;
}
