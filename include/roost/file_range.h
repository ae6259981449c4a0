/* roost/file_range.h - parts of open files: their length, their room on the disk, sending them to a
 * stream.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FILE_RANGE_H
#define ROOST_FILE_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/file.h>

ROOST_BEGIN_DECLS

/**
 * roost_file_truncate - flush, and cut the file or extend it by zeros.
 *
 *   file      open.
 *   size      bytes; the position stays.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    ROOST_EBUSY  another task is in a call that uses the position; ROOST_EXLOOP  it belongs
 *           to another loop; ROOST_ENOCTX  not in a task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_truncate(roost_file *file, int64_t size);

/**
 * roost_file_allocate - have room on the disk for a range, so that writing there cannot fail with
 * -ENOSPC.
 *
 *   file      open.
 *   offset    bytes from the start.
 *   len       bytes; the file becomes as long as that.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    ROOST_EBUSY  another task is in a call that uses the position; ROOST_EXLOOP  it belongs
 *           to another loop; ROOST_ENOCTX  not in a task; codes of the system.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_allocate(roost_file *file, int64_t offset,
                                                            int64_t len);

/**
 * roost_file_advise - tell the kernel how a range will be used.
 *
 *   file      open.
 *   offset    bytes from the start.
 *   len       bytes; 0: to the end.
 *   advice    POSIX_FADV_* of <fcntl.h>.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_EXLOOP; ROOST_ENOCTX.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_advise(roost_file *file, int64_t offset,
                                                          int64_t len, int advice);

/**
 * roost_file_send - write part of a file to a stream.
 *
 *   file      open.
 *   stream    open for writing.
 *   offset    bytes from the start; the position stays.
 *   len       bytes at the most; -1: to the end.
 *
 * Returns how many bytes were sent.
 *
 * Suspends  while the disk is read and until the stream has taken them.
 * Cancel    ROOST_ECANCELED; as roost_write_all when some bytes were sent.
 * Errors    those of roost_file_pread and roost_write_all; ROOST_ENOMEM.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_file_send(roost_file *file, roost_stream *stream,
                                                            int64_t offset, int64_t len);

ROOST_END_DECLS

#endif
