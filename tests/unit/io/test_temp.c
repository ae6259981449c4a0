/* tests/unit/io/test_temp.c - temporary files and directories, spools; on ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

ROOST_TEST(a_temporary_file_has_no_name)
{
    WORLD(world);
    char buf[8];
    ROOST_AUTO(file) roost_file *file = NULL;
    if (roost_temp_file(world.path, &file) < 0)
        return;
    CHECK_EQ(0, names_in(world.path));
    CHECK_EQ(3, roost_file_write(file, "abc", 3));
    CHECK_EQ(0, roost_file_seek(file, 0, SEEK_SET));
    CHECK_EQ(3, roost_file_read(file, buf, sizeof buf));
}

ROOST_TEST(a_temporary_file_is_given_a_name)
{
    REAL_FILES_ONLY();
    WORLD(world);
    ROOST_AUTO(file) roost_file *file = NULL;
    if (roost_temp_file(world.path, &file) < 0)
        return;
    CHECK_EQ(3, roost_file_write(file, "abc", 3));
    int rc = roost_temp_link(file, in(&world, "named"));
    if (rc == -ENOENT)
        return; /* a file system without such files */
    CHECK_EQ(0, rc);
    check_content(in(&world, "named"), "abc");
    CHECK_EQ(-EEXIST, roost_temp_link(file, in(&world, "named")));
}

ROOST_TEST(a_temporary_directory_goes_with_its_scope)
{
    WORLD(world);
    char path[ROOST_TEMP_PATH_MAX] = "";
    {
        ROOST_AUTO(temp) roost_temp temp = {.path = ""};
        if (roost_temp_dir(world.path, &temp) < 0)
            return;
        memcpy(path, temp.path, sizeof path);
        CHECK_EQ(0, roost_path_make_dirs(in(&temp, "a/b"), 0));
        CHECK(put(in(&temp, "a/b/c"), "x") || !roost_test_virtual());
    }
    CHECK_EQ(0, roost_path_exists(path));
    CHECK_EQ(-ENOENT, roost_temp_dir("/nowhere/at/all", &(roost_temp){.path = ""}));
}

ROOST_TEST(a_cancelled_task_leaves_no_temporary_directory)
{
    WORLD(world);
    roost_temp temp = {.path = ""};
    if (roost_temp_dir(world.path, &temp) < 0)
        return;
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_begin(&scope, ROOST_FOREVER, ROOST_SCOPE_FAIL, "test");
    roost_scope_cancel(&scope, NULL);
    CHECK_EQ(0, roost_temp_remove(&temp));
    roost_ignore(roost_scope_end(&scope, 0));
    CHECK_EQ(0, names_in(world.path));
}

ROOST_TEST(a_spool_becomes_a_file_when_it_grows)
{
    char got[40], text[41];
    ROOST_AUTO(spool) roost_spool spool;
    roost_spool_init(&spool, 16);
    for (int i = 0; i < 40; i++)
        text[i] = (char)('a' + i % 26);
    size_t done = 0;
    for (int i = 0; i < 5; i++) {
        bool file = spool.priv.file != NULL;
        CHECK_EQ(done > 16, file);
        if (roost_spool_write(&spool, text + done, 8) < 0)
            return;
        done += 8;
        CHECK_EQ(done, spool.len);
        CHECK_EQ((int64_t)done, roost_spool_read(&spool, got, sizeof got, 0));
        CHECK_EQ(0, memcmp(got, text, done));
        CHECK_EQ(3, roost_spool_read(&spool, got, 3, (int64_t)done - 3));
        CHECK_EQ(0, memcmp(got, text + done - 3, 3));
    }
    CHECK_EQ(0, roost_spool_read(&spool, got, 3, 40));
    CHECK_EQ(ROOST_EINVAL, roost_spool_read(&spool, got, 3, -1));
}
