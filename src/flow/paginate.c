/* flow/paginate.c - pages: fetched as their items are used, or a bounded number ahead.
 *
 * Pages lie in a ring of prefetch + 1 slots, of which the consumer is in one:
 *
 *     begun - 1            fetched
 *        v                    v
 *   [ in use ][ ready ][ ready ][ being fetched ]      page k is in slot k % (prefetch + 1)
 *
 * Without prefetch the ring has one slot and the consumer's own task fetches into it. With prefetch
 * a task of its own does, on top of a generator that never yields: what a generator does at its
 * end, early or not, is what has to happen here. A failure is told when the pages before it have
 * been used up, which is when the consumer asks for the generator's end.
 *
 * SPDX-License-Identifier: MIT
 */
#include <stdalign.h>
#include <string.h>

#include "base/mem.h"
#include "flow/generator.h"
#include "rt/loop.h"

enum { PAGE_ITEMS = 100, TOKEN_SIZE = 64, PREFETCH_MAX = 64 };

struct roost_impl_page_slot {
    size_t count; /* items */
    char *items;
};

static roost_pages *pages_of(roost_iter *iter)
{
    return roosti_container(iter, roost_pages, iter);
}

static struct roost_impl_page_slot *slot_of(const roost_pages *pages, uint64_t page)
{
    return &pages->priv.slots[page % (pages->priv.prefetch + 1)];
}

/* -- memory ------------------------------------------------------------------------------------ */

