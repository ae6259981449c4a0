/* roost/file.h - open files: reading, writing, lines.
 *
 *     ROOST_AUTO(file) roost_file *file = NULL;
 *     ROOST_TRY(roost_file_open("access.log", "r", NULL, &file));
 *     ROOST_LINES(file, line, rc)
 *         count += line.len;
 *
 * A file has a position and a buffer, for one task at a time: a second one gets ROOST_EBUSY.
 * roost_file_pread and roost_file_pwrite use neither, for any number of tasks at once. No call
 * holds up the loop: what the page cache can answer is answered at once, else the ring of the
 * kernel or a thread of the run does the work.
 *
 * Whole files in one call: roost/file_all.h. Names: roost/path.h. Locks: roost/file_lock.h. Files
 * in memory: roost/file_map.h. Length, room, sending to a stream: roost/file_range.h.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FILE_H
#define ROOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/path.h>
#include <roost/stream.h>

typedef struct roost_file roost_file;

/* Zero means default. */
typedef struct roost_file_opts {
    uint32_t permissions;  /* of a file that is made, less the umask; default 0666 */
    int flags;             /* more O_* for the kernel, such as O_NOFOLLOW or O_DSYNC */
    size_t buffer_bytes;   /* of the buffer, at least 512; default 65536 */
    size_t line_bytes_max; /* the longest line; default 1 MiB */
    bool keep_cr;          /* lines keep a carriage return at their end */
} roost_file_opts;

/* Buffer and longest line by default. */
#define ROOST_FILE_BUFFER_BYTES 65536
#define ROOST_FILE_LINE_BYTES_MAX (1024 * 1024)

ROOST_BEGIN_DECLS

