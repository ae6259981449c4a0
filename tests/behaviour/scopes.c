/* tests/behaviour/scopes.c - what it means to be cancelled: behaviours 1 to 5.
 *
 * Every case ends its scopes with the code its body came to, as a function would that passes codes
 * up, and asks afterwards who took the cancellation for its own.
 *
 * SPDX-License-Identifier: MIT
 */

#include "behaviour/moments.h"

/* -- B1: cancellation is a level
 * -----------------------------------------------------------------*/

ROOST_ASYNC(count_run, int *, runs)
{
    (*runs)++;
    return 0;
}

/* Makes each kind of suspending call once. */
static void check_all_refused(roost_group *group, roost_task *other)
{
    roost_file *file;
    int runs = 0;
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(ROOST_ECANCELED, roost_yield());
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(0));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep_until(roost_now() + LONG_TIME));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep_forever());
    CHECK_EQ(ROOST_ECANCELED, roost_wait_stopping());
    CHECK_EQ(ROOST_ECANCELED, roost_join(other, NULL));
    CHECK_EQ(ROOST_ECANCELED, roost_file_open("/", "r", NULL, &file));
    CHECK_EQ(ROOST_ECANCELED, roost_path_exists("/"));
    CHECK_EQ(ROOST_ECANCELED, roost_path_remove_tree("/nothing/there"));
    CHECK_EQ(ROOST_ECANCELED,
             roost_group_start(group, ROOST_CALL(count_run, &runs), NULL, NULL, 0));
    CHECK_EQ(ROOST_ECANCELED, roost_on_loop(0, ROOST_CALL(count_run, &runs), NULL));
    CHECK_EQ(0, runs);
}

BEHAVIOUR(01, every_later_call_is_refused)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *other;
        if (ROOST_SPAWN(&other, g, nap, ROOST_MS(1)) < 0)
            break;
        ROOST_AUTO(scope) roost_scope scope;
        scope_enter(&scope, NULL);
        roost_scope_cancel(&scope, "enough");
        roost_time before = roost_now();
        for (int round = 0; round < 3; round++)
            check_all_refused(g, other);
        if (roost_test_virtual())
            CHECK_EQ(0, roost_now() - before);
        CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));

        /* Outside the scope everything works again, the refused join among it. */
        CHECK_OK(roost_yield());
        CHECK_OK(roost_sleep(ROOST_MS(1)));
        CHECK_OK(roost_join(other, NULL));
    }
    CHECK_EQ(0, rc);
}

ROOST_ASYNC(swallow, int *, refusals)
{
    int rc = roost_sleep(LONG_TIME);
    for (int i = 0; i < 5; i++)
        if (roost_sleep(LONG_TIME) == ROOST_ECANCELED)
            (*refusals)++;
    return rc == ROOST_ECANCELED ? 5 : rc;
}

BEHAVIOUR(01, a_swallowed_cancellation_comes_again)
{
    int rc = 0;
    int refusals = 0;
    int result = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task;
        if (ROOST_SPAWN(&task, g, swallow, &refusals) < 0)
            break;
        CHECK_OK(roost_test_settle());
        roost_task_cancel(task, NULL);
        CHECK_OK(roost_join(task, &result));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(5, result);
    CHECK_EQ(5, refusals);
}

BEHAVIOUR(01, what_is_opened_inside_later_is_cancelled_too)
{
    ROOST_AUTO(scope) roost_scope outer;
    scope_enter(&outer, NULL);
    roost_scope_cancel(&outer, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));

    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, NULL);
    CHECK(roost_cancelled());
    CHECK(!roost_scope_cancelled(&inner));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_EQ(ROOST_ECANCELED, roost_scope_end(&inner, ROOST_ECANCELED));

    int rc = 0;
    int refusals = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, swallow, &refusals);
    CHECK_EQ(ROOST_ECANCELED, rc);
    CHECK_EQ(5, refusals);
    CHECK_EQ(0, roost_scope_end(&outer, rc));
}

