/* tests/unit/io/test_file.c - open files: modes, position, buffer, errors; on ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

static roost_file *opened(const char *path, const char *mode, const roost_file_opts *opts)
{
    roost_file *file = NULL;
    CHECK_EQ(0, roost_file_open(path, mode, opts, &file));
    return file;
}

/* -- modes ------------------------------------------------------------------------------------- */

ROOST_TEST(a_mode_that_is_none_is_refused)
{
    WORLD(world);
    static const char *const modes[] = {"", "q", "rw", "+", "r++x", "wa"};
    roost_file *file = NULL;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        CHECK_EQ(ROOST_EINVAL, roost_file_open(in(&world, "f"), modes[i], NULL, &file));
    CHECK(file == NULL);
    CHECK_EQ(0, names_in(world.path));
}

ROOST_TEST(opening_says_what_the_system_says)
{
    WORLD(world);
    roost_file *file = NULL;
    if (!put(in(&world, "there"), "x"))
        return;
    CHECK_EQ(-ENOENT, roost_file_open(in(&world, "f"), "r", NULL, &file));
    CHECK_EQ(-ENOENT, roost_file_open(in(&world, "f"), "r+", NULL, &file));
    CHECK_EQ(-EISDIR, roost_file_open(world.path, "r", NULL, &file));
    CHECK_EQ(-EISDIR, roost_file_open(world.path, "w", NULL, &file));
    CHECK_EQ(-EEXIST, roost_file_open(in(&world, "there"), "x", NULL, &file));
    CHECK_EQ(-ENOTDIR, roost_file_open(in(&world, "there/below"), "w", NULL, &file));
    CHECK(file == NULL);
}

ROOST_TEST(each_mode_does_what_it_says)
{
    WORLD(world);
    char buf[16];
    const char *path = in(&world, "f");
    ROOST_AUTO(file) roost_file *made = opened(path, "x", NULL);
    if (!made)
        return;
    CHECK_EQ(3, roost_file_write(made, "abc", 3));
    CHECK_EQ(-EBADF, roost_file_read(made, buf, 1));
    CHECK_EQ(0, roost_file_flush(made));
    ROOST_AUTO(file) roost_file *reader = opened(path, "rb", NULL);
    if (!reader)
        return;
    CHECK_EQ(-EBADF, roost_file_write(reader, "x", 1));
    CHECK_EQ(-EBADF, roost_file_pwrite(reader, "x", 1, 0));
    CHECK_EQ(-EBADF, roost_file_truncate(reader, 0));
    CHECK_EQ(3, roost_file_read(reader, buf, sizeof buf));
    CHECK_EQ(0, roost_file_read(reader, buf, sizeof buf));
    ROOST_AUTO(file) roost_file *appender = opened(path, "a+", NULL);
    if (!appender)
        return;
    CHECK_EQ(3, roost_file_tell(appender));
    CHECK_EQ(0, roost_file_seek(appender, 0, SEEK_SET));
    CHECK_EQ(2, roost_file_write(appender, "de", 2));
    CHECK_EQ(0, roost_file_flush(appender));
    check_content(path, "abcde");
    ROOST_AUTO(file) roost_file *both = opened(path, "r+", NULL);
    if (!both)
        return;
    CHECK_EQ(1, roost_file_read(both, buf, 1));
    CHECK_EQ(1, roost_file_write(both, "B", 1));
    CHECK_EQ(2, roost_file_read(both, buf, 2));
    CHECK_EQ(0, memcmp(buf, "cd", 2));
    check_content(path, "aBcde");
    ROOST_AUTO(file) roost_file *writer = opened(path, "w", NULL);
    if (writer)
        check_content(path, "");
}

/* -- position and buffer ----------------------------------------------------------------------- */

ROOST_TEST(writing_waits_in_the_buffer)
{
    WORLD(world);
    const char *path = in(&world, "f");
    roost_file *file = opened(path, "w", &(roost_file_opts){.buffer_bytes = 512});
    if (!file)
        return;
    char block[511];
    memset(block, 'b', sizeof block);
    CHECK_EQ(511, roost_file_write(file, block, sizeof block));
    CHECK_EQ(1, roost_file_write(file, "c", 1));
    check_content(path, "");
    CHECK_EQ(512, roost_file_tell(file));
    CHECK_EQ(1, roost_file_write(file, "d", 1));
    roost_stat stat;
    CHECK_EQ(0, roost_path_stat(path, &stat));
    CHECK_EQ(512, stat.size);
    CHECK_EQ(0, roost_file_stat(file, &stat));
    CHECK_EQ(513, stat.size);
    CHECK_EQ(ROOST_FILE_REGULAR, stat.kind);
    CHECK_EQ(0, roost_file_close(file));
}

