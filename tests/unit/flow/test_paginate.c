/* tests/unit/flow/test_paginate.c - pages: their items, tokens, ends, failures, fetching ahead.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/generator.h>

#include <stdio.h>
#include <string.h>

#include <roost.h>

#include "kit/kit.h"

/* A service with `total` records, which are numbers from 0. */
struct service {
    int total;
    int fetches;    /* that began */
    int running;    /* now; never two */
    int cancelled;  /* fetches */
    int fail_at;    /* this fetch fails, from 1; 0: none */
    bool ends_dry;  /* the end is a page without items, not a mark */
    roost_dur each; /* time of a fetch */
    roost_event *gate;
};

static int service_wait(struct service *service)
{
    int rc = service->each > 0 ? roost_sleep(service->each) : 0;
    if (rc == 0 && service->gate)
        rc = roost_event_wait(service->gate);
    return rc;
}

/* The token is a text: "at N", empty for the first page. */
static int fetch(void *arg, roost_page *page)
{
    struct service *service = arg;
    service->fetches++;
    CHECK_EQ(1, ++service->running);
    int rc = service_wait(service);
    service->running--;
    if (rc < 0) {
        service->cancelled++;
        return rc;
    }
    char *token = page->token;
    int at = 0;
    if (token[0] != '\0' && sscanf(token, "at %d", &at) != 1)
        return -EBADMSG;
    if (page->number == 0)
        CHECK_EQ(0, at);
    snprintf(token, 64, "at %d", service->total + 1000); /* a failure must not leave this behind */
    if (service->fetches == service->fail_at)
        return -EIO;
    int count = 0;
    for (int *out = page->items; count < (int)page->max && at < service->total; count++)
        out[count] = at++;
    snprintf(token, 64, "at %d", at);
    page->last = !service->ends_dry && at == service->total;
    return count;
}

/* Walks all items and checks their order; how many there were, or the failure. */
static int walk(struct service *service, const roost_page_opts *opts)
{
    int count = 0;
    int rc = 0;
    ROOST_PAGINATE(pages, int, opts, fetch, service);
    ROOST_FOREACH(int, number, &pages->iter, rc)
        CHECK_EQ(count++, number);
    return rc < 0 ? rc : count;
}

ROOST_TEST(all_items_of_all_pages_come_in_order)
{
    for (uint32_t prefetch = 0; prefetch < 4; prefetch++)
        for (int total = 0; total < 8; total++) {
            roost_page_opts opts = {.page_items = 3, .prefetch = prefetch};
            struct service service = {.total = total};
            CHECK_EQ(total, walk(&service, &opts));
            CHECK_EQ(total == 0 ? 1 : (total + 2) / 3, service.fetches);
            service = (struct service){.total = total, .ends_dry = true, .each = ROOST_US(10)};
            CHECK_EQ(total, walk(&service, &opts));
            CHECK_EQ((total + 2) / 3 + 1, service.fetches);
        }
}

ROOST_TEST(the_defaults_are_a_hundred_items_and_nothing_ahead)
{
    struct service service = {.total = 250};
    CHECK_EQ(250, walk(&service, NULL));
    CHECK_EQ(3, service.fetches);
}

ROOST_TEST(a_page_is_fetched_when_it_is_needed)
{
    struct service service = {.total = 100};
    roost_page_opts opts = {.page_items = 2};
    int item = -1;
    ROOST_PAGINATE(pages, int, &opts, fetch, &service);
    CHECK_EQ(0, service.fetches);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(1, roost_iter_next(&pages->iter, &item));
        CHECK_EQ(i / 2 + 1, service.fetches);
    }
}

ROOST_TEST(prefetch_is_bounded)
{
    struct service service = {.total = 100};
    roost_page_opts opts = {.page_items = 2, .prefetch = 2};
    int item = -1;
    ROOST_PAGINATE(pages, int, &opts, fetch, &service);
    CHECK_OK(roost_test_settle());
    CHECK_EQ(0, service.fetches); /* nobody has asked */
    for (int i = 0; i < 8; i++) {
        CHECK_EQ(1, roost_iter_next(&pages->iter, &item));
        CHECK_EQ(i, item);
        CHECK_OK(roost_test_settle());
        CHECK_EQ(i / 2 + 3, service.fetches); /* the one in use and two ahead */
    }
    CHECK_EQ(0, roost_iter_close(&pages->iter));
    CHECK_OK(roost_test_settle());
    CHECK_EQ(6, service.fetches);
}

