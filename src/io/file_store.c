/* io/file_store.c - making a file of bytes: plainly, at the end, or all or nothing.
 *
 * Atomic is: the bytes into a file of a hidden name beside the target, fsync, rename over the
 * target, fsync of the directory. Until the rename the target is not touched; after it the target
 * is whole. The file must be synced before it is renamed, or a crash could leave the new name with
 * nothing behind it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/file_all.h>

#include <string.h>

#include "io/file_job.h"
#include "io/temp_name.h"
#include "port/file_flags.h"
#include "rt/loop.h"

struct store {
    const char *path;
    const void *data;
    size_t len;
    roost_write_opts opts;
    bool append;
    uint64_t word;
};

/* Whatever happens fd is closed. */
static int store_fill(const struct store *store, int fd, bool sync)
{
    int rc = roosti_file_put(fd, store->data, store->len, 0, NULL);
    if (rc == 0 && sync)
        rc = roosti_file_fsync(fd);
    int closed = roosti_file_shut(fd);
    return rc < 0 ? rc : closed;
}

static uint32_t store_permissions(const struct store *store)
{
    return store->opts.permissions ? store->opts.permissions : 0666;
}

static int store_plain(const struct store *store)
{
    int flags = O_WRONLY | O_CREAT | (store->append ? O_APPEND : O_TRUNC);
    if (store->opts.keep)
        flags |= O_EXCL;
    int fd = roosti_file_open(store->path, flags, store_permissions(store));
    return fd < 0 ? fd : store_fill(store, fd, store->opts.sync);
}

/* The temporary file gets the permissions of the one it will replace. */
static int store_inherit(const struct store *store, const char *temp)
{
    struct roosti_file_stat about;
    struct roosti_file_call stat = {.what = ROOSTI_FILE_STAT, .path = store->path, .stat = &about};
    if (store->opts.permissions || store->opts.keep)
        return 0;
    int rc = (int)roosti_file_do(-1, &stat);
    if (rc == -ENOENT)
        return 0;
    struct roosti_file_call chmod = {
        .what = ROOSTI_FILE_CHMOD, .path = temp, .mode = about.mode & 07777};
    return rc < 0 ? rc : (int)roosti_file_do(-1, &chmod);
}

/* The bytes are on the disk under the temporary name. */
static int store_replace(const struct store *store, const char *temp)
{
    char dir[PATH_MAX];
    struct roosti_file_shield shield;
    struct roosti_file_call rename = {.what = ROOSTI_FILE_RENAME,
                                      .path = temp,
                                      .other = store->path,
                                      .flags = store->opts.keep ? ROOSTI_FILE_NO_REPLACE : 0u};
    int rc = roosti_path_dir(store->path, dir, sizeof dir);
    if (rc < 0)
        return rc;
    /* Once the name is changed, a cancellation must not keep it from the disk. */
    roosti_file_shield(&shield);
    rc = (int)roosti_file_do(-1, &rename);
    if (rc < 0)
        roosti_file_undo(temp);
    else
        rc = roosti_dir_fsync(dir);
    roosti_file_unshield(&shield);
    return rc;
}

static int store_atomic(struct store *store)
{
    char temp[PATH_MAX];
    int fd = -EEXIST;
    for (int tries = 0; fd == -EEXIST && tries < ROOSTI_TEMP_TRIES; tries++) {
        fd = roosti_temp_beside(store->path, &store->word, temp, sizeof temp);
        if (fd == 0)
            fd = roosti_file_open(temp, O_WRONLY | O_CREAT | O_EXCL, store_permissions(store));
    }
    if (fd < 0)
        return fd;
    int rc = store_fill(store, fd, true);
    if (rc == 0)
        rc = store_inherit(store, temp);
    if (rc < 0) {
        roosti_file_undo(temp);
        return rc;
    }
    return store_replace(store, temp);
}

ROOST_ASYNC(file_store, struct store *, store)
{
    return store->opts.atomic ? store_atomic(store) : store_plain(store);
}

int roost_file_write_all(const char *path, const void *data, size_t len,
                         const roost_write_opts *opts)
{
    struct store store = {.path = path, .data = data, .len = len};
    if (!roosti_self())
        return roosti_no_task();
    if (opts)
        store.opts = *opts;
    if (store.opts.atomic)
        store.word = roosti_temp_word();
    return roosti_file_job(ROOST_CALL(file_store, &store));
}

int roost_file_append_all(const char *path, const void *data, size_t len,
                          const roost_write_opts *opts)
{
    struct store store = {.path = path, .data = data, .len = len, .append = true};
    if (!roosti_self())
        return roosti_no_task();
    if (opts)
        store.opts = *opts;
    if (store.opts.atomic || len > 0x7ffff000)
        return ROOST_EINVAL;
    return roosti_file_job(ROOST_CALL(file_store, &store));
}
