/* io/path_facts.c - links, times, permissions and owners.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/path_facts.h>

#include "io/file_job.h"
#include "io/temp_name.h"
#include "port/file_flags.h"

int roost_path_link(const char *target, const char *path)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_LINK, .path = target, .other = path};
    return (int)roosti_file_do(-1, &call);
}

int roost_path_symlink(const char *target, const char *path)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_SYMLINK, .path = target, .other = path};
    return (int)roosti_file_do(-1, &call);
}

static int64_t path_text(enum roosti_file_what what, const char *path, char *buf, size_t size)
{
    struct roosti_file_call call = {.what = what, .path = path, .buf = buf, .size = size};
    int64_t n = size > 0 ? roosti_file_do(-1, &call) : -ENAMETOOLONG;
    if (n < 0)
        return n;
    /* A link is cut silently: when the last byte is used there may have been more. */
    if ((size_t)n >= size)
        return -ENAMETOOLONG;
    buf[n] = '\0';
    return n;
}

int64_t roost_path_readlink(const char *path, char *buf, size_t size)
{
    return path_text(ROOSTI_FILE_READLINK, path, buf, size);
}

int64_t roost_path_resolve(const char *path, char *buf, size_t size)
{
    return path_text(ROOSTI_FILE_REALPATH, path, buf, size);
}

struct touch {
    const char *path;
    uint32_t permissions;
};

ROOST_ASYNC(path_touch, struct touch *, touch)
{
    struct roosti_file_call times = {
        .what = ROOSTI_FILE_TIMES, .path = touch->path, .offset = INT64_MIN, .len = INT64_MIN};
    int rc = (int)roosti_file_do(-1, &times);
    if (rc != -ENOENT)
        return rc;
    int fd = roosti_file_open(touch->path, O_WRONLY | O_CREAT, touch->permissions);
    return fd < 0 ? fd : roosti_file_shut(fd);
}

int roost_path_touch(const char *path, uint32_t permissions)
{
    struct touch touch = {path, permissions ? permissions : 0666};
    return roosti_file_job(ROOST_CALL(path_touch, &touch));
}

int roost_path_set_times(const char *path, roost_time accessed, roost_time modified)
{
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_TIMES, .path = path, .offset = accessed, .len = modified};
    return (int)roosti_file_do(-1, &call);
}

int roost_path_chmod(const char *path, uint32_t permissions)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_CHMOD, .path = path, .mode = permissions};
    return (int)roosti_file_do(-1, &call);
}

int roost_path_chown(const char *path, uint32_t uid, uint32_t gid)
{
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_CHOWN, .path = path, .uid = uid, .gid = gid};
    return (int)roosti_file_do(-1, &call);
}

ROOST_ASYNC(path_sync, const char *, path)
{
    return roosti_dir_fsync(path);
}

int roost_path_sync(const char *path)
{
    return roosti_file_job(ROOST_CALL(path_sync, path));
}
