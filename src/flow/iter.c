/* flow/iter.c - asynchronous iterators: asking, closing, and walking them to the end.
 *
 * roost_iter_next does nothing after the kind's own function: a task that comes back to it from
 * another stack returns straight to whoever asked.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/iter.h>

#include <stdalign.h>

#include "base/assert.h"
#include "base/mem.h"

void roost_iter_init(roost_iter *iter, const roost_iter_ops *ops, size_t item_size)
{
    *iter = (roost_iter){.ops = ops, .item_size = item_size, .priv = {.open = true}};
}

int roost_iter_next(roost_iter *iter, void *item)
{
    return roosti_likely(iter->priv.open) ? iter->ops->next(iter, item) : 0;
}

int roost_iter_close(roost_iter *iter)
{
    if (!iter || !iter->priv.open)
        return 0;
    iter->priv.open = false;
    int rc = iter->ops->close ? iter->ops->close(iter) : 0;
    return rc < 0 ? rc : 0;
}

/* Closes at the end of a walk: what the walk came to is told first. */
static int iter_close_after(roost_iter *iter, int rc)
{
    int close_rc = roost_iter_close(iter);
    return rc >= 0 && close_rc < 0 ? close_rc : rc;
}

/* -- the block --------------------------------------------------------------------------------- */

roost_iter_walk roost_iter_walk_begin(roost_iter *iter, size_t item_size, int *rc)
{
    if (*rc >= 0 && (!iter || iter->item_size != item_size))
        *rc = ROOST_EINVAL;
    return (roost_iter_walk){.priv = {.iter = iter, .rc = rc}};
}

void roost_iter_walk_cleanup(roost_iter_walk *walk)
{
    *walk->priv.rc = iter_close_after(walk->priv.iter, *walk->priv.rc);
}

/* -- consumers --------------------------------------------------------------------------------- */

/* Room for one item: `kept` when that is enough. NULL: no memory. */
static void *item_room(const roost_iter *iter, void *kept)
{
    return iter->item_size <= ROOST_ITER_ITEM_KEPT ? kept
                                                   : roosti_alloc(iter->item_size, "an item");
}

static int iter_collect(roost_iter *iter, char *items, size_t max, size_t *ret_count)
{
    alignas(max_align_t) char kept[ROOST_ITER_ITEM_KEPT];
    size_t count = 0;
    int rc = 1;
    while (count < max && (rc = roost_iter_next(iter, items + count * iter->item_size)) > 0)
        count++;
    if (rc > 0) {
        /* Full: one more says whether that was all. */
        void *one_more = item_room(iter, kept);
        rc = one_more ? roost_iter_next(iter, one_more) : ROOST_ENOMEM;
        if (one_more != kept)
            roosti_free(one_more);
        if (rc > 0)
            rc = ROOST_EOVERFLOW;
    }
    *ret_count = count;
    return rc;
}

int roost_iter_collect(roost_iter *iter, void *items, size_t max, size_t *ret_count)
{
    if (!iter || (!items && max > 0))
        return iter_close_after(iter, ROOST_EINVAL);
    size_t count = 0;
    int rc = iter_close_after(iter, iter_collect(iter, items, max, &count));
    if (rc == 0 && ret_count)
        *ret_count = count;
    return rc;
}

int roost_iter_each(roost_iter *iter, roost_iter_item_fn each, void *arg)
{
    alignas(max_align_t) char kept[ROOST_ITER_ITEM_KEPT];
    if (!iter || !each)
        return iter_close_after(iter, ROOST_EINVAL);
    void *item = item_room(iter, kept);
    int rc = item ? 0 : ROOST_ENOMEM;
    while (rc == 0 && (rc = roost_iter_next(iter, item)) > 0)
        rc = each(arg, item);
    if (item != kept)
        roosti_free(item);
    return iter_close_after(iter, rc);
}
