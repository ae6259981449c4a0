/* roost/dir.h - directories: reading one, walking a tree, finding by pattern.
 *
 *     ROOST_WALK("src", entry, rc)
 *         if (entry.kind == ROOST_FILE_REGULAR)
 *             puts(entry.path);
 *
 * Entries are read in batches, one hop to a thread each, so that a batch costs little and a big
 * directory does not hold up the loop.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_DIR_H
#define ROOST_DIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/path.h>

typedef struct roost_dir roost_dir;
typedef struct roost_walk roost_walk;

typedef struct roost_dir_entry {
    const char *path; /* from the root of the walk on: "root/a/b" */
    const char *name; /* the last part of it */
    enum roost_file_kind kind;
    uint32_t depth; /* 1: in the root */
    int error;      /* a directory that could not be read: why; else 0 */
    uint64_t inode;
    roost_stat stat; /* with the option stat; else zero */
} roost_dir_entry;

/* Zero means default. */
typedef struct roost_walk_opts {
    uint32_t concurrency; /* of roost_walk_each: directories read at once; default 4 */
    uint32_t depth_max;   /* 1: only what is in the root; default: no bound */
    bool stat;            /* fill in the member stat, links not followed */
    bool prune;           /* roost_walk_skip will be used: directories are read one by one */
    bool one_device;      /* do not go into other file systems; needs stat */
} roost_walk_opts;

/* Zero means default. */
typedef struct roost_glob_opts {
    size_t max;  /* paths; default 1,000,000 */
    bool hidden; /* wildcards find names that begin with a dot */
} roost_glob_opts;

ROOST_BEGIN_DECLS

/**
 * roost_dir_open - begin to read a directory.
 *
 *   path      borrowed.
 *   dir       gives it, release with roost_dir_close; written on success only.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED; nothing is open.
 * Errors    -ENOTDIR; codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_dir_open(const char *path, roost_dir **dir);

/**
 * roost_dir_next - the next entry, in the order of the disk.
 *
 *   dir       open.
 *   entry     lends names, valid until the next call; written when 1 is returned.
 *
 * Returns 1 for an entry, 0 at the end. "." and ".." are left out. path of the entry is its name.
 *
 * Suspends  for each batch of some hundreds.
 * Cancel    ROOST_ECANCELED; goes on where it was.
 * Errors    codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks of the loop it was opened on.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_dir_next(roost_dir *dir, roost_dir_entry *entry);

/**
 * roost_dir_close - release it.
 *
 *   dir       NULL is accepted.
 *
 * Suspends  never.
 * Threads   tasks of the loop it was opened on.
 */
ROOST_API void roost_dir_close(roost_dir *dir);

/**
 * roost_dir_list - the names in a directory, sorted.
 *
 *   path      borrowed.
 *   names     gives one block, release with roost_memory_free; written on success only.
 *   count     receives their number.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -ENOTDIR; codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_dir_list(const char *path, char ***names,
                                                       size_t *count);

/**
 * roost_walk_open - begin to walk a tree.
 *
 *   root      copied; itself not an entry.
 *   opts      copied; NULL for defaults.
 *   walk      gives it, release with roost_walk_close; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; -ENAMETOOLONG; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_walk_open(const char *root, const roost_walk_opts *opts,
                                         roost_walk **walk);

/**
 * roost_walk_next - the next entry: a directory comes before what is in it.
 *
 *   walk      open.
 *   entry     lends names, valid until the next call; written when 1 is returned.
 *
 * Returns 1 for an entry, 0 at the end. A directory that cannot be read comes a second time, with
 * the member error set; the walk goes on.
 *
 * Suspends  for each batch: a thread reads as many directories as give some hundreds of entries.
 * Cancel    ROOST_ECANCELED; goes on where it was.
 * Errors    ROOST_ENOMEM; the root's: codes of the system; ROOST_ENOCTX  not in a task.
 * Threads   tasks of the loop it was opened on.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_walk_next(roost_walk *walk, roost_dir_entry *entry);

/**
 * roost_walk_skip - do not go into the directory that came last.
 *
 *   walk      open, with the option prune; else what is in it may have been read already.
 *
 * Suspends  never.
 * Threads   tasks of the loop it was opened on.
 */
