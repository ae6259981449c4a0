/* tests/unit/offload/test_cpu_map.c - one function over many items, on threads.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdatomic.h>

#include <roost/testing.h>

ROOST_ASYNC(square, int, n, long *, out)
{
    *out = (long)n * n;
    return n;
}

ROOST_TEST(outside_a_task_nothing_is_called, .plain = true)
{
    int items[2] = {1, 2};
    long results[2] = {-1, -1};
    CHECK_EQ(ROOST_ENOCTX, roost_cpu_map(square, items, 2, results));
    CHECK_EQ(-1, results[0]);
}

ROOST_TEST(every_item_is_called_once)
{
    int items[100];
    long results[100];
    for (int i = 0; i < 100; i++)
        items[i] = i;
    for (size_t n = 0; n <= 100; n += n < 3 ? 1 : 97) {
        for (int i = 0; i < 100; i++)
            results[i] = -1;
        CHECK_EQ(0, roost_cpu_map(square, items, n, results));
        for (int i = 0; i < 100; i++)
            CHECK_EQ((size_t)i < n ? i * i : -1, results[i]);
    }
}

ROOST_TEST(its_threads_can_be_chosen)
{
    int items[5] = {1, 2, 3, 4, 5};
    long results[5] = {0};
    roost_executor *two;
    if (roost_executor_open(&(roost_executor_opts){.threads = 2}, &two) < 0)
        return;
    const roost_cpu_map_opts opts = {.executor = two, .threads = 4};
    CHECK_EQ(0, roost_cpu_map(square, items, 5, results, &opts));
    CHECK_EQ(25, results[4]);
    roost_executor_stats stats;
    CHECK_OK(roost_executor_stats_get(two, &stats));
    CHECK(stats.threads <= 2);
    CHECK_EQ(4, stats.calls);
    CHECK_EQ(0, roost_executor_close(two));
}

static atomic_int called;

ROOST_ASYNC(fail_at_three, int, n, int *, out)
{
    called++;
    *out = n;
    return n == 3 ? roost_error_note(-EIO, "item %d", n) : 0;
}

ROOST_TEST(the_first_failure_ends_it)
{
    int items[1000];
    int results[1000];
    for (int i = 0; i < 1000; i++)
        items[i] = i;
    called = 0;
    const roost_cpu_map_opts opts = {.threads = 1};
    CHECK_EQ(-EIO, roost_cpu_map(fail_at_three, items, 1000, results, &opts));
    CHECK_EQ(4, called);
    called = 0;
    CHECK_EQ(-EIO, roost_cpu_map(fail_at_three, items, 1000, results));
    CHECK(called >= 4);
}

ROOST_ASYNC(map_many, int *, items, long *, results)
{
    return roost_cpu_map(square, items, 4, results);
}

ROOST_TEST(a_cancelled_task_maps_nothing)
{
    int items[4] = {1, 2, 3, 4};
    long results[4] = {-1, -1, -1, -1};
    roost_scope scope;
    roost_scope_init(&scope, NULL);
    CHECK_OK(roost_scope_enter(&scope));
    roost_scope_cancel(&scope, "beforehand");
    CHECK_EQ(ROOST_ECANCELED, map_many(items, results));
    CHECK_EQ(0, roost_scope_end(&scope, ROOST_ECANCELED));
    CHECK_EQ(-1, results[0]);
}

ROOST_ASYNC(give_up_at_three, int, n, int *, out)
{
    called++;
    *out = n;
    return n == 3 ? ROOST_ECANCELED : 0;
}

ROOST_TEST(a_call_that_gives_up_ends_it_too)
{
    int items[8] = {0, 1, 2, 3, 4, 5, 6, 7};
    int results[8];
    called = 0;
    const roost_cpu_map_opts opts = {.threads = 1};
    CHECK_EQ(ROOST_ECANCELED, roost_cpu_map(give_up_at_three, items, 8, results, &opts));
    CHECK_EQ(4, called);
    CHECK_EQ(ROOST_ECANCELED, roost_cpu_map(give_up_at_three, items, 8, results));
    CHECK(!roost_cancelled());
}

static bool gate;

ROOST_ASYNC(pass_gate)
{
    while (!gate)
        ROOST_TRY(roost_sleep(ROOST_US(100)));
    return 0;
}

ROOST_ASYNC(stand_at_gate)
{
    int result = 0;
    int rc = roost_from_thread_call(ROOST_CALL(pass_gate), &result);
    return rc < 0 ? rc : result;
}

ROOST_ASYNC(send_to_gate, roost_executor *, executor)
{
    return roost_to_thread_with(ROOST_CALL(stand_at_gate),
                                &(roost_thread_opts){.executor = executor});
}

ROOST_ASYNC(map_there, roost_executor *, executor, int *, rc)
{
    int items[3] = {1, 2, 3};
    long results[3] = {-1, -1, -1};
    *rc = roost_cpu_map(square, items, 3, results, &(roost_cpu_map_opts){.executor = executor});
    CHECK_EQ(-1, results[0]);
    return 0;
}

ROOST_ASYNC(open_gate_later)
{
    int rc = roost_sleep(ROOST_MS(2));
    gate = true;
    return rc;
}

ROOST_TEST(closing_its_executor_ends_it, .fifo = true)
{
    int rc = 0;
    int map_rc = 1;
    roost_executor *one;
    gate = false;
    if (roost_executor_open(&(roost_executor_opts){.threads = 1}, &one) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, send_to_gate, one);
        CHECK_OK(roost_test_settle());
        ROOST_GO(g, map_there, one, &map_rc);
        CHECK_OK(roost_test_settle());
        ROOST_GO(g, open_gate_later);
        CHECK_EQ(0, roost_executor_close(one));
    }
    CHECK_OK(rc);
    CHECK_EQ(ROOST_ECANCELED, map_rc);
}
