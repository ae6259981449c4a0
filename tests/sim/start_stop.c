/* tests/sim/start_stop.c - services that start, are given up, are asked to stop and are cancelled,
 * all at the same time.
 *
 * Oracles: a start that succeeded gave the service's own value; one that did not has left no task
 * behind; whoever is asked to stop and listens is not cancelled within its grace.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "kit/world.h"

enum { STARTERS = 12 };

struct service {
    uint64_t *rng;
    int number;
    int begun;
    int ended;
    int started; /* roost_started has said 0 */
    int stopped; /* it was asked, and finished of its own accord */
};

static int draw(uint64_t *rng, int bound)
{
    return (int)kit_draw(rng, "start_stop", (uint64_t)bound);
}

static roost_dur draw_dur(uint64_t *rng)
{
    return ROOST_US(draw(rng, 16) * 250);
}

static int serve(struct service *self)
{
    ROOST_TRY(roost_sleep(draw_dur(self->rng)));
    int choice = draw(self->rng, 8);
    if (choice < 2)
        return choice == 0 ? -EIO : 0;
    int value = self->number * 7;
    ROOST_TRY(roost_started(&value, sizeof value));
    self->started = 1;
    if (choice == 2)
        return -EPIPE;
    ROOST_TRY(roost_wait_stopping());
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    self->stopped = 1;
    return 0;
}

ROOST_ASYNC(service_main, struct service *, self)
{
    self->begun++;
    int rc = serve(self);
    self->ended++;
    return rc;
}

/* Starts one in the group, with little patience. */
ROOST_ASYNC(start_one, roost_group *, group, struct service *, service)
{
    int value = 0;
    int rc = ROOST_WITHIN(
        ROOST_US(100) + draw_dur(service->rng),
        roost_group_start(group, ROOST_CALL(service_main, service), NULL, &value, sizeof value));
    if (rc == 0) {
        CHECK_EQ(1, service->started);
        CHECK_EQ(service->number * 7, value);
        return 0;
    }
    CHECK_EQ(service->begun, service->ended);
    CHECK(rc == -EIO || rc == ROOST_ENOTSTARTED || rc == ROOST_ETIMEDOUT || rc == ROOST_ECANCELED ||
          rc == ROOST_EFINISHED);
    return rc == ROOST_ECANCELED && roost_cancelled() ? rc : 0;
}

ROOST_ASYNC(start_all, roost_group *, group, struct service *, services)
{
    int rc = 0;
    ROOST_GROUP(starters, rc)
        for (int i = 0; i < STARTERS; i++)
            ROOST_GO(starters, start_one, group, &services[i]);
    return rc;
}

static void services_check(const struct service *services)
{
    for (int i = 0; i < STARTERS; i++) {
        CHECK(services[i].begun <= 1);
        CHECK_EQ(services[i].begun, services[i].ended);
        CHECK(services[i].started || !services[i].stopped);
    }
}

ROOST_TEST(starting_and_stopping_at_once)
{
    uint64_t rng = 0;
    struct service services[STARTERS];
    for (int i = 0; i < STARTERS; i++)
        services[i] = (struct service){.rng = &rng, .number = i + 1};
    roost_dur patience = draw_dur(&rng);
    bool hard = draw(&rng, 2);
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    roost_group target; /* outlives those who may come too late for it */
    int rc = 0;
    ROOST_GROUP(around, rc) {
        ROOST_GO(around, start_all, &target, services);
        rc = roost_group_open(&target, &opts);
        if (rc == 0) {
            int body_rc = roost_sleep(patience);
            roost_group_shutdown(&target, hard ? 0 : ROOST_MS(2));
            int target_rc = roost_group_end(&target, body_rc);
            CHECK(target_rc == 0 || target_rc == -EPIPE || target_rc == ROOST_ECANCELED);
        }
        /* Whoever has started was in that group, and it has ended. */
        for (int i = 0; i < STARTERS; i++)
            CHECK_EQ(services[i].begun, services[i].ended);
    }
    CHECK_OK(rc);
    services_check(services);
    CHECK(!roost_cancelled());
}

ROOST_TEST(who_listens_is_not_cancelled_within_its_grace)
{
    uint64_t rng = 0;
    struct service services[STARTERS];
    roost_group_opts opts = {.policy = ROOST_COLLECT};
    int rc = 0;
    ROOST_GROUP_WITH(target, rc, &opts) {
        for (int i = 0; i < STARTERS; i++) {
            int value = 0;
            services[i] = (struct service){.rng = &rng, .number = i + 1};
            int start_rc = roost_group_start(target, ROOST_CALL(service_main, &services[i]), NULL,
                                             &value, sizeof value);
            CHECK(start_rc == 0 || start_rc == -EIO || start_rc == ROOST_ENOTSTARTED);
        }
        rc = roost_sleep(draw_dur(&rng));
        roost_group_shutdown(target, ROOST_SEC(1));
    }
    CHECK(rc == 0 || rc == -EPIPE);
    services_check(services);
    roost_time asked = roost_now();
    CHECK(asked - roost_test_start() < ROOST_SEC(1));
}

/* -- latecomers ---------------------------------------------------------------------------------*/

struct latecomers {
    uint64_t rng;
    int spawned;
    int ended;
};

ROOST_ASYNC(come_late, struct latecomers *, late)
{
    if (draw(&late->rng, 2))
        ROOST_TRY(roost_sleep(draw_dur(&late->rng)));
    late->ended++;
    return 0;
}

/* Spawns into a group whose owner is waiting for its end, until that has come. */
ROOST_ASYNC(spawn_late, roost_group *, group, struct latecomers *, late)
{
    for (int i = 0; i < 12; i++) {
        int rc = roost_spawn(group, ROOST_CALL(come_late, late), NULL, NULL);
        if (rc == ROOST_EFINISHED)
            break;
        ROOST_TRY(rc);
        late->spawned++;
        ROOST_TRY(draw(&late->rng, 2) ? roost_yield() : roost_sleep(draw_dur(&late->rng)));
    }
    return 0;
}

ROOST_TEST(a_group_ends_when_its_latecomers_have)
{
    struct latecomers late = {0};
    roost_group target;
    int rc = 0;
    ROOST_GROUP(around, rc) {
        rc = roost_group_open(&target, NULL);
        if (rc == 0) {
            ROOST_GO(around, spawn_late, &target, &late);
            ROOST_GO(around, spawn_late, &target, &late);
            ROOST_GO(&target, come_late, &late);
            rc = roost_group_end(&target, 0);
            CHECK_EQ(late.spawned + 1, late.ended);
        }
    }
    CHECK_OK(rc);
    CHECK_EQ(late.spawned + 1, late.ended);
}
