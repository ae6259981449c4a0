/* tests/unit/flow/test_workers.c - a channel worked off: each item once, failures, pauses, the end.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/testing.h>

enum { JOBS = 40, WIDE = 1000 };

struct shop {
    int done[JOBS];
    int busy;
    int busy_max;
    int failures;
    int fail_at; /* the job that fails; -1: none */
    int code;
    int verdict; /* what on_failure says */
    roost_time failed_at[8];
};

struct wide {
    int number;
    char text[WIDE];
};

static ROOST_SUSPENDS int work(void *arg, void *item)
{
    struct shop *shop = arg;
    int number = *(int *)item;
    if (++shop->busy > shop->busy_max)
        shop->busy_max = shop->busy;
    int rc = roost_sleep(ROOST_MS(1));
    shop->busy--;
    ROOST_TRY(rc);
    if (number == shop->fail_at || shop->fail_at == JOBS)
        return shop->code;
    shop->done[number]++;
    return number;
}

static int on_failure(void *arg, const void *item, int rc)
{
    struct shop *shop = arg;
    CHECK_EQ(shop->code, rc);
    CHECK(shop->fail_at == JOBS || *(const int *)item == shop->fail_at);
    if (shop->failures < 8)
        shop->failed_at[shop->failures] = roost_now();
    shop->failures++;
    return shop->verdict;
}

ROOST_ASYNC(fill, roost_chan *, ch, int, count)
{
    int rc = 0;
    for (int i = 0; i < count && rc == 0; i++)
        rc = roost_chan_send(ch, &i);
    roost_ignore(roost_chan_close_send(ch));
    return rc == ROOST_EBROKEN ? 0 : rc;
}

/* So many workers on so many jobs. */
static ROOST_SUSPENDS int shop_run(struct shop *shop, uint32_t workers, int jobs,
                                   const roost_workers_opts *opts)
{
    ROOST_AUTO(chan) roost_chan *ch = NULL;
    int rc = 0;
    int came_to = 0;
    ROOST_TRY(roost_chan_open(&(roost_chan_opts){.item_size = sizeof(int), .capacity = 2}, &ch));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, fill, ch, jobs);
        came_to = roost_workers(workers, ch, work, shop, opts);
        roost_ignore(roost_chan_close_recv(ch));
        rc = came_to == ROOST_ECANCELED ? came_to : 0;
    }
    return came_to;
}

ROOST_TEST(each_job_is_done_once)
{
    struct shop shop = {.fail_at = -1};
    CHECK_EQ(0, shop_run(&shop, 4, JOBS, NULL));
    for (int i = 0; i < JOBS; i++)
        CHECK_EQ(1, shop.done[i]);
    CHECK_EQ(4, shop.busy_max);
}

ROOST_TEST(the_first_failure_ends_all)
{
    struct shop shop = {.fail_at = 5, .code = -EIO};
    CHECK_EQ(-EIO, shop_run(&shop, 3, JOBS, NULL));
    CHECK_EQ(0, shop.done[JOBS - 1]);
    CHECK_EQ(0, shop.busy);
}

ROOST_TEST(a_failure_that_is_seen_to_ends_nothing)
{
    struct shop shop = {.fail_at = 5, .code = -EIO, .verdict = 1};
    CHECK_EQ(0, shop_run(&shop, 3, JOBS, &(roost_workers_opts){.on_failure = on_failure}));
    CHECK_EQ(1, shop.failures);
    for (int i = 0; i < JOBS; i++)
        CHECK_EQ(i != 5, shop.done[i]);
}

ROOST_TEST(who_sees_to_a_failure_may_end_all_with_a_code_of_its_own)
{
    struct shop shop = {.fail_at = 5, .code = -EIO, .verdict = -EPIPE};
    CHECK_EQ(-EPIPE, shop_run(&shop, 3, JOBS, &(roost_workers_opts){.on_failure = on_failure}));
    CHECK_EQ(1, shop.failures);
}

ROOST_TEST(pauses_after_failures_grow)
{
    struct shop shop = {.fail_at = JOBS, .code = -EIO};
    roost_workers_opts opts = {.on_failure = on_failure, .backoff = ROOST_MS(2)};
    CHECK_EQ(0, shop_run(&shop, 1, 5, &opts));
    CHECK_EQ(5, shop.failures);
    for (int i = 1; i < 5 && roost_test_virtual(); i++)
        CHECK_EQ(ROOST_MS(1) + (ROOST_MS(2) << (i - 1)), shop.failed_at[i] - shop.failed_at[i - 1]);
}

ROOST_TEST(a_cancelled_crew_has_come_home)
{
    struct shop shop = {.fail_at = -1};
    int rc = 0;
    ROOST_MOVE_ON(rc, ROOST_MS(3))
        rc = shop_run(&shop, 2, JOBS, NULL);
    CHECK_EQ(0, rc);
    CHECK_EQ(0, shop.busy);
    CHECK_EQ(0, shop.done[JOBS - 1]);
}

static int count_wide(void *arg, void *item)
{
    const struct wide *wide = item;
    CHECK_EQ('w', wide->text[WIDE - 1]);
    *(int *)arg += wide->number;
    return 0;
}

ROOST_TEST(items_of_any_size)
{
    ROOST_AUTO(chan) roost_chan *ch = NULL;
    struct wide wide;
    int sum = 0;
    memset(&wide, 'w', sizeof wide);
    CHECK_OK(roost_chan_open(&(roost_chan_opts){.item_size = sizeof wide, .capacity = 4}, &ch));
    if (!ch)
        return;
    for (wide.number = 1; wide.number < 5; wide.number++)
        CHECK_OK(roost_chan_try_send(ch, &wide));
    roost_ignore(roost_chan_close_send(ch));
    CHECK_EQ(0, roost_workers(2, ch, count_wide, &sum, NULL));
    CHECK_EQ(10, sum);
}

ROOST_TEST(what_cannot_work_is_refused)
{
    ROOST_AUTO(chan) roost_chan *ch = NULL;
    CHECK_OK(roost_chan_open(&(roost_chan_opts){.item_size = 1}, &ch));
    CHECK_EQ(ROOST_EINVAL, roost_workers(0, ch, work, NULL, NULL));
    CHECK_EQ(ROOST_EINVAL, roost_workers(1, NULL, work, NULL, NULL));
    CHECK_EQ(ROOST_EINVAL, roost_workers(1, ch, NULL, NULL, NULL));
}

ROOST_TEST(outside_a_task_it_says_so, .plain = true)
{
    CHECK_EQ(ROOST_ENOCTX, roost_workers(1, NULL, work, NULL, NULL));
}
