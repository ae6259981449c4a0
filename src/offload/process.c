/* offload/process.c - one worker process, as the program sees it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/process.h"

#include <string.h>

#include "base/mem.h"
#include "port/port.h"
#include "rt/loop.h"

/* How long the root may take to make room for one more request. */
#define CONTROL_WAIT ROOST_SEC(1)

/* -- waiting ------------------------------------------------------------------------------------*/

static void await_done(struct roosti_op *op)
{
    roosti_wake(op->owner, 0);
}

/* Suspends the task, with nothing that could undo it. False: the port does not take it. */
static bool await_parked(struct roost_task *self, int fd)
{
    struct roosti_port *port = self->loop->port;
    struct roosti_op op = {.kind = ROOSTI_OP_POLL,
                           .fd = fd,
                           .events = ROOSTI_POLL_IN,
                           .done = await_done,
                           .owner = self};
    int rc = port->ops->submit(port, &op);
    if (rc == ROOSTI_IN_FLIGHT)
        (void)roosti_park(self, NULL, "end of a process", NULL);
    return rc >= 0 && op.res >= 0;
}

void roosti_process_await(roost_process_pool *pool, int fd, struct roost_task *self)
{
    if (self && !pool->blocking && await_parked(self, fd))
        return;
    struct roosti_wait_fd wait = {.fd = fd, .wanted = ROOSTI_WAIT_READ};
    (void)roosti_wait_fds(&wait, 1, ROOST_FOREVER);
}

/* -- beginning and end --------------------------------------------------------------------------*/

int roosti_process_root(roost_process_pool *pool)
{
    if (pool->rooted)
        return 0;
    int fds[2];
    int rc = roosti_socket_pair(fds);
    if (rc < 0)
        return rc;
    rc = roosti_child_fork(&pool->root, fds[1], &(struct roosti_child_opts){pool->opts.silent},
                           roosti_process_root_main, pool);
    roosti_socket_close(fds[1]);
    if (rc < 0) {
        roosti_socket_close(fds[0]);
        return rc;
    }
    pool->control = fds[0];
    pool->rooted = true;
    return 0;
}

/* Inside the guard. pass: goes along, or -1. */
static int root_tell(roost_process_pool *pool, struct roosti_record record, int pass)
{
    struct roosti_piece piece = {&record, sizeof record};
    for (;;) {
        int rc = roosti_record_send(pool->control, &piece, 1, pass);
        if (rc == -EPIPE)
            return ROOST_EBROKEN;
        if (rc != ROOST_EAGAIN)
            return rc;
        struct roosti_wait_fd wait = {.fd = pool->control, .wanted = ROOSTI_WAIT_WRITE};
        if (roosti_wait_fds(&wait, 1, CONTROL_WAIT) == 0)
            return ROOST_EAGAIN;
    }
}

int roosti_process_start(roost_process_pool *pool, struct roosti_process **ret_process)
{
    int fds[2];
    struct roosti_process *process = roosti_alloc(sizeof *process, "a worker process");
    if (!process)
        return ROOST_ENOMEM;
    process->fd = process->pidfd = -1;
    process->pid = 0;
    process->calls = 0;
    process->doomed = false;
    process->said.len = 0;
    int rc = roosti_socket_pair(fds);
    if (rc < 0)
        goto free_process;
    process->fd = fds[0];

    roosti_guard_take(&pool->guard);
    rc = roosti_process_root(pool);
    if (rc == 0)
        rc = root_tell(pool, (struct roosti_record){.kind = ROOSTI_RECORD_SPAWN}, fds[1]);
    if (rc == 0) {
        process->prev = NULL;
        process->next = pool->all;
        if (pool->all)
            pool->all->prev = process;
        pool->all = process;
        pool->stats.started++;
    }
    roosti_guard_leave(&pool->guard);
    roosti_socket_close(fds[1]);
    if (rc == ROOST_EBROKEN)
        (void)roost_error_note(rc, "the root of the process pool is gone");
    if (rc < 0)
        goto close_socket;
    *ret_process = process;
    return 0;

close_socket:
    roosti_socket_close(process->fd);
free_process:
    roosti_free(process);
    return rc;
}

void roosti_process_drop(roost_process_pool *pool, struct roosti_process *process)
{
    roosti_guard_take(&pool->guard);
    *(process->prev ? &process->prev->next : &pool->all) = process->next;
    if (process->next)
        process->next->prev = process->prev;
    roosti_socket_close(process->fd);
    roosti_socket_close(process->pidfd);
    roosti_guard_leave(&pool->guard);
    roosti_free(process);
}

void roosti_process_kill(roost_process_pool *pool, struct roosti_process *process)
{
    process->doomed = true;
    if (process->pidfd >= 0)
        roosti_child_kill(process->pidfd);
    else if (process->pid != 0) /* where the root is gone, so is the worker */
        (void)root_tell(
            pool, (struct roosti_record){.kind = ROOSTI_RECORD_KILL, .pid = process->pid}, -1);
}

/* Its first words; somebody may have wanted to kill it before it had a name. */
static void process_born(roost_process_pool *pool, struct roosti_process *process, int pid,
                         int pidfd)
{
    roosti_guard_take(&pool->guard);
    process->pid = pid;
    process->pidfd = pidfd;
    if (process->doomed)
        roosti_process_kill(pool, process);
    roosti_guard_leave(&pool->guard);
}

int roosti_process_hear(roost_process_pool *pool, struct roosti_process *process)
{
    for (;;) {
        int passed;
        int64_t n = roosti_record_receive(process->fd, process->said.bytes,
                                          sizeof process->said.bytes, &passed);
        if (n == ROOST_EAGAIN)
            return ROOST_EAGAIN;
        if (n <= 0)
            return ROOST_EBROKEN;
        /* What is shorter than a record is completed to one that nobody says. */
        if (n < (int64_t)sizeof(struct roosti_record))
            memset(process->said.bytes, 0, sizeof(struct roosti_record));
        process->said.len = (size_t)n;
        const struct roosti_record *record = roosti_process_said(process);
        if (record->kind == ROOSTI_RECORD_BORN && record->pid > 0 && process->pid == 0) {
            process_born(pool, process, record->pid, passed);
            continue;
        }
        roosti_socket_close(passed);
        return 0;
    }
}

void roosti_process_end(roost_process_pool *pool, struct roosti_process *process,
                        struct roost_task *self)
{
    roosti_guard_take(&pool->guard);
    roosti_process_kill(pool, process);
    roosti_guard_leave(&pool->guard);
    for (;;) {
        int rc = roosti_process_hear(pool, process);
        if (rc == ROOST_EAGAIN) {
            roosti_process_await(pool, process->fd, self);
            continue;
        }
        uint32_t kind = roosti_process_said(process)->kind;
        if (rc < 0 || kind == ROOSTI_RECORD_DIED || kind == ROOSTI_RECORD_FAILED)
            break;
    }
    roosti_process_drop(pool, process);
}
