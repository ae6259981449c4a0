/* io/file.h - an open file: its position and its buffer.
 *
 *   reading      at ............ at + from ............ at + to      position: at + from
 *                |  given         |  read ahead          |
 *   writing      at ......................... at + to                position: at + to
 *   (dirty)      |  not written yet            |                     from is 0
 *
 * One task at a time uses them: it stands in `user` from the first step of its call to the last.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_FILE_H
#define ROOST_IO_FILE_H

#include <roost/file.h>

#include "io/file_job.h"
#include "rt/loop.h"

struct roost_file {
    uint32_t loop;
    int fd;
    int flags;     /* O_* it was opened with */
    bool seekable; /* has positions: a file or a device with blocks */
    bool dirty;    /* the buffer holds what is to be written */
    bool keep_cr;
    bool reads;
    bool writes;
    int sync_code; /* of the first sync that failed, or 0 */
    int64_t at;    /* where the buffer begins in the file */
    char *buf;     /* NULL before the first use */
    size_t size;
    size_t from;
    size_t to;
    size_t scanned;    /* bytes from `from` on that are known to have no newline */
    size_t size_given; /* of a buffer as asked for */
    size_t line_max;
    struct roost_task *user;
};

/* Makes the running task the user: 0 or a code. */
static inline int roosti_file_enter(roost_file *file)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (roosti_unlikely(!loop || !loop->current))
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &file->loop);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(file->user != NULL))
        return ROOST_EBUSY;
    file->user = loop->current;
    return 0;
}

/* The same for a call without position and buffer. */
static inline int roosti_file_owns(roost_file *file)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (roosti_unlikely(!loop || !loop->current))
        return roosti_no_task();
    return roosti_loop_owns(loop, &file->loop);
}

static inline void roosti_file_leave(roost_file *file)
{
    file->user = NULL;
}

static inline int64_t roosti_file_position(const roost_file *file)
{
    return file->at + (int64_t)(file->dirty ? file->to : file->from);
}

/* The offset an operation at `at` is given: none where there are no positions. */
static inline int64_t roosti_file_offset(const roost_file *file, int64_t at)
{
    return file->seekable ? at : -1;
}

/* 0 or ROOST_ENOMEM. */
int roosti_file_buffer(roost_file *file);
/* Writes out what is buffered; what is not, stays. The user's. 0 or a code. */
int roosti_file_drain(roost_file *file);
/* The same, and forgets what was read ahead: the buffer is empty at the position. */
int roosti_file_settle(roost_file *file);
/* Reads into the buffer behind what is there. The bytes, 0 at the end, or a code. */
int64_t roosti_file_fill(roost_file *file);

#endif
