/* tests/unit/io/test_fd.c - waiting for foreign descriptors; ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/testing.h>

#include "kit/world.h"

/* What under torture may never come is waited for a while only. */
#define SOON(call) ROOST_WITHIN(ROOST_SEC(1), call)

ROOST_ASYNC(write_later, int, fd)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    return (int)kit_write(fd, "x", 1);
}

ROOST_TEST(a_pipe_becomes_readable_when_somebody_writes)
{
    int fds[2], rc = 0, events = 0;
    if (kit_pipe(fds) < 0)
        return;
    CHECK_EQ(ROOST_FD_WRITABLE, roost_fd_wait_writable(fds[1]));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, write_later, fds[1]);
        events = SOON(roost_fd_wait_readable(fds[0]));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(ROOST_FD_READABLE, events);
    kit_close(fds[0]);
    kit_close(fds[1]);
}

ROOST_TEST(a_hang_up_ends_a_wait)
{
    int fds[2];
    if (kit_pipe(fds) < 0)
        return;
    kit_close(fds[1]);
    int events = SOON(roost_fd_wait_readable(fds[0]));
    CHECK(events > 0 && events & ROOST_FD_READABLE);
    kit_close(fds[0]);
}

ROOST_TEST(a_wait_is_cancelled)
{
    int fds[2];
    if (kit_pipe(fds) < 0)
        return;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(1), roost_fd_wait_readable(fds[0])));
    CHECK_EQ(1, kit_write(fds[1], "x", 1));
    CHECK_EQ(ROOST_FD_READABLE, SOON(roost_fd_wait_readable(fds[0])));
    CHECK_OK(roost_fd_close(fds[0]));
    CHECK_OK(roost_fd_close(fds[1]));
}

ROOST_TEST(what_is_not_open_says_so)
{
    CHECK_EQ(-EBADF, SOON(roost_fd_wait_readable(-1)));
    CHECK_EQ(-EBADF, roost_fd_wait_writable(9999));
    CHECK_EQ(-EBADF, roost_fd_close(9999));
    CHECK_EQ(0, roost_fd_closing(9999));
}

ROOST_TEST(outside_a_run_there_is_nothing_to_wait_with, .plain = true)
{
    CHECK_EQ(ROOST_ENOCTX, SOON(roost_fd_wait_readable(0)));
    CHECK_EQ(ROOST_ENOCTX, roost_fd_closing(0));
    CHECK_EQ(ROOST_ENOCTX, roost_fd_close(0));
}
