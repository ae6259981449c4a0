/* tests/unit/sync/test_cache.c - one load for all who ask, and what leaves a cache when.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdlib.h>
#include <string.h>

#include <roost.h>
#include <roost/cache.h>
#include <roost/post.h>

#include "kit/kit.h"
#include "unit/rt/process.h"

/* Where values come from: the value of a key is its first byte, and a number per load. */
struct value {
    int key;
    int load;
};

struct source {
    roost_cache *cache;
    int loads;
    int fails; /* how many of the first loads fail */
    int code;  /* with which code */
    roost_dur dur;
    int copies;
    int drops;
    int dropped[64]; /* keys, in order */
    bool dirty;      /* a load found something in the value's memory */
};

static ROOST_SUSPENDS int load(void *arg, const void *key, size_t key_len, void *value)
{
    struct source *source = arg;
    struct value *made = value;
    int number = ++source->loads;
    source->dirty |= made->key != 0 || made->load != 0;
    *made = (struct value){.key = key_len > 0 ? *(const unsigned char *)key : -1, .load = number};
    if (source->dur > 0)
        ROOST_TRY(roost_sleep(source->dur));
    return number <= source->fails ? source->code : number;
}

static void copy(void *arg, const void *value, void *out)
{
    struct source *source = arg;
    source->copies++;
    CHECK(memcmp(value, out, sizeof(struct value)) == 0);
}

static void drop(void *arg, void *value)
{
    struct source *source = arg;
    source->dropped[source->drops++ % 64] = ((struct value *)value)->key;
}

static int source_open(struct source *source, uint32_t entries_max, roost_dur ttl)
{
    roost_cache_opts opts = {.value_size = sizeof(struct value),
                             .entries_max = entries_max,
                             .ttl = ttl,
                             .load = load,
                             .copy = copy,
                             .drop = drop,
                             .arg = source};
    int rc = roost_cache_open(&opts, &source->cache);
    CHECK_OK(rc);
    return rc;
}

static roost_cache_stats stats_of(const struct source *source)
{
    roost_cache_stats stats;
    roost_cache_stats_get(source->cache, &stats);
    return stats;
}

/* The number of the load that the value of this key came from, or a code. */
ROOST_ASYNC(get, struct source *, source, int, key)
{
    unsigned char byte = (unsigned char)key;
    struct value value = {.key = -9};
    ROOST_TRY(roost_cache_get(source->cache, &byte, 1, &value));
    CHECK_EQ(key, value.key);
    return value.load;
}

ROOST_ASYNC(get_into, struct source *, source, int, key, int *, seen)
{
    *seen = get(source, key);
    return 0;
}

/* -- values ------------------------------------------------------------------------------------ */

ROOST_TEST(a_value_is_loaded_once_and_then_there)
{
    struct source source = {.dur = ROOST_MS(1)};
    if (source_open(&source, 0, 0) < 0)
        return;
    CHECK_EQ(1, get(&source, 7));
    uint64_t steps = roost_test_steps();
    CHECK_EQ(1, get(&source, 7));
    CHECK_EQ(1, get(&source, 7));
    /* On a real clock a task that has run for long gives way. */
    if (roost_test_virtual())
        CHECK_EQ(steps, roost_test_steps());
    CHECK_EQ(2, get(&source, 8));
    roost_cache_stats stats = stats_of(&source);
    CHECK_EQ(2, stats.hits);
    CHECK_EQ(2, stats.misses);
    CHECK_EQ(2, stats.loads);
    CHECK_EQ(2, stats.entries);
    CHECK_EQ(0, stats.loading);
    CHECK_EQ(4, source.copies);
    roost_cache_close(source.cache);
    CHECK_EQ(2, source.drops);
}

ROOST_TEST(one_load_serves_all_who_ask_meanwhile)
{
    struct source source = {.dur = ROOST_MS(1)};
    int seen[6] = {0};
    int rc = 0;
    if (source_open(&source, 0, 0) < 0)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 6; i++)
            ROOST_GO(g, get_into, &source, 1 + i % 2, &seen[i]);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, source.loads);
    for (int i = 0; i < 6; i++)
        CHECK(seen[i] > 0 && seen[i] == seen[i % 2]);
    CHECK_EQ(4, stats_of(&source).waits);
    CHECK_EQ(6, source.copies);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(1), roost_now() - roost_test_start());
    roost_cache_close(source.cache);
}

