/* bench/floor/raw_uring.c - the echo server as small as io_uring allows: one thread, one multishot
 * accept, a multishot receive for each connection into a ring of shared buffers, completions
 * fetched by the one call that submits (DEFER_TASKRUN), descriptors in the ring's own table. No
 * errors but the end of a connection are handled, nothing can be cancelled. What any design over
 * io_uring can reach.
 *
 * A buffer is lent to the receive, then to the send that answers, then given back.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "serve.h"

enum { ENTRIES = 4096, FILES = 16384, BUFFERS = 1024, BUFFER_BYTES = 512 };
enum kind { ACCEPT, RECV, SEND, CLOSE };

static struct {
    int fd;
    unsigned sq_mask, cq_mask;
    unsigned *sq_tail, *cq_head, *cq_tail;
    unsigned tail, unsent;
    struct io_uring_sqe *sqes;
    struct io_uring_cqe *cqes;
    struct io_uring_buf_ring *buffers;
    uint16_t buffers_tail;
    char *bytes;
} ring;

static void *check(void *p)
{
    if (p == MAP_FAILED) {
        perror("mmap");
        exit(1);
    }
    return p;
}

static void control(unsigned op, void *arg, unsigned count)
{
    if (syscall(SYS_io_uring_register, ring.fd, op, arg, count) < 0) {
        perror("io_uring_register");
        exit(1);
    }
}

static void give_back(unsigned id)
{
    struct io_uring_buf *buf = &ring.buffers->bufs[ring.buffers_tail & (BUFFERS - 1)];
    buf->addr = (uint64_t)(uintptr_t)(ring.bytes + (size_t)id * BUFFER_BYTES);
    buf->len = BUFFER_BYTES;
    buf->bid = (uint16_t)id;
    ring.buffers_tail++;
}

static void publish_buffers(void)
{
    __atomic_store_n(&ring.buffers->tail, ring.buffers_tail, __ATOMIC_RELEASE);
}

static void open_buffers(void)
{
    int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
    ring.buffers = check(mmap(NULL, BUFFERS * sizeof(struct io_uring_buf), prot, flags, -1, 0));
    ring.bytes = check(mmap(NULL, (size_t)BUFFERS * BUFFER_BYTES, prot, flags, -1, 0));
    struct io_uring_buf_reg reg = {.ring_addr = (uint64_t)(uintptr_t)ring.buffers,
                                   .ring_entries = BUFFERS};
    control(IORING_REGISTER_PBUF_RING, &reg, 1);
    for (unsigned id = 0; id < BUFFERS; id++)
        give_back(id);
    publish_buffers();
}

static void open_ring(void)
{
    struct io_uring_params params = {.flags = IORING_SETUP_SINGLE_ISSUER |
                                              IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE,
                                     .cq_entries = 4 * ENTRIES};
    ring.fd = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);
    if (ring.fd < 0) {
        perror("io_uring_setup");
        exit(1);
    }
    size_t sq = params.sq_off.array + params.sq_entries * sizeof(unsigned);
    size_t cq = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    int prot = PROT_READ | PROT_WRITE, flags = MAP_SHARED | MAP_POPULATE;
    char *base = check(mmap(NULL, sq > cq ? sq : cq, prot, flags, ring.fd, IORING_OFF_SQ_RING));
    ring.sqes = check(
        mmap(NULL, params.sq_entries * sizeof *ring.sqes, prot, flags, ring.fd, IORING_OFF_SQES));
    ring.sq_tail = (unsigned *)(base + params.sq_off.tail);
    ring.sq_mask = params.sq_entries - 1;
    ring.cq_head = (unsigned *)(base + params.cq_off.head);
    ring.cq_tail = (unsigned *)(base + params.cq_off.tail);
    ring.cq_mask = params.cq_entries - 1;
    ring.cqes = (struct io_uring_cqe *)(base + params.cq_off.cqes);
    unsigned *array = (unsigned *)(base + params.sq_off.array);
    for (unsigned i = 0; i < params.sq_entries; i++)
        array[i] = i;
    struct io_uring_rsrc_register files = {.nr = FILES, .flags = IORING_RSRC_REGISTER_SPARSE};
    control(IORING_REGISTER_FILES2, &files, sizeof files);
    open_buffers();
}

static void enter(unsigned wanted)
{
    __atomic_store_n(ring.sq_tail, ring.tail, __ATOMIC_RELEASE);
    long n = syscall(SYS_io_uring_enter, ring.fd, ring.unsent, wanted, IORING_ENTER_GETEVENTS, NULL,
                     (size_t)0);
    if (n >= 0)
        ring.unsent -= (unsigned)n;
    else if (errno != EINTR && errno != EBUSY && errno != EAGAIN)
        abort();
}

static struct io_uring_sqe *entry(uint8_t opcode, enum kind kind, int file, unsigned id)
{
    while (ring.unsent > ring.sq_mask)
        enter(0);
    struct io_uring_sqe *sqe = &ring.sqes[ring.tail++ & ring.sq_mask];
    ring.unsent++;
    memset(sqe, 0, sizeof *sqe);
    sqe->opcode = opcode;
    sqe->fd = file;
    sqe->user_data = (uint64_t)(unsigned)file << 32 | id << 2 | kind;
    return sqe;
}

static void accept_all(int listener)
{
    struct io_uring_sqe *sqe = entry(IORING_OP_ACCEPT, ACCEPT, listener, 0);
    sqe->ioprio = IORING_ACCEPT_MULTISHOT;
    sqe->file_index = IORING_FILE_INDEX_ALLOC;
}

static void receive_all(int file)
{
    struct io_uring_sqe *sqe = entry(IORING_OP_RECV, RECV, file, 0);
    sqe->ioprio = IORING_RECV_MULTISHOT | IORING_RECVSEND_POLL_FIRST;
    sqe->flags = IOSQE_FIXED_FILE | IOSQE_BUFFER_SELECT;
}

static void received(int file, const struct io_uring_cqe *cqe)
{
    if (cqe->res > 0) {
        unsigned id = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
        struct io_uring_sqe *sqe = entry(IORING_OP_SEND, SEND, file, id);
        sqe->flags = IOSQE_FIXED_FILE;
        sqe->addr = (uint64_t)(uintptr_t)(ring.bytes + (size_t)id * BUFFER_BYTES);
        sqe->len = (unsigned)cqe->res;
        sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    }
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (cqe->res > 0 || cqe->res == -ENOBUFS)
        receive_all(file);
    else
        entry(IORING_OP_CLOSE, CLOSE, 0, 0)->file_index = (unsigned)file + 1;
}

static void complete(int listener, const struct io_uring_cqe *cqe)
{
    int file = (int)(cqe->user_data >> 32);
    switch ((enum kind)(cqe->user_data & 3)) {
    case ACCEPT:
        if (cqe->res >= 0)
            receive_all(cqe->res);
        if (!(cqe->flags & IORING_CQE_F_MORE))
            accept_all(listener);
        break;
    case RECV:
        received(file, cqe);
        break;
    case SEND:
        give_back((unsigned)cqe->user_data >> 2);
        break;
    case CLOSE:
        break;
    }
}

int main(void)
{
    open_ring();
    int listener = floor_listen();
    accept_all(listener);
    for (;;) {
        enter(1);
        unsigned head = *ring.cq_head;
        unsigned tail = __atomic_load_n(ring.cq_tail, __ATOMIC_ACQUIRE);
        for (; head != tail; head++)
            complete(listener, &ring.cqes[head & ring.cq_mask]);
        __atomic_store_n(ring.cq_head, head, __ATOMIC_RELEASE);
        publish_buffers();
    }
}
