/* rt/run.h - one run: its options, its loops, and how it ends.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_RUN_H
#define ROOST_RT_RUN_H

#include <stdbool.h>

#include <roost/async.h>
#include <roost/error.h>
#include <roost/post.h>
#include <roost/run.h>

#include "port/host.h"
#include "port/port.h"
#include "rt/part.h"

struct roosti_loop;
struct roosti_probe;

enum { ROOSTI_LOOPS_MAX = 256 };

/* What a test adds to a run. */
struct roosti_run_setup {
    struct roosti_port_opts port;          /* seed and the simulated world */
    const struct roosti_fault_plan *fault; /* NULL: no fault port */
    struct roosti_probe *probe;            /* watches the first loop; NULL: none */
};

/* How a run came out. */
struct roosti_run_end {
    int rc;            /* the main task's result */
    int signal;        /* that ended it; 0: none */
    roost_error error; /* when rc is negative */
};

struct roosti_run {
    roost_run_opts opts; /* with the defaults filled in */
    struct roosti_run_setup setup;
    struct roosti_run_end end;
    int loop_count;
    bool guest;
    bool holds_signals;
    uint32_t signals_seen; /* atomic: set by the handler */
    uint32_t signals_done; /* of those, acted on */
    int signal_last;       /* atomic: set by the handler */
    /* The first background task that brings the run down, on whatever loop. */
    struct {
        uint32_t claimed; /* atomic */
        roost_error error;
        roost_post_slot post;
    } abort;
    struct roosti_parts parts;            /* made by the layers above, ended with the run */
    struct roost_executor *executor;      /* atomic: its own threads, made by the layer `offload` */
    struct roost_process_pool *processes; /* atomic: its own workers, the same */
    struct roosti_watchdog *watchdog;
    struct roosti_side_loop *sides; /* loop_count - 1 of them */
    struct roosti_loop *loops[ROOSTI_LOOPS_MAX];
    void *args;            /* the main call's block */
    int64_t blocks_before; /* for the leak audit; atomic: what rightly outlives a loop is added */
    int fds_before;
};

/* Opens a run and its loops; nothing has run yet. call: copied. */
int roosti_run_open(roost_call call, const roost_run_opts *opts,
                    const struct roosti_run_setup *setup, bool guest, struct roosti_run **run);

/* One turn of the first loop; false when the main task has finished. */
bool roosti_run_turn(struct roosti_run *run, bool may_block);

/* Ends the other loops, drains, audits, frees. */
void roosti_run_close(struct roosti_run *run, struct roosti_run_end *end);

/* All three. The code that is returned when the run could not be opened is also in end->rc. */
int roosti_run(roost_call call, const roost_run_opts *opts, const struct roosti_run_setup *setup,
               struct roosti_run_end *end);

/* -- asked by the loops ------------------------------------------------------------------------ */

const roost_run_opts *roosti_run_opts(const struct roosti_loop *loop);

/* Whether a host or another loop may yet send something to this loop. */
bool roosti_run_reaches(const struct roosti_loop *loop);
bool roosti_run_holds_signals(const struct roosti_loop *loop);

/* Cancels all tasks of the loop. */
void roosti_run_cancel_all(struct roosti_loop *loop, const char *reason);

/* The last resort: lets cancellation through every shield of the loop, and asks those again who
 * were cancelled before and had to wait on. */
void roosti_run_break_shields(struct roosti_loop *loop);

/* A background task failed with rc under ROOST_BG_ABORT. */
void roosti_run_abort(struct roosti_loop *loop, int rc);

/* -- side loops: rt/side.c --------------------------------------------------------------------- */

/* Starts loops 1 to loop_count - 1, each on a thread of its own; none is left on failure. */
int roosti_sides_start(struct roosti_run *run);
void roosti_sides_stop(struct roosti_run *run);
/* The second signal has come: all tasks of theirs are cancelled, through every shield. On the first
 * loop. */
void roosti_sides_insist(struct roosti_run *run);

/* The main task of every loop: makes the call, then stops the background tasks. */
ROOST_ASYNC_DECLARE(roosti_loop_main, struct roosti_loop *, loop, roost_call, call);

/* Opens a port as the options say, with one notice when it falls back. */
int roosti_run_port(struct roosti_run *run, struct roosti_port **port);

/* Makes the loop this thread's, with its groups, overflow report and main task. The port is taken,
 * whatever comes of it. */
int roosti_loop_enter(struct roosti_loop *loop, struct roosti_run *run, int index,
                      struct roosti_port *port, roost_call call);
void roosti_loop_leave(struct roosti_loop *loop);
/* Leaves a loop whose main task has not run and shall not. */
void roosti_loop_abandon(struct roosti_loop *loop);

#endif
