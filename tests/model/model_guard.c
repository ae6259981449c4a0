/* tests/model/model_guard.c - hand-over between loops: a value wins over a cancellation, is never
 * lost and never given twice; and of several places in queues (a select) one is served.
 *
 * The object under the guard is a cell that holds values nobody has waited for.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/error.h>

#include "model/hooks.h"
#include "model/model.h"
#include "model/loop_world.h"
#include "rt/inbox.h"
#include "sync/guard.h"

enum { CELLS = 2, WORLDS = 2 };

struct cell {
    struct roosti_guard guard;
    struct roost_impl_waitq waiters;
    int count; /* values that nobody has taken */
    int sum;   /* of them */
};

static struct {
    struct cell cells[CELLS];
    struct model_loop *worlds[WORLDS];
    int got[WORLDS];
    int rcs[WORLDS];
    roost_post_slot cancel;
} hall;

void model_locals(void)
{
    model_local((void **)&roosti_loop_here);
}

static void cell_put(struct cell *cell, int value)
{
    (void)roosti_guard_enter(&cell->guard, roosti_loop_here);
    struct roost_impl_waiter *waiter = roosti_waitq_pop(&cell->waiters);
    if (waiter) {
        *(int *)waiter->slot = value;
        roosti_guard_leave(&cell->guard);
        roosti_guard_wake(&cell->guard, waiter, 0);
        return;
    }
    cell->count++;
    cell->sum += value;
    roosti_guard_leave(&cell->guard);
}

static int cell_get(struct cell *cell, struct roost_task *self, int *value)
{
    (void)roosti_guard_enter(&cell->guard, roosti_loop_here);
    if (cell->count > 0) {
        *value = 1;
        cell->count--;
        cell->sum -= 1;
        roosti_guard_leave(&cell->guard);
        return 0;
    }
    ROOSTI_UNSET struct roosti_guard_waiter waiter;
    waiter.base = (struct roost_impl_waiter){.task = self, .slot = value};
    return roosti_guard_park(&cell->guard, &cell->waiters, &waiter, "a cell");
}

static void hall_begin(int worlds)
{
    model_world_begin();
    for (int i = 0; i < CELLS; i++)
        hall.cells[i] = (struct cell){.guard = {.shared = true}};
    for (int i = 0; i < worlds; i++)
        hall.worlds[i] = model_loop_new();
    for (int i = 0; i < WORLDS; i++)
        hall.got[i] = hall.rcs[i] = 0;
}

/* -- one waits, one puts, one cancels ---------------------------------------------------------- */

static void get_body(void *arg)
{
    int world = (int)(intptr_t)arg;
    hall.rcs[world] = cell_get(&hall.cells[0], roosti_self(), &hall.got[world]);
}

static void get_run(void *arg)
{
    model_loop_run(hall.worlds[(int)(intptr_t)arg], get_body, arg);
}

static void put_one(void *cell)
{
    cell_put(cell, 1);
}

static void cancel_arrive(void *arg)
{
    model_loop_cancel(arg);
}

static void cancel_send(void *arg)
{
    struct model_loop *world = arg;
    (void)roosti_inbox_send(world->loop.inbox, &hall.cancel); /* else the task has ended */
    roosti_inbox_unref(world->loop.inbox);
}

static void cancel_setup(void)
{
    hall_begin(1);
    roost_post_slot_init(&hall.cancel, cancel_arrive, hall.worlds[0]);
    roosti_inbox_ref(hall.worlds[0]->loop.inbox);
    model_thread("gets", get_run, (void *)0);
    model_thread("puts", put_one, &hall.cells[0]);
    model_thread("cancels", cancel_send, hall.worlds[0]);
}

static void cancel_finish(void)
{
    bool got = hall.rcs[0] == 0;
    model_check(got || hall.rcs[0] == ROOST_ECANCELED);
    model_check(hall.got[0] == got);
    model_check(hall.cells[0].count == !got);
    model_check(!hall.worlds[0]->cancelled && !hall.cells[0].waiters.first);
    model_check(model_heap_live() == 0);
}

/* -- two loops wait, one puts two -------------------------------------------------------------- */

static void put_two(void *cell)
{
    cell_put(cell, 1);
    cell_put(cell, 1);
}

static void two_loops_setup(void)
{
    hall_begin(2);
    model_thread("one", get_run, (void *)0);
    model_thread("other", get_run, (void *)1);
    model_thread("puts", put_two, &hall.cells[0]);
}

static void two_loops_finish(void)
{
    for (int i = 0; i < WORLDS; i++)
        model_check(hall.rcs[i] == 0 && hall.got[i] == 1 && !hall.worlds[i]->cancelled);
    model_check(hall.cells[0].count == 0 && !hall.cells[0].waiters.first);
}

/* -- a select over two cells, two who put ------------------------------------------------------ */

static bool select_abort(struct roost_task *task)
{
    (void)task;
    return false;
}

/* As sync/select.c does: both guards in order, both places enlisted, one pick. */
static void select_body(void *arg)
{
    struct roost_task *self = roosti_self();
    struct roosti_pick pick = {0};
    struct roosti_guard_waiter waiters[CELLS];
    (void)arg;
    for (int i = 0; i < CELLS; i++)
        roosti_guard_take(&hall.cells[i].guard);
    for (int i = 0; i < CELLS; i++) {
        if (hall.cells[i].count == 0)
            continue;
        hall.cells[i].count--;
        hall.got[0]++;
        for (int j = 0; j < CELLS; j++)
            roosti_guard_leave(&hall.cells[j].guard);
        return;
    }
    for (int i = 0; i < CELLS; i++) {
        waiters[i].base =
            (struct roost_impl_waiter){.task = self, .slot = &hall.got[i], .pick = &pick};
        roosti_waitq_push(&hall.cells[i].waiters, &waiters[i].base);
    }
    for (int i = 0; i < CELLS; i++)
        roosti_guard_leave(&hall.cells[i].guard);
    self->loop->outside++;
    (void)roosti_park(self, select_abort, "a select", NULL);
    self->loop->outside--;
    model_check(pick.winner == &waiters[0].base || pick.winner == &waiters[1].base);
    for (int i = 0; i < CELLS; i++) {
        roosti_guard_take(&hall.cells[i].guard);
        if (waiters[i].base.queued)
            roosti_waitq_remove(&hall.cells[i].waiters, &waiters[i].base);
        roosti_guard_leave(&hall.cells[i].guard);
    }
}

static void select_run(void *arg)
{
    model_loop_run(hall.worlds[0], select_body, arg);
}

static void select_setup(void)
{
    hall_begin(1);
    model_thread("selects", select_run, NULL);
    for (int i = 0; i < CELLS; i++)
        model_thread(i ? "second" : "first", put_one, &hall.cells[i]);
}

static void select_finish(void)
{
    model_check(hall.got[0] + hall.got[1] == 1);
    model_check(hall.cells[0].count + hall.cells[1].count == 1);
    model_check(!hall.worlds[0]->cancelled);
    for (int i = 0; i < CELLS; i++)
        model_check(!hall.cells[i].waiters.first);
}

const struct model_case model_cases[] = {
    {"a_value_or_a_cancellation", cancel_setup, cancel_finish, NULL, 0},
    {"two_loops_get_two_values", two_loops_setup, two_loops_finish, NULL, 1},
    {"a_select_is_served_once", select_setup, select_finish, NULL, 2},
    {NULL, NULL, NULL, NULL, 0},
};
