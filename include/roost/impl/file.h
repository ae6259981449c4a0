/* roost/impl/file.h - the least a program needs to read a tree of files, straight from the port.
 *
 * For people who extend the runtime. A read that the page cache can answer is answered at once;
 * any other suspends the task where the backend can wait for files.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_FILE_H
#define ROOST_IMPL_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

ROOST_BEGIN_DECLS

/**
 * roost_impl_file_open - open a file for reading.
 *
 *   path      borrowed.
 *
 * Returns a descriptor, release with roost_impl_file_close.
 *
 * Suspends  while the kernel looks the path up.
 * Cancel    ROOST_ECANCELED; nothing is open.
 * Errors    what open says; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_impl_file_open(const char *path);

/**
 * roost_impl_file_read - read bytes at an offset.
 *
 *   fd        from roost_impl_file_open.
 *   buf       written; at least len bytes.
 *   len       bytes.
 *   offset    bytes from the start; -1: where the last such read ended.
 *
 * Returns the number of bytes, 0 at the end of the file.
 *
 * Suspends  while the disk is read.
 * Cancel    ROOST_ECANCELED; nothing was read.
 * Errors    what read says; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_impl_file_read(int fd, void *buf, size_t len,
                                                                 int64_t offset);

/**
 * roost_impl_file_close - close a descriptor; it is released whatever happens.
 *
 *   fd        from roost_impl_file_open.
 *
 * Suspends  never.
 * Threads   tasks.
 */
ROOST_API void roost_impl_file_close(int fd);

/**
 * roost_impl_dir_list - call a function for each entry of a directory, in order of names.
 *
 *   path      borrowed.
 *   each      called as each(arg, name, is_directory); non-zero ends the listing. Links are not
 *             followed and are not directories.
 *   arg       lent to each.
 *
 * Returns 0, or what `each` ended it with.
 *
 * Suspends  never.
 * Errors    what opening the directory says; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_impl_dir_list(
    const char *path, int (*each)(void *arg, const char *name, bool is_directory), void *arg);

ROOST_END_DECLS

#endif
