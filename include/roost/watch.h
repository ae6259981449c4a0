/* roost/watch.h - one value that changes: whoever looks sees the latest, whoever waits hears of it.
 *
 *     uint64_t seen = 0;                                      nothing seen: the first is news
 *     while ((rc = roost_watch_changed(settings, &seen, &now)) == 0)
 *         apply(&now);
 *
 * Each value has a version, from 1. Values that come and go while nobody looks are seen by nobody;
 * where each of them counts, use a broadcast (roost/broadcast.h).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_WATCH_H
#define ROOST_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

/* On the heap. Who opened it closes it when nobody uses it any more. */
typedef struct roost_watch roost_watch;

/* Zero means default. */
typedef struct roost_watch_opts {
    bool shared;       /* tasks of every loop may use it, not only those of the first that did */
    const char *label; /* copied, cut to 31 bytes; for dumps of tasks; default "watch" */
} roost_watch_opts;

typedef struct roost_watch_stats {
    uint64_t version; /* of the value now */
    uint64_t waits;   /* calls that had to wait for a change */
    uint32_t waiting; /* calls that wait now, or have been woken and have not returned yet */
    bool shut;        /* roost_watch_shutdown has been called */
} roost_watch_stats;

ROOST_BEGIN_DECLS

/**
 * roost_watch_open - make a watch.
 *
 *   size      bytes of the value, at least 1.
 *   initial   copied: the value of version 1; NULL: all bytes zero.
 *   opts      copied; NULL for defaults.
 *   watch     gives one, release with roost_watch_close; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  size is 0; ROOST_ENOMEM.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_watch_open(size_t size, const void *initial,
                                          const roost_watch_opts *opts, roost_watch **watch);

/**
 * roost_watch_close - free a watch.
 *
 *   watch     taken; NULL is accepted. No call on it is under way: end the group of the tasks that
 *             use it first, and roost_watch_shutdown before that where they wait for changes. It
 *             ends the program when a call of roost_watch_changed has not returned.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_watch_close(roost_watch *watch);

/* For ROOST_AUTO(watch). */
static inline void roost_watch_cleanup(roost_watch **watch)
{
    roost_watch_close(*watch);
}

/**
 * roost_watch_set - change the value, and wake all who wait for that.
 *
 *   watch     opened.
 *   value     copied. It counts as a change whatever it is.
 *
 * Suspends  never.
 * Errors    ROOST_ECLOSED  it is shut down; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX   not in a run, and not shared.
 * Threads   its loop; shared: any.
 */
ROOST_API ROOST_MUST int roost_watch_set(roost_watch *watch, const void *value);

/**
 * roost_watch_modify - change the value in place.
 *
 *   watch     opened.
 *   modify    called once as modify(arg, value), during the call. It returns whether it has changed
 *             the value; only then the version goes up. No call of the library, and nothing that
 *             takes long: a shared watch is locked meanwhile.
 *   arg       lent to modify.
 *
 * Returns 1 when the value was changed, else 0.
 *
 * Suspends  never.
 * Errors    ROOST_ECLOSED  it is shut down; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX   not in a run, and not shared. modify has not been called.
 * Threads   its loop; shared: any.
 */
ROOST_API ROOST_MUST int roost_watch_modify(roost_watch *watch,
                                            bool (*modify)(void *arg, void *value), void *arg);

/**
 * roost_watch_get - look at the value.
 *
 *   watch     opened; shut down is fine.
 *   value     receives a copy; written on success only.
 *   version   receives its version; written on success only; may be NULL.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a run, and not shared.
 * Threads   its loop; shared: any.
 */
ROOST_API ROOST_MUST int roost_watch_get(roost_watch *watch, void *value, uint64_t *version);

/**
 * roost_watch_changed - wait for a value other than the one seen last.
 *
 *   watch     opened.
 *   version   the version seen last, 0 for none; receives that of the value, on success only.
 *   value     receives a copy of the latest value; written on success only; may be NULL.
 *
 * Suspends  while the version is the one given.
 * Cancel    ROOST_ECANCELED; nothing is left behind. A change that came before it is returned.
 * Errors    ROOST_ECLOSED  shut down, and the last value has been seen; ROOST_EXLOOP  it belongs to
 *           another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of its loop; shared: tasks of any loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_watch_changed(roost_watch *watch, uint64_t *version,
                                                            void *value);

/**
 * roost_watch_shutdown - change no more. Who has seen the last value gets ROOST_ECLOSED.
 *
 *   watch     opened; shut down already: no effect.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a run, and not shared.
 *           Nothing is changed.
 * Threads   its loop; shared: any.
 */
ROOST_API int roost_watch_shutdown(roost_watch *watch);

/**
 * roost_watch_stats_get - the counters of a watch.
 *
 *   watch     opened.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   its loop; shared: any.
 */
ROOST_API void roost_watch_stats_get(roost_watch *watch, roost_watch_stats *stats);

ROOST_END_DECLS

#endif
