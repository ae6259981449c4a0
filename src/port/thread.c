/* port/thread.c - threads.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <roost/error.h>

#include "base/mem.h"
#include "port/host.h"

/* What a new thread needs; it frees it. */
struct thread_start {
    void (*body)(void *);
    void *arg;
    int cpu;
    char name[16]; /* the kernel's limit */
};

static void *thread_main(void *start_block)
{
    struct thread_start start = *(struct thread_start *)start_block;
    roosti_free(start_block);
    pthread_setname_np(pthread_self(), start.name);
    if (start.cpu >= 0) {
        /* A processor that has gone away since is no reason not to run. */
        cpu_set_t sets[8];
        memset(sets, 0, sizeof sets);
        CPU_SET_S((size_t)start.cpu, sizeof sets, sets);
        pthread_setaffinity_np(pthread_self(), sizeof sets, sets);
    }
    start.body(start.arg);
    return NULL;
}

int roosti_thread_start(struct roosti_thread *thread, const char *name, int cpu,
                        void (*body)(void *), void *arg)
{
    struct thread_start *start = roosti_alloc(sizeof *start, "thread");
    if (!start)
        return ROOST_ENOMEM;
    *start = (struct thread_start){.body = body, .arg = arg, .cpu = cpu};
    snprintf(start->name, sizeof start->name, "%s", name ? name : "roost");

    /* The signal mask is inherited as it is: a blocked one would reach the children of whatever
     * program the body starts. */
    pthread_t handle;
    int rc = roosti_may_take("thread") ? pthread_create(&handle, NULL, thread_main, start) : EAGAIN;
    if (rc != 0) {
        roosti_free(start);
        return -rc;
    }
    thread->handle = (uintptr_t)handle;
    return 0;
}

void roosti_thread_join(struct roosti_thread *thread)
{
    pthread_join((pthread_t)thread->handle, NULL);
    thread->handle = 0;
}

uint64_t roosti_thread_self(void)
{
    return (uint64_t)syscall(SYS_gettid);
}

void roosti_thread_pause(void)
{
    sched_yield();
}
