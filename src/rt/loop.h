/* rt/loop.h - one loop: its run queue, clock, timers, port and stacks.
 *
 * The loop's own flow (the thread's stack) polls the port, fires timers and drains posts; tasks
 * switch to each other directly and come back to it when nothing is ready, or when they have used
 * up `budget` switches, so that a poll is never far away.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_LOOP_H
#define ROOST_RT_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/group.h>
#include <roost/run.h>

#include "base/list.h"
#include "base/rng.h"
#include "port/fiber.h"
#include "port/host.h"
#include "port/port.h"
#include "port/stack.h"
#include "rt/probe.h"
#include "rt/task.h"
#include "rt/timer.h"

struct roosti_inbox;
struct roosti_run;
struct roosti_remote_hub;

enum {
    ROOSTI_LOOP_BUDGET = 64, /* switches between two looks at the clock */
    ROOSTI_OP_CREDIT = 16    /* operations between two looks at how long a task has run */
};

/* Longest time between two polls while tasks are ready, and longest turn of one task. */
#define ROOSTI_POLL_NS ROOST_US(50)
#define ROOSTI_TURN_NS ROOST_MS(1)

struct roosti_loop {
    struct roost_task *current;
    struct roost_task *run_first;
    struct roost_task **run_end; /* where the next one is linked */
    int *errno_place;            /* the thread's errno */
    int32_t budget;              /* switches left before the loop's own flow must run */
    int32_t budget_given;        /* what it was when this round began */
    int32_t op_credit;
    int32_t op_rounds;          /* times op_credit ran out in this turn */
    uint32_t turns_cut;         /* times a task had used up its turn, and was made to give way */
    uint64_t switches;          /* as of the last time the loop's own flow ran */
    struct roosti_fiber root;   /* the loop's own flow */
    struct roost_task *leaving; /* finished, its stack still to be given back by the root flow */

    struct roosti_timers timers;
    struct roosti_stacks stacks;
    struct roosti_port *port;
    struct roosti_list standing; /* operations that no call waits for: rt/op.h */
    bool virtual_time;
    roost_time now;      /* as of the last poll */
    uint64_t poll_ticks; /* when that was, in ticks */
    uint64_t polls;
    uint64_t posts;
    uint64_t runq_age_max;

    uint64_t task_ids; /* last given */
    uint64_t tasks_ended;
    uint32_t forever; /* tasks in roost_sleep_forever and roost_wait_stopping */
    uint32_t outside; /* tasks that a thread or another loop may wake: on shared objects */
    bool soft_used;   /* somebody asked roost_stopping */
    bool shields_broken;
    bool ending; /* the main task has returned */
    bool deadlocked;
    uint8_t debug;
    bool idle;          /* waits in the port; read by the watchdog */
    int signal;         /* that ended the run; 0: none */
    uint64_t thread_id; /* the kernel's number of its thread */
    uint32_t id;        /* unique in the process, never 0 */

    struct {
        uint64_t posts;  /* `posts` when it last began to wait */
        uint32_t misses; /* waits awake in a row that nothing was posted in */
        uint32_t rest;   /* waits to come that shall not be tried awake */
        int processors;  /* there are; 0: not asked yet */
    } spin;

    struct roosti_probe *probe; /* NULL unless under observation */
    struct roosti_inbox *inbox; /* what threads, signals and other loops post */
    struct roosti_run *run;     /* the run it belongs to */
    int index;

    struct roosti_start *given_up; /* newest first; see start.c */
    bool giving_up;                /* somebody works on that list */

    roost_group main_group;  /* holds the main task */
    roost_group bg_group;    /* background tasks */
    struct roost_task *main; /* NULL when it has returned */
    int main_result;
    struct roosti_bg *bg_first;   /* background tasks, newest first */
    struct roost_task *bg_waiter; /* the main task, waiting for one of them to end */
    roost_scope *main_scope;      /* what a signal cancels; NULL when the main call is over */
    struct roosti_rng random;     /* of roosti_loop_random; zero: not drawn from yet */
};

/* The loop that runs on this thread; NULL without. */
extern __thread struct roosti_loop *roosti_loop_here;

/* The running task, NULL outside one. */
static inline struct roost_task *roosti_self(void)
{
    struct roosti_loop *loop = roosti_loop_here;
    return loop ? loop->current : NULL;
}

/* The code for a suspending call made where there is no task: ROOST_ENOCTX, ROOST_EFORKED. */
int roosti_no_task(void);

/* -- life and turns: rt/loop.c ----------------------------------------------------------------- */

/* Takes the port on success. */
int roosti_loop_init(struct roosti_loop *loop, struct roosti_port *port,
                     const roost_run_opts *opts);
void roosti_loop_fini(struct roosti_loop *loop);

