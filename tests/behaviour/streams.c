/* tests/behaviour/streams.c - behaviours B19, B81, B82, B84, B85 and B92: streams of any kind.
 *
 * SPDX-License-Identifier: MIT
 */
#include "kit/behaviour.h"

#include <string.h>

#include <roost.h>
#include <roost/impl/stream_ops.h>
#include <roost/testing_stream.h>

/* -- B92: every kind keeps the contract -------------------------------------------------------- */

static int make_memory(void *arg, roost_stream **a, roost_stream **b)
{
    return roost_memory_pair(arg, a, b);
}

static int make_pipe(void *arg, roost_stream **a, roost_stream **b)
{
    (void)arg;
    return roost_pipe_open(b, a);
}

BEHAVIOUR(92, memory_keeps_the_contract)
{
    roost_check_stream(make_memory, NULL, 0);
}

BEHAVIOUR(92, memory_of_seven_bytes_keeps_the_contract)
{
    roost_memory_opts opts = {.capacity = 7};
    roost_check_stream(make_memory, &opts, 0);
}

BEHAVIOUR(92, memory_in_lockstep_keeps_the_contract)
{
    roost_memory_opts opts = {.lockstep = true};
    roost_check_stream(make_memory, &opts, ROOST_CHECK_LOCKSTEP);
}

BEHAVIOUR(92, a_pipe_keeps_the_contract)
{
    roost_check_stream(make_pipe, NULL, ROOST_CHECK_ONE_WAY);
}
