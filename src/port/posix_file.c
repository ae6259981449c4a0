/* port/posix_file.c - calls on files and names, as the two real ports make them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/file_call.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "port/posix_op.h"

_Static_assert(sizeof(struct roosti_watch_record) == sizeof(struct inotify_event) &&
                   (int)ROOSTI_WATCH_MODIFY == IN_MODIFY && (int)ROOSTI_WATCH_ATTRIB == IN_ATTRIB &&
                   (int)ROOSTI_WATCH_CLOSE_WRITE == IN_CLOSE_WRITE &&
                   (int)ROOSTI_WATCH_MOVED_FROM == IN_MOVED_FROM &&
                   (int)ROOSTI_WATCH_MOVED_TO == IN_MOVED_TO &&
                   (int)ROOSTI_WATCH_CREATE == IN_CREATE && (int)ROOSTI_WATCH_DELETE == IN_DELETE &&
                   (int)ROOSTI_WATCH_DELETE_SELF == IN_DELETE_SELF &&
                   (int)ROOSTI_WATCH_MOVE_SELF == IN_MOVE_SELF &&
                   (int)ROOSTI_WATCH_OVERFLOW == IN_Q_OVERFLOW &&
                   (int)ROOSTI_WATCH_IGNORED == IN_IGNORED && (int)ROOSTI_WATCH_IS_DIR == IN_ISDIR,
               "the kernel's records and bits");

static int64_t result_of(int64_t n)
{
    return n >= 0 ? n : -errno;
}

/* -- facts ------------------------------------------------------------------------------------- */

static int64_t nanoseconds(struct statx_timestamp at)
{
    return at.tv_sec * 1000000000 + at.tv_nsec;
}

static int64_t stat_fill(int dir, const char *path, int flags, struct roosti_file_stat *stat)
{
    struct statx about;
    if (statx(dir, path, flags, STATX_BASIC_STATS | STATX_BTIME, &about) < 0)
        return -errno;
    roosti_memory_written(&about, sizeof about);
    *stat = (struct roosti_file_stat){
        .size = about.stx_size,
        .blocks = about.stx_blocks * 512,
        .modified = nanoseconds(about.stx_mtime),
        .accessed = nanoseconds(about.stx_atime),
        .changed = nanoseconds(about.stx_ctime),
        .born = about.stx_mask & STATX_BTIME ? nanoseconds(about.stx_btime) : 0,
        .inode = about.stx_ino,
        .device = makedev(about.stx_dev_major, about.stx_dev_minor),
        .mode = about.stx_mode,
        .links = about.stx_nlink,
        .uid = about.stx_uid,
        .gid = about.stx_gid,
    };
    return 0;
}

/* The name as far as it is in memory: a descriptor that only stands for it, or -EAGAIN. */
static int64_t path_cached(const struct roosti_file_call *call)
{
#ifdef ROOST_VALGRIND
    (void)call;
    return -EAGAIN;
#else
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_CACHED};
    if (call->flags & ROOSTI_FILE_NO_FOLLOW)
        how.flags |= O_NOFOLLOW;
    int64_t fd = result_of(syscall(SYS_openat2, AT_FDCWD, call->path, &how, sizeof how));
    /* Not known, not allowed or not in memory: another way of asking gives the answer. */
    return fd == -ENOSYS || fd == -EPERM || fd == -EINVAL || fd == -EMFILE || fd == -ENFILE
               ? -EAGAIN
               : fd;
#endif
}

static int64_t call_stat(int fd, const struct roosti_file_call *call, bool cached)
{
    if (!call->path)
        return stat_fill(fd, "", AT_EMPTY_PATH, call->stat);
    if (!cached) {
        int flags = call->flags & ROOSTI_FILE_NO_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0;
        return stat_fill(AT_FDCWD, call->path, flags, call->stat);
    }
    int64_t found = path_cached(call);
    if (found < 0)
        return found;
    int64_t rc = stat_fill((int)found, "", AT_EMPTY_PATH, call->stat);
    close((int)found);
    return rc;
}

static int64_t call_realpath(const struct roosti_file_call *call)
{
    char found[PATH_MAX];
    if (!realpath(call->path, found))
        return -errno;
    size_t len = strlen(found);
    if (len > call->size)
        return -ENAMETOOLONG;
    memcpy(call->buf, found, len);
    return (int64_t)len;
}

static struct timespec time_of(int64_t ns)
{
    if (ns == INT64_MIN)
        return (struct timespec){.tv_nsec = UTIME_NOW};
    if (ns == INT64_MAX)
        return (struct timespec){.tv_nsec = UTIME_OMIT};
    int64_t rest = ns % 1000000000;
    return rest < 0 ? (struct timespec){ns / 1000000000 - 1, rest + 1000000000}
                    : (struct timespec){ns / 1000000000, rest};
}

static int64_t call_times(const struct roosti_file_call *call)
{
    struct timespec times[2] = {time_of(call->offset), time_of(call->len)};
    return result_of(utimensat(AT_FDCWD, call->path, times, 0));
}

/* -- names ------------------------------------------------------------------------------------- */

static int64_t call_rename(const struct roosti_file_call *call)
{
    unsigned flags = call->flags & ROOSTI_FILE_NO_REPLACE ? RENAME_NOREPLACE
                     : call->flags & ROOSTI_FILE_EXCHANGE ? RENAME_EXCHANGE
                                                          : 0u;
    if (flags == 0)
        return result_of(rename(call->path, call->other));
    return result_of(renameat2(AT_FDCWD, call->path, AT_FDCWD, call->other, flags));
}

static int64_t call_link_fd(int fd, const struct roosti_file_call *call)
{
    char name[32];
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    return result_of(linkat(AT_FDCWD, name, AT_FDCWD, call->other, AT_SYMLINK_FOLLOW));
}

