/* tests/unit/io/file_world.h - a fresh directory for a case, on the disk its backend has.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_FILE_WORLD_H
#define ROOST_TESTS_FILE_WORLD_H

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <unistd.h>

#include <roost.h>

#include "kit/kit.h"

/* Begins a case: a directory that goes with it. Where that fails, under a torture, the case ends.
 */
#define WORLD(world)                                                                               \
    ROOST_AUTO(temp) roost_temp world = {.path = ""};                                              \
    if (roost_temp_dir(roost_test_virtual() ? "/" : NULL, &world) < 0)                             \
    return

/* For what the simulated disk does not have. */
#define REAL_FILES_ONLY()                                                                          \
    if (roost_test_virtual())                                                                      \
    return

/* A name in it; of one of four places that take turns. */
static inline const char *in(const roost_temp *world, const char *name)
{
    static char names[4][ROOST_TEMP_PATH_MAX + 64];
    static unsigned next;
    char *at = names[next++ % 4];
    CHECK(roost_path_join(world->path, name, at, sizeof names[0]) > 0);
    return at;
}

/* False: it could not be made. */
static inline bool put(const char *path, const char *text)
{
    int rc = roost_file_write_all(path, text, strlen(text), NULL);
    CHECK_EQ(0, rc);
    return rc == 0;
}

static inline void check_content(const char *path, const char *wanted)
{
    char *data = NULL;
    size_t len = 0;
    int rc = roost_file_read_all(path, 0, &data, &len);
    CHECK_EQ(0, rc);
    if (rc == 0) {
        CHECK_EQ(strlen(wanted), len);
        CHECK_STR(wanted, data);
    }
    roost_memory_free(data);
}

/* How many names are in a directory, with those that begin with a dot. */
static inline size_t names_in(const char *path)
{
    char **names = NULL;
    size_t count = 0;
    CHECK_EQ(0, roost_dir_list(path, &names, &count));
    roost_memory_free((void *)names);
    return count;
}

#endif
