/* roost/child.h - programs started by this one.
 *
 *     ROOST_AUTO(child_result) roost_child_result result = {0};
 *     const char *const argv[] = {"git", "rev-parse", "HEAD", NULL};
 *
 *     ROOST_TRY(roost_child_run(&(const roost_child_opts){.argv = argv, .out = ROOST_CHILD_PIPE,
 *                                                         .check = true}, &result));
 *     printf("at %s", result.out.data);
 *
 * roost_child_run does the whole of it: it feeds the child, takes what it prints, waits for its
 * end. roost_child_start gives a handle instead, with pipes that are streams.
 *
 * No child is left behind. Cancelling roost_child_run, or closing the handle of a child that runs,
 * sends SIGTERM, waits for the grace, sends SIGKILL, and takes the ended child off the system's
 * table in any case. The end of a child is its own: it is told at once, also when a process that
 * the child has started still holds its pipes.
 *
 * A child begins with every signal at its default action and none blocked, and with no descriptor
 * of this program but its standard three. It is not forked: starting takes a fraction of a
 * millisecond, whatever memory this program uses, during which the thread stands still.
 *
 * Children are real, so a simulated run has none: starting one says ROOST_ENOTSUP.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_CHILD_H
#define ROOST_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>
#include <roost/time.h>

/* A child, for the tasks of the loop that started it. */
typedef struct roost_child roost_child;

/* What a standard descriptor of a child is: one of these, or a descriptor of this program above 0,
 * borrowed while the child is started. */
enum {
    ROOST_CHILD_INHERIT = 0, /* this program's own */
    ROOST_CHILD_NULL = -1,   /* reads as empty, takes everything */
    ROOST_CHILD_PIPE = -2,   /* a stream here */
    ROOST_CHILD_TO_OUT = -3  /* err only: where the child's standard output goes */
};

/* Zero means default. */
typedef struct roost_child_opts {
    /* The program and its arguments, with NULL behind the last. A name without a slash is looked
     * for in this program's PATH. */
    const char *const *argv;
    const char *shell;      /* instead of argv: a command line for /bin/sh -c */
    const char *const *env; /* "NAME=value", with NULL behind the last; default: this program's */
    const char *cwd;        /* default: this program's; a relative program name counts from it */
    int in; /* ROOST_CHILD_* or a descriptor; default: inherited, each of the three */
    int out;
    int err;
    bool group;      /* in a process group of its own, to which every signal sent goes */
    roost_dur grace; /* between SIGTERM and SIGKILL; default 5 s; negative: SIGKILL at once */

    /* Of roost_child_run alone. */
    roost_bytes input; /* borrowed: what it reads; not empty: in is a pipe, whatever it says */
    size_t output_max; /* bytes kept of each of out and err that is a pipe; default 64 MiB */
    bool check;        /* a child that does not exit with 0 is an error */
} roost_child_opts;

/* How a child has ended. */
typedef struct roost_child_status {
    int code;  /* it exited with this, 0 to 255; -1: it did not */
    int signo; /* the signal it died of; 0: it did not */
} roost_child_status;

/* What roost_child_run brings; begin with zeros. */
typedef struct roost_child_result {
    roost_child_status status;
    roost_bytes out; /* what it printed, with a zero byte behind; NULL where it was no pipe */
    roost_bytes err;
} roost_child_result;

ROOST_BEGIN_DECLS

