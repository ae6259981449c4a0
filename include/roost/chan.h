/* roost/chan.h - channels: items of one size handed from tasks that send to tasks that receive.
 *
 *     ROOST_ASYNC(produce, roost_chan *, ch)             ROOST_ASYNC(consume, roost_chan *, ch)
 *     {                                                  {
 *         ROOST_AUTO(chan) roost_chan *own = ch;             struct item it;
 *         for (int i = 0; i < 10; i++) {                     int rc;
 *             struct item it = {i};                          ROOST_CHAN_EACH(ch, &it, rc)
 *             ROOST_TRY(roost_chan_send(own, &it));              handle(&it);
 *         }                                                  return rc;
 *         return 0;                                      }
 *     }
 *
 * A roost_chan is one end of a channel. Ends are cloned, used by any number of tasks, and closed;
 * when the last end that can send has closed, the receivers take what is left and are then told
 * ROOST_ECLOSED: no sentinels. When the last that can receive has closed, senders are told
 * ROOST_EBROKEN.
 *
 * An item is handed over directly: a sender that finds a receiver waiting copies into its memory,
 * so nobody can take the item away from it, and a receiver that was cancelled has received nothing.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_CHAN_H
#define ROOST_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/async.h>
#include <roost/config.h>

/* One end of a channel. */
typedef struct roost_chan roost_chan;

/* As a capacity: a send never waits, and memory is the bound. */
#define ROOST_CHAN_UNBOUNDED SIZE_MAX

/* What an end can do; the values add up. */
enum { ROOST_CHAN_SEND = 1, ROOST_CHAN_RECV = 2 };

/* Zero means default. */
typedef struct roost_chan_opts {
    size_t item_size;  /* bytes of one item; 0: items without content */
    size_t capacity;   /* items buffered; default 0: a send returns when its item is taken */
    bool shared;       /* ends may be used on any loop and, but for waiting, on any thread */
    const char *label; /* static; for reports; default "channel" */
    /* Called with every buffered item that nobody will receive, when the last end that can receive
     * closes, on the task or thread that closes it; must not suspend. Default: nothing. */
    void (*drop)(void *arg, void *item);
    void *arg; /* lent to drop */
} roost_chan_opts;

typedef struct roost_chan_stats {
    size_t capacity;
    size_t buffered;     /* items sent and not received */
    uint32_t senders;    /* open ends that can send */
    uint32_t receivers;  /* open ends that can receive */
    size_t waiting_send; /* tasks that wait in a send */
    size_t waiting_recv; /* tasks that wait in a receive */
    const char *label;
} roost_chan_stats;

ROOST_BEGIN_DECLS

/**
 * roost_chan_open - open a channel.
 *
 *   opts      copied; NULL: items without content, capacity 0.
 *   ch        gives an end that can send and receive, release with roost_chan_close; written on
 *             success only.
 *
 * A bounded channel takes the memory of all its items now; sending never asks for more.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM.
 * Threads   any.
 */
ROOST_API ROOST_MUST int roost_chan_open(const roost_chan_opts *opts, roost_chan **ch);

/**
 * roost_chan_clone - another end of the same channel.
 *
 *   ch        an end that has the directions asked for.
 *   dirs      ROOST_CHAN_SEND, ROOST_CHAN_RECV, or the sum.
 *   end       gives an end, release with roost_chan_close; written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_ECLOSED  ch has not, or no longer, one of the directions; ROOST_EINVAL  no
 *           direction, or an unknown one; ROOST_ENOMEM; ROOST_EXLOOP  the channel belongs to
 *           another loop; ROOST_ENOCTX  not shared, and no loop runs on this thread.
 * Threads   the channel's loop; any, when it is shared.
 */
ROOST_API ROOST_MUST int roost_chan_clone(roost_chan *ch, unsigned dirs, roost_chan **end);

/**
 * roost_chan_send - hand an item over, waiting until there is room for it.
 *
 *   ch        an end that can send.
 *   item      copied when this succeeds: item_size bytes.
 *
 * With capacity 0 it returns when a receiver has taken the item.
 *
 * Suspends  while the buffer is full, or with capacity 0 while nobody receives.
 * Cancel    ROOST_ECANCELED; the item was not sent.
 * Errors    ROOST_EBROKEN  nobody can receive any more; ROOST_ECLOSED  this end cannot send, or was
 *           closed meanwhile; ROOST_ENOMEM  unbounded, and no memory; ROOST_EXLOOP  the channel
 *           belongs to another loop; ROOST_ENOCTX  not in a task. The item was not sent.
 * Threads   tasks of the channel's loop; tasks of any, when it is shared.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_chan_send(roost_chan *ch, const void *item);

/**
 * roost_chan_recv - take the next item, waiting until there is one.
 *
 *   ch        an end that can receive.
 *   item      item_size bytes, written on success only.
 *
 * An orderly shutdown does not wake it, since items may still be on their way: close the sending
 * ends, or wait in roost_select with ROOST_CASE_STOPPING().
 *
 * Suspends  while nothing is there.
 * Cancel    ROOST_ECANCELED; nothing was received, and no item is lost.
 * Errors    ROOST_ECLOSED  all items have been received and nobody can send any more, or this end
 *           cannot receive, or was closed meanwhile; ROOST_EXLOOP  the channel belongs to another
 *           loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of the channel's loop; tasks of any, when it is shared.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_chan_recv(roost_chan *ch, void *item);

/**
 * roost_chan_try_send - hand an item over if that needs no waiting.
 *
 *   ch        as for roost_chan_send.
 *   item      as for roost_chan_send.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  it would wait; those of roost_chan_send, where ROOST_ENOCTX says that the
 *           channel is not shared and no loop runs on this thread.
 * Threads   the channel's loop; any, when it is shared.
 */
