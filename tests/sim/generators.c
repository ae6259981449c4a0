/* tests/sim/generators.c - generators, stages and pages put together as the seed says, and ended
 * early, cancelled or let to their end.
 *
 * Oracles: the items are those the composition must give, in order, each once, whatever consumer
 * was cancelled in between; a loop that is left has ended every generator below it; a generator
 * makes at most one item that nobody has asked for; a fetch ahead stays within its bound.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>

#include "kit/world.h"

enum { ROUNDS = 12, DEPTH_MAX = 4, SIDES = 8, PAGE = 3 };

/* What the whole composition must give: every `step`-th number from `first` on, below `end`. */
struct series {
    int first;
    int step;
    int end;
};

struct world {
    uint64_t rng;
    int live; /* generators and fetches that have begun and not ended */
};

static int draw(struct world *world, int bound)
{
    return (int)kit_draw(&world->rng, "generators", (uint64_t)bound);
}

static int rest(struct world *world)
{
    int choice = draw(world, 6);
    return choice == 0 ? roost_sleep(ROOST_US(draw(world, 200))) : choice == 1 ? roost_yield() : 0;
}

/* -- sources ----------------------------------------------------------------------------------- */

static int numbers_give(roost_gen *gen, struct world *world, const struct series *series)
{
    for (int i = series->first; i < series->end; i += series->step) {
        ROOST_TRY(rest(world));
        ROOST_TRY(roost_gen_yield(gen, &i));
    }
    return rest(world);
}

ROOST_ASYNC(numbers, roost_gen *, gen, struct world *, world, struct series, series)
{
    world->live++;
    int rc = numbers_give(gen, world, &series);
    ROOST_CLEANUP(ROOST_SEC(1))
        CHECK_OK(rest(world));
    world->live--;
    return rc;
}

struct pager {
    struct world *world;
    struct series series;
    roost_pages *pages;
    int items; /* written into pages */
    int taken;
    int ahead; /* pages that may be fetched ahead */
};

static ROOST_SUSPENDS int pager_fetch(void *arg, roost_page *page)
{
    struct pager *pager = arg;
    pager->world->live++;
    int rc = rest(pager->world);
    pager->world->live--;
    if (rc < 0)
        return rc;
    int at;
    memcpy(&at, page->token, sizeof at);
    at = page->number == 0 ? pager->series.first : at;
    int count = 0;
    for (; count < (int)page->max && at < pager->series.end; at += pager->series.step)
        ((int *)page->items)[count++] = at;
    memcpy(page->token, &at, sizeof at);
    pager->items += count;
    /* The page in use may be used up but for the item that is being asked for. */
    CHECK(pager->items - pager->taken <= (pager->ahead + 1) * PAGE);
    return count;
}

static ROOST_SUSPENDS int pass_on(void *arg, const void *in, void *out)
{
    struct pager *pager = arg;
    if (pager)
        pager->taken++;
    memcpy(out, in, sizeof(int));
    return 0;
}

static ROOST_SUSPENDS int is_even(void *arg, const void *item)
{
    int value;
    memcpy(&value, item, sizeof value);
    ROOST_TRY(arg ? roost_yield() : 0);
    return value % 2 == 0;
}

/* -- consuming --------------------------------------------------------------------------------- */

/* Takes items with a deadline around each now and then, and leaves the loop when the seed says. */
static int consume_some(struct world *world, roost_iter *iter, const struct series *series)
{
    int next = series->first;
    int most = draw(world, 3) == 0 ? draw(world, 20) : 1000;
    for (int taken = 0; taken < most;) {
        int item = -1;
        int rc = draw(world, 4) == 0
                     ? ROOST_WITHIN(ROOST_US(draw(world, 100)), roost_iter_next(iter, &item))
                     : roost_iter_next(iter, &item);
        if (rc == ROOST_ETIMEDOUT)
            continue;
        if (rc == 0)
            CHECK(next >= series->end);
        if (rc <= 0)
            return rc;
        CHECK_EQ(next, item);
        next += series->step;
        taken++;
        ROOST_TRY(rest(world));
    }
    return 0;
}

static int consume_loop(struct world *world, roost_iter *iter, const struct series *series)
{
    int next = series->first;
    int leave_at = draw(world, 2) == 0 ? next + draw(world, 30) : 1000;
    int rc = 0;
    ROOST_FOREACH(int, item, iter, rc) {
        CHECK_EQ(next, item);
        next += series->step;
        if (next >= leave_at)
            break;
        rc = rest(world);
    }
    if (rc == 0 && next < leave_at)
        CHECK(next >= series->end);
    return rc;
}

