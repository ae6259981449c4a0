/* port/posix_fd.c - the descriptor table and the calls on descriptors that never wait.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/posix_fd.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/rng.h"
#include "port/posix_op.h"

/* -- lists ------------------------------------------------------------------------------------ */

void roosti_op_list_push(roosti_op_list *list, struct roosti_op *op)
{
    roosti_assert(op->priv.next == NULL);
    if (!*list) {
        op->priv.next = op->priv.prev = op;
        *list = op;
        return;
    }
    op->priv.next = *list;
    op->priv.prev = (*list)->priv.prev;
    op->priv.prev->priv.next = op;
    op->priv.next->priv.prev = op;
}

void roosti_op_list_remove(roosti_op_list *list, struct roosti_op *op)
{
    roosti_assert(*list != NULL && op->priv.next != NULL);
    if (op->priv.next == op) {
        *list = NULL;
    } else {
        op->priv.prev->priv.next = op->priv.next;
        op->priv.next->priv.prev = op->priv.prev;
        if (*list == op)
            *list = op->priv.next;
    }
    op->priv.next = op->priv.prev = NULL;
}

struct roosti_op *roosti_op_list_pop(roosti_op_list *list)
{
    struct roosti_op *op = *list;
    if (op)
        roosti_op_list_remove(list, op);
    return op;
}

/* -- the table -------------------------------------------------------------------------------- */

enum { SLOTS_MIN = 64 };

unsigned roosti_op_directions(const struct roosti_op *op)
{
    switch (op->kind) {
    case ROOSTI_OP_RECV:
    case ROOSTI_OP_ACCEPT:
    case ROOSTI_OP_RECV_MSG:
    case ROOSTI_OP_RECV_MULTI:
    case ROOSTI_OP_ACCEPT_MULTI:
        return ROOSTI_FD_IN;
    case ROOSTI_OP_SEND:
    case ROOSTI_OP_SENDV:
    case ROOSTI_OP_SEND_MSG:
    case ROOSTI_OP_CONNECT:
        return ROOSTI_FD_OUT;
    case ROOSTI_OP_READ:
        return op->offset < 0 ? ROOSTI_FD_IN : 0;
    case ROOSTI_OP_WRITE:
        return op->offset < 0 ? ROOSTI_FD_OUT : 0;
    case ROOSTI_OP_POLL:
        /* Waiting for a hang-up or an error alone counts as reading. */
        if (!(op->events & ROOSTI_POLL_OUT))
            return ROOSTI_FD_IN;
        return op->events & ROOSTI_POLL_IN ? ROOSTI_FD_IN | ROOSTI_FD_OUT : ROOSTI_FD_OUT;
    default:
        return 0;
    }
}

int roosti_fd_grow(struct roosti_fd_table *table, int fd)
{
    size_t count = table->count ? table->count : SLOTS_MIN;
    while (count <= (size_t)fd)
        count *= 2;
    struct roosti_fd_slot *slots =
        roosti_realloc(table->slots, count * sizeof *slots, "descriptor table");
    if (!slots)
        return ROOST_ENOMEM;
    for (size_t i = table->count; i < count; i++)
        slots[i] = (struct roosti_fd_slot){.ready = ROOSTI_FD_IN | ROOSTI_FD_OUT};
    table->slots = slots;
    table->count = count;
    return 0;
}

void roosti_fd_link(struct roosti_fd_table *table, struct roosti_op *op, unsigned directions)
{
    struct roosti_fd_slot *slot = &table->slots[op->fd];
    roosti_assert(!roosti_fd_busy(slot, directions));
    if (directions & ROOSTI_FD_IN)
        slot->reader = op;
    if (directions & ROOSTI_FD_OUT)
        slot->writer = op;
    if (!directions)
        roosti_op_list_push(&slot->others, op);
    op->priv.state |= ROOSTI_OPS_LINKED;
    table->linked++;
}

void roosti_fd_unlink(struct roosti_fd_table *table, struct roosti_op *op)
{
    struct roosti_fd_slot *slot = &table->slots[op->fd];
    roosti_assert(op->priv.state & ROOSTI_OPS_LINKED);
    if (slot->reader != op && slot->writer != op)
        roosti_op_list_remove(&slot->others, op);
    if (slot->reader == op)
        slot->reader = NULL;
    if (slot->writer == op)
        slot->writer = NULL;
    op->priv.state &= ~(uint32_t)ROOSTI_OPS_LINKED;
    table->linked--;
}

