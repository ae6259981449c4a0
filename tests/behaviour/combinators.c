/* tests/behaviour/combinators.c - behaviours B48 to B54: several calls at once.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <roost.h>

/* What the calls of a case leave behind for its checks. */
struct tally {
    int begun;
    int ended;
    int cancelled;
};

/* Sleeps, and then comes to a code; notes what happened to it. */
ROOST_ASYNC(take, roost_dur, dur, int, code, struct tally *, tally)
{
    tally->begun++;
    int rc = roost_sleep(dur);
    tally->ended++;
    if (rc == ROOST_ECANCELED)
        tally->cancelled++;
    ROOST_TRY(rc);
    return code;
}

/* Notes when it begins, and goes on as take does. */
ROOST_ASYNC(attempt, roost_dur, dur, int, code, roost_dur *, began)
{
    *began = roost_now() - roost_test_start();
    ROOST_TRY(roost_sleep(dur));
    return code;
}

static void check_time(roost_dur want, roost_dur got)
{
    if (roost_test_virtual())
        CHECK_EQ(want, got);
}

/* -- B48 and B49: gather ----------------------------------------------------------------------- */

BEHAVIOUR(48, gather_keeps_the_order_of_its_calls)
{
    struct tally tally = {0};
    int codes[3];
    CHECK_EQ(0, ROOST_GATHER(codes, ROOST_CALL(take, ROOST_MS(30), 30, &tally),
                             ROOST_CALL(take, ROOST_MS(10), 10, &tally),
                             ROOST_CALL(take, ROOST_MS(20), 20, &tally)));
    CHECK_EQ(30, codes[0]);
    CHECK_EQ(10, codes[1]);
    CHECK_EQ(20, codes[2]);
    check_time(ROOST_MS(30), roost_now() - roost_test_start());
}

BEHAVIOUR(48, collected_failures_stand_in_their_places)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    struct tally tally = {0};
    int codes[4];
    size_t indices[4];
    const roost_call calls[] = {
        ROOST_CALL(take, ROOST_MS(30), -EIO, &tally), ROOST_CALL(take, ROOST_MS(10), 10, &tally),
        ROOST_CALL(take, ROOST_MS(20), -EPIPE, &tally), ROOST_CALL(take, ROOST_MS(40), 40, &tally)};
    roost_gather_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    CHECK_EQ(0, roost_gather(calls, 4, codes, &opts));
    CHECK_EQ(0, tally.cancelled);
    CHECK_EQ(-EIO, codes[0]);
    CHECK_EQ(10, codes[1]);
    CHECK_EQ(-EPIPE, codes[2]);
    CHECK_EQ(40, codes[3]);
    CHECK_EQ(2, roost_errors_count(&errors));
    CHECK(roost_errors_at(&errors, 0) && roost_errors_at(&errors, 0)->code == -EPIPE);
    CHECK_EQ(2, roost_results_partition(codes, 4, indices));
    CHECK_EQ(1, indices[0]);
    CHECK_EQ(3, indices[1]);
    CHECK_EQ(0, indices[2]);
    CHECK_EQ(2, indices[3]);
}

BEHAVIOUR(49, fail_fast_gather_leaves_no_running_sibling)
{
    struct tally tally = {0};
    int codes[3];
    CHECK_EQ(-EIO, ROOST_GATHER(codes, ROOST_CALL(take, ROOST_SEC(60), 0, &tally),
                                ROOST_CALL(take, ROOST_MS(20), -EIO, &tally),
                                ROOST_CALL(take, ROOST_MS(10), 7, &tally)));
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(1, tally.cancelled);
    CHECK_EQ(ROOST_ECANCELED, codes[0]);
    CHECK_EQ(-EIO, codes[1]);
    CHECK_EQ(7, codes[2]);
    CHECK(!roost_cancelled());
    check_time(ROOST_MS(20), roost_now() - roost_test_start());
}

BEHAVIOUR(49, cancelling_who_gathers_cancels_all_under_both_policies)
{
    for (int policy = ROOST_FAIL_FAST; policy <= ROOST_COLLECT; policy++) {
        struct tally tally = {0};
        int codes[2] = {0};
        const roost_call calls[] = {ROOST_CALL(take, ROOST_SEC(60), 0, &tally),
                                    ROOST_CALL(take, ROOST_SEC(60), 0, &tally)};
        roost_gather_opts opts = {.policy = (enum roost_group_policy)policy};
        int rc = ROOST_WITHIN(ROOST_MS(10), roost_gather(calls, 2, codes, &opts));
        CHECK_EQ(ROOST_ETIMEDOUT, rc);
        CHECK_ALWAYS(tally.begun == tally.ended);
        CHECK_EQ(2, tally.cancelled);
        CHECK_EQ(ROOST_ECANCELED, codes[0]);
        CHECK_EQ(ROOST_ECANCELED, codes[1]);
    }
}

