/* io/subprocess.c - one child process: its start, its end, its streams.
 *
 * The end is told by the child's pidfd and by nothing else: neither SIGCHLD nor the end of a pipe
 * has a part in it. Whoever closes a running child stays until it is reaped; after SIGKILL that
 * wait cannot be undone, and where the port refuses it the thread waits.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/child.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include <roost/scope.h>

#include "base/mem.h"
#include "io/pipe_stream.h"
#include "port/child_exec.h"
#include "port/port.h"
#include "rt/loop.h"
#include "rt/op.h"
#include "rt/report.h"

#define CHILD_GRACE_DEFAULT ROOST_SEC(5)

struct roost_child {
    uint32_t loop_id;
    uint32_t refs; /* the handle, and the call that waits */
    bool closed;
    bool ended; /* and reaped: reap_code and status hold */
    bool group;
    int reap_code;
    int pid;
    struct roosti_child process;
    roost_child_status status;
    struct roost_task *waiter; /* the task that waits for its end */
    roost_stream *streams[3];  /* NULL: no pipe */
    roost_dur grace;
    char name[32];
};

/* -- the end ----------------------------------------------------------------------------------- */

static void child_unref(roost_child *child)
{
    if (--child->refs == 0)
        roosti_free(child);
}

/* False: it still runs. */
static bool child_reap(roost_child *child, bool block)
{
    struct roosti_exec_end end = {.code = 0};
    if (child->ended)
        return true;
    int rc = roosti_exec_reap(&child->process, block, &end);
    if (rc == ROOST_EAGAIN)
        return false;
    child->ended = true;
    child->reap_code = rc;
    child->status = (roost_child_status){.code = end.signalled ? -1 : end.code,
                                         .signo = end.signalled ? end.code : 0};
    return true;
}

/* Waits until the pidfd says something. 0 or a code. */
static int child_poll(roost_child *child, struct roost_task *self)
{
    struct roosti_op op = {
        .kind = ROOSTI_OP_POLL, .fd = child->process.pidfd, .events = ROOSTI_POLL_IN};
    child->waiter = self;
    int64_t res = roosti_op_wait(self, &op);
    child->waiter = NULL;
    return res < 0 ? (int)res : 0;
}

int roost_child_wait(roost_child *child, roost_child_status *status)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = roosti_loop_owns(self->loop, &child->loop_id);
    if (rc < 0)
        return rc;
    child->refs++;
    rc = roosti_op_begin(self->loop, self);
    if (rc == 0 && !child->closed && child->waiter)
        rc = ROOST_EBUSY;
    while (rc == 0 && !child->closed && !child_reap(child, false))
        rc = child_poll(child, self);
    if (child->closed && (rc == 0 || rc == ROOST_ECANCELED))
        rc = ROOST_ECLOSED;
    if (rc == 0)
        rc = child->reap_code;
    if (rc == 0 && status)
        *status = child->status;
    child_unref(child);
    return rc;
}

/* -- signals ----------------------------------------------------------------------------------- */

int roost_child_signal(roost_child *child, int signo)
{
    int rc = roosti_here_owns(&child->loop_id);
    if (rc < 0)
        return rc;
    return child->ended ? -ESRCH : roosti_exec_signal(&child->process, child->group, signo);
}

int roost_child_kill(roost_child *child)
{
    return roost_child_signal(child, SIGKILL);
}

/* -- stopping ---------------------------------------------------------------------------------- */

static void stop_done(struct roosti_op *op)
{
    roosti_wake(op->owner, 0);
}

/* After SIGKILL: with nothing that could undo it. */
static void stop_await_killed(roost_child *child, struct roost_task *self)
{
    while (!child_reap(child, false)) {
        struct roosti_op op = {.kind = ROOSTI_OP_POLL,
                               .fd = child->process.pidfd,
                               .events = ROOSTI_POLL_IN,
                               .done = stop_done,
                               .owner = self};
        struct roosti_port *port = self->loop->port;
        int rc = port->ops->submit(port, &op);
        if (rc == ROOSTI_IN_FLIGHT)
            (void)roosti_park(self, NULL, "end of a child", NULL);
        if (rc < 0 || op.res < 0)
            break;
    }
    (void)child_reap(child, true);
}

/* SIGTERM, and the grace; whether it has ended by then. */
static bool stop_asked(roost_child *child, struct roost_task *self)
{
    roost_scope scope;
    roost_scope_opts opts = {
        .within = child->grace, .move_on = true, .shield = true, .label = "grace of a child"};
    if (child->grace < 0)
        return false;
    (void)roosti_exec_signal(&child->process, child->group, SIGTERM);
    roost_scope_init(&scope, &opts);
    int rc = roost_scope_enter(&scope);
    if (rc < 0)
        return child_reap(child, false);
    rc = roosti_op_begin(self->loop, self);
    while (rc == 0 && !child_reap(child, false))
        rc = child_poll(child, self);
    bool cut_short = rc < 0 && !child_reap(child, false);
    rc = roost_scope_end(&scope, rc);
    if (cut_short && rc >= 0 && self->loop->debug >= 1)
        roosti_report("child '%s' (%d) has not ended %lld ms after SIGTERM and is killed",
                      child->name, child->pid, (long long)(child->grace / ROOST_MS(1)));
    return !cut_short;
}

