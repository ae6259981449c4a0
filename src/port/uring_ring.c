/* port/uring_ring.c - one io_uring by its system calls.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/uring_ring.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <roost/error.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/mem.h"

/* Linux 6.6; younger than the headers we build with. */
#ifndef IORING_SETUP_NO_SQARRAY
#define IORING_SETUP_NO_SQARRAY (1U << 16)
#endif

/* COOP_TASKRUN and TASKRUN_FLAG: completions never interrupt us and a flag says when they wait.
 * SUBMIT_ALL: one bad entry does not hold up those behind it. CLAMP: ask for what there is. */
enum {
    FLAGS_COMMON = IORING_SETUP_CLAMP | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL |
                   IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
    FLAGS_DEFER = FLAGS_COMMON | IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
};

/* Newest first: Linux 6.6, 6.1, 5.19. */
static const unsigned ring_flag_sets[] = {
    FLAGS_DEFER | IORING_SETUP_NO_SQARRAY,
    FLAGS_DEFER,
    FLAGS_COMMON,
};

/* Completions are never dropped, wait takes a timeout, sockets and pipes are polled inside, an
 * entry is read once, offset -1 is the file's position, a success may stay silent. */
enum {
    FEATURES_NEEDED = IORING_FEAT_SINGLE_MMAP | IORING_FEAT_NODROP | IORING_FEAT_EXT_ARG |
                      IORING_FEAT_FAST_POLL | IORING_FEAT_SUBMIT_STABLE | IORING_FEAT_RW_CUR_POS |
                      IORING_FEAT_CQE_SKIP,
    COMPLETIONS_PER_ENTRY = 16,
};

/* -- set-up ----------------------------------------------------------------------------------- */

static int ring_setup(struct io_uring_params *params, unsigned entries, unsigned skip)
{
    for (unsigned i = skip; i < sizeof ring_flag_sets / sizeof *ring_flag_sets; i++) {
        *params = (struct io_uring_params){
            .flags = ring_flag_sets[i],
            .cq_entries = entries * COMPLETIONS_PER_ENTRY,
        };
        int fd = (int)syscall(SYS_io_uring_setup, entries, params);
        if (fd >= 0 || errno != EINVAL)
            return fd >= 0 ? fd : -errno;
    }
    return ROOST_ENOTSUP;
}

/* Shared with the kernel, hence not with a child of fork. */
static int ring_map(const struct roosti_ring *ring, size_t len, uint64_t offset, void **map)
{
    if (!roosti_may_take("io_uring queues"))
        return ROOST_ENOMEM;
    void *made =
        mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring->fd, (off_t)offset);
    if (made == MAP_FAILED)
        return -errno;
    if (madvise(made, len, MADV_DONTFORK) != 0) {
        int rc = -errno;
        munmap(made, len);
        return rc;
    }
    *map = made;
    return 0;
}

static void ring_place(struct roosti_ring *ring, const struct io_uring_params *params)
{
    unsigned char *map = ring->map;
#define RING_AT(offset) ((unsigned *)(void *)(map + (offset)))
    ring->sq_head = RING_AT(params->sq_off.head);
    ring->sq_tail = RING_AT(params->sq_off.tail);
    ring->sq_flags = RING_AT(params->sq_off.flags);
    ring->cq_head = RING_AT(params->cq_off.head);
    ring->cq_tail = RING_AT(params->cq_off.tail);
    ring->sq_entries = params->sq_entries;
    ring->sq_mask = params->sq_entries - 1;
    ring->cq_mask = params->cq_entries - 1;
    ring->cqes = (struct io_uring_cqe *)(void *)(map + params->cq_off.cqes);
    /* Entries are used in order; where the kernel wants a list of their numbers, it never changes.
     */
    if (!(params->flags & IORING_SETUP_NO_SQARRAY))
        for (unsigned i = 0; i < params->sq_entries; i++)
            RING_AT(params->sq_off.array)[i] = i;
#undef RING_AT
}

static size_t ring_map_len(const struct io_uring_params *params)
{
    size_t cq = params->cq_off.cqes + params->cq_entries * sizeof(struct io_uring_cqe);
    size_t sq = params->flags & IORING_SETUP_NO_SQARRAY
                    ? 0
                    : params->sq_off.array + params->sq_entries * sizeof(unsigned);
    return cq > sq ? cq : sq;
}

/* A registered descriptor saves its look-up at each enter. There are 16 places in a thread: having
 * none is no failure. */
static void ring_register_fd(struct roosti_ring *ring)
{
    struct io_uring_rsrc_update update = {.offset = -1U, .data = (unsigned)ring->fd};
    ring->enter_fd = ring->fd;
    if (syscall(SYS_io_uring_register, ring->fd, IORING_REGISTER_RING_FDS, &update, 1) == 1) {
        ring->enter_fd = (int)update.offset;
        ring->enter_flags = IORING_ENTER_REGISTERED_RING;
    }
}