ROOST_TEST(a_value_may_be_asked_for_without_taking_it)
{
    struct source source = {.loads = 0};
    if (source_open(&source, 0, 0) < 0)
        return;
    CHECK_OK(roost_cache_get(source.cache, "a", 1, NULL));
    CHECK_EQ(1, get(&source, 'a'));
    CHECK_EQ(1, source.copies);
    roost_cache_close(source.cache);
}

ROOST_TEST(keys_are_bytes_of_any_length)
{
    struct source source = {.loads = 0};
    static unsigned char key[ROOST_CACHE_KEY_MAX + 1];
    int result = 0;
    if (source_open(&source, 64, 0) < 0)
        return;
    memset(key, 5, sizeof key);
    for (size_t len = 0; len < 40 && !roost_cancelled(); len++) {
        struct value value = {0};
        CHECK_OK(roost_cache_get(source.cache, len ? key : NULL, len, &value));
        CHECK_EQ((int)len + 1, value.load);
    }
    /* The same length, and one byte that differs. */
    for (size_t at = 0; at < 17 && !roost_cancelled(); at++) {
        key[at] ^= 0x80;
        CHECK_OK(roost_cache_get(source.cache, key, 17, NULL));
        key[at] ^= 0x80;
    }
    CHECK_EQ(57, source.loads);
    CHECK_OK(roost_cache_get(source.cache, key, 17, NULL));
    CHECK_EQ(57, source.loads);
    CHECK_OK(roost_cache_get(source.cache, key, ROOST_CACHE_KEY_MAX, NULL));
    result = roost_cache_get(source.cache, key, ROOST_CACHE_KEY_MAX + 1, NULL);
    CHECK_EQ(ROOST_EINVAL, result);
    CHECK(!roost_cache_forget(source.cache, key, ROOST_CACHE_KEY_MAX + 1));
    CHECK(roost_cache_forget(source.cache, NULL, 0));
    roost_cache_close(source.cache);
}

enum { MANY = 700 };

ROOST_ASYNC(get_many, struct source *, source)
{
    for (int i = 0; i < MANY; i++) {
        struct value value = {0};
        ROOST_TRY(roost_cache_get(source->cache, &i, sizeof i, &value));
        CHECK_EQ(i + 1, value.load);
    }
    return 0;
}

ROOST_TEST(many_entries_are_all_found)
{
    struct source source = {.loads = 0};
    if (source_open(&source, MANY, 0) < 0)
        return;
    CHECK_OK(get_many(&source));
    CHECK_OK(get_many(&source));
    CHECK_EQ(MANY, stats_of(&source).entries);
    CHECK_EQ(MANY, stats_of(&source).hits);
    for (int i = 0; i < MANY; i += 2)
        CHECK(roost_cache_forget(source.cache, &i, sizeof i));
    CHECK_EQ(MANY / 2, stats_of(&source).entries);
    roost_cache_close(source.cache);
    CHECK_EQ(MANY, source.drops);
}

/* -- leaving ----------------------------------------------------------------------------------- */

ROOST_TEST(the_least_recently_used_makes_room)
{
    struct source source = {.loads = 0};
    if (source_open(&source, 3, 0) < 0)
        return;
    for (int key = 1; key <= 3; key++)
        CHECK_EQ(key, get(&source, key));
    CHECK_EQ(1, get(&source, 1));
    CHECK_EQ(4, get(&source, 4));
    CHECK_EQ(1, source.drops);
    CHECK_EQ(2, source.dropped[0]);
    CHECK_EQ(1, get(&source, 1));
    CHECK_EQ(5, get(&source, 2));
    CHECK_EQ(3, source.dropped[1]);
    roost_cache_stats stats = stats_of(&source);
    CHECK_EQ(3, stats.entries);
    CHECK_EQ(2, stats.evictions);
    roost_cache_close(source.cache);
    /* Closing drops the oldest first. */
    CHECK_EQ(4, source.dropped[2]);
    CHECK_EQ(1, source.dropped[3]);
    CHECK_EQ(2, source.dropped[4]);
}

ROOST_TEST(a_cache_of_one_keeps_the_last)
{
    struct source source = {.loads = 0};
    if (source_open(&source, 1, 0) < 0)
        return;
    CHECK_EQ(1, get(&source, 1));
    CHECK_EQ(2, get(&source, 2));
    CHECK_EQ(2, get(&source, 2));
    CHECK_EQ(3, get(&source, 1));
    CHECK_EQ(1, stats_of(&source).entries);
    roost_cache_close(source.cache);
    CHECK_EQ(3, source.drops);
}

