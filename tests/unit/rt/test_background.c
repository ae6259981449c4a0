/* tests/unit/rt/test_background.c - tasks that belong to the run: their policies, and how they end.
 *
 * Registered per ROOST_TEST_BACKENDS.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost.h>

#include "unit/rt/process.h"

/* What happened, a word each, in order. */
struct story {
    char text[200];
    int attempts;
};

static void story_add(struct story *story, const char *word)
{
    strncat(story->text, word, sizeof story->text - strlen(story->text) - 1);
}

static void story_unhandled(void *arg, const roost_error *error)
{
    char word[80];
    snprintf(word, sizeof word, "%s:%s ", error->task_name, roost_error_name(error->code));
    story_add(arg, word);
}

/* Runs a main task whose background failures go into the story. */
static int story_run(struct story *story, roost_call call)
{
    roost_run_opts opts;
    roost_test_opts_fill(&opts);
    opts.on_unhandled = story_unhandled;
    opts.on_unhandled_arg = story;
    return roost_test_run(call, &opts);
}

/* -- the order of the end -----------------------------------------------------------------------*/

/* Serves until it is ended, and then says so; the clean-up takes time. */
ROOST_ASYNC(serve, struct story *, story, const char *, word)
{
    int rc = roost_sleep_forever();
    ROOST_CLEANUP(ROOST_SEC(1)) {
        roost_ignore(roost_sleep(ROOST_MS(5)));
    }
    story_add(story, word);
    return rc;
}

ROOST_ASYNC(start_services, struct story *, story)
{
    const roost_bg_opts last = {.last = true};
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(serve, story, "a "), NULL));
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(serve, story, "b(last) "), &last));
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(serve, story, "c "), NULL));
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(serve, story, "d(last) "), &last));
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(serve, story, "e "), NULL));
    ROOST_TRY(roost_sleep(ROOST_MS(1)));
    story_add(story, "main ");
    return 4;
}

ROOST_TEST(they_end_in_reverse_order_and_the_last_ones_last, .plain = true)
{
    struct story story = {0};
    CHECK_EQ(4, story_run(&story, ROOST_CALL(start_services, &story)));
    CHECK_STR("main e c a d(last) b(last) ", story.text);
}

/* Asks whether to stop, and takes its time. */
ROOST_ASYNC(serve_politely, struct story *, story)
{
    ROOST_TRY(roost_wait_stopping());
    ROOST_TRY(roost_sleep(ROOST_SEC(2)));
    story_add(story, "polite ");
    return 0;
}

ROOST_ASYNC(start_polite, struct story *, story)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(serve_politely, story), NULL));
    return roost_sleep(ROOST_MS(1));
}

ROOST_TEST(who_waits_to_be_asked_gets_the_grace, .plain = true, .needs = "sim")
{
    struct story story = {0};
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_polite, &story)));
    CHECK_STR("polite ", story.text);
}

ROOST_ASYNC(spawn_while_ending, struct story *, story)
{
    int rc = roost_sleep_forever();
    if (roost_bg_spawn(ROOST_CALL(serve, story, "never "), NULL) == ROOST_EFINISHED)
        story_add(story, "refused ");
    return rc;
}

ROOST_ASYNC(start_spawner, struct story *, story)
{
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(spawn_while_ending, story), NULL));
    return roost_sleep(ROOST_MS(1));
}

ROOST_TEST(while_the_run_ends_none_is_taken, .plain = true)
{
    struct story story = {0};
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_spawner, &story)));
    CHECK_STR("refused ", story.text);
}

ROOST_ASYNC(start_and_return, struct story *, story)
{
    return roost_bg_spawn(ROOST_CALL(serve, story, "ended "), NULL);
}

ROOST_TEST(one_that_has_not_run_yet_runs_to_its_first_wait, .plain = true)
{
    struct story story = {0};
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_and_return, &story)));
    CHECK_STR("ended ", story.text);
}

/* -- failures -----------------------------------------------------------------------------------*/

ROOST_ASYNC(fail_after, roost_dur, dur, int, code)
{
    ROOST_TRY(roost_sleep(dur));
    return code;
}

ROOST_ASYNC(start_failing, enum roost_bg_policy, policy, struct story *, story)
{
    const roost_bg_opts opts = {.policy = policy, .name = "failing"};
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(fail_after, ROOST_MS(1), -EIO), &opts));
    int rc = roost_sleep(policy == ROOST_BG_ABORT ? ROOST_SEC(100) : ROOST_MS(50));
    story_add(story, rc == 0 ? "main goes on " : "main cancelled ");
    return rc < 0 ? rc : 7;
}

