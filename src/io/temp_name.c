/* io/temp_name.c - names nobody else has, and what becomes of files that have them.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/temp_name.h"

#include <string.h>

#include "io/file_job.h"
#include "port/file_flags.h"
#include "rt/loop.h"

uint64_t roosti_temp_word(void)
{
    struct roosti_loop *loop = roosti_loop_here;
    uint64_t word = 0;
    if (loop)
        loop->port->ops->entropy(loop->port, &word, sizeof word);
    return word;
}

/* dir_len bytes of `dir`, then the name. */
static int name_make(const char *dir, size_t dir_len, const char *prefix, uint64_t *word, char *buf,
                     size_t size)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuv";
    size_t prefix_len = strlen(prefix);
    size_t len = dir_len + prefix_len + 12;
    if (len + 1 > size)
        return -ENAMETOOLONG;
    memcpy(buf, dir, dir_len);
    memcpy(buf + dir_len, prefix, prefix_len);
    uint64_t rest = *word;
    for (char *at = buf + dir_len + prefix_len; at < buf + len; at++, rest >>= 5)
        *at = letters[rest & 31];
    buf[len] = '\0';
    *word = *word * 6364136223846793005u + 1442695040888963407u;
    return 0;
}

int roosti_temp_beside(const char *path, uint64_t *word, char *buf, size_t size)
{
    const char *slash = strrchr(path, '/');
    return name_make(path, slash ? (size_t)(slash + 1 - path) : 0, ".roost-", word, buf, size);
}

int roosti_temp_in(const char *dir, uint64_t *word, char *buf, size_t size)
{
    size_t len = strlen(dir);
    return name_make(dir, len, len > 0 && dir[len - 1] == '/' ? "roost-" : "/roost-", word, buf,
                     size);
}

int roosti_path_dir(const char *path, char *buf, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t len = !slash ? 1 : slash == path ? 1 : (size_t)(slash - path);
    if (len + 1 > size)
        return -ENAMETOOLONG;
    memcpy(buf, slash ? path : ".", len);
    buf[len] = '\0';
    return 0;
}

int roosti_dir_fsync(const char *path)
{
    int fd = roosti_file_open(path, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    int rc = roosti_file_fsync(fd);
    (void)roosti_file_shut(fd);
    /* Some file systems have no such thing; what they do to names they do at once. */
    return rc == -EINVAL ? 0 : rc;
}

void roosti_file_undo(const char *path)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_UNLINK, .path = path};
    struct roosti_file_shield shield;
    roosti_file_shield(&shield);
    (void)roosti_file_do(-1, &call);
    roosti_file_unshield(&shield);
}
