/* tests/unit/io/test_glob.c - patterns of names and of paths; on ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include "unit/io/file_world.h"

ROOST_TEST(patterns_match_what_they_describe)
{
    static const struct {
        const char *pattern;
        const char *path;
        int matches;
    } pairs[] = {
        {"a", "a", 1},
        {"a", "b", 0},
        {"*", "abc", 1},
        {"*", "", 0},
        {"a*c", "abbc", 1},
        {"a*c", "ab", 0},
        {"*a*b*", "xaxbx", 1},
        {"?", "a", 1},
        {"?", "", 0},
        {"?", "\xc3\xa4", 1},
        {"[a-c]", "b", 1},
        {"[!a-c]", "b", 0},
        {"[^a-c]", "d", 1},
        {"[]]", "]", 1},
        {"[a-]", "-", 1},
        {"\\*", "*", 1},
        {"\\*", "a", 0},
        {"*.c", "src/x.c", 0},
        {"*/*.c", "src/x.c", 1},
        {"**/*.c", "x.c", 1},
        {"**/*.c", "a/b/x.c", 1},
        {"a/**", "a", 1},
        {"a/**", "a/b/c", 1},
        {"a/**/z", "a/z", 1},
        {"a/**/z", "a/b/c/z", 1},
        {"a/**/z", "b/z", 0},
        {"/a", "a", 0},
        {"a//b", "a/b", 1},
        {"**/a/**/b", "x/a/y/a/b", 1},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
        CHECK_EQ(pairs[i].matches, roost_glob_match(pairs[i].pattern, pairs[i].path));
    CHECK_EQ(ROOST_EINVAL, roost_glob_match("[a", "a"));
}

ROOST_TEST(a_pattern_of_many_stars_takes_no_time)
{
    char name[2001];
    memset(name, 'a', 2000);
    name[2000] = '\0';
    CHECK_EQ(0, roost_glob_match("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", name));
}

static void glob_try(const roost_temp *world, const char *pattern, const roost_glob_opts *opts,
                     const char *wanted)
{
    char **paths = NULL;
    char got[400] = "";
    size_t count = 0, skip = strlen(world->path) + 1;
    int rc = roost_glob(in(world, pattern), opts, &paths, &count);
    CHECK_EQ(0, rc);
    if (rc < 0)
        return;
    for (size_t i = 0; i < count; i++) {
        strcat(got, paths[i] + skip);
        strcat(got, " ");
    }
    CHECK_STR(wanted, got);
    roost_memory_free((void *)paths);
}

static void glob_fails(const char *pattern, const roost_glob_opts *opts, int code)
{
    char **paths = NULL;
    size_t count;
    CHECK_EQ(code, roost_glob(pattern, opts, &paths, &count));
    roost_memory_free((void *)paths);
}

ROOST_TEST(paths_are_found_and_sorted)
{
    WORLD(world);
    if (roost_path_make_dirs(in(&world, "src/io/deep"), 0) < 0 ||
        roost_path_make_dirs(in(&world, ".hidden"), 0) < 0 || !put(in(&world, "src/b.c"), "") ||
        !put(in(&world, "src/a.c"), "") || !put(in(&world, "src/a.h"), "") ||
        !put(in(&world, "src/io/c.c"), "") || !put(in(&world, "src/io/deep/d.c"), "") ||
        !put(in(&world, ".hidden/e.c"), ""))
        return;
    glob_try(&world, "src/*.c", NULL, "src/a.c src/b.c ");
    glob_try(&world, "src/a.?", NULL, "src/a.c src/a.h ");
    glob_try(&world, "src/{a,b}.{c,h}", NULL, "src/a.c src/a.h src/b.c ");
    glob_try(&world, "**/*.c", NULL, "src/a.c src/b.c src/io/c.c src/io/deep/d.c ");
    glob_try(&world, "**/*.c", &(roost_glob_opts){.hidden = true},
             ".hidden/e.c src/a.c src/b.c src/io/c.c src/io/deep/d.c ");
    glob_try(&world, ".h*/*", NULL, ".hidden/e.c ");
    glob_try(&world, "src/io/**", NULL, "src/io/c.c src/io/deep src/io/deep/d.c ");
    glob_try(&world, "src/*/", NULL, "src/io ");
    glob_try(&world, "src/a.c/*", NULL, "");
    glob_try(&world, "nothing/*", NULL, "");
    glob_try(&world, "src/io/deep/d.c", NULL, "src/io/deep/d.c ");
    glob_fails(in(&world, "src/[a"), NULL, ROOST_EINVAL);
    glob_fails(in(&world, "src/{a"), NULL, ROOST_EINVAL);
    glob_fails(in(&world, "src/*"), &(roost_glob_opts){.max = 2}, ROOST_EOVERFLOW);
}
