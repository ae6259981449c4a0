/* roost/watch_file.h - being told when files change.
 *
 *     ROOST_TRY(roost_watch_file_add(watch, "config"));
 *     while ((rc = roost_watch_file_next(watch, &event)) == 0)
 *         reload(event.path);
 *
 * The kernel tells of changes on this machine only, and drops what is not fetched in time: then an
 * event ROOST_FILE_LOST says that anything may have changed and has to be looked at anew.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_WATCH_FILE_H
#define ROOST_WATCH_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/time.h>

typedef struct roost_watch_file roost_watch_file;

/* What has happened; the values add up in one event. */
enum {
    ROOST_FILE_MADE = 1,    /* the path has come, perhaps by a rename */
    ROOST_FILE_CHANGED = 2, /* its content */
    ROOST_FILE_GONE = 4,    /* the path has gone, perhaps by a rename */
    ROOST_FILE_FACTS = 8,   /* permissions, owner, times */
    ROOST_FILE_LOST = 16    /* events were lost; the path is "" */
};

typedef struct roost_file_event {
    unsigned what;    /* ROOST_FILE_* */
    bool dir;         /* it is a directory */
    const char *path; /* what was added, and the entry's name behind it */
} roost_file_event;

/* Zero means default. */
typedef struct roost_watch_file_opts {
    bool recursive;
    roost_dur settle;    /* an event is given when its path was quiet for so long; default 50 ms,
                            negative: at once */
    uint32_t events_max; /* not fetched yet, then ROOST_FILE_LOST; default 4096 */
} roost_watch_file_opts;

ROOST_BEGIN_DECLS

/**
 * roost_watch_file_open - begin to watch files.
 *
 *   opts      copied; NULL for defaults.
 *   watch     gives it, release with roost_watch_file_close; written on success only.
 *
 * Suspends  never.
 * Errors    -EMFILE  the user has too many; ROOST_ENOMEM; ROOST_ENOTSUP  in simulation;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_watch_file_open(const roost_watch_file_opts *opts,
                                               roost_watch_file **watch);

/**
 * roost_watch_file_add - watch a file, or a directory and its entries.
 *
 *   watch     open.
 *   path      copied; events name it so.
 *
 * With the option recursive all directories below are watched too, and those made later.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    -ENOSPC  the user watches too much; codes of the system; ROOST_ENOMEM; ROOST_EXLOOP;
 *           ROOST_ENOCTX.
 * Threads   tasks of its loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_watch_file_add(roost_watch_file *watch,
                                                             const char *path);

/**
 * roost_watch_file_next - wait for something to happen.
 *
 *   watch     open.
 *   event     lends the path, valid until the next call; written on success only.
 *
 * What happens to one path within the time `settle` is one event.
 *
 * Suspends  until something has happened.
 * Cancel    ROOST_ECANCELED; nothing is lost.
 * Errors    ROOST_EBUSY  another task is waiting; ROOST_ECLOSED  closed under the waiter;
 *           ROOST_ENOMEM; ROOST_EXLOOP; ROOST_ENOCTX.
 * Threads   tasks of its loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_watch_file_next(roost_watch_file *watch,
                                                              roost_file_event *event);

/**
 * roost_watch_file_close - release it; who waits gets ROOST_ECLOSED.
 *
 *   watch     NULL is accepted.
 *
 * Suspends  never.
 * Threads   tasks of its loop.
 */
ROOST_API void roost_watch_file_close(roost_watch_file *watch);

/* For ROOST_AUTO(watch_file). */
static inline void roost_watch_file_cleanup(roost_watch_file **watch)
{
    roost_watch_file_close(*watch);
}

ROOST_END_DECLS

#endif
