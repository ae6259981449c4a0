/* tests/behaviour/scopes_nested.c - scopes inside scopes, who takes a cancellation for its own and
 * which reason is told: behaviours 6 to 9, 15 and 16.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "behaviour/moments.h"

/* -- B6: the outermost cancelled scope takes it
 * --------------------------------------------------*/

BEHAVIOUR(06, only_the_outermost_absorbs)
{
    for (int order = 0; order < 2; order++) {
        ROOST_AUTO(scope) roost_scope outer;
        scope_enter(&outer, NULL);
        ROOST_AUTO(scope) roost_scope plain;
        scope_enter(&plain, NULL);
        ROOST_AUTO(scope) roost_scope inner;
        scope_enter(&inner, NULL);

        roost_scope_cancel(order == 0 ? &outer : &inner, NULL);
        roost_scope_cancel(order == 0 ? &inner : &outer, NULL);
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, ROOST_ECANCELED));
        CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&plain, ROOST_ECANCELED));
        CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
        CHECK(roost_scope_cancelled(&inner) && !roost_scope_fired(&inner));
        CHECK(!roost_scope_cancelled(&plain) && !roost_scope_fired(&plain));
        CHECK(roost_scope_cancelled(&outer) && roost_scope_fired(&outer));
        CHECK_OK(roost_checkpoint());
    }
}

BEHAVIOUR(06, decided_when_the_scope_is_left)
{
    /* The outer one is cancelled while the inner one's cancellation is on its way up. */
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, NULL);
    roost_scope_cancel(&inner, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    roost_scope_cancel(&outer, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK(!roost_scope_fired(&inner));
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
    CHECK(roost_scope_fired(&outer));
}

BEHAVIOUR(06, groups_are_scopes_in_this)
{
    for (int order = 0; order < 2; order++) {
        ROOST_AUTO(scope) roost_scope outer;
        scope_enter(&outer, NULL);
        int rc = 0;
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, nap, LONG_TIME);
            if (order == 0)
                roost_scope_cancel(&outer, NULL);
            roost_group_cancel(g, NULL);
            if (order == 1)
                roost_scope_cancel(&outer, NULL);
            rc = roost_sleep(LONG_TIME);
            CHECK_EQ(ROOST_ECANCELED, rc);
        }
        CHECK_EQ(ROOST_ECANCELED, rc);
        CHECK_EQ(0, roost_scope_end(&outer, rc));
        CHECK(roost_scope_fired(&outer));
    }
}

BEHAVIOUR(06, a_shield_hides_the_outer_one)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.shield = true});
    roost_scope_cancel(&outer, NULL);
    roost_scope_cancel(&inner, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK(roost_scope_fired(&inner));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
    CHECK(roost_scope_fired(&outer));
}

/* -- B7: shields
 * ---------------------------------------------------------------------------------*/

BEHAVIOUR(07, shield_blocks_outer_cancel_until_it_is_cleared)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.shield = true});
    roost_scope_cancel(&outer, NULL);

    for (int round = 0; round < 2; round++) {
        roost_time before = roost_now();
        CHECK(!roost_cancelled());
        CHECK_OK(roost_checkpoint());
        CHECK_OK(roost_yield());
        CHECK_OK(roost_sleep(ROOST_MS(1)));
        CHECK_ELAPSED(ROOST_MS(1), before);

        roost_scope_set_shield(&inner, false);
        CHECK(roost_cancelled());
        CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        roost_scope_set_shield(&inner, true);
    }
    CHECK_EQ(0, roost_scope_end(&inner, 0));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
}

ROOST_ASYNC(lower_after, roost_dur, dur, roost_scope *, scope)
{
    int rc = roost_sleep(dur);
    roost_scope_set_shield(scope, false);
    return rc;
}

BEHAVIOUR(07, clearing_it_reaches_a_task_that_waits)
{
    int rc = 0;
    int slept = 0;
    int inner_rc = 1;
    int outer_rc = 1;
    roost_time before = roost_now();
    roost_scope outer;
    roost_scope inner;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&outer, NULL);
        SCOPE_IN_GROUP(&inner, &(roost_scope_opts){.shield = true});
        ROOST_GO(g, cancel_after, ROOST_MS(1), &outer);
        ROOST_GO(g, lower_after, ROOST_MS(3), &inner);
        slept = roost_sleep(LONG_TIME);
        CHECK_ELAPSED(ROOST_MS(3), before);
        inner_rc = roost_scope_end(&inner, slept);
        outer_rc = roost_scope_end(&outer, inner_rc);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, slept);
    CHECK_EQ(ROOST_ECANCELED, inner_rc);
    CHECK_EQ(0, outer_rc);
}