ROOST_TEST(a_value_is_good_for_its_time)
{
    if (!roost_test_virtual())
        kit_leave_out("the clock moves by itself");
    struct source source = {.dur = ROOST_MS(3)};
    if (source_open(&source, 0, ROOST_MS(10)) < 0)
        return;
    CHECK_EQ(1, get(&source, 1));
    CHECK_OK(roost_sleep(ROOST_MS(10) - 1));
    CHECK_EQ(1, get(&source, 1));
    CHECK_OK(roost_sleep(1));
    CHECK_EQ(2, get(&source, 1));
    CHECK_EQ(1, source.drops);
    roost_cache_stats stats = stats_of(&source);
    CHECK_EQ(1, stats.expiries);
    CHECK_EQ(0, stats.evictions);
    CHECK_EQ(2, stats.misses);
    CHECK_EQ(1, stats.entries);
    roost_cache_close(source.cache);
}

ROOST_TEST(what_is_forgotten_is_loaded_anew)
{
    struct source source = {.loads = 0};
    if (source_open(&source, 0, 0) < 0)
        return;
    CHECK(!roost_cache_forget(source.cache, "\1", 1));
    CHECK_EQ(1, get(&source, 1));
    CHECK_EQ(2, get(&source, 2));
    CHECK(roost_cache_forget(source.cache, "\1", 1));
    CHECK_EQ(1, source.drops);
    CHECK_EQ(3, get(&source, 1));
    roost_cache_clear(source.cache);
    CHECK_EQ(3, source.drops);
    CHECK_EQ(0, stats_of(&source).entries);
    CHECK_EQ(4, get(&source, 2));
    roost_cache_close(source.cache);
}

ROOST_TEST(a_load_that_is_forgotten_serves_who_asked_before, .fifo = true)
{
    struct source source = {.dur = ROOST_MS(20)};
    int seen[4] = {0};
    int rc = 0;
    if (source_open(&source, 0, 0) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, get_into, &source, 1, &seen[0]);
        ROOST_GO(g, get_into, &source, 1, &seen[1]);
        rc = roost_test_settle();
        CHECK(roost_cache_forget(source.cache, "\1", 1));
        CHECK(!roost_cache_forget(source.cache, "\1", 1));
        ROOST_GO(g, get_into, &source, 1, &seen[2]);
        ROOST_GO(g, get_into, &source, 1, &seen[3]);
        if (rc == 0)
            rc = roost_test_settle();
        CHECK_EQ(2, stats_of(&source).loading);
        roost_cache_clear(source.cache);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, seen[0]);
    CHECK_EQ(1, seen[1]);
    CHECK_EQ(2, seen[2]);
    CHECK_EQ(2, seen[3]);
    CHECK_EQ(2, source.drops);
    CHECK_EQ(0, stats_of(&source).entries);
    CHECK_EQ(0, stats_of(&source).loading);
    roost_cache_close(source.cache);
}

/* -- loads that fail --------------------------------------------------------------------------- */

ROOST_TEST(all_who_waited_get_the_failure_and_it_is_not_kept)
{
    static const int codes[] = {-EIO, ROOST_EAGAIN, ROOST_ETIMEDOUT};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct source source = {.dur = ROOST_MS(1), .fails = 1, .code = codes[i]};
        int seen[3] = {0};
        int rc = 0;
        if (source_open(&source, 0, 0) < 0)
            return;
        ROOST_GROUP(g, rc) {
            for (int k = 0; k < 3; k++)
                ROOST_GO(g, get_into, &source, 1, &seen[k]);
        }
        CHECK_EQ(0, rc);
        for (int k = 0; k < 3; k++)
            CHECK_EQ(codes[i], seen[k]);
        CHECK_EQ(1, source.loads);
        CHECK_EQ(0, source.drops);
        CHECK_EQ(0, source.copies);
        CHECK_EQ(1, stats_of(&source).failures);
        CHECK_EQ(0, stats_of(&source).entries);
        CHECK_EQ(2, get(&source, 1));
        roost_cache_close(source.cache);
    }
}

