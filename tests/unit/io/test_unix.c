/* tests/unit/io/test_unix.c - Unix sockets and descriptors handed over; ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <roost.h>
#include <roost/testing.h>

#include "kit/world.h"

/* What under torture may never come is waited for a while only. */
#define SOON(call) ROOST_WITHIN(ROOST_SEC(1), call)

/* A place for a socket file, in a new directory; in simulation any path does. */
struct place {
    char dir[64];
    char path[80];
};

static void place_make(struct place *place)
{
    strcpy(place->dir, "/tmp/roost-unix-XXXXXX");
    if (!roost_test_virtual())
        CHECK_ALWAYS(mkdtemp(place->dir) != NULL);
    snprintf(place->path, sizeof place->path, "%s/s", place->dir);
}

static void place_end(struct place *place)
{
    if (roost_test_virtual())
        return;
    CHECK(access(place->path, F_OK) < 0);
    unlink(place->path);
    rmdir(place->dir);
}

ROOST_TEST(the_file_is_there_as_long_as_the_listener)
{
    struct place place;
    roost_listener *listener = NULL, *second = NULL;
    roost_stream *ours = NULL, *theirs = NULL;
    char name[ROOST_ADDRESS_TEXT_MAX];
    place_make(&place);
    CHECK_OK(roost_unix_listen(place.path, NULL, &listener));
    if (listener) {
        CHECK_EQ(-EADDRINUSE, roost_unix_listen(place.path, NULL, &second));
        CHECK_OK(roost_unix_connect(place.path, &ours));
        CHECK_OK(SOON(roost_listener_accept(listener, &theirs)));
        if (ours) {
            CHECK_STR("unix", roost_stream_kind(ours));
            CHECK_OK(roost_stream_attr(ours, ROOST_ATTR_PEER_NAME, name, sizeof name));
            CHECK_STR(place.path, name);
        }
        if (theirs)
            CHECK_EQ(0, roost_stream_attr(theirs, ROOST_ATTR_PEER_NAME, name, sizeof name));
    }
    (void)roost_stream_close(ours);
    (void)roost_stream_close(theirs);
    (void)roost_listener_close(listener);
    CHECK_EQ(-ENOENT, roost_test_virtual() ? -ENOENT : roost_unix_connect(place.path, &ours));
    place_end(&place);
}

ROOST_TEST(a_file_that_was_left_is_replaced_when_asked)
{
    struct place place;
    roost_listener *left = NULL, *listener = NULL;
    roost_unix_listen_opts opts = {.replace = true, .backlog = 5};
    place_make(&place);
    CHECK_OK(roost_unix_listen(place.path, NULL, &left));
    CHECK_OK(roost_unix_listen(place.path, &opts, &listener));
    /* The file is no longer the first one's. */
    (void)roost_listener_close(left);
    if (listener && !roost_test_virtual())
        CHECK_EQ(0, access(place.path, F_OK));
    (void)roost_listener_close(listener);
    place_end(&place);
}

ROOST_TEST(what_is_no_socket_is_not_replaced)
{
    struct place place;
    roost_listener *listener = NULL;
    if (roost_test_virtual())
        return;
    place_make(&place);
    FILE *file = fopen(place.path, "w");
    CHECK(file && fclose(file) == 0);
    CHECK_EQ(-ENOTSOCK,
             roost_unix_listen(place.path, &(roost_unix_listen_opts){.replace = true}, &listener));
    unlink(place.path);
    place_end(&place);
}

ROOST_TEST(what_is_no_unix_address_is_refused)
{
    roost_listener *listener = NULL;
    roost_stream *stream = NULL;
    char path[200];
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[150] = '\0';
    CHECK_EQ(ROOST_EINVAL, roost_unix_listen("127.0.0.1:80", NULL, &listener));
    CHECK_EQ(ROOST_EINVAL, roost_unix_connect("name", &stream));
    CHECK_EQ(-ENAMETOOLONG, roost_unix_connect(path, &stream));
}