static int64_t name_do(int fd, const struct roosti_file_call *call)
{
    switch (call->what) {
    case ROOSTI_FILE_ACCESS:
        return result_of(faccessat(AT_FDCWD, call->path, (int)call->mode, AT_EACCESS));
    case ROOSTI_FILE_MKDIR:
        return result_of(mkdir(call->path, call->mode));
    case ROOSTI_FILE_RMDIR:
        return result_of(rmdir(call->path));
    case ROOSTI_FILE_UNLINK:
        return result_of(unlink(call->path));
    case ROOSTI_FILE_RENAME:
        return call_rename(call);
    case ROOSTI_FILE_LINK:
        return result_of(link(call->path, call->other));
    case ROOSTI_FILE_LINK_FD:
        return call_link_fd(fd, call);
    case ROOSTI_FILE_SYMLINK:
        return result_of(symlink(call->path, call->other));
    case ROOSTI_FILE_READLINK:
        return result_of(readlink(call->path, call->buf, call->size));
    case ROOSTI_FILE_REALPATH:
        return call_realpath(call);
    case ROOSTI_FILE_CHMOD:
        return result_of(chmod(call->path, call->mode));
    case ROOSTI_FILE_CHOWN:
        return result_of(fchownat(AT_FDCWD, call->path, call->uid, call->gid,
                                  call->flags & ROOSTI_FILE_NO_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0));
    case ROOSTI_FILE_TIMES:
        return call_times(call);
    case ROOSTI_FILE_WATCH_ADD:
        return result_of(inotify_add_watch(fd, call->path, call->mode));
    default:
        return -EINVAL;
    }
}

/* -- descriptors ------------------------------------------------------------------------------- */

static int64_t call_copy(int fd, const struct roosti_file_call *call)
{
    off64_t from = call->offset, to = call->offset_to;
    return result_of(
        copy_file_range(fd, &from, call->fd_to, &to, roosti_io_len((size_t)call->len), 0));
}

static int64_t call_clone(int fd, const struct roosti_file_call *call)
{
    int64_t rc = result_of(ioctl(call->fd_to, FICLONE, fd));
    return rc == -ENOTTY || rc == -EXDEV || rc == -EINVAL ? -EOPNOTSUPP : rc;
}

static int64_t call_entries(int fd, const struct roosti_file_call *call)
{
    int64_t n = result_of(syscall(SYS_getdents64, fd, call->buf, call->size));
    roosti_memory_written(call->buf, n);
    return n;
}

static int64_t call_lock(int fd, const struct roosti_file_call *call)
{
    static const short types[] = {F_UNLCK, F_RDLCK, F_WRLCK};
    struct flock lock = {.l_type = types[call->mode],
                         .l_whence = SEEK_SET,
                         .l_start = call->offset,
                         .l_len = call->len};
    int64_t rc = result_of(fcntl(fd, F_OFD_SETLK, &lock));
    return rc == -EACCES || rc == -EAGAIN ? -EBUSY : rc;
}

static int64_t call_map(int fd, const struct roosti_file_call *call)
{
    int flags = call->flags & ROOSTI_FILE_PRIVATE ? MAP_PRIVATE : MAP_SHARED;
    if (call->flags & ROOSTI_FILE_POPULATE)
        flags |= MAP_POPULATE;
    void *at = mmap(NULL, (size_t)call->len, (int)call->mode, flags, fd, call->offset);
    if (at == MAP_FAILED)
        return -errno;
    *(void **)call->buf = at;
    return 0;
}

static int64_t fd_do(int fd, const struct roosti_file_call *call)
{
    switch (call->what) {
    case ROOSTI_FILE_TRUNCATE:
        return result_of(ftruncate(fd, call->len));
    case ROOSTI_FILE_ALLOCATE:
        return result_of(fallocate(fd, 0, call->offset, call->len));
    case ROOSTI_FILE_SYNC_DATA:
        return result_of(fdatasync(fd));
    case ROOSTI_FILE_COPY:
        return call_copy(fd, call);
    case ROOSTI_FILE_CLONE:
        return call_clone(fd, call);
    case ROOSTI_FILE_ENTRIES:
        return call_entries(fd, call);
    case ROOSTI_FILE_LOCK:
        return call_lock(fd, call);
    case ROOSTI_FILE_ADVISE:
        return -posix_fadvise(fd, call->offset, call->len, (int)call->mode);
    case ROOSTI_FILE_MAP:
        return call_map(fd, call);
    case ROOSTI_FILE_UNMAP:
        return result_of(munmap(call->buf, (size_t)call->len));
    case ROOSTI_FILE_SYNC_MAP:
        return result_of(msync(call->buf, (size_t)call->len, MS_SYNC));
    case ROOSTI_FILE_WATCH:
        return result_of(inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    case ROOSTI_FILE_WATCH_DROP:
        return result_of(inotify_rm_watch(fd, (int)call->len));
    default:
        return name_do(fd, call);
    }
}

static bool call_never_blocks(const struct roosti_file_call *call)
{
    switch (call->what) {
    case ROOSTI_FILE_LOCK:
    case ROOSTI_FILE_WATCH:
    case ROOSTI_FILE_WATCH_DROP:
        return true;
    case ROOSTI_FILE_MAP:
        return !(call->flags & ROOSTI_FILE_POPULATE);
    default:
        return false;
    }
}

int64_t roosti_file_call_do(int fd, const struct roosti_file_call *call, bool cached)
{
    int64_t rc;
    if (call->what == ROOSTI_FILE_STAT)
        return call_stat(fd, call, cached);
    if (cached && !call_never_blocks(call))
        return -EAGAIN;
    while ((rc = fd_do(fd, call)) == -EINTR)
        continue;
    return rc;
}
