/* roost/event.h - events, and barriers: tasks of one loop that wait for each other.
 *
 * An event is a flag one can wait for. A barrier lets tasks through in parties of a fixed number.
 * Both lie in the caller's memory, need none of their own, and stay where they are while anybody
 * waits.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_EVENT_H
#define ROOST_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>
#include <roost/impl/waitq.h>

/* Zeroed: clear. All members are private. */
typedef struct roost_event {
    struct {
        struct roost_impl_waitq waiters;
        uint32_t loop_id; /* of the loop that uses it; 0: none yet */
        bool set;
    } priv;
} roost_event;
/* clang-format off */
#define ROOST_EVENT_INIT {{{0, 0}, 0, 0}}
/* clang-format on */

typedef struct roost_event_stats {
    uint32_t waiting; /* tasks that wait until it is set */
    bool set;
} roost_event_stats;

/* Begin with roost_barrier_init. All members are private. */
typedef struct roost_barrier {
    struct {
        struct roost_impl_waitq waiters;   /* of the party that gathers */
        struct roost_impl_waitq newcomers; /* held back until the last party has left */
        uint32_t parties;
        uint32_t waiting; /* in waiters */
        uint32_t leaving; /* let through, but have not run yet */
        uint32_t loop_id;
        bool broken;
    } priv;
} roost_barrier;

typedef struct roost_barrier_stats {
    uint32_t parties; /* how many it takes */
    uint32_t waiting; /* have come, and wait for the rest */
    uint32_t leaving; /* have been let through and not run yet */
    uint32_t held;    /* wait until those have left, to be counted then */
    bool broken;
} roost_barrier_stats;

ROOST_BEGIN_DECLS

/* -- event ------------------------------------------------------------------------------------- */

/**
 * roost_event_init - make an event that is clear.
 *
 *   event     the caller's memory, taken as raw bytes.
 *
 * Suspends  never.
 * Threads   any, one at a time.
 */
ROOST_API void roost_event_init(roost_event *event);

/**
 * roost_event_set - set an event and let all that wait go on, in their order. It stays set.
 *
 *   event     zeroed or initialised.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  tasks of another loop use it; ROOST_ENOCTX  not on a loop: a thread
 *           posts a function that sets it (roost/post.h).
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_event_set(roost_event *event);

/**
 * roost_event_clear - clear an event. Those that waited when it was set go on all the same.
 *
 *   event     zeroed or initialised.
 *
 * Suspends  never.
 * Errors    those of roost_event_set.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_event_clear(roost_event *event);

/**
 * roost_event_is_set - whether an event is set.
 *
 *   event     zeroed or initialised.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API bool roost_event_is_set(const roost_event *event);

/**
 * roost_event_wait - wait until an event is set.
 *
 *   event     zeroed or initialised.
 *
 * Suspends  while it is clear, or to give way (roost_checkpoint).
 * Cancel    ROOST_ECANCELED, also when it is set; nothing is left behind.
 * Errors    ROOST_EXLOOP  tasks of another loop use it; ROOST_ENOCTX  not in a task.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_event_wait(roost_event *event);

/**
 * roost_event_stats_get - the state of an event.
 *
 *   event     zeroed or initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_event_stats_get(const roost_event *event, roost_event_stats *stats);

/* -- barrier ----------------------------------------------------------------------------------- */

/**
 * roost_barrier_init - make a barrier for parties of a number of tasks.
 *
 *   barrier   the caller's memory, taken as raw bytes.
 *   parties   tasks, 1 to 2^31 - 1.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  parties out of range.
 * Threads   any, one at a time.
 */
ROOST_API ROOST_MUST int roost_barrier_init(roost_barrier *barrier, uint32_t parties);

/**
 * roost_barrier_wait - wait until as many tasks as make a party have come.
 *
 * The last one to come lets all of them through. Who comes before they have left waits until then,
 * so nobody passes twice while another has not passed once.
 *
 *   barrier   initialised.
 *
 * Returns which of its party the task was, from 0 in order of arrival: the last one gets
 * parties - 1.
 *
 * Suspends  until the party is complete, or to give way (roost_checkpoint).
 * Cancel    ROOST_ECANCELED; the task does not count any more, the others go on waiting.
 * Errors    ROOST_EBROKEN  the barrier was reset or aborted while it waited, or is aborted;
 *           ROOST_EXLOOP  tasks of another loop use it; ROOST_ENOCTX  not in a task.
 * Threads   tasks of one loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_barrier_wait(roost_barrier *barrier);

/**
 * roost_barrier_reset - let those who wait for their party fail, and begin anew, not broken.
 * Those who are held back until the last party has left are of the party that begins.
 *
 *   barrier   initialised.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  tasks of another loop use it; ROOST_ENOCTX  not on a loop.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_barrier_reset(roost_barrier *barrier);

/**
 * roost_barrier_abort - let all who wait, and all who come until roost_barrier_reset, fail.
 *
 *   barrier   initialised.
 *
 * Suspends  never.
 * Errors    those of roost_barrier_reset.
 * Threads   tasks and posts of one loop.
 */
ROOST_API int roost_barrier_abort(roost_barrier *barrier);

/**
 * roost_barrier_stats_get - the state of a barrier.
 *
 *   barrier   initialised.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   tasks and posts of one loop.
 */
ROOST_API void roost_barrier_stats_get(const roost_barrier *barrier, roost_barrier_stats *stats);

ROOST_END_DECLS

#endif
