/* rt/probe.h - observing and steering a loop: instruments, and the tests' torture drivers.
 *
 * While a loop has a probe, every step goes through the loop's own flow and every suspending call
 * takes its slow path, so production pays nothing for this.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_PROBE_H
#define ROOST_RT_PROBE_H

#include <stddef.h>
#include <stdint.h>

struct roost_task;
struct roosti_loop;

enum roosti_event {
    ROOSTI_EVENT_SPAWN,      /* task: the new one */
    ROOSTI_EVENT_STEP,       /* task: about to be given the processor */
    ROOSTI_EVENT_CHECKPOINT, /* task: enters a suspending call */
    ROOSTI_EVENT_PARK,       /* task: about to wait */
    ROOSTI_EVENT_WAKE,       /* task: made ready */
    ROOSTI_EVENT_FINISH,     /* task: has returned */
    ROOSTI_EVENT_POLL,       /* no task: the port is about to be asked */
    ROOSTI_EVENT_COUNT
};

struct roosti_probe {
    /* May cancel tasks and scopes; must not suspend. NULL: not told. */
    void (*event)(struct roosti_probe *probe, struct roosti_loop *loop, enum roosti_event event,
                  struct roost_task *task);
    /* Which of `count` ready tasks (oldest first) runs next. NULL: the oldest. */
    size_t (*pick)(struct roosti_probe *probe, struct roosti_loop *loop, size_t count);
    struct roosti_probe *next; /* several may watch; the first one with `pick` steers */
};

/* Adds and removes an observer; a probe may remove itself while it is called. */
void roosti_probe_add(struct roosti_loop *loop, struct roosti_probe *probe);
void roosti_probe_remove(struct roosti_loop *loop, struct roosti_probe *probe);

/* Tells all observers. */
void roosti_probe_tell(struct roosti_loop *loop, enum roosti_event event, struct roost_task *task);

/* Takes the task to run next out of the run queue, as the observers say. */
struct roost_task *roosti_probe_pick(struct roosti_loop *loop);

#endif
