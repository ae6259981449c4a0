/* flow/iter_stage.c - stages: iterators made out of arrays and of other iterators.
 *
 * A stage asks its source only when it is asked itself. What it has taken from a source stays in
 * its scratch room until it has been given on, so a call that was cancelled on the way can be made
 * again and no item is lost.
 *
 * A composition that is impossible is told by the first next, so that stages can be written one
 * into the other.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/iter_stage.h>

#include <string.h>

#include <roost/chan.h>

#include "base/assert.h"
#include "base/mem.h"
#include "sync/chan.h"

static roost_iter_stage *stage_of(roost_iter *iter)
{
    return roosti_container(iter, roost_iter_stage, iter);
}

static int stage_close(roost_iter *iter)
{
    roost_iter_stage *stage = stage_of(iter);
    /* What was made later is closed first: generators are groups, which end innermost first. */
    int second_rc = roost_iter_close(stage->priv.second);
    int rc = roost_iter_close(stage->priv.source);
    if (stage->priv.scratch != stage->priv.kept)
        roosti_free(stage->priv.scratch);
    stage->priv.scratch = NULL;
    return second_rc < 0 ? second_rc : rc;
}

/* Begins a stage; a source that is missing is told later. */
static roost_iter_stage *stage_init(roost_iter_stage *stage, const roost_iter_ops *ops,
                                    size_t item_size, roost_iter *source)
{
    roost_iter_init(&stage->iter, ops, item_size);
    memset(&stage->priv, 0,
           offsetof(roost_iter_stage, priv.kept) - offsetof(roost_iter_stage, priv));
    stage->priv.source = source;
    stage->priv.rc = source ? 0 : ROOST_EINVAL;
    return stage;
}

/* Room for an item of the source: 0, or a code that next returns. */
static int stage_begin(roost_iter_stage *stage)
{
    if (roosti_unlikely(stage->priv.rc < 0))
        return stage->priv.rc;
    if (roosti_likely(stage->priv.scratch != NULL))
        return 0;
    size_t size = stage->priv.source->item_size;
    stage->priv.scratch =
        size <= ROOST_ITER_ITEM_KEPT ? stage->priv.kept : roosti_alloc(size, "an item of a stage");
    return stage->priv.scratch ? 0 : ROOST_ENOMEM;
}

/* -- array ------------------------------------------------------------------------------------- */

static int stage_array_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    if (stage->priv.count == 0)
        return 0;
    stage->priv.count--;
    memcpy(item, stage->priv.from.items, iter->item_size);
    stage->priv.from.items += iter->item_size;
    return 1;
}

roost_iter *roost_iter_array(roost_iter_stage *stage, const void *items, size_t count,
                             size_t item_size)
{
    static const roost_iter_ops ops = {stage_array_next, stage_close};
    stage_init(stage, &ops, item_size, NULL);
    stage->priv.from.items = items;
    stage->priv.count = count;
    return &stage->iter;
}

/* -- channel ----------------------------------------------------------------------------------- */

static int stage_chan_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    if (roosti_unlikely(stage->priv.rc < 0))
        return stage->priv.rc;
    int rc = roost_chan_recv(stage->priv.arg, item);
    return rc == ROOST_ECLOSED ? 0 : rc < 0 ? rc : 1;
}

static int stage_chan_close(roost_iter *iter)
{
    roost_chan *ch = stage_of(iter)->priv.arg;
    return ch ? roost_chan_close(ch) : 0;
}

roost_iter *roost_iter_chan(roost_iter_stage *stage, roost_chan *ch, size_t item_size)
{
    static const roost_iter_ops ops = {stage_chan_next, stage_chan_close};
    stage_init(stage, &ops, item_size, NULL);
    stage->priv.arg = ch;
    if (ch && ch->core->item_size == item_size)
        stage->priv.rc = 0;
    return &stage->iter;
}

/* -- map and filter ---------------------------------------------------------------------------- */

/* Has an item of the source in the scratch room, and says so in `count`: 1; 0 at the end. */
static int stage_take_in(roost_iter_stage *stage)
{
    int rc = stage_begin(stage);
    if (rc < 0 || stage->priv.count == 1)
        return rc < 0 ? rc : 1;
    rc = roost_iter_next(stage->priv.source, stage->priv.scratch);
    stage->priv.count = rc > 0;
    return rc;
}

/* After a function has seen it: unless the call was cancelled, the item is used up. */
static void stage_used_up(roost_iter_stage *stage, int rc)
{
    stage->priv.count = rc == ROOST_ECANCELED;
}

static int stage_map_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    int rc = stage_take_in(stage);
    if (rc <= 0)
        return rc;
    rc = stage->priv.from.map(stage->priv.arg, stage->priv.scratch, item);
    stage_used_up(stage, rc);
    return rc < 0 ? rc : 1;
}

roost_iter *roost_iter_map(roost_iter_stage *stage, roost_iter *source, size_t item_size,
                           roost_iter_map_fn map, void *arg)
{
    static const roost_iter_ops ops = {stage_map_next, stage_close};
    stage_init(stage, &ops, item_size, source);
    stage->priv.from.map = map;
    stage->priv.arg = arg;
    if (!map)
        stage->priv.rc = ROOST_EINVAL;
    return &stage->iter;
}

