/* tests/unit/rt/test_forked.c - the runtime does not survive fork, and says so.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/guest.h>
#include <roost/post.h>

#include "unit/rt/process.h"

static const roost_var var = {.name = "var"};

ROOST_ASYNC(nothing)
{
    return 0;
}

/* The place of the first call that does not say ROOST_EFORKED; 0: all do. */
static int calls_in_a_child(roost_group *group, roost_task *task)
{
    roost_scope scope;
    roost_guest *guest;
    roost_poster *poster;
    roost_error error;
    char byte;
    roost_scope_init(&scope, NULL);
    int codes[] = {
        roost_yield(),
        roost_checkpoint(),
        roost_sleep(1),
        roost_sleep_forever(),
        roost_join(task, NULL),
        roost_scope_enter(&scope),
        roost_spawn(group, ROOST_CALL(nothing), NULL, &task),
        roost_var_set(&var, &byte),
        roost_error_last(&error),
        roost_poster_open(&poster),
        roost_bg_spawn(ROOST_CALL(nothing), NULL),
        roost_on_loop(0, ROOST_CALL(nothing), NULL),
        roost_path_exists("/"),
        roost_run(ROOST_CALL(nothing), NULL),
        roost_guest_start(ROOST_CALL(nothing), NULL, &guest),
    };
    for (int i = 0; i < (int)(sizeof codes / sizeof codes[0]); i++)
        if (codes[i] != ROOST_EFORKED)
            return i + 1;
    return roost_task_self() ? 100 : 0;
}

/* The exit status of a child that forked from inside a task of this process. */
static int child_status(pid_t pid)
{
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

ROOST_ASYNC(fork_and_call, roost_group *, group, roost_task *, task, int *, first)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(calls_in_a_child(group, task));
    *first = child_status(pid);
    return roost_sleep(ROOST_MS(1));
}

ROOST_TEST(every_call_in_a_forked_child_is_refused)
{
    roost_task *task = NULL;
    int first = -1;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        CHECK_OK(ROOST_SPAWN(&task, g, nothing));
        ROOST_GO(g, fork_and_call, g, task, &first);
        rc = roost_sleep(ROOST_MS(5));
        roost_task_drop(task);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, first);
}

ROOST_ASYNC(fork_and_return)
{
    pid_t pid = fork();
    return pid == 0 ? 0 : child_status(pid);
}

ROOST_ASYNC(run_the_forking_task)
{
    roost_task *task = NULL;
    int status = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        rc = roost_spawn(g, ROOST_CALL(fork_and_return), &(roost_spawn_opts){.name = "forker"},
                         &task);
        if (rc == 0)
            rc = roost_join(task, &status);
    }
    return rc < 0 ? rc : status;
}

static int returning_child(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(run_the_forking_task), NULL);
}

ROOST_TEST(a_forked_child_that_returns_from_its_task_is_ended, .plain = true, .no_torture = true)
{
    struct process process;
    process_run(&process, returning_child, NULL);
    CHECK_EQ(125, process.code);
    CHECK_WROTE(&process, "roost: task 'forker' returned in a child process made by fork; a child "
                          "must end with _exit or exec\n");
}