ROOST_TEST(a_cancelled_load_is_begun_anew_by_who_waits, .fifo = true)
{
    struct source source = {.dur = ROOST_MS(20)};
    int seen[4] = {0};
    int rc = 0;
    if (source_open(&source, 0, 0) < 0)
        return;
    ROOST_GROUP(g, rc) {
        roost_task *tasks[4] = {NULL};
        for (int i = 0; i < 4 && rc == 0; i++)
            rc = ROOST_SPAWN(&tasks[i], g, get_into, &source, 1, &seen[i]);
        if (rc == 0)
            rc = roost_test_settle();
        /* The first hands over when it runs; the second is cancelled before it can begin, the third
         * while it waits. */
        if (tasks[0])
            roost_task_cancel(tasks[0], "too slow");
        if (rc == 0)
            rc = roost_yield();
        for (int i = 1; i < 3; i++)
            if (tasks[i])
                roost_task_cancel(tasks[i], "too late");
        for (int i = 0; i < 4; i++)
            roost_task_drop(tasks[i]);
    }
    CHECK_EQ(0, rc);
    for (int i = 0; i < 3; i++)
        CHECK_EQ(ROOST_ECANCELED, seen[i]);
    CHECK_EQ(3, seen[3]);
    CHECK_EQ(3, source.loads);
    CHECK_EQ(1, source.copies);
    CHECK_EQ(2, stats_of(&source).failures);
    CHECK(!source.dirty);
    roost_cache_close(source.cache);
}

ROOST_TEST(a_cancelled_load_that_nobody_waits_for_leaves_nothing)
{
    struct source source = {.dur = ROOST_SEC(60)};
    if (source_open(&source, 0, 0) < 0)
        return;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), get(&source, 1)));
    CHECK_EQ(0, stats_of(&source).loading);
    CHECK_EQ(0, source.drops);
    source.dur = 0;
    CHECK_EQ(2, get(&source, 1));
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(0, get(&source, 1)));
    roost_cache_close(source.cache);
}

/* A load that asks for its own key, or for others: two, one, and done. */
static ROOST_SUSPENDS int load_nested(void *arg, const void *key, size_t key_len, void *value)
{
    struct source *source = arg;
    unsigned char byte = *(const unsigned char *)key;
    source->loads++;
    if (byte == 0)
        return roost_cache_get(source->cache, key, key_len, NULL);
    struct value inner = {.load = 0};
    unsigned char next = (unsigned char)(byte - 1);
    if (next > 0)
        ROOST_TRY(roost_cache_get(source->cache, &next, 1, &inner));
    *(struct value *)value = (struct value){.key = byte, .load = inner.load + byte};
    return 0;
}

ROOST_TEST(a_load_may_ask_for_other_keys_but_not_for_its_own)
{
    struct source source = {.loads = 0};
    roost_cache_opts opts = {
        .value_size = sizeof(struct value), .load = load_nested, .arg = &source};
    if (roost_cache_open(&opts, &source.cache) < 0)
        return;
    CHECK_EQ(ROOST_EDEADLK, get(&source, 0));
    CHECK_EQ(6, get(&source, 3));
    CHECK_EQ(4, source.loads);
    CHECK_EQ(3, stats_of(&source).entries);
    roost_cache_close(source.cache);
}

/* A load that asks for the other one of two keys. */
static ROOST_SUSPENDS int load_circle(void *arg, const void *key, size_t key_len, void *value)
{
    struct source *source = arg;
    unsigned char other = (unsigned char)(3 - *(const unsigned char *)key);
    (void)key_len;
    source->loads++;
    ROOST_TRY(roost_yield());
    int rc = roost_cache_get(source->cache, &other, 1, NULL);
    source->fails += rc == ROOST_EDEADLK;
    *(struct value *)value = (struct value){.key = 3 - other, .load = 1};
    return rc == ROOST_EDEADLK ? 0 : rc;
}

ROOST_TEST(loads_that_wait_for_each_other_are_told_so)
{
    struct source source = {.loads = 0};
    int seen[2] = {0};
    int rc = 0;
    roost_cache_opts opts = {
        .value_size = sizeof(struct value), .load = load_circle, .arg = &source};
    if (roost_cache_open(&opts, &source.cache) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, get_into, &source, 1, &seen[0]);
        ROOST_GO(g, get_into, &source, 2, &seen[1]);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(1, seen[0]);
    CHECK_EQ(1, seen[1]);
    CHECK_EQ(1, source.fails);
    CHECK_EQ(2, source.loads);
    roost_cache_close(source.cache);
}

/* Closes it while tasks are in it, or under torture when they are gone: nobody may ask a cache that
 * has been closed. */
