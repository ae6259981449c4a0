/* tests/sim/restart.c - background tasks that fail and are run again, until the run ends.
 *
 * Oracles: as many ends as beginnings; again only after a failure, never sooner than the pause; the
 * pause doubles; nothing begins once the main task has returned; failures are all reported.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "kit/world.h"

enum { SERVICES = 6 };

struct world {
    uint64_t rng;
    int reported;
    int failures;
    bool over; /* the main task has returned */
};

struct service {
    struct world *world;
    int begun;
    int ended;
    int failed_in_a_row;
    roost_time failed_at;
};

static int draw(struct world *world, int bound)
{
    return (int)kit_draw(&world->rng, "restart", (uint64_t)bound);
}

static int serve(struct service *self)
{
    struct world *world = self->world;
    for (int steps = draw(world, 4); steps > 0; steps--)
        ROOST_TRY(roost_sleep(ROOST_US(draw(world, 40) * 100)));
    if (draw(world, 5) > 0)
        return -EPIPE;
    return roost_sleep_forever();
}

ROOST_ASYNC(service_main, struct service *, self)
{
    CHECK_EQ(self->begun, self->ended);
    CHECK(self->begun == 0 || !self->world->over);
    if (self->begun > 0)
        CHECK(roost_now() >= self->failed_at + (ROOST_MS(10) << (self->failed_in_a_row - 1)));
    self->begun++;
    int rc = serve(self);
    ROOST_CLEANUP(ROOST_SEC(1))
        roost_ignore(roost_sleep(ROOST_US(draw(self->world, 10) * 100)));
    self->ended++;
    if (rc < 0 && rc != ROOST_ECANCELED) {
        self->failed_in_a_row++;
        self->failed_at = roost_now();
        self->world->failures++;
    }
    return rc;
}

ROOST_ASYNC(services_run, struct world *, world, struct service *, services)
{
    for (int i = 0; i < SERVICES; i++) {
        services[i] = (struct service){.world = world};
        const roost_bg_opts opts = {.policy = ROOST_BG_RESTART, .last = draw(world, 2) == 0};
        ROOST_TRY(roost_bg_spawn(ROOST_CALL(service_main, &services[i]), &opts));
        ROOST_TRY(draw(world, 2) ? roost_yield() : 0);
    }
    ROOST_TRY(roost_sleep(ROOST_MS(draw(world, 300))));
    world->over = true;
    return draw(world, 100);
}

static void reported(void *arg, const roost_error *error)
{
    struct world *world = arg;
    CHECK_EQ(-EPIPE, error->code);
    CHECK_STR("service_main", error->task_name);
    world->reported++;
}

ROOST_TEST(services_fail_and_are_run_again_until_the_end, .plain = true)
{
    struct world world = {0};
    static struct service services[SERVICES];
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.on_unhandled = reported;
    opts.on_unhandled_arg = &world;
    CHECK(roost_test_run(ROOST_CALL(services_run, &world, services), &opts) >= 0);
    for (int i = 0; i < SERVICES; i++)
        CHECK_EQ(services[i].begun, services[i].ended);
    CHECK_EQ(world.failures, world.reported);
}