ROOST_TEST(fetching_ahead_saves_the_time_of_a_fetch)
{
    struct service service = {.total = 8, .each = ROOST_MS(10)};
    roost_page_opts opts = {.page_items = 2, .prefetch = 1};
    int rc = 0;
    ROOST_PAGINATE(pages, int, &opts, fetch, &service);
    ROOST_FOREACH(int, number, &pages->iter, rc)
        rc = roost_sleep(ROOST_MS(5) + (number < 0));
    CHECK_EQ(0, rc);
    if (roost_test_virtual())
        CHECK_EQ(ROOST_MS(50), roost_now() - roost_test_start()); /* 80 one after the other */
}

ROOST_TEST(a_failure_comes_after_the_items_before_it)
{
    for (uint32_t prefetch = 0; prefetch < 4; prefetch++) {
        roost_page_opts opts = {.page_items = 2, .prefetch = prefetch};
        struct service service = {.total = 20, .fail_at = 3};
        int item = -1;
        ROOST_PAGINATE(pages, int, &opts, fetch, &service);
        for (int i = 0; i < 4; i++) {
            CHECK_EQ(1, roost_iter_next(&pages->iter, &item));
            CHECK_EQ(i, item);
        }
        CHECK_EQ(-EIO, roost_iter_next(&pages->iter, &item));
        /* Its own task asks again for the page that failed; one that fetched ahead has ended. */
        CHECK_EQ(prefetch == 0, roost_iter_next(&pages->iter, &item));
        CHECK_EQ(prefetch == 0 ? 4 : 3, item);
        CHECK_EQ(0, roost_iter_close(&pages->iter));
    }
}

ROOST_TEST(an_early_end_cancels_the_fetch_under_way)
{
    struct service service = {.total = 100};
    roost_event gate = ROOST_EVENT_INIT;
    roost_page_opts opts = {.page_items = 2, .prefetch = 3};
    int rc = 0;
    ROOST_PAGINATE(pages, int, &opts, fetch, &service);
    ROOST_FOREACH(int, number, &pages->iter, rc) {
        service.gate = &gate;
        if (number == 4)
            break;
        rc = roost_test_settle();
        if (rc == 0 && number == 1)
            roost_ignore(roost_event_set(&gate));
        if (rc == 0 && number == 3)
            roost_ignore(roost_event_clear(&gate));
    }
    CHECK_EQ(0, rc);
    CHECK_EQ(0, service.running);
    CHECK(!roost_cancelled());
}

ROOST_TEST(a_cancelled_consumer_can_ask_again)
{
    for (uint32_t prefetch = 0; prefetch < 2; prefetch++) {
        struct service service = {.total = 3};
        roost_event gate = ROOST_EVENT_INIT;
        roost_page_opts opts = {.page_items = 2, .prefetch = prefetch};
        int item = -1;
        service.gate = &gate;
        ROOST_PAGINATE(pages, int, &opts, fetch, &service);
        CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(20), roost_iter_next(&pages->iter, &item)));
        CHECK_EQ(-1, item);
        roost_ignore(roost_event_set(&gate));
        for (int i = 0; i < 3; i++) {
            CHECK_EQ(1, roost_iter_next(&pages->iter, &item));
            CHECK_EQ(i, item);
        }
        CHECK_EQ(0, roost_iter_next(&pages->iter, &item));
        CHECK_EQ(prefetch == 0, service.cancelled);
    }
}

ROOST_TEST(a_deadline_around_all_of_it_ends_all_of_it)
{
    for (uint32_t prefetch = 0; prefetch < 2; prefetch++) {
        struct service service = {.total = 100, .each = ROOST_SEC(60)};
        roost_page_opts opts = {.prefetch = prefetch};
        CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(20), walk(&service, &opts)));
        CHECK_EQ(1, service.cancelled);
    }
}

ROOST_TEST(options_out_of_range_are_refused)
{
    struct service service = {.total = 3};
    CHECK_EQ(ROOST_EINVAL, walk(&service, &(roost_page_opts){.prefetch = 65}));
    CHECK_EQ(3, walk(&service, &(roost_page_opts){.prefetch = 64, .page_items = 1}));
    CHECK_EQ(ROOST_EINVAL, walk(&service, &(roost_page_opts){.page_items = SIZE_MAX}));
    CHECK_EQ(ROOST_EINVAL, walk(&service, &(roost_page_opts){.page_items = SIZE_MAX / 64}));
    CHECK_EQ(ROOST_EINVAL, walk(&service, &(roost_page_opts){.token_size = SIZE_MAX}));
    int item;
    ROOST_PAGINATE(pages, int, NULL, NULL, NULL);
    CHECK_EQ(ROOST_EINVAL, roost_iter_next(&pages->iter, &item));
}

