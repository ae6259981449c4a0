/* tests/unit/port/cases.h - cases and child processes for the tests of the lowest layer.
 *
 * A case stops at its first failed check. Whatever is meant to crash runs in a child, whose
 * standard error and end are then judged.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_UNIT_PORT_CASES_H
#define ROOST_TESTS_UNIT_PORT_CASES_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "port/fiber.h"

enum { CASES_MAX = 64 };

struct test_case {
    const char *name;
    void (*body)(void);
};
static struct test_case cases[CASES_MAX];
static int case_count;
static jmp_buf case_end;
static const char *case_skip_reason;

#define TEST(name)                                                                                 \
    static void name(void);                                                                        \
    __attribute__((constructor)) static void name##_register(void)                                 \
    {                                                                                              \
        cases[case_count++] = (struct test_case){#name, name};                                     \
    }                                                                                              \
    static void name(void)

#define CHECK(condition)                                                                           \
    ((condition) ? (void)0 : check_fail(__FILE__, __LINE__, #condition, 0, 0, false))
#define CHECK_EQ(want, got) check_eq(__FILE__, __LINE__, #got, (long long)(want), (long long)(got))
#define CHECK_HAS(needle, text) check_has(__FILE__, __LINE__, needle, text, true)
#define CHECK_LACKS(needle, text) check_has(__FILE__, __LINE__, needle, text, false)

__attribute__((unused, noreturn)) static void check_fail(const char *file, int line,
                                                         const char *what, long long want,
                                                         long long got, bool numbers)
{
    if (numbers)
        printf("# %s:%d: %s: want %lld, got %lld\n", file, line, what, want, got);
    else
        printf("# %s:%d: %s\n", file, line, what);
    fflush(stdout);
    longjmp(case_end, 1);
}

__attribute__((unused)) static void check_eq(const char *file, int line, const char *what,
                                             long long want, long long got)
{
    if (want != got)
        check_fail(file, line, what, want, got, true);
}

__attribute__((unused)) static void check_has(const char *file, int line, const char *needle,
                                              const char *text, bool wanted)
{
    if ((strstr(text, needle) != NULL) == wanted)
        return;
    printf("# %s:%d: %s \"%s\" in:\n%s\n", file, line, wanted ? "no" : "unwanted", needle, text);
    fflush(stdout);
    longjmp(case_end, 1);
}

__attribute__((unused, noreturn)) static void skip(const char *reason)
{
    case_skip_reason = reason;
    longjmp(case_end, 2);
}

/* How a child ended: a signal as 128 + its number, else its exit code. */
struct child_end {
    int code;
    char text[16384]; /* what it wrote to fd 2 */
};

__attribute__((unused)) static struct child_end child_run(void (*body)(void *), void *arg)
{
    struct child_end end = {0};
    int fds[2];
    if (pipe(fds) != 0)
        check_fail(__FILE__, __LINE__, "pipe", 0, 0, false);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fds[1], 2);
        close(fds[0]);
        close(fds[1]);
        body(arg);
        _exit(0);
    }
    close(fds[1]);
    size_t len = 0;
    char sink[256];
    for (;;) {
        bool full = len == sizeof end.text - 1;
        ssize_t n = full ? read(fds[0], sink, sizeof sink)
                         : read(fds[0], end.text + len, sizeof end.text - 1 - len);
        if (n <= 0)
            break;
        len += full ? 0 : (size_t)n;
    }
    close(fds[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    end.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return end;
}

/* 0: passed, 1: failed, 2: skipped. */
static int case_run(void (*body)(void))
{
    int end = setjmp(case_end);
    if (end == 0)
        body();
    return end;
}

int main(int argc, char **argv)
{
    static const char *const word[] = {"ok", "not ok", "ok"};
    int counts[3] = {0};
    const char *filter = argc > 2 && strcmp(argv[1], "--filter") == 0 ? argv[2] : "";
    for (int i = 0; i < case_count; i++) {
        if (!strstr(cases[i].name, filter))
            continue;
        int end = case_run(cases[i].body);
        counts[end]++;
        printf("%s - %s%s%s\n", word[end], cases[i].name, end == 2 ? " # SKIP " : "",
               end == 2 ? case_skip_reason : "");
        fflush(stdout);
    }
    printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
    return counts[1] != 0;
}

#endif
