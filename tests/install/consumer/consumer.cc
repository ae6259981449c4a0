/* tests/install/consumer/consumer.cc - a C++ program of somebody else: it runs two tasks and reports.
 *
 * SPDX-License-Identifier: MIT
 */
#include <cstdio>

#include <roost.h>

ROOST_ASYNC(square, int, n, int *, out)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    *out = n * n;
    return 0;
}

ROOST_MAIN(argc, argv)
{
    int squares[2] = {0, 0};
    int rc = 0;

    (void)argc;
    (void)argv;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, square, 3, &squares[0]);
        ROOST_GO(g, square, 4, &squares[1]);
    }
    ROOST_TRY(rc);
    std::printf("roost %s: %d\n", roost_version(), squares[0] + squares[1]);
    return 0;
}
