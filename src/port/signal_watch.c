/* port/signal_watch.c - what has come of any signal, for whoever watches it.
 *
 * A handler may run on any thread. All of it happens under one lock, which is only ever taken with
 * every signal blocked: who holds it is never interrupted by somebody who wants it, and a handler
 * waits for a few instructions of another thread at the most. Since the hook is called under the
 * lock too, it is not called any more once roosti_signal_unwatch has returned.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <roost/error.h>

#include "port/host.h"

struct watched {
    struct roosti_signal_watch watch; /* hook NULL: nobody watches it */
    struct sigaction former;
    siginfo_t last;
    uint32_t count; /* that came since it was fetched */
};

static struct roosti_lock watched_lock;
static struct watched watched[NSIG];

static void watched_spin(void)
{
    while (!roosti_lock_try(&watched_lock))
        roosti_thread_pause();
}

static sigset_t watched_enter(void)
{
    sigset_t all;
    sigset_t former;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &former);
    watched_spin();
    return former;
}

static void watched_leave(const sigset_t *former)
{
    roosti_lock_drop(&watched_lock);
    pthread_sigmask(SIG_SETMASK, former, NULL);
}

/* True when it is none of ours: somebody had saved this handler and put it back since, or this is a
 * child made by fork, whose lock may be held by a thread that does not exist in it. */
static bool signal_note(int signo, const siginfo_t *info)
{
    struct watched *at = &watched[signo];
    if (roosti_host_forked()) {
        sigaction(signo, &at->former, NULL);
        return true;
    }
    watched_spin();
    bool foreign = !at->watch.hook;
    if (foreign) {
        sigaction(signo, &at->former, NULL);
    } else {
        at->last = *info;
        at->count += at->count < UINT32_MAX;
        at->watch.hook(at->watch.arg);
    }
    roosti_lock_drop(&watched_lock);
    return foreign;
}

static void on_watched_signal(int signo, siginfo_t *info, void *context)
{
    int kept = errno;
    (void)context;
    if (signal_note(signo, info))
        raise(signo); /* blocked until this handler returns */
    errno = kept;
}

static bool watchable(int signo)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGABRT};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (signo == faults[i])
            return false;
    return signo > 0 && signo < NSIG;
}

int roosti_signal_watch(int signo, const struct roosti_signal_watch *watch)
{
    if (!watchable(signo))
        return ROOST_EINVAL;
    struct sigaction action = {.sa_sigaction = on_watched_signal,
                               .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
    sigfillset(&action.sa_mask);
    struct watched *at = &watched[signo];
    sigset_t former_mask = watched_enter();
    int rc = at->watch.hook ? ROOST_EBUSY : 0;
    if (rc == 0) {
        struct sigaction former;
        rc = sigaction(signo, &action, &former) < 0 ? -errno : 0;
        /* Ours may stand there still, put back by somebody who had saved it. */
        if (rc == 0 && former.sa_sigaction != on_watched_signal)
            at->former = former;
    }
    if (rc == 0) {
        at->watch = *watch;
        at->count = 0;
    }
    watched_leave(&former_mask);
    return rc;
}

bool roosti_signal_fetch(int signo, struct roosti_signal_seen *seen)
{
    struct watched *at = &watched[signo];
    sigset_t former_mask = watched_enter();
    uint32_t count = at->count;
    siginfo_t last = at->last;
    at->count = 0;
    watched_leave(&former_mask);
    if (count == 0)
        return false;
    bool sent = last.si_code == SI_USER || last.si_code == SI_QUEUE || last.si_code == SI_TKILL;
    bool valued = last.si_code == SI_QUEUE || last.si_code == SI_TIMER || last.si_code == SI_MESGQ;
    *seen = (struct roosti_signal_seen){.pid = sent || signo == SIGCHLD ? last.si_pid : 0,
                                        .value = valued ? last.si_value.sival_int : 0,
                                        .count = count};
    return true;
}

void roosti_signal_unwatch(int signo)
{
    struct watched *at = &watched[signo];
    struct sigaction present;
    sigset_t former_mask = watched_enter();
    sigaction(signo, NULL, &present);
    if (present.sa_sigaction == on_watched_signal)
        sigaction(signo, &at->former, NULL);
    at->watch = (struct roosti_signal_watch){.hook = NULL};
    siginfo_t last = at->last;
    bool left = at->count > 0;
    at->count = 0;
    watched_leave(&former_mask);
    /* To this very thread, so it has taken its course when this returns. The kernel lets a process
     * tell itself any sender; where a filter of calls does not, the number alone has to do. */
    if (left && syscall(SYS_rt_tgsigqueueinfo, getpid(), (int)roosti_thread_self(), signo, &last))
        raise(signo);
}
