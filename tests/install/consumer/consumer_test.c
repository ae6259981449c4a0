/* tests/install/consumer/consumer_test.c - a test of somebody else, on the virtual clock.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

ROOST_TEST(a_second_passes_at_once)
{
    roost_time began = roost_now();
    CHECK_OK(roost_sleep(ROOST_SEC(1)));
    CHECK_EQ(ROOST_SEC(1), roost_now() - began);
}
