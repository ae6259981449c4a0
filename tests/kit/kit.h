/* tests/kit/kit.h - what the files of the test kit share.
 *
 * The program's first process only reads arguments, forks, waits and counts. Each case, and each
 * point of a torture, runs in a child of its own, which fills in a report in shared memory; what it
 * prints goes to a file that is shown when it fails.
 *
 *   runner (cases, tortures) -> child (fork, wait) -> case (run, audits) -> watch (the probe)
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_KIT_H
#define ROOST_TESTS_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <roost/testing.h>

#include "port/port.h"

struct roosti_site;

/* What is done to a case at one point of its run. */
enum kit_kind {
    KIT_NOTHING,
    KIT_CANCEL_CHECKPOINT, /* A: the task that enters its k-th suspending call */
    KIT_CANCEL_READY,      /* B: a task that is ready and has not run yet */
    KIT_CANCEL_ANY,        /* C: any task, parked ones included */
    KIT_SHUTDOWN,          /* G: the main scope is shut down, by turns with and without a grace */
    KIT_OOM_ONE,           /* the k-th request is refused */
    KIT_OOM_AFTER,         /* and all later ones */
    KIT_OOM_TWO,           /* and one of the next few: what only an error path asks for */
    KIT_FAULT,             /* the k-th operation of the port fails */
    KIT_KIND_COUNT
};

/* A, B, C, G, one, after, two, fault. */
const char *kit_kind_name(enum kit_kind kind);

enum kit_torture { KIT_TORTURE_CANCEL = 1, KIT_TORTURE_OOM = 2, KIT_TORTURE_FAULT = 4 };

/* Which torture it belongs to. */
enum kit_torture kit_torture_of(enum kit_kind kind);

struct kit_options {
    const char *program; /* as it was called */
    const char *filter;
    const char *backend;
    uint64_t seed;
    uint64_t seed_count;
    uint64_t points;   /* of each kind; 0: all */
    roost_dur timeout; /* 0: what the case says */
    roost_dur budget;  /* real time for the points of one case; 0: no bound */
    unsigned tortures; /* enum kit_torture */
    bool list;
    bool check_determinism;
    bool verbose;       /* shows what passing cases print, too */
    bool in_process;    /* no fork: for debuggers; the first case ends the program */
    enum kit_kind kind; /* with --point: the only one that is tried */
    uint64_t at;
    struct roosti_fault_plan fault; /* in every run: percentages */
    bool disturbed;                 /* fault says something */
    struct roosti_sim_plan sim;     /* in every run: the network */
};

/* What one child does. */
struct kit_plan {
    uint64_t seed;
    enum kit_kind kind;
    uint64_t at;           /* the point, from 1 */
    unsigned counts;       /* enum kit_torture: points of this are counted, nothing is injected */
    bool shifted;          /* other addresses than usual: the schedule must not depend on them */
    uint64_t events_max;   /* more than this is a hang; 0: no bound */
    roost_dur virtual_max; /* the same of the virtual clock */
};

/* Skipped: this machine lacks something. Left out: the case is not about what was asked for. */
enum kit_outcome { KIT_DIED, KIT_PASSED, KIT_FAILED, KIT_SKIPPED, KIT_LEFT_OUT };

enum { KIT_TEXT_MAX = 900, KIT_SITES_MAX = 1024 };

/* What has become of an allocation site, in one child. */
struct kit_site {
    const struct roosti_site *site; /* the same address in every process */
    uint64_t hits;
    uint64_t failures;
};

/* Written by the child, in shared memory. */
struct kit_report {
    enum kit_outcome outcome;
    char text[KIT_TEXT_MAX]; /* why it failed or was skipped */
    uint64_t hash;           /* of the trace */
    uint64_t events;
    roost_dur virtual_span;
    uint64_t points[KIT_KIND_COUNT]; /* counted */
    bool injected;                   /* the point was reached */
    int site_count;
    struct kit_site sites[KIT_SITES_MAX];
};

/* -- arguments.c --------------------------------------------------------------------------------*/

/* False: the program ends with *status. */
bool kit_arguments(struct kit_options *options, int argc, char **argv, int *status);

/* The command that repeats one child, in one line. */
void kit_repro_print(FILE *out, const struct kit_options *options, const roost_test_case *test,
                     const struct kit_plan *plan);

/* -- registry.c ---------------------------------------------------------------------------------*/

/* The next case the filter wants; NULL: the first one. */
roost_test_case *kit_next(const struct kit_options *options, const roost_test_case *after);

/* -- child.c ------------------------------------------------------------------------------------*/

/* Runs a case in a child. The report is valid until the next call; *output is the file with what it
 * printed, to be closed by the caller. */
const struct kit_report *kit_child_run(const struct kit_options *options, roost_test_case *test,
                                       const struct kit_plan *plan, FILE **output);

/* The same without a child; does not return. */
_Noreturn void kit_child_here(const struct kit_options *options, roost_test_case *test,
                              const struct kit_plan *plan);

/* -- torture.c ----------------------------------------------------------------------------------*/

/* Tries the points of the tortures asked for; prints the one that fails. *why: the reason of a
 * skip. */
enum kit_outcome kit_torture_run(const struct kit_options *options, roost_test_case *test,
                                 uint64_t seed, const char **why);

/* Prints what the tortures of the whole program have covered. */
void kit_torture_sum_up(const struct kit_options *options);

/* -- runner.c -----------------------------------------------------------------------------------*/

/* Prints why a child failed, what it printed, and how to repeat it. */
void kit_failure_print(const struct kit_options *options, const roost_test_case *test,
                       const struct kit_plan *plan, const struct kit_report *report, FILE *output);

/* -- case.c: in the child -----------------------------------------------------------------------*/

struct kit_case {
    const struct kit_options *options;
    const roost_test_case *test;
    const struct kit_plan *plan;
    struct kit_report *report;
    roost_time start;
    bool deadlocked; /* a run of the case has */
};
extern struct kit_case kit_case;

/* Runs the case, judges what it leaves behind, fills in the report, ends the process. */
_Noreturn void kit_case_run(const struct kit_case *wanted);

/* Ends the process: the case has failed. */
_Noreturn void kit_fail(const char *format, ...) ROOST_PRINTF(1, 2);

/* Ends the process: the case is not about the backend at hand, so nothing is missing. */
_Noreturn void kit_leave_out(const char *why);

/* -- watch.c: in the child ----------------------------------------------------------------------*/

struct roosti_probe;

/* A probe for one run on this backend as the plan says; NULL: it shall run as in production. */
struct roosti_probe *kit_watch_begin(const char *backend);
/* The run is over; NULL is accepted. */
void kit_watch_end(struct roosti_probe *probe);

/* -- schedule.c: in the child -------------------------------------------------------------------*/

struct roosti_loop;

/* Chooses the policy of this seed. */
void kit_schedule_begin(uint64_t seed, bool fifo);
const char *kit_schedule_name(void);
size_t kit_schedule_pick(struct roosti_loop *loop, size_t count);

#endif
