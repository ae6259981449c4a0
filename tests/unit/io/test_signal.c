/* tests/unit/io/test_signal.c - receivers of signals: what they tell, refuse, and leave behind.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <roost.h>

#include "kit/kit.h"

static volatile sig_atomic_t handled;
static volatile sig_atomic_t handled_pid;

static void on_signal(int signo, siginfo_t *info, void *context)
{
    (void)signo;
    (void)context;
    handled++;
    handled_pid = info->si_pid;
}

static void handle(int signo)
{
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    sigaction(signo, &action, NULL);
    handled = 0;
}

static bool is_handled_by_us(int signo)
{
    struct sigaction present;
    sigaction(signo, NULL, &present);
    return present.sa_sigaction == on_signal;
}

static roost_signals *receiver(int signo)
{
    roost_signals *signals = NULL;
    handle(signo);
    CHECK_OK(roost_signals_open(&signo, 1, &signals));
    return signals;
}

ROOST_ASYNC(take, roost_signals *, signals, roost_signal_info *, info, int *, result)
{
    *result = roost_signals_next(signals, info);
    return 0;
}

ROOST_TEST(what_came_several_times_is_told_once_with_the_latest_sender_and_value)
{
    ROOST_AUTO(signals) roost_signals *signals = receiver(SIGUSR1);
    roost_signal_info info = {.signo = 0};
    union sigval value = {.sival_int = 7};
    if (!signals)
        return;
    CHECK_EQ(ROOST_EAGAIN, roost_signals_try_next(signals, &info));
    raise(SIGUSR1);
    CHECK_EQ(0, roost_signals_try_next(signals, &info));
    CHECK_EQ(SIGUSR1, info.signo);
    CHECK_EQ(getpid(), info.pid);
    CHECK_EQ(0, info.value);
    CHECK_EQ(1, info.count);
    raise(SIGUSR1);
    raise(SIGUSR1);
    pthread_sigqueue(pthread_self(), SIGUSR1, value);
    CHECK_EQ(0, roost_signals_next(signals, &info));
    CHECK_EQ(3, info.count);
    CHECK_EQ(7, info.value);
    CHECK_EQ(ROOST_EAGAIN, roost_signals_try_next(signals, &info));
}

ROOST_TEST(waiting_tasks_are_served_in_their_order_and_told_when_it_closes)
{
    roost_signals *signals = receiver(SIGUSR1);
    roost_signal_info info[3] = {{.signo = 0}};
    int results[3] = {1, 1, 1};
    int rc = 0;
    if (!signals)
        return;
    ROOST_GROUP(g, rc) {
        for (int i = 0; i < 3; i++) {
            ROOST_GO(g, take, signals, &info[i], &results[i]);
            CHECK_OK(roost_test_settle());
        }
        raise(SIGUSR1);
        CHECK_EQ(ROOST_EAGAIN, roost_signals_try_next(signals, &info[2]));
        while (results[0] == 1 && roost_yield() == 0)
            continue;
        CHECK_EQ(0, results[0]);
        CHECK_EQ(1, results[1]);
        raise(SIGUSR1);
        while (results[1] == 1 && roost_yield() == 0)
            continue;
        CHECK_EQ(0, results[1]);
        CHECK_EQ(1, results[2]);
        CHECK_EQ(0, roost_signals_close(signals));
    }
    CHECK_EQ(ROOST_ECLOSED, results[2]);
    CHECK_ALWAYS(is_handled_by_us(SIGUSR1));
}

ROOST_TEST(one_signal_has_one_receiver)
{
    static const int both[] = {SIGUSR2, SIGUSR1};
    static const int twice[] = {SIGUSR2, SIGUSR2};
    ROOST_AUTO(signals) roost_signals *signals = receiver(SIGUSR1);
    roost_signals *second = NULL;
    if (!signals)
        return;
    handle(SIGUSR2);
    CHECK_EQ(ROOST_EBUSY, roost_signals_open(both, 2, &second));
    CHECK_EQ(ROOST_EBUSY, roost_signals_open(twice, 2, &second));
    CHECK(!second);
    CHECK(is_handled_by_us(SIGUSR2));
    CHECK_EQ(0, roost_signals_open(both, 1, &second));
    CHECK_EQ(0, roost_signals_close(second));
    CHECK_ALWAYS(is_handled_by_us(SIGUSR2));
}

ROOST_TEST(what_is_not_a_signal_or_tells_of_a_mistake_is_refused)
{
    static const int bad[] = {0, -1, 65, 1000, SIGKILL, SIGSTOP, SIGSEGV, SIGABRT, SIGSYS};
    roost_signals *signals = NULL;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK_EQ(ROOST_EINVAL, roost_signals_open(&bad[i], 1, &signals));
    CHECK_EQ(ROOST_EINVAL, roost_signals_open(bad, 0, &signals));
    CHECK(!signals);
    CHECK_EQ(0, roost_signals_close(NULL));
}

ROOST_TEST(a_signal_that_was_not_taken_keeps_its_sender)
{
    roost_signals *signals = receiver(SIGUSR1);
    if (!signals)
        return;
    handled_pid = 0;
    raise(SIGUSR1);
    CHECK_EQ(0, roost_signals_close(signals));
    CHECK_ALWAYS(handled == 1);
    CHECK_ALWAYS(handled_pid == getpid());
}

ROOST_TEST(who_sets_a_handler_meanwhile_keeps_it)
{
    roost_signals *signals = NULL;
    int signo = SIGUSR1;
    signal(SIGUSR1, SIG_IGN);
    CHECK_OK(roost_signals_open(&signo, 1, &signals));
    handle(SIGUSR1);
    CHECK_EQ(0, roost_signals_close(signals));
    CHECK_ALWAYS(is_handled_by_us(SIGUSR1));
}

ROOST_TEST(a_handler_that_is_put_back_too_late_does_as_the_former_one)
{
    struct sigaction ours;
    roost_signals *signals = receiver(SIGUSR1);
    if (!signals)
        return;
    sigaction(SIGUSR1, NULL, &ours);
    CHECK_EQ(0, roost_signals_close(signals));
    sigaction(SIGUSR1, &ours, NULL);
    raise(SIGUSR1);
    CHECK_ALWAYS(handled == 1);
    CHECK_ALWAYS(is_handled_by_us(SIGUSR1));
}

ROOST_TEST(a_signal_on_its_way_when_the_receiver_closes_is_nobodys)
{
    roost_signals *signals = receiver(SIGUSR1);
    roost_signal_info info;
    if (!signals)
        return;
    raise(SIGUSR1);
    CHECK_EQ(0, roost_signals_try_next(signals, &info));
    CHECK_EQ(0, roost_signals_close(signals));
    CHECK_OK(roost_yield());
    CHECK_ALWAYS(handled == 0);
}

ROOST_TEST(an_interrupt_goes_to_its_receiver_while_that_is_open)
{
    static const int set[] = {SIGINT, SIGTERM};
    roost_signals *signals = NULL;
    roost_signal_info info = {.signo = 0};
    CHECK_OK(roost_signals_open(set, 2, &signals));
    if (!signals)
        return;
    raise(SIGINT);
    raise(SIGTERM);
    CHECK_OK(roost_signals_next(signals, &info));
    CHECK_OK(roost_signals_next(signals, &info));
    CHECK(!roost_stopping());
    while (roost_signals_try_next(signals, &info) == 0)
        continue;
    CHECK_EQ(0, roost_signals_close(signals));
}

ROOST_ASYNC(leave_an_interrupt)
{
    ROOST_AUTO(signals) roost_signals *signals = NULL;
    int signo = SIGINT;
    bool asked = roost_stopping(); /* who asks is given the grace */
    ROOST_TRY(roost_signals_open(&signo, 1, &signals));
    raise(SIGINT);
    CHECK(!asked);
    CHECK_EQ(0, roost_signals_close(signals));
    signals = NULL;
    return roost_sleep_forever();
}