/* Whoever waits for it is told to leave, and has left when this returns: one task at a time can
 * wait for a descriptor. */
static void stop_alone(roost_child *child, struct roost_task *self)
{
    while (child->waiter) {
        if (child->waiter->state == ROOSTI_TASK_WAITING)
            roosti_task_interrupt(child->waiter);
        roosti_give_turn(self);
    }
}

static void child_stop(roost_child *child)
{
    struct roost_task *self = roosti_self();
    if (self)
        stop_alone(child, self);
    if (child_reap(child, false))
        return;
    if (self && stop_asked(child, self))
        return;
    (void)roosti_exec_signal(&child->process, child->group, SIGKILL);
    if (self)
        stop_await_killed(child, self);
    else
        (void)child_reap(child, true);
}

static void descriptor_close(int fd)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (loop)
        (void)loop->port->ops->fd.close(loop->port, fd);
    else
        roosti_socket_close(fd);
}

int roost_child_close(roost_child *child)
{
    if (!child)
        return 0;
    struct roosti_loop *loop = roosti_loop_here;
    int rc = loop ? roosti_loop_owns(loop, &child->loop_id) : 0;
    if (rc < 0) {
        if (loop->debug >= 1)
            roosti_report("roost_child_close: the child belongs to another loop");
        return rc;
    }
    child->closed = true;
    roost_stream_abort(child->streams[0]);
    child_stop(child);
    roost_stream_abort(child->streams[1]);
    roost_stream_abort(child->streams[2]);
    descriptor_close(child->process.pidfd);
    child_unref(child);
    return 0;
}

/* -- starting ---------------------------------------------------------------------------------- */

static bool start_opts_valid(const roost_child_opts *opts)
{
    bool named = opts->argv && opts->argv[0];
    return named != (opts->shell != NULL) && opts->in >= ROOST_CHILD_PIPE &&
           opts->out >= ROOST_CHILD_PIPE && opts->err >= ROOST_CHILD_TO_OUT;
}

/* One standard descriptor: what it is for the port. For a pipe, *theirs is to be closed when the
 * child has started. */
static int start_stdio(roost_child *child, int which, int way, int *fd, int *theirs)
{
    struct roosti_port *port = roosti_loop_here->port;
    int ours;
    *fd = way == ROOST_CHILD_INHERIT  ? ROOSTI_EXEC_INHERIT
          : way == ROOST_CHILD_NULL   ? ROOSTI_EXEC_NULL
          : way == ROOST_CHILD_TO_OUT ? ROOSTI_EXEC_TO_OUT
                                      : way;
    if (way != ROOST_CHILD_PIPE)
        return 0;
    int rc = roosti_exec_pipe(which == 0, &ours, theirs);
    if (rc < 0)
        return rc;
    *fd = *theirs;
    port->ops->fd.forget(port, ours);
    rc = roosti_pipe_stream_open(ours, which != 0, &child->streams[which]);
    if (rc < 0)
        descriptor_close(ours);
    return rc;
}

static int child_exec(roost_child *child, const roost_child_opts *opts)
{
    const char *const shell[] = {"/bin/sh", "-c", opts->shell, NULL};
    const int ways[3] = {opts->in, opts->out, opts->err};
    int theirs[3] = {-1, -1, -1};
    struct roosti_exec exec = {.argv = opts->shell ? shell : opts->argv,
                               .env = opts->env,
                               .cwd = opts->cwd,
                               .group = opts->group};
    int rc = 0;
    snprintf(child->name, sizeof child->name, "%s", exec.argv[0]);
    for (int i = 0; i < 3 && rc == 0; i++)
        rc = start_stdio(child, i, ways[i], &exec.fds[i], &theirs[i]);
    if (rc == 0)
        rc = roosti_exec_start(&exec, &child->process);
    for (int i = 0; i < 3; i++) {
        roosti_socket_close(theirs[i]);
        if (rc < 0)
            roost_stream_abort(child->streams[i]);
    }
    child->pid = child->process.pid;
    return rc < 0 ? roost_error_note(rc, "start '%s'", child->name) : 0;
}

int roost_child_start(const roost_child_opts *opts, roost_child **ret_child)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    if (!start_opts_valid(opts))
        return ROOST_EINVAL;
    if (self->loop->virtual_time)
        return roost_error_note(ROOST_ENOTSUP, "a simulated run has no child processes");
    roost_child *child = roosti_alloc_zero(1, sizeof *child, "a child process");
    if (!child)
        return ROOST_ENOMEM;
    child->loop_id = self->loop->id;
    child->refs = 1;
    child->group = opts->group;
    child->grace = opts->grace != 0 ? opts->grace : CHILD_GRACE_DEFAULT;
    int rc = child_exec(child, opts);
    if (rc < 0) {
        child_unref(child);
        return rc;
    }
    self->loop->port->ops->fd.forget(self->loop->port, child->process.pidfd);
    *ret_child = child;
    return 0;
}

/* -- looking ----------------------------------------------------------------------------------- */

int roost_child_pid(const roost_child *child)
{
    return child->pid;
}

roost_stream *roost_child_in(roost_child *child)
{
    return child->streams[0];
}

roost_stream *roost_child_out(roost_child *child)
{
    return child->streams[1];
}

roost_stream *roost_child_err(roost_child *child)
{
    return child->streams[2];
}
