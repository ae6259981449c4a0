/* rt/instrument.c - the public face of observation: a probe that cannot bring the run down.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/instrument.h>

#include <string.h>

#include "rt/loop.h"
#include "rt/probe.h"
#include "rt/report.h"

_Static_assert(sizeof(struct roosti_probe) <= sizeof(((roost_instrument *)0)->priv),
               "the private part of an instrument holds a probe");
_Static_assert((int)ROOST_LOOP_WAITS == (int)ROOSTI_EVENT_COUNT - 1, "the same events");

/* The probe's bytes live in the instrument's private part. */
static struct roosti_probe *instrument_probe(roost_instrument *instrument)
{
    return (struct roosti_probe *)(void *)&instrument->priv;
}

static void instrument_event(struct roosti_probe *probe, struct roosti_loop *loop,
                             enum roosti_event event, struct roost_task *task)
{
    static const enum roost_instrument_event names[ROOSTI_EVENT_COUNT] = {
        [ROOSTI_EVENT_SPAWN] = ROOST_TASK_SPAWNED,    [ROOSTI_EVENT_STEP] = ROOST_STEP_BEGINS,
        [ROOSTI_EVENT_CHECKPOINT] = ROOST_CHECKPOINT, [ROOSTI_EVENT_PARK] = ROOST_TASK_PARKS,
        [ROOSTI_EVENT_WAKE] = ROOST_TASK_READY,       [ROOSTI_EVENT_FINISH] = ROOST_TASK_EXITED,
        [ROOSTI_EVENT_POLL] = ROOST_LOOP_WAITS,
    };
    roost_instrument *instrument = roosti_container(probe, roost_instrument, priv);
    int rc = instrument->on_event(instrument->arg, names[event], task);
    if (rc >= 0)
        return;
    roosti_probe_remove(loop, probe);
    roosti_report("an instrument failed with %s and was removed", roost_error_name(rc));
}

int roost_instrument_add(roost_instrument *instrument)
{
    struct roost_task *task = roosti_self();
    if (!task)
        return roosti_no_task();
    if (!instrument->on_event)
        return ROOST_EINVAL;
    for (const struct roosti_probe *at = task->loop->probe; at; at = at->next)
        if (at == instrument_probe(instrument))
            return ROOST_EBUSY;
    *instrument_probe(instrument) = (struct roosti_probe){.event = instrument_event};
    roosti_probe_add(task->loop, instrument_probe(instrument));
    return 0;
}

void roost_instrument_remove(roost_instrument *instrument)
{
    if (roosti_loop_here)
        roosti_probe_remove(roosti_loop_here, instrument_probe(instrument));
}
