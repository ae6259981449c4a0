/* examples/19_gather.c - several operations at once, some of which fail.
 *
 * Collected, a failure is a result like any other: it stands in its place, and nothing is
 * cancelled. Without options the first failure would cancel the others and be returned.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

enum { ITEMS = 6 };

/* Fails for every third item. */
ROOST_ASYNC(risky_operation, int, item, int *, out)
{
    ROOST_TRY(roost_sleep(ROOST_MS(20 - 2 * item)));
    if (item % 3 == 0)
        return roost_error_note(-EINVAL, "item %d", item);
    *out = item * item;
    return 0;
}

ROOST_ASYNC(process_items, const int *, items, size_t, n)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    int results[ITEMS];
    int codes[ITEMS];
    size_t order[ITEMS];
    roost_map_opts opts = {.policy = ROOST_COLLECT, .codes = codes, .errors = &errors};

    ROOST_TRY(roost_map(risky_operation, items, n, results, &opts));

    size_t good = roost_results_partition(codes, n, order);
    printf("success: %zu, failed: %zu\n", good, n - good);
    for (size_t i = 0; i < good; i++)
        printf("item %d: %d\n", items[order[i]], results[order[i]]);
    for (size_t i = good; i < n; i++)
        printf("item %d: %s\n", items[order[i]], roost_error_name(codes[order[i]]));
    /* In the order they happened: the later items were quicker. */
    for (size_t i = 0; i < roost_errors_count(&errors); i++)
        printf("%s: %s\n", roost_errors_at(&errors, i)->task_name,
               roost_errors_at(&errors, i)->steps[0].note);
    return 0;
}

ROOST_MAIN(argc, argv)
{
    const int items[ITEMS] = {1, 2, 3, 4, 5, 6};
    ROOST_TRY(process_items(items, ITEMS));

    /* Different calls, in a list. All or nothing: the slow one is cancelled. */
    int user = 0;
    int posts = 0;
    int rc = ROOST_GATHER(NULL, ROOST_CALL(risky_operation, 4, &user),
                          ROOST_CALL(risky_operation, 9, &posts));
    printf("user %d, posts %d: %s\n", user, posts, roost_error_name(rc));
    return 0;
}
