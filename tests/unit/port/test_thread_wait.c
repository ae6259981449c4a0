/* tests/unit/port/test_thread_wait.c - threads that wait for a word.
 *
 * SPDX-License-Identifier: MIT
 */
#include <errno.h>

#include <roost/testing.h>

#include "base/atomic.h"
#include "port/host.h"

struct relay {
    uint32_t word;
    int rounds;
};

static void word_await(uint32_t *word, uint32_t wanted)
{
    uint32_t seen;
    while ((seen = roosti_atomic_load(word, ROOSTI_ACQUIRE)) != wanted)
        roosti_word_wait(word, seen, ROOST_NEVER);
}

static void word_set(uint32_t *word, uint32_t value)
{
    roosti_atomic_store(word, value, ROOSTI_RELEASE);
    roosti_word_wake(word);
}

static void relay_body(void *arg)
{
    struct relay *relay = arg;
    for (int i = 0; i < relay->rounds; i++) {
        word_await(&relay->word, 2 * (uint32_t)i + 1);
        word_set(&relay->word, 2 * (uint32_t)i + 2);
    }
}

ROOST_TEST(two_threads_wake_each_other, .plain = true)
{
    struct relay relay = {.rounds = 200};
    struct roosti_thread thread;
    CHECK_EQ(0, roosti_thread_start(&thread, "relay", -1, relay_body, &relay));
    for (int i = 0; i < relay.rounds; i++) {
        word_set(&relay.word, 2 * (uint32_t)i + 1);
        word_await(&relay.word, 2 * (uint32_t)i + 2);
    }
    roosti_thread_join(&thread);
    CHECK_EQ(400, relay.word);
}

ROOST_TEST(a_word_that_has_changed_is_not_waited_for, .plain = true)
{
    uint32_t word = 1;
    errno = 7;
    roosti_word_wait(&word, 0, ROOST_NEVER);
    roosti_word_wake(&word);
    CHECK_EQ(7, errno);
}

ROOST_TEST(a_wait_ends_at_its_deadline, .plain = true)
{
    uint32_t word = 0;
    roost_time until = roosti_clock_now() + ROOST_MS(2);
    while (roosti_clock_now() < until)
        roosti_word_wait(&word, 0, until);
    CHECK(roosti_clock_now() >= until);
    roosti_word_wait(&word, 0, 1);
}

ROOST_TEST(a_lock_is_tried_without_waiting, .plain = true)
{
    struct roosti_lock lock = {0};
    CHECK(roosti_lock_try(&lock));
    CHECK(!roosti_lock_try(&lock));
    roosti_lock_drop(&lock);
    CHECK(roosti_lock_try(&lock));
    roosti_lock_drop(&lock);
}