void roosti_fd_forget(struct roosti_fd_table *table, int fd)
{
    struct roosti_fd_slot *slot = roosti_fd_find(table, fd);
    if (!slot)
        return;
    roosti_assert(!slot->reader && !slot->writer && !slot->others);
    slot->generation++;
    slot->ready = ROOSTI_FD_IN | ROOSTI_FD_OUT;
    slot->traits = 0;
}

void roosti_fd_table_fini(struct roosti_fd_table *table)
{
    roosti_assert(table->linked == 0);
    roosti_free(table->slots);
    *table = (struct roosti_fd_table){0};
}

/* -- calls ------------------------------------------------------------------------------------ */

int roosti_fd_close(int fd)
{
    return close(fd) == 0 || errno == EINTR ? 0 : -errno;
}

int roosti_fd_socket(struct roosti_port *port, int domain, int type, int protocol)
{
    int fd = socket(domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (fd < 0)
        return -errno;
    roosti_posix_fd_made((struct roosti_posix *)port, fd);
    return fd;
}

int roosti_fd_bind(struct roosti_port *port, int fd, const struct sockaddr *addr, uint32_t len)
{
    (void)port;
    return bind(fd, addr, len) == 0 ? 0 : -errno;
}

int roosti_fd_listen(struct roosti_port *port, int fd, int backlog)
{
    (void)port;
    return listen(fd, backlog) == 0 ? 0 : -errno;
}

int roosti_fd_local_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len)
{
    (void)port;
    return getsockname(fd, addr, len) == 0 ? 0 : -errno;
}

int roosti_fd_peer_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len)
{
    (void)port;
    return getpeername(fd, addr, len) == 0 ? 0 : -errno;
}

int roosti_fd_get_option(struct roosti_port *port, int fd, int level, int name, void *value,
                         uint32_t *len)
{
    (void)port;
    return getsockopt(fd, level, name, value, len) == 0 ? 0 : -errno;
}

int64_t roosti_fd_receive(struct roosti_port *port, int fd, struct msghdr *msg, int flags)
{
    (void)port;
    return roosti_try_recv_msg(fd, msg, flags);
}

int roosti_fd_set_option(struct roosti_port *port, int fd, int level, int name, const void *value,
                         uint32_t len)
{
    (void)port;
    return setsockopt(fd, level, name, value, len) == 0 ? 0 : -errno;
}

int roosti_fd_shutdown(struct roosti_port *port, int fd, int how)
{
    (void)port;
    return shutdown(fd, how) == 0 ? 0 : -errno;
}

/* Both ends are new numbers. */
static int pair_take(struct roosti_port *port, const int made[2], int fds[2])
{
    for (int i = 0; i < 2; i++) {
        roosti_posix_fd_made((struct roosti_posix *)port, made[i]);
        fds[i] = made[i];
    }
    return 0;
}

int roosti_fd_pipe(struct roosti_port *port, int fds[2])
{
    int made[2];
    return pipe2(made, O_NONBLOCK | O_CLOEXEC) == 0 ? pair_take(port, made, fds) : -errno;
}

int roosti_fd_socket_pair(struct roosti_port *port, int fds[2])
{
    int made[2];
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    return socketpair(AF_UNIX, type, 0, made) == 0 ? pair_take(port, made, fds) : -errno;
}

/* -- the files of Unix sockets ---------------------------------------------------------------- */

int roosti_fd_socket_file(struct roosti_port *port, const char *path, uint64_t *id)
{
    (void)port;
    struct stat st;
    if (lstat(path, &st) < 0)
        return -errno;
    if (!S_ISSOCK(st.st_mode))
        return -ENOTSOCK;
    *id = roosti_mix(st.st_ino ^ roosti_mix(st.st_dev)) | 1;
    return 0;
}

int roosti_fd_socket_file_remove(struct roosti_port *port, const char *path, uint64_t id)
{
    uint64_t there;
    int rc = roosti_fd_socket_file(port, path, &there);
    if (rc < 0)
        return rc;
    if (id != 0 && there != id)
        return -ENOENT;
    return unlink(path) == 0 ? 0 : -errno;
}