ROOST_API ROOST_MUST int roost_chan_try_send(roost_chan *ch, const void *item);

/**
 * roost_chan_try_recv - take the next item if there is one.
 *
 *   ch        as for roost_chan_recv.
 *   item      as for roost_chan_recv.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  it would wait; those of roost_chan_recv, where ROOST_ENOCTX says that the
 *           channel is not shared and no loop runs on this thread.
 * Threads   the channel's loop; any, when it is shared.
 */
ROOST_API ROOST_MUST int roost_chan_try_recv(roost_chan *ch, void *item);

/**
 * roost_chan_send_many - hand several items over, in order.
 *
 *   ch        as for roost_chan_send.
 *   items     count items, one behind the other.
 *   count     at most 2,147,483,647; 0 returns 0 where a send would be allowed.
 *
 * Returns how many were sent. When something stops it after the first item that is fewer than
 * count, and the next call says why. Items of other senders may come between.
 *
 * Suspends  as roost_chan_send, for each item.
 * Cancel    ROOST_ECANCELED; none was sent.
 * Errors    those of roost_chan_send, when none was sent; ROOST_EINVAL  count is too large.
 * Threads   as for roost_chan_send.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_chan_send_many(roost_chan *ch, const void *items,
                                                             size_t count);

/**
 * roost_chan_recv_many - take what is there, waiting until there is something.
 *
 *   ch        as for roost_chan_recv.
 *   items     room for max items; as many as are returned are written.
 *   max       at least 1, at most 2,147,483,647.
 *
 * Returns how many were received, 1 to max: it waits for the first only.
 *
 * Suspends  as roost_chan_recv.
 * Cancel    ROOST_ECANCELED; nothing was received.
 * Errors    those of roost_chan_recv; ROOST_EINVAL  max is 0 or too large.
 * Threads   as for roost_chan_recv.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_chan_recv_many(roost_chan *ch, void *items,
                                                             size_t max);

/**
 * roost_chan_close_send - stop sending on this end. Tasks that wait to send on it get
 * ROOST_ECLOSED. Closed before: no effect.
 *
 *   ch        open.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  the channel belongs to another loop; nothing was done.
 * Threads   the channel's loop, or any thread when no run uses it; any, when it is shared.
 */
ROOST_API int roost_chan_close_send(roost_chan *ch);

/**
 * roost_chan_close_recv - stop receiving on this end. Tasks that wait to receive on it get
 * ROOST_ECLOSED. Closed before: no effect.
 *
 *   ch        open.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  the channel belongs to another loop; nothing was done.
 * Threads   the channel's loop, or any thread when no run uses it; any, when it is shared.
 */
ROOST_API int roost_chan_close_recv(roost_chan *ch);

/**
 * roost_chan_close - close an end in both directions and release it.
 *
 *   ch        taken; NULL is accepted. Tasks that wait on this end get ROOST_ECLOSED; afterwards
 *             nobody uses it.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP  the channel belongs to another loop; nothing was done.
 * Threads   the channel's loop, or any thread when no run uses it; any, when it is shared.
 */
ROOST_API int roost_chan_close(roost_chan *ch);

/**
 * roost_chan_stats_get - what is in a channel now, and who waits.
 *
 *   ch        open.
 *   stats     written.
 *
 * Suspends  never.
 * Threads   the channel's loop; any, when it is shared.
 */
ROOST_API void roost_chan_stats_get(roost_chan *ch, roost_chan_stats *stats);

/**
 * roost_chan_next - the condition of ROOST_CHAN_EACH: whether another item was received.
 *
 *   ch        as for roost_chan_recv.
 *   item      as for roost_chan_recv.
 *   rc        written: 0 with an item and at the end of the stream, else the code.
 *
 * Suspends  as roost_chan_recv.
 * Cancel    false, *rc is ROOST_ECANCELED; nothing was received.
 * Threads   as for roost_chan_recv.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS bool roost_chan_next(roost_chan *ch, void *item, int *rc);

ROOST_END_DECLS

static inline void roost_chan_cleanup(roost_chan **ch)
{
    (void)roost_chan_close(*ch);
}

/* ROOST_CHAN_EACH(ch, item, rc) { ... }: the block for every item received, until the last sender
 * has closed. After it rc is 0, or the code of what ended the stream before, or what the block left
 * there before a break. */
#define ROOST_CHAN_EACH(ch, item, rc) while (roost_chan_next((ch), (item), &(rc)))

#endif
