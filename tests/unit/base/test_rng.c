/* tests/unit/base/test_rng.c - the generator: published values, bounds, streams.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/rng.h"

#include "kit/kit.h"

/* SplitMix64 from state 1234567: the values of its authors' reference program. */
ROOST_TEST(it_gives_the_published_sequence, .plain = true)
{
    static const uint64_t published[] = {6457827717110365317u, 3203168211198807973u,
                                         9817491932198370423u, 4593380528125082431u,
                                         16408922859458223821u};
    struct roosti_rng rng = {1234567};
    for (int i = 0; i < 5; i++)
        CHECK(roosti_rng_next(&rng) == published[i]);
}

ROOST_TEST(draws_stay_below_their_bound_and_reach_every_value, .plain = true)
{
    static const uint64_t bounds[] = {1, 2, 3, 7, 10, 64, 100};
    struct roosti_rng rng = roosti_rng_split(1, "below");
    for (size_t k = 0; k < sizeof bounds / sizeof bounds[0]; k++) {
        unsigned seen[100] = {0};
        for (uint64_t i = 0; i < 2000 * bounds[k]; i++) {
            uint64_t drawn = roosti_rng_below(&rng, bounds[k]);
            CHECK(drawn < bounds[k]);
            seen[drawn]++;
        }
        /* Each is expected 2,000 times; six standard deviations are some 270. */
        for (uint64_t value = 0; value < bounds[k] && bounds[k] > 1; value++)
            CHECK(seen[value] > 1730 && seen[value] < 2270);
    }
    for (int i = 0; i < 1000; i++)
        CHECK(roosti_rng_below(&rng, UINT64_MAX) < UINT64_MAX);
}

ROOST_TEST(chances_are_what_they_say, .plain = true)
{
    struct roosti_rng rng = roosti_rng_split(1, "chance");
    int hits = 0;
    for (int i = 0; i < 100000; i++) {
        CHECK(!roosti_rng_chance(&rng, 0));
        CHECK(roosti_rng_chance(&rng, 1000));
        hits += roosti_rng_chance(&rng, 250);
    }
    CHECK(hits > 24000 && hits < 26000);
}

ROOST_TEST(a_chance_of_nothing_draws_nothing, .plain = true)
{
    struct roosti_rng one = roosti_rng_split(9, "x");
    struct roosti_rng two = one;
    CHECK(!roosti_rng_chance(&one, 0));
    CHECK(roosti_rng_next(&one) == roosti_rng_next(&two));
}

ROOST_TEST(streams_are_apart_by_seed_and_by_name, .plain = true)
{
    static const char *const names[] = {"net", "disk", "tne", "netx", "", "schedule"};
    uint64_t firsts[6 * 20];
    int count = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        for (int i = 0; i < 6; i++) {
            struct roosti_rng rng = roosti_rng_split(seed, names[i]);
            struct roosti_rng again = roosti_rng_split(seed, names[i]);
            firsts[count] = roosti_rng_next(&rng);
            CHECK(firsts[count] == roosti_rng_next(&again));
            for (int k = 0; k < count; k++)
                CHECK(firsts[k] != firsts[count]);
            count++;
        }
    }
}

ROOST_TEST(mixing_spreads_every_bit, .plain = true)
{
    /* Flipping one input bit flips about half of the output bits, for every bit. */
    for (int bit = 0; bit < 64; bit++) {
        int flipped = 0;
        for (uint64_t word = 1; word <= 64; word++)
            flipped +=
                __builtin_popcountll(roosti_mix(word * 0x9e3779b97f4a7c15u) ^
                                     roosti_mix(word * 0x9e3779b97f4a7c15u ^ (uint64_t)1 << bit));
        CHECK(flipped > 64 * 28 && flipped < 64 * 36);
    }
}
