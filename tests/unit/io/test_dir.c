/* tests/unit/io/test_dir.c - reading directories, walking trees; on ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

/* A tree of 3 directories and 4 files below "t". */
static bool tree_make(const roost_temp *world)
{
    return roost_path_make_dirs(in(world, "t/a/b"), 0) == 0 &&
           roost_path_make_dirs(in(world, "t/empty"), 0) == 0 && put(in(world, "t/1"), "x") &&
           put(in(world, "t/a/2"), "xy") && put(in(world, "t/a/b/3"), "xyz") &&
           put(in(world, "t/a/b/4"), "");
}

struct seen {
    int files;
    int dirs;
    int errors;
    uint64_t bytes;
    int stop_at;
};

static int count(void *arg, const roost_dir_entry *entry)
{
    struct seen *seen = arg;
    if (entry->error < 0)
        seen->errors++;
    else if (entry->kind == ROOST_FILE_DIR)
        seen->dirs++;
    else
        seen->files++;
    seen->bytes += entry->kind == ROOST_FILE_REGULAR ? entry->stat.size : 0;
    return seen->stop_at && seen->files == seen->stop_at ? 42 : 0;
}

ROOST_TEST(one_directory_is_read)
{
    WORLD(world);
    roost_dir_entry entry;
    ROOST_AUTO(dir) roost_dir *dir = NULL;
    int rc = tree_make(&world) ? roost_dir_open(in(&world, "t"), &dir) : -1;
    if (rc < 0)
        return;
    struct seen seen = {0};
    while ((rc = roost_dir_next(dir, &entry)) > 0)
        roost_ignore(count(&seen, &entry));
    CHECK_EQ(0, rc);
    CHECK_EQ(0, roost_dir_next(dir, &entry));
    CHECK_EQ(1, seen.files);
    CHECK_EQ(2, seen.dirs);
}

ROOST_TEST(a_walk_comes_upon_everything_parents_first)
{
    WORLD(world);
    struct seen seen = {0};
    bool inside = false;
    int rc;
    if (!tree_make(&world))
        return;
    ROOST_WALK_WITH(in(&world, "t"), &(roost_walk_opts){.stat = true}, entry, rc)
    {
        roost_ignore(count(&seen, &entry));
        if (strcmp(entry.name, "b") == 0)
            inside = true;
        if (strcmp(entry.name, "3") == 0) {
            CHECK(inside);
            CHECK_EQ(3, entry.depth);
            CHECK_STR(in(&world, "t/a/b/3"), entry.path);
            CHECK_EQ(3, entry.stat.size);
        }
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(4, seen.files);
    CHECK_EQ(3, seen.dirs);
    CHECK_EQ(6, seen.bytes);
}

ROOST_TEST(a_walk_may_be_left_early)
{
    WORLD(world);
    int rc, n = 0;
    if (!tree_make(&world))
        return;
    ROOST_WALK(in(&world, "t"), entry, rc)
    {
        if (++n == 2)
            break;
    }
    CHECK_EQ(2, n);
}

ROOST_TEST(a_walk_can_be_bounded_and_pruned)
{
    WORLD(world);
    roost_dir_entry entry;
    struct seen flat = {0}, pruned = {0};
    int rc;
    if (!tree_make(&world))
        return;
    ROOST_WALK_WITH(in(&world, "t"), &(roost_walk_opts){.depth_max = 1}, at, rc)
    roost_ignore(count(&flat, &at));
    CHECK_EQ(0, rc);
    CHECK_EQ(1, flat.files);
    CHECK_EQ(2, flat.dirs);
    ROOST_AUTO(walk) roost_walk *walk = NULL;
    if (roost_walk_open(in(&world, "t"), &(roost_walk_opts){.prune = true}, &walk) < 0)
        return;
    while ((rc = roost_walk_next(walk, &entry)) > 0) {
        roost_ignore(count(&pruned, &entry));
        if (strcmp(entry.name, "b") == 0)
            roost_walk_skip(walk);
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(2, pruned.files);
    CHECK_EQ(3, pruned.dirs);
}

ROOST_TEST(a_root_that_cannot_be_read_is_an_error)
{
    WORLD(world);
    struct seen seen = {0};
    int rc, n = 0;
    ROOST_WALK(in(&world, "none"), entry, rc)
    n++;
    CHECK_EQ(-ENOENT, rc);
    CHECK_EQ(0, n);
    CHECK_EQ(-ENOENT, roost_walk_each(in(&world, "none"), NULL, count, &seen));
    if (put(in(&world, "f"), "x"))
        CHECK_EQ(-ENOTDIR, roost_walk_each(in(&world, "f"), NULL, count, &seen));
    CHECK_EQ(0, seen.files + seen.dirs + seen.errors);
}

ROOST_TEST(several_threads_see_the_same_tree)
{
    WORLD(world);
    char name[40];
    struct seen seen = {0};
    for (int i = 0; i < 60; i++) {
        snprintf(name, sizeof name, "t/%d/%d", i % 7, i);
        if (roost_path_make_dirs(in(&world, name), 0) < 0)
            return;
        snprintf(name, sizeof name, "t/%d/%d/file", i % 7, i);
        if (!put(in(&world, name), "x"))
            return;
    }
    roost_walk_opts opts = {.concurrency = 3, .stat = true};
    CHECK_EQ(0, roost_walk_each(in(&world, "t"), &opts, count, &seen));
    CHECK_EQ(60, seen.files);
    CHECK_EQ(67, seen.dirs);
    CHECK_EQ(60, seen.bytes);
    struct seen some = {.stop_at = 5};
    CHECK_EQ(42, roost_walk_each(in(&world, "t"), &opts, count, &some));
    CHECK_EQ(5, some.files);
}

ROOST_TEST(a_directory_larger_than_a_batch)
{
    WORLD(world);
    char name[24];
    struct seen seen = {0};
    int rc;
    if (roost_path_mkdir(in(&world, "t"), 0) < 0)
        return;
    for (int i = 0; i < 1300; i++) {
        snprintf(name, sizeof name, "t/%d", i);
        if (roost_path_touch(in(&world, name), 0) < 0)
            return;
    }
    ROOST_WALK(in(&world, "t"), entry, rc)
    roost_ignore(count(&seen, &entry));
    CHECK_EQ(0, rc);
    CHECK_EQ(1300, seen.files);
}

ROOST_TEST(what_cannot_be_read_is_told_and_the_walk_goes_on)
{
    REAL_FILES_ONLY();
    WORLD(world);
    struct seen seen = {0};
    int rc;
    /* Too deep a path cannot be opened, whoever asks. */
    static char deep[5000];
    if (!tree_make(&world))
        return;
    int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    CHECK(before >= 0 && chdir(in(&world, "t/empty")) == 0);
    memset(deep, 'd', 250);
    for (int i = 0; i < 18; i++)
        CHECK(mkdir(deep, 0700) == 0 && chdir(deep) == 0);
    CHECK(fchdir(before) == 0);
    ROOST_WALK(in(&world, "t"), entry, rc)
    roost_ignore(count(&seen, &entry));
    CHECK_EQ(0, rc);
    CHECK_EQ(4, seen.files);
    CHECK_EQ(1, seen.errors);
    /* Nor can it be removed by its path. */
    char command[ROOST_TEMP_PATH_MAX + 32];
    snprintf(command, sizeof command, "rm -rf %s/t/empty", world.path);
    CHECK_EQ(0, system(command));
    close(before);
}
