/* tests/unit/offload/test_await.c - a thread waits for an answer.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/testing.h>

#include "offload/await.h"
#include "port/host.h"

struct question {
    struct roosti_await asked;
    struct roosti_await answered;
    int answer;
};

static void answerer(void *arg)
{
    struct question *questions = arg;
    for (int i = 0; i < 200; i++) {
        roosti_await_wait(&questions[i].asked);
        questions[i].answer = i;
        roosti_await_set(&questions[i].answered);
    }
}

ROOST_TEST(an_answer_is_there_when_the_wait_is_over, .plain = true)
{
    static struct question questions[200];
    struct roosti_thread thread;
    CHECK_EQ(0, roosti_thread_start(&thread, "answerer", -1, answerer, questions));
    for (int i = 0; i < 200; i++) {
        roosti_await_enlist(&questions[i].answered);
        CHECK(!roosti_await_done(&questions[i].answered));
        roosti_await_set(&questions[i].asked);
        roosti_await_wait(&questions[i].answered);
        CHECK_EQ(i, questions[i].answer);
        roosti_await_wait(&questions[i].answered);
        CHECK(roosti_await_done(&questions[i].answered));
    }
    roosti_thread_join(&thread);
}
