/* tests/kit/order.c - putting tasks into order: settling, and numbered steps.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"
#include "rt/waitq.h"
#include "kit/kit.h"

/* Tasks inside roost_test_settle on this thread: they do not wait for each other. */
static __thread size_t settling;

static bool others_ready(const struct roosti_loop *loop)
{
    size_t ready = 0;
    for (const struct roost_task *task = loop->run_first; task; task = task->run_next)
        ready++;
    return ready > settling - 1;
}

int roost_test_settle(void)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    /* Under observation the loop asks its port after each round, and never lets the clock move
     * while a task is ready. */
    struct roosti_probe watcher = {0};
    struct roosti_loop *loop = self->loop;
    roosti_probe_add(loop, &watcher);
    settling++;
    int rc = 0;
    /* A round may end before the port was asked for what the last task to run has begun. */
    for (int quiet = 0; quiet < 3 && rc == 0;) {
        rc = roost_yield();
        quiet = others_ready(loop) ? 0 : quiet + 1;
    }
    settling--;
    roosti_probe_remove(loop, &watcher);
    return rc;
}

int roost_sequencer_pass(roost_sequencer *seq, int n)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    for (;;) {
        int rc = roosti_op_begin(self->loop, self);
        if (rc < 0)
            return rc;
        if (n < seq->priv.next)
            return ROOST_EREUSED;
        if (n == seq->priv.next)
            break;
        struct roost_impl_waiter waiter = {.task = self};
        rc = roosti_waitq_park(&seq->priv.waiters, &waiter, roosti_waitq_abort,
                               "its turn in a sequence", &seq->priv.waiters);
        if (rc < 0)
            return rc;
    }
    seq->priv.next++;
    while (roosti_waitq_wake(&seq->priv.waiters, 0))
        ;
    return 0;
}
