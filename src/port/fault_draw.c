/* port/fault_draw.c - the table of what can go wrong, and whether it goes wrong now.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/fault_impl.h"

#include <stddef.h>
#include <sys/socket.h>

#include "port/sim.h"

/* -- the table -------------------------------------------------------------------------------- */

#define PAIR_(kind_name, errno_name) {.kind = (kind_name), .code = -(errno_name)},
const struct roosti_fault_pair roosti_fault_pairs[ROOSTI_FAULT_PAIR_COUNT] = {
    ROOSTI_FAULT_MAP(PAIR_)};
#undef PAIR_

const char *roosti_fault_kind_name(unsigned kind)
{
    static const char *const names[ROOSTI_FAULT_KIND_COUNT] = {
        [ROOSTI_OP_NOP] = "nop",
        [ROOSTI_OP_POLL] = "poll",
        [ROOSTI_OP_READ] = "read",
        [ROOSTI_OP_WRITE] = "write",
        [ROOSTI_OP_RECV] = "recv",
        [ROOSTI_OP_SEND] = "send",
        [ROOSTI_OP_ACCEPT] = "accept",
        [ROOSTI_OP_CONNECT] = "connect",
        [ROOSTI_OP_OPEN] = "open",
        [ROOSTI_OP_FSYNC] = "fsync",
        [ROOSTI_OP_FILE_CALL] = "file_call",
        [ROOSTI_OP_SENDV] = "sendv",
        [ROOSTI_OP_SEND_MSG] = "send_msg",
        [ROOSTI_OP_RECV_MSG] = "recv_msg",
        [ROOSTI_OP_RECV_MULTI] = "recv_multi",
        [ROOSTI_OP_ACCEPT_MULTI] = "accept_multi",
        [ROOSTI_FAULT_SOCKET] = "socket",
        [ROOSTI_FAULT_BIND] = "bind",
        [ROOSTI_FAULT_LISTEN] = "listen",
        [ROOSTI_FAULT_LOCAL_ADDR] = "local_addr",
        [ROOSTI_FAULT_PEER_ADDR] = "peer_addr",
        [ROOSTI_FAULT_GET_OPTION] = "get_option",
        [ROOSTI_FAULT_RECEIVE] = "receive",
        [ROOSTI_FAULT_SOCKET_FILE] = "socket_file",
        [ROOSTI_FAULT_SOCKET_FILE_REMOVE] = "socket_file_remove",
        [ROOSTI_FAULT_SET_OPTION] = "set_option",
        [ROOSTI_FAULT_SHUTDOWN] = "shutdown",
        [ROOSTI_FAULT_PIPE] = "pipe",
        [ROOSTI_FAULT_SOCKET_PAIR] = "socket_pair",
        [ROOSTI_FAULT_CLOSE] = "close",
        [ROOSTI_FAULT_LIST] = "list",
    };
    return kind < ROOSTI_FAULT_KIND_COUNT ? names[kind] : "?";
}

/* -- choosing --------------------------------------------------------------------------------- */

void roosti_fault_trace_add(struct roosti_fault *fault, unsigned what, unsigned kind, int64_t value)
{
    fault->trace = roosti_mix(fault->trace ^ ((uint64_t)what << 32 | kind));
    fault->trace = roosti_mix(fault->trace + 0x9e3779b97f4a7c15u + (uint64_t)value);
}

/* A code of the kind's list, or 0 where it has none. */
static int code_of_list(struct roosti_fault *fault, unsigned kind)
{
    size_t first = 0;
    while (first < ROOSTI_FAULT_PAIR_COUNT && roosti_fault_pairs[first].kind != kind)
        first++;
    size_t end = first;
    while (end < ROOSTI_FAULT_PAIR_COUNT && roosti_fault_pairs[end].kind == kind)
        end++;
    if (end == first)
        return 0;
    return roosti_fault_pairs[first + (size_t)roosti_rng_below(&fault->rng_error, end - first)]
        .code;
}

static bool kind_is_stream(unsigned kind)
{
    return kind == ROOSTI_OP_RECV || kind == ROOSTI_OP_SEND || kind == ROOSTI_OP_SENDV ||
           kind == ROOSTI_OP_RECV_MULTI;
}

static int code_choose(struct roosti_fault *fault, unsigned kind)
{
    const struct roosti_fault_plan *plan = &fault->plan;
    if (fault->forced.nth != 0 && fault->forced.kind == kind && --fault->forced.nth == 0)
        return fault->forced.code;
    if (plan->fail_at != 0 && fault->stats.seen == plan->fail_at)
        return plan->fail_code ? plan->fail_code : code_of_list(fault, kind);
    if (kind_is_stream(kind) && roosti_rng_chance(&fault->rng_error, plan->reset_permille))
        return -ECONNRESET;
    if (roosti_rng_chance(&fault->rng_error, plan->error_permille))
        return code_of_list(fault, kind);
    return 0;
}

int roosti_fault_code_draw(struct roosti_fault *fault, unsigned kind)
{
    fault->stats.seen++;
    fault->stats.seen_of[kind]++;
    int code = kind == ROOSTI_OP_NOP ? 0 : code_choose(fault, kind);
    if (code == 0)
        return 0;
    fault->stats.errors++;
    for (size_t i = 0; i < ROOSTI_FAULT_PAIR_COUNT; i++) {
        if (roosti_fault_pairs[i].kind == kind && roosti_fault_pairs[i].code == code)
            fault->stats.injected[i]++;
    }
    roosti_fault_trace_add(fault, 1, kind, code);
    return code;
}

void roosti_fault_connection_break(struct roosti_fault *fault, unsigned kind, int fd, int code)
{
    if (!kind_is_stream(kind) || (code != -ECONNRESET && code != -ETIMEDOUT && code != -EPIPE))
        return;
    if (roosti_port_is_sim(fault->inner))
        (void)roosti_sim_reset(fault->inner, fd);
    else
        (void)fault->inner->ops->fd.shutdown(fault->inner, fd, SHUT_RDWR);
}

size_t roosti_fault_len_draw(struct roosti_fault *fault, size_t len)
{
    size_t drawn = len;
    if (fault->plan.io_max != 0 && drawn > fault->plan.io_max)
        drawn = fault->plan.io_max;
    if (drawn > 1 && roosti_rng_chance(&fault->rng_short, fault->plan.short_permille))
        drawn = 1 + (size_t)roosti_rng_below(&fault->rng_short, drawn - 1);
    if (drawn != len) {
        fault->stats.shortened++;
        roosti_fault_trace_add(fault, 2, 0, (int64_t)drawn);
    }
    return drawn;
}
