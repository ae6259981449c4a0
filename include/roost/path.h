/* roost/path.h - names of files: asking, making, moving, copying, removing.
 *
 * Each call is done by the kernel at once where it cannot block (a name that is in memory), else by
 * a thread of the run: one hop, also for calls that take many steps, such as copying a file. A call
 * that a thread has begun is completed; a cancelled caller waits for that and gets its result.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PATH_H
#define ROOST_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/time.h>

enum roost_file_kind {
    ROOST_FILE_OTHER,
    ROOST_FILE_REGULAR,
    ROOST_FILE_DIR,
    ROOST_FILE_LINK, /* by name */
    ROOST_FILE_PIPE,
    ROOST_FILE_SOCKET,
    ROOST_FILE_DEVICE
};

typedef struct roost_stat {
    enum roost_file_kind kind;
    uint32_t permissions; /* such as 0644 */
    uint64_t size;        /* bytes */
    uint64_t disk_bytes;  /* that it takes on the disk */
    roost_time modified;  /* nanoseconds since 1970, as the others */
    roost_time accessed;
    roost_time changed; /* the facts, not the content */
    roost_time born;    /* 0: unknown */
    uint64_t inode;     /* with the device: which file it is, whatever its name */
    uint64_t device;
    uint32_t links; /* names it has */
    uint32_t uid;
    uint32_t gid;
} roost_stat;

enum { ROOST_RENAME_KEEP = 1, ROOST_RENAME_SWAP = 2 };

/* Zero means default. */
typedef struct roost_copy_opts {
    bool keep;   /* -EEXIST when the target is there; default: it is replaced */
    bool atomic; /* the target is the old file or a whole copy, at any instant and after a crash */
    bool times;  /* the copy gets the times of the file */
} roost_copy_opts;

ROOST_BEGIN_DECLS

/**
 * roost_path_stat - the facts about what a name leads to.
 *
 *   path      borrowed.
 *   stat      written on success only.
 *
 * Suspends  unless the kernel has the name in memory.
 * Cancel    ROOST_ECANCELED; nothing is written.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_stat(const char *path, roost_stat *stat);

/**
 * roost_path_stat_link - the same, but a link is not followed.
 *
 *   path      borrowed.
 *   stat      written on success only.
 *
 * Suspends  unless the kernel has the name in memory.
 * Cancel    ROOST_ECANCELED; nothing is written.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_stat_link(const char *path, roost_stat *stat);

/**
 * roost_path_exists - whether a name leads to something.
 *
 *   path      borrowed.
 *
 * Returns 1 or 0; -ENOENT, -ENOTDIR and -ELOOP are a 0.
 *
 * Suspends  unless the kernel has the name in memory.
 * Cancel    ROOST_ECANCELED.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_exists(const char *path);

/**
 * roost_path_is - whether a name leads to something of this kind.
 *
 *   path      borrowed.
 *   kind      ROOST_FILE_LINK: the name itself is a link.
 *
 * Returns 1 or 0, as roost_path_exists.
 *
 * Suspends  unless the kernel has the name in memory.
 * Cancel    ROOST_ECANCELED.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_is(const char *path, enum roost_file_kind kind);

/**
 * roost_path_access - whether this process may use a file.
 *
 *   path      borrowed.
 *   mode      R_OK, W_OK, X_OK of <unistd.h>, or F_OK.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -EACCES, -EROFS  it may not; codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_access(const char *path, int mode);

/**
 * roost_path_mkdir - make a directory.
 *
 *   path      borrowed.
 *   permissions  less the umask; 0: 0777.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_mkdir(const char *path, uint32_t permissions);

/**
 * roost_path_make_dirs - make a directory and those above it; what is there already is no error.
 *
 *   path      borrowed.
 *   permissions  of each that is made; 0: 0777.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -EEXIST  it is there and not a directory; codes of the system, those above may have
 *           been made; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_make_dirs(const char *path,
                                                             uint32_t permissions);

/**
 * roost_path_rename - another name for a file or a directory, at once and whole.
 *
 *   from      borrowed.
 *   to        borrowed; what has that name goes.
 *   flags     0, ROOST_RENAME_KEEP (-EEXIST when `to` is there), or ROOST_RENAME_SWAP (both stay).
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_rename(const char *from, const char *to,
                                                          unsigned flags);

/**
 * roost_path_remove - remove a file or a link.
 *
 *   path      borrowed.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -EISDIR  a directory; codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_remove(const char *path);

/**
 * roost_path_remove_dir - remove an empty directory.
 *
 *   path      borrowed.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -ENOTEMPTY; codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_remove_dir(const char *path);

/**
 * roost_path_remove_tree - remove a directory and everything in it; links are removed, not
 * followed.
 *
 *   path      borrowed.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED; before it began, or in simulation half way.
 * Errors    codes of the system, from the first thing that could not be removed; what was removed
 *           is gone; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_remove_tree(const char *path);

/**
 * roost_path_copy - copy a file; the blocks are shared where the file system can.
 *
 *   from      borrowed; links are followed.
 *   to        borrowed.
 *   opts      copied; NULL for defaults.
 *
 * Permissions are copied. A copy that fails is removed, unless it was going to replace a file,
 * whose content is then undefined; the option atomic avoids that.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_path_copy(const char *from, const char *to,
                                                        const roost_copy_opts *opts);

/**
 * roost_path_join - two parts of a path with one slash between them; an absolute name stands alone.
 *
 *   base      borrowed.
 *   name      borrowed.
 *   buf       written, terminated; on success only.
 *   size      of buf.
 *
 * Returns its length.
 *
 * Suspends  never.
 * Errors    -ENAMETOOLONG  buf is too small.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_path_join(const char *base, const char *name, char *buf,
                                         size_t size);

/**
 * roost_path_name - the last part of a path; lends into it.
 *
 *   path      borrowed.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_path_name(const char *path);

/**
 * roost_path_suffix - the last dot of the last part and what follows, or ""; lends into it.
 *
 *   path      borrowed.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API const char *roost_path_suffix(const char *path);

ROOST_END_DECLS

#endif
