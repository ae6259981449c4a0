/* port/sim_impl.h - what the files of the simulated port share.
 *
 *   sim.c          the table of the port: wait, wake, the clock
 *   sim_op.c       an operation from submit to done, the trace
 *   sim_queue.c    what is due when: a heap that never allocates when something is put into it
 *   sim_table.c    descriptors, lowest free number first
 *   sim_addr.c     addresses
 *   sim_net.c      sockets: listeners, connections, partitions
 *   sim_stream.c   one connection: segments, end of stream, reset
 *   sim_io.c       readiness, receiving and sending
 *   sim_datagram.c datagrams, passed descriptors
 *   sim_tree.c     files and directories, crashes
 *   sim_disk.c     operations on files
 *   sim_file.c     calls on names, and what else is done to files
 *   sim_control.c  the test's hand on the clock, the trace and the limits
 *
 * An operation is either parked in a queue of its descriptor, waiting for it to become ready, or it
 * has an entry in the heap, or both: then it is ready and will be carried out when its turn comes.
 * Effects happen at that turn, not at submit, so that memory that has been let go too early is
 * written late, as a kernel would.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_SIM_IMPL_H
#define ROOST_PORT_SIM_IMPL_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/list.h"
#include "base/rng.h"
#include "port/sim.h"

/* What an attempt answers when the operation must wait; no operation's result. */
#define ROOSTI_SIM_BLOCKS INT64_MIN

/* -- operations ------------------------------------------------------------------------------- */

/* priv.state of an operation. priv.aux is its place in the heap, priv.due its number in the order
 * of submission. */
enum {
    ROOSTI_SIM_TAKEN = 1,   /* in flight */
    ROOSTI_SIM_PARKED = 2,  /* linked in a queue of its descriptor */
    ROOSTI_SIM_SETTLED = 4, /* its entry holds the result; the descriptor is not looked at again */
    ROOSTI_SIM_UNWANTED = 8 /* cancelled when its turn had come: if it would block, it ends */
};

/* First come, first served. */
struct roosti_sim_queue {
    struct roosti_op *first;
    struct roosti_op *last;
};

/* -- what is due when ------------------------------------------------------------------------- */

enum roosti_sim_what {
    ROOSTI_SIM_OP,     /* owner: struct roosti_op */
    ROOSTI_SIM_WAY,    /* owner: struct roosti_sim_way; its first segment arrives */
    ROOSTI_SIM_RESET,  /* owner: struct roosti_sim_conn; its reset arrives */
    ROOSTI_SIM_ARRIVAL /* owner: struct roosti_sim_datagram */
};

struct roosti_sim_entry {
    roost_time due;
    uint64_t order; /* breaks ties: the smaller goes first; unique */
    int64_t res;    /* of a settled operation */
    void *owner;
    uint32_t *place; /* the owner's copy of this entry's index + 1; 0 there: not in the heap */
    enum roosti_sim_what what;
};

/* -- network ---------------------------------------------------------------------------------- */

struct roosti_sim_addr {
    uint32_t len; /* 0: none */
    union {
        struct sockaddr any;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        unsigned char bytes[sizeof(struct sockaddr_un)];
    } u; /* bytes past len are zero, so are paddings: comparable byte by byte */
};

enum { ROOSTI_SIM_SEGMENTS = 16 };

enum { ROOSTI_SIM_SYN = 1, ROOSTI_SIM_SYN_ACK = 2, ROOSTI_SIM_FIN = 4 };

struct roosti_sim_segment {
    roost_time due;
    uint64_t end;   /* stream offset after its last byte */
    unsigned flags; /* what arrives beside the bytes */
};

/* One direction of a connection. read <= arrived <= written, all counted from its beginning;
 * written - read <= size <= link_bytes_max. */
