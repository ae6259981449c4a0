/* rt/timer.c - the radix wheel: finding the next timer, and firing in order.
 *
 * A slot's list is in no order; order is made when a slot comes due, by sorting that slot alone.
 * Timers on their way to be fired wait in a slot of their own, so that a fired timer may cancel a
 * later one of the same batch.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/timer.h"

#include <string.h>

/* Timers of a crowded slot that are looked at for the earliest one. */
enum { NEXT_LOOKS_MAX = 64 };

void roosti_timers_init(struct roosti_timers *timers, roost_time now)
{
    memset(timers, 0, sizeof *timers);
    timers->base = now;
}

static bool timer_before(const struct roost_impl_timer *a, const struct roost_impl_timer *b)
{
    return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static struct roost_impl_timer *timers_merge(struct roost_impl_timer *a, struct roost_impl_timer *b)
{
    struct roost_impl_timer *first = NULL;
    struct roost_impl_timer **end = &first;
    while (a && b) {
        struct roost_impl_timer **lesser = timer_before(b, a) ? &b : &a;
        *end = *lesser;
        end = &(*lesser)->next;
        *lesser = *end;
    }
    *end = a ? a : b;
    return first;
}

/* Merge sort, bottom up: run i of `runs` holds 2^i nodes or none. */
static struct roost_impl_timer *timers_sort(struct roost_impl_timer *list)
{
    struct roost_impl_timer *runs[48] = {0};
    unsigned top = 0;
    while (list) {
        struct roost_impl_timer *run = list;
        list = list->next;
        run->next = NULL;
        unsigned i = 0;
        for (; runs[i]; i++) {
            run = timers_merge(runs[i], run);
            runs[i] = NULL;
        }
        runs[i] = run;
        if (i > top)
            top = i;
    }
    struct roost_impl_timer *sorted = NULL;
    for (unsigned i = 0; i <= top; i++)
        sorted = timers_merge(runs[i], sorted);
    return sorted;
}

/* The first slot in use in order of time; false when nothing is armed. */
static bool timers_first_slot(const struct roosti_timers *timers, unsigned *ret_level,
                              unsigned *ret_slot)
{
    for (unsigned level = 0; level < ROOSTI_TIMER_LEVELS; level++) {
        if (timers->used[level] == 0)
            continue;
        *ret_level = level;
        *ret_slot = (unsigned)__builtin_ctzll(timers->used[level]);
        return true;
    }
    return false;
}

/* The first instant of a slot. */
static roost_time timers_slot_start(const struct roosti_timers *timers, unsigned level,
                                    unsigned slot)
{
    uint64_t width = (uint64_t)1 << (level * 6u);
    uint64_t above = level + 1 == ROOSTI_TIMER_LEVELS ? 0 : ~(width * 64u - 1u);
    return (roost_time)(((uint64_t)timers->base & above) | ((uint64_t)slot * width));
}

roost_time roosti_timers_next(struct roosti_timers *timers)
{
    unsigned level;
    unsigned slot;
    if (!timers_first_slot(timers, &level, &slot))
        return ROOST_NEVER;
    struct roost_impl_timer *timer = timers->slots[level * ROOSTI_TIMER_SLOTS + slot];
    roost_time next = timer->due;
    for (int looks = NEXT_LOOKS_MAX; (timer = timer->next) != NULL; looks--) {
        if (looks == 0)
            return timers_slot_start(timers, level, slot);
        if (timer->due < next)
            next = timer->due;
    }
    return next;
}

/* Empties the first slot in use. Its timers due by `now` are returned in order; base moves on to
 * the slot's start, and the others fall to lower levels. */
static struct roost_impl_timer *timers_open_slot(struct roosti_timers *timers, unsigned level,
                                                 unsigned slot, roost_time now)
{
    unsigned index = level * ROOSTI_TIMER_SLOTS + slot;
    struct roost_impl_timer *list = timers->slots[index];
    timers->slots[index] = NULL;
    timers->used[level] &= ~((uint64_t)1 << slot);

    roost_time start = timers_slot_start(timers, level, slot);
    if (start > timers->base)
        timers->base = start;

    struct roost_impl_timer *due = NULL;
    while (list) {
        struct roost_impl_timer *timer = list;
        list = timer->next;
        if (timer->due <= now) {
            timer->next = due;
            due = timer;
        } else {
            roosti_timers_place(timers, timer);
        }
    }
    return timers_sort(due);
}

static size_t timers_fire_list(struct roosti_timers *timers, struct roost_impl_timer *list)
{
    struct roost_impl_timer **head = &timers->slots[ROOSTI_TIMER_FIRING];
    struct roost_impl_timer *prev = NULL;
    for (struct roost_impl_timer *timer = list; timer; timer = timer->next) {
        timer->prev = prev;
        timer->where = ROOSTI_TIMER_FIRING + 1;
        prev = timer;
    }
    roosti_assert(*head == NULL);
    *head = list;
    timers->used[ROOSTI_TIMER_LEVELS] = list != NULL;

    size_t fired = 0;
    while (*head) {
        struct roost_impl_timer *timer = *head;
        roosti_timer_cancel(timers, timer);
        fired++;
        timer->fire(timer);
    }
    return fired;
}

size_t roosti_timers_fire(struct roosti_timers *timers, roost_time now)
{
    size_t fired = 0;
    unsigned level;
    unsigned slot;
    while (timers_first_slot(timers, &level, &slot) &&
           timers_slot_start(timers, level, slot) <= now)
        fired += timers_fire_list(timers, timers_open_slot(timers, level, slot, now));
    if (timers->armed == 0 && now > timers->base)
        timers->base = now;
    return fired;
}

void roosti_timers_check(const struct roosti_timers *timers)
{
    size_t count = 0;
    for (unsigned index = 0; index <= ROOSTI_TIMER_FIRING; index++) {
        const struct roost_impl_timer *timer = timers->slots[index];
        unsigned level = index / ROOSTI_TIMER_SLOTS;
        bool used = (timers->used[level] >> (index % ROOSTI_TIMER_SLOTS)) & 1;
        roosti_require(used == (timer != NULL), "a slot's bit tells whether it holds timers");
        for (; timer; timer = timer->next, count++) {
            roosti_require(timer->where == index + 1, "a timer knows its slot");
            roosti_require(timer->due >= timers->base, "no timer is due before the base");
            roosti_require(!timer->next || timer->next->prev == timer, "links agree");
        }
    }
    roosti_require(count == timers->armed, "armed counts the timers in slots");
}
