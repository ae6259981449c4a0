/* port/posix_op.h - what the two real ports share: the life of an operation, its attempt by a plain
 * system call, the memory it names, and the wake-up from other threads.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_POSIX_OP_H
#define ROOST_PORT_POSIX_OP_H

#include "port/posix_fd.h"

/* Bits of priv.state. An operation is in at most one list at a time, and each list has a bit. */
enum {
    ROOSTI_OPS_LINKED = 1 << 0,   /* holds its place in the slot of its descriptor */
    ROOSTI_OPS_READY = 1 << 1,    /* in posix.ready, its result in res */
    ROOSTI_OPS_HELD = 1 << 2,     /* its buffer is marked as the kernel's */
    ROOSTI_OPS_CANCELED = 1 << 3, /* cancel was asked for */
    ROOSTI_OPS_CLOSED = 1 << 4,   /* its descriptor was closed under it */
    ROOSTI_OPS_STARVED = 1 << 5,  /* in the port's list of receives that found no buffer */
    ROOSTI_OPS_PORT = 1 << 6      /* this bit and higher ones: the port's own */
};

/* The states of the wake-up. Woken is seen by the next wait whether or not it sleeps. */
enum { ROOSTI_WAKE_IDLE, ROOSTI_WAKE_SLEEPING, ROOSTI_WAKE_WOKEN };

/* Both ports begin with this. */
struct roosti_posix {
    struct roosti_port port;
    /* Ends everything in flight on fd with ROOST_ECLOSED. */
    void (*abandon)(struct roosti_posix *posix, int fd);
    struct roosti_fd_table fds;
    roosti_op_list ready; /* completed by the port itself; the next wait delivers */
    size_t in_flight;
    int wake_fd;           /* eventfd; its count is never read, each write is an edge */
    int wake_state;        /* shared with other threads and signal handlers */
    int wake_rest;         /* the state between waits: sleeping when a host polls the port's fd */
    bool sigpipe_was_open; /* open unblocked SIGPIPE on this thread, close does it again */
};

/* 0, or a negative code and nothing to undo. Blocks SIGPIPE on the calling thread, which has no
 * other way of never seeing it from a write to a pipe. */
int roosti_posix_init(struct roosti_posix *posix, const struct roosti_port_ops *ops,
                      void (*abandon)(struct roosti_posix *posix, int fd));
void roosti_posix_fini(struct roosti_posix *posix);

/* -- the life of an operation ----------------------------------------------------------------- */

/* op goes into flight; directions as roosti_op_directions gives them, its slot reserved. */
void roosti_posix_enter(struct roosti_posix *posix, struct roosti_op *op, unsigned directions);
/* Takes a NOP into flight, ready. */
int roosti_posix_nop(struct roosti_posix *posix, struct roosti_op *op);
/* Takes it out of its slot and hands it over. From inside wait only; op is its owner's again. */
void roosti_posix_finish(struct roosti_posix *posix, struct roosti_op *op, int64_t res);
/* Takes it out of its slot; the next wait will finish it with res. */
void roosti_posix_ready(struct roosti_posix *posix, struct roosti_op *op, int64_t res);
/* Finishes what was ready when called. Returns how many. */
int roosti_posix_deliver(struct roosti_posix *posix);
/* fd is a number the kernel has just given: whatever is known about it is about another one. */
void roosti_posix_fd_made(struct roosti_posix *posix, int fd);
/* The close and the forget of struct roosti_port_fd_ops. */
int roosti_posix_fd_close(struct roosti_port *port, int fd);
void roosti_posix_fd_forget(struct roosti_port *port, int fd);

/* While an operation may write into op->buf from outside, a sanitizer reports whoever touches it.
 * Only reads and receives are marked: several operations may send the same bytes. After release
 * the first `got` bytes count as written, which no tool could see. */
void roosti_op_hold(struct roosti_op *op);
void roosti_op_release(struct roosti_op *op, int64_t got);
/* The same for memory of the port's own. */
void roosti_memory_hide(void *memory, size_t len);
void roosti_memory_show(void *memory, size_t len);
/* Written by a call that the tools do not know. len may be an error code. */
void roosti_memory_written(const void *memory, int64_t len);

/* -- attempts: the result, or a negative code; -EAGAIN when it would have to wait ---------------
 */

int64_t roosti_try_recv(int fd, void *buf, size_t len, int flags);
int64_t roosti_try_send(const struct roosti_op *op);
int64_t roosti_try_send_msg(const struct roosti_op *op);
int64_t roosti_try_recv_msg(int fd, struct msghdr *msg, int flags);
/* -EOPNOTSUPP: this kind of file cannot tell. */
int64_t roosti_try_read(const struct roosti_op *op);
int64_t roosti_try_write(const struct roosti_op *op);
int64_t roosti_try_accept(struct roosti_posix *posix, int fd);
/* Those of the POLL bits that are ready now; -EAGAIN for none. */
int64_t roosti_try_poll(int fd, uint32_t events);
/* With cached: only if the names are in memory, else -EAGAIN. Never waits for the other end of a
 * FIFO. */
int64_t roosti_try_open(struct roosti_posix *posix, const struct roosti_op *op, bool cached);
/* A FILE_CALL: ROOSTI_DONE_NOW or ROOSTI_NEEDS_THREAD. */
int roosti_posix_file_call(struct roosti_op *op);
/* READ, WRITE and FSYNC by calls that may take their time. */
int64_t roosti_do_blocking(const struct roosti_op *op);

/* POLL bits to those of poll(2), and back: the ready subset of those asked for, where an error or
 * a hang-up makes everything ready that was asked for. */
uint32_t roosti_poll_to_system(uint32_t events);
uint32_t roosti_poll_from_system(uint32_t found, uint32_t asked);

/* The most one read or write is asked to move, as the kernel itself caps it. */
#define ROOSTI_IO_MAX ((size_t)0x7ffff000)
static inline size_t roosti_io_len(size_t len)
{
    return len < ROOSTI_IO_MAX ? len : ROOSTI_IO_MAX;
}

/* -- waiting and waking ------------------------------------------------------------------------ */

void roosti_posix_wake(struct roosti_port *port);
/* Writes to wake_fd. */
void roosti_posix_ring(struct roosti_posix *posix);
/* True when the thread may go to sleep: from here on a wake writes to wake_fd. */
bool roosti_posix_sleep(struct roosti_posix *posix);
bool roosti_posix_woken(const struct roosti_posix *posix);
/* The end of a wait, which has seen all wakes up to now. */
void roosti_posix_awake(struct roosti_posix *posix);
/* A host polls the port: wakes must reach the descriptor between waits too. */
void roosti_posix_polled(struct roosti_posix *posix);

roost_time roosti_posix_now(struct roosti_port *port);
roost_time roosti_posix_wall(struct roosti_port *port);
void roosti_posix_entropy(struct roosti_port *port, void *buf, size_t len);
size_t roosti_posix_in_flight(const struct roosti_port *port);

#endif
