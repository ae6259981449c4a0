/* io/file_send.c - a file to a stream, by reading and writing.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/file_range.h>

#include "base/mem.h"
#include "io/file.h"

enum { SEND_BYTES = 64 * 1024 };

int64_t roost_file_send(roost_file *file, roost_stream *stream, int64_t offset, int64_t len)
{
    int64_t sent = 0;
    int64_t rc = 0;
    if (!roosti_self())
        return roosti_no_task();
    char *buf = roosti_alloc(SEND_BYTES, "buffer between a file and a stream");
    if (!buf)
        return ROOST_ENOMEM;
    while (rc == 0 && (len < 0 || sent < len)) {
        size_t wanted = len < 0 || len - sent > SEND_BYTES ? SEND_BYTES : (size_t)(len - sent);
        int64_t n = roost_file_pread(file, buf, wanted, offset + sent);
        if (n <= 0) {
            rc = n;
            break;
        }
        rc = roost_write_all(stream, buf, (size_t)n);
        sent += n;
    }
    roosti_free(buf);
    return rc < 0 ? rc : sent;
}
