/* io/file_job.h - where the work on files is done.
 *
 * A job is a plain function that takes steps (operations of the port). On the real ports a thread
 * of the run makes the whole job, each step a call that may take its time: one hop, however many
 * steps. In simulation the task makes it itself and each step is an operation of the simulated
 * disk, with its delays, faults and cancellations. So what a job does when a step fails is the same
 * code in both worlds.
 *
 * A single step of a task goes to the port first: what cannot block is done at once, what the ring
 * does better goes there, and only what the port refuses goes to a thread.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_FILE_JOB_H
#define ROOST_IO_FILE_JOB_H

#include <roost/async.h>
#include <roost/path.h>
#include <roost/scope.h>

#include "port/file_call.h"

/* A step, of a job or of a task. */
int64_t roosti_file_step(struct roosti_op *op);

/* Steps by name: of a FILE_CALL, and of OPEN. */
int64_t roosti_file_do(int fd, struct roosti_file_call *call);
int roosti_file_open(const char *path, int flags, uint32_t mode);
/* All of it at an offset (-1: none): 0 or a code, *done how much was written before. */
int roosti_file_put(int fd, const void *data, size_t len, int64_t offset, size_t *done);
/* Until the buffer is full or the file has ended: how much, or a code. */
int64_t roosti_file_get(int fd, void *buf, size_t len, int64_t offset);
int roosti_file_fsync(int fd);
/* Of a descriptor that the same job, or the task's step, has opened. */
int roosti_file_shut(int fd);

/* Makes a job. The running task waits for it; cancelled, it still does. */
int roosti_file_job(roost_call job);

/* In simulation a job is cancelled like any task; what it has to do then, it does between these. */
struct roosti_file_shield {
    roost_scope *scope; /* NULL: on a thread, which nobody cancels */
    roost_scope memory;
};
void roosti_file_shield(struct roosti_file_shield *shield);
void roosti_file_unshield(struct roosti_file_shield *shield);

void roosti_stat_fill(roost_stat *stat, const struct roosti_file_stat *from);
/* Of DT_*, in entries of directories. */
enum roost_file_kind roosti_entry_kind(uint8_t kind);

#endif