struct roosti_sim_way {
    struct roosti_sim_conn *conn;
    unsigned char *bytes; /* ring of `size` bytes; offset `read` is at index `head` */
    size_t size;
    size_t head;
    uint64_t read;
    uint64_t arrived;
    uint64_t written;
    struct roosti_sim_segment segments[ROOSTI_SIM_SEGMENTS]; /* ring, oldest at `first` */
    unsigned first;
    unsigned count;
    uint32_t place;             /* in the heap, for its oldest segment */
    struct roosti_list parcels; /* descriptors that come with its bytes */
    bool cut;                   /* by a partition */
    bool fin_sent;
    bool fin_arrived;
};

/* A connection, a socket pair or a pipe. ends[0] connected or writes, ends[1] accepted or reads;
 * ways[i] carries what ends[i] sends. Lives until both ends are closed. */
struct roosti_sim_conn {
    struct roosti_node node;         /* in sim->conns */
    struct roosti_sim_file *ends[2]; /* NULL: not yet there, or closed */
    struct roosti_sim_file *unborn;  /* ends[1] until the connection request arrives */
    struct roosti_sim_way ways[2];
    struct roosti_sim_addr target; /* what was connected to */
    roost_time blocked_until;      /* nothing arrives before: a partition of its own */
    uint32_t place;                /* in the heap, for its reset */
    unsigned reset_ends;           /* bit i: a reset is under way to ends[i] */
    int reset_code;                /* what it will say there */
    unsigned tries;                /* requests lost so far */
    bool local;                    /* pair or pipe: no latency, no loss */
    bool one_way;                  /* pipe: ways[1] does not exist */
    bool stalled;                  /* a segment was lost: nothing arrives any more */
};

/* -- disk ------------------------------------------------------------------------------------- */

struct roosti_sim_inode {
    struct roosti_node node;           /* in sim->inodes */
    struct roosti_sim_inode *parent;   /* NULL: the root, or unlinked by a crash */
    struct roosti_sim_inode **members; /* directory: by name order */
    size_t member_count;
    size_t member_size;
    unsigned char *bytes; /* what a read sees: len bytes of size */
    uint64_t len;
    uint64_t size;
    unsigned char *kept; /* what a crash leaves: kept_len bytes of kept_size */
    uint64_t kept_len;
    uint64_t kept_size;
    uint64_t dirty_from; /* written since the last fsync: [dirty_from, dirty_to) */
    uint64_t dirty_to;
    size_t open_count; /* descriptors */
    bool is_dir;
    bool durable; /* its directory entry survives a crash */
    uint32_t permissions;
    uint64_t number;
    int64_t modified; /* calendar, ns */
    char *name;       /* name_first, or memory of its own after a rename */
    char name_first[];
};

/* -- descriptors ------------------------------------------------------------------------------ */

enum roosti_sim_kind {
    ROOSTI_SIM_IDLE, /* a socket, perhaps bound */
    ROOSTI_SIM_LISTENING,
    ROOSTI_SIM_CONNECTING,
    ROOSTI_SIM_CONNECTED, /* also after a reset or the other end's close */
    ROOSTI_SIM_PIPE,
    ROOSTI_SIM_DATAGRAM,
    ROOSTI_SIM_DISK
};

struct roosti_sim_file {
    enum roosti_sim_kind kind;
    unsigned holders; /* numbers it has, and parcels it is in; 0: accepted by nobody yet */
    struct roosti_sim_queue reads;
    struct roosti_sim_queue writes;
    struct roosti_sim_queue polls;

    /* Sockets and pipes. */
    struct roosti_node node; /* bound: in sim->bound; waiting for accept: in the listener's */
    struct roosti_sim_addr addr;
    struct roosti_sim_addr peer;  /* len 0: none */
    struct roosti_list datagrams; /* arrived */
    size_t datagram_bytes;        /* of those */
    uint64_t born; /* when it was bound: tells it from a later one of the same name */
    int domain;
    int error; /* negative code that the next operation reports, then 0 */
    bool reuse_port;
    bool linger_reset; /* close resets */
    bool shut_read;
    bool reset;                 /* was reset: writes give EPIPE, reads end */
    struct roosti_list waiting; /* listener: connections nobody accepted yet */
    unsigned waiting_count;
    unsigned backlog;
    struct roosti_sim_conn *conn;
    unsigned side; /* index of this end in conn */

