/* behaviour/pipes.h - pipes of the port, for behaviours that need an operation under way; and how
 * many descriptors are open.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_PIPES_H
#define ROOST_TESTS_PIPES_H

#include <roost/impl/file.h>

#include "port/host.h"
#include "port/sim.h"
#include "rt/loop.h"
#include "rt/op.h"

struct pipe {
    int fds[2]; /* to read from, to write to; -1: closed */
};
#define PIPE_NONE                                                                                  \
    {                                                                                              \
        {                                                                                          \
            -1, -1                                                                                 \
        }                                                                                          \
    }

static inline int pipe_open(struct pipe *pipe)
{
    struct roosti_port *port = roosti_loop_here->port;
    return port->ops->fd.pipe(port, pipe->fds);
}

static inline void pipe_close(struct pipe *pipe)
{
    for (int end = 0; end < 2; end++) {
        if (pipe->fds[end] >= 0)
            roost_impl_file_close(pipe->fds[end]);
        pipe->fds[end] = -1;
    }
}

/* 1, or a code. */
static inline int pipe_write(const struct pipe *pipe, char byte)
{
    struct roosti_op op = {
        .kind = ROOSTI_OP_WRITE, .fd = pipe->fds[1], .buf = &byte, .len = 1, .offset = -1};
    return (int)roosti_op_run(&op);
}

/* Of the simulated world, or of the process. */
static inline int fds_open(void)
{
    if (!roost_test_virtual())
        return roosti_host_fd_count();
    struct roosti_sim_counts counts;
    roosti_sim_counts_get(roosti_loop_here->port, &counts);
    return (int)counts.fds;
}

#endif
