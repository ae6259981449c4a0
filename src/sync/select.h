/* sync/select.h - what a kind of case brings to a select.
 *
 * A select goes: hold the objects, enter the guards of those that are shared (in order of their
 * addresses, so that two selects cannot wait for each other), try each case; and, when none is
 * ready, enlist all of them, leave the guards, park. From then on whoever can serve a case claims
 * the select's pick first, and the first claim wins: a compare-and-swap, since it may come from
 * another thread. The task then takes all the others back.
 *
 * A kind of case in a layer above makes its own ops and a macro that puts them into a roost_case.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SYNC_SELECT_H
#define ROOST_SYNC_SELECT_H

#include <roost/impl/held.h>
#include <roost/select.h>

#include "port/port.h"
#include "sync/chan.h"
#include "sync/guard.h"

struct roosti_select;

/* The place of one case in whatever it waits for, in the frame of the select. */
struct roosti_case_place {
    struct roosti_guard_waiter waiter; /* base: task and pick are set; slot is the case's */
    roost_case *kase;
    struct roosti_select *select;
    struct roosti_guard *guard; /* the n-th in order to be entered; not this case's own */
    uint32_t turn;              /* which case is the n-th to be tried; also not this one's */
    bool enlisted;              /* has to be taken back */
    union {
        struct roost_impl_timer timer;
        struct roosti_op op;
        struct {
            struct roost_impl_held ended; /* in the list of the task that is to be joined */
            int result;
        } join;
    } u;
};

struct roosti_select {
    struct roost_task *self;
    struct roosti_pick pick;
    struct roosti_chan_served served; /* by the case that was ready */
    uint32_t ops_left;                /* operations of the port that have not had their last word */
    bool draining;                    /* the task waits for that word */
};

struct roost_impl_case_ops {
    /* Goes on if that needs no waiting: the case's result, or ROOST_EAGAIN. Inside the guard when
     * the object is shared. NULL: never ready before it is enlisted. */
    int (*try_now)(struct roosti_case_place *place);
    /* Waits in line. 0; or 1: it turned out to be ready, with kase->rc. */
    int (*enlist)(struct roosti_case_place *place);
    /* Takes an enlisted case back, unless it was served: then it is out of line already. The object
     * may be gone unless it is held. */
    void (*delist)(struct roosti_case_place *place);
    /* The case has been served with rc: gives its result. NULL: that is rc. */
    int (*settle)(struct roosti_case_place *place, int rc);
    /* Keep and let go of the object's memory. NULL: it stays where it is. */
    void (*hold)(roost_case *kase);
    void (*release)(roost_case *kase);
    /* The guard of a shared object, NULL when it is not shared. NULL: none ever is. */
    struct roosti_guard *(*guard)(roost_case *kase);
};

/* On the loop of the select: this case can go on. False: another one was faster. */
static inline bool roosti_select_serve(struct roosti_case_place *place)
{
    if (!roosti_waiter_claim(&place->waiter.base))
        return false;
    roosti_wake(place->select->self, 0);
    return true;
}

#endif