    /* Files and directories. */
    struct roosti_sim_inode *inode;
    int flags; /* O_* of open */
    uint64_t position;
    bool lost; /* open during a crash */
};

struct roosti_sim_cut {
    struct roosti_node node;
    struct roosti_sim_addr addr; /* len 0: every address */
    unsigned ways;
};

/* -- the port --------------------------------------------------------------------------------- */

struct roosti_sim {
    struct roosti_port port;
    struct roosti_sim_plan plan; /* defaults filled in */
    roost_time now;
    roost_dur wall_offset; /* wall - now */
    uint64_t trace;
    uint64_t order;      /* numbers given to entries and operations */
    uint64_t done_count; /* completions delivered */
    size_t op_count;     /* in flight */
    bool foreign_expected;
    uint32_t wake_word;            /* futex, the only word other threads touch */
    struct roosti_rng rng_submit;  /* at once or at the next wait */
    struct roosti_rng rng_net;     /* latency, chunks, loss, partitions, who accepts */
    struct roosti_rng rng_disk;    /* latency */
    struct roosti_rng rng_entropy; /* what entropy hands out */

    struct roosti_sim_entry *heap;
    size_t heap_count;
    size_t heap_size;
    size_t heap_reserved; /* entries promised; heap_count <= heap_reserved <= heap_size */

    struct roosti_sim_file **files; /* by fd, then the bitmap `taken`, in one block */
    uint64_t *taken;
    size_t file_size;
    size_t file_count;
    size_t file_limit;

    struct roosti_list conns;
    struct roosti_list bound;
    struct roosti_list cuts;
    struct roosti_list flying; /* datagrams under way */
    unsigned port_next;        /* for ephemeral ports */
    unsigned char *lent; /* slab for RECV_MULTI, NULL until the first; a free buffer is chosen by
                          * lowest index */
    uint32_t lent_bits;  /* bit i: buffer i is with the user */

    struct roosti_list inodes;
    struct roosti_sim_inode *root;
    uint64_t disk_bytes;
    uint64_t inode_last;                 /* number of the newest inode */
    int disk_fail[ROOSTI_OP_KIND_COUNT]; /* code for the next of its kind, or 0 */
};

static inline struct roosti_sim *roosti_sim_of(struct roosti_port *port)
{
    return roosti_container(port, struct roosti_sim, port);
}

/* sim_op.c */
int roosti_sim_submit(struct roosti_port *port, struct roosti_op *op);
void roosti_sim_cancel(struct roosti_port *port, struct roosti_op *op);
/* Everything that is due and was put up before this call. */
void roosti_sim_run_due(struct roosti_sim *sim);
roost_dur roosti_sim_exponential(struct roosti_rng *rng, roost_dur mean);
void roosti_sim_trace_event(struct roosti_sim *sim, unsigned what, int fd, int64_t res);
/* A descriptor may have become ready: gives its operations their turn. */
void roosti_sim_kick(struct roosti_sim *sim, struct roosti_sim_file *file);
/* Ends every operation on the descriptor. */
void roosti_sim_end_ops(struct roosti_sim *sim, struct roosti_sim_file *file, int code);
/* The same of those that were given this number of it. */
void roosti_sim_end_ops_of(struct roosti_sim *sim, struct roosti_sim_file *file, int fd, int code);

/* It is answered at once, ready or not. */
static inline bool roosti_sim_never_waits(const struct roosti_op *op)
{
    switch (op->kind) {
    case ROOSTI_OP_RECV:
    case ROOSTI_OP_SEND:
        return op->len == 0 || (op->flags & MSG_DONTWAIT) != 0;
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
    case ROOSTI_OP_RECV_MSG:
        return (op->flags & MSG_DONTWAIT) != 0;
    case ROOSTI_OP_READ:
    case ROOSTI_OP_WRITE:
        return op->len == 0;
    default:
        return false;
    }
}

/* sim_control.c: the simulated port under a port of either kind. */
struct roosti_sim *roosti_sim_under(struct roosti_port *port);

