/* rt/options.c - options of a run: what the caller left open comes from the environment
 * (ROOST_BACKEND, ROOST_DEBUG, ROOST_SEED), then from the defaults.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/options.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "port/host.h"
#include "rt/report.h"
#include "rt/run.h"

/* A whole number from the environment; `otherwise` when it is not set. */
static int option_env(const char *name, uint64_t otherwise, uint64_t *value)
{
    const char *text = roosti_host_env(name);
    *value = otherwise;
    if (!text || !*text)
        return 0;
    char *end;
    unsigned long long number = strtoull(text, &end, 0);
    /* The largest number stands for all that are larger. */
    if (*end != '\0' || text[0] == '-' || number == ULLONG_MAX) {
        roosti_report("%s='%s' is not a whole number", name, text);
        return ROOST_EINVAL;
    }
    *value = number;
    return 0;
}

static int option_backend(roost_run_opts *filled)
{
    if (!filled->backend || !*filled->backend)
        filled->backend = roosti_host_env("ROOST_BACKEND");
    if (!filled->backend || !*filled->backend) {
        filled->backend = NULL;
        return 0;
    }
    static const char *const known[] = {"uring", "epoll", "sim"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(filled->backend, known[i]) == 0)
            return 0;
    roosti_report("there is no backend '%s'; choose uring, epoll or sim", filled->backend);
    return ROOST_EINVAL;
}

static int option_debug(roost_run_opts *filled)
{
    uint64_t level = (uint64_t)filled->debug;
    if (filled->debug < 0)
        level = 0;
    else if (filled->debug == 0 && option_env("ROOST_DEBUG", 0, &level) < 0)
        return ROOST_EINVAL;
    filled->debug = level > 2 ? 2 : (int)level;
    return 0;
}

int roosti_options_fill(roost_run_opts *filled, const roost_run_opts *opts)
{
    *filled = opts ? *opts : (roost_run_opts){0};
    if (option_backend(filled) < 0 || option_debug(filled) < 0)
        return ROOST_EINVAL;
    if (filled->seed == 0 && option_env("ROOST_SEED", 1, &filled->seed) < 0)
        return ROOST_EINVAL;
    if (filled->loops < 0) {
        int count = roosti_host_cpu_count();
        filled->loops = count < ROOSTI_LOOPS_MAX ? count : ROOSTI_LOOPS_MAX;
    }
    if (filled->loops == 0)
        filled->loops = 1;
    if (filled->loops > ROOSTI_LOOPS_MAX) {
        roosti_report("%d loops are more than %d", filled->loops, ROOSTI_LOOPS_MAX);
        return ROOST_EINVAL;
    }
    if (filled->backend && strcmp(filled->backend, "sim") == 0)
        filled->loops = 1; /* one thread, or the seed would not decide the schedule */
    if (filled->shutdown_grace == 0)
        filled->shutdown_grace = ROOST_SEC(10);
    if (filled->thread_join_max == 0)
        filled->thread_join_max = ROOST_SEC(10);
    if (filled->watchdog == 0)
        filled->watchdog = ROOST_MS(100);
    return 0;
}