BEHAVIOUR(07, tasks_started_behind_the_shield_are_behind_it)
{
    int rc = 0;
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.shield = true});
    int result = -1;
    ROOST_GROUP(g, rc) {
        roost_task *done;
        if (ROOST_SPAWN(&done, g, nap, ROOST_MS(2)) < 0)
            break;
        roost_scope_cancel(&outer, NULL);
        CHECK_OK(roost_join(done, &result));
        CHECK_EQ(0, result);
        if (ROOST_SPAWN(&done, g, nap, LONG_TIME) < 0)
            break;
        CHECK_OK(roost_test_settle());
        roost_scope_set_shield(&inner, false);
        rc = roost_join(done, &result);
        roost_task_drop(rc < 0 ? done : NULL);
    }
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, rc));
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
}

BEHAVIOUR(07, every_shield_in_between_counts)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope first;
    scope_enter(&first, &(roost_scope_opts){.shield = true});
    ROOST_AUTO(scope) roost_scope second;
    scope_enter(&second, &(roost_scope_opts){.shield = true});
    ROOST_AUTO(scope) roost_scope plain;
    scope_enter(&plain, NULL);
    roost_scope_cancel(&outer, NULL);
    CHECK_OK(roost_checkpoint());
    roost_scope_set_shield(&first, false);
    CHECK_OK(roost_checkpoint());
    roost_scope_set_shield(&first, true);
    roost_scope_set_shield(&second, false);
    CHECK_OK(roost_checkpoint());
    roost_scope_set_shield(&first, false);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&plain, ROOST_ECANCELED));
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&second, ROOST_ECANCELED));
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&first, ROOST_ECANCELED));
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
}

/* -- B8: a shield keeps out others only
 * ----------------------------------------------------------*/

BEHAVIOUR(08, a_shielded_scope_has_its_own_deadline)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, &(roost_scope_opts){.within = ROOST_MS(20)});
    roost_time before = roost_now();
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.within = ROOST_MS(60), .shield = true});
    CHECK_OK(roost_yield());
    CHECK_EQ(roost_scope_deadline(&inner), roost_deadline());
    CHECK(roost_deadline() > roost_scope_deadline(&outer));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(60), before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK(roost_scope_cancelled(&outer));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&outer, ROOST_ECANCELED));
}

BEHAVIOUR(08, cleanup_is_bounded_by_its_grace)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    roost_scope_cancel(&outer, NULL);
    int rc = roost_sleep(LONG_TIME);
    CHECK_EQ(ROOST_ECANCELED, rc);

    int enough = 1;
    ROOST_CLEANUP(ROOST_MS(100))
        enough = roost_sleep(ROOST_MS(1));
    CHECK_EQ(0, enough);

    roost_time before = roost_now();
    int refused = 0;
    ROOST_CLEANUP(ROOST_MS(2)) {
        refused = roost_sleep(LONG_TIME);
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    }
    CHECK_EQ(ROOST_ECANCELED, refused);
    CHECK_ELAPSED(ROOST_MS(2), before);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&outer, rc));
}

BEHAVIOUR(08, a_shielded_scope_can_be_cancelled_itself)
{
    int rc = 0;
    int slept = 0;
    int ended = 1;
    roost_scope scope;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&scope, &(roost_scope_opts){.shield = true});
        ROOST_GO(g, cancel_after, ROOST_MS(1), &scope);
        slept = roost_sleep(LONG_TIME);
        ended = roost_scope_end(&scope, slept);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, slept);
    CHECK_EQ(0, ended);
}

/* -- B9: a shield raised too late
 * ----------------------------------------------------------------*/

BEHAVIOUR(09, a_shield_raised_on_the_way_up_changes_nothing)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, NULL);
    roost_scope_cancel(&outer, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    roost_scope_set_shield(&inner, true);
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK(!roost_scope_fired(&inner));
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
    CHECK(roost_scope_fired(&outer));
}

BEHAVIOUR(09, nor_when_both_are_cancelled)
{
    for (int order = 0; order < 2; order++) {
        ROOST_AUTO(scope) roost_scope outer;
        scope_enter(&outer, NULL);
        ROOST_AUTO(scope) roost_scope inner;
        scope_enter(&inner, &(roost_scope_opts){.expired = true});
        if (order == 0)
            CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
        roost_scope_cancel(&outer, NULL);
        if (order == 1)
            CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());

        /* Behind the shield the clean-up of the inner scope is still refused: it is cancelled. */
        roost_scope_set_shield(&inner, true);
        CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
        CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, ROOST_ECANCELED));
        CHECK(!roost_scope_fired(&inner));
        CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
        CHECK(roost_scope_fired(&outer));
    }
}

BEHAVIOUR(09, a_shield_raised_in_time_does)
{
    /* The counterpart: raised before the outer scope was cancelled, it decides. */
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.expired = true});
    roost_scope_set_shield(&inner, true);
    roost_scope_cancel(&outer, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&outer, ROOST_ECANCELED));
}

/* -- B15: the first reason is kept
 * ---------------------------------------------------------------*/

