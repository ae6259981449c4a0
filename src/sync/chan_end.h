/* sync/chan_end.h - who keeps the handle of an end.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_CHAN_END_H
#define ROOST_SYNC_CHAN_END_H

#include <stdbool.h>

struct roost_chan;
struct roosti_loop;

/* Keeps the handle though its owner may close it: 0, or ROOST_EXLOOP. */
int roosti_chan_keep(struct roost_chan *ch, struct roosti_loop *loop);
/* Lets go of it. False: nobody else kept it, and it is gone. */
bool roosti_chan_unref(struct roost_chan *ch);

#endif
