/* io/file_lines.c - the lines of a file, as views into its buffer.
 *
 * Nothing is copied but the beginning of a line whose end is not in the buffer yet: it moves to the
 * front, and the rest is read behind it. A line longer than the buffer makes that larger.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include "base/mem.h"
#include "io/file.h"

static int buffer_enlarge(roost_file *file)
{
    /* Room for the longest line, its newline, and a carriage return before that. */
    size_t most = file->line_max + 2;
    if (file->size >= most)
        return ROOST_EOVERFLOW;
    size_t size = file->size < most / 2 ? file->size * 2 : most;
    char *buf = roosti_realloc(file->buf, size, "buffer of a file");
    if (!buf)
        return ROOST_ENOMEM;
    file->buf = buf;
    file->size = size;
    return 0;
}

/* More bytes behind those that are there. 1, 0 at the end of the file, or a code. */
static int lines_more(roost_file *file)
{
    int rc = roosti_file_buffer(file);
    if (rc < 0)
        return rc;
    if (file->from > 0) {
        memmove(file->buf, file->buf + file->from, file->to - file->from);
        file->at += (int64_t)file->from;
        file->to -= file->from;
        file->from = 0;
    }
    if (file->to == file->size) {
        rc = buffer_enlarge(file);
        if (rc < 0)
            return rc;
    }
    int64_t n = roosti_file_fill(file);
    return n > 0 ? 1 : (int)n;
}

/* len bytes from the position on are a line, and `skip` more go with them. */
static int line_give(roost_file *file, size_t len, size_t skip, roost_bytes *line)
{
    const char *data = file->buf + file->from;
    size_t whole = len + skip;
    if (skip > 0 && len > 0 && data[len - 1] == '\r' && !file->keep_cr)
        len--;
    if (roosti_unlikely(len > file->line_max))
        return ROOST_EOVERFLOW;
    *line = (roost_bytes){data, len};
    file->from += whole;
    file->scanned = 0;
    return 1;
}

static __attribute__((noinline)) int line_slow(roost_file *file, roost_bytes *line)
{
    if (!file->reads)
        return -EBADF;
    if (file->dirty) {
        int rc = roosti_file_settle(file);
        if (rc < 0)
            return rc;
    }
    for (;;) {
        file->scanned = file->to - file->from;
        int rc = lines_more(file);
        if (rc < 0)
            return rc;
        size_t there = file->to - file->from;
        if (rc == 0)
            return there > 0 ? line_give(file, there, 0, line) : 0;
        const char *data = file->buf + file->from;
        const char *end = memchr(data + file->scanned, '\n', there - file->scanned);
        if (end)
            return line_give(file, (size_t)(end - data), 1, line);
    }
}

int roost_file_line(roost_file *file, roost_bytes *line)
{
    int rc = roosti_file_enter(file);
    if (roosti_unlikely(rc < 0))
        return rc;
    const char *end = NULL;
    size_t there = file->to - file->from;
    if (roosti_likely(there > file->scanned && !file->dirty))
        end = memchr(file->buf + file->from + file->scanned, '\n', there - file->scanned);
    if (roosti_likely(end != NULL))
        rc = line_give(file, (size_t)(end - (file->buf + file->from)), 1, line);
    else
        rc = line_slow(file, line);
    roosti_file_leave(file);
    return rc;
}
