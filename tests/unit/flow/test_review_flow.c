/* tests/unit/flow/test_review_flow.c - what a review of the block macros found: an argument that
 * returns from the function leaves nothing to clean up.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/testing.h>

/* Leaves its byte all over the stack that the next function called will use. */
static __attribute__((noinline)) void soil(int byte)
{
    char stack[8192];
    memset(stack, byte, sizeof stack);
    __asm__ volatile("" : : "r"(stack) : "memory");
}

static __attribute__((noinline)) int refuse(void)
{
    return -EIO;
}

/* The function returns before it has begun anything, whatever lay where its objects do. */
static int soiled(int (*function)(void))
{
    for (int byte = 0; byte < 256; byte++) {
        soil(byte);
        int rc = function();
        if (rc != -EIO)
            return rc;
    }
    return -EIO;
}

ROOST_ASYNC(twice, int, value, int *, out)
{
    *out = 2 * value;
    return 0;
}

ROOST_ASYNC(count_to, roost_gen *, gen, int, n)
{
    for (int i = 0; i < n; i++)
        ROOST_TRY(roost_gen_yield(gen, &i));
    return 0;
}

static int no_page(void *arg, roost_page *page)
{
    (void)arg;
    (void)page;
    return 0;
}

static __attribute__((noinline)) int generate(void)
{
    int item;
    ROOST_GEN(numbers, int, count_to, ROOST_TRY(refuse()));
    return roost_iter_next(&numbers->iter, &item);
}

static __attribute__((noinline)) int paginate(void)
{
    int item;
    ROOST_PAGINATE(pages, int, NULL, no_page, (void *)(intptr_t)ROOST_TRY(refuse()));
    return roost_iter_next(&pages->iter, &item);
}

static __attribute__((noinline)) int complete(void)
{
    int out = 0;
    int result = 0;
    int rc = 0;
    size_t index = 0;
    const roost_call calls[] = {ROOST_CALL(twice, 1, &out)};
    ROOST_AS_COMPLETED(index, result, calls, (size_t)ROOST_TRY(refuse()), rc)
    continue;
    return rc;
}

static __attribute__((noinline)) int map(void)
{
    const int items[] = {1, 2};
    int out[2];
    return roost_map(twice, items, (size_t)ROOST_TRY(refuse()), out);
}

static __attribute__((noinline)) int within(void)
{
    return ROOST_WITHIN(ROOST_TRY(refuse()), roost_yield());
}

static __attribute__((noinline)) int timeout(void)
{
    int rc = 0;
    ROOST_TIMEOUT(rc, ROOST_TRY(refuse()))
        rc = roost_yield();
    return rc;
}

static __attribute__((noinline)) int cleanup(void)
{
    ROOST_CLEANUP(ROOST_TRY(refuse()))
        roost_ignore(roost_yield());
    return 0;
}

ROOST_TEST(an_argument_of_a_generator_may_return)
{
    CHECK_EQ(-EIO, soiled(generate));
    CHECK_EQ(-EIO, soiled(paginate));
}

ROOST_TEST(an_argument_of_calls_as_they_end_may_return)
{
    CHECK_EQ(-EIO, soiled(complete));
}

ROOST_TEST(the_number_of_items_may_return)
{
    CHECK_EQ(-EIO, soiled(map));
}

ROOST_TEST(the_time_of_a_scope_may_return)
{
    CHECK_EQ(-EIO, soiled(within));
    CHECK_EQ(-EIO, soiled(timeout));
    CHECK_EQ(-EIO, soiled(cleanup));
}