/**
 * roost_child_start - start a program.
 *
 *   opts      borrowed; argv or shell is needed.
 *   child     gives one, release with roost_child_close; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  neither argv nor shell, or both, or an option out of range; ROOST_ENOTSUP
 *           in simulation; codes of the system: -ENOENT, -EACCES, -ENOEXEC  of the program or cwd;
 *           -EBADF  a descriptor given is not open; -EMFILE, -EAGAIN  nothing is left to make it
 *           of; -ECHILD  it ended at once in a program that ignores SIGCHLD; ROOST_ENOMEM;
 *           ROOST_ENOCTX  not in a task. No child is left.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_child_start(const roost_child_opts *opts, roost_child **child);

/**
 * roost_child_run - run a program to its end.
 *
 *   opts      borrowed. in: ROOST_CHILD_PIPE without input reads as empty. out, err:
 *             ROOST_CHILD_PIPE is kept in the result.
 *   result    written on success only; release with roost_child_result_fini.
 *
 * What processes started by the child print after its end is not waited for.
 *
 * Suspends  until it has ended.
 * Cancel    ROOST_ECANCELED; the child has been stopped as roost_child_close does.
 * Errors    ROOST_EFAILED    with `check`: it did not exit with 0; a note says how it ended, and
 *           what it wrote to a piped standard error first; ROOST_EOVERFLOW  it printed more than
 *           output_max: it has been stopped; those of roost_child_start.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_child_run(const roost_child_opts *opts,
                                                        roost_child_result *result);

/**
 * roost_child_result_fini - release what a child has printed.
 *
 *   result    from roost_child_run, or zeros; zeros afterwards.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_child_result_fini(roost_child_result *result);

/**
 * roost_child_pid - the number of a child.
 *
 *   child     open.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API int roost_child_pid(const roost_child *child);

/**
 * roost_child_in - the stream that a child reads.
 *
 *   child     open.
 *
 * Lends it, valid until roost_child_close; roost_write_end closes it for the child. NULL: it is not
 * a pipe.
 *
 * Suspends  never.
 * Threads   tasks of the child's loop.
 */
ROOST_API roost_stream *roost_child_in(roost_child *child);

/**
 * roost_child_out - the stream that a child prints to.
 *
 *   child     open.
 *
 * Lends it, valid until roost_child_close. NULL: it is not a pipe.
 *
 * Suspends  never.
 * Threads   tasks of the child's loop.
 */
ROOST_API roost_stream *roost_child_out(roost_child *child);

/**
 * roost_child_err - the stream of a child's standard error.
 *
 *   child     open.
 *
 * Lends it, valid until roost_child_close. NULL: it is not a pipe of its own.
 *
 * Suspends  never.
 * Threads   tasks of the child's loop.
 */
ROOST_API roost_stream *roost_child_err(roost_child *child);

/**
 * roost_child_wait - wait for the end of a child.
 *
 *   child     open. Asked again, the same is told again.
 *   status    written on success only; may be NULL.
 *
 * Its pipes are not waited for, and can still be read.
 *
 * Suspends  until it has ended.
 * Cancel    ROOST_ECANCELED; nothing has happened to the child.
 * Errors    ROOST_EBUSY    another task waits for it; ROOST_ECLOSED  it was closed meanwhile;
 *           -ECHILD  somebody else has taken its status: this program ignores SIGCHLD, or waits
 *           for any child; ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of the child's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_child_wait(roost_child *child,
                                                         roost_child_status *status);

/**
 * roost_child_signal - send a child a signal.
 *
 *   child     open.
 *   signo     the signal.
 *
 * Suspends  never.
 * Errors    -ESRCH  it has ended; ROOST_EINVAL  there is no such signal; -EPERM  it has become
 *           somebody else's.
 * Threads   tasks of the child's loop.
 */
ROOST_API ROOST_MUST int roost_child_signal(roost_child *child, int signo);

/**
 * roost_child_kill - send a child SIGKILL.
 *
 *   child     open.
 *
 * Suspends  never.
 * Errors    those of roost_child_signal.
 * Threads   tasks of the child's loop.
 */
ROOST_API ROOST_MUST int roost_child_kill(roost_child *child);

/**
 * roost_child_close - stop a child if it still runs, and release it with its streams.
 *
 *   child     taken; NULL is accepted. A task that waits for it gets ROOST_ECLOSED, and so do those
 *             on its streams.
 *
 * A child that runs: the stream it reads is closed, it gets SIGTERM, after the grace SIGKILL, which
 * is reported at debug level 1, and its end is waited for.
 *
 * Suspends  until it has ended.
 * Cancel    changes nothing; only the end of the run's own grace brings SIGKILL nearer.
 * Errors    ROOST_EXLOOP  it belongs to another loop: it was not closed, reported at debug level 1.
 * Threads   tasks of the child's loop. Outside a task it is killed at once.
 */
ROOST_API ROOST_SUSPENDS int roost_child_close(roost_child *child);

ROOST_END_DECLS

/* For ROOST_AUTO(child): a child that still runs is stopped, which suspends. */
static inline ROOST_SUSPENDS void roost_child_cleanup(roost_child **child)
{
    (void)roost_child_close(*child);
}

/* For ROOST_AUTO(child_result). */
static inline void roost_child_result_cleanup(roost_child_result *result)
{
    roost_child_result_fini(result);
}

#endif
