/* port/posix_pool.h - the buffers that RECV_MULTI lends.
 *
 * 256 buffers of 4 KiB for each port, mapped at the first use: a request of most protocols fits in
 * one, and the whole pool (1 MiB) in a second-level cache. The bound holds back a peer that sends
 * faster than it is read; when all are lent, receives wait for one to come back.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_PORT_POSIX_POOL_H
#define ROOST_PORT_POSIX_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The count is a power of two, as a ring of the kernel asks for. */
enum { ROOSTI_POOL_COUNT = 256, ROOSTI_POOL_BYTES = 4096 };

struct roosti_pool {
    void *map;       /* NULL before the first use: head_len bytes, then the buffers */
    size_t head_len; /* the port's own part, whole pages */
    unsigned char *buffers;
    unsigned lent_count;
    uint64_t lent[ROOSTI_POOL_COUNT / 64]; /* one bit for each buffer */
};

/* 0, also when it is open already, or a negative code. */
int roosti_pool_open(struct roosti_pool *pool, size_t head_len);
/* Accepts a pool that was never opened. */
void roosti_pool_close(struct roosti_pool *pool);

/* The buffer of an index, into which something else may now write. */
void *roosti_pool_at(const struct roosti_pool *pool, unsigned index);
/* Hands it out with `got` bytes in it. */
void *roosti_pool_lend(struct roosti_pool *pool, unsigned index, size_t got);
/* Takes it back; which one it was. */
unsigned roosti_pool_back(struct roosti_pool *pool, const void *buf);

#endif
