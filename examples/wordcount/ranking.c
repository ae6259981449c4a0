/* examples/wordcount/ranking.c - counts how often each word occurs.
 *
 * SPDX-License-Identifier: MIT
 */
#include "ranking.h"

#include <stdlib.h>
#include <string.h>

#include <roost/error.h>

static struct ranked_word *ranking_place(const struct ranking *ranking, const char *text,
                                         size_t len, uint64_t hash)
{
    for (size_t at = (size_t)hash;; at++) {
        struct ranked_word *word = &ranking->words[at & (ranking->size - 1)];
        if (word->count == 0 || (word->len == len && memcmp(word->text, text, len) == 0))
            return word;
    }
}

static int ranking_grow(struct ranking *ranking)
{
    struct ranking bigger = {.size = ranking->size ? ranking->size * 2 : 4096};
    bigger.words = calloc(bigger.size, sizeof *bigger.words);
    if (!bigger.words)
        return ROOST_ENOMEM;
    for (size_t i = 0; i < ranking->size; i++) {
        const struct ranked_word *word = &ranking->words[i];
        uint64_t hash = RANKING_HASH_INIT;
        for (size_t j = 0; j < word->len; j++)
            hash = ranking_hash(hash, (unsigned char)word->text[j]);
        if (word->count > 0)
            *ranking_place(&bigger, word->text, word->len, hash) = *word;
    }
    free(ranking->words);
    ranking->words = bigger.words;
    ranking->size = bigger.size;
    return 0;
}

int ranking_add(struct ranking *ranking, const char *text, size_t len, uint64_t hash)
{
    if (ranking->used * 2 >= ranking->size && !ranking->full) {
        int rc = ranking_grow(ranking);
        if (rc < 0)
            return rc;
    }
    struct ranked_word *word = ranking_place(ranking, text, len, hash);
    if (word->count == 0) {
        if (ranking->used == RANKED_WORDS_MAX) {
            ranking->full = true;
            return 0;
        }
        ranking->used++;
        word->len = (uint8_t)len;
        memcpy(word->text, text, len);
    }
    word->count++;
    return 0;
}

static bool ranked_before(const struct ranked_word *a, const struct ranked_word *b)
{
    return a->count != b->count ? a->count > b->count : strcmp(a->text, b->text) < 0;
}

size_t ranking_top(const struct ranking *ranking, const struct ranked_word **top, size_t n)
{
    size_t have = 0;
    for (size_t i = 0; i < ranking->size; i++) {
        const struct ranked_word *word = &ranking->words[i];
        if (word->count == 0 || (have == n && !ranked_before(word, top[n - 1])))
            continue;
        size_t at = have < n ? have++ : n - 1;
        for (; at > 0 && ranked_before(word, top[at - 1]); at--)
            top[at] = top[at - 1];
        top[at] = word;
    }
    return have;
}

void ranking_fini(struct ranking *ranking)
{
    free(ranking->words);
    *ranking = (struct ranking){0};
}
