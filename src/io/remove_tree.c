/* io/remove_tree.c - removing a directory with everything in it.
 *
 * No memory but one buffer, however deep or wide the tree: read a batch of names, remove what is no
 * directory, go into the first directory, begin again; a directory that has become empty goes, and
 * its parent is read anew. Directories are opened without following links, so that a link that
 * takes a directory's place is removed, not entered.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/path.h>

#include <string.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "port/file_flags.h"

enum { BATCH_BYTES = 32 * 1024 };

struct removal {
    const char *path;
    char at[PATH_MAX]; /* the directory being emptied */
    size_t len;
    _Alignas(8) char batch[BATCH_BYTES];
};

static int name_remove(struct removal *removal, enum roosti_file_what what)
{
    struct roosti_file_call call = {.what = what, .path = removal->at};
    int rc = (int)roosti_file_do(-1, &call);
    return rc == -ENOENT ? 0 : rc; /* somebody else was faster */
}

static bool entry_is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* One entry: 0 when it is gone, 1 when it is a directory, and `at` leads to it, or a code. */
static int entry_remove(struct removal *removal, const struct roosti_entry *entry)
{
    size_t name_len = strlen(entry->name);
    if (removal->len + 1 + name_len >= sizeof removal->at)
        return -ENAMETOOLONG;
    removal->at[removal->len] = '/';
    memcpy(removal->at + removal->len + 1, entry->name, name_len + 1);
    int rc = entry->kind == DT_DIR ? -EISDIR : name_remove(removal, ROOSTI_FILE_UNLINK);
    if (rc == -EISDIR || (rc == -EPERM && entry->kind == DT_UNKNOWN)) {
        removal->len += 1 + name_len;
        return 1;
    }
    removal->at[removal->len] = '\0';
    return rc;
}

/* A batch of the directory: 1 when it was empty or `at` leads deeper, 0 when there may be more. */
static int batch_remove(struct removal *removal, bool *empty)
{
    struct roosti_file_call read = {
        .what = ROOSTI_FILE_ENTRIES, .buf = removal->batch, .size = BATCH_BYTES};
    int fd = roosti_file_open(removal->at, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0);
    if (fd < 0)
        return fd;
    int64_t n = roosti_file_do(fd, &read);
    (void)roosti_file_shut(fd);
    if (n < 0)
        return (int)n;
    *empty = true;
    for (int64_t at = 0; at < n;) {
        const struct roosti_entry *entry = (const void *)(removal->batch + at);
        at += entry->size;
        if (entry_is_dots(entry->name))
            continue;
        *empty = false;
        int rc = entry_remove(removal, entry);
        if (rc != 0)
            return rc < 0 ? rc : 0;
    }
    return 0;
}

static int removal_run(struct removal *removal)
{
    size_t root_len = strlen(removal->path);
    if (root_len == 0 || root_len >= sizeof removal->at)
        return root_len == 0 ? -ENOENT : -ENAMETOOLONG;
    memcpy(removal->at, removal->path, root_len + 1);
    removal->len = root_len;
    for (;;) {
        bool empty = false;
        int rc = batch_remove(removal, &empty);
        if (rc < 0)
            return rc;
        if (!empty)
            continue;
        rc = name_remove(removal, ROOSTI_FILE_RMDIR);
        if (rc < 0 && rc != -ENOTEMPTY)
            return rc;
        if (rc == 0 && removal->len == root_len)
            return 0;
        if (rc == 0) {
            while (removal->at[removal->len - 1] != '/')
                removal->len--;
            removal->at[--removal->len] = '\0';
        }
    }
}

ROOST_ASYNC(path_remove_tree, struct removal *, removal)
{
    return removal_run(removal);
}

int roost_path_remove_tree(const char *path)
{
    struct removal *removal = roosti_alloc(sizeof *removal, "removal of a tree");
    if (!removal)
        return ROOST_ENOMEM;
    removal->path = path;
    int rc = roosti_file_job(ROOST_CALL(path_remove_tree, removal));
    roosti_free(removal);
    return rc;
}
