/* port/port.h - the table through which the runtime meets the operating system.
 *
 * A port carries out operations (struct roosti_op) for one loop and tells the time. Four exist:
 * uring, epoll, sim (virtual clock, in-memory sockets and files, faults by seed) and fault, a
 * decorator over any of them. Nothing above this layer makes a system call.
 *
 * Preconditions, for every function of the table:
 * - called on the thread that opened the port, except wake;
 * - an operation and the memory it names belong to the port from a submit that returned
 *   ROOSTI_IN_FLIGHT until its last `done`; the port never touches either afterwards;
 * - `done` is called only from inside wait, never from submit or cancel, and may submit and cancel.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_PORT_H
#define ROOST_PORT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/error.h>
#include <roost/time.h>

struct roosti_file_call;
struct roosti_port;
struct msghdr;
struct sockaddr;

enum roosti_op_kind {
    ROOSTI_OP_NOP,       /* completes with 0 at the next wait */
    ROOSTI_OP_POLL,      /* res: the ready subset of `events` (ROOSTI_POLL_*) */
    ROOSTI_OP_READ,      /* fd, buf, len, offset (-1: the file's own position): bytes, 0 at end */
    ROOSTI_OP_WRITE,     /* the same for writing; may be short */
    ROOSTI_OP_RECV,      /* socket fd, buf, len: bytes, 0 at end of stream */
    ROOSTI_OP_SEND,      /* may be short; never raises SIGPIPE */
    ROOSTI_OP_ACCEPT,    /* res: new fd, non-blocking, close-on-exec */
    ROOSTI_OP_CONNECT,   /* addr, addr_len */
    ROOSTI_OP_OPEN,      /* path, flags, mode: res is the new fd, close-on-exec */
    ROOSTI_OP_FSYNC,     /* fd */
    ROOSTI_OP_FILE_CALL, /* fd, u.call: what else is done to files and names; port/file_call.h */
    ROOSTI_OP_SENDV,     /* a stream: the pieces of u.msg, the first not empty, len: their sum; may
                            be short */
    ROOSTI_OP_SEND_MSG,  /* u.msg whole, with its name or descriptors; len: bytes */
    ROOSTI_OP_RECV_MSG,  /* into u.msg; buf, len: its first piece. Passed descriptors are new to the
                            port: tell it with forget */
    ROOSTI_OP_RECV_MULTI,   /* many completions; each lends buf with res bytes, see give_back */
    ROOSTI_OP_ACCEPT_MULTI, /* many completions; each res is a new fd */
    ROOSTI_OP_KIND_COUNT
};

enum { ROOSTI_POLL_IN = 1, ROOSTI_POLL_OUT = 2, ROOSTI_POLL_HANGUP = 4, ROOSTI_POLL_ERROR = 8 };

/* What submit says. A negative value: refused, nothing was taken. */
enum {
    ROOSTI_IN_FLIGHT = 0, /* `done` will be called */
    ROOSTI_DONE_NOW = 1,  /* res is final; `done` is not called */
    /* Nothing was taken: it would hold up this thread, so another one has to do it, by
     * roosti_op_block. Only for an operation that says it may be so answered. */
    ROOSTI_NEEDS_THREAD = 2
};

/* One operation. The caller fills the first block; the port writes the second. */
struct roosti_op {
    enum roosti_op_kind kind;
    int fd;
    void (*done)(struct roosti_op *op); /* the operation, or one step of a multi, has completed */
    void *owner;                        /* the caller's own; the port does not look at it */
    void *buf;                          /* multi receive: written by the port at each step */
    size_t len;
    int64_t offset;
    union {
        const struct sockaddr *addr;   /* CONNECT */
        const char *path;              /* OPEN */
        struct msghdr *msg;            /* SENDV, SEND_MSG, RECV_MSG */
        struct roosti_file_call *call; /* FILE_CALL */
    } u;
    uint32_t addr_len;
    int flags;       /* OPEN: O_*; SEND, RECV: MSG_* */
    uint32_t mode;   /* OPEN with O_CREAT */
    uint32_t events; /* POLL */
    bool threads;    /* READ, WRITE, OPEN, FSYNC, FILE_CALL: submit may say ROOSTI_NEEDS_THREAD */

    int64_t res; /* result >= 0, or a negative code; -ECANCELED when cancel won */
    bool more;   /* multi: another `done` will follow */

    /* The port's own, meaningless outside it; zero when the operation is at rest. */
    struct {
        struct roosti_op *next;
        struct roosti_op *prev;
        uint64_t due; /* sim: number in the order of submission; uring: state bits */
        uint32_t state;
        uint32_t aux;
    } priv;
};

