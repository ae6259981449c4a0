/* bench/peers/condvar/peer.c - two threads that hand a value to each other by mutex and condition
 * variable: the round trip that every hand-over to a thread is measured against.
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#include "meter.h"

struct table {
    pthread_mutex_t mutex;
    pthread_cond_t asked;
    pthread_cond_t answered;
    long question; /* 0: none; below: end */
    long answer;   /* 0: none */
};

static void *answerer(void *arg)
{
    struct table *table = arg;
    pthread_mutex_lock(&table->mutex);
    for (;;) {
        while (table->question == 0)
            pthread_cond_wait(&table->asked, &table->mutex);
        if (table->question < 0)
            break;
        table->answer = table->question + 1;
        table->question = 0;
        pthread_cond_signal(&table->answered);
    }
    pthread_mutex_unlock(&table->mutex);
    return NULL;
}

static long ask(struct table *table, long question)
{
    pthread_mutex_lock(&table->mutex);
    table->question = question;
    pthread_cond_signal(&table->asked);
    while (question > 0 && table->answer == 0)
        pthread_cond_wait(&table->answered, &table->mutex);
    long answer = table->answer;
    table->answer = 0;
    pthread_mutex_unlock(&table->mutex);
    return answer;
}

static int run_round_trip(const char *name, long n)
{
    struct table table = {.mutex = PTHREAD_MUTEX_INITIALIZER,
                          .asked = PTHREAD_COND_INITIALIZER,
                          .answered = PTHREAD_COND_INITIALIZER};
    pthread_t thread;
    if (pthread_create(&thread, NULL, answerer, &table) != 0)
        return 1;
    int wrong = 0;
    for (long i = 1; i <= n / 10 + 1; i++)
        wrong += ask(&table, i) != i + 1;
    int64_t start = bench_wall_ns();
    for (long i = 1; i <= n; i++)
        wrong += ask(&table, i) != i + 1;
    bench_print(name, "ns_per_op", (double)(bench_wall_ns() - start) / (double)n);
    (void)ask(&table, -1);
    pthread_join(thread, NULL);
    return wrong;
}

int main(int argc, char **argv)
{
    static const struct bench_case cases[] = {
        {"to_thread_roundtrip", run_round_trip, 100000},
        {"cross_loop_roundtrip", run_round_trip, 100000},
    };
    return bench_main(argc, argv, cases, sizeof cases / sizeof cases[0], NULL);
}
