/* tests/kit/main.c - the main function of a test program that has none of its own.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

int main(int argc, char **argv)
{
    return roost_test_main(argc, argv);
}
