/* tests/unit/rt/test_var.c - task-locals: who sees what, and when a value is dropped.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "base/mem.h"
#include "kit/kit.h"

/* A value that counts how often it was dropped. Static where the main task still has it at its end.
 */
struct value {
    int drops;
};

static void value_drop(void *value)
{
    ((struct value *)value)->drops++;
}

static const roost_var counted = {.name = "counted", .drop = value_drop};
static const roost_var plain = {.name = "plain"};

ROOST_TEST(a_variable_that_was_never_set_is_null)
{
    CHECK(roost_var_get(&plain) == NULL);
    CHECK(roost_var_get(&counted) == NULL);
}

static int set_in_a_call(int *value)
{
    return roost_var_set(&plain, value);
}

ROOST_TEST(a_call_shares_the_variables_of_its_caller)
{
    int value = 0;
    CHECK_OK(set_in_a_call(&value));
    CHECK(roost_var_get(&plain) == &value);
    CHECK_OK(roost_var_set(&plain, NULL));
    CHECK(roost_var_get(&plain) == NULL);
}

ROOST_ASYNC(look_and_set, void **, seen, void *, own)
{
    *seen = roost_var_get(&counted);
    ROOST_TRY(roost_var_set(&counted, own));
    ROOST_TRY(roost_sleep(ROOST_MS(2)));
    CHECK(roost_var_get(&counted) == own);
    return 0;
}

ROOST_TEST(a_child_starts_with_its_spawners_values_and_keeps_its_own, .no_torture = true)
{
    struct value values[3] = {{0}};
    void *seen[2] = {NULL};
    int rc = 0;
    CHECK_OK(roost_var_set(&counted, &values[0]));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, look_and_set, &seen[0], &values[1]);
        rc = roost_yield();
        ROOST_GO(g, look_and_set, &seen[1], &values[2]);
        rc = roost_sleep(ROOST_MS(1));
        CHECK(roost_var_get(&counted) == &values[0]);
    }
    CHECK_OK(rc);
    CHECK(seen[0] == &values[0] && seen[1] == &values[0]);
    CHECK_EQ(0, values[0].drops);
    CHECK_EQ(1, values[1].drops);
    CHECK_EQ(1, values[2].drops);
    CHECK_OK(roost_var_set(&counted, NULL));
    CHECK_EQ(1, values[0].drops);
    CHECK_OK(roost_var_set(&plain, NULL));
}

ROOST_ASYNC(look_late, void **, seen)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    *seen = roost_var_get(&counted);
    return 0;
}

ROOST_TEST(a_value_lives_until_the_last_task_that_sees_it_is_gone, .no_torture = true)
{
    static struct value values[2] = {{0}};
    void *seen = NULL;
    int rc = 0;
    CHECK_OK(roost_var_set(&counted, &values[0]));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, look_late, &seen);
        /* The child has captured the first value: setting must not take it away. */
        CHECK_OK(roost_var_set(&counted, &values[1]));
        CHECK_EQ(0, values[0].drops);
    }
    CHECK_OK(rc);
    CHECK(seen == &values[0]);
    CHECK(roost_var_get(&counted) == &values[1]);
    /* The spawner's own list still runs through the first. */
    CHECK_EQ(0, values[1].drops);
}

ROOST_ASYNC(set_many, struct value *, values, int, count)
{
    for (int i = 0; i < count; i++)
        ROOST_TRY(roost_var_set(&counted, &values[i]));
    CHECK_EQ(0, values[count - 1].drops);
    return roost_yield();
}

ROOST_TEST(values_nobody_sees_are_dropped_once, .plain = true, .no_torture = true)
{
    struct value values[10] = {{0}};
    CHECK_EQ(0, roost_test_run(ROOST_CALL(set_many, values, 10), NULL));
    for (int i = 0; i < 10; i++)
        CHECK_EQ(1, values[i].drops);
}

ROOST_TEST(without_memory_a_value_stays_with_its_owner, .no_torture = true)
{
    static struct value values[2] = {{0}};
    int rc;
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 1});
    rc = roost_var_set(&counted, &values[0]);
    roosti_mem_plan_set(NULL);
    CHECK_EQ(ROOST_ENOMEM, rc);
    CHECK(roost_var_get(&counted) == NULL);
    CHECK_EQ(0, values[0].drops);
    /* A value of the task's own is replaced in place, which needs no memory. */
    CHECK_OK(roost_var_set(&counted, &values[0]));
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 1, .fail_after_too = true});
    rc = roost_var_set(&counted, &values[1]);
    roosti_mem_plan_set(NULL);
    CHECK_EQ(0, rc);
    CHECK_EQ(1, values[0].drops);
    CHECK(roost_var_get(&counted) == &values[1]);
}

ROOST_ASYNC(look_in_background, void **, seen)
{
    *seen = roost_var_get(&plain);
    return 0;
}

ROOST_TEST(background_tasks_and_calls_to_loops_see_them_too, .no_torture = true)
{
    int value = 0;
    void *seen[2] = {NULL};
    CHECK_OK(roost_var_set(&plain, &value));
    CHECK_OK(roost_bg_spawn(ROOST_CALL(look_in_background, &seen[0]), NULL));
    CHECK_OK(roost_on_loop(0, ROOST_CALL(look_in_background, &seen[1]), NULL));
    CHECK_OK(roost_sleep(ROOST_MS(1)));
    CHECK(seen[0] == &value);
    CHECK(seen[1] == &value);
}

static int overwritten_drops;

static void count_overwritten(void *value)
{
    (void)value;
    overwritten_drops++;
}

static const roost_var overwritten = {.name = "overwritten", .drop = count_overwritten};
static const roost_var beside = {.name = "beside"};

ROOST_ASYNC(outlive_the_next_set, const int *, mine)
{
    CHECK(roost_var_get(&overwritten) == mine);
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    CHECK(roost_var_get(&overwritten) == mine);
    CHECK(roost_var_get(&beside) == &overwritten_drops);
    return 0;
}

ROOST_TEST(a_value_goes_with_the_last_task_that_sees_it, .no_torture = true)
{
    enum { ROUNDS = 100 };
    static int values[ROUNDS];
    int rc = 0;
    CHECK_EQ(0, roost_var_set(&overwritten, &values[0]));
    CHECK_EQ(0, roost_var_set(&beside, &overwritten_drops));
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < ROUNDS; i++) {
            CHECK_EQ(0, roost_var_set(&overwritten, &values[i]));
            ROOST_GO(g, outlive_the_next_set, &values[i]);
        }
    }
    CHECK_EQ(0, rc);
    CHECK(roost_var_get(&overwritten) == &values[ROUNDS - 1]);
    CHECK_EQ(ROUNDS - 1, overwritten_drops);
}
