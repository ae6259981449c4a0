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
#include <unistd.h>

#include <roost/error.h>

#include "base/atomic.h"
#include "port/host.h"

enum { STOP_SIGNAL_COUNT = 2 };
static const int stop_signals[STOP_SIGNAL_COUNT] = {SIGINT, SIGTERM};

/* Dispositions belong to the process, so their holder does too. */
enum stop_state { STOP_FREE, STOP_CHANGING, STOP_HELD };
static int stop_state; /* enum stop_state; the handler uses the rest only in STOP_HELD */
static struct roosti_signal_hook stop_holder;
static pid_t stop_process; /* of the holder */
static struct sigaction stop_former[STOP_SIGNAL_COUNT];
static bool stop_taken[STOP_SIGNAL_COUNT]; /* false: the signal was ignored and stays so */
static int stop_count;
static int stop_running; /* handlers that have begun and not ended */

static void stop_former_restore(int index)
{
    sigaction(stop_signals[index], &stop_former[index], NULL);
}

static void on_stop_signal(int signo)
{
    int kept = errno;
    roosti_atomic_add(&stop_running, 1, ROOSTI_SEQ_CST);
    if (roosti_atomic_load(&stop_state, ROOSTI_SEQ_CST) == STOP_HELD) {
        int nth = (int)roosti_atomic_add(&stop_count, 1, ROOSTI_RELAXED) + 1;
        /* In a child made by fork there is no run that it could end. */
        if (getpid() != stop_process || !stop_holder.hook(stop_holder.arg, signo, nth)) {
            stop_former_restore(signo == stop_signals[0] ? 0 : 1);
            /* Blocked until this handler returns, then it takes its former course. */
            raise(signo);
        }
    }
    roosti_atomic_sub(&stop_running, 1, ROOSTI_SEQ_CST);
    errno = kept;
}

int roosti_signals_hold(const struct roosti_signal_hook *hook)
{
    int expected = STOP_FREE;
    if (!roosti_atomic_cas(&stop_state, &expected, STOP_CHANGING, ROOSTI_SEQ_CST))
        return ROOST_EBUSY;
    stop_holder = *hook;
    stop_process = getpid();
    roosti_atomic_store(&stop_count, 0, ROOSTI_RELAXED);
    roosti_atomic_store(&stop_state, STOP_HELD, ROOSTI_SEQ_CST);

    struct sigaction action = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < STOP_SIGNAL_COUNT; i++) {
        sigaction(stop_signals[i], NULL, &stop_former[i]);
        stop_taken[i] = stop_former[i].sa_handler != SIG_IGN;
        if (stop_taken[i])
            sigaction(stop_signals[i], &action, NULL);
    }
    return 0;
}

void roosti_signals_release(void)
{
    for (int i = 0; i < STOP_SIGNAL_COUNT; i++) {
        struct sigaction present;
        sigaction(stop_signals[i], NULL, &present);
        /* Somebody who has replaced the handler since keeps what he set. */
        if (stop_taken[i] && present.sa_handler == on_stop_signal)
            stop_former_restore(i);
    }
    /* The order matters: a handler that begins after this wait finds nothing held. */
    roosti_atomic_store(&stop_state, STOP_CHANGING, ROOSTI_SEQ_CST);
    while (roosti_atomic_load(&stop_running, ROOSTI_SEQ_CST) != 0)
        sched_yield();
    roosti_atomic_store(&stop_state, STOP_FREE, ROOSTI_SEQ_CST);
}
