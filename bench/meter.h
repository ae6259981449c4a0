/* bench/meter.h - what every C and C++ benchmark program shares: clocks, output, the table of
 * cases.
 *
 * A program is called `prog CASE [N]`: it warms up, does N operations and prints one line `CASE
 * METRIC VALUE` for each metric. A case that a program cannot do prints `CASE missing WHY` instead,
 * so that a gap is reported and not skipped.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ROOST_BENCH_METER_H
#define ROOST_BENCH_METER_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct bench_case {
    const char *name;
    /* Returns 0, or anything else when the measurement failed. n is at least 1. */
    int (*run)(const char *name, long n);
    /* Operations when the command line names none. */
    long n;
};

static inline int64_t bench_clock_ns(clockid_t id)
{
    struct timespec ts;
    if (clock_gettime(id, &ts) != 0)
        abort();
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* CPU time of the whole process, in ns: what the neighbours on the machine do does not count. */
static inline int64_t bench_cpu_ns(void)
{
    return bench_clock_ns(CLOCK_PROCESS_CPUTIME_ID);
}

static inline int64_t bench_wall_ns(void)
{
    return bench_clock_ns(CLOCK_MONOTONIC);
}

/* Makes the compiler believe that the value is used and that any memory may have changed. */
static inline void bench_keep(uintptr_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

/* Spread deadlines, 10 to 100 s away in ns; the same numbers in every run. state must not be 0. */
static inline int64_t bench_deadline(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return 10000000000 + (int64_t)(*state % 90000000000u);
}

#define BENCH_DEADLINES 1024

/* Draws them ahead of the measurement, so that only the timers are measured. Returns the
 * generator's state. */
static inline uint64_t bench_deadlines(int64_t *deadlines)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < BENCH_DEADLINES; i++)
        deadlines[i] = bench_deadline(&state);
    return state;
}

static inline void bench_print(const char *name, const char *metric, double value)
{
    printf("%s %s %.3f\n", name, metric, value);
}

/* Reads one "Vm...:  123 kB" line of the process's own status; -1 when it is not there. */
static inline int64_t bench_status_bytes(const char *key)
{
    char line[256];
    int64_t bytes = -1;
    size_t len = strlen(key);
    FILE *f = fopen("/proc/self/status", "r");
    if (f == NULL)
        return -1;
    while (fgets(line, (int)sizeof line, f) != NULL) {
        if (strncmp(line, key, len) == 0 && line[len] == ':') {
            bytes = (int64_t)strtoll(line + len + 1, NULL, 10) * 1024;
            break;
        }
    }
    (void)fclose(f);
    return bytes;
}

/* Runs the case that the command line names: by `around` if it is not NULL, else directly. */
static inline int bench_main(int argc, char **argv, const struct bench_case *cases, size_t count,
                             int (*around)(const struct bench_case *chosen, long n))
{
    if (argc < 2) {
        for (size_t i = 0; i < count; i++)
            printf("%s %ld\n", cases[i].name, cases[i].n);
        return 0;
    }
    const struct bench_case *c = cases;
    while (c < cases + count && strcmp(c->name, argv[1]) != 0)
        c++;
    if (c == cases + count) {
        fprintf(stderr, "%s: there is no case '%s'\n", argv[0], argv[1]);
        return 2;
    }
    long n = argc > 2 ? strtol(argv[2], NULL, 10) : c->n;
    if (n < 1) {
        fprintf(stderr, "%s: N must be a number above 0, not '%s'\n", argv[0], argv[2]);
        return 2;
    }
    if ((around ? around(c, n) : c->run(c->name, n)) == 0)
        return 0;
    fprintf(stderr, "%s: case %s failed\n", argv[0], c->name);
    return 1;
}

#endif
