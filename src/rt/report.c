/* rt/report.c - lines on standard error, and errors written out.
 *
 * SPDX-License-Identifier: MIT
 */
#include "rt/report.h"

#include <inttypes.h>
#include <stdio.h>

#include "port/host.h"

static void text_add_list(struct roosti_text *text, const char *format, va_list args)
{
    if (text->len >= text->size)
        return;
    int wrote = vsnprintf(text->buf + text->len, text->size - text->len, format, args);
    if (wrote > 0)
        text->len += (size_t)wrote;
    if (text->len >= text->size)
        text->len = text->size - 1;
}

void roosti_text_add(struct roosti_text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    text_add_list(text, format, args);
    va_end(args);
}

void roosti_report(const char *format, ...)
{
    char buf[500];
    struct roosti_text text = {.buf = buf, .size = sizeof buf - 1};
    va_list args;
    va_start(args, format);
    roosti_text_add(&text, "roost: ");
    text_add_list(&text, format, args);
    va_end(args);
    buf[text.len++] = '\n';
    roosti_host_write(2, buf, text.len);
}

void roost_error_print(const roost_error *error, int fd)
{
    char buf[1600];
    struct roosti_text text = {.buf = buf, .size = sizeof buf - 1};
    roosti_text_add(&text, "%s: %s", roost_error_name(error->code), roost_error_text(error->code));
    if (error->task_name[0])
        roosti_text_add(&text, " (task '%s', %" PRIu64 ")", error->task_name, error->task_id);
    roosti_text_add(&text, "\n");
    int kept =
        error->step_count < ROOST_ERROR_STEPS_MAX ? error->step_count : ROOST_ERROR_STEPS_MAX;
    for (int i = 0; i < kept; i++) {
        const roost_error_step *step = &error->steps[i];
        if (step->file)
            roosti_text_add(&text, "    at %s (%s:%d)", step->function, step->file, step->line);
        if (step->note[0])
            roosti_text_add(&text, "%s%s", step->file ? ": " : "    ", step->note);
        roosti_text_add(&text, "\n");
    }
    if (error->step_count > kept)
        roosti_text_add(&text, "    and %d more\n", error->step_count - kept);
    if (buf[text.len - 1] != '\n') /* long names, and the end is cut */
        buf[text.len++] = '\n';
    roosti_host_write(fd, buf, text.len);
}