/* sim_queue.c */
int roosti_sim_reserve(struct roosti_sim *sim, size_t count);
void roosti_sim_unreserve(struct roosti_sim *sim, size_t count);
void roosti_sim_put(struct roosti_sim *sim, const struct roosti_sim_entry *entry);
/* The entry at this place leaves the heap. */
struct roosti_sim_entry roosti_sim_take(struct roosti_sim *sim, uint32_t place);
void roosti_sim_drop(struct roosti_sim *sim, uint32_t place); /* 0: nothing */
void roosti_sim_park(struct roosti_sim_queue *queue, struct roosti_op *op);
void roosti_sim_unpark(struct roosti_sim_queue *queue, struct roosti_op *op);

/* sim_table.c */
struct roosti_sim_file *roosti_sim_file_at(struct roosti_sim *sim, int fd);
struct roosti_sim_file *roosti_sim_file_new(enum roosti_sim_kind kind);
/* Makes sure that `count` calls of fd_give will work: 0, -EMFILE or ROOST_ENOMEM. */
int roosti_sim_fd_reserve(struct roosti_sim *sim, size_t count);
int roosti_sim_fd_give(struct roosti_sim *sim, struct roosti_sim_file *file);
/* The number is free; what it meant is let go. */
void roosti_sim_fd_take(struct roosti_sim *sim, int fd);
/* One holder less; without any it is closed. */
void roosti_sim_file_let_go(struct roosti_sim *sim, struct roosti_sim_file *file);
void roosti_sim_table_fini(struct roosti_sim *sim);
int roosti_sim_fd_close(struct roosti_port *port, int fd);
void roosti_sim_fd_forget(struct roosti_port *port, int fd);

/* sim_addr.c */
/* Takes over what names the address and nothing else. 0 or a code; written on success only. */
int roosti_sim_addr_read(struct roosti_sim_addr *out, const struct sockaddr *addr, uint32_t len);
in_port_t *roosti_sim_addr_port(struct roosti_sim_addr *addr); /* NULL: the family has none */
/* Equal, or equal but for a wildcard host. */
bool roosti_sim_addr_meets(const struct roosti_sim_addr *a, const struct roosti_sim_addr *b);
/* The address is taken, unless everybody there agreed to share it. */
bool roosti_sim_addr_taken(const struct roosti_sim *sim, const struct roosti_sim_addr *addr,
                           bool datagram, bool reuse_port);
/* Fills in a free port where the address names none: 0 or -EADDRINUSE. */
int roosti_sim_addr_complete(struct roosti_sim *sim, struct roosti_sim_addr *addr, bool datagram);

static inline struct roosti_sim_file *roosti_sim_bound_file(struct roosti_node *node)
{
    return roosti_container(node, struct roosti_sim_file, node);
}

/* sim_net.c. The calls of the port's table, in the order of struct roosti_port_fd_ops: */
enum roosti_sim_call {
    ROOSTI_SIM_CALL_SOCKET,
    ROOSTI_SIM_CALL_BIND,
    ROOSTI_SIM_CALL_LISTEN,
    ROOSTI_SIM_CALL_SET_OPTION,
    ROOSTI_SIM_CALL_SHUTDOWN,
    ROOSTI_SIM_CALL_PIPE,
    ROOSTI_SIM_CALL_SOCKET_PAIR,
    ROOSTI_SIM_CALL_CLOSE,
    ROOSTI_SIM_CALL_GET_OPTION,
    ROOSTI_SIM_CALL_SOCKET_FILE_REMOVE
};
int roosti_sim_socket(struct roosti_port *port, int domain, int type, int protocol);
int roosti_sim_bind(struct roosti_port *port, int fd, const struct sockaddr *addr, uint32_t len);
/* Binds a socket that has no address to one nobody has. */
int roosti_sim_addr_assign(struct roosti_sim *sim, struct roosti_sim_file *file);
int roosti_sim_listen(struct roosti_port *port, int fd, int backlog);
int roosti_sim_local_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len);
int roosti_sim_peer_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len);
int roosti_sim_get_option(struct roosti_port *port, int fd, int level, int name, void *value,
                          uint32_t *len);