static int stage_filter_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    int rc;
    while ((rc = stage_take_in(stage)) > 0) {
        rc = stage->priv.from.test(stage->priv.arg, stage->priv.scratch);
        stage_used_up(stage, rc);
        if (rc == 0)
            continue;
        if (rc > 0)
            memcpy(item, stage->priv.scratch, iter->item_size);
        break;
    }
    return rc;
}

roost_iter *roost_iter_filter(roost_iter_stage *stage, roost_iter *source, roost_iter_item_fn test,
                              void *arg)
{
    static const roost_iter_ops ops = {stage_filter_next, stage_close};
    stage_init(stage, &ops, source ? source->item_size : 0, source);
    stage->priv.from.test = test;
    stage->priv.arg = arg;
    if (!test)
        stage->priv.rc = ROOST_EINVAL;
    return &stage->iter;
}

/* -- take and skip ----------------------------------------------------------------------------- */

static int stage_take_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    if (stage->priv.rc < 0)
        return stage->priv.rc;
    if (stage->priv.count == 0)
        return 0;
    int rc = roost_iter_next(stage->priv.source, item);
    if (rc > 0)
        stage->priv.count--;
    return rc;
}

roost_iter *roost_iter_take(roost_iter_stage *stage, roost_iter *source, uint64_t count)
{
    static const roost_iter_ops ops = {stage_take_next, stage_close};
    stage_init(stage, &ops, source ? source->item_size : 0, source);
    stage->priv.count = count;
    return &stage->iter;
}

static int stage_skip_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    int rc = stage_begin(stage);
    if (rc < 0)
        return rc;
    for (; stage->priv.count > 0; stage->priv.count--)
        if ((rc = roost_iter_next(stage->priv.source, stage->priv.scratch)) <= 0)
            return rc;
    return roost_iter_next(stage->priv.source, item);
}

roost_iter *roost_iter_skip(roost_iter_stage *stage, roost_iter *source, uint64_t count)
{
    static const roost_iter_ops ops = {stage_skip_next, stage_close};
    stage_init(stage, &ops, source ? source->item_size : 0, source);
    stage->priv.count = count;
    return &stage->iter;
}

/* -- enumerate and zip ------------------------------------------------------------------------- */

static int stage_enumerate_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    const roost_iter_pair *pair = &stage->priv.pair;
    if (stage->priv.rc < 0)
        return stage->priv.rc;
    int rc = roost_iter_next(stage->priv.source, (char *)item + pair->second_at);
    if (rc <= 0)
        return rc;
    memcpy((char *)item + pair->first_at, &stage->priv.count, sizeof stage->priv.count);
    stage->priv.count++;
    return 1;
}

roost_iter *roost_iter_enumerate(roost_iter_stage *stage, roost_iter *source, roost_iter_pair pair,
                                 uint64_t start)
{
    static const roost_iter_ops ops = {stage_enumerate_next, stage_close};
    stage_init(stage, &ops, pair.size, source);
    stage->priv.pair = pair;
    stage->priv.count = start;
    if (source && (pair.first_size != sizeof start || pair.second_size != source->item_size))
        stage->priv.rc = ROOST_EINVAL;
    return &stage->iter;
}

static int stage_zip_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    const roost_iter_pair *pair = &stage->priv.pair;
    int rc = stage_take_in(stage);
    if (rc <= 0)
        return rc;
    if ((rc = roost_iter_next(stage->priv.second, (char *)item + pair->second_at)) <= 0)
        return rc;
    memcpy((char *)item + pair->first_at, stage->priv.scratch, pair->first_size);
    stage->priv.count = 0;
    return 1;
}

roost_iter *roost_iter_zip(roost_iter_stage *stage, roost_iter *first, roost_iter *second,
                           roost_iter_pair pair)
{
    static const roost_iter_ops ops = {stage_zip_next, stage_close};
    stage_init(stage, &ops, pair.size, first);
    stage->priv.second = second;
    stage->priv.pair = pair;
    if (!first || !second || pair.first_size != first->item_size ||
        pair.second_size != second->item_size)
        stage->priv.rc = ROOST_EINVAL;
    return &stage->iter;
}

/* -- chain ------------------------------------------------------------------------------------- */

static int stage_chain_next(roost_iter *iter, void *item)
{
    roost_iter_stage *stage = stage_of(iter);
    if (stage->priv.rc < 0)
        return stage->priv.rc;
    if (stage->priv.source) {
        int rc = roost_iter_next(stage->priv.source, item);
        if (rc != 0)
            return rc;
        roost_iter *ended = stage->priv.source;
        stage->priv.source = NULL;
        if ((rc = roost_iter_close(ended)) < 0)
            return rc;
    }
    return roost_iter_next(stage->priv.second, item);
}

roost_iter *roost_iter_chain(roost_iter_stage *stage, roost_iter *first, roost_iter *second)
{
    static const roost_iter_ops ops = {stage_chain_next, stage_close};
    stage_init(stage, &ops, first ? first->item_size : 0, first);
    stage->priv.second = second;
    if (!first || !second || first->item_size != second->item_size)
        stage->priv.rc = ROOST_EINVAL;
    return &stage->iter;
}
