/* offload/cpu_map.c - one function over many items, on as many threads as there are processors.
 *
 * The argument blocks of all calls are made first. Then each thread takes the next one until none
 * is left: a call costs one atomic addition, not a way to the loop and back. In the loop stands a
 * group with a task for each thread, so failures and cancellations go the way they always go.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/group.h>
#include <roost/thread.h>

#include "base/atomic.h"
#include "base/mem.h"
#include "port/host.h"
#include "rt/loop.h"

enum { MAP_THREADS_SIMULATED = 4 }; /* the same on every machine, or a seed would not be */

void *roost_cpu_map_begin(struct roost_impl_cpu_map *map, size_t n, size_t block_size,
                          size_t block_align)
{
    *map = (struct roost_impl_cpu_map){.priv.block_size = block_size};
    size_t bytes;
    if (!roosti_self())
        map->priv.rc = roosti_no_task();
    else if (__builtin_mul_overflow(n, block_size, &bytes) ||
             __builtin_add_overflow(bytes, block_align, &bytes))
        map->priv.rc = ROOST_ENOMEM;
    else if (n > 0 && !(map->priv.memory = roosti_alloc(bytes, "the calls of roost_cpu_map")))
        map->priv.rc = ROOST_ENOMEM;
    if (map->priv.rc < 0 || n == 0)
        return NULL;
    map->priv.count = n;
    uintptr_t at = (uintptr_t)map->priv.memory;
    map->priv.blocks = map->priv.memory + ((block_align - at % block_align) % block_align);
    return map->priv.blocks;
}

/* On a thread. */
ROOST_ASYNC(cpu_map_calls, struct roost_impl_cpu_map *, map)
{
    while (!roosti_atomic_load(&map->priv.stops, ROOSTI_RELAXED)) {
        if (roost_thread_cancelled())
            return ROOST_ECANCELED;
        size_t index = roosti_atomic_add(&map->priv.next, 1, ROOSTI_RELAXED);
        if (index >= map->priv.count)
            break;
        void *args = map->priv.blocks + index * map->priv.block_size;
        int rc = (*(const roost_async_info *const *)args)->entry(args);
        if (rc < 0) {
            roosti_atomic_store(&map->priv.stops, 1, ROOSTI_RELAXED);
            return rc;
        }
    }
    return 0;
}

ROOST_ASYNC(cpu_map_thread, roost_group *, group, struct roost_impl_cpu_map *, map,
            const roost_thread_opts *, opts)
{
    int rc = roost_to_thread_with(ROOST_CALL(cpu_map_calls, map), opts);
    /* A call that gave up is no failure to the group, but the others are to hear of it. */
    if (rc == ROOST_ECANCELED && roosti_atomic_load(&map->priv.stops, ROOSTI_RELAXED))
        roost_group_cancel(group, "a call gave up");
    return rc;
}

int roost_cpu_map_end(struct roost_impl_cpu_map *map, const roost_cpu_map_opts *opts)
{
    if (map->priv.rc < 0)
        return map->priv.rc;
    uint32_t threads = opts ? opts->threads : 0;
    if (threads == 0)
        threads = roosti_loop_here->virtual_time ? MAP_THREADS_SIMULATED
                                                 : (uint32_t)roosti_host_cpu_count();
    if (threads > map->priv.count)
        threads = (uint32_t)map->priv.count;
    const roost_thread_opts thread_opts = {
        .executor = opts ? opts->executor : NULL,
        .name =
            map->priv.blocks ? (*(const roost_async_info *const *)map->priv.blocks)->name : NULL,
    };
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.label = "roost_cpu_map"})
        for (uint32_t i = 0; i < threads; i++)
            ROOST_GO(g, cpu_map_thread, g, map, &thread_opts);
    /* Nor is a thread that was not to be had any more, as that of an executor that was closed. */
    if (rc == 0 && (map->priv.stops || map->priv.next < map->priv.count))
        rc = ROOST_ECANCELED;
    roosti_free(map->priv.memory);
    return rc;
}
