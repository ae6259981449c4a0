/* tests/kit/case.c - one case in its own process: its run, and what it leaves behind.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "port/host.h"
#include "rt/loop.h"
#include "rt/run.h"
#include "kit/kit.h"

/* The process runs one case; its own state is this. */
struct kit_case kit_case;

/* -- what a case may ask ------------------------------------------------------------------------*/

roost_time roost_test_start(void)
{
    return kit_case.start;
}

uint64_t roost_test_seed(void)
{
    return kit_case.plan ? kit_case.plan->seed : 1;
}

const char *roost_test_backend(void)
{
    return kit_case.options ? kit_case.options->backend : "sim";
}

bool roost_test_virtual(void)
{
    return strcmp(roost_test_backend(), "sim") == 0;
}

bool roost_test_tortured(void)
{
    return kit_case.plan && kit_case.plan->kind != KIT_NOTHING;
}

/* -- runs ---------------------------------------------------------------------------------------*/

void roost_test_opts_fill(roost_run_opts *opts)
{
    const roost_test_opts *asked = kit_case.test ? &kit_case.test->opts : NULL;
    *opts = (roost_run_opts){
        .backend = roost_test_backend(),
        .seed = roost_test_seed(),
        .loops = asked && asked->loops != 0 ? asked->loops : 1,
        .debug = asked && asked->debug != 0 ? asked->debug : 1,
        /* A loaded machine would be reported as a task that takes long. */
        .watchdog = -1,
    };
}

/* The main task's own frame: it sees a deadlock even when the body made nothing of it. */
ROOST_ASYNC(run_main, roost_call, call)
{
    int rc = (*call.args)->entry((void *)(uintptr_t)call.args);
    if (roosti_loop_here->deadlocked)
        kit_case.deadlocked = true;
    return rc;
}

/* The fault port of a run; NULL: none. */
static const struct roosti_fault_plan *fault_plan(struct roosti_fault_plan *plan)
{
    const struct kit_plan *asked = kit_case.plan;
    *plan = kit_case.options->fault;
    if (asked->kind == KIT_FAULT)
        plan->fail_at = asked->at;
    bool wanted = kit_case.options->disturbed || asked->kind == KIT_FAULT ||
                  (asked->counts & KIT_TORTURE_FAULT);
    return wanted ? plan : NULL;
}

int roost_test_run(roost_call call, const roost_run_opts *opts)
{
    roost_run_opts filled;
    roost_test_opts_fill(&filled);
    if (!opts)
        opts = &filled;
    struct roosti_fault_plan plan;
    struct roosti_run_setup setup = {
        .port = {.sim = kit_case.options->sim},
        .fault = fault_plan(&plan),
        .probe = kit_watch_begin(opts->backend ? opts->backend : roost_test_backend()),
    };
    struct roosti_run_end end;
    int rc = roosti_run(ROOST_CALL(run_main, call), opts, &setup, &end);
    kit_watch_end(setup.probe);
    return rc;
}

ROOST_ASYNC(case_main)
{
    kit_case.start = roost_now();
    kit_case.test->body();
    return 0;
}

static void deadlock_check(void)
{
    if (kit_case.deadlocked)
        kit_fail("deadlock: every task waits and nothing can wake one");
}

static void case_body(void)
{
    if (kit_case.test->opts.plain) {
        kit_case.test->body();
        return;
    }
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.no_signals = true;
    int rc = roost_test_run(ROOST_CALL(case_main), &opts);
    if (roost_test_tortured())
        return;
    deadlock_check();
    if (rc < 0)
        kit_fail("the run ended with %s", roost_error_name(rc));
}

/* -- audits -------------------------------------------------------------------------------------*/

struct audit {
    int64_t blocks;
    int fds;
};

static struct audit audit_take(void)
{
    struct roosti_mem_stats stats;
    roosti_mem_stats_get(&stats);
    return (struct audit){.blocks = stats.live, .fds = roosti_host_fd_count()};
}

static void audit_compare(const struct audit *before, const char *when)
{
    struct audit after = audit_take();
    if (after.blocks != before->blocks)
        kit_fail("%s: %lld blocks of memory are left", when,
                 (long long)(after.blocks - before->blocks));
    if (after.fds > before->fds && before->fds >= 0)
        kit_fail("%s: %d descriptors are left open", when, after.fds - before->fds);
}

/* After a torture the runtime must still work, in the same process. */
ROOST_ASYNC(canary_child, int *, sum, int, number)
{
    ROOST_TRY(roost_sleep(ROOST_US(number)));
    *sum += number;
    return 0;
}

