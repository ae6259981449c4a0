/* roost/file_map.h - files in memory.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FILE_MAP_H
#define ROOST_FILE_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/file.h>

typedef struct roost_file_mapping {
    void *data;
    size_t len;
} roost_file_mapping;

/* Zero means default. */
typedef struct roost_map_file_opts {
    int64_t offset;    /* bytes from the start, a multiple of the page */
    size_t len;        /* default: to the end of the file */
    bool writable;     /* what is written to the memory goes to the file, open for both */
    bool private_copy; /* writable, and the file does not change */
    bool populate;     /* read it all first */
} roost_map_file_opts;

ROOST_BEGIN_DECLS

/**
 * roost_file_map - have a file, or part of it, in memory.
 *
 *   file      open.
 *   opts      copied; NULL for defaults.
 *   map       written on success only, release with roost_file_unmap.
 *
 * The memory outlives the file's close. Touching a page that the disk has to be asked for holds up
 * the thread: the option populate reads all of it first, on another thread.
 *
 * Suspends  with populate while the disk is read.
 * Cancel    ROOST_ECANCELED; nothing is mapped.
 * Errors    ROOST_EINVAL  the range is empty or not in the file, or the offset no multiple of the
 *           page; codes of the system; ROOST_ENOTSUP  in simulation; ROOST_EXLOOP; ROOST_ENOCTX.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_map(roost_file *file,
                                                       const roost_map_file_opts *opts,
                                                       roost_file_mapping *map);

/**
 * roost_file_map_sync - bring what was written to the memory to the disk.
 *
 *   map       of roost_file_map.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_map_sync(const roost_file_mapping *map);

/**
 * roost_file_unmap - release the memory.
 *
 *   map       zeroed afterwards; a zeroed one is accepted.
 *
 * Suspends  never.
 * Threads   tasks.
 */
ROOST_API void roost_file_unmap(roost_file_mapping *map);

ROOST_END_DECLS

#endif
