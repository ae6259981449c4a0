/* io/serve_loops.c - one server on several loops, each with a listener of its own.
 *
 * The kernel spreads the connections over the listeners that share an address. The caller's loop
 * opens them all, serves with its own, and has calls on the other loops that serve with theirs. A
 * cancellation reaches those by itself; being asked to stop is told by a call of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/mem.h"
#include "io/serve.h"
#include "io/socket_stream.h"
#include "rt/run.h"

/* One loop's part. Touched on that loop only, from when its listener is being opened until it has
 * served. */
struct branch {
    struct fleet *fleet;
    int index; /* of the loop */
    roost_listener *listener;
    bool stopped; /* asked to, perhaps before it began */
    struct roosti_server server;
};

struct fleet {
    const char *address; /* in numbers, once the first listener is open */
    roost_call handler;
    const roost_serve_opts *opts;
    roost_listen_opts listen;
    uint32_t connections_max; /* of each loop */
    int count;
    struct branch *branches; /* the first is the caller's loop */
};

/* -- on each loop ------------------------------------------------------------------------------ */

ROOST_ASYNC(branch_open, struct branch *, branch)
{
    return roost_tcp_listen(branch->fleet->address, &branch->fleet->listen, &branch->listener);
}

ROOST_ASYNC(branch_close, struct branch *, branch)
{
    (void)roost_listener_close(branch->listener);
    branch->listener = NULL;
    return 0;
}

ROOST_ASYNC(branch_serve, struct branch *, branch)
{
    const struct fleet *fleet = branch->fleet;
    roost_listener *listener = branch->listener;
    branch->listener = NULL;
    if (branch->stopped) {
        (void)roost_listener_close(listener);
        return 0;
    }
    return roosti_server_run(&branch->server, listener, fleet->handler, fleet->opts,
                             fleet->connections_max);
}

ROOST_ASYNC(branch_stop, struct branch *, branch)
{
    branch->stopped = true;
    if (branch->server.group)
        roost_group_shutdown(branch->server.group, roosti_serve_grace(branch->fleet->opts));
    return 0;
}

/* -- on the caller's --------------------------------------------------------------------------- */

static int on_branch(struct branch *branch, roost_call call)
{
    int result = 0;
    int rc = roost_on_loop(branch->index, call, &result);
    return rc < 0 ? rc : result;
}

ROOST_ASYNC(branch_keep, struct branch *, branch)
{
    return on_branch(branch, ROOST_CALL(branch_serve, branch));
}

/* Passes on that the server is to stop. */
ROOST_ASYNC(branch_relay, struct branch *, branch)
{
    ROOST_TRY(roost_wait_stopping());
    return on_branch(branch, ROOST_CALL(branch_stop, branch));
}

static int fleet_open(struct fleet *fleet, char *name, size_t size)
{
    ROOST_TRY(branch_open(&fleet->branches[0]));
    ROOST_TRY(roost_listener_address(fleet->branches[0].listener, name, size));
    fleet->address = name;
    for (int i = 1; i < fleet->count; i++)
        ROOST_TRY(on_branch(&fleet->branches[i], ROOST_CALL(branch_open, &fleet->branches[i])));
    return 0;
}

static void fleet_close(struct fleet *fleet)
{
    ROOST_CLEANUP(ROOST_FOREVER) {
        for (int i = 0; i < fleet->count; i++)
            if (fleet->branches[i].listener)
                roost_ignore(
                    on_branch(&fleet->branches[i], ROOST_CALL(branch_close, &fleet->branches[i])));
    }
}

static int fleet_serve(struct fleet *fleet)
{
    int rc = 0;
    ROOST_GROUP(g, rc) {
        for (int i = 1; i < fleet->count; i++) {
            ROOST_GO(g, branch_keep, &fleet->branches[i]);
            ROOST_GO(g, branch_relay, &fleet->branches[i]);
        }
        rc = branch_serve(&fleet->branches[0]);
    }
    return rc;
}

static void fleet_stats(const struct fleet *fleet, roost_serve_stats *stats)
{
    *stats = (roost_serve_stats){0};
    for (int i = 0; i < fleet->count; i++) {
        const roost_serve_stats *part = &fleet->branches[i].server.stats;
        stats->accepted += part->accepted;
        stats->failed += part->failed;
        stats->cancelled += part->cancelled;
        stats->turned_off += part->turned_off;
        if (part->served_max > stats->served_max)
            stats->served_max = part->served_max;
    }
}

int roost_tcp_serve_call(const char *address, roost_call handler, const roost_serve_opts *opts)
{
    static const roost_serve_opts defaults;
    if (!roosti_self())
        return roosti_no_task();
    opts = opts ? opts : &defaults;
    int loops = roost_loop_count();
    struct fleet fleet = {.address = address, .handler = handler, .opts = opts};
    fleet.count = opts->threads <= 0 || opts->threads > loops ? loops : opts->threads;
    fleet.listen = opts->listen;
    fleet.listen.reuse_port = opts->listen.reuse_port || fleet.count > 1;
    uint32_t count = (uint32_t)fleet.count;
    fleet.connections_max = opts->connections_max / count + (opts->connections_max % count != 0);
    fleet.branches = roosti_alloc_zero(count, sizeof *fleet.branches, "a server");
    if (!fleet.branches)
        return ROOST_ENOMEM;
    for (int i = 0; i < fleet.count; i++) {
        fleet.branches[i].fleet = &fleet;
        fleet.branches[i].index = (roost_loop_index() + i) % loops;
    }
    char name[ROOST_ADDRESS_TEXT_MAX];
    int rc = fleet_open(&fleet, name, sizeof name);
    if (rc >= 0) {
        if (opts->ready)
            opts->ready(opts->ready_arg, name);
        rc = fleet_serve(&fleet);
    }
    fleet_close(&fleet);
    if (opts->stats)
        fleet_stats(&fleet, opts->stats);
    roosti_free(fleet.branches);
    return rc;
}