ROOST_ASYNC(canary_main)
{
    int rc = 0;
    int sum = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 1; i <= 3; i++)
            ROOST_GO(g, canary_child, &sum, i);
    }
    return rc < 0 ? rc : sum;
}

static void canary_run(void)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.loops = 1;
    struct roosti_run_end end;
    int rc = roosti_run(ROOST_CALL(canary_main), &opts, NULL, &end);
    if (rc < 0)
        kit_fail("the next run of the process fails with %s", roost_error_name(rc));
    if (rc != 6)
        kit_fail("the next run of the process goes wrong: %d", rc);
}

/* -- resources ----------------------------------------------------------------------------------*/

static bool oom_planned(void)
{
    enum kit_kind kind = kit_case.plan->kind;
    return kind != KIT_NOTHING && kit_torture_of(kind) == KIT_TORTURE_OOM;
}

static void oom_begin(void)
{
    const struct kit_plan *plan = kit_case.plan;
    struct roosti_mem_plan oom = {.fail_after_too = plan->kind == KIT_OOM_AFTER};
    if (oom_planned())
        oom.fail_at = plan->at;
    else if (!(plan->counts & KIT_TORTURE_OOM))
        return;
    if (plan->kind == KIT_OOM_TWO) {
        struct roosti_rng rng = roosti_rng_split(plan->seed ^ plan->at, "second request");
        oom.fail_also_at = plan->at + 1 + roosti_rng_below(&rng, 6);
    }
    roosti_mem_plan_set(&oom);
}

static void oom_end(void)
{
    struct kit_report *report = kit_case.report;
    struct roosti_mem_stats stats;
    roosti_mem_stats_get(&stats);
    roosti_mem_plan_set(NULL);
    if (oom_planned())
        report->injected = stats.refused > 0;
    else if (kit_case.plan->counts & KIT_TORTURE_OOM)
        report->points[KIT_OOM_ONE] = report->points[KIT_OOM_AFTER] = report->points[KIT_OOM_TWO] =
            stats.requests;
    for (const struct roosti_site *site = roosti_mem_sites(); site; site = site->next)
        if (report->site_count < KIT_SITES_MAX)
            report->sites[report->site_count++] =
                (struct kit_site){.site = site, .hits = site->hits, .failures = site->failures};
}

/* -- the case -----------------------------------------------------------------------------------*/

ROOST_ASYNC(nothing)
{
    return 0;
}

/* Leaves out or skips what cannot run here. Also a first run, so that what the process sets up once
 * and keeps is not counted as left behind. */
static void case_prepare(void)
{
    const char *needs = kit_case.test->opts.needs;
    if (needs && strcmp(needs, roost_test_backend()) != 0) {
        char text[100];
        snprintf(text, sizeof text, "needs the backend %s", needs);
        kit_leave_out(text);
    }
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    struct roosti_run_end end;
    int rc = roosti_run(ROOST_CALL(nothing), &opts, NULL, &end);
    if (rc < 0 && !roost_test_virtual()) {
        char text[100];
        snprintf(text, sizeof text, "the backend %s is not available: %s", roost_test_backend(),
                 roost_error_name(rc));
        roost_test_skip(text);
    }
    if (rc < 0)
        kit_fail("no run can be opened: %s", roost_error_name(rc));
}

/* Moves the heap and the mappings that follow. The blocks stay, in reach of leak checkers. */
static void addresses_shift(void)
{
    enum { BLOCKS = 12, LARGE = 13 << 20 };
    static void *blocks[BLOCKS + 1];
    for (size_t i = 0; i < BLOCKS; i++)
        blocks[i] = malloc(24 + 264 * i);
    blocks[BLOCKS] = malloc(LARGE);
    for (size_t i = 0; i <= BLOCKS; i++)
        if (!blocks[i])
            kit_fail("no memory to take other addresses");
}

void kit_case_run(const struct kit_case *wanted)
{
    kit_case = *wanted;
    kit_case.start = roosti_clock_now();
    if (kit_case.plan->shifted)
        addresses_shift();
    case_prepare();
    struct audit before = audit_take();
    oom_begin();
    case_body();
    oom_end();
    audit_compare(&before, "at the end of the case");
    if (roost_test_tortured()) {
        if (!kit_case.test->opts.stalls)
            deadlock_check();
        canary_run();
        audit_compare(&before, "after another run");
    }
    kit_case.report->outcome = KIT_PASSED;
    fflush(NULL);
    exit(0);
}
