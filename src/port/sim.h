/* port/sim.h - what a test may do to the simulated world, and what it may ask of it.
 *
 * The world is one machine room: an address space of stream sockets, pipes, and one disk. It is
 * driven by one thread and by one seed; the same seed and the same calls give the same results, the
 * same instants and the same trace hash, on every compiler and machine.
 *
 * Each function takes the port that roosti_sim_open gave, or a fault port over it, and is called on
 * the thread that opened it. Paths are absolute or taken from the root. Codes are negative.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_SIM_H
#define ROOST_PORT_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"

/* Where the virtual clock stands when a port is opened: 1,000 seconds. Far enough from zero that
 * subtracting a long duration stays positive, and a round number in reports. */
#define ROOSTI_SIM_START ROOST_SEC(1000)

/* The calendar at that instant: 2001-09-09 01:46:40 UTC, 1,000,000,000 s after 1970. */
#define ROOSTI_SIM_WALL_START ROOST_SEC(1000000000)

/* Bounds of the world. */
enum {
    ROOSTI_SIM_FIRST_FD = 3,             /* as a process begins */
    ROOSTI_SIM_FD_LIMIT = 65536,         /* descriptors, then EMFILE; see roosti_sim_fd_limit */
    ROOSTI_SIM_LENT_MAX = 16,            /* buffers a RECV_MULTI can have lent, then ENOBUFS */
    ROOSTI_SIM_LENT_BYTES = 4096,        /* of one such buffer */
    ROOSTI_SIM_FILE_BYTES_MAX = 1 << 30, /* then EFBIG */
};

bool roosti_port_is_sim(const struct roosti_port *port);

/* -- clock and threads ------------------------------------------------------------------------ */

/* The simulation never sleeps: a wait with nothing virtual to do and no deadline returns at once.
 * While real threads may still call wake, and only then, such a wait blocks until one does. */
void roosti_sim_expect_foreign(struct roosti_port *port, bool expected);

/* Puts the clock forward to `at` without completing anything on the way. */
void roosti_sim_clock_set(struct roosti_port *port, roost_time at);

/* The calendar jumps by this much; the clock does not. */
void roosti_sim_wall_jump(struct roosti_port *port, roost_dur by);

/* -- looking ---------------------------------------------------------------------------------- */

/* A hash of everything that has happened: each completion and each call with its descriptor,
 * result and instant; over a fault port also what was injected. */
uint64_t roosti_sim_trace_hash(struct roosti_port *port);

/* Adds an event of the caller's own, such as which task runs next. */
void roosti_sim_trace_add(struct roosti_port *port, uint64_t word);

/* For leak audits: all of these are zero in a world that has been tidied up, but for disk_bytes. */
struct roosti_sim_counts {
    size_t fds;          /* open descriptors */
    size_t conns;        /* connections and pipes with an open end */
    size_t lent;         /* buffers lent by RECV_MULTI and not given back */
    uint64_t disk_bytes; /* sum of the sizes of all files */
};
void roosti_sim_counts_get(struct roosti_port *port, struct roosti_sim_counts *counts);

/* At most this many descriptors are open from now on; then EMFILE. 0: the default. */
void roosti_sim_fd_limit(struct roosti_port *port, size_t limit);

/* -- disk ------------------------------------------------------------------------------------- */

/* Creates or replaces a file, safely on disk, with the directories above it. Not subject to
 * disk_bytes_max. 0 or ROOST_ENOMEM, -ENOTDIR, -EISDIR, -ENAMETOOLONG. */
int roosti_sim_file_put(struct roosti_port *port, const char *path, const void *data, size_t len);
int roosti_sim_dir_put(struct roosti_port *port, const char *path);

/* Lends what a read would give now, valid until the next call. NULL: no such file. */
const void *roosti_sim_file_peek(struct roosti_port *port, const char *path, size_t *len);

/* The next operation of this kind on a file (OPEN, READ, WRITE, FSYNC) fails with code. A failed
 * FSYNC also forgets what it should have written, as kernels do: a later success does not bring
 * it to the disk. */
void roosti_sim_disk_fail(struct roosti_port *port, enum roosti_op_kind kind, int code);

/* The power goes and comes back: every file is what its last successful fsync made it, files that
 * never had one are gone, and descriptors of files answer -EIO until closed. A successful fsync of
 * a file also keeps its directory entries; one of a directory keeps those of its members. */
void roosti_sim_disk_crash(struct roosti_port *port);

/* -- network ---------------------------------------------------------------------------------- */

enum { ROOSTI_SIM_TOWARDS = 1, ROOSTI_SIM_FROM = 2, ROOSTI_SIM_BOTH = 3 };

/* Cuts the connections made to this listening address, present and future ones: towards it, from
 * it, or both ways. Bytes under way wait for the heal; a connect retries as TCP does and fails with
 * -ETIMEDOUT after 127 s. addr NULL: all addresses. 0 or ROOST_ENOMEM. Pipes and socket pairs are
 * inside one machine and never cut. */
int roosti_sim_partition(struct roosti_port *port, const struct sockaddr *addr, uint32_t addr_len,
                         unsigned ways);

/* Ends every partition. */
void roosti_sim_heal(struct roosti_port *port);

/* The network resets the connection of this descriptor: at once, at both ends.
 * 0, -EBADF, or -ENOTCONN. */
int roosti_sim_reset(struct roosti_port *port, int fd);

#endif
