/* io/file_job.c - where the work on files is done.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/file_job.h"

#include <string.h>

#include <roost/call.h>
#include <roost/scope.h>
#include <roost/thread.h>

#include "port/file_flags.h"
#include "port/posix_fd.h"
#include "rt/loop.h"
#include "rt/op.h"
#include "rt/worker.h"

/* -- steps ------------------------------------------------------------------------------------- */

struct hop {
    const struct roosti_op *op;
    int64_t res;
};

ROOST_ASYNC(file_hop, struct hop *, hop)
{
    hop->res = roosti_op_block(hop->op);
    return 0;
}

static __attribute__((noinline)) int64_t step_hop(struct roosti_op *op)
{
    struct hop hop = {op, 0};
    int rc = roost_to_thread(ROOST_CALL(file_hop, &hop));
    if (rc < 0)
        return rc;
    if (op->kind == ROOSTI_OP_OPEN && hop.res >= 0) {
        struct roosti_port *port = roosti_loop_here->port;
        port->ops->fd.forget(port, (int)hop.res);
    }
    return hop.res;
}

int64_t roosti_file_step(struct roosti_op *op)
{
    if (roosti_unlikely(!roosti_self()))
        return roosti_worker_here ? roosti_op_block(op) : roosti_no_task();
    op->threads = true;
    int64_t res = roosti_op_run(op);
    return roosti_unlikely(res == ROOSTI_OP_WANTS_THREAD) ? step_hop(op) : res;
}

int64_t roosti_file_do(int fd, struct roosti_file_call *call)
{
    struct roosti_op op = {.kind = ROOSTI_OP_FILE_CALL, .fd = fd, .u.call = call};
    return roosti_file_step(&op);
}

int roosti_file_open(const char *path, int flags, uint32_t mode)
{
    struct roosti_op op = {
        .kind = ROOSTI_OP_OPEN, .fd = -1, .u.path = path, .flags = flags, .mode = mode};
    return (int)roosti_file_step(&op);
}

int roosti_file_put(int fd, const void *data, size_t len, int64_t offset, size_t *done)
{
    size_t written = 0;
    int rc = 0;
    while (rc == 0 && written < len) {
        struct roosti_op op = {.kind = ROOSTI_OP_WRITE,
                               .fd = fd,
                               .buf = (char *)(uintptr_t)data + written,
                               .len = len - written,
                               .offset = offset < 0 ? -1 : offset + (int64_t)written};
        int64_t n = roosti_file_step(&op);
        /* A disk that takes nothing and says nothing would keep us here for ever. */
        rc = n > 0 ? 0 : n == 0 ? -EIO : (int)n;
        written += n > 0 ? (size_t)n : 0;
    }
    if (done)
        *done = written;
    return rc;
}

int64_t roosti_file_get(int fd, void *buf, size_t len, int64_t offset)
{
    size_t got = 0;
    while (got < len) {
        struct roosti_op op = {.kind = ROOSTI_OP_READ,
                               .fd = fd,
                               .buf = (char *)buf + got,
                               .len = len - got,
                               .offset = offset < 0 ? -1 : offset + (int64_t)got};
        int64_t n = roosti_file_step(&op);
        if (n < 0)
            return n;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (int64_t)got;
}

int roosti_file_fsync(int fd)
{
    struct roosti_op op = {.kind = ROOSTI_OP_FSYNC, .fd = fd};
    return (int)roosti_file_step(&op);
}

int roosti_file_shut(int fd)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (loop)
        return loop->port->ops->fd.close(loop->port, fd);
    return roosti_fd_close(fd);
}

/* -- jobs -------------------------------------------------------------------------------------- */

int roosti_file_job(roost_call job)
{
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    return self->loop->virtual_time ? roost_await(job) : roost_to_thread(job);
}

void roosti_file_shield(struct roosti_file_shield *shield)
{
    shield->scope = NULL;
    if (roosti_self())
        shield->scope = roost_scope_begin(&shield->memory, ROOST_FOREVER,
                                          ROOST_SCOPE_MOVE_ON | ROOST_SCOPE_SHIELD, "file");
}

void roosti_file_unshield(struct roosti_file_shield *shield)
{
    if (shield->scope)
        roost_ignore(roost_scope_end(shield->scope, 0));
}

/* -- facts ------------------------------------------------------------------------------------- */

static enum roost_file_kind mode_kind(uint32_t mode)
{
    switch (mode & S_IFMT) {
    case S_IFREG:
        return ROOST_FILE_REGULAR;
    case S_IFDIR:
        return ROOST_FILE_DIR;
    case S_IFLNK:
        return ROOST_FILE_LINK;
    case S_IFIFO:
        return ROOST_FILE_PIPE;
    case S_IFSOCK:
        return ROOST_FILE_SOCKET;
    case S_IFCHR:
    case S_IFBLK:
        return ROOST_FILE_DEVICE;
    default:
        return ROOST_FILE_OTHER;
    }
}

enum roost_file_kind roosti_entry_kind(uint8_t kind)
{
    return mode_kind((uint32_t)DTTOIF(kind));
}

void roosti_stat_fill(roost_stat *stat, const struct roosti_file_stat *from)
{
    *stat = (roost_stat){
        .kind = mode_kind(from->mode),
        .permissions = from->mode & 07777,
        .size = from->size,
        .disk_bytes = from->blocks,
        .modified = from->modified,
        .accessed = from->accessed,
        .changed = from->changed,
        .born = from->born,
        .inode = from->inode,
        .device = from->device,
        .links = from->links,
        .uid = from->uid,
        .gid = from->gid,
    };
}
