/* tests/unit/io/test_watch_file.c - being told of changes; on ROOST_TEST_BACKENDS without sim.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

/* Waits for an event about `name`; what it said. */
static unsigned told_of(roost_watch_file *watch, const roost_temp *world, const char *name)
{
    roost_file_event event;
    int rc;
    while ((rc = ROOST_WITHIN(ROOST_SEC(5), roost_watch_file_next(watch, &event))) == 0) {
        if (strcmp(event.path, in(world, name)) == 0)
            return event.what;
    }
    CHECK_EQ(0, rc);
    return 0;
}

static roost_watch_file *watch_of(const roost_temp *world, bool recursive)
{
    roost_watch_file *watch = NULL;
    roost_watch_file_opts opts = {.recursive = recursive, .settle = ROOST_MS(2)};
    int rc = roost_watch_file_open(&opts, &watch);
    if (rc == 0)
        rc = roost_watch_file_add(watch, world->path);
    CHECK_EQ(0, rc);
    if (rc < 0) {
        roost_watch_file_close(watch);
        return NULL;
    }
    return watch;
}

ROOST_TEST(changes_of_one_path_are_one_event)
{
    WORLD(world);
    ROOST_AUTO(watch_file) roost_watch_file *watch = watch_of(&world, false);
    if (!watch || !put(in(&world, "f"), "x"))
        return;
    CHECK_EQ(ROOST_FILE_MADE | ROOST_FILE_CHANGED, (int)told_of(watch, &world, "f"));
    CHECK_EQ(0, roost_path_chmod(in(&world, "f"), 0600));
    CHECK_EQ(ROOST_FILE_FACTS, (int)told_of(watch, &world, "f"));
    CHECK_EQ(0, roost_path_rename(in(&world, "f"), in(&world, "g"), 0));
    CHECK_EQ(ROOST_FILE_GONE, (int)told_of(watch, &world, "f"));
    CHECK_EQ(ROOST_FILE_MADE, (int)told_of(watch, &world, "g"));
    CHECK_EQ(0, roost_path_remove(in(&world, "g")));
    CHECK_EQ(ROOST_FILE_GONE, (int)told_of(watch, &world, "g"));
}

ROOST_TEST(a_recursive_watch_follows_new_directories)
{
    WORLD(world);
    if (roost_path_make_dirs(in(&world, "old/deep"), 0) < 0)
        return;
    ROOST_AUTO(watch_file) roost_watch_file *watch = watch_of(&world, true);
    if (!watch || !put(in(&world, "old/deep/f"), "x"))
        return;
    CHECK(told_of(watch, &world, "old/deep/f") & ROOST_FILE_MADE);
    if (roost_path_make_dirs(in(&world, "new/a"), 0) < 0 || !put(in(&world, "new/a/f"), "x"))
        return;
    CHECK(told_of(watch, &world, "new/a/f") & ROOST_FILE_MADE);
    CHECK_EQ(0, roost_path_rename(in(&world, "new"), in(&world, "moved"), 0));
    CHECK(told_of(watch, &world, "moved/a") & ROOST_FILE_MADE);
    if (put(in(&world, "moved/a/g"), "x"))
        CHECK(told_of(watch, &world, "moved/a/g") & ROOST_FILE_MADE);
}

ROOST_TEST(too_many_events_are_told_as_lost)
{
    WORLD(world);
    roost_watch_file *watch = NULL;
    roost_file_event event = {0};
    roost_watch_file_opts opts = {.events_max = 2, .settle = ROOST_SEC(3600)};
    if (roost_watch_file_open(&opts, &watch) < 0)
        return;
    if (roost_watch_file_add(watch, world.path) == 0 && put(in(&world, "1"), "") &&
        put(in(&world, "2"), "") && put(in(&world, "3"), "")) {
        int rc = roost_watch_file_next(watch, &event);
        CHECK_EQ(0, rc);
        if (rc == 0) {
            CHECK_EQ(ROOST_FILE_LOST, (int)event.what);
            CHECK_STR("", event.path);
        }
    }
    roost_watch_file_close(watch);
}

ROOST_ASYNC(wait_for_event, roost_watch_file *, watch, int *, rc)
{
    roost_file_event event;
    *rc = roost_watch_file_next(watch, &event);
    return 0;
}

ROOST_TEST(closing_ends_the_wait)
{
    WORLD(world);
    int rc = 1, group_rc = 0;
    roost_watch_file *watch = watch_of(&world, false);
    roost_file_event event;
    if (!watch)
        return;
    ROOST_GROUP(g, group_rc) {
        ROOST_GO(g, wait_for_event, watch, &rc);
        CHECK_OK(roost_yield());
        CHECK_EQ(ROOST_EBUSY, ROOST_WITHIN(ROOST_MS(200), roost_watch_file_next(watch, &event)));
        roost_watch_file_close(watch);
    }
    CHECK_EQ(ROOST_ECLOSED, rc);
}

ROOST_TEST(what_is_not_there_cannot_be_watched)
{
    WORLD(world);
    ROOST_AUTO(watch_file) roost_watch_file *watch = NULL;
    if (roost_watch_file_open(NULL, &watch) == 0)
        CHECK_EQ(-ENOENT, roost_watch_file_add(watch, in(&world, "nothing")));
}