int roosti_sim_socket_file(struct roosti_port *port, const char *path, uint64_t *id);
int roosti_sim_socket_file_remove(struct roosti_port *port, const char *path, uint64_t id);
int roosti_sim_set_option(struct roosti_port *port, int fd, int level, int name, const void *value,
                          uint32_t len);
int roosti_sim_fd_shutdown(struct roosti_port *port, int fd, int how);
int roosti_sim_pipe(struct roosti_port *port, int fds[2]);
int roosti_sim_socket_pair(struct roosti_port *port, int fds[2]);
/* Begins a connection: 0, ROOST_ENOMEM (nothing changed), or another code, the operation's. */
int roosti_sim_connect(struct roosti_sim *sim, struct roosti_sim_file *file,
                       const struct roosti_op *op);
int64_t roosti_sim_accept(struct roosti_sim *sim, struct roosti_sim_file *listener,
                          struct roosti_op *op);
/* A connection request arrives; when it is lost, its due moves on. False: conn is gone. */
bool roosti_sim_request_arrives(struct roosti_sim *sim, struct roosti_sim_conn *conn,
                                struct roosti_sim_segment *request);
void roosti_sim_net_close(struct roosti_sim *sim, struct roosti_sim_file *file);
void roosti_sim_net_fini(struct roosti_sim *sim);

/* sim_stream.c */
struct roosti_sim_conn *roosti_sim_conn_new(struct roosti_sim *sim, bool local);
void roosti_sim_conn_free(struct roosti_sim *sim, struct roosti_sim_conn *conn);
void roosti_sim_attach(struct roosti_sim_conn *conn, unsigned side, struct roosti_sim_file *file,
                       enum roosti_sim_kind kind);
void roosti_sim_way_due(struct roosti_sim *sim, struct roosti_sim_way *way);
void roosti_sim_reset_due(struct roosti_sim *sim, struct roosti_sim_conn *conn);
roost_dur roosti_sim_latency(struct roosti_sim *sim);
/* What has been written since the last segment sets out, with these flags. */
void roosti_sim_segment_push(struct roosti_sim *sim, struct roosti_sim_way *way, unsigned flags);
/* Puts the first segment into the heap, or takes it out when the way is cut or stalled. */
void roosti_sim_way_arm(struct roosti_sim *sim, struct roosti_sim_way *way);
/* After a partition: what waited sets out again. */
void roosti_sim_way_resume(struct roosti_sim *sim, struct roosti_sim_way *way);
void roosti_sim_reset_resume(struct roosti_sim *sim, struct roosti_sim_conn *conn);
/* A segment is lost. It is not repaired: nothing arrives any more, and after 0.2 to 2 s both ends
 * give the connection up. */
void roosti_sim_stall(struct roosti_sim *sim, struct roosti_sim_conn *conn);
void roosti_sim_reset_send(struct roosti_sim *sim, struct roosti_sim_conn *conn, unsigned to,
                           int code);
/* A reset reaches this end. May free conn when the end was still connecting. */
void roosti_sim_end_reset(struct roosti_sim *sim, struct roosti_sim_conn *conn, unsigned end,
                          int code);
/* One end closes. May free conn. */
void roosti_sim_detach(struct roosti_sim *sim, struct roosti_sim_file *file);
int roosti_sim_shutdown(struct roosti_sim *sim, struct roosti_sim_file *file, int how);

/* sim_io.c */
/* 0, or the code of an operation that this descriptor does not take. */
int roosti_sim_misfit(const struct roosti_sim_file *file, const struct roosti_op *op);
/* Makes room so that a send can be taken: 0 or ROOST_ENOMEM. */
int roosti_sim_send_prepare(struct roosti_sim *sim, struct roosti_sim_file *file, size_t len);
int roosti_sim_lent_prepare(struct roosti_sim *sim);
/* ROOSTI_POLL_* that hold now. */
uint32_t roosti_sim_events(const struct roosti_sim *sim, const struct roosti_sim_file *file);
int64_t roosti_sim_stream_attempt(struct roosti_sim *sim, struct roosti_sim_file *file,
                                  struct roosti_op *op);
