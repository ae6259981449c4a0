/* flow/race.c - the first success wins.
 *
 * The group collects, so a failure cancels nobody; the winner cancels the group. The task that
 * races begins the calls, and between two of them it may wait on its sleep timer, which a failure
 * or a victory cuts short.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/race.h>

#include <limits.h>

#include "flow/crew.h"
#include "rt/loop.h"
#include "rt/timer.h"
#include "rt/trail.h"

struct race {
    struct roost_impl_crew crew;
    const roost_race_opts *opts;
    struct roost_task *starter; /* parked between two starts; else NULL */
    size_t hurry;               /* failures that have not brought a start forward yet */
    int winner;                 /* number of the call; -1: none */
    int result;
};

static void race_hurry(struct race *race)
{
    struct roost_task *starter = race->starter;
    if (!starter) {
        race->hurry++;
        return;
    }
    race->starter = NULL;
    roosti_timer_cancel(&starter->loop->timers, &starter->timer);
    roosti_wake(starter, 0);
}

static int race_ended(struct roost_impl_crew *crew, size_t index, int rc)
{
    struct race *race = roosti_container(crew, struct race, crew);
    const roost_race_opts *opts = race->opts;
    /* What a cancellation made of a call is nobody's outcome. */
    bool wins =
        rc >= 0 || (opts->any_outcome && !(rc == ROOST_ECANCELED && roosti_crew_cancelled(crew)));
    if (race->winner < 0 && wins) {
        race->winner = (int)index;
        race->result = rc;
        roost_group_cancel(&crew->group, "another call has won");
        return 0;
    }
    if (rc >= 0) {
        if (opts->discard)
            opts->discard(opts->arg, index, rc);
        return 0;
    }
    race_hurry(race);
    return rc;
}

/* -- between two starts ------------------------------------------------------------------------ */

static void pause_over(struct roost_impl_timer *timer)
{
    struct roost_task *starter = roosti_container(timer, struct roost_task, timer);
    ((struct race *)starter->wait.on)->starter = NULL;
    roosti_wake(starter, 0);
}

static bool pause_abort(struct roost_task *starter)
{
    ((struct race *)starter->wait.on)->starter = NULL;
    roosti_timer_cancel(&starter->loop->timers, &starter->timer);
    return true;
}

/* Waits until the next call is due: for the stagger, or for a failure. */
static int race_pause(struct race *race, roost_dur stagger)
{
    struct roost_task *self = roosti_self();
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    if (race->hurry > 0) {
        race->hurry--;
        return 0;
    }
    roost_time due = roost_time_add(roost_now(), stagger);
    if (due != ROOST_NEVER) {
        self->timer.fire = pause_over;
        roosti_timer_arm(&self->loop->timers, &self->timer, due);
    }
    race->starter = self;
    return roosti_park(self, pause_abort, "start of the next in a race", race);
}

static int race_start(struct race *race, size_t n, roost_dur stagger)
{
    for (size_t i = 0; i < n; i++) {
        int rc = i > 0 && stagger > 0 ? race_pause(race, stagger) : 0;
        if (rc == 0)
            rc = roosti_crew_go(&race->crew, NULL, i);
        if (rc == ROOST_ECANCELED)
            return rc;
        if (rc < 0)
            race->hurry++;
    }
    return 0;
}

/* -- the race ---------------------------------------------------------------------------------- */

static int race_settle(struct race *race, int rc, int started, roost_errors *kept)
{
    struct roost_task *self = roosti_self();
    bool lost = race->winner < 0;
    /* A failure is what a race is there for: it does not stand in for a cancellation. */
    if (lost && (rc == 0 || started < 0 || roosti_crew_interrupted(&race->crew)))
        rc = ROOST_ECANCELED;
    if (lost && rc != ROOST_ECANCELED && kept)
        roosti_trail_group(self, rc, kept);
    else if (kept)
        roost_errors_fini(kept);
    if (lost)
        return rc;
    if (race->opts->result)
        *race->opts->result = race->result;
    return race->winner;
}

static int race_run(const roost_call *calls, size_t n, roost_dur stagger,
                    const roost_race_opts *opts)
{
    static const roost_race_opts defaults = {0};
    struct race race = {.opts = opts ? opts : &defaults, .winner = -1};
    roost_errors kept = ROOST_ERRORS_INIT;
    if (n == 0 || n > INT_MAX)
        return ROOST_EINVAL;
    opts = race.opts;
    int rc = roosti_crew_open(&race.crew,
                              &(roost_group_opts){.policy = ROOST_COLLECT,
                                                  .errors = opts->errors ? opts->errors : &kept,
                                                  .label = opts->label ? opts->label : "race"},
                              calls, race_ended);
    if (rc < 0)
        return rc;
    int started = race_start(&race, n, stagger);
    rc = roost_group_end(&race.crew.group, started);
    return race_settle(&race, rc, started, opts->errors ? NULL : &kept);
}

int roost_race(const roost_call *calls, size_t n, const roost_race_opts *opts)
{
    return race_run(calls, n, opts ? opts->stagger : 0, opts);
}

int roost_staggered_race(const roost_call *calls, size_t n, roost_dur delay,
                         const roost_race_opts *opts)
{
    return race_run(calls, n, delay, opts);
}
