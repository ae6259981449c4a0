/* io/temp.c - temporary files and directories.
 *
 * SPDX-License-Identifier: MIT
 */
#include <roost/temp.h>

#include <stdlib.h>
#include <string.h>

#include "io/file.h"
#include "io/temp_name.h"
#include "port/file_flags.h"

static const char *temp_dir(const char *dir)
{
    const char *found = dir ? dir : getenv("TMPDIR");
    return found && found[0] ? found : "/tmp";
}

struct temp_open {
    const char *dir;
    uint64_t word;
};

/* A name and, once it is open, none any more: where there are no files without names. */
static int temp_open_named(struct temp_open *temp)
{
    char path[ROOST_TEMP_PATH_MAX];
    int fd = -EEXIST;
    for (int tries = 0; fd == -EEXIST && tries < ROOSTI_TEMP_TRIES; tries++) {
        fd = roosti_temp_in(temp->dir, &temp->word, path, sizeof path);
        if (fd == 0)
            fd = roosti_file_open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    }
    if (fd >= 0)
        roosti_file_undo(path);
    return fd;
}

ROOST_ASYNC(temp_open, struct temp_open *, temp)
{
    int fd = roosti_file_open(temp->dir, O_RDWR | O_TMPFILE, 0600);
    return fd == -EOPNOTSUPP || fd == -EISDIR || fd == -EINVAL ? temp_open_named(temp) : fd;
}

int roost_temp_file(const char *dir, roost_file **file)
{
    struct temp_open temp = {temp_dir(dir), 0};
    if (!roosti_self())
        return roosti_no_task();
    temp.word = roosti_temp_word();
    int fd = roosti_file_job(ROOST_CALL(temp_open, &temp));
    if (fd < 0)
        return fd;
    int rc = roost_file_from_fd(fd, "r+", NULL, file);
    if (rc < 0)
        (void)roosti_file_shut(fd);
    return rc;
}

int roost_temp_link(roost_file *file, const char *path)
{
    struct roosti_file_call call = {.what = ROOSTI_FILE_LINK_FD, .other = path};
    int rc = roost_file_flush(file);
    return rc < 0 ? rc : (int)roosti_file_do(file->fd, &call);
}

int roost_temp_dir(const char *dir, roost_temp *temp)
{
    roost_temp made;
    int rc = -EEXIST;
    if (!roosti_self())
        return roosti_no_task();
    uint64_t word = roosti_temp_word();
    for (int tries = 0; rc == -EEXIST && tries < ROOSTI_TEMP_TRIES; tries++) {
        rc = roosti_temp_in(temp_dir(dir), &word, made.path, sizeof made.path);
        if (rc == 0)
            rc = roost_path_mkdir(made.path, 0700);
    }
    if (rc == 0)
        *temp = made;
    return rc;
}

int roost_temp_remove(roost_temp *temp)
{
    struct roosti_file_shield shield;
    if (temp->path[0] == '\0')
        return 0;
    roosti_file_shield(&shield);
    int rc = roost_path_remove_tree(temp->path);
    roosti_file_unshield(&shield);
    temp->path[0] = '\0';
    return rc;
}
