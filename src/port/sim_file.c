/* port/sim_file.c - calls on names and files of the simulated port.
 *
 * The tree has neither links nor locks: those calls say what a file system without them says. A
 * rename reaches the disk at once and whole, as one through a journal does: after a crash the new
 * name leads to what was last synced of the file that has it, which is what makes a program that
 * renames before it syncs lose its data here.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/file_call.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "port/sim_impl.h"

static int path_find(struct roosti_sim *sim, const char *path, struct roosti_sim_lookup *lookup)
{
    int rc = roosti_sim_path_find(sim, path, lookup);
    return rc < 0 ? rc : lookup->found ? 0 : -ENOENT;
}

static int64_t name_stat(struct roosti_sim *sim, const struct roosti_sim_inode *inode,
                         struct roosti_file_stat *stat)
{
    *stat = (struct roosti_file_stat){
        .size = inode->len,
        .blocks = (inode->len + 4095) / 4096 * 4096,
        .modified = inode->modified,
        .accessed = inode->modified,
        .changed = inode->modified,
        .inode = inode->number,
        .device = 1,
        .mode = (inode->is_dir ? (uint32_t)S_IFDIR : (uint32_t)S_IFREG) | inode->permissions,
        .links = roosti_sim_inode_is_linked(sim, inode) ? 1 : 0,
    };
    return 0;
}

/* -- names ------------------------------------------------------------------------------------- */

static int64_t name_mkdir(struct roosti_sim *sim, const struct roosti_file_call *call)
{
    struct roosti_sim_lookup lookup;
    int rc = roosti_sim_path_find(sim, call->path, &lookup);
    if (rc < 0)
        return rc;
    if (lookup.found)
        return -EEXIST;
    struct roosti_sim_inode *made =
        roosti_sim_member_new(sim, lookup.dir, lookup.name, lookup.name_len, true);
    if (!made)
        return ROOST_ENOMEM;
    made->permissions = call->mode & 07777 & ~022u;
    return 0;
}

/* Nobody finds it by name any more. */
static void inode_drop(struct roosti_sim *sim, struct roosti_sim_inode *inode)
{
    roosti_sim_member_unlink(sim, inode);
    if (inode->open_count == 0)
        roosti_sim_inode_free(inode);
}

static int64_t sim_name_remove(struct roosti_sim *sim, const struct roosti_file_call *call)
{
    struct roosti_sim_lookup lookup;
    bool dir = call->what == ROOSTI_FILE_RMDIR;
    int rc = path_find(sim, call->path, &lookup);
    if (rc < 0)
        return rc;
    struct roosti_sim_inode *inode = lookup.found;
    if (inode == sim->root)
        return -EBUSY;
    if (inode->is_dir != dir)
        return dir ? -ENOTDIR : -EISDIR;
    if (inode->member_count > 0)
        return -ENOTEMPTY;
    inode_drop(sim, inode);
    return 0;
}

static int rename_check(const struct roosti_sim *sim, const struct roosti_sim_inode *from,
                        const struct roosti_sim_lookup *to, unsigned flags)
{
    if (from == sim->root || !to->dir)
        return -EBUSY;
    if (flags & ROOSTI_FILE_EXCHANGE)
        return -EINVAL;
    for (const struct roosti_sim_inode *up = to->dir; up; up = up->parent) {
        if (up == from)
            return -EINVAL;
    }
    if (!to->found)
        return to->must_be_dir && !from->is_dir ? -ENOTDIR : 0;
    if (flags & ROOSTI_FILE_NO_REPLACE)
        return -EEXIST;
    if (to->found->is_dir != from->is_dir)
        return from->is_dir ? -ENOTDIR : -EISDIR;
    return to->found->member_count > 0 ? -ENOTEMPTY : 0;
}

static int64_t name_rename(struct roosti_sim *sim, const struct roosti_file_call *call)
{
    struct roosti_sim_lookup from, to;
    int rc = path_find(sim, call->path, &from);
    if (rc == 0)
        rc = roosti_sim_path_find(sim, call->other, &to);
    if (rc < 0 || from.found == to.found)
        return rc;
    rc = rename_check(sim, from.found, &to, call->flags);
    if (rc < 0)
        return rc;
    /* The old one must have left before the new one can stand in its place, and come back when
     * there is no memory: it is moved out of the way without being freed. */
    struct roosti_sim_inode *old = to.found;
    bool was_durable = old && old->durable;
    if (old)
        roosti_sim_member_unlink(sim, old);
    rc = roosti_sim_member_move(sim, from.found, to.dir, to.name, to.name_len);
    if (rc < 0) {
        if (old)
            roosti_sim_member_restore(sim, old, to.dir);
        return rc;
    }
    if (old && old->open_count == 0)
        roosti_sim_inode_free(old);
    if (was_durable || from.found->durable) {
        for (struct roosti_sim_inode *up = from.found; up; up = up->parent)
            up->durable = true;
    }
    return 0;
}

