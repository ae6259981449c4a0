/* roost/path_facts.h - links, times, permissions and owners of files, by name.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PATH_FACTS_H
#define ROOST_PATH_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/path.h>

ROOST_BEGIN_DECLS

/**
 * roost_path_link - a second name for a file.
 *
 *   target    borrowed.
 *   path      borrowed; the new name.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_link(const char *target, const char *path);

/**
 * roost_path_symlink - a link by name.
 *
 *   target    borrowed; need not be there.
 *   path      borrowed; the link.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_symlink(const char *target, const char *path);

/**
 * roost_path_readlink - where a link points.
 *
 *   path      borrowed.
 *   buf       written, terminated.
 *   size      of buf.
 *
 * Returns its length.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    ROOST_EINVAL  no link; -ENAMETOOLONG  buf is too small; codes of the system;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_path_readlink(const char *path, char *buf,
                                                                size_t size);

/**
 * roost_path_resolve - the absolute path without links and dots.
 *
 *   path      borrowed.
 *   buf       written, terminated.
 *   size      of buf.
 *
 * Returns its length.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -ENAMETOOLONG  buf is too small; codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_path_resolve(const char *path, char *buf,
                                                               size_t size);

/**
 * roost_path_touch - make a file if it is not there, and set its times to now.
 *
 *   path      borrowed.
 *   permissions  of a new file, less the umask; 0: 0666.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_touch(const char *path, uint32_t permissions);

/**
 * roost_path_set_times - set a file's times.
 *
 *   path      borrowed.
 *   accessed  nanoseconds since 1970; ROOST_NEVER: as it is.
 *   modified  the same.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_set_times(const char *path, roost_time accessed,
                                                             roost_time modified);

/**
 * roost_path_chmod - set permissions.
 *
 *   path      borrowed.
 *   permissions  such as 0644.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_chmod(const char *path, uint32_t permissions);

/**
 * roost_path_chown - set owner and group.
 *
 *   path      borrowed.
 *   uid       UINT32_MAX: as it is.
 *   gid       UINT32_MAX: as it is.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_chown(const char *path, uint32_t uid,
                                                         uint32_t gid);

/**
 * roost_path_sync - bring a file, or the names in a directory, to the disk.
 *
 *   path      borrowed.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_sync(const char *path);

ROOST_END_DECLS

#endif
