/* tests/kit/arguments.c - what the command line and the environment ask for.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "kit/kit.h"

static const char usage[] =
    "  --list               print the names of the cases\n"
    "  --filter TEXT        only cases with TEXT in their name; B07: only behaviour 7\n"
    "  --backend NAME       sim (default), epoll, uring\n"
    "  --seed N             of schedule and simulation; default: ROOST_SEED, else 1\n"
    "  --seeds N            that many seeds, from --seed on\n"
    "  --check-determinism  run each case twice: both must take the same course\n"
    "  --cancel-torture     cancel something at every point of each case\n"
    "  --oom-torture        refuse every allocation in turn\n"
    "  --fault-torture      fail every operation of the port in turn\n"
    "  --points N           try N points of each kind, picked by seed; default 25; 0: all\n"
    "  --budget SECONDS     for the points of one case; default: no bound in simulation or with\n"
    "                       --points 0, else 10\n"
    "  --point KIND:K       only this point: A B C G one after two fault\n"
    "  --fault K            the K-th operation of the port fails: --point fault:K\n"
    "  --io-max N           a read or write moves N bytes at the most\n"
    "  --again N            N of 1000 times a ready descriptor claims not to be\n"
    "  --short N            N of 1000 reads and writes are short\n"
    "  --delay N            N of 1000 completions come late\n"
    "  --timeout SECONDS    of real time for each run of a case; default: ROOST_TEST_TIMEOUT,\n"
    "                       else what the case says, else 30\n"
    "  --verbose            show what passing cases print\n"
    "  --in-process         run the first case without a child, for a debugger\n";

const char *kit_kind_name(enum kit_kind kind)
{
    static const char *const names[KIT_KIND_COUNT] = {"none", "A",     "B",   "C",    "G",
                                                      "one",  "after", "two", "fault"};
    return names[kind];
}

enum kit_torture kit_torture_of(enum kit_kind kind)
{
    if (kind == KIT_OOM_ONE || kind == KIT_OOM_AFTER || kind == KIT_OOM_TWO)
        return KIT_TORTURE_OOM;
    return kind == KIT_FAULT ? KIT_TORTURE_FAULT : KIT_TORTURE_CANCEL;
}

static bool number_read(const char *text, uint64_t *number)
{
    if (!text || text[0] < '0' || text[0] > '9')
        return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 0);
    if (*end != '\0' || errno != 0)
        return false;
    *number = value;
    return true;
}

static bool permille_read(const char *text, unsigned *number)
{
    uint64_t value;
    if (!number_read(text, &value) || value > 1000)
        return false;
    *number = (unsigned)value;
    return true;
}

static bool point_read(struct kit_options *options, const char *text)
{
    const char *colon = text ? strchr(text, ':') : NULL;
    if (!colon || !number_read(colon + 1, &options->at) || options->at == 0)
        return false;
    for (int kind = 1; kind < KIT_KIND_COUNT; kind++) {
        const char *name = kit_kind_name((enum kit_kind)kind);
        if (strlen(name) != (size_t)(colon - text) || strncmp(name, text, strlen(name)) != 0)
            continue;
        options->kind = (enum kit_kind)kind;
        options->tortures |= kit_torture_of((enum kit_kind)kind);
        return true;
    }
    return false;
}

static bool seconds_read(const char *text, roost_dur *span)
{
    uint64_t seconds;
    if (!number_read(text, &seconds) || seconds == 0 || seconds > 1000000)
        return false;
    *span = ROOST_SEC((int64_t)seconds);
    return true;
}

static bool backend_read(struct kit_options *options, const char *text)
{
    options->backend = text;
    return text &&
           (strcmp(text, "sim") == 0 || strcmp(text, "epoll") == 0 || strcmp(text, "uring") == 0);
}

/* An option without a value. */
static bool flag_read(struct kit_options *options, const char *name)
{
    if (strcmp(name, "--list") == 0)
        options->list = true;
    else if (strcmp(name, "--check-determinism") == 0)
        options->check_determinism = true;
    else if (strcmp(name, "--cancel-torture") == 0)
        options->tortures |= KIT_TORTURE_CANCEL;
    else if (strcmp(name, "--oom-torture") == 0)
        options->tortures |= KIT_TORTURE_OOM;
    else if (strcmp(name, "--fault-torture") == 0)
        options->tortures |= KIT_TORTURE_FAULT;
    else if (strcmp(name, "--verbose") == 0)
        options->verbose = true;
    else if (strcmp(name, "--in-process") == 0)
        options->in_process = true;
    else
        return false;
    return true;
}

