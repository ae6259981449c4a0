/* io/walk.c - walking a tree.
 *
 * SPDX-License-Identifier: MIT
 */
#include "io/walk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "port/file_flags.h"
#include "rt/loop.h"

/* -- life -------------------------------------------------------------------------------------- */

int roosti_walk_new(const roost_walk_opts *opts, roost_walk **walk)
{
    roost_walk *made = roosti_alloc_zero(1, sizeof *made, "a walk");
    if (!made)
        return ROOST_ENOMEM;
    if (opts)
        made->opts = *opts;
    made->reader.fd = -1;
    made->loop = roosti_loop_here->id;
    made->records = roosti_alloc(ROOSTI_WALK_BATCH * sizeof *made->records, "entries of a walk");
    if (made->opts.stat || made->opts.one_device)
        made->stats = roosti_alloc(ROOSTI_WALK_BATCH * sizeof *made->stats, "facts of a walk");
    if (!made->records || ((made->opts.stat || made->opts.one_device) && !made->stats)) {
        roost_walk_close(made);
        return ROOST_ENOMEM;
    }
    *walk = made;
    return 0;
}

void roost_walk_close(roost_walk *walk)
{
    if (!walk)
        return;
    roosti_dir_fini(&walk->reader);
    roosti_strings_fini(&walk->text);
    roosti_strings_fini(&walk->pending);
    roosti_strings_fini(&walk->here);
    roosti_free(walk->records);
    roosti_free(walk->stats);
    roosti_free(walk);
}

int roosti_walk_push(roost_walk *walk, const char *path, uint32_t depth)
{
    char number[16];
    snprintf(number, sizeof number, "%u/", (unsigned)depth);
    return roosti_strings_add(&walk->pending, number, path);
}

int roost_walk_open(const char *root, const roost_walk_opts *opts, roost_walk **walk)
{
    roost_walk *made;
    if (!roosti_self())
        return roosti_no_task();
    if (strlen(root) >= PATH_MAX)
        return -ENAMETOOLONG;
    int rc = roosti_walk_new(opts, &made);
    if (rc < 0)
        return rc;
    rc = roosti_walk_push(made, root, 1);
    if (rc < 0)
        roost_walk_close(made);
    else
        *walk = made;
    return rc;
}

roost_walk *roost_walk_begin(const char *root, const roost_walk_opts *opts, int *rc)
{
    roost_walk *walk = NULL;
    *rc = roost_walk_open(root, opts, &walk);
    return walk;
}

/* -- the job ----------------------------------------------------------------------------------- */

/* Facts of the record, whose path is the last of the text. 0 or a code. */
static int record_stat(roost_walk *walk, struct roosti_walk_record *record)
{
    struct roosti_file_stat about;
    struct roosti_file_call call = {.what = ROOSTI_FILE_STAT,
                                    .path = walk->text.text + record->path,
                                    .flags = ROOSTI_FILE_NO_FOLLOW,
                                    .stat = &about};
    roost_stat stat;
    int rc = (int)roosti_file_do(-1, &call);
    if (rc < 0)
        return rc;
    roosti_stat_fill(&stat, &about);
    record->kind = stat.kind;
    if (walk->stats)
        walk->stats[record->stat] = stat;
    return 0;
}

/* A code, 0 when it is there, 1 when it has gone meanwhile. */
static int record_add(roost_walk *walk, const char *dir, const struct roosti_entry *entry)
{
    struct roosti_walk_record *record = &walk->records[walk->count];
    *record = (struct roosti_walk_record){
        .path = walk->text.len,
        .kind = roosti_entry_kind(entry->kind),
        .depth = walk->depth,
        .inode = entry->inode,
        .stat = walk->count,
    };
    int rc = roosti_strings_add(&walk->text, dir, entry->name);
    if (rc < 0)
        return rc;
    if (walk->stats || entry->kind == 0) {
        rc = record_stat(walk, record);
        if (rc < 0) {
            (void)roosti_strings_pop(&walk->text);
            return rc == ROOST_ENOMEM || rc == ROOST_ECANCELED ? rc : 1;
        }
    }
    walk->count++;
    return 0;
}

static bool walk_enters(const roost_walk *walk, const struct roosti_walk_record *record)
{
    if (record->kind != ROOST_FILE_DIR || record->error < 0)
        return false;
    if (walk->opts.depth_max && record->depth >= walk->opts.depth_max)
        return false;
    return !walk->opts.one_device || walk->stats[record->stat].device == walk->device;
}

/* The directory that could not be read, once more. */
static int record_error(roost_walk *walk, int error)
{
    struct roosti_walk_record *record = &walk->records[walk->count];
    *record = (struct roosti_walk_record){.path = walk->text.len,
                                          .kind = ROOST_FILE_DIR,
                                          .depth = walk->depth - 1,
                                          .error = error,
                                          .stat = walk->count};
    int rc = roosti_strings_add(&walk->text, "", walk->here.text);
    if (rc == 0) {
        if (walk->stats)
            walk->stats[walk->count] = (roost_stat){0};
        walk->count++;
    }
    return rc;
}

