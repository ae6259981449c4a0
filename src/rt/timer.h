/* rt/timer.h - the timers of one loop: exact to the nanosecond, O(1) to arm and to cancel.
 *
 * A radix wheel. Read an instant as eleven digits in base 64. A timer lies in the level of the
 * highest digit in which its instant differs from `base`, an instant that no armed timer is due
 * before, in the slot of its own digit there:
 *
 *   base  ... 3 17 05 60      timer ... 3 17 22 41   ->  level 1, slot 22
 *                                           ^ highest digit that differs
 *
 * So slots of one level are in order of time, lower levels come before higher ones, and the next
 * timer lies in the first slot in use. When base moves into a slot, its timers fall to lower
 * levels: at most ten times in a timer's life, and never for one that is cancelled before.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_RT_TIMER_H
#define ROOST_RT_TIMER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/impl/timer.h>
#include <roost/time.h>

#include "base/assert.h"

enum {
    ROOSTI_TIMER_LEVELS = 11,
    ROOSTI_TIMER_SLOTS = 64,
    /* One more slot, for the timers that are being fired, in order. */
    ROOSTI_TIMER_FIRING = ROOSTI_TIMER_LEVELS * ROOSTI_TIMER_SLOTS
};

struct roosti_timers {
    roost_time base; /* moves only when the first slot is opened, to that slot's start */
    uint64_t seq;
    size_t armed;
    uint64_t used[ROOSTI_TIMER_LEVELS + 1]; /* a bit per slot that holds timers */
    struct roost_impl_timer *slots[ROOSTI_TIMER_FIRING + 1];
};

void roosti_timers_init(struct roosti_timers *timers, roost_time now);

/* The instant of the earliest timer, ROOST_NEVER without. When many lie in one slot it is the first
 * instant of the slot, which may be earlier: by then it is opened, and they spread out. */
roost_time roosti_timers_next(struct roosti_timers *timers);

/* Fires every timer due at `now` or before, in order of (due, seq); a timer armed meanwhile for an
 * instant that has passed fires too. Returns how many fired. */
size_t roosti_timers_fire(struct roosti_timers *timers, roost_time now);

/* Walks the whole structure; for tests. */
void roosti_timers_check(const struct roosti_timers *timers);

/* Links a timer by its due into the slot that its distance from base gives. */
static inline void roosti_timers_place(struct roosti_timers *timers, struct roost_impl_timer *timer)
{
    uint64_t due = (uint64_t)timer->due;
    uint64_t differ = due ^ (uint64_t)timers->base;
    unsigned level = differ == 0 ? 0 : (63u - (unsigned)__builtin_clzll(differ)) / 6u;
    unsigned slot = (unsigned)(due >> (level * 6u)) & (ROOSTI_TIMER_SLOTS - 1);
    unsigned index = level * ROOSTI_TIMER_SLOTS + slot;
    struct roost_impl_timer *head = timers->slots[index];
    timer->prev = NULL;
    timer->next = head;
    if (head)
        head->prev = timer;
    timers->slots[index] = timer;
    timers->used[level] |= (uint64_t)1 << slot;
    timer->where = index + 1;
}

/* Arms a timer at rest whose `fire` is set. An instant before base counts as base. */
static inline void roosti_timer_arm(struct roosti_timers *timers, struct roost_impl_timer *timer,
                                    roost_time due)
{
    roosti_assert(timer->where == 0);
    timer->due = due < timers->base ? timers->base : due;
    timer->seq = timers->seq++;
    timers->armed++;
    roosti_timers_place(timers, timer);
}

/* At rest: no effect. */
static inline void roosti_timer_cancel(struct roosti_timers *timers, struct roost_impl_timer *timer)
{
    if (timer->where == 0)
        return;
    unsigned index = timer->where - 1;
    struct roost_impl_timer *next = timer->next;
    if (next)
        next->prev = timer->prev;
    if (timer->prev)
        timer->prev->next = next;
    else if ((timers->slots[index] = next) == NULL)
        timers->used[index / ROOSTI_TIMER_SLOTS] &= ~((uint64_t)1 << (index % ROOSTI_TIMER_SLOTS));
    timer->where = 0;
    timers->armed--;
}

#endif