/* -- B50: handles ------------------------------------------------------------------------------ */

BEHAVIOUR(50, the_same_handle_twice_is_waited_for_once)
{
    struct tally tally = {0};
    int codes[3] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *first = NULL;
        roost_task *second = NULL;
        rc = ROOST_SPAWN(&first, g, take, ROOST_MS(20), 1, &tally);
        if (rc == 0)
            rc = ROOST_SPAWN(&second, g, take, ROOST_MS(10), 2, &tally);
        if (rc == 0) {
            roost_task *tasks[] = {first, second, first};
            rc = roost_gather_tasks(tasks, 3, codes, NULL);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, tally.begun);
    CHECK_EQ(1, codes[0]);
    CHECK_EQ(2, codes[1]);
    CHECK_EQ(1, codes[2]);
}

BEHAVIOUR(50, also_when_it_has_finished)
{
    struct tally tally = {0};
    int codes[2] = {0};
    int rc = 0;
    ROOST_GROUP(g, rc) {
        roost_task *task = NULL;
        rc = ROOST_SPAWN(&task, g, take, ROOST_MS(10), 1, &tally);
        if (rc == 0)
            rc = roost_sleep(ROOST_MS(20));
        if (rc == 0) {
            roost_task *tasks[] = {task, task};
            rc = roost_gather_tasks(tasks, 2, codes, NULL);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, codes[0]);
    CHECK_EQ(1, codes[1]);
}

/* Longer than any case; under torture the call that was to win may fail, and this one goes on. */
static roost_dur longer(void)
{
    return roost_test_tortured() && !roost_test_virtual() ? ROOST_MS(20) : ROOST_SEC(60);
}

/* -- B51 to B53: races ------------------------------------------------------------------------- */

struct discarded {
    int count;
    size_t index;
    int value;
};

static void discard(void *arg, size_t index, int value)
{
    *(struct discarded *)arg =
        (struct discarded){((struct discarded *)arg)->count + 1, index, value};
}

/* Cannot be stopped, like an accepted connection. */
ROOST_ASYNC(take_shielded, roost_dur, dur, int, value)
{
    int rc = 0;
    ROOST_CLEANUP(ROOST_FOREVER) {
        rc = roost_sleep(dur);
    }
    ROOST_TRY(rc);
    return value;
}

BEHAVIOUR(51, a_second_success_in_the_same_tick_is_discarded, .fifo = true)
{
    struct tally tally = {0};
    struct discarded gone = {0};
    int result = 0;
    const roost_call calls[] = {ROOST_CALL(take, longer(), 1, &tally),
                                ROOST_CALL(take, ROOST_MS(10), 2, &tally),
                                ROOST_CALL(take, ROOST_MS(10), 3, &tally)};
    roost_race_opts opts = {.discard = discard, .arg = &gone, .result = &result};
    CHECK_EQ(1, roost_race(calls, 3, &opts));
    CHECK_EQ(2, result);
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(1, tally.cancelled);
    if (roost_test_virtual()) {
        CHECK_EQ(1, gone.count);
        CHECK_EQ(2, gone.index);
        CHECK_EQ(3, gone.value);
    }
}

BEHAVIOUR(51, a_loser_that_could_not_be_stopped_is_discarded)
{
    struct tally tally = {0};
    struct discarded gone = {0};
    const roost_call calls[] = {ROOST_CALL(take_shielded, ROOST_MS(50), 9),
                                ROOST_CALL(take, ROOST_MS(10), 2, &tally)};
    roost_race_opts opts = {.discard = discard, .arg = &gone};
    CHECK_EQ(1, roost_race(calls, 2, &opts));
    CHECK_EQ(1, gone.count);
    CHECK_EQ(0, gone.index);
    CHECK_EQ(9, gone.value);
    check_time(ROOST_MS(50), roost_now() - roost_test_start());
}

BEHAVIOUR(52, a_failure_starts_the_next_at_once)
{
    roost_dur began[4] = {-1, -1, -1, -1};
    const roost_call calls[] = {ROOST_CALL(attempt, ROOST_MS(100), -ECONNREFUSED, &began[0]),
                                ROOST_CALL(attempt, ROOST_MS(200), -ECONNREFUSED, &began[1]),
                                ROOST_CALL(attempt, ROOST_SEC(10), 0, &began[2]),
                                ROOST_CALL(attempt, ROOST_MS(250), 0, &began[3])};
    /* On a real clock a tenth of a tenth will do. */
    if (!roost_test_virtual()) {
        roost_race_opts opts = {.stagger = ROOST_MS(10)};
        const roost_call quick[] = {ROOST_CALL(attempt, 0, -ECONNREFUSED, &began[0]),
                                    ROOST_CALL(attempt, ROOST_MS(30), 0, &began[1])};
        CHECK_EQ(1, roost_race(quick, 2, &opts));
        CHECK(began[0] <= began[1]);
        return;
    }
    CHECK_EQ(3, roost_staggered_race(calls, 4, ROOST_MS(250), NULL));
    CHECK_EQ(0, began[0]);
    CHECK_EQ(ROOST_MS(100), began[1]);
    CHECK_EQ(ROOST_MS(300), began[2]);
    CHECK_EQ(ROOST_MS(550), began[3]);
    CHECK_EQ(ROOST_MS(800), roost_now() - roost_test_start());
}

BEHAVIOUR(53, when_all_fail_every_error_is_there)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    struct tally tally = {0};
    int result = 17;
    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(30), -EIO, &tally),
                                ROOST_CALL(take, ROOST_MS(10), -ECONNREFUSED, &tally),
                                ROOST_CALL(take, ROOST_MS(20), -EHOSTUNREACH, &tally)};
    roost_race_opts opts = {.errors = &errors, .result = &result};
    CHECK_EQ(-ECONNREFUSED, roost_race(calls, 3, &opts));
    CHECK_EQ(17, result);
    CHECK_EQ(3, roost_errors_count(&errors));
    CHECK(roost_errors_at(&errors, 2) != NULL);
    if (roost_errors_at(&errors, 2)) {
        CHECK_EQ(-ECONNREFUSED, roost_errors_at(&errors, 0)->code);
        CHECK_EQ(-EHOSTUNREACH, roost_errors_at(&errors, 1)->code);
        CHECK_EQ(-EIO, roost_errors_at(&errors, 2)->code);
        CHECK_STR("take", roost_errors_at(&errors, 2)->task_name);
    }
}

