/* port/signals.c - SIGINT and SIGTERM for the one run that holds them.
 *
 * The handler may run on any thread, at any moment. Release first puts the former dispositions back
 * and then waits for handlers that have begun, so the holder's memory may go afterwards.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>

#include <roost/error.h>

#include "port/host.h"

enum { SIGNAL_COUNT = 2 };
static const int signals[SIGNAL_COUNT] = {SIGINT, SIGTERM};

/* Dispositions belong to the process, so their holder does too. */
static bool held;
static struct roosti_signal_hook holder;
static struct sigaction former[SIGNAL_COUNT];
static bool taken[SIGNAL_COUNT]; /* false: the signal was ignored and stays so */
static int arrived;
static int running; /* handlers that have begun and not ended */

static void former_restore(int index)
{
    sigaction(signals[index], &former[index], NULL);
}

static void on_signal(int signo)
{
    int kept = errno;
    __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&held, __ATOMIC_SEQ_CST)) {
        int nth = __atomic_add_fetch(&arrived, 1, __ATOMIC_RELAXED);
        if (!holder.hook(holder.arg, signo, nth)) {
            former_restore(signo == signals[0] ? 0 : 1);
            /* Blocked until this handler returns, then it takes its former course. */
            raise(signo);
        }
    }
    __atomic_sub_fetch(&running, 1, __ATOMIC_SEQ_CST);
    errno = kept;
}

int roosti_signals_hold(const struct roosti_signal_hook *hook)
{
    bool free_now = false;
    if (!__atomic_compare_exchange_n(&held, &free_now, true, false, __ATOMIC_SEQ_CST,
                                     __ATOMIC_SEQ_CST))
        return ROOST_EBUSY;
    holder = *hook;
    __atomic_store_n(&arrived, 0, __ATOMIC_RELAXED);

    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        sigaction(signals[i], NULL, &former[i]);
        taken[i] = former[i].sa_handler != SIG_IGN;
        if (taken[i])
            sigaction(signals[i], &action, NULL);
    }
    return 0;
}

void roosti_signals_release(void)
{
    for (int i = 0; i < SIGNAL_COUNT; i++) {
        struct sigaction present;
        sigaction(signals[i], NULL, &present);
        /* Somebody who has replaced the handler since keeps what he set. */
        if (taken[i] && present.sa_handler == on_signal)
            former_restore(i);
    }
    /* The order matters: a handler that begins after this wait finds nothing held. */
    __atomic_store_n(&held, false, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&running, __ATOMIC_SEQ_CST) != 0)
        sched_yield();
}
