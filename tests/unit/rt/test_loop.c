/* tests/unit/rt/test_loop.c - the loop's own random stream.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/loop.h"

#include <roost/testing.h>

enum { DRAWS = 4 };

ROOST_ASYNC(draw, uint64_t *, words)
{
    for (int i = 0; i < DRAWS; i++)
        words[i] = roosti_loop_random(roosti_loop_here);
    return 0;
}

static int draw_with_seed(uint64_t seed, uint64_t *words)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.seed = seed;
    return roost_test_run(ROOST_CALL(draw, words), &opts);
}

static bool same(const uint64_t *a, const uint64_t *b)
{
    for (int i = 0; i < DRAWS; i++)
        if (a[i] != b[i])
            return false;
    return true;
}

ROOST_TEST(the_stream_of_a_loop_follows_from_the_seed_in_simulation_only, .plain = true)
{
    uint64_t first[DRAWS] = {0};
    uint64_t again[DRAWS] = {0};
    uint64_t other[DRAWS] = {0};
    CHECK_OK(draw_with_seed(7, first));
    CHECK_OK(draw_with_seed(7, again));
    CHECK_OK(draw_with_seed(8, other));
    CHECK_EQ(roost_test_virtual(), same(first, again));
    CHECK(!same(first, other));
    for (int i = 1; i < DRAWS; i++)
        CHECK(first[i] != first[i - 1]);
}
