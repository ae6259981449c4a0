/* rt/file.c - reading files and directories through the port.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/impl/file.h>

#include "rt/loop.h"
#include "rt/op.h"

int roost_impl_file_open(const char *path)
{
    struct roosti_op op = {.kind = ROOSTI_OP_OPEN, .u.path = path};
    return (int)roosti_op_run(&op);
}

int64_t roost_impl_file_read(int fd, void *buf, size_t len, int64_t offset)
{
    struct roosti_op op = {
        .kind = ROOSTI_OP_READ, .fd = fd, .buf = buf, .len = len, .offset = offset};
    return roosti_op_run(&op);
}

void roost_impl_file_close(int fd)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (loop)
        (void)loop->port->ops->fd.close(loop->port, fd);
}

int roost_impl_dir_list(const char *path,
                        int (*each)(void *arg, const char *name, bool is_directory), void *arg)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return roosti_no_task();
    return loop->port->ops->fd.list(loop->port, path, each, arg);
}
