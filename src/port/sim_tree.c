/* port/sim_tree.c - the tree of files and directories of the simulated port, and its crashes.
 *
 * Each file has what reads see and what a crash leaves: fsync carries the range written since the
 * last one from the first to the second.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim_impl.h"

#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* Longest name of a member, as in Linux. */
enum { NAME_BYTES_MAX = 255 };

/* -- inodes and the tree ---------------------------------------------------------------------- */

static struct roosti_sim_inode *inode_new(struct roosti_sim *sim, const char *name, size_t len,
                                          bool is_dir)
{
    struct roosti_sim_inode *inode = roosti_alloc_zero(1, sizeof *inode + len + 1, "file");
    if (!inode)
        return NULL;
    inode->name = inode->name_first;
    memcpy(inode->name, name, len);
    inode->is_dir = is_dir;
    inode->permissions = is_dir ? 0755 : 0644;
    inode->number = ++sim->inode_last;
    inode->modified = roosti_sim_wall_now(sim);
    roosti_list_push(&sim->inodes, &inode->node);
    return inode;
}

void roosti_sim_inode_free(struct roosti_sim_inode *inode)
{
    roosti_list_remove(&inode->node);
    if (inode->name != inode->name_first)
        roosti_free(inode->name);
    roosti_free(inode->members);
    roosti_free(inode->bytes);
    roosti_free(inode->kept);
    roosti_free(inode);
}

bool roosti_sim_inode_is_linked(const struct roosti_sim *sim, const struct roosti_sim_inode *inode)
{
    return inode->parent != NULL || inode == sim->root;
}

