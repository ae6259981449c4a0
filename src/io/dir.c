/* io/dir.c - reading a directory.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/dir.h"

#include "base/mem.h"
#include "io/strings.h"
#include "port/file_flags.h"
#include "rt/loop.h"

/* -- in steps ---------------------------------------------------------------------------------- */

int roosti_dir_begin(struct roosti_dir_reader *reader, const char *path, bool follow)
{
    if (!reader->buf) {
        reader->buf = roosti_alloc(ROOSTI_DIR_BYTES, "entries of a directory");
        if (!reader->buf)
            return ROOST_ENOMEM;
    }
    int fd = roosti_file_open(path, O_RDONLY | O_DIRECTORY | (follow ? 0 : O_NOFOLLOW), 0);
    if (fd < 0)
        return fd;
    reader->fd = fd;
    reader->at = reader->len = 0;
    return 0;
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

int roosti_dir_step(struct roosti_dir_reader *reader, const struct roosti_entry **entry)
{
    for (;;) {
        if (reader->at == reader->len) {
            struct roosti_file_call read = {
                .what = ROOSTI_FILE_ENTRIES, .buf = reader->buf, .size = ROOSTI_DIR_BYTES};
            int64_t n = roosti_file_do(reader->fd, &read);
            if (n <= 0)
                return (int)n;
            reader->at = 0;
            reader->len = (size_t)n;
        }
        const struct roosti_entry *found = (const void *)(reader->buf + reader->at);
        reader->at += found->size;
        if (!is_dots(found->name)) {
            *entry = found;
            return 1;
        }
    }
}

void roosti_dir_end(struct roosti_dir_reader *reader)
{
    if (reader->fd >= 0)
        (void)roosti_file_shut(reader->fd);
    reader->fd = -1;
}

void roosti_dir_fini(struct roosti_dir_reader *reader)
{
    roosti_dir_end(reader);
    roosti_free(reader->buf);
    reader->buf = NULL;
}

/* -- one directory ----------------------------------------------------------------------------- */

struct roost_dir {
    struct roosti_dir_reader reader;
};

int roost_dir_open(const char *path, roost_dir **dir)
{
    if (!roosti_self())
        return roosti_no_task();
    roost_dir *made = roosti_alloc_zero(1, sizeof *made, "a directory");
    if (!made)
        return ROOST_ENOMEM;
    made->reader.fd = -1;
    int rc = roosti_dir_begin(&made->reader, path, true);
    if (rc < 0)
        roost_dir_close(made);
    else
        *dir = made;
    return rc;
}

int roost_dir_next(roost_dir *dir, roost_dir_entry *entry)
{
    const struct roosti_entry *found;
    int rc = roosti_dir_step(&dir->reader, &found);
    if (rc == 1)
        *entry = (roost_dir_entry){
            .path = found->name,
            .name = found->name,
            .kind = roosti_entry_kind(found->kind),
            .depth = 1,
            .inode = found->inode,
        };
    return rc;
}

void roost_dir_close(roost_dir *dir)
{
    if (!dir)
        return;
    roosti_dir_fini(&dir->reader);
    roosti_free(dir);
}

struct dir_listing {
    const char *path;
    struct roosti_strings names;
};

ROOST_ASYNC(dir_list, struct dir_listing *, listing)
{
    struct roosti_dir_reader reader = {.fd = -1};
    const struct roosti_entry *entry = NULL;
    int rc = roosti_dir_begin(&reader, listing->path, true);
    while (rc >= 0 && (rc = roosti_dir_step(&reader, &entry)) > 0)
        rc = roosti_strings_add(&listing->names, "", entry->name);
    roosti_dir_fini(&reader);
    return rc;
}

int roost_dir_list(const char *path, char ***names, size_t *count)
{
    struct dir_listing listing = {.path = path};
    int rc = roosti_file_job(ROOST_CALL(dir_list, &listing));
    if (rc == 0)
        rc = roosti_strings_give(&listing.names, false, names, count);
    roosti_strings_fini(&listing.names);
    return rc;
}