ROOST_TEST(an_interrupt_that_was_not_taken_is_the_runs, .plain = true, .no_torture = true)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    if (roost_test_virtual())
        roost_test_skip("a simulated run holds no signals");
    opts.shutdown_grace = ROOST_MS(1);
    opts.no_signals = false;
    CHECK_EQ(ROOST_ECANCELED, roost_test_run(ROOST_CALL(leave_an_interrupt), &opts));
}

ROOST_TEST(outside_a_run_there_is_no_receiver, .plain = true)
{
    roost_signals *signals = NULL;
    int signo = SIGUSR1;
    CHECK_EQ(ROOST_ENOCTX, roost_signals_open(&signo, 1, &signals));
}

static void *raise_later(void *arg)
{
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        kill(getpid(), SIGUSR1);
        usleep(10);
    }
    return NULL;
}

/* Handlers run on whatever thread; no signal is lost, and none counted twice: the last is seen. */
ROOST_TEST(signals_of_another_thread_arrive, .threads = true, .no_torture = true)
{
    ROOST_AUTO(signals) roost_signals *signals = receiver(SIGUSR1);
    pthread_t thread;
    roost_signal_info info;
    uint32_t count = 0;
    int rounds = 0;
    if (!signals || pthread_create(&thread, NULL, raise_later, NULL) != 0)
        return;
    while (rounds < 100 && roost_signals_next(signals, &info) == 0) {
        count += info.count;
        rounds++;
    }
    CHECK_EQ(100, rounds);
    CHECK(count >= 100);
    pthread_join(thread, NULL);
    while (roost_signals_try_next(signals, &info) == 0)
        count += info.count;
    CHECK(count <= 1000);
}