ROOST_TEST(the_other_side_is_known)
{
    roost_stream *a = NULL, *b = NULL;
    int pid = 0, uid = -1;
    CHECK_OK(roost_unix_pair(&a, &b));
    if (a) {
        CHECK_OK(roost_stream_attr(a, ROOST_ATTR_PEER_PID, &pid, sizeof pid));
        CHECK_OK(roost_stream_attr(a, ROOST_ATTR_PEER_UID, &uid, sizeof uid));
        CHECK_EQ(roost_test_virtual() ? 1 : getpid(), pid);
        CHECK_EQ(roost_test_virtual() ? 0 : (int)getuid(), uid);
    }
    (void)roost_stream_close(a);
    (void)roost_stream_close(b);
}

/* -- descriptors ------------------------------------------------------------------------------- */

ROOST_TEST(a_descriptor_is_handed_over_in_its_place_among_the_bytes)
{
    roost_stream *a = NULL, *b = NULL;
    int fds[2], got = -1;
    char buf[8] = "";
    CHECK_OK(roost_unix_pair(&a, &b));
    if (!a)
        return;
    if (kit_pipe(fds) == 0) {
        CHECK_OK(roost_write_all(a, "one", 3));
        CHECK_OK(roost_unix_send_fd(a, fds[1]));
        CHECK_OK(roost_write_all(a, "two", 3));
        kit_close(fds[1]);
        CHECK_OK(SOON(roost_read_exact(b, buf, 3, NULL)));
        CHECK_EQ(1, SOON(roost_unix_recv_fd(b, &got)));
        CHECK_OK(SOON(roost_read_exact(b, buf + 3, 3, NULL)));
        CHECK_STR("onetwo", buf);
        if (got >= 0) {
            CHECK_EQ(4, kit_write(got, "pipe", 4));
            CHECK_EQ(4, SOON(kit_read(fds[0], buf, 4)));
            CHECK_OK(roost_fd_close(got));
            CHECK_EQ(0, SOON(kit_read(fds[0], buf, 4)));
        }
        kit_close(fds[0]);
    }
    (void)roost_stream_close(a);
    CHECK_EQ(0, SOON(roost_unix_recv_fd(b, &got)));
    (void)roost_stream_close(b);
}

ROOST_TEST(a_byte_without_a_descriptor_says_so)
{
    roost_stream *a = NULL, *b = NULL;
    roost_bytes line;
    int got = -1;
    CHECK_OK(roost_unix_pair(&a, &b));
    if (!a)
        return;
    CHECK_OK(roost_write_all(a, "x", 1));
    CHECK_EQ(-EBADMSG, SOON(roost_unix_recv_fd(b, &got)));
    CHECK_OK(roost_write_all(a, "l\nmore", 6));
    CHECK_EQ(1, SOON(roost_read_line(b, &line)));
    CHECK_EQ(-EBADMSG, SOON(roost_unix_recv_fd(b, &got)));
    CHECK_EQ(-EBADF, roost_unix_send_fd(a, 9999));
    CHECK_EQ(-1, got);
    (void)roost_stream_close(a);
    (void)roost_stream_close(b);
}

ROOST_TEST(only_a_unix_socket_hands_over)
{
    roost_stream *a = NULL, *b = NULL;
    int fd;
    CHECK_OK(roost_memory_pair(NULL, &a, &b));
    if (!a)
        return;
    CHECK_EQ(ROOST_ENOTSUP, roost_unix_send_fd(a, 1));
    CHECK_EQ(ROOST_ENOTSUP, SOON(roost_unix_recv_fd(b, &fd)));
    (void)roost_stream_close(a);
    (void)roost_stream_close(b);
}

ROOST_TEST(a_descriptor_nobody_took_is_closed_with_the_stream)
{
    roost_stream *a = NULL, *b = NULL;
    int fds[2];
    char buf[4];
    CHECK_OK(roost_unix_pair(&a, &b));
    if (!a)
        return;
    if (kit_pipe(fds) == 0) {
        CHECK_OK(roost_unix_send_fd(a, fds[1]));
        kit_close(fds[1]);
        (void)roost_stream_close(a);
        (void)roost_stream_close(b);
        CHECK_EQ(0, SOON(kit_read(fds[0], buf, 4)));
        kit_close(fds[0]);
        return;
    }
    (void)roost_stream_close(a);
    (void)roost_stream_close(b);
}
