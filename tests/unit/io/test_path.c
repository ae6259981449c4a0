/* tests/unit/io/test_path.c - names: asking, making, moving, copying, removing; on
 * ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

ROOST_TEST(what_is_there_and_what_is_not)
{
    WORLD(world);
    roost_stat stat = {.size = 77};
    if (!put(in(&world, "f"), "12345"))
        return;
    CHECK_EQ(1, roost_path_exists(in(&world, "f")));
    CHECK_EQ(0, roost_path_exists(in(&world, "g")));
    CHECK_EQ(0, roost_path_exists(in(&world, "f/g")));
    CHECK_EQ(1, roost_path_is(in(&world, "f"), ROOST_FILE_REGULAR));
    CHECK_EQ(0, roost_path_is(in(&world, "f"), ROOST_FILE_DIR));
    CHECK_EQ(1, roost_path_is(world.path, ROOST_FILE_DIR));
    CHECK_EQ(-ENOENT, roost_path_stat(in(&world, "g"), &stat));
    CHECK_EQ(77, stat.size);
    CHECK_EQ(0, roost_path_stat(in(&world, "f"), &stat));
    CHECK_EQ(5, stat.size);
    CHECK_EQ(0644, stat.permissions);
    CHECK(stat.modified > 0 && stat.inode > 0);
    CHECK_EQ(0, roost_path_access(in(&world, "f"), R_OK));
    CHECK_EQ(-ENOENT, roost_path_access(in(&world, "g"), F_OK));
}

ROOST_TEST(directories_are_made_with_those_above)
{
    WORLD(world);
    if (!put(in(&world, "f"), "x"))
        return;
    CHECK_EQ(0, roost_path_mkdir(in(&world, "d"), 0));
    CHECK_EQ(-EEXIST, roost_path_mkdir(in(&world, "d"), 0));
    CHECK_EQ(-ENOENT, roost_path_mkdir(in(&world, "x/y"), 0));
    CHECK_EQ(0, roost_path_make_dirs(in(&world, "d/1/2//3/"), 0700));
    CHECK_EQ(1, roost_path_is(in(&world, "d/1/2/3"), ROOST_FILE_DIR));
    CHECK_EQ(0, roost_path_make_dirs(in(&world, "d/1/2/3"), 0));
    CHECK_EQ(0, roost_path_make_dirs("/", 0));
    CHECK_EQ(-EEXIST, roost_path_make_dirs(in(&world, "f"), 0));
    CHECK_EQ(-ENOTDIR, roost_path_make_dirs(in(&world, "f/g"), 0));
}

ROOST_TEST(renaming_replaces_keeps_or_refuses)
{
    WORLD(world);
    if (!put(in(&world, "a"), "A") || !put(in(&world, "b"), "B"))
        return;
    CHECK_EQ(-EEXIST, roost_path_rename(in(&world, "a"), in(&world, "b"), ROOST_RENAME_KEEP));
    CHECK_EQ(0, roost_path_rename(in(&world, "a"), in(&world, "b"), 0));
    check_content(in(&world, "b"), "A");
    CHECK_EQ(0, roost_path_exists(in(&world, "a")));
    CHECK_EQ(-ENOENT, roost_path_rename(in(&world, "a"), in(&world, "c"), 0));
    CHECK_EQ(0, roost_path_rename(in(&world, "b"), in(&world, "c"), ROOST_RENAME_KEEP));
    CHECK_EQ(0, roost_path_mkdir(in(&world, "d"), 0));
    CHECK_EQ(-EISDIR, roost_path_rename(in(&world, "c"), in(&world, "d"), 0));
    CHECK_EQ(ROOST_EINVAL, roost_path_rename(in(&world, "d"), in(&world, "d/e"), 0));
    CHECK_EQ(0, roost_path_rename(in(&world, "d"), in(&world, "e"), 0));
    CHECK_EQ(2, names_in(world.path));
}

ROOST_TEST(removing)
{
    WORLD(world);
    if (!put(in(&world, "f"), "x") || roost_path_make_dirs(in(&world, "d/e"), 0) < 0)
        return;
    CHECK_EQ(-EISDIR, roost_path_remove(in(&world, "d")));
    CHECK_EQ(-ENOTDIR, roost_path_remove_dir(in(&world, "f")));
    CHECK_EQ(-ENOTEMPTY, roost_path_remove_dir(in(&world, "d")));
    CHECK_EQ(0, roost_path_remove_dir(in(&world, "d/e")));
    CHECK_EQ(0, roost_path_remove(in(&world, "f")));
    CHECK_EQ(-ENOENT, roost_path_remove(in(&world, "f")));
    CHECK_EQ(1, names_in(world.path));
}

ROOST_TEST(a_tree_is_removed_and_links_are_not_followed)
{
    WORLD(world);
    char name[32];
    if (roost_path_make_dirs(in(&world, "keep"), 0) < 0 || !put(in(&world, "keep/f"), "kept") ||
        roost_path_make_dirs(in(&world, "t/a/b/c/d"), 0) < 0)
        return;
    for (int i = 0; i < 40; i++) {
        snprintf(name, sizeof name, "t/a/%d-%020d", i % 2, i);
        if (i % 2 ? roost_path_mkdir(in(&world, name), 0) < 0 : !put(in(&world, name), "x"))
            return;
    }
    if (!roost_test_virtual())
        CHECK_EQ(0, roost_path_symlink("../keep", in(&world, "t/link")));
    CHECK_EQ(0, roost_path_remove_tree(in(&world, "t")));
    CHECK_EQ(0, roost_path_exists(in(&world, "t")));
    check_content(in(&world, "keep/f"), "kept");
    CHECK_EQ(-ENOENT, roost_path_remove_tree(in(&world, "t")));
    CHECK_EQ(-ENOTDIR, roost_path_remove_tree(in(&world, "keep/f")));
    check_content(in(&world, "keep/f"), "kept");
}

static char *big_text(size_t len)
{
    static char text[700001];
    for (size_t i = 0; i < len; i++)
        text[i] = (char)('a' + i * 7 % 26);
    text[len] = '\0';
    return text;
}

ROOST_TEST(copies_are_the_same)
{
    WORLD(world);
    roost_stat from, to;
    const char *text = big_text(700000);
    if (!put(in(&world, "f"), text))
        return;
    CHECK_EQ(0, roost_path_chmod(in(&world, "f"), 0640));
    CHECK_EQ(0, roost_path_set_times(in(&world, "f"), ROOST_SEC(1000), ROOST_SEC(2000)));
    CHECK_EQ(0,
             roost_path_copy(in(&world, "f"), in(&world, "g"), &(roost_copy_opts){.times = true}));
    check_content(in(&world, "g"), text);
    CHECK_EQ(0, roost_path_stat(in(&world, "f"), &from));
    CHECK_EQ(0, roost_path_stat(in(&world, "g"), &to));
    CHECK_EQ(from.permissions, to.permissions);
    CHECK_EQ(ROOST_SEC(2000), to.modified);
    roost_copy_opts opts = {.keep = true};
    CHECK_EQ(-EEXIST, roost_path_copy(in(&world, "f"), in(&world, "g"), &opts));
    opts.atomic = true;
    CHECK_EQ(-EEXIST, roost_path_copy(in(&world, "f"), in(&world, "g"), &opts));
    CHECK_EQ(0, roost_path_copy(in(&world, "f"), in(&world, "h"), &opts));
    check_content(in(&world, "h"), text);
    CHECK_EQ(-ENOENT, roost_path_copy(in(&world, "nothing"), in(&world, "i"), NULL));
    CHECK_EQ(-EISDIR, roost_path_copy(world.path, in(&world, "i"), NULL));
    CHECK_EQ(ROOST_EINVAL, roost_path_copy(in(&world, "f"), in(&world, "f"), NULL));
    check_content(in(&world, "f"), text);
    CHECK_EQ(3, names_in(world.path));
}

ROOST_TEST(links_by_name_and_by_file)
{
    REAL_FILES_ONLY();
    WORLD(world);
    char text[ROOST_TEMP_PATH_MAX + 64];
    roost_stat stat;
    if (!put(in(&world, "f"), "linked"))
        return;
    CHECK_EQ(0, roost_path_link(in(&world, "f"), in(&world, "hard")));
    CHECK_EQ(0, roost_path_symlink("f", in(&world, "soft")));
    check_content(in(&world, "soft"), "linked");
    CHECK_EQ(0, roost_path_stat(in(&world, "hard"), &stat));
    CHECK_EQ(2, stat.links);
    CHECK_EQ(0, roost_path_stat_link(in(&world, "soft"), &stat));
    CHECK_EQ(ROOST_FILE_LINK, stat.kind);
    CHECK_EQ(1, roost_path_is(in(&world, "soft"), ROOST_FILE_LINK));
    CHECK_EQ(1, roost_path_is(in(&world, "soft"), ROOST_FILE_REGULAR));
    CHECK_EQ(1, roost_path_readlink(in(&world, "soft"), text, sizeof text));
    CHECK_STR("f", text);
    CHECK_EQ(-ENAMETOOLONG, roost_path_readlink(in(&world, "soft"), text, 1));
    CHECK_EQ(ROOST_EINVAL, roost_path_readlink(in(&world, "f"), text, sizeof text));
    CHECK(roost_path_resolve(in(&world, "./soft"), text, sizeof text) > 0);
    CHECK_STR("f", roost_path_name(text));
    CHECK_EQ(0, roost_path_rename(in(&world, "soft"), in(&world, "f"), ROOST_RENAME_SWAP));
    CHECK_EQ(1, roost_path_is(in(&world, "f"), ROOST_FILE_LINK));
}

ROOST_TEST(touching_makes_and_renews)
{
    WORLD(world);
    roost_stat stat;
    CHECK_EQ(0, roost_path_touch(in(&world, "f"), 0));
    CHECK_EQ(0, roost_path_set_times(in(&world, "f"), ROOST_NEVER, ROOST_SEC(5)));
    CHECK_EQ(0, roost_path_stat(in(&world, "f"), &stat));
    CHECK_EQ(ROOST_SEC(5), stat.modified);
    CHECK_EQ(0, roost_path_touch(in(&world, "f"), 0));
    CHECK_EQ(0, roost_path_stat(in(&world, "f"), &stat));
    CHECK(stat.modified > ROOST_SEC(1000));
    CHECK_EQ(0, stat.size);
    CHECK_EQ(-ENOENT, roost_path_touch(in(&world, "d/f"), 0));
    CHECK_EQ(0, roost_path_sync(in(&world, "f")));
    CHECK_EQ(0, roost_path_sync(world.path));
}

ROOST_TEST(text_of_paths)
{
    char buf[16];
    CHECK_EQ(3, roost_path_join("a", "b", buf, sizeof buf));
    CHECK_STR("a/b", buf);
    CHECK_EQ(3, roost_path_join("a/", "b", buf, sizeof buf));
    CHECK_STR("a/b", buf);
    CHECK_EQ(2, roost_path_join("a", "/b", buf, sizeof buf));
    CHECK_STR("/b", buf);
    CHECK_EQ(1, roost_path_join("", "b", buf, sizeof buf));
    CHECK_EQ(1, roost_path_join("a", "", buf, sizeof buf));
    CHECK_EQ(-ENAMETOOLONG, roost_path_join("1234567", "12345678", buf, sizeof buf));
    CHECK_STR("a", buf);
    CHECK_STR("c.tar.gz", roost_path_name("/a/b/c.tar.gz"));
    CHECK_STR(".gz", roost_path_suffix("/a/b.d/c.tar.gz"));
    CHECK_STR("", roost_path_suffix("/a/b.d/c"));
    CHECK_STR("", roost_path_suffix(".profile"));
    CHECK_STR("", roost_path_suffix("c."));
}