static int64_t name_change(struct roosti_sim *sim, const struct roosti_file_call *call)
{
    struct roosti_sim_lookup lookup;
    int rc = path_find(sim, call->path, &lookup);
    if (rc < 0)
        return rc;
    switch (call->what) {
    case ROOSTI_FILE_STAT:
        return name_stat(sim, lookup.found, call->stat);
    case ROOSTI_FILE_CHMOD:
        lookup.found->permissions = call->mode & 07777;
        return 0;
    case ROOSTI_FILE_TIMES:
        if (call->len != INT64_MAX)
            lookup.found->modified = call->len == INT64_MIN ? roosti_sim_wall_now(sim) : call->len;
        return 0;
    case ROOSTI_FILE_READLINK:
        return -EINVAL;
    case ROOSTI_FILE_LINK:
        return -EPERM;
    default:
        return 0; /* there, and everything is allowed */
    }
}

static int64_t sim_name_do(struct roosti_sim *sim, const struct roosti_file_call *call)
{
    switch (call->what) {
    case ROOSTI_FILE_MKDIR:
        return name_mkdir(sim, call);
    case ROOSTI_FILE_RMDIR:
    case ROOSTI_FILE_UNLINK:
        return sim_name_remove(sim, call);
    case ROOSTI_FILE_RENAME:
        return name_rename(sim, call);
    case ROOSTI_FILE_STAT:
    case ROOSTI_FILE_ACCESS:
    case ROOSTI_FILE_CHMOD:
    case ROOSTI_FILE_CHOWN:
    case ROOSTI_FILE_TIMES:
    case ROOSTI_FILE_READLINK:
    case ROOSTI_FILE_LINK:
        return name_change(sim, call);
    case ROOSTI_FILE_SYMLINK:
        return -EPERM;
    default:
        return -EOPNOTSUPP;
    }
}

/* -- open files -------------------------------------------------------------------------------- */

static int64_t file_truncate(struct roosti_sim *sim, struct roosti_sim_inode *inode, int64_t wanted)
{
    if (wanted < 0)
        return -EINVAL;
    uint64_t len = (uint64_t)wanted;
    if (len > inode->len) {
        int64_t room = roosti_sim_space_for(sim, inode, inode->len, len - inode->len);
        if (room < 0 || inode->len + (uint64_t)room < len)
            return room < 0 ? room : -ENOSPC;
        int rc = roosti_sim_bytes_reserve(&inode->bytes, &inode->size, len);
        if (rc < 0)
            return rc;
        roosti_sim_dirty_add(inode, inode->len, len);
    } else if (len < inode->len) {
        roosti_sim_dirty_add(inode, len, inode->len);
    }
    roosti_sim_inode_resize(sim, inode, len);
    inode->modified = roosti_sim_wall_now(sim);
    return 0;
}

/* The position of a directory is the index of the next member. */
static int64_t dir_entries(struct roosti_sim_file *file, const struct roosti_file_call *call)
{
    const struct roosti_sim_inode *dir = file->inode;
    size_t used = 0;
    if (!dir->is_dir)
        return -ENOTDIR;
    while (file->position < dir->member_count) {
        const struct roosti_sim_inode *member = dir->members[file->position];
        size_t name_size = strlen(member->name) + 1;
        size_t size = (offsetof(struct roosti_entry, name) + name_size + 7) / 8 * 8;
        if (used + size > call->size)
            return used > 0 ? (int64_t)used : -EINVAL;
        struct roosti_entry *entry = (void *)((char *)call->buf + used);
        entry->inode = member->number;
        entry->cookie = (int64_t)++file->position;
        entry->size = (uint16_t)size;
        entry->kind = member->is_dir ? DT_DIR : DT_REG;
        memcpy(entry->name, member->name, name_size);
        used += size;
    }
    return (int64_t)used;
}

static int64_t file_do(struct roosti_sim *sim, struct roosti_sim_file *file,
                       const struct roosti_file_call *call)
{
    struct roosti_sim_inode *inode = file->inode;
    switch (call->what) {
    case ROOSTI_FILE_STAT:
        return name_stat(sim, inode, call->stat);
    case ROOSTI_FILE_TRUNCATE:
        return file_truncate(sim, inode, call->len);
    case ROOSTI_FILE_ALLOCATE:
        if (call->offset < 0 || call->len <= 0)
            return -EINVAL;
        return (uint64_t)(call->offset + call->len) > inode->len
                   ? file_truncate(sim, inode, call->offset + call->len)
                   : 0;
    case ROOSTI_FILE_SYNC_DATA:
        return roosti_sim_inode_keep(inode);
    case ROOSTI_FILE_ENTRIES:
        return dir_entries(file, call);
    case ROOSTI_FILE_ADVISE:
        return 0;
    case ROOSTI_FILE_COPY:
        return -EXDEV;
    default:
        return -EOPNOTSUPP;
    }
}

int64_t roosti_sim_name_do(struct roosti_sim *sim, struct roosti_op *op)
{
    if (op->kind == ROOSTI_OP_OPEN)
        return roosti_sim_disk_open(sim, op);
    int code = roosti_sim_failure_take(sim, op->kind);
    if (code < 0)
        return code;
    if (op->u.call->path)
        return sim_name_do(sim, op->u.call);
    struct roosti_sim_file *file = roosti_sim_file_at(sim, op->fd);
    if (!file)
        return op->u.call->what == ROOSTI_FILE_WATCH ? -EOPNOTSUPP : -EBADF;
    if (file->kind != ROOSTI_SIM_DISK)
        return -EINVAL;
    return file->lost ? -EIO : file_do(sim, file, op->u.call);
}
