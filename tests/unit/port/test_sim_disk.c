/* tests/unit/port/test_sim_disk.c - the simulated port: files, directories, full disks, failures
 * and crashes.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim.h"

#include <fcntl.h>

#include "unit/port/op_world.h"

static int64_t file_open(struct roosti_port *port, const char *path, int flags)
{
    return WORLD_RUN(port, OPEN, -1, .u.path = path, .flags = flags, .mode = 0644);
}

static int file_opened(struct roosti_port *port, const char *path, int flags)
{
    int64_t fd = file_open(port, path, flags);
    CHECK(fd >= 0);
    return (int)fd;
}

static int64_t file_write(struct roosti_port *port, int fd, int64_t offset, const char *text)
{
    char copy[256];
    size_t len = strlen(text);
    memcpy(copy, text, len);
    return WORLD_RUN_AT(port, WRITE, fd, offset, .buf = copy, .len = len);
}

static void file_holds(struct roosti_port *port, const char *path, const char *text)
{
    size_t len = 0;
    const char *bytes = roosti_sim_file_peek(port, path, &len);
    CHECK(bytes != NULL);
    CHECK_EQ(strlen(text), len);
    CHECK(memcmp(bytes, text, len) == 0);
}

static bool file_is_there(struct roosti_port *port, const char *path)
{
    size_t len;
    return roosti_sim_file_peek(port, path, &len) != NULL;
}

TEST(open_follows_its_flags)
{
    struct roosti_port *port = world_sim(1, NULL);
    char byte;
    CHECK_EQ(0, roosti_sim_file_put(port, "/etc/motd", "hello", 5));
    CHECK_EQ(0, roosti_sim_dir_put(port, "/tmp"));
    CHECK_EQ(-ENOENT, file_open(port, "", O_RDONLY));
    CHECK_EQ(-ENOENT, file_open(port, "/nowhere", O_RDONLY));
    CHECK_EQ(-ENOENT, file_open(port, "/no/where", O_RDWR | O_CREAT));
    CHECK_EQ(-ENOTDIR, file_open(port, "/etc/motd/x", O_RDONLY));
    CHECK_EQ(-ENOTDIR, file_open(port, "/etc/motd/", O_RDONLY));
    CHECK_EQ(-ENOTDIR, file_open(port, "/etc/motd", O_RDONLY | O_DIRECTORY));
    CHECK_EQ(-EISDIR, file_open(port, "/etc", O_WRONLY));
    CHECK_EQ(-EISDIR, file_open(port, "/etc", O_RDONLY | O_CREAT));
    CHECK_EQ(-EISDIR, file_open(port, "/tmp/new/", O_RDWR | O_CREAT));
    CHECK_EQ(-EEXIST, file_open(port, "/etc/motd", O_RDWR | O_CREAT | O_EXCL));
    CHECK_EQ(-EOPNOTSUPP, file_open(port, "/tmp", O_RDWR | O_TMPFILE));
    char path[300];
    memset(path, 'n', sizeof path);
    path[0] = '/';
    path[256] = '\0';
    int longest = file_opened(port, path, O_WRONLY | O_CREAT);
    path[256] = 'n';
    path[257] = '\0';
    CHECK_EQ(-ENAMETOOLONG, file_open(port, path, O_WRONLY | O_CREAT));

    int reader = file_opened(port, "etc//./../etc/motd", O_RDONLY);
    CHECK_EQ(-EBADF, file_write(port, reader, 0, "x"));
    int writer = file_opened(port, "/tmp/new", O_WRONLY | O_CREAT | O_EXCL);
    CHECK_EQ(-EBADF, WORLD_RUN_AT(port, READ, writer, 0, .buf = &byte, .len = 1));
    CHECK_EQ(-ENOTSOCK, WORLD_RUN(port, RECV, writer, .buf = &byte, .len = 1));
    CHECK_EQ(-ENOTSOCK, port->ops->fd.listen(port, writer, 1));
    int dir = file_opened(port, "/etc", O_RDONLY | O_DIRECTORY);
    CHECK_EQ(-EISDIR, WORLD_RUN(port, READ, dir, .buf = &byte, .len = 1));
    CHECK_EQ(ROOSTI_POLL_IN | ROOSTI_POLL_OUT,
             WORLD_RUN(port, POLL, reader, .events = ROOSTI_POLL_IN | ROOSTI_POLL_OUT));
    world_close(port, file_opened(port, "/etc/motd", O_WRONLY | O_TRUNC));
    file_holds(port, "/etc/motd", "");
    world_close(port, longest);
    world_close(port, reader);
    world_close(port, writer);
    world_close(port, dir);
    world_sim_end(port);
}

TEST(reads_and_writes_go_where_they_are_told)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        char buf[16] = "";
        int fd = file_opened(port, "/f", O_RDWR | O_CREAT);
        CHECK_EQ(5, file_write(port, fd, -1, "01234"));
        CHECK_EQ(0, file_write(port, fd, -1, ""));
        CHECK_EQ(3, file_write(port, fd, -1, "567"));
        CHECK_EQ(2, file_write(port, fd, 1, "ab"));
        CHECK_EQ(1, file_write(port, fd, 10, "z"));
        size_t len;
        const char *bytes = roosti_sim_file_peek(port, "/f", &len);
        CHECK_EQ(11, len);
        CHECK(memcmp(bytes, "0ab34567\0\0z", 11) == 0);
        CHECK_EQ(3, WORLD_RUN(port, READ, fd, .buf = buf, .len = 16)); /* from position 8 */
        CHECK_EQ(0, WORLD_RUN(port, READ, fd, .buf = buf, .len = 16));
        CHECK_EQ(4, WORLD_RUN_AT(port, READ, fd, 2, .buf = buf, .len = 4));
        CHECK(memcmp(buf, "b345", 4) == 0);
        CHECK_EQ(0, WORLD_RUN_AT(port, READ, fd, 11, .buf = buf, .len = 4));
        CHECK_EQ(0, WORLD_RUN_AT(port, READ, fd, 1000000, .buf = buf, .len = 4));
        int end = file_opened(port, "/f", O_WRONLY | O_APPEND);
        CHECK_EQ(1, file_write(port, end, 0, "!"));
        CHECK_EQ(1, file_write(port, fd, 11, "?"));
        CHECK_EQ(1, file_write(port, end, -1, "!"));
        bytes = roosti_sim_file_peek(port, "/f", &len);
        CHECK_EQ(13, len);
        CHECK(memcmp(bytes + 10, "z?!", 3) == 0);
        CHECK_EQ(-EFBIG, file_write(port, fd, ROOSTI_SIM_FILE_BYTES_MAX, "x"));
        CHECK(world_now(port) > ROOST_SEC(1000)); /* a disk takes its time */
        world_close(port, fd);
        world_close(port, end);
        world_sim_end(port);
    }
}

