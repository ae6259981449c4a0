/* io/serve.h - a server on one loop.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_SERVE_H
#define ROOST_IO_SERVE_H

#include <roost/group.h>
#include <roost/semaphore.h>
#include <roost/serve.h>

struct roosti_server {
    const roost_serve_opts *opts;
    roost_call handler;
    roost_listener *listener; /* NULL once it is closed */
    roost_group *group;       /* NULL: not yet, or no more */
    roost_scope accepting;
    roost_sem places; /* used with a bound on connections */
    bool bounded;
    uint32_t live;
    int spare;           /* a descriptor kept for when there are no others; -1: none */
    roost_time warned;   /* when it last said that there are none */
    struct seat *seat;   /* what a connection's task begins with; copied for each */
    size_t block_offset; /* from the seat to the handler's arguments */
    roost_async_info info;
    char name[ROOST_ADDRESS_TEXT_MAX];
    roost_serve_stats stats;
};

/* Serves until asked to stop; the listener is taken, whatever comes of it. connections_max: on this
 * loop. The server may be asked to stop through its group as soon as that is there. */
int roosti_server_run(struct roosti_server *server, roost_listener *listener, roost_call handler,
                      const roost_serve_opts *opts, uint32_t connections_max);

/* How long handlers are given. */
roost_dur roosti_serve_grace(const roost_serve_opts *opts);

#endif
