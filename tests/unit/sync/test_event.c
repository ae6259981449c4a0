/* tests/unit/sync/test_event.c - a flag, those who wait for it, and who may set it.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>
#include <roost/post.h>

#include "behaviour/marks.h"
#include "kit/kit.h"

static uint32_t waiting_for(const roost_event *event)
{
    roost_event_stats stats;
    roost_event_stats_get(event, &stats);
    return stats.waiting;
}

static int settled(int rc)
{
    return rc == 0 ? roost_test_settle() : rc;
}

ROOST_ASYNC(await, roost_event *, event, struct marks *, marks, int, letter, int *, ret_rc)
{
    *ret_rc = roost_event_wait(event);
    if (*ret_rc == 0)
        mark(marks, letter);
    return *ret_rc;
}

ROOST_TEST(an_event_is_clear_until_it_is_set)
{
    roost_event event;
    memset(&event, 0x5a, sizeof event);
    roost_event_init(&event);
    ROOST_NO_YIELD
    {
        CHECK(!roost_event_is_set(&event));
        CHECK_EQ(0, roost_event_clear(&event));
        CHECK_EQ(0, roost_event_set(&event));
        CHECK_EQ(0, roost_event_set(&event));
        CHECK(roost_event_is_set(&event));
        CHECK_EQ(0, roost_event_wait(&event));
        CHECK_EQ(0, roost_event_wait(&event));
        CHECK_EQ(0, roost_event_clear(&event));
        CHECK(!roost_event_is_set(&event));
    }
    CHECK_EQ(0, waiting_for(&event));
}

ROOST_TEST(who_waits_goes_on_when_it_is_set, .fifo = true)
{
    roost_event event = ROOST_EVENT_INIT;
    struct marks marks = {0};
    int seen[4];
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 4; i++)
            ROOST_GO(g, await, &event, &marks, 'a' + i, &seen[i]);
        rc = settled(rc);
        CHECK_EQ(4, waiting_for(&event));
        CHECK_EQ(0, roost_event_set(&event));
        CHECK_EQ(0, waiting_for(&event));
        CHECK_EQ(0, marks.count);
    }
    CHECK_EQ(0, rc);
    CHECK_MARKS("abcd", marks);
}

ROOST_TEST(a_deadline_ends_the_wait)
{
    roost_event event = ROOST_EVENT_INIT;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_event_wait(&event)));
    CHECK_EQ(0, waiting_for(&event));
    CHECK_EQ(0, roost_event_set(&event));
    CHECK_EQ(0, ROOST_WITHIN(ROOST_MS(1), roost_event_wait(&event)));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(0, roost_event_wait(&event)));
}

ROOST_TEST(one_in_the_middle_gives_up)
{
    roost_event event = ROOST_EVENT_INIT;
    struct marks marks = {0};
    int seen[3] = {1, 1, 1};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *middle = NULL;
        ROOST_GO(g, await, &event, &marks, 'a', &seen[0]);
        rc = settled(rc);
        if (rc == 0)
            rc = ROOST_SPAWN(&middle, g, await, &event, &marks, 'b', &seen[1]);
        rc = settled(rc);
        ROOST_GO(g, await, &event, &marks, 'c', &seen[2]);
        rc = settled(rc);
        cancel_task(middle);
        CHECK_EQ(2, waiting_for(&event));
        CHECK_EQ(0, roost_event_set(&event));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, seen[0]);
    CHECK_EQ(ROOST_ECANCELED, seen[1]);
    CHECK_EQ(0, seen[2]);
}

ROOST_ASYNC(set_first, roost_event *, event, roost_event *, next)
{
    int rc = roost_event_wait(event);
    roost_event_set(next);
    return rc;
}

ROOST_TEST(a_chain_of_events_ends)
{
    enum { LINKS = 20 };
    roost_event events[LINKS + 1] = {ROOST_EVENT_INIT};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = LINKS - 1; i >= 0; i--)
            ROOST_GO(g, set_first, &events[i], &events[i + 1]);
        CHECK_EQ(0, roost_event_set(&events[0]));
        rc = roost_event_wait(&events[LINKS]);
    }
    CHECK_EQ(0, rc);
}

static void set_posted(void *arg)
{
    CHECK_EQ(0, roost_event_set(arg));
}

ROOST_TEST(a_post_may_set_it)
{
    static roost_event event; /* a torture may end the case before the post runs */
    static roost_post_slot slot;
    roost_poster *poster = NULL;
    if (roost_poster_open(&poster) < 0)
        return;
    roost_post_slot_init(&slot, set_posted, &event);
    CHECK_OK(roost_post_once(poster, &slot));
    CHECK_EQ(0, roost_event_wait(&event));
    roost_poster_close(poster);
}

ROOST_TEST(outside_a_loop_nothing_happens, .plain = true, .no_torture = true)
{
    roost_event event = ROOST_EVENT_INIT;
    CHECK_EQ(ROOST_ENOCTX, roost_event_wait(&event));
    CHECK_EQ(ROOST_ENOCTX, roost_event_set(&event));
    CHECK_EQ(ROOST_ENOCTX, roost_event_clear(&event));
    CHECK(!roost_event_is_set(&event));
}

ROOST_ASYNC(use_far, roost_event *, event)
{
    CHECK_EQ(ROOST_EXLOOP, roost_event_wait(event));
    CHECK_EQ(ROOST_EXLOOP, roost_event_clear(event));
    CHECK_EQ(ROOST_EXLOOP, roost_event_set(event));
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    roost_event event = ROOST_EVENT_INIT;
    CHECK_EQ(0, roost_event_set(&event));
    CHECK_EQ(0, roost_on_loop(1, ROOST_CALL(use_far, &event), NULL));
    CHECK(roost_event_is_set(&event));
}

static roost_event kept; /* outlives the runs of a case */

ROOST_ASYNC(wait_kept)
{
    if (!roost_event_is_set(&kept))
        ROOST_TRY(roost_event_set(&kept));
    return roost_event_wait(&kept);
}

ROOST_TEST(an_event_outlives_its_run, .plain = true)
{
    CHECK_EQ(0, roost_test_run(ROOST_CALL(wait_kept), NULL));
    CHECK_EQ(0, roost_test_run(ROOST_CALL(wait_kept), NULL));
}
