/* io/walk_each.c - walking a tree with several threads.
 *
 * Each task of a group takes some of the directories that are left, has a thread read them, puts
 * the directories it found to those that are left, and then calls the user's function for what it
 * found. Who finds none left waits; the walk is over when all wait.
 *
 * SPDX-License-Identifier: MIT
 */
#include <string.h>

#include <roost/group.h>
#include <roost/run.h>

#include "base/mem.h"
#include "io/walk.h"
#include "port/file_flags.h"
#include "rt/loop.h"
#include "rt/waitq.h"

/* Directories are taken so many at a time, while there are plenty. */
enum { CREW_DEFAULT = 4, TAKE_MAX = 16 };

struct crew {
    struct roosti_strings left; /* as a walk's pending ones */
    struct roost_impl_waitq idle;
    roost_walk_opts opts;
    const char *root;
    int (*each)(void *arg, const roost_dir_entry *entry);
    void *arg;
    uint32_t working;
    uint32_t size;
    bool begun;
    bool over;
    int result;
};

ROOST_ASYNC(walk_batch, roost_walk *, walk)
{
    return roosti_walk_fill(walk);
}

/* The last of those left go to the walk. */
static int crew_take(struct crew *crew, roost_walk *walk)
{
    size_t share = crew->left.count / crew->size;
    share = share < 1 ? 1 : share > TAKE_MAX ? TAKE_MAX : share;
    for (; share > 0 && crew->left.count > 0; share--) {
        const char *last = crew->left.text + roosti_strings_pop(&crew->left);
        int rc = roosti_strings_add(&walk->pending, "", last);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int crew_give(struct crew *crew, const roost_walk *walk)
{
    for (size_t i = 0; i < walk->count; i++) {
        const struct roosti_walk_record *record = &walk->records[i];
        if (record->kind != ROOST_FILE_DIR || record->error < 0 ||
            (crew->opts.depth_max && record->depth >= crew->opts.depth_max) ||
            (crew->opts.one_device && walk->stats[record->stat].device != walk->device))
            continue;
        struct roost_walk at = {.pending = crew->left};
        int rc = roosti_walk_push(&at, walk->text.text + record->path, record->depth + 1);
        crew->left = at.pending;
        if (rc < 0)
            return rc;
        (void)roosti_waitq_wake(&crew->idle, 0);
    }
    return 0;
}

static int crew_tell(struct crew *crew, const roost_walk *walk)
{
    for (size_t i = 0; i < walk->count && !crew->over; i++) {
        roost_dir_entry entry;
        roosti_walk_entry(walk, i, &entry);
        int rc = crew->each(crew->arg, &entry);
        if (rc != 0)
            return rc;
    }
    return 0;
}

/* One round: some directories, all their entries. Non-zero ends the walk. */
static int crew_round(struct crew *crew, roost_walk *walk)
{
    int rc = crew_take(crew, walk);
    walk->begun = crew->begun;
    while (rc == 0 && (walk->pending.count > 0 || walk->reader.fd >= 0)) {
        rc = roosti_file_job(ROOST_CALL(walk_batch, walk));
        /* The root that cannot be read is an error and not an entry. */
        if (rc == 0 && !crew->begun && walk->count > 0 && walk->records[0].depth == 0)
            rc = walk->records[0].error;
        crew->begun = true;
        if (rc == 0)
            rc = crew_give(crew, walk);
        if (rc == 0)
            rc = crew_tell(crew, walk);
    }
    return rc;
}

static void crew_end(struct crew *crew)
{
    crew->over = true;
    while (roosti_waitq_wake(&crew->idle, 0))
        continue;
}

static int crew_work(struct crew *crew, roost_walk *walk)
{
    struct roost_task *self = roosti_self();
    int rc = 0;
    while (rc == 0 && !crew->over) {
        if (crew->left.count > 0) {
            crew->working++;
            rc = crew_round(crew, walk);
            crew->working--;
            continue;
        }
        if (crew->working == 0)
            break;
        rc = roosti_op_refused(self);
        if (rc == 0) {
            struct roost_impl_waiter waiter = {.task = self};
            rc = roosti_waitq_park(&crew->idle, &waiter, roosti_waitq_abort, "a directory to read",
                                   &crew->idle);
        }
    }
    crew_end(crew);
    return rc;
}

ROOST_ASYNC(walk_crew, struct crew *, crew)
{
    roost_walk *walk;
    int rc = roosti_walk_new(&crew->opts, &walk);
    if (rc < 0) {
        crew_end(crew);
        return rc;
    }
    walk->shallow = true;
    rc = crew_work(crew, walk);
    roost_walk_close(walk);
    /* A result that is no error ends the others too. */
    if (rc > 0) {
        crew->result = rc;
        rc = 0;
    }
    return rc;
}

int roost_walk_each(const char *root, const roost_walk_opts *opts,
                    int (*each)(void *arg, const roost_dir_entry *entry), void *arg)
{
    struct crew crew = {.root = root, .each = each, .arg = arg};
    if (!roosti_self())
        return roosti_no_task();
    if (strlen(root) >= PATH_MAX)
        return -ENAMETOOLONG;
    if (opts)
        crew.opts = *opts;
    crew.opts.prune = false;
    crew.size = crew.opts.concurrency ? crew.opts.concurrency : CREW_DEFAULT;
    struct roost_walk at = {.opts = crew.opts};
    int rc = roosti_walk_push(&at, root, 1);
    crew.left = at.pending;
    if (rc == 0) {
        ROOST_GROUP(group, rc)
            for (uint32_t i = 0; i < crew.size && rc == 0; i++)
                rc = roost_spawn(group, ROOST_CALL(walk_crew, &crew), NULL, NULL);
    }
    roosti_strings_fini(&crew.left);
    return rc < 0 ? rc : crew.result;
}
