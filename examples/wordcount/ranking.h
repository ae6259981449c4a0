/* examples/wordcount/ranking.h - counts how often each word occurs.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef WORDCOUNT_RANKING_H
#define WORDCOUNT_RANKING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer words are counted, and not ranked. */
enum { RANKED_BYTES_MAX = 46 };

/* Most different words that are ranked; one more is counted and not ranked. */
enum { RANKED_WORDS_MAX = 1000000 };

struct ranked_word {
    uint64_t count; /* 0: a free place of the table */
    uint8_t len;
    char text[RANKED_BYTES_MAX + 1];
};

/* Zeroed: empty. */
struct ranking {
    struct ranked_word *words; /* open addressing, never more than half full */
    size_t size;               /* places, a power of two */
    size_t used;
    bool full; /* RANKED_WORDS_MAX was reached */
};

/* The hash of a word is built byte by byte while it is read. */
#define RANKING_HASH_INIT 14695981039346656037u

static inline uint64_t ranking_hash(uint64_t hash, unsigned char byte)
{
    return (hash ^ byte) * 1099511628211u;
}

/* len: 1 to RANKED_BYTES_MAX. 0, or ROOST_ENOMEM. */
int ranking_add(struct ranking *ranking, const char *text, size_t len, uint64_t hash);

/* The n most frequent words, most frequent first, equally frequent ones in the order of their
 * bytes. Returns how many there are, at most n. Lends them, valid until the next word is added. */
size_t ranking_top(const struct ranking *ranking, const struct ranked_word **top, size_t n);

void ranking_fini(struct ranking *ranking);

#endif
