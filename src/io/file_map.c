/* io/file_map.c - files in memory.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/file_map.h>

#include "io/file.h"

enum { READABLE = 1, WRITABLE = 2 }; /* PROT_READ and PROT_WRITE, the same everywhere */

int roost_file_map(roost_file *file, const roost_map_file_opts *opts, roost_file_mapping *map)
{
    roost_stat about;
    roost_map_file_opts with = opts ? *opts : (roost_map_file_opts){0};
    int rc = roost_file_stat(file, &about);
    if (rc < 0)
        return rc;
    if (with.offset < 0 || (uint64_t)with.offset >= about.size)
        return ROOST_EINVAL;
    uint64_t there = about.size - (uint64_t)with.offset;
    if (with.len > there)
        return ROOST_EINVAL;
    void *data = NULL;
    size_t len = with.len ? with.len : (size_t)there;
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_MAP,
        .offset = with.offset,
        .len = (int64_t)len,
        .mode = READABLE | (with.writable || with.private_copy ? (uint32_t)WRITABLE : 0),
        .flags = (with.private_copy || !with.writable ? (unsigned)ROOSTI_FILE_PRIVATE : 0u) |
                 (with.populate ? (unsigned)ROOSTI_FILE_POPULATE : 0u),
        .buf = &data,
    };
    rc = (int)roosti_file_do(file->fd, &call);
    if (rc == 0)
        *map = (roost_file_mapping){data, len};
    return rc == -EOPNOTSUPP ? ROOST_ENOTSUP : rc;
}

int roost_file_map_sync(const roost_file_mapping *map)
{
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_SYNC_MAP, .buf = map->data, .len = (int64_t)map->len};
    return (int)roosti_file_do(-1, &call);
}

void roost_file_unmap(roost_file_mapping *map)
{
    struct roosti_file_call call = {
        .what = ROOSTI_FILE_UNMAP, .buf = map->data, .len = (int64_t)map->len};
    if (map->data)
        (void)roosti_file_call_do(-1, &call, false);
    *map = (roost_file_mapping){0};
}
