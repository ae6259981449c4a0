/* tests/model/model_lock.c - the lock and the latch between threads.
 *
 * SPDX-License-Identifier: MIT
 */
#include "base/atomic.h"
#include "model/model.h"
#include "port/host.h"

void model_locals(void)
{
}

/* -- lock: what it guards is plain, so a lock that does not exclude is a race -------------------
 */

static struct {
    struct roosti_lock lock;
    int count;
} guarded;

static void lock_count(void *rounds)
{
    for (int i = 0; i < (int)(intptr_t)rounds; i++) {
        roosti_lock_take(&guarded.lock);
        guarded.count++;
        roosti_lock_drop(&guarded.lock);
    }
}

static void lock_try_count(void *arg)
{
    (void)arg;
    while (!roosti_lock_try(&guarded.lock))
        roosti_thread_pause();
    guarded.count++;
    roosti_lock_drop(&guarded.lock);
}

static void two_lock_setup(void)
{
    guarded.lock = (struct roosti_lock){0};
    guarded.count = 0;
    model_thread("one", lock_count, (void *)2);
    model_thread("other", lock_count, (void *)2);
}

static void two_lock_finish(void)
{
    model_check(guarded.count == 4);
}

static void three_lock_setup(void)
{
    guarded.lock = (struct roosti_lock){0};
    guarded.count = 0;
    model_thread("one", lock_count, (void *)1);
    model_thread("two", lock_count, (void *)1);
    model_thread("three", lock_count, (void *)1);
}

static void three_lock_finish(void)
{
    model_check(guarded.count == 3);
}

static void try_setup(void)
{
    guarded.lock = (struct roosti_lock){0};
    guarded.count = 0;
    model_thread("takes", lock_count, (void *)2);
    model_thread("tries", lock_try_count, NULL);
}

/* -- latch: what was written before it was set is read after the wait -------------------------- */

static struct {
    struct roosti_latch latch;
    int value;
} latched;

static void latch_set(void *arg)
{
    (void)arg;
    latched.value = 7;
    roosti_latch_set(&latched.latch);
}

static void latch_wait(void *arg)
{
    (void)arg;
    model_check(roosti_latch_wait(&latched.latch, ROOST_NEVER));
    model_check(latched.value == 7);
}

static void latch_wait_until(void *arg)
{
    (void)arg;
    if (roosti_latch_wait(&latched.latch, 100))
        model_check(latched.value == 7);
    else
        model_check(roosti_clock_now() >= 100);
}

static void latch_setup(void)
{
    latched.latch = (struct roosti_latch){0};
    latched.value = 0;
    model_thread("sets", latch_set, NULL);
    model_thread("waits", latch_wait, NULL);
    model_thread("timed", latch_wait_until, NULL);
}

const struct model_case model_cases[] = {
    {"two_threads_lock_twice", two_lock_setup, two_lock_finish, NULL, 0},
    {"three_threads_lock", three_lock_setup, three_lock_finish, NULL, 0},
    {"one_takes_and_one_tries", try_setup, three_lock_finish, NULL, 0},
    {"a_latch_wakes_whoever_waits", latch_setup, NULL, NULL, 0},
    {NULL, NULL, NULL, NULL, 0},
};
