/* roost/impl/block.h - the loop of one turn behind ROOST_LOCK, ROOST_PERMIT and their like.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IMPL_BLOCK_H
#define ROOST_IMPL_BLOCK_H

#include <roost/config.h>

/* Takes `object` by roost_<kind>_begin, which gives NULL and sets rc when that fails, and lets go
 * of it by roost_<kind>_cleanup on whatever path the block is left. own: the name it goes by. */
#define ROOST_BLOCK_(own, type, kind, object, rc)                                                  \
    for (type * own ROOST_AUTO(kind) = roost_##kind##_begin((object), &(rc)); own;                 \
         roost_##kind##_cleanup(&own), own = NULL)

#endif
