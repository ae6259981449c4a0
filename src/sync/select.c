/* sync/select.c - waiting for several things at once.
 *
 * The places of up to eight cases lie in the frame, so that most selects ask for no memory. Nothing
 * of a place is written before its case is looked at: a select that finds something ready is short.
 *
 * SPDX-License-Identifier: MIT
 */
#include "sync/select.h"

#include "base/mem.h"

enum {
    PLACES_NEAR = 8,     /* in the frame */
    CASES_MAX = 1 << 16, /* a bound for the memory of one call */
    NO_CASE = -1
};

static inline bool case_lives(const roost_case *kase)
{
    return kase->priv.ops && kase->priv.on;
}

/* -- the objects ------------------------------------------------------------------------------- */

static void cases_hold(roost_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (case_lives(&cases[i]) && cases[i].priv.ops->hold)
            cases[i].priv.ops->hold(&cases[i]);
}

static void cases_release(roost_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (case_lives(&cases[i]) && cases[i].priv.ops->release)
            cases[i].priv.ops->release(&cases[i]);
}

/* Enters the guards of what is shared, each once, lower addresses first. Returns how many; they are
 * noted in the first places. */
static size_t guards_enter(roost_case *cases, struct roosti_case_place *places, size_t count)
{
    size_t guards = 0;
    for (size_t i = 0; i < count; i++) {
        roost_case *kase = &cases[i];
        if (!case_lives(kase) || !kase->priv.ops->guard)
            continue;
        struct roosti_guard *guard = kase->priv.ops->guard(kase);
        size_t at = guards;
        if (!guard)
            continue;
        while (at > 0 && (uintptr_t)places[at - 1].guard > (uintptr_t)guard)
            at--;
        if (at > 0 && places[at - 1].guard == guard)
            continue;
        for (size_t j = guards++; j > at; j--)
            places[j].guard = places[j - 1].guard;
        places[at].guard = guard;
    }
    for (size_t i = 0; i < guards; i++)
        roosti_guard_take(places[i].guard);
    return guards;
}

static void guards_leave(struct roosti_case_place *places, size_t guards)
{
    while (guards > 0)
        roosti_guard_leave(places[--guards].guard);
}

/* -- the turns --------------------------------------------------------------------------------- */

static void place_make(struct roosti_case_place *place, struct roosti_select *select,
                       roost_case *kase)
{
    place->waiter.base = (struct roost_impl_waiter){
        .task = select->self, .pick = &select->pick, .slot = kase->priv.slot};
    place->waiter.owner = kase->priv.on;
    place->kase = kase;
    place->select = select;
    place->enlisted = false;
}

/* Puts the cases into an order of their own for a fair select, every order as likely as the others:
 * so is then each of those that are ready. */
static void turns_draw(struct roosti_case_place *places, size_t count, struct roosti_loop *loop)
{
    for (size_t i = 0; i < count; i++) {
        size_t other = (size_t)(roosti_loop_random(loop) % (i + 1));
        places[i].turn = places[other].turn;
        places[other].turn = (uint32_t)i;
    }
}

static inline size_t turn_of(const struct roosti_case_place *places, size_t nth, bool fair)
{
    return fair ? places[nth].turn : nth;
}

/* Tries every case. Gives the index of the one that was ready, or NO_CASE. */
static int cases_try(roost_case *cases, struct roosti_case_place *places, size_t count,
                     struct roosti_select *select, bool fair)
{
    if (fair)
        turns_draw(places, count, select->self->loop);
    for (size_t i = 0; i < count; i++) {
        size_t at = turn_of(places, i, fair);
        roost_case *kase = &cases[at];
        if (!case_lives(kase))
            continue;
        place_make(&places[at], select, kase);
        if (!kase->priv.ops->try_now)
            continue;
        int rc = kase->priv.ops->try_now(&places[at]);
        if (rc == ROOST_EAGAIN)
            continue;
        kase->rc = rc;
        return (int)at;
    }
    return NO_CASE;
}

/* Puts every case in line, in the order they were tried; stops when one of them turns out to be
 * ready. */
