/* io/spool.c - bytes in memory that become a file when they are many.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/temp.h>

#include "base/mem.h"
#include "io/file.h"

enum { SPOOL_BYTES_MAX = 1024 * 1024 };

void roost_spool_init(roost_spool *spool, size_t memory_max)
{
    *spool = (roost_spool){.memory_max = memory_max ? memory_max : SPOOL_BYTES_MAX};
}

void roost_spool_fini(roost_spool *spool)
{
    roosti_free(spool->priv.memory);
    /* Nobody will read what is still buffered. */
    if (spool->priv.file) {
        spool->priv.file->dirty = false;
        (void)roost_file_close(spool->priv.file);
    }
    *spool = (roost_spool){0};
}

static int spool_append(roost_spool *spool, const void *data, size_t len)
{
    size_t wanted = (size_t)spool->len + len;
    if (wanted > spool->priv.size) {
        size_t size = spool->priv.size * 2 > 4096 ? spool->priv.size * 2 : 4096;
        size = size < wanted ? wanted : size > spool->memory_max ? spool->memory_max : size;
        char *memory = roosti_realloc(spool->priv.memory, size, "spool");
        if (!memory)
            return ROOST_ENOMEM;
        spool->priv.memory = memory;
        spool->priv.size = size;
    }
    if (len > 0)
        memcpy(spool->priv.memory + spool->len, data, len);
    return 0;
}

/* What was in memory goes to a file first. */
static int spool_turn(roost_spool *spool)
{
    roost_file *file;
    int rc = roost_temp_file(NULL, &file);
    if (rc < 0)
        return rc;
    rc = roosti_file_put(file->fd, spool->priv.memory, (size_t)spool->len, 0, NULL);
    if (rc < 0) {
        (void)roost_file_close(file);
        return rc;
    }
    spool->priv.file = file;
    roosti_free(spool->priv.memory);
    spool->priv.memory = NULL;
    return 0;
}

int roost_spool_write(roost_spool *spool, const void *data, size_t len)
{
    int rc = 0;
    if (!spool->priv.file && len <= spool->memory_max - spool->len) {
        rc = spool_append(spool, data, len);
    } else {
        if (!spool->priv.file)
            rc = spool_turn(spool);
        /* What fails half way is written over by the next call. */
        if (rc == 0)
            rc = roosti_file_put(spool->priv.file->fd, data, len, (int64_t)spool->len, NULL);
    }
    if (rc == 0)
        spool->len += len;
    return rc;
}

int64_t roost_spool_read(roost_spool *spool, void *buf, size_t len, int64_t offset)
{
    if (offset < 0)
        return ROOST_EINVAL;
    uint64_t left = (uint64_t)offset < spool->len ? spool->len - (uint64_t)offset : 0;
    size_t n = left < len ? (size_t)left : len;
    if (spool->priv.file)
        return n > 0 ? roost_file_pread(spool->priv.file, buf, n, offset) : 0;
    if (n > 0)
        memcpy(buf, spool->priv.memory + offset, n);
    return (int64_t)n;
}
