/* roost/fd.h - waiting for descriptors of other people's libraries.
 *
 * A library that does its own reading and writing on a descriptor (a database client, a message
 * bus) says when it would have to wait; the task then waits here while the thread goes on.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FD_H
#define ROOST_FD_H

#include <roost/config.h>
#include <roost/error.h>

/* What a wait can end with; the values add up. */
enum roost_fd_events {
    ROOST_FD_READABLE = 1,
    ROOST_FD_WRITABLE = 2,
    ROOST_FD_HANGUP = 4, /* the other side is gone; always told with what was asked for */
    ROOST_FD_ERROR = 8
};

ROOST_BEGIN_DECLS

/**
 * roost_fd_wait_readable - wait until a read from a descriptor would not wait.
 *
 *   fd        borrowed; open, of any kind that can be waited for. Regular files are always ready.
 *
 * Returns ROOST_FD_READABLE, with ROOST_FD_HANGUP and ROOST_FD_ERROR where they hold.
 *
 * Suspends  until then.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    -EBADF; -EPERM  it cannot be waited for; ROOST_EBUSY  another task waits for the same;
 *           ROOST_ECLOSED  roost_fd_close or roost_fd_closing was called meanwhile; ROOST_ENOCTX
 *           not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_fd_wait_readable(int fd);

/**
 * roost_fd_wait_writable - wait until a write to a descriptor would not wait.
 *
 *   fd        as for roost_fd_wait_readable.
 *
 * Returns ROOST_FD_WRITABLE, with ROOST_FD_HANGUP and ROOST_FD_ERROR where they hold.
 *
 * Suspends  until then.
 * Cancel    ROOST_ECANCELED; nothing is left behind.
 * Errors    those of roost_fd_wait_readable.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_fd_wait_writable(int fd);

/**
 * roost_fd_closing - say that a descriptor is about to be closed by somebody else.
 *
 *   fd        open. Tasks of this loop that wait for it get ROOST_ECLOSED. One that is closed
 *             without this while a task waits for it may keep that task waiting for ever.
 *
 * Suspends  never.
 * Errors    ROOST_ENOCTX  not in a run.
 * Threads   any of a run.
 */
ROOST_API int roost_fd_closing(int fd);

/**
 * roost_fd_close - close a descriptor.
 *
 *   fd        released whatever happens. Tasks of this loop that wait for it get ROOST_ECLOSED.
 *
 * Suspends  never.
 * Errors    -EBADF; what closing met; ROOST_ENOCTX  not in a run: it was not closed.
 * Threads   any of a run.
 */
ROOST_API int roost_fd_close(int fd);

ROOST_END_DECLS

#endif
