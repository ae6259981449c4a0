/* tests/kit/check.c - what a case asserts.
 *
 * A failing check ends the process at once: there is no way to leave a task's stack from outside,
 * and nothing is learnt from going on.
 *
 * SPDX-License-Identifier: MIT
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt/loop.h"
#include "kit/kit.h"

static _Noreturn void case_end(enum kit_outcome outcome, const char *text)
{
    if (!kit_case.report) {
        fprintf(stderr, "%s: outside a case\n", text);
        abort();
    }
    kit_case.report->outcome = outcome;
    snprintf(kit_case.report->text, sizeof kit_case.report->text, "%s", text);
    if (kit_case.options->in_process)
        printf("%s: %s\n", outcome == KIT_FAILED ? "failed" : "not run", text);
    fflush(NULL);
    _exit(outcome == KIT_FAILED);
}

void kit_fail(const char *format, ...)
{
    char text[KIT_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    case_end(KIT_FAILED, text);
}

void roost_test_skip(const char *missing)
{
    case_end(KIT_SKIPPED, missing);
}

void kit_leave_out(const char *why)
{
    case_end(KIT_LEFT_OUT, why);
}

/* Under torture the body meets what nobody wrote into it: only what it leaves behind is judged. */
static bool judged(bool always)
{
    return always || !roost_test_tortured();
}

void roost_test_fail(const char *file, int line, const char *what, bool always)
{
    if (judged(always))
        kit_fail("%s:%d: %s", file, line, what);
}

void roost_test_check_eq(int64_t want, int64_t got, const char *file, int line, const char *what)
{
    if (want == got || !judged(false))
        return;
    const char *want_name = want < 0 ? roost_error_name((int)want) : "";
    const char *got_name = got < 0 ? roost_error_name((int)got) : "";
    kit_fail("%s:%d: %s: want %" PRId64 "%s%s, got %" PRId64 "%s%s", file, line, what, want,
             want < 0 ? " " : "", want_name, got, got < 0 ? " " : "", got_name);
}

void roost_test_check_str(const char *want, const char *got, const char *file, int line,
                          const char *what)
{
    if (want == got || (want && got && strcmp(want, got) == 0) || !judged(false))
        return;
    kit_fail("%s:%d: %s: want %s%s%s, got %s%s%s", file, line, what, want ? "\"" : "",
             want ? want : "NULL", want ? "\"" : "", got ? "\"" : "", got ? got : "NULL",
             got ? "\"" : "");
}

void roost_test_check_ok(int rc, const char *file, int line, const char *what)
{
    if (rc < 0 && judged(false))
        kit_fail("%s:%d: %s: failed with %d %s", file, line, what, rc, roost_error_name(rc));
}

/* What the loop of this thread had made tasks give way, when a block that may not suspend began. */
static __thread uint32_t turns_cut_before;

uint64_t roost_test_steps(void)
{
    const struct roosti_loop *loop = roosti_loop_here;
    if (!loop)
        return 0;
    turns_cut_before = loop->turns_cut;
    /* Those of the present round are in its budget. */
    return loop->switches + (uint64_t)(loop->budget_given - loop->budget);
}

void roost_test_check_yield(uint64_t before, bool wanted, const char *file, int line)
{
    const struct roosti_loop *loop = roosti_loop_here;
    /* On a real clock a task that was held up for a millisecond gives way wherever it is. */
    bool held_up = loop && !loop->virtual_time && loop->turns_cut != turns_cut_before;
    if ((roost_test_steps() != before) == wanted || (!wanted && held_up) || !judged(false))
        return;
    kit_fail("%s:%d: the block %s", file, line, wanted ? "did not suspend" : "suspended");
}
