/* fuzz/fuzz_timer.c - the timer wheel against a list that is searched from end to end.
 *
 * The input is a program: arm, cancel, look at the next, let time pass. A fired timer may arm and
 * cancel others. After each step wheel and list must agree on what is armed, and timers must fire
 * in order of (instant, arming), none early and none left behind. One armed by another's firing for
 * an instant that has passed fires in the same pass, at no particular place of it.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "rt/timer.h"

enum { TIMERS = 48 };

struct entry {
    struct roost_impl_timer timer; /* first: a fired timer is found by its address */
    bool armed;
    bool late; /* armed while timers fired */
    roost_time due;
    uint64_t seq;
};

static struct roosti_timers wheel;
static struct entry entries[TIMERS];
static uint64_t seq_next;
static roost_time now;
static bool passing; /* timers are being fired */
static const uint8_t *input;
static size_t input_left;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "fuzz_timer: %s\n", what);
        abort();
    }
}

static uint8_t input_byte(void)
{
    if (input_left == 0)
        return 0;
    input_left--;
    return *input++;
}

/* A length of time of any order of magnitude, both sides of each of the wheel's levels. */
static roost_time input_span(void)
{
    unsigned shift = input_byte() % 62;
    uint64_t low = (uint64_t)input_byte() << 8 | input_byte();
    return (roost_time)(((uint64_t)1 << shift) + low - 2);
}

static bool entry_before(const struct entry *a, const struct entry *b)
{
    return a->due != b->due ? a->due < b->due : a->seq < b->seq;
}

static const struct entry *list_first(void)
{
    const struct entry *first = NULL;
    for (size_t i = 0; i < TIMERS; i++)
        if (entries[i].armed && !(passing && entries[i].late) &&
            (!first || entry_before(&entries[i], first)))
            first = &entries[i];
    return first;
}

static void entry_cancel(struct entry *entry)
{
    roosti_timer_cancel(&wheel, &entry->timer);
    entry->armed = false;
    must(entry->timer.where == 0, "a cancelled timer is not at rest");
}

static void entry_fire(struct roost_impl_timer *timer);

static void entry_arm(struct entry *entry, roost_time due)
{
    if (entry->armed)
        entry_cancel(entry);
    entry->timer.fire = entry_fire;
    roosti_timer_arm(&wheel, &entry->timer, due);
    entry->due = due < wheel.base ? wheel.base : due;
    entry->seq = seq_next++;
    entry->armed = true;
    entry->late = passing;
    must(entry->timer.due == entry->due, "a timer was armed for another instant");
}

/* One step that is allowed while timers fire as well. */
static void step_change(void)
{
    struct entry *entry = &entries[input_byte() % TIMERS];
    if (input_byte() % 3 == 0) {
        entry_cancel(entry);
        return;
    }
    roost_time span = input_span();
    entry_arm(entry, span > ROOST_NEVER - now ? ROOST_NEVER - 1 : now + span);
}

static void entry_fire(struct roost_impl_timer *timer)
{
    struct entry *entry = (struct entry *)(void *)timer;
    must(entry->armed, "a timer fired that was not armed");
    must(entry->due <= now, "a timer fired early");
    must(entry->late || entry == list_first(), "timers fired out of order");
    must(timer->where == 0, "a firing timer is not at rest");
    entry->armed = false;
    for (unsigned count = input_byte() % 4; count > 0 && input_left > 0; count--)
        step_change();
}

static void step_pass(void)
{
    roost_time span = input_span();
    now = span > ROOST_NEVER - 1 - now ? ROOST_NEVER - 1 : now + (span < 0 ? 0 : span);
    for (size_t i = 0; i < TIMERS; i++)
        entries[i].late = false;
    passing = true;
    roosti_timers_fire(&wheel, now);
    passing = false;
    const struct entry *first = list_first();
    must(!first || first->due > now, "a timer that is due did not fire");
}

static void agree(void)
{
    roosti_timers_check(&wheel);
    size_t armed = 0;
    for (size_t i = 0; i < TIMERS; i++) {
        must(entries[i].armed == (entries[i].timer.where != 0),
             "armed in one, at rest in the other");
        armed += entries[i].armed;
    }
    must(armed == wheel.armed, "the count of armed timers is wrong");
    const struct entry *first = list_first();
    must(roosti_timers_next(&wheel) == (first ? first->due : ROOST_NEVER), "another timer is next");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    input_left = size;
    seq_next = 0;
    now = input_span();
    now = now < 0 ? 0 : now;
    roosti_timers_init(&wheel, now);
    for (size_t i = 0; i < TIMERS; i++)
        entries[i] = (struct entry){0};
    while (input_left > 0) {
        if (input_byte() % 4 == 0)
            step_pass();
        else
            step_change();
        agree();
    }
    return 0;
}
