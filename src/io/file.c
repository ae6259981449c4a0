/* io/file.c - open files: life, position, reading.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/file.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "port/file_flags.h"
#include "rt/report.h"

enum { BUFFER_BYTES_MIN = 512 };

/* -- life -------------------------------------------------------------------------------------- */

/* O_* of a mode in words, or ROOST_EINVAL. */
static int mode_flags(const char *mode)
{
    int flags;
    switch (mode[0]) {
    case 'r':
        flags = O_RDONLY;
        break;
    case 'w':
        flags = O_WRONLY | O_CREAT | O_TRUNC;
        break;
    case 'a':
        flags = O_WRONLY | O_CREAT | O_APPEND;
        break;
    case 'x':
        flags = O_WRONLY | O_CREAT | O_EXCL;
        break;
    default:
        return ROOST_EINVAL;
    }
    for (const char *at = mode + 1; *at; at++) {
        if (*at == '+')
            flags = (flags & ~O_ACCMODE) | O_RDWR;
        else if (*at != 'b' && *at != 't')
            return ROOST_EINVAL;
    }
    return flags;
}

/* fd: taken on success. */
static int file_make(int fd, int flags, const roost_file_opts *opts, roost_file **file)
{
    struct roosti_file_stat about;
    struct roosti_file_call ask = {.what = ROOSTI_FILE_STAT, .stat = &about};
    int rc = (int)roosti_file_do(fd, &ask);
    if (rc < 0)
        return rc;
    if (S_ISDIR(about.mode))
        return -EISDIR;
    roost_file *made = roosti_alloc_zero(1, sizeof *made, "a file");
    if (!made)
        return ROOST_ENOMEM;
    int access = flags & O_ACCMODE;
    size_t size = opts && opts->buffer_bytes ? opts->buffer_bytes : ROOST_FILE_BUFFER_BYTES;
    made->loop = roosti_loop_here->id;
    made->fd = fd;
    made->flags = flags;
    made->seekable = S_ISREG(about.mode) || S_ISBLK(about.mode);
    made->at = flags & O_APPEND && made->seekable ? (int64_t)about.size : 0;
    made->keep_cr = opts && opts->keep_cr;
    made->reads = access == O_RDONLY || access == O_RDWR;
    made->writes = access == O_WRONLY || access == O_RDWR;
    made->size_given = size < BUFFER_BYTES_MIN ? BUFFER_BYTES_MIN : size;
    made->line_max =
        opts && opts->line_bytes_max ? opts->line_bytes_max : ROOST_FILE_LINE_BYTES_MAX;
    *file = made;
    return 0;
}

int roost_file_open(const char *path, const char *mode, const roost_file_opts *opts,
                    roost_file **file)
{
    int flags = mode_flags(mode);
    if (flags < 0)
        return flags;
    flags |= opts ? opts->flags : 0;
    int fd = roosti_file_open(path, flags, opts && opts->permissions ? opts->permissions : 0666);
    if (fd < 0)
        return fd;
    int rc = file_make(fd, flags, opts, file);
    if (rc < 0)
        (void)roosti_file_shut(fd);
    return rc;
}

int roost_file_from_fd(int fd, const char *mode, const roost_file_opts *opts, roost_file **file)
{
    int flags = mode_flags(mode);
    if (flags < 0)
        return flags;
    if (!roosti_self())
        return roosti_no_task();
    struct roosti_port *port = roosti_loop_here->port;
    if (fd >= 0)
        port->ops->fd.forget(port, fd);
    return file_make(fd, flags, opts, file);
}

/* What was accepted is written even if the task is cancelled, but where the other side may take its
 * time for ever (a pipe) the cancellation counts. */
static int close_drain(roost_file *file)
{
    struct roosti_file_shield shield = {.scope = NULL};
    if (file->to == 0)
        return 0;
    if (file->seekable)
        roosti_file_shield(&shield);
    int rc = roosti_file_drain(file);
    if (file->seekable)
        roosti_file_unshield(&shield);
    return rc;
}

int roost_file_close(roost_file *file)
{
    if (!file)
        return 0;
    int rc = roosti_file_enter(file);
    if (rc < 0 && rc != ROOST_ENOCTX) {
        struct roosti_loop *loop = roosti_loop_here;
        if (loop && loop->debug >= 1)
            roosti_report("roost_file_close: %s", rc == ROOST_EBUSY
                                                      ? "another task is in a call on the file"
                                                      : "the file belongs to another loop");
        return rc;
    }
    if (rc == 0 && file->dirty)
        rc = close_drain(file);
    int closed = roosti_file_shut(file->fd);
    roosti_free(file->buf);
    roosti_free(file);
    return rc < 0 ? rc : closed;
}

int roost_file_fd(const roost_file *file)
{
    return file->fd;
}

/* -- position ---------------------------------------------------------------------------------- */

int64_t roost_file_tell(const roost_file *file)
{
    return roosti_file_position(file);
}

