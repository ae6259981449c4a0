/* port/fault_calls.c - what passes through a fault port, opening and closing it.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/fault_impl.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"

/* -- what passes through ---------------------------------------------------------------------- */

static roost_time fault_now(struct roosti_port *port)
{
    struct roosti_port *inner = roosti_fault_of(port)->inner;
    return inner->ops->now(inner);
}

static roost_time fault_wall(struct roosti_port *port)
{
    struct roosti_port *inner = roosti_fault_of(port)->inner;
    return inner->ops->wall(inner);
}

static void fault_entropy(struct roosti_port *port, void *buf, size_t len)
{
    struct roosti_port *inner = roosti_fault_of(port)->inner;
    inner->ops->entropy(inner, buf, len);
}

static size_t fault_in_flight(const struct roosti_port *port)
{
    return roosti_container(port, const struct roosti_fault, port)->op_count;
}

static int fault_poll_fd(struct roosti_port *port)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int fd = fault->inner->ops->poll_fd(fault->inner);
    fault->guest = fault->guest || fd >= 0;
    return fd;
}

static void fault_give_back(struct roosti_port *port, void *buf)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    unsigned char *bytes = buf;
    if (!fault->lent || bytes < fault->lent ||
        bytes >= fault->lent + ROOSTI_FAULT_LENT_MAX * ROOSTI_FAULT_LENT_BYTES) {
        fault->inner->ops->give_back(fault->inner, buf);
        return;
    }
    uint32_t bit = UINT32_C(1) << ((bytes - fault->lent) / ROOSTI_FAULT_LENT_BYTES);
    roosti_require(fault->lent_bits & bit, "a lent buffer is given back once");
    fault->lent_bits &= ~bit;
    memset(bytes, 0xdb, ROOSTI_FAULT_LENT_BYTES); /* whoever still reads it, notices */
}

static int fault_socket(struct roosti_port *port, int domain, int type, int protocol)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_SOCKET);
    return code < 0 ? code : fault->inner->ops->fd.socket(fault->inner, domain, type, protocol);
}

static int fault_bind(struct roosti_port *port, int fd, const struct sockaddr *addr, uint32_t len)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_BIND);
    return code < 0 ? code : fault->inner->ops->fd.bind(fault->inner, fd, addr, len);
}

static int fault_listen(struct roosti_port *port, int fd, int backlog)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_LISTEN);
    return code < 0 ? code : fault->inner->ops->fd.listen(fault->inner, fd, backlog);
}

static int fault_local_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_LOCAL_ADDR);
    return code < 0 ? code : fault->inner->ops->fd.local_addr(fault->inner, fd, addr, len);
}

static int fault_peer_addr(struct roosti_port *port, int fd, struct sockaddr *addr, uint32_t *len)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_PEER_ADDR);
    return code < 0 ? code : fault->inner->ops->fd.peer_addr(fault->inner, fd, addr, len);
}

static int fault_get_option(struct roosti_port *port, int fd, int level, int name, void *value,
                            uint32_t *len)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_GET_OPTION);
    return code < 0 ? code
                    : fault->inner->ops->fd.get_option(fault->inner, fd, level, name, value, len);
}

static int64_t fault_receive(struct roosti_port *port, int fd, struct msghdr *msg, int flags)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_RECEIVE);
    if (code == 0 && roosti_rng_chance(&fault->rng_again, fault->plan.again_permille)) {
        fault->stats.again++;
        code = -EAGAIN;
    }
    return code < 0 ? code : fault->inner->ops->fd.receive(fault->inner, fd, msg, flags);
}

static int fault_socket_file(struct roosti_port *port, const char *path, uint64_t *id)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_SOCKET_FILE);
    return code < 0 ? code : fault->inner->ops->fd.socket_file(fault->inner, path, id);
}

static int fault_socket_file_remove(struct roosti_port *port, const char *path, uint64_t id)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_SOCKET_FILE_REMOVE);
    return code < 0 ? code : fault->inner->ops->fd.socket_file_remove(fault->inner, path, id);
}

static void fault_forget(struct roosti_port *port, int fd)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    roosti_fault_starts_end(&fault->held, fd);
    roosti_fault_starts_end(&fault->ready, fd);
    fault->inner->ops->fd.forget(fault->inner, fd);
}

static int fault_set_option(struct roosti_port *port, int fd, int level, int name,
                            const void *value, uint32_t len)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_SET_OPTION);
    return code < 0 ? code
                    : fault->inner->ops->fd.set_option(fault->inner, fd, level, name, value, len);
}

static int fault_shutdown(struct roosti_port *port, int fd, int how)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_SHUTDOWN);
    return code < 0 ? code : fault->inner->ops->fd.shutdown(fault->inner, fd, how);
}

static int fault_pipe(struct roosti_port *port, int fds[2])
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_PIPE);
    return code < 0 ? code : fault->inner->ops->fd.pipe(fault->inner, fds);
}

static int fault_socket_pair(struct roosti_port *port, int fds[2])
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_SOCKET_PAIR);
    return code < 0 ? code : fault->inner->ops->fd.socket_pair(fault->inner, fds);
}

