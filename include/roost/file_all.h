/* roost/file_all.h - whole files in one call.
 *
 *     ROOST_AUTO(memory) char *text = NULL;
 *     ROOST_TRY(roost_file_read_text("config.json", 0, &text));
 *     ROOST_TRY(roost_file_write_all("state", data, len, &(roost_write_opts){.atomic = true}));
 *
 * Opening, reading and closing are one hop to a thread, or none when the page cache has it all.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_FILE_ALL_H
#define ROOST_FILE_ALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <roost/config.h>
#include <roost/error.h>

/* The longest file that is read whole by default: 1 GiB. */
#define ROOST_FILE_ALL_BYTES_MAX ((size_t)1 << 30)

/* Zero means default. */
typedef struct roost_write_opts {
    bool atomic;          /* all or nothing, also after a crash */
    bool sync;            /* on the disk when it returns; atomic does that in any case */
    bool keep;            /* -EEXIST when the name is there */
    uint32_t permissions; /* of a new file, less the umask; default 0666, or as the one replaced */
} roost_write_opts;

ROOST_BEGIN_DECLS

/**
 * roost_file_read_all - a whole file into memory.
 *
 *   path      borrowed.
 *   max       bytes, then ROOST_EOVERFLOW; 0: ROOST_FILE_ALL_BYTES_MAX.
 *   data      gives the bytes and a terminating 0 behind them, release with roost_memory_free;
 *             written on success only.
 *   len       receives their number; may be NULL.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED; nothing is written.
 * Errors    ROOST_EOVERFLOW  the file is longer than max; ROOST_ENOMEM; codes of the system;
 *           ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_read_all(const char *path, size_t max,
                                                            char **data, size_t *len);

/**
 * roost_file_read_text - the same for UTF-8 text: a byte order mark is cut off.
 *
 *   path      borrowed.
 *   max       bytes, then ROOST_EOVERFLOW; 0: ROOST_FILE_ALL_BYTES_MAX.
 *   text      gives the text, terminated, release with roost_memory_free; written on success only.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED; nothing is written.
 * Errors    -EILSEQ  it is not UTF-8, or has a 0 in it; those of roost_file_read_all.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_read_text(const char *path, size_t max,
                                                             char **text);

/**
 * roost_file_write_all - make a file of these bytes, in place of what has the name.
 *
 *   path      borrowed.
 *   data      borrowed.
 *   len       bytes.
 *   opts      copied; NULL for defaults.
 *
 * With the option atomic the name leads to the old content or to all of the new one, at any
 * instant, after a crash and after every failure: the bytes go to a temporary file beside it, which
 * is synced and renamed, and then the directory is synced. When only that last step fails the new
 * content is in place and the code is returned.
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed. In simulation
 *           half way too: with atomic the old content stays, else part of the new one.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_write_all(const char *path, const void *data,
                                                             size_t len,
                                                             const roost_write_opts *opts);

/**
 * roost_file_append_all - write bytes at the end of a file, which is made if it is not there.
 *
 *   path      borrowed.
 *   data      borrowed.
 *   len       bytes, at most 0x7ffff000; those of several appenders do not mix unless the disk
 *             takes only part of them.
 *   opts      copied; NULL for defaults; the option atomic is not for this (ROOST_EINVAL).
 *
 * Suspends  while the disk is at work.
 * Cancel    ROOST_ECANCELED before anything was done; what has begun is completed.
 * Errors    codes of the system; ROOST_ENOMEM; ROOST_ENOCTX  not in a task.
 * Threads   tasks.
 */
ROOST_API ROOST_MUST ROOST_SUSPENDS int roost_file_append_all(const char *path, const void *data,
                                                              size_t len,
                                                              const roost_write_opts *opts);

/**
 * roost_memory_free - release what a call gave to be released so.
 *
 *   memory    NULL is accepted.
 *
 * Suspends  never.
 * Threads   any.
 */
ROOST_API void roost_memory_free(void *memory);

/* For ROOST_AUTO(memory) on a char pointer. */
static inline void roost_memory_cleanup(char **memory)
{
    roost_memory_free(*memory);
}

ROOST_END_DECLS

#endif
