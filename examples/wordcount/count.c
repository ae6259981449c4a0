/* examples/wordcount/count.c - counting the files of a directory tree, many at a time.
 *
 * One task walks the tree and starts a task for each file, in a group with a limit: when so many
 * files are being read, the walk waits. A directory's listing never waits, a file's bytes may.
 *
 * SPDX-License-Identifier: MIT
 */
#include "count.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <roost/impl/file.h>

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
ROOST_SUSPENDS static int count_open_file(struct tally *tally, int fd)
{
    char buf[READ_BYTES];
    struct word word = {.hash = RANKING_HASH_INIT};
    int64_t offset = 0;
    int64_t n;
    while ((n = roost_impl_file_read(fd, buf, sizeof buf, offset)) > 0) {
        ROOST_TRY(count_bytes(tally, &word, buf, (size_t)n));
        offset += n;
    }
    ROOST_TRY(n);
    return word_end(tally, &word);
}

/* path: taken. */
ROOST_ASYNC(count_file, struct tally *, tally, char *, path)
{
    int fd = roost_impl_file_open(path);
    int rc = fd;
    if (fd >= 0) {
        rc = count_open_file(tally, fd);
        roost_impl_file_close(fd);
    }
    if (rc == 0)
        tally->files++;
    else if (rc != ROOST_ECANCELED && rc != ROOST_ENOMEM)
        tally_problem(tally, path, rc);
    free(path);
    return rc == ROOST_ECANCELED || rc == ROOST_ENOMEM ? rc : 0;
}

/* -- the tree
 * ------------------------------------------------------------------------------------*/

/* Paths still to be visited, the next one last. */
struct paths {
    char **items;
    size_t count;
    size_t room;
};

/* path: taken. */
static int paths_push(struct paths *paths, char *path)
{
    if (path && paths->count == paths->room) {
        size_t room = paths->room ? paths->room * 2 : 256;
        char **items = realloc(paths->items, room * sizeof *items);
        if (!items) {
            free(path);
            return ROOST_ENOMEM;
        }
        paths->items = items;
        paths->room = room;
    }
    if (!path)
        return ROOST_ENOMEM;
    paths->items[paths->count++] = path;
    return 0;
}

static void paths_fini(struct paths *paths)
{
    while (paths->count > 0)
        free(paths->items[--paths->count]);
    free(paths->items);
}

static char *path_join(const char *directory, const char *name)
{
    char *path = NULL;
    size_t len = strlen(directory);
    const char *slash = len > 0 && directory[len - 1] == '/' ? "" : "/";
    if (strcmp(directory, ".") == 0)
        return strdup(name);
    return asprintf(&path, "%s%s%s", directory, slash, name) < 0 ? NULL : path;
}

struct listing {
    const char *directory;
    struct paths *directories;
    struct paths *files;
};

static int listing_add(void *arg, const char *name, bool is_directory)
{
    const struct listing *listing = arg;
    if (is_directory && (strcmp(name, ".git") == 0 || strcmp(name, "build") == 0))
        return 0;
    return paths_push(is_directory ? listing->directories : listing->files,
                      path_join(listing->directory, name));
}

/* Starts a task for each file that is a regular one. Their paths leave the list. */
ROOST_SUSPENDS static int count_files(struct tally *tally, roost_group *group, struct paths *files)
{
    struct stat about;
    while (files->count > 0) {
        char *path = files->items[files->count - 1];
        int rc = lstat(path, &about) < 0 ? -errno : 0;
        if (rc == 0 && S_ISREG(about.st_mode)) {
            ROOST_TRY(roost_spawn(group, ROOST_CALL(count_file, tally, path), NULL, NULL));
            path = NULL; /* the task's now */
        }
        if (rc < 0)
            tally_problem(tally, path, rc);
        free(path);
        files->count--;
    }
    return 0;
}

ROOST_SUSPENDS static int walk(struct tally *tally, roost_group *group, struct paths *directories,
                               struct paths *files)
{
    while (directories->count > 0) {
        char *directory = directories->items[--directories->count];
        struct listing listing = {directory, directories, files};
        int rc = roost_impl_dir_list(directory, listing_add, &listing);
        if (rc == 0)
            tally->directories++;
        else if (rc != ROOST_ENOMEM)
            tally_problem(tally, directory, rc);
        free(directory);
        if (rc == ROOST_ENOMEM)
            return rc;
        ROOST_TRY(count_files(tally, group, files));
        ROOST_TRY(roost_checkpoint()); /* directories without files must not hold up the others */
    }
    return 0;
}

ROOST_ASYNC_DEFINE(count_tree, struct tally *, tally, const char *, root)
{
    struct paths directories = {0};
    struct paths files = {0};
    roost_group_opts opts = {.limit = FILES_AT_ONCE, .label = "files"};
    int rc = paths_push(&directories, strdup(root));

    ROOST_GROUP_WITH(g, rc, &opts) {
        if (rc == 0)
            rc = walk(tally, g, &directories, &files);
    }
    paths_fini(&directories);
    paths_fini(&files);
    return rc;
}