/**
 * roost_file_open - open a file.
 *
 *   path      borrowed.
 *   mode      "r" read, "w" write and empty it, "a" write at the end, "x" write a file that must
 *             not be there yet; with "+" also the other way. "b" and "t" change nothing: bytes are
 *             bytes.
 *   opts      copied; NULL for defaults.
 *   file      gives the file, release with roost_file_close; written on success only.
 *
 * Suspends  while the kernel looks the name up.
 * Cancel    ROOST_ECANCELED; nothing is open. What "w" had begun to do to the file is done.
 * Errors    codes of the system (-ENOENT, -EACCES, -EEXIST, -EISDIR: a directory); ROOST_EINVAL  no
 *           such mode; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_open(const char *path, const char *mode,
                                                        const roost_file_opts *opts,
                                                        roost_file **file);

/**
 * roost_file_from_fd - make a file of a descriptor.
 *
 *   fd        taken.
 *   mode      as for roost_file_open; says what it was opened for.
 *   opts      copied; NULL for defaults.
 *   file      gives the file; written on success only.
 *
 * Suspends  while the kernel is asked about it.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -EBADF; ROOST_EINVAL  no such mode; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_from_fd(int fd, const char *mode,
                                                           const roost_file_opts *opts,
                                                           roost_file **file);

/**
 * roost_file_close - write out what is buffered, and close.
 *
 *   file      released whatever this returns; NULL is accepted.
 *
 * A cancellation does not reach the writing, so nothing that was accepted is lost to it. What the
 * code says is final: bytes that could not be written are gone.
 *
 * Suspends  while bytes are written.
 * Cancel    never; the cancellation shows at the next suspending call.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_SUSPENDS int roost_file_close(roost_file *file);

/**
 * roost_file_read - read some bytes at the position.
 *
 *   file      open.
 *   buf       written; at least len bytes.
 *   len       bytes.
 *
 * Returns how many, 0 at the end of the file. Reads of less than half a buffer are served from the
 * buffer.
 *
 * Suspends  while the disk is read; a read that the page cache can answer does not.
 * Cancel    ROOST_ECANCELED; nothing was read, the position is as before.
 * Errors    -EBADF  it is open for writing only; ROOST_EBUSY  another task is in a call that
 *           uses the position; ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a
 *           task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_file_read(roost_file *file, void *buf,
                                                            size_t len);

/**
 * roost_file_pread - read some bytes elsewhere; the position stays, the buffer is passed by.
 *
 *   file      open.
 *   buf       written; at least len bytes.
 *   len       bytes.
 *   offset    bytes from the start.
 *
 * Returns how many, 0 at or past the end. Any number of tasks may read at once.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED; nothing was read.
 * Errors    -EBADF  it is open for writing only; -ESPIPE  it has no positions; ROOST_EXLOOP;
 *           ROOST_ENOCTX; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_file_pread(roost_file *file, void *buf,
                                                             size_t len, int64_t offset);

/**
 * roost_file_write - write at the position: all of it or an error.
 *
 *   file      open.
 *   data      borrowed.
 *   len       bytes.
 *
 * Returns len. The bytes go into a buffer, which is written out when it is full and by flush, seek,
 * sync and close; their error is then what that call returns.
 *
 * Suspends  while a full buffer is written out.
 * Cancel    ROOST_ECANCELED; roost_file_tell says how much was taken: nothing, or with a len of
 *           more than a buffer perhaps part of it.
 * Errors    -EBADF  it is open for reading only; ROOST_EBUSY  another task is in a call that
 *           uses the position; ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a
 *           task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_file_write(roost_file *file, const void *data,
                                                             size_t len);

/**
 * roost_file_pwrite - write some bytes elsewhere; the position stays, the buffer is passed by.
 *
 *   file      open.
 *   data      borrowed.
 *   len       bytes.
 *   offset    bytes from the start; a file opened with "a" appends all the same.
 *
 * Returns how many were written, at least 1 unless len is 0.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED; nothing was written.
 * Errors    -EBADF  it is open for reading only; -ESPIPE  it has no positions; ROOST_EXLOOP;
 *           ROOST_ENOCTX; codes of the system (-ENOSPC).
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_file_pwrite(roost_file *file, const void *data,
                                                              size_t len, int64_t offset);

/**
 * roost_file_line - the next line, without its newline.
 *
 *   file      open.
 *   line      lends bytes in the file's buffer, valid until the next call on the file; written when
 *             1 is returned.
 *
 * Returns 1 for a line, 0 at the end. A last line without a newline is a line. A carriage return
 * before the newline is cut off, unless the option keep_cr says otherwise.
 *
 * Suspends  while the buffer is filled; lines that lie in the buffer already are given without
 *           giving way.
 * Cancel    ROOST_ECANCELED; no line was taken.
 * Errors    ROOST_EOVERFLOW  a line is longer than line_bytes_max, the position stands at its
 *           beginning; ROOST_ENOMEM; -EBADF  it is open for writing only; ROOST_EBUSY  another
 *           task is in a call that uses the position; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX  not in a task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_line(roost_file *file, roost_bytes *line);

/**
 * roost_file_flush - write out what is buffered, to the kernel.
 *
 *   file      open.
 *
 * Suspends  while bytes are written.
 * Cancel    ROOST_ECANCELED; what was not written is still buffered.
 * Errors    ROOST_EBUSY  another task is in a call that uses the position; ROOST_EXLOOP  it belongs
 *           to another loop; ROOST_ENOCTX  not in a task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_flush(roost_file *file);

/**
 * roost_file_sync - flush, and have the kernel bring the file to the disk.
 *
 *   file      open.
 *   data_only  without what is not needed to read it again, such as its times.
 *
 * When it has failed once the kernel may have dropped what it could not write, and a second success
 * would mean nothing: every later call returns the first one's code.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    ROOST_EBUSY  another task is in a call that uses the position; ROOST_EXLOOP  it belongs
 *           to another loop; ROOST_ENOCTX  not in a task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_sync(roost_file *file, bool data_only);

/**
 * roost_file_seek - flush, and move the position.
 *
 *   file      open.
 *   offset    bytes, from where whence says.
 *   whence    SEEK_SET, SEEK_CUR or SEEK_END of <stdio.h>.
 *
 * Returns the new position.
 *
 * Suspends  while bytes are written, and to ask for the size.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    ROOST_EINVAL  before the start, or no such whence; -ESPIPE  it has no positions;
 *           ROOST_EBUSY  another task is in a call that uses the position; ROOST_EXLOOP  it belongs
 *           to another loop; ROOST_ENOCTX  not in a task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_file_seek(roost_file *file, int64_t offset,
                                                            int whence);

/**
 * roost_file_tell - the position, from the start.
 *
 *   file      open.
 *
 * Suspends  never.
 * Threads   tasks of the file's loop.
 */
ROOST_API int64_t roost_file_tell(const roost_file *file);

/**
 * roost_file_stat - flush, and the facts about the file.
 *
 *   file      open.
 *   stat      written on success only.
 *
 * Suspends  while bytes are written.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    ROOST_EBUSY  another task is in a call that uses the position; ROOST_EXLOOP  it belongs
 *           to another loop; ROOST_ENOCTX  not in a task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_stat(roost_file *file, roost_stat *stat);

/**
 * roost_file_fd - its descriptor, which stays the file's.
 *
 *   file      open.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API int roost_file_fd(const roost_file *file);

/* For ROOST_AUTO(file). */
ROOST_SUSPENDS static inline void roost_file_cleanup(roost_file **file)
{
    (void)roost_file_close(*file);
}

ROOST_END_DECLS

/* ROOST_LINES(file, line, rc) { ... }: the block for each line from the position on; `line` is a
 * roost_bytes. After it rc is 0 when the file has ended, or a code; break leaves rc at 1. */
#define ROOST_LINES(file, line, rc)                                                                \
    for (roost_bytes line; ((rc) = roost_file_line((file), &line)) > 0;)

#endif