int64_t roosti_fd_read_now(struct roosti_port *port, int fd, void *buf, size_t len)
{
    (void)port;
    struct roosti_op op = {.kind = ROOSTI_OP_READ, .fd = fd, .buf = buf, .len = len, .offset = -1};
    int64_t n = roosti_try_read(&op);
    if (n != -EOPNOTSUPP)
        return n;
    /* It cannot tell: if it says that it is ready, believe it. */
    n = roosti_try_poll(fd, ROOSTI_POLL_IN);
    return n < 0 ? n : roosti_do_blocking(&op);
}

/* -- directories ------------------------------------------------------------------------------ */

/* The kernel's own form of entries, kept as it wrote them, and an index over them. */
struct listing {
    char *bytes;
    size_t len, size;
    struct dirent64 **entries;
    size_t count;
};

enum { LISTING_CHUNK = 32 * 1024 };

/* All entries of the open directory, in the order the file system keeps them. */
static int listing_read(struct listing *listing, int fd)
{
    for (;;) {
        if (listing->size - listing->len < LISTING_CHUNK) {
            size_t size = listing->size * 2 + LISTING_CHUNK;
            char *bytes = roosti_realloc(listing->bytes, size, "directory entries");
            if (!bytes)
                return ROOST_ENOMEM;
            listing->bytes = bytes;
            listing->size = size;
        }
        ssize_t n = getdents64(fd, listing->bytes + listing->len, LISTING_CHUNK);
        if (n <= 0)
            return n == 0 ? 0 : -errno;
        roosti_memory_written(listing->bytes + listing->len, n);
        listing->len += (size_t)n;
    }
}

static struct dirent64 *listing_at(const struct listing *listing, size_t offset)
{
    return (struct dirent64 *)(void *)(listing->bytes + offset);
}

static bool listing_keeps(const struct dirent64 *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* Moves an entry down the heap of the first `count` until none below it comes later by name. */
static void listing_sink(struct dirent64 **entries, size_t at, size_t count)
{
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && strcmp(entries[child]->d_name, entries[child + 1]->d_name) < 0)
            child++;
        if (strcmp(entries[at]->d_name, entries[child]->d_name) >= 0)
            return;
        struct dirent64 *entry = entries[at];
        entries[at] = entries[child];
        entries[child] = entry;
    }
}

/* By name, in place: libc's qsort goes to the heap. */
static void listing_order(struct dirent64 **entries, size_t count)
{
    for (size_t at = count / 2; at-- > 0;)
        listing_sink(entries, at, count);
    for (size_t left = count; left-- > 1;) {
        struct dirent64 *last = entries[0];
        entries[0] = entries[left];
        entries[left] = last;
        listing_sink(entries, 0, left);
    }
}

static int listing_index(struct listing *listing)
{
    size_t count = 0;
    for (size_t at = 0; at < listing->len; at += listing_at(listing, at)->d_reclen)
        count += listing_keeps(listing_at(listing, at));
    if (count == 0)
        return 0;
    listing->entries = roosti_alloc(count * sizeof *listing->entries, "directory index");
    if (!listing->entries)
        return ROOST_ENOMEM;
    for (size_t at = 0; at < listing->len; at += listing_at(listing, at)->d_reclen)
        if (listing_keeps(listing_at(listing, at)))
            listing->entries[listing->count++] = listing_at(listing, at);
    listing_order(listing->entries, count);
    return 0;
}

/* A link to a directory is not one: who walks a tree must not follow it unasked. */
static bool entry_is_directory(int fd, const struct dirent64 *entry)
{
    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    struct stat st;
    return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode);
}

int roosti_fd_list(struct roosti_port *port, const char *path,
                   int (*each)(void *arg, const char *name, bool is_directory), void *arg)
{
    (void)port;
    struct listing listing = {0};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = listing_read(&listing, fd);
    if (rc == 0)
        rc = listing_index(&listing);
    for (size_t i = 0; rc == 0 && i < listing.count; i++)
        rc = each(arg, listing.entries[i]->d_name, entry_is_directory(fd, listing.entries[i]));
    roosti_free(listing.entries);
    roosti_free(listing.bytes);
    close(fd);
    return rc;
}
