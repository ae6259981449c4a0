/* port/child.h - processes forked from this one, the sockets to them, and how they end.
 *
 * A root is forked from the program and lives on a stack of its own, with nothing of the program
 * but its memory; branches are forked from a root. Either may call nothing that makes, takes or
 * waits for a thread of the program: there are none. Sockets carry records (SOCK_SEQPACKET): one
 * comes whole or not at all. Every descriptor is close-on-exec. Codes are negative.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_CHILD_H
#define ROOST_PORT_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/time.h>

/* -- in the program ---------------------------------------------------------------------------- */

struct roosti_child {
    int pid;
    int pidfd; /* polls readable when it has ended; -1: the system has no such thing */
};

/* What a root does; it ends when this returns. fd: the only descriptor left beside 0, 1 and 2. */
typedef void (*roosti_child_body)(void *arg, int fd);

struct roosti_child_opts {
    bool silent; /* standard error goes nowhere */
};

/* Forks a root. It has a session of its own, default signal actions, /dev/null for its standard
 * input and output, and dies with the calling thread. keep: stays open there, and here. 0 or a
 * code. */
int roosti_child_fork(struct roosti_child *child, int keep, const struct roosti_child_opts *opts,
                      roosti_child_body body, void *arg);

/* Blocks until it has ended, takes the process off the system's table, closes pidfd. */
void roosti_child_reap(struct roosti_child *child);

/* SIGKILL; nothing happens to a process that has ended. */
void roosti_child_kill(int pidfd);

/* The name of a signal without its number; NULL: it has none. */
const char *roosti_signal_name(int signo);

/* -- sockets and records ----------------------------------------------------------------------- */

struct roosti_piece {
    void *at;
    size_t len;
};

int roosti_socket_pair(int fds[2]);
void roosti_socket_close(int fd); /* -1 is accepted */
/* This side says nothing more: the other one finds an end behind what it has said. */
void roosti_socket_finish(int fd);
/* This side listens to nothing more: the other one is told -EPIPE. What has come before can still
 * be received. */
void roosti_socket_deafen(int fd);

/* One record, gathered from the pieces, with a copy of the descriptor `pass` (-1: none). Never
 * waits. 0; ROOST_EAGAIN  no room; -EPIPE  nobody will read it; another code. */
int roosti_record_send(int fd, const struct roosti_piece *pieces, size_t count, int pass);

/* One record into buf. *passed: the descriptor that came with it, or -1; NULL: none is taken. Its
 * length, cut to `size`; 0 when the other side is closed; ROOST_EAGAIN when there is none; another
 * code. Never waits. */
int64_t roosti_record_receive(int fd, void *buf, size_t size, int *passed);

enum { ROOSTI_WAIT_READ = 1, ROOSTI_WAIT_WRITE = 2 };

struct roosti_wait_fd {
    int fd;
    unsigned wanted; /* ROOSTI_WAIT_* */
    bool ready;      /* written: some of it, or an end or an error */
};

/* Blocks the thread until one is ready, at most for `dur`. Returns how many are. At most 2,100. */
int roosti_wait_fds(struct roosti_wait_fd *fds, size_t count, roost_dur dur);

/* -- memory that two processes see ------------------------------------------------------------- */

/* A descriptor of `size` zeroed bytes. */
int roosti_shared_open(size_t size);
/* All of it, or a code: -EIO when the memory is shorter than that. */
int roosti_shared_write(int fd, const void *buf, size_t len, uint64_t offset);
int roosti_shared_read(int fd, void *buf, size_t len, uint64_t offset);
/* fd -1: memory of this process alone, zeroed. NULL: there is none. */
void *roosti_pages_map(int fd, size_t size);
void roosti_pages_unmap(void *at, size_t size);

/* -- in a root --------------------------------------------------------------------------------- */

/* From now on the ends of branches are told by a descriptor that polls readable. It, or a code. */
int roosti_branches_watch(void);

struct roosti_branch_end {
    int pid;
    int code; /* its exit status, or the signal */
    bool signalled;
};

/* The next branch that has ended, taken off the system's table. False: no other has, for now. */
bool roosti_branches_reap(int watch_fd, struct roosti_branch_end *end);
void roosti_branch_kill(int pid); /* one that has not been reaped */

/* Forks a branch, which goes on with body(arg, fd) and ends with it; it dies with the root. Its
 * number, or a code. */
int roosti_branch_fork(int keep, roosti_child_body body, void *arg);

/* -- in a branch ------------------------------------------------------------------------------- */

int roosti_process_id(void);
/* A descriptor of this process, or a code. */
int roosti_process_pidfd(void);
_Noreturn void roosti_process_exit(int status);

/* From now on this process gets no more than so many bytes of memory and so much processor time
 * beyond what it has; 0: no bound. Lifted again by zeros. */
void roosti_process_limit(size_t memory, roost_dur cpu);

#endif
