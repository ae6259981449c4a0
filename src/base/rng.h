/* base/rng.h - a small seeded generator for schedules, faults and jitter. Not for secrets.
 *
 * Each subsystem takes its own stream, split from the seed by name, so that a draw added in one
 * does not shift the draws of another. SplitMix64 (Steele, Lea, Flood: "Fast splittable
 * pseudorandom number generators", OOPSLA 2014).
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_BASE_RNG_H
#define ROOST_BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct roosti_rng {
    uint64_t state;
};

/* Also a good hash of one word: every input bit reaches every output bit. */
static inline uint64_t roosti_mix(uint64_t word)
{
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9u;
    word = (word ^ (word >> 27)) * 0x94d049bb133111ebu;
    return word ^ (word >> 31);
}

static inline uint64_t roosti_rng_next(struct roosti_rng *rng)
{
    rng->state += 0x9e3779b97f4a7c15u;
    return roosti_mix(rng->state);
}

/* The stream of one subsystem. name: a short word, such as "net". */
static inline struct roosti_rng roosti_rng_split(uint64_t seed, const char *name)
{
    uint64_t state = roosti_mix(seed + 0x9e3779b97f4a7c15u);
    for (; *name; name++)
        state = roosti_mix(state ^ (uint64_t)(unsigned char)*name);
    return (struct roosti_rng){state};
}

/* Uniform in [0, bound); bound > 0. */
static inline uint64_t roosti_rng_below(struct roosti_rng *rng, uint64_t bound)
{
    return (uint64_t)(__extension__((unsigned __int128)roosti_rng_next(rng) * bound) >> 64);
}

/* True with a probability of permille / 1000. */
static inline bool roosti_rng_chance(struct roosti_rng *rng, unsigned permille)
{
    return permille != 0 && roosti_rng_below(rng, 1000) < permille;
}

#endif
