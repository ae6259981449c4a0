/* sync/watch.c - one value that changes.
 *
 * A change wakes all who wait and hands nothing over: each copies the value when it runs, so it
 * sees the latest even when there were several changes since. That a call comes back to the watch
 * after it was woken is why closing asks whether all have returned.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/watch.h>

#include <stdalign.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "sync/guard.h"

struct roost_watch {
    struct roosti_guard guard;
    struct roost_impl_waitq waiters; /* each has seen `version` */
    uint64_t version;
    uint64_t waits;
    uint32_t waiting; /* calls that wait, or are woken and have not been back */
    bool shut;
    char wait_text[48]; /* what waiting tasks wait for, for dumps */
    size_t size;
    alignas(max_align_t) unsigned char value[];
};

int roost_watch_open(size_t size, const void *initial, const roost_watch_opts *opts,
                     roost_watch **ret_watch)
{
    if (size == 0)
        return ROOST_EINVAL;
    if (size > SIZE_MAX / 2)
        return ROOST_ENOMEM;
    roost_watch *watch = roosti_alloc_zero(1, sizeof *watch + size, "a watch");
    if (!watch)
        return ROOST_ENOMEM;
    watch->size = size;
    watch->version = 1;
    watch->guard.shared = opts && opts->shared;
    snprintf(watch->wait_text, sizeof watch->wait_text, "change of %.31s",
             opts && opts->label ? opts->label : "watch");
    if (initial)
        memcpy(watch->value, initial, size);
    *ret_watch = watch;
    return 0;
}

void roost_watch_close(roost_watch *watch)
{
    if (!watch)
        return;
    roosti_guard_take(&watch->guard);
    bool idle = watch->waiting == 0;
    roosti_guard_leave(&watch->guard);
    roosti_require(idle, "no task waits on a watch that is closed");
    roosti_free(watch);
}

/* Enters a watch that can still be changed. */
static int watch_enter_to_change(roost_watch *watch)
{
    int rc = roosti_guard_enter(&watch->guard, roosti_loop_here);
    if (rc < 0 || !watch->shut)
        return rc;
    roosti_guard_leave(&watch->guard);
    return ROOST_ECLOSED;
}

/* Leaves after a change. */
static void watch_leave_changed(roost_watch *watch)
{
    struct roosti_wakes wakes = {NULL, NULL};
    watch->version++;
    roosti_wakes_add_all(&wakes, &watch->waiters, 0);
    roosti_guard_leave(&watch->guard);
    roosti_wakes_go(&watch->guard, &wakes);
}

int roost_watch_set(roost_watch *watch, const void *value)
{
    int rc = watch_enter_to_change(watch);
    if (rc < 0)
        return rc;
    memcpy(watch->value, value, watch->size);
    watch_leave_changed(watch);
    return 0;
}

int roost_watch_modify(roost_watch *watch, bool (*modify)(void *arg, void *value), void *arg)
{
    int rc = watch_enter_to_change(watch);
    if (rc < 0)
        return rc;
    if (modify(arg, watch->value)) {
        watch_leave_changed(watch);
        return 1;
    }
    roosti_guard_leave(&watch->guard);
    return 0;
}

/* Inside. */
static void watch_copy(const roost_watch *watch, void *value, uint64_t *version)
{
    if (value)
        memcpy(value, watch->value, watch->size);
    if (version)
        *version = watch->version;
}

int roost_watch_get(roost_watch *watch, void *value, uint64_t *version)
{
    int rc = roosti_guard_enter(&watch->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    watch_copy(watch, value, version);
    roosti_guard_leave(&watch->guard);
    return 0;
}

int roost_watch_changed(roost_watch *watch, uint64_t *version, void *value)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    int rc = roosti_op_begin(self->loop, self);
    if (rc < 0)
        return rc;
    rc = roosti_guard_enter(&watch->guard, self->loop);
    if (rc < 0)
        return rc;
    if (watch->version == *version) {
        if (watch->shut) {
            roosti_guard_leave(&watch->guard);
            return ROOST_ECLOSED;
        }
        watch->waits++;
        watch->waiting++;
        ROOSTI_UNSET struct roosti_guard_waiter waiter;
        waiter.base = (struct roost_impl_waiter){.task = self};
        rc = roosti_guard_park(&watch->guard, &watch->waiters, &waiter, watch->wait_text);
        roosti_guard_take(&watch->guard);
        watch->waiting--;
    }
    if (rc == 0)
        watch_copy(watch, value, version);
    roosti_guard_leave(&watch->guard);
    return rc;
}

int roost_watch_shutdown(roost_watch *watch)
{
    struct roosti_wakes wakes = {NULL, NULL};
    int rc = roosti_guard_enter(&watch->guard, roosti_loop_here);
    if (rc < 0)
        return rc;
    watch->shut = true;
    roosti_wakes_add_all(&wakes, &watch->waiters, ROOST_ECLOSED);
    roosti_guard_leave(&watch->guard);
    roosti_wakes_go(&watch->guard, &wakes);
    return 0;
}

void roost_watch_stats_get(roost_watch *watch, roost_watch_stats *stats)
{
    roosti_guard_take(&watch->guard);
    *stats = (roost_watch_stats){.version = watch->version,
                                 .waits = watch->waits,
                                 .waiting = watch->waiting,
                                 .shut = watch->shut};
    roosti_guard_leave(&watch->guard);
}
