/* roost/temp.h - temporary files and directories.
 *
 *     ROOST_AUTO(temp) roost_temp temp = {0};
 *     ROOST_TRY(roost_temp_dir(NULL, &temp));
 *     roost_path_join(temp.path, "part", name, sizeof name);
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TEMP_H
#define ROOST_TEMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/file.h>

enum { ROOST_TEMP_PATH_MAX = 1024 };

typedef struct roost_temp {
    char path[ROOST_TEMP_PATH_MAX]; /* "" when there is none */
} roost_temp;

/* Bytes in memory or in a file. */
typedef struct roost_spool {
    size_t memory_max;
    uint64_t len; /* bytes */
    struct {
        char *memory;
        size_t size;
        roost_file *file; /* NULL while all is in memory */
    } priv;
} roost_spool;

ROOST_BEGIN_DECLS

/**
 * roost_temp_file - a file without a name, open for both; it is gone when it is closed.
 *
 *   dir       borrowed; where; NULL: $TMPDIR or /tmp.
 *   file      gives the file; written on success only.
 *
 * Where the file system knows no such files one with a name is made and the name removed at once.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_temp_file(const char *dir, roost_file **file);

/**
 * roost_temp_link - flush, and give a temporary file a name: all of it appears at once.
 *
 *   file      of roost_temp_file, on a file system that knows files without names.
 *   path      borrowed; must not be there, and on the same file system.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -EEXIST; -EXDEV; -ENOENT  it had a name once; codes of the system; ROOST_EXLOOP;
 *           ROOST_ENOCTX.
 * Threads   tasks of the file's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_temp_link(roost_file *file, const char *path);

/**
 * roost_temp_dir - make a directory with a name nobody else has, for this user alone.
 *
 *   dir       borrowed; where; NULL: $TMPDIR or /tmp.
 *   temp      written on success only, release with roost_temp_remove.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -ENAMETOOLONG; codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_temp_dir(const char *dir, roost_temp *temp);

/**
 * roost_temp_remove - remove a temporary directory with everything in it.
 *
 *   temp      zeroed afterwards; a zeroed one is accepted.
 *
 * Suspends  while the disk is at work.
 * Cancel    never: a cancellation does not reach it, and shows at the next suspending call.
 * Threads   tasks.
 */
ROOST_API ROOST_SUSPENDS int roost_temp_remove(roost_temp *temp);

/**
 * roost_spool_init - a place for bytes that may become many: in memory up to a bound, then in a
 * temporary file.
 *
 *   spool     initialised.
 *   memory_max  bytes; 0: 1 MiB.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_spool_init(roost_spool *spool, size_t memory_max);

/**
 * roost_spool_write - add bytes at its end.
 *
 *   spool     initialised.
 *   data      borrowed.
 *   len       bytes.
 *
 * Suspends  once it is a file.
 * Cancel    ROOST_ECANCELED; nothing was added.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_spool_write(roost_spool *spool, const void *data,
                                                          size_t len);

/**
 * roost_spool_read - read some bytes.
 *
 *   spool     initialised.
 *   buf       written.
 *   len       bytes.
 *   offset    from its start.
 *
 * Returns how many, 0 at the end.
 *
 * Suspends  once it is a file.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int64_t roost_spool_read(roost_spool *spool, void *buf,
                                                             size_t len, int64_t offset);

/**
 * roost_spool_fini - release it.
 *
 *   spool     zeroed is accepted.
 *
 * Suspends  never.
 * Threads   tasks of the loop that wrote to it.
 */
ROOST_API void roost_spool_fini(roost_spool *spool);

/* For ROOST_AUTO(temp) and ROOST_AUTO(spool). */
ROOST_SUSPENDS static inline void roost_temp_cleanup(roost_temp *temp)
{
    (void)roost_temp_remove(temp);
}
static inline void roost_spool_cleanup(roost_spool *spool)
{
    roost_spool_fini(spool);
}

ROOST_END_DECLS

#endif
