/* flow/workers.c - tasks that work off a channel.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/workers.h>

#include <stdalign.h>

#include <roost/group.h>

#include "base/mem.h"
#include "rt/loop.h"
#include "sync/chan.h"

/* Most bytes of an item that lie in a worker's frame. */
enum { ITEM_KEPT = 256 };

#define BACKOFF_MAX ROOST_SEC(30)

/* In the frame of roost_workers, which outlives its workers. */
struct crew_of_workers {
    roost_chan *ch;
    roost_work_fn work;
    void *arg;
    roost_workers_opts opts;
};

/* A job has failed: 0 to go on, after a pause, or the code that ends all. */
static int worker_failed(const struct crew_of_workers *crew, const void *item, int rc,
                         roost_dur *backoff)
{
    if (rc == ROOST_ECANCELED || !crew->opts.on_failure)
        return rc;
    rc = crew->opts.on_failure(crew->arg, item, rc);
    if (rc < 0 || *backoff <= 0)
        return rc < 0 ? rc : 0;
    roost_dur pause = *backoff;
    *backoff = pause < BACKOFF_MAX / 2 ? pause * 2 : BACKOFF_MAX;
    return roost_sleep(pause);
}

static int worker_run(const struct crew_of_workers *crew, void *item)
{
    roost_dur backoff = crew->opts.backoff;
    int rc;
    while ((rc = roost_chan_recv(crew->ch, item)) == 0) {
        rc = crew->work(crew->arg, item);
        if (rc >= 0)
            backoff = crew->opts.backoff;
        else if ((rc = worker_failed(crew, item, rc, &backoff)) < 0)
            break;
    }
    return rc == ROOST_ECLOSED ? 0 : rc;
}

ROOST_ASYNC(worker, const struct crew_of_workers *, crew)
{
    alignas(max_align_t) char kept[ITEM_KEPT];
    size_t size = crew->ch->core->item_size;
    void *item = size <= sizeof kept ? kept : roosti_alloc(size, "a worker's item");
    if (!item)
        return ROOST_ENOMEM;
    int rc = worker_run(crew, item);
    if (item != kept)
        roosti_free(item);
    return rc;
}

int roost_workers(uint32_t count, roost_chan *ch, roost_work_fn work, void *arg,
                  const roost_workers_opts *opts)
{
    static const roost_workers_opts defaults = {0};
    if (!roosti_self())
        return roosti_no_task();
    if (count == 0 || !ch || !work)
        return ROOST_EINVAL;
    struct crew_of_workers crew = {
        .ch = ch, .work = work, .arg = arg, .opts = opts ? *opts : defaults};
    const char *label = crew.opts.label ? crew.opts.label : "worker";
    const roost_spawn_opts named = {.name = label};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.label = label}) {
        for (uint32_t i = 0; i < count && rc == 0; i++)
            rc = roost_spawn(g, ROOST_CALL(worker, &crew), &named, NULL);
    }
    return rc;
}
