/* io/file_write.c - writing to open files: the buffer on its way out, syncing, length.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/file_range.h>

#include "io/file.h"

/* -- the buffer -------------------------------------------------------------------------------- */

int roosti_file_drain(roost_file *file)
{
    size_t done = 0;
    if (!file->dirty)
        return 0;
    int rc =
        roosti_file_put(file->fd, file->buf, file->to, roosti_file_offset(file, file->at), &done);
    file->at += (int64_t)done;
    file->to -= done;
    if (file->to > 0)
        memmove(file->buf, file->buf + done, file->to);
    file->dirty = file->to > 0;
    return rc;
}

/* The rest after what fitted, when it is more than the buffer holds. */
static int write_direct(roost_file *file, const char *data, size_t len)
{
    size_t done = 0;
    int rc = roosti_file_put(file->fd, data, len, roosti_file_offset(file, file->at), &done);
    file->at += (int64_t)done;
    return rc;
}

static int64_t file_write(roost_file *file, const char *data, size_t len)
{
    struct roost_task *self = file->user;
    if (roosti_unlikely(!file->writes))
        return -EBADF;
    int rc = roosti_op_begin(self->loop, self);
    if (rc == 0 && !file->dirty)
        rc = roosti_file_settle(file);
    if (rc == 0)
        rc = roosti_file_buffer(file);
    if (roosti_unlikely(rc < 0))
        return rc;
    size_t room = file->size - file->to;
    if (roosti_unlikely(len > room)) {
        rc = roosti_file_drain(file);
        if (rc == 0 && len >= file->size)
            rc = write_direct(file, data, len);
        if (rc < 0 || len >= file->size)
            return rc < 0 ? rc : (int64_t)len;
    }
    if (roosti_likely(len > 0)) {
        memcpy(file->buf + file->to, data, len);
        file->to += len;
        file->dirty = true;
    }
    return (int64_t)len;
}

int64_t roost_file_write(roost_file *file, const void *data, size_t len)
{
    int64_t n = roosti_file_enter(file);
    if (roosti_unlikely(n < 0))
        return n;
    n = file_write(file, data, len);
    roosti_file_leave(file);
    return n;
}

int64_t roost_file_pwrite(roost_file *file, const void *data, size_t len, int64_t offset)
{
    int rc = roosti_file_owns(file);
    if (rc < 0)
        return rc;
    if (!file->writes)
        return -EBADF;
    if (!file->seekable)
        return -ESPIPE;
    if (offset < 0)
        return ROOST_EINVAL;
    /* What was read ahead there is out of date; between two calls nobody looks at it. */
    if (!file->dirty && !file->user) {
        file->at += (int64_t)file->from;
        file->from = file->to = file->scanned = 0;
    }
    struct roosti_op op = {.kind = ROOSTI_OP_WRITE,
                           .fd = file->fd,
                           .buf = (void *)(uintptr_t)data,
                           .len = len,
                           .offset = offset};
    return len > 0 ? roosti_file_step(&op) : 0;
}

int roost_file_flush(roost_file *file)
{
    int rc = roosti_file_enter(file);
    if (rc < 0)
        return rc;
    rc = roosti_file_drain(file);
    roosti_file_leave(file);
    return rc;
}

/* -- to the disk ------------------------------------------------------------------------------- */

static int file_sync(roost_file *file, bool data_only)
{
    struct roosti_file_call data = {.what = ROOSTI_FILE_SYNC_DATA};
    int rc = roosti_file_drain(file);
    if (rc < 0)
        return rc;
    if (file->sync_code < 0)
        return file->sync_code;
    rc = data_only ? (int)roosti_file_do(file->fd, &data) : roosti_file_fsync(file->fd);
    /* Not done, or not able to, is no failure to write. */
    if (rc < 0 && rc != ROOST_ECANCELED && rc != ROOST_ENOMEM && rc != -EINVAL)
        file->sync_code = rc;
    return rc;
}

int roost_file_sync(roost_file *file, bool data_only)
{
    int rc = roosti_file_enter(file);
    if (rc < 0)
        return rc;
    rc = file_sync(file, data_only);
    roosti_file_leave(file);
    return rc;
}

/* -- length and room --------------------------------------------------------------------------- */

static int file_change(roost_file *file, struct roosti_file_call *call)
{
    int rc = roosti_file_enter(file);
    if (rc < 0)
        return rc;
    rc = file->writes ? roosti_file_settle(file) : -EBADF;
    if (rc == 0)
        rc = (int)roosti_file_do(file->fd, call);
    roosti_file_leave(file);
    return rc;
}

int roost_file_truncate(roost_file *file, int64_t size)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_TRUNCATE, .len = size};
    return file_change(file, &call);
}

int roost_file_allocate(roost_file *file, int64_t offset, int64_t len)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_ALLOCATE, .offset = offset, .len = len};
    return file_change(file, &call);
}

int roost_file_advise(roost_file *file, int64_t offset, int64_t len, int advice)
{
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_ADVISE, .offset = offset, .len = len, .mode = (uint32_t)advice};
    int rc = roosti_file_owns(file);
    return rc < 0 ? rc : (int)roosti_file_do(file->fd, &call);
}
