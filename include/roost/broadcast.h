/* roost/broadcast.h - every subscriber gets every value sent after it subscribed.
 *
 *     ROOST_AUTO(subscription) roost_subscription sub = ROOST_SUBSCRIPTION_INIT;
 *     ROOST_TRY(roost_broadcast_subscribe(prices, &sub));
 *     while ((rc = roost_subscription_recv(&sub, &price)) != ROOST_ECLOSED) {
 *         if (rc == ROOST_ELAGGED)
 *             printf("%llu missed\n", (unsigned long long)roost_subscription_missed(&sub));
 *         else if (rc < 0)
 *             return rc;
 *         ...
 *     }
 *
 * The last `capacity` values are kept for those who are behind. What happens when somebody falls
 * further behind is the policy: it loses the oldest and is told so, or who sends waits for it.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_BROADCAST_H
#define ROOST_BROADCAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

/* On the heap. Who opened it closes it; subscriptions may outlive that. */
typedef struct roost_broadcast roost_broadcast;

enum roost_broadcast_policy {
    ROOST_BROADCAST_LAG = 0, /* who is too slow loses the oldest values: ROOST_ELAGGED */
    ROOST_BROADCAST_WAIT     /* who sends waits until the slowest has taken its oldest value */
};

typedef struct roost_broadcast_opts {
    size_t item_size; /* bytes of one value; at least 1, has no default */
    size_t capacity;  /* values kept for those who are behind; at least 1, has no default */
    enum roost_broadcast_policy policy; /* default ROOST_BROADCAST_LAG */
    bool shared;       /* tasks of every loop may use it, not only those of the first that did */
    const char *label; /* copied, cut to 31 bytes; for dumps of tasks; default "broadcast" */
} roost_broadcast_opts;

typedef struct roost_broadcast_stats {
    uint64_t sent;
    uint64_t received;    /* values subscribers took, each counted */
    uint64_t missed;      /* values passed over with ROOST_ELAGGED, each subscriber's counted */
    uint64_t send_waits;  /* calls that had to wait for the slowest */
    uint64_t recv_waits;  /* calls that had to wait for a value */
    uint32_t subscribers; /* now */
    size_t kept; /* values in memory now; under ROOST_BROADCAST_LAG some may be taken by all */
} roost_broadcast_stats;

/* One subscriber's place, in the caller's memory: one task at a time. Zeroed: subscribed to
 * nothing. All members are private. */
typedef struct roost_subscription {
    struct {
        roost_broadcast *broadcast;
        uint64_t next; /* the number of the value it gets next */
        uint64_t missed;
        bool busy; /* a task waits in roost_subscription_recv */
    } priv;
} roost_subscription;
/* clang-format off */
#define ROOST_SUBSCRIPTION_INIT {{0, 0, 0, 0}}
/* clang-format on */

ROOST_BEGIN_DECLS

/**
 * roost_broadcast_open - make a broadcast. Its memory is taken here: to send never fails for lack
 * of any.
 *
 *   opts       copied; item_size and capacity have no default.
 *   broadcast  gives one, release with roost_broadcast_close; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EINVAL  item_size or capacity is 0, or the policy is unknown; ROOST_ENOMEM.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_broadcast_open(const roost_broadcast_opts *opts,
                                              roost_broadcast **broadcast);

/**
 * roost_broadcast_close - send no more. Subscribers get what they have not taken yet, and then
 * ROOST_ECLOSED; the memory is freed when the last of them has unsubscribed.
 *
 *   broadcast  taken; NULL is accepted. No call with this pointer is under way: it ends the program
 *              when a task waits in roost_broadcast_send, and on a wrong thread when any waits.
 *
 * Suspends  never.
 * Threads   its loop, or any when no loop uses it any more; shared: any.
 */
ROOST_API void roost_broadcast_close(roost_broadcast *broadcast);

/* For ROOST_AUTO(broadcast). */
static inline void roost_broadcast_cleanup(roost_broadcast **broadcast)
{
    roost_broadcast_close(*broadcast);
}