int64_t roosti_sim_read_now(struct roosti_port *port, int fd, void *buf, size_t len);
/* The reader has taken len bytes. */
void roosti_sim_way_advance(struct roosti_sim_way *way, size_t len);

/* sim_tree.c */
/* What a path leads to. dir and name are set when everything but the last name exists. */
struct roosti_sim_lookup {
    struct roosti_sim_inode *found; /* NULL: no such member of dir */
    struct roosti_sim_inode *dir;
    const char *name; /* the last name, not terminated */
    size_t name_len;
    bool must_be_dir; /* a slash follows it */
};

int roosti_sim_disk_init(struct roosti_sim *sim);
void roosti_sim_disk_fini(struct roosti_sim *sim);
/* 0 or a code; found may be NULL in success. */
int roosti_sim_path_find(struct roosti_sim *sim, const char *path,
                         struct roosti_sim_lookup *lookup);
/* NULL: there is no memory. The name must not be there yet. */
struct roosti_sim_inode *roosti_sim_member_new(struct roosti_sim *sim, struct roosti_sim_inode *dir,
                                               const char *name, size_t len, bool is_dir);
bool roosti_sim_inode_is_linked(const struct roosti_sim *sim, const struct roosti_sim_inode *inode);
void roosti_sim_inode_free(struct roosti_sim_inode *inode);
int roosti_sim_bytes_reserve(unsigned char **bytes, uint64_t *size, uint64_t wanted);
/* The caller has reserved room; new bytes are zero. */
void roosti_sim_inode_resize(struct roosti_sim *sim, struct roosti_sim_inode *inode, uint64_t len);
void roosti_sim_dirty_add(struct roosti_sim_inode *inode, uint64_t from, uint64_t to);
/* What was written since the last fsync goes to the disk, and with it the names. */
int roosti_sim_inode_keep(struct roosti_sim_inode *inode);

/* A member leaves its directory: nobody finds it by name any more. */
void roosti_sim_member_unlink(struct roosti_sim *sim, struct roosti_sim_inode *inode);
/* Undoes that: its place in `dir` is still there. */
void roosti_sim_member_restore(struct roosti_sim *sim, struct roosti_sim_inode *inode,
                               struct roosti_sim_inode *dir);
/* Another name, in `dir`, where it is not yet. 0 or ROOST_ENOMEM, and nothing has changed. */
int roosti_sim_member_move(struct roosti_sim *sim, struct roosti_sim_inode *inode,
                           struct roosti_sim_inode *dir, const char *name, size_t len);
static inline int64_t roosti_sim_wall_now(const struct roosti_sim *sim)
{
    return sim->now + sim->wall_offset;
}

/* sim_file.c */
/* OPEN and FILE_CALL: what needs no descriptor, or looks it up when its turn comes. */
static inline bool roosti_sim_names(const struct roosti_op *op)
{
    return op->kind == ROOSTI_OP_OPEN || op->kind == ROOSTI_OP_FILE_CALL;
}
int64_t roosti_sim_name_do(struct roosti_sim *sim, struct roosti_op *op);

/* sim_disk.c */
/* The code a test has planned for the next operation of this kind, once; or 0. */
int roosti_sim_failure_take(struct roosti_sim *sim, enum roosti_op_kind kind);
/* Bytes that fit at `from`, up to len: or a code. */
int64_t roosti_sim_space_for(const struct roosti_sim *sim, const struct roosti_sim_inode *inode,
                             uint64_t from, uint64_t len);
int64_t roosti_sim_disk_open(struct roosti_sim *sim, struct roosti_op *op);
int64_t roosti_sim_disk_do(struct roosti_sim *sim, struct roosti_sim_file *file,
                           struct roosti_op *op);
void roosti_sim_disk_close(struct roosti_sim *sim, struct roosti_sim_file *file);
int roosti_sim_fd_list(struct roosti_port *port, const char *path,
                       int (*each)(void *arg, const char *name, bool is_directory), void *arg);

#endif
