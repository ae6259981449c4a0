/* tests/sim/files.c - many tasks read files from a disk that is slow, gives less than asked for,
 * and fails.
 *
 * Oracles: the bytes that are read are the bytes of the file, however they came; a failure is one
 * of the system's codes and takes nothing; no descriptor is left open, whenever a reader is
 * cancelled.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

#include "kit/world.h"

enum { FILES = 6, READERS = 12, BYTES_MAX = 40000, CHUNK = 1000, TRIES_MAX = 1000 };

struct disk {
    uint64_t rng;
    size_t sizes[FILES];
    int whole;    /* files read to their end */
    int failures; /* operations that failed and were tried again */
    int given_up; /* readers whose time was up */
};

static unsigned char content(int file, size_t at)
{
    return (unsigned char)((at * 2654435761u) >> 13 ^ (size_t)file * 17);
}

static void path_of(int file, char *path, size_t size)
{
    snprintf(path, size, "/data/%d/file.bin", file);
}

static int draw(struct disk *disk, int bound)
{
    return (int)kit_draw(&disk->rng, "files", (uint64_t)bound);
}

static int disk_fill(struct disk *disk)
{
    static unsigned char bytes[BYTES_MAX];
    for (int file = 0; file < FILES; file++) {
        char path[40];
        disk->sizes[file] = (size_t)draw(disk, BYTES_MAX);
        for (size_t at = 0; at < disk->sizes[file]; at++)
            bytes[at] = content(file, at);
        path_of(file, path, sizeof path);
        if (!kit_file_put(path, bytes, disk->sizes[file]))
            return ROOST_ENOMEM;
    }
    return 0;
}

/* A disk may fail once and work the next time; a cancellation is passed on. */
static int64_t read_stubbornly(struct disk *disk, roost_file *file, void *buf, size_t len,
                               int64_t offset)
{
    int64_t got = -EIO;
    for (int tries = 0; got < 0 && tries < TRIES_MAX; tries++) {
        got =
            offset < 0 ? roost_file_read(file, buf, len) : roost_file_pread(file, buf, len, offset);
        if (got == ROOST_ECANCELED)
            return got;
        disk->failures += got < 0;
        CHECK(got >= -4095);
    }
    return got;
}

static int open_stubbornly(struct disk *disk, int number, roost_file **file)
{
    char path[40];
    int rc = -EIO;
    path_of(number, path, sizeof path);
    for (int tries = 0; rc < 0 && tries < TRIES_MAX; tries++) {
        /* Small buffers, so that some reads go through them and some past them. */
        rc = roost_file_open(path, "r", &(roost_file_opts){.buffer_bytes = 1024}, file);
        if (rc == ROOST_ECANCELED)
            return rc;
        disk->failures += rc < 0;
    }
    return rc;
}

static int file_check(struct disk *disk, int file, roost_file *open)
{
    unsigned char chunk[CHUNK];
    size_t at = 0;
    bool own_position = draw(disk, 2);
    for (;;) {
        size_t wanted = 1 + (size_t)draw(disk, CHUNK);
        int64_t got = read_stubbornly(disk, open, chunk, wanted, own_position ? -1 : (int64_t)at);
        if (got < 0)
            return (int)got;
        CHECK(got <= (int64_t)wanted);
        if (got == 0)
            break;
        for (int64_t i = 0; i < got; i++)
            CHECK_EQ(content(file, at + (size_t)i), chunk[i]);
        at += (size_t)got;
    }
    CHECK_EQ(disk->sizes[file], at);
    disk->whole++;
    return 0;
}

ROOST_ASYNC(read_one, struct disk *, disk, int, file)
{
    ROOST_AUTO(file) roost_file *open = NULL;
    ROOST_TRY(open_stubbornly(disk, file, &open));
    return file_check(disk, file, open);
}

ROOST_ASYNC(read_some, struct disk *, disk)
{
    for (int i = 0; i < 4; i++) {
        roost_dur patience = draw(disk, 3) ? ROOST_SEC(100) : ROOST_US(draw(disk, 4000));
        int rc = ROOST_WITHIN(patience, read_one(disk, draw(disk, FILES)));
        disk->given_up += rc == ROOST_ETIMEDOUT;
        if (rc < 0 && rc != ROOST_ETIMEDOUT)
            return rc;
    }
    return 0;
}

ROOST_ASYNC(read_all, struct disk *, disk)
{
    int rc = 0;
    ROOST_TRY(disk_fill(disk));
    ROOST_GROUP(g, rc)
        for (int i = 0; i < READERS; i++)
            ROOST_GO(g, read_some, disk);
    CHECK_EQ(0, kit_sim_fds());
    return rc;
}

static void disk_try(const struct kit_disturbance *wanted)
{
    struct disk disk = {0};
    kit_disturb(wanted);
    CHECK_EQ(0, roost_test_run(ROOST_CALL(read_all, &disk), NULL));
    CHECK_EQ(READERS * 4, disk.whole + disk.given_up);
    CHECK(disk.failures == 0 || wanted->error > 0);
}

ROOST_TEST(a_healthy_disk_is_read_whole, .plain = true)
{
    disk_try(&(struct kit_disturbance){0});
}

ROOST_TEST(a_disk_that_gives_little_and_late_is_read_whole, .plain = true)
{
    disk_try(&(struct kit_disturbance){.again = 300, .shorter = 700, .delay = 300, .late = 500});
}

ROOST_TEST(a_disk_that_fails_now_and_then_is_read_whole, .plain = true)
{
    disk_try(&(struct kit_disturbance){.shorter = 300, .error = 150, .delay = 100, .late = 200});
}

/* -- directories --------------------------------------------------------------------------------*/

ROOST_TEST(directories_are_listed_by_name)
{
    struct disk disk = {0};
    size_t count = 0;
    ROOST_AUTO(memory) char *block = NULL;
    char **names;
    roost_dir *dir;
    if (disk_fill(&disk) < 0)
        return;
    int rc = roost_dir_list("/data", &names, &count);
    CHECK_EQ(0, rc);
    if (rc < 0)
        return;
    block = (char *)(void *)names;
    CHECK_EQ(FILES, count);
    for (size_t i = 0; i < count; i++) {
        char wanted[24];
        snprintf(wanted, sizeof wanted, "%zu", i);
        CHECK_STR(wanted, names[i]);
    }
    CHECK_EQ(-ENOENT, roost_dir_open("/data/6", &dir));
    CHECK_EQ(-ENOTDIR, roost_dir_open("/data/5/file.bin", &dir));
}