static size_t align_up(size_t size)
{
    return (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
}

/* Whether the sizes can be multiplied and added up, with room to spare for all slots. */
static bool pages_fit(const roost_pages *pages)
{
    size_t page_size;
    size_t most = PTRDIFF_MAX / (PREFETCH_MAX + 2);
    return pages->priv.prefetch <= PREFETCH_MAX && pages->priv.token_size < most / 4 &&
           !__builtin_mul_overflow(pages->priv.page_items, pages->iter.item_size, &page_size) &&
           page_size < most;
}

/* -- fetching ---------------------------------------------------------------------------------- */

/* Fetches the next page into its slot, which is free. The token moves on when that has worked, so
 * that a failed fetch can be tried again. 0 or a code. */
static int page_fetch(roost_pages *pages)
{
    struct roost_impl_page_slot *slot = slot_of(pages, pages->priv.fetched);
    char *token = pages->priv.tokens + align_up(pages->priv.token_size);
    memcpy(token, pages->priv.tokens, pages->priv.token_size);
    roost_page page = {.number = pages->priv.fetched,
                       .token = token,
                       .items = slot->items,
                       .max = pages->priv.page_items};
    int rc = pages->priv.fetch(pages->priv.arg, &page);
    if (rc >= 0 && (size_t)rc > page.max)
        rc = ROOST_EINVAL;
    if (rc < 0)
        return rc;
    memcpy(pages->priv.tokens, token, pages->priv.token_size);
    slot->count = (size_t)rc;
    pages->priv.over = rc == 0 || page.last;
    pages->priv.fetched++;
    return 0;
}

/* Lets whoever is parked there go. */
static void wake_if_parked(struct roost_task **place)
{
    struct roost_task *task = *place;
    if (!task)
        return;
    *place = NULL;
    roosti_wake(task, 0);
}

static bool pages_wait_abort(struct roost_task *task)
{
    *(struct roost_task **)task->wait.on = NULL;
    return true;
}

/* Asked again before each wait: a cancellation may have come after a wake-up. */
static int pages_wait(struct roost_task **place, struct roost_task *self, const char *what)
{
    int rc = roosti_op_refused(self);
    if (rc < 0)
        return rc;
    *place = self;
    return roosti_park(self, pages_wait_abort, what, place);
}

static bool pages_has_room(const roost_pages *pages)
{
    uint64_t in_use = pages->priv.begun > 0 ? pages->priv.begun - 1 : 0;
    return pages->priv.fetched - in_use <= pages->priv.prefetch;
}

static int pages_run_ahead(roost_pages *pages)
{
    struct roost_task *self = roosti_self();
    while (!pages->priv.over) {
        int rc = 0;
        if (!pages_has_room(pages))
            rc = pages_wait(&pages->priv.fetcher, self, "room for another page");
        else
            rc = page_fetch(pages);
        if (rc < 0)
            return rc;
        wake_if_parked(&pages->priv.consumer);
    }
    return 0;
}

/* The task that fetches ahead. What it returns is told at the end of the pages it has fetched. */
ROOST_ASYNC(pages_ahead, roost_pages *, pages)
{
    int rc = pages_run_ahead(pages);
    pages->priv.over = true;
    wake_if_parked(&pages->priv.consumer);
    return rc;
}

/* -- the iterator ------------------------------------------------------------------------------ */

/* One block: the slots, what the task that fetches ahead is called with, two tokens, and the items
 * of each slot. */
static int pages_alloc(roost_pages *pages)
{
    size_t slots = pages->priv.prefetch + 1;
    size_t slots_size = align_up(slots * sizeof *pages->priv.slots);
    size_t args_size = align_up(sizeof(struct roost_args_pages_ahead));
    size_t tokens_size = align_up(2 * align_up(pages->priv.token_size));
    size_t page_size = align_up(pages->priv.page_items * pages->iter.item_size);
    char *block =
        roosti_alloc_zero(1, slots_size + args_size + tokens_size + slots * page_size, "pages");
    if (!block)
        return ROOST_ENOMEM;
    pages->priv.slots = (struct roost_impl_page_slot *)(void *)block;
    struct roost_args_pages_ahead *args =
        (struct roost_args_pages_ahead *)(void *)(block + slots_size);
    *args = (struct roost_args_pages_ahead){&roost_info_pages_ahead, pages};
    pages->priv.ahead.priv.call = (roost_call){&args->roost_info};
    pages->priv.tokens = block + slots_size + args_size;
    for (size_t i = 0; i < slots; i++)
        pages->priv.slots[i].items = pages->priv.tokens + tokens_size + i * page_size;
    return 0;
}

/* Memory, and the task; each is there already when a call before failed half-way. */
static int pages_begin(roost_pages *pages)
{
    int rc = pages->priv.slots ? 0 : pages_alloc(pages);
    if (rc < 0 || pages->priv.prefetch == 0)
        return rc;
    return roosti_gen_start(&pages->priv.ahead);
}

/* Waits until one more page is there, or there will be none. 0 or a code. */
static int pages_await(roost_pages *pages, struct roost_task *self)
{
    return pages->priv.prefetch > 0 ? pages_wait(&pages->priv.consumer, self, "a page")
                                    : page_fetch(pages);
}

/* Moves to the next page: 1, 0 at the end, or a code. */
static int pages_turn(roost_pages *pages, struct roost_task *self)
{
    while (pages->priv.begun == pages->priv.fetched) {
        if (pages->priv.over)
            return pages->priv.prefetch > 0 ? roost_iter_next(&pages->priv.ahead.iter, NULL) : 0;
        int rc = pages_await(pages, self);
        if (rc < 0)
            return rc;
    }
    pages->priv.begun++;
    pages->priv.at = 0;
    wake_if_parked(&pages->priv.fetcher);
    return 1;
}

static int pages_item(roost_pages *pages, struct roost_task *self, void *item)
{
    bool begun = pages->priv.prefetch > 0 ? pages->priv.ahead.priv.task || pages->priv.over
                                          : pages->priv.slots != NULL;
    int rc = begun ? 0 : pages_begin(pages);
    if (rc < 0)
        return rc;
    while (pages->priv.begun == 0 || pages->priv.at == slot_of(pages, pages->priv.begun - 1)->count)
        if ((rc = pages_turn(pages, self)) <= 0)
            return rc;
    struct roost_impl_page_slot *slot = slot_of(pages, pages->priv.begun - 1);
    size_t item_size = pages->iter.item_size;
    memcpy(item, slot->items + pages->priv.at * item_size, item_size);
    pages->priv.at++;
    return 1;
}

/* Why this task may neither ask nor close now: 0 when it may. */
static int pages_refused(const roost_pages *pages, const struct roost_task *self)
{
    if (pages->priv.prefetch > 0 && self && self == pages->priv.ahead.priv.task)
        return ROOST_EDEADLK;
    if (!pages->priv.user)
        return 0;
    return pages->priv.user == self ? ROOST_EDEADLK : ROOST_EBUSY;
}

/* While a task is in here, another one is refused, and so is the closing. */
static int pages_next(roost_iter *iter, void *item)
{
    roost_pages *pages = pages_of(iter);
    struct roost_task *self = roosti_self();
    if (roosti_unlikely(!self))
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (roosti_unlikely(rc < 0))
        return rc;
    if (roosti_unlikely(pages->priv.rc < 0))
        return pages->priv.rc;
    if (roosti_unlikely((rc = pages_refused(pages, self)) < 0))
        return rc;
    pages->priv.user = self;
    rc = pages_item(pages, self, item);
    pages->priv.user = NULL;
    return rc;
}

/* Idempotent. The memory stays while somebody uses it. */
static int pages_stop(roost_pages *pages)
{
    int rc = pages_refused(pages, roosti_self());
    if (rc < 0)
        return rc;
    rc = pages->priv.prefetch > 0 ? roosti_gen_stop(&pages->priv.ahead) : 0;
    if (pages->priv.prefetch > 0 && pages->priv.ahead.priv.task)
        return rc;
    roosti_free(pages->priv.slots);
    pages->priv.slots = NULL;
    return rc;
}

static int pages_close(roost_iter *iter)
{
    return pages_stop(pages_of(iter));
}

/* -- life -------------------------------------------------------------------------------------- */

roost_pages *roost_paginate(roost_pages *pages, size_t item_size, const roost_page_opts *opts,
                            roost_page_fn fetch, void *arg)
{
    static const roost_iter_ops ops = {pages_next, pages_close};
    static const roost_page_opts defaults = {0};
    if (!opts)
        opts = &defaults;
    memset(&pages->priv, 0, offsetof(roost_pages, priv.ahead) - offsetof(roost_pages, priv));
    roost_iter_init(&pages->iter, &ops, item_size);
    pages->priv.fetch = fetch;
    pages->priv.arg = arg;
    pages->priv.page_items = opts->page_items > 0 ? opts->page_items : PAGE_ITEMS;
    pages->priv.token_size = opts->token_size > 0 ? opts->token_size : TOKEN_SIZE;
    pages->priv.prefetch = opts->prefetch;
    if (!fetch || !pages_fit(pages)) {
        pages->priv.rc = ROOST_EINVAL;
        pages->priv.prefetch = 0;
    }
    if (pages->priv.prefetch > 0)
        (void)roost_gen_open(&pages->priv.ahead, 0, (roost_call){NULL});
    return pages;
}

int roost_pages_end(roost_pages *pages)
{
    if (pages->priv.prefetch > 0 && roosti_gen_misnested(&pages->priv.ahead))
        return ROOST_EMISNEST;
    int rc = pages_stop(pages);
    if (pages->priv.slots)
        return rc;
    (void)roost_iter_close(&pages->iter);
    if (pages->priv.prefetch > 0)
        (void)roost_gen_end(&pages->priv.ahead);
    return rc;
}

void roost_pages_cleanup(roost_pages *pages)
{
    int rc = roost_pages_end(pages);
    roosti_require(rc != ROOST_EMISNEST, "pages end innermost first, by the task that made them");
    roosti_require(rc != ROOST_EBUSY, "no task waits for pages whose block is left");
}
