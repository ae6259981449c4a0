/* tests/unit/base/test_mem.c - the door to the heap: plans, sites, counters.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"

#include <pthread.h>
#include <string.h>

#include "kit/kit.h"
#include "port/fiber.h"

static struct roosti_mem_stats stats_now(void)
{
    struct roosti_mem_stats stats;
    roosti_mem_stats_get(&stats);
    return stats;
}

/* Five requests of different kinds; bit i of the result: the i-th was granted. */
static unsigned five_requests(void)
{
    unsigned granted = 0;
    void *one = roosti_alloc(10, "one");
    void *two = roosti_alloc_zero(4, 8, "two");
    void *three = roosti_realloc(NULL, 10, "three");
    void *four = roosti_realloc(three, 1000, "four");
    bool five = roosti_may_take("five");
    granted |= (one != NULL) * 1u | (two != NULL) * 2u | (three != NULL) * 4u |
               (four != NULL) * 8u | five * 16u;
    roosti_free(one);
    roosti_free(two);
    roosti_free(four ? four : three);
    return granted;
}

ROOST_TEST(without_a_plan_every_request_is_granted_and_none_counted, .plain = true)
{
    roosti_mem_plan_set(NULL);
    int64_t live = stats_now().live;
    CHECK_EQ(31, five_requests());
    CHECK_EQ(0, stats_now().requests);
    CHECK_EQ(live, stats_now().live);
}

ROOST_TEST(the_request_asked_for_is_refused_and_no_other, .plain = true, .no_torture = true)
{
    for (unsigned nth = 1; nth <= 6; nth++) {
        roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = nth});
        CHECK_EQ(31u & ~(1u << (nth - 1)), five_requests());
        CHECK_EQ(5, stats_now().requests);
        CHECK_EQ(nth <= 5, stats_now().refused);
    }
    roosti_mem_plan_set(NULL);
}

ROOST_TEST(and_all_later_ones_when_the_plan_says_so, .plain = true, .no_torture = true)
{
    for (unsigned nth = 1; nth <= 6; nth++) {
        roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = nth, .fail_after_too = true});
        CHECK_EQ((1u << (nth - 1)) - 1, five_requests());
        CHECK_EQ(6 - nth, stats_now().refused);
    }
    roosti_mem_plan_set(NULL);
}

ROOST_TEST(a_plan_that_fails_nothing_only_counts, .plain = true, .no_torture = true)
{
    roosti_mem_plan_set(&(struct roosti_mem_plan){0});
    CHECK_EQ(31, five_requests());
    CHECK_EQ(5, stats_now().requests);
    CHECK_EQ(0, stats_now().refused);
    roosti_mem_plan_set(NULL);
    CHECK_EQ(0, stats_now().requests);
}

ROOST_TEST(live_counts_blocks_and_nothing_else, .plain = true, .no_torture = true)
{
    int64_t before = stats_now().live;
    void *block = roosti_alloc(1, "a block");
    void *zero = roosti_alloc_zero(3, 100, "zeros");
    CHECK_EQ(before + 2, stats_now().live);
    for (int i = 0; i < 300; i++)
        CHECK_EQ(0, ((char *)zero)[i]);
    block = roosti_realloc(block, 5000, "a larger block");
    CHECK(block != NULL);
    CHECK_EQ(before + 2, stats_now().live);
    CHECK(roosti_may_take("no block"));
    roosti_free(NULL);
    CHECK_EQ(before + 2, stats_now().live);
    /* A refusal leaves the block as it was. */
    memset(block, 'b', 5000);
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 1});
    CHECK(roosti_realloc(block, 10000, "too large a block") == NULL);
    roosti_mem_plan_set(NULL);
    CHECK_EQ('b', ((char *)block)[4999]);
    CHECK_EQ(before + 2, stats_now().live);
    roosti_free(block);
    roosti_free(zero);
    CHECK_EQ(before, stats_now().live);
}

ROOST_TEST(a_product_that_overflows_is_refused, .plain = true, .no_torture = true)
{
#if defined(ROOSTI_ASAN) || defined(ROOSTI_TSAN)
    roost_test_skip("sanitizers end the process instead");
#endif
    int64_t before = stats_now().live;
    volatile size_t half = SIZE_MAX / 2 + 1;
    CHECK(roosti_alloc_zero(half, 2, "too many") == NULL);
    CHECK_EQ(before, stats_now().live);
}

/* -- sites --------------------------------------------------------------------------------------*/

static const struct roosti_site *site_of(const char *what)
{
    const struct roosti_site *found = NULL;
    for (const struct roosti_site *site = roosti_mem_sites(); site; site = site->next) {
        if (strcmp(site->what, what) != 0)
            continue;
        CHECK(found == NULL);
        found = site;
    }
    return found;
}

static void ask_here(void)
{
    roosti_free(roosti_alloc(1, "a place of its own"));
}

ROOST_TEST(a_site_registers_once_and_counts, .plain = true, .no_torture = true)
{
    ask_here();
    CHECK(site_of("a place of its own") == NULL); /* production registers nothing */
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = 3});
    for (int i = 0; i < 5; i++)
        ask_here();
    roosti_mem_plan_set(NULL);
    const struct roosti_site *site = site_of("a place of its own");
    CHECK(site != NULL);
    CHECK_STR("ask_here", site->function);
    CHECK(strstr(site->file, "test_mem.c") != NULL);
    CHECK(site->line > 0);
    CHECK_EQ(5, site->hits);
    CHECK_EQ(1, site->failures);
    roosti_mem_plan_set(&(struct roosti_mem_plan){0});
    ask_here();
    roosti_mem_plan_set(NULL);
    CHECK_EQ(6, site->hits);
    CHECK_EQ(1, site->failures);
    CHECK(site_of("a place of its own") == site);
}

enum { ASKERS = 4, ASKED_EACH = 5000 };

static void *ask_often(void *arg)
{
    int *granted = arg;
    for (int i = 0; i < ASKED_EACH; i++) {
        void *block = roosti_alloc(8, "asked by many threads");
        *granted += block != NULL;
        roosti_free(block);
    }
    return NULL;
}

ROOST_TEST(one_of_the_requests_of_many_threads_is_refused, .plain = true, .no_torture = true)
{
    pthread_t threads[ASKERS];
    int granted[ASKERS] = {0};
    int64_t live = stats_now().live;
    roosti_mem_plan_set(&(struct roosti_mem_plan){.fail_at = ASKERS * ASKED_EACH / 2});
    for (int i = 0; i < ASKERS; i++)
        CHECK_EQ(0, pthread_create(&threads[i], NULL, ask_often, &granted[i]));
    int sum = 0;
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(threads[i], NULL);
        sum += granted[i];
    }
    CHECK_EQ(ASKERS * ASKED_EACH, stats_now().requests);
    CHECK_EQ(1, stats_now().refused);
    roosti_mem_plan_set(NULL);
    CHECK_EQ(ASKERS * ASKED_EACH - 1, sum);
    CHECK_EQ(live, stats_now().live);
    CHECK_EQ(ASKERS * ASKED_EACH, site_of("asked by many threads")->hits);
}
