/* io/dir.h - reading a directory in steps of a job.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_DIR_H
#define ROOST_IO_DIR_H

#include <roost/dir.h>

#include "io/file_job.h"

enum { ROOSTI_DIR_BYTES = 32 * 1024 };

/* Zeroed with fd -1: at rest. */
struct roosti_dir_reader {
    int fd;
    size_t at;
    size_t len;
    char *buf; /* ROOSTI_DIR_BYTES; of the reader from the first opening until fini */
};

/* 0 or a code. */
int roosti_dir_begin(struct roosti_dir_reader *reader, const char *path, bool follow);
/* 1 with *entry, which is valid until the next call, 0 at the end, or a code. */
int roosti_dir_step(struct roosti_dir_reader *reader, const struct roosti_entry **entry);
void roosti_dir_end(struct roosti_dir_reader *reader);
void roosti_dir_fini(struct roosti_dir_reader *reader);

#endif