int roosti_file_settle(roost_file *file)
{
    int rc = roosti_file_drain(file);
    if (rc == 0) {
        file->at += (int64_t)file->from;
        file->from = file->to = file->scanned = 0;
    }
    return rc;
}

static int64_t file_size(const roost_file *file)
{
    struct roosti_file_stat about;
    struct roosti_file_call ask = {.what = ROOSTI_FILE_STAT, .stat = &about};
    int64_t rc = roosti_file_do(file->fd, &ask);
    return rc < 0 ? rc : (int64_t)about.size;
}

static int64_t file_seek(roost_file *file, int64_t offset, int whence)
{
    int64_t base = 0;
    if (!file->seekable)
        return -ESPIPE;
    if (whence != SEEK_SET && whence != SEEK_CUR && whence != SEEK_END)
        return ROOST_EINVAL;
    int rc = roosti_file_drain(file);
    if (rc < 0)
        return rc;
    if (whence == SEEK_CUR)
        base = roosti_file_position(file);
    else if (whence == SEEK_END)
        base = file_size(file);
    if (base < 0)
        return base;
    if (__builtin_add_overflow(base, offset, &base) || base < 0)
        return ROOST_EINVAL;
    if (base >= file->at && base <= file->at + (int64_t)file->to) {
        file->from = (size_t)(base - file->at);
    } else {
        file->at = base;
        file->from = file->to = 0;
    }
    file->scanned = 0;
    return base;
}

int64_t roost_file_seek(roost_file *file, int64_t offset, int whence)
{
    int64_t rc = roosti_file_enter(file);
    if (rc < 0)
        return rc;
    rc = file_seek(file, offset, whence);
    roosti_file_leave(file);
    return rc;
}

/* -- reading ----------------------------------------------------------------------------------- */

int roosti_file_buffer(roost_file *file)
{
    if (roosti_likely(file->buf != NULL))
        return 0;
    file->buf = roosti_alloc(file->size_given, "buffer of a file");
    if (!file->buf)
        return ROOST_ENOMEM;
    file->size = file->size_given;
    return 0;
}

int64_t roosti_file_fill(roost_file *file)
{
    struct roosti_op op = {.kind = ROOSTI_OP_READ,
                           .fd = file->fd,
                           .buf = file->buf + file->to,
                           .len = file->size - file->to,
                           .offset = roosti_file_offset(file, file->at + (int64_t)file->to)};
    int64_t n = roosti_file_step(&op);
    if (n > 0)
        file->to += (size_t)n;
    return n;
}

/* Past the buffer, which is empty. */
static int64_t read_direct(roost_file *file, void *buf, size_t len)
{
    struct roosti_op op = {.kind = ROOSTI_OP_READ,
                           .fd = file->fd,
                           .buf = buf,
                           .len = len,
                           .offset = roosti_file_offset(file, file->at)};
    int64_t n = roosti_file_step(&op);
    if (n > 0)
        file->at += n;
    return n;
}

static int64_t file_read(roost_file *file, void *buf, size_t len)
{
    if (!file->reads)
        return -EBADF;
    if (file->dirty || file->from == file->to) {
        int rc = roosti_file_settle(file);
        if (rc < 0)
            return rc;
        if (len >= file->size_given / 2)
            return read_direct(file, buf, len);
        rc = roosti_file_buffer(file);
        int64_t n = rc < 0 ? rc : roosti_file_fill(file);
        if (n <= 0)
            return n;
    } else {
        struct roost_task *self = file->user;
        int rc = roosti_op_begin(self->loop, self);
        if (rc < 0)
            return rc;
    }
    size_t n = file->to - file->from < len ? file->to - file->from : len;
    memcpy(buf, file->buf + file->from, n);
    file->from += n;
    file->scanned = 0;
    return (int64_t)n;
}

int64_t roost_file_read(roost_file *file, void *buf, size_t len)
{
    int64_t n = roosti_file_enter(file);
    if (roosti_unlikely(n < 0))
        return n;
    n = file_read(file, buf, len);
    roosti_file_leave(file);
    return n;
}

int64_t roost_file_pread(roost_file *file, void *buf, size_t len, int64_t offset)
{
    int rc = roosti_file_owns(file);
    if (rc < 0)
        return rc;
    if (!file->reads)
        return -EBADF;
    if (!file->seekable)
        return -ESPIPE;
    if (offset < 0)
        return ROOST_EINVAL;
    struct roosti_op op = {
        .kind = ROOSTI_OP_READ, .fd = file->fd, .buf = buf, .len = len, .offset = offset};
    return roosti_file_step(&op);
}

int roost_file_stat(roost_file *file, roost_stat *stat)
{
    struct roosti_file_stat about;
    struct roosti_file_call ask = {.what = ROOSTI_FILE_STAT, .stat = &about};
    int rc = roosti_file_enter(file);
    if (rc < 0)
        return rc;
    rc = roosti_file_drain(file);
    if (rc == 0)
        rc = (int)roosti_file_do(file->fd, &ask);
    roosti_file_leave(file);
    if (rc == 0)
        roosti_stat_fill(stat, &about);
    return rc;
}
