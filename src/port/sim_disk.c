/* port/sim_disk.c - operations on files of the simulated port.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/mem.h"

static int64_t disk_read(struct roosti_sim_file *file, struct roosti_op *op)
{
    const struct roosti_sim_inode *inode = file->inode;
    if ((file->flags & O_ACCMODE) == O_WRONLY)
        return -EBADF;
    if (inode->is_dir)
        return -EISDIR;
    uint64_t from = op->offset < 0 ? file->position : (uint64_t)op->offset;
    uint64_t rest = from < inode->len ? inode->len - from : 0;
    uint64_t len = op->len < rest ? op->len : rest;
    if (len > 0)
        memcpy(op->buf, inode->bytes + from, (size_t)len);
    if (op->offset < 0)
        file->position += len;
    return (int64_t)len;
}

/* Bytes that fit at `from`, up to len: or a code. */
int64_t roosti_sim_space_for(const struct roosti_sim *sim, const struct roosti_sim_inode *inode,
                             uint64_t from, uint64_t len)
{
    uint64_t end_max = ROOSTI_SIM_FILE_BYTES_MAX;
    if (from >= end_max)
        return -EFBIG;
    uint64_t disk_max = sim->plan.disk_bytes_max;
    if (disk_max != 0) {
        uint64_t left = sim->disk_bytes < disk_max ? disk_max - sim->disk_bytes : 0;
        if (inode->len + left < end_max)
            end_max = inode->len + left;
        if (from >= end_max)
            return -ENOSPC;
    }
    return (int64_t)(end_max - from < len ? end_max - from : len);
}

static int64_t disk_write(struct roosti_sim *sim, struct roosti_sim_file *file,
                          struct roosti_op *op)
{
    struct roosti_sim_inode *inode = file->inode;
    if ((file->flags & O_ACCMODE) == O_RDONLY)
        return -EBADF;
    if (op->len == 0)
        return 0;
    bool own = op->offset < 0;
    uint64_t from = own ? file->position : (uint64_t)op->offset;
    if (file->flags & O_APPEND)
        from = inode->len;
    int64_t len = roosti_sim_space_for(sim, inode, from, op->len);
    if (len < 0)
        return len;
    uint64_t to = from + (uint64_t)len;
    int rc = roosti_sim_bytes_reserve(&inode->bytes, &inode->size, to);
    if (rc < 0)
        return rc;
    roosti_sim_dirty_add(inode, from < inode->len ? from : inode->len, to);
    if (to > inode->len)
        roosti_sim_inode_resize(sim, inode, to);
    memcpy(inode->bytes + from, op->buf, (size_t)len);
    inode->modified = roosti_sim_wall_now(sim);
    if (own)
        file->position = to;
    return len;
}

/* -- operations ------------------------------------------------------------------------------- */

int roosti_sim_failure_take(struct roosti_sim *sim, enum roosti_op_kind kind)
{
    int code = sim->disk_fail[kind];
    sim->disk_fail[kind] = 0;
    return code;
}

int64_t roosti_sim_disk_do(struct roosti_sim *sim, struct roosti_sim_file *file,
                           struct roosti_op *op)
{
    int code = file->lost ? -EIO : roosti_sim_failure_take(sim, op->kind);
    if (code < 0) {
        if (op->kind == ROOSTI_OP_FSYNC)
            file->inode->dirty_from = file->inode->dirty_to = 0;
        return code;
    }
    switch (op->kind) {
    case ROOSTI_OP_READ:
        return disk_read(file, op);
    case ROOSTI_OP_WRITE:
        return disk_write(sim, file, op);
    default:
        return roosti_sim_inode_keep(file->inode);
    }
}

static int open_check(const struct roosti_sim_lookup *lookup, int flags)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    if (flags & (O_TMPFILE & ~O_DIRECTORY))
        return -EOPNOTSUPP;
    if (!lookup->found)
        return !(flags & O_CREAT) ? -ENOENT : lookup->must_be_dir ? -EISDIR : 0;
    if ((flags & O_CREAT) && (flags & O_EXCL))
        return -EEXIST;
    if (lookup->found->is_dir)
        return writes || (flags & O_CREAT) ? -EISDIR : 0;
    return flags & O_DIRECTORY ? -ENOTDIR : 0;
}

int64_t roosti_sim_disk_open(struct roosti_sim *sim, struct roosti_op *op)
{
    struct roosti_sim_lookup lookup;
    int rc = roosti_sim_failure_take(sim, ROOSTI_OP_OPEN);
    if (rc == 0)
        rc = roosti_sim_path_find(sim, op->u.path, &lookup);
    if (rc == 0)
        rc = open_check(&lookup, op->flags);
    if (rc == 0)
        rc = roosti_sim_fd_reserve(sim, 1);
    if (rc < 0)
        return rc;
    struct roosti_sim_file *file = roosti_sim_file_new(ROOSTI_SIM_DISK);
    if (!file)
        return ROOST_ENOMEM;
    struct roosti_sim_inode *inode = lookup.found;
    if (!inode)
        inode = roosti_sim_member_new(sim, lookup.dir, lookup.name, lookup.name_len, false);
    if (!inode) {
        roosti_free(file);
        return ROOST_ENOMEM;
    }
    if ((op->flags & O_TRUNC) && (op->flags & O_ACCMODE) != O_RDONLY)
        roosti_sim_inode_resize(sim, inode, 0);
    if (op->flags & O_CREAT && !lookup.found)
        inode->permissions = op->mode & 0777 & ~022u;
    inode->open_count++;
    file->inode = inode;
    file->flags = op->flags;
    return roosti_sim_fd_give(sim, file);
}

void roosti_sim_disk_close(struct roosti_sim *sim, struct roosti_sim_file *file)
{
    struct roosti_sim_inode *inode = file->inode;
    file->inode = NULL;
    if (--inode->open_count == 0 && !roosti_sim_inode_is_linked(sim, inode))
        roosti_sim_inode_free(inode);
}

int roosti_sim_fd_list(struct roosti_port *port, const char *path,
                       int (*each)(void *arg, const char *name, bool is_directory), void *arg)
{
    struct roosti_sim_lookup lookup;
    int rc = roosti_sim_path_find(roosti_sim_of(port), path, &lookup);
    if (rc == 0 && !lookup.found)
        rc = -ENOENT;
    else if (rc == 0 && !lookup.found->is_dir)
        rc = -ENOTDIR;
    for (size_t i = 0; rc == 0 && i < lookup.found->member_count; i++) {
        const struct roosti_sim_inode *member = lookup.found->members[i];
        rc = each(arg, member->name, member->is_dir);
    }
    return rc;
}
