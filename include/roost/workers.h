/* roost/workers.h - tasks that work off a channel: a queue of jobs, and somebody to do them.
 *
 *     static ROOST_SUSPENDS int send_mail(void *arg, void *item) { ... }
 *
 *     rc = roost_workers(4, jobs, send_mail, NULL, NULL);
 *
 * They end when the channel does: when its last sender has closed and all is taken.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_WORKERS_H
#define ROOST_WORKERS_H

#include <stdint.h>

#include <roost/chan.h>
#include <roost/config.h>
#include <roost/time.h>

/* Does one job; may suspend. item: the worker's own copy. Zero or more: done. */
typedef int (*roost_work_fn)(void *arg, void *item);

/* Zero means default. */
typedef struct roost_workers_opts {
    /* Called on the worker's task when a job has failed; says whether the worker goes on: zero or
     * more, or the code that ends all workers. Default: the failure ends all. */
    int (*on_failure)(void *arg, const void *item, int rc);
    roost_dur backoff; /* a worker's pause after a failure; twice as long after each further one in
                          a row, 30 s at most; default none */
    const char *label; /* static; the name of the tasks; default "worker" */
} roost_workers_opts;

ROOST_BEGIN_DECLS

/**
 * roost_workers - receive items of a channel in several tasks and do the work of each.
 *
 *   count     tasks, at least 1.
 *   ch        borrowed: an end that can receive.
 *   work      called as work(arg, item) for each item.
 *   arg       passed to the functions.
 *   opts      copied; NULL for defaults.
 *
 * Suspends  until the channel has ended and every item taken from it is done.
 * Cancel    ROOST_ECANCELED; all workers have ended. Items not taken are still in the channel.
 * Errors    the first failure of a job that ended them; ROOST_EINVAL  no task, no channel, no work;
 *           ROOST_ENOMEM; those of roost_spawn; ROOST_ENOCTX  not in a task.
 * Threads   tasks of the channel's loop; of any loop for a shared one.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_workers(uint32_t count, roost_chan *ch,
                                                      roost_work_fn work, void *arg,
                                                      const roost_workers_opts *opts);

ROOST_END_DECLS

#endif
