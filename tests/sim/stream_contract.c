/* tests/sim/stream_contract.c - the contract of streams in a world that gives little at a time,
 * late, and claims that it is not ready nine times out of ten.
 *
 * Oracle: the contract, unchanged.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>
#include <roost/testing_stream.h>

#include "kit/world.h"

static int make_pipe(void *arg, roost_stream **a, roost_stream **b)
{
    (void)arg;
    return roost_pipe_open(b, a);
}

static int make_memory(void *arg, roost_stream **a, roost_stream **b)
{
    return roost_memory_pair(arg, a, b);
}

ROOST_ASYNC(check_pipe)
{
    roost_check_stream(make_pipe, NULL, ROOST_CHECK_ONE_WAY);
    CHECK_EQ(0, kit_sim_fds());
    return 0;
}

static void pipe_try(const struct kit_disturbance *wanted)
{
    kit_disturb(wanted);
    CHECK_EQ(0, roost_test_run(ROOST_CALL(check_pipe), NULL));
}

ROOST_TEST(pipes_keep_the_contract, .plain = true)
{
    pipe_try(&(struct kit_disturbance){0});
}

ROOST_TEST(pipes_that_are_seldom_ready_keep_the_contract, .plain = true)
{
    pipe_try(&(struct kit_disturbance){.again = 900, .late = 300});
}

ROOST_TEST(pipes_that_move_little_keep_the_contract, .plain = true)
{
    pipe_try(&(struct kit_disturbance){.shorter = 900, .again = 100});
}

ROOST_TEST(pipes_that_answer_late_keep_the_contract, .plain = true)
{
    pipe_try(&(struct kit_disturbance){.shorter = 300, .delay = 300, .late = 700});
}

ROOST_TEST(pairs_in_memory_keep_the_contract_whatever_they_hold)
{
    uint64_t state = 0;
    roost_memory_opts opts = {.capacity = 1 + (size_t)kit_draw(&state, "streams", 5000)};
    roost_check_stream(make_memory, &opts, 0);
}
