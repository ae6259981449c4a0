/* roost/signal.h - signals, received by tasks.
 *
 *     ROOST_AUTO(signals) roost_signals *signals = NULL;
 *     roost_signal_info info;
 *
 *     ROOST_TRY(roost_signals_open((const int[]){SIGHUP, SIGUSR1}, 2, &signals));
 *     while ((rc = roost_signals_next(signals, &info)) == 0)
 *         info.signo == SIGHUP ? reload() : report();
 *
 * While a receiver is open its signals do nothing else than wake it. Closing it puts the actions
 * back that were there before, and raises once more each signal that came and was not taken, so
 * that it takes the course it would have taken without the receiver.
 *
 * A signal that comes again before it was taken is told once, with how many they were. When
 * several wait they take turns, so one that comes all the time keeps none of the others waiting.
 *
 * SIGINT and SIGTERM end a run in order (roost/run.h). A receiver for one of them takes it over
 * while it is open: the run then neither sees nor counts it. What is left when the receiver closes
 * is the run's again.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_SIGNAL_H
#define ROOST_SIGNAL_H

#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

/* A receiver, for the tasks of the loop it was opened on. */
typedef struct roost_signals roost_signals;

typedef struct roost_signal_info {
    int signo;
    int pid;        /* of the process that sent it; 0: the system itself */
    int value;      /* that sigqueue sent along; 0 without */
    uint32_t count; /* that came since the last one of this number was taken, at least 1; pid and
                       value are those of the latest */
} roost_signal_info;

ROOST_BEGIN_DECLS

/**
 * roost_signals_open - receive signals.
 *
 *   set       copied: the numbers, each once. All that a handler can be set for, but those that
 *             tell of a mistake in the program (SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS,
 *             SIGABRT).
 *   count     of them, at least 1.
 *   signals   gives a receiver, release with roost_signals_close; written on success only.
 *
 * A signal that was ignored is received as well, and ignored again afterwards.
 *
 * Suspends  never.
 * Errors    ROOST_EBUSY    one of them has a receiver in this process, or stands there twice;
 *           ROOST_EINVAL   count is 0, or one of them is not a signal that can be received;
 *           ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST int roost_signals_open(const int *set, size_t count, roost_signals **signals);

/**
 * roost_signals_next - wait for one of the signals.
 *
 *   signals   open. Tasks that wait for the same receiver are served in the order they came.
 *   info      written on success only.
 *
 * Suspends  until one has come that was not taken yet.
 * Cancel    ROOST_ECANCELED; none was taken.
 * Errors    ROOST_ECLOSED  the receiver was closed meanwhile; ROOST_EXLOOP  it belongs to another
 *           loop; ROOST_ENOCTX  not in a task.
 * Threads   tasks of the receiver's loop.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_signals_next(roost_signals *signals,
                                                           roost_signal_info *info);

/**
 * roost_signals_try_next - take a signal that has come.
 *
 *   signals   open.
 *   info      written on success only.
 *
 * Suspends  never.
 * Errors    ROOST_EAGAIN  none has come, or tasks that came before wait for it; ROOST_EXLOOP  it
 *           belongs to another loop; ROOST_ENOCTX  not in a run.
 * Threads   tasks of the receiver's loop.
 */
ROOST_API ROOST_MUST int roost_signals_try_next(roost_signals *signals, roost_signal_info *info);

/**
 * roost_signals_close - receive no more, and let the signals take their former course.
 *
 *   signals   taken; NULL is accepted. Tasks that wait for it get ROOST_ECLOSED.
 *
 * Where somebody else has set an action for a signal meanwhile, that one stays. A signal raised
 * again may end the program before this returns, as it would have without the receiver.
 *
 * Suspends  never.
 * Errors    ROOST_EXLOOP, ROOST_ENOCTX  it was not closed; reported at debug level 1.
 * Threads   tasks of the receiver's loop.
 */
ROOST_API int roost_signals_close(roost_signals *signals);

ROOST_END_DECLS

/* For ROOST_AUTO(signals). */
static inline void roost_signals_cleanup(roost_signals **signals)
{
    (void)roost_signals_close(*signals);
}

#endif