/* The synchronous calls on descriptors that never wait. All return >= 0 or a negative code. */
struct roosti_port_fd_ops {
    int (*socket)(struct roosti_port *port, int domain, int type, int protocol);
    int (*bind)(struct roosti_port *port, int fd, const struct sockaddr *addr, uint32_t len);
    int (*listen)(struct roosti_port *port, int fd, int backlog);
    int (*local_addr)(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len);
    int (*peer_addr)(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len);
    int (*get_option)(struct roosti_port *port, int fd, int level, int name, void *value,
                      uint32_t *len);
    int (*set_option)(struct roosti_port *port, int fd, int level, int name, const void *value,
                      uint32_t len);
    int (*shutdown)(struct roosti_port *port, int fd, int how);
    int (*pipe)(struct roosti_port *port, int fds[2]);
    int (*socket_pair)(struct roosti_port *port, int fds[2]); /* a connected stream pair */
    /* What RECV_MSG would give at once; -EAGAIN when it would wait. */
    int64_t (*receive)(struct roosti_port *port, int fd, struct msghdr *msg, int flags);
    /* The file of a Unix socket: a number that tells it from a later one of the same name, never 0;
     * and removing it if it still is that one (0: any). -ENOTSOCK: something else has the name. */
    int (*socket_file)(struct roosti_port *port, const char *path, uint64_t *id);
    int (*socket_file_remove)(struct roosti_port *port, const char *path, uint64_t id);
    /* fd is about to be closed by its owner, or has just come from somewhere else: what is known of
     * it is void, and operations in flight on it complete with ROOST_ECLOSED. */
    void (*forget)(struct roosti_port *port, int fd);
    /* What a stream without an offset (pipe, terminal, socket) has ready: bytes, 0 at its end,
     * -EAGAIN for nothing yet. No operation that reads is in flight. */
    int64_t (*read_now)(struct roosti_port *port, int fd, void *buf, size_t len);
    /* Releases fd whatever it returns. Operations in flight on fd complete with ROOST_ECLOSED. */
    int (*close)(struct roosti_port *port, int fd);
    /* Entries of a directory by name order: calls each(arg, name, is_directory) until it returns
     * non-zero, which is then returned. "." and ".." are left out. */
    int (*list)(struct roosti_port *port, const char *path,
                int (*each)(void *arg, const char *name, bool is_directory), void *arg);
};

struct roosti_port_ops {
    const char *name;  /* "uring", "epoll", "sim"; a fault port answers its inner port's name */
    bool virtual_time; /* the clock moves only inside wait, to the deadline asked for */

    /* Takes, completes or refuses an operation. */
    int (*submit)(struct roosti_port *port, struct roosti_op *op);

    /* Asks an operation in flight to end early. Its `done` still comes, from a later wait, with
     * ROOST_ECANCELED, or with the real result if that came first. Asking twice is harmless. */
    void (*cancel)(struct roosti_port *port, struct roosti_op *op);

    /* Hands over what was submitted, then waits until something completes, wake is called, a
     * signal arrives or `deadline` passes (ROOST_NEVER: no deadline; any past instant: do not
     * wait), and calls `done` for what has completed. Returns the number of completions. */
    int (*wait)(struct roosti_port *port, roost_time deadline);

    /* Makes the present or the next wait return. Any thread, and signal handlers. */
    void (*wake)(struct roosti_port *port);

    roost_time (*now)(struct roosti_port *port);  /* monotonic */
    roost_time (*wall)(struct roosti_port *port); /* nanoseconds since 1970 UTC */
    void (*entropy)(struct roosti_port *port, void *buf, size_t len);

    /* Operations in flight, not counting the port's own (its wake-up descriptor). */
    size_t (*in_flight)(const struct roosti_port *port);

    /* A descriptor that polls readable when wait would not block; ROOST_ENOTSUP in simulation. */
    int (*poll_fd)(struct roosti_port *port);

    /* Returns a buffer that a RECV_MULTI step lent. */
    void (*give_back)(struct roosti_port *port, void *buf);

    /* All operations must be at rest. Accepts no NULL. */
    void (*close)(struct roosti_port *port);

    struct roosti_port_fd_ops fd;
};

/* Every implementation begins with this. */
struct roosti_port {
    const struct roosti_port_ops *ops;
};

/* Faults of sim and of the fault decorator, in events per thousand unless said otherwise. Zero:
 * never. The same seed gives the same faults. */
struct roosti_fault_plan {
    unsigned again_permille; /* a ready descriptor claims not to be ready */
    unsigned short_permille; /* a read or write moves fewer bytes than it could */
    unsigned io_max;         /* bytes one read or write moves at the most; 0: no cap */
    unsigned reset_permille; /* ECONNRESET on receive or send */
    unsigned error_permille; /* the kind's other errors: EINTR ENOBUFS ENOMEM ENOSPC EIO ... */
    unsigned delay_permille; /* a completion comes later than it could (sim: virtual time) */
    unsigned late_cancel_permille; /* a cancelled operation completes with its real result */
    uint64_t fail_at;              /* the operation that fails, counted from 1; 0: none */
    int fail_code;                 /* with what; 0: a code of the kind's list, by seed */
};

/* The network and disk of sim, beyond the faults above. */
struct roosti_sim_plan {
    roost_dur latency_min;       /* one way; default 10 us */
    roost_dur latency_mean;      /* of the exponential part; default 50 us */
    unsigned loss_permille;      /* a segment is lost: its connection stalls, then resets */
    unsigned partition_permille; /* a new connection falls into a partition that later heals */
    size_t link_bytes_max;       /* in flight each way before send stops taking; default 64 KiB */
    uint64_t disk_bytes_max;     /* then ENOSPC; 0: no limit */
};

struct roosti_port_opts {
    uint64_t seed; /* sim, fault */
    struct roosti_sim_plan sim;
    unsigned ring_entries; /* uring: submission slots; default 256 */
};

/* Each: 0 and *port, or a negative code. uring refuses with what the kernel said (EPERM, ENOSYS,
 * ENOMEM), or ROOST_ENOTSUP when a feature it needs is missing. */
int roosti_uring_open(const struct roosti_port_opts *opts, struct roosti_port **port);
int roosti_epoll_open(const struct roosti_port_opts *opts, struct roosti_port **port);
int roosti_sim_open(const struct roosti_port_opts *opts, struct roosti_port **port);

/* Carries out READ, WRITE, OPEN, FSYNC or FILE_CALL of the real ports on any thread, by calls that
 * may take their time. A descriptor that OPEN gave is new to the port: forget tells it. */
int64_t roosti_op_block(const struct roosti_op *op);

/* Takes `inner` on success and closes it with itself. */
int roosti_fault_open(struct roosti_port *inner, uint64_t seed,
                      const struct roosti_fault_plan *plan, struct roosti_port **port);

#endif