static void source_close_if(struct source *source, bool ready)
{
    if (!ready)
        return;
    roost_cache_close(source->cache);
    source->cache = NULL;
}

/* -- closing ----------------------------------------------------------------------------------- */

ROOST_TEST(closing_sends_away_who_waits_and_leaves_loads_their_values, .fifo = true)
{
    struct source source = {.dur = ROOST_MS(20)};
    int seen[3] = {0};
    int rc = 0;
    if (source_open(&source, 0, 0) < 0)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, get_into, &source, 1, &seen[0]);
        ROOST_GO(g, get_into, &source, 1, &seen[1]);
        ROOST_GO(g, get_into, &source, 2, &seen[2]);
        rc = roost_test_settle();
        source_close_if(&source, rc == 0);
    }
    source_close_if(&source, true);
    CHECK_EQ(0, rc);
    CHECK_EQ(1, seen[0]);
    CHECK_EQ(ROOST_ECLOSED, seen[1]);
    CHECK_EQ(2, seen[2]);
    CHECK_EQ(2, source.drops);
}

ROOST_TEST(closing_ends_a_load_that_has_only_been_handed_over, .fifo = true)
{
    struct source source = {.dur = ROOST_MS(20)};
    int seen[2] = {0};
    int rc = 0;
    if (source_open(&source, 0, 0) < 0)
        return;
    ROOST_GROUP(g, rc) {
        roost_task *first = NULL;
        rc = ROOST_SPAWN(&first, g, get_into, &source, 1, &seen[0]);
        ROOST_GO(g, get_into, &source, 1, &seen[1]);
        if (rc == 0)
            rc = roost_test_settle();
        if (first)
            roost_task_cancel(first, "too slow");
        if (rc == 0)
            rc = roost_yield();
        source_close_if(&source, rc == 0);
        roost_task_drop(first);
    }
    source_close_if(&source, true);
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_ECANCELED, seen[0]);
    CHECK_EQ(ROOST_ECLOSED, seen[1]);
    CHECK_EQ(1, source.loads);
}

/* Closes the cache it loads for, and asks it once more. */
static ROOST_SUSPENDS int load_and_close(void *arg, const void *key, size_t key_len, void *value)
{
    struct source *source = arg;
    roost_cache *cache = source->cache;
    source->cache = NULL;
    roost_cache_close(cache);
    CHECK_EQ(ROOST_ECLOSED, roost_cache_get(cache, "other", 5, NULL));
    return load(arg, key, key_len, value);
}

ROOST_TEST(a_load_may_be_the_last_to_use_its_cache)
{
    struct source source = {.loads = 0};
    roost_cache_opts opts = {
        .value_size = sizeof(struct value), .load = load_and_close, .drop = drop, .arg = &source};
    if (roost_cache_open(&opts, &source.cache) < 0)
        return;
    CHECK_EQ(1, get(&source, 1));
    CHECK_EQ(1, source.drops);
    /* NULL now, but where the load was never begun. */
    roost_cache_close(source.cache);
}

/* Values that own memory: copies and drops that match leave none behind. */
struct text {
    char *bytes;
};

static ROOST_SUSPENDS int text_load(void *arg, const void *key, size_t key_len, void *value)
{
    (void)arg;
    ROOST_TRY(roost_yield());
    char *bytes = malloc(key_len + 1);
    if (!bytes)
        return ROOST_ENOMEM;
    memcpy(bytes, key, key_len);
    bytes[key_len] = '\0';
    ((struct text *)value)->bytes = bytes;
    return 0;
}

static void text_copy(void *arg, const void *value, void *out)
{
    (void)arg;
    const struct text *text = value;
    ((struct text *)out)->bytes = strdup(text->bytes);
}

static void text_drop(void *arg, void *value)
{
    (void)arg;
    free(((struct text *)value)->bytes);
}

ROOST_ASYNC(read_texts, roost_cache *, cache, int, from)
{
    for (int i = from; i < from + 12; i++) {
        char key[2] = {(char)('a' + i % 5), 0};
        struct text text = {NULL};
        ROOST_TRY(roost_cache_get(cache, key, 1, &text));
        CHECK(text.bytes && strcmp(key, text.bytes) == 0);
        free(text.bytes);
    }
    return 0;
}