int roosti_ring_open(struct roosti_ring *ring, unsigned entries, unsigned skip)
{
    struct io_uring_params params;
    struct roosti_ring made = {0};
    if (!roosti_may_take("io_uring"))
        return ROOST_ENOMEM;
#ifdef ROOST_VALGRIND
    skip = ROOSTI_RING_SKIP_DEFER; /* see ring_wait: only such a ring can be polled */
#endif
    made.fd = ring_setup(&params, entries, skip);
    if (made.fd < 0)
        return made.fd;
    int rc = ROOST_ENOTSUP;
    if ((params.features & FEATURES_NEEDED) != FEATURES_NEEDED)
        goto close_fd;

    made.setup_flags = params.flags;
    made.map_len = ring_map_len(&params);
    made.sqes_len = params.sq_entries * sizeof(struct io_uring_sqe);
    rc = ring_map(&made, made.map_len, IORING_OFF_SQ_RING, &made.map);
    if (rc < 0)
        goto close_fd;
    void *sqes = NULL;
    rc = ring_map(&made, made.sqes_len, IORING_OFF_SQES, &sqes);
    if (rc < 0)
        goto unmap_queues;
    made.sqes = sqes;
    ring_place(&made, &params);
    ring_register_fd(&made);
    *ring = made;
    return 0;

unmap_queues:
    munmap(made.map, made.map_len);
close_fd:
    close(made.fd);
    return rc;
}

void roosti_ring_close(struct roosti_ring *ring)
{
    if (ring->enter_flags & IORING_ENTER_REGISTERED_RING) {
        struct io_uring_rsrc_update update = {.offset = (unsigned)ring->enter_fd};
        (void)syscall(SYS_io_uring_register, ring->fd, IORING_UNREGISTER_RING_FDS, &update, 1);
    }
    munmap(ring->sqes, ring->sqes_len);
    munmap(ring->map, ring->map_len);
    close(ring->fd);
    *ring = (struct roosti_ring){.fd = -1};
}

int roosti_ring_register(const struct roosti_ring *ring, unsigned what, void *arg, unsigned count)
{
    return syscall(SYS_io_uring_register, ring->fd, what, arg, count) < 0 ? -errno : 0;
}

/* -- operation -------------------------------------------------------------------------------- */

/* What the kernel says: entries taken, or a negative code. */
static int ring_call(struct roosti_ring *ring, unsigned submit, unsigned wait, unsigned flags,
                     const struct io_uring_getevents_arg *arg)
{
    roosti_atomic_store(ring->sq_tail, ring->sq_filled, ROOSTI_RELEASE);
    long n = syscall(SYS_io_uring_enter, ring->enter_fd, submit, wait, flags | ring->enter_flags,
                     arg, arg ? sizeof *arg : 0);
    return n < 0 ? -errno : (int)n;
}

/* Anything else says that the ring itself is broken, or used from a thread that is not its own. */
static bool ring_error_passes(int code)
{
    return code == -ETIME || code == -EINTR || code == -EAGAIN || code == -EBUSY || code == -ENOMEM;
}

struct io_uring_sqe *roosti_ring_sqe(struct roosti_ring *ring)
{
    unsigned first;
    unsigned unsent = roosti_ring_unsent(ring, &first);
    if (roosti_unlikely(unsent == ring->sq_entries)) {
        if (!roosti_may_take("io_uring request"))
            return NULL;
        int rc;
        while ((rc = ring_call(ring, unsent, 0, 0, NULL)) == -EINTR)
            ;
        roosti_require(rc >= 0 || ring_error_passes(rc),
                       "a port is used on the thread that opened it");
        if (roosti_ring_unsent(ring, &first) == ring->sq_entries)
            return NULL;
    }
    struct io_uring_sqe *sqe = &ring->sqes[ring->sq_filled++ & ring->sq_mask];
    memset(sqe, 0, sizeof *sqe);
    return sqe;
}

#ifdef ROOST_VALGRIND
/* Valgrind lets no other thread run, and no signal in, during io_uring_enter: sleep elsewhere. */
static int ring_wait(struct roosti_ring *ring, unsigned submit, roost_dur timeout)
{
    struct timespec until = {timeout / 1000000000, timeout % 1000000000};
    struct pollfd ask = {.fd = ring->fd, .events = POLLIN};
    int rc = ring_call(ring, submit, 0, IORING_ENTER_GETEVENTS, NULL);
    if (rc < 0 || roosti_ring_ready(ring) > 0)
        return rc;
    int n = ppoll(&ask, 1, timeout < 0 ? NULL : &until, NULL);
    int outcome = n < 0 ? -errno : n == 0 ? -ETIME : 0;
    rc = ring_call(ring, 0, 0, IORING_ENTER_GETEVENTS, NULL);
    return rc < 0 ? rc : outcome;
}
#else
/* timeout: negative for none. */
static int ring_wait(struct roosti_ring *ring, unsigned submit, roost_dur timeout)
{
    struct {
        int64_t seconds, nanoseconds;
    } until = {timeout / 1000000000, timeout % 1000000000};
    struct io_uring_getevents_arg arg = {.ts = (uint64_t)(uintptr_t)&until};
    unsigned flags = IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG;
    if (timeout < 0)
        return ring_call(ring, submit, 1, IORING_ENTER_GETEVENTS, NULL);
    return ring_call(ring, submit, 1, flags, &arg);
}
#endif

int roosti_ring_enter(struct roosti_ring *ring, bool wait, roost_dur timeout)
{
    unsigned first;
    unsigned unsent = roosti_ring_unsent(ring, &first);
    int rc = wait ? ring_wait(ring, unsent, timeout)
                  : ring_call(ring, unsent, 0, IORING_ENTER_GETEVENTS, NULL);
    roosti_require(rc >= 0 || ring_error_passes(rc), "a port is used on the thread that opened it");
    return rc < 0 ? rc : 0;
}

int roosti_ring_rest(struct roosti_ring *ring, roost_dur timeout)
{
    int rc = ring_wait(ring, 0, timeout);
    roosti_require(rc >= 0 || ring_error_passes(rc), "a port is used on the thread that opened it");
    return rc < 0 ? rc : 0;
}