/* -- B2: cancelled before it is entered
 * ----------------------------------------------------------*/

BEHAVIOUR(02, cancelled_before_entry_fails_at_the_first_checkpoint)
{
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_init(&scope, NULL);
    roost_scope_cancel(&scope, "too early");
    CHECK(roost_scope_cancelled(&scope));
    CHECK(!roost_cancelled());
    CHECK_OK(roost_sleep(ROOST_MS(1)));

    CHECK_OK(roost_scope_enter(&scope));
    CHECK(roost_cancelled());
    CHECK_EQ(ROOST_ECANCELED, roost_sleep_forever());
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
    CHECK(roost_scope_fired(&scope));
    CHECK_STR("too early", roost_scope_reason(&scope));
    CHECK_OK(roost_checkpoint());
}

BEHAVIOUR(02, cancelled_before_entry_by_another_task)
{
    int rc = 0;
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_init(&scope, &(roost_scope_opts){.within = LONG_TIME});
    ROOST_GROUP(g, rc)
        ROOST_GO(g, cancel_after, ROOST_MS(1), &scope);
    CHECK_EQ(0, rc);

    CHECK_OK(roost_scope_enter(&scope));
    roost_time before = roost_now();
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    if (roost_test_virtual())
        CHECK_EQ(0, roost_now() - before);
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(02, cancelled_before_entry_is_no_timeout_later)
{
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_init(&scope, &(roost_scope_opts){.within = ROOST_MS(1)});
    roost_scope_cancel(&scope, "by hand");
    CHECK_OK(roost_scope_enter(&scope));
    kit_spend(ROOST_MS(2));
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_STR("by hand", roost_scope_reason(&scope));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

/* -- B3: a scope is good for one use
 * -------------------------------------------------------------*/

BEHAVIOUR(03, not_entered_twice_at_a_time)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, NULL);
    CHECK_EQ(ROOST_EREUSED, roost_scope_enter(&scope));

    ROOST_AUTO(scope) roost_scope inner;
    scope_enter(&inner, NULL);
    CHECK_EQ(ROOST_EREUSED, roost_scope_enter(&scope));
    CHECK_EQ(ROOST_EREUSED, roost_scope_enter(&inner));

    /* The refused entries have left both as they were. */
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    roost_scope_cancel(&inner, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(0, roost_scope_end(&inner, ROOST_ECANCELED));
    CHECK_OK(roost_checkpoint());
    CHECK_EQ(7, roost_scope_end(&scope, 7));
    CHECK_OK(roost_checkpoint());
}

BEHAVIOUR(03, not_entered_again)
{
    ROOST_AUTO(scope) roost_scope quiet;
    scope_enter(&quiet, NULL);
    CHECK_EQ(0, roost_scope_end(&quiet, 0));
    CHECK_EQ(ROOST_EREUSED, roost_scope_enter(&quiet));
    CHECK(!roost_scope_is_open(&quiet));

    ROOST_AUTO(scope) roost_scope fired;
    scope_enter(&fired, &(roost_scope_opts){.expired = true});
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&fired, ROOST_ECANCELED));
    CHECK_EQ(ROOST_EREUSED, roost_scope_enter(&fired));
    CHECK(roost_scope_fired(&fired));
    CHECK_OK(roost_checkpoint());
}

ROOST_ASYNC(intrude, roost_scope *, scope, int *, said)
{
    *said = roost_scope_enter(scope);
    int rc = roost_sleep(ROOST_MS(1));
    roost_scope_cancel(scope, "by the intruder");
    /* Not the intruder's scope: its own calls go on. */
    return rc < 0 ? rc : roost_sleep(ROOST_MS(1));
}

