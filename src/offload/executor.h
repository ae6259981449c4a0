/* offload/executor.h - a bounded number of threads, and the jobs they do in order.
 *
 * A hand is one thread. A job goes to the hand that became idle last (its cache is warm), else to a
 * new one, else it waits in the queue. A hand takes its next job, or is idle, before it says that
 * it is done with the last one: whoever hears of that finds it free.
 *
 *   hand: started -> works -> (idle -> works)* -> gone, after a while without work or told to
 *
 * The lock guards the lists and the numbers, for a few instructions at a time; only the start of a
 * thread takes longer, and stands under it so that whoever closes finds every hand on the list.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_OFFLOAD_EXECUTOR_H
#define ROOST_OFFLOAD_EXECUTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/thread.h>

#include "base/rng.h"
#include "offload/lockstep.h"
#include "port/host.h"
#include "rt/part.h"

struct roosti_hand;
struct roosti_loop;
struct roosti_run;

/* In memory of the submitter, until done or drop; or withdrawn. */
struct roosti_job {
    struct roosti_job *next; /* in the queue */
    struct roosti_job *prev;
    void (*work)(struct roosti_job *job); /* on a hand */
    void (*done)(struct roosti_job *job); /* on the same, right after; the job may go */
    void (*drop)(struct roosti_job *job); /* instead: closed while it was queued */
    const char *name;
    struct roosti_hand *hand; /* that works on it */
    bool queued;
    bool abandoned; /* nobody waits for it any more */
};

/* Told once, when no hand is at work in an executor that is being closed. Under its lock. */
struct roosti_closer {
    void (*empty)(struct roosti_closer *closer);
};

struct roost_executor {
    struct roosti_part part;
    uint32_t refs; /* atomic: who may close it, and each call, until its caller has gone on */
    struct roosti_run *run;
    struct roosti_loop *lockstep; /* the simulated loop; NULL: its threads run freely */
    struct roosti_rng rng;        /* lockstep */
    bool may_spin;                /* there is a processor for whoever calls */
    uint32_t threads_max;
    uint32_t queue_max; /* 0: no bound */
    roost_dur idle_max; /* a thread stays this long without work */
    char name[16];

    struct roosti_lock lock;
    struct roosti_job *first; /* the queue, oldest first */
    struct roosti_job *last;
    struct roosti_hand *hands; /* that have not gone */
    struct roosti_hand *idle;  /* newest first */
    struct roosti_hand *gone;  /* to be joined */
    struct roosti_closer *closer;
    bool closing;
    struct roost_executor_stats stats;
};

struct roosti_hand {
    struct roosti_hand *next; /* of `hands` or `gone` */
    struct roosti_hand *prev;
    struct roosti_hand *idle_next;
    struct roosti_hand *idle_prev;
    roost_executor *executor;
    struct roosti_thread thread;
    struct roosti_stepper stepper;
    uint64_t thread_id;     /* atomic; 0 until it runs */
    struct roosti_job *job; /* NULL: told to go, or idle */
    uint32_t word;          /* atomic, waited for: see hand.c */
    uint32_t spin_misses;   /* times in a row that it looked out for work in vain */
    uint32_t spin_rest;     /* times to come that it goes to sleep at once */
    bool idle;
};

/* The executor of a task's run, made at the first call. 0 or ROOST_ENOMEM. */
int roosti_executor_default(struct roosti_loop *loop, roost_executor **executor);

/* For a job of this executor whose owner may ask for it after it was closed. */
void roosti_executor_ref(roost_executor *executor);
void roosti_executor_unref(roost_executor *executor);

/* 0: done or drop will be called, if not withdrawn. Else a code, and nothing was taken. */
int roosti_executor_submit(roost_executor *executor, struct roosti_job *job);

/* Takes a job back that still waits in the queue; false: too late, and with `abandon` the job
 * counts as abandoned until it is done. */
bool roosti_executor_withdraw(roost_executor *executor, struct roosti_job *job, bool abandon);

/* Prints where the hand that works on this job stands; nothing when it has finished. */
void roosti_executor_report(roost_executor *executor, const struct roosti_job *job);

/* -- hands: offload/hand.c --------------------------------------------------------------------- */

/* Under the lock: starts one on a job. 0 or a code. */
int roosti_hand_start(roost_executor *executor, struct roosti_job *job);

/* Gives an idle hand that was taken off the list its job, or with none lets it go; not under the
 * lock. */
void roosti_hand_call(struct roosti_hand *hand);

/* Under the lock: the newest idle hand, off the list; NULL without. */
struct roosti_hand *roosti_hand_idle_pop(roost_executor *executor);

/* Joins and frees hands of a list that was taken from an executor. */
void roosti_hands_join(struct roosti_hand *hands);

#endif
