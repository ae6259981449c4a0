/* io/fd.c - waiting for descriptors of other people's libraries.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/fd.h>

#include "rt/loop.h"
#include "rt/op.h"

_Static_assert((int)ROOST_FD_READABLE == (int)ROOSTI_POLL_IN &&
                   (int)ROOST_FD_WRITABLE == (int)ROOSTI_POLL_OUT &&
                   (int)ROOST_FD_HANGUP == (int)ROOSTI_POLL_HANGUP &&
                   (int)ROOST_FD_ERROR == (int)ROOSTI_POLL_ERROR,
               "events are told as the port has them");

static int fd_wait(int fd, uint32_t event)
{
    struct roosti_op op = {.kind = ROOSTI_OP_POLL, .fd = fd, .events = event};
    int64_t res = roosti_op_run(&op);
    return res < 0 ? (int)res : (int)((uint32_t)res | event);
}

int roost_fd_wait_readable(int fd)
{
    return fd_wait(fd, ROOSTI_POLL_IN);
}

int roost_fd_wait_writable(int fd)
{
    return fd_wait(fd, ROOSTI_POLL_OUT);
}

int roost_fd_closing(int fd)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return roosti_no_task();
    loop->port->ops->fd.forget(loop->port, fd);
    return 0;
}

int roost_fd_close(int fd)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return roosti_no_task();
    return loop->port->ops->fd.close(loop->port, fd);
}