BEHAVIOUR(15, the_first_reason_is_preserved)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(1), .label = "the label"});
    CHECK_STR("", roost_scope_reason(&scope));
    roost_scope_cancel(&scope, "first");
    roost_scope_cancel(&scope, "second");
    roost_scope_cancel(&scope, NULL);
    kit_spend(ROOST_MS(2));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_STR("first", roost_scope_reason(&scope));

    roost_cancel_info info = {0};
    CHECK_EQ(0, roost_cancel_info_get(&info));
    CHECK_STR("first", info.reason);
    CHECK_STR("the label", info.label);
    CHECK_EQ((uint32_t)roost_task_id(roost_task_self()), info.task_id);
    CHECK(!info.deadline);
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
    CHECK_STR("first", roost_scope_reason(&scope));
    CHECK_EQ(ROOST_EAGAIN, roost_cancel_info_get(&info));
}

BEHAVIOUR(15, no_reason_is_one_too)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    roost_scope_cancel(&scope, NULL);
    roost_scope_cancel(&scope, "second");
    CHECK_STR("", roost_scope_reason(&scope));
    CHECK_EQ(0, roost_scope_end(&scope, 0));
}

BEHAVIOUR(15, a_deadline_is_not_overwritten)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(1)});
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    roost_scope_cancel(&scope, "by hand");
    CHECK(strcmp("by hand", roost_scope_reason(&scope)) != 0);

    roost_cancel_info info = {0};
    CHECK_EQ(0, roost_cancel_info_get(&info));
    CHECK(info.deadline);
    CHECK_EQ(0, info.task_id);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

ROOST_ASYNC(cancel_with, roost_scope *, scope, const char *, reason)
{
    roost_scope_cancel(scope, reason);
    return 0;
}

BEHAVIOUR(15, the_first_of_several_tasks_is_named)
{
    int rc = 0;
    roost_scope scope;
    roost_cancel_info info = {0};
    uint64_t first = 0;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&scope, NULL);
        roost_task *task;
        if (ROOST_SPAWN(&task, g, cancel_with, &scope, "first") < 0)
            break;
        first = roost_task_id(task);
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
        ROOST_GO(g, cancel_with, &scope, "second");
        ROOST_CLEANUP(LONG_TIME) {
            CHECK_OK(roost_test_settle());
            CHECK_OK(roost_join(task, NULL));
        }
        CHECK_EQ(0, roost_cancel_info_get(&info));
        CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
    }
    CHECK_EQ(0, rc);
    CHECK_STR("first", info.reason);
    CHECK_EQ((uint32_t)first, info.task_id);
}

/* -- B16: a cancellation after an inner timeout
 * --------------------------------------------------*/

BEHAVIOUR(16, no_cancellation_escapes_the_scope_that_was_cancelled)
{
    for (int with_checkpoint = 0; with_checkpoint < 2; with_checkpoint++) {
        ROOST_AUTO(scope) roost_scope outer;
        scope_enter(&outer, NULL);
        int rc = 0;
        ROOST_MOVE_ON(rc, ROOST_MS(1))
            rc = roost_sleep(LONG_TIME);
        CHECK_EQ(0, rc);
        roost_scope_cancel(&outer, NULL);
        if (with_checkpoint) {
            rc = roost_sleep(LONG_TIME);
            CHECK_EQ(ROOST_ECANCELED, rc);
        }
        CHECK_EQ(0, roost_scope_end(&outer, rc));
        CHECK_EQ(with_checkpoint, roost_scope_fired(&outer));
        CHECK_OK(roost_checkpoint());
    }
}

BEHAVIOUR(16, nor_when_the_inner_timeout_is_still_on_its_way_up)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, &(roost_scope_opts){.within = ROOST_MS(1)});
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    roost_scope_cancel(&outer, NULL);
    int rc = roost_scope_end(&inner, ROOST_ECANCELED);
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(0, roost_scope_end(&outer, rc));
    CHECK_OK(roost_checkpoint());
}

ROOST_ASYNC(move_on_then_cancel, int, inner_rc)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    int rc = ROOST_WITHIN(ROOST_MS(1), roost_sleep(LONG_TIME));
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    roost_scope_cancel(&scope, NULL);
    return roost_scope_end(&scope, inner_rc);
}

BEHAVIOUR(16, a_task_that_did_so_is_not_cancelled)
{
    const int codes[] = {0, ROOST_ECANCELED, ROOST_ETIMEDOUT};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        int rc = 0;
        int result = 1;
        ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.policy = ROOST_COLLECT}) {
            roost_task *task;
            if (ROOST_SPAWN(&task, g, move_on_then_cancel, codes[i]) < 0)
                break;
            CHECK_OK(roost_join(task, &result));
        }
        /* The inner timeout is an error when the task makes it its own; the rest is over. */
        int want = codes[i] == ROOST_ETIMEDOUT ? ROOST_ETIMEDOUT : 0;
        CHECK_EQ(want, result);
        CHECK_EQ(want, rc);
    }
}