static bool disturbance_read(struct kit_options *options, const char *name, const char *text)
{
    if (strcmp(name, "--io-max") == 0) {
        uint64_t bytes;
        if (!number_read(text, &bytes) || bytes == 0 || bytes > UINT32_MAX)
            return false;
        options->fault.io_max = (unsigned)bytes;
    } else if (strcmp(name, "--again") == 0) {
        if (!permille_read(text, &options->fault.again_permille))
            return false;
    } else if (strcmp(name, "--short") == 0) {
        if (!permille_read(text, &options->fault.short_permille))
            return false;
    } else if (strcmp(name, "--delay") == 0) {
        if (!permille_read(text, &options->fault.delay_permille))
            return false;
    } else {
        return false;
    }
    options->disturbed = true;
    return true;
}

/* An option with a value; false: unknown, or a value that does not fit. */
static bool option_read(struct kit_options *options, const char *name, const char *text)
{
    if (strcmp(name, "--filter") == 0)
        return (options->filter = text) != NULL;
    if (strcmp(name, "--backend") == 0)
        return backend_read(options, text);
    if (strcmp(name, "--seed") == 0)
        return number_read(text, &options->seed);
    if (strcmp(name, "--seeds") == 0)
        return number_read(text, &options->seed_count) && options->seed_count > 0;
    if (strcmp(name, "--points") == 0)
        return number_read(text, &options->points);
    if (strcmp(name, "--point") == 0)
        return point_read(options, text);
    if (strcmp(name, "--budget") == 0)
        return seconds_read(text, &options->budget);
    if (strcmp(name, "--timeout") == 0)
        return seconds_read(text, &options->timeout);
    if (strcmp(name, "--fault") == 0) {
        options->kind = KIT_FAULT;
        options->tortures |= KIT_TORTURE_FAULT;
        return number_read(text, &options->at) && options->at > 0;
    }
    return disturbance_read(options, name, text);
}

static bool environment_read(struct kit_options *options)
{
    const char *seed = getenv("ROOST_SEED");
    if (seed && *seed && !number_read(seed, &options->seed)) {
        fprintf(stderr, "ROOST_SEED='%s' is not a whole number\n", seed);
        return false;
    }
    const char *timeout = getenv("ROOST_TEST_TIMEOUT");
    if (timeout && *timeout && !seconds_read(timeout, &options->timeout)) {
        fprintf(stderr, "ROOST_TEST_TIMEOUT='%s' is no number of seconds\n", timeout);
        return false;
    }
    return true;
}

bool kit_arguments(struct kit_options *options, int argc, char **argv, int *status)
{
    *options = (struct kit_options){
        .program = argv[0], .backend = "sim", .seed = 1, .seed_count = 1, .points = 25};
    *status = 2;
    if (!environment_read(options))
        return false;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0) {
            printf("%s [OPTION...]\n%s", argv[0], usage);
            *status = 0;
            return false;
        }
        if (flag_read(options, argv[i]))
            continue;
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!option_read(options, argv[i], value)) {
            fprintf(stderr, "cannot use '%s%s%s'; the options are\n%s", argv[i], value ? " " : "",
                    value ? value : "", usage);
            return false;
        }
        i++;
    }
    /* Real time is slow: a case that sleeps for a second would take minutes. */
    if (options->budget == 0 && options->points != 0 && strcmp(options->backend, "sim") != 0)
        options->budget = ROOST_SEC(10);
    return true;
}

void kit_repro_print(FILE *out, const struct kit_options *options, const roost_test_case *test,
                     const struct kit_plan *plan)
{
    fprintf(out, "# repeat: ROOST_SEED=%" PRIu64 " %s --filter %s --backend %s", plan->seed,
            options->program, test->name, options->backend);
    if (plan->kind != KIT_NOTHING)
        fprintf(out, " --point %s:%" PRIu64, kit_kind_name(plan->kind), plan->at);
    else if (options->check_determinism)
        fprintf(out, " --check-determinism");
    if (options->fault.io_max != 0)
        fprintf(out, " --io-max %u", options->fault.io_max);
    if (options->fault.again_permille != 0)
        fprintf(out, " --again %u", options->fault.again_permille);
    if (options->fault.short_permille != 0)
        fprintf(out, " --short %u", options->fault.short_permille);
    if (options->fault.delay_permille != 0)
        fprintf(out, " --delay %u", options->fault.delay_permille);
    fputc('\n', out);
}
