/* port/sim.c - the simulated port: the virtual clock, waiting and waking, opening and closing.
 *
 * The clock stands still while anything is due; only wait moves it, to the next thing that is due
 * or to the deadline asked for. Results depend on the seed and on the calls made, on nothing else.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim.h"

#include <errno.h>
#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/atomic.h"
#include "base/mem.h"
#include "port/sim_datagram.h"

static const struct roosti_port_ops sim_ops;

/* -- wait and wake ---------------------------------------------------------------------------- */

enum { WAKE_QUIET, WAKE_CALLED, WAKE_SLEEPING };

static bool wake_taken(struct roosti_sim *sim)
{
    return roosti_atomic_swap(&sim->wake_word, WAKE_QUIET, ROOSTI_ACQ_REL) == WAKE_CALLED;
}

/* Real time passes here, and only here. */
static void wake_sleep(struct roosti_sim *sim)
{
    for (;;) {
        uint32_t word = WAKE_QUIET;
        (void)roosti_atomic_cas_or(&sim->wake_word, &word, WAKE_SLEEPING, ROOSTI_ACQ_REL,
                                   ROOSTI_ACQUIRE);
        if (word == WAKE_CALLED)
            break;
        syscall(SYS_futex, &sim->wake_word, FUTEX_WAIT_PRIVATE, WAKE_SLEEPING, NULL, NULL, 0);
    }
    (void)wake_taken(sim);
}

static void sim_wake(struct roosti_port *port)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    if (roosti_atomic_swap(&sim->wake_word, WAKE_CALLED, ROOSTI_ACQ_REL) == WAKE_SLEEPING) {
        int kept = errno; /* of the flow that a signal interrupted */
        syscall(SYS_futex, &sim->wake_word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        errno = kept;
    }
}

static int sim_wait(struct roosti_port *port, roost_time deadline)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    uint64_t before = sim->done_count;
    bool woken = wake_taken(sim);
    for (;;) {
        roosti_sim_run_due(sim);
        if (sim->done_count != before || woken)
            break;
        if (deadline <= sim->now)
            break;
        roost_time next = sim->heap_count ? sim->heap[0].due : ROOST_NEVER;
        if (deadline < next)
            next = deadline;
        if (next == ROOST_NEVER && !sim->foreign_expected)
            break;
        if (next == ROOST_NEVER) {
            wake_sleep(sim);
            woken = true;
        } else if (next > sim->now) {
            sim->now = next;
        }
    }
    return (int)(sim->done_count - before);
}

/* -- the rest of the table -------------------------------------------------------------------- */

static roost_time sim_now(struct roosti_port *port)
{
    return roosti_sim_of(port)->now;
}

static roost_time sim_wall(struct roosti_port *port)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    return sim->now + sim->wall_offset;
}

static void sim_entropy(struct roosti_port *port, void *buf, size_t len)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    unsigned char *bytes = buf;
    while (len > 0) {
        uint64_t word = roosti_rng_next(&sim->rng_entropy);
        for (int i = 0; i < 8 && len > 0; i++, len--, word >>= 8)
            *bytes++ = (unsigned char)word;
    }
}

static size_t sim_in_flight(const struct roosti_port *port)
{
    return roosti_container(port, const struct roosti_sim, port)->op_count;
}

static int sim_poll_fd(struct roosti_port *port)
{
    (void)port;
    return ROOST_ENOTSUP;
}

static void sim_give_back(struct roosti_port *port, void *buf)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    ptrdiff_t offset = sim->lent ? (unsigned char *)buf - sim->lent : -1;
    bool ours = offset >= 0 && offset % ROOSTI_SIM_LENT_BYTES == 0 &&
                offset / ROOSTI_SIM_LENT_BYTES < ROOSTI_SIM_LENT_MAX;
    roosti_require(ours, "only a buffer that a RECV_MULTI lent is given back");
    uint32_t bit = UINT32_C(1) << (offset / ROOSTI_SIM_LENT_BYTES);
    roosti_require(sim->lent_bits & bit, "a lent buffer is given back once");
    sim->lent_bits &= ~bit;
    memset(buf, 0xdb, ROOSTI_SIM_LENT_BYTES); /* whoever still reads it, notices */
}

