/* tests/kit/torture.c - trying the points of a case, one child each.
 *
 * A first run, untouched and judged as always, counts the points. On real backends the count may
 * vary from run to run: a point that is not reached has passed.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/rng.h"
#include "port/host.h"
#include "kit/kit.h"

/* Beyond what the untouched run needed, by far: then it hangs. */
enum { EVENTS_FACTOR = 50, EVENTS_SPARE = 50000, CLOCK_FACTOR = 10 };
#define CLOCK_SPARE ROOST_SEC(24 * 3600)

struct torture {
    const struct kit_options *options;
    roost_test_case *test;
    struct kit_plan plan; /* of the next child */
    uint64_t points[KIT_KIND_COUNT];
    uint64_t tried[KIT_KIND_COUNT];
    uint64_t reached;
    roost_time end;         /* no point is begun after it */
    char why[KIT_TEXT_MAX]; /* it was skipped */
};

/* Sites of all children of the program so far. */
static struct kit_site sites[KIT_SITES_MAX];
static int site_count;

static void sites_add(const struct kit_report *report)
{
    for (int i = 0; i < report->site_count; i++) {
        const struct kit_site *from = &report->sites[i];
        int at = 0;
        while (at < site_count && sites[at].site != from->site)
            at++;
        if (at == KIT_SITES_MAX)
            continue;
        if (at == site_count)
            sites[site_count++] = (struct kit_site){.site = from->site};
        sites[at].hits += from->hits;
        sites[at].failures += from->failures;
    }
}

/* One child; false: it failed, and was printed. */
static bool child_judge(struct torture *torture, const struct kit_report **ret_report)
{
    FILE *output;
    const struct kit_report *report =
        kit_child_run(torture->options, torture->test, &torture->plan, &output);
    bool good = report->outcome != KIT_DIED && report->outcome != KIT_FAILED;
    if (!good)
        kit_failure_print(torture->options, torture->test, &torture->plan, report, output);
    fclose(output);
    sites_add(report);
    *ret_report = report;
    return good;
}

static enum kit_outcome reference_run(struct torture *torture)
{
    const struct kit_report *report;
    torture->plan.counts = torture->options->tortures;
    if (!child_judge(torture, &report))
        return KIT_FAILED;
    torture->plan.counts = 0;
    if (report->outcome != KIT_PASSED) {
        memcpy(torture->why, report->text, sizeof torture->why);
        return report->outcome;
    }
    memcpy(torture->points, report->points, sizeof torture->points);
    torture->plan.events_max = report->events * EVENTS_FACTOR + EVENTS_SPARE;
    torture->plan.virtual_max = report->virtual_span * CLOCK_FACTOR + CLOCK_SPARE;
    return KIT_PASSED;
}

static bool point_try(struct torture *torture, enum kit_kind kind, uint64_t at)
{
    const struct kit_report *report;
    torture->plan.kind = kind;
    torture->plan.at = at;
    torture->tried[kind]++;
    bool good = child_judge(torture, &report);
    torture->reached += report->injected;
    return good;
}

/* All points, or one drawn from each of `points` equal shares. */
static bool kind_try(struct torture *torture, enum kit_kind kind)
{
    uint64_t total = torture->points[kind];
    uint64_t shares = torture->options->points;
    if (shares == 0 || shares > total)
        shares = total;
    struct roosti_rng rng = roosti_rng_split(torture->plan.seed + (uint64_t)kind, "points");
    for (uint64_t i = 0; i < shares; i++) {
        if (roosti_clock_now() > torture->end)
            return true;
        uint64_t low = total * i / shares;
        uint64_t high = total * (i + 1) / shares;
        if (!point_try(torture, kind, 1 + low + roosti_rng_below(&rng, high - low)))
            return false;
    }
    return true;
}

static bool points_try(struct torture *torture)
{
    const struct kit_options *options = torture->options;
    if (options->kind != KIT_NOTHING)
        return point_try(torture, options->kind, options->at);
    for (int kind = 1; kind < KIT_KIND_COUNT; kind++)
        if ((options->tortures & kit_torture_of((enum kit_kind)kind)) &&
            !kind_try(torture, (enum kit_kind)kind))
            return false;
    return true;
}

static void points_print(const struct torture *torture)
{
    printf("# %s: points", torture->test->name);
    uint64_t sum = 0;
    for (int kind = 1; kind < KIT_KIND_COUNT; kind++) {
        if (torture->tried[kind] == 0)
            continue;
        printf(" %s %" PRIu64 " of %" PRIu64 ",", kit_kind_name((enum kit_kind)kind),
               torture->tried[kind], torture->points[kind]);
        sum += torture->tried[kind];
    }
    printf(" in all %" PRIu64 ", reached %" PRIu64 "%s\n", sum, torture->reached,
           roosti_clock_now() > torture->end ? "; the time for more was up" : "");
}

enum kit_outcome kit_torture_run(const struct kit_options *options, roost_test_case *test,
                                 uint64_t seed, const char **why)
{
    static struct torture torture;
    torture = (struct torture){.options = options, .test = test, .plan = {.seed = seed}};
    *why = torture.why;
    enum kit_outcome outcome = reference_run(&torture);
    if (outcome != KIT_PASSED)
        return outcome;
    torture.end = options->budget == 0 ? ROOST_NEVER : roosti_clock_now() + options->budget;
    bool good = points_try(&torture);
    points_print(&torture);
    return good ? KIT_PASSED : KIT_FAILED;
}

void kit_torture_sum_up(const struct kit_options *options)
{
    if (!(options->tortures & KIT_TORTURE_OOM))
        return;
    int hit = 0;
    int failed = 0;
    for (int i = 0; i < site_count; i++) {
        hit += sites[i].hits > 0;
        failed += sites[i].failures > 0;
        if (sites[i].failures == 0 && (options->points == 0 || options->verbose))
            printf("# never refused: %s (%s, %s:%d)\n", sites[i].site->what,
                   sites[i].site->function, sites[i].site->file, sites[i].site->line);
    }
    printf("# oom: %d sites hit, %d of them refused\n", hit, failed);
}
