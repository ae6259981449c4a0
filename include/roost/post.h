/* roost/post.h - calling into a loop from threads, signal handlers and other loops.
 *
 * A roost_poster is the way in. While one is open the run does not take an idle loop for a
 * deadlock. What is posted runs on the loop between two steps of its tasks, in the order it was
 * posted by each thread; it must not suspend.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_POST_H
#define ROOST_POST_H

#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

typedef struct roost_poster roost_poster;

/* A post that needs no memory when it is sent: for signal handlers, and for events that may come
 * again before the first was seen (they are one then). Caller's memory; all members are private. */
typedef struct roost_post_slot {
    struct {
        struct roost_post_slot *next;
        void (*run)(void *arg);
        void *arg;
        uint32_t pending;
        uint32_t owned; /* freed by the loop after it ran */
    } priv;
} roost_post_slot;

ROOST_BEGIN_DECLS

/**
 * roost_poster_open - a way into the running loop.
 *
 *   poster    gives one, release with roost_poster_close; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_poster_open(roost_poster **poster);

/**
 * roost_poster_close - release a way in. What has been posted still runs.
 *
 *   poster    taken; NULL is accepted. No other thread uses this pointer any more.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_poster_close(roost_poster *poster);

/**
 * roost_post - run a function on the loop soon.
 *
 *   poster    borrowed.
 *   run       called as run(arg) on the loop's thread; must not suspend.
 *   arg       lent to run.
 *
 * Suspends  never.
 * Errors    ROOST_ECLOSED  the run has finished; ROOST_EFORKED  this is a child made by fork;
 *           ROOST_ENOMEM.
 * Threads   any; not signal handlers.
 */
ROOST_API ROOST_MUST int roost_post(roost_poster *poster, void (*run)(void *arg), void *arg);

/**
 * roost_post_slot_init - prepare a slot.
 *
 *   slot      the caller's memory; must outlive its last use and the run of its function.
 *   run       called as run(arg) on the loop's thread; must not suspend.
 *   arg       lent to run.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_post_slot_init(roost_post_slot *slot, void (*run)(void *arg), void *arg);

/**
 * roost_post_once - run a slot's function on the loop soon; once, if it is waiting to run already.
 *
 *   poster    borrowed.
 *   slot      prepared.
 *
 * Suspends  never.
 * Errors    ROOST_ECLOSED  the run has finished; ROOST_EFORKED  this is a child made by fork.
 * Threads   any, and signal handlers.
 */
ROOST_API ROOST_MUST int roost_post_once(roost_poster *poster, roost_post_slot *slot);

ROOST_END_DECLS

#endif
