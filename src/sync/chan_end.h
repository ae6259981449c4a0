/* sync/chan_end.h - who keeps the handle of an end.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_CHAN_END_H
#define ROOST_SYNC_CHAN_END_H

#include <stdbool.h>

struct roost_chan;

void roosti_chan_ref(struct roost_chan *ch);
/* False: that was the last one, and the handle is gone. */
bool roosti_chan_unref(struct roost_chan *ch);

#endif
