/* tests/unit/rt/test_trail.c - the trail of an error, and lists of errors.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>
#include <unistd.h>

#include <roost.h>

#include "kit/kit.h"

/* -- one task -----------------------------------------------------------------------------------*/

/* A frame of its own per level, whatever the optimiser thinks of that. */
static __attribute__((noinline)) int fail_deep(int depth, int code)
{
    if (depth == 0)
        return roost_error_note(code, "at the bottom, %d", 7);
    int rc = fail_deep(depth - 1, code);
    __asm__ volatile("" ::: "memory");
    ROOST_TRY(rc);
    return 0;
}

/* Inlined into its caller, whose frame it shares. */
static inline __attribute__((always_inline)) int fail_inlined(int code)
{
    ROOST_TRY(roost_error_note(code, "inlined"));
    return 0;
}

ROOST_TEST(inlined_functions_leave_their_places_too, .no_torture = true)
{
    roost_error error;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(-EIO, fail_inlined(-EIO));
        CHECK_EQ(0, roost_error_last(&error));
        CHECK_EQ(2, error.step_count);
    }
}

ROOST_TEST(without_an_error_there_is_no_trail)
{
    roost_error error;
    CHECK_EQ(ROOST_EAGAIN, roost_error_last(&error));
}

ROOST_TEST(each_try_on_the_way_up_leaves_its_place, .no_torture = true)
{
    roost_error error;
    CHECK_EQ(-EIO, fail_deep(3, -EIO));
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(-EIO, error.code);
    CHECK_EQ(4, error.step_count);
    CHECK_STR("at the bottom, 7", error.steps[0].note);
    CHECK(error.steps[0].file == NULL);
    for (int i = 1; i < 4; i++) {
        CHECK_STR("fail_deep", error.steps[i].function);
        CHECK(strstr(error.steps[i].file, "test_trail.c") != NULL);
        CHECK(error.steps[i].line > 10 && error.steps[i].line < 40);
        CHECK_STR("", error.steps[i].note);
    }
    CHECK_STR("main", error.task_name);
    CHECK_EQ(roost_task_id(roost_task_self()), error.task_id);
}

ROOST_TEST(a_second_error_begins_a_new_trail, .no_torture = true)
{
    roost_error error;
    CHECK_EQ(-EIO, fail_deep(5, -EIO));
    CHECK_EQ(-EPIPE, fail_deep(1, -EPIPE));
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(-EPIPE, error.code);
    CHECK_EQ(2, error.step_count);
    /* The same code again is another error: it begins further down the stack. */
    CHECK_EQ(-EPIPE, fail_deep(2, -EPIPE));
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(3, error.step_count);
}

ROOST_TEST(places_past_the_bound_are_counted, .no_torture = true)
{
    roost_error error;
    CHECK_EQ(-EIO, fail_deep(30, -EIO));
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(31, error.step_count);
    CHECK_STR("fail_deep", error.steps[ROOST_ERROR_STEPS_MAX - 1].function);
}

ROOST_TEST(successes_and_cancellations_leave_none, .no_torture = true)
{
    roost_error error;
    CHECK_EQ(5, roost_error_note(5, "no error"));
    CHECK_EQ(0, roost_error_pass(0, "file", 1, "function"));
    CHECK_EQ(ROOST_ECANCELED, roost_error_note(ROOST_ECANCELED, "no error either"));
    CHECK_EQ(ROOST_ECANCELED, fail_deep(3, ROOST_ECANCELED));
    CHECK_EQ(ROOST_EAGAIN, roost_error_last(&error));
}

ROOST_TEST(a_note_is_cut_at_its_end, .no_torture = true)
{
    roost_error error;
    CHECK_EQ(-EIO, roost_error_note(-EIO, "%080d", 1));
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(51, strlen(error.steps[0].note));
}

ROOST_TEST(a_deadline_says_whose_it_was, .no_torture = true)
{
    roost_error error;
    CHECK_EQ(ROOST_ETIMEDOUT, ROOST_WITHIN(ROOST_MS(2), roost_sleep_forever()));
    CHECK_EQ(0, roost_error_last(&error));
    CHECK_EQ(ROOST_ETIMEDOUT, error.code);
    CHECK_EQ(1, error.step_count);
    CHECK_STR("0.000 s late: roost_sleep_forever()", error.steps[0].note);
}

/* -- printing -----------------------------------------------------------------------------------*/

static void printed(const roost_error *error, char *text, size_t size)
{
    int fds[2];
    CHECK_EQ(0, pipe(fds));
    roost_error_print(error, fds[1]);
    close(fds[1]);
    ssize_t len = read(fds[0], text, size - 1);
    close(fds[0]);
    CHECK(len >= 0);
    text[len > 0 ? len : 0] = '\0';
}