ROOST_TEST(a_failure_that_is_logged_disturbs_nobody, .plain = true)
{
    struct story story = {0};
    CHECK_EQ(7, story_run(&story, ROOST_CALL(start_failing, ROOST_BG_LOG, &story)));
    CHECK_STR("failing:EIO main goes on ", story.text);
}

ROOST_TEST(a_failure_that_aborts_is_the_result_of_the_run, .plain = true)
{
    struct story story = {0};
    CHECK_EQ(-EIO, story_run(&story, ROOST_CALL(start_failing, ROOST_BG_ABORT, &story)));
    CHECK_STR("failing:EIO main cancelled ", story.text);
}

static int logged_body(void *arg)
{
    struct story story = {0};
    (void)arg;
    return roost_run(ROOST_CALL(start_failing, ROOST_BG_LOG, &story), NULL);
}

ROOST_TEST(without_a_handler_failures_are_printed, .plain = true, .no_torture = true)
{
    struct process process;
    process_run(&process, logged_body, NULL);
    CHECK_EQ(7, process.code);
    CHECK_WROTE(&process, "roost: background task 'failing' failed\n"
                          "EIO: Input/output error (task 'failing', 2)\n");
}

/* Fails at once until its last attempt. */
ROOST_ASYNC(fail_often, struct story *, story, int, times, roost_time *, last)
{
    *last = roost_now();
    if (++story->attempts <= times)
        return -EPIPE;
    return 0;
}

ROOST_ASYNC(start_restarting, struct story *, story, int, times, roost_time *, last)
{
    const roost_bg_opts opts = {.policy = ROOST_BG_RESTART, .name = "again"};
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(fail_often, story, times, last), &opts));
    return roost_sleep(ROOST_SEC(100));
}

ROOST_TEST(a_restart_waits_longer_each_time, .plain = true, .needs = "sim", .no_torture = true)
{
    struct story story = {0};
    roost_time last = 0;
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_restarting, &story, 3, &last)));
    CHECK_EQ(4, story.attempts);
    CHECK_STR("again:EPIPE again:EPIPE again:EPIPE ", story.text);
    CHECK_EQ(ROOST_MS(10 + 20 + 40), last - ROOST_SEC(1000));
    /* Doubling stops at 10 s: 10 ms to 5.12 s are ten restarts and 10.23 s, then 10 s each. */
    story = (struct story){0};
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_restarting, &story, 1000, &last)));
    CHECK_EQ(1 + 10 + 8, story.attempts);
}

ROOST_ASYNC(start_and_leave_restarting, struct story *, story, roost_time *, last)
{
    const roost_bg_opts opts = {.policy = ROOST_BG_RESTART, .name = "again"};
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(fail_often, story, 1000, last), &opts));
    return roost_sleep(ROOST_MS(1));
}

ROOST_TEST(the_pause_before_a_restart_ends_with_the_run, .plain = true)
{
    struct story story = {0};
    roost_time last = 0;
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_and_leave_restarting, &story, &last)));
    CHECK_EQ(1, story.attempts);
}

/* Fails when it is cancelled: nothing may restart it then. */
ROOST_ASYNC(fail_when_cancelled, struct story *, story)
{
    story->attempts++;
    roost_ignore(roost_sleep_forever());
    return -EPIPE;
}

ROOST_ASYNC(start_failing_at_the_end, struct story *, story)
{
    const roost_bg_opts opts = {.policy = ROOST_BG_RESTART, .name = "again"};
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(fail_when_cancelled, story), &opts));
    return roost_sleep(ROOST_MS(1));
}

ROOST_TEST(nothing_is_restarted_while_the_run_ends, .plain = true)
{
    struct story story = {0};
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_failing_at_the_end, &story)));
    CHECK_EQ(1, story.attempts);
    CHECK_STR("again:EPIPE ", story.text);
}

/* -- arguments and names ------------------------------------------------------------------------*/

struct large {
    char bytes[3000];
};

ROOST_ASYNC(check_large, struct large, large, struct story *, story)
{
    for (size_t i = 0; i < sizeof large.bytes; i++)
        CHECK(large.bytes[i] == (char)(i * 7));
    CHECK_STR("check_large", roost_task_name(roost_task_self()));
    story->attempts++;
    return 0;
}

ROOST_ASYNC(start_large, struct story *, story)
{
    struct large large;
    for (size_t i = 0; i < sizeof large.bytes; i++)
        large.bytes[i] = (char)(i * 7);
    ROOST_TRY(roost_bg_spawn(ROOST_CALL(check_large, large, story), NULL));
    memset(&large, 0, sizeof large);
    return roost_sleep(ROOST_MS(1));
}

ROOST_TEST(arguments_are_copied, .plain = true)
{
    struct story story = {0};
    CHECK_EQ(0, story_run(&story, ROOST_CALL(start_large, &story)));
    CHECK_EQ(1, story.attempts);
}
