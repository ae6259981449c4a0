/* port/posix_fd.h - descriptors as the two real ports see them: who waits on each, and the calls
 * that never wait.
 *
 * A table indexed by descriptor holds what is in flight on each. Two rules follow from it, the same
 * on both ports: one operation at a time may take from a descriptor and one may give to it (the
 * second gets ROOST_EBUSY), and closing a descriptor finds everything that still waits on it.
 *
 * A descriptor that the port made, or on which it was given anything but POLL to do, must be closed
 * through the port: the table remembers what it learned about it. POLL alone is safe on a foreign
 * descriptor that its owner closes and reopens at will.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_POSIX_FD_H
#define ROOST_PORT_POSIX_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "port/port.h"

/* Operations in a ring through priv.next and priv.prev: the list is its oldest member, or NULL. */
typedef struct roosti_op *roosti_op_list;

void roosti_op_list_push(roosti_op_list *list, struct roosti_op *op);
void roosti_op_list_remove(roosti_op_list *list, struct roosti_op *op);
/* NULL when the list is empty. */
struct roosti_op *roosti_op_list_pop(roosti_op_list *list);

/* The directions an operation uses. Access to a file at an offset uses none. */
enum { ROOSTI_FD_IN = 1, ROOSTI_FD_OUT = 2 };
unsigned roosti_op_directions(const struct roosti_op *op);

struct roosti_fd_slot {
    struct roosti_op *reader; /* in flight, takes from the descriptor */
    struct roosti_op *writer; /* in flight, gives to it; the reader itself for a two-way POLL */
    roosti_op_list others;    /* in flight without a direction */
    uint32_t generation;      /* counts closes, so that a late event is told from a present one */
    uint8_t ready;            /* ROOSTI_FD_IN, ROOSTI_FD_OUT: trying at once may succeed */
    uint8_t traits;           /* epoll: what was learned about the descriptor */
};

struct roosti_fd_table {
    struct roosti_fd_slot *slots;
    size_t count;
    size_t linked; /* operations in all slots together */
};

/* The slot of fd, or NULL while nothing was ever in flight on it. Invalid after reserve. */
static inline struct roosti_fd_slot *roosti_fd_find(const struct roosti_fd_table *table, int fd)
{
    return (size_t)fd < table->count ? &table->slots[fd] : NULL;
}

/* Makes sure that fd >= 0 has a slot. 0 or ROOST_ENOMEM. */
int roosti_fd_grow(struct roosti_fd_table *table, int fd);
static inline int roosti_fd_reserve(struct roosti_fd_table *table, int fd)
{
    return __builtin_expect((size_t)fd < table->count, 1) ? 0 : roosti_fd_grow(table, fd);
}

/* Whether another operation has one of these directions. slot may be NULL. */
static inline bool roosti_fd_busy(const struct roosti_fd_slot *slot, unsigned directions)
{
    return slot && ((directions & ROOSTI_FD_IN && slot->reader) ||
                    (directions & ROOSTI_FD_OUT && slot->writer));
}

/* Enters and leaves the slot of op->fd, which is reserved and not busy. */
void roosti_fd_link(struct roosti_fd_table *table, struct roosti_op *op, unsigned directions);
void roosti_fd_unlink(struct roosti_fd_table *table, struct roosti_op *op);

/* Forgets what was learned about fd, whose slot is empty: it is being closed. */
void roosti_fd_forget(struct roosti_fd_table *table, int fd);

/* All slots must be empty. */
void roosti_fd_table_fini(struct roosti_fd_table *table);

/* Closes fd; what the kernel says, where being interrupted counts as success: fd is gone. */
int roosti_fd_close(int fd);

/* The rest of struct roosti_port_fd_ops, good for any port that begins with struct roosti_posix. */
int roosti_fd_socket(struct roosti_port *port, int domain, int type, int protocol);
int roosti_fd_bind(struct roosti_port *port, int fd, const struct sockaddr *addr, uint32_t len);
int roosti_fd_listen(struct roosti_port *port, int fd, int backlog);
int roosti_fd_local_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len);
int roosti_fd_peer_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len);
int roosti_fd_get_option(struct roosti_port *port, int fd, int level, int name, void *value,
                         uint32_t *len);
int64_t roosti_fd_receive(struct roosti_port *port, int fd, struct msghdr *msg, int flags);
int roosti_fd_socket_file(struct roosti_port *port, const char *path, uint64_t *id);
int roosti_fd_socket_file_remove(struct roosti_port *port, const char *path, uint64_t id);
int roosti_fd_set_option(struct roosti_port *port, int fd, int level, int name, const void *value,
                         uint32_t len);
int roosti_fd_shutdown(struct roosti_port *port, int fd, int how);
int roosti_fd_pipe(struct roosti_port *port, int fds[2]);
int roosti_fd_socket_pair(struct roosti_port *port, int fds[2]);
int64_t roosti_fd_read_now(struct roosti_port *port, int fd, void *buf, size_t len);
int roosti_fd_list(struct roosti_port *port, const char *path,
                   int (*each)(void *arg, const char *name, bool is_directory), void *arg);

#endif