struct names {
    char text[256];
    int count;
    int stop_at;
};

static int name_add(void *arg, const char *name, bool is_directory)
{
    struct names *names = arg;
    strcat(strcat(names->text, name), is_directory ? "/ " : " ");
    return ++names->count == names->stop_at ? -E2BIG : 0;
}

TEST(a_directory_is_listed_by_name_order_until_it_is_enough)
{
    struct roosti_port *port = world_sim(1, NULL);
    const struct roosti_port_fd_ops *fd_ops = &port->ops->fd;
    static const char *const paths[] = {"/d/b", "/d/a/x", "/d/c", "/d/ab", "/d/B", "/d/a0"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        CHECK_EQ(0, roosti_sim_file_put(port, paths[i], paths[i], 4));
    struct names names = {{0}, 0, 0}, some = {{0}, 0, 2};
    CHECK_EQ(0, fd_ops->list(port, "/d", name_add, &names));
    CHECK(strcmp(names.text, "B a/ a0 ab b c ") == 0);
    CHECK_EQ(-E2BIG, fd_ops->list(port, "/d/", name_add, &some));
    CHECK(strcmp(some.text, "B a/ ") == 0);
    CHECK_EQ(-ENOENT, fd_ops->list(port, "/e", name_add, &names));
    CHECK_EQ(-ENOTDIR, fd_ops->list(port, "/d/c", name_add, &names));
    CHECK_EQ(-EISDIR, roosti_sim_file_put(port, "/d/a", "", 0));
    CHECK_EQ(-ENOTDIR, roosti_sim_dir_put(port, "/d/c"));
    CHECK_EQ(-ENOTDIR, roosti_sim_file_put(port, "/d/c/e", "", 0));
    CHECK_EQ(6, names.count);
    world_sim_end(port);
}

TEST(a_full_disk_takes_what_fits_and_then_says_so)
{
    struct roosti_sim_plan plan = {.disk_bytes_max = 10};
    struct roosti_port *port = world_sim(1, &plan);
    int fd = file_opened(port, "/f", O_RDWR | O_CREAT);
    int other = file_opened(port, "/g", O_RDWR | O_CREAT);
    CHECK_EQ(4, file_write(port, other, 0, "4444"));
    CHECK_EQ(5, file_write(port, fd, 0, "55555"));
    CHECK_EQ(1, file_write(port, fd, 5, "66")); /* one of two */
    CHECK_EQ(-ENOSPC, file_write(port, fd, 6, "7"));
    CHECK_EQ(-ENOSPC, file_write(port, other, 100, "7"));
    CHECK_EQ(6, file_write(port, fd, 0, "666666")); /* over what is there already */
    struct roosti_sim_counts counts;
    roosti_sim_counts_get(port, &counts);
    CHECK_EQ(10, counts.disk_bytes);
    world_close(port, file_opened(port, "/g", O_WRONLY | O_TRUNC)); /* makes room */
    CHECK_EQ(4, file_write(port, fd, 6, "88888"));
    file_holds(port, "/f", "6666668888");
    world_close(port, fd);
    world_close(port, other);
    world_sim_end(port);
}

TEST(each_file_operation_can_fail_once)
{
    struct roosti_port *port = world_sim(1, NULL);
    char byte;
    int fd = file_opened(port, "/f", O_RDWR | O_CREAT);
    roosti_sim_disk_fail(port, ROOSTI_OP_OPEN, -EIO);
    CHECK_EQ(-EIO, file_open(port, "/f", O_RDONLY));
    roosti_sim_disk_fail(port, ROOSTI_OP_WRITE, -EIO);
    CHECK_EQ(-EIO, file_write(port, fd, 0, "x"));
    file_holds(port, "/f", "");
    CHECK_EQ(1, file_write(port, fd, 0, "x"));
    roosti_sim_disk_fail(port, ROOSTI_OP_READ, -EIO);
    CHECK_EQ(-EIO, WORLD_RUN_AT(port, READ, fd, 0, .buf = &byte, .len = 1));
    CHECK_EQ(1, WORLD_RUN_AT(port, READ, fd, 0, .buf = &byte, .len = 1));
    world_close(port, fd);
    world_sim_end(port);
}

TEST(a_crash_leaves_what_fsync_has_kept)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        char byte;
        CHECK_EQ(0, roosti_sim_file_put(port, "/old", "before", 6));
        int fd = file_opened(port, "/log", O_RDWR | O_CREAT);
        CHECK_EQ(4, file_write(port, fd, -1, "kept"));
        CHECK_EQ(0, WORLD_RUN(port, FSYNC, fd));
        CHECK_EQ(5, file_write(port, fd, -1, " lost"));
        CHECK_EQ(1, file_write(port, fd, 0, "K"));
        int fresh = file_opened(port, "/fresh", O_RDWR | O_CREAT);
        CHECK_EQ(3, file_write(port, fresh, -1, "new"));
        int old = file_opened(port, "/old", O_RDWR | O_TRUNC);
        roosti_sim_disk_crash(port);
        file_holds(port, "/log", "kept");
        file_holds(port, "/old", "before");
        CHECK(!file_is_there(port, "/fresh"));
        CHECK_EQ(-EIO, file_write(port, fd, 0, "x"));
        CHECK_EQ(-EIO, WORLD_RUN_AT(port, READ, fresh, 0, .buf = &byte, .len = 1));
        CHECK_EQ(-EIO, WORLD_RUN(port, FSYNC, old));
        struct roosti_sim_counts counts;
        roosti_sim_counts_get(port, &counts);
        CHECK_EQ(10, counts.disk_bytes);
        world_close(port, fd);
        world_close(port, fresh);
        world_close(port, old);
        fd = file_opened(port, "/log", O_RDWR);
        CHECK_EQ(1, WORLD_RUN_AT(port, READ, fd, 3, .buf = &byte, .len = 1));
        CHECK_EQ('t', byte);
        world_close(port, fd);
        world_sim_end(port);
    }
}

