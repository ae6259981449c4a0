/* port/posix_pool.c - the buffers that RECV_MULTI lends.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/posix_pool.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/mem.h"
#include "port/posix_op.h"

enum { POOL_BYTES_ALL = ROOSTI_POOL_COUNT * ROOSTI_POOL_BYTES };

int roosti_pool_open(struct roosti_pool *pool, size_t head_len)
{
    if (pool->map)
        return 0;
    if (!roosti_may_take("receive buffers"))
        return ROOST_ENOMEM;
    void *map = mmap(NULL, head_len + POOL_BYTES_ALL, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return -errno;
    /* The kernel may write here at any time; a child of fork must not see that in its copy. */
    if (madvise(map, head_len + POOL_BYTES_ALL, MADV_DONTFORK) != 0) {
        int rc = -errno;
        munmap(map, head_len + POOL_BYTES_ALL);
        return rc;
    }
    *pool = (struct roosti_pool){
        .map = map,
        .head_len = head_len,
        .buffers = (unsigned char *)map + head_len,
    };
    roosti_memory_hide(pool->buffers, POOL_BYTES_ALL);
    return 0;
}

void roosti_pool_close(struct roosti_pool *pool)
{
    if (!pool->map)
        return;
    roosti_assert(pool->lent_count == 0);
    roosti_memory_show(pool->buffers, POOL_BYTES_ALL);
    munmap(pool->map, pool->head_len + POOL_BYTES_ALL);
    *pool = (struct roosti_pool){0};
}

void *roosti_pool_at(const struct roosti_pool *pool, unsigned index)
{
    roosti_assert(index < ROOSTI_POOL_COUNT);
    return pool->buffers + (size_t)index * ROOSTI_POOL_BYTES;
}

void *roosti_pool_lend(struct roosti_pool *pool, unsigned index, size_t got)
{
    void *buf = roosti_pool_at(pool, index);
    roosti_assert(!(pool->lent[index / 64] & UINT64_C(1) << index % 64));
    pool->lent[index / 64] |= UINT64_C(1) << index % 64;
    pool->lent_count++;
    /* Up to a whole granule: what lies behind the bytes received stays hidden. */
    roosti_memory_show(buf, (got + 7) & ~(size_t)7);
    return buf;
}

unsigned roosti_pool_back(struct roosti_pool *pool, const void *buf)
{
    uintptr_t offset = (uintptr_t)buf - (uintptr_t)pool->buffers;
    unsigned index = (unsigned)(offset / ROOSTI_POOL_BYTES);
    roosti_require(pool->map && offset < POOL_BYTES_ALL && offset % ROOSTI_POOL_BYTES == 0 &&
                       pool->lent[index / 64] & UINT64_C(1) << index % 64,
                   "only a buffer that a receive has lent is given back, and once");
    pool->lent[index / 64] &= ~(UINT64_C(1) << index % 64);
    pool->lent_count--;
    roosti_memory_hide(roosti_pool_at(pool, index), ROOSTI_POOL_BYTES);
    return index;
}
