/* io/copy.c - copying a file: blocks shared, copied inside the kernel, or read and written.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/path.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "io/temp_name.h"
#include "port/file_flags.h"
#include "rt/loop.h"

enum { COPY_BYTES = 256 * 1024 };

struct copy {
    const char *from;
    const char *to;
    roost_copy_opts opts;
    uint64_t word;
};

static int copy_by_hand(int from, int to, int64_t at)
{
    int64_t n;
    int rc = 0;
    char *buf = roosti_alloc(COPY_BYTES, "buffer of a copy");
    if (!buf)
        return ROOST_ENOMEM;
    while (rc == 0 && (n = roosti_file_get(from, buf, COPY_BYTES, at)) != 0) {
        rc = n < 0 ? (int)n : roosti_file_put(to, buf, (size_t)n, at, NULL);
        at += n;
    }
    roosti_free(buf);
    return rc;
}

static int copy_bytes(int from, int to)
{
    struct roosti_file_call clone = {.what = ROOSTI_FILE_CLONE, .fd_to = to};
    struct roosti_file_call range = {.what = ROOSTI_FILE_COPY, .fd_to = to, .len = 1 << 30};
    int64_t rc = roosti_file_do(from, &clone);
    if (rc != -EOPNOTSUPP)
        return (int)rc;
    while ((rc = roosti_file_do(from, &range)) > 0) {
        range.offset += rc;
        range.offset_to += rc;
    }
    bool cannot = rc == -EXDEV || rc == -EINVAL || rc == -EOPNOTSUPP || rc == -ENOSYS;
    /* Some files of the kernel's say that they are empty and are not. */
    return rc == 0  ? range.offset > 0 ? 0 : copy_by_hand(from, to, 0)
            : cannot ? copy_by_hand(from, to, range.offset)
                    : (int)rc;
}

static int copy_facts(const struct copy *copy, const char *path,
                      const struct roosti_file_stat *about)
{
    struct roosti_file_call chmod = {
        .what = ROOSTI_FILE_CHMOD, .path = path, .mode = about->mode & 07777};
    struct roosti_file_call times = {
        .what = ROOSTI_FILE_TIMES, .path = path, .offset = about->accessed, .len = about->modified};
    int rc = (int)roosti_file_do(-1, &chmod);
    return rc == 0 && copy->opts.times ? (int)roosti_file_do(-1, &times) : rc;
}

/* Into a file that has just been opened and is closed here. */
static int copy_into(const struct copy *copy, int from, int to, const char *path,
                     const struct roosti_file_stat *about)
{
    int rc = copy_bytes(from, to);
    if (rc == 0 && copy->opts.atomic)
        rc = roosti_file_fsync(to);
    int closed = roosti_file_shut(to);
    rc = rc < 0 ? rc : closed;
    return rc == 0 ? copy_facts(copy, path, about) : rc;
}

static int copy_plain(const struct copy *copy, int from, const struct roosti_file_stat *about)
{
    struct roosti_file_stat there;
    struct roosti_file_call stat = {.what = ROOSTI_FILE_STAT, .path = copy->to, .stat = &there};
    bool made = roosti_file_do(-1, &stat) < 0;
    /* Emptying it first would leave nothing to copy. */
    if (!made && there.inode == about->inode && there.device == about->device)
        return -EINVAL;
    int flags = O_WRONLY | O_CREAT | (copy->opts.keep ? O_EXCL : O_TRUNC);
    int to = roosti_file_open(copy->to, flags, (about->mode & 0777) | 0200);
    if (to < 0)
        return to;
    int rc = copy_into(copy, from, to, copy->to, about);
    if (rc < 0 && made)
        roosti_file_undo(copy->to);
    return rc;
}

static int copy_atomic(struct copy *copy, int from, const struct roosti_file_stat *about)
{
    char path[PATH_MAX];
    int to = -EEXIST;
    for (int tries = 0; to == -EEXIST && tries < ROOSTI_TEMP_TRIES; tries++) {
        to = roosti_temp_beside(copy->to, &copy->word, path, sizeof path);
        if (to == 0)
            to = roosti_file_open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    }
    if (to < 0)
        return to;
    int rc = copy_into(copy, from, to, path, about);
    struct roosti_file_call rename = {.what = ROOSTI_FILE_RENAME,
                                      .path = path,
                                      .other = copy->to,
                                      .flags = copy->opts.keep ? ROOSTI_FILE_NO_REPLACE : 0u};
    struct roosti_file_shield shield;
    roosti_file_shield(&shield);
    if (rc == 0)
        rc = (int)roosti_file_do(-1, &rename);
    if (rc < 0)
        roosti_file_undo(path);
    else if ((rc = roosti_path_dir(copy->to, path, sizeof path)) == 0)
        rc = roosti_dir_fsync(path);
    roosti_file_unshield(&shield);
    return rc;
}

ROOST_ASYNC(path_copy, struct copy *, copy)
{
    struct roosti_file_stat about;
    struct roosti_file_call stat = {.what = ROOSTI_FILE_STAT, .stat = &about};
    int from = roosti_file_open(copy->from, O_RDONLY, 0);
    if (from < 0)
        return from;
    int rc = (int)roosti_file_do(from, &stat);
    if (rc == 0 && S_ISDIR(about.mode))
        rc = -EISDIR;
    if (rc == 0)
        rc = copy->opts.atomic ? copy_atomic(copy, from, &about) : copy_plain(copy, from, &about);
    (void)roosti_file_shut(from);
    return rc;
}

int roost_path_copy(const char *from, const char *to, const roost_copy_opts *opts)
{
    struct copy copy = {.from = from, .to = to};
    if (!roosti_self())
        return roosti_no_task();
    if (opts)
        copy.opts = *opts;
    if (copy.opts.atomic)
        copy.word = roosti_temp_word();
    return roosti_file_job(ROOST_CALL(path_copy, &copy));
}
