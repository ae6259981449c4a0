/* examples/24_paginate.c - all records of a service that gives them a page at a time.
 *
 * The next page is fetched while the records of this one are processed; never more than two pages
 * are in memory. Ending early cancels the fetch that is under way.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdio.h>

#include <roost.h>

struct record {
    int id;
    int value;
};

/* Stands for a request such as GET /records?page=N. The function is given room for the items, and
 * a token that is its own: here it needs none but the number of the page. */
ROOST_ASYNC(fetch_page, void *, service, roost_page *, page)
{
    (void)service;
    ROOST_TRY(roost_sleep(ROOST_MS(2)));
    struct record *records = page->items;
    for (int i = 0; i < 10; i++)
        records[i] = (struct record){.id = (int)page->number * 10 + i, .value = i};
    page->last = page->number == 99;
    return 10;
}

ROOST_ASYNC(process_record, const struct record *, record, int *, sum)
{
    *sum += record->value;
    if (record->id % 10 == 0)
        printf("page %d begins with record %d\n", record->id / 10, record->id);
    return roost_yield();
}

ROOST_ASYNC(process_records, int, limit)
{
    roost_page_opts opts = {.page_items = 10, .prefetch = 1};
    int count = 0, sum = 0, rc = 0;
    ROOST_PAGINATE(records, struct record, &opts, fetch_page, NULL);
    ROOST_FOREACH(struct record, record, &records->iter, rc) {
        rc = process_record(&record, &sum);
        if (++count == limit)
            break;
    }
    printf("%d records, their values add up to %d\n", count, sum);
    return rc;
}

ROOST_MAIN(argc, argv)
{
    ROOST_TRY(process_records(50));
    ROOST_TRY(ROOST_WITHIN(ROOST_SEC(20), process_records(35)));
    return 0;
}