TEST(a_directorys_fsync_keeps_the_names_in_it)
{
    struct roosti_port *port = world_sim(1, NULL);
    CHECK_EQ(0, roosti_sim_dir_put(port, "/d"));
    int fd = file_opened(port, "/d/named", O_RDWR | O_CREAT);
    int other = file_opened(port, "/nameless", O_RDWR | O_CREAT);
    world_close(port, file_opened(port, "/closed", O_RDWR | O_CREAT));
    CHECK_EQ(3, file_write(port, fd, 0, "abc"));
    int dir = file_opened(port, "/d", O_RDONLY);
    CHECK_EQ(0, WORLD_RUN(port, FSYNC, dir));
    roosti_sim_disk_crash(port);
    file_holds(port, "/d/named", ""); /* the name, not the bytes */
    CHECK(!file_is_there(port, "/nameless"));
    CHECK(!file_is_there(port, "/closed"));
    world_close(port, fd);
    world_close(port, other);
    world_close(port, dir);
    world_sim_end(port);
}

TEST(what_a_failed_fsync_forgot_no_later_one_brings_back)
{
    struct roosti_port *port = world_sim(1, NULL);
    int fd = file_opened(port, "/f", O_RDWR | O_CREAT);
    CHECK_EQ(4, file_write(port, fd, 0, "aaaa"));
    CHECK_EQ(0, WORLD_RUN(port, FSYNC, fd));
    CHECK_EQ(2, file_write(port, fd, 0, "bb"));
    roosti_sim_disk_fail(port, ROOSTI_OP_FSYNC, -EIO);
    CHECK_EQ(-EIO, WORLD_RUN(port, FSYNC, fd));
    CHECK_EQ(1, file_write(port, fd, 3, "c"));
    CHECK_EQ(0, WORLD_RUN(port, FSYNC, fd));
    file_holds(port, "/f", "bbac"); /* memory still has it ... */
    roosti_sim_disk_crash(port);
    file_holds(port, "/f", "aaac"); /* ... the disk never had */
    world_close(port, fd);
    world_sim_end(port);
}

TEST(file_operations_end_when_their_descriptor_closes)
{
    int ended = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct roosti_port *port = world_sim(seed, NULL);
        int fd = file_opened(port, "/f", O_RDWR | O_CREAT);
        struct world_op write = WORLD_AT(WRITE, fd, 0, .buf = (char[]){"x"}, .len = 1);
        bool under_way = world_start(port, &write);
        world_close(port, fd);
        if (under_way) {
            CHECK_EQ(ROOST_ECLOSED, world_await(port, &write));
            file_holds(port, "/f", "");
            ended++;
        }
        world_sim_end(port);
    }
    CHECK(ended > 5);
}
