/* rt/interrupt.c - the first signal asks, the second insists, the third is the system's.
 *
 * The handler only counts and wakes the loop. The first signal asks the main task to stop: its
 * scope is shut down with the grace of the options when the program has ever asked roost_stopping,
 * and cancelled at once when it has not. The second cancels through every shield.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/interrupt.h"

#include "base/atomic.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/run.h"
#include "rt/scope.h"

/* In signal context. */
static bool interrupt_seen(void *arg, int signo, int nth)
{
    struct roosti_run *run = arg;
    roosti_atomic_store(&run->signal_last, signo, ROOSTI_RELAXED);
    roosti_atomic_store(&run->signals_seen, (uint32_t)nth, ROOSTI_RELEASE);
    struct roosti_port *port = run->loops[0]->port;
    port->ops->wake(port);
    return nth < 3;
}

int roosti_interrupt_hold(struct roosti_run *run)
{
    if (run->opts.no_signals || run->guest || run->loops[0]->virtual_time)
        return 0;
    int rc = roosti_signals_hold(&(struct roosti_signal_hook){interrupt_seen, run});
    run->holds_signals = rc == 0;
    return rc == ROOST_EBUSY ? 0 : rc;
}

void roosti_interrupt_release(struct roosti_run *run)
{
    if (run->holds_signals)
        roosti_signals_release();
    run->holds_signals = false;
}

void roosti_interrupt_deliver(struct roosti_run *run)
{
    uint32_t seen = roosti_atomic_load(&run->signals_seen, ROOSTI_ACQUIRE);
    if (roosti_likely(seen == run->signals_done))
        return;
    struct roosti_loop *loop = run->loops[0];
    if (!loop->main_scope && !loop->ending)
        return; /* before the main task's first step: at the next turn */
    loop->signal = roosti_atomic_load(&run->signal_last, ROOSTI_RELAXED);
    if (run->signals_done == 0 && loop->main_scope)
        roost_scope_shutdown(loop->main_scope, loop->soft_used ? run->opts.shutdown_grace : 0);
    if (seen >= 2) {
        roosti_run_cancel_all(loop, "a second signal");
        roosti_run_break_shields(loop);
        roosti_sides_insist(run);
    }
    run->signals_done = seen;
}
