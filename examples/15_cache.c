/* examples/15_cache.c - a slow query, asked by everybody at once and made once.
 *
 * While a value is being loaded, others who ask for it wait for that load; then it is there until
 * its time is up or newer ones take its place. roost_once is the same for a single call, such as
 * reading the settings.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

struct database {
    int queries;
    char region[16];
};

struct user {
    int id;
    char name[24];
};

/* How the cache gets a value it does not have. */
static ROOST_SUSPENDS int load_user(void *arg, const void *key, size_t key_len, void *value)
{
    struct database *db = arg;
    struct user *user = value;
    memcpy(&user->id, key, key_len);
    db->queries++;
    ROOST_TRY(roost_sleep(ROOST_MS(5))); /* stands for the query */
    snprintf(user->name, sizeof user->name, "User %d", user->id);
    return 0;
}

ROOST_ASYNC(read_settings, struct database *, db)
{
    ROOST_TRY(roost_sleep(ROOST_MS(2)));
    snprintf(db->region, sizeof db->region, "north");
    puts("settings read");
    return 0;
}

static roost_once settings;

ROOST_ASYNC(greet, roost_cache *, users, struct database *, db, int, id, int *, greeted)
{
    struct user user;
    ROOST_TRY(roost_once_do(&settings, ROOST_CALL(read_settings, db)));
    ROOST_TRY(roost_cache_get(users, &id, sizeof id, &user));
    *greeted += user.id == id && strcmp(db->region, "north") == 0;
    return 0;
}

ROOST_MAIN(argc, argv)
{
    struct database db = {.queries = 0};
    roost_cache_opts opts = {.value_size = sizeof(struct user),
                             .entries_max = 100,
                             .ttl = ROOST_MIN(5),
                             .load = load_user,
                             .arg = &db};
    ROOST_AUTO(cache) roost_cache *users = NULL;
    ROOST_TRY(roost_cache_open(&opts, &users));

    int greeted = 0;
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 30; i++)
            ROOST_GO(g, greet, users, &db, 1 + i % 3, &greeted);
    }
    ROOST_TRY(rc);
    roost_cache_stats stats;
    roost_cache_stats_get(users, &stats);
    printf("greeted %d with %d queries; %d waited for somebody else's\n", greeted, db.queries,
           (int)stats.waits);
    return 0;
}
