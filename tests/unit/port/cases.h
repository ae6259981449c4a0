/* tests/unit/port/cases.h - cases and child processes for the tests of the lowest layer.
 *
 * A case runs outside any run of the runtime and without tortures: what it tests lies below both.
 * Whatever is meant to crash runs in a child, whose standard error and end are then judged.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_UNIT_PORT_CASES_H
#define ROOST_TESTS_UNIT_PORT_CASES_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <roost/testing.h>

#define TEST(name) ROOST_TEST(name, .plain = true, .no_torture = true)

#define CHECK_HAS(needle, text) check_has(__FILE__, __LINE__, needle, text, true)
#define CHECK_LACKS(needle, text) check_has(__FILE__, __LINE__, needle, text, false)

__attribute__((unused)) static void check_has(const char *file, int line, const char *needle,
                                              const char *text, bool wanted)
{
    if ((strstr(text, needle) != NULL) == wanted)
        return;
    printf("%s \"%s\" in:\n%s\n", wanted ? "no" : "unwanted", needle, text);
    roost_test_fail(file, line, needle, false);
}

__attribute__((unused, noreturn)) static void skip(const char *missing)
{
    roost_test_skip(missing);
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
    CHECK_EQ(0, pipe(fds));
    fflush(NULL);
    pid_t pid = fork();
    CHECK(pid >= 0);
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
    CHECK_EQ(pid, waitpid(pid, &status, 0));
    end.code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return end;
}

#endif
