/* tests/unit/offload/workers.h - what the tests of worker processes share.
 *
 * A page that was there before the first pool is seen by this process and by all workers: they tell
 * each other through it how far they are, since nothing else leads in or out.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_WORKERS_H
#define ROOST_TESTS_WORKERS_H

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <roost.h>
#include <roost/process_pool.h>
#include <roost/testing.h>

#include "base/atomic.h"

struct board {
    uint32_t begun; /* atomic: calls that have begun to wait for `go` */
    uint32_t go;    /* atomic */
    int32_t pid;    /* atomic: of the worker that wrote last */
    int32_t root;   /* atomic: of its parent */
};

static struct board *board;

/* First thing in a case that uses it. In simulation a call has the loop stand still, so nothing
 * may wait for a later step of the loop: there everybody may go at once. */
static inline void board_put_up(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED)
        roost_test_fail(__FILE__, __LINE__, "mmap", true);
    board = page;
    board->go = roost_test_virtual();
}

static inline void board_go(void)
{
    roosti_atomic_store(&board->go, 1, ROOSTI_RELEASE);
}

/* Until so many calls wait for `go`; the others of the loop go on meanwhile. Simulated calls may be
 * over by then, and under torture some may never begin. */
static inline int board_await(uint32_t begun)
{
    int rounds = roost_test_virtual() ? 0 : roost_test_tortured() ? 30 : 100000;
    int rc = 0;
    while (rc >= 0 && rounds-- > 0 && roosti_atomic_load(&board->begun, ROOSTI_ACQUIRE) < begun)
        rc = roost_sleep(ROOST_US(100));
    return rc;
}

/* -- calls, made in workers ---------------------------------------------------------------------*/

ROOST_ASYNC(give_number, int, number)
{
    return number;
}

ROOST_ASYNC(give_pid)
{
    return getpid();
}

ROOST_ASYNC(wait_for_go, int, number)
{
    roosti_atomic_store(&board->pid, getpid(), ROOSTI_RELAXED);
    roosti_atomic_store(&board->root, getppid(), ROOSTI_RELAXED);
    roosti_atomic_add(&board->begun, 1, ROOSTI_RELEASE);
    while (!roosti_atomic_load(&board->go, ROOSTI_ACQUIRE))
        usleep(100);
    return number;
}

ROOST_ASYNC(never_end)
{
    roosti_atomic_store(&board->pid, getpid(), ROOSTI_RELAXED);
    roosti_atomic_store(&board->root, getppid(), ROOSTI_RELAXED);
    roosti_atomic_add(&board->begun, 1, ROOSTI_RELEASE);
    for (;;)
        (void)roosti_atomic_load(&board->go, ROOSTI_ACQUIRE);
    return 0;
}

ROOST_ASYNC(die_of, int, signo)
{
    raise(signo);
    return 0;
}

/* -- looking ------------------------------------------------------------------------------------*/

static inline bool process_is_gone(int pid)
{
    return pid > 0 && kill(pid, 0) < 0 && errno == ESRCH;
}

/* Whether this process has any children, ended ones included. */
static inline bool children_left(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static inline bool note_has(const char *text)
{
    roost_error error;
    if (roost_error_last(&error) < 0 || error.step_count == 0)
        return false;
    return strstr(error.steps[0].note, text) != NULL;
}

#endif
