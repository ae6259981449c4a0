/* port/child_exec.h - starting other programs, and how they end.
 *
 * The new process shares this one's memory until it has become the other program, so nothing is
 * copied, no handler of fork runs, and what goes wrong on the way is told by a code.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_CHILD_EXEC_H
#define ROOST_PORT_CHILD_EXEC_H

#include <stdbool.h>

#include "port/child.h"

enum { ROOSTI_EXEC_INHERIT = -1, ROOSTI_EXEC_NULL = -2, ROOSTI_EXEC_TO_OUT = -3 };

struct roosti_exec {
    const char *const *argv; /* [0] is looked for in PATH when it has no slash */
    const char *const *env;  /* NULL: this program's */
    const char *cwd;         /* NULL: this program's */
    int fds[3];              /* to be 0, 1 and 2 there; ROOSTI_EXEC_* */
    bool group;              /* leads a process group */
};

/* Nothing of this process is open there but the three. Default signal actions, none blocked.
 * Written on success; pidfd is never -1 then. 0 or a code, with which no process is left. */
int roosti_exec_start(const struct roosti_exec *exec, struct roosti_child *child);

/* A pipe whose end for this program never waits, and the other's does. 0 or a code. */
int roosti_exec_pipe(bool child_reads, int *ours, int *theirs);

struct roosti_exec_end {
    int code; /* its exit status, or the signal */
    bool signalled;
};

/* Takes the process off the system's table. block: waits for its end. 0; ROOST_EAGAIN: it runs;
 * -ECHILD: somebody else has taken it. */
int roosti_exec_reap(const struct roosti_child *child, bool block, struct roosti_exec_end *end);

/* To a process that was not reaped, or to its group. 0 or a code. */
int roosti_exec_signal(const struct roosti_child *child, bool group, int signo);

#endif