ROOST_TEST(more_than_a_buffer_is_written_past_it)
{
    WORLD(world);
    static char block[5000];
    const char *path = in(&world, "f");
    roost_file *file = opened(path, "w+", &(roost_file_opts){.buffer_bytes = 512});
    if (!file)
        return;
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)('a' + i % 26);
    CHECK_EQ(3, roost_file_write(file, "123", 3));
    CHECK_EQ(5000, roost_file_write(file, block, sizeof block));
    CHECK_EQ(5003, roost_file_tell(file));
    char got[5003];
    CHECK_EQ(0, roost_file_seek(file, 0, SEEK_SET));
    size_t n = 0;
    for (int64_t more; (more = roost_file_read(file, got + n, sizeof got - n)) > 0;)
        n += (size_t)more;
    CHECK_EQ(5003, n);
    CHECK(memcmp(got, "123", 3) == 0 && memcmp(got + 3, block, sizeof block) == 0);
    CHECK_EQ(0, roost_file_close(file));
}

ROOST_TEST(seeking_goes_where_it_says)
{
    WORLD(world);
    char buf[4];
    if (!put(in(&world, "f"), "0123456789"))
        return;
    ROOST_AUTO(file) roost_file *file = opened(in(&world, "f"), "r", NULL);
    if (!file)
        return;
    CHECK_EQ(4, roost_file_seek(file, 4, SEEK_SET));
    CHECK_EQ(2, roost_file_read(file, buf, 2));
    CHECK_EQ(0, memcmp(buf, "45", 2));
    CHECK_EQ(7, roost_file_seek(file, 1, SEEK_CUR));
    CHECK_EQ(1, roost_file_read(file, buf, 1));
    CHECK_EQ('7', buf[0]);
    CHECK_EQ(9, roost_file_seek(file, -1, SEEK_END));
    CHECK_EQ(1, roost_file_read(file, buf, 4));
    CHECK_EQ(100, roost_file_seek(file, 100, SEEK_SET));
    CHECK_EQ(0, roost_file_read(file, buf, 4));
    CHECK_EQ(ROOST_EINVAL, roost_file_seek(file, -1, SEEK_SET));
    CHECK_EQ(ROOST_EINVAL, roost_file_seek(file, INT64_MAX, SEEK_CUR));
    CHECK_EQ(ROOST_EINVAL, roost_file_seek(file, 0, 77));
    CHECK_EQ(100, roost_file_tell(file));
}

ROOST_TEST(reading_and_writing_at_an_offset_leave_the_position)
{
    WORLD(world);
    char buf[8];
    ROOST_AUTO(file) roost_file *file = opened(in(&world, "f"), "w+", NULL);
    if (!file)
        return;
    CHECK_EQ(4, roost_file_pwrite(file, "abcd", 4, 2));
    CHECK_EQ(0, roost_file_tell(file));
    CHECK_EQ(2, roost_file_pread(file, buf, 2, 3));
    CHECK_EQ(0, memcmp(buf, "bc", 2));
    CHECK_EQ(0, roost_file_pread(file, buf, 2, 60));
    CHECK_EQ(1, roost_file_read(file, buf, 1));
    CHECK_EQ('\0', buf[0]);
    /* What was read ahead is out of date after a write. */
    CHECK_EQ(1, roost_file_pwrite(file, "X", 1, 1));
    CHECK_EQ(1, roost_file_read(file, buf, 1));
    CHECK_EQ('X', buf[0]);
    CHECK_EQ(ROOST_EINVAL, roost_file_pread(file, buf, 1, -1));
    CHECK_EQ(ROOST_EINVAL, roost_file_pwrite(file, buf, 1, -1));
}

ROOST_TEST(cutting_and_extending)
{
    WORLD(world);
    const char *path = in(&world, "f");
    ROOST_AUTO(file) roost_file *file = opened(path, "w+", NULL);
    roost_stat stat;
    if (!file)
        return;
    CHECK_EQ(6, roost_file_write(file, "abcdef", 6));
    CHECK_EQ(0, roost_file_truncate(file, 3));
    check_content(path, "abc");
    CHECK_EQ(0, roost_file_truncate(file, 9));
    CHECK_EQ(0, roost_path_stat(path, &stat));
    CHECK_EQ(9, stat.size);
    CHECK_EQ(ROOST_EINVAL, roost_file_truncate(file, -1));
    CHECK_EQ(0, roost_file_allocate(file, 0, 4096));
    CHECK_EQ(0, roost_path_stat(path, &stat));
    CHECK_EQ(4096, stat.size);
    CHECK_EQ(0, roost_file_sync(file, false));
    CHECK_EQ(0, roost_file_sync(file, true));
    CHECK_EQ(0, roost_file_advise(file, 0, 0, POSIX_FADV_WILLNEED));
}

/* -- two tasks --------------------------------------------------------------------------------- */

ROOST_ASYNC(read_one, roost_file *, file, int64_t *, got)
{
    char byte;
    *got = roost_file_read(file, &byte, 1);
    return 0;
}

