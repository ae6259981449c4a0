/* examples/wordcount/count.h - counting the files of a directory tree, many at a time.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef WORDCOUNT_COUNT_H
#define WORDCOUNT_COUNT_H

#include <roost.h>

#include "ranking.h"

/* Files that are read at the same time. */
enum { FILES_AT_ONCE = 64 };

/* Problems that are kept with their path; later ones are counted. */
enum { PROBLEMS_KEPT = 20 };

struct problem {
    char *path;
    int code;
};

/* What has been counted so far. All tasks share it without a lock: they run on one loop, and give
 * way to each other in suspending calls only. Zeroed: empty. */
struct tally {
    uint64_t files;
    uint64_t directories;
    uint64_t bytes;
    uint64_t lines; /* newlines */
    uint64_t words; /* longest stretches of bytes that are not blank, as wc has it */
    struct ranking ranking;
    uint64_t problem_count;
    struct problem problems[PROBLEMS_KEPT];
};

/* Counts every regular file below `root`, which may not be a file itself. Links are not followed;
 * directories named .git and build are left out. What cannot be read becomes a problem. */
ROOST_ASYNC_DECLARE(count_tree, struct tally *, tally, const char *, root);

void tally_fini(struct tally *tally);

#endif
