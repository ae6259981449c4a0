/* tests/kit/world.c - the hand of behaviours and scenarios on the world around them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/world.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/rng.h"
#include "port/fault.h"
#include "port/host.h"
#include "port/sim.h"
#include "rt/loop.h"
#include "rt/op.h"
#include "kit/kit.h"

static struct roosti_port *port_here(void)
{
    return roosti_loop_here->port;
}

void kit_spend(roost_dur dur)
{
    roost_time end = roost_now() + dur;
    if (roosti_loop_here && roosti_loop_here->virtual_time)
        roosti_sim_clock_set(port_here(), end);
    while (roost_now() < end)
        continue;
}

void kit_seed_use(uint64_t seed)
{
    static struct kit_plan plan;
    if (kit_case.plan != &plan)
        plan = *kit_case.plan;
    plan.seed = seed;
    kit_case.plan = &plan;
}

void kit_disturb(const struct kit_disturbance *wanted)
{
    static struct kit_options options;
    if (kit_case.options != &options)
        options = *kit_case.options;
    options.fault.again_permille = wanted->again;
    options.fault.short_permille = wanted->shorter;
    options.fault.error_permille = wanted->error;
    options.fault.delay_permille = wanted->delay;
    options.fault.late_cancel_permille = wanted->late;
    options.sim.loss_permille = wanted->loss;
    options.sim.partition_permille = wanted->apart;
    options.disturbed = true;
    kit_case.options = &options;
}

uint64_t kit_draw(uint64_t *state, const char *stream, uint64_t bound)
{
    struct roosti_rng rng = {*state};
    if (*state == 0)
        rng = roosti_rng_split(roost_test_seed(), stream);
    uint64_t drawn = roosti_rng_below(&rng, bound);
    *state = rng.state;
    return drawn;
}

int kit_pipe(int fds[2])
{
    return port_here()->ops->fd.pipe(port_here(), fds);
}

int64_t kit_read(int fd, void *buf, size_t len)
{
    struct roosti_op op = {.kind = ROOSTI_OP_READ, .fd = fd, .buf = buf, .len = len, .offset = -1};
    return roosti_op_run(&op);
}

int64_t kit_write(int fd, const void *buf, size_t len)
{
    struct roosti_op op = {
        .kind = ROOSTI_OP_WRITE, .fd = fd, .buf = (void *)(uintptr_t)buf, .len = len, .offset = -1};
    return roosti_op_run(&op);
}

void kit_close(int fd)
{
    if (fd >= 0)
        (void)port_here()->ops->fd.close(port_here(), fd);
}

void kit_fd_limit(int more)
{
    if (roosti_loop_here->virtual_time) {
        roosti_sim_fd_limit(port_here(), more > 0 ? kit_sim_fds() + (size_t)more : 0);
        return;
    }
    /* The system's bound is on the numbers, and the lowest free one is given. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
        return;
    int bound = 0;
    for (int left = more; left > 0; bound++)
        left -= fcntl(bound, F_GETFD) < 0;
    limit.rlim_cur = more > 0 ? (rlim_t)bound : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void kit_fail_accept(int code)
{
    roosti_fault_force(port_here(), ROOSTI_OP_ACCEPT, 1, code);
}

void kit_socket_name(char *buf, size_t size)
{
    static unsigned count;
    snprintf(buf, size, "@roost-test-%ld-%u", (long)getpid(), ++count);
}

bool kit_file_put(const char *path, const void *data, size_t len)
{
    return roosti_sim_file_put(port_here(), path, data, len) == 0;
}

const void *kit_file_peek(const char *path, size_t *len)
{
    return roosti_sim_file_peek(port_here(), path, len);
}

void kit_disk_crash(void)
{
    roosti_sim_disk_crash(port_here());
}

void kit_disk_fail(enum kit_disk_step step, int code)
{
    static const enum roosti_op_kind kinds[] = {ROOSTI_OP_OPEN, ROOSTI_OP_WRITE, ROOSTI_OP_FSYNC,
                                                ROOSTI_OP_FILE_CALL};
    roosti_sim_disk_fail(port_here(), kinds[step], code);
}

size_t kit_sim_fds(void)
{
    struct roosti_sim_counts counts;
    roosti_sim_counts_get(port_here(), &counts);
    return counts.fds;
}

int kit_fds_open(void)
{
    return roosti_loop_here->virtual_time ? (int)kit_sim_fds() : roosti_host_fd_count();
}