ROOST_TEST(a_second_user_is_told_and_the_first_goes_on, .needs = "sim")
{
    WORLD(world);
    int group_rc = 0;
    int64_t got[8] = {0};
    if (!put(in(&world, "f"), "abcdefgh"))
        return;
    ROOST_AUTO(file) roost_file *file = opened(in(&world, "f"), "r", NULL);
    if (!file)
        return;
    ROOST_GROUP(g, group_rc)
        for (int i = 0; i < 8; i++)
            ROOST_GO(g, read_one, file, &got[i]);
    int done = 0;
    for (int i = 0; i < 8; i++) {
        CHECK(got[i] == 1 || got[i] == ROOST_EBUSY);
        done += got[i] == 1;
    }
    CHECK(done >= 1);
    CHECK_EQ(done, roost_file_tell(file));
}

/* -- ends -------------------------------------------------------------------------------------- */

ROOST_TEST(closing_nothing_is_fine)
{
    CHECK_EQ(0, roost_file_close(NULL));
}

ROOST_TEST(a_cancelled_task_closes_without_losing_a_byte)
{
    WORLD(world);
    const char *path = in(&world, "f");
    roost_file *file = opened(path, "w", NULL);
    if (!file)
        return;
    CHECK_EQ(4, roost_file_write(file, "kept", 4));
    ROOST_AUTO(scope) roost_scope scope;
    roost_scope_begin(&scope, ROOST_FOREVER, ROOST_SCOPE_FAIL, "test");
    roost_scope_cancel(&scope, NULL);
    CHECK_EQ(ROOST_ECANCELED, roost_file_flush(file));
    CHECK_EQ(0, roost_file_close(file));
    roost_ignore(roost_scope_end(&scope, 0));
    check_content(path, "kept");
}

ROOST_TEST(pipes_have_no_position)
{
    REAL_FILES_ONLY();
    int fds[2];
    char buf[8];
    roost_file *reader = NULL, *writer = NULL;
    CHECK_EQ(0, pipe(fds));
    if (roost_file_from_fd(fds[0], "r", NULL, &reader) < 0)
        close(fds[0]);
    if (roost_file_from_fd(fds[1], "w", NULL, &writer) < 0)
        close(fds[1]);
    if (reader && writer) {
        CHECK_EQ(-ESPIPE, roost_file_seek(reader, 0, SEEK_SET));
        CHECK_EQ(-ESPIPE, roost_file_pread(reader, buf, 1, 0));
        CHECK_EQ(-ESPIPE, roost_file_pwrite(writer, "x", 1, 0));
        CHECK_EQ(5, roost_file_write(writer, "a\nbcd", 5));
        CHECK_EQ(0, roost_file_close(writer));
        writer = NULL;
        roost_bytes line;
        CHECK_EQ(1, roost_file_line(reader, &line));
        CHECK_EQ(1, line.len);
        CHECK_EQ(3, roost_file_read(reader, buf, 8));
        CHECK_EQ(0, roost_file_read(reader, buf, 8));
    }
    roost_ignore(roost_file_close(reader));
    roost_ignore(roost_file_close(writer));
}

ROOST_TEST(a_file_goes_to_a_stream)
{
    WORLD(world);
    roost_stream *a = NULL, *b = NULL;
    char buf[16];
    if (!put(in(&world, "f"), "0123456789") || roost_memory_pair(NULL, &a, &b) < 0)
        return;
    ROOST_AUTO(file) roost_file *file = opened(in(&world, "f"), "r", NULL);
    if (file) {
        CHECK_EQ(4, roost_file_send(file, a, 3, 4));
        CHECK_EQ(2, roost_file_send(file, a, 8, -1));
        CHECK_EQ(0, roost_file_send(file, a, 80, -1));
        CHECK_EQ(6, roost_try_read(b, buf, sizeof buf));
        CHECK_EQ(0, memcmp(buf, "345689", 6));
    }
    roost_stream_abort(a);
    roost_stream_abort(b);
}

/* -- in memory --------------------------------------------------------------------------------- */

ROOST_TEST(a_file_is_mapped)
{
    REAL_FILES_ONLY();
    WORLD(world);
    roost_file_mapping map = {0};
    if (!put(in(&world, "f"), "mapped"))
        return;
    ROOST_AUTO(file) roost_file *file = opened(in(&world, "f"), "r+", NULL);
    if (!file)
        return;
    CHECK_EQ(ROOST_EINVAL, roost_file_map(file, &(roost_map_file_opts){.offset = 6}, &map));
    CHECK_EQ(ROOST_EINVAL, roost_file_map(file, &(roost_map_file_opts){.len = 7}, &map));
    int rc = roost_file_map(file, &(roost_map_file_opts){.writable = true, .populate = true}, &map);
    CHECK_EQ(0, rc);
    if (rc < 0)
        return;
    CHECK_EQ(6, map.len);
    CHECK_EQ(0, memcmp(map.data, "mapped", 6));
    memcpy(map.data, "M", 1);
    CHECK_EQ(0, roost_file_map_sync(&map));
    roost_file_unmap(&map);
    roost_file_unmap(&map);
    check_content(in(&world, "f"), "Mapped");
}