ROOST_TEST(an_error_is_printed_with_a_line_per_step, .plain = true, .no_torture = true)
{
    char text[2000];
    roost_error error = {.code = -ENOENT,
                         .task_id = 12,
                         .task_name = "reader",
                         .step_count = 10,
                         .steps = {{.note = "open /etc/none"},
                                   {.file = "a.c", .function = "load", .line = 7},
                                   {.file = "b.c", .function = "run", .line = 9, .note = "first"}}};
    for (int i = 3; i < ROOST_ERROR_STEPS_MAX; i++)
        error.steps[i] = (roost_error_step){.file = "c.c", .function = "up", .line = i};
    printed(&error, text, sizeof text);
    CHECK_STR("ENOENT: No such file or directory (task 'reader', 12)\n"
              "    open /etc/none\n"
              "    at load (a.c:7)\n"
              "    at run (b.c:9): first\n"
              "    at up (c.c:3)\n"
              "    at up (c.c:4)\n"
              "    at up (c.c:5)\n"
              "    at up (c.c:6)\n"
              "    at up (c.c:7)\n"
              "    and 2 more\n",
              text);
    printed(&(roost_error){.code = ROOST_ECLOSED}, text, sizeof text);
    CHECK_STR("ROOST_ECLOSED: closed on this side\n", text);
}

ROOST_TEST(the_longest_error_fits, .plain = true, .no_torture = true)
{
    char text[4000];
    roost_error error = {.code = ROOST_EMISNEST, .step_count = 1000000, .task_id = UINT64_MAX};
    memset(error.task_name, 'n', sizeof error.task_name - 1);
    for (int i = 0; i < ROOST_ERROR_STEPS_MAX; i++) {
        error.steps[i] = (roost_error_step){
            .file = "a/rather/long/path/of/a/source/file/that/somebody/has/chosen.c",
            .function = "a_function_with_a_name_that_says_everything_there_is_to_say",
            .line = INT32_MAX};
        memset(error.steps[i].note, 'x', sizeof error.steps[i].note - 1);
    }
    printed(&error, text, sizeof text);
    CHECK(strlen(text) < sizeof text - 1);
    CHECK(strstr(text, "ROOST_EMISNEST: ") == text);
    CHECK(text[strlen(text) - 1] == '\n');
}

/* -- lists --------------------------------------------------------------------------------------*/

ROOST_ASYNC(fail_with, int, code)
{
    return fail_deep(1, code);
}

ROOST_TEST(a_group_keeps_the_trail_of_each_failure, .no_torture = true)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.policy = ROOST_COLLECT, .errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts) {
        ROOST_GO(g, fail_with, -EIO);
        ROOST_GO(g, fail_with, -ENOSPC);
        ROOST_GO(g, fail_with, -EIO);
    }
    CHECK(rc == -EIO || rc == -ENOSPC);
    CHECK_EQ(3, roost_errors_count(&errors));
    for (size_t i = 0; i < 3; i++) {
        const roost_error *error = roost_errors_at(&errors, i);
        CHECK_STR("fail_with", error->task_name);
        CHECK_EQ(2, error->step_count);
        CHECK_STR("at the bottom, 7", error->steps[0].note);
        CHECK(roost_errors_inner(&errors, i) == NULL);
    }
    ROOST_AUTO(errors) roost_errors hits = ROOST_ERRORS_INIT;
    CHECK_EQ(0, roost_errors_split(&errors, -EPIPE, &hits));
    CHECK_EQ(2, roost_errors_split(&errors, -EIO, &hits));
    CHECK_EQ(1, roost_errors_count(&errors));
    CHECK_EQ(-ENOSPC, roost_errors_at(&errors, 0)->code);
    CHECK(roost_errors_at(&errors, 1) == NULL);
    CHECK_EQ(2, roost_errors_count(&hits));
    roost_errors_fini(&hits);
    CHECK_EQ(0, roost_errors_count(&hits));
    CHECK(roost_errors_at(&hits, 0) == NULL);
}

ROOST_ASYNC(fail_in_an_inner_group, int, code)
{
    int rc = 0;
    ROOST_GROUP(g, rc)
        ROOST_GO(g, fail_with, code);
    ROOST_TRY(rc);
    return 0;
}

ROOST_TEST(an_error_out_of_an_inner_group_shows_the_way_it_came, .no_torture = true)
{
    ROOST_AUTO(errors) roost_errors errors = ROOST_ERRORS_INIT;
    roost_group_opts opts = {.errors = &errors};
    int rc = 0;
    ROOST_GROUP_WITH(g, rc, &opts)
        ROOST_GO(g, fail_in_an_inner_group, -EIO);
    CHECK_EQ(-EIO, rc);
    CHECK_EQ(1, roost_errors_count(&errors));
    const roost_error *error = roost_errors_at(&errors, 0);
    CHECK_STR("fail_in_an_inner_group", error->task_name);
    CHECK_EQ(3, error->step_count);
    CHECK_STR("at the bottom, 7", error->steps[0].note);
    CHECK_STR("fail_deep", error->steps[1].function);
    CHECK_STR("fail_in_an_inner_group", error->steps[2].function);
    const roost_errors *inner = roost_errors_inner(&errors, 0);
    CHECK(inner && roost_errors_count(inner) == 1);
    CHECK_STR("fail_with", roost_errors_at(inner, 0)->task_name);
    CHECK(roost_errors_inner(&errors, 1) == NULL);
}
