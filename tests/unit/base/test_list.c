/* tests/unit/base/test_list.c - the intrusive list.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/list.h"

#include "base/rng.h"
#include "kit/kit.h"

enum { ITEMS = 20 };

struct item {
    int number;
    struct roosti_node node;
};

static struct item *item_of(struct roosti_node *node)
{
    return roosti_container(node, struct item, node);
}

/* The list holds these numbers, in this order, both ways. */
static void list_check(const struct roosti_list *list, const int *numbers, int count)
{
    struct roosti_node *node = roosti_list_first(list);
    CHECK_EQ(count == 0, roosti_list_empty(list));
    for (int i = 0; i < count; i++) {
        CHECK(node != NULL);
        CHECK_EQ(numbers[i], item_of(node)->number);
        CHECK(node->next->prev == node && node->prev->next == node);
        node = roosti_list_next(list, node);
    }
    CHECK(node == NULL);
}

ROOST_TEST(an_empty_list_has_no_first, .plain = true)
{
    struct roosti_list list;
    roosti_list_init(&list);
    CHECK(roosti_list_empty(&list));
    CHECK(roosti_list_first(&list) == NULL);
    list_check(&list, NULL, 0);
}

ROOST_TEST(the_only_node_comes_and_goes, .plain = true)
{
    struct roosti_list list;
    struct item item = {.number = 1};
    roosti_list_init(&list);
    for (int i = 0; i < 3; i++) {
        roosti_list_push(&list, &item.node);
        list_check(&list, &item.number, 1);
        roosti_list_remove(&item.node);
        CHECK(item.node.next == NULL);
        list_check(&list, NULL, 0);
    }
}

/* Against an array, in which removing is moving. */
ROOST_TEST(random_pushes_and_removals_keep_the_order, .plain = true)
{
    struct item items[ITEMS];
    int numbers[ITEMS];
    int count = 0;
    struct roosti_list list;
    struct roosti_rng rng = roosti_rng_split(roost_test_seed(), "list");
    roosti_list_init(&list);
    for (int i = 0; i < ITEMS; i++)
        items[i] = (struct item){.number = i};
    for (int step = 0; step < 5000; step++) {
        int number = (int)roosti_rng_below(&rng, ITEMS);
        struct item *item = &items[number];
        if (!item->node.next) {
            roosti_list_push(&list, &item->node);
            numbers[count++] = number;
        } else {
            int at = 0;
            roosti_list_remove(&item->node);
            while (numbers[at] != number)
                at++;
            for (count--; at < count; at++)
                numbers[at] = numbers[at + 1];
        }
        list_check(&list, numbers, count);
    }
}
