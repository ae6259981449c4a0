/* io/file_all.c - whole files in one call.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/file_all.h>

#include <string.h>

#include "base/mem.h"
#include "io/file_job.h"
#include "io/temp_name.h"
#include "port/file_flags.h"
#include "rt/loop.h"
#include "rt/op.h"

void roost_memory_free(void *memory)
{
    roosti_free(memory);
}

/* -- reading ----------------------------------------------------------------------------------- */

struct load {
    const char *path;
    size_t max;
    bool at_once; /* gives up when a thread is needed */
    char *data;
    size_t len;
    size_t size;
};

static int64_t load_step(struct load *load, struct roosti_op *op)
{
    if (!load->at_once)
        return roosti_file_step(op);
    op->threads = true;
    return roosti_op_run(op);
}

/* Room for at least one more byte, and one to terminate. */
static int load_grow(struct load *load, size_t wanted)
{
    size_t most = load->max + 1; /* one byte more shows that there is more */
    if (wanted > most)
        wanted = most;
    char *data = roosti_realloc(load->data, wanted + 1, "content of a file");
    if (!data)
        return ROOST_ENOMEM;
    load->data = data;
    load->size = wanted;
    return 0;
}

/* size: what the file says, which is not always true (files of the kernel's say 0). */
static int64_t load_read(struct load *load, int fd, bool seekable, uint64_t size)
{
    int64_t rc = load_grow(load, size > 0 && size < SIZE_MAX ? (size_t)size + 1 : 4096);
    while (rc == 0) {
        if (load->len == load->size) {
            if (load->len > load->max)
                return ROOST_EOVERFLOW;
            rc = load_grow(load, load->size * 2);
            if (rc < 0)
                break;
        }
        struct roosti_op op = {.kind = ROOSTI_OP_READ,
                               .fd = fd,
                               .buf = load->data + load->len,
                               .len = load->size - load->len,
                               .offset = seekable ? (int64_t)load->len : -1};
        int64_t n = load_step(load, &op);
        if (n <= 0)
            return n < 0 ? n : load->len > load->max ? ROOST_EOVERFLOW : 0;
        load->len += (size_t)n;
    }
    return rc;
}

static int64_t load_run(struct load *load)
{
    struct roosti_file_stat about;
    struct roosti_file_call stat = {.what = ROOSTI_FILE_STAT, .stat = &about};
    struct roosti_op open = {
        .kind = ROOSTI_OP_OPEN, .fd = -1, .u.path = load->path, .flags = O_RDONLY};
    int64_t fd = load_step(load, &open);
    if (fd < 0)
        return fd;
    struct roosti_op ask = {.kind = ROOSTI_OP_FILE_CALL, .fd = (int)fd, .u.call = &stat};
    int64_t rc = load_step(load, &ask);
    if (rc == 0)
        rc = S_ISDIR(about.mode) ? -EISDIR
                                 : load_read(load, (int)fd, S_ISREG(about.mode), about.size);
    (void)roosti_file_shut((int)fd);
    if (rc < 0) {
        roosti_free(load->data);
        load->data = NULL;
        load->len = load->size = 0;
    }
    return rc;
}

ROOST_ASYNC(file_load, struct load *, load)
{
    return (int)load_run(load);
}

int roost_file_read_all(const char *path, size_t max, char **data, size_t *len)
{
    struct roost_task *self = roosti_self();
    if (!self)
        return roosti_no_task();
    struct load load = {.path = path, .max = max ? max : ROOST_FILE_ALL_BYTES_MAX, .at_once = true};
    int64_t rc = load_run(&load);
    if (rc == ROOSTI_OP_WANTS_THREAD) {
        load.at_once = false;
        rc = roosti_file_job(ROOST_CALL(file_load, &load));
    }
    if (rc < 0)
        return (int)rc;
    load.data[load.len] = '\0';
    *data = load.data;
    if (len)
        *len = load.len;
    return 0;
}

/* How many bytes the character at `at` takes: 0 when it is none. RFC 3629. */
static size_t utf8_len(const unsigned char *at, const unsigned char *end)
{
    unsigned char first = at[0];
    size_t len = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (first == 0 || first > 0xf4 || len == 0 || (size_t)(end - at) < len)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    bool wrong = (first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
                 (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f);
    return wrong ? 0 : len;
}

static bool is_text(const char *data, size_t len)
{
    const unsigned char *at = (const unsigned char *)data;
    const unsigned char *end = at + len;
    while (at < end) {
        size_t n = *at - 1u < 0x7f ? 1 : utf8_len(at, end);
        if (n == 0)
            return false;
        at += n;
    }
    return true;
}

int roost_file_read_text(const char *path, size_t max, char **text)
{
    char *data;
    size_t len;
    int rc = roost_file_read_all(path, max, &data, &len);
    if (rc < 0)
        return rc;
    if (!is_text(data, len)) {
        roosti_free(data);
        return -EILSEQ;
    }
    if (len >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0)
        memmove(data, data + 3, len - 3 + 1);
    *text = data;
    return 0;
}