/**
 * roost_broadcast_send - send a value to all who have subscribed; nobody at all is fine.
 *
 *   broadcast  opened.
 *   item       copied, item_size bytes.
 *
 * Returns how many subscribers there are for it.
 *
 * Suspends  with ROOST_BROADCAST_WAIT, while somebody is `capacity` values behind. A task that is
 *           that subscriber itself would wait for ever.
 * Cancel    ROOST_ECANCELED; the value was not sent.
 * Errors    ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of its loop; shared: tasks of any loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_broadcast_send(roost_broadcast *broadcast,
                                                             const void *item);

/**
 * roost_broadcast_try_send - send a value unless that would have to wait.
 *
 *   broadcast  opened.
 *   item       copied, item_size bytes.
 *
 * Returns how many subscribers there are for it.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  somebody is `capacity` values behind (ROOST_BROADCAST_WAIT);
 *           ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a run, and not shared.
 * Threads   its loop; shared: any.
 */
ROOST_API ROOST_MUST int roost_broadcast_try_send(roost_broadcast *broadcast, const void *item);

/**
 * roost_broadcast_subscribe - get the values that are sent from now on.
 *
 *   broadcast  opened.
 *   sub        zeroed, or unsubscribed before; stays where it is until unsubscribed again.
 *
 * Suspends  never.
 * Errors    ROOST_EBUSY   subscribed already; ROOST_EXLOOP  it belongs to another loop;
 *           ROOST_ENOCTX  not in a run, and not shared.
 * Threads   its loop; shared: any.
 */
ROOST_API ROOST_MUST int roost_broadcast_subscribe(roost_broadcast *broadcast,
                                                   roost_subscription *sub);

/**
 * roost_broadcast_unsubscribe - get no more values. Nobody waits any longer for this subscriber.
 *
 *   sub       zeroed afterwards; subscribed to nothing: no effect.
 *
 * Suspends  never.
 * Errors    ROOST_EBUSY   a task waits in roost_subscription_recv on it: nothing is changed, and
 *           the mistake is reported at debug level 1; ROOST_EXLOOP  it belongs to another loop.
 * Threads   its loop, or any that runs no loop when none uses it any more; shared: any.
 */
ROOST_API int roost_broadcast_unsubscribe(roost_subscription *sub);

/* For ROOST_AUTO(subscription). */
static inline void roost_subscription_cleanup(roost_subscription *sub)
{
    (void)roost_broadcast_unsubscribe(sub);
}

/**
 * roost_subscription_recv - get the next value, waiting for one.
 *
 *   sub       subscribed.
 *   item      receives it, item_size bytes; written on success only.
 *
 * Suspends  while the subscriber has taken all that was sent.
 * Cancel    ROOST_ECANCELED; no value was taken. One that was handed over before is returned.
 * Errors    ROOST_ELAGGED  values were passed over, see roost_subscription_missed; the next call
 *           goes on with the oldest that is left; ROOST_ECLOSED  closed, and all values were taken;
 *           ROOST_EBUSY    another task waits on this subscription; ROOST_EINVAL  subscribed to
 *           nothing; ROOST_EXLOOP  it belongs to another loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of its loop; shared: tasks of any loop, one at a time.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_subscription_recv(roost_subscription *sub,
                                                                void *item);

/**
 * roost_subscription_try_recv - get the next value if there is one.
 *
 *   sub       subscribed.
 *   item      receives it, item_size bytes; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  all that was sent has been taken; ROOST_ENOCTX  not in a run, and not
 *           shared; ROOST_ELAGGED, ROOST_ECLOSED, ROOST_EBUSY, ROOST_EINVAL, ROOST_EXLOOP as for
 *           roost_subscription_recv.
 * Threads   its loop; shared: any, one at a time.
 */
ROOST_API ROOST_MUST int roost_subscription_try_recv(roost_subscription *sub, void *item);

/**
 * roost_subscription_missed - how many values the last ROOST_ELAGGED passed over; 0 before one.
 *
 *   sub       subscribed.
 *
 * Suspends  never.
 * Threads   the task that uses the subscription.
 */
ROOST_API uint64_t roost_subscription_missed(const roost_subscription *sub);

/**
 * roost_broadcast_stats_get - the counters of a broadcast.
 *
 *   broadcast  opened.
 *   stats      written.
 *
 * Suspends  never.
 * Threads   its loop; shared: any.
 */
ROOST_API void roost_broadcast_stats_get(roost_broadcast *broadcast, roost_broadcast_stats *stats);

ROOST_END_DECLS

#endif