BEHAVIOUR(03, not_entered_by_another_task_meanwhile)
{
    int rc = 0;
    int said = 0;
    int slept = 0;
    int ended = 1;
    roost_scope scope;
    ROOST_GROUP(g, rc) {
        SCOPE_IN_GROUP(&scope, NULL);
        ROOST_GO(g, intrude, &scope, &said);
        slept = roost_sleep(LONG_TIME);
        ended = roost_scope_end(&scope, slept);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_EREUSED, said);
    CHECK_EQ(ROOST_ECANCELED, slept);
    CHECK_EQ(0, ended);
}

/* -- B4: a deadline moved later does not take the cancellation back
 * ------------------------------*/

BEHAVIOUR(04, a_later_deadline_never_uncancels)
{
    roost_time before = roost_now();
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = ROOST_MS(2)});
    CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    CHECK_ELAPSED(ROOST_MS(2), before);

    const roost_time later[] = {roost_now() + LONG_TIME, ROOST_NEVER, roost_now() + ROOST_MS(1)};
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        CHECK_EQ(0, roost_scope_set_deadline(&scope, later[i]));
        CHECK(roost_scope_cancelled(&scope));
        CHECK(roost_cancelled());
        CHECK_EQ(ROOST_ECANCELED, roost_sleep(LONG_TIME));
    }
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(2), roost_now() - before);
    CHECK_EQ(ROOST_ETIMEDOUT, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(04, nor_after_a_cancellation_by_hand)
{
    ROOST_AUTO(scope) roost_scope scope;
    scope_enter(&scope, &(roost_scope_opts){.within = LONG_TIME});
    roost_scope_cancel(&scope, "by hand");
    CHECK_EQ(0, roost_scope_set_deadline(&scope, ROOST_NEVER));
    CHECK_EQ(ROOST_ECANCELED, roost_checkpoint());
    /* Nor does a deadline in the past make a timeout of it. */
    CHECK_EQ(0, roost_scope_set_deadline(&scope, roost_now() - ROOST_SEC(1)));
    CHECK_STR("by hand", roost_scope_reason(&scope));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
}

BEHAVIOUR(04, a_deadline_moved_before_entry_has_not_fired)
{
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_init(&scope, &(roost_scope_opts){.until = roost_now() - ROOST_SEC(1)});
    CHECK_EQ(0, roost_scope_set_deadline(&scope, ROOST_NEVER));
    CHECK_OK(roost_scope_enter(&scope));
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK_EQ(0, roost_scope_end(&scope, 0));
}

/* -- B5: nothing noticed
 * -------------------------------------------------------------------------*/

BEHAVIOUR(05, without_a_checkpoint_nothing_is_caught)
{
    const int codes[] = {0, 7, -EIO};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        ROOST_AUTO(scope) roost_scope scope;
        scope_enter(&scope, NULL);
        CHECK_OK(roost_checkpoint());
        roost_scope_cancel(&scope, NULL);
        roost_scope_cancel(&scope, NULL);
        CHECK_EQ(codes[i], roost_scope_end(&scope, codes[i]));
        CHECK(roost_scope_cancelled(&scope));
        CHECK(!roost_scope_fired(&scope));
    }
    CHECK_OK(roost_checkpoint());
}

BEHAVIOUR(05, a_deadline_passed_without_a_checkpoint_is_no_timeout)
{
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_MS(1)) {
        kit_spend(ROOST_MS(2));
        rc = 7;
    }
    CHECK_EQ(7, rc);

    ROOST_AUTO(scope) roost_scope expired;
    scope_enter(&expired, &(roost_scope_opts){.expired = true});
    CHECK_EQ(0, roost_scope_end(&expired, 0));
    CHECK(roost_scope_cancelled(&expired));
    CHECK(!roost_scope_fired(&expired));
}

BEHAVIOUR(05, a_cancelled_group_without_a_checkpoint_ends_with_0)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        roost_group_cancel(g, "not needed");
    CHECK_EQ(0, rc);
    CHECK_OK(roost_checkpoint());
}
