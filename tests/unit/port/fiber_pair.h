/* tests/unit/port/fiber_pair.h - two flows of one thread, for the tests of the switch.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_UNIT_PORT_FIBER_PAIR_H
#define ROOST_TESTS_UNIT_PORT_FIBER_PAIR_H

#include <stdint.h>

#include "port/fiber.h"
#include "port/stack.h"
#include "unit/port/cases.h"

/* Two flows and the stack of the second. */
struct pair {
    struct roosti_stacks stacks;
    struct roosti_fiber home;
    struct roosti_fiber away;
    char *low;
    char *top;
    long count;
    void *note;
};

__attribute__((unused)) static void pair_make(struct pair *pair, void (*entry)(void *))
{
    CHECK_EQ(0, roosti_stacks_open(&pair->stacks, NULL));
    CHECK_EQ(0, roosti_stacks_refill(&pair->stacks));
    pair->top = roosti_stack_get(&pair->stacks);
    pair->low = pair->top - 192 * 1024;
    /* What lies above the first frame must not look like the end of a chain by itself. */
    for (void **above = (void **)(void *)(pair->top - 256); (char *)above < pair->top; above++)
        *above = (char *)(uintptr_t)entry + 1;
    roosti_fiber_adopt(&pair->home);
    roosti_fiber_make(&pair->away, pair->low, pair->top, pair->top - 256, entry, pair);
}

__attribute__((unused)) static void pair_unmake(struct pair *pair)
{
    roosti_fiber_unmake(&pair->away);
    roosti_stacks_close(&pair->stacks);
}

#endif