ROOST_API void roost_walk_skip(roost_walk *walk);

/**
 * roost_walk_close - release it, at the end or before.
 *
 *   walk      NULL is accepted.
 *
 * Suspends  never.
 * Threads   tasks of the loop it was opened on.
 */
ROOST_API void roost_walk_close(roost_walk *walk);

/**
 * roost_walk_each - walk a tree with several threads, and call a function for each entry, in no
 * order.
 *
 *   root      borrowed.
 *   opts      copied; NULL for defaults.
 *   each      called in tasks, where it may suspend; at most opts->concurrency calls at once. Non-
 *             zero ends the walk.
 *   arg       lent to each.
 *
 * Returns 0, or what `each` ended it with.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED; no call is under way.
 * Errors    what each returned; those of roost_walk_next.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_walk_each(
    const char *root, const roost_walk_opts *opts,
    int (*each)(void *arg, const roost_dir_entry *entry), void *arg);

/**
 * roost_glob - the paths that a pattern describes, sorted.
 *
 *   pattern   borrowed: * and ? within a name, [a-z] and [!a-z], ** for any number of directories,
 *             {a,b} for one of several; a backslash takes the meaning from what follows.
 *   opts      copied; NULL for defaults.
 *   paths     gives one block, release with roost_memory_free; written on success only.
 *   count     receives their number, 0 when there are none.
 *
 * Names that begin with a dot are found only by a pattern that does, or with the option hidden.
 * Directories that cannot be read are passed over. ** does not follow links.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    ROOST_EINVAL  an open bracket or brace; ROOST_EOVERFLOW  more than opts->max;
 *           ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_glob(const char *pattern, const roost_glob_opts *opts,
                                                   char ***paths, size_t *count);

/**
 * roost_glob_match - whether a path is one that a pattern describes.
 *
 *   pattern   as for roost_glob, without braces.
 *   path      borrowed.
 *
 * Returns 1 or 0.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  an open bracket.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_glob_match(const char *pattern, const char *path);

/**
 * roost_walk_begin - what ROOST_WALK does first: a walk.
 *
 *   root      as for roost_walk_open.
 *   opts      as for roost_walk_open.
 *   rc        receives the code of roost_walk_open.
 *
 * NULL when it failed.
 *
 * Suspends  never.
 * Threads   tasks.
 */
ROOST_API roost_walk *roost_walk_begin(const char *root, const roost_walk_opts *opts, int *rc);

/* For ROOST_AUTO(dir) and ROOST_AUTO(walk). */
static inline void roost_dir_cleanup(roost_dir **dir)
{
    roost_dir_close(*dir);
}
static inline void roost_walk_cleanup(roost_walk **walk)
{
    roost_walk_close(*walk);
}

ROOST_END_DECLS

/* ROOST_WALK(root, entry, rc) { ... }: the block for each entry below root. After it rc is 0, or a
 * code. It may be left by break or return. */
#define ROOST_WALK(root, entry, rc) ROOST_WALK_WITH(root, NULL, entry, rc)
#define ROOST_WALK_WITH(root, opts, entry, rc)                                                     \
    ROOST_WALK_(ROOST_UNIQUE(roost_walk_at_), root, opts, entry, rc)
#define ROOST_WALK_(at, root, opts, entry, rc)                                                     \
    for (ROOST_AUTO(walk) roost_walk *at = roost_walk_begin((root), (opts), &(rc)); at;            \
         roost_walk_close(at), at = NULL)                                                          \
        for (roost_dir_entry entry; at && ((rc) = roost_walk_next(at, &entry)) > 0;)

#endif
