/* port/posix_op.c - what the two real ports share.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/posix_op.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/mem.h"
#include "port/fiber.h"
#include "port/file_call.h"
#include "port/host.h"

#ifdef ROOSTI_ASAN
#include <sanitizer/asan_interface.h>
#endif
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define POSIX_MSAN 1
#include <sanitizer/msan_interface.h>
#endif
#endif
#ifdef ROOST_VALGRIND
#include <valgrind/memcheck.h>
#endif

/* -- set-up ----------------------------------------------------------------------------------- */

static sigset_t sigpipe_set(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    return set;
}

static void sigpipe_block(struct roosti_posix *posix)
{
    sigset_t set = sigpipe_set(), before;
    sigemptyset(&before);
    pthread_sigmask(SIG_BLOCK, &set, &before);
    posix->sigpipe_was_open = !sigismember(&before, SIGPIPE);
}

/* A signal that came meanwhile is ours and must not outlive the port. */
static void sigpipe_unblock(struct roosti_posix *posix)
{
    if (!posix->sigpipe_was_open)
        return;
    sigset_t set = sigpipe_set();
    struct timespec none = {0};
    while (sigtimedwait(&set, NULL, &none) == SIGPIPE)
        ;
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int roosti_posix_init(struct roosti_posix *posix, const struct roosti_port_ops *ops,
                      void (*abandon)(struct roosti_posix *posix, int fd))
{
    if (!roosti_may_take("wake-up descriptor"))
        return ROOST_ENOMEM;
    int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (wake_fd < 0)
        return -errno;
    *posix = (struct roosti_posix){
        .port = {.ops = ops},
        .abandon = abandon,
        .wake_fd = wake_fd,
    };
    sigpipe_block(posix);
    return 0;
}

void roosti_posix_fini(struct roosti_posix *posix)
{
    roosti_require(posix->in_flight == 0, "a port is closed when all its operations are at rest");
    sigpipe_unblock(posix);
    close(posix->wake_fd);
    roosti_fd_table_fini(&posix->fds);
}

/* -- the life of an operation ----------------------------------------------------------------- */

void roosti_posix_enter(struct roosti_posix *posix, struct roosti_op *op, unsigned directions)
{
    roosti_fd_link(&posix->fds, op, directions);
    posix->in_flight++;
    roosti_op_hold(op);
}

int roosti_posix_nop(struct roosti_posix *posix, struct roosti_op *op)
{
    posix->in_flight++;
    roosti_posix_ready(posix, op, 0);
    return ROOSTI_IN_FLIGHT;
}

void roosti_posix_finish(struct roosti_posix *posix, struct roosti_op *op, int64_t res)
{
    if (op->priv.state & ROOSTI_OPS_LINKED)
        roosti_fd_unlink(&posix->fds, op);
    roosti_op_release(op, res);
    roosti_assert(op->priv.next == NULL);
    op->priv.state = 0;
    op->priv.aux = 0;
    posix->in_flight--;
    op->res = res;
    op->more = false;
    op->done(op);
}

void roosti_posix_ready(struct roosti_posix *posix, struct roosti_op *op, int64_t res)
{
    if (op->priv.state & ROOSTI_OPS_LINKED)
        roosti_fd_unlink(&posix->fds, op);
    op->priv.state |= ROOSTI_OPS_READY;
    op->res = res;
    roosti_op_list_push(&posix->ready, op);
}

int roosti_posix_deliver(struct roosti_posix *posix)
{
    /* What callbacks make ready waits for the next turn, or two of them could keep us here. */
    roosti_op_list batch = posix->ready;
    posix->ready = NULL;
    int count = 0;
    for (struct roosti_op *op; (op = roosti_op_list_pop(&batch)); count++) {
        if (op->kind == ROOSTI_OP_RECV_MULTI)
            op->buf = NULL;
        roosti_posix_finish(posix, op, op->res);
    }
    return count;
}

void roosti_posix_fd_made(struct roosti_posix *posix, int fd)
{
    struct roosti_fd_slot *slot = roosti_fd_find(&posix->fds, fd);
    if (!slot)
        return;
    /* Its predecessor was closed by somebody else, perhaps under a POLL. */
    if (slot->reader || slot->writer || slot->others)
        posix->abandon(posix, fd);
    roosti_fd_forget(&posix->fds, fd);
}

void roosti_posix_fd_forget(struct roosti_port *port, int fd)
{
    if (fd >= 0)
        roosti_posix_fd_made((struct roosti_posix *)port, fd);
}

int roosti_posix_fd_close(struct roosti_port *port, int fd)
{
    struct roosti_posix *posix = (struct roosti_posix *)port;
    struct roosti_fd_slot *slot = fd >= 0 ? roosti_fd_find(&posix->fds, fd) : NULL;
    if (slot && (slot->reader || slot->writer || slot->others))
        posix->abandon(posix, fd);
    if (slot)
        roosti_fd_forget(&posix->fds, fd);
    return roosti_fd_close(fd);
}

/* -- memory ----------------------------------------------------------------------------------- */

/* Whole granules of 8 bytes: a partly marked one could not be given back as it was. */
void roosti_memory_hide(void *memory, size_t len)
{
#ifdef ROOSTI_ASAN
    uintptr_t low = ((uintptr_t)memory + 7) & ~(uintptr_t)7;
    uintptr_t high = ((uintptr_t)memory + len) & ~(uintptr_t)7;
    if (low < high)
        __asan_poison_memory_region((void *)low, high - low);
#else
    (void)memory;
    (void)len;
#endif
}

void roosti_memory_show(void *memory, size_t len)
{
#ifdef ROOSTI_ASAN
    uintptr_t low = ((uintptr_t)memory + 7) & ~(uintptr_t)7;
    uintptr_t high = ((uintptr_t)memory + len) & ~(uintptr_t)7;
    if (low < high)
        __asan_unpoison_memory_region((void *)low, high - low);
#else
    (void)memory;
    (void)len;
#endif
}

void roosti_memory_written(const void *memory, int64_t len)
{
    if (len <= 0)
        return;
#ifdef POSIX_MSAN
    __msan_unpoison(memory, (size_t)len);
#elif defined(ROOST_VALGRIND)
    VALGRIND_MAKE_MEM_DEFINED(memory, (size_t)len);
#else
    (void)memory;
#endif
}

void roosti_op_hold(struct roosti_op *op)
{
    if (op->kind != ROOSTI_OP_READ && op->kind != ROOSTI_OP_RECV && op->kind != ROOSTI_OP_RECV_MSG)
        return;
    op->priv.state |= ROOSTI_OPS_HELD;
    roosti_memory_hide(op->buf, op->len);
}

void roosti_op_release(struct roosti_op *op, int64_t got)
{
    if (!(op->priv.state & ROOSTI_OPS_HELD))
        return;
    op->priv.state &= ~(uint32_t)ROOSTI_OPS_HELD;
    roosti_memory_show(op->buf, op->len);
    roosti_memory_written(op->buf, got);
}

/* -- attempts --------------------------------------------------------------------------------- */

static int64_t posix_result(int64_t n)
{
    return n >= 0 ? n : -errno;
}

/* Repeats a call that a signal interrupted before it did anything. */
#define POSIX_CALL(call)                                                                           \
    __extension__({                                                                                \
        int64_t result_;                                                                           \
        while ((result_ = posix_result(call)) == -EINTR)                                           \
            ;                                                                                      \
        result_;                                                                                   \
    })

int64_t roosti_try_recv(int fd, void *buf, size_t len, int flags)
{
    return POSIX_CALL(recv(fd, buf, roosti_io_len(len), flags | MSG_DONTWAIT));
}

int64_t roosti_try_send(const struct roosti_op *op)
{
    int flags = op->flags | MSG_DONTWAIT | MSG_NOSIGNAL;
    return POSIX_CALL(send(op->fd, op->buf, roosti_io_len(op->len), flags));
}

int64_t roosti_try_send_msg(const struct roosti_op *op)
{
    return POSIX_CALL(sendmsg(op->fd, op->u.msg, op->flags | MSG_DONTWAIT | MSG_NOSIGNAL));
}

int64_t roosti_try_recv_msg(int fd, struct msghdr *msg, int flags)
{
    return POSIX_CALL(recvmsg(fd, msg, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
}

int64_t roosti_try_read(const struct roosti_op *op)
{
    struct iovec iov = {.iov_base = op->buf, .iov_len = roosti_io_len(op->len)};
    off_t offset = op->offset < 0 ? -1 : op->offset;
    int64_t n = POSIX_CALL(preadv2(op->fd, &iov, 1, offset, RWF_NOWAIT));
    roosti_memory_written(op->buf, n);
    return n == -ENOSYS ? -EOPNOTSUPP : n;
}

int64_t roosti_try_write(const struct roosti_op *op)
{
    struct iovec iov = {.iov_base = op->buf, .iov_len = roosti_io_len(op->len)};
    off_t offset = op->offset < 0 ? -1 : op->offset;
    int64_t n = POSIX_CALL(pwritev2(op->fd, &iov, 1, offset, RWF_NOWAIT));
    return n == -ENOSYS ? -EOPNOTSUPP : n;
}

int64_t roosti_try_accept(struct roosti_posix *posix, int fd)
{
    int64_t made = POSIX_CALL(accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (made >= 0)
        roosti_posix_fd_made(posix, (int)made);
    return made;
}

uint32_t roosti_poll_to_system(uint32_t events)
{
    return (events & ROOSTI_POLL_IN ? POLLIN : 0u) | (events & ROOSTI_POLL_OUT ? POLLOUT : 0u) |
           (events & ROOSTI_POLL_HANGUP ? POLLRDHUP : 0u);
}

uint32_t roosti_poll_from_system(uint32_t found, uint32_t asked)
{
    uint32_t bad = found & (POLLERR | POLLHUP | POLLNVAL);
    uint32_t events = 0;
    if (found & POLLIN || bad)
        events |= ROOSTI_POLL_IN;
    if (found & POLLOUT || bad)
        events |= ROOSTI_POLL_OUT;
    if (found & (POLLHUP | POLLRDHUP))
        events |= ROOSTI_POLL_HANGUP;
    if (found & (POLLERR | POLLNVAL))
        events |= ROOSTI_POLL_ERROR;
    /* Nothing more will come of a broken descriptor, whatever was waited for. */
    return bad && !(events & asked) ? asked : events & asked;
}

int64_t roosti_try_poll(int fd, uint32_t events)
{
    struct pollfd ask = {.fd = fd, .events = (short)roosti_poll_to_system(events)};
    int64_t n = POSIX_CALL(poll(&ask, 1, 0));
    if (n > 0 && ask.revents & POLLNVAL)
        return -EBADF;
    uint32_t ready = n > 0 ? roosti_poll_from_system((uint32_t)ask.revents, events) : 0;
    return n < 0 ? n : ready ? (int64_t)ready : -EAGAIN;
}

/* The descriptor, of which the port knows nothing yet. */
static int64_t posix_open(const struct roosti_op *op, bool cached)
{
    int flags = op->flags | O_CLOEXEC | (op->flags & O_PATH ? 0 : O_NONBLOCK);
    int64_t fd;
#ifdef ROOST_VALGRIND
    /* Valgrind complains about a call that it does not know. */
    if (cached)
        return -EAGAIN;
#endif
    if (cached) {
        struct open_how how = {.flags = (uint64_t)(unsigned)flags, .resolve = RESOLVE_CACHED};
        fd = POSIX_CALL(syscall(SYS_openat2, AT_FDCWD, op->u.path, &how, sizeof how));
        /* Not known, not allowed or not in memory: another way of asking gives the answer. */
        if (fd == -ENOSYS || fd == -EPERM || fd == -EINVAL)
            return -EAGAIN;
    } else {
        fd = POSIX_CALL(openat(AT_FDCWD, op->u.path, flags, op->mode));
    }
    if (fd < 0)
        return fd;
    if (!(op->flags & (O_PATH | O_NONBLOCK)))
        (void)fcntl((int)fd, F_SETFL, op->flags);
    return fd;
}

int64_t roosti_try_open(struct roosti_posix *posix, const struct roosti_op *op, bool cached)
{
    int64_t fd = posix_open(op, cached);
    if (fd >= 0)
        roosti_posix_fd_made(posix, (int)fd);
    return fd;
}

int roosti_posix_file_call(struct roosti_op *op)
{
    op->res = roosti_file_call_do(op->fd, op->u.call, true);
    if (op->res != -EAGAIN)
        return ROOSTI_DONE_NOW;
    if (op->threads)
        return ROOSTI_NEEDS_THREAD;
    op->res = roosti_file_call_do(op->fd, op->u.call, false);
    return ROOSTI_DONE_NOW;
}

int64_t roosti_op_block(const struct roosti_op *op)
{
    switch (op->kind) {
    case ROOSTI_OP_OPEN:
        return posix_open(op, false);
    case ROOSTI_OP_FILE_CALL:
        return roosti_file_call_do(op->fd, op->u.call, false);
    default:
        return roosti_do_blocking(op);
    }
}

int64_t roosti_do_blocking(const struct roosti_op *op)
{
    size_t len = roosti_io_len(op->len);
    switch (op->kind) {
    case ROOSTI_OP_READ:
        return op->offset < 0 ? POSIX_CALL(read(op->fd, op->buf, len))
                              : POSIX_CALL(pread(op->fd, op->buf, len, op->offset));
    case ROOSTI_OP_WRITE:
        return op->offset < 0 ? POSIX_CALL(write(op->fd, op->buf, len))
                              : POSIX_CALL(pwrite(op->fd, op->buf, len, op->offset));
    case ROOSTI_OP_FSYNC:
        return POSIX_CALL(fsync(op->fd));
    default:
        return -EINVAL;
    }
}

/* -- wakes and clocks -------------------------------------------------------------------------- */

void roosti_posix_ring(struct roosti_posix *posix)
{
    /* The one error, a full counter, takes 2^64 wakes. A handler must not change errno. */
    int before = errno;
    uint64_t one = 1;
    ssize_t n = write(posix->wake_fd, &one, sizeof one);
    (void)n;
    errno = before;
}

roost_time roosti_posix_now(struct roosti_port *port)
{
    (void)port;
    return roosti_clock_now();
}

roost_time roosti_posix_wall(struct roosti_port *port)
{
    (void)port;
    return roosti_clock_wall();
}

void roosti_posix_entropy(struct roosti_port *port, void *buf, size_t len)
{
    (void)port;
    roosti_host_entropy(buf, len);
}

size_t roosti_posix_in_flight(const struct roosti_port *port)
{
    return ((const struct roosti_posix *)port)->in_flight;
}
