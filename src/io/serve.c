/* io/serve.c - a server on one loop.
 *
 * One group holds a task that accepts and a task for each connection; the serving call itself waits
 * inside it to be asked to stop. A connection's task begins with a seat, behind which lies a copy
 * of the handler's arguments; the first of them is the connection.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/serve.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "io/socket_stream.h"
#include "rt/report.h"

#define GRACE_DEFAULT ROOST_SEC(10)
#define PAUSE ROOST_MS(50) /* after a failure that time may mend */
#define WARN_EVERY ROOST_SEC(10)

/* Of a handler's arguments; a task takes 4,096 with the seat. */
enum { ARGS_MAX = 3900 };

struct seat {
    const roost_async_info *info;
    struct roosti_server *server;
    roost_stream *stream;
};

/* What every handler's block begins with. */
struct handler_args {
    const roost_async_info *info;
    roost_stream *stream;
};

roost_dur roosti_serve_grace(const roost_serve_opts *opts)
{
    return opts->grace > 0 ? opts->grace : opts->grace < 0 ? 0 : GRACE_DEFAULT;
}

static const char *server_label(const struct roosti_server *server)
{
    return server->opts->label ? server->opts->label : (*server->handler.args)->name;
}

/* -- a connection ------------------------------------------------------------------------------ */

/* Tells of the error; negative: the server is to end with it. The peer's name is made here and not
 * before the handler runs: making it takes more stack than most handlers, and the page that it
 * touched would stay for as long as the connection lives. */
static __attribute__((noinline)) int conn_failed(struct roosti_server *server, int rc,
                                                 roost_stream *stream)
{
    const roost_serve_opts *opts = server->opts;
    roost_error error;
    char peer[ROOST_ADDRESS_TEXT_MAX];
    server->stats.failed++;
    if (roost_error_last(&error) < 0 || error.code != rc)
        error = (roost_error){.code = rc, .at = roost_now()};
    if (roost_stream_attr(stream, ROOST_ATTR_PEER_NAME, peer, sizeof peer) < 0)
        peer[0] = '\0';
    if (opts->on_error)
        return opts->on_error(opts->on_error_arg, &error, peer);
    roosti_report("serve %s: %s for %s failed: %s (%s)", server->name, server_label(server),
                  peer[0] ? peer : "somebody", roost_error_text(rc), roost_error_name(rc));
    return 0;
}

static int conn_serve(struct roosti_server *server, roost_stream **stream, void *block)
{
    const roost_serve_opts *opts = server->opts;
    if (opts->wrap) {
        int rc = opts->wrap(opts->wrap_arg, *stream, stream);
        if (rc < 0)
            return rc;
    }
    ((struct handler_args *)block)->stream = *stream;
    return ((struct handler_args *)block)->info->entry(block);
}

static int conn_entry(void *args)
{
    struct seat *seat = args;
    struct roosti_server *server = seat->server;
    roost_stream *stream = seat->stream;
    int rc = conn_serve(server, &stream, (char *)args + server->block_offset);
    int verdict = rc < 0 ? rc : 0;
    if (rc < 0 && rc != ROOST_ECANCELED)
        verdict = conn_failed(server, rc, stream);
    if (rc == ROOST_ECANCELED) {
        server->stats.cancelled++;
        roost_stream_abort(stream);
    } else {
        /* What a good-bye meets is the peer's affair, the handler has done its work. */
        (void)roost_stream_close(stream);
    }
    server->live--;
    if (server->bounded)
        (void)roost_sem_release(&server->places);
    return verdict < 0 ? verdict : 0;
}

/* -- accepting --------------------------------------------------------------------------------- */

static int spare_open(void)
{
    struct roosti_port *port = roosti_loop_here->port;
    return port->ops->fd.socket(port, AF_UNIX, SOCK_STREAM, 0);
}

static void spare_close(struct roosti_server *server)
{
    struct roosti_port *port = roosti_loop_here->port;
    if (server->spare >= 0)
        (void)port->ops->fd.close(port, server->spare);
    server->spare = -1;
}

static void warn(struct roosti_server *server, int rc)
{
    roost_time now = roost_now();
    if (server->warned != 0 && now - server->warned < WARN_EVERY)
        return;
    server->warned = now;
    roosti_report("serve %s: new connections are turned away: %s (%s)", server->name,
                  roost_error_text(rc), roost_error_name(rc));
}

/* No descriptor is left. Whoever waits to be accepted would wait for nothing, and the listener stay
 * ready; so the spare one is used to hang up on one of them. */
static int turn_one_away(struct roosti_server *server, int rc)
{
    roost_stream *stream;
    warn(server, rc);
    if (server->spare < 0)
        return 0;
    rc = roosti_listener_wait(server->listener);
    if (rc < 0)
        return rc;
    spare_close(server);
    rc = roost_listener_accept(server->listener, &stream);
    if (rc == 0) {
        roost_stream_abort(stream);
        server->stats.turned_off++;
    }
    server->spare = spare_open();
    return rc;
}

/* Accepting has failed: 0 to go on, or the code that ends the server. */
static int accept_failed(struct roosti_server *server, int rc)
{
    switch (rc) {
    case -ECONNABORTED:
    case -EINTR:
    case -EPROTO:
    case -EPERM: /* a firewall's rule */
        return 0;
    case -EMFILE:
    case -ENFILE:
        rc = turn_one_away(server, rc);
        if (rc == ROOST_ECANCELED || rc == ROOST_ECLOSED)
            return rc;
        break;
    case -ENOBUFS:
    case -ENOMEM:
        warn(server, rc);
        break;
    /* What the network did to the connection before it was accepted. */
    case -ENETDOWN:
    case -ENETUNREACH:
    case -EHOSTDOWN:
    case -EHOSTUNREACH:
    case -ENONET:
    case -ENOPROTOOPT:
        break;
    default:
        return rc;
    }
    return roost_sleep(PAUSE);
}

