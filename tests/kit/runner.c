/* tests/kit/runner.c - goes through the cases and counts what becomes of them.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>

#include "kit/kit.h"

/* What a child has printed, as comments of the protocol; the end of it when it is long. */
static void output_print(FILE *output)
{
    enum { SHOWN_MAX = 64 * 1024 };
    fseek(output, 0, SEEK_END);
    if (ftell(output) > SHOWN_MAX) {
        printf("# (the beginning is left out)\n");
        fseek(output, -SHOWN_MAX, SEEK_END);
    } else {
        rewind(output);
    }
    bool fresh = true;
    for (int c = getc(output); c != EOF; c = getc(output)) {
        if (fresh)
            fputs("# | ", stdout);
        putchar(c);
        fresh = c == '\n';
    }
    if (!fresh)
        putchar('\n');
}

void kit_failure_print(const struct kit_options *options, const roost_test_case *test,
                       const struct kit_plan *plan, const struct kit_report *report, FILE *output)
{
    printf("# %s (%s:%d), seed %" PRIu64 ": %s\n", test->name, test->file, test->line, plan->seed,
           report->text);
    output_print(output);
    kit_repro_print(stdout, options, test, plan);
}

static enum kit_outcome outcome_close(enum kit_outcome outcome)
{
    return outcome == KIT_DIED ? KIT_FAILED : outcome;
}

/* Runs a case untouched; its report in *ret_report. */
static enum kit_outcome case_once(const struct kit_options *options, roost_test_case *test,
                                  const struct kit_plan *plan, const struct kit_report **ret_report)
{
    FILE *output;
    const struct kit_report *report = kit_child_run(options, test, plan, &output);
    if (report->outcome == KIT_DIED || report->outcome == KIT_FAILED)
        kit_failure_print(options, test, plan, report, output);
    else if (options->verbose)
        output_print(output);
    fclose(output);
    *ret_report = report;
    return outcome_close(report->outcome);
}

static enum kit_outcome case_seed(const struct kit_options *options, roost_test_case *test,
                                  uint64_t seed, const char **why)
{
    struct kit_plan plan = {.seed = seed};
    const struct kit_report *report;
    if (options->tortures != 0 && test->opts.no_torture) {
        *why = "not tortured";
        return KIT_LEFT_OUT;
    }
    if (options->tortures != 0) {
        enum kit_outcome outcome = kit_torture_run(options, test, seed, why);
        return outcome_close(outcome);
    }
    enum kit_outcome outcome = case_once(options, test, &plan, &report);
    *why = report->text;
    if (outcome != KIT_PASSED || !options->check_determinism || test->opts.threads)
        return outcome;
    uint64_t hash = report->hash;
    plan.shifted = true;
    outcome = case_once(options, test, &plan, &report);
    if (outcome == KIT_PASSED && report->hash != hash) {
        printf("# %s: the same seed took another course: trace %016" PRIx64 ", then %016" PRIx64
               "\n",
               test->name, hash, report->hash);
        kit_repro_print(stdout, options, test, &plan);
        return KIT_FAILED;
    }
    if (outcome == KIT_PASSED && options->verbose)
        printf("# seed %" PRIu64 ": trace %016" PRIx64 "\n", seed, hash);
    return outcome;
}

/* All seeds of a case; it fails with the first that does. */
static enum kit_outcome case_all(const struct kit_options *options, roost_test_case *test,
                                 const char **why)
{
    enum kit_outcome outcome = KIT_PASSED;
    for (uint64_t i = 0; i < options->seed_count && outcome == KIT_PASSED; i++)
        outcome = case_seed(options, test, options->seed + i, why);
    return outcome;
}

static int list_print(const struct kit_options *options)
{
    for (roost_test_case *test = kit_next(options, NULL); test; test = kit_next(options, test))
        puts(test->name);
    return 0;
}

int roost_test_main(int argc, char **argv)
{
    struct kit_options options;
    int status;
    if (!kit_arguments(&options, argc, argv, &status))
        return status;
    if (options.list)
        return list_print(&options);
    roost_test_case *test = kit_next(&options, NULL);
    if (test && options.in_process)
        kit_child_here(
            &options, test,
            &(struct kit_plan){.seed = options.seed, .kind = options.kind, .at = options.at});
    unsigned number = 0;
    unsigned counts[KIT_LEFT_OUT + 1] = {0};
    printf("TAP version 13\n# backend %s, seed %" PRIu64 "\n", options.backend, options.seed);
    for (; test; test = kit_next(&options, test)) {
        const char *why = "";
        enum kit_outcome outcome = case_all(&options, test, &why);
        counts[outcome]++;
        if (outcome == KIT_LEFT_OUT) {
            printf("# %s is left out: %s\n", test->name, why);
            continue;
        }
        printf("%sok %u - %s%s%s\n", outcome == KIT_FAILED ? "not " : "", ++number, test->name,
               outcome == KIT_SKIPPED ? " # SKIP " : "", outcome == KIT_SKIPPED ? why : "");
        fflush(stdout);
    }
    if (options.tortures != 0)
        kit_torture_sum_up(&options);
    printf("1..%u\n%u passed, %u failed, %u skipped\n", number, counts[KIT_PASSED],
           counts[KIT_FAILED], counts[KIT_SKIPPED]);
    return counts[KIT_FAILED] != 0 || number + counts[KIT_LEFT_OUT] == 0;
}