static void sim_close(struct roosti_port *port)
{
    struct roosti_sim *sim = roosti_sim_of(port);
    roosti_require(sim->op_count == 0, "all operations are at rest when a port is closed");
    for (size_t fd = 0; fd < sim->file_size; fd++) {
        if (sim->files[fd])
            (void)port->ops->fd.close(port, (int)fd);
    }
    roosti_sim_net_fini(sim);
    roosti_sim_disk_fini(sim);
    roosti_sim_table_fini(sim);
    roosti_free(sim->heap);
    roosti_free(sim->lent);
    roosti_free(sim);
}

static void plan_fill(struct roosti_sim_plan *plan)
{
    if (plan->latency_min <= 0)
        plan->latency_min = ROOST_US(10);
    if (plan->latency_mean <= 0)
        plan->latency_mean = ROOST_US(50);
    if (plan->link_bytes_max == 0)
        plan->link_bytes_max = 65536;
}

int roosti_sim_open(const struct roosti_port_opts *opts, struct roosti_port **port)
{
    struct roosti_sim *sim = roosti_alloc_zero(1, sizeof *sim, "simulated port");
    if (!sim)
        return ROOST_ENOMEM;
    uint64_t seed = opts ? opts->seed : 0;
    if (opts)
        sim->plan = opts->sim;
    plan_fill(&sim->plan);
    sim->port.ops = &sim_ops;
    sim->now = ROOSTI_SIM_START;
    sim->wall_offset = ROOSTI_SIM_WALL_START - ROOSTI_SIM_START;
    sim->rng_submit = roosti_rng_split(seed, "submit");
    sim->rng_net = roosti_rng_split(seed, "net");
    sim->rng_disk = roosti_rng_split(seed, "disk");
    sim->rng_entropy = roosti_rng_split(seed, "entropy");
    sim->file_limit = ROOSTI_SIM_FD_LIMIT;
    roosti_list_init(&sim->conns);
    roosti_list_init(&sim->bound);
    roosti_list_init(&sim->cuts);
    roosti_list_init(&sim->flying);
    roosti_list_init(&sim->inodes);
    int rc = roosti_sim_disk_init(sim);
    if (rc < 0) {
        roosti_free(sim);
        return rc;
    }
    *port = &sim->port;
    return 0;
}

bool roosti_port_is_sim(const struct roosti_port *port)
{
    return port->ops == &sim_ops;
}

static const struct roosti_port_ops sim_ops = {
    .name = "sim",
    .virtual_time = true,
    .submit = roosti_sim_submit,
    .cancel = roosti_sim_cancel,
    .wait = sim_wait,
    .wake = sim_wake,
    .now = sim_now,
    .wall = sim_wall,
    .entropy = sim_entropy,
    .in_flight = sim_in_flight,
    .poll_fd = sim_poll_fd,
    .give_back = sim_give_back,
    .close = sim_close,
    .fd = {.socket = roosti_sim_socket,
           .bind = roosti_sim_bind,
           .listen = roosti_sim_listen,
           .local_addr = roosti_sim_local_addr,
           .peer_addr = roosti_sim_peer_addr,
           .get_option = roosti_sim_get_option,
           .receive = roosti_sim_receive,
           .socket_file = roosti_sim_socket_file,
           .socket_file_remove = roosti_sim_socket_file_remove,
           .forget = roosti_sim_fd_forget,
           .set_option = roosti_sim_set_option,
           .shutdown = roosti_sim_fd_shutdown,
           .pipe = roosti_sim_pipe,
           .socket_pair = roosti_sim_socket_pair,
           .close = roosti_sim_fd_close,
           .read_now = roosti_sim_read_now,
           .list = roosti_sim_fd_list},
};