/* Puts stages above, consumes, and sees that all of it has ended. live: before its sources. */
static int compose(struct world *world, roost_iter *iter, struct series series, int live)
{
    roost_iter_stage stages[DEPTH_MAX];
    int depth = draw(world, DEPTH_MAX + 1);
    for (int i = 0; i < depth; i++) {
        switch (draw(world, 4)) {
        case 0: {
            int skip = draw(world, 5);
            iter = roost_iter_skip(&stages[i], iter, (uint64_t)skip);
            series.first += skip * series.step;
            break;
        }
        case 1:
            iter = roost_iter_filter(&stages[i], iter, is_even, draw(world, 2) ? &series : NULL);
            if (series.step % 2) {
                series.first += series.first % 2 ? series.step : 0;
                series.step *= 2;
            } else if (series.first % 2) {
                series.end = series.first;
            }
            break;
        case 2: {
            int take = draw(world, 30);
            iter = roost_iter_take(&stages[i], iter, (uint64_t)take);
            if (series.end > series.first + take * series.step)
                series.end = series.first + take * series.step;
            break;
        }
        default:
            iter = roost_iter_map(&stages[i], iter, sizeof(int), pass_on, NULL);
        }
    }
    int rc =
        draw(world, 2) ? consume_loop(world, iter, &series) : consume_some(world, iter, &series);
    CHECK_EQ(0, roost_iter_close(iter));
    CHECK_EQ(live, world->live);
    return rc;
}

ROOST_ASYNC(over_a_generator, struct world *, world, struct series, series, int *, live)
{
    ROOST_GEN(gen, int, numbers, world, series);
    return compose(world, &gen->iter, series, *live);
}

ROOST_ASYNC(over_pages, struct world *, world, struct series, series, int *, live)
{
    struct pager pager = {.world = world, .series = series, .ahead = draw(world, 4)};
    roost_page_opts opts = {.page_items = PAGE, .prefetch = (uint32_t)pager.ahead};
    roost_iter_stage counted;
    ROOST_PAGINATE(pages, int, &opts, pager_fetch, &pager);
    roost_iter *iter = roost_iter_map(&counted, &pages->iter, sizeof(int), pass_on, &pager);
    return compose(world, iter, series, *live);
}

ROOST_ASYNC(one_after_the_other, struct world *, world, struct series, series, int *, live)
{
    int middle = series.first + draw(world, 6) * series.step;
    struct series head = {series.first, series.step, middle};
    struct series tail = {middle, series.step, series.end > middle ? series.end : middle};
    series.end = tail.end;
    roost_iter_stage chain;
    ROOST_GEN(first, int, numbers, world, head);
    ROOST_GEN(second, int, numbers, world, tail);
    return compose(world, roost_iter_chain(&chain, &first->iter, &second->iter), series, *live);
}

ROOST_ASYNC(round_of, struct world *, world)
{
    struct series series = {.first = draw(world, 5), .step = 1 + draw(world, 3)};
    series.end = series.first + draw(world, 60);
    int live = world->live;
    int choice = draw(world, 3);
    if (choice == 0)
        return over_a_generator(world, series, &live);
    return choice == 1 ? over_pages(world, series, &live)
                       : one_after_the_other(world, series, &live);
}

ROOST_TEST(compositions_end_as_they_should)
{
    struct world world = {0};
    for (int i = 0; i < ROUNDS; i++) {
        roost_dur limit = draw(&world, 3) == 0 ? ROOST_US(draw(&world, 3000)) : ROOST_SEC(10);
        int rc = ROOST_WITHIN(limit, round_of(&world));
        CHECK(rc == 0 || rc == ROOST_ETIMEDOUT);
        CHECK_EQ(0, world.live);
    }
}

/* Several at once, in tasks that a deadline around all of them cancels. Each has a world of its
 * own to draw from and to count in. */
ROOST_TEST(compositions_side_by_side)
{
    struct world worlds[SIDES] = {0};
    struct world chooser = {0};
    int rc = 0;
    for (int i = 0; i < SIDES; i++)
        worlds[i].rng = 1 + (uint64_t)draw(&chooser, 1 << 20);
    ROOST_MOVE_ON(rc, ROOST_US(draw(&chooser, 5000))) {
        ROOST_GROUP(g, rc)
            for (int i = 0; i < SIDES; i++)
                ROOST_GO(g, round_of, &worlds[i]);
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < SIDES; i++)
        CHECK_EQ(0, worlds[i].live);
}