static int claim_too_many(void *arg, roost_page *page)
{
    (void)arg;
    return (int)page->max + 1;
}

ROOST_TEST(more_items_than_there_is_room_for_are_refused)
{
    int item;
    for (uint32_t prefetch = 0; prefetch < 2; prefetch++) {
        roost_page_opts opts = {.prefetch = prefetch};
        ROOST_PAGINATE(pages, int, &opts, claim_too_many, NULL);
        CHECK_EQ(ROOST_EINVAL, roost_iter_next(&pages->iter, &item));
    }
}

/* Fetches nothing: it asks and closes the iterator it works for. */
struct meddler {
    roost_pages *pages;
    int next_rc;
    int end_rc;
};

static ROOST_SUSPENDS int meddle(void *arg, roost_page *page)
{
    struct meddler *meddler = arg;
    int item;
    (void)page;
    meddler->next_rc = roost_iter_next(&meddler->pages->iter, &item);
    meddler->end_rc = roost_iter_close(&meddler->pages->iter);
    return 0;
}

ROOST_TEST(a_fetch_that_meddles_is_refused)
{
    for (uint32_t prefetch = 0; prefetch < 2; prefetch++) {
        roost_page_opts opts = {.prefetch = prefetch};
        struct meddler meddler = {0};
        int item;
        ROOST_PAGINATE(pages, int, &opts, meddle, &meddler);
        meddler.pages = pages;
        CHECK_EQ(0, roost_iter_next(&pages->iter, &item));
        CHECK_EQ(ROOST_EDEADLK, meddler.next_rc);
        CHECK_EQ(ROOST_EDEADLK, meddler.end_rc);
        CHECK_EQ(0, roost_pages_end(pages));
        CHECK_EQ(0, roost_pages_end(pages));
    }
}

/* A page of one item, then nothing but meddling. */
static ROOST_SUSPENDS int meddle_ahead(void *arg, roost_page *page)
{
    if (page->number > 0) {
        ROOST_TRY(roost_sleep(ROOST_MS(1)));
        return meddle(arg, page);
    }
    *(int *)page->items = 7;
    return 1;
}

ROOST_TEST(a_fetch_ahead_that_meddles_while_nobody_asks_is_refused)
{
    roost_page_opts opts = {.prefetch = 2};
    struct meddler meddler = {.next_rc = ROOST_EDEADLK, .end_rc = ROOST_EDEADLK};
    int item = 0;
    ROOST_PAGINATE(pages, int, &opts, meddle_ahead, &meddler);
    meddler.pages = pages;
    CHECK_EQ(1, roost_iter_next(&pages->iter, &item));
    CHECK_EQ(7, item);
    CHECK_OK(roost_test_settle());
    CHECK_EQ(ROOST_EDEADLK, meddler.next_rc);
    CHECK_EQ(ROOST_EDEADLK, meddler.end_rc);
    CHECK_EQ(0, roost_iter_next(&pages->iter, &item));
}

ROOST_TEST(ended_out_of_order_is_refused)
{
    struct service service = {.total = 3};
    roost_page_opts opts = {.prefetch = 1};
    int item = -1;
    int rc = 0;
    ROOST_PAGINATE(pages, int, &opts, fetch, &service);
    ROOST_GROUP(g, rc) {
        CHECK_EQ(ROOST_EMISNEST, roost_pages_end(pages));
        CHECK_EQ(1, roost_iter_next(&pages->iter, &item));
        CHECK_EQ(0, item);
    }
    CHECK_EQ(0, rc);
}

ROOST_TEST(outside_a_task_no_page_is_fetched, .plain = true, .no_torture = true)
{
    struct service service = {.total = 3};
    int item;
    for (uint32_t prefetch = 0; prefetch < 2; prefetch++) {
        roost_page_opts opts = {.prefetch = prefetch};
        ROOST_PAGINATE(pages, int, &opts, fetch, &service);
        CHECK_EQ(ROOST_ENOCTX, roost_iter_next(&pages->iter, &item));
    }
    CHECK_EQ(0, service.fetches);
}
