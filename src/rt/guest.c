/* rt/guest.c - a run driven by a host's own event loop.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/guest.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/run.h"
#include "rt/scope.h"

struct roost_guest {
    struct roosti_run *run; /* NULL when it has finished */
    uint64_t thread;
    struct roosti_run_end end;
};

int roost_guest_start(roost_call call, const roost_run_opts *opts, roost_guest **ret_guest)
{
    roost_guest *guest = roosti_alloc_zero(1, sizeof *guest, "a guest run");
    if (!guest)
        return ROOST_ENOMEM;
    int rc = roosti_run_open(call, opts, NULL, true, &guest->run);
    if (rc < 0) {
        roosti_free(guest);
        return rc;
    }
    /* A port may have to prepare for a host while nothing is in flight. Where there is no
     * descriptor roost_guest_fd says so. */
    struct roosti_port *port = guest->run->loops[0]->port;
    (void)port->ops->poll_fd(port);
    guest->thread = roosti_thread_self();
    roosti_atomic_store(&roosti_loop_here->idle, true, ROOSTI_RELAXED);
    roosti_loop_here = NULL;
    *ret_guest = guest;
    return 0;
}

int roost_guest_fd(const roost_guest *guest)
{
    if (!guest->run)
        return ROOST_EFINISHED;
    struct roosti_port *port = guest->run->loops[0]->port;
    return port->ops->poll_fd(port);
}

roost_time roost_guest_deadline(const roost_guest *guest)
{
    if (!guest->run)
        return ROOST_NEVER;
    struct roosti_loop *loop = guest->run->loops[0];
    return roosti_loop_has_work(loop) ? loop->now : roosti_timers_next(&loop->timers);
}

/* Before the host sleeps: whoever posts from now on wakes the port, what has completed without
 * showing on the descriptor is taken, and the watchdog looks away. */
static void guest_rest(struct roosti_loop *loop)
{
    struct roosti_port *port = loop->port;
    roosti_inbox_sleep(loop->inbox, true);
    while (!roosti_loop_has_work(loop) && port->ops->wait(port, INT64_MIN) > 0)
        continue;
    roosti_atomic_store(&loop->idle, true, ROOSTI_RELAXED);
}

int roost_guest_turn(roost_guest *guest, int *result)
{
    if (roosti_thread_self() != guest->thread)
        return ROOST_EXLOOP;
    if (roosti_loop_here)
        return ROOST_ENESTED;
    if (guest->run) {
        roosti_loop_here = guest->run->loops[0];
        roosti_atomic_store(&roosti_loop_here->idle, false, ROOSTI_RELAXED);
        if (roosti_run_turn(guest->run, false)) {
            guest_rest(roosti_loop_here);
            roosti_loop_here = NULL;
            return 1;
        }
        roosti_run_close(guest->run, &guest->end);
        guest->run = NULL;
    }
    if (result)
        *result = guest->end.rc;
    return 0;
}

void roost_guest_cancel(roost_guest *guest, const char *reason)
{
    struct roosti_loop *loop = guest->run ? guest->run->loops[0] : NULL;
    if (!loop || loop->ending)
        return;
    struct roosti_loop *before = roosti_loop_here;
    roosti_loop_here = loop;
    /* Before its first step the task has no scope but its root. */
    roosti_scope_cancel_for(loop->main_scope ? loop->main_scope : &loop->main->root, 0, reason);
    roosti_loop_here = before;
}

void roost_guest_free(roost_guest *guest)
{
    if (!guest)
        return;
    if (guest->run) {
        roosti_loop_here = guest->run->loops[0];
        roosti_scope_cancel_for(&roosti_loop_here->main_group.priv.scope, 0, "the guest was freed");
        while (roosti_run_turn(guest->run, true))
            continue;
        roosti_run_close(guest->run, &guest->end);
    }
    roosti_free(guest);
}