static int fault_list(struct roosti_port *port, const char *path,
                      int (*each)(void *arg, const char *name, bool is_directory), void *arg)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_LIST);
    return code < 0 ? code : fault->inner->ops->fd.list(fault->inner, path, each, arg);
}

static int64_t fault_read_now(struct roosti_port *port, int fd, void *buf, size_t len)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    int code = roosti_fault_code_draw(fault, ROOSTI_OP_READ);
    if (code < 0)
        return code;
    len = roosti_fault_len_draw(fault, len);
    return fault->inner->ops->fd.read_now(fault->inner, fd, buf, len);
}

static int fault_fd_close(struct roosti_port *port, int fd)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    roosti_fault_starts_end(&fault->held, fd);
    roosti_fault_starts_end(&fault->ready, fd);
    int code = roosti_fault_code_draw(fault, ROOSTI_FAULT_CLOSE);
    int rc = fault->inner->ops->fd.close(fault->inner, fd);
    return rc < 0 ? rc : code;
}

/* -- opening and closing ---------------------------------------------------------------------- */

static void fault_close(struct roosti_port *port)
{
    struct roosti_fault *fault = roosti_fault_of(port);
    roosti_require(fault->op_count == 0, "all operations are at rest when a port is closed");
    struct roosti_node *node;
    while ((node = roosti_list_first(&fault->free)) != NULL) {
        roosti_list_remove(node);
        roosti_free(roosti_fault_record_of(node));
    }
    fault->inner->ops->close(fault->inner);
    roosti_free(fault->lent);
    roosti_free(fault);
}

static const struct roosti_port_ops fault_ops = {
    .submit = roosti_fault_submit,
    .cancel = roosti_fault_cancel,
    .wait = roosti_fault_wait,
    .wake = roosti_fault_wake,
    .now = fault_now,
    .wall = fault_wall,
    .entropy = fault_entropy,
    .in_flight = fault_in_flight,
    .poll_fd = fault_poll_fd,
    .give_back = fault_give_back,
    .close = fault_close,
    .fd = {.socket = fault_socket,
           .bind = fault_bind,
           .listen = fault_listen,
           .local_addr = fault_local_addr,
           .peer_addr = fault_peer_addr,
           .get_option = fault_get_option,
           .receive = fault_receive,
           .socket_file = fault_socket_file,
           .socket_file_remove = fault_socket_file_remove,
           .forget = fault_forget,
           .set_option = fault_set_option,
           .shutdown = fault_shutdown,
           .pipe = fault_pipe,
           .socket_pair = fault_socket_pair,
           .close = fault_fd_close,
           .read_now = fault_read_now,
           .list = fault_list},
};

int roosti_fault_open(struct roosti_port *inner, uint64_t seed,
                      const struct roosti_fault_plan *plan, struct roosti_port **port)
{
    struct roosti_fault *fault = roosti_alloc_zero(1, sizeof *fault, "fault port");
    if (!fault)
        return ROOST_ENOMEM;
    fault->ops = fault_ops;
    fault->ops.name = inner->ops->name;
    fault->ops.virtual_time = inner->ops->virtual_time;
    fault->port.ops = &fault->ops;
    fault->inner = inner;
    fault->rng_error = roosti_rng_split(seed, "fault-error");
    fault->rng_again = roosti_rng_split(seed, "fault-again");
    fault->rng_short = roosti_rng_split(seed, "fault-short");
    fault->rng_delay = roosti_rng_split(seed, "fault-delay");
    fault->rng_cancel = roosti_rng_split(seed, "fault-cancel");
    roosti_list_init(&fault->held);
    roosti_list_init(&fault->ready);
    roosti_list_init(&fault->free);
    roosti_fault_plan_set(&fault->port, plan);
    *port = &fault->port;
    return 0;
}

/* -- for tests -------------------------------------------------------------------------------- */

static bool is_fault(const struct roosti_port *port)
{
    return port->ops->submit == roosti_fault_submit;
}

static struct roosti_fault *fault_required(struct roosti_port *port)
{
    roosti_require(is_fault(port), "the port is a fault port");
    return roosti_fault_of(port);
}

void roosti_fault_stats_get(struct roosti_port *port, struct roosti_fault_stats *stats)
{
    *stats = fault_required(port)->stats;
}

void roosti_fault_plan_set(struct roosti_port *port, const struct roosti_fault_plan *plan)
{
    struct roosti_fault *fault = fault_required(port);
    fault->plan = plan ? *plan : (struct roosti_fault_plan){0};
}

void roosti_fault_force(struct roosti_port *port, unsigned kind, uint64_t nth, int code)
{
    struct roosti_fault *fault = fault_required(port);
    roosti_require(kind != ROOSTI_OP_NOP && kind < ROOSTI_FAULT_KIND_COUNT && code < 0,
                   "a failure has a kind that can fail and a negative code");
    fault->forced.kind = kind;
    fault->forced.nth = nth;
    fault->forced.code = code;
}

struct roosti_port *roosti_fault_inner(struct roosti_port *port)
{
    while (is_fault(port))
        port = roosti_fault_of(port)->inner;
    return port;
}

uint64_t roosti_fault_trace_hash(struct roosti_port *port)
{
    return is_fault(port) ? roosti_fault_of(port)->trace : 0;
}