/* Gives a connection its task: 0, or the code of failing to. */
static int conn_begin(struct roosti_server *server, roost_stream *stream)
{
    server->seat->stream = stream;
    roost_call call = {(const roost_async_info *const *)(const void *)server->seat};
    int rc = roost_spawn(server->group, call, NULL, NULL);
    if (rc < 0)
        return rc;
    server->stats.accepted++;
    if (++server->live > server->stats.served_max)
        server->stats.served_max = server->live;
    return 0;
}

static int accept_all(struct roosti_server *server)
{
    for (;;) {
        roost_stream *stream;
        if (server->bounded)
            ROOST_TRY(roost_sem_acquire(&server->places));
        int rc = roost_listener_accept(server->listener, &stream);
        if (rc == 0) {
            rc = conn_begin(server, stream);
            if (rc == 0)
                continue;
            roost_stream_abort(stream);
            server->stats.turned_off++;
            warn(server, rc);
            rc = rc == ROOST_ECANCELED ? rc : roost_sleep(PAUSE);
        } else {
            rc = accept_failed(server, rc);
        }
        if (server->bounded)
            (void)roost_sem_release(&server->places);
        if (rc < 0)
            return rc;
    }
}

ROOST_ASYNC(serve_accept, struct roosti_server *, server)
{
    int rc = roost_scope_enter(&server->accepting);
    if (rc == 0)
        rc = roost_scope_end(&server->accepting, accept_all(server));
    /* From here on newcomers are refused, and do not wait for nothing. */
    (void)roost_listener_close(server->listener);
    server->listener = NULL;
    if (!roost_scope_cancelled(&server->accepting))
        roost_group_cancel(server->group, "no longer accepting");
    return rc;
}

/* -- serving ----------------------------------------------------------------------------------- */

/* The block every connection's task gets a copy of. */
static int seat_make(struct roosti_server *server, roost_call handler)
{
    const roost_async_info *info = *handler.args;
    size_t align = info->args_align > sizeof(void *) ? info->args_align : sizeof(void *);
    size_t offset = (sizeof(struct seat) + align - 1) / align * align;
    if (info->args_size > ARGS_MAX || offset + info->args_size > 4096)
        return ROOST_EINVAL;
    server->seat = roosti_alloc_zero(1, offset + info->args_size, "a handler's arguments");
    if (!server->seat)
        return ROOST_ENOMEM;
    server->block_offset = offset;
    server->info = *info;
    server->info.entry = conn_entry;
    server->info.args_size = (uint32_t)(offset + info->args_size);
    server->info.args_align = (uint32_t)align;
    *server->seat = (struct seat){.info = &server->info, .server = server};
    memcpy((char *)server->seat + offset, handler.args, info->args_size);
    return 0;
}

static int server_serve(struct roosti_server *server)
{
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &(roost_group_opts){.label = server_label(server)}) {
        server->group = g;
        ROOST_GO(g, serve_accept, server);
        rc = roost_wait_stopping();
        roost_scope_cancel(&server->accepting, "the server stops");
        if (rc == 0)
            roost_group_shutdown(g, roosti_serve_grace(server->opts));
    }
    server->group = NULL;
    return rc;
}

int roosti_server_run(struct roosti_server *server, roost_listener *listener, roost_call handler,
                      const roost_serve_opts *opts, uint32_t connections_max)
{
    *server =
        (struct roosti_server){.opts = opts, .handler = handler, .listener = listener, .spare = -1};
    server->bounded = connections_max > 0;
    roost_sem_init(&server->places, connections_max, NULL);
    roost_scope_init(&server->accepting, NULL);
    int rc = roost_listener_address(listener, server->name, sizeof server->name);
    if (rc < 0)
        server->name[0] = '\0';
    rc = seat_make(server, handler);
    if (rc == 0) {
        server->spare = spare_open();
        rc = server_serve(server);
        spare_close(server);
        roosti_free(server->seat);
    }
    if (server->listener) /* its task never ran */
        (void)roost_listener_close(server->listener);
    return rc;
}

static const roost_serve_opts serve_defaults;

int roost_serve_call(roost_listener *listener, roost_call handler, const roost_serve_opts *opts)
{
    struct roosti_loop *loop = roosti_loop_here;
    if (!loop || !loop->current)
        return roosti_no_task();
    int rc = roosti_loop_owns(loop, &listener->loop);
    if (rc < 0)
        return rc;
    opts = opts ? opts : &serve_defaults;
    struct roosti_server *server = roosti_alloc(sizeof *server, "a server");
    if (!server) {
        (void)roost_listener_close(listener);
        return ROOST_ENOMEM;
    }
    char name[ROOST_ADDRESS_TEXT_MAX];
    if (opts->ready && roost_listener_address(listener, name, sizeof name) >= 0)
        opts->ready(opts->ready_arg, name);
    rc = roosti_server_run(server, listener, handler, opts, opts->connections_max);
    if (opts->stats)
        *opts->stats = server->stats;
    roosti_free(server);
    return rc;
}
