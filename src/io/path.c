/* io/path.c - operations on names.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/path.h>

#include <string.h>

#include "io/file_job.h"
#include "port/file_flags.h"

/* -- asking ------------------------------------------------------------------------------------ */

static int path_stat(const char *path, unsigned flags, roost_stat *stat)
{
    struct roosti_file_stat about;
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_STAT, .path = path, .flags = flags, .stat = &about};
    int rc = (int)roosti_file_do(-1, &call);
    if (rc == 0)
        roosti_stat_fill(stat, &about);
    return rc;
}

int roost_path_stat(const char *path, roost_stat *stat)
{
    return path_stat(path, 0, stat);
}

int roost_path_stat_link(const char *path, roost_stat *stat)
{
    return path_stat(path, ROOSTI_FILE_NO_FOLLOW, stat);
}

/* 1 with *stat, 0 when there is nothing, or a code. */
static int path_look(const char *path, unsigned flags, roost_stat *stat)
{
    int rc = path_stat(path, flags, stat);
    if (rc == -ENOENT || rc == -ENOTDIR || rc == -ELOOP)
        return 0;
    return rc < 0 ? rc : 1;
}

int roost_path_exists(const char *path)
{
    roost_stat stat;
    return path_look(path, 0, &stat);
}

int roost_path_is(const char *path, enum roost_file_kind kind)
{
    roost_stat stat;
    int rc = path_look(path, kind == ROOST_FILE_LINK ? ROOSTI_FILE_NO_FOLLOW : 0u, &stat);
    return rc <= 0 ? rc : stat.kind == kind;
}

int roost_path_access(const char *path, int mode)
{
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_ACCESS, .path = path, .mode = (uint32_t)mode};
    return (int)roosti_file_do(-1, &call);
}

/* -- making and moving ------------------------------------------------------------------------- */

int roost_path_mkdir(const char *path, uint32_t permissions)
{
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_MKDIR, .path = path, .mode = permissions ? permissions : 0777};
    return (int)roosti_file_do(-1, &call);
}

struct dirs {
    const char *path;
    uint32_t permissions;
};

static int dir_ensure(const char *path, uint32_t permissions)
{
    struct roosti_file_stat about;
    struct roosti_file_call mkdir = {.what = ROOSTI_FILE_MKDIR, .path = path, .mode = permissions};
    struct roosti_file_call stat = {.what = ROOSTI_FILE_STAT, .path = path, .stat = &about};
    int rc = (int)roosti_file_do(-1, &mkdir);
    /* It may be there without our being allowed to make it: a mount point, a read-only disk. */
    if (rc == 0 || rc == -ENOENT || rc == -ENOTDIR)
        return rc;
    if (roosti_file_do(-1, &stat) < 0)
        return rc;
    return (about.mode & 0170000) == 0040000 ? 0 : -EEXIST;
}

/* Upwards until one can be made, then down again. */
static int dirs_make(const char *path, uint32_t permissions)
{
    char at[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof at)
        return -ENAMETOOLONG;
    memcpy(at, path, len + 1);
    while (len > 1 && at[len - 1] == '/')
        at[--len] = '\0';
    int rc = dir_ensure(at, permissions);
    size_t cut = len;
    while (rc == -ENOENT && cut > 0) {
        while (cut > 0 && at[cut - 1] != '/')
            cut--;
        while (cut > 1 && at[cut - 1] == '/')
            cut--;
        if (cut == 0 || (cut == 1 && at[0] == '/'))
            return rc;
        at[cut] = '\0';
        rc = dir_ensure(at, permissions);
    }
    while (rc == 0 && cut < len) {
        at[cut] = '/';
        cut += strlen(at + cut);
        rc = dir_ensure(at, permissions);
    }
    return rc;
}

ROOST_ASYNC(path_make_dirs, struct dirs *, dirs)
{
    return dirs_make(dirs->path, dirs->permissions);
}

int roost_path_make_dirs(const char *path, uint32_t permissions)
{
    struct dirs dirs = {path, permissions ? permissions : 0777};
    return roosti_file_job(ROOST_CALL(path_make_dirs, &dirs));
}

int roost_path_rename(const char *from, const char *to, unsigned flags)
{
    unsigned how = (flags & ROOST_RENAME_KEEP ? (unsigned)ROOSTI_FILE_NO_REPLACE : 0u) |
                   (flags & ROOST_RENAME_SWAP ? (unsigned)ROOSTI_FILE_EXCHANGE : 0u);
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_RENAME, .path = from, .other = to, .flags = how};
    return (int)roosti_file_do(-1, &call);
}

int roost_path_remove(const char *path)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_UNLINK, .path = path};
    return (int)roosti_file_do(-1, &call);
}

int roost_path_remove_dir(const char *path)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_RMDIR, .path = path};
    return (int)roosti_file_do(-1, &call);
}

/* -- text -------------------------------------------------------------------------------------- */

int roost_path_join(const char *base, const char *name, char *buf, size_t size)
{
    size_t base_len = name[0] == '/' ? 0 : strlen(base);
    size_t name_len = strlen(name);
    bool slash = base_len > 0 && base[base_len - 1] != '/' && name_len > 0;
    size_t len = base_len + slash + name_len;
    if (len >= size || len > INT_MAX)
        return -ENAMETOOLONG;
    memmove(buf, base, base_len);
    if (slash)
        buf[base_len] = '/';
    memcpy(buf + base_len + slash, name, name_len + 1);
    return (int)len;
}

const char *roost_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

const char *roost_path_suffix(const char *path)
{
    const char *name = roost_path_name(path);
    const char *dot = strrchr(name, '.');
    /* A name that only begins with a dot, or ends with one, has none. */
    return dot && dot > name && dot[1] ? dot : name + strlen(name);
}
