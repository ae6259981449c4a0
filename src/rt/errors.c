/* rt/errors.c - lists of errors.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"
#include "rt/group.h"
#include "rt/loop.h"
#include "rt/trail.h"

void roosti_errors_add(roost_errors *errors, struct roost_task *task, int code)
{
    errors->priv.count++;
    if (errors->priv.kept >= ROOST_GROUP_ERRORS_MAX)
        return;
    struct roost_impl_error *item = roosti_alloc(sizeof *item, "an error of a group");
    if (!item)
        return;
    roosti_trail_take(task, code, &item->error, &item->inner);
    errors->priv.items[errors->priv.kept++] = item;
}

size_t roost_errors_count(const roost_errors *errors)
{
    return errors->priv.count;
}

const roost_error *roost_errors_at(const roost_errors *errors, size_t index)
{
    return index < errors->priv.kept ? &errors->priv.items[index]->error : NULL;
}

const roost_errors *roost_errors_inner(const roost_errors *errors, size_t index)
{
    return index < errors->priv.kept ? errors->priv.items[index]->inner : NULL;
}

size_t roost_errors_split(roost_errors *errors, int code, roost_errors *hits)
{
    size_t moved = 0;
    size_t stay = 0;
    for (size_t i = 0; i < errors->priv.kept; i++) {
        struct roost_impl_error *item = errors->priv.items[i];
        if (item->error.code == code && hits->priv.kept < ROOST_GROUP_ERRORS_MAX) {
            hits->priv.items[hits->priv.kept++] = item;
            moved++;
        } else {
            errors->priv.items[stay++] = item;
        }
    }
    errors->priv.kept = stay;
    errors->priv.count -= moved;
    hits->priv.count += moved;
    return moved;
}

void roost_errors_fini(roost_errors *errors)
{
    for (size_t i = 0; i < errors->priv.kept; i++) {
        struct roost_impl_error *item = errors->priv.items[i];
        if (item->inner) {
            roost_errors_fini(item->inner);
            roosti_free(item->inner);
        }
        roosti_free(item);
    }
    *errors = (roost_errors)ROOST_ERRORS_INIT;
}
