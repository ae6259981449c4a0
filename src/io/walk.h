/* io/walk.h - a walk through a tree: batches of records, and directories still to be read.
 *
 * A job fills the batch: it takes the last pending directory and reads it, until there are records
 * enough; a big directory stays open for the next batch. Between jobs the task hands records out.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef ROOST_IO_WALK_H
#define ROOST_IO_WALK_H

#include "io/dir.h"
#include "io/strings.h"

enum { ROOSTI_WALK_BATCH = 512 };

struct roosti_walk_record {
    size_t path; /* in the text of the batch */
    enum roost_file_kind kind;
    uint32_t depth;
    int error;
    uint64_t inode;
    size_t stat; /* its place among the stats */
};

struct roost_walk {
    uint32_t loop;
    roost_walk_opts opts;
    bool shallow; /* directories found are records only, and not pending */
    bool begun;   /* the root has been read */
    int failed;   /* what a job came to: told once the batch is empty */
    uint64_t device;

    struct roosti_walk_record *records;
    roost_stat *stats; /* NULL without the option */
    size_t count;
    size_t at; /* the next one to be given */
    struct roosti_strings text;

    struct roosti_strings pending; /* each with its depth in front: "3 root/a/b" */
    bool held;                     /* prune: the last one given is a directory, not pending yet */

    struct roosti_dir_reader reader; /* of the directory being read */
    struct roosti_strings here;      /* its path */
    uint32_t depth;                  /* of what is in it */
};

int roosti_walk_new(const roost_walk_opts *opts, roost_walk **walk);
/* depth: of the entries in it. */
int roosti_walk_push(roost_walk *walk, const char *path, uint32_t depth);
/* Fills the batch, which is empty; in a job. 0 or a code. */
int roosti_walk_fill(roost_walk *walk);
void roosti_walk_entry(const roost_walk *walk, size_t index, roost_dir_entry *entry);

#endif