/* -- B54: as they end -------------------------------------------------------------------------- */

BEHAVIOUR(54, calls_come_in_the_order_they_end)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, ROOST_MS(30), 30, &tally),
                                ROOST_CALL(take, ROOST_MS(10), -EIO, &tally),
                                ROOST_CALL(take, ROOST_MS(20), 20, &tally)};
    size_t order[3] = {9, 9, 9};
    int codes[3] = {0};
    size_t index = 0;
    size_t seen = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, 3, rc)
    {
        order[seen] = index;
        codes[seen++] = result;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(3, seen);
    CHECK_EQ(1, order[0]);
    CHECK_EQ(2, order[1]);
    CHECK_EQ(0, order[2]);
    CHECK_EQ(-EIO, codes[0]);
    CHECK_EQ(20, codes[1]);
    CHECK_EQ(30, codes[2]);
}

static int first_of(const roost_call *calls, size_t n)
{
    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, n, rc)
    return result;
    return rc;
}

BEHAVIOUR(54, leaving_early_cancels_the_rest)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, ROOST_SEC(60), 1, &tally),
                                ROOST_CALL(take, ROOST_MS(10), 2, &tally),
                                ROOST_CALL(take, ROOST_SEC(60), 3, &tally)};
    CHECK_EQ(2, first_of(calls, 3));
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(3, tally.begun);
    CHECK_EQ(2, tally.cancelled);
    CHECK(!roost_cancelled());

    size_t index = 0;
    int result = 0;
    int rc = 0;
    ROOST_AS_COMPLETED(index, result, calls, 3, rc)
    break;
    CHECK_EQ(0, rc);
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(4, tally.cancelled);
    check_time(ROOST_MS(20), roost_now() - roost_test_start());
}

BEHAVIOUR(54, a_deadline_ends_the_waiting_and_the_calls)
{
    struct tally tally = {0};
    const roost_call calls[] = {ROOST_CALL(take, ROOST_SEC(60), 1, &tally),
                                ROOST_CALL(take, ROOST_MS(10), 2, &tally)};
    size_t index = 9;
    int seen = 0;
    int result = 0;
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_MS(20)) {
        ROOST_AS_COMPLETED(index, result, calls, 2, rc)
        seen++;
    }
    CHECK_EQ(ROOST_ETIMEDOUT, rc);
    if (roost_test_virtual()) {
        CHECK_EQ(1, seen);
        CHECK_EQ(1, index);
    }
    CHECK_ALWAYS(tally.begun == tally.ended);
    CHECK_EQ(1, tally.cancelled);
}