ROOST_TEST(values_that_own_memory_are_copied_and_dropped)
{
    roost_cache_opts opts = {.value_size = sizeof(struct text),
                             .entries_max = 2,
                             .load = text_load,
                             .copy = text_copy,
                             .drop = text_drop};
    ROOST_AUTO(cache) roost_cache *cache = NULL;
    int rc = roost_cache_open(&opts, &cache);
    if (rc < 0)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 6; i++)
            ROOST_GO(g, read_texts, cache, i);
    }
    CHECK_EQ(0, rc);
}

/* -- arguments and places ---------------------------------------------------------------------- */

ROOST_TEST(bad_options_are_refused)
{
    roost_cache *cache = NULL;
    CHECK_EQ(ROOST_EINVAL, roost_cache_open(NULL, &cache));
    CHECK_EQ(ROOST_EINVAL, roost_cache_open(&(roost_cache_opts){.load = load}, &cache));
    CHECK_EQ(ROOST_EINVAL, roost_cache_open(&(roost_cache_opts){.value_size = 4}, &cache));
    CHECK_EQ(
        ROOST_EINVAL,
        roost_cache_open(&(roost_cache_opts){.value_size = 4, .load = load, .ttl = -1}, &cache));
    CHECK(cache == NULL);
}

ROOST_TEST(a_value_too_large_for_memory_is_refused)
{
    struct source source = {.loads = 0};
    roost_cache_opts opts = {.value_size = SIZE_MAX - 8, .load = load, .arg = &source};
    if (roost_cache_open(&opts, &source.cache) < 0)
        return;
    CHECK_EQ(ROOST_ENOMEM, roost_cache_get(source.cache, "a", 1, NULL));
    CHECK_EQ(0, source.loads);
    roost_cache_close(source.cache);
}

static struct source kept;

ROOST_ASYNC(open_and_keep)
{
    return source_open(&kept, 0, ROOST_MIN(1)) < 0 ? -EIO : get(&kept, 1);
}

ROOST_ASYNC(use_again)
{
    return get(&kept, 1);
}

ROOST_TEST(a_cache_outlives_its_run, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    roost_cache *cache = NULL;
    roost_test_opts_fill(&opts);
    CHECK_EQ(ROOST_ENOCTX,
             roost_cache_open(&(roost_cache_opts){.value_size = 4, .load = load}, &cache));
    kept = (struct source){.loads = 0};
    CHECK_EQ(1, roost_test_run(ROOST_CALL(open_and_keep), &opts));
    CHECK_EQ(1, roost_test_run(ROOST_CALL(use_again), &opts));
    CHECK_EQ(ROOST_ENOCTX, roost_cache_get(kept.cache, "\1", 1, NULL));
    CHECK_EQ(1, stats_of(&kept).hits);
    roost_cache_close(kept.cache);
    CHECK_EQ(1, kept.drops);
}

ROOST_ASYNC(get_from_elsewhere, struct source *, source)
{
    CHECK_EQ(ROOST_EXLOOP, roost_cache_get(source->cache, "a", 1, NULL));
    return 0;
}

ROOST_TEST(another_loop_is_refused, .loops = 2)
{
    if (roost_loop_count() < 2)
        kit_leave_out("a simulation has one loop");
    struct source source = {.loads = 0};
    if (source_open(&source, 0, 0) < 0)
        return;
    CHECK_OK(roost_on_loop(1, ROOST_CALL(get_from_elsewhere, &source), NULL));
    CHECK_EQ(0, source.loads);
    roost_cache_close(source.cache);
}

ROOST_ASYNC(close_from_elsewhere, roost_cache *, cache)
{
    roost_cache_close(cache);
    return 0;
}

ROOST_ASYNC(have_it_closed_elsewhere)
{
    struct source source = {.loads = 0};
    ROOST_TRY(source_open(&source, 0, 0));
    return roost_on_loop(1, ROOST_CALL(close_from_elsewhere, source.cache), NULL);
}

static int close_elsewhere(void *arg)
{
    (void)arg;
    return roost_run(ROOST_CALL(have_it_closed_elsewhere),
                     &(roost_run_opts){.loops = 2, .no_signals = true});
}

ROOST_TEST(closing_from_another_loop_ends_the_program, .plain = true, .no_torture = true)
{
    if (roost_test_virtual())
        kit_leave_out("a simulation has one loop");
    struct process process;
    process_run(&process, close_elsewhere, NULL);
    CHECK_DIED(&process, SIGABRT);
    CHECK_WROTE(&process, "a cache is used on its own loop");
}
