/* bench/sync/sync.c - the suite `sync` on roost: channels, locks, permits, gathering, selecting,
 * and what two threads hand to each other.
 *
 * Everything is as users have it. The cases are those of bench/METHOD.md.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost.h>

#include "meter.h"

enum { GATHERED = 10000, HOLDERS = 64, PERMITS = 8, CHANNELS = 4 };

static void print_per_op(const char *name, int64_t start, long n)
{
    bench_print(name, "ns_per_op", (double)(bench_cpu_ns() - start) / (double)n);
}

static void print_wall_per_op(const char *name, int64_t start, long n)
{
    bench_print(name, "ns_per_op", (double)(bench_wall_ns() - start) / (double)n);
}

static int chan_open(roost_chan **ret_chan, size_t capacity, bool shared)
{
    return roost_chan_open(
        &(roost_chan_opts){.item_size = sizeof(int64_t), .capacity = capacity, .shared = shared},
        ret_chan);
}

/* -- channels ---------------------------------------------------------------------------------- */

ROOST_ASYNC(echo, roost_chan *, there, roost_chan *, back)
{
    int64_t value;
    int rc;
    while ((rc = roost_chan_recv(there, &value)) == 0) {
        value++;
        ROOST_TRY(roost_chan_send(back, &value));
    }
    return rc == ROOST_ECLOSED ? 0 : rc;
}

ROOST_ASYNC(bounce, roost_chan *, there, roost_chan *, back, long, n)
{
    int64_t value = 0;
    for (long i = 0; i < n; i++) {
        ROOST_TRY(roost_chan_send(there, &value));
        ROOST_TRY(roost_chan_recv(back, &value));
    }
    return value == n ? 0 : -EIO;
}

ROOST_ASYNC(ping_pong, long, n)
{
    ROOST_AUTO(chan) roost_chan *there = NULL;
    ROOST_AUTO(chan) roost_chan *back = NULL;
    ROOST_TRY(chan_open(&there, 0, false));
    ROOST_TRY(chan_open(&back, 0, false));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, echo, there, back);
        rc = bounce(there, back, n);
        roost_ignore(roost_chan_close_send(there));
    }
    return rc;
}

static int run_channel(const char *name, long n)
{
    ROOST_TRY(ping_pong(n / 20 + 1));
    int64_t start = bench_cpu_ns();
    ROOST_TRY(ping_pong(n / 2));
    print_per_op(name, start, n);
    return 0;
}

ROOST_ASYNC(pick_all, roost_chan **, chans, long, n)
{
    int64_t sum = 0;
    int64_t value = 0;
    for (long i = 0; i < n; i++) {
        roost_case cases[CHANNELS];
        for (int k = 0; k < CHANNELS; k++)
            cases[k] = ROOST_CASE_RECV(chans[k], &value);
        int at = roost_select(cases, CHANNELS);
        if (at < 0 || cases[at].rc < 0)
            return at < 0 ? at : cases[at].rc;
        sum += value;
    }
    return sum == (int64_t)n * (n - 1) / 2 ? 0 : -EIO;
}

ROOST_ASYNC(select_all, long, n)
{
    roost_chan *chans[CHANNELS] = {0};
    int rc = 0;
    for (int k = 0; k < CHANNELS && rc == 0; k++)
        rc = chan_open(&chans[k], 0, false);
    if (rc == 0)
        ROOST_GROUP(g, rc) {
            ROOST_GO(g, pick_all, chans, n);
            for (int64_t i = 0; i < n && rc == 0; i++)
                rc = roost_chan_send(chans[i % CHANNELS], &i);
        }
    for (int k = 0; k < CHANNELS; k++)
        roost_ignore(roost_chan_close(chans[k]));
    return rc;
}

static int run_select(const char *name, long n)
{
    ROOST_TRY(select_all(n / 10 + 1));
    int64_t start = bench_cpu_ns();
    ROOST_TRY(select_all(n));
    print_per_op(name, start, n);
    return 0;
}

/* -- locks and permits ------------------------------------------------------------------------- */

static int run_mutex(const char *name, long n)
{
    static roost_mutex mutex;
    roost_mutex_init(&mutex);
    int64_t start = bench_cpu_ns();
    for (long i = 0; i < n; i++) {
        ROOST_TRY(roost_mutex_lock(&mutex));
        ROOST_TRY(roost_mutex_unlock(&mutex));
    }
    print_per_op(name, start, n);
    return 0;
}

