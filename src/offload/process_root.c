/* offload/process_root.c - the root of a pool: it forks workers and says how they ended.
 *
 * It runs in a process of its own, forked when the pool was opened, that has one thread and does
 * nothing else, so a fork is cheap and clean there. It never waits for the program: what a worker's
 * socket has no room for is said later.
 *
 * SPDX-License-Identifier: MIT
 */
#include "offload/process.h"
#include "port/host.h"

/* Workers that are alive and those whose end is still to be told: twice as many as a pool has. */
enum { WARDS_MAX = 2048 };

/* How long workers get to end by themselves when the program is through with them. */
#define LEAVE_WAIT ROOST_MS(100)

struct ward {
    int pid; /* 0: no ward */
    int fd;  /* a copy of the worker's end of its socket */
    bool ended;
    int code;
    bool signalled;
    bool unread;
};

struct root {
    void *pool;
    int control;
    int watch;
    size_t count; /* wards from here on are none */
    struct ward wards[WARDS_MAX];
};

static struct ward *ward_free(struct root *root)
{
    for (size_t i = 0; i < root->count; i++)
        if (root->wards[i].pid == 0)
            return &root->wards[i];
    return root->count < WARDS_MAX ? &root->wards[root->count++] : NULL;
}

static void failure_tell(int fd, int code)
{
    struct roosti_record record = {.kind = ROOSTI_RECORD_FAILED, .code = code};
    (void)roosti_record_send(fd, &(struct roosti_piece){&record, sizeof record}, 1, -1);
    roosti_socket_close(fd);
}

static void ward_start(struct root *root, int fd)
{
    struct ward *ward = ward_free(root);
    int pid = ward ? roosti_branch_fork(fd, roosti_process_worker_main, root->pool) : ROOST_EAGAIN;
    if (pid < 0)
        failure_tell(fd, pid);
    else
        *ward = (struct ward){.pid = pid, .fd = fd};
}

/* A ward whose end has been told is none any more. */
static void ward_tell(struct ward *ward)
{
    struct roosti_record record = {.kind = ROOSTI_RECORD_DIED,
                                   .pid = ward->pid,
                                   .code = ward->code,
                                   .signalled = ward->signalled,
                                   .unread = ward->unread};
    int rc = roosti_record_send(ward->fd, &(struct roosti_piece){&record, sizeof record}, 1, -1);
    if (rc == ROOST_EAGAIN)
        return;
    roosti_socket_close(ward->fd);
    ward->pid = 0;
}

/* Only one that has not been reaped: its number is its own until then. */
static void ward_kill(const struct root *root, int pid)
{
    for (size_t i = 0; i < root->count; i++)
        if (root->wards[i].pid == pid && !root->wards[i].ended)
            roosti_branch_kill(pid);
}

/* False: the program is through with its workers, or gone. */
static bool requests_take(struct root *root)
{
    for (;;) {
        struct roosti_record record;
        int passed;
        int64_t n = roosti_record_receive(root->control, &record, sizeof record, &passed);
        if (n == ROOST_EAGAIN)
            return true;
        if (n <= 0)
            return false;
        if (passed >= 0)
            ward_start(root, passed);
        else if (record.kind == ROOSTI_RECORD_KILL && record.pid > 0)
            ward_kill(root, record.pid);
    }
}

/* From now on nothing can be sent to it; what has been before it may have left unread. */
static void ward_end(struct ward *ward, const struct roosti_branch_end *end)
{
    struct roosti_record sink;
    roosti_socket_deafen(ward->fd);
    ward->unread = roosti_record_receive(ward->fd, &sink, sizeof sink, NULL) > 0;
    ward->ended = true;
    ward->code = end->code;
    ward->signalled = end->signalled;
}

static void ends_take(struct root *root)
{
    struct roosti_branch_end end;
    while (roosti_branches_reap(root->watch, &end)) {
        for (size_t i = 0; i < root->count; i++) {
            struct ward *ward = &root->wards[i];
            if (ward->pid != end.pid || ward->ended)
                continue;
            ward_end(ward, &end);
            break;
        }
    }
    for (size_t i = 0; i < root->count; i++)
        if (root->wards[i].pid != 0 && root->wards[i].ended)
            ward_tell(&root->wards[i]);
}

static void something_await(const struct root *root)
{
    struct roosti_wait_fd waits[WARDS_MAX + 2];
    size_t count = 0;
    waits[count++] = (struct roosti_wait_fd){.fd = root->control, .wanted = ROOSTI_WAIT_READ};
    waits[count++] = (struct roosti_wait_fd){.fd = root->watch, .wanted = ROOSTI_WAIT_READ};
    for (size_t i = 0; i < root->count; i++)
        if (root->wards[i].pid != 0 && root->wards[i].ended)
            waits[count++] =
                (struct roosti_wait_fd){.fd = root->wards[i].fd, .wanted = ROOSTI_WAIT_WRITE};
    (void)roosti_wait_fds(waits, count, ROOST_FOREVER);
}

static bool any_alive(const struct root *root)
{
    for (size_t i = 0; i < root->count; i++)
        if (root->wards[i].pid != 0 && !root->wards[i].ended)
            return true;
    return false;
}

/* Workers end when they find their sockets closed; those that do not are killed. */
static void wards_end(struct root *root)
{
    struct roosti_wait_fd wait = {.fd = root->watch, .wanted = ROOSTI_WAIT_READ};
    roost_time until = roosti_clock_now() + LEAVE_WAIT;
    roost_dur left;
    while (any_alive(root) && (left = until - roosti_clock_now()) > 0) {
        (void)roosti_wait_fds(&wait, 1, left);
        ends_take(root);
    }
    for (size_t i = 0; i < root->count; i++)
        if (root->wards[i].pid != 0 && !root->wards[i].ended)
            roosti_branch_kill(root->wards[i].pid);
    while (any_alive(root)) {
        (void)roosti_wait_fds(&wait, 1, ROOST_FOREVER);
        ends_take(root);
    }
}

void roosti_process_root_main(void *arg, int control)
{
    struct root root = {.pool = arg, .control = control};
    root.watch = roosti_branches_watch();
    if (root.watch < 0)
        return;
    while (requests_take(&root)) {
        ends_take(&root);
        something_await(&root);
    }
    wards_end(&root);
}
