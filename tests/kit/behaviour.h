/* tests/kit/behaviour.h - the behaviours of the runtime by number.
 *
 *     BEHAVIOUR(07, shield_blocks_outer_cancel)
 *     {
 *         ...
 *     }
 *
 * is ROOST_TEST(B07_shield_blocks_outer_cancel). Options of ROOST_TEST may follow the name. The
 * build finds the numbers in the source, and runs each on every backend, plain and tortured.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_TESTS_BEHAVIOUR_H
#define ROOST_TESTS_BEHAVIOUR_H

#include <roost/testing.h>

#define BEHAVIOUR(number, ...) BEHAVIOUR_(number, __VA_ARGS__, )
#define BEHAVIOUR_(number, name, ...) ROOST_TEST_(B##number##_##name, __VA_ARGS__)

#endif
