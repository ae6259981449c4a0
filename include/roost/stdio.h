/* roost/stdio.h - standard input, output and error as streams.
 *
 *     ROOST_TRY(roost_stdin(&in));
 *     while ((rc = roost_read_line(in, &line)) > 0)
 *         count++;
 *     roost_stream_close(in);
 *
 * They may be terminals, pipes, sockets or files: waiting for them suspends the task and not the
 * thread, whatever they are. A terminal or a pipe is often shared with other processes, so the
 * descriptor is not made non-blocking for that, and what it was stays as it was. Closing the stream
 * leaves the descriptor open. What a descriptor is not open for the system refuses: -EBADF.
 *
 * What a stream has read ahead is lost to whoever reads the descriptor after it. In simulation the
 * real descriptors are used all the same, and the run stands still until they have answered.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_STDIO_H
#define ROOST_STDIO_H

#include <roost/config.h>
#include <roost/error.h>
#include <roost/stream.h>

ROOST_BEGIN_DECLS

/**
 * roost_stdin - descriptor 0 as a stream.
 *
 *   stream    gives one, release with roost_stream_close; written on success only. Two of them may
 *             exist, but only one can wait for input at a time: ROOST_EBUSY.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_stdin(roost_stream **stream);

/**
 * roost_stdout - descriptor 1 as a stream. It keeps nothing back: each write goes out at once.
 *
 *   stream    gives one, release with roost_stream_close; written on success only. What several of
 *             them write is not kept together: share one.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_stdout(roost_stream **stream);

/**
 * roost_stderr - descriptor 2 as a stream.
 *
 *   stream    as for roost_stdout.
 *
 * Suspends  never.
 * Errors    ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_stderr(roost_stream **stream);

ROOST_END_DECLS

#endif