static int cases_enlist(roost_case *cases, struct roosti_case_place *places, size_t count,
                        bool fair)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = turn_of(places, i, fair);
        if (!case_lives(&cases[at]))
            continue;
        if (cases[at].priv.ops->enlist(&places[at]) == 0)
            continue;
        /* Nobody else can have claimed it: no guard has been left, and nothing else has run. */
        (void)roosti_waiter_claim(&places[at].waiter.base);
        return (int)at;
    }
    return NO_CASE;
}

/* Waits until the port is done with the operations of cases that were taken back. */
static void ops_drain(struct roosti_select *select)
{
    if (select->ops_left == 0)
        return;
    select->draining = true;
    (void)roosti_park(select->self, NULL, "the end of a select", NULL);
}

/* A claim by the cancellation itself: nobody can serve the select any more. */
static bool select_abort(struct roost_task *task)
{
    struct roosti_select *select = task->wait.on;
    uint32_t none = 0;
    return roosti_atomic_cas(&select->pick.taken, &none, 1, ROOSTI_ACQ_REL);
}

static int select_park(struct roosti_select *select, size_t guards)
{
    struct roost_task *self = select->self;
    /* A shared object may be the business of any thread: this loop is not deadlocked. */
    self->loop->outside += guards > 0;
    int rc = roosti_park(self, select_abort, "select", select);
    self->loop->outside -= guards > 0;
    return rc;
}

/* -- select ------------------------------------------------------------------------------------ */

/* Nothing is ready, the guards are entered. Gives the index of the case that was served, or a code.
 */
static int select_wait(roost_case *cases, struct roosti_case_place *places, size_t count,
                       size_t guards, struct roosti_select *select, bool fair)
{
    int which = cases_enlist(cases, places, count, fair);
    int rc = 0;
    guards_leave(places, guards);
    if (which == NO_CASE) {
        rc = select_park(select, guards);
        for (size_t i = 0; i < count && select->pick.winner; i++)
            if (case_lives(&cases[i]) && select->pick.winner == &places[i].waiter.base)
                which = (int)i;
        if (which != NO_CASE)
            cases[which].rc = cases[which].priv.ops->settle
                                  ? cases[which].priv.ops->settle(&places[which], rc)
                                  : rc;
    }
    for (size_t i = 0; i < count; i++)
        if (case_lives(&cases[i]) && places[i].enlisted)
            cases[i].priv.ops->delist(&places[i]);
    ops_drain(select);
    return which == NO_CASE ? rc : which;
}

static int select_over(roost_case *cases, struct roosti_case_place *places, size_t count,
                       struct roost_task *self, bool fair)
{
    struct roosti_select select = {.self = self};
    size_t guards = guards_enter(cases, places, count);
    int which = cases_try(cases, places, count, &select, fair);
    if (which == NO_CASE)
        return select_wait(cases, places, count, guards, &select, fair);
    guards_leave(places, guards);
    roosti_chan_wake(select.served);
    return which;
}

static __attribute__((noinline)) int select_near(roost_case *cases, size_t count,
                                                 struct roost_task *self, bool fair)
{
    ROOSTI_UNSET struct roosti_case_place places[PLACES_NEAR];
    return select_over(cases, places, count, self, fair);
}

static __attribute__((noinline)) int select_far(roost_case *cases, size_t count,
                                                struct roost_task *self, bool fair)
{
    struct roosti_case_place *places =
        roosti_alloc(count * sizeof *places, "a select of many cases");
    if (!places)
        return ROOST_ENOMEM;
    int rc = select_over(cases, places, count, self, fair);
    roosti_free(places);
    return rc;
}

int roost_select_with(roost_case *cases, size_t count, const roost_select_opts *opts)
{
    struct roost_task *self = roosti_self();
    bool fair = opts && opts->fair;
    if (!self)
        return roosti_no_task();
    if (count > CASES_MAX)
        return ROOST_EINVAL;
    /* From here on the objects stay, though this task may give way or be told late. */
    cases_hold(cases, count);
    int rc = roosti_op_begin(self->loop, self);
    if (rc == 0)
        rc = count <= PLACES_NEAR ? select_near(cases, count, self, fair)
                                  : select_far(cases, count, self, fair);
    cases_release(cases, count);
    return rc;
}

int roost_select(roost_case *cases, size_t count)
{
    return roost_select_with(cases, count, NULL);
}

int roost_select_fair(roost_case *cases, size_t count)
{
    return roost_select_with(cases, count, &(roost_select_opts){.fair = true});
}
