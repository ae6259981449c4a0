/* tests/unit/rt/test_fallback.c - where the kernel refuses io_uring, runs work on epoll and say so
 * once.
 *
 * The refusal is the kernel's own: a filter of system calls, as containers install it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/syscall.h>

#include <roost.h>

#include "unit/rt/process.h"

/* From here on io_uring_setup fails with this error in this process. */
static bool refuse_io_uring(int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

ROOST_ASYNC(backend_is, const char *, name)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return strcmp(roost_backend(), name) == 0;
}

enum { NO_FILTER = 77 };

static int runs_body(void *arg)
{
    unsetenv("ROOST_BACKEND");
    if (!refuse_io_uring(*(int *)arg))
        return NO_FILTER;
    for (int i = 0; i < 3; i++)
        if (roost_run(ROOST_CALL(backend_is, "epoll"), &(roost_run_opts){.loops = 1 + i}) != 1)
            return 1;
    return 0;
}

static void refused_with(int error, const char *name)
{
    struct process process;
    char text[100];
    process_run(&process, runs_body, &error);
    if (process.code == NO_FILTER)
        roost_test_skip("no filter of system calls can be installed");
    CHECK_EQ(0, process.code);
    snprintf(text, sizeof text, "roost: io_uring is not available (%s); using epoll\n", name);
    CHECK_STR(text, process.text);
}

ROOST_TEST(a_refusal_falls_back_to_epoll_with_one_notice, .plain = true, .no_torture = true)
{
    refused_with(EPERM, "EPERM");
}

ROOST_TEST(a_kernel_without_it_falls_back_too, .plain = true, .no_torture = true)
{
    refused_with(ENOSYS, "ENOSYS");
}

ROOST_TEST(no_memory_for_it_falls_back_too, .plain = true, .no_torture = true)
{
    refused_with(ENOMEM, "ENOMEM");
}

static int forced_body(void *arg)
{
    const char *variable = arg;
    unsetenv("ROOST_BACKEND");
    if (variable)
        setenv("ROOST_BACKEND", "uring", 1);
    if (!refuse_io_uring(EPERM))
        return NO_FILTER;
    roost_run_opts opts = {.backend = variable ? NULL : "uring"};
    return roost_run(ROOST_CALL(backend_is, "uring"), &opts) == -EPERM ? 0 : 1;
}

ROOST_TEST(a_backend_that_was_asked_for_is_never_replaced, .plain = true, .no_torture = true)
{
    struct process process;
    for (int i = 0; i < 2; i++) {
        process_run(&process, forced_body, i == 0 ? NULL : "by the environment");
        if (process.code == NO_FILTER)
            roost_test_skip("no filter of system calls can be installed");
        CHECK_EQ(0, process.code);
        CHECK_STR("", process.text);
    }
}
