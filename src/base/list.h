/* base/list.h - an intrusive doubly linked list with a sentinel.
 *
 * A node belongs to at most one list; linking cannot fail. A node that is in no list has
 * next == NULL, so "linked once" can be asserted.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_BASE_LIST_H
#define ROOST_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/assert.h"

struct roosti_node {
    struct roosti_node *next;
    struct roosti_node *prev;
};

/* An empty list points at itself. */
struct roosti_list {
    struct roosti_node head;
};

static inline void roosti_list_init(struct roosti_list *list)
{
    list->head.next = list->head.prev = &list->head;
}

static inline bool roosti_list_empty(const struct roosti_list *list)
{
    return list->head.next == &list->head;
}

static inline void roosti_list_push(struct roosti_list *list, struct roosti_node *node)
{
    node->next = &list->head;
    node->prev = list->head.prev;
    list->head.prev->next = node;
    list->head.prev = node;
}

static inline void roosti_list_remove(struct roosti_node *node)
{
    roosti_assert(node->next != NULL);
    node->prev->next = node->next;
    node->next->prev = node->prev;
    node->next = NULL;
}

/* The oldest node, still linked, or NULL. */
static inline struct roosti_node *roosti_list_first(const struct roosti_list *list)
{
    return roosti_list_empty(list) ? NULL : list->head.next;
}

/* The node after this one, or NULL at the end. */
static inline struct roosti_node *roosti_list_next(const struct roosti_list *list,
                                                   const struct roosti_node *node)
{
    return node->next == &list->head ? NULL : node->next;
}

#endif
