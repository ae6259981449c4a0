/* examples/wordcount/count.c - counting the files of a directory tree, many at a time.
 *
 * One task walks the tree and starts a task for each file, in a group with a limit: when so many
 * files are being read, the walk waits. Both suspend their task and never hold up the thread.
 *
 * SPDX-License-Identifier: MIT
 */
#include "count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <roost/dir.h>
#include <roost/file.h>

enum { READ_BYTES = 64 * 1024 };

/* -- problems
 * ------------------------------------------------------------------------------------*/

/* path: copied. */
static void tally_problem(struct tally *tally, const char *path, int code)
{
    if (tally->problem_count < PROBLEMS_KEPT)
        tally->problems[tally->problem_count] = (struct problem){strdup(path), code};
    tally->problem_count++;
}

void tally_fini(struct tally *tally)
{
    for (size_t i = 0; i < PROBLEMS_KEPT; i++)
        free(tally->problems[i].path);
    ranking_fini(&tally->ranking);
}

/* -- one file
 * ------------------------------------------------------------------------------------*/

/* The word that is being read: it may go on in the next piece of the file. */
struct word {
    uint64_t hash;
    size_t len;
    char text[RANKED_BYTES_MAX];
};

static int word_end(struct tally *tally, struct word *word)
{
    int rc = 0;
    if (word->len > 0)
        tally->words++;
    if (word->len > 0 && word->len <= RANKED_BYTES_MAX)
        rc = ranking_add(&tally->ranking, word->text, word->len, word->hash);
    word->len = 0;
    word->hash = RANKING_HASH_INIT;
    return rc;
}

static int count_bytes(struct tally *tally, struct word *word, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        if (byte == ' ' || (byte >= '\t' && byte <= '\r')) {
            tally->lines += byte == '\n';
            ROOST_TRY(word_end(tally, word));
            continue;
        }
        if (word->len < RANKED_BYTES_MAX)
            word->text[word->len] = bytes[i];
        word->len++;
        word->hash = ranking_hash(word->hash, byte);
    }
    tally->bytes += n;
    return 0;
}

/* The buffer may lie on the task's stack: a read never returns before the kernel is done with it,
 * cancelled or not. */
ROOST_SUSPENDS static int count_open_file(struct tally *tally, roost_file *file)
{
    char buf[READ_BYTES];
    struct word word = {.hash = RANKING_HASH_INIT};
    int64_t n;
    while ((n = roost_file_read(file, buf, sizeof buf)) > 0)
        ROOST_TRY(count_bytes(tally, &word, buf, (size_t)n));
    ROOST_TRY(n);
    return word_end(tally, &word);
}

/* path: taken. */
ROOST_ASYNC(count_file, struct tally *, tally, char *, path)
{
    roost_file *file = NULL;
    int rc = roost_file_open(path, "r", NULL, &file);
    if (rc == 0)
        rc = count_open_file(tally, file);
    roost_ignore(roost_file_close(file));
    if (rc == 0)
        tally->files++;
    else if (rc != ROOST_ECANCELED && rc != ROOST_ENOMEM)
        tally_problem(tally, path, rc);
    free(path);
    return rc == ROOST_ECANCELED || rc == ROOST_ENOMEM ? rc : 0;
}

/* -- the tree -----------------------------------------------------------------------------------*/

static bool is_left_out(const roost_dir_entry *entry)
{
    return entry->kind == ROOST_FILE_DIR &&
           (strcmp(entry->name, ".git") == 0 || strcmp(entry->name, "build") == 0);
}

/* What the walk comes upon. */
ROOST_SUSPENDS static int count_entry(struct tally *tally, roost_group *group, roost_walk *walk,
                                      const roost_dir_entry *entry)
{
    if (entry->error < 0) {
        tally->directories--;
        tally_problem(tally, entry->path, entry->error);
    } else if (is_left_out(entry)) {
        roost_walk_skip(walk);
    } else if (entry->kind == ROOST_FILE_DIR) {
        tally->directories++;
    } else if (entry->kind == ROOST_FILE_REGULAR) {
        char *path = strdup(entry->path);
        return path ? roost_spawn(group, ROOST_CALL(count_file, tally, path), NULL, NULL)
                    : ROOST_ENOMEM;
    }
    return 0;
}

ROOST_ASYNC_DEFINE(count_tree, struct tally *, tally, const char *, root)
{
    roost_walk_opts walk_opts = {.prune = true};
    roost_group_opts opts = {.limit = FILES_AT_ONCE, .label = "files"};
    ROOST_AUTO(walk) roost_walk *walk = NULL;
    int rc = roost_walk_open(root, &walk_opts, &walk);

    ROOST_GROUP_WITH(g, rc, &opts) {
        roost_dir_entry entry;
        if (rc == 0)
            tally->directories++;
        while (rc >= 0 && (rc = roost_walk_next(walk, &entry)) > 0)
            rc = count_entry(tally, g, walk, &entry);
    }
    return rc;
}
