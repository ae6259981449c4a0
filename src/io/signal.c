/* io/signal.c - signals, received by tasks.
 *
 * The handler counts (port/signal_watch.c) and posts the receiver's one slot; the post, and every
 * call that asks, looks through the set from the place behind the signal taken last.
 *
 * A task that waits here can be woken from outside, so its loop is not taken for stalled; a
 * receiver that nobody waits on keeps no loop alive.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/signal.h>

#include <string.h>

#include <roost/post.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "port/host.h"
#include "rt/inbox.h"
#include "rt/loop.h"
#include "rt/report.h"
#include "rt/waitq.h"

struct roost_signals {
    uint32_t loop_id;
    uint32_t refs; /* the opener, calls under way, and after close a post that is still to run */
    bool closed;
    struct roosti_inbox *inbox; /* a reference */
    roost_post_slot arrived;
    struct roost_impl_waitq waiters; /* slot: the roost_signal_info of its call */
    size_t turn;                     /* where the next look begins */
    size_t count;
    int set[];
};

static void signals_unref(roost_signals *signals)
{
    if (--signals->refs > 0)
        return;
    roosti_inbox_unref(signals->inbox);
    roosti_free(signals);
}

/* -- arriving ---------------------------------------------------------------------------------- */

/* In signal context. */
static void signal_seen(void *arg)
{
    roost_signals *signals = arg;
    if (roosti_atomic_swap(&signals->arrived.priv.pending, 1, ROOSTI_SEQ_CST))
        return;
    if (roosti_inbox_send(signals->inbox, &signals->arrived) < 0)
        roosti_atomic_store(&signals->arrived.priv.pending, 0, ROOSTI_SEQ_CST);
}

static bool signals_take(roost_signals *signals, roost_signal_info *info)
{
    struct roosti_signal_seen seen;
    for (size_t i = 0; i < signals->count; i++) {
        size_t at = (signals->turn + i) % signals->count;
        if (!roosti_signal_fetch(signals->set[at], &seen))
            continue;
        signals->turn = at + 1;
        *info = (roost_signal_info){
            .signo = signals->set[at], .pid = seen.pid, .value = seen.value, .count = seen.count};
        return true;
    }
    return false;
}

/* On the loop. A waiter that was taken out without a signal cannot be put back in its place, so it
 * is looked first. */
static void signals_arrived(void *arg)
{
    roost_signals *signals = arg;
    if (signals->closed) {
        signals_unref(signals);
        return;
    }
    while (signals->waiters.first) {
        if (!signals_take(signals, signals->waiters.first->slot))
            break;
        (void)roosti_waitq_wake(&signals->waiters, 0);
    }
}

/* -- opening and closing ----------------------------------------------------------------------- */

static int signals_watch(roost_signals *signals)
{
    const struct roosti_signal_watch watch = {signal_seen, signals};
    for (size_t i = 0; i < signals->count; i++) {
        int rc = roosti_signal_watch(signals->set[i], &watch);
        if (rc == 0)
            continue;
        while (i-- > 0)
            roosti_signal_unwatch(signals->set[i]);
        return rc;
    }
    return 0;
}

/* No signal of the set posts any more; a post that is on its way finds the receiver closed. */
static void signals_shut(roost_signals *signals)
{
    signals->closed = true;
    if (roosti_atomic_load(&signals->arrived.priv.pending, ROOSTI_ACQUIRE))
        signals->refs++;
    signals_unref(signals);
}

int roost_signals_open(const int *set, size_t count, roost_signals **ret_signals)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (count == 0 || count > 1024)
        return ROOST_EINVAL;
    size_t set_bytes = count * sizeof set[0];
    roost_signals *signals = roosti_alloc(sizeof *signals + set_bytes, "a receiver of signals");
    if (!signals)
        return ROOST_ENOMEM;
    *signals = (roost_signals){
        .loop_id = self->loop->id, .refs = 1, .inbox = self->loop->inbox, .count = count};
    memcpy(signals->set, set, set_bytes);
    roosti_inbox_ref(signals->inbox);
    roost_post_slot_init(&signals->arrived, signals_arrived, signals);
    int rc = signals_watch(signals);
    if (rc < 0) {
        signals_shut(signals);
        return rc;
    }
    *ret_signals = signals;
    return 0;
}

int roost_signals_close(roost_signals *signals)
{
    if (!signals)
        return 0;
    int rc = roosti_here_owns(&signals->loop_id);
    if (rc < 0) {
        struct roosti_loop *loop = roosti_loop_here;
        if (loop && loop->debug >= 1)
            roosti_report("roost_signals_close: the receiver belongs to another loop");
        return rc;
    }
    while (roosti_waitq_wake(&signals->waiters, ROOST_ECLOSED))
        continue;
    for (size_t i = 0; i < signals->count; i++)
        roosti_signal_unwatch(signals->set[i]);
    signals_shut(signals);
    return 0;
}

/* -- receiving --------------------------------------------------------------------------------- */

int roost_signals_try_next(roost_signals *signals, roost_signal_info *info)
{
    int rc = roosti_here_owns(&signals->loop_id);
    if (rc < 0)
        return rc;
    return !signals->waiters.first && signals_take(signals, info) ? 0 : ROOST_EAGAIN;
}

static int signals_wait(roost_signals *signals, struct roost_task *self, roost_signal_info *info)
{
    struct roost_impl_waiter waiter = {.task = self, .slot = info};
    self->loop->outside++;
    int rc = roosti_waitq_park(&signals->waiters, &waiter, roosti_waitq_abort, "signals",
                               &signals->waiters);
    self->loop->outside--;
    return rc;
}

int roost_signals_next(roost_signals *signals, roost_signal_info *info)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = roosti_loop_owns(self->loop, &signals->loop_id);
    if (rc < 0)
        return rc;
    signals->refs++;
    rc = roosti_op_begin(self->loop, self);
    if (rc == 0 && signals->closed)
        rc = ROOST_ECLOSED;
    if (rc == 0 && (signals->waiters.first || !signals_take(signals, info)))
        rc = signals_wait(signals, self, info);
    signals_unref(signals);
    return rc;
}
