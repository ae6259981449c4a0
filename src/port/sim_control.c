/* port/sim_control.c - the test's hand on the simulated world: clock, calendar, trace, limits.
 *
 * SPDX-License-Identifier: MIT
 */
#include "port/sim.h"

#include "base/assert.h"
#include "port/fault.h"
#include "port/sim_impl.h"

struct roosti_sim *roosti_sim_under(struct roosti_port *port)
{
    struct roosti_port *inner = roosti_fault_inner(port);
    roosti_require(roosti_port_is_sim(inner), "the port is a simulated one");
    return roosti_sim_of(inner);
}

void roosti_sim_expect_foreign(struct roosti_port *port, bool expected)
{
    roosti_sim_under(port)->foreign_expected = expected;
}

void roosti_sim_clock_set(struct roosti_port *port, roost_time at)
{
    struct roosti_sim *sim = roosti_sim_under(port);
    roosti_require(at >= sim->now, "the clock goes forward");
    sim->now = at;
}

void roosti_sim_wall_jump(struct roosti_port *port, roost_dur by)
{
    roosti_sim_under(port)->wall_offset += by;
}

uint64_t roosti_sim_trace_hash(struct roosti_port *port)
{
    return roosti_mix(roosti_sim_under(port)->trace ^ roosti_fault_trace_hash(port));
}

void roosti_sim_trace_add(struct roosti_port *port, uint64_t word)
{
    roosti_sim_trace_event(roosti_sim_under(port), 0x300, -1, (int64_t)word);
}

void roosti_sim_counts_get(struct roosti_port *port, struct roosti_sim_counts *counts)
{
    struct roosti_sim *sim = roosti_sim_under(port);
    *counts = (struct roosti_sim_counts){
        .fds = sim->file_count,
        .lent = (size_t)__builtin_popcount(sim->lent_bits),
        .disk_bytes = sim->disk_bytes,
    };
    for (struct roosti_node *node = roosti_list_first(&sim->conns); node;
         node = roosti_list_next(&sim->conns, node))
        counts->conns++;
}

void roosti_sim_fd_limit(struct roosti_port *port, size_t limit)
{
    roosti_sim_under(port)->file_limit = limit ? limit : ROOSTI_SIM_FD_LIMIT;
}