ROOST_ASYNC(holder, roost_sem *, sem, long, n)
{
    for (long i = 0; i < n; i++) {
        ROOST_TRY(roost_sem_acquire(sem));
        int rc = roost_yield();
        roost_ignore(roost_sem_release(sem));
        ROOST_TRY(rc);
    }
    return 0;
}

ROOST_ASYNC(hold_all, long, n)
{
    roost_sem sem = ROOST_SEM_INIT(PERMITS);
    int rc = 0;
    ROOST_GROUP(g, rc)
        for (int i = 0; i < HOLDERS; i++)
            ROOST_GO(g, holder, &sem, n / HOLDERS);
    return rc;
}

static int run_semaphore(const char *name, long n)
{
    ROOST_TRY(hold_all(n / 10));
    int64_t start = bench_cpu_ns();
    ROOST_TRY(hold_all(n));
    print_per_op(name, start, n);
    return 0;
}

/* -- gathering --------------------------------------------------------------------------------- */

ROOST_ASYNC(give, int, value)
{
    return value;
}

static int gather_all(long n)
{
    static struct roost_args_give blocks[GATHERED];
    static roost_call calls[GATHERED];
    static int results[GATHERED];
    for (; n > 0; n -= GATHERED) {
        for (int i = 0; i < GATHERED; i++) {
            blocks[i] = (struct roost_args_give){&roost_info_give, i};
            calls[i] = (roost_call){&blocks[i].roost_info};
        }
        ROOST_TRY(roost_gather(calls, GATHERED, results, NULL));
        if (results[GATHERED - 1] != GATHERED - 1)
            return -EIO;
    }
    return 0;
}

static int run_gather(const char *name, long n)
{
    ROOST_TRY(gather_all(n / 10 + 1));
    int64_t start = bench_cpu_ns();
    ROOST_TRY(gather_all(n));
    print_per_op(name, start, n);
    return 0;
}

/* -- threads ----------------------------------------------------------------------------------- */

ROOST_ASYNC(echo_afar, roost_chan *, there, roost_chan *, back)
{
    return roost_on_loop(1, ROOST_CALL(echo, there, back), NULL);
}

static int run_cross_loop(const char *name, long n)
{
    ROOST_AUTO(chan) roost_chan *there = NULL;
    ROOST_AUTO(chan) roost_chan *back = NULL;
    ROOST_TRY(chan_open(&there, 1, true));
    ROOST_TRY(chan_open(&back, 1, true));
    int rc = 0;
    ROOST_GROUP(g, rc) {
        ROOST_GO(g, echo_afar, there, back);
        rc = bounce(there, back, n / 10 + 1);
        int64_t start = bench_wall_ns();
        if (rc == 0)
            rc = bounce(there, back, n);
        print_wall_per_op(name, start, n);
        roost_ignore(roost_chan_close_send(there));
    }
    return rc;
}

static int to_thread_all(long n)
{
    for (long i = 0; i < n; i++)
        if (roost_to_thread(ROOST_CALL(give, (int)(i & 0xffff))) != (int)(i & 0xffff))
            return -EIO;
    return 0;
}

static int run_to_thread(const char *name, long n)
{
    ROOST_TRY(to_thread_all(n / 10 + 1));
    int64_t start = bench_wall_ns();
    ROOST_TRY(to_thread_all(n));
    print_wall_per_op(name, start, n);
    return 0;
}

/* -- the program ------------------------------------------------------------------------------- */

ROOST_ASYNC(run_case, const struct bench_case *, chosen, long, n)
{
    return chosen->run(chosen->name, n);
}

static int run_around(const struct bench_case *chosen, long n)
{
    int loops = chosen->run == run_cross_loop ? 2 : 1;
    return roost_run(ROOST_CALL(run_case, chosen, n), &(roost_run_opts){.loops = loops});
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"channel_pingpong", run_channel, 50000000},
        {"mutex_uncontended", run_mutex, 100000000},
        {"semaphore_64_8", run_semaphore, 20000000},
        {"cross_loop_roundtrip", run_cross_loop, 100000},
        {"to_thread_roundtrip", run_to_thread, 100000},
        {"gather_10000", run_gather, 5000000},
        {"select_4", run_select, 20000000},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0], run_around);
}
