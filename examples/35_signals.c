/* examples/35_signals.c - a service that reads its settings again on SIGHUP and ends on SIGTERM.
 *
 * The signals come from a task of its own here; without it, try kill -HUP from a shell.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>
#include <stdio.h>

#include <roost.h>

ROOST_ASYNC(serve)
{
    return roost_sleep_forever();
}

ROOST_ASYNC(send_signals)
{
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    raise(SIGHUP);
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    raise(SIGTERM);
    return 0;
}

/* Returns when the program is to end. */
static ROOST_SUSPENDS int watch_signals(roost_signals *signals)
{
    roost_signal_info info;
    int rc;
    while ((rc = roost_signals_next(signals, &info)) == 0) {
        if (info.signo == SIGTERM) {
            printf("ending\n");
            break;
        }
        printf("reading the settings again\n");
    }
    return rc;
}

ROOST_MAIN(argc, argv)
{
    static const int set[] = {SIGHUP, SIGTERM};
    ROOST_AUTO(signals) roost_signals *signals = NULL;
    int rc = 0;
    (void)argc;
    (void)argv;
    ROOST_TRY(roost_signals_open(set, 2, &signals));
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, serve);
        ROOST_GO(g, send_signals);
        ROOST_TRY(watch_signals(signals));
        roost_group_cancel(g, "SIGTERM");
    }
    return rc;
}
