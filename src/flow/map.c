/* flow/map.c - what the macros of roost/map.h call.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/map.h>

#include "flow/crew.h"

/* The limit of the group: 0 for none. */
static uint32_t map_limit(const roost_map_opts *opts)
{
    if (opts->limit == ROOST_MAP_UNLIMITED)
        return 0;
    if (opts->limit > 0)
        return opts->limit;
    return opts->batch > 0 ? opts->batch : ROOST_MAP_LIMIT;
}

void roost_map_begin(struct roost_impl_fan *fan, size_t block_size, size_t block_align,
                     size_t args_offset, size_t n, const roost_map_opts *opts)
{
    static const roost_map_opts defaults = {0};
    if (!opts)
        opts = &defaults;
    roosti_fan_open(fan, NULL, n, opts->codes,
                    &(roost_group_opts){.policy = opts->policy,
                                        .limit = map_limit(opts),
                                        .errors = opts->errors,
                                        .label = opts->label ? opts->label : "map"});
    fan->batch = opts->batch;
    fan->crew.info.args_size = (uint32_t)block_size;
    fan->crew.info.args_align = (uint32_t)block_align;
    fan->crew.args_offset = args_offset;
}

bool roost_map_next(struct roost_impl_fan *fan, size_t *index)
{
    *index = fan->index;
    return roosti_fan_next(fan);
}

void roost_map_go(struct roost_impl_fan *fan, struct roost_impl_seat *seat)
{
    roosti_fan_go(fan, seat);
}

int roost_map_end(struct roost_impl_fan *fan)
{
    return roosti_fan_end(fan);
}

void roost_map_cleanup(struct roost_impl_fan *fan)
{
    if (!fan->crew.ended)
        return;
    roost_group_cancel(&fan->crew.group, "an argument was not to be had");
    (void)roosti_fan_end(fan);
}
