/* tests/behaviour/signals.c - behaviour B88: signals received by tasks.
 *
 * SPDX-License-Identifier: MIT
 */
#include <signal.h>

#include <roost.h>

#include "kit/behaviour.h"

static volatile sig_atomic_t handled[65];

static void on_signal(int signo)
{
    handled[signo]++;
}

/* Under torture a receiver may not come to be: what is raised then meets this handler. */
static roost_signals *receiver(const int *set, size_t count)
{
    roost_signals *signals = NULL;
    for (size_t i = 0; i < count; i++) {
        struct sigaction action = {.sa_handler = on_signal};
        sigaction(set[i], &action, NULL);
        handled[set[i]] = 0;
    }
    CHECK_OK(roost_signals_open(set, count, &signals));
    return signals;
}

BEHAVIOUR(88, a_signal_that_comes_all_the_time_keeps_no_other_waiting)
{
    static const int set[] = {SIGUSR1, SIGUSR2, SIGHUP};
    ROOST_AUTO(signals) roost_signals *signals = receiver(set, 3);
    int taken[65] = {0};
    if (!signals)
        return;
    raise(SIGHUP);
    raise(SIGUSR2);
    for (int i = 0; i < 30; i++) {
        roost_signal_info info = {.signo = 0};
        raise(SIGUSR1);
        if (i % 3 == 2)
            raise(SIGUSR2);
        CHECK_OK(roost_signals_next(signals, &info));
        taken[info.signo]++;
        if (i == 2) {
            CHECK_EQ(1, taken[SIGUSR2]);
            CHECK_EQ(1, taken[SIGHUP]);
        }
    }
    CHECK(taken[SIGUSR2] >= 10);
    CHECK(taken[SIGUSR1] >= 10);
}

BEHAVIOUR(88, the_former_handler_comes_back)
{
    static const int set[] = {SIGUSR1};
    roost_signals *signals = receiver(set, 1);
    roost_signal_info info;
    if (!signals)
        return;
    raise(SIGUSR1);
    CHECK_EQ(0, roost_signals_next(signals, &info));
    CHECK_EQ(SIGUSR1, info.signo);
    CHECK_EQ(0, roost_signals_close(signals));
    CHECK(roost_test_tortured() || handled[SIGUSR1] == 0);
    raise(SIGUSR1);
    CHECK_ALWAYS(handled[SIGUSR1] >= 1);
}

BEHAVIOUR(88, what_was_not_taken_takes_its_former_course)
{
    static const int set[] = {SIGUSR1, SIGUSR2};
    roost_signals *signals = receiver(set, 2);
    if (!signals)
        return;
    raise(SIGUSR1);
    raise(SIGUSR1);
    CHECK_EQ(0, handled[SIGUSR1]);
    CHECK_EQ(0, roost_signals_close(signals));
    CHECK_ALWAYS(handled[SIGUSR1] == 1);
    CHECK_ALWAYS(handled[SIGUSR2] == 0);
}

ROOST_ASYNC(take_one, roost_signals *, signals, int *, signo)
{
    roost_signal_info info;
    ROOST_TRY(roost_signals_next(signals, &info));
    *signo = info.signo;
    return 0;
}

BEHAVIOUR(88, a_task_that_waits_is_woken_and_a_cancelled_one_takes_none)
{
    static const int set[] = {SIGUSR1};
    ROOST_AUTO(signals) roost_signals *signals = receiver(set, 1);
    int signo = 0;
    int rc = 0;
    if (!signals)
        return;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, take_one, signals, &signo);
        CHECK_OK(roost_test_settle());
        raise(SIGUSR1);
    }
    CHECK_EQ(SIGUSR1, signo);
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, take_one, signals, &signo);
        CHECK_OK(roost_test_settle());
        roost_group_cancel(g, NULL);
    }
    raise(SIGUSR1);
    roost_signal_info info;
    CHECK_OK(roost_signals_next(signals, &info));
    CHECK_EQ(1, info.count);
}
