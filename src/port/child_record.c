/* port/child_record.c - records between processes, and memory that two of them see.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <roost/error.h>

#include "base/assert.h"
#include "base/mem.h"
#include "port/child.h"

_Static_assert(sizeof(struct roosti_piece) == sizeof(struct iovec) &&
                   offsetof(struct roosti_piece, at) == offsetof(struct iovec, iov_base) &&
                   offsetof(struct roosti_piece, len) == offsetof(struct iovec, iov_len),
               "a piece is what the system calls an iovec");

/* What is passed on may hold bytes that were never written, such as those between the members of a
 * structure: whoever receives it looks at no more than the sender did. */
#ifdef ROOST_VALGRIND
#include <valgrind/valgrind.h>
#else
#define VALGRIND_DISABLE_ERROR_REPORTING ((void)0)
#define VALGRIND_ENABLE_ERROR_REPORTING ((void)0)
#endif

enum { WAIT_FDS_MAX = 2100 };

/* -- records ----------------------------------------------------------------------------------- */

int roosti_socket_pair(int fds[2])
{
    if (!roosti_may_take("a pair of sockets"))
        return -EMFILE;
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) == 0 ? 0 : -errno;
}

void roosti_socket_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

void roosti_socket_finish(int fd)
{
    (void)shutdown(fd, SHUT_WR);
}

void roosti_socket_deafen(int fd)
{
    (void)shutdown(fd, SHUT_RD);
}

/* Room for the one descriptor that a record may bring. What is received says so to the byte: the
 * alignment behind it would hold another one. */
union record_control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static ssize_t message_send(int fd, const struct msghdr *message)
{
    VALGRIND_DISABLE_ERROR_REPORTING;
    ssize_t n = sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL);
    VALGRIND_ENABLE_ERROR_REPORTING;
    return n;
}

int roosti_record_send(int fd, const struct roosti_piece *pieces, size_t count, int pass)
{
    union record_control control = {{0}};
    struct msghdr message = {
        .msg_iov = (struct iovec *)(uintptr_t)pieces,
        .msg_iovlen = count,
    };
    if (pass >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof pass);
        memcpy(CMSG_DATA(header), &pass, sizeof pass);
    }
    while (message_send(fd, &message) < 0) {
        if (errno == EAGAIN || errno == ENOBUFS)
            return ROOST_EAGAIN;
        if (errno == ECONNRESET) /* it is told once; then -EPIPE */
            continue;
        if (errno != EINTR)
            return -errno;
    }
    return 0;
}

/* The descriptors of a record, of which one is wanted at most. */
static int record_passed(struct msghdr *message, bool wanted)
{
    int passed = -1;
    for (struct cmsghdr *at = CMSG_FIRSTHDR(message); at; at = CMSG_NXTHDR(message, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SCM_RIGHTS)
            continue;
        int fd;
        memcpy(&fd, CMSG_DATA(at), sizeof fd);
        if (wanted && passed < 0)
            passed = fd;
        else
            close(fd);
    }
    return passed;
}

int64_t roosti_record_receive(int fd, void *buf, size_t size, int *ret_passed)
{
    union record_control control;
    struct iovec part = {.iov_base = buf, .iov_len = size};
    struct msghdr message;
    ssize_t got;
    do {
        message = (struct msghdr){
            .msg_iov = &part,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = CMSG_LEN(sizeof(int)),
        };
        got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        /* Reset: the other side ended with something unread. It is told once, before what it said
         * last. */
    } while (got < 0 && (errno == EINTR || errno == ECONNRESET));
    if (got < 0)
        return errno == EAGAIN ? ROOST_EAGAIN : -errno;
    int passed = record_passed(&message, ret_passed != NULL);
    if (ret_passed)
        *ret_passed = passed;
    return got;
}

int roosti_wait_fds(struct roosti_wait_fd *fds, size_t count, roost_dur dur)
{
    struct pollfd polls[WAIT_FDS_MAX];
    roosti_require(count <= WAIT_FDS_MAX, "few enough descriptors");
    for (size_t i = 0; i < count; i++) {
        unsigned events = (fds[i].wanted & ROOSTI_WAIT_READ ? POLLIN : 0u) |
                          (fds[i].wanted & ROOSTI_WAIT_WRITE ? POLLOUT : 0u);
        polls[i] = (struct pollfd){.fd = fds[i].fd, .events = (short)events};
        fds[i].ready = false;
    }
    const struct timespec span = {.tv_sec = dur / ROOST_SEC(1), .tv_nsec = dur % ROOST_SEC(1)};
    int found = ppoll(polls, count, dur == ROOST_FOREVER ? NULL : &span, NULL);
    for (size_t i = 0; i < count && found > 0; i++)
        fds[i].ready = polls[i].revents != 0;
    return found > 0 ? found : 0;
}

/* -- memory ------------------------------------------------------------------------------------ */

int roosti_shared_open(size_t size)
{
    if (!roosti_may_take("memory for two processes"))
        return ROOST_ENOMEM;
    int fd = memfd_create("roost", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -errno;
    /* Whoever else has it cannot make it shorter under a reader. */
    if (ftruncate(fd, (off_t)size) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0) {
        int rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

int roosti_shared_write(int fd, const void *buf, size_t len, uint64_t offset)
{
    const char *at = buf;
    while (len > 0) {
        VALGRIND_DISABLE_ERROR_REPORTING;
        ssize_t n = pwrite(fd, at, len, (off_t)offset);
        VALGRIND_ENABLE_ERROR_REPORTING;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int roosti_shared_read(int fd, void *buf, size_t len, uint64_t offset)
{
    char *at = buf;
    while (len > 0) {
        ssize_t n = pread(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? -errno : -EIO;
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

void *roosti_pages_map(int fd, size_t size)
{
    int flags = fd >= 0 ? MAP_SHARED : MAP_PRIVATE | MAP_ANONYMOUS;
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, flags, fd, 0);
    return at == MAP_FAILED ? NULL : at;
}

void roosti_pages_unmap(void *at, size_t size)
{
    if (at)
        munmap(at, size);
}
