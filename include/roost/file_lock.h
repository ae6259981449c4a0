/* roost/file_lock.h - locks on files, between openings and between processes.
 *
 * A lock belongs to the opening (the roost_file), not to the task or the process: two openings of
 * one file in one program exclude each other too.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FILE_LOCK_H
#define ROOST_FILE_LOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/file.h>

enum roost_lock_kind { ROOST_LOCK_SHARED = 1, ROOST_LOCK_EXCLUSIVE };

ROOST_BEGIN_DECLS

/**
 * roost_file_lock - lock a file against other openings of it, here and in other processes.
 *
 *   file      open.
 *   kind      ROOST_LOCK_SHARED needs a file open for reading, ROOST_LOCK_EXCLUSIVE for writing;
 *             one that is held already changes to this kind.
 *
 * Locks are advice: they hold back only who asks. The file's close lets go.
 *
 * Suspends  until it is free. The kernel tells nobody when that happens, so it is asked again, at
 *           first after a millisecond, at last every 50.
 * Cancel    ROOST_ECANCELED; not locked.
 * Errors    -EBADF  not open for that; -ENOLCK; ROOST_ENOTSUP  the file system has no locks;
 *           ROOST_EXLOOP; ROOST_ENOCTX.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_lock(roost_file *file,
                                                        enum roost_lock_kind kind);

/**
 * roost_file_try_lock - the same without waiting.
 *
 *   file      open.
 *   kind      as for roost_file_lock.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  somebody else has it; those of roost_file_lock.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST int roost_file_try_lock(roost_file *file, enum roost_lock_kind kind);

/**
 * roost_file_unlock - let go.
 *
 *   file      open.
 *
 * Suspends  never.
 * Threads   tasks of the file's loop.
 */
ROOST_API int roost_file_unlock(roost_file *file);

ROOST_END_DECLS

#endif
