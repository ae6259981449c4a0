/* tests/kit/world.h - what behaviours and scenarios may do to the world their case runs in.
 *
 * They see the library from outside; what they need beyond it (time that is used up, descriptors
 * that tasks wait for, another seed, a disk with faults) they ask of these functions.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_WORLD_H
#define ROOST_TESTS_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/testing.h>

/* -- time ---------------------------------------------------------------------------------------*/

/* Keeps the processor for this long, as a computation does; the virtual clock is put forward. */
void kit_spend(roost_dur dur);

/* -- runs of a plain case -----------------------------------------------------------------------*/

/* The seed of the schedules of the runs that follow, in place of the case's own. */
void kit_seed_use(uint64_t seed);

/* The runs that follow meet disturbances: each number is in events per thousand. */
struct kit_disturbance {
    unsigned again;   /* a ready descriptor claims not to be */
    unsigned shorter; /* a read or write moves fewer bytes than it could */
    unsigned error;   /* an operation fails with one of its codes */
    unsigned delay;   /* a completion comes later than it could */
    unsigned late;    /* a cancelled operation comes with its real result */
    unsigned loss;    /* sim: a segment, or a datagram, is lost */
    unsigned apart;   /* sim: a new connection falls into a partition that later heals */
};
void kit_disturb(const struct kit_disturbance *wanted);

/* A draw in [0, bound) from the named stream of the case's seed; *state begins as 0. */
uint64_t kit_draw(uint64_t *state, const char *stream, uint64_t bound);

/* -- descriptors, from inside a task ------------------------------------------------------------*/

/* fds[0] reads what fds[1] writes. 0 or a code. */
int kit_pipe(int fds[2]);
/* Each suspends until it is done, as any operation of a task; the bytes moved, or a code. */
int64_t kit_read(int fd, void *buf, size_t len);
int64_t kit_write(int fd, const void *buf, size_t len);
/* Accepts -1. */
void kit_close(int fd);

/* -- the simulated disk, from inside a task -----------------------------------------------------*/

/* Creates a file. False: no memory. */
bool kit_file_put(const char *path, const void *data, size_t len);
/* Lends its content until the next call; NULL: there is none. */
const void *kit_file_peek(const char *path, size_t *len);
/* The power goes and comes back: files are what their last fsync made them. */
void kit_disk_crash(void);
/* The next step of this kind fails. */
enum kit_disk_step { KIT_DISK_OPEN, KIT_DISK_WRITE, KIT_DISK_SYNC, KIT_DISK_CALL };
void kit_disk_fail(enum kit_disk_step step, int code);

/* At most so many more descriptors can be opened than are open now; 0: as many as ever. */
void kit_fd_limit(int more);

/* The next accept fails with this code. In a run that may be disturbed: see kit_disturb. */
void kit_fail_accept(int code);

/* A name for a Unix socket that nobody else has. */
void kit_socket_name(char *buf, size_t size);

/* Open descriptors of the simulated world. */
size_t kit_sim_fds(void);

/* Open descriptors of the world the case runs in: the simulated one, or the process. */
int kit_fds_open(void);

#endif
