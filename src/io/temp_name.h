/* io/temp_name.h - names nobody else has, beside a file or in a directory.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_TEMP_NAME_H
#define ROOST_IO_TEMP_NAME_H

#include <stddef.h>
#include <stdint.h>

/* How often a name that is taken is replaced by another one. */
enum { ROOSTI_TEMP_TRIES = 100 };

/* A random word for names, of the running task's loop. */
uint64_t roosti_temp_word(void);

/* A hidden name in the directory of `path`, another one for each *word. 0 or -ENAMETOOLONG. */
int roosti_temp_beside(const char *path, uint64_t *word, char *buf, size_t size);
/* A name in `dir`. */
int roosti_temp_in(const char *dir, uint64_t *word, char *buf, size_t size);

/* The directory of a path into buf: "." when it names none. 0 or -ENAMETOOLONG. */
int roosti_path_dir(const char *path, char *buf, size_t size);

/* Steps of a job: brings a directory's names to the disk; removes a file that did not come to be,
 * whatever has been cancelled. */
int roosti_dir_fsync(const char *path);
void roosti_file_undo(const char *path);

#endif
