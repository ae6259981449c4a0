/* tests/sim/disk.c - replacing a file on a disk that is full, broken, slow and loses power.
 *
 * Oracle: whatever fails, and whenever the power goes, the name leads to the whole of one of the
 * contents that were given to it, never to a part, a mixture or nothing; a replacement that said it
 * had worked is what is there after the crash.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <string.h>

#include <roost.h>

#include "kit/world.h"

enum { ROUNDS = 30, BYTES_MAX = 20000 };

static const char target[] = "/data/state";

struct disk {
    uint64_t rng;
    int round; /* of the content that was written last, for sure */
    int tried; /* of the newest one that may be there */
    int failures;
    int successes;
};

static size_t content(int round, char *bytes)
{
    size_t len = 1 + (size_t)round * 7919 % BYTES_MAX;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('a' + (i * 31 + (size_t)round * 7) % 26);
    return len;
}

/* Which content the file has now; -1: none of them. */
static int round_there(const struct disk *disk)
{
    static char bytes[BYTES_MAX];
    size_t len;
    const char *there = kit_file_peek(target, &len);
    for (int round = disk->tried; there && round >= 0; round--) {
        if (content(round, bytes) == len && memcmp(bytes, there, len) == 0)
            return round;
    }
    return -1;
}

static void disk_check(struct disk *disk, const char *when)
{
    int there = round_there(disk);
    if (there < disk->round)
        printf("%s: content %d, should be %d to %d\n", when, there, disk->round, disk->tried);
    CHECK(there >= disk->round);
}

ROOST_ASYNC(replace_often, struct disk *, disk)
{
    static char bytes[BYTES_MAX];
    roost_write_opts atomic = {.atomic = true};
    for (int round = 1; round <= ROUNDS; round++) {
        disk->tried = round;
        size_t len = content(round, bytes);
        roost_dur patience = kit_draw(&disk->rng, "disk", 3)
                                 ? ROOST_SEC(10)
                                 : ROOST_US(kit_draw(&disk->rng, "d", 400));
        int rc = ROOST_WITHIN(patience, roost_file_write_all(target, bytes, len, &atomic));
        if (rc == ROOST_ECANCELED)
            return rc;
        disk->successes += rc == 0;
        disk->failures += rc < 0;
        disk->round = rc == 0 ? round : disk->round;
        disk_check(disk, "after a replacement");
        if (kit_draw(&disk->rng, "crash", 4) == 0) {
            kit_disk_crash();
            disk_check(disk, "after a crash");
            /* What is there now is what a later crash must not fall behind. */
            disk->round = round_there(disk);
        }
    }
    return 0;
}

ROOST_ASYNC(disk_live, struct disk *, disk)
{
    static char bytes[BYTES_MAX];
    if (!kit_file_put(target, bytes, content(0, bytes)))
        return ROOST_ENOMEM;
    ROOST_TRY(replace_often(disk));
    CHECK_EQ(0, kit_sim_fds());
    return 0;
}

static struct disk disk_try(const struct kit_disturbance *wanted)
{
    struct disk disk = {0};
    kit_disturb(wanted);
    CHECK_EQ(0, roost_test_run(ROOST_CALL(disk_live, &disk), NULL));
    return disk;
}

ROOST_TEST(a_healthy_disk_has_every_content, .plain = true)
{
    struct disk disk = disk_try(&(struct kit_disturbance){0});
    CHECK(disk.successes > 0);
}

ROOST_TEST(a_disk_that_takes_little_at_a_time_has_whole_contents, .plain = true)
{
    struct disk disk =
        disk_try(&(struct kit_disturbance){.shorter = 800, .delay = 300, .late = 300});
    CHECK(disk.successes > 0);
}

ROOST_TEST(a_disk_that_fails_has_whole_contents, .plain = true)
{
    struct disk disk =
        disk_try(&(struct kit_disturbance){.shorter = 300, .error = 60, .late = 200});
    CHECK(disk.failures > 0);
}

/* -- one failure at a time --------------------------------------------------------------------- */

static void failure_try(enum kit_disk_step step, int code)
{
    if (!kit_file_put("/dir/f", "old", 3))
        return;
    kit_disk_fail(step, code);
    int rc = roost_file_write_all("/dir/f", "new", 3, &(roost_write_opts){.atomic = true});
    CHECK_EQ(code, rc);
    size_t len = 0;
    const void *there = kit_file_peek("/dir/f", &len);
    CHECK(there && len == 3 && memcmp(there, "old", 3) == 0);
    char **names = NULL;
    size_t count = 0;
    CHECK_EQ(0, roost_dir_list("/dir", &names, &count));
    CHECK_EQ(1, count);
    roost_memory_free((void *)names);
}

ROOST_TEST(each_step_that_fails_leaves_the_old_file_alone)
{
    failure_try(KIT_DISK_OPEN, -EMFILE);
    failure_try(KIT_DISK_WRITE, -ENOSPC);
    failure_try(KIT_DISK_WRITE, -EIO);
    failure_try(KIT_DISK_SYNC, -EIO);
    failure_try(KIT_DISK_SYNC, -ENOSPC);
    failure_try(KIT_DISK_CALL, -EIO);
}

ROOST_TEST(a_sync_that_failed_is_not_forgotten)
{
    ROOST_AUTO(file) roost_file *file = NULL;
    if (roost_file_open("/log", "w", NULL, &file) < 0)
        return;
    CHECK_EQ(4, roost_file_write(file, "line", 4));
    kit_disk_fail(KIT_DISK_SYNC, -EIO);
    CHECK_EQ(-EIO, roost_file_sync(file, false));
    CHECK_EQ(-EIO, roost_file_sync(file, false));
    CHECK_EQ(-EIO, roost_file_sync(file, true));
}

ROOST_TEST(a_late_failure_to_write_is_reported_by_close)
{
    roost_file *file = NULL;
    if (roost_file_open("/log", "w", NULL, &file) < 0)
        return;
    CHECK_EQ(4, roost_file_write(file, "line", 4));
    kit_disk_fail(KIT_DISK_WRITE, -ENOSPC);
    CHECK_EQ(-ENOSPC, roost_file_flush(file));
    kit_disk_fail(KIT_DISK_WRITE, -ENOSPC);
    CHECK_EQ(-ENOSPC, roost_file_close(file));
}