static bool walk_is_fatal(int rc)
{
    return rc == ROOST_ENOMEM || rc == ROOST_ECANCELED || rc == ROOST_ETIMEDOUT;
}

/* Opens the last pending directory. */
static int walk_enter(roost_walk *walk)
{
    size_t pending_len = walk->pending.len;
    const char *last = walk->pending.text + roosti_strings_pop(&walk->pending);
    char *path;
    walk->depth = (uint32_t)strtoull(last, &path, 10);
    walk->here.len = walk->here.count = 0;
    bool root = !walk->begun;
    int rc = roosti_strings_add(&walk->here, "", path + 1);
    if (rc == 0 && root && walk->opts.one_device) {
        struct roosti_file_stat about;
        struct roosti_file_call call = {
            .what = ROOSTI_FILE_STAT, .path = walk->here.text, .stat = &about};
        rc = (int)roosti_file_do(-1, &call);
        if (rc == 0)
            walk->device = about.device;
    }
    if (rc == 0)
        rc = roosti_dir_begin(&walk->reader, walk->here.text, root);
    if (rc < 0 && walk_is_fatal(rc)) {
        /* Still to be read, by a walk that goes on after a cancellation. */
        walk->pending.len = pending_len;
        walk->pending.count++;
        return rc;
    }
    walk->begun = true;
    if (rc < 0 && (!root || walk->shallow))
        return record_error(walk, rc);
    return rc;
}

/* A directory that was found will be gone into. */
static int walk_note(roost_walk *walk, const struct roosti_walk_record *record)
{
    if (!walk_enters(walk, record))
        return 0;
    return roosti_walk_push(walk, walk->text.text + record->path, record->depth + 1);
}

int roosti_walk_fill(roost_walk *walk)
{
    const struct roosti_entry *entry;
    int rc = 0;
    walk->count = walk->at = 0;
    walk->text.len = walk->text.count = 0;
    while (rc >= 0 && walk->count < ROOSTI_WALK_BATCH) {
        if (walk->reader.fd < 0) {
            if (walk->pending.count == 0 || (walk->opts.prune && walk->count > 0))
                break;
            rc = walk_enter(walk);
            continue;
        }
        rc = roosti_dir_step(&walk->reader, &entry);
        if (rc < 0 && walk_is_fatal(rc))
            break;
        if (rc <= 0) {
            int why = rc;
            roosti_dir_end(&walk->reader);
            rc = why < 0 ? record_error(walk, why) : 0;
            continue;
        }
        rc = record_add(walk, walk->here.text, entry);
        if (rc == 0 && !walk->shallow && !walk->opts.prune)
            rc = walk_note(walk, &walk->records[walk->count - 1]);
    }
    return rc < 0 ? rc : 0;
}

ROOST_ASYNC(walk_fill, roost_walk *, walk)
{
    return roosti_walk_fill(walk);
}

/* -- the user's side --------------------------------------------------------------------------- */

void roosti_walk_entry(const roost_walk *walk, size_t index, roost_dir_entry *entry)
{
    const struct roosti_walk_record *record = &walk->records[index];
    const char *path = walk->text.text + record->path;
    *entry = (roost_dir_entry){
        .path = path,
        .name = roost_path_name(path),
        .kind = record->kind,
        .depth = record->depth,
        .error = record->error,
        .inode = record->inode,
    };
    if (walk->stats)
        entry->stat = walk->stats[record->stat];
}

/* The directory given last is gone into after all. */
static int walk_release(roost_walk *walk)
{
    if (!walk->held)
        return 0;
    const struct roosti_walk_record *last = &walk->records[walk->at - 1];
    int rc = roosti_walk_push(walk, walk->text.text + last->path, last->depth + 1);
    walk->held = rc < 0;
    return rc;
}

int roost_walk_next(roost_walk *walk, roost_dir_entry *entry)
{
    struct roosti_loop *loop = roosti_loop_here;
    int rc = loop ? roosti_loop_owns(loop, &walk->loop) : roosti_no_task();
    if (rc == 0)
        rc = walk_release(walk);
    if (rc < 0)
        return rc;
    if (walk->at == walk->count) {
        if (walk->failed < 0) {
            rc = walk->failed;
            walk->failed = 0;
            return rc;
        }
        if (walk->pending.count == 0 && walk->reader.fd < 0)
            return 0;
        rc = roosti_file_job(ROOST_CALL(walk_fill, walk));
        /* What was read before it failed is given first. */
        if (rc < 0 && walk->count == walk->at)
            return rc;
        walk->failed = rc < 0 ? rc : 0;
        if (walk->count == 0)
            return 0;
    }
    roosti_walk_entry(walk, walk->at, entry);
    walk->held = walk->opts.prune && walk_enters(walk, &walk->records[walk->at]);
    walk->at++;
    return 1;
}

void roost_walk_skip(roost_walk *walk)
{
    walk->held = false;
}