/* Where this name is among the members, or belongs. */
static bool member_find(const struct roosti_sim_inode *dir, const char *name, size_t len,
                        size_t *index)
{
    size_t low = 0;
    size_t high = dir->member_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const char *other = dir->members[middle]->name;
        int order = strncmp(other, name, len);
        if (order == 0 && other[len] != '\0')
            order = 1;
        if (order == 0) {
            *index = middle;
            return true;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *index = low;
    return false;
}

/* Room for one more member: 0 or ROOST_ENOMEM. */
static int members_reserve(struct roosti_sim_inode *dir)
{
    if (dir->member_count < dir->member_size)
        return 0;
    size_t size = dir->member_size ? dir->member_size * 2 : 8;
    struct roosti_sim_inode **members =
        roosti_realloc(dir->members, size * sizeof(struct roosti_sim_inode *), "directory");
    if (!members)
        return ROOST_ENOMEM;
    dir->members = members;
    dir->member_size = size;
    return 0;
}

/* There is room, and the name is not there yet. */
static void member_insert(struct roosti_sim_inode *dir, struct roosti_sim_inode *inode)
{
    size_t index;
    bool present = member_find(dir, inode->name, strlen(inode->name), &index);
    roosti_assert(!present);
    (void)present;
    memmove(&dir->members[index + 1], &dir->members[index],
            (dir->member_count - index) * sizeof(struct roosti_sim_inode *));
    dir->members[index] = inode;
    dir->member_count++;
    inode->parent = dir;
}

/* Makes a new member: NULL when there is no memory. */
struct roosti_sim_inode *roosti_sim_member_new(struct roosti_sim *sim, struct roosti_sim_inode *dir,
                                               const char *name, size_t len, bool is_dir)
{
    if (members_reserve(dir) < 0)
        return NULL;
    struct roosti_sim_inode *inode = inode_new(sim, name, len, is_dir);
    if (inode)
        member_insert(dir, inode);
    return inode;
}

static void member_remove(struct roosti_sim_inode *inode)
{
    struct roosti_sim_inode *dir = inode->parent;
    size_t index;
    bool present = member_find(dir, inode->name, strlen(inode->name), &index);
    roosti_assert(present);
    (void)present;
    dir->member_count--;
    memmove(&dir->members[index], &dir->members[index + 1],
            (dir->member_count - index) * sizeof(struct roosti_sim_inode *));
    inode->parent = NULL;
}

void roosti_sim_member_unlink(struct roosti_sim *sim, struct roosti_sim_inode *inode)
{
    member_remove(inode);
    sim->disk_bytes -= inode->len;
}

void roosti_sim_member_restore(struct roosti_sim *sim, struct roosti_sim_inode *inode,
                               struct roosti_sim_inode *dir)
{
    member_insert(dir, inode);
    sim->disk_bytes += inode->len;
}

int roosti_sim_member_move(struct roosti_sim *sim, struct roosti_sim_inode *inode,
                           struct roosti_sim_inode *dir, const char *name, size_t len)
{
    (void)sim;
    if (members_reserve(dir) < 0)
        return ROOST_ENOMEM;
    char *own = roosti_alloc_zero(1, len + 1, "name of a file");
    if (!own)
        return ROOST_ENOMEM;
    memcpy(own, name, len);
    member_remove(inode);
    if (inode->name != inode->name_first)
        roosti_free(inode->name);
    inode->name = own;
    member_insert(dir, inode);
    return 0;
}

/* -- paths ------------------------------------------------------------------------------------ */

/* One name on from `from`: 0 and *to, which is NULL where there is none, or a code. */
static int tree_step(struct roosti_sim *sim, struct roosti_sim_inode *from, const char *name,
                     size_t len, struct roosti_sim_inode **to)
{
    size_t index;
    if (!from->is_dir)
        return -ENOTDIR;
    if (len > NAME_BYTES_MAX)
        return -ENAMETOOLONG;
    if (len == 1 && name[0] == '.')
        *to = from;
    else if (len == 2 && name[0] == '.' && name[1] == '.')
        *to = from == sim->root ? from : from->parent;
    else
        *to = member_find(from, name, len, &index) ? from->members[index] : NULL;
    return 0;
}

/* 0 or a code; found may be NULL in success. */
int roosti_sim_path_find(struct roosti_sim *sim, const char *path, struct roosti_sim_lookup *lookup)
{
    *lookup = (struct roosti_sim_lookup){.found = sim->root};
    if (path[0] == '\0')
        return -ENOENT;
    for (;;) {
        size_t slashes = strspn(path, "/");
        path += slashes;
        size_t len = strcspn(path, "/");
        if (len == 0) {
            lookup->must_be_dir = slashes > 0;
            break;
        }
        if (!lookup->found)
            return -ENOENT;
        lookup->dir = lookup->found;
        lookup->name = path;
        lookup->name_len = len;
        int rc = tree_step(sim, lookup->dir, path, len, &lookup->found);
        if (rc < 0)
            return rc;
        path += len;
    }
    return lookup->must_be_dir && lookup->found && !lookup->found->is_dir ? -ENOTDIR : 0;
}

/* -- content ---------------------------------------------------------------------------------- */

int roosti_sim_bytes_reserve(unsigned char **bytes, uint64_t *size, uint64_t wanted)
{
    if (wanted <= *size)
        return 0;
    uint64_t grown = *size * 2 > 256 ? *size * 2 : 256;
    if (grown < wanted)
        grown = wanted;
    unsigned char *moved = roosti_realloc(*bytes, (size_t)grown, "bytes of a file");
    if (!moved)
        return ROOST_ENOMEM;
    *bytes = moved;
    *size = grown;
    return 0;
}

void roosti_sim_inode_resize(struct roosti_sim *sim, struct roosti_sim_inode *inode, uint64_t len)
{
    if (roosti_sim_inode_is_linked(sim, inode))
        sim->disk_bytes += len - inode->len;
    if (len > inode->len)
        memset(inode->bytes + inode->len, 0, (size_t)(len - inode->len));
    inode->len = len;
}

void roosti_sim_dirty_add(struct roosti_sim_inode *inode, uint64_t from, uint64_t to)
{
    bool clean = inode->dirty_from == inode->dirty_to;
    if (clean || from < inode->dirty_from)
        inode->dirty_from = from;
    if (clean || to > inode->dirty_to)
        inode->dirty_to = to;
}

/* The range written since the last fsync goes to the disk, and with it the names. */
int roosti_sim_inode_keep(struct roosti_sim_inode *inode)
{
    int rc = roosti_sim_bytes_reserve(&inode->kept, &inode->kept_size, inode->len);
    if (rc < 0)
        return rc;
    if (inode->len > inode->kept_len)
        memset(inode->kept + inode->kept_len, 0, (size_t)(inode->len - inode->kept_len));
    inode->kept_len = inode->len;
    uint64_t to = inode->dirty_to < inode->len ? inode->dirty_to : inode->len;
    if (inode->dirty_from < to)
        memcpy(inode->kept + inode->dirty_from, inode->bytes + inode->dirty_from,
               (size_t)(to - inode->dirty_from));
    inode->dirty_from = inode->dirty_to = 0;
    for (size_t i = 0; i < inode->member_count; i++)
        inode->members[i]->durable = true;
    for (struct roosti_sim_inode *up = inode; up; up = up->parent)
        up->durable = true;
    return 0;
}

/* -- for tests -------------------------------------------------------------------------------- */

/* Takes back the newest `count` inodes, each made after the directory it is in. */
static void inodes_undo(struct roosti_sim *sim, size_t count)
{
    while (count-- > 0) {
        struct roosti_node *newest = sim->inodes.head.prev;
        struct roosti_sim_inode *inode = roosti_container(newest, struct roosti_sim_inode, node);
        roosti_sim_member_unlink(sim, inode);
        roosti_sim_inode_free(inode);
    }
}

/* Makes sure that the path leads to a file or a directory, with all above it. */
static int path_make(struct roosti_sim *sim, const char *path, bool is_dir,
                     struct roosti_sim_inode **made)
{
    struct roosti_sim_inode *at = sim->root;
    size_t made_count = 0;
    int rc = 0;
    while (rc == 0) {
        path += strspn(path, "/");
        size_t len = strcspn(path, "/");
        if (len == 0)
            break;
        bool last = path[len + strspn(path + len, "/")] == '\0';
        struct roosti_sim_inode *next;
        rc = tree_step(sim, at, path, len, &next);
        if (rc == 0 && !next) {
            next = roosti_sim_member_new(sim, at, path, len, is_dir || !last);
            rc = next ? 0 : ROOST_ENOMEM;
            made_count += rc == 0;
        }
        at = next;
        path += len;
    }
    if (rc == 0 && at->is_dir != is_dir)
        rc = is_dir ? -ENOTDIR : -EISDIR;
    if (rc < 0) {
        inodes_undo(sim, made_count);
        return rc;
    }
    for (struct roosti_sim_inode *up = at; up; up = up->parent)
        up->durable = true;
    *made = at;
    return (int)made_count;
}

int roosti_sim_file_put(struct roosti_port *port, const char *path, const void *data, size_t len)
{
    struct roosti_sim *sim = roosti_sim_under(port);
    struct roosti_sim_inode *inode;
    int made = path_make(sim, path, false, &inode);
    if (made < 0)
        return made;
    if (roosti_sim_bytes_reserve(&inode->bytes, &inode->size, len) < 0 ||
        roosti_sim_bytes_reserve(&inode->kept, &inode->kept_size, len) < 0) {
        inodes_undo(sim, (size_t)made);
        return ROOST_ENOMEM;
    }
    roosti_sim_inode_resize(sim, inode, 0);
    roosti_sim_inode_resize(sim, inode, len);
    if (len > 0)
        memcpy(inode->bytes, data, len);
    roosti_sim_dirty_add(inode, 0, len);
    return roosti_sim_inode_keep(inode);
}

int roosti_sim_dir_put(struct roosti_port *port, const char *path)
{
    struct roosti_sim_inode *inode;
    int made = path_make(roosti_sim_under(port), path, true, &inode);
    return made < 0 ? made : 0;
}

const void *roosti_sim_file_peek(struct roosti_port *port, const char *path, size_t *len)
{
    struct roosti_sim_lookup lookup;
    int rc = roosti_sim_path_find(roosti_sim_under(port), path, &lookup);
    if (rc < 0 || !lookup.found || lookup.found->is_dir)
        return NULL;
    *len = (size_t)lookup.found->len;
    return lookup.found->bytes ? (const void *)lookup.found->bytes : "";
}

void roosti_sim_disk_fail(struct roosti_port *port, enum roosti_op_kind kind, int code)
{
    roosti_sim_under(port)->disk_fail[kind] = code;
}

/* The file goes back to what is on the disk, or leaves the tree. */
static void inode_crash(struct roosti_sim *sim, struct roosti_sim_inode *inode)
{
    inode->dirty_from = inode->dirty_to = 0;
    if (!inode->durable) {
        roosti_sim_member_unlink(sim, inode);
        if (inode->open_count == 0)
            roosti_sim_inode_free(inode);
        return;
    }
    /* What was on the disk once was in memory before: there is room for it. */
    roosti_assert(inode->kept_len <= inode->size);
    sim->disk_bytes += inode->kept_len - inode->len;
    inode->len = inode->kept_len;
    if (inode->len > 0)
        memcpy(inode->bytes, inode->kept, (size_t)inode->len);
}

void roosti_sim_disk_crash(struct roosti_port *port)
{
    struct roosti_sim *sim = roosti_sim_under(port);
    for (size_t fd = 0; fd < sim->file_size; fd++) {
        if (sim->files[fd] && sim->files[fd]->kind == ROOSTI_SIM_DISK)
            sim->files[fd]->lost = true;
    }
    /* Newest first: what is in a directory goes before the directory. */
    struct roosti_node *node = sim->inodes.head.prev;
    while (node != &sim->inodes.head) {
        struct roosti_sim_inode *inode = roosti_container(node, struct roosti_sim_inode, node);
        node = node->prev;
        if (roosti_sim_inode_is_linked(sim, inode))
            inode_crash(sim, inode);
    }
    roosti_sim_trace_event(sim, 0x301, -1, (int64_t)sim->disk_bytes);
}

int roosti_sim_disk_init(struct roosti_sim *sim)
{
    sim->root = inode_new(sim, "", 0, true);
    if (!sim->root)
        return ROOST_ENOMEM;
    sim->root->durable = true;
    return 0;
}

void roosti_sim_disk_fini(struct roosti_sim *sim)
{
    struct roosti_node *node;
    while ((node = roosti_list_first(&sim->inodes)) != NULL)
        roosti_sim_inode_free(roosti_container(node, struct roosti_sim_inode, node));
}
