/* io/child_run.c - a program run to its end: fed, listened to, waited for.
 *
 * One task feeds and one listens to each pipe while the caller waits for the end. What the child
 * has printed by then lies in the pipes, so it is taken without waiting: a process that still holds
 * the other end is not listened to any longer.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/child.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <roost/async.h>
#include <roost/group.h>

#include "base/mem.h"

enum {
    OUTPUT_MAX_DEFAULT = 64 << 20,
    CAPTURE_FIRST = 4096, /* bytes of the first buffer */
    PIPE_MAX = 1 << 20,   /* bytes a pipe holds at the most, by the system's default limit */
    NOTE_MAX = 51         /* bytes of a note */
};

struct capture {
    roost_stream *stream; /* NULL: no pipe */
    roost_group *group;   /* of its listener */
    char *data;           /* NULL: nothing yet */
    size_t len;
    size_t size; /* of data; more than len when there is any, for the zero byte */
    size_t max;
};

/* -- one pipe ---------------------------------------------------------------------------------- */

/* Makes room for a byte and the zero. */
static int capture_room(struct capture *capture)
{
    if (capture->size > capture->len + 1)
        return 0;
    size_t size = capture->size ? capture->size * 2 : CAPTURE_FIRST;
    char *data = roosti_realloc(capture->data, size, "output of a child");
    if (!data)
        return ROOST_ENOMEM;
    capture->data = data;
    capture->size = size;
    return 0;
}

static size_t capture_free(const struct capture *capture)
{
    return capture->size - capture->len - 1;
}

static int capture_add(struct capture *capture, int64_t n)
{
    if (n <= 0)
        return (int)n;
    capture->len += (size_t)n;
    return capture->len > capture->max ? ROOST_EOVERFLOW : 1;
}

/* A helper that has been cancelled while the child still counts on it takes the others along. */
static int helper_end(roost_group *group, int rc)
{
    if (rc == ROOST_ECANCELED)
        roost_group_cancel(group, "nobody feeds the child, or listens to it");
    return rc;
}

/* To the end of the pipe. */
ROOST_ASYNC(capture_listen, struct capture *, capture)
{
    int rc;
    do {
        rc = capture_room(capture);
        if (rc == 0)
            rc = capture_add(capture, roost_read(capture->stream, capture->data + capture->len,
                                                 capture_free(capture)));
    } while (rc > 0);
    return helper_end(capture->group, rc);
}

/* What lies in the pipe. */
static int capture_drain(struct capture *capture)
{
    size_t limit = capture->len + PIPE_MAX;
    int rc = capture->stream ? 1 : 0;
    while (rc > 0 && capture->len < limit) {
        rc = capture_room(capture);
        if (rc == 0)
            rc = capture_add(capture, roost_try_read(capture->stream, capture->data + capture->len,
                                                     capture_free(capture)));
    }
    if (rc == 0 || rc == ROOST_EAGAIN)
        rc = 0;
    if (capture->data)
        capture->data[capture->len] = '\0';
    return rc < 0 ? rc : 0;
}

/* A child that does not want all of it is no failure. */
ROOST_ASYNC(child_feed, roost_group *, group, roost_stream *, in, roost_bytes, input)
{
    int rc = roost_write_all(in, input.data, input.len);
    if (rc == 0)
        rc = roost_write_end(in);
    return rc == -EPIPE ? 0 : helper_end(group, rc);
}

/* -- the whole --------------------------------------------------------------------------------- */

static ROOST_SUSPENDS int child_communicate(roost_child *child, roost_bytes input,
                                            struct capture captures[2], roost_child_status *status)
{
    roost_stream *in = roost_child_in(child);
    bool ended = false;
    int rc = 0;
    if (in && input.len == 0)
        rc = roost_write_end(in);
    if (rc < 0)
        return rc;
    ROOST_GROUP(g, rc) {
        if (input.len > 0)
            ROOST_GO(g, child_feed, g, in, input);
        for (int i = 0; i < 2; i++) {
            captures[i].group = g;
            if (captures[i].stream)
                ROOST_GO(g, capture_listen, &captures[i]);
        }
        rc = roost_child_wait(child, status);
        ended = rc == 0;
        if (ended)
            roost_group_cancel(g, "the child has ended");
    }
    if (rc == 0 && !ended)
        rc = ROOST_ECANCELED;
    for (int i = 0; i < 2 && rc >= 0; i++)
        rc = capture_drain(&captures[i]);
    return rc;
}

static int child_check(const roost_child_opts *opts, const roost_child_status *status,
                       const struct capture *err)
{
    const char *name = opts->shell ? "sh" : opts->argv[0];
    const char *slash = strrchr(name, '/');
    const char *line_end = err->len > 0 ? memchr(err->data, '\n', err->len) : NULL;
    size_t line_len = line_end ? (size_t)(line_end - err->data) : err->len;
    int said = line_len < NOTE_MAX ? (int)line_len : NOTE_MAX;
    if (!opts->check || status->code == 0)
        return 0;
    return roost_error_note(ROOST_EFAILED, "'%.20s' %s %d%s%.*s", slash ? slash + 1 : name,
                            status->signo != 0 ? "died of signal" : "exited with",
                            status->signo != 0 ? status->signo : status->code, said > 0 ? ": " : "",
                            said, err->data ? err->data : "");
}

int roost_child_run(const roost_child_opts *opts, roost_child_result *result)
{
    roost_child *child = NULL;
    roost_child_opts own = *opts;
    roost_child_status status = {.code = 0};
    struct capture captures[2] = {{.stream = NULL}, {.stream = NULL}};
    if (own.input.len > 0)
        own.in = ROOST_CHILD_PIPE;
    if (own.output_max == 0)
        own.output_max = OUTPUT_MAX_DEFAULT;
    int rc = roost_child_start(&own, &child);
    if (rc < 0)
        return rc;
    captures[0] = (struct capture){.stream = roost_child_out(child), .max = own.output_max};
    captures[1] = (struct capture){.stream = roost_child_err(child), .max = own.output_max};
    rc = child_communicate(child, own.input, captures, &status);
    (void)roost_child_close(child);
    if (rc == 0)
        rc = child_check(&own, &status, &captures[1]);
    if (rc < 0) {
        roosti_free(captures[0].data);
        roosti_free(captures[1].data);
        return rc;
    }
    *result = (roost_child_result){.status = status,
                                   .out = {captures[0].data, captures[0].len},
                                   .err = {captures[1].data, captures[1].len}};
    return 0;
}

void roost_child_result_fini(roost_child_result *result)
{
    roosti_free((void *)(uintptr_t)result->out.data);
    roosti_free((void *)(uintptr_t)result->err.data);
    *result = (roost_child_result){.status = {0, 0}};
}
