/* tests/unit/io/test_file_store.c - whole files: reading, writing, all or nothing; on
 * ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

ROOST_TEST(a_whole_file_is_written_and_read)
{
    WORLD(world);
    const char *path = in(&world, "f");
    static char big[300000];
    char *data;
    size_t len;
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31 >> 3);
    int rc = roost_file_write_all(path, big, sizeof big, NULL);
    CHECK_EQ(0, rc);
    if (rc < 0)
        return;
    rc = roost_file_read_all(path, 0, &data, &len);
    CHECK_EQ(0, rc);
    if (rc < 0)
        return;
    CHECK_EQ(sizeof big, len);
    CHECK_EQ(0, memcmp(big, data, len));
    CHECK_EQ('\0', data[len]);
    roost_memory_free(data);
    if (put(path, "short"))
        check_content(path, "short");
}

ROOST_TEST(a_file_longer_than_allowed_is_refused)
{
    WORLD(world);
    char *data = NULL;
    if (!put(in(&world, "f"), "12345"))
        return;
    CHECK_EQ(ROOST_EOVERFLOW, roost_file_read_all(in(&world, "f"), 4, &data, NULL));
    CHECK(data == NULL);
    CHECK_EQ(0, roost_file_read_all(in(&world, "f"), 5, &data, NULL));
    roost_memory_free(data);
}

ROOST_TEST(reading_all_says_what_the_system_says)
{
    WORLD(world);
    char *data = NULL;
    CHECK_EQ(-ENOENT, roost_file_read_all(in(&world, "f"), 0, &data, NULL));
    CHECK_EQ(-EISDIR, roost_file_read_all(world.path, 0, &data, NULL));
    CHECK(data == NULL);
}

ROOST_TEST(text_is_utf_8)
{
    WORLD(world);
    static const struct {
        const char *bytes;
        size_t len;
        bool good;
    } texts[] = {
        {"", 0, true},
        {"plain\n", 6, true},
        {"\xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", 11, true},
        {"\x80", 1, false},
        {"\xc3", 1, false},
        {"\xc0\xaf", 2, false},
        {"\xed\xa0\x80", 3, false},
        {"\xf4\x90\x80\x80", 4, false},
        {"a\0b", 3, false},
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char *text = NULL;
        int rc = roost_file_write_all(in(&world, "f"), texts[i].bytes, texts[i].len, NULL);
        if (rc == 0)
            CHECK_EQ(texts[i].good ? 0 : -EILSEQ, roost_file_read_text(in(&world, "f"), 0, &text));
        roost_memory_free(text);
    }
    ROOST_AUTO(memory) char *text = NULL;
    if (put(in(&world, "f"), "\xef\xbb\xbfmarked"))
        CHECK_EQ(0, roost_file_read_text(in(&world, "f"), 0, &text));
    if (text)
        CHECK_STR("marked", text);
}

ROOST_TEST(files_of_the_kernel_are_read_though_they_say_they_are_empty)
{
    REAL_FILES_ONLY();
    ROOST_AUTO(memory) char *text = NULL;
    CHECK_EQ(0, roost_file_read_text("/proc/self/status", 0, &text));
    CHECK(text && strstr(text, "VmSize"));
}

ROOST_TEST(appending_makes_and_extends)
{
    WORLD(world);
    const char *path = in(&world, "log");
    CHECK_EQ(0, roost_file_append_all(path, "one\n", 4, NULL));
    CHECK_EQ(0, roost_file_append_all(path, "two\n", 4, &(roost_write_opts){.sync = true}));
    check_content(path, "one\ntwo\n");
    CHECK_EQ(ROOST_EINVAL,
             roost_file_append_all(path, "x", 1, &(roost_write_opts){.atomic = true}));
}

ROOST_TEST(a_name_that_is_there_can_be_kept)
{
    WORLD(world);
    const char *path = in(&world, "f");
    roost_write_opts keep = {.keep = true};
    CHECK_EQ(0, roost_file_write_all(path, "old", 3, &keep));
    CHECK_EQ(-EEXIST, roost_file_write_all(path, "new", 3, &keep));
    keep.atomic = true;
    CHECK_EQ(-EEXIST, roost_file_write_all(path, "new", 3, &keep));
    check_content(path, "old");
    CHECK_EQ(1, names_in(world.path));
}

ROOST_TEST(replacing_leaves_nothing_beside_it)
{
    WORLD(world);
    const char *path = in(&world, "state");
    roost_write_opts atomic = {.atomic = true};
    roost_stat stat;
    CHECK_EQ(0, roost_file_write_all(path, "one", 3, &atomic));
    CHECK_EQ(0, roost_path_chmod(path, 0640));
    CHECK_EQ(0, roost_file_write_all(path, "two", 3, &atomic));
    check_content(path, "two");
    CHECK_EQ(0, roost_path_stat(path, &stat));
    CHECK_EQ(0640, stat.permissions);
    CHECK_EQ(1, names_in(world.path));
    CHECK_EQ(-ENOENT, roost_file_write_all(in(&world, "no/where"), "x", 1, &atomic));
}

ROOST_TEST(a_failed_replacement_leaves_the_old_content)
{
    REAL_FILES_ONLY();
    WORLD(world);
    /* A directory cannot be replaced by a file: found out at the very last step. */
    CHECK_EQ(0, roost_path_mkdir(in(&world, "dir"), 0));
    CHECK_EQ(-EISDIR,
             roost_file_write_all(in(&world, "dir"), "x", 1,
                                  &(roost_write_opts){.atomic = true, .permissions = 0600}));
    CHECK_EQ(1, names_in(world.path));
}
