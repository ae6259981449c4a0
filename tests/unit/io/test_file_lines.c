/* tests/unit/io/test_file_lines.c - lines: ends, lengths around the buffer, limits; on
 * ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

/* Lines of a file, each with a bar behind it. */
static int lines_of(const char *path, const roost_file_opts *opts, char *out, size_t size)
{
    ROOST_AUTO(file) roost_file *file = NULL;
    ROOST_TRY(roost_file_open(path, "r", opts, &file));
    size_t n = 0;
    int rc;
    ROOST_LINES(file, line, rc)
    {
        CHECK(n + line.len + 2 < size);
        memcpy(out + n, line.data, line.len);
        n += line.len;
        out[n++] = '|';
    }
    out[n] = '\0';
    return rc;
}

static void lines_try(const roost_temp *world, const char *text, const roost_file_opts *opts,
                      const char *wanted)
{
    char got[200];
    if (!put(in(world, "f"), text))
        return;
    int rc = lines_of(in(world, "f"), opts, got, sizeof got);
    CHECK_EQ(0, rc);
    if (rc == 0)
        CHECK_STR(wanted, got);
}

ROOST_TEST(every_kind_of_end)
{
    WORLD(world);
    roost_file_opts keep = {.keep_cr = true};
    lines_try(&world, "", NULL, "");
    lines_try(&world, "\n", NULL, "|");
    lines_try(&world, "a", NULL, "a|");
    lines_try(&world, "a\n", NULL, "a|");
    lines_try(&world, "a\nb", NULL, "a|b|");
    lines_try(&world, "a\n\n\nb\n", NULL, "a|||b|");
    lines_try(&world, "a\r\nb\r\n\r\nc\r", NULL, "a|b||c\r|");
    lines_try(&world, "a\r\nb\r\n", &keep, "a\r|b\r|");
    lines_try(&world, "\r\r\n", NULL, "\r|");
}

static bool long_lines_put(const char *path, size_t first, size_t count)
{
    static char text[70000];
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        memset(text + n, (int)('a' + i % 26), first + i);
        n += first + i;
        text[n++] = '\n';
    }
    int rc = roost_file_write_all(path, text, n, NULL);
    CHECK_EQ(0, rc);
    return rc == 0;
}

ROOST_TEST(lines_around_the_buffer_and_longer)
{
    WORLD(world);
    ROOST_AUTO(file) roost_file *file = NULL;
    roost_file_opts opts = {.buffer_bytes = 512};
    if (!long_lines_put(in(&world, "f"), 505, 20) ||
        roost_file_open(in(&world, "f"), "r", &opts, &file) < 0)
        return;
    size_t i = 0;
    int rc;
    ROOST_LINES(file, line, rc)
    {
        CHECK_EQ(505 + i, line.len);
        CHECK(line.data[0] == (char)('a' + i) && line.data[line.len - 1] == (char)('a' + i));
        i++;
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(20, i);
}

ROOST_TEST(a_line_may_be_as_long_as_the_limit_and_no_longer)
{
    WORLD(world);
    char got[1200];
    roost_file_opts opts = {.buffer_bytes = 512, .line_bytes_max = 1000};
    if (!long_lines_put(in(&world, "f"), 1000, 1))
        return;
    CHECK_EQ(0, lines_of(in(&world, "f"), &opts, got, sizeof got));
    opts.line_bytes_max = 999;
    CHECK_EQ(ROOST_EOVERFLOW, lines_of(in(&world, "f"), &opts, got, sizeof got));
}

ROOST_TEST(after_a_line_that_is_too_long_its_bytes_can_be_read)
{
    WORLD(world);
    char buf[100];
    roost_bytes line;
    ROOST_AUTO(file) roost_file *file = NULL;
    roost_file_opts opts = {.buffer_bytes = 512, .line_bytes_max = 600};
    if (!long_lines_put(in(&world, "f"), 599, 3) ||
        roost_file_open(in(&world, "f"), "r", &opts, &file) < 0)
        return;
    CHECK_EQ(1, roost_file_line(file, &line));
    CHECK_EQ(1, roost_file_line(file, &line));
    int64_t before = roost_file_tell(file);
    CHECK_EQ(1201, before);
    CHECK_EQ(ROOST_EOVERFLOW, roost_file_line(file, &line));
    CHECK_EQ(ROOST_EOVERFLOW, roost_file_line(file, &line));
    CHECK_EQ(before, roost_file_tell(file));
    CHECK_EQ(100, roost_file_read(file, buf, sizeof buf));
    CHECK_EQ('c', buf[0]);
}

ROOST_TEST(lines_reads_and_seeks_share_the_position)
{
    WORLD(world);
    char buf[2];
    roost_bytes line;
    ROOST_AUTO(file) roost_file *file = NULL;
    if (!put(in(&world, "f"), "one\ntwo\nthree\n") ||
        roost_file_open(in(&world, "f"), "r+", NULL, &file) < 0)
        return;
    CHECK_EQ(1, roost_file_line(file, &line));
    CHECK_EQ(2, roost_file_read(file, buf, 2));
    CHECK_EQ(0, memcmp(buf, "tw", 2));
    CHECK_EQ(1, roost_file_line(file, &line));
    CHECK(line.len == 1 && line.data[0] == 'o');
    CHECK_EQ(0, roost_file_seek(file, 0, SEEK_SET));
    CHECK_EQ(3, roost_file_write(file, "ONE", 3));
    CHECK_EQ(1, roost_file_line(file, &line));
    CHECK_EQ(0, line.len);
    CHECK_EQ(1, roost_file_line(file, &line));
    CHECK(line.len == 3 && memcmp(line.data, "two", 3) == 0);
}

ROOST_TEST(a_file_for_writing_has_no_lines)
{
    WORLD(world);
    roost_bytes line;
    ROOST_AUTO(file) roost_file *file = NULL;
    if (roost_file_open(in(&world, "f"), "w", NULL, &file) == 0)
        CHECK_EQ(-EBADF, roost_file_line(file, &line));
}
