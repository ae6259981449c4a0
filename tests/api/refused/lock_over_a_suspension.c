/* tests/api/refused/lock_over_a_suspension.c - a named lock of threads held over a suspension.
 *
 * refused by clang: while mutex 'cache_lock' is held
 *
 * SPDX-License-Identifier: MIT
 */
#include <pthread.h>

#if defined(__clang__)
#define SAFETY(...) __attribute__((__VA_ARGS__))
#else
#define SAFETY(...)
#endif

struct SAFETY(capability("mutex")) app_lock {
    pthread_mutex_t mutex;
};

static struct app_lock cache_lock = {PTHREAD_MUTEX_INITIALIZER};
#define ROOST_OS_LOCKS cache_lock

#include <roost.h>

static void app_lock_take(struct app_lock *lock)
    SAFETY(acquire_capability(*lock), no_thread_safety_analysis);
static void app_lock_drop(struct app_lock *lock)
    SAFETY(release_capability(*lock), no_thread_safety_analysis);

static void app_lock_take(struct app_lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

static void app_lock_drop(struct app_lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

ROOST_MAIN(argc, argv)
{
    app_lock_take(&cache_lock);
#ifdef MENDED
    app_lock_drop(&cache_lock);
    int rc = roost_sleep(ROOST_MS(1));
#else
    int rc = roost_sleep(ROOST_MS(1));
    app_lock_drop(&cache_lock);
#endif
    return rc;
}