/* One turn: posts, timers, ready tasks for a while, completions. May block when asked to and
 * nothing is ready. */
void roosti_loop_turn(struct roosti_loop *loop, bool may_block);

/* Whether a turn would find something to do at once. */
bool roosti_loop_has_work(const struct roosti_loop *loop);

static inline uint64_t roosti_tasks_live(const struct roosti_loop *loop)
{
    return loop->task_ids - loop->tasks_ended;
}

/* Whether the loop may use an object that carries this stamp, the id of the loop that used it first
 * (zero: none yet): 0, or ROOST_EXLOOP while another loop of the run owns it. An object that has
 * outlived its run starts anew. */
int roosti_loop_adopt(struct roosti_loop *loop, uint32_t *stamp);

static inline int roosti_loop_owns(struct roosti_loop *loop, uint32_t *stamp)
{
    return roosti_likely(*stamp == loop->id) ? 0 : roosti_loop_adopt(loop, stamp);
}

/* The same for a call that needs no task, only a loop on this thread. */
static inline int roosti_here_owns(uint32_t *stamp)
{
    struct roosti_loop *loop = roosti_loop_here;
    return roosti_likely(loop) ? roosti_loop_owns(loop, stamp) : roosti_no_task();
}

/* A random word, for choices that are fair and for jitter; not for secrets. In simulation it
 * follows from the seed of the run, by a stream that nothing else draws from. */
static inline uint64_t roosti_loop_random(struct roosti_loop *loop)
{
    if (roosti_unlikely(loop->random.state == 0))
        loop->port->ops->entropy(loop->port, &loop->random.state, sizeof loop->random.state);
    return roosti_rng_next(&loop->random);
}

/* -- the run queue and the switch -------------------------------------------------------------- */

static inline void roosti_run_push(struct roosti_loop *loop, struct roost_task *task)
{
    task->run_next = NULL;
    *loop->run_end = task;
    loop->run_end = &task->run_next;
}

static inline struct roost_task *roosti_run_pop(struct roosti_loop *loop)
{
    struct roost_task *task = loop->run_first;
    if ((loop->run_first = task->run_next) == NULL)
        loop->run_end = &loop->run_first;
    return task;
}

/* The loop's own flow is to run at the next switch. */
static inline void roosti_loop_hurry(struct roosti_loop *loop)
{
    if (loop->budget > 0) {
        loop->budget_given -= loop->budget;
        loop->budget = 0;
    }
}

/* Marks `task` as the one that runs now. */
static inline void roosti_run_begin(struct roosti_loop *loop, struct roost_task *task)
{
    loop->current = task;
    *loop->errno_place = task->errno_kept;
    __builtin_prefetch(loop->run_first); /* NULL does no harm */
}

/* Switches from the running task to the next ready one, or to the loop's own flow when there is
 * none or the budget is used up. Returns what woke the task, when somebody switches back. To be
 * called in tail position: see roosti_fiber_switch_with. */
static inline int roosti_switch_away(struct roosti_loop *loop, struct roost_task *from)
{
    struct roost_task *next = loop->run_first;
    from->errno_kept = *loop->errno_place;
    if (roosti_unlikely(next == NULL || --loop->budget < 0)) {
        loop->current = NULL;
        return roosti_fiber_switch_with(&from->fiber, &loop->root, 0);
    }
    (void)roosti_run_pop(loop);
    roosti_run_begin(loop, next);
    if (roosti_unlikely(next == from))
        return from->wake_rc;
    return roosti_fiber_switch_with(&from->fiber, &next->fiber, next->wake_rc);
}

/* The short half of the first step: false when roosti_op_begin_slow has to do it. */
static inline bool roosti_op_begin_short(struct roosti_loop *loop, const struct roost_task *task)
{
    return roosti_likely(!(task->attn & (ROOSTI_ATTN_CANCELLED | ROOSTI_ATTN_PROBE)) &&
                         --loop->op_credit >= 0);
}

/* First step of every suspending call. */
static inline int roosti_op_begin(struct roosti_loop *loop, struct roost_task *task)
{
    return roosti_op_begin_short(loop, task) ? 0 : roosti_op_begin_slow(task);
}

/* The halves of it: see rt/task.h. */
static inline int roosti_op_refused(struct roost_task *task)
{
    bool attend = task->attn & (ROOSTI_ATTN_CANCELLED | ROOSTI_ATTN_PROBE);
    return roosti_unlikely(attend) ? roosti_op_refused_slow(task) : 0;
}

static inline void roosti_op_charge(struct roosti_loop *loop, struct roost_task *task)
{
    if (roosti_unlikely(--loop->op_credit < 0))
        roosti_op_charge_slow(task);
}

#endif
