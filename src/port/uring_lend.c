/* port/uring_lend.c - the buffers of RECV_MULTI as the kernel takes them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/uring_lend.h"

#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"

static void lend_provide(struct roosti_uring_lend *lend, unsigned index)
{
    struct io_uring_buf *entry = &lend->ring[lend->tail % ROOSTI_POOL_COUNT];
    /* Field by field: resv of the first entry is the tail. */
    entry->addr = (uint64_t)(uintptr_t)roosti_pool_at(&lend->pool, index);
    entry->len = ROOSTI_POOL_BYTES;
    entry->bid = (uint16_t)index;
    lend->tail++;
    lend->free++;
    roosti_atomic_store(&lend->ring[0].resv, lend->tail, ROOSTI_RELEASE);
}

int roosti_uring_lend_open(struct roosti_uring_lend *lend, const struct roosti_ring *ring)
{
    if (lend->ring)
        return 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t need = ROOSTI_POOL_COUNT * sizeof(struct io_uring_buf);
    int rc = roosti_pool_open(&lend->pool, (need + page - 1) / page * page);
    if (rc < 0)
        return rc;
    struct io_uring_buf_reg reg = {
        .ring_addr = (uint64_t)(uintptr_t)lend->pool.map,
        .ring_entries = ROOSTI_POOL_COUNT,
        .bgid = ROOSTI_URING_GROUP,
    };
    rc = roosti_ring_register(ring, IORING_REGISTER_PBUF_RING, &reg, 1);
    if (rc < 0) {
        roosti_pool_close(&lend->pool);
        return rc;
    }
    lend->ring = lend->pool.map;
    for (unsigned i = 0; i < ROOSTI_POOL_COUNT; i++)
        lend_provide(lend, i);
    return 0;
}

void roosti_uring_lend_close(struct roosti_uring_lend *lend)
{
    roosti_pool_close(&lend->pool);
    *lend = (struct roosti_uring_lend){0};
}

void *roosti_uring_lend_take(struct roosti_uring_lend *lend, struct roosti_completion completion)
{
    if (!(completion.flags & IORING_CQE_F_BUFFER))
        return NULL;
    unsigned index = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    lend->free--;
    if (completion.res > 0)
        return roosti_pool_lend(&lend->pool, index, (size_t)completion.res);
    lend_provide(lend, index);
    return NULL;
}

void roosti_uring_lend_back(struct roosti_uring_lend *lend, const void *buf)
{
    lend_provide(lend, roosti_pool_back(&lend->pool, buf));
}
