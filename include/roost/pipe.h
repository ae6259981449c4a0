/* roost/pipe.h - the kernel's pipes as streams.
 *
 * A pipe goes one way: what is written to its one end is read from the other. Between the tasks of
 * a program a channel or a pair in memory is cheaper; a pipe is for what a descriptor is needed
 * for.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PIPE_H
#define ROOST_PIPE_H

#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>

ROOST_BEGIN_DECLS

/**
 * roost_pipe_open - make a pipe.
 *
 *   read_end   gives the stream to read from, release with roost_stream_close; written on success
 *              only.
 *   write_end  gives the stream to write to. Closing or ending it is the end of the other one.
 *
 * Suspends  never.
 * Errors    what pipe says; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_pipe_open(roost_stream **read_end, roost_stream **write_end);

ROOST_END_DECLS

#endif
